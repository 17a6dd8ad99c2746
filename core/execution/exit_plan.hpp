// Exit rules of a trade: what distances the stop and targets have, and how they move. Pure functions and plain values.
#pragma once

#include <cstdint>

#include "core/base/reflect.hpp"
#include "core/domain/instrument.hpp"
#include "core/domain/order.hpp"

namespace qtrader::execution {

/// Distances from entry as price fractions (not ROE); R is the stop distance.
struct ExitProfile {
  double stop_frac = 0;           // > 0
  double target_frac = 0;         // 0: no fixed target
  double breakeven_r = 1.0;       // move the stop to entry + costs at this many R; 0: never
  double partial_r = 2.0;         // close partial_share here; 0: never. Must be below the target's R
  double partial_share = 0.5;
  double trail_start_r = 2.0;     // chandelier trailing from here; 0: never
  double trail_frac = 0;          // trailing distance as a price fraction
  std::int64_t time_exit_s = 86'400;  // close if not in profit after this; 0: never
};
QT_DESCRIBE(ExitProfile, stop_frac, target_frac, breakeven_r, partial_r, partial_share, trail_start_r, trail_frac,
            time_exit_s)

/// The table of fund.md 3.8, in multiples of ATR: TREND_FOLLOW 1.5/4.5/1.2, FAST_TP 1.5/2.5/0.8, DEFENSIVE_TRAIL 1.2/3.0/0.6.
enum class ExitMode : std::uint8_t { TrendFollow, FastTp, DefensiveTrail };
QT_DESCRIBE_ENUM(ExitMode, TrendFollow, FastTp, DefensiveTrail)
/// Distances for this ATR fraction; the stop is clamped to [0.4 %, 4 %] (ai.md 6.6). atr_frac > 0.
ExitProfile exit_profile(ExitMode mode, double atr_frac);

struct ExecutionConfig {
  std::int64_t fill_wait_ms = 10'000;      // market entries
  std::int64_t stop_confirm_ms = 3'000;
  std::int32_t stop_attempts = 3;
  std::int64_t retry_close_ms = 2'000;
  domain::MarginMode margin_mode = domain::MarginMode::Isolated;
};
QT_DESCRIBE(ExecutionConfig, fill_wait_ms, stop_confirm_ms, stop_attempts, retry_close_ms, margin_mode)

}  // namespace qtrader::execution
