// Margin mathematics of one position: maintenance margin, liquidation and bankruptcy price. Pure functions.
//
// Binance USD-M, single-asset mode, one-way positions (binance-usdm.md 15). With signed quantity q, signed cost
// C = q·entry and the margin M that stands behind the position, its equity at price p is M + q·p − C. Maintenance
// margin is |q|·p·rate − cumulative of the bracket of the notional; with brackets continuous at their floors, as
// Binance's are, that is also the largest over all brackets, which is what the liquidation price solves for.
#pragma once

#include <optional>

#include "core/domain/instrument.hpp"

namespace qtrader::simvenue {

struct MarginedPosition {
  domain::Quantity quantity;  // signed
  domain::Money cost;         // quantity · average entry, signed
  domain::Money margin;       // what may be lost before others' money is touched
};

/// notional is taken as magnitude. Rounded up.
domain::Money maintenance_margin(const domain::Instrument& instrument, domain::Money notional);

/// Where equity meets maintenance margin; a long is liquidated at or below it, a short at or above it. Nothing if no
/// positive price liquidates; 0 for a short that is under water at every price. Rounded to the earlier side.
std::optional<domain::Price> liquidation_price(const domain::Instrument& instrument, const MarginedPosition& position);

/// Where equity is zero. Same conventions.
std::optional<domain::Price> bankruptcy_price(const MarginedPosition& position);

/// The cap of the highest bracket that allows this leverage; 0 if none does (-4028).
domain::Money max_notional(const domain::Instrument& instrument, domain::Leverage leverage);

}  // namespace qtrader::simvenue
