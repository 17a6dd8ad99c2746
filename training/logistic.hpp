// Multinomial logistic regression: the baseline every model has to beat (ai.md 2.1). Never traded on.
//
// Features standardised with mean and deviation of the training rows and clipped to ±5, weights penalised by L2, fitted
// by L-BFGS (Liu & Nocedal 1989) to convergence: convex, so the answer does not depend on a seed.
#pragma once

#include "training/trainer.hpp"

namespace qtrader::training {

struct LogisticParams {
  double l2 = 1e-4;  // of the mean loss; the intercepts are free
  std::int32_t max_iterations = 200;
  double gradient_tolerance = 1e-6;  // largest component
};

class LogisticRegression {
 public:
  /// Error: Interrupted.
  static base::Result<LogisticRegression> fit(const FitInput& input, const LogisticParams& params = {});
  Probabilities predict(std::span<const double> row) const;
  std::vector<Probabilities> predict_rows(const RowBlock& block) const;
  std::int32_t iterations() const { return iterations_; }

  /// What was fitted: per feature, and 1/deviation is 0 where a feature is constant.
  std::span<const double> mean() const { return mean_; }
  std::span<const double> inverse_deviation() const { return inverse_deviation_; }
  /// Class-major: the features' weights, then the intercept.
  std::span<const double> weights() const { return weights_; }

 private:
  void measure(const RowBlock& train);

  std::vector<double> mean_, inverse_deviation_;  // per feature; 0 where a feature is constant
  std::vector<double> weights_;                   // class-major: features, then the intercept
  std::int32_t iterations_ = 0;
};

}  // namespace qtrader::training
