#include "core/models/high_volatility.hpp"

namespace qtrader::models {
namespace {

constexpr std::size_t kAtrPct = 26;   // feature #27
constexpr std::size_t kRvRatio = 29;  // feature #30
constexpr double kEnterRvRatio = 2.0;
constexpr double kLeaveRvRatio = 1.6;
constexpr double kEnterQuantile = 0.95;
constexpr double kLeaveQuantile = 0.90;
constexpr std::int32_t kConsecutiveBars = 2;

std::size_t bars_in_days(std::size_t days, domain::Timeframe primary) {
  return std::max<std::size_t>(1, days * 1440 / static_cast<std::size_t>(domain::minutes(primary)));
}

}  // namespace

HighVolatility::HighVolatility(domain::Timeframe primary)
    : bar_(domain::duration(primary)), least_known_(bars_in_days(3, primary)), atr_frac_(bars_in_days(30, primary)) {}

void HighVolatility::update(const features::FeatureVector& now) {
  const double rv_ratio = now.x[kRvRatio];
  const double atr = now.x[kAtrPct];
  const bool ranked = atr_frac_.size() >= least_known_;
  if (active_) {
    if (rv_ratio < kLeaveRvRatio && (!ranked || atr < atr_frac_.quantile(kLeaveQuantile))) active_ = false;
  } else {
    const bool wild = rv_ratio > kEnterRvRatio || (ranked && atr > atr_frac_.quantile(kEnterQuantile));
    const bool follows = now.bar_close - last_bar_ == bar_;
    streak_ = !wild ? 0 : follows ? streak_ + 1 : 1;
    if (streak_ >= kConsecutiveBars) {
      active_ = true;
      streak_ = 0;
    }
  }
  atr_frac_.push(atr);
  last_bar_ = now.bar_close;
}

}  // namespace qtrader::models
