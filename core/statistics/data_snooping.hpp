// Data snooping: is the best of many variants better than the benchmark, or the luckiest of many that are not?
//
// White's reality check (2000), Econometrica 68(5), and Hansen's test of superior predictive ability (2005), J.
// Business & Economic Statistics 23(4), which is studentised and does not lose power to variants that are plainly bad.
// Both by the stationary bootstrap.
#pragma once

#include <cstdint>
#include <optional>

#include "core/statistics/panel.hpp"

namespace qtrader::statistics {

struct SnoopingOptions {
  double block_length = 1;          // mean, ≥ 1
  std::uint32_t resamples = 1'000;  // ≥ 100
  std::uint64_t seed = 1;
};

/// p-values of "no variant has a positive expected gain". (1 + exceedances) / (1 + resamples), so never 0 (Davison &
/// Hinkley 1997, 4.2.2).
struct Snooping {
  double reality_check_p = 1;
  double spa_lower_p = 1, spa_p = 1, spa_upper_p = 1;  // Hansen's liberal, consistent and conservative bounds
  std::size_t best = 0;                                // the column with the largest mean
  double best_mean = 0;
};

/// `gains`: rows in order of time, one column per variant, each value the variant's performance less the benchmark's in
/// that row (daily net return, where the benchmark is not to trade). Finite. A variant without variance takes no part
/// in the studentised test. Empty below 10 rows, without columns, or if no column varies.
std::optional<Snooping> data_snooping(const Panel& gains, const SnoopingOptions& options);

/// Median over the columns of automatic_block_length, ≥ 1.
double panel_block_length(const Panel& gains);

}  // namespace qtrader::statistics
