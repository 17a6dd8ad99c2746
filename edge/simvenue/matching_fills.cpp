// Executions: how much, at what price, what it costs; and liquidation.
#include <algorithm>

#include "edge/simvenue/matching_engine.hpp"

namespace qtrader::simvenue {

using domain::Money;
using domain::OrderStatus;
using domain::OrderType;
using domain::Price;
using domain::Quantity;
using domain::Rounding;
using domain::Side;
using domain::SymbolId;
using domain::VenueReason;

/// Trades as much as the order wants, its position allows (reduce-only) and the bar's volume share has left.
void MatchingEngine::execute(WorkingOrder& w, const Terms& terms) {
  const SymbolId symbol = w.order.symbol;
  if (w.order.reduce_only && !cut_to_position(w))
    return finish(w, OrderStatus::Expired, VenueReason::PositionClosed, now_);
  const Quantity quantity = std::min(w.remaining(), books_[symbol.value].budget);
  if (!quantity.is_positive()) return;
  const Price price = fill_price(w, terms, quantity);
  const domain::Ratio rate = terms.maker ? instrument(symbol).maker_fee : instrument(symbol).taker_fee;
  const Execution execution{symbol, w.order.side, quantity, price,
                            domain::multiply(price * quantity, rate, Rounding::Up)};
  // A limit order's margin was reserved when it came; the price of the others is known only now.
  if (!w.order.reduce_only && w.order.type != OrderType::Limit) {
    refresh_open_notional(symbol, &w);
    const VenueReason reason = account_.can_carry(execution);
    if (reason != VenueReason::None) return finish(w, OrderStatus::Expired, reason, now_);
  }
  book_fill(w, terms, execution);
}

/// A reduce-only order never trades more than the position. False if there is nothing left to reduce.
bool MatchingEngine::cut_to_position(WorkingOrder& w) const {
  const Quantity position = account_[w.order.symbol].quantity;
  if (!opposes(w.order.side, position)) return false;
  if (w.remaining() > position.abs()) w.order.quantity = w.filled + position.abs();
  return true;
}

Price MatchingEngine::fill_price(const WorkingOrder& w, const Terms& terms, Quantity quantity) const {
  if (terms.maker) return terms.reference;
  const Book& book = books_[w.order.symbol.value];
  const double jitter = keyed_uniform({book.seed, w.order.id.value, w.fills});
  const double notional = terms.reference.to_double() * quantity.to_double();
  const domain::Bps bps = slippage_bps(config_.slippage, notional, book.quote_volume, jitter);
  const Price price = slipped_price(terms.reference, w.order.side, bps, instrument(w.order.symbol));
  return w.order.type == OrderType::Limit ? better(w.order.side, price, w.order.limit_price) : price;
}

void MatchingEngine::book_fill(WorkingOrder& w, const Terms& terms, const Execution& e) {
  account_.book(e);
  books_[e.symbol.value].budget -= e.quantity;
  w.filled += e.quantity;
  w.filled_value += e.price * e.quantity;
  ++w.fills;
  domain::Fill fill;
  fill.order = w.order.id;
  fill.symbol = e.symbol;
  fill.side = e.side;
  fill.price = e.price;
  fill.quantity = e.quantity;
  fill.fee = e.fee;
  fill.maker = terms.maker;
  fill.reference_price = terms.reference;
  fill.venue_trade_id = ++last_trade_id_;
  fill.ts_event = now_;
  answer(e.symbol, fill, now_);
  if (w.remaining().is_zero()) {
    finish(w, OrderStatus::Filled, VenueReason::None, now_);
  } else {
    report(w, OrderStatus::PartiallyFilled, VenueReason::None, now_);
  }
  refresh_open_notional(e.symbol);
  expire_orphans(e.symbol);
}

/// Reduce-only orders whose position is gone or has changed side.
void MatchingEngine::expire_orphans(SymbolId symbol) {
  const Quantity position = account_[symbol].quantity;
  for (WorkingOrder& w : books_[symbol.value].orders)
    if (!w.done && w.order.reduce_only && !opposes(w.order.side, position))
      finish(w, OrderStatus::Expired, VenueReason::PositionClosed, now_);
}

/// Closes the position at the worse of its liquidation price and the price seen, but not beyond bankruptcy, where the
/// insurance fund takes over. The fee takes at most what is left of the margin, so the account does not go below zero.
void MatchingEngine::liquidate(SymbolId symbol, Price seen) {
  const Holding& holding = account_[symbol];
  const bool is_long = holding.quantity.is_positive();
  const Side side = is_long ? Side::Sell : Side::Buy;
  const domain::Instrument& contract = instrument(symbol);
  const Rounding against = is_long ? Rounding::Down : Rounding::Up, in_favour = is_long ? Rounding::Up : Rounding::Down;
  const Price level = account_.liquidation_price(symbol).value_or(seen);
  Price price = contract.round_price(worse(side, level, seen), against);
  const std::optional<Price> bankrupt = account_.bankruptcy_price(symbol);
  if (bankrupt && bankrupt->is_positive()) price = better(side, price, contract.round_price(*bankrupt, in_favour));
  price = std::max(price, contract.tick_size);

  const Quantity quantity = holding.quantity.abs();
  const Money fee = std::clamp((price * quantity) * domain::Ratio::from_double(config_.liquidation_fee_frac), Money{},
                               std::max(account_.remainder_at(symbol, price), Money{}));
  account_.book({symbol, side, quantity, price, fee});
  account_.cover_deficit();
  domain::Fill fill;
  fill.symbol = symbol;
  fill.side = side;
  fill.price = price;
  fill.quantity = quantity;
  fill.fee = fee;
  fill.kind = domain::FillKind::Liquidation;
  fill.reference_price = price;
  fill.venue_trade_id = ++last_trade_id_;
  fill.ts_event = now_;
  answer(symbol, fill, now_);
  for (WorkingOrder& w : books_[symbol.value].orders)
    if (!w.done) finish(w, OrderStatus::Canceled, VenueReason::Liquidated, now_);
  refresh_open_notional(symbol);
}

}  // namespace qtrader::simvenue
