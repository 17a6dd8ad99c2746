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
  double daily_loss_frac = 0.05;            // of the day's starting equity
  double weekly_loss_frac = 0.10;
  std::int32_t max_leverage = 5;
  std::int32_t max_open_positions = 8;
  double max_gross_exposure_frac = 2.0;     // Σ |notional| / equity
  double max_symbol_exposure_frac = 1.0;    // |notional| / equity of one symbol
  double max_trade_notional_usd = 1e9;
  double max_margin_usage_frac = 0.65;
  double stop_distance_min_frac = 0.002;
  double stop_distance_max_frac = 0.04;
  double liquidation_buffer_frac = 0.01;    // liquidation must be farther than the stop by this share of price
  std::int32_t max_orders_per_minute = 60;
  std::int64_t mark_max_age_ms = 5000;      // a backtest sets it to two base bars
  std::int32_t losing_streak_halve = 3;
};
QT_DESCRIBE(Limits, risk_per_trade_frac, risk_per_trade_min_frac, risk_per_trade_max_frac, daily_loss_frac,
            weekly_loss_frac, max_leverage, max_open_positions, max_gross_exposure_frac, max_symbol_exposure_frac,
            max_trade_notional_usd, max_margin_usage_frac, stop_distance_min_frac, stop_distance_max_frac,
            liquidation_buffer_frac, max_orders_per_minute, mark_max_age_ms, losing_streak_halve)

inline constexpr std::int32_t kCeilingLeverage = 25;
inline constexpr double kCeilingRiskPerTradeFrac = 0.03;
inline constexpr std::int32_t kCeilingOpenPositions = 50;
inline constexpr double kCeilingDailyLossFrac = 0.10;

/// InvalidArgument naming the field, its value and the legal range.
base::Result<void> validate(const Limits& limits);

}  // namespace qtrader::risk
