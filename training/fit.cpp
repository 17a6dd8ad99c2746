#include "training/fit.hpp"

#include "training/lightgbm.hpp"
#include "training/xgboost.hpp"

namespace qtrader::training {

using models::ModelKind;

std::vector<ModelKind> trainable() {
  return {ModelKind::XGBoost, ModelKind::LightGBM, ModelKind::NHits, ModelKind::PatchTst};
}

base::Result<ModelKind> parse_trainable(std::string_view name) {
  std::string known;
  for (const ModelKind kind : trainable()) {
    if (models::name(kind) == name) return kind;
    known += (known.empty() ? "" : ", ") + std::string(models::name(kind));
  }
  return base::Error{"training", base::Errc::InvalidArgument,
                     "model '" + std::string(name) + "': expected one of " + known};
}

base::Result<FittedModel> fit(ModelKind kind, const FitInput& input, const FitSettings& settings) {
  switch (kind) {
    case ModelKind::XGBoost:
      return fit_xgboost(input, {.nthread = settings.threads});
    case ModelKind::LightGBM:
      return fit_lightgbm(input, {.nthread = settings.threads});
    case ModelKind::NHits:
      return fit_network(input, {.kind = kind, .budget = settings.nhits, .threads = settings.threads});
    case ModelKind::PatchTst:
      return fit_network(input, {.kind = kind, .budget = settings.patchtst, .threads = settings.threads});
  }
  return base::Error{"training", base::Errc::InvalidArgument, "no kind of model"};
}

}  // namespace qtrader::training
