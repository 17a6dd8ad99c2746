#include "training/fit.hpp"

#include "training/lightgbm.hpp"
#include "training/xgboost.hpp"

namespace qtrader::training {

using models::ModelKind;

namespace {

base::Error invalid(std::string text) { return {"training", base::Errc::InvalidArgument, std::move(text)}; }

}  // namespace

base::Result<void> check(const FitSettings& settings) {
  if (settings.threads < 1 || settings.threads > 1024)
    return invalid("threads " + std::to_string(settings.threads) + ": expected 1 to 1024");
  for (const NetworkBudget& budget : {settings.nhits, settings.patchtst})
    if (budget.epochs < 1 || budget.windows_per_epoch < 0 || budget.validation_windows < 0)
      return invalid(std::to_string(budget.epochs) + " epochs of " + std::to_string(budget.windows_per_epoch) +
                     " windows, judged by " + std::to_string(budget.validation_windows) +
                     ": expected at least 1 epoch, and windows of 0 (all) or more");
  return {};
}

base::Result<void> check(std::span<const ModelKind> kinds) {
  for (std::size_t i = 0; i < kinds.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (kinds[i] == kinds[j]) return invalid("model " + std::string(models::name(kinds[i])) + " is named twice");
  return {};
}

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
