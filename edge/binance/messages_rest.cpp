// Orders, positions, account and settings; market data and rules are in messages_rest_market.cpp.
#include "edge/binance/messages_rest.hpp"

#include "edge/binance/json_rows.hpp"

namespace qtrader::binance {
namespace {

using domain::Money;
using domain::Price;
using domain::Quantity;
using domain::Ratio;
using json::Fields;

RestOrder order(Fields& f) {
  RestOrder o;
  o.symbol = f.text("symbol");
  o.client_id = f.text("clientOrderId");
  o.order_id = f.integer("orderId");
  o.side = f.side("side");
  o.position_side = f.position_side("positionSide");
  o.type = f.type("type");
  o.original_type = f.has("origType") ? f.type("origType") : o.type;
  o.time_in_force = f.time_in_force("timeInForce");
  o.status = f.status("status");
  o.quantity = f.fixed<Quantity>("origQty");
  o.filled = f.fixed<Quantity>("executedQty");
  o.price = f.fixed<Price>("price");
  o.stop_price = f.optional_fixed<Price>("stopPrice").value_or(Price{});
  o.average_price = f.optional_fixed<Price>("avgPrice");
  o.quote_filled = f.optional_fixed<Money>("cumQuote");
  o.reduce_only = f.boolean("reduceOnly");
  o.close_position = f.optional_boolean("closePosition").value_or(false);
  o.update_time = f.time("updateTime");
  o.time = f.optional_time("time");
  return o;
}

RestAlgoOrder algo_order(Fields& f) {
  RestAlgoOrder o;
  o.symbol = f.text("symbol");
  o.client_id = f.text("clientAlgoId");
  o.algo_id = f.integer("algoId");
  o.side = f.side("side");
  o.position_side = f.position_side("positionSide");
  // Early documentation called it "type".
  o.type = f.has("orderType") || !f.has("type") ? f.type("orderType") : f.type("type");
  o.time_in_force = f.time_in_force("timeInForce");
  o.status = f.algo_status("algoStatus");
  o.working_type = f.working_type("workingType");
  o.quantity = f.optional_fixed<Quantity>("quantity").value_or(Quantity{});
  o.trigger_price = f.fixed<Price>("triggerPrice");
  o.price = f.optional_fixed<Price>("price").value_or(Price{});
  o.activate_price = f.optional_fixed<Price>("activatePrice").value_or(Price{});
  o.reduce_only = f.boolean("reduceOnly");
  o.close_position = f.optional_boolean("closePosition").value_or(false);
  o.price_protect = f.optional_boolean("priceProtect").value_or(false);
  o.create_time = f.time("createTime");
  o.update_time = f.time("updateTime");
  o.trigger_time = f.optional_time("triggerTime").value_or(base::Timestamp{});
  o.actual_order_id = f.integer_or_text("actualOrderId").value_or(0);
  o.actual_price = f.optional_fixed<Price>("actualPrice").value_or(Price{});
  o.actual_quantity = f.optional_fixed<Quantity>("actualQty").value_or(Quantity{});
  return o;
}

PositionRisk position_risk(Fields& f) {
  PositionRisk p;
  p.symbol = f.text("symbol");
  p.side = f.position_side("positionSide");
  p.quantity = f.fixed<Quantity>("positionAmt");
  p.entry_price = f.fixed<Price>("entryPrice");
  p.break_even_price = f.optional_fixed<Price>("breakEvenPrice");
  p.mark = f.fixed<Price>("markPrice");
  p.liquidation_price = f.fixed<Price>("liquidationPrice");
  p.unrealized = f.fixed<Money>("unRealizedProfit");
  p.isolated_margin = f.fixed<Money>("isolatedMargin");
  p.notional = f.optional_fixed<Money>("notional");
  p.isolated_wallet = f.optional_fixed<Money>("isolatedWallet");
  if (f.has("marginType")) p.margin_mode = f.margin_mode("marginType");
  if (f.has("leverage")) p.leverage = f.small_integer_in_text("leverage");
  p.max_notional = json::max_notional(f, "maxNotionalValue");
  p.initial_margin = f.optional_fixed<Money>("initialMargin");
  p.maintenance_margin = f.optional_fixed<Money>("maintMargin");
  p.update_time = f.time("updateTime");
  return p;
}

Account::Asset account_asset(Fields& f) {
  Account::Asset a;
  a.asset = f.text("asset");
  a.wallet = f.fixed<Money>("walletBalance");
  a.unrealized = f.fixed<Money>("unrealizedProfit");
  a.margin_balance = f.fixed<Money>("marginBalance");
  a.maintenance_margin = f.fixed<Money>("maintMargin");
  a.initial_margin = f.fixed<Money>("initialMargin");
  a.cross_wallet = f.fixed<Money>("crossWalletBalance");
  a.cross_unrealized = f.fixed<Money>("crossUnPnl");
  a.available = f.fixed<Money>("availableBalance");
  a.max_withdraw = f.fixed<Money>("maxWithdrawAmount");
  return a;
}

Account::Position account_position(Fields& f) {
  Account::Position p;
  p.symbol = f.text("symbol");
  p.side = f.position_side("positionSide");
  p.quantity = f.fixed<Quantity>("positionAmt");
  p.unrealized = f.fixed<Money>("unrealizedProfit");
  p.initial_margin = f.fixed<Money>("initialMargin");
  p.maintenance_margin = f.fixed<Money>("maintMargin");
  p.entry_price = f.optional_fixed<Price>("entryPrice");
  p.break_even_price = f.optional_fixed<Price>("breakEvenPrice");
  if (f.has("leverage")) p.leverage = f.small_integer_in_text("leverage");
  p.isolated = f.optional_boolean("isolated");
  p.isolated_wallet = f.optional_fixed<Money>("isolatedWallet");
  p.notional = f.optional_fixed<Money>("notional");
  p.update_time = f.time("updateTime");
  return p;
}

}  // namespace

std::optional<ErrorBody> parse_error_body(std::string_view text) {
  const auto root = json::parse(text, "error body");
  if (!root) return std::nullopt;
  const auto object = json::as_object(*root, "error body");
  if (!object) return std::nullopt;
  json::Report report;
  Fields f(report, *object, "error body");
  const auto code = f.integer_or_text("code");
  ErrorBody out{static_cast<int>(code.value_or(0)), f.text("msg")};
  if (!code || report.failed()) return std::nullopt;
  return out;
}

base::Result<base::Timestamp> parse_server_time(std::string_view body) {
  return json::one<base::Timestamp>(body, "time", [](Fields& f) { return f.time("serverTime"); });
}

base::Result<std::string> parse_listen_key(std::string_view body) {
  return json::one<std::string>(body, "listenKey", [](Fields& f) {
    std::string key = f.text("listenKey");
    if (key.empty()) f.wrong("listenKey", "a key");
    return key;
  });
}

base::Result<bool> parse_dual_side(std::string_view body) {
  return json::one<bool>(body, "positionSide/dual", [](Fields& f) { return f.boolean("dualSidePosition"); });
}

base::Result<bool> parse_multi_assets(std::string_view body) {
  return json::one<bool>(body, "multiAssetsMargin", [](Fields& f) { return f.boolean("multiAssetsMargin"); });
}

base::Result<CommissionRate> parse_commission_rate(std::string_view body) {
  return json::one<CommissionRate>(body, "commissionRate", [](Fields& f) {
    return CommissionRate{f.text("symbol"), f.fixed<Ratio>("makerCommissionRate"),
                          f.fixed<Ratio>("takerCommissionRate")};
  });
}

base::Result<RestOrder> parse_order(std::string_view body) { return json::one<RestOrder>(body, "order", order); }
base::Result<std::vector<RestOrder>> parse_orders(std::string_view body) {
  return json::list<RestOrder>(body, "orders", order);
}

base::Result<RestAlgoOrder> parse_algo_order(std::string_view body) {
  return json::one<RestAlgoOrder>(body, "algoOrder", algo_order);
}
base::Result<std::vector<RestAlgoOrder>> parse_algo_orders(std::string_view body) {
  return json::list<RestAlgoOrder>(body, "algoOrders", algo_order);
}
base::Result<AlgoCancel> parse_algo_cancel(std::string_view body) {
  return json::one<AlgoCancel>(body, "algoOrder cancel",
                               [](Fields& f) { return AlgoCancel{f.integer("algoId"), f.text("clientAlgoId")}; });
}

base::Result<std::vector<PositionRisk>> parse_position_risk(std::string_view body) {
  return json::list<PositionRisk>(body, "positionRisk", position_risk);
}

base::Result<Account> parse_account(std::string_view body) {
  return json::one<Account>(body, "account", [](Fields& f) {
    Account a;
    a.initial_margin = f.fixed<Money>("totalInitialMargin");
    a.maintenance_margin = f.fixed<Money>("totalMaintMargin");
    a.wallet = f.fixed<Money>("totalWalletBalance");
    a.unrealized = f.fixed<Money>("totalUnrealizedProfit");
    a.margin_balance = f.fixed<Money>("totalMarginBalance");
    a.cross_wallet = f.fixed<Money>("totalCrossWalletBalance");
    a.cross_unrealized = f.fixed<Money>("totalCrossUnPnl");
    a.available = f.fixed<Money>("availableBalance");
    a.max_withdraw = f.fixed<Money>("maxWithdrawAmount");
    a.can_trade = f.optional_boolean("canTrade");
    a.multi_assets = f.optional_boolean("multiAssetsMargin");
    f.rows("assets", "account.assets", [&](Fields& row) { a.assets.push_back(account_asset(row)); });
    f.rows("positions", "account.positions", [&](Fields& row) { a.positions.push_back(account_position(row)); });
    return a;
  });
}

base::Result<AccountConfig> parse_account_config(std::string_view body) {
  return json::one<AccountConfig>(body, "accountConfig", [](Fields& f) {
    return AccountConfig{f.boolean("canTrade"), f.boolean("dualSidePosition"), f.boolean("multiAssetsMargin")};
  });
}

base::Result<std::vector<Balance>> parse_balances(std::string_view body) {
  return json::list<Balance>(body, "balance", [](Fields& f) {
    Balance b;
    b.asset = f.text("asset");
    b.balance = f.fixed<Money>("balance");
    b.cross_wallet = f.fixed<Money>("crossWalletBalance");
    b.cross_unrealized = f.fixed<Money>("crossUnPnl");
    b.available = f.fixed<Money>("availableBalance");
    b.max_withdraw = f.fixed<Money>("maxWithdrawAmount");
    b.update_time = f.optional_time("updateTime").value_or(base::Timestamp{});
    return b;
  });
}

base::Result<std::vector<UserTrade>> parse_user_trades(std::string_view body) {
  return json::list<UserTrade>(body, "userTrades", [](Fields& f) {
    UserTrade t;
    t.symbol = f.text("symbol");
    t.id = f.integer("id");
    t.order_id = f.integer("orderId");
    t.side = f.side("side");
    t.position_side = f.position_side("positionSide");
    t.price = f.fixed<Price>("price");
    t.quantity = f.fixed<Quantity>("qty");
    t.realized = f.fixed<Money>("realizedPnl");
    t.quote_quantity = f.fixed<Money>("quoteQty");
    t.commission = f.fixed<Money>("commission");
    t.commission_asset = f.text("commissionAsset");
    t.time = f.time("time");
    t.maker = f.boolean("maker");
    t.buyer = f.boolean("buyer");
    return t;
  });
}

base::Result<std::vector<Income>> parse_income(std::string_view body) {
  return json::list<Income>(body, "income", [](Fields& f) {
    Income i;
    i.symbol = f.text_or_empty("symbol");
    i.type = f.text("incomeType");
    i.income = f.fixed<Money>("income");
    i.asset = f.text("asset");
    i.info = f.text_or_empty("info");
    i.time = f.time("time");
    i.transaction_id = f.integer_or_text("tranId").value_or(0);
    if (const auto trade = f.integer_or_text("tradeId")) i.trade_id = std::to_string(*trade);
    return i;
  });
}

base::Result<std::vector<SymbolConfig>> parse_symbol_configs(std::string_view body) {
  return json::list<SymbolConfig>(body, "symbolConfig", [](Fields& f) {
    SymbolConfig c;
    c.symbol = f.text("symbol");
    c.margin_mode = f.margin_mode("marginType");
    c.leverage = f.small_integer_in_text("leverage");
    c.max_notional = json::max_notional(f, "maxNotionalValue");
    return c;
  });
}

base::Result<LeverageSetting> parse_leverage_setting(std::string_view body) {
  return json::one<LeverageSetting>(body, "leverage", [](Fields& f) {
    return LeverageSetting{f.text("symbol"), f.small_integer_in_text("leverage"),
                           json::max_notional(f, "maxNotionalValue").value_or(Money{})};
  });
}

}  // namespace qtrader::binance
