// Probability of backtest overfitting: how often the variant that was best in sample is below the median out of sample.
//
// Judges a way of choosing among variants, not one variant. Bailey, Borwein, López de Prado & Zhu (2017), J. of
// Computational Finance 20(4): combinatorially symmetric cross-validation (CSCV).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/statistics/panel.hpp"

namespace qtrader::statistics {

struct Overfitting {
  /// Share of the splits with a logit below 0; one of exactly 0 (the middle of an odd number of variants) counts half,
  /// so that pure noise has ½ for any number of variants.
  double pbo = 0;
  double loss_share = 0;       // of the splits, where the chosen variant's mean out of sample is below 0
  std::vector<double> logits;  // ln(ω/(1 − ω)) of the relative rank out of sample, one per split
};

inline constexpr std::size_t kMostCscvBlocks = 20;

/// `returns`: rows in order of time, one column per variant, finite. The rows are cut into `blocks` (even, 2 … 20)
/// equal parts; each half of them once in sample, the rest out: C(S, S/2) splits. Variants are ranked by mean /
/// deviation, 0 if the deviation is; ties share their rank. Empty below two variants or two rows per block.
std::optional<Overfitting> backtest_overfitting(const Panel& returns, std::size_t blocks);

}  // namespace qtrader::statistics
