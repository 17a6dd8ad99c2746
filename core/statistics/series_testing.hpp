// Series for the tests of this room that another program can make too: Park & Miller's generator, filtered.
//
// In Python: s = s * 48271 % 2147483647; u = s / 2147483647 - 0.5; x[i] = phi * x[i - 1] + u. The goldens of the tests
// were computed from the same series with numpy 2.4, scipy 1.17, statsmodels 0.14, scikit-learn 1.7 and arch 8.0.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace qtrader::statistics {

inline std::vector<double> test_series(std::size_t n, double phi, std::uint64_t seed) {
  std::vector<double> out;
  double previous = 0;
  for (std::size_t i = 0; i < n; ++i) {
    seed = seed * 48'271 % 2'147'483'647;
    previous = phi * previous + (static_cast<double>(seed) / 2'147'483'647.0 - 0.5);
    out.push_back(previous);
  }
  return out;
}

/// Largest distance of the sample's distribution from the uniform on [0, 1], times √n: above 1.63 in 1 % of the cases
/// (Kolmogorov 1933).
inline double distance_from_uniform(std::vector<double> p) {
  std::ranges::sort(p);
  const double n = static_cast<double>(p.size());
  double most = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double at = static_cast<double>(i);
    most = std::max({most, p[i] - at / n, (at + 1) / n - p[i]});
  }
  return most * std::sqrt(n);
}

}  // namespace qtrader::statistics
