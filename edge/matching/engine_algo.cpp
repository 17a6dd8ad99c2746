#include <algorithm>

#include "edge/matching/engine.hpp"

// The conditional order service: orders that wait for a price and then become normal ones.
namespace qtrader::matching {

namespace {

bool takes_limit(OrderType type) { return type == OrderType::Stop || type == OrderType::TakeProfit; }
bool is_stop(OrderType type) { return type == OrderType::Stop || type == OrderType::StopMarket; }
bool is_trailing(OrderType type) { return type == OrderType::TrailingStopMarket; }
/// Fires when the price rises to the trigger; else when it falls to it.
bool rises(const NewAlgoOrder& o) { return is_stop(o.type) == (o.side == Side::Buy); }

std::string type_name(OrderType type) {
  switch (type) {
    case OrderType::Limit:
      return "LIMIT";
    case OrderType::Market:
      return "MARKET";
    case OrderType::Stop:
      return "STOP";
    case OrderType::StopMarket:
      return "STOP_MARKET";
    case OrderType::TakeProfit:
      return "TAKE_PROFIT";
    case OrderType::TakeProfitMarket:
      return "TAKE_PROFIT_MARKET";
    case OrderType::TrailingStopMarket:
      return "TRAILING_STOP_MARKET";
  }
  return "";
}

constexpr std::int64_t kLeastCallback = 100'000, kMostCallback = 20'000'000;  // 0.1 % … 20 %
constexpr std::int64_t kGtdLead = 600'000, kGtdLatest = 253'402'300'799'000;

}  // namespace

Price Engine::working_price(const Market& market, WorkingType type) const {
  return type == WorkingType::MarkPrice ? market.mark.mark : market.last;
}

Verdict Engine::check_algo_shape(const Account& account, const NewAlgoOrder& o) const {
  if (o.type == OrderType::Limit || o.type == OrderType::Market) return refuse(-1116, "Invalid orderType.");
  if (o.position_side > PositionSide::Short) return refuse(-4060);
  if ((o.position_side == PositionSide::Both) == account.hedge) return refuse(-4061);
  if (account.hedge && o.reduce_only) return refuse(-1106);
  if (o.close_position) {
    if (o.type != OrderType::StopMarket && o.type != OrderType::TakeProfitMarket)
      return refuse(-4136, "Target strategy invalid for orderType " + type_name(o.type) + ",closePosition true");
    if (!o.quantity.is_zero()) return refuse(-4137);
    if (o.reduce_only) return refuse(-1106);
    const bool closing = (o.position_side == PositionSide::Long) == (o.side == Side::Sell);
    if (account.hedge && !closing) return refuse(-4138);
  }
  if (o.price_match != PriceMatch::None && !takes_limit(o.type)) return refuse(-5038);
  if (o.price_match != PriceMatch::None && !o.price.is_zero())
    return refuse(-1106, "Parameter 'price' sent when not required.");
  if (auto v = check_client_id(account, o.client_id)) return v;
  for (const auto& [id, algo] : account.algos)
    if (!o.client_id.empty() && algo.view.request.client_id == o.client_id) return refuse(-4116);
  return std::nullopt;
}

Verdict Engine::check_trigger_price(const Market& market, Price p) const {
  const ContractRules& r = market.rules;
  if (!p.is_positive()) return refuse(-4006);
  if (!within_precision(p.raw(), r.price_precision)) return refuse(-1111);
  if (p > highest_price(market)) return refuse(-4007);
  if (p < r.min_price) return refuse(-4013);
  if ((p - r.min_price).raw() % instrument(market.symbol).tick_size.raw() != 0) return refuse(-4014);
  return std::nullopt;
}

Verdict Engine::check_algo_numbers(const Market& market, const NewAlgoOrder& o) const {
  const bool limit = takes_limit(o.type) && o.price_match == PriceMatch::None;
  const ContractRules& r = market.rules;
  if (!within_precision(o.quantity.raw(), r.quantity_precision)) return refuse(-1111);
  if (limit && !within_precision(o.price.raw(), r.price_precision)) return refuse(-1111);
  if (!o.close_position)
    if (auto v = check_quantity(market, o.quantity, !takes_limit(o.type))) return v;
  if (limit)
    if (auto v = check_price(market, o.price)) return v;
  if (!is_trailing(o.type))
    if (auto v = check_trigger_price(market, o.trigger_price)) return v;
  if (limit) {
    const Price cap = o.trigger_price * r.price_up, floor = o.trigger_price * r.price_down;
    if (o.side == Side::Buy && r.price_up.is_positive() && o.price > cap)
      return refuse(-4183, "Limit price can't be higher than " + cap.to_string() + ".");
    if (o.side == Side::Sell && r.price_down.is_positive() && o.price < floor)
      return refuse(-4184, "Limit price can't be lower than " + floor.to_string() + ".");
  }
  if (is_trailing(o.type)) {
    if (o.callback.raw() < kLeastCallback || o.callback.raw() > kMostCallback)
      return refuse(-1130, "Data sent for parameter 'callbackRate' is not valid.");
    if (!o.activate_price.is_zero())
      if (auto v = check_trigger_price(market, o.activate_price)) return v;
  }
  if (o.reduce_only || o.close_position) return std::nullopt;
  const bool closing_in_hedge =
      o.position_side != PositionSide::Both && (o.position_side == PositionSide::Long) == (o.side == Side::Sell);
  const Price at = limit ? o.price : !o.trigger_price.is_zero() ? o.trigger_price : reference_price(market);
  const auto notional = bounded_notional(at, o.quantity);
  if (!notional) return refuse(-4005);
  const Money least = instrument(market.symbol).min_notional;
  if (closing_in_hedge || at.is_zero() || *notional >= least) return std::nullopt;
  return refuse(-4164,
                "Order's notional must be no smaller than " + least.to_string() + " (unless you choose reduce only).");
}

Verdict Engine::check_algo_trigger(const Market& market, const NewAlgoOrder& o) const {
  const Price price = working_price(market, o.working);
  if (price.is_zero()) return std::nullopt;
  if (is_trailing(o.type)) {
    if (o.activate_price.is_zero()) return std::nullopt;
    // A buy waits for a lower price, a sell for a higher one.
    const bool passed = o.side == Side::Buy ? o.activate_price >= price : o.activate_price <= price;
    return passed ? Verdict(refuse(-2021)) : std::nullopt;
  }
  const bool fires = rises(o) ? price >= o.trigger_price : price <= o.trigger_price;
  return fires ? Verdict(refuse(-2021)) : std::nullopt;
}

Verdict Engine::check_algo(Account& account, NewAlgoOrder& o) {
  const Market& market = market_of(o.symbol);
  if (auto v = check_symbol(o.symbol, account)) return v;
  if (auto v = check_algo_shape(account, o)) return v;
  if (o.time_in_force == TimeInForce::Gtd) {
    o.good_till_ms = o.good_till_ms / 1000 * 1000;
    if (o.good_till_ms <= now.unix_ms() + kGtdLead || o.good_till_ms >= kGtdLatest) return refuse(-5040);
  }
  if (auto v = check_algo_numbers(market, o)) return v;
  if (auto v = check_algo_trigger(market, o)) return v;
  if (account.algos.size() >= static_cast<std::size_t>(std::max(config.max_algo_orders, 0))) return refuse(-4045);
  return std::nullopt;
}

Outcome<AlgoView> Engine::place_algo(AccountId id, const NewAlgoOrder& request) {
  if (!known(request.symbol)) return refuse(-1121);
  Account& account = account_of(id);
  NewAlgoOrder order = request;
  if (auto v = check_algo(account, order)) return *v;
  if (order.client_id.empty()) order.client_id = generate_client_id(account);
  Algo& algo = account.algos.emplace_hint(account.algos.end(), ++algo_id, Algo{})->second;
  AlgoView& v = algo.view;
  v.id = algo_id;
  v.account = id;
  v.request = std::move(order);
  v.created = now;
  ++holding_of(account, request.symbol).open_algos;
  if (is_trailing(v.request.type)) {
    algo.extreme = working_price(market_of(request.symbol), v.request.working);
    v.activated = v.request.activate_price.is_zero();
  }
  if (v.request.time_in_force == TimeInForce::Gtd)
    algo.timer_seq = schedule_expiry(v.request.good_till_ms, {TimerKind::AlgoExpiry, id, request.symbol, v.id, {}});
  index_algo(algo, true);
  emit_algo(algo);
  const AlgoView view = v;
  finish();
  return view;
}

void Engine::index_algo(Algo& algo, bool insert) {
  const AlgoView& v = algo.view;
  Market& market = market_of(v.request.symbol);
  if (is_trailing(v.request.type)) {
    const std::pair key{v.account, v.id};
    insert ? static_cast<void>(market.trailing.insert(key)) : static_cast<void>(market.trailing.erase(key));
    return;
  }
  TriggerIndex& index = market.triggers[static_cast<std::size_t>(v.request.working)];
  auto& set = rises(v.request) ? index.rising : index.falling;
  const TriggerIndex::Entry entry{v.request.trigger_price.raw(), v.id, v.account};
  insert ? static_cast<void>(set.insert(entry)) : static_cast<void>(set.erase(entry));
}

bool Engine::protected_now(const Market& market, const Algo& algo) const {
  if (!algo.view.request.price_protect) return false;
  const Price mark = market.mark.mark, last = market.last;
  if (mark.is_zero() || last.is_zero()) return true;
  return (mark - last).abs() > mark * market.rules.trigger_protect;
}

void Engine::check_triggers(Market& market, WorkingType type, Price price) {
  if (price.is_zero()) return;
  TriggerIndex& index = market.triggers[static_cast<std::size_t>(type)];
  std::vector<std::pair<std::int64_t, AccountId>> due;
  for (auto it = index.rising.begin(); it != index.rising.end() && it->price <= price.raw(); ++it)
    due.push_back({it->id, it->account});
  for (auto it = index.falling.rbegin(); it != index.falling.rend() && it->price >= price.raw(); ++it)
    due.push_back({it->id, it->account});
  std::sort(due.begin(), due.end());  // by age
  for (const auto& [id, owner] : due) {
    Algo& algo = account_of(owner).algos.at(id);
    if (!protected_now(market, algo)) begin_trigger(algo);
  }
  if (!market.trailing.empty()) check_trailing(market, type, price);
}

void Engine::check_trailing(Market& market, WorkingType type, Price price) {
  std::vector<Algo*> due;
  for (const auto& [owner, id] : market.trailing) {
    Algo& algo = account_of(owner).algos.at(id);
    const NewAlgoOrder& o = algo.view.request;
    if (o.working != type) continue;
    const bool buy = o.side == Side::Buy;
    if (algo.extreme.is_zero() || (buy ? price < algo.extreme : price > algo.extreme)) algo.extreme = price;
    if (!algo.view.activated && (buy ? algo.extreme <= o.activate_price : algo.extreme >= o.activate_price)) {
      algo.view.activated = true;
      emit_algo(algo);
    }
    if (!algo.view.activated) continue;
    const Ratio one = Ratio::from_int(1);
    const Price level = algo.extreme * (buy ? one + o.callback : one - o.callback);
    if ((buy ? price >= level : price <= level) && !protected_now(market, algo)) due.push_back(&algo);
  }
  for (Algo* algo : due) begin_trigger(*algo);
}

void Engine::begin_trigger(Algo& algo) {
  index_algo(algo, false);
  unschedule(algo.timer_seq);
  algo.view.status = AlgoStatus::Triggering;
  algo.view.triggered = now;
  emit_algo(algo);
  algo.timer_seq = schedule(now + base::milliseconds(config.trigger_delay_ms),
                            {TimerKind::Trigger, algo.view.account, algo.view.request.symbol, algo.view.id, {}});
}

NewOrder Engine::order_of(const Algo& algo, const Account& account) const {
  const NewAlgoOrder& a = algo.view.request;
  NewOrder o;
  o.symbol = a.symbol;
  o.side = a.side;
  o.position_side = a.position_side;
  o.type = takes_limit(a.type) ? OrderType::Limit : OrderType::Market;
  o.time_in_force = a.time_in_force;
  o.quantity = a.quantity;
  o.price = a.price;
  o.reduce_only = a.reduce_only;
  if (a.close_position) {
    const Holding* h = account.find(a.symbol);
    o.quantity = h == nullptr ? Quantity{} : account.closable(*h, a.side, a.position_side);
    o.reduce_only = !account.hedge;
  }
  o.client_id = a.client_id;
  o.price_match = a.price_match;
  o.self_trade = a.self_trade;
  o.good_till_ms = a.good_till_ms;
  return o;
}

void Engine::complete_trigger(Algo& algo) {
  Account& account = account_of(algo.view.account);
  const NewOrder order = order_of(algo, account);
  if (algo.view.request.close_position && order.quantity.is_zero()) return end_algo(algo, AlgoStatus::Expired, "");
  Draft draft = draft_of(account, order);
  draft.origin = &algo;
  draft.close_position = algo.view.request.close_position;
  if (auto v = judge(draft)) return end_algo(algo, AlgoStatus::Rejected, v->message);
  Order& placed = create_order(draft);
  algo.view.order_id = placed.view.id;
  end_algo(algo, AlgoStatus::Triggered, "");
  emit_order(placed, ExecutionType::New, ExpiryReason::None);
  start(placed);
}

/// The algo waits no more; its record moves to the history, where finish_algo() still finds it.
void Engine::end_algo(Algo& algo, AlgoStatus status, const std::string& message) {
  if (algo.view.status == AlgoStatus::New) index_algo(algo, false);
  unschedule(algo.timer_seq);
  algo.view.status = status;
  algo.view.reject_message = message;
  emit_algo(algo);
  Account& account = account_of(algo.view.account);
  --holding_of(account, algo.view.request.symbol).open_algos;
  account.old_algos.insert(account.old_algos.end(), account.algos.extract(algo.view.id));
  if (account.old_algos.size() > config.history_limit) to_trim.push_back(account.id);
}

void Engine::finish_algo(const Order& order) {
  if (order.algo == 0) return;
  Account& account = account_of(order.view.account);
  const auto it = account.old_algos.find(order.algo);
  if (it == account.old_algos.end()) return;
  AlgoView& v = it->second.view;
  v.status = AlgoStatus::Finished;
  v.executed = order.view.executed;
  v.average_price = order.view.average_price;
  emit_algo(it->second);
}

void Engine::end_algos(Account& account, SymbolId symbol, AlgoStatus status) {
  for (auto it = account.algos.begin(); it != account.algos.end();) {
    Algo& algo = (it++)->second;
    if (algo.view.request.symbol == symbol) end_algo(algo, status, "");
  }
}

void Engine::expire_position_algos(const Gone& g) {
  Account& account = account_of(g.account);
  const Side closing = g.was_long ? Side::Sell : Side::Buy;
  if (holding_of(account, g.symbol).open_algos > 0) {
    for (auto it = account.algos.begin(); it != account.algos.end();) {
      Algo& algo = (it++)->second;
      const NewAlgoOrder& o = algo.view.request;
      const bool bound = o.close_position || o.time_in_force == TimeInForce::GteGtc;
      if (bound && o.symbol == g.symbol && o.position_side == g.row && o.side == closing)
        end_algo(algo, AlgoStatus::Expired, "");
    }
  }
  for (auto it = account.open.begin(); it != account.open.end();) {
    Order& order = (it++)->second;
    const NewOrder& o = order.view.request;
    if (o.time_in_force == TimeInForce::GteGtc && o.symbol == g.symbol && o.position_side == g.row && o.side == closing)
      end(order, OrderStatus::Expired, ExpiryReason::GteCondition);
  }
}

Outcome<AlgoView> Engine::cancel_algo(AccountId id, std::int64_t number, const std::string& client_id) {
  Account& account = account_of(id);
  for (auto& [key, algo] : account.algos) {
    if (number != 0 ? key != number : algo.view.request.client_id != client_id) continue;
    if (algo.view.status == AlgoStatus::Triggering) return refuse(-4117);
    AlgoView view;
    end_algo(algo, AlgoStatus::Canceled, "");
    view = account.old_algos.at(algo.view.id).view;
    finish();
    return view;
  }
  return refuse(-2011);
}

Outcome<Done> Engine::cancel_all_algo(AccountId id, SymbolId symbol) {
  if (!known(symbol)) return refuse(-1121);
  Account& account = account_of(id);
  for (auto it = account.algos.begin(); it != account.algos.end();) {
    Algo& algo = (it++)->second;
    if (algo.view.request.symbol == symbol && algo.view.status == AlgoStatus::New)
      end_algo(algo, AlgoStatus::Canceled, "");
  }
  finish();
  return Done{};
}

}  // namespace qtrader::matching
