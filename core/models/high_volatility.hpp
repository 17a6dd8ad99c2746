// HighVolatility: the HV state of one symbol (ai.md 2.3), which shifts ensemble weights towards LightGBM.
//
// Enters after two consecutive bars with rv_ratio > 2.0 or atr_pct above its own 95th percentile of 30 days; leaves
// when rv_ratio < 1.6 and atr_pct is below its 90th percentile. Until three days of atr_pct are known that part says
// nothing. Never sees an invalid feature vector.
#pragma once

#include <cstddef>

#include "core/base/time.hpp"
#include "core/domain/bar.hpp"
#include "core/features/feature_vector.hpp"
#include "core/models/rolling_rank.hpp"

namespace qtrader::models {

class HighVolatility {
 public:
  explicit HighVolatility(domain::Timeframe primary);

  /// Once per bar, in time order. A gap in the bars starts the count of consecutive bars again.
  void update(const features::FeatureVector& now);
  bool active() const { return active_; }
  /// Close of the last bar seen; 0 before the first.
  base::Timestamp last_bar() const { return last_bar_; }

  template <class Archive>
  void archive(Archive& a) {
    a(atr_frac_, streak_, active_, last_bar_);
  }

 private:
  base::Duration bar_;
  std::size_t least_known_;
  RollingRank atr_frac_;  // last 30 days
  std::int32_t streak_ = 0;
  bool active_ = false;
  base::Timestamp last_bar_;
};

}  // namespace qtrader::models
