#include "core/statistics/moments.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qtrader::statistics {

std::optional<double> mean(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

std::optional<Moments> moments(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  const double n = static_cast<double>(values.size());
  Moments out{.n = values.size(), .mean = *mean(values)};
  double m2 = 0, m3 = 0, m4 = 0, largest = 0;
  for (const double v : values) {
    const double d = v - out.mean, square = d * d;
    m2 += square;
    m3 += square * d;
    m4 += square * square;
    largest = std::max(largest, std::fabs(v));
  }
  out.deviation = std::sqrt(m2 / (n - 1));
  if (!(out.deviation > 8 * std::numeric_limits<double>::epsilon() * largest)) return std::nullopt;
  m2 /= n;
  out.skewness = m3 / n / (m2 * std::sqrt(m2));
  out.kurtosis = m4 / n / (m2 * m2);
  return out;
}

}  // namespace qtrader::statistics
