#include "edge/exchange/user_messages.hpp"

#include <algorithm>

#include "edge/exchange/json_writer.hpp"
#include "edge/exchange/wire_names.hpp"

namespace qtrader::exchange {
namespace {

using base::Timestamp;
using domain::Price;
using domain::Ratio;

constexpr int kWalletPlaces = 8;

std::string_view execution_name(matching::ExecutionType type) {
  constexpr std::string_view kNames[] = {"NEW", "TRADE", "CANCELED", "EXPIRED", "AMENDMENT", "CALCULATED"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string_view reason_name(matching::AccountUpdateReason reason) {
  constexpr std::string_view kNames[] = {"ORDER",           "FUNDING_FEE", "MARGIN_TRANSFER", "MARGIN_TYPE_CHANGE",
                                         "INSURANCE_CLEAR", "DEPOSIT",     "WITHDRAW",        "ADJUSTMENT"};
  return kNames[static_cast<std::size_t>(reason)];
}

/// A fraction as the percent number that callback rates are sent in: 0.01 is `1`.
Ratio percent(Ratio fraction) { return Ratio::from_raw(fraction.raw() * 100); }

void head(JsonWriter& w, std::string_view event, Timestamp engine, Timestamp now) {
  w.begin_object().field("e", event).field("T", engine).field("E", std::max(engine, now));
}

std::string_view margin_type(domain::MarginMode mode) {
  return mode == domain::MarginMode::Isolated ? "isolated" : "cross";
}

}  // namespace

std::string order_trade_update(const domain::Instrument& instrument, const matching::OrderEvent& event, Timestamp now) {
  std::string out;
  out.reserve(720);
  JsonWriter w(out);
  const auto& o = event.order;
  const auto& r = o.request;
  head(w, "ORDER_TRADE_UPDATE", event.time, now);
  w.key("o").begin_object();
  w.field("s", instrument.symbol).field("c", r.client_id).field("S", wire_name(r.side)).field("o", wire_name(r.type));
  w.field("f", wire_name(r.time_in_force)).field_trimmed("q", r.quantity).field_trimmed("p", r.price);
  w.field_trimmed("ap", o.average_price).field_trimmed("sp", o.stop_price);
  w.field("x", execution_name(event.execution)).field("X", wire_name(o.status)).field("i", o.id);
  w.field_trimmed("l", event.last_quantity).field_trimmed("z", o.executed).field_trimmed("L", event.last_price);
  w.field_trimmed("n", event.commission).field("N", quote_asset(instrument.symbol));
  w.field("T", event.time).field("t", event.trade_id);
  w.field_trimmed("b", event.bid_notional).field_trimmed("a", event.ask_notional);
  w.field("m", event.maker).field("R", r.reduce_only).field("wt", wire_name(o.working));
  w.field("ot", wire_name(o.original_type)).field("ps", wire_name(r.position_side)).field("cp", o.close_position);
  if (o.original_type == matching::OrderType::TrailingStopMarket)
    w.field_trimmed("AP", o.activate_price).field_trimmed("cr", percent(o.callback));
  w.field("pP", o.price_protect).field("si", 0).field("ss", 0).field_trimmed("rp", event.realised);
  w.field("V", wire_name(r.self_trade)).field("pm", wire_name(r.price_match)).field("gtd", r.good_till_ms);
  w.field("er", std::to_string(static_cast<int>(event.reason))).field("M", o.modify_id);
  w.end_object().end_object();
  return out;
}

std::string trade_lite(const domain::Instrument& instrument, const matching::OrderEvent& event, Timestamp now) {
  std::string out;
  JsonWriter w(out);
  const auto& r = event.order.request;
  w.begin_object().field("e", "TRADE_LITE").field("E", std::max(event.time, now)).field("T", event.time);
  w.field("s", instrument.symbol).field_trimmed("q", r.quantity).field_trimmed("p", r.price).field("m", event.maker);
  w.field("c", r.client_id).field("S", wire_name(r.side)).field_trimmed("L", event.last_price);
  w.field_trimmed("l", event.last_quantity).field("t", event.trade_id).field("i", event.order.id).end_object();
  return out;
}

std::string account_update(const domain::InstrumentTable& instruments, const matching::AccountEvent& event,
                           Timestamp now) {
  std::string out;
  JsonWriter w(out);
  head(w, "ACCOUNT_UPDATE", event.time, now);
  w.key("a").begin_object().key("B").begin_array();
  if (event.balance_changed) {
    w.begin_object().field("a", "USDT").field("wb", event.wallet, kWalletPlaces);
    w.field("cw", event.cross_wallet, kWalletPlaces).field("bc", event.balance_change, kWalletPlaces).end_object();
  }
  w.end_array().key("P").begin_array();
  for (const auto& p : event.positions) {
    const auto& symbol = instruments.name(p.symbol);
    w.begin_object().field("s", symbol).field_trimmed("pa", p.amount).field_trimmed("ep", p.entry);
    w.field_trimmed("bep", p.break_even).field_trimmed("cr", p.realised_total).field_trimmed("up", p.unrealised);
    w.field("mt", margin_type(p.mode)).field("iw", p.isolated_wallet, kWalletPlaces);
    w.field("ps", wire_name(p.side)).field("ma", quote_asset(symbol)).end_object();
  }
  w.end_array().field("m", reason_name(event.reason));
  if (event.symbol) w.field("S", instruments.name(*event.symbol));
  w.end_object().end_object();
  return out;
}

std::string algo_update(const domain::Instrument& instrument, const matching::AlgoEvent& event, Timestamp now) {
  std::string out;
  out.reserve(480);
  JsonWriter w(out);
  const auto& a = event.algo;
  const auto& r = a.request;
  head(w, "ALGO_UPDATE", event.time, now);
  w.key("o").begin_object();
  w.field("caid", r.client_id).field("aid", a.id).field("at", "CONDITIONAL").field("o", wire_name(r.type));
  w.field("s", instrument.symbol).field("S", wire_name(r.side)).field("ps", wire_name(r.position_side));
  w.field("f", wire_name(r.time_in_force)).field_trimmed("q", r.quantity).field("X", wire_name(a.status));
  w.field("ai", a.order_id == 0 ? std::string() : std::to_string(a.order_id));
  if (a.order_id != 0) {
    w.field_trimmed("ap", a.average_price).field_trimmed("aq", a.executed);
    w.field("act", has_limit_price(r.type) ? "LIMIT" : "MARKET");
  }
  w.field_trimmed("tp", r.trigger_price).field_trimmed("p", r.price).field("V", wire_name(r.self_trade));
  w.field("wt", wire_name(r.working)).field("pm", wire_name(r.price_match)).field("cp", r.close_position);
  w.field("pP", r.price_protect).field("R", r.reduce_only).field("tt", a.triggered).field("gtd", r.good_till_ms);
  w.field("rm", a.reject_message);
  if (r.type == matching::OrderType::TrailingStopMarket) w.field("ia", a.activated);
  w.end_object().end_object();
  return out;
}

std::string account_config_update(const domain::Instrument& instrument, const matching::LeverageEvent& event,
                                  Timestamp now) {
  std::string out;
  JsonWriter w(out);
  head(w, "ACCOUNT_CONFIG_UPDATE", event.time, now);
  w.key("ac").begin_object().field("s", instrument.symbol).field("l", event.leverage.value).end_object().end_object();
  return out;
}

std::string margin_call(const domain::InstrumentTable& instruments, const matching::MarginCallEvent& event,
                        Timestamp now) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("e", "MARGIN_CALL").field("E", std::max(event.time, now));
  const bool any_cross = std::any_of(event.positions.begin(), event.positions.end(),
                                     [](const auto& p) { return p.mode == domain::MarginMode::Cross; });
  if (any_cross) w.field("cw", event.cross_wallet, kWalletPlaces);
  w.key("p").begin_array();
  for (const auto& p : event.positions) {
    w.begin_object()
        .field("s", instruments.name(p.symbol))
        .field("ps", wire_name(p.side))
        .field_trimmed("pa", p.amount);
    w.field("mt", p.mode == domain::MarginMode::Isolated ? "ISOLATED" : "CROSSED");
    w.field("iw", p.isolated_wallet, kWalletPlaces).field_trimmed("mp", p.mark).field_trimmed("up", p.unrealised);
    w.field_trimmed("mm", p.maintenance_margin).end_object();
  }
  w.end_array().end_object();
  return out;
}

std::string listen_key_expired(std::string_view listen_key, Timestamp now) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("e", "listenKeyExpired").field("E", now).field("listenKey", listen_key).end_object();
  return out;
}

}  // namespace qtrader::exchange
