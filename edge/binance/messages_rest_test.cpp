#include "edge/binance/messages_rest.hpp"

#include <gtest/gtest.h>

#include "core/base/json.hpp"
#include "edge/binance/messages_testing.hpp"

namespace qtrader::binance {
namespace {

using testing::expect_required;
using testing::with;
using testing::without;

constexpr std::string_view kInfo =
    R"({"timezone":"UTC","serverTime":1700000000000,"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT",)"
    R"("interval":"MINUTE","intervalNum":1,"limit":2400},{"rateLimitType":"ORDERS","interval":"MINUTE",)"
    R"("intervalNum":1,"limit":1200},{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,)"
    R"("limit":300}],"symbols":[{"symbol":"BTCUSDT","pair":"BTCUSDT","contractType":"PERPETUAL",)"
    R"("deliveryDate":4133404800000,"onboardDate":1569398400000,"status":"TRADING","baseAsset":"BTC",)"
    R"("quoteAsset":"USDT","marginAsset":"USDT","pricePrecision":2,"quantityPrecision":3,)"
    R"("triggerProtect":"0.0500","marketTakeBound":"0.05","filters":[{"filterType":"PRICE_FILTER",)"
    R"("minPrice":"556.80","maxPrice":"4529764","tickSize":"0.10"},{"filterType":"LOT_SIZE","minQty":"0.001",)"
    R"("maxQty":"1000","stepSize":"0.001"},{"filterType":"MARKET_LOT_SIZE","minQty":"0.001","maxQty":"120",)"
    R"("stepSize":"0.001"},{"filterType":"MAX_NUM_ORDERS","limit":200},{"filterType":"MIN_NOTIONAL",)"
    R"("notional":"50"},{"filterType":"PERCENT_PRICE","multiplierUp":"1.0500","multiplierDown":"0.9500",)"
    R"("multiplierDecimal":"4"},{"filterType":"POSITION_RISK_CONTROL","positionControlSide":"NONE"}]}]})";
constexpr std::string_view kOrder =
    R"({"clientOrderId":"qt-1","cumQty":"0","executedQty":"0.001","orderId":22542179,"origQty":"0.002",)"
    R"("price":"50000","reduceOnly":true,"side":"SELL","positionSide":"BOTH","status":"NEW","stopPrice":"0",)"
    R"("closePosition":false,"symbol":"BTCUSDT","timeInForce":"GTX","type":"LIMIT","origType":"LIMIT",)"
    R"("updateTime":1566818724722,"workingType":"CONTRACT_PRICE","priceProtect":false})";
constexpr std::string_view kAlgo =
    R"({"algoId":2146760,"clientAlgoId":"qt-2","algoType":"CONDITIONAL","orderType":"STOP_MARKET",)"
    R"("symbol":"BNBUSDT","side":"SELL","positionSide":"BOTH","timeInForce":"GTC","quantity":"0.01",)"
    R"("algoStatus":"NEW","actualOrderId":"","actualPrice":"0.00000","triggerPrice":"750.000","price":"0",)"
    R"("icebergQuantity":null,"workingType":"MARK_PRICE","closePosition":false,"priceProtect":false,)"
    R"("reduceOnly":true,"activatePrice":"","callbackRate":"","createTime":1750485492076,)"
    R"("updateTime":1750485492077,"triggerTime":0,"goodTillDate":0})";
constexpr std::string_view kRiskV3 =
    R"([{"symbol":"ADAUSDT","positionSide":"BOTH","positionAmt":"-30","entryPrice":"0.385",)"
    R"("breakEvenPrice":"0.385077","markPrice":"0.41047590","unRealizedProfit":"0.76427700",)"
    R"("liquidationPrice":"0","isolatedMargin":"0.00000000","notional":"-12.31427700","marginAsset":"USDT",)"
    R"("isolatedWallet":"0","initialMargin":"0.61571385","maintMargin":"0.08004280","adl":2,)"
    R"("updateTime":1720736417660}])";
constexpr std::string_view kAccount =
    R"({"totalInitialMargin":"1","totalMaintMargin":"2","totalWalletBalance":"103.12345678",)"
    R"("totalUnrealizedProfit":"-1","totalMarginBalance":"102","totalCrossWalletBalance":"103",)"
    R"("totalCrossUnPnl":"0","availableBalance":"100","maxWithdrawAmount":"99","assets":[{"asset":"USDT",)"
    R"("walletBalance":"23.7","unrealizedProfit":"0","marginBalance":"23.7","maintMargin":"0",)"
    R"("initialMargin":"0","crossWalletBalance":"23.7","crossUnPnl":"0","availableBalance":"126",)"
    R"("maxWithdrawAmount":"23.7","updateTime":0}],"positions":[{"symbol":"BTCUSDT","positionSide":"BOTH",)"
    R"("positionAmt":"1.000","unrealizedProfit":"0","isolatedMargin":"0","notional":"0","isolatedWallet":"0",)"
    R"("initialMargin":"0","maintMargin":"0","updateTime":0}]})";
constexpr std::string_view kTrades =
    R"([{"symbol":"ETHUSDT","id":82357626,"orderId":831238666,"side":"SELL","price":"2778.35","qty":"0.005",)"
    R"("realizedPnl":"-0.1","marginAsset":"USDT","quoteQty":"13.89175","commission":"0.00555670",)"
    R"("commissionAsset":"USDT","time":1645930322371,"positionSide":"BOTH","buyer":false,"maker":true}])";
constexpr std::string_view kKlines =
    R"([[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",1499644799999,)"
    R"("2434.19055334",308,"1756.87402397","28.46694368","0"]])";
constexpr std::string_view kBrackets =
    R"({"symbol":"ETHUSDT","brackets":[{"bracket":2,"initialLeverage":50,"notionalCap":9223372036854775807,)"
    R"("notionalFloor":10000,"maintMarginRatio":0.01,"cum":35.5},{"bracket":1,"initialLeverage":75,)"
    R"("notionalCap":10000,"notionalFloor":0,"maintMarginRatio":0.0065,"cum":0}]})";
constexpr std::string_view kIncome =
    R"([{"symbol":"","incomeType":"TRANSFER","income":"-0.375","asset":"USDT","info":"TRANSFER",)"
    R"("time":1570608000000,"tranId":9689322392,"tradeId":""},{"symbol":"BTCUSDT","incomeType":"COMMISSION",)"
    R"("income":"-0.01","asset":"USDT","info":"2059192","time":1570636800000,"tranId":"9689322392",)"
    R"("tradeId":"2059192"}])";
constexpr std::string_view kPremium =
    R"({"symbol":"BTCUSDT","markPrice":"11793.63104562","indexPrice":"11781.80495970",)"
    R"("estimatedSettlePrice":"11781.16138815","lastFundingRate":"0.00038246","interestRate":"0.00010000",)"
    R"("nextFundingTime":1597392000000,"time":1597370495002})";

std::string listed(std::string_view text) { return "[" + std::string(text) + "]"; }

TEST(RestMessages, ErrorBody) {
  const auto e = parse_error_body(R"({"code":-1021,"msg":"Timestamp"})");
  ASSERT_TRUE(e);
  EXPECT_EQ(e->code, -1021);
  EXPECT_EQ(e->message, "Timestamp");
  EXPECT_EQ(parse_error_body(R"({"code":"200","msg":"success"})")->code, 200);
  for (const char* text : {"", "<html>", "[]", "{}", R"({"code":-1})", R"({"msg":"x"})", R"({"code":{},"msg":"x"})"})
    EXPECT_FALSE(parse_error_body(text)) << text;
}

TEST(RestMessages, SmallBodies) {
  EXPECT_EQ(parse_server_time(R"({"serverTime":1700000000123})")->unix_ms(), 1700000000123);
  EXPECT_EQ(*parse_listen_key(R"({"listenKey":"abc"})"), "abc");
  EXPECT_FALSE(parse_listen_key(R"({"listenKey":""})").ok());
  EXPECT_TRUE(*parse_dual_side(R"({"dualSidePosition":true})"));
  EXPECT_FALSE(*parse_multi_assets(R"({"multiAssetsMargin":false})"));
  EXPECT_EQ(parse_commission_rate(R"({"symbol":"B","makerCommissionRate":"0.0002","takerCommissionRate":"0.0005"})")
                ->taker.to_string(),
            "0.0005");
  EXPECT_EQ(parse_leverage_setting(R"({"leverage":21,"maxNotionalValue":"1000000","symbol":"B"})")->leverage, 21);
  EXPECT_EQ(parse_algo_cancel(R"({"algoId":7,"clientAlgoId":"x","code":"200","msg":"success"})")->algo_id, 7);
  EXPECT_TRUE(
      parse_account_config(R"({"canTrade":true,"dualSidePosition":false,"multiAssetsMargin":false})")->can_trade);
  expect_required(R"({"serverTime":1})", "", {"serverTime"}, parse_server_time);
  expect_required(R"({"dualSidePosition":true})", "", {"dualSidePosition"}, parse_dual_side);
}

TEST(RestMessages, ExchangeInfo) {
  const auto info = parse_exchange_info(kInfo);
  ASSERT_TRUE(info.ok()) << info.error().message();
  EXPECT_EQ(info->limits.weight_1m, 2400);
  EXPECT_EQ(info->limits.orders_10s, 300);
  EXPECT_EQ(info->limits.orders_1m, 1200);
  ASSERT_EQ(info->symbols.size(), 1u);
  const SymbolInfo& s = info->symbols[0];
  EXPECT_TRUE(s.trading);
  EXPECT_EQ(s.instrument.symbol, "BTCUSDT");
  EXPECT_EQ(s.instrument.tick_size.to_string(), "0.1");
  EXPECT_EQ(s.instrument.step_size.to_string(), "0.001");
  EXPECT_EQ(s.instrument.max_quantity.to_string(), "1000");
  EXPECT_EQ(s.instrument.max_market_quantity.to_string(), "120");
  EXPECT_EQ(s.instrument.min_notional.to_string(), "50");
  EXPECT_EQ(s.percent_up.to_string(), "1.05");
  EXPECT_EQ(s.market_take_bound.to_string(), "0.05");
  EXPECT_EQ(s.max_orders, 200);
  EXPECT_EQ(s.delivery_time.unix_ms(), 4133404800000);
  EXPECT_TRUE(s.instrument.brackets.empty());
}

TEST(RestMessages, ExchangeInfoErrorsNameFieldAndFilter) {
  const auto parse = [](const std::string& text) { return parse_exchange_info(text); };
  expect_required(kInfo, "", {"serverTime", "rateLimits", "symbols"}, parse);
  expect_required(kInfo, "rateLimits", {"rateLimitType", "interval", "intervalNum", "limit"}, parse);
  expect_required(kInfo, "symbols",
                  {"symbol", "status", "contractType", "pair", "baseAsset", "quoteAsset", "marginAsset",
                   "pricePrecision", "quantityPrecision", "onboardDate", "deliveryDate", "filters"},
                  parse);
  expect_required(kInfo, "symbols.filters", {"filterType", "tickSize", "minPrice", "maxPrice"}, parse);
  for (const char* name : {"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL"}) {
    std::string text(kInfo);
    const std::string quoted = "\"" + std::string(name) + "\"";
    text.replace(text.find(quoted), quoted.size(), "\"SOMETHING\"");
    const auto result = parse_exchange_info(text);
    ASSERT_FALSE(result.ok()) << name;
    EXPECT_NE(result.error().context.find("'" + std::string(name) + "'"), std::string::npos) << result.error().context;
    EXPECT_NE(result.error().context.find("BTCUSDT"), std::string::npos);
    // A run that does not want the odd contract is not disturbed by it.
    const std::vector<std::string> others = {"ETHUSDT"};
    EXPECT_TRUE(parse_exchange_info(text, others)->symbols.empty());
  }
}

TEST(RestMessages, LeverageBracketsInBothShapesAndSorted) {
  for (const std::string& text : {std::string(kBrackets), listed(kBrackets)}) {
    const auto all = parse_leverage_brackets(text);
    ASSERT_TRUE(all.ok()) << all.error().message();
    ASSERT_EQ(all->size(), 1u);
    const auto& b = all->at(0).brackets;
    ASSERT_EQ(b.size(), 2u);
    EXPECT_EQ(b[0].notional_cap, b[1].notional_floor);
    EXPECT_EQ(b[0].maintenance_ratio.to_string(), "0.0065");
    EXPECT_EQ(b[0].max_leverage, 75);
    EXPECT_EQ(b[1].cumulative.to_string(), "35.5");
    EXPECT_GT(b[1].notional_cap, domain::Money::from_int(90'000'000'000));
  }
  expect_required(kBrackets, "", {"symbol", "brackets"}, parse_leverage_brackets);
  expect_required(kBrackets, "brackets", {"initialLeverage", "notionalCap", "notionalFloor", "maintMarginRatio", "cum"},
                  parse_leverage_brackets);
}

TEST(RestMessages, OrdersWithAndWithoutAveragePrice) {
  const auto o = parse_order(kOrder);
  ASSERT_TRUE(o.ok()) << o.error().message();
  EXPECT_FALSE(o->average_price);
  EXPECT_EQ(o->filled.to_string(), "0.001");
  EXPECT_EQ(o->time_in_force, WireTimeInForce::Gtx);
  EXPECT_TRUE(o->reduce_only);
  EXPECT_EQ(parse_order(with(kOrder, {"", "avgPrice"}, "49999.5"))->average_price->to_string(), "49999.5");
  EXPECT_EQ(parse_orders("[]")->size(), 0u);
  EXPECT_EQ(parse_orders(listed(kOrder))->at(0), *o);
  const std::vector<std::string_view> required = {"symbol", "clientOrderId", "orderId",   "side",    "positionSide",
                                                  "type",   "timeInForce",   "status",    "origQty", "executedQty",
                                                  "price",  "reduceOnly",    "updateTime"};
  expect_required(kOrder, "", required, parse_order);
  expect_required(listed(kOrder), "", required, parse_orders);
  EXPECT_EQ(*parse_order(with(kOrder, {"", "new"}, boost::json::array{1, 2})), *o);
}

TEST(RestMessages, AlgoOrders) {
  const auto o = parse_algo_order(kAlgo);
  ASSERT_TRUE(o.ok()) << o.error().message();
  EXPECT_EQ(o->type, WireType::StopMarket);
  EXPECT_EQ(o->actual_order_id, 0);
  EXPECT_TRUE(o->activate_price.is_zero());
  EXPECT_EQ(o->trigger_price.to_string(), "750");
  EXPECT_EQ(parse_algo_order(with(kAlgo, {"", "actualOrderId"}, "88937381063"))->actual_order_id, 88937381063);
  expect_required(kAlgo, "",
                  {"symbol", "clientAlgoId", "algoId", "side", "positionSide", "orderType", "timeInForce", "algoStatus",
                   "workingType", "triggerPrice", "reduceOnly", "createTime", "updateTime"},
                  parse_algo_order);
  EXPECT_EQ(parse_algo_orders(listed(kAlgo))->at(0), *o);
}

TEST(RestMessages, PositionsAndAccount) {
  const auto risk = parse_position_risk(kRiskV3);
  ASSERT_TRUE(risk.ok()) << risk.error().message();
  EXPECT_EQ(risk->at(0).quantity.to_string(), "-30");
  EXPECT_FALSE(risk->at(0).leverage);
  EXPECT_EQ(risk->at(0).break_even_price->to_string(), "0.385077");
  expect_required(kRiskV3, "",
                  {"symbol", "positionSide", "positionAmt", "entryPrice", "markPrice", "liquidationPrice",
                   "unRealizedProfit", "isolatedMargin", "updateTime"},
                  parse_position_risk);
  const auto account = parse_account(kAccount);
  ASSERT_TRUE(account.ok()) << account.error().message();
  EXPECT_EQ(account->wallet.to_string(), "103.12345678");
  EXPECT_FALSE(account->can_trade);
  EXPECT_EQ(account->positions.at(0).quantity.to_string(), "1");
  expect_required(
      kAccount, "",
      {"totalInitialMargin", "totalMaintMargin", "totalWalletBalance", "totalUnrealizedProfit", "totalMarginBalance",
       "totalCrossWalletBalance", "totalCrossUnPnl", "availableBalance", "maxWithdrawAmount", "assets", "positions"},
      parse_account);
  expect_required(kAccount, "assets", {"asset", "walletBalance", "availableBalance"}, parse_account);
  expect_required(kAccount, "positions", {"symbol", "positionSide", "positionAmt"}, parse_account);
  EXPECT_EQ(*parse_account(with(kAccount, {"positions", "new"}, 1)), *account);
}

TEST(RestMessages, TradesIncomePremiumFunding) {
  const auto trades = parse_user_trades(kTrades);
  ASSERT_TRUE(trades.ok()) << trades.error().message();
  EXPECT_EQ(trades->at(0).commission.to_string(), "0.0055567");
  EXPECT_TRUE(trades->at(0).maker);
  expect_required(kTrades, "",
                  {"symbol", "id", "orderId", "side", "positionSide", "price", "qty", "realizedPnl", "quoteQty",
                   "commission", "commissionAsset", "time", "maker", "buyer"},
                  parse_user_trades);
  const auto income = parse_income(kIncome);
  ASSERT_TRUE(income.ok()) << income.error().message();
  EXPECT_EQ(income->at(0).transaction_id, 9689322392);
  EXPECT_EQ(income->at(1).transaction_id, 9689322392);
  EXPECT_EQ(income->at(1).trade_id, "2059192");
  expect_required(kIncome, "", {"incomeType", "income", "asset", "time"}, parse_income);
  EXPECT_EQ(parse_premium_index(kPremium)->at(0).funding_rate->to_string(), "0.00038246");
  EXPECT_FALSE(parse_premium_index(with(kPremium, {"", "lastFundingRate"}, ""))->at(0).funding_rate);
  expect_required(kPremium, "", {"symbol", "markPrice", "indexPrice", "lastFundingRate", "nextFundingTime", "time"},
                  parse_premium_index);
  const std::string funding = R"([{"symbol":"B","fundingTime":1,"fundingRate":"-0.0375","markPrice":""}])";
  EXPECT_EQ(parse_funding_rates(funding)->at(0).rate.to_string(), "-0.0375");
  EXPECT_FALSE(parse_funding_rates(funding)->at(0).mark);
  expect_required(funding, "", {"symbol", "fundingTime", "fundingRate"}, parse_funding_rates);
}

TEST(RestMessages, KlinesBecomeBars) {
  const auto bars = parse_klines(kKlines, domain::Timeframe::H1);
  ASSERT_TRUE(bars.ok()) << bars.error().message();
  ASSERT_EQ(bars->size(), 1u);
  const domain::Bar& bar = bars->at(0);
  EXPECT_EQ(bar.open_time.unix_ms(), 1499040000000);
  EXPECT_EQ(bar.open.to_string(), "0.0163479");
  EXPECT_EQ(bar.low.to_string(), "0.015758");
  EXPECT_EQ(bar.volume, 148976.11427815);
  EXPECT_EQ(bar.quote_volume, 2434.19055334);
  EXPECT_EQ(bar.trades, 308u);
  EXPECT_EQ(bar.taker_buy_base, 1756.87402397);
  EXPECT_EQ(bar.timeframe, domain::Timeframe::H1);
  for (int cell : {0, 1, 2, 3, 4, 5, 7, 8, 9}) {
    auto root = boost::json::parse(kKlines);
    root.as_array()[0].as_array()[static_cast<std::size_t>(cell)] = boost::json::object{};
    const auto broken = parse_klines(boost::json::serialize(root), domain::Timeframe::H1);
    ASSERT_FALSE(broken.ok()) << cell;
    EXPECT_NE(broken.error().context.find("'" + std::to_string(cell) + "'"), std::string::npos)
        << broken.error().context;
  }
  for (const char* text : {"{}", "[1]", "[[]]", "", "[[1,2]]"})
    EXPECT_FALSE(parse_klines(text, domain::Timeframe::H1).ok()) << text;
}

}  // namespace
}  // namespace qtrader::binance
