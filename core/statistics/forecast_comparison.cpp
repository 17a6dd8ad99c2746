#include "core/statistics/forecast_comparison.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/check.hpp"
#include "core/base/det_math.hpp"
#include "core/statistics/distributions.hpp"
#include "core/statistics/moments.hpp"

namespace qtrader::statistics {

double newey_west_variance_of_mean(std::span<const double> series, std::size_t lags) {
  QT_CHECK(series.size() >= 2 && lags < series.size(), "more observations than lags");
  const std::size_t n = series.size();
  const double middle = *mean(series);
  double total = 0;
  for (std::size_t lag = 0; lag <= lags; ++lag) {
    double covariance = 0;
    for (std::size_t t = lag; t < n; ++t) covariance += (series[t] - middle) * (series[t - lag] - middle);
    const double weight = 1 - static_cast<double>(lag) / static_cast<double>(lags + 1);
    total += (lag == 0 ? 1 : 2 * weight) * covariance;
  }
  const double size = static_cast<double>(n);
  return total / (size * size);
}

std::optional<ForecastComparison> diebold_mariano(std::span<const double> loss_a, std::span<const double> loss_b,
                                                  std::size_t horizon) {
  QT_CHECK(loss_a.size() == loss_b.size() && horizon >= 1, "losses of the same moments, a horizon of at least one");
  constexpr std::size_t kFewest = 8;
  const std::size_t n = loss_a.size();
  if (n < kFewest || n <= 2 * horizon) return std::nullopt;
  std::vector<double> difference(n);
  for (std::size_t i = 0; i < n; ++i) difference[i] = loss_a[i] - loss_b[i];
  const auto m = moments(difference);
  if (!m) return std::nullopt;
  const double size = static_cast<double>(n), h = static_cast<double>(horizon);
  const auto rule = static_cast<std::size_t>(4 * base::det::exp(2.0 / 9 * base::det::log(size / 100)));
  ForecastComparison out{.mean_difference = m->mean, .lags = std::max(horizon - 1, rule)};
  const double variance = newey_west_variance_of_mean(difference, out.lags);
  const double correction = (size + 1 - 2 * h + h * (h - 1) / size) / size;
  out.statistic = m->mean / std::sqrt(variance) * std::sqrt(correction);
  out.p_two_sided = student_t_two_sided(out.statistic, size - 1);
  out.p_a_better = student_t_cdf(out.statistic, size - 1);
  return out;
}

}  // namespace qtrader::statistics
