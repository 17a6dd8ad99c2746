#include "edge/simvenue/book_venue.hpp"

#include <algorithm>
#include <type_traits>

#include "edge/simvenue/refusal_reason.hpp"

// What reaches the exchange from us, on arrival, and what is answered directly. Its events are in
// book_venue_events.cpp.
namespace qtrader::simvenue {

using base::Timestamp;
using domain::ClientOrderId;
using domain::OrderStatus;
using domain::OrderType;
using domain::SymbolId;
using domain::VenueReason;
using matching::Refusal;

namespace {

constexpr int kUnchangedMarginMode = -4046, kTriggering = -4117;
constexpr base::Duration kTriggerPatience = base::milliseconds(5);  // until a cancel tries again

matching::TimeInForce wire(domain::TimeInForce t) {
  switch (t) {
    case domain::TimeInForce::Gtc:
      return matching::TimeInForce::Gtc;
    case domain::TimeInForce::Ioc:
      return matching::TimeInForce::Ioc;
    case domain::TimeInForce::Fok:
      return matching::TimeInForce::Fok;
    case domain::TimeInForce::Gtx:
      return matching::TimeInForce::Gtx;
  }
  return matching::TimeInForce::Gtc;
}

matching::OrderType wire(OrderType t) {
  switch (t) {
    case OrderType::Market:
      return matching::OrderType::Market;
    case OrderType::Limit:
      return matching::OrderType::Limit;
    case OrderType::StopMarket:
      return matching::OrderType::StopMarket;
    case OrderType::TakeProfitMarket:
      return matching::OrderType::TakeProfitMarket;
    case OrderType::TrailingStopMarket:
      return matching::OrderType::TrailingStopMarket;
  }
  return matching::OrderType::Market;
}

/// Foreign stop and take-profit limits are told as their market kin: the core only needs to see that they are there.
OrderType core_type(matching::OrderType t) {
  switch (t) {
    case matching::OrderType::Limit:
      return OrderType::Limit;
    case matching::OrderType::Market:
      return OrderType::Market;
    case matching::OrderType::Stop:
    case matching::OrderType::StopMarket:
      return OrderType::StopMarket;
    case matching::OrderType::TakeProfit:
    case matching::OrderType::TakeProfitMarket:
      return OrderType::TakeProfitMarket;
    case matching::OrderType::TrailingStopMarket:
      return OrderType::TrailingStopMarket;
  }
  return OrderType::Limit;
}

matching::NewOrder normal_order(const domain::Order& order, std::string client_id) {
  matching::NewOrder o;
  o.symbol = order.symbol;
  o.side = order.side;
  o.type = wire(order.type);
  if (order.type == OrderType::Limit) {
    o.time_in_force = wire(order.time_in_force);
    o.price = order.limit_price;
  }
  o.quantity = order.quantity;
  o.reduce_only = order.reduce_only;
  o.client_id = std::move(client_id);
  return o;
}

matching::NewAlgoOrder algo_order(const domain::Order& order, std::string client_id) {
  matching::NewAlgoOrder o;
  o.symbol = order.symbol;
  o.side = order.side;
  o.type = wire(order.type);
  o.quantity = order.quantity;
  if (order.type == OrderType::TrailingStopMarket) {
    o.activate_price = order.trigger_price;
    o.callback = order.callback.ratio();
  } else {
    o.trigger_price = order.trigger_price;
  }
  o.working = matching::WorkingType::MarkPrice;
  o.reduce_only = order.reduce_only;
  o.client_id = std::move(client_id);
  return o;
}

OrderStatus status_of(matching::OrderStatus s) {
  switch (s) {
    case matching::OrderStatus::New:
      return OrderStatus::New;
    case matching::OrderStatus::PartiallyFilled:
      return OrderStatus::PartiallyFilled;
    case matching::OrderStatus::Filled:
      return OrderStatus::Filled;
    case matching::OrderStatus::Canceled:
      return OrderStatus::Canceled;
    case matching::OrderStatus::Rejected:
      return OrderStatus::Rejected;
    case matching::OrderStatus::Expired:
    case matching::OrderStatus::ExpiredInMatch:
      return OrderStatus::Expired;
  }
  return OrderStatus::New;
}

/// The exchange remembers how an order ended, not why: the likeliest cause for its kind.
VenueReason remembered_reason(const matching::OrderView& o) {
  if (o.status == matching::OrderStatus::Canceled) return VenueReason::UserRequest;
  if (matching::is_open(o.status) || o.status == matching::OrderStatus::Filled) return VenueReason::None;
  if (o.request.type == matching::OrderType::Market || o.request.time_in_force != matching::TimeInForce::Gtc)
    return VenueReason::NoLiquidity;
  return o.request.reduce_only ? VenueReason::PositionClosed : VenueReason::None;
}

}  // namespace

BookVenue::BookVenue(matching::Exchange& exchange, matching::AccountId account, BookVenueConfig config)
    : exchange_(exchange),
      account_(account),
      config_(config),
      published_(exchange.instruments().size()),
      now_(exchange.now()) {
  QT_CHECK(config.latency_ms >= 0, "book venue: latency_ms >= 0");
}

std::string BookVenue::wire_id(ClientOrderId order) const {
  return execution::format_wire_id(config_.identity, order, 0);
}
std::optional<ClientOrderId> BookVenue::order_of(const std::string& text) const {
  return execution::parse_wire_id(config_.identity, text);
}

base::Result<void> BookVenue::submit(const risk::Approved<domain::Order>& order) {
  send([this, o = order.get()] { place(o); });
  return {};
}
base::Result<void> BookVenue::cancel(ClientOrderId order, SymbolId symbol) {
  send([this, order, symbol] { cancel_now(order, symbol); });
  return {};
}
base::Result<void> BookVenue::set_leverage(SymbolId symbol, domain::Leverage leverage, domain::MarginMode mode) {
  send([this, symbol, leverage, mode] { set_leverage_now(symbol, leverage, mode); });
  return {};
}
base::Result<void> BookVenue::query(ClientOrderId order, SymbolId symbol) {
  send([this, order, symbol] { query_now(order, symbol); });
  return {};
}
base::Result<void> BookVenue::request_snapshot() {
  if (std::exchange(snapshot_asked_, true)) return {};
  send([this, asked = now_] { snapshot_now(asked); });
  return {};
}

/// The next snapshot shows whether it is gone: there is no order of ours to report on.
base::Result<void> BookVenue::cancel_foreign(const execution::CancelForeign& order) {
  send([this, order] {
    if (!known(order.symbol)) return;
    const auto id = static_cast<std::int64_t>(order.venue_id);
    if (order.conditional)
      static_cast<void>(exchange_.cancel_algo(account_, id, {}));
    else
      static_cast<void>(exchange_.cancel(account_, {order.symbol, id, {}}));
  });
  return {};
}

void BookVenue::send(std::function<void()> run) {
  send_at(now_ + base::milliseconds(config_.latency_ms), std::move(run));
}

void BookVenue::send_at(Timestamp arrives, std::function<void()> run) {
  auto at = inbox_.end();
  while (at != inbox_.begin() && std::prev(at)->arrives > arrives) --at;
  inbox_.insert(at, {arrives, std::move(run)});
}

/// Requests that arrive until then, each at its time.
void BookVenue::deliver(Timestamp until) {
  while (!inbox_.empty() && inbox_.front().arrives <= until) {
    const Request request = std::move(inbox_.front());
    inbox_.pop_front();
    move_to(request.arrives);
    request.run();
    drain();
    arrival_.reset();
  }
}

void BookVenue::move_to(Timestamp time) {
  if (time <= now_) return;
  now_ = time;
  exchange_.advance_to(time);
  drain();
}

void BookVenue::advance_to(Timestamp now) {
  QT_CHECK(now >= now_, "market time never decreases");
  deliver(now);
  move_to(now);
}

void BookVenue::on(const matching::MarketTick& tick) {
  advance_to(std::max(now_, matching::time_of(tick)));
  exchange_.on(tick);
  drain();
}

std::optional<Timestamp> BookVenue::next_due() const {
  std::optional<Timestamp> due;
  if (!answers_.empty()) due = answers_.front().due;
  if (!inbox_.empty() && (!due || inbox_.front().arrives < *due)) due = inbox_.front().arrives;
  return due;
}

std::optional<TimedEvent> BookVenue::pop_due(Timestamp now) {
  deliver(now);
  if (answers_.empty() || answers_.front().due > now) return std::nullopt;
  return answers_.pop();
}

void BookVenue::answer(domain::Event event, Timestamp at) {
  said_.push_back({at + base::milliseconds(config_.latency_ms), std::move(event)});
}

void BookVenue::refuse(ClientOrderId order, SymbolId symbol, VenueReason reason) {
  domain::OrderReport r;
  r.order = order;
  r.symbol = symbol;
  r.status = OrderStatus::Rejected;
  r.reason = reason;
  r.ts_event = now_;
  answer(r, now_);
}

/// Accepted is said here and not by an event: there are two kinds of events for it, and an algo order that triggers
/// would be new twice.
void BookVenue::place(const domain::Order& order) {
  if (!known(order.symbol)) return refuse(order.id, order.symbol, VenueReason::UnknownSymbol);
  const matching::TopView top = exchange_.top(order.symbol);
  arrival_ = Arrival{order.id, order.side == domain::Side::Buy ? top.ask.price : top.bid.price};
  std::optional<Refusal> refusal;
  if (domain::is_conditional(order.type)) {
    if (const auto done = exchange_.place_algo(account_, algo_order(order, wire_id(order.id))); !done)
      refusal = done.refusal();
  } else if (const auto done = exchange_.place(account_, normal_order(order, wire_id(order.id))); !done) {
    refusal = done.refusal();
  }
  if (refusal) return refuse(order.id, order.symbol, reason_of(*refusal));
  domain::OrderReport r;
  r.order = order.id;
  r.symbol = order.symbol;
  r.ts_event = now_;
  answer(r, now_);
}

/// The Canceled report comes by event.
void BookVenue::cancel_now(ClientOrderId order, SymbolId symbol) {
  if (!known(symbol)) return refuse(order, symbol, VenueReason::UnknownOrder);
  const std::string id = wire_id(order);
  const auto algo = exchange_.algo(account_, 0, id);
  std::optional<Refusal> refusal;
  if (algo && matching::is_open(algo->status)) {
    if (const auto done = exchange_.cancel_algo(account_, algo->id, {}); !done) refusal = done.refusal();
  } else if (const auto done = exchange_.cancel(account_, {symbol, 0, id}); !done) {
    refusal = done.refusal();
  }
  if (!refusal) return;
  // Between its trigger and the order it becomes an algo order is out of reach for some milliseconds.
  if (refusal->code == kTriggering)
    return send_at(now_ + kTriggerPatience, [this, order, symbol] { cancel_now(order, symbol); });
  refuse(order, symbol, VenueReason::UnknownOrder);
}

void BookVenue::set_leverage_now(SymbolId symbol, domain::Leverage leverage, domain::MarginMode mode) {
  domain::LeverageSet set;
  set.symbol = symbol;
  set.ts_event = now_;
  if (known(symbol)) {
    const auto moded = exchange_.set_margin_mode(account_, symbol, mode);
    bool accepted = moded || moded.refusal().code == kUnchangedMarginMode;
    if (accepted) accepted = static_cast<bool>(exchange_.set_leverage(account_, symbol, leverage.value));
    const matching::PositionView read_back = exchange_.positions(account_, symbol).front();
    set.leverage = read_back.leverage;
    set.mode = read_back.mode;
    set.accepted = accepted && set.leverage == leverage && set.mode == mode;
  }
  answer(set, now_);
}

void BookVenue::query_now(ClientOrderId order, SymbolId symbol) {
  if (!known(symbol)) return refuse(order, symbol, VenueReason::UnknownOrder);
  const std::string id = wire_id(order);
  const auto algo = exchange_.algo(account_, 0, id);
  auto placed = exchange_.order(account_, {symbol, 0, id});
  // An id is used again after its order has ended: the younger of the two is meant.
  if (algo && placed && placed->created < algo->created) placed.reset();
  if (!algo && !placed) return refuse(order, symbol, VenueReason::UnknownOrder);
  domain::OrderReport r;
  r.order = order;
  r.symbol = symbol;
  r.ts_event = now_;
  if (placed) {
    for (const matching::UserTrade& t : exchange_.trades(account_, symbol, placed->id, {{}, {}, 0, 10'000})) {
      domain::Fill f;
      f.order = order;
      f.symbol = symbol;
      f.side = t.side;
      f.price = t.price;
      f.quantity = t.quantity;
      f.fee = t.commission;
      f.maker = t.maker;
      f.venue_trade_id = static_cast<std::uint64_t>(t.id);
      f.ts_event = t.time;
      answer(f, now_);
    }
    r.status = status_of(placed->status);
    r.reason = remembered_reason(*placed);
    r.filled = placed->executed;
    r.average_price = placed->average_price;
  } else if (algo->status == matching::AlgoStatus::Canceled) {
    r.status = OrderStatus::Canceled;
    r.reason = VenueReason::UserRequest;
  } else if (algo->status == matching::AlgoStatus::Expired) {
    r.status = OrderStatus::Expired;
    r.reason = VenueReason::PositionClosed;
  } else if (algo->status == matching::AlgoStatus::Rejected) {
    r.status = OrderStatus::Rejected;
    r.reason = reason_of_message(algo->reject_message);
  }
  answer(r, now_);
}

void BookVenue::snapshot_now(Timestamp requested_at) {
  snapshot_asked_ = false;
  const matching::AccountView account = exchange_.account(account_);
  domain::AccountSnapshot s;
  s.requested_at = requested_at;
  s.wallet = account.wallet;
  s.hedge_mode = account.hedge_mode;
  s.ts_event = now_;
  for (const matching::PositionView& p : exchange_.active_positions(account_))
    if (!p.amount.is_zero()) s.positions.push_back({p.symbol, p.amount, p.entry, p.leverage, p.mode});
  for (const matching::OrderView& o : exchange_.open_orders(account_, std::nullopt)) {
    domain::VenueOpenOrder v;
    v.order = order_of(o.request.client_id).value_or(ClientOrderId{});
    v.venue_id = static_cast<std::uint64_t>(o.id);
    v.symbol = o.request.symbol;
    v.side = o.request.side;
    v.type = core_type(o.request.type);
    v.quantity = o.request.quantity;
    v.filled = o.executed;
    v.limit_price = o.request.price;
    v.reduce_only = o.request.reduce_only;
    s.orders.push_back(v);
  }
  for (const matching::AlgoView& a : exchange_.open_algos(account_, std::nullopt)) {
    domain::VenueOpenOrder v;
    v.order = order_of(a.request.client_id).value_or(ClientOrderId{});
    v.venue_id = static_cast<std::uint64_t>(a.id);
    v.symbol = a.request.symbol;
    v.side = a.request.side;
    v.type = core_type(a.request.type);
    v.quantity = a.request.quantity;
    v.limit_price = a.request.price;
    v.trigger_price =
        a.request.type == matching::OrderType::TrailingStopMarket ? a.request.activate_price : a.request.trigger_price;
    v.reduce_only = a.request.reduce_only || a.request.close_position;
    v.conditional = true;
    s.orders.push_back(v);
  }
  answer(std::move(s), now_);
}

}  // namespace qtrader::simvenue
