#include "training/evaluate/estimate.hpp"

namespace qtrader::training {

std::optional<Estimate> estimate(const statistics::Panel& sums, const statistics::SumStatistic& statistic,
                                 const ResampleSpec& spec) {
  const auto result = statistics::cluster_bootstrap(sums, statistic, {.resamples = spec.resamples, .seed = spec.seed});
  if (!result) return std::nullopt;
  return Estimate{result->value, result->interval.low, result->interval.high};
}

std::optional<Estimate> ratio_estimate(const statistics::Panel& sums, const ResampleSpec& spec) {
  return estimate(sums, [](std::span<const double> s) { return s[0] / s[1]; }, spec);
}

}  // namespace qtrader::training
