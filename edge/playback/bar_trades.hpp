// The trades of one bar: a seeded path through open, extremes and close, and the bar's volume spread over it.
//
// First step of bars → ticks (bar_player.hpp). What it makes adds up to the bar exactly: prices to OHLC, quantities to
// volume, buying takers to the taker-buy volume where the bar knows it. It never looks at another bar.
#pragma once

#include <vector>

#include "core/base/rng.hpp"
#include "core/domain/bar.hpp"
#include "core/domain/instrument.hpp"
#include "core/domain/order.hpp"

namespace qtrader::playback {

struct PlannedTrade {
  domain::Price price;
  domain::Quantity quantity;  // positive
  domain::Side taker = domain::Side::Buy;
};

struct Corners {
  domain::Price open, high, low, close;
  bool rising() const { return close >= open; }
};
inline Corners corners_of(const domain::Bar& bar) { return {bar.open, bar.high, bar.low, bar.close}; }

/// `count` ≥ 4 prices: the first is the open, the last the close, high and low are touched, nothing lies outside them.
/// The low comes first where the bar rises, the high where it falls. Prices between are multiples of `grid`.
std::vector<domain::Price> bar_path(const Corners& corners, std::size_t count, domain::Price grid, base::Rng& rng);

/// At most `count` trades (fewer where the volume has fewer steps, never fewer than the corners need). Empty if the
/// volume is 0. Quantities are multiples of the step except the last of each taker side, which takes what is left; a
/// volume of fewer steps than needed trades is cut into units of 1e-8 instead.
std::vector<PlannedTrade> plan_trades(const domain::Bar& bar, const domain::Instrument& instrument, std::size_t count,
                                      base::Rng& rng);

}  // namespace qtrader::playback
