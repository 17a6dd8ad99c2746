// LightGBM trainer (ai.md 2.3): gradient-boosted trees grown leaf by leaf, the member that leads in high volatility.
//
// Ke et al. 2017, through the library's C API, in its deterministic mode. Rows with rv_ratio > 1.5 count double in
// training (the caller's weights are multiplied here). Fits with early stopping on the validation log-loss and keeps
// the rounds up to the best one, saved in LightGBM's text format. The trading core never links this.
#pragma once

#include "training/trainer.hpp"

namespace qtrader::training {

struct LightgbmParams {
  std::int32_t rounds = 200;
  std::int32_t early_stop = 20;
  double eta = 0.05;
  std::int32_t num_leaves = 31;
  std::int32_t max_depth = 8;
  double feature_fraction = 0.8;
  double bagging_fraction = 0.8;
  std::int32_t bagging_freq = 5;
  std::int32_t min_data_in_leaf = 50;
  double lambda_l1 = 0.1;
  double lambda_l2 = 0.1;
  std::int32_t max_bin = 255;
  double high_volatility_rv_ratio = 1.5;
  double high_volatility_weight = 2.0;
  std::int32_t nthread = 2;  // a constant, see XgboostParams
};

/// True for rows that are trained on at double weight and scored apart.
bool high_volatility(std::span<const double> row, double rv_ratio = LightgbmParams{}.high_volatility_rv_ratio);

/// Errors: InvalidArgument with the library's message; Interrupted.
base::Result<FittedModel> fit_lightgbm(const FitInput& input, const LightgbmParams& params = {});

/// The library's own probabilities for rows × features::kFeatureCount values: what serving is compared with.
base::Result<std::vector<Probabilities>> predict_lightgbm(const std::string& weights, std::span<const double> x);

}  // namespace qtrader::training
