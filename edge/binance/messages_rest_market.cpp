// Rules and market data of the REST API; orders, positions and account are in messages_rest.cpp.
#include <algorithm>
#include <charconv>

#include "edge/binance/json_rows.hpp"
#include "edge/binance/messages_rest.hpp"

namespace qtrader::binance {
namespace {

using domain::Money;
using domain::Price;
using domain::Quantity;
using domain::Ratio;
using json::Fields;

void rate_limit(Fields& f, RateLimits& limits) {
  const std::string type = f.text("rateLimitType"), interval = f.text("interval");
  const std::int32_t count = f.small_integer("intervalNum"), limit = f.small_integer("limit");
  if (type == "REQUEST_WEIGHT" && interval == "MINUTE" && count == 1) limits.weight_1m = limit;
  if (type == "ORDERS" && interval == "MINUTE" && count == 1) limits.orders_1m = limit;
  if (type == "ORDERS" && interval == "SECOND" && count == 10) limits.orders_10s = limit;
}

/// Which of the filters a symbol cannot do without have been seen.
struct FiltersSeen {
  bool price = false, lot = false, market_lot = false, notional = false;
};

void filter(Fields& f, SymbolInfo& info, FiltersSeen& seen) {
  const std::string type = f.text("filterType");
  domain::Instrument& i = info.instrument;
  if (type == "PRICE_FILTER") {
    seen.price = true;
    i.tick_size = f.fixed<Price>("tickSize");
    info.min_price = f.fixed<Price>("minPrice");
    info.max_price = f.number_clamped<Price>("maxPrice");
  } else if (type == "LOT_SIZE") {
    seen.lot = true;
    i.step_size = f.fixed<Quantity>("stepSize");
    i.min_quantity = f.fixed<Quantity>("minQty");
    i.max_quantity = f.number_clamped<Quantity>("maxQty");
  } else if (type == "MARKET_LOT_SIZE") {
    seen.market_lot = true;
    i.max_market_quantity = f.number_clamped<Quantity>("maxQty");
    info.min_market_quantity = f.fixed<Quantity>("minQty");
    info.market_step_size = f.fixed<Quantity>("stepSize");
  } else if (type == "MIN_NOTIONAL") {
    seen.notional = true;
    i.min_notional = f.fixed<Money>("notional");
  } else if (type == "PERCENT_PRICE") {
    info.percent_up = f.fixed<Ratio>("multiplierUp");
    info.percent_down = f.fixed<Ratio>("multiplierDown");
  } else if (type == "MAX_NUM_ORDERS") {
    info.max_orders = f.small_integer("limit");
  }
}

SymbolInfo symbol_info(Fields& f, json::Report& report) {
  SymbolInfo info;
  info.instrument.symbol = f.text("symbol");
  info.status = f.text("status");
  info.trading = info.status == "TRADING";
  info.contract_type = f.text("contractType");
  info.pair = f.text("pair");
  info.base_asset = f.text("baseAsset");
  info.quote_asset = f.text("quoteAsset");
  info.margin_asset = f.text("marginAsset");
  info.price_precision = f.small_integer("pricePrecision");
  info.quantity_precision = f.small_integer("quantityPrecision");
  info.onboard_time = f.time("onboardDate");
  info.delivery_time = f.time("deliveryDate");
  info.trigger_protect = f.optional_fixed<Ratio>("triggerProtect").value_or(Ratio{});
  info.market_take_bound = f.optional_fixed<Ratio>("marketTakeBound").value_or(Ratio{});
  FiltersSeen seen;
  f.rows("filters", "exchangeInfo.symbols.filters", [&](Fields& row) { filter(row, info, seen); });
  const auto demand = [&](bool present, const char* name) {
    if (!present)
      report.fail("exchangeInfo.symbols: symbol '" + info.instrument.symbol + "': filter '" + name +
                  "': missing, expected one");
  };
  demand(seen.price, "PRICE_FILTER");
  demand(seen.lot, "LOT_SIZE");
  demand(seen.market_lot, "MARKET_LOT_SIZE");
  demand(seen.notional, "MIN_NOTIONAL");
  return info;
}

SymbolBrackets symbol_brackets(Fields& f) {
  SymbolBrackets out;
  out.symbol = f.text("symbol");
  f.rows("brackets", "leverageBracket.brackets", [&](Fields& b) {
    out.brackets.push_back({b.number<Money>("notionalFloor"), b.number_clamped<Money>("notionalCap"),
                            b.number<Ratio>("maintMarginRatio"), b.number<Money>("cum"),
                            b.small_integer_in_text("initialLeverage")});
  });
  std::sort(out.brackets.begin(), out.brackets.end(),
            [](const auto& a, const auto& b) { return a.notional_floor < b.notional_floor; });
  return out;
}

/// One row of klines: [open time, o, h, l, c, volume, close time, quote volume, trades, taker base, taker quote, "0"].
class Row {
 public:
  Row(json::Report& report, json::Element element) : report_(report), element_(element) {
    if (element.get_array().get(cells_) || cells_.size() < 11) fail("at least 11 cells");
  }
  std::int64_t integer(std::size_t at) {
    std::int64_t out = 0;
    if (!report_.failed() && cells_.at(at).get_int64().get(out)) fail_cell(at, "an integer");
    return out;
  }
  Price price(std::size_t at) {
    const auto parsed = Price::parse(text(at));
    if (!parsed) fail_cell(at, "a decimal string");
    return parsed ? *parsed : Price{};
  }
  double real(std::size_t at) {
    const std::string_view digits = text(at);
    double out = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (ec != std::errc() || end != digits.data() + digits.size()) fail_cell(at, "a decimal string");
    return out;
  }

 private:
  std::string_view text(std::size_t at) {
    std::string_view out;
    if (!report_.failed() && cells_.at(at).get_string().get(out)) fail_cell(at, "a decimal string");
    return out;
  }
  void fail(std::string_view expected) {
    report_.fail("klines: got row " + json::excerpt(element_) + ", expected " + std::string(expected));
  }
  void fail_cell(std::size_t at, std::string_view expected) {
    fail(std::string(expected) + " in cell '" + std::to_string(at) + "'");
  }
  json::Report& report_;
  json::Element element_;
  json::Array cells_;
};

}  // namespace

base::Result<ExchangeInfo> parse_exchange_info(std::string_view body, std::span<const std::string> only) {
  QT_TRY(const json::Element root, json::parse(body, "exchangeInfo"));
  QT_TRY(const json::Object object, json::as_object(root, "exchangeInfo"));
  json::Report report;
  Fields f(report, object, "exchangeInfo");
  ExchangeInfo info;
  info.server_time = f.time("serverTime");
  f.rows("rateLimits", "exchangeInfo.rateLimits", [&](Fields& row) { rate_limit(row, info.limits); });
  f.rows("symbols", "exchangeInfo.symbols", [&](Fields& row) {
    if (!only.empty() && std::find(only.begin(), only.end(), row.text("symbol")) == only.end()) return;
    info.symbols.push_back(symbol_info(row, report));
  });
  if (report.failed()) return report.error();
  return info;
}

base::Result<std::vector<SymbolBrackets>> parse_leverage_brackets(std::string_view body) {
  return json::one_or_list<SymbolBrackets>(body, "leverageBracket", symbol_brackets);
}

base::Result<std::vector<domain::Bar>> parse_klines(std::string_view body, domain::Timeframe timeframe) {
  QT_TRY(const json::Element root, json::parse(body, "klines"));
  json::Array rows;
  json::Report report;
  if (root.get_array().get(rows)) {
    report.fail("klines: got " + json::excerpt(root) + ", expected an array of rows");
    return report.error();
  }
  std::vector<domain::Bar> out;
  for (const json::Element element : rows) {
    if (report.failed()) break;
    Row row(report, element);
    domain::Bar bar;
    bar.open_time = base::Timestamp::from_unix_ms(row.integer(0));
    bar.open = row.price(1);
    bar.high = row.price(2);
    bar.low = row.price(3);
    bar.close = row.price(4);
    bar.volume = row.real(5);
    bar.quote_volume = row.real(7);
    bar.trades = static_cast<std::uint32_t>(row.integer(8));
    bar.taker_buy_base = row.real(9);
    bar.timeframe = timeframe;
    bar.columns = domain::kHasQuoteVolume | domain::kHasTrades | domain::kHasTakerBuy;
    out.push_back(bar);
  }
  if (report.failed()) return report.error();
  return out;
}

base::Result<DepthSnapshot> parse_depth(std::string_view body) {
  return json::one<DepthSnapshot>(body, "depth", [](Fields& f) {
    DepthSnapshot d;
    d.last_update_id = f.integer("lastUpdateId");
    d.event_time = f.optional_time("E").value_or(base::Timestamp{});
    d.transaction_time = f.optional_time("T").value_or(base::Timestamp{});
    d.bids = f.levels("bids");
    d.asks = f.levels("asks");
    return d;
  });
}

base::Result<std::vector<PremiumIndex>> parse_premium_index(std::string_view body) {
  return json::one_or_list<PremiumIndex>(body, "premiumIndex", [](Fields& f) {
    PremiumIndex p;
    p.symbol = f.text("symbol");
    p.mark = f.fixed<Price>("markPrice");
    p.index = f.fixed_or_empty<Price>("indexPrice").value_or(Price{});
    p.funding_rate = f.fixed_or_empty<Ratio>("lastFundingRate");
    p.next_funding_time = f.time("nextFundingTime");
    p.time = f.time("time");
    return p;
  });
}

base::Result<std::vector<FundingRate>> parse_funding_rates(std::string_view body) {
  return json::list<FundingRate>(body, "fundingRate", [](Fields& f) {
    return FundingRate{f.text("symbol"), f.time("fundingTime"), f.fixed<Ratio>("fundingRate"),
                       f.optional_fixed<Price>("markPrice")};
  });
}

base::Result<std::vector<RestBookTicker>> parse_book_tickers(std::string_view body) {
  return json::one_or_list<RestBookTicker>(body, "bookTicker", [](Fields& f) {
    RestBookTicker t;
    t.symbol = f.text("symbol");
    t.bid = {f.fixed<Price>("bidPrice"), f.fixed<Quantity>("bidQty")};
    t.ask = {f.fixed<Price>("askPrice"), f.fixed<Quantity>("askQty")};
    t.time = f.time("time");
    return t;
  });
}

}  // namespace qtrader::binance
