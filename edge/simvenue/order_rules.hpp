// Order rules: what makes an order legal at the venue, and when a price triggers it. Pure functions of their arguments.
//
// Filters and their order follow binance-usdm.md 5; trigger directions follow its section 8. Not modelled:
// PERCENT_PRICE, MAX_NUM_ORDERS, priceProtect and marketTakeBound (a bar has no book).
#pragma once

#include "core/domain/bar.hpp"
#include "core/domain/instrument.hpp"
#include "core/domain/order.hpp"

namespace qtrader::simvenue {

/// An accepted order that is not yet terminal.
struct WorkingOrder {
  domain::Order order;  // quantity is cut to the position when a reduce-only order executes
  base::Timestamp arrived;
  domain::Quantity filled;
  domain::Money filled_value;  // Σ price · quantity
  std::uint32_t fills = 0;
  bool judged = false;    // has passed the checks that need a market price
  bool taking = false;    // a market order, or a conditional one that has triggered
  bool resting = false;   // a limit that has met the market once and rests in the book
  bool active = false;    // trailing stop: its activation price has been reached
  bool done = false;      // terminal; removed at the end of the phase
  domain::Price extreme;  // trailing stop: the best price since activation; 0 unknown

  domain::Quantity remaining() const { return order.quantity - filled; }
};
QT_DESCRIBE(WorkingOrder, order, arrived, filled, filled_value, fills, judged, taking, resting, active, done, extreme)

/// UnknownSymbol aside, everything that needs no price: LotSize, PriceFilter, and MinNotional of a limit order.
domain::VenueReason check_filters(const domain::Order& order, const domain::Instrument& instrument);

/// MIN_NOTIONAL at this price; reduce-only orders are exempt.
bool below_min_notional(const domain::Order& order, const domain::Instrument& instrument, domain::Price price);

/// The order's side reduces this position.
constexpr bool opposes(domain::Side side, domain::Quantity position) {
  return side == domain::Side::Buy ? position.is_negative() : position.is_positive();
}

/// A price at or beyond this one in the triggering direction fires the order. Sell stops and buy targets fire downward.
bool fires_downward(const domain::Order& order);
/// Trigger of a stop, target or active trailing stop; 0 while a trailing stop is not active.
domain::Price trigger_level(const WorkingOrder& working, const domain::Instrument& instrument);
bool touched(const WorkingOrder& working, const domain::Instrument& instrument, domain::Price price);
/// WouldTrigger (-2021): the order's own trigger or activation price has been crossed already.
bool would_trigger(const domain::Order& order, domain::Price price);
/// A limit that would match at this price: at or better for the counterparty.
bool would_take(const domain::Order& order, domain::Price price);
/// Traded through: strictly beyond the limit. A touch is not enough, somebody else may have been first in the queue.
bool traded_through(const domain::Order& order, domain::Price price);

/// Follows the market: activates a trailing stop and raises its extreme.
void follow(WorkingOrder& working, domain::Price price);

/// Of two prices the one that is worse for a taker of this side.
domain::Price worse(domain::Side side, domain::Price a, domain::Price b);
domain::Price better(domain::Side side, domain::Price a, domain::Price b);

}  // namespace qtrader::simvenue
