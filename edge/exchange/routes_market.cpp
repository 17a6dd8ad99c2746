// Handlers of public market data: time, contracts, book, trades, candles, tickers, mark price and funding.
#include <algorithm>

#include "edge/exchange/api_call.hpp"

namespace qtrader::exchange {

using domain::SymbolId;

namespace {

constexpr int kMarkPlaces = 8;
constexpr std::int64_t kPerpetualDelivery = 4'133'404'800'000;  // Binance's "never"; clients test for it

// ids of all symbols, or of the one asked for.
std::vector<SymbolId> symbols(Call& call, std::optional<SymbolId> one) {
  if (one) return {*one};
  std::vector<SymbolId> all(call.exchange().instruments().size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = {static_cast<std::uint16_t>(i)};
  return all;
}

// One object for a symbol asked for, else an array of what `write` found something to say about.
template <class Write>
Answer one_or_all(Call& call, Write write) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  if (p.failed()) return p.refusal();
  JsonWriter w(call.out);
  if (!symbol) w.begin_array();
  for (const SymbolId id : symbols(call, symbol)) write(w, id, symbol.has_value());
  if (!symbol) w.end_array();
  return std::nullopt;
}

Answer ping(Call& call) {
  call.out += "{}";
  return std::nullopt;
}

Answer server_time(Call& call) {
  JsonWriter(call.out).begin_object().field("serverTime", call.now).end_object();
  return std::nullopt;
}

void write_limiter(JsonWriter& w, std::string_view type, std::string_view interval, std::pair<int, int> number_limit) {
  w.begin_object().field("rateLimitType", type).field("interval", interval);
  w.field("intervalNum", number_limit.first).field("limit", number_limit.second).end_object();
}

void write_lot_size(JsonWriter& w, std::string_view type, const domain::Instrument& i, domain::Quantity most) {
  // Zero means "no limit" to us and "nothing allowed" to clients.
  constexpr std::int64_t kUnlimited = 9'000'000'000;
  w.begin_object().field("filterType", type).field_trimmed("minQty", i.min_quantity);
  w.field_trimmed("maxQty", most.is_zero() ? domain::Quantity::from_int(kUnlimited) : most);
  w.field_trimmed("stepSize", i.step_size).end_object();
}

void write_filters(JsonWriter& w, Call& call, SymbolId id) {
  const auto& i = call.exchange().instruments()[id];
  const auto& r = call.exchange().rules(id);
  w.key("filters").begin_array();
  w.begin_object().field("filterType", "PRICE_FILTER").field("minPrice", r.min_price, r.price_precision);
  w.field("maxPrice", r.max_price, r.price_precision).field("tickSize", i.tick_size, r.price_precision).end_object();
  write_lot_size(w, "LOT_SIZE", i, i.max_quantity);
  write_lot_size(w, "MARKET_LOT_SIZE", i, i.max_market_quantity.is_zero() ? i.max_quantity : i.max_market_quantity);
  w.begin_object().field("filterType", "MAX_NUM_ORDERS").field("limit", r.max_orders).end_object();
  if (!call.config.algo_service)  // the filter went away with the algo service
    w.begin_object().field("filterType", "MAX_NUM_ALGO_ORDERS").field("limit", 200).end_object();
  w.begin_object().field("filterType", "MIN_NOTIONAL").field_trimmed("notional", i.min_notional).end_object();
  w.begin_object().field("filterType", "PERCENT_PRICE").field("multiplierUp", r.price_up, 4);
  w.field("multiplierDown", r.price_down, 4).field("multiplierDecimal", "4").end_object();
  w.begin_object().field("filterType", "POSITION_RISK_CONTROL").field("positionControlSide", "NONE").end_object();
  w.end_array();
}

// The day of the oldest candle known, so that nobody looks for history before it or misses some after it.
Timestamp onboarded(Call& call, SymbolId id) {
  const auto oldest = call.rooms.market.klines(
      {.symbol = id, .interval = Interval::D1, .from = Timestamp{}, .to = std::nullopt, .limit = 1});
  return oldest.empty() ? call.state.opened : oldest.front().open_time;
}

void write_symbol(JsonWriter& w, Call& call, SymbolId id) {
  const auto& i = call.exchange().instruments()[id];
  const auto& r = call.exchange().rules(id);
  const std::string_view base = base_asset(i.symbol), quote = quote_asset(i.symbol);
  w.begin_object().field("symbol", i.symbol).field("pair", i.symbol).field("contractType", "PERPETUAL");
  w.field("deliveryDate", kPerpetualDelivery).field("onboardDate", onboarded(call, id));
  w.field("status", wire_name(call.exchange().status(id)));
  // Binance sends these two for every contract and says that they are to be ignored.
  w.field("maintMarginPercent", "2.5000").field("requiredMarginPercent", "5.0000");
  w.field("baseAsset", base).field("quoteAsset", quote).field("marginAsset", quote);
  w.field("pricePrecision", r.price_precision).field("quantityPrecision", r.quantity_precision);
  w.field("baseAssetPrecision", 8).field("quotePrecision", 8).field("underlyingType", "COIN");
  w.key("underlyingSubType").begin_array().end_array().field("settlePlan", 0);
  w.field("triggerProtect", r.trigger_protect, 4).field("liquidationFee", r.liquidation_fee, 6);
  w.field_trimmed("marketTakeBound", r.market_take_bound).field("maxMoveOrderLimit", 10'000);
  write_filters(w, call, id);
  w.key("orderTypes").begin_array();
  for (int t = 0; t <= static_cast<int>(matching::OrderType::TrailingStopMarket); ++t)
    w.value(wire_name(static_cast<matching::OrderType>(t)));
  w.end_array().key("timeInForce").begin_array();
  for (const std::string_view name : {"GTC", "IOC", "FOK", "GTX", "GTD"}) w.value(name);
  w.end_array().key("permissionSets").begin_array().end_array().end_object();
}

Answer exchange_info(Call& call) {
  JsonWriter w(call.out);
  w.begin_object().field("timezone", "UTC").field("serverTime", call.now).field("futuresType", "U_MARGINED");
  w.key("rateLimits").begin_array();
  write_limiter(w, "REQUEST_WEIGHT", "MINUTE", {1, call.config.weight_1m});
  write_limiter(w, "ORDERS", "MINUTE", {1, call.config.orders_1m});
  write_limiter(w, "ORDERS", "SECOND", {10, call.config.orders_10s});
  w.end_array().key("exchangeFilters").begin_array().end_array();
  w.key("assets").begin_array().begin_object().field("asset", "USDT").field("marginAvailable", true);
  w.field("autoAssetExchange", "0").end_object().end_array();
  w.key("symbols").begin_array();
  for (const SymbolId id : symbols(call, std::nullopt)) write_symbol(w, call, id);
  w.end_array().end_object();
  return std::nullopt;
}

void write_levels(JsonWriter& w, const std::vector<matching::BookLevel>& levels, const SymbolFormat& f) {
  w.begin_array();
  for (const auto& level : levels)
    w.begin_array().decimal(level.price, f.price).decimal(level.quantity, f.quantity).end_array();
  w.end_array();
}

Answer append_book(Call& call, SymbolId symbol, std::size_t levels) {
  const auto book = call.exchange().book(symbol, levels);
  const SymbolFormat f = format_of(call.exchange(), symbol);
  JsonWriter w(call.out);
  w.begin_object().field("lastUpdateId", book.update_id).field("E", call.now).field("T", book.time);
  write_levels(w.key("bids"), book.bids, f);
  write_levels(w.key("asks"), book.asks, f);
  w.end_object();
  return std::nullopt;
}

Answer depth(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const std::int64_t limit = p.integer_if("limit").value_or(500);
  constexpr std::int64_t kLimits[] = {5, 10, 20, 50, 100, 500, 1'000};
  if (std::find(std::begin(kLimits), std::end(kLimits), limit) == std::end(kLimits))
    p.fail({-4021, "'" + std::to_string(limit) + "' is not valid depth limit."});
  if (p.failed()) return p.refusal();
  return append_book(call, symbol, static_cast<std::size_t>(limit));
}

// Nobody places RPI orders here: the book with them is the book.
Answer rpi_depth(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const std::int64_t limit = p.integer_if("limit").value_or(1'000);
  if (limit != 1'000) p.fail({-4021, "'" + std::to_string(limit) + "' is not valid depth limit."});
  if (p.failed()) return p.refusal();
  return append_book(call, symbol, 1'000);
}

void append_trades(Call& call, SymbolId symbol, const std::vector<matching::TradeEvent>& trades) {
  const SymbolFormat f = format_of(call.exchange(), symbol);
  append_list(call.out, trades, [&](const matching::TradeEvent& t) {
    JsonWriter w(call.out);
    w.begin_object().field("id", t.id).field("price", t.price, f.price).field("qty", t.quantity, f.quantity);
    w.field("quoteQty", t.price * t.quantity, f.quote()).field("time", t.time);
    w.field("isBuyerMaker", t.taker == domain::Side::Sell).field("isRPITrade", false).end_object();
  });
}

Answer trades(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const std::size_t limit = p.limit(500, 1'000);
  if (p.failed()) return p.refusal();
  append_trades(call, symbol, call.rooms.market.trades(symbol, 0, limit));
  return std::nullopt;
}

Answer historical_trades(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const std::int64_t from = p.integer_if("fromId").value_or(0);
  const std::size_t limit = p.limit(100, 500);
  if (p.failed()) return p.refusal();
  append_trades(call, symbol, call.rooms.market.trades(symbol, from, limit));
  return std::nullopt;
}

Answer agg_trades(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const auto from_id = p.integer_if("fromId");
  const Window window = read_window(p, {.limit = 500, .most = 1'000, .widest_hours = 1}, call.now);
  if (from_id && (p.has("startTime") || p.has("endTime")))
    p.fail({-1128, "Combination of optional parameters invalid."});
  if (p.failed()) return p.refusal();
  auto from = window.range.from;
  if (!from && window.range.to) from = window.oldest;
  auto rows = call.rooms.market.agg_trades(symbol, from_id, from, window.range.to, window.range.limit);
  std::erase_if(rows, [&](const AggTrade& t) { return t.time < call.now - base::hours(24); });
  const SymbolFormat f = format_of(call.exchange(), symbol);
  append_list(call.out, rows, [&](const AggTrade& t) {
    JsonWriter w(call.out);
    w.begin_object().field("a", t.id).field("p", t.price, f.price).field("q", t.quantity, f.quantity);
    w.field("nq", t.quantity, f.quantity).field("f", t.first_trade).field("l", t.last_trade).field("T", t.time);
    w.field("m", t.buyer_is_maker).end_object();
  });
  return std::nullopt;
}

void write_kline(JsonWriter& w, const Kline& k, const KlineQuery& query, const SymbolFormat& f) {
  const bool traded = query.kind == KlineKind::Contract;
  const int places = traded ? f.price : kMarkPlaces;
  const Timestamp close{interval_next(query.interval, k.open_time).ns - 1'000'000};
  w.begin_array().value(k.open_time).decimal(k.open, places).decimal(k.high, places).decimal(k.low, places);
  w.decimal(k.close, places);
  if (traded) {
    w.decimal(k.volume, f.quantity).value(close).real(k.quote_volume, f.quote()).value(k.trades);
    w.decimal(k.taker_buy_volume, f.quantity).real(k.taker_buy_quote_volume, f.quote());
  } else {
    w.value("0").value(close).value("0").value(k.trades).value("0").value("0");
  }
  w.value("0").end_array();
}

Answer append_klines(Call& call, ParamReader& p, SymbolId symbol, KlineKind kind) {
  KlineQuery query{.symbol = symbol, .kind = kind, .from = std::nullopt, .to = std::nullopt};
  query.interval = p.word("interval", &parse_interval, {-1120, "Invalid interval."});
  const auto from = p.integer_if("startTime"), to = p.integer_if("endTime");
  query.limit = p.limit(500, 1'500);
  if (from && to && *from > *to) p.fail({-1023, "Start time is greater than end time."});
  if (p.failed()) return p.refusal();
  if (from) query.from = time_of_ms(*from);
  if (to) query.to = time_of_ms(*to);
  const SymbolFormat f = format_of(call.exchange(), symbol);
  JsonWriter w(call.out);
  w.begin_array();
  for (const Kline& k : call.rooms.market.klines(query)) write_kline(w, k, query, f);
  w.end_array();
  return std::nullopt;
}

template <KlineKind kKind>
Answer klines_by_symbol(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  return append_klines(call, p, symbol, kKind);
}

SymbolId read_pair(Call& call, ParamReader& p) {
  const std::string pair = p.text("pair");
  const auto symbol = call.exchange().instruments().find(pair);
  if (!symbol) p.fail({-4144, "Invalid pair"});
  return symbol.value_or(SymbolId{});
}

Answer index_klines(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = read_pair(call, p);
  return append_klines(call, p, symbol, KlineKind::Index);
}

Answer continuous_klines(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = read_pair(call, p);
  const std::string type = p.text("contractType");
  constexpr std::string_view kTypes[] = {"PERPETUAL", "CURRENT_QUARTER", "NEXT_QUARTER", "TRADIFI_PERPETUAL"};
  if (std::find(std::begin(kTypes), std::end(kTypes), type) == std::end(kTypes))
    p.fail(refusals::not_valid("contractType"));
  const std::size_t before = call.out.size();
  const Answer answer = append_klines(call, p, symbol, KlineKind::Contract);
  if (!answer && type != "PERPETUAL") call.out.replace(before, std::string::npos, "[]");  // only perpetuals are listed
  return answer;
}

Answer premium_index(Call& call) {
  return one_or_all(call, [&](JsonWriter& w, SymbolId id, bool) {
    const auto mark = call.exchange().mark(id);
    w.begin_object().field("symbol", call.exchange().instruments().name(id));
    w.field("markPrice", mark.mark, kMarkPlaces).field("indexPrice", mark.index, kMarkPlaces);
    w.field("estimatedSettlePrice", mark.index, kMarkPlaces);
    w.field("lastFundingRate", mark.funding_rate, 8).field("interestRate", "0.00010000");
    w.field("nextFundingTime", mark.next_funding).field("time", mark.time).end_object();
  });
}

struct NamedFunding {
  FundingRow row;
  SymbolId symbol;
};

Answer funding_rate(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  constexpr std::int64_t kCentury = 24 * 36'600;
  const Window window = read_window(p, {.limit = 100, .most = 1'000, .widest_hours = kCentury}, call.now);
  if (p.failed()) return p.refusal();
  const matching::TimeRange& range = window.range;
  std::vector<NamedFunding> rows;
  for (const SymbolId id : symbols(call, symbol))
    for (const FundingRow& row : call.rooms.market.funding(id, range.from, range.to, range.limit))
      rows.push_back({row, id});
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.row.time < b.row.time; });
  if (rows.size() > range.limit) {
    if (range.from)
      rows.resize(range.limit);
    else
      rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(range.limit));
  }
  append_list(call.out, rows, [&](const NamedFunding& f) {
    JsonWriter w(call.out);
    w.begin_object().field("symbol", call.exchange().instruments().name(f.symbol)).field("fundingTime", f.row.time);
    w.field("fundingRate", f.row.rate, 8).field("markPrice", f.row.mark, kMarkPlaces);
    w.field("rateType", "Regular").end_object();
  });
  return std::nullopt;
}

// Only contracts whose funding differs from the default of eight hours.
Answer funding_info(Call& call) {
  JsonWriter w(call.out);
  w.begin_array();
  for (const SymbolId id : symbols(call, std::nullopt)) {
    const auto& rules = call.exchange().rules(id);
    const auto& i = call.exchange().instruments()[id];
    if (rules.funding_interval_hours == 8 || i.brackets.empty()) continue;
    const domain::Ratio cap = domain::Ratio::from_raw(i.brackets.front().maintenance_ratio.raw() * 3 / 4);
    w.begin_object().field("symbol", i.symbol).field("adjustedFundingRateCap", cap, 8);
    w.field("adjustedFundingRateFloor", -cap, 8).field("fundingIntervalHours", rules.funding_interval_hours);
    w.field("disclaimer", false).field("updateTime", call.state.opened).end_object();
  }
  w.end_array();
  return std::nullopt;
}

void write_ticker(JsonWriter& w, const Ticker& t, const SymbolFormat& f) {
  w.begin_object().field("symbol", f.symbol).field("priceChange", t.change, f.price);
  w.key("priceChangePercent").real(t.change_percent, 3);
  w.field("weightedAvgPrice", t.weighted_average, f.price).field("lastPrice", t.last, f.price);
  w.field("lastQty", t.last_quantity, f.quantity).field("openPrice", t.open, f.price);
  w.field("highPrice", t.high, f.price).field("lowPrice", t.low, f.price).field("volume", t.volume, f.quantity);
  w.key("quoteVolume").real(t.quote_volume, f.quote());
  w.field("openTime", t.open_time).field("closeTime", t.close_time).field("firstId", t.first_trade);
  w.field("lastId", t.last_trade).field("count", t.trades).end_object();
}

Answer ticker_24h(Call& call) {
  return one_or_all(call, [&](JsonWriter& w, SymbolId id, bool asked_for) {
    const auto ticker = call.rooms.market.ticker(id);
    if (!ticker && !asked_for) return;
    Ticker none;  // nothing has traded yet
    none.open_time = call.now - base::hours(24);
    none.close_time = call.now;
    write_ticker(w, ticker.value_or(none), format_of(call.exchange(), id));
  });
}

// Of the newest print, or of the newest known candle before the first one.
Answer ticker_price(Call& call) {
  return one_or_all(call, [&](JsonWriter& w, SymbolId id, bool asked_for) {
    const SymbolFormat f = format_of(call.exchange(), id);
    domain::Price last = call.exchange().last_price(id);
    Timestamp time = call.now;
    const auto newest = call.rooms.market.trades(id, 0, 1);
    if (!newest.empty()) time = newest.back().time;
    if (last.is_zero())
      if (const auto ticker = call.rooms.market.ticker(id)) last = ticker->last;
    if (last.is_zero() && !asked_for) return;
    w.begin_object().field("symbol", f.symbol).field("price", last, f.price).field("time", time).end_object();
  });
}

Answer book_ticker(Call& call) {
  return one_or_all(call, [&](JsonWriter& w, SymbolId id, bool) {
    const SymbolFormat f = format_of(call.exchange(), id);
    const auto top = call.exchange().top(id);
    w.begin_object().field("symbol", f.symbol).field("bidPrice", top.bid.price, f.price);
    w.field("bidQty", top.bid.quantity, f.quantity).field("askPrice", top.ask.price, f.price);
    w.field("askQty", top.ask.quantity, f.quantity).field("time", top.time).end_object();
  });
}

Answer open_interest(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  if (p.failed()) return p.refusal();
  const SymbolFormat f = format_of(call.exchange(), symbol);
  JsonWriter w(call.out);
  w.begin_object().field("openInterest", call.rooms.market.open_interest(symbol), f.quantity);
  w.field("symbol", f.symbol).field("time", call.now).end_object();
  return std::nullopt;
}

std::int64_t limit_of(const Params& params, std::int64_t otherwise) {
  const auto* text = params.find("limit");
  return text == nullptr || text->empty() ? otherwise : std::atoll(text->c_str());
}
int depth_weight(const Params& params) {
  const auto limit = limit_of(params, 500);
  return limit <= 50 ? 2 : limit <= 100 ? 5 : limit <= 500 ? 10 : 20;
}
int klines_weight(const Params& params) {
  const auto limit = limit_of(params, 500);
  return limit < 100 ? 1 : limit < 500 ? 2 : limit <= 1'000 ? 5 : 10;
}
template <int kOne, int kAll>
int by_symbol(const Params& params) {
  return params.has("symbol") ? kOne : kAll;
}

constexpr Security kPublic = Security::None;
constexpr Route kRoutes[] = {
    {"GET", "/fapi/v1/ping", kPublic, {1}, &ping},
    {"GET", "/fapi/v1/time", kPublic, {1}, &server_time},
    {"GET", "/fapi/v1/exchangeInfo", kPublic, {1}, &exchange_info},
    {"GET", "/fapi/v1/depth", kPublic, {0, &depth_weight}, &depth},
    {"GET", "/fapi/v1/rpiDepth", kPublic, {20}, &rpi_depth},
    {"GET", "/fapi/v1/trades", kPublic, {5}, &trades},
    {"GET", "/fapi/v1/historicalTrades", Security::Key, {20}, &historical_trades},
    {"GET", "/fapi/v1/aggTrades", kPublic, {20}, &agg_trades},
    {"GET", "/fapi/v1/klines", kPublic, {0, &klines_weight}, &klines_by_symbol<KlineKind::Contract>},
    {"GET", "/fapi/v1/continuousKlines", kPublic, {0, &klines_weight}, &continuous_klines},
    {"GET", "/fapi/v1/indexPriceKlines", kPublic, {0, &klines_weight}, &index_klines},
    {"GET", "/fapi/v1/markPriceKlines", kPublic, {0, &klines_weight}, &klines_by_symbol<KlineKind::Mark>},
    {"GET", "/fapi/v1/premiumIndexKlines", kPublic, {0, &klines_weight}, &klines_by_symbol<KlineKind::Premium>},
    {"GET", "/fapi/v1/premiumIndex", kPublic, {0, &by_symbol<1, 10>}, &premium_index},
    {"GET", "/fapi/v1/fundingRate", kPublic, {1}, &funding_rate, {}, Pool::Funding},
    {"GET", "/fapi/v1/fundingInfo", kPublic, {1}, &funding_info, {}, Pool::Funding},
    {"GET", "/fapi/v1/ticker/24hr", kPublic, {0, &by_symbol<1, 40>}, &ticker_24h},
    {"GET", "/fapi/v1/ticker/price", kPublic, {0, &by_symbol<1, 2>}, &ticker_price},
    {"GET", "/fapi/v2/ticker/price", kPublic, {0, &by_symbol<1, 2>}, &ticker_price},
    {"GET", "/fapi/v1/ticker/bookTicker", kPublic, {0, &by_symbol<2, 5>}, &book_ticker},
    {"GET", "/fapi/v1/openInterest", kPublic, {1}, &open_interest},
    {"WS", "ping", kPublic, {1}, &ping},
    {"WS", "time", kPublic, {1}, &server_time},
    {"WS", "depth", kPublic, {0, &depth_weight}, &depth},
    {"WS", "ticker.price", kPublic, {0, &by_symbol<1, 2>}, &ticker_price},
    {"WS", "ticker.book", kPublic, {0, &by_symbol<2, 5>}, &book_ticker},
};

}  // namespace

std::span<const Route> market_routes() { return kRoutes; }

}  // namespace qtrader::exchange
