#include "core/risk/limits.hpp"

#include <array>
#include <limits>
#include <string>
#include <string_view>

namespace qtrader::risk {
namespace {

struct Range {
  std::string_view field;
  double value, low, high;
};

std::string text(double v) {
  std::string s = std::to_string(v);
  while (s.size() > 1 && s.back() == '0' && s[s.size() - 2] != '.') s.pop_back();
  return s;
}

constexpr std::array<VolatilityEnvelope, 4> kEnvelopes{{
    {0.005, 25, 0.10},
    {0.015, 20, 0.08},
    {0.030, 15, 0.05},
    {std::numeric_limits<double>::infinity(), 10, 0.03},
}};

}  // namespace

base::Result<void> validate(const Limits& l) {
  constexpr double kTiny = 1e-6;  // "positive", with a bound that can be printed
  const Range ranges[] = {
      {"risk_per_trade_max_frac", l.risk_per_trade_max_frac, kTiny, kCeilingRiskPerTradeFrac},
      {"risk_per_trade_frac", l.risk_per_trade_frac, kTiny, l.risk_per_trade_max_frac},
      {"risk_per_trade_min_frac", l.risk_per_trade_min_frac, 0, l.risk_per_trade_frac},
      {"daily_loss_frac", l.daily_loss_frac, kTiny, kCeilingDailyLossFrac},
      {"weekly_loss_frac", l.weekly_loss_frac, kTiny, kCeilingWeeklyLossFrac},
      {"max_leverage", static_cast<double>(l.max_leverage), 1, kCeilingLeverage},
      {"max_open_positions", static_cast<double>(l.max_open_positions), 1, kCeilingOpenPositions},
      {"max_gross_exposure_frac", l.max_gross_exposure_frac, kTiny, kCeilingGrossExposureFrac},
      {"max_symbol_exposure_frac", l.max_symbol_exposure_frac, kTiny, l.max_gross_exposure_frac},
      {"max_trade_notional_usd", l.max_trade_notional_usd, kTiny, 1e10},
      {"max_margin_usage_frac", l.max_margin_usage_frac, kTiny, kCeilingMarginUsageFrac},
      {"stop_distance_max_frac", l.stop_distance_max_frac, kTiny, 0.5},
      {"stop_distance_min_frac", l.stop_distance_min_frac, kTiny, l.stop_distance_max_frac},
      {"liquidation_buffer_frac", l.liquidation_buffer_frac, kFloorLiquidationBufferFrac, 0.5},
      {"stop_to_liquidation_max_frac", l.stop_to_liquidation_max_frac, kTiny, 0.9},
      {"max_price_deviation_frac", l.max_price_deviation_frac, kTiny, 0.5},
      {"max_orders_per_minute", static_cast<double>(l.max_orders_per_minute), 1, kCeilingOrdersPerMinute},
      {"mark_max_age_ms", static_cast<double>(l.mark_max_age_ms), 1, static_cast<double>(kCeilingMarkAgeMs)},
      {"losing_streak_halve", static_cast<double>(l.losing_streak_halve), 1, 100},
      {"losing_streak_hours", static_cast<double>(l.losing_streak_hours), 1, 168},
      {"recovery_drawdown_frac", l.recovery_drawdown_frac, kTiny, kCeilingDrawdownFrac},
      {"drawdown_warn_frac", l.drawdown_warn_frac, kTiny, kCeilingDrawdownFrac},
      {"drawdown_pause_frac", l.drawdown_pause_frac, l.drawdown_warn_frac, kCeilingDrawdownFrac},
      {"drawdown_quarter_frac", l.drawdown_quarter_frac, l.drawdown_pause_frac, kCeilingDrawdownFrac},
      {"drawdown_stop_frac", l.drawdown_stop_frac, l.drawdown_quarter_frac, kCeilingDrawdownFrac},
      {"drawdown_lock_frac", l.drawdown_lock_frac, l.drawdown_stop_frac, kCeilingDrawdownFrac},
      {"drawdown_lock_days", static_cast<double>(l.drawdown_lock_days), 7, 365},
      {"drawdown_rearm_days", static_cast<double>(l.drawdown_rearm_days), 0, 365},
      {"circuit_breaker_minutes", static_cast<double>(l.circuit_breaker_minutes), 1, 10'080},
  };
  for (const Range& r : ranges) {
    if (r.value >= r.low && r.value <= r.high) continue;  // false for a NaN
    return base::Error{
        "risk", base::Errc::InvalidArgument,
        "limit " + std::string(r.field) + " is " + text(r.value) + ", expected " + text(r.low) + " to " + text(r.high)};
  }
  return {};
}

const VolatilityEnvelope& volatility_envelope(double atr_frac) {
  if (atr_frac > 0)
    for (const VolatilityEnvelope& e : kEnvelopes)
      if (atr_frac < e.atr_frac_below) return e;
  return kEnvelopes.back();
}

}  // namespace qtrader::risk
