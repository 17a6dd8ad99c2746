// Risk-based position sizing: from a risk budget and a stop distance to quantity, margin and leverage, consistently.
//
// risk_usd = equity · risk_frac;  notional = risk_usd / (stop distance + round-trip cost);  notional = margin · leverage
// = quantity · price, asserted (fund.md 3.8, ai.md 5.2). Every factor appears once and is reported as a SizingStep.
#pragma once

#include <variant>

#include "core/domain/audit.hpp"
#include "core/domain/instrument.hpp"
#include "core/ledger/ledger.hpp"
#include "core/risk/limits.hpp"

namespace qtrader::risk {

struct SizingInput {
  domain::Money equity, available;
  domain::Price price;            // expected fill
  domain::Price stop;
  domain::PositionSide side = domain::PositionSide::Long;
  double confidence = 0;          // scales risk: ≥ 0.85 × 1.5, < 0.60 × 0.5; negative: not probabilistic, no scaling
  double atr_frac = 0;            // picks the volatility envelope; ≤ 0 refuses
  double size_factor = 1;         // Gate::size_factor()
  domain::Ratio round_trip_cost;
};

struct SizingRefusal {
  std::string rule;  // "no_atr", "below_min_notional", "stop_beyond_liquidation", "risk_too_small", …
};

/// PositionSized without trace and symbol, which the caller sets.
std::variant<domain::PositionSized, SizingRefusal> size_position(const SizingInput& input,
                                                                 const domain::Instrument& instrument,
                                                                 const Limits& limits);

}  // namespace qtrader::risk
