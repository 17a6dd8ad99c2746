#include "core/statistics/multiple_testing.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/check.hpp"
#include "core/statistics/distributions.hpp"

namespace qtrader::statistics {

std::vector<double> benjamini_hochberg(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return p_values[i]; });
  std::vector<double> out(p_values.size());
  const double n = static_cast<double>(order.size());
  double least = 1;
  for (std::size_t rank = order.size(); rank > 0; --rank) {
    const double p = p_values[order[rank - 1]];
    QT_CHECK(p >= 0 && p <= 1, "p-values in [0, 1]");
    least = std::min(least, p * n / static_cast<double>(rank));
    out[order[rank - 1]] = least;
  }
  return out;
}

std::optional<Interval> wilson_interval(double successes, double n, double confidence) {
  QT_CHECK(successes >= 0 && successes <= n, "at most as many successes as trials");
  QT_CHECK(confidence > 0 && confidence < 1, "a confidence inside (0, 1)");
  if (n == 0) return std::nullopt;
  const double z = normal_quantile(0.5 + confidence / 2), share = successes / n, zz = z * z / n;
  const double middle = (share + zz / 2) / (1 + zz);
  const double half = z / (1 + zz) * std::sqrt(share * (1 - share) / n + zz / (4 * n));
  return Interval{std::max(middle - half, 0.0), std::min(middle + half, 1.0)};
}

}  // namespace qtrader::statistics
