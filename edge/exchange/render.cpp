#include "edge/exchange/render.hpp"

#include <algorithm>

namespace qtrader::exchange {

using matching::OrderStatus;
using matching::OrderType;
using matching::PositionSide;

namespace {

constexpr int kMoneyPlaces = 8;
constexpr std::size_t kOrderBytes = 640;  // of an order's JSON, about
constexpr std::string_view kAsset = "USDT";
constexpr std::int64_t kCallbackPercent = 100;  // a callback of 0.005 is written 0.5

// An average of fills needs more places than the tick; zero is written like a price.
int average_places(const SymbolFormat& f, domain::Price average) {
  return average.is_zero() ? f.price : std::min(8, std::max(5, f.price));
}

void write_averages(JsonWriter& w, const SymbolFormat& f, domain::Price average, domain::Money quote) {
  w.field("avgPrice", average, average_places(f, average)).field("cumQuote", quote, f.quote());
}

}  // namespace

SymbolFormat format_of(const matching::Exchange& exchange, domain::SymbolId symbol) {
  const auto& rules = exchange.rules(symbol);
  return {exchange.instruments().name(symbol), rules.price_precision, rules.quantity_precision};
}

void append_order(std::string& out, const matching::OrderView& o, const SymbolFormat& f, OrderStyle style) {
  const auto& r = o.request;
  const bool fresh = style.as_accepted;
  const domain::Quantity executed = fresh ? domain::Quantity{} : o.executed;
  const domain::Price average = fresh ? domain::Price{} : o.average_price;
  const domain::Money quote = fresh ? domain::Money{} : o.executed_quote;
  const bool record = style.shape == OrderShape::Record;
  out.reserve(out.size() + kOrderBytes);
  JsonWriter w(out);
  w.begin_object();
  w.field("orderId", o.id).field("symbol", f.symbol);
  if (style.shape == OrderShape::Amend) w.field("pair", f.symbol);
  w.field("status", wire_name(fresh ? OrderStatus::New : o.status)).field("clientOrderId", r.client_id);
  w.field("price", r.price, f.price);
  if (record || style.averages) write_averages(w, f, average, quote);
  w.field("origQty", r.quantity, f.quantity).field("executedQty", executed, f.quantity);
  w.field(record ? "cumBase" : "cumQty", executed, f.quantity);
  w.field("timeInForce", wire_name(r.time_in_force)).field("type", wire_name(r.type));
  w.field("reduceOnly", r.reduce_only).field("closePosition", o.close_position);
  w.field("side", wire_name(r.side)).field("positionSide", wire_name(r.position_side));
  w.field("stopPrice", o.stop_price, f.price).field("workingType", wire_name(o.working));
  w.field("priceProtect", o.price_protect).field("origType", wire_name(o.original_type));
  w.field("priceMatch", wire_name(r.price_match)).field("selfTradePreventionMode", wire_name(r.self_trade));
  w.field("goodTillDate", r.good_till_ms);
  if (o.original_type == OrderType::TrailingStopMarket) {
    w.field("activatePrice", o.activate_price, f.price);
    w.field_trimmed("priceRate", domain::Ratio::from_raw(o.callback.raw() * kCallbackPercent));
  }
  if (style.shape == OrderShape::Amend) w.field("modifyId", o.modify_id);
  if (record) w.field("time", o.created);
  w.field("updateTime", fresh ? o.created : o.updated);
  w.end_object();
}

void append_algo(std::string& out, const matching::AlgoView& a, const SymbolFormat& f, AlgoShape shape) {
  const auto& r = a.request;
  JsonWriter w(out);
  w.begin_object();
  w.field("algoId", a.id).field("clientAlgoId", r.client_id).field("algoType", "CONDITIONAL");
  w.field("orderType", wire_name(r.type)).field("symbol", f.symbol).field("side", wire_name(r.side));
  w.field("positionSide", wire_name(r.position_side)).field("timeInForce", wire_name(r.time_in_force));
  w.field("quantity", r.quantity, f.quantity).field("algoStatus", wire_name(a.status));
  if (shape != AlgoShape::Ack) {
    const bool placed = a.order_id != 0;
    const std::string_view type = !placed ? "" : has_limit_price(r.type) ? "LIMIT" : "MARKET";
    w.field("actualOrderId", placed ? std::to_string(a.order_id) : std::string());
    w.field("actualPrice", a.average_price, average_places(f, a.average_price)).field("actualType", type);
    w.field("actualQty", a.executed, f.quantity);
  }
  w.field("triggerPrice", r.trigger_price, f.price).field("price", r.price, f.price);
  w.key("icebergQuantity").null();
  if (shape != AlgoShape::Ack) w.field("tpOrderType", "");
  if (shape == AlgoShape::ListRow)
    for (const std::string_view name : {"tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice"})
      w.field(name, domain::Price{}, f.price);
  w.field("selfTradePreventionMode", wire_name(r.self_trade)).field("workingType", wire_name(r.working));
  w.field("priceMatch", wire_name(r.price_match)).field("closePosition", r.close_position);
  w.field("priceProtect", r.price_protect).field("reduceOnly", r.reduce_only);
  if (r.type == OrderType::TrailingStopMarket) {
    w.field("activatePrice", r.activate_price, f.price);
    w.field_trimmed("callbackRate", domain::Ratio::from_raw(r.callback.raw() * kCallbackPercent));
  } else {
    w.field("activatePrice", "").field("callbackRate", "");
  }
  w.field("createTime", a.created).field("updateTime", a.updated).field("triggerTime", a.triggered);
  w.field("goodTillDate", r.good_till_ms);
  w.end_object();
}

void append_user_trade(std::string& out, const matching::UserTrade& t, const SymbolFormat& f) {
  JsonWriter w(out);
  w.begin_object();
  w.field("symbol", f.symbol).field("id", t.id).field("orderId", t.order_id).field("side", wire_name(t.side));
  w.field("price", t.price, f.price).field("qty", t.quantity, f.quantity);
  w.field("realizedPnl", t.realised, kMoneyPlaces).field("quoteQty", t.quote, f.quote());
  w.field("baseQty", t.quantity, f.quantity).field("commission", t.commission, kMoneyPlaces);
  w.field("commissionAsset", kAsset).field("marginAsset", kAsset).field("pair", f.symbol).field("time", t.time);
  w.field("positionSide", wire_name(t.position_side)).field("buyer", t.side == domain::Side::Buy);
  w.field("maker", t.maker).end_object();
}

void append_income(std::string& out, const matching::IncomeView& i, std::string_view symbol) {
  JsonWriter w(out);
  w.begin_object();
  w.field("symbol", symbol).field("incomeType", i.type).field("income", i.amount, kMoneyPlaces);
  w.field("asset", kAsset).field("info", i.type).field("time", i.time).field("tranId", i.transaction_id);
  w.field("tradeId", i.trade_id == 0 ? std::string() : std::to_string(i.trade_id)).end_object();
}

void append_amendment(std::string& out, const matching::AmendmentView& a, const SymbolFormat& f) {
  JsonWriter w(out);
  w.begin_object();
  w.field("amendmentId", a.id).field("symbol", f.symbol).field("pair", f.symbol).field("orderId", a.order_id);
  w.field("clientOrderId", a.client_id).field("time", a.time);
  w.key("amendment").begin_object();
  w.key("price").begin_object().field("before", a.price_before, f.price).field("after", a.price_after, f.price);
  w.end_object();
  w.key("origQty").begin_object().field("before", a.quantity_before, f.quantity);
  w.field("after", a.quantity_after, f.quantity).end_object();
  w.field("count", a.count).field("modifyId", a.modify_id).end_object();
  w.end_object();
}

void append_margin_change(std::string& out, const matching::MarginChange& c, const SymbolFormat& f) {
  JsonWriter w(out);
  w.begin_object();
  w.field("symbol", f.symbol).field("type", c.added ? 1 : 2).field("deltaType", "USER_ADJUST");
  w.field("amount", c.amount, kMoneyPlaces).field("asset", kAsset).field("time", c.time);
  w.field("positionSide", wire_name(c.side)).end_object();
}

namespace {

void write_risk_v2(JsonWriter& w, const matching::PositionView& p, const SymbolFormat& f) {
  const bool isolated = p.mode == domain::MarginMode::Isolated;
  w.field("symbol", f.symbol).field("positionAmt", p.amount, f.quantity).field("entryPrice", p.entry, 8);
  w.field("breakEvenPrice", p.break_even, 8).field("markPrice", p.mark, 8);
  w.field("unRealizedProfit", p.unrealised, 8);
  w.key("liquidationPrice").decimal(p.liquidation, p.liquidation.is_zero() ? 0 : 8);
  w.field("leverage", std::to_string(p.leverage.value)).field_trimmed("maxNotionalValue", p.max_notional);
  w.field("marginType", isolated ? "isolated" : "cross").field("isolatedMargin", p.isolated_margin, 8);
  w.field("isAutoAddMargin", "false").field("positionSide", wire_name(p.side)).field("notional", p.notional, 8);
  w.field("isolatedWallet", p.isolated_wallet, 8).field("updateTime", p.updated);
}

void write_risk_v3(JsonWriter& w, const matching::PositionView& p, const SymbolFormat& f) {
  w.field("symbol", f.symbol).field("positionSide", wire_name(p.side)).field("positionAmt", p.amount, f.quantity);
  w.field("entryPrice", p.entry, 8).field("breakEvenPrice", p.break_even, 8).field("markPrice", p.mark, 8);
  w.field("unRealizedProfit", p.unrealised, 8);
  w.key("liquidationPrice").decimal(p.liquidation, p.liquidation.is_zero() ? 0 : 8);
  w.field("isolatedMargin", p.isolated_margin, 8).field("notional", p.notional, 8).field("marginAsset", kAsset);
  w.field("isolatedWallet", p.isolated_wallet, 8).field("initialMargin", p.initial_margin, 8);
  w.field("maintMargin", p.maintenance_margin, 8).field("positionInitialMargin", p.position_initial_margin, 8);
  w.field("openOrderInitialMargin", p.order_initial_margin, 8).field("adl", p.adl_quantile);
  w.field("bidNotional", p.bid_notional, 8).field("askNotional", p.ask_notional, 8).field("updateTime", p.updated);
}

void write_account_v2(JsonWriter& w, const matching::PositionView& p, const SymbolFormat& f) {
  w.field("symbol", f.symbol).field("initialMargin", p.initial_margin, 8);
  w.field("maintMargin", p.maintenance_margin, 8).field("unrealizedProfit", p.unrealised, 8);
  w.field("positionInitialMargin", p.position_initial_margin, 8);
  w.field("openOrderInitialMargin", p.order_initial_margin, 8);
  w.field("leverage", std::to_string(p.leverage.value)).field("isolated", p.mode == domain::MarginMode::Isolated);
  w.field("entryPrice", p.entry, 8).field("breakEvenPrice", p.break_even, 8);
  w.field_trimmed("maxNotional", p.max_notional).field("bidNotional", p.bid_notional, 8);
  w.field("askNotional", p.ask_notional, 8).field("positionSide", wire_name(p.side));
  w.field("positionAmt", p.amount, f.quantity).field("updateTime", p.updated);
}

void write_account_v3(JsonWriter& w, const matching::PositionView& p, const SymbolFormat& f) {
  w.field("symbol", f.symbol).field("positionSide", wire_name(p.side)).field("positionAmt", p.amount, f.quantity);
  w.field("unrealizedProfit", p.unrealised, 8).field("isolatedMargin", p.isolated_margin, 8);
  w.field("notional", p.notional, 8).field("isolatedWallet", p.isolated_wallet, 8);
  w.field("initialMargin", p.initial_margin, 8).field("maintMargin", p.maintenance_margin, 8);
  w.field("updateTime", p.updated);
}

}  // namespace

void append_position(std::string& out, const matching::PositionView& p, const SymbolFormat& f, PositionShape shape) {
  JsonWriter w(out);
  w.begin_object();
  switch (shape) {
    case PositionShape::RiskV2:
      write_risk_v2(w, p, f);
      break;
    case PositionShape::RiskV3:
      write_risk_v3(w, p, f);
      break;
    case PositionShape::AccountV2:
      write_account_v2(w, p, f);
      break;
    case PositionShape::AccountV3:
      write_account_v3(w, p, f);
      break;
  }
  w.end_object();
}

void append_account_head(std::string& out, const matching::AccountView& a, const AccountFlags& flags, bool version_2) {
  JsonWriter w(out);
  w.begin_object();
  if (version_2) {
    w.field("feeTier", 0).field("feeBurn", flags.fee_burn).field("canTrade", flags.can_trade);
    w.field("canDeposit", true).field("canWithdraw", true).field("updateTime", 0);
    w.field("multiAssetsMargin", false).field("tradeGroupId", -1);
  }
  w.field("totalInitialMargin", a.initial_margin, 8).field("totalMaintMargin", a.maintenance_margin, 8);
  w.field("totalWalletBalance", a.wallet, 8).field("totalUnrealizedProfit", a.unrealised, 8);
  w.field("totalMarginBalance", a.margin_balance, 8);
  w.field("totalPositionInitialMargin", a.position_initial_margin, 8);
  w.field("totalOpenOrderInitialMargin", a.order_initial_margin, 8);
  w.field("totalCrossWalletBalance", a.cross_wallet, 8).field("totalCrossUnPnl", a.cross_unrealised, 8);
  w.field("availableBalance", a.available, 8).field("maxWithdrawAmount", a.max_withdraw, 8);
  w.key("assets").begin_array().begin_object();
  w.field("asset", kAsset).field("walletBalance", a.wallet, 8).field("unrealizedProfit", a.unrealised, 8);
  w.field("marginBalance", a.margin_balance, 8).field("maintMargin", a.maintenance_margin, 8);
  w.field("initialMargin", a.initial_margin, 8).field("positionInitialMargin", a.position_initial_margin, 8);
  w.field("openOrderInitialMargin", a.order_initial_margin, 8).field("crossWalletBalance", a.cross_wallet, 8);
  w.field("crossUnPnl", a.cross_unrealised, 8).field("availableBalance", a.available, 8);
  w.field("maxWithdrawAmount", a.max_withdraw, 8);
  if (version_2) w.field("marginAvailable", true);
  w.field("updateTime", a.updated).end_object().end_array();
  w.key("positions");
}

void append_balance(std::string& out, const matching::AccountView& a, matching::AccountId id) {
  JsonWriter w(out);
  w.begin_array().begin_object();
  w.field("accountAlias", "acct" + std::to_string(id.value)).field("asset", kAsset).field("balance", a.wallet, 8);
  w.field("crossWalletBalance", a.cross_wallet, 8).field("crossUnPnl", a.cross_unrealised, 8);
  w.field("availableBalance", a.available, 8).field("maxWithdrawAmount", a.max_withdraw, 8);
  w.field("marginAvailable", true).field("updateTime", a.updated).end_object().end_array();
}

void append_refusal(std::string& out, const matching::Refusal& refusal) {
  JsonWriter(out).begin_object().field("code", refusal.code).field("msg", refusal.message).end_object();
}

matching::OrderView order_of_algo(const matching::AlgoView& a) {
  const auto& r = a.request;
  matching::OrderView o;
  o.id = a.id;
  o.account = a.account;
  o.request = {.symbol = r.symbol,
               .side = r.side,
               .position_side = r.position_side,
               .type = r.type,
               .time_in_force = r.time_in_force,
               .quantity = r.quantity,
               .price = r.price,
               .reduce_only = r.reduce_only,
               .client_id = r.client_id,
               .price_match = r.price_match,
               .self_trade = r.self_trade,
               .good_till_ms = r.good_till_ms};
  o.original_type = r.type;
  o.stop_price = r.trigger_price;
  o.activate_price = r.activate_price;
  o.callback = r.callback;
  o.working = r.working;
  o.close_position = r.close_position;
  o.price_protect = r.price_protect;
  o.executed = a.executed;
  o.average_price = a.average_price;
  o.executed_quote = a.average_price * a.executed;
  o.created = a.created;
  o.updated = a.updated;
  switch (a.status) {
    case matching::AlgoStatus::Canceled:
      o.status = OrderStatus::Canceled;
      break;
    case matching::AlgoStatus::Expired:
    case matching::AlgoStatus::Rejected:
      o.status = OrderStatus::Expired;
      break;
    case matching::AlgoStatus::Finished:
      o.status = o.executed == r.quantity && !r.quantity.is_zero() ? OrderStatus::Filled : OrderStatus::Canceled;
      break;
    default:
      o.status = OrderStatus::New;
  }
  return o;
}

}  // namespace qtrader::exchange
