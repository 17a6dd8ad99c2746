#include "edge/binance/messages_user.hpp"

#include <gtest/gtest.h>

#include "edge/binance/messages_testing.hpp"

namespace qtrader::binance {
namespace {

using testing::expect_required;
using testing::with;
using testing::without;

constexpr std::string_view kOrder =
    R"({"e":"ORDER_TRADE_UPDATE","T":1568879465651,"E":1568879465652,"o":{"s":"BTCUSDT","c":"qt-1","S":"BUY",)"
    R"("o":"LIMIT","f":"GTC","q":"0.002","p":"7100.50","ap":"7100.40","sp":"0","x":"TRADE",)"
    R"("X":"PARTIALLY_FILLED","i":8389765739703625592,"l":"0.001","z":"0.001","L":"7100.50","N":"USDT",)"
    R"("n":"0.01000000","T":1568879465650,"t":12345678,"b":"0","a":"0","m":true,"R":false,)"
    R"("wt":"CONTRACT_PRICE","ot":"STOP_MARKET","ps":"BOTH","cp":false,"AP":"0","cr":"0","pP":false,"si":0,)"
    R"("ss":0,"rp":"-12.34","V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"2"}})";
constexpr std::string_view kAccount =
    R"({"e":"ACCOUNT_UPDATE","T":1564745798939,"E":1564745798940,"a":{"m":"FUNDING_FEE","S":"BTCUSDT",)"
    R"("B":[{"a":"USDT","wb":"122624.12345678","cw":"100.12345678","bc":"-0.5"}],"P":[{"s":"BTCUSDT",)"
    R"("pa":"-10","ep":"6563.8","bep":"6563.861","cr":"-45.04","up":"-1423.156","mt":"isolated",)"
    R"("iw":"6570.42511771","ps":"BOTH","ma":"USDT"}]}})";
constexpr std::string_view kLite =
    R"({"e":"TRADE_LITE","E":1568879465651,"T":1568879465650,"s":"BTCUSDT","c":"qt-1","S":"SELL","q":"0.001",)"
    R"("p":"0","i":8886774,"l":"0.001","L":"7100.50","t":12345678,"m":false})";
constexpr std::string_view kMarginCall =
    R"({"e":"MARGIN_CALL","E":1587727187525,"cw":"3.16812045","p":[{"s":"ETHUSDT","ps":"LONG","pa":"1.327",)"
    R"("mt":"CROSSED","iw":"0","mp":"187.17127","up":"-1.166074","mm":"1.614445"}]})";
constexpr std::string_view kConfig = R"({"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ac":{"s":"BTCUSDT","l":25}})";
constexpr std::string_view kAlgo =
    R"({"e":"ALGO_UPDATE","T":1765431097031,"E":1765431097037,"o":{"caid":"qt-9","aid":1000000033225453,)"
    R"("at":"CONDITIONAL","o":"STOP_MARKET","s":"DOGEUSDT","S":"BUY","ps":"BOTH","f":"GTC","q":"38",)"
    R"("X":"FINISHED","ai":"88937381063","ap":"0.13856","aq":"38","act":"MARKET","tp":"0.13855","p":"0",)"
    R"("V":"EXPIRE_MAKER","wt":"MARK_PRICE","pm":"NONE","cp":false,"pP":false,"R":true,"tt":1765431097019,)"
    R"("gtd":0,"rm":"why","ia":true}})";

base::Result<UserMessage> parse(const std::string& text) { return parse_user(text); }

template <class M>
M read(std::string_view text) {
  auto message = parse_user(text);
  EXPECT_TRUE(message.ok()) << message.error().message();
  if (!message || !std::holds_alternative<M>(*message)) {
    ADD_FAILURE() << "another kind of message: " << text;
    return M{};
  }
  return std::get<M>(*std::move(message));
}

TEST(UserMessages, OrderTradeUpdate) {
  const auto m = read<OrderTradeUpdate>(kOrder);
  EXPECT_EQ(m.client_id, "qt-1");
  EXPECT_EQ(m.order_id, 8389765739703625592);  // beyond 2^53
  EXPECT_EQ(m.execution, ExecutionType::Trade);
  EXPECT_EQ(m.status, WireStatus::PartiallyFilled);
  EXPECT_EQ(to_domain(m.status), domain::OrderStatus::PartiallyFilled);
  EXPECT_EQ(m.type, WireType::Limit);
  EXPECT_EQ(m.original_type, WireType::StopMarket);
  EXPECT_EQ(m.time_in_force, WireTimeInForce::Gtc);
  EXPECT_EQ(m.last_filled.to_string(), "0.001");
  EXPECT_EQ(m.last_price.to_string(), "7100.5");
  EXPECT_EQ(m.average_price.to_string(), "7100.4");
  EXPECT_EQ(m.commission.to_string(), "0.01");
  EXPECT_EQ(m.commission_asset, "USDT");
  EXPECT_EQ(m.realized.to_string(), "-12.34");
  EXPECT_EQ(m.trade_time.unix_ms(), 1568879465650);
  EXPECT_EQ(m.expiry_reason, ExpiryReason::IocRemainder);
  EXPECT_TRUE(m.maker);
}

TEST(UserMessages, WhatTheExchangeLeavesOutOrNullsIsNone) {
  std::string text(kOrder);
  for (const char* key : {"n", "N", "sp", "er", "AP", "cr", "cp"}) {
    text = without(text, {"o", key});
    EXPECT_TRUE(parse(text).ok()) << key;
    EXPECT_TRUE(parse(with(kOrder, {"o", key}, nullptr)).ok()) << key;
  }
  const auto m = read<OrderTradeUpdate>(text);
  EXPECT_TRUE(m.commission.is_zero());
  EXPECT_EQ(m.commission_asset, "");
  EXPECT_EQ(m.expiry_reason, ExpiryReason::None);
  EXPECT_EQ(read<OrderTradeUpdate>(with(kOrder, {"o", "er"}, "99")).expiry_reason, ExpiryReason::Other);
}

TEST(UserMessages, UnknownNamesAreErrorsWhereTheyMatter) {
  const auto status = parse(with(kOrder, {"o", "X"}, "HALF_FILLED"));
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().context.find("'X': got \"HALF_FILLED\""), std::string::npos) << status.error().context;
  EXPECT_FALSE(parse(with(kOrder, {"o", "S"}, "HOLD")).ok());
  EXPECT_FALSE(parse(with(kAlgo, {"o", "X"}, "DREAMING")).ok());
  EXPECT_EQ(read<OrderTradeUpdate>(with(kOrder, {"o", "o"}, "NOVEL")).type, WireType::Other);
  EXPECT_EQ(read<OrderTradeUpdate>(with(kOrder, {"o", "x"}, "NOVEL")).execution, ExecutionType::Other);
  EXPECT_EQ(read<OrderTradeUpdate>(with(kOrder, {"o", "X"}, "EXPIRED_IN_MATCH")).status, WireStatus::ExpiredInMatch);
}

TEST(UserMessages, AccountUpdate) {
  const auto m = read<AccountUpdate>(kAccount);
  EXPECT_EQ(m.reason, AccountReason::FundingFee);
  EXPECT_EQ(m.funding_symbol, "BTCUSDT");
  ASSERT_EQ(m.balances.size(), 1u);
  EXPECT_EQ(m.balances[0].wallet.to_string(), "122624.12345678");
  EXPECT_EQ(m.balances[0].change.to_string(), "-0.5");
  ASSERT_EQ(m.positions.size(), 1u);
  EXPECT_EQ(m.positions[0].quantity.to_string(), "-10");
  EXPECT_EQ(m.positions[0].margin_mode, domain::MarginMode::Isolated);
  EXPECT_EQ(m.positions[0].break_even_price.to_string(), "6563.861");
  EXPECT_EQ(read<AccountUpdate>(with(kAccount, {"a", "m"}, "NOVEL")).reason, AccountReason::Other);
  EXPECT_EQ(read<AccountUpdate>(with(kAccount, {"a", "m"}, "NOVEL")).reason_text, "NOVEL");
  EXPECT_TRUE(read<AccountUpdate>(without(kAccount, {"a", "P"})).positions.empty());
}

TEST(UserMessages, Others) {
  EXPECT_EQ(read<TradeLite>(kLite).last_price.to_string(), "7100.5");
  EXPECT_EQ(read<MarginCall>(kMarginCall).positions.at(0).mark.to_string(), "187.17127");
  EXPECT_EQ(read<AccountConfigUpdate>(kConfig).leverage, 25);
  EXPECT_EQ(read<AccountConfigUpdate>(R"({"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ai":{"j":true}})").multi_assets,
            true);
  const auto a = read<AlgoUpdate>(kAlgo);
  EXPECT_EQ(a.status, AlgoStatus::Finished);
  EXPECT_EQ(a.order_id, 88937381063);
  EXPECT_EQ(a.trigger_price.to_string(), "0.13855");
  EXPECT_EQ(a.working_type, WorkingType::MarkPrice);
  EXPECT_TRUE(a.reduce_only);
  EXPECT_TRUE(a.trailing_active);
  EXPECT_EQ(read<AlgoUpdate>(with(kAlgo, {"o", "ai"}, "")).order_id, 0);
  EXPECT_EQ(read<ListenKeyExpired>(R"({"e":"listenKeyExpired","E":1,"listenKey":"k"})").listen_key, "k");
  EXPECT_EQ(read<ConditionalOrderReject>(
                R"({"e":"CONDITIONAL_ORDER_TRIGGER_REJECT","E":1,"T":1,"or":{"s":"ETHUSDT","i":155,"r":"no"}})")
                .order_id,
            155);
  EXPECT_EQ(read<OtherUser>(R"({"e":"GRID_UPDATE","T":1,"E":1,"gu":{}})").kind, "GRID_UPDATE");
  EXPECT_EQ(read<ControlReply>(R"({"result":null,"id":3})").id, "3");
  EXPECT_EQ(read<TradeLite>(R"({"stream":"k","data":)" + std::string(kLite) + "}"), read<TradeLite>(kLite));
  for (const char* text : {"", "[]", "{}", "{\"e\":3}", "null"}) EXPECT_FALSE(parse(text).ok()) << text;
}

TEST(UserMessages, EveryRequiredFieldIsNamedWhenMissingOrIllTyped) {
  expect_required(kOrder, "", {"e", "E", "T", "o"}, parse);
  expect_required(kOrder, "o", {"s",  "c", "i", "S", "o", "ot", "f", "x", "X",  "q", "p",
                                "ap", "l", "z", "L", "T", "t",  "m", "R", "ps", "rp"},
                  parse);
  expect_required(kAccount, "", {"E", "T", "a"}, parse);
  expect_required(kAccount, "a", {"m"}, parse);
  expect_required(kAccount, "a.B", {"a", "wb", "cw"}, parse);
  expect_required(kAccount, "a.P", {"s", "pa", "ep", "cr", "up", "mt", "iw", "ps"}, parse);
  expect_required(kLite, "", {"E", "T", "s", "c", "i", "t", "S", "q", "l", "p", "L", "m"}, parse);
  expect_required(kMarginCall, "", {"E", "p"}, parse);
  expect_required(kMarginCall, "p", {"s", "ps", "pa", "mt", "iw", "mp", "up", "mm"}, parse);
  expect_required(kConfig, "", {"E", "T", "ac"}, parse);
  expect_required(kConfig, "ac", {"s", "l"}, parse);
  expect_required(kAlgo, "", {"E", "T", "o"}, parse);
  expect_required(kAlgo, "o", {"s", "caid", "aid", "S", "ps", "o", "f", "X", "wt", "q", "tp", "R", "cp"}, parse);
}

TEST(UserMessages, UnknownFieldsChangeNothing) {
  const boost::json::value odd = boost::json::parse(R"({"q":[1,{"o":null}]})");
  EXPECT_EQ(read<OrderTradeUpdate>(with(with(kOrder, {"o", "new"}, odd), {"", "y"}, 1)),
            read<OrderTradeUpdate>(kOrder));
  EXPECT_EQ(read<AccountUpdate>(with(with(kAccount, {"a.P", "new"}, odd), {"a", "y"}, 1)),
            read<AccountUpdate>(kAccount));
  EXPECT_EQ(read<AlgoUpdate>(with(kAlgo, {"o", "new"}, odd)), read<AlgoUpdate>(kAlgo));
  EXPECT_EQ(read<TradeLite>(with(kLite, {"", "new"}, odd)), read<TradeLite>(kLite));
  EXPECT_EQ(read<MarginCall>(with(kMarginCall, {"p", "new"}, odd)), read<MarginCall>(kMarginCall));
}

}  // namespace
}  // namespace qtrader::binance
