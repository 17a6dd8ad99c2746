// Estimate: a figure of an evaluation with the interval it could lie in.
//
// The interval resamples whole days (statistics::cluster_bootstrap): the rows of a day share the market's moves, so a
// day is one piece of evidence, however many rows it has.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/reflect.hpp"
#include "core/statistics/bootstrap.hpp"

namespace qtrader::training {

/// A figure and its 95 % percentile interval.
struct Estimate {
  double value = 0, low = 0, high = 0;
};
QT_DESCRIBE(Estimate, value, low, high)

struct ResampleSpec {
  std::uint32_t resamples = 1000;
  std::uint64_t seed = 1;
};

/// Of a statistic of sums over days; one row of `sums` for each day. Empty where it is not defined.
std::optional<Estimate> estimate(const statistics::Panel& sums, const statistics::SumStatistic& statistic,
                                 const ResampleSpec& spec);
/// Of the first column's sum over the second's.
std::optional<Estimate> ratio_estimate(const statistics::Panel& sums, const ResampleSpec& spec);

}  // namespace qtrader::training
