// Handlers of account, position and configuration endpoints, and of listen keys.
#include <algorithm>

#include "edge/exchange/api_call.hpp"

namespace qtrader::exchange {

using domain::MarginMode;
using domain::SymbolId;
using matching::PositionView;

namespace {

// Every row of every symbol asked for, flat ones too.
std::vector<PositionView> all_rows(Call& call, std::optional<SymbolId> symbol) {
  std::vector<PositionView> rows;
  const auto size = call.exchange().instruments().size();
  for (std::size_t i = 0; i < size; ++i) {
    const SymbolId id{static_cast<std::uint16_t>(i)};
    if (symbol && *symbol != id) continue;
    const auto more = call.exchange().positions(call.account(), id);
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

// The leverage and margin mode of a symbol are the same on all its rows.
PositionView settings_of(Call& call, SymbolId symbol) {
  const auto rows = call.exchange().positions(call.account(), symbol);
  QT_CHECK(!rows.empty(), "a symbol without position rows");
  return rows.front();
}

void append_rows(Call& call, const std::vector<PositionView>& rows, PositionShape shape) {
  append_list(call.out, rows, [&](const PositionView& row) {
    append_position(call.out, row, format_of(call.exchange(), row.symbol), shape);
  });
}

bool fee_burn(const Call& call) {
  const auto it = call.state.fee_burn.find(call.account());
  return it != call.state.fee_burn.end() && it->second;
}

Answer account_v2(Call& call) {
  const AccountFlags flags{call.key->can_trade, fee_burn(call)};
  append_account_head(call.out, call.exchange().account(call.account()), flags, true);
  append_rows(call, all_rows(call, std::nullopt), PositionShape::AccountV2);
  call.out.push_back('}');
  return std::nullopt;
}

Answer account_v3(Call& call) {
  append_account_head(call.out, call.exchange().account(call.account()), {}, false);
  append_rows(call, call.exchange().active_positions(call.account()), PositionShape::AccountV3);
  call.out.push_back('}');
  return std::nullopt;
}

Answer balance(Call& call) {
  append_balance(call.out, call.exchange().account(call.account()), call.account());
  return std::nullopt;
}

Answer position_risk_v2(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  if (p.failed()) return p.refusal();
  append_rows(call, all_rows(call, symbol), PositionShape::RiskV2);
  return std::nullopt;
}

Answer position_risk_v3(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  if (p.failed()) return p.refusal();
  auto rows = call.exchange().active_positions(call.account());
  std::erase_if(rows, [&](const PositionView& row) { return symbol && row.symbol != *symbol; });
  append_rows(call, rows, PositionShape::RiskV3);
  return std::nullopt;
}

Answer symbol_config(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  if (p.failed()) return p.refusal();
  JsonWriter w(call.out);
  w.begin_array();
  for (std::size_t i = 0; i < call.exchange().instruments().size(); ++i) {
    const SymbolId id{static_cast<std::uint16_t>(i)};
    if (symbol && *symbol != id) continue;
    const PositionView row = settings_of(call, id);
    w.begin_object().field("symbol", call.exchange().instruments().name(id));
    w.field("marginType", row.mode == MarginMode::Isolated ? "ISOLATED" : "CROSSED").field("isAutoAddMargin", false);
    w.field("leverage", row.leverage.value).field_trimmed("maxNotionalValue", row.max_notional).end_object();
  }
  w.end_array();
  return std::nullopt;
}

Answer account_config(Call& call) {
  JsonWriter w(call.out);
  w.begin_object().field("feeTier", 0).field("canTrade", call.key->can_trade).field("canDeposit", true);
  w.field("canWithdraw", true).field("dualSidePosition", call.exchange().account(call.account()).hedge_mode);
  w.field("updateTime", 0).field("multiAssetsMargin", false).field("tradeGroupId", -1).end_object();
  return std::nullopt;
}

Answer set_leverage(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const std::int64_t leverage = p.integer("leverage");
  if (leverage < 1 || leverage > 125) p.fail({-4028, "Leverage " + std::to_string(leverage) + " is not valid"});
  if (p.failed()) return p.refusal();
  const auto set = call.exchange().set_leverage(call.account(), symbol, static_cast<std::int32_t>(leverage));
  if (!set) return set.refusal();
  JsonWriter w(call.out);
  w.begin_object().field("leverage", set->leverage.value).field_trimmed("maxNotionalValue", set->max_notional);
  w.field("symbol", call.exchange().instruments().name(symbol)).end_object();
  return std::nullopt;
}

std::optional<MarginMode> parse_margin_mode(std::string_view text) {
  if (text == "ISOLATED") return MarginMode::Isolated;
  if (text == "CROSSED") return MarginMode::Cross;
  return std::nullopt;
}

Answer set_margin_type(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const MarginMode mode = p.word("marginType", &parse_margin_mode, refusals::not_valid("marginType"));
  if (p.failed()) return p.refusal();
  const auto done = call.exchange().set_margin_mode(call.account(), symbol, mode);
  if (!done) return done.refusal();
  append_success(call.out);
  return std::nullopt;
}

Answer get_position_side(Call& call) {
  const bool hedge = call.exchange().account(call.account()).hedge_mode;
  JsonWriter(call.out).begin_object().field("dualSidePosition", hedge).end_object();
  return std::nullopt;
}

Answer set_position_side(Call& call) {
  ParamReader p = call.reader();
  const bool hedge = p.boolean("dualSidePosition");
  if (p.failed()) return p.refusal();
  const auto done = call.exchange().set_hedge_mode(call.account(), hedge);
  if (!done) return done.refusal();
  append_success(call.out);
  return std::nullopt;
}

Answer get_multi_assets(Call& call) {
  JsonWriter(call.out).begin_object().field("multiAssetsMargin", false).end_object();
  return std::nullopt;
}

// Accounts here hold one asset, so that multi-assets mode cannot be entered: what would forbid it on Binance is said
// first, then that it does not exist.
Answer set_multi_assets(Call& call) {
  ParamReader p = call.reader();
  const bool wanted = p.boolean("multiAssetsMargin");
  if (p.failed()) return p.refusal();
  if (!wanted)
    return Refusal{-4171, "Adjusted asset mode is currently set and does not need to be adjusted repeatedly."};
  const auto rows = all_rows(call, std::nullopt);
  const bool isolated =
      std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.mode == MarginMode::Isolated; });
  if (isolated)
    return Refusal{-4167,
                   "Unable to adjust to Multi-Assets mode with symbols of USDⓈ-M Futures under isolated-margin mode."};
  if (!call.exchange().open_orders(call.account(), std::nullopt).empty())
    return Refusal{-4170, "Unable to adjust Multi-Assets Mode with open orders in USDⓈ-M Futures account."};
  return Refusal{-1020, "This operation is not supported."};
}

Answer get_fee_burn(Call& call) {
  JsonWriter(call.out).begin_object().field("feeBurn", fee_burn(call)).end_object();
  return std::nullopt;
}

// The setting is kept and shown; without BNB in the wallet it lowers no fee, on Binance as here.
Answer set_fee_burn(Call& call) {
  ParamReader p = call.reader();
  const bool wanted = p.boolean("feeBurn");
  if (p.failed()) return p.refusal();
  call.state.fee_burn[call.account()] = wanted;
  append_success(call.out);
  return std::nullopt;
}

Answer adjust_position_margin(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const Decimal amount = p.decimal("amount");
  const std::int64_t type = p.integer("type");
  const auto side =
      p.word_or("positionSide", &parse_position_side, matching::PositionSide::Both, {-4060, "Invalid position side."});
  if (type != 1 && type != 2) p.fail(refusals::not_valid("type"));
  if (amount.raw <= 0) p.fail({-4055, "Amount must be positive."});
  if (p.failed()) return p.refusal();
  const auto money = domain::Money::from_raw(amount.raw);
  const auto done = call.exchange().adjust_margin(call.account(), symbol, side, money, type == 1);
  if (!done) return done.refusal();
  JsonWriter w(call.out);
  w.begin_object().key("amount").number(money).field("code", 200);
  w.field("msg", "Successfully modify position margin.").field("type", type).end_object();
  return std::nullopt;
}

Answer margin_history(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const auto type = p.integer_if("type");
  const Window window = read_window(p, {.limit = 500, .most = 1'000, .widest_hours = 30 * 24}, call.now);
  if (p.failed()) return p.refusal();
  auto rows = call.exchange().margin_changes(call.account(), symbol, window.range);
  std::erase_if(rows, [&](const matching::MarginChange& row) {
    return row.time < window.oldest || (type && row.added != (*type == 1));
  });
  const SymbolFormat format = format_of(call.exchange(), symbol);
  append_list(call.out, rows, [&](const auto& row) { append_margin_change(call.out, row, format); });
  return std::nullopt;
}

Answer income(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  const std::string type = p.text_or("incomeType", "");
  const std::int64_t page = p.integer_if("page").value_or(1);
  if (page < 1 || page > 1'000) p.fail(refusals::not_valid("page"));
  const Window window = read_window(p, {.limit = 100, .most = 1'000, .widest_hours = 90 * 24}, call.now);
  if (p.failed()) return p.refusal();
  matching::TimeRange range = window.range;
  const Timestamp week_ago = call.now - base::days(7);
  const Timestamp oldest = p.has("startTime") || p.has("endTime") ? window.oldest : week_ago;
  // Pages count from the oldest row; the first page alone shows the newest rows when no start is given.
  if (page > 1 && !range.from) range.from = oldest;
  const std::size_t skip = static_cast<std::size_t>(page - 1) * range.limit;
  range.limit += skip;
  auto rows = call.exchange().income(call.account(), symbol, type, range);
  std::erase_if(rows, [&](const matching::IncomeView& row) { return row.time < oldest; });
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(std::min(skip, rows.size())));
  append_list(call.out, rows, [&](const matching::IncomeView& row) {
    append_income(call.out, row,
                  row.has_symbol ? std::string_view(call.exchange().instruments().name(row.symbol)) : "");
  });
  return std::nullopt;
}

Answer commission_rate(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  if (p.failed()) return p.refusal();
  const auto& instrument = call.exchange().instruments()[symbol];
  JsonWriter w(call.out);
  w.begin_object().field("symbol", instrument.symbol).field("makerCommissionRate", instrument.maker_fee, 6);
  w.field("takerCommissionRate", instrument.taker_fee, 6);
  w.field("rpiCommissionRate", domain::Ratio{}, 6).end_object();  // no RPI orders are taken, so none is charged
  return std::nullopt;
}

void append_brackets(JsonWriter& w, const domain::Instrument& instrument) {
  w.begin_object().field("symbol", instrument.symbol).key("brackets").begin_array();
  int number = 0;
  for (const auto& b : instrument.brackets) {
    w.begin_object().field("bracket", ++number).field("initialLeverage", b.max_leverage);
    w.key("notionalCap").number(b.notional_cap).key("notionalFloor").number(b.notional_floor);
    w.key("maintMarginRatio").number(b.maintenance_ratio).key("cum").number(b.cumulative).end_object();
  }
  w.end_array().end_object();
}

Answer leverage_bracket(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  if (p.failed()) return p.refusal();
  JsonWriter w(call.out);
  w.begin_array();
  const auto& table = call.exchange().instruments();
  for (std::size_t i = 0; i < table.size(); ++i) {
    const SymbolId id{static_cast<std::uint16_t>(i)};
    if (!symbol || *symbol == id) append_brackets(w, table[id]);
  }
  w.end_array();
  return std::nullopt;
}

void append_quantile(JsonWriter& w, Call& call, SymbolId symbol) {
  int both = 0, longs = 0, shorts = 0;
  bool hedge = false, cross = true;
  for (const auto& row : call.exchange().positions(call.account(), symbol)) {
    cross = row.mode == MarginMode::Cross;
    hedge = hedge || row.side != matching::PositionSide::Both;
    (row.side == matching::PositionSide::Both   ? both
     : row.side == matching::PositionSide::Long ? longs
                                                : shorts) = row.adl_quantile;
  }
  w.begin_object().field("symbol", call.exchange().instruments().name(symbol)).key("adlQuantile").begin_object();
  w.field("LONG", longs).field("SHORT", shorts).field(hedge && cross ? "HEDGE" : "BOTH", both);
  w.end_object().end_object();
}

Answer adl_quantile(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  if (p.failed()) return p.refusal();
  std::vector<SymbolId> symbols;
  if (symbol) symbols.push_back(*symbol);
  for (const auto& row : call.exchange().active_positions(call.account()))
    if (!symbol && !row.amount.is_zero() && (symbols.empty() || symbols.back() != row.symbol))
      symbols.push_back(row.symbol);
  JsonWriter w(call.out);
  w.begin_array();
  for (const SymbolId id : symbols) append_quantile(w, call, id);
  w.end_array();
  return std::nullopt;
}

Answer order_limits(Call& call) {
  JsonWriter w(call.out);
  const auto limiter = [&](std::string_view interval, int number, int limit) {
    w.begin_object().field("rateLimitType", "ORDERS").field("interval", interval);
    w.field("intervalNum", number).field("limit", limit).end_object();
  };
  w.begin_array();
  limiter("SECOND", 10, call.config.orders_10s);
  limiter("MINUTE", 1, call.config.orders_1m);
  w.end_array();
  return std::nullopt;
}

// No account here has been restricted for its trading behaviour: no indicator is triggered.
Answer api_trading_status(Call& call) {
  JsonWriter w(call.out);
  w.begin_object().key("indicators").begin_object().end_object().field("updateTime", call.now).end_object();
  return std::nullopt;
}

Answer portfolio_margin_account(Call& call) {
  ParamReader p = call.reader();
  const std::string asset = p.text("asset");
  if (!asset.empty() && asset != "USDT") p.fail(refusals::not_valid("asset"));
  if (p.failed()) return p.refusal();
  const auto most = call.exchange().account(call.account()).max_withdraw;
  JsonWriter w(call.out);
  w.begin_object().field("maxWithdrawAmountUSD", most, 8).field("asset", asset);
  w.field("maxWithdrawAmount", most, 8).end_object();
  return std::nullopt;
}

// Download files of account history are not made here.
Answer not_supported(Call&) { return Refusal{-1020, "This operation is not supported."}; }

const Refusal kNoListenKey{-1125, "This listenKey does not exist."};

Answer start_listen_key(Call& call) {
  const std::string key = call.rooms.listen_keys.start(call.account(), call.now);
  JsonWriter(call.out).begin_object().field("listenKey", key).end_object();
  return std::nullopt;
}

Answer extend_listen_key(Call& call) {
  if (!call.rooms.listen_keys.extend(call.account(), call.now)) return kNoListenKey;
  return start_listen_key(call);  // the active key, extended again to the same moment
}

Answer close_listen_key(Call& call) {
  if (!call.rooms.listen_keys.close(call.account())) return kNoListenKey;
  call.out += "{}";
  return std::nullopt;
}

constexpr Route kRoutes[] = {
    {"GET", "/fapi/v2/account", Security::Signed, {5}, &account_v2},
    {"GET", "/fapi/v3/account", Security::Signed, {5}, &account_v3},
    {"GET", "/fapi/v2/balance", Security::Signed, {5}, &balance},
    {"GET", "/fapi/v3/balance", Security::Signed, {5}, &balance},
    {"GET", "/fapi/v2/positionRisk", Security::Signed, {5}, &position_risk_v2},
    {"GET", "/fapi/v3/positionRisk", Security::Signed, {5}, &position_risk_v3},
    {"GET", "/fapi/v1/symbolConfig", Security::Signed, {5}, &symbol_config},
    {"GET", "/fapi/v1/accountConfig", Security::Signed, {5}, &account_config},
    {"POST", "/fapi/v1/leverage", Security::Trade, {1}, &set_leverage},
    {"POST", "/fapi/v1/marginType", Security::Trade, {1}, &set_margin_type},
    {"GET", "/fapi/v1/positionSide/dual", Security::Signed, {30}, &get_position_side},
    {"POST", "/fapi/v1/positionSide/dual", Security::Trade, {1}, &set_position_side},
    {"GET", "/fapi/v1/multiAssetsMargin", Security::Signed, {30}, &get_multi_assets},
    {"POST", "/fapi/v1/multiAssetsMargin", Security::Trade, {1}, &set_multi_assets},
    {"POST", "/fapi/v1/positionMargin", Security::Trade, {1}, &adjust_position_margin},
    {"GET", "/fapi/v1/positionMargin/history", Security::Signed, {1}, &margin_history},
    {"GET", "/fapi/v1/income", Security::Signed, {30}, &income},
    {"GET", "/fapi/v1/commissionRate", Security::Signed, {20}, &commission_rate},
    {"GET", "/fapi/v1/feeBurn", Security::Signed, {30}, &get_fee_burn},
    {"POST", "/fapi/v1/feeBurn", Security::Trade, {1}, &set_fee_burn},
    {"GET", "/fapi/v1/leverageBracket", Security::Signed, {1}, &leverage_bracket},
    {"GET", "/fapi/v1/adlQuantile", Security::Signed, {5}, &adl_quantile},
    {"GET", "/fapi/v1/apiTradingStatus", Security::Signed, {1}, &api_trading_status},
    {"GET", "/fapi/v1/rateLimit/order", Security::Signed, {1}, &order_limits},
    {"GET", "/fapi/v1/pmAccountInfo", Security::Signed, {5}, &portfolio_margin_account},
    {"GET", "/fapi/v1/income/asyn", Security::Signed, {1'000}, &not_supported},
    {"GET", "/fapi/v1/income/asyn/id", Security::Signed, {10}, &not_supported},
    {"GET", "/fapi/v1/order/asyn", Security::Signed, {1'000}, &not_supported},
    {"GET", "/fapi/v1/order/asyn/id", Security::Signed, {10}, &not_supported},
    {"GET", "/fapi/v1/trade/asyn", Security::Signed, {1'000}, &not_supported},
    {"GET", "/fapi/v1/trade/asyn/id", Security::Signed, {10}, &not_supported},
    {"POST", "/fapi/v1/listenKey", Security::Key, {1}, &start_listen_key},
    {"PUT", "/fapi/v1/listenKey", Security::Key, {1}, &extend_listen_key},
    {"DELETE", "/fapi/v1/listenKey", Security::Key, {1}, &close_listen_key},
};

// WebSocket API methods; their names are paths of the pseudo-method WS.
constexpr RateLimits::OrderCost kOneOrder{1, 1};
constexpr Route kFrameRoutes[] = {
    {"WS", "order.place", Security::Trade, {0}, &place_order, kOneOrder},
    {"WS", "order.modify", Security::Trade, {0}, &amend_order, kOneOrder},
    {"WS", "order.cancel", Security::Trade, {1}, &cancel_order},
    {"WS", "order.status", Security::Signed, {1}, &query_order},
    {"WS", "algoOrder.place", Security::Trade, {0}, &place_algo, kOneOrder},
    {"WS", "algoOrder.cancel", Security::Trade, {1}, &cancel_algo},
    {"WS", "account.balance", Security::Signed, {5}, &balance},
    {"WS", "v2/account.balance", Security::Signed, {5}, &balance},
    {"WS", "account.status", Security::Signed, {5}, &account_v2},
    {"WS", "v2/account.status", Security::Signed, {5}, &account_v3},
    {"WS", "account.position", Security::Signed, {5}, &position_risk_v2},
    {"WS", "v2/account.position", Security::Signed, {5}, &position_risk_v3},
    {"WS", "userDataStream.start", Security::Key, {1}, &start_listen_key},
    {"WS", "userDataStream.ping", Security::Key, {1}, &extend_listen_key},
    {"WS", "userDataStream.stop", Security::Key, {1}, &close_listen_key},
};

}  // namespace

std::span<const Route> account_routes() { return kRoutes; }
std::span<const Route> frame_routes() { return kFrameRoutes; }

}  // namespace qtrader::exchange
