// Moments of a sample, and the ratio of its mean to its deviation.
//
// What the Sharpe-ratio statistics (sharpe.hpp) are computed from. Two passes: exact to rounding for values far from 0.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace qtrader::statistics {

struct Moments {
  std::size_t n = 0;
  double mean = 0;
  double deviation = 0;  // of the sample: √(Σ(x − mean)² / (n − 1))
  double skewness = 0;   // m3 / m2^1.5, m_k = Σ(x − mean)^k / n; 0 for a normal
  double kurtosis = 3;   // m4 / m2², not in excess of anything; 3 for a normal

  /// Mean over deviation, per observation: not annualised.
  double sharpe() const { return mean / deviation; }
};

/// Of finite values. Empty below two values, or if all are equal up to rounding: then no ratio is defined.
std::optional<Moments> moments(std::span<const double> values);

/// Arithmetic mean; empty without values.
std::optional<double> mean(std::span<const double> values);

}  // namespace qtrader::statistics
