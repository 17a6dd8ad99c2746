// Handlers of /futures/data and of the public endpoints about things a USD-M simulator has few of: indices, the
// insurance fund, auto-deleveraging risk, trading sessions. What is not known is absent, never invented.
#include <algorithm>

#include "edge/exchange/api_call.hpp"

namespace qtrader::exchange {

using domain::SymbolId;

namespace {

std::optional<Interval> parse_period(std::string_view text) {
  constexpr std::string_view kPeriods[] = {"5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d"};
  const bool known = std::find(std::begin(kPeriods), std::end(kPeriods), text) != std::end(kPeriods);
  return known ? parse_interval(text) : std::nullopt;
}

struct StatisticsQuery {
  SymbolId symbol;
  Interval period = Interval::M5;
  std::optional<Timestamp> from, to;
  std::size_t limit = 30;
};

StatisticsQuery read_query(Call& call, ParamReader& p, std::string_view name) {
  StatisticsQuery query;
  const std::string text = p.text(name);
  const auto symbol = call.exchange().instruments().find(text);
  if (!symbol) p.fail(name == "pair" ? Refusal{-4144, "Invalid pair"} : refusals::invalid_symbol());
  query.symbol = symbol.value_or(SymbolId{});
  query.period = p.word("period", &parse_period, refusals::not_valid("period"));
  query.limit = p.limit(30, 500);
  const auto from = p.integer_if("startTime"), to = p.integer_if("endTime");
  if (from && to && *from > *to) p.fail({-1023, "Start time is greater than end time."});
  const Timestamp month_ago = call.now - base::days(30);
  if (from) query.from = std::max(time_of_ms(*from), month_ago);
  if (to) query.to = time_of_ms(*to);
  return query;
}

std::vector<Kline> closed_klines(Call& call, const StatisticsQuery& q, KlineKind kind) {
  auto rows = call.rooms.market.klines(
      {.symbol = q.symbol, .interval = q.period, .kind = kind, .from = q.from, .to = q.to, .limit = q.limit + 1});
  std::erase_if(rows, [&](const Kline& k) { return !k.closed || k.open_time < call.now - base::days(30); });
  if (rows.size() > q.limit && q.from)
    rows.resize(q.limit);
  else if (rows.size() > q.limit)
    rows.erase(rows.begin());
  return rows;
}

// The exchange keeps no past open interest: the only row is of this moment, if the window asked for contains it.
Answer open_interest_history(Call& call) {
  ParamReader p = call.reader();
  const StatisticsQuery q = read_query(call, p, "symbol");
  if (p.failed()) return p.refusal();
  JsonWriter w(call.out);
  w.begin_array();
  if ((!q.from || *q.from <= call.now) && (!q.to || *q.to >= call.now)) {
    const auto interest = call.rooms.market.open_interest(q.symbol);
    w.begin_object().field("symbol", call.exchange().instruments().name(q.symbol));
    w.field("sumOpenInterest", interest, 8);
    w.field("sumOpenInterestValue", call.exchange().mark(q.symbol).mark * interest, 8);
    w.field("CMCCirculatingSupply", domain::Quantity{}, 8).field("timestamp", call.now).end_object();
  }
  w.end_array();
  return std::nullopt;
}

Answer taker_ratio(Call& call) {
  ParamReader p = call.reader();
  const StatisticsQuery q = read_query(call, p, "symbol");
  if (p.failed()) return p.refusal();
  JsonWriter w(call.out);
  w.begin_array();
  for (const Kline& k : closed_klines(call, q, KlineKind::Contract)) {
    const auto buys = k.taker_buy_volume, sells = k.volume - k.taker_buy_volume;
    w.begin_object().key("buySellRatio").real(sells.is_positive() ? buys.to_double() / sells.to_double() : 0, 4);
    w.field("buyVol", buys, 4).field("sellVol", sells, 4).field("timestamp", k.open_time).end_object();
  }
  w.end_array();
  return std::nullopt;
}

// Ratios of long and short accounts: the market's other participants are liquidity here, not accounts.
Answer account_ratio(Call& call) {
  ParamReader p = call.reader();
  read_query(call, p, "symbol");
  if (p.failed()) return p.refusal();
  call.out += "[]";
  return std::nullopt;
}

Answer basis(Call& call) {
  ParamReader p = call.reader();
  const StatisticsQuery q = read_query(call, p, "pair");
  const std::string type = p.text("contractType");
  if (p.failed()) return p.refusal();
  const std::string& pair = call.exchange().instruments().name(q.symbol);
  const auto indices = closed_klines(call, q, KlineKind::Index);
  JsonWriter w(call.out);
  w.begin_array();
  for (const Kline& k : closed_klines(call, q, KlineKind::Contract)) {
    const auto at = std::find_if(indices.begin(), indices.end(),
                                 [&](const Kline& index) { return index.open_time == k.open_time; });
    if (type != "PERPETUAL" || at == indices.end() || at->close.is_zero()) continue;
    const domain::Price spread = k.close - at->close;
    w.begin_object().field("indexPrice", at->close, 8).field("contractType", type);
    w.field("basisRate", spread / at->close, 4).field("futuresPrice", k.close, 8);
    w.field("annualizedBasisRate", "").field("basis", spread, 8).field("pair", pair);
    w.field("timestamp", k.open_time).end_object();
  }
  w.end_array();
  return std::nullopt;
}

// Only perpetual contracts are listed: none has been delivered.
Answer delivery_price(Call& call) {
  ParamReader p = call.reader();
  const std::string pair = p.text("pair");
  if (!p.failed() && !call.exchange().instruments().find(pair)) p.fail({-4144, "Invalid pair"});
  if (p.failed()) return p.refusal();
  call.out += "[]";
  return std::nullopt;
}

// Composite and collateral indices do not exist here.
Answer no_index(Call& call) {
  if (call.params.has("symbol")) return refusals::invalid_symbol();
  call.out += "[]";
  return std::nullopt;
}

// The index price comes from the source of the market; its legs are not known.
Answer constituents(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  if (p.failed()) return p.refusal();
  JsonWriter w(call.out);
  w.begin_object().field("symbol", call.exchange().instruments().name(symbol)).field("time", call.now);
  w.key("constituents").begin_array().end_array().end_object();
  return std::nullopt;
}

// One fund stands behind all contracts.
Answer insurance_balance(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  if (p.failed()) return p.refusal();
  JsonWriter w(call.out);
  if (!symbol) w.begin_array();
  w.begin_object().key("symbols").begin_array();
  for (const auto& instrument : call.exchange().instruments().all()) w.value(instrument.symbol);
  w.end_array().key("assets").begin_array().begin_object().field("asset", "USDT");
  w.field("marginBalance", call.exchange().insurance_fund(), 8).field("updateTime", call.exchange().now());
  w.end_object().end_array().end_object();
  if (!symbol) w.end_array();
  return std::nullopt;
}

// Positions are deleveraged here exactly when the fund cannot pay: the rating says whether it can.
Answer adl_risk(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  if (p.failed()) return p.refusal();
  const std::string_view risk = call.exchange().insurance_fund().is_positive() ? "low" : "high";
  const auto write = [&](JsonWriter& w, SymbolId id) {
    w.begin_object().field("symbol", call.exchange().instruments().name(id)).field("adlRisk", risk);
    w.field("updateTime", call.exchange().now()).end_object();
  };
  JsonWriter w(call.out);
  if (symbol) {
    write(w, *symbol);
    return std::nullopt;
  }
  w.begin_array();
  for (std::size_t i = 0; i < call.exchange().instruments().size(); ++i) write(w, {static_cast<std::uint16_t>(i)});
  w.end_array();
  return std::nullopt;
}

// Sessions exist for contracts on stocks and commodities; none is listed.
Answer trading_schedule(Call& call) {
  JsonWriter w(call.out);
  w.begin_object().field("updateTime", call.now).key("marketSchedules").begin_object().end_object().end_object();
  return std::nullopt;
}

int one_or_ten(const Params& params) { return params.has("symbol") ? 1 : 10; }

constexpr Security kPublic = Security::None;
constexpr Pool kStatistics = Pool::Statistics;
constexpr Route kRoutes[] = {
    {"GET", "/fapi/v1/indexInfo", kPublic, {1}, &no_index},
    {"GET", "/fapi/v1/assetIndex", kPublic, {0, &one_or_ten}, &no_index},
    {"GET", "/fapi/v1/constituents", kPublic, {2}, &constituents},
    {"GET", "/fapi/v1/insuranceBalance", kPublic, {1}, &insurance_balance},
    {"GET", "/fapi/v1/symbolAdlRisk", kPublic, {1}, &adl_risk},
    {"GET", "/fapi/v1/tradingSchedule", kPublic, {5}, &trading_schedule},
    {"GET", "/futures/data/openInterestHist", kPublic, {1}, &open_interest_history, {}, kStatistics},
    {"GET", "/futures/data/topLongShortAccountRatio", kPublic, {1}, &account_ratio, {}, kStatistics},
    {"GET", "/futures/data/topLongShortPositionRatio", kPublic, {1}, &account_ratio, {}, kStatistics},
    {"GET", "/futures/data/globalLongShortAccountRatio", kPublic, {1}, &account_ratio, {}, kStatistics},
    {"GET", "/futures/data/takerlongshortRatio", kPublic, {1}, &taker_ratio, {}, kStatistics},
    {"GET", "/futures/data/basis", kPublic, {1}, &basis, {}, kStatistics},
    {"GET", "/futures/data/delivery-price", kPublic, {1}, &delivery_price, {}, kStatistics},
};

}  // namespace

std::span<const Route> statistics_routes() { return kRoutes; }

}  // namespace qtrader::exchange
