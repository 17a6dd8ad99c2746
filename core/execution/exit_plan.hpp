// Exit rules of a trade: what distances the stop and targets have, and how they move. Pure functions and plain values.
//
// Levels are always computed from the actual average fill price, never from the price of the signal (incident 3), and
// put on the tick grid conservatively: a stop is never farther from entry than planned, a target never farther than
// planned. Whatever cannot be put on the right side of the entry is an error, never corrected (incident 6).
#pragma once

#include <cstdint>

#include "core/base/reflect.hpp"
#include "core/base/result.hpp"
#include "core/domain/instrument.hpp"
#include "core/domain/order.hpp"

namespace qtrader::execution {

/// Distances from entry as price fractions (not ROE); R is the stop distance.
struct ExitProfile {
  double stop_frac = 0;               // > 0
  double target_frac = 0;             // 0: no fixed target
  double breakeven_r = 1.0;           // move the stop to entry + costs at this many R; 0: never
  double partial_r = 2.0;             // close partial_share here; 0: never. Must be below the target's R
  double partial_share = 0.5;         // of the filled quantity
  double trail_start_r = 2.0;         // chandelier trailing from here; 0: never. At most the target's R
  double trail_frac = 0;              // trailing distance as a fraction of the entry price
  std::int64_t time_exit_s = 86'400;  // close if not in profit after this; 0: never
};
QT_DESCRIBE(ExitProfile, stop_frac, target_frac, breakeven_r, partial_r, partial_share, trail_start_r, trail_frac,
            time_exit_s)

/// InvalidArgument naming the field, its value and the legal range. Checks partial_r < target R, trail_start_r ≤ target
/// R.
base::Result<void> validate(const ExitProfile& profile);

/// The table of fund.md 3.8, in multiples of ATR: stop / target / trail.
enum class ExitMode : std::uint8_t {
  TrendFollow,    // 1.5 / 4.5 / 1.2, partial
  FastTp,         // 1.5 / 2.5 / 0.8, no partial
  DefensiveTrail  // 1.2 / 3.0 / 0.6, partial
};
QT_DESCRIBE_ENUM(ExitMode, TrendFollow, FastTp, DefensiveTrail)

inline constexpr double kStopFracMin = 0.004;
inline constexpr double kStopFracMax = 0.04;

/// Distances for this ATR fraction (> 0). The stop is clamped to [0.4 %, 4 %] (ai.md 6.6) and target and trail are
/// scaled with it, so that the target in R, and with it every invariant of validate(), does not depend on volatility.
/// Trailing starts at 2R, or at three quarters of the way to a target that is too near for that: FAST_TP's target is
/// at 1.67R, and a trail that starts beyond its target never acts.
ExitProfile exit_profile(ExitMode mode, double atr_frac);

/// Prices on the instrument's tick grid.
struct ExitLevels {
  domain::Price entry;  // average fill, not rounded
  domain::Price stop;
  domain::Price target;         // 0: none
  domain::Price partial;        // 0: none, or the tick is too coarse to fit it between entry and target
  domain::Price risk_per_unit;  // |entry − stop|: 1R in price
};
QT_DESCRIBE(ExitLevels, entry, stop, target, partial, risk_per_unit)

/// Levels for this average entry price. InvalidArgument if the profile is invalid or a level would not lie strictly on
/// its side of the entry (Long: stop < entry < target; Short: target < entry < stop) and above zero.
base::Result<ExitLevels> exit_levels(const ExitProfile& profile, domain::PositionSide side, domain::Price entry,
                                     const domain::Instrument& instrument);

/// The direction assert (fund.md 3.13): all prices > 0, Long: stop < entry < target, Short: target < entry < stop. A
/// target of 0 is none. InvalidArgument naming the prices.
base::Result<void> check_direction(domain::PositionSide side, const ExitLevels& levels);

/// What the entry has cost, for the breakeven level.
struct EntryCost {
  domain::PositionSide side = domain::PositionSide::Long;
  domain::Price entry;
  domain::Quantity entered;
  domain::Money fees;     // paid so far
  domain::Money funding;  // signed from our side: negative is paid
};
/// entry ± max(0.1 %, fees + funding paid so far and the taker fee of the exit, per unit), rounded away from entry so
/// that the costs are covered.
domain::Price breakeven_level(const EntryCost& cost, const domain::Instrument& instrument);

/// Chandelier: best price since entry ∓ trail_frac · entry, rounded toward the market. The distance is fixed at entry
/// (a multiple of the ATR then), so the level only moves with the best price.
domain::Price trail_level(const ExitProfile& profile, domain::PositionSide side, const ExitLevels& levels,
                          domain::Price best, const domain::Instrument& instrument);

/// partial_share of the filled quantity on the step grid; 0 if it, or what it would leave, is below the instrument's
/// minimum quantity or notional: then there is no partial exit.
domain::Quantity partial_quantity(const ExitProfile& profile, domain::Quantity filled, domain::Price price,
                                  const domain::Instrument& instrument);

/// True if `a` is nearer to profit than `b`: the only direction a stop may move in.
constexpr bool tighter(domain::PositionSide side, domain::Price a, domain::Price b) {
  return side == domain::PositionSide::Long ? a > b : a < b;
}
/// Signed distance from `from` to `to` in the direction that makes money.
inline domain::Price favourable(domain::PositionSide side, domain::Price from, domain::Price to) {
  return side == domain::PositionSide::Long ? to - from : from - to;
}

/// When the account is compared with the venue's (reconciler.hpp).
struct ReconcileConfig {
  std::int64_t interval_s = 30;
  std::int64_t grace_ms = 500;    // what happened so shortly before the snapshot was asked for may not be in it
  std::int64_t retry_ms = 1'000;  // after a difference, or where the snapshot proved nothing
};
QT_DESCRIBE(ReconcileConfig, interval_s, grace_ms, retry_ms)

/// How entries are brought to a market whose book is known (aelm.hpp). Without book data none of it acts.
struct AelmConfig {
  std::int64_t book_max_age_ms = 2'000;  // levels older than this refuse an entry
  double max_slippage_bps = 15;          // against the touch
  double max_spread_bps = 25;
  std::int64_t limit_timeout_s = 30;
  std::int32_t max_reprices = 3;
  std::int32_t twap_slices = 10;
  std::int64_t twap_s = 300;
};
QT_DESCRIBE(AelmConfig, book_max_age_ms, max_slippage_bps, max_spread_bps, limit_timeout_s, max_reprices, twap_slices,
            twap_s)

struct ExecutionConfig {
  std::int64_t fill_wait_ms = 10'000;  // market entries; also the wait for the leverage to be read back
  std::int64_t stop_confirm_ms = 3'000;
  std::int32_t stop_attempts = 3;
  std::int64_t retry_close_ms = 2'000;  // doubles with each rejected close, at most 32-fold; not while unprotected
  domain::MarginMode margin_mode = domain::MarginMode::Isolated;
  /// A trailing stop moves only when it gains this much of R. 0.1 bounds replacements to ten per R of profit at a cost
  /// of at most a tenth of R of locked profit; every replacement is two venue requests and a moment with two live
  /// stops.
  double trail_step_r = 0.1;
  /// Software backstop behind the venue's stop: a bar closing this far against the entry closes the trade at market.
  /// The 2 % cap and the −12.5 % ROE guard of fund.md 3.12 would pre-empt the 0.4–4 % stop range of ai.md 6.6 (a 3 %
  /// stop is legal and −15 % ROE at 5×), so the default lies beyond the widest stop and acts only when that stop has
  /// failed. 0: never.
  double loss_guard_frac = 0.05;
  ReconcileConfig reconcile;
  AelmConfig aelm;
};
QT_DESCRIBE(ExecutionConfig, fill_wait_ms, stop_confirm_ms, stop_attempts, retry_close_ms, margin_mode, trail_step_r,
            loss_guard_frac, reconcile, aelm)

/// InvalidArgument naming the field. stop_confirm_ms · stop_attempts may not exceed 10 s: the longest a position may be
/// without a confirmed stop (fund.md 3.11, E1).
base::Result<void> validate(const ExecutionConfig& config);

}  // namespace qtrader::execution
