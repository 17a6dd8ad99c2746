#include "edge/binance/order_tracker.hpp"

#include <algorithm>

namespace qtrader::binance {

using domain::OrderStatus;
using domain::VenueReason;

base::Result<TrackedOrder*> OrderTracker::track(const domain::Order& order, std::string wire_id) {
  if (TrackedOrder* known = find(order.id)) {
    if (!known->ended)
      return base::Error{"binance", base::Errc::Conflict, "order " + wire_id + " is open already; ids are sent once"};
    by_order_id_.erase({known->symbol.value, known->order_id});
    std::erase(ended_, order.id.value);
    orders_.erase(order.id.value);
  }
  if (open_ >= kMaxOpen)
    return base::Error{"binance", base::Errc::NoSpace,
                       std::to_string(open_) + " orders open, at most " + std::to_string(kMaxOpen)};
  TrackedOrder tracked;
  tracked.id = order.id;
  tracked.symbol = order.symbol;
  tracked.wire_id = std::move(wire_id);
  tracked.entry = order.purpose == domain::OrderPurpose::Entry;
  tracked.rests = order.type == domain::OrderType::Limit;
  tracked.conditional = domain::is_conditional(order.type);
  return &adopt(std::move(tracked));
}

TrackedOrder& OrderTracker::adopt(TrackedOrder order) {
  active_.insert(order.symbol.value);
  const std::int64_t order_id = std::exchange(order.order_id, 0);
  const auto [it, added] = orders_.try_emplace(order.id.value, std::move(order));
  if (added) ++open_;
  learn_ids(it->second, order_id, 0);
  return it->second;
}

TrackedOrder* OrderTracker::find(domain::ClientOrderId id) {
  const auto it = orders_.find(id.value);
  return it == orders_.end() ? nullptr : &it->second;
}

TrackedOrder* OrderTracker::find_order(domain::SymbolId symbol, std::int64_t order_id) {
  const auto it = by_order_id_.find({symbol.value, order_id});
  return it == by_order_id_.end() ? nullptr : find({it->second});
}

void OrderTracker::learn_ids(TrackedOrder& order, std::int64_t order_id, std::int64_t algo_id) {
  if (algo_id != 0) order.algo_id = algo_id;
  if (order_id == 0 || order.order_id == order_id) return;
  by_order_id_.erase({order.symbol.value, order.order_id});
  order.order_id = order_id;
  by_order_id_[{order.symbol.value, order_id}] = order.id.value;
  if (order.conditional) order.triggered = true;
}

void OrderTracker::acknowledge(TrackedOrder& order, base::Timestamp at) {
  if (order.acknowledged || order.ended) return;
  order.acknowledged = true;
  order.updated = at;
  report(order);
  notify(order);
}

void OrderTracker::reject(TrackedOrder& order, VenueReason reason, base::Timestamp at) {
  if (order.acknowledged || order.ended) return;
  order.updated = at;
  end(order, OrderStatus::Rejected, reason);
  report(order);
  notify(order);
}

void OrderTracker::update(TrackedOrder& order, const OrderProgress& progress) {
  learn_ids(order, progress.order_id, 0);
  OrderStatus status = to_domain(progress.status);
  if (status == OrderStatus::Rejected) {
    if (!order.acknowledged) return reject(order, progress.reason, progress.at);
    status = OrderStatus::Expired;  // it was accepted once: now the exchange has ended it
  }
  if (!order.ended) acknowledge(order, progress.at);
  const bool advanced = progress.filled > order.filled;
  if (advanced) {
    order.filled = progress.filled;
    if (progress.average_price && progress.average_price->is_positive()) order.average_price = *progress.average_price;
  }
  order.updated = std::max(order.updated, progress.at);
  const bool ends = domain::is_terminal(status) && !order.ended;
  if (ends) end(order, status, progress.reason);
  if (advanced && !order.ended) order.status = OrderStatus::PartiallyFilled;
  if (advanced || ends) report(order);
  if (advanced || ends || order.fills_missing()) notify(order);
}

bool OrderTracker::execute(TrackedOrder& order, const Execution& execution) {
  if (!execution.quantity.is_positive() || !execution.price.is_positive()) return false;
  if (!first_sight(order.symbol, execution)) return false;
  learn_ids(order, execution.order_id, 0);
  acknowledge(order, execution.at);
  order.executed += execution.quantity;
  order.value += execution.price * execution.quantity;
  if (order.executed >= order.filled) order.average_price = order.value / order.executed;
  domain::Fill fill = make_fill(order.symbol, execution);
  fill.order = order.id;
  sink_(fill);
  notify(order);
  return true;
}

bool OrderTracker::execute_forced(domain::SymbolId symbol, const Execution& execution) {
  if (!execution.quantity.is_positive() || !execution.price.is_positive()) return false;
  if (!first_sight(symbol, execution)) return false;
  domain::Fill fill = make_fill(symbol, execution);
  fill.kind = domain::FillKind::Liquidation;
  sink_(fill);
  return true;
}

// Liquidations by the fund have no trade id; what they are then told apart by is order, time and size.
bool OrderTracker::first_sight(domain::SymbolId symbol, const Execution& e) {
  active_.insert(symbol.value);
  std::string key = std::to_string(e.trade_id);
  if (e.trade_id == 0)
    key += ":" + std::to_string(e.order_id) + ":" + std::to_string(e.at.ns) + ":" + e.quantity.to_string();
  if (!seen_.emplace(symbol.value, key).second) return false;
  seen_order_.emplace_back(symbol.value, std::move(key));
  if (seen_order_.size() > kMaxTrades) {
    seen_.erase(seen_order_.front());
    seen_order_.pop_front();
  }
  std::int64_t& last = last_trade_[symbol.value];
  last = std::max(last, e.trade_id);
  return true;
}

domain::Fill OrderTracker::make_fill(domain::SymbolId symbol, const Execution& e) const {
  const domain::Instrument& instrument = instruments_[symbol];
  domain::Fill fill;
  fill.symbol = symbol;
  fill.side = e.side;
  fill.price = e.price;
  fill.quantity = e.quantity;
  fill.maker = e.maker;
  fill.venue_trade_id = static_cast<std::uint64_t>(e.trade_id);
  fill.ts_event = e.at;
  // Books are kept in the quote currency. A fee paid in another asset (BNB) is booked at the instrument's own rate,
  // which is what it would have been without that asset's discount.
  const bool in_quote = e.commission_asset.empty() || instrument.symbol.ends_with(e.commission_asset);
  fill.fee = in_quote ? e.commission
                      : domain::multiply(e.price * e.quantity, e.maker ? instrument.maker_fee : instrument.taker_fee,
                                         domain::Rounding::Up);
  return fill;
}

void OrderTracker::end(TrackedOrder& order, OrderStatus status, VenueReason reason) {
  order.ended = true;
  order.status = status;
  order.reason = reason;
  --open_;
  ended_.push_back(order.id.value);
  if (ended_.size() <= kMaxEnded) return;
  const auto oldest = orders_.find(ended_.front());
  ended_.pop_front();
  if (oldest == orders_.end()) return;
  by_order_id_.erase({oldest->second.symbol.value, oldest->second.order_id});
  orders_.erase(oldest);
}

void OrderTracker::report(TrackedOrder& order) {
  ++order.reports;
  domain::OrderReport r;
  r.order = order.id;
  r.symbol = order.symbol;
  r.status = order.status;
  r.reason = order.reason;
  r.filled = order.filled;
  r.average_price = order.average_price;
  r.ts_event = order.updated;
  if (!order.filled.is_positive()) r.average_price = {};
  sink_(r);
}

void OrderTracker::notify(const TrackedOrder& order) {
  for (const Listener& listener : listeners_) listener(order);
}

std::vector<domain::ClientOrderId> OrderTracker::open_orders() const {
  std::vector<domain::ClientOrderId> out;
  for (const auto& [id, order] : orders_)
    if (order.open()) out.push_back(order.id);
  return out;
}

std::int64_t OrderTracker::last_trade_id(domain::SymbolId symbol) const {
  const auto it = last_trade_.find(symbol.value);
  return it == last_trade_.end() ? 0 : it->second;
}

}  // namespace qtrader::binance
