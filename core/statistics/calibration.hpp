// Calibration: do events claimed with probability p happen in a share p of the cases?
//
// Measures only; the mapping that repairs it is isotonic_regression. ECE: Naeini, Cooper & Hauskrecht (2015), AAAI.
// Bins of equal mass avoid the bias of nearly empty bins: Nixon et al. (2019), CVPR workshops.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "core/statistics/bootstrap.hpp"

namespace qtrader::statistics {

struct Claim {
  double probability = 0;  // in [0, 1]
  bool happened = false;
};

enum class Bins { EqualWidth, EqualMass };

struct ReliabilityRow {
  double low = 0, high = 0;  // the bin; of equal mass: its smallest and largest claim
  std::size_t count = 0;
  double claimed = 0, observed = 0;  // mean probability, share that happened
  Interval observed_interval;        // 95 %, Wilson
};

/// Rows of the bins that hold a claim, ascending. Equal width: [i/bins, (i + 1)/bins), the last closed. Equal mass: cut
/// at ⌊i·n/bins⌋ of the sorted claims, equal claims staying together in the lower bin. bins ≥ 1.
std::vector<ReliabilityRow> reliability_table(std::span<const Claim> claims, std::size_t bins, Bins kind);

/// Mean over the claims of |claimed − observed| of their row, in [0, 1]. Empty without claims.
std::optional<double> expected_calibration_error(std::span<const ReliabilityRow> rows);

}  // namespace qtrader::statistics
