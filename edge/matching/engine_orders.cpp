#include <algorithm>

#include "edge/matching/engine.hpp"

// Placing, amending, cancelling and ending normal orders.
namespace qtrader::matching {

using domain::opposite;

namespace {

constexpr std::int32_t kMaxAmendments = 10'000;
constexpr int kIdHalf = 11;  // characters from one draw; 62^11 < 2^66

}  // namespace

std::string Engine::generate_client_id(const Account& account) {
  static constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string id(2 * kIdHalf, '0');
  do {
    for (int half = 0; half < 2; ++half) {
      std::uint64_t draw = rng.next();
      for (int i = 0; i < kIdHalf; ++i, draw /= kAlphabet.size())
        id[static_cast<std::size_t>(half * kIdHalf + i)] = kAlphabet[draw % kAlphabet.size()];
    }
  } while (account.by_client.contains(id));
  return id;
}

Draft Engine::draft_of(Account& account, const NewOrder& order) {
  Draft d{account, holding_of(account, order.symbol), market_of(order.symbol), instrument(order.symbol), order};
  d.closes = may_close_only(account, order);
  // Hedge mode has no reduceOnly parameter; an order that can only close is exempt all the same.
  d.exempt_from_minimum = d.closes;
  if (order.type == OrderType::Market) {
    d.order.time_in_force = TimeInForce::Gtc;
    d.order.price = Price{};
    d.order.good_till_ms = 0;
  }
  return d;
}

Outcome<Done> Engine::test(AccountId id, const NewOrder& order) {
  if (!known(order.symbol)) return refuse(-1121);
  Draft draft = draft_of(account_of(id), order);
  if (auto v = judge(draft)) return *v;
  return Done{};
}

Outcome<OrderView> Engine::place(AccountId id, const NewOrder& order) {
  if (!known(order.symbol)) return refuse(-1121);
  Draft draft = draft_of(account_of(id), order);
  if (auto v = judge(draft)) return *v;
  Order& placed = create_order(draft);
  emit_order(placed, ExecutionType::New, ExpiryReason::None);
  start(placed);
  OrderView view = placed.view;
  finish();
  return view;
}

Order& Engine::create_order(const Draft& draft) {
  Account& account = draft.account;
  const std::int64_t id = ++order_id;
  Order& order = account.open.emplace_hint(account.open.end(), id, Order{})->second;
  OrderView& v = order.view;
  v.id = id;
  v.account = account.id;
  v.request = draft.order;
  if (v.request.client_id.empty()) v.request.client_id = generate_client_id(account);
  v.original_type = draft.order.type;
  v.created = v.updated = now;
  order.closes = draft.closes;
  if (draft.origin != nullptr) {
    const AlgoView& a = draft.origin->view;
    v.original_type = a.request.type;
    v.stop_price = a.request.trigger_price;
    v.activate_price = a.request.activate_price;
    v.callback = a.request.callback;
    v.working = a.request.working;
    v.close_position = a.request.close_position;
    v.price_protect = a.request.price_protect;
    order.algo = a.id;
  }
  account.by_client.emplace(v.request.client_id, &order);
  Holding& h = draft.holding;
  ++h.open_orders;
  if (h.open_orders == 1) account.track(h);
  if (order.closes) h.closers.push_back(&order);
  if (v.request.time_in_force == TimeInForce::Gtd)
    order.timer_seq = schedule_expiry(v.request.good_till_ms, {TimerKind::OrderExpiry, account.id, h.symbol, id, {}});
  reserve(order);
  return order;
}

void Engine::start(Order& order) {
  const NewOrder& r = order.view.request;
  if (order.closes) {
    Account& account = account_of(order.view.account);
    shrink_closers(account, holding_of(account, r.symbol), {r.side, r.position_side}, &order);
  }
  execute(order, r.type == OrderType::Market ? market_limit(market_of(r.symbol), r.side) : r.price);
}

void Engine::execute(Order& order, Price limit) {
  match(order, limit);
  if (is_open(order.view.status)) rest_or_expire(order);
}

void Engine::rest_or_expire(Order& order) {
  const NewOrder& r = order.view.request;
  if (order.closes && closable(order).is_zero()) return end(order, OrderStatus::Expired, ExpiryReason::ReduceOnly);
  if (r.type == OrderType::Market) return end(order, OrderStatus::Expired, ExpiryReason::MarketRemainder);
  if (r.time_in_force == TimeInForce::Ioc) return end(order, OrderStatus::Expired, ExpiryReason::IocRemainder);
  if (r.time_in_force == TimeInForce::Fok) return end(order, OrderStatus::Expired, ExpiryReason::Fok);
  Market& market = market_of(r.symbol);
  market.book.join(order);
  dirty_books.push_back(r.symbol);
}

// The sums of open orders.

void Engine::set_reserved(Order& order, Money amount) {
  if (amount == order.reserved) return;
  Account& account = account_of(order.view.account);
  Holding& h = *account.holdings[order.view.request.symbol.value];
  account.reserve(h, order.side(), amount - order.reserved, !order.closes);
  order.reserved = amount;
}

void Engine::reserve(Order& order) {
  if (order.view.request.type != OrderType::Market) set_reserved(order, order.price() * order.remaining());
}

void Engine::release(Order& order) { set_reserved(order, Money{}); }

void Engine::shrink_closers(Account& account, Holding& h, ClosingSide which, const Order* keep) {
  if (h.closers.empty()) return;
  const auto concerns = [&](const Order& o) {
    return o.side() == which.side && o.view.request.position_side == which.row;
  };
  Quantity total;
  for (const Order* o : h.closers)
    if (concerns(*o)) total += o->remaining();
  const Quantity allowed = account.closable(h, which.side, which.row);
  while (total > allowed) {
    const auto oldest =
        std::find_if(h.closers.begin(), h.closers.end(), [&](const Order* o) { return concerns(*o) && o != keep; });
    if (oldest == h.closers.end()) return;
    Order& order = **oldest;
    total -= order.remaining();
    end(order, OrderStatus::Expired, ExpiryReason::ReduceOnly);
  }
}

// Ends.

void Engine::end(Order& order, OrderStatus status, ExpiryReason reason) {
  if (order.level != nullptr) {
    const Price price = order.level->price;
    Book& book = market_of(order.view.request.symbol).book;
    book.leave(order);
    book.drop_if_empty(order.side(), price);
    dirty_books.push_back(order.view.request.symbol);
  }
  order.view.status = status;
  order.view.updated = now;
  close_record(order);
  emit_order(order, status == OrderStatus::Canceled ? ExecutionType::Canceled : ExecutionType::Expired, reason);
  finish_algo(order);
}

/// Takes an order that is over out of everything that lists open ones. Its record keeps its address until trim().
void Engine::close_record(Order& order) {
  Account& account = account_of(order.view.account);
  Holding& h = *account.holdings[order.view.request.symbol.value];
  release(order);
  unschedule(order.timer_seq);
  if (order.closes) std::erase(h.closers, &order);
  account.by_client.erase(order.view.request.client_id);
  if (--h.open_orders == 0) account.track(h);
  const std::int64_t id = order.view.id;
  account.closed.insert(account.closed.end(), account.open.extract(id));
  account.closing_order.push_back(id);
  if (account.closing_order.size() > config.history_limit) to_trim.push_back(account.id);
}

void Engine::cancel_open(Account& account, SymbolId symbol, OrderStatus status, ExpiryReason reason) {
  for (auto it = account.open.begin(); it != account.open.end();) {
    Order& order = (it++)->second;
    if (order.view.request.symbol == symbol) end(order, status, reason);
  }
}

// Requests on open orders.

Order* Engine::find_open(Account& account, const OrderRef& ref) {
  Order* order = nullptr;
  if (ref.id != 0) {
    const auto it = account.open.find(ref.id);
    if (it != account.open.end()) order = &it->second;
  } else if (const auto it = account.by_client.find(ref.client_id); it != account.by_client.end()) {
    order = it->second;
  }
  return order != nullptr && order->view.request.symbol == ref.symbol ? order : nullptr;
}

Outcome<OrderView> Engine::cancel(AccountId id, const OrderRef& ref) {
  if (!known(ref.symbol)) return refuse(-1121);
  Order* order = find_open(account_of(id), ref);
  if (order == nullptr) return refuse(-2011);
  end(*order, OrderStatus::Canceled, ExpiryReason::None);
  OrderView view = order->view;
  finish();
  return view;
}

Outcome<Done> Engine::cancel_all(AccountId id, SymbolId symbol) {
  if (!known(symbol)) return refuse(-1121);
  cancel_open(account_of(id), symbol, OrderStatus::Canceled, ExpiryReason::None);
  finish();
  return Done{};
}

Outcome<Done> Engine::set_countdown(AccountId id, SymbolId symbol, std::int64_t countdown_ms) {
  if (!known(symbol)) return refuse(-1121);
  constexpr std::int64_t kLongest = 1'000'000'000'000;  // 31 years: keeps the sum with any clock in range
  if (countdown_ms < 0 || countdown_ms > kLongest)
    return refuse(-1130, "Data sent for parameter 'countdownTime' is not valid.");
  Account& account = account_of(id);
  Holding& h = holding_of(account, symbol);
  unschedule(h.countdown_seq);
  if (countdown_ms > 0)
    h.countdown_seq = schedule(now + base::milliseconds(countdown_ms), {TimerKind::Countdown, id, symbol, 0, {}});
  return Done{};
}

// Amending.

Verdict Engine::check_amend(Account& account, const Order& order, const AmendOrder& a) {
  const OrderView& v = order.view;
  Market& market = market_of(v.request.symbol);
  if (market.status != SymbolStatus::Trading) return refuse(-5024);
  if (v.request.type != OrderType::Limit) return refuse(-5025);
  if (a.side != v.request.side) return refuse(-1117);
  if (order.amendments >= kMaxAmendments) return refuse(-5026);
  Draft d = draft_of(account, v.request);
  if (auto v2 = check_symbol(v.request.symbol, account)) return v2;
  d.order.quantity = a.quantity;
  d.order.price = a.price;
  d.order.price_match = a.price_match;
  if (auto bad = resolve_price_match(d)) return bad;
  if (d.order.price == v.request.price && d.order.quantity == v.request.quantity) return refuse(-5027);
  if (auto bad = check_numbers(d)) {
    return bad->code == -4164 ? refuse(-5029, bad->message) : *bad;
  }
  if (d.order.quantity <= v.executed) return std::nullopt;
  // The margin and the position limit are judged for what is left to trade, as if the order were not there.
  d.order.quantity = d.order.quantity - v.executed;
  const bool opening = !order.closes;
  account.reserve(d.holding, v.request.side, -order.reserved, opening);
  const Verdict margin = check_margin(d);
  account.reserve(d.holding, v.request.side, order.reserved, opening);
  return margin;
}

Outcome<OrderView> Engine::amend(AccountId id, const AmendOrder& request) {
  if (!known(request.ref.symbol)) return refuse(-1121);
  Account& account = account_of(id);
  Order* order = find_open(account, request.ref);
  if (order == nullptr) return refuse(-2013);
  if (auto v = check_amend(account, *order, request)) return *v;
  AmendOrder a = request;
  if (a.price_match != PriceMatch::None) {
    Draft d = draft_of(account, order->view.request);
    d.order.price = Price{};
    d.order.price_match = a.price_match;
    QT_CHECK(!resolve_price_match(d), "the level was there a moment ago");
    a.price = d.order.price;
  }
  if (a.quantity <= order->view.executed) {
    end(*order, OrderStatus::Canceled, ExpiryReason::None);
  } else {
    apply_amend(*order, a);
  }
  OrderView view = order->view;
  finish();
  return view;
}

void Engine::apply_amend(Order& order, const AmendOrder& a) {
  OrderView& v = order.view;
  Account& account = account_of(v.account);
  Market& market = market_of(v.request.symbol);
  if (order.level != nullptr) {
    const Price old = order.level->price;
    market.book.leave(order);
    market.book.drop_if_empty(order.side(), old);
    dirty_books.push_back(market.symbol);
  }
  AmendmentView record{++amendment_id,  v.id,    a.modify_id,        v.request.symbol, v.request.client_id, now,
                       v.request.price, a.price, v.request.quantity, a.quantity,       ++order.amendments};
  account.amendments.push_back(std::move(record));
  if (account.amendments.size() > config.history_limit) to_trim.push_back(account.id);
  Quantity quantity = a.quantity;
  if (order.closes) quantity = std::min(quantity, v.executed + closable(order));
  v.request.quantity = quantity;
  v.request.price = a.price;
  v.request.price_match = a.price_match;
  v.request.self_trade = SelfTradePrevention::None;
  v.modify_id = a.modify_id;
  v.updated = now;
  reserve(order);
  emit_order(order, ExecutionType::Amendment, ExpiryReason::None);
  if (order.remaining().is_zero()) return end(order, OrderStatus::Expired, ExpiryReason::ReduceOnly);
  const Level* best = market.book.best(opposite(order.side()));
  const bool takes = best != nullptr && (order.side() == Side::Buy ? best->price <= a.price : best->price >= a.price);
  if (v.request.time_in_force == TimeInForce::Gtx && takes)
    return end(order, OrderStatus::Canceled, ExpiryReason::PostOnly);
  start(order);
}

}  // namespace qtrader::matching
