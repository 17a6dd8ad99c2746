// The table of refusals of a normal order: each fault alone, with Binance's code and text, and which comes first.
#include "edge/matching/test_support.hpp"

namespace qtrader::matching::testing {
namespace {

class Rules : public ExchangeTest {
 protected:
  Refusal refusal(AccountId a, const std::function<void(NewOrder&)>& change) {
    NewOrder o = limit(Side::Buy, "1", "49900");
    change(o);
    const auto r = exchange->test(a, o);
    return r ? Refusal{} : r.refusal();
  }
};

TEST_F(Rules, EachFaultHasItsCode) {
  market();
  const auto a = open("1000000");
  const struct {
    int code;
    std::function<void(NewOrder&)> change;
  } rows[] = {
      {0, [](NewOrder&) {}},
      {-1121, [](NewOrder& o) { o.symbol = SymbolId{99}; }},
      {-4060, [](NewOrder& o) { o.position_side = static_cast<PositionSide>(9); }},
      {-4061, [](NewOrder& o) { o.position_side = PositionSide::Long; }},
      {-4015, [](NewOrder& o) { o.client_id = std::string(37, 'a'); }},
      {-4015, [](NewOrder& o) { o.client_id = "a b"; }},
      {-4015, [](NewOrder& o) { o.client_id = "adl_autoclose"; }},
      {-1111, [](NewOrder& o) { o.price = px("49900.001"); }},
      {-1111, [](NewOrder& o) { o.quantity = qty("1.0001"); }},
      {-4014, [](NewOrder& o) { o.price = px("49900.05"); }},
      {-4001, [](NewOrder& o) { o.price = px("-1"); }},
      {-4002, [](NewOrder& o) { o.price = px("5000000"); }},
      {-4016, [](NewOrder& o) { o.price = px("52500.1"); }},
      {-4024, [](NewOrder& o) { o.side = Side::Sell, o.price = px("47499.9"); }},
      {-4003, [](NewOrder& o) { o.quantity = qty("0"); }},
      {-4003, [](NewOrder& o) { o.quantity = qty("-1"); }},
      {-4005, [](NewOrder& o) { o.quantity = qty("1000.001"); }},
      {-4005, [](NewOrder& o) { o = market_order(Side::Buy, "121"); }},
      {-4164, [](NewOrder& o) { o.quantity = qty("0.001"); }},
      {-4164, [](NewOrder& o) { o = market_order(Side::Buy, "0.001"), o.quantity = qty("0.001"), o.symbol = kEth; }},
      {-2022, [](NewOrder& o) { o.reduce_only = true; }},
      {-2027, [](NewOrder& o) { o.quantity = qty("1000"), o.price = px("52000"), o.symbol = kBtc; }},
      {-2019, [](NewOrder& o) { o.quantity = qty("900"); }},
      {-2020, [](NewOrder& o) { o = market_order(Side::Buy, "1"), o.symbol = kEth; }},
      {-5021, [](NewOrder& o) { o.time_in_force = TimeInForce::Fok; }},
      {-5022, [](NewOrder& o) { o.time_in_force = TimeInForce::Gtx, o.price = px("50010"); }},
      {-5040, [](NewOrder& o) { o.time_in_force = TimeInForce::Gtd; }},
  };
  mark("2000", kEth);
  ASSERT_TRUE(exchange->set_leverage(a, kBtc, 21));
  for (const auto& row : rows) {
    const bool cap = row.code == -2027 || row.code == -2019;
    if (cap) {
      EXPECT_TRUE(exchange->set_leverage(a, kBtc, row.code == -2019 ? 20 : 50));
    }
    EXPECT_EQ(refusal(a, row.change).code, row.code) << row.code;
  }
}

TEST_F(Rules, TextsAreBinances) {
  market();
  const auto a = open();
  EXPECT_EQ(refusal(a, [](NewOrder& o) { o.quantity = qty("0.001"); }).message,
            "Order's notional must be no smaller than 50 (unless you choose reduce only).");
  EXPECT_EQ(refusal(a, [](NewOrder& o) { o.price = px("60000"); }).message, "Limit price can't be higher than 52500.");
  EXPECT_EQ(refusal(a, [](NewOrder& o) { o.client_id = std::string(37, 'a'); }).message,
            "Client order id length should not be more than 36 chars");
  EXPECT_EQ(refusal(a, [](NewOrder& o) { o.quantity = qty("-1"); }).message, "Quantity less than or equal to zero.");
}

TEST_F(Rules, EarlierChecksWin) {
  market();
  const auto a = open("10");
  const auto first = [&](auto change) { return refusal(a, change).code; };
  // Each order has every later fault too: margin (-2019) is always there.
  EXPECT_EQ(first([](NewOrder& o) { o.position_side = PositionSide::Long, o.client_id = " ", o.quantity = {}; }),
            -4061);
  EXPECT_EQ(first([](NewOrder& o) { o.client_id = " ", o.quantity = qty("0.0001"); }), -4015);
  EXPECT_EQ(first([](NewOrder& o) { o.quantity = qty("0.0001"), o.price = px("1"); }), -1111);
  EXPECT_EQ(first([](NewOrder& o) { o.quantity = qty("0"), o.price = px("49900.05"); }), -4003);
  EXPECT_EQ(first([](NewOrder& o) { o.quantity = qty("0.001"), o.price = px("60000"); }), -4016);
  EXPECT_EQ(first([](NewOrder& o) { o.quantity = qty("0.001"); }), -4164);
  EXPECT_EQ(first([](NewOrder& o) { o.time_in_force = TimeInForce::Gtx, o.price = px("50010"); }), -2019);
}

TEST_F(Rules, OpenOrderLimit) {
  ContractRules r = rules();
  r.max_orders = 2;
  ASSERT_TRUE(exchange->set_rules(kBtc, btc(), r));
  market();
  const auto a = open("1000000");
  must(a, limit(Side::Buy, "1", "49000"));
  must(a, limit(Side::Buy, "1", "49000"));
  EXPECT_EQ(refused(a, limit(Side::Buy, "1", "49000")), -2025);
}

TEST_F(Rules, SymbolStatus) {
  market();
  const auto a = open();
  const auto o = must(a, limit(Side::Buy, "1", "49000"));
  must(a, market_order(Side::Sell, "1"));
  exchange->set_status(kBtc, SymbolStatus::CancelOnly);
  EXPECT_EQ(refused(a, limit(Side::Buy, "1", "49000")), -4140);
  EXPECT_EQ(code(exchange->amend(a, {{kBtc, o.id, ""}, Side::Buy, qty("2"), px("49000"), {}, 0})), -5024);
  exchange->set_status(kBtc, SymbolStatus::Halted);
  EXPECT_EQ(refused(a, limit(Side::Buy, "1", "49000")), -1122);
  events();
  exchange->set_status(kBtc, SymbolStatus::Closed);
  EXPECT_EQ(refused(a, limit(Side::Buy, "1", "49000")), -4141);
  EXPECT_EQ(get(a, o.id).status, OrderStatus::Expired);
  const auto orders = only<OrderEvent>(events());
  ASSERT_EQ(orders.size(), 3u);
  EXPECT_EQ(orders[0].reason, ExpiryReason::Delisted);
  EXPECT_TRUE(orders[2].order.request.client_id.starts_with("settlement_autoclose-"));
  EXPECT_EQ(orders[2].last_price, px("50000"));  // at mark
  EXPECT_TRUE(position(a).amount.is_zero());
}

TEST_F(Rules, HugeNumbersAreRefusedNotOverflown) {
  domain::Instrument open_ended = btc();
  open_ended.max_quantity = open_ended.max_market_quantity = Quantity{};
  ContractRules unlimited = rules();
  unlimited.max_price = Price{};
  ASSERT_TRUE(exchange->set_rules(kBtc, open_ended, unlimited));
  const auto a = open();
  EXPECT_EQ(refused(a, limit(Side::Buy, "1", "90000000000")), -4002);  // before any mark bounds it
  market();
  NewAlgoOrder far = stop(Side::Buy, "1", "90000000000");
  far.type = OrderType::Stop;
  far.price = px("50000");
  EXPECT_EQ(code(exchange->place_algo(a, far)), -4007);
  NewOrder late = limit(Side::Buy, "1", "49000", TimeInForce::Gtd);
  late.good_till_ms = 253'402'300'798'999;
  EXPECT_EQ(must(a, late).request.good_till_ms, 253'402'300'798'000);
  pass(1'000'000);
  EXPECT_EQ(exchange->open_orders(a, kBtc).size(), 1u);
  EXPECT_EQ(refused(a, limit(Side::Buy, "90000000000", "49000")), -4005);
  EXPECT_EQ(refused(a, market_order(Side::Sell, "90000000000")), -4005);
}

TEST_F(Rules, CreationNamesWhatIsWrong) {
  ContractRules bad = rules();
  bad.price_precision = 9;
  const auto r = Exchange::create({}, domain::InstrumentTable::create({btc()}).value(), {bad});
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().context.find("BTCUSDT"), std::string::npos);
  EXPECT_NE(r.error().context.find("price_precision 9"), std::string::npos);
  EXPECT_FALSE(Exchange::create({}, domain::InstrumentTable::create({btc()}).value(), {}));
}

}  // namespace
}  // namespace qtrader::matching::testing
