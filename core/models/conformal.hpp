// ConformalInterval: how far the price may end from where a verdict expects it, learnt from matured verdicts.
//
// Split conformal prediction (Vovk et al. 2005) on signed residuals of the last 2 000 matured verdicts: realised minus
// expected log return in favour of the side, in units of σ100·√H. Each end is a quantile of its own, whose level adapts
// to how often that end was missed (adaptive conformal inference, Gibbs & Candès 2021), so coverage holds in the long
// run also when volatility shifts. Fed and asked by the ensemble. Assumes no distribution; says nothing before 300
// verdicts have matured.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/time.hpp"
#include "core/models/pending_verdicts.hpp"
#include "core/models/rolling_rank.hpp"

namespace qtrader::models {

class ConformalInterval {
 public:
  /// `coverage` of the interval, in (0, 1); half of what is missed may be missed at each end.
  explicit ConformalInterval(double coverage)
      : miss_((1 - coverage) / 2), level_low_(miss_), level_high_(miss_), residuals_(kWindow) {}

  /// What the outcome may differ from the expectation, at the coverage. Empty while fewer than 300 have matured.
  std::optional<Bounds> residual_bounds() const;

  /// A verdict that matured at `now`, in units. Verdicts that mature at one moment share their fate, so that together
  /// they move the levels as one.
  void add(base::Timestamp now, const PendingVerdict& verdict, double outcome);

  /// Share of the verdicts with bounds that ended inside them, since the start; 0 before the first.
  double coverage() const;

  /// To be read by an interval of the same coverage.
  template <class Archive>
  void archive(Archive& a) {
    a(level_low_, level_high_, moment_, bounded_, missed_low_, missed_high_, total_bounded_, total_missed_, residuals_);
  }

 private:
  static constexpr std::size_t kWindow = 2000;
  void adapt();

  double miss_;  // wanted at each end
  double level_low_, level_high_;
  base::Timestamp moment_;  // at which the verdicts counted next matured
  std::int64_t bounded_ = 0, missed_low_ = 0, missed_high_ = 0;
  std::int64_t total_bounded_ = 0, total_missed_ = 0;
  RollingRank residuals_;
};

}  // namespace qtrader::models
