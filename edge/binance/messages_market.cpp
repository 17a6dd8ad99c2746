#include "edge/binance/messages_market.hpp"

#include "edge/binance/json_fields.hpp"
#include "edge/binance/messages_fast.hpp"

namespace qtrader::binance {
namespace {

using json::Fields;
using json::Object;
using json::Report;

AggTrade agg_trade(Report& report, Object object) {
  Fields f(report, object, "aggTrade");
  AggTrade m;
  m.symbol = f.text("s");
  m.event_time = f.time("E");
  m.trade_time = f.time("T");
  m.id = f.integer("a");
  m.first_trade_id = f.integer("f");
  m.last_trade_id = f.integer("l");
  m.price = f.fixed<domain::Price>("p");
  m.quantity = f.fixed<domain::Quantity>("q");
  m.buyer_is_maker = f.boolean("m");
  return m;
}

Trade trade(Report& report, Object object) {
  Fields f(report, object, "trade");
  Trade m;
  m.symbol = f.text("s");
  m.event_time = f.time("E");
  m.trade_time = f.time("T");
  m.id = f.integer("t");
  m.price = f.fixed<domain::Price>("p");
  m.quantity = f.fixed<domain::Quantity>("q");
  m.buyer_is_maker = f.boolean("m");
  if (f.has("X")) m.on_market = f.text("X") == "MARKET";
  return m;
}

BookTicker book_ticker(Report& report, Object object) {
  Fields f(report, object, "bookTicker");
  BookTicker m;
  m.symbol = f.text("s");
  m.event_time = f.time("E");
  m.transaction_time = f.time("T");
  m.update_id = f.integer("u");
  m.bid = {f.fixed<domain::Price>("b"), f.fixed<domain::Quantity>("B")};
  m.ask = {f.fixed<domain::Price>("a"), f.fixed<domain::Quantity>("A")};
  return m;
}

DepthUpdate depth_update(Report& report, Object object) {
  Fields f(report, object, "depthUpdate");
  DepthUpdate m;
  m.symbol = f.text("s");
  m.event_time = f.time("E");
  m.transaction_time = f.time("T");
  m.first_update_id = f.integer("U");
  m.last_update_id = f.integer("u");
  m.previous_update_id = f.integer("pu");
  m.bids = f.levels("b");
  m.asks = f.levels("a");
  return m;
}

MarkPrice mark_price(Report& report, Object object) {
  Fields f(report, object, "markPriceUpdate");
  MarkPrice m;
  m.symbol = f.text("s");
  m.event_time = f.time("E");
  m.mark = f.fixed<domain::Price>("p");
  m.index = f.fixed_or_empty<domain::Price>("i").value_or(domain::Price{});
  m.estimated_settle = f.optional_fixed<domain::Price>("P").value_or(domain::Price{});
  m.average_mark = f.optional_fixed<domain::Price>("ap");
  m.funding_rate = f.fixed_or_empty<domain::Ratio>("r");
  m.next_funding_time = f.time("T");
  return m;
}

Kline kline(Report& report, Object object) {
  Fields f(report, object, "kline");
  Kline m;
  m.symbol = f.text("s");
  m.event_time = f.time("E");
  const Object inner = f.object("k");
  if (report.failed()) return m;
  Fields k(report, inner, "kline.k");
  m.bar.open_time = k.time("t");
  m.close_time = k.time("T");
  const auto timeframe = domain::parse_timeframe(k.text("i"));
  if (!timeframe) k.wrong("i", "an interval of 1m 3m 5m 15m 30m 1h 2h 4h 1d");
  if (timeframe) m.bar.timeframe = *timeframe;
  m.first_trade_id = k.integer("f");
  m.last_trade_id = k.integer("L");
  m.bar.open = k.fixed<domain::Price>("o");
  m.bar.high = k.fixed<domain::Price>("h");
  m.bar.low = k.fixed<domain::Price>("l");
  m.bar.close = k.fixed<domain::Price>("c");
  m.bar.volume = k.real("v");
  m.bar.quote_volume = k.real("q");
  m.bar.taker_buy_base = k.real("V");
  m.bar.trades = static_cast<std::uint32_t>(k.small_integer("n"));
  m.bar.columns = domain::kHasQuoteVolume | domain::kHasTrades | domain::kHasTakerBuy;
  m.closed = k.boolean("x");
  return m;
}

Ticker ticker(Report& report, Object object) {
  Fields f(report, object, "24hrTicker");
  Ticker m;
  m.symbol = f.text("s");
  m.event_time = f.time("E");
  m.open_time = f.time("O");
  m.close_time = f.time("C");
  m.open = f.fixed<domain::Price>("o");
  m.high = f.fixed<domain::Price>("h");
  m.low = f.fixed<domain::Price>("l");
  m.last = f.fixed<domain::Price>("c");
  m.change = f.fixed<domain::Price>("p");
  m.average = f.fixed<domain::Price>("w");
  m.change_percent = f.real("P");
  m.last_quantity = f.fixed<domain::Quantity>("Q");
  m.volume = f.real("v");
  m.quote_volume = f.real("q");
  m.first_trade_id = f.integer("F");
  m.last_trade_id = f.integer("L");
  m.trades = f.integer("n");
  return m;
}

MiniTicker mini_ticker(Report& report, Object object) {
  Fields f(report, object, "24hrMiniTicker");
  MiniTicker m;
  m.symbol = f.text("s");
  m.event_time = f.time("E");
  m.open = f.fixed<domain::Price>("o");
  m.high = f.fixed<domain::Price>("h");
  m.low = f.fixed<domain::Price>("l");
  m.last = f.fixed<domain::Price>("c");
  m.volume = f.real("v");
  m.quote_volume = f.real("q");
  return m;
}

ForceOrder force_order(Report& report, Object object) {
  Fields f(report, object, "forceOrder");
  ForceOrder m;
  m.event_time = f.time("E");
  const Object inner = f.object("o");
  if (report.failed()) return m;
  Fields o(report, inner, "forceOrder.o");
  m.symbol = o.text("s");
  m.side = o.side("S");
  m.quantity = o.fixed<domain::Quantity>("q");
  m.price = o.fixed<domain::Price>("p");
  m.average_price = o.fixed<domain::Price>("ap");
  m.status = o.status("X");
  m.last_filled = o.fixed<domain::Quantity>("l");
  m.filled = o.fixed<domain::Quantity>("z");
  m.trade_time = o.time("T");
  return m;
}

ContractInfo contract_info(Report& report, Object object) {
  Fields f(report, object, "contractInfo");
  ContractInfo m;
  m.symbol = f.text("s");
  m.event_time = f.time("E");
  m.contract_type = f.text("ct");
  m.delivery_time = f.time("dt");
  m.onboard_time = f.time("ot");
  m.status = f.text("cs");
  if (!f.has("bks")) return m;
  f.rows("bks", "contractInfo.bks", [&](Fields& b) {
    m.brackets.push_back({b.number<domain::Money>("bnf"), b.number_clamped<domain::Money>("bnc"),
                          b.number<domain::Ratio>("mmr"), b.number<domain::Money>("cf"), b.small_integer("ma")});
  });
  return m;
}

/// Every element of an all-market array must be of the kind of its first one.
template <class Batch, class Read>
MarketMessage batch(Report& report, json::Array rows, std::string_view kind, Read read) {
  Batch out;
  out.all.reserve(rows.size());
  for (const json::Element row : rows) {
    Object object;
    std::string_view e;
    if (row.get_object().get(object) || object.at_key("e").get_string().get(e) || e != kind) {
      report.fail(std::string(kind) + " array: field 'e': got element " + json::excerpt(row) + ", expected " +
                  std::string(kind));
      break;
    }
    out.all.push_back(read(report, object));
  }
  return out;
}

MarketMessage parse_array(Report& report, json::Array rows) {
  std::string_view kind;
  Object first;
  if (rows.size() == 0) return OtherMarket{};
  if (rows.at(0).get_object().get(first) || first.at_key("e").get_string().get(kind)) {
    report.fail("market array: field 'e': missing in the first element, expected a string");
    return OtherMarket{};
  }
  if (kind == "markPriceUpdate") return batch<MarkPrices>(report, rows, kind, mark_price);
  if (kind == "24hrTicker") return batch<Tickers>(report, rows, kind, ticker);
  if (kind == "24hrMiniTicker") return batch<MiniTickers>(report, rows, kind, mini_ticker);
  return OtherMarket{std::string(kind)};
}

MarketMessage parse_object(Report& report, Object object, std::string_view stream) {
  std::string_view kind;
  if (object.at_key("e").get_string().get(kind)) {
    if (auto reply = json::control_reply(object)) return *std::move(reply);
    Fields(report, object, "market message").wrong("e", "a string naming the event");
    return OtherMarket{};
  }
  if (kind == "bookTicker") return book_ticker(report, object);
  if (kind == "aggTrade") return agg_trade(report, object);
  if (kind == "trade") return trade(report, object);
  if (kind == "depthUpdate") {
    DepthUpdate m = depth_update(report, object);
    m.partial = fast::is_partial_depth(stream);
    return m;
  }
  if (kind == "markPriceUpdate") return mark_price(report, object);
  if (kind == "kline") return kline(report, object);
  if (kind == "24hrTicker") return ticker(report, object);
  if (kind == "24hrMiniTicker") return mini_ticker(report, object);
  if (kind == "forceOrder") return force_order(report, object);
  if (kind == "contractInfo") return contract_info(report, object);
  return OtherMarket{std::string(kind)};
}

}  // namespace

base::Result<MarketMessage> fast::parse_market_slow(std::string_view padded_text) {
  QT_TRY(const json::Element root, json::parse(padded_text, "market message", true));
  std::string_view stream;
  const json::Element payload = json::unwrap(root, stream);
  Report report;
  json::Array rows;
  if (!payload.get_array().get(rows)) {
    MarketMessage message = parse_array(report, rows);
    if (report.failed()) return report.error();
    return message;
  }
  QT_TRY(const Object object, json::as_object(payload, "market message"));
  MarketMessage message = parse_object(report, object, stream);
  if (report.failed()) return report.error();
  return message;
}

base::Result<MarketMessage> parse_market(std::string_view padded_text) {
  if (auto message = fast::parse_market_fast(padded_text)) return *std::move(message);
  return fast::parse_market_slow(padded_text);
}

base::Result<MarketMessage> parse_market_copy(std::string_view text) {
  std::string padded;
  padded.reserve(text.size() + kPadding);
  padded.append(text).append(kPadding, '\0');
  return parse_market(std::string_view(padded).substr(0, text.size()));
}

}  // namespace qtrader::binance
