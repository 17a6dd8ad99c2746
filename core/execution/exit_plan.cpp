#include "core/execution/exit_plan.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/base/check.hpp"
#include "core/base/json.hpp"

namespace qtrader::execution {
namespace {

using domain::Price;
using domain::Quantity;
using domain::Ratio;
using domain::Rounding;

/// A target half the price away is a unit error, not a target (fund.md 3.13).
constexpr double kMaxDistanceFrac = 0.5;
constexpr double kBreakevenMinFrac = 0.001;
constexpr double kTrailStartR = 2.0;
constexpr double kTrailStartShareOfTarget = 0.75;
constexpr std::int64_t kMaxUnprotectedMs = 10'000;

base::Error bad(std::string_view what, double value, std::string_view expected) {
  std::string text(what);
  text += " is ";
  base::append_json_number(text, value);
  text += ": expected ";
  text += expected;
  return {"execution", base::Errc::InvalidArgument, text};
}

bool within(double value, double low, double high) { return value >= low && value <= high; }

/// Rounding that moves a price up (toward +∞) or down for positive prices.
constexpr Rounding upward(bool up) { return up ? Rounding::Up : Rounding::Down; }

Price offset(domain::PositionSide side, Price from, Price distance) {
  return side == domain::PositionSide::Long ? from + distance : from - distance;
}

}  // namespace

base::Result<void> validate(const ExitProfile& p) {
  if (!(p.stop_frac > 0 && p.stop_frac < kMaxDistanceFrac)) return bad("stop_frac", p.stop_frac, "(0, 0.5)");
  if (!(p.target_frac >= 0 && p.target_frac < kMaxDistanceFrac)) return bad("target_frac", p.target_frac, "[0, 0.5)");
  if (!within(p.breakeven_r, 0, 100)) return bad("breakeven_r", p.breakeven_r, "[0, 100]");
  if (!within(p.partial_r, 0, 100)) return bad("partial_r", p.partial_r, "[0, 100]");
  if (p.partial_r > 0 && !(p.partial_share > 0 && p.partial_share < 1))
    return bad("partial_share", p.partial_share, "(0, 1)");
  if (!within(p.trail_start_r, 0, 100)) return bad("trail_start_r", p.trail_start_r, "[0, 100]");
  if (p.trail_start_r > 0 && !(p.trail_frac > 0 && p.trail_frac < kMaxDistanceFrac))
    return bad("trail_frac", p.trail_frac, "(0, 0.5) when trailing is on");
  if (p.time_exit_s < 0) return bad("time_exit_s", static_cast<double>(p.time_exit_s), "0 or more");
  if (p.target_frac > 0) {
    const double target_r = p.target_frac / p.stop_frac;
    if (p.partial_r >= target_r) return bad("partial_r", p.partial_r, "below the target's R");
    if (p.trail_start_r > target_r) return bad("trail_start_r", p.trail_start_r, "at most the target's R");
  }
  return {};
}

ExitProfile exit_profile(ExitMode mode, double atr_frac) {
  QT_CHECK(std::isfinite(atr_frac) && atr_frac > 0, "exit_profile needs a positive ATR fraction");
  double stop = 0, target = 0, trail = 0;
  bool partial = true;
  switch (mode) {
    case ExitMode::TrendFollow:
      stop = 1.5, target = 4.5, trail = 1.2;
      break;
    case ExitMode::FastTp:
      stop = 1.5, target = 2.5, trail = 0.8, partial = false;
      break;
    case ExitMode::DefensiveTrail:
      stop = 1.2, target = 3.0, trail = 0.6;
      break;
  }
  ExitProfile p;
  p.stop_frac = std::clamp(stop * atr_frac, kStopFracMin, kStopFracMax);
  p.target_frac = p.stop_frac * (target / stop);
  p.trail_frac = p.stop_frac * (trail / stop);
  p.partial_r = partial ? 2.0 : 0.0;
  p.trail_start_r =
      std::min(kTrailStartR, target / stop >= kTrailStartR ? kTrailStartR : kTrailStartShareOfTarget * target / stop);
  return p;
}

base::Result<void> check_direction(domain::PositionSide side, const ExitLevels& l) {
  const bool target_ok = l.target.is_zero() || (l.target.is_positive() && tighter(side, l.target, l.entry));
  if (l.entry.is_positive() && l.stop.is_positive() && tighter(side, l.entry, l.stop) && target_ok) return {};
  return base::Error{"execution", base::Errc::InvalidArgument,
                     std::string(base::enum_name(side)) + " with entry " + l.entry.to_string() + ", stop " +
                         l.stop.to_string() + ", target " + l.target.to_string() +
                         ": expected stop and target on opposite sides of the entry, the target in profit"};
}

base::Result<ExitLevels> exit_levels(const ExitProfile& profile, domain::PositionSide side, Price entry,
                                     const domain::Instrument& instrument) {
  QT_TRY_VOID(validate(profile));
  if (!entry.is_positive()) return bad("entry price", entry.to_double(), "a positive price");
  const bool is_long = side == domain::PositionSide::Long;
  ExitLevels l;
  l.entry = entry;
  // A long's stop is below its entry: rounding it up brings it nearer. All levels round toward the entry.
  const Price stop = offset(side, entry, -(entry * Ratio::from_double(profile.stop_frac)));
  l.stop = instrument.round_price(stop, upward(is_long));
  if (profile.target_frac > 0) {
    const Price target = offset(side, entry, entry * Ratio::from_double(profile.target_frac));
    l.target = instrument.round_price(target, upward(!is_long));
  }
  QT_TRY_VOID(check_direction(side, l));
  l.risk_per_unit = (entry - l.stop).abs();
  if (profile.partial_r > 0) {
    const Price at = offset(side, entry, l.risk_per_unit * Ratio::from_double(profile.partial_r));
    const Price partial = instrument.round_price(at, upward(!is_long));
    const bool fits = partial.is_positive() && tighter(side, partial, entry) &&
                      (l.target.is_zero() || tighter(side, l.target, partial));
    if (fits) l.partial = partial;
  }
  return l;
}

Price breakeven_level(const EntryCost& cost, const domain::Instrument& instrument) {
  QT_CHECK(cost.entered.is_positive(), "breakeven of a trade that has not filled");
  const domain::Money paid = cost.fees - cost.funding;
  const Price so_far = paid.is_positive() ? divide(paid, cost.entered, Rounding::Up) : Price{};
  const Price costs = so_far + cost.entry * instrument.taker_fee;
  const Price distance = std::max(costs, cost.entry * Ratio::from_double(kBreakevenMinFrac));
  return instrument.round_price(offset(cost.side, cost.entry, distance),
                                upward(cost.side == domain::PositionSide::Long));
}

Price trail_level(const ExitProfile& profile, domain::PositionSide side, const ExitLevels& levels, Price best,
                  const domain::Instrument& instrument) {
  const Price distance = levels.entry * Ratio::from_double(profile.trail_frac);
  return instrument.round_price(offset(side, best, -distance), upward(side == domain::PositionSide::Long));
}

Quantity partial_quantity(const ExitProfile& profile, Quantity filled, Price price,
                          const domain::Instrument& instrument) {
  const Quantity part = instrument.round_quantity_down(filled * Ratio::from_double(profile.partial_share));
  const Quantity rest = filled - part;
  const auto legal = [&](Quantity q) {
    return q.is_positive() && q >= instrument.min_quantity && price * q >= instrument.min_notional;
  };
  return legal(part) && legal(rest) ? part : Quantity{};
}

base::Result<void> validate(const ExecutionConfig& c) {
  const auto number = [](std::int64_t v) { return static_cast<double>(v); };
  if (c.fill_wait_ms <= 0) return bad("fill_wait_ms", number(c.fill_wait_ms), "more than 0");
  if (c.stop_confirm_ms <= 0) return bad("stop_confirm_ms", number(c.stop_confirm_ms), "more than 0");
  if (c.stop_attempts <= 0) return bad("stop_attempts", number(c.stop_attempts), "more than 0");
  if (c.stop_confirm_ms > kMaxUnprotectedMs / c.stop_attempts)
    return bad("stop_confirm_ms", number(c.stop_confirm_ms), "at most 10000 / stop_attempts");
  if (c.retry_close_ms <= 0) return bad("retry_close_ms", number(c.retry_close_ms), "more than 0");
  if (!within(c.trail_step_r, 0, 10)) return bad("trail_step_r", c.trail_step_r, "[0, 10]");
  if (!within(c.loss_guard_frac, 0, 1)) return bad("loss_guard_frac", c.loss_guard_frac, "[0, 1]");
  const AelmConfig& a = c.aelm;
  if (a.book_max_age_ms <= 0) return bad("aelm.book_max_age_ms", number(a.book_max_age_ms), "more than 0");
  if (!(a.max_slippage_bps > 0 && a.max_slippage_bps <= 1'000))
    return bad("aelm.max_slippage_bps", a.max_slippage_bps, "(0, 1000]");
  if (!(a.max_spread_bps > 0 && a.max_spread_bps <= 1'000))
    return bad("aelm.max_spread_bps", a.max_spread_bps, "(0, 1000]");
  if (a.limit_timeout_s <= 0) return bad("aelm.limit_timeout_s", number(a.limit_timeout_s), "more than 0");
  if (a.max_reprices < 0 || a.max_reprices > 20) return bad("aelm.max_reprices", a.max_reprices, "0..20");
  if (a.twap_slices < 2 || a.twap_slices > 50) return bad("aelm.twap_slices", a.twap_slices, "2..50");
  if (a.twap_s < a.twap_slices) return bad("aelm.twap_s", number(a.twap_s), "at least a second a slice");
  const ReconcileConfig& r = c.reconcile;
  if (r.interval_s <= 0) return bad("reconcile.interval_s", number(r.interval_s), "more than 0");
  if (r.grace_ms < 0) return bad("reconcile.grace_ms", number(r.grace_ms), "0 or more");
  if (r.retry_ms <= r.grace_ms) return bad("reconcile.retry_ms", number(r.retry_ms), "more than reconcile.grace_ms");
  return {};
}

}  // namespace qtrader::execution
