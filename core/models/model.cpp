#include "core/models/model.hpp"

namespace qtrader::models {

std::string_view name(ModelKind kind) {
  switch (kind) {
    case ModelKind::XGBoost:
      return "xgboost";
    case ModelKind::LightGBM:
      return "lightgbm";
    case ModelKind::NHits:
      return "nhits";
    case ModelKind::PatchTst:
      return "patchtst";
  }
  return "?";
}

}  // namespace qtrader::models
