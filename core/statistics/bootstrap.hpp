// Bootstrap: how far a statistic could be off, from resampling the data it came from.
//
// Two schemes. Stationary, for one series whose neighbours depend on each other (daily returns): blocks of geometric
// length from a circle. Cluster, for many observations of few independent groups (signals of a day): whole groups are
// drawn, so that a crowded day is one piece of evidence, not a hundred. Intervals are percentile intervals. Every draw
// comes from base::Rng and the seed given: the same input gives the same bits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/base/rng.hpp"
#include "core/statistics/panel.hpp"

namespace qtrader::statistics {

struct Interval {
  double low = 0, high = 0;
};

struct BootstrapOptions {
  std::uint32_t resamples = 2'000;  // ≥ 100
  double confidence = 0.95;         // of the interval, in (0, 1)
  std::uint64_t seed = 1;
};

struct BootstrapEstimate {
  double value = 0;      // of the sample itself
  Interval interval;     // percentile
  double deviation = 0;  // of the resampled values: the standard error
};

/// Linear interpolation between order statistics (Hyndman & Fan 1996, type 7). `sorted` ascending and not empty;
/// 0 ≤ share ≤ 1.
double quantile(std::span<const double> sorted, double share);

/// Mean block length for the stationary bootstrap of a series' mean, in observations, ≥ 1. Politis & White (2004),
/// Econometric Reviews 23(1), with the correction of Patton, Politis & White (2009), ibid. 28(4). 1 for a series too
/// short (below 12) or constant. Finite values.
double automatic_block_length(std::span<const double> series);

/// Index sequences of Politis & Romano (1994), JASA 89(428): with probability 1/block_length a new start, else the next
/// index on the circle 0 … n − 1.
class StationaryBootstrap {
 public:
  /// n ≥ 1, n < 2³², block_length ≥ 1.
  StationaryBootstrap(std::size_t n, double block_length, std::uint64_t seed);
  /// The next resample; n indices, valid until the next call.
  std::span<const std::uint32_t> next();

 private:
  double restart_;  // probability
  base::Rng rng_;
  std::vector<std::uint32_t> indices_;
};

/// A statistic of the observations with these indices; NaN where it is not defined.
using IndexStatistic = std::function<double(std::span<const std::uint32_t>)>;

/// Of any statistic of a series of n observations, by the stationary bootstrap. Empty if the statistic is undefined for
/// the sample or for more than 5 % of the resamples.
std::optional<BootstrapEstimate> stationary_bootstrap(std::size_t n, double block_length,
                                                      const IndexStatistic& statistic, const BootstrapOptions& options);

/// Of the mean of a series, block length chosen automatically. Empty below two observations.
std::optional<BootstrapEstimate> bootstrap_mean(std::span<const double> series, const BootstrapOptions& options);

/// A statistic of sums over the drawn clusters; NaN where it is not defined.
using SumStatistic = std::function<double(std::span<const double> sums)>;

/// Of any statistic that is a function of sums over clusters (a mean: Σx, n; a variance: Σx, Σx², n). One row of `sums`
/// for each cluster. Field & Welsh (2007), J. R. Statist. Soc. B 69(3). Empty below two clusters, or if the statistic
/// is undefined for the sample or for more than 5 % of the resamples.
std::optional<BootstrapEstimate> cluster_bootstrap(const Panel& sums, const SumStatistic& statistic,
                                                   const BootstrapOptions& options);

/// Of Σ numerators / Σ denominators, one of each per cluster. A mean, where the denominators are counts.
std::optional<BootstrapEstimate> cluster_bootstrap_ratio(std::span<const double> numerators,
                                                         std::span<const double> denominators,
                                                         const BootstrapOptions& options);

}  // namespace qtrader::statistics
