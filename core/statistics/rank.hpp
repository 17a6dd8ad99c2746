// Rank correlation: does a score order outcomes, whatever their scale.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace qtrader::statistics {

/// Ranks 1 … n in ascending order; equal values share the mean of their ranks.
std::vector<double> average_ranks(std::span<const double> values);

/// Spearman's ρ (1904) in [−1, 1]: Pearson's correlation of the average ranks. Finite values, equally many of each.
/// Empty below two pairs or if either side is constant.
std::optional<double> spearman(std::span<const double> x, std::span<const double> y);

}  // namespace qtrader::statistics
