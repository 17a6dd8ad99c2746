// Risk-based position sizing: from a risk budget and a stop distance to quantity, margin and leverage, consistently.
//
// risk_usd = equity · risk_frac;  notional = risk_usd / (stop distance + round-trip cost);  notional = margin ·
// leverage = quantity · price, asserted (fund.md 3.8, ai.md 5.2). Every factor appears once and is reported as a
// SizingStep. Never rounds an entry up, never moves the stop: a stop too near liquidation lowers the leverage, then the
// size.
#pragma once

#include <string>
#include <variant>

#include "core/domain/audit.hpp"
#include "core/domain/instrument.hpp"
#include "core/ledger/ledger.hpp"
#include "core/risk/limits.hpp"

namespace qtrader::risk {

struct SizingInput {
  domain::Money equity, available;
  domain::Price price;  // expected fill
  domain::Price stop;
  domain::PositionSide side = domain::PositionSide::Long;
  double confidence = 0;   // scales risk: ≥ 0.85 × 1.5, < 0.60 × 0.5; negative: not probabilistic, no scaling
  double atr_frac = 0;     // picks the volatility envelope; ≤ 0 refuses
  double size_factor = 1;  // Gate::size_factor()
  domain::Ratio round_trip_cost;
  double policy_factor = 1;  // the policy's risk mode, [0, 1]
  double learned_scale = 1;  // from Kelly or a learned sizer; taken into [0.5, 1.25]
  /// How far the price may move against the entry, fraction: the adverse end of the signal's prediction interval. A
  /// stop nearer than that stands within the noise: the size shrinks by stop/bound, to a quarter at most, so that a
  /// move to the bound costs no more than the risk budget. 0: not known, or no adverse move expected. Never enlarges.
  double adverse_bound_frac = 0;
};

struct SizingRefusal {
  /// "bad_input", "no_equity", "no_atr", "stop_side", "stop_distance", "risk_too_small", "stop_beyond_liquidation",
  /// "no_margin", "below_min_quantity", "below_min_notional".
  std::string rule;
  std::vector<domain::SizingStep> steps;  // as far as they went
};

/// PositionSized without trace and symbol, which the caller sets. Holds: notional = quantity · price; margin =
/// leverage.margin_for(notional); risk = loss at the stop with costs ≤ equity · risk_frac of the steps.
///
/// Steps, in order: base_risk_frac, policy_factor, confidence_factor, protective_factor (size_factor), risk_frac (the
/// product, at most risk_per_trade_max_frac; under risk_per_trade_min_frac refuses; a lower clamp that would undo a
/// protective cut does not exist), risk_usd, stop_frac, cost_frac, notional_usd, learned_scale, adverse_bound_frac and
/// interval_factor (clip(stop / adverse bound, 0.25, 1); both only if a bound is known), margin_budget_usd (the
/// envelope's share of equity, and what margin use leaves), max_leverage (least of limit, envelope, bracket, and the
/// liquidation distance less costs: stop ≤ stop_to_liquidation_max_frac of it and liquidation_buffer_frac inside it),
/// capped_notional_usd, quantity, leverage (the lowest that fits the margin budget), loss_at_stop_usd.
std::variant<domain::PositionSized, SizingRefusal> size_position(const SizingInput& input,
                                                                 const domain::Instrument& instrument,
                                                                 const Limits& limits);

/// An entry's numbers as its stop and liquidation see them; the gate and the sizing share the arithmetic.
struct EntryAtRisk {
  domain::PositionSide side = domain::PositionSide::Long;
  domain::Quantity quantity;
  domain::Price price, stop;
  domain::Ratio round_trip_cost;
};

/// quantity · |price − stop| + notional · round-trip cost, rounded up.
domain::Money loss_at_stop(const EntryAtRisk& entry);

/// Distance from the price to liquidation as a share of price, if the entry were backed by notional / leverage alone:
/// exact for isolated, and less than what a cross account has. 1 if it cannot be liquidated.
double liquidation_distance(const EntryAtRisk& entry, domain::Leverage leverage, const domain::Instrument& instrument);

}  // namespace qtrader::risk
