// XGBoost trainer (ai.md 2.2): gradient-boosted trees, depth-wise, histogram splits, softmax over three classes.
//
// Chen & Guestrin 2016, through the library's C API. Fits with early stopping on the validation log-loss and keeps the
// rounds up to the best one, saved as UBJSON. The trading core never links this: it reads the file (core/models).
#pragma once

#include "training/trainer.hpp"

namespace qtrader::training {

struct XgboostParams {
  std::int32_t rounds = 600;
  std::int32_t early_stop = 30;
  double eta = 0.03;
  std::int32_t max_depth = 5;
  double min_child_weight = 10;
  double subsample = 0.8;
  double colsample_bytree = 0.7;
  double gamma = 0.2;
  double alpha = 0.3;
  double lambda = 2.0;
  std::int32_t max_bin = 256;
  std::int32_t nthread = 2;  // a constant, not the machine's count: part of what makes a fit reproducible
};

/// Errors: InvalidArgument with the library's message; Interrupted.
base::Result<FittedModel> fit_xgboost(const FitInput& input, const XgboostParams& params = {});

/// The library's own probabilities for rows × features::kFeatureCount values: what serving is compared with.
base::Result<std::vector<Probabilities>> predict_xgboost(std::string_view weights, std::span<const double> x);

std::string_view xgboost_version();

}  // namespace qtrader::training
