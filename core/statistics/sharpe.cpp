#include "core/statistics/sharpe.hpp"

#include <cmath>

#include "core/base/check.hpp"
#include "core/statistics/distributions.hpp"

namespace qtrader::statistics {
namespace {

/// Variance of the estimated Sharpe ratio times n − 1.
double estimator_variance(const Moments& r) {
  const double sr = r.sharpe();
  return 1 - r.skewness * sr + (r.kurtosis - 1) / 4 * sr * sr;
}

}  // namespace

std::optional<double> probabilistic_sharpe(const Moments& returns, double threshold) {
  QT_CHECK(returns.n >= 2 && returns.deviation > 0, "moments of at least two different returns");
  const double variance = estimator_variance(returns);
  if (!(variance > 0)) return std::nullopt;
  return normal_cdf((returns.sharpe() - threshold) * std::sqrt(static_cast<double>(returns.n - 1)) /
                    std::sqrt(variance));
}

double expected_max_sharpe(std::uint64_t trials, double variance) {
  QT_CHECK(trials >= 1 && variance >= 0, "at least one trial, and a variance");
  if (trials == 1) return 0;
  constexpr double kEulerMascheroni = 0.57721566490153286061, kE = 2.71828182845904523536;
  const double n = static_cast<double>(trials);
  // Φ⁻¹(1 − q) as −Φ⁻¹(q): exact also for many trials.
  return std::sqrt(variance) *
         -((1 - kEulerMascheroni) * normal_quantile(1 / n) + kEulerMascheroni * normal_quantile(1 / (n * kE)));
}

std::optional<double> deflated_sharpe(const Moments& returns, std::uint64_t trials, double variance) {
  return probabilistic_sharpe(returns, expected_max_sharpe(trials, variance));
}

std::optional<double> minimum_track_record(const Moments& returns, double threshold, double confidence) {
  QT_CHECK(returns.deviation > 0, "moments of at least two different returns");
  QT_CHECK(confidence > 0 && confidence < 1, "a confidence inside (0, 1)");
  const double excess = returns.sharpe() - threshold, variance = estimator_variance(returns);
  if (!(excess > 0) || !(variance > 0)) return std::nullopt;
  const double z = normal_quantile(confidence) / excess;
  return 1 + variance * z * z;
}

}  // namespace qtrader::statistics
