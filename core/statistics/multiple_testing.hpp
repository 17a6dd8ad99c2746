// Many tests at once, and the interval of a proportion.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/statistics/bootstrap.hpp"

namespace qtrader::statistics {

/// Adjusted p-values in the order given: rejecting those ≤ q keeps the expected share of false rejections ≤ q, for
/// independent or positively dependent tests. Benjamini & Hochberg (1995), J. R. Statist. Soc. B 57(1). Each in [0, 1].
std::vector<double> benjamini_hochberg(std::span<const double> p_values);

/// Interval of a proportion, within [0, 1]. Wilson (1927), JASA 22(158), without continuity correction. `successes` ≤
/// `n`, 0 < confidence < 1. Empty if n is 0. Counts may be weighted: effective numbers, not whole ones.
std::optional<Interval> wilson_interval(double successes, double n, double confidence);

}  // namespace qtrader::statistics
