// Limits: every number the gate and the sizing compare with. Defaults are the NORMAL profile of fund.md 3.7–3.8.
//
// Frozen at start and part of the config hash. kCeiling* are compiled in: no configuration may pass them (incident 28).
#pragma once

#include <cstdint>

#include "core/base/reflect.hpp"
#include "core/base/result.hpp"

namespace qtrader::risk {

struct Limits {
  double risk_per_trade_frac = 0.010;       // of equity, before factors
  double risk_per_trade_min_frac = 0.0025;  // a smaller product skips the trade
  double risk_per_trade_max_frac = 0.015;
  double daily_loss_frac = 0.05;   // of the UTC day's starting equity
  double weekly_loss_frac = 0.10;  // of the starting equity of the UTC week (Monday)
  std::int32_t max_leverage = 5;
  std::int32_t max_open_positions = 8;
  double max_gross_exposure_frac = 2.0;   // Σ |notional| / equity
  double max_symbol_exposure_frac = 1.0;  // |notional| / equity of one symbol
  double max_trade_notional_usd = 1e9;
  double max_margin_usage_frac = 0.65;  // Σ initial margin / equity
  double stop_distance_min_frac = 0.002;
  double stop_distance_max_frac = 0.04;
  double liquidation_buffer_frac = 0.01;       // liquidation must be farther than the stop by this share of price
  double stop_to_liquidation_max_frac = 0.60;  // stop distance / liquidation distance (ai.md 6.6)
  double max_price_deviation_frac = 0.05;      // expected fill from mark
  std::int32_t max_orders_per_minute = 60;     // entries
  std::int64_t mark_max_age_ms = 5000;         // a backtest sets it to two base bars
  std::int32_t losing_streak_halve = 3;        // so many losses in a row halve the size …
  std::int32_t losing_streak_hours = 12;       // … until so long after the last: what no longer trades cannot win
  double recovery_drawdown_frac = 0.02;        // drawdown from the equity peak that halves the size
  // Staged drawdown from the equity peak (fund.md 3.7): size × 0.75 from warn, no new positions from pause, stop kills
  // the gate, lock also keeps it shut for lock_days whatever the operator says.
  double drawdown_warn_frac = 0.05;
  double drawdown_pause_frac = 0.08;
  double drawdown_quarter_frac = 0.12;
  double drawdown_stop_frac = 0.15;
  double drawdown_lock_frac = 0.20;
  std::int32_t drawdown_lock_days = 7;
  /// A flat account's drawdown cannot heal by itself, so a pause would never end. After so many days paused and flat
  /// the peak is measured anew from the equity there is. 0: never, only the operator's resume() does that.
  std::int32_t drawdown_rearm_days = 0;
  std::int64_t circuit_breaker_minutes = 240;  // no entries for so long once the daily loss limit was reached
};
QT_DESCRIBE(Limits, risk_per_trade_frac, risk_per_trade_min_frac, risk_per_trade_max_frac, daily_loss_frac,
            weekly_loss_frac, max_leverage, max_open_positions, max_gross_exposure_frac, max_symbol_exposure_frac,
            max_trade_notional_usd, max_margin_usage_frac, stop_distance_min_frac, stop_distance_max_frac,
            liquidation_buffer_frac, stop_to_liquidation_max_frac, max_price_deviation_frac, max_orders_per_minute,
            mark_max_age_ms, losing_streak_halve, losing_streak_hours, recovery_drawdown_frac, drawdown_warn_frac,
            drawdown_pause_frac, drawdown_quarter_frac, drawdown_stop_frac, drawdown_lock_frac, drawdown_lock_days,
            drawdown_rearm_days, circuit_breaker_minutes)

inline constexpr std::int32_t kCeilingLeverage = 25;
inline constexpr double kCeilingRiskPerTradeFrac = 0.03;
inline constexpr std::int32_t kCeilingOpenPositions = 50;
inline constexpr double kCeilingDailyLossFrac = 0.10;
inline constexpr double kCeilingWeeklyLossFrac = 0.20;
inline constexpr double kCeilingGrossExposureFrac = 10.0;
inline constexpr double kCeilingMarginUsageFrac = 0.90;
inline constexpr double kCeilingDrawdownFrac = 0.25;  // hard ceiling of evaluator E2, fund.md 3.11
inline constexpr double kFloorLiquidationBufferFrac = 0.005;
inline constexpr std::int32_t kCeilingOrdersPerMinute = 600;
inline constexpr std::int64_t kCeilingMarkAgeMs = 2 * 86'400'000LL;  // two daily bars

/// InvalidArgument naming the field, its value and the legal range.
base::Result<void> validate(const Limits& limits);

/// What a volatility class allows at most (fund.md 3.7, ai.md 5.2 step 8).
struct VolatilityEnvelope {
  double atr_frac_below = 0;  // the class holds below this ATR / price; infinity for the last
  std::int32_t max_leverage = 1;
  double max_margin_frac = 0;  // one position's margin / equity
};
/// LOW < 0.5 % ≤ NORMAL < 1.5 % ≤ HIGH < 3 % ≤ EXTREME. An unknown volatility (≤ 0 or not a number) is EXTREME.
const VolatilityEnvelope& volatility_envelope(double atr_frac);

}  // namespace qtrader::risk
