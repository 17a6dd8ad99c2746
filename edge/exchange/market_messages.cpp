#include "edge/exchange/market_messages.hpp"

#include "edge/exchange/wire_names.hpp"

namespace qtrader::exchange {
namespace {

constexpr std::int64_t kPerpetualDelivery = 4'133'404'800'000;  // "never": clients test for this very number
constexpr int kMarkPlaces = 8;

void kline_object(JsonWriter& w, const SymbolFormat& c, Interval interval, const Kline& k, bool with_symbol) {
  const Timestamp close = interval_next(interval, k.open_time) - base::milliseconds(1);
  w.begin_object().field("t", k.open_time).field("T", close);
  if (with_symbol) w.field("s", c.symbol);
  w.field("i", to_string(interval)).field("f", k.first_trade).field("L", k.last_trade);
  w.field("o", k.open, c.price).field("c", k.close, c.price).field("h", k.high, c.price).field("l", k.low, c.price);
  w.field("v", k.volume, c.quantity).field("n", k.trades).field("x", k.closed);
  w.key("q").real(k.quote_volume, c.quote());
  w.field("V", k.taker_buy_volume, c.quantity);
  w.key("Q").real(k.taker_buy_quote_volume, c.quote());
  w.field("B", "0").end_object();
}

void depth_head(JsonWriter& w, const SymbolFormat& c, const DepthIds& ids, Timestamp now) {
  w.begin_object().field("e", "depthUpdate").field("E", now).field("T", ids.time).field("s", c.symbol);
  w.field("ps", c.symbol).field("st", 1).field("U", ids.first).field("u", ids.last).field("pu", ids.previous);
}

void level(JsonWriter& w, const SymbolFormat& c, domain::Price price, domain::Quantity quantity) {
  w.begin_array().decimal(price, c.price).decimal(quantity, c.quantity).end_array();
}

void levels(JsonWriter& w, std::string_view name, const SymbolFormat& c, const LevelChanges& changes) {
  w.key(name).begin_array();
  for (const auto& [price, quantity] : changes) level(w, c, price, quantity);
  w.end_array();
}

void levels(JsonWriter& w, std::string_view name, const SymbolFormat& c, const std::vector<matching::BookLevel>& side) {
  w.key(name).begin_array();
  for (const auto& l : side) level(w, c, l.price, l.quantity);
  w.end_array();
}

}  // namespace

std::string agg_trade_message(const SymbolFormat& c, const AggTrade& t, Timestamp now) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("e", "aggTrade").field("E", now).field("a", t.id).field("s", c.symbol);
  w.field("p", t.price, c.price).field("q", t.quantity, c.quantity).field("nq", t.quantity, c.quantity);
  w.field("f", t.first_trade).field("l", t.last_trade).field("T", t.time).field("m", t.buyer_is_maker);
  w.field("st", 1).end_object();
  return out;
}

std::string trade_message(const SymbolFormat& c, const matching::TradeEvent& t, Timestamp now) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("e", "trade").field("E", now).field("T", t.time).field("s", c.symbol).field("t", t.id);
  w.field("p", t.price, c.price).field("q", t.quantity, c.quantity).field("X", "MARKET");
  w.field("m", t.taker == domain::Side::Sell).end_object();
  return out;
}

void append_mark_price(std::string& out, const SymbolFormat& c, const matching::MarkView& m, domain::Price average,
                       Timestamp now) {
  JsonWriter w(out);
  w.begin_object().field("e", "markPriceUpdate").field("E", now).field("s", c.symbol);
  w.field("p", m.mark, kMarkPlaces).field("ap", average, kMarkPlaces).field("i", m.index, kMarkPlaces);
  // The settlement price is estimated by the index, which is what a delivery settles on.
  w.field("P", m.index, kMarkPlaces).field("r", m.funding_rate, kMarkPlaces).field("T", m.next_funding);
  w.field("st", 1).end_object();
}

std::string kline_message(const SymbolFormat& c, Interval interval, const Kline& kline, Timestamp now) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("e", "kline").field("E", now).field("s", c.symbol).key("k");
  kline_object(w, c, interval, kline, true);
  w.end_object();
  return out;
}

std::string continuous_kline_message(const SymbolFormat& c, Interval interval, const Kline& kline, Timestamp now) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("e", "continuous_kline").field("E", now).field("ps", c.symbol).field("ct", "PERPETUAL");
  w.key("k");
  kline_object(w, c, interval, kline, false);
  w.end_object();
  return out;
}

void append_mini_ticker(std::string& out, const SymbolFormat& c, const Ticker& t, Timestamp now) {
  JsonWriter w(out);
  w.begin_object().field("e", "24hrMiniTicker").field("E", now).field("s", c.symbol);
  w.field("c", t.last, c.price).field("o", t.open, c.price).field("h", t.high, c.price).field("l", t.low, c.price);
  w.field("v", t.volume, c.quantity).key("q").real(t.quote_volume, c.price);
  w.field("ps", c.symbol).field("st", 1).end_object();
}

void append_ticker(std::string& out, const SymbolFormat& c, const Ticker& t, Timestamp now) {
  JsonWriter w(out);
  w.begin_object().field("e", "24hrTicker").field("E", now).field("s", c.symbol);
  w.field("p", t.change, c.price).key("P").real(t.change_percent, 3);
  w.field("w", t.weighted_average, c.price).field("c", t.last, c.price).field("Q", t.last_quantity, c.quantity);
  w.field("o", t.open, c.price).field("h", t.high, c.price).field("l", t.low, c.price);
  w.field("v", t.volume, c.quantity).key("q").real(t.quote_volume, c.price);
  w.field("O", t.open_time).field("C", t.close_time).field("F", t.first_trade).field("L", t.last_trade);
  w.field("n", t.trades).field("ps", c.symbol).field("st", 1).end_object();
}

std::string book_ticker_message(const SymbolFormat& c, const matching::TopView& top, Timestamp now) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("e", "bookTicker").field("u", top.update_id).field("E", now).field("T", top.time);
  w.field("s", c.symbol).field("b", top.bid.price, c.price).field("B", top.bid.quantity, c.quantity);
  w.field("a", top.ask.price, c.price).field("A", top.ask.quantity, c.quantity);
  w.field("ps", c.symbol).field("st", 1).end_object();
  return out;
}

std::string force_order_message(const SymbolFormat& c, const matching::ForcedOrderEvent& o, Timestamp now) {
  std::string out;
  JsonWriter w(out);
  const bool filled = o.filled >= o.quantity;
  w.begin_object().field("e", "forceOrder").field("E", now).key("o").begin_object();
  w.field("s", c.symbol).field("S", wire_name(o.side)).field("o", "LIMIT").field("f", "IOC");
  w.field("q", o.quantity, c.quantity).field("p", o.price, c.price).field("ap", o.average_price, c.price);
  w.field("X", filled ? "FILLED" : "PARTIALLY_FILLED");
  w.field("l", o.last_filled, c.quantity).field("z", o.filled, c.quantity).field("T", o.time).end_object();
  w.field("ps", c.symbol).field("st", 1).end_object();
  return out;
}

std::string diff_depth_message(const SymbolFormat& c, const DepthIds& ids, const LevelChanges& bids,
                               const LevelChanges& asks, Timestamp now) {
  std::string out;
  JsonWriter w(out);
  depth_head(w, c, ids, now);
  levels(w, "b", c, bids);
  levels(w, "a", c, asks);
  w.end_object();
  return out;
}

std::string partial_depth_message(const SymbolFormat& c, const DepthIds& ids, const matching::BookView& book,
                                  Timestamp now) {
  std::string out;
  JsonWriter w(out);
  depth_head(w, c, ids, now);
  levels(w, "b", c, book.bids);
  levels(w, "a", c, book.asks);
  w.end_object();
  return out;
}

std::string contract_info_message(const domain::Instrument& instrument, matching::SymbolStatus status, Timestamp now) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("e", "contractInfo").field("E", now).field("s", instrument.symbol);
  w.field("ps", instrument.symbol).field("ct", "PERPETUAL").field("dt", kPerpetualDelivery).field("ot", 0);
  w.field("cs", wire_name(status)).key("bks").begin_array();
  const auto& brackets = instrument.brackets;
  for (std::size_t i = 0; i < brackets.size(); ++i) {
    const auto& b = brackets[i];
    w.begin_object().field("bs", i + 1).key("bnf").number(b.notional_floor).key("bnc").number(b.notional_cap);
    w.key("mmr").number(b.maintenance_ratio).key("cf").number(b.cumulative);
    w.field("mi", i + 1 < brackets.size() ? brackets[i + 1].max_leverage + 1 : 1).field("ma", b.max_leverage);
    w.end_object();
  }
  w.end_array().field("st", 1).end_object();
  return out;
}

}  // namespace qtrader::exchange
