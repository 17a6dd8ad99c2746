// What reaches the venue from us: orders, cancels and leverage, judged on arrival; and what the venue says about them.
#include <algorithm>

#include "edge/simvenue/matching_engine.hpp"

namespace qtrader::simvenue {

using domain::Money;
using domain::Order;
using domain::OrderStatus;
using domain::OrderType;
using domain::Price;
using domain::SymbolId;
using domain::VenueReason;

MatchingEngine::MatchingEngine(const domain::InstrumentTable& instruments, SimVenueConfig config, base::Rng rng)
    : instruments_(&instruments),
      config_(config),
      failures_(rng.fork("submit_failure")),
      account_(instruments, config.initial_wallet),
      books_(instruments.size()) {
  QT_CHECK(config.latency_ms >= 0 && config.max_bar_volume_share > 0 && config.max_bar_volume_share <= 1,
           "simulated venue: latency_ms >= 0 and max_bar_volume_share in (0, 1]");
  // By name, so that a symbol's fills do not depend on which others are traded.
  const base::Rng slippage = rng.fork("slippage");
  for (std::size_t i = 0; i < books_.size(); ++i) books_[i].seed = slippage.fork(instruments.all()[i].symbol).seed();
}

void MatchingEngine::submit(const Order& order) { send(order.symbol, order); }
void MatchingEngine::cancel(CancelRequest request) { send(request.symbol, request); }
void MatchingEngine::set_leverage(LeverageRequest request) { send(request.symbol, request); }

void MatchingEngine::send(SymbolId symbol, CommandBody body) {
  if (symbol.value < books_.size()) {
    Book& book = books_[symbol.value];
    if (idle(symbol)) {  // it was not shown bars: what it knew of the price is history
      book.last = {};
      account_.set_mark(symbol, {});
    }
    ++book.interest;
  }
  inbox_.push_back({now_, now_ + latency(), std::move(body)});
}

void MatchingEngine::advance_to(base::Timestamp now) {
  QT_CHECK(now >= now_, "market time never decreases");
  now_ = now;
  drain(now);
}

void MatchingEngine::drain(base::Timestamp until) {
  while (!inbox_.empty() && inbox_.front().arrives <= until) {
    const Command command = std::move(inbox_.front());
    inbox_.pop_front();
    std::visit(
        [&](const auto& body) {
          const SymbolId symbol = body.symbol;
          if (symbol.value < books_.size()) --books_[symbol.value].interest;
          arrive(command, body);
        },
        command.body);
  }
}

bool MatchingEngine::transport_fails(const Command& command, const Order& order) const {
  // Keyed by the time of sending too, so that sending the same order again is a new attempt.
  const DrawKey key{failures_.seed(), order.id.value, static_cast<std::uint64_t>(command.sent.ns)};
  return config_.submit_failure_rate > 0 && keyed_uniform(key) < config_.submit_failure_rate;
}

void MatchingEngine::arrive(const Command& command, const Order& order) {
  WorkingOrder working;
  working.order = order;
  working.arrived = command.arrives;
  const VenueReason reason = transport_fails(command, order) ? VenueReason::TransportFailure : check_arrival(order);
  if (reason != VenueReason::None) return finish(working, OrderStatus::Rejected, reason, command.arrives);
  working.taking = order.type == OrderType::Market;
  Book& book = books_[order.symbol.value];
  working.judged = book.last.is_positive();
  if (working.judged && order.type == OrderType::TrailingStopMarket) follow(working, book.last);
  report(working, OrderStatus::New, VenueReason::None, command.arrives);
  book.orders.push_back(std::move(working));
  refresh_open_notional(order.symbol);
}

VenueReason MatchingEngine::check_arrival(const Order& order) const {
  if (order.symbol.value >= books_.size()) return VenueReason::UnknownSymbol;
  const Book& book = books_[order.symbol.value];
  // Unique among open orders, as at Binance.
  const auto same = [&](const WorkingOrder& w) { return w.order.id == order.id; };
  if (std::any_of(book.orders.begin(), book.orders.end(), same)) return VenueReason::DuplicateId;
  const VenueReason filter = check_filters(order, instrument(order.symbol));
  if (filter != VenueReason::None) return filter;
  if (order.reduce_only && !opposes(order.side, account_[order.symbol].quantity))
    return VenueReason::ReduceOnlyRejected;
  // A limit order's margin needs no market price; the rest of the checks wait for one.
  if (book.last.is_positive()) return check_price(order, book.last);
  return order.type == OrderType::Limit ? check_margin(order, order.limit_price) : VenueReason::None;
}

VenueReason MatchingEngine::check_price(const Order& order, Price last) const {
  if (is_conditional(order.type)) return would_trigger(order, last) ? VenueReason::WouldTrigger : VenueReason::None;
  if (order.type == OrderType::Limit) {
    if (order.time_in_force == domain::TimeInForce::Gtx && would_take(order, last))
      return VenueReason::PostOnlyWouldTake;
    return check_margin(order, order.limit_price);
  }
  if (below_min_notional(order, instrument(order.symbol), last)) return VenueReason::MinNotional;
  return check_margin(order, last);
}

VenueReason MatchingEngine::check_margin(const Order& order, Price price) const {
  if (order.reduce_only) return VenueReason::None;
  const Money fee = domain::multiply(price * order.quantity, instrument(order.symbol).taker_fee, domain::Rounding::Up);
  return account_.can_carry({order.symbol, order.side, order.quantity, price, fee});
}

void MatchingEngine::arrive(const Command& command, const CancelRequest& request) {
  if (request.symbol.value < books_.size()) {
    for (WorkingOrder& w : books_[request.symbol.value].orders) {
      if (w.order.id != request.order) continue;
      finish(w, OrderStatus::Canceled, VenueReason::UserRequest, command.arrives);
      return end_phase(request.symbol);
    }
  }
  domain::OrderReport unknown;
  unknown.order = request.order;
  unknown.symbol = request.symbol;
  unknown.status = OrderStatus::Rejected;
  unknown.reason = VenueReason::UnknownOrder;
  unknown.ts_event = command.arrives;
  answer(request.symbol, unknown, command.arrives);
}

void MatchingEngine::arrive(const Command& command, const LeverageRequest& request) {
  domain::LeverageSet set;
  set.symbol = request.symbol;
  set.ts_event = command.arrives;
  if (request.symbol.value < books_.size()) {
    set.accepted = account_.set_leverage(request.symbol, request.leverage, request.mode);
    set.leverage = account_[request.symbol].leverage;  // read back, also when refused
    set.mode = account_[request.symbol].mode;
  }
  answer(request.symbol, set, command.arrives);
}

void MatchingEngine::finish(WorkingOrder& working, OrderStatus status, VenueReason reason, base::Timestamp at) {
  working.done = true;
  report(working, status, reason, at);
}

void MatchingEngine::report(const WorkingOrder& working, OrderStatus status, VenueReason reason, base::Timestamp at) {
  domain::OrderReport r;
  r.order = working.order.id;
  r.symbol = working.order.symbol;
  r.status = status;
  r.reason = reason;
  r.filled = working.filled;
  if (working.filled.is_positive()) r.average_price = working.filled_value / working.filled;
  r.ts_event = at;
  answer(r.symbol, r, at);
}

void MatchingEngine::answer(SymbolId symbol, domain::Event event, base::Timestamp at) {
  if (symbol.value < books_.size()) ++books_[symbol.value].interest;
  answers_.push({at + latency(), std::move(event)});
}

std::optional<base::Timestamp> MatchingEngine::earliest_answer() const {
  std::optional<base::Timestamp> due;
  if (!answers_.empty()) due = answers_.front().due;
  if (!inbox_.empty()) {
    const base::Timestamp answered = inbox_.front().arrives + latency();
    if (!due || answered < *due) due = answered;
  }
  return due;
}

std::optional<TimedEvent> MatchingEngine::pop_due(base::Timestamp now) {
  drain(now);
  if (answers_.empty() || answers_.front().due > now) return std::nullopt;
  TimedEvent out = answers_.pop();
  const std::optional<SymbolId> symbol = std::visit(
      [](const auto& e) -> std::optional<SymbolId> {
        if constexpr (requires { SymbolId{e.symbol}; }) {
          return e.symbol;
        } else {
          return std::nullopt;
        }
      },
      out.event);
  if (symbol && symbol->value < books_.size()) --books_[symbol->value].interest;
  return out;
}

std::vector<Order> MatchingEngine::open_orders(SymbolId symbol) const {
  std::vector<Order> out;
  for (const WorkingOrder& w : books_[symbol.value].orders) out.push_back(w.order);
  return out;
}

void MatchingEngine::refresh_open_notional(SymbolId symbol, const WorkingOrder* except) {
  const Book& book = books_[symbol.value];
  Money buys, sells;
  for (const WorkingOrder& w : book.orders) {
    if (w.done || w.order.reduce_only || &w == except) continue;
    // Conditional orders reserve nothing until they trigger, market orders nothing until they have been judged.
    const Price price = w.order.type == OrderType::Limit ? w.order.limit_price
                        : w.taking && w.judged           ? book.last
                                                         : Price{};
    (w.order.side == domain::Side::Buy ? buys : sells) += price * w.remaining();
  }
  account_.set_open_notional(symbol, buys, sells);
}

}  // namespace qtrader::simvenue
