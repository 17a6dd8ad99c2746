#include "edge/exchange/control.hpp"

#include <boost/json.hpp>

#include "edge/exchange/render.hpp"

namespace qtrader::exchange {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMostTicks = 10'000'000;

base::Error bad(base::Errc code, std::string what) { return {"exchange", code, std::move(what)}; }

base::Result<std::int64_t> integer(const json::value& v, std::string_view name) {
  if (!v.is_int64() || v.get_int64() < 0)
    return bad(base::Errc::InvalidArgument, std::string(name) + ": expected an integer of at least 0");
  return v.get_int64();
}

void account_state(JsonWriter& w, const World& world, const NamedAccount& named) {
  const auto& exchange = world.exchange();
  const auto view = exchange.account(named.account);
  w.begin_object().field("api_key", named.api_key).field("hedge_mode", view.hedge_mode);
  w.field_trimmed("wallet", view.wallet).field_trimmed("cross_wallet", view.cross_wallet);
  w.field_trimmed("unrealised", view.unrealised).field_trimmed("available", view.available);
  w.field_trimmed("maintenance_margin", view.maintenance_margin);
  w.key("open_orders").begin_array();
  for (const auto& o : exchange.open_orders(named.account, std::nullopt)) {
    w.begin_object().field("symbol", exchange.instruments().name(o.request.symbol)).field("order_id", o.id);
    w.field("client_id", o.request.client_id).field("type", wire_name(o.request.type));
    w.field("side", wire_name(o.request.side)).field("position_side", wire_name(o.request.position_side));
    w.field("status", wire_name(o.status)).field_trimmed("price", o.request.price);
    w.field_trimmed("quantity", o.request.quantity).field_trimmed("executed", o.executed).end_object();
  }
  w.end_array().key("open_algo_orders").begin_array();
  for (const auto& a : exchange.open_algos(named.account, std::nullopt)) {
    w.begin_object().field("symbol", exchange.instruments().name(a.request.symbol)).field("algo_id", a.id);
    w.field("client_id", a.request.client_id).field("type", wire_name(a.request.type));
    w.field("side", wire_name(a.request.side)).field("position_side", wire_name(a.request.position_side));
    w.field("status", wire_name(a.status)).field_trimmed("trigger_price", a.request.trigger_price);
    w.field_trimmed("quantity", a.request.quantity).field("close_position", a.request.close_position).end_object();
  }
  w.end_array().key("positions").begin_array();
  for (const auto& p : exchange.active_positions(named.account)) {
    if (p.amount.is_zero()) continue;
    w.begin_object().field("symbol", exchange.instruments().name(p.symbol)).field("side", wire_name(p.side));
    w.field_trimmed("amount", p.amount).field_trimmed("entry", p.entry).field_trimmed("mark", p.mark);
    w.field_trimmed("unrealised", p.unrealised).field_trimmed("liquidation", p.liquidation).end_object();
  }
  w.end_array().end_object();
}

void time_state(JsonWriter& w, const World& world) {
  w.field("now_ms", world.now()).field("finished", world.finished()).field("ticks", world.ticks());
  w.field("events", world.events());
  if (const auto next = world.next_tick_time()) w.field("next_tick_ms", *next);
  if (!world.source_error().empty()) w.field("source_error", world.source_error());
}

base::Result<matching::SymbolStatus> status_named(const std::string& name) {
  if (name == "TRADING") return matching::SymbolStatus::Trading;
  if (name == "HALT") return matching::SymbolStatus::Halted;
  if (name == "CANCEL_ONLY") return matching::SymbolStatus::CancelOnly;
  if (name == "CLOSE") return matching::SymbolStatus::Closed;
  return bad(base::Errc::InvalidArgument, "status '" + name + "': expected TRADING, HALT, CANCEL_ONLY or CLOSE");
}

std::int32_t decimals_of(std::int64_t raw) {
  std::int32_t places = 8;
  for (; places > 0 && raw % 10 == 0; --places) raw /= 10;
  return places;
}

base::Result<void> change_filters(const FaultRule& rule, World& world, domain::SymbolId symbol) {
  auto instrument = world.exchange().instruments()[symbol];
  auto rules = world.exchange().rules(symbol);
  if (rule.tick_size) {
    instrument.tick_size = *rule.tick_size;
    rules.price_precision = std::max(rules.price_precision, decimals_of(rule.tick_size->raw()));
  }
  if (rule.step_size) {
    instrument.step_size = *rule.step_size;
    rules.quantity_precision = std::max(rules.quantity_precision, decimals_of(rule.step_size->raw()));
  }
  if (rule.min_quantity) instrument.min_quantity = *rule.min_quantity;
  if (rule.min_notional) instrument.min_notional = *rule.min_notional;
  return world.exchange().set_rules(symbol, std::move(instrument), rules);
}

}  // namespace

base::Result<Advance> parse_advance(std::string_view text, base::Timestamp now) {
  json::error_code failed;
  const json::value body = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed || !body.is_object() || body.get_object().size() != 1)
    return bad(base::Errc::InvalidArgument, "advance: expected an object with one of to_ms, by_ms, ticks");
  const auto& member = *body.get_object().begin();
  const std::string_view name = member.key();
  QT_TRY(const std::int64_t amount, integer(member.value(), name));
  constexpr std::int64_t kLatest = 253'402'300'799'000;
  Advance out;
  if (name == "to_ms" && amount <= kLatest)
    out.until = base::Timestamp::from_unix_ms(std::min<std::int64_t>(amount, 9'000'000'000'000));
  else if (name == "by_ms" && amount <= 1'000'000'000'000)
    out.until = now + base::milliseconds(amount);
  else if (name == "ticks" && amount <= kMostTicks)
    out.ticks = amount;
  else
    return bad(base::Errc::InvalidArgument, "advance: '" + std::string(name) + "' of " + std::to_string(amount) +
                                                ": expected to_ms, by_ms (up to 10^12) or ticks (up to 10^7)");
  return out;
}

std::string control_state_json(const World& world, const std::vector<NamedAccount>& accounts, const ServerCounters& c) {
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  time_state(w, world);
  w.field("begin_ms", world.begin()).field("lockstep", c.lockstep).key("speed").raw([&] {
    std::string text;
    base::append_json_number(text, c.speed);
    return text;
  }());
  w.field("shift_ms", c.shift_ms).field("clock_skew_ms", c.clock_skew_ms);
  w.key("counters").begin_object().field("requests", c.requests).field("ws_api_frames", c.ws_api_frames);
  w.field("faults_applied", c.faults_applied).field("stream_sockets", c.stream_sockets);
  w.field("ws_api_sockets", c.ws_api_sockets).field("queued_bytes", c.queued_bytes);
  w.field("market_messages", world.streams().published()).field("user_messages", world.users().published());
  w.end_object().key("symbols").begin_array();
  for (std::size_t id = 0; id < world.exchange().instruments().size(); ++id) {
    const domain::SymbolId symbol{static_cast<std::uint16_t>(id)};
    const auto top = world.exchange().top(symbol);
    w.begin_object().field("symbol", world.exchange().instruments().name(symbol));
    w.field("status", wire_name(world.exchange().status(symbol)));
    w.field_trimmed("bid", top.bid.price).field_trimmed("ask", top.ask.price);
    w.field_trimmed("last", world.exchange().last_price(symbol));
    w.field_trimmed("mark", world.exchange().mark(symbol).mark).end_object();
  }
  w.end_array().key("accounts").begin_array();
  for (const auto& a : accounts) account_state(w, world, a);
  w.end_array().end_object();
  return out;
}

std::string advance_json(const World& world) {
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  time_state(w, world);
  w.end_object();
  return out;
}

base::Result<void> act_on_exchange(const FaultRule& rule, World& world, const std::vector<NamedAccount>& accounts) {
  const auto symbol = world.exchange().instruments().find(rule.match.symbol);
  if (!symbol) return bad(base::Errc::NotFound, "symbol '" + rule.match.symbol + "' is not traded here");
  if (rule.type == FaultType::SymbolStatus) {
    QT_TRY(const auto status, status_named(rule.symbol_status));
    world.exchange().set_status(*symbol, status);
  } else if (rule.type == FaultType::Filters) {
    QT_TRY_VOID(change_filters(rule, world, *symbol));
  } else {
    bool any = false;
    for (const auto& a : accounts)
      if (rule.api_key.empty() || a.api_key == rule.api_key) {
        world.exchange().force_liquidation(a.account, *symbol);
        any = true;
      }
    if (!any) return bad(base::Errc::NotFound, "api_key '" + rule.api_key + "' has no account here");
  }
  world.drain();
  return {};
}

}  // namespace qtrader::exchange
