// Margin mathematics of USD-M positions: maintenance margin, liquidation price, bankruptcy price, notional caps.
//
// In the flow: the room's accounts and its liquidation use it; nobody else does. Pure functions of their arguments.
// With a signed quantity q, signed cost C = q·entry and the margin M that stands behind, equity at price p is
// M + q·p − C; maintenance is |q|·p·rate − cumulative of the bracket of the notional (binance-usdm.md 15).
#pragma once

#include <array>
#include <optional>

#include "core/domain/instrument.hpp"

namespace qtrader::matching {

/// One row of a position (one-way: Both; hedge: Long or Short).
struct Exposure {
  domain::Quantity quantity;  // signed
  domain::Money cost;         // quantity · average entry, signed
};

/// notional is taken as magnitude; rounded up.
domain::Money maintenance_margin(const domain::Instrument& instrument, domain::Money notional);

/// Where equity meets maintenance margin, for rows that share `margin`. Nothing when no positive price does.
std::optional<domain::Price> liquidation_price(const domain::Instrument& instrument, std::array<Exposure, 2> rows,
                                               domain::Money margin);
/// Where the margin behind the rows is exactly spent. Nothing when no positive price does.
std::optional<domain::Price> bankruptcy_price(std::array<Exposure, 2> rows, domain::Money margin);

/// The largest notional a position may have at this leverage; 0: no bracket allows the leverage.
domain::Money max_notional(const domain::Instrument& instrument, domain::Leverage leverage);
/// The highest leverage of any bracket.
std::int32_t max_leverage(const domain::Instrument& instrument);

/// price · quantity, or nothing when it is beyond 5·10^9 quote units, where sums of money could overflow.
std::optional<domain::Money> bounded_notional(domain::Price price, domain::Quantity quantity);

}  // namespace qtrader::matching
