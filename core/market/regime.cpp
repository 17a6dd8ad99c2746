#include "core/market/regime.hpp"

#include <algorithm>
#include <cmath>

namespace qtrader::market {
namespace {

using domain::Regime;

constexpr std::uint32_t kConfirmingBars = 2;
constexpr double kHighVolatilityRank = 0.97, kHighVolatilityFloor = 0.010;
constexpr double kRangeSplitRank = 0.75, kRangeSplitFloor = 0.004;
constexpr double kTrendAdx = 25, kTrendStrength = 0.3;
constexpr double kThinTurnoverUsdt = 2e6, kThinDepthUsdt = 50e3, kWideSpreadBps = 10;

std::size_t bars_in_days(int days, domain::Timeframe tf) {
  return static_cast<std::size_t>(days * domain::minutes(domain::Timeframe::D1) / domain::minutes(tf));
}

// The venue's turnover where the source has it; otherwise volume at the typical price, exact to within the bar's range.
double turnover_usdt(const domain::Bar& bar) {
  if ((bar.columns & domain::kHasQuoteVolume) != 0) return bar.quote_volume;
  return bar.volume * (bar.high.to_double() + bar.low.to_double() + bar.close.to_double()) / 3;
}

}  // namespace

RegimeDetector::RegimeDetector(domain::Timeframe primary)
    : atr_rank_(bars_in_days(30, primary)),
      turnover_(bars_in_days(1, primary)),
      bars_24h_(static_cast<std::uint32_t>(bars_in_days(1, primary))),
      minimum_rank_(static_cast<std::uint32_t>(std::min<std::size_t>(96, bars_in_days(30, primary)))) {}

bool RegimeDetector::update(const domain::Bar& bar, double atr, const Liquidity& liquidity) {
  push(bar, atr);
  return publish(classify(atr / bar.close.to_double(), liquidity));
}

std::optional<double> RegimeDetector::turnover_24h_usdt() const {
  if (unbroken_bars_ < bars_24h_) return std::nullopt;
  return turnover_.sum();
}

void RegimeDetector::push(const domain::Bar& bar, double atr) {
  const double close = bar.close.to_double();
  sma20_.push(bar.close.raw());
  sma50_.push(bar.close.raw());
  ema12_.push(close);
  ema26_.push(close);
  direction_.push(bar.high.to_double(), bar.low.to_double(), close);
  if (atr > 0) atr_rank_.push(atr / close);
  turnover_.push(turnover_usdt(bar));
  unbroken_bars_ = bar.open_time == last_close_time_ ? unbroken_bars_ + 1 : 1;
  last_close_time_ = bar.close_time();
  if (!sma50_.ready()) return;
  const double from20 = (close - sma20_.mean()) / sma20_.mean(), from50 = (close - sma50_.mean()) / sma50_.mean();
  const double macd = 10 * (ema12_.value() - ema26_.value()) / close;
  trend_ = std::clamp(5 * (from20 + from50 + macd) / 3, -1.0, 1.0);
}

domain::Regime RegimeDetector::classify(double atr_frac, const Liquidity& liquidity) {
  if (illiquid(liquidity)) {
    confidence_ = 0.95;
    return Regime::Illiquid;
  }
  confidence_ = 0.5;
  if (!sma50_.ready() || atr_rank_.size() < minimum_rank_) return Regime::Unknown;
  const double rank = atr_rank_.rank(atr_frac), strength = std::abs(trend_);
  if (atr_frac >= kHighVolatilityFloor && rank >= kHighVolatilityRank) {
    confidence_ = 0.90;
    return Regime::HighVolatility;
  }
  if (adx() >= kTrendAdx && strength >= kTrendStrength) {
    confidence_ = std::min(0.95, 0.6 + 0.2 * adx() / 100 + 0.15 * strength);
    return trend_ > 0 ? Regime::TrendUp : Regime::TrendDown;
  }
  if (adx() < kTrendAdx && strength < kTrendStrength) {
    confidence_ = std::min(0.9, 0.65 + 0.25 * (1 - strength));
    return atr_frac >= kRangeSplitFloor && rank >= kRangeSplitRank ? Regime::RangeHighVol : Regime::RangeLowVol;
  }
  return Regime::Unknown;
}

bool RegimeDetector::illiquid(const Liquidity& liquidity) const {
  const std::optional<double> turnover = turnover_24h_usdt();
  int signs = 0;
  if (turnover && *turnover < kThinTurnoverUsdt) ++signs;
  if (liquidity.depth_usdt && *liquidity.depth_usdt < kThinDepthUsdt) ++signs;
  if (liquidity.spread_bps && *liquidity.spread_bps > kWideSpreadBps) ++signs;
  return signs >= 2;
}

bool RegimeDetector::publish(domain::Regime label) {
  run_ = label == candidate_ ? run_ + 1 : 1;
  candidate_ = label;
  if (label == published_ || run_ < kConfirmingBars) return false;
  published_ = label;
  return true;
}

}  // namespace qtrader::market
