// Conditional orders: triggers by mark and last price, trailing, closePosition, priceProtect, what ends them.
#include "edge/matching/test_support.hpp"

namespace qtrader::matching::testing {
namespace {

class Algos : public ExchangeTest {
 protected:
  AlgoStatus status(AccountId a, std::int64_t id) { return exchange->algo(a, id, "")->status; }
  std::vector<AlgoStatus> statuses() {
    std::vector<AlgoStatus> out;
    for (const auto& e : only<AlgoEvent>(events())) out.push_back(e.algo.status);
    return out;
  }
};

TEST_F(Algos, StopTriggersAfterItsDelayAndFinishes) {
  market();
  const auto a = open();
  must(a, market_order(Side::Buy, "1"));
  NewAlgoOrder s = stop(Side::Sell, "1", "49500");
  s.working = WorkingType::MarkPrice;
  s.reduce_only = true;
  s.client_id = "stop-1";
  const auto v = must(a, s);
  EXPECT_EQ(exchange->open_orders(a, kBtc).size(), 0u);
  mark("49501");
  EXPECT_EQ(status(a, v.id), AlgoStatus::New);
  events();
  mark("49500");
  EXPECT_EQ(status(a, v.id), AlgoStatus::Triggering);
  EXPECT_EQ(code(exchange->cancel_algo(a, v.id, "")), -4117);
  EXPECT_EQ(exchange->next_deadline(), now() + base::milliseconds(10));
  pass(10);
  const auto done = *exchange->algo(a, 0, "stop-1");
  EXPECT_EQ(done.status, AlgoStatus::Finished);
  EXPECT_EQ(done.executed, qty("1"));
  EXPECT_EQ(done.average_price, px("49990"));
  const OrderView order = get(a, done.order_id);
  EXPECT_EQ(order.request.client_id, "stop-1");
  EXPECT_EQ(order.original_type, OrderType::StopMarket);
  EXPECT_EQ(order.request.type, OrderType::Market);
  EXPECT_EQ(statuses(), (std::vector{AlgoStatus::Triggering, AlgoStatus::Triggered, AlgoStatus::Finished}));
  EXPECT_TRUE(position(a).amount.is_zero());
}

/// Clients keep ordinary and conditional orders in one table by id, as doubles.
TEST_F(Algos, IdsAreApartFromThoseOfOrders) {
  market();
  const auto a = open();
  must(a, market_order(Side::Buy, "1"));
  const auto first = must(a, stop(Side::Sell, "0.1", "49000")).id;
  std::int64_t last_order = 0;
  for (int i = 0; i < 50; ++i) last_order = must(a, market_order(Side::Buy, "0.001")).id;
  const auto second = must(a, stop(Side::Sell, "0.1", "49000")).id;
  EXPECT_EQ(second, first + 1);
  EXPECT_LT(last_order, 1'000'000);
  EXPECT_GT(first, 1'000'000'000);
  EXPECT_LT(second, std::int64_t{1} << 53);
}

TEST_F(Algos, EachKindFiresOnItsSide) {
  market();
  print("50000", "1", Side::Buy);
  const auto a = open("1000000");
  const auto make = [&](OrderType type, Side side, const char* trigger) {
    NewAlgoOrder o = stop(side, "0.01", trigger);
    o.type = type;
    return must(a, o).id;
  };
  const auto stop_buy = make(OrderType::StopMarket, Side::Buy, "50100");
  const auto take_sell = make(OrderType::TakeProfitMarket, Side::Sell, "50100");
  const auto stop_sell = make(OrderType::StopMarket, Side::Sell, "49900");
  const auto take_buy = make(OrderType::TakeProfitMarket, Side::Buy, "49900");
  print("50099.9", "0.1", Side::Buy);
  pass(20);
  for (const auto id : {stop_buy, take_sell, stop_sell, take_buy}) EXPECT_EQ(status(a, id), AlgoStatus::New);
  print("50100", "0.1", Side::Buy);
  EXPECT_EQ(status(a, stop_buy), AlgoStatus::Triggering);
  EXPECT_EQ(status(a, take_sell), AlgoStatus::Triggering);
  EXPECT_EQ(status(a, stop_sell), AlgoStatus::New);
  print("49900", "0.1", Side::Sell);
  EXPECT_EQ(status(a, stop_sell), AlgoStatus::Triggering);
  EXPECT_EQ(status(a, take_buy), AlgoStatus::Triggering);
}

TEST_F(Algos, WouldTriggerAtOnce) {
  market();
  const auto a = open();
  NewAlgoOrder s = stop(Side::Sell, "1", "50100");
  s.working = WorkingType::MarkPrice;
  EXPECT_EQ(code(exchange->place_algo(a, s)), -2021);
  s.trigger_price = px("50000");
  EXPECT_EQ(code(exchange->place_algo(a, s)), -2021);
  s.trigger_price = px("49999.9");
  EXPECT_TRUE(exchange->place_algo(a, s));
}

TEST_F(Algos, LimitKindRestsAfterTheTrigger) {
  market();
  print("50000", "1", Side::Buy);
  const auto a = open();
  NewAlgoOrder s = stop(Side::Buy, "1", "50005");
  s.type = OrderType::Stop;
  s.price = px("50006");
  const auto v = must(a, s);
  print("50005", "0.1", Side::Buy);
  pass(10);
  EXPECT_EQ(status(a, v.id), AlgoStatus::Triggered);
  const auto open_now = exchange->open_orders(a, kBtc);
  ASSERT_EQ(open_now.size(), 1u);
  EXPECT_EQ(open_now[0].request.price, px("50006"));
  ASSERT_TRUE(exchange->cancel(a, {kBtc, open_now[0].id, ""}));
  EXPECT_EQ(status(a, v.id), AlgoStatus::Finished);
}

TEST_F(Algos, TrailingFollowsFromItsActivation) {
  market();
  print("50000", "1", Side::Buy);
  const auto a = open();
  must(a, market_order(Side::Buy, "1"));
  print("50000", "1", Side::Sell);
  NewAlgoOrder t = stop(Side::Sell, "1", "0");
  t.type = OrderType::TrailingStopMarket;
  t.activate_price = px("50000");
  t.callback = frac("0.01");
  EXPECT_EQ(code(exchange->place_algo(a, t)), -2021);
  t.activate_price = px("51000");
  const auto v = must(a, t);
  print("50900", "1", Side::Buy);
  print("50300", "1", Side::Sell);  // 1.2 % back, but not armed
  EXPECT_EQ(status(a, v.id), AlgoStatus::New);
  EXPECT_FALSE(exchange->algo(a, v.id, "")->activated);
  events();
  print("51100", "1", Side::Buy);
  EXPECT_TRUE(exchange->algo(a, v.id, "")->activated);
  EXPECT_EQ(statuses(), std::vector{AlgoStatus::New});  // the second push says it is armed
  print("52000", "1", Side::Buy);
  print("51480.1", "1", Side::Sell);
  EXPECT_EQ(status(a, v.id), AlgoStatus::New);
  print("51480", "1", Side::Sell);  // 52000 · 0.99
  EXPECT_EQ(status(a, v.id), AlgoStatus::Triggering);
  t.callback = frac("0.0009");
  EXPECT_EQ(code(exchange->place_algo(a, t)), -1130);
}

TEST_F(Algos, TrailingBuyWithoutActivation) {
  market();
  print("50000", "1", Side::Buy);
  const auto a = open();
  NewAlgoOrder t = stop(Side::Buy, "0.1", "0");
  t.type = OrderType::TrailingStopMarket;
  t.callback = frac("0.02");
  const auto v = must(a, t);
  print("49000", "1", Side::Sell);
  print("49979.9", "1", Side::Buy);
  EXPECT_EQ(status(a, v.id), AlgoStatus::New);
  print("49980", "1", Side::Buy);
  EXPECT_EQ(status(a, v.id), AlgoStatus::Triggering);
}

TEST_F(Algos, ClosePositionTakesAllAndExpiresWithThePosition) {
  market();
  print("50000", "1", Side::Buy);
  const auto a = open();
  must(a, market_order(Side::Buy, "2"));
  NewAlgoOrder s = stop(Side::Sell, "0", "49000");
  s.close_position = true;
  const auto lower = must(a, s);
  s.type = OrderType::TakeProfitMarket;
  s.trigger_price = px("51000");
  const auto upper = must(a, s);
  must(a, market_order(Side::Buy, "1"));
  print("51000", "1", Side::Buy);
  pass(10);
  EXPECT_EQ(exchange->algo(a, upper.id, "")->executed, qty("3"));
  EXPECT_EQ(status(a, lower.id), AlgoStatus::Expired);
  EXPECT_TRUE(exchange->open_algos(a, kBtc).empty());
}

TEST_F(Algos, PositionBoundOrdersExpireWithThePosition) {
  market();
  print("50000", "1", Side::Buy);
  const auto a = open();
  must(a, market_order(Side::Buy, "1"));
  NewAlgoOrder s = stop(Side::Sell, "1", "49000");
  s.time_in_force = TimeInForce::GteGtc;
  const auto bound = must(a, s);
  s.time_in_force = TimeInForce::Gtc;
  s.reduce_only = true;
  const auto plain = must(a, s);
  NewOrder o = limit(Side::Sell, "1", "52000", TimeInForce::GteGtc);
  const auto resting = must(a, o);
  events();
  must(a, market_order(Side::Sell, "1"));
  EXPECT_EQ(status(a, bound.id), AlgoStatus::Expired);
  EXPECT_EQ(status(a, plain.id), AlgoStatus::New);
  EXPECT_EQ(get(a, resting.id).status, OrderStatus::Expired);
  EXPECT_EQ(only<OrderEvent>(events()).back().reason, ExpiryReason::GteCondition);
  print("49000", "1", Side::Sell);
  pass(10);
  EXPECT_EQ(status(a, plain.id), AlgoStatus::Rejected);
  EXPECT_EQ(exchange->algo(a, plain.id, "")->reject_message, "ReduceOnly Order is rejected.");
}

TEST_F(Algos, PriceProtectWaitsForMarkAndLastToAgree) {
  market();
  print("50000", "1", Side::Buy);
  const auto a = open();
  NewAlgoOrder s = stop(Side::Sell, "0.1", "47000");
  s.price_protect = true;
  const auto v = must(a, s);
  print("46900", "1", Side::Sell);  // 6 % below mark
  EXPECT_EQ(status(a, v.id), AlgoStatus::New);
  mark("48000");  // 2.3 %
  EXPECT_EQ(status(a, v.id), AlgoStatus::Triggering);
}

TEST_F(Algos, EngineMayRefuseWhatTriggered) {
  market();
  print("50000", "1", Side::Buy);
  const auto a = open("100");
  const auto v = must(a, stop(Side::Buy, "1", "50500"));  // no margin is asked for before it triggers
  print("50500", "1", Side::Buy);
  pass(10);
  EXPECT_EQ(status(a, v.id), AlgoStatus::Rejected);
  EXPECT_EQ(exchange->algo(a, v.id, "")->reject_message, "Margin is insufficient.");
  EXPECT_TRUE(exchange->orders(a, kBtc, {}).empty());
}

TEST_F(Algos, RefusalsAndLimit) {
  ExchangeConfig c;
  c.max_algo_orders = 2;
  reset(c);
  market();
  print("50000", "1", Side::Buy);
  const auto a = open(), h = open("100000", true);
  const auto code_of = [&](AccountId account, auto change) {
    NewAlgoOrder o = stop(Side::Sell, "1", "49000");
    change(o);
    const auto r = exchange->place_algo(account, o);
    if (r) {
      EXPECT_TRUE(exchange->cancel_algo(account, r->id, ""));
    }
    return r ? 0 : r.refusal().code;
  };
  using O = NewAlgoOrder&;
  EXPECT_EQ(code_of(a, [](O o) { o.close_position = true; }), -4137);
  EXPECT_EQ(code_of(a, [](O o) { o.close_position = true, o.type = OrderType::Stop; }), -4136);
  EXPECT_EQ(code_of(a, [](O o) { o.close_position = o.reduce_only = true, o.quantity = {}; }), -1106);
  EXPECT_EQ(code_of(h, [](O o) { o.close_position = true, o.quantity = {}, o.position_side = PositionSide::Short; }),
            -4138);
  EXPECT_EQ(code_of(h, [](O) {}), -4061);
  EXPECT_EQ(code_of(a, [](O o) { o.trigger_price = px("0"); }), -4006);
  EXPECT_EQ(code_of(a, [](O o) { o.trigger_price = px("5000000"); }), -4007);
  EXPECT_EQ(code_of(a, [](O o) { o.trigger_price = px("49000.05"); }), -4014);
  EXPECT_EQ(code_of(a, [](O o) { o.trigger_price = px("49000.001"); }), -1111);
  EXPECT_EQ(code_of(a, [](O o) { o.quantity = px("0").raw() == 0 ? Quantity{} : o.quantity; }), -4003);
  EXPECT_EQ(code_of(a, [](O o) { o.quantity = qty("0.001"); }), -4164);
  EXPECT_EQ(code_of(a, [](O o) { o.client_id = "not valid"; }), -4015);
  EXPECT_EQ(code_of(a, [](O o) { o.price_match = PriceMatch::Queue; }), -5038);
  EXPECT_EQ(code_of(a, [](O o) { o.time_in_force = TimeInForce::Gtd, o.good_till_ms = 1; }), -5040);
  EXPECT_EQ(code_of(a, [](O o) { o.type = OrderType::Limit; }), -1116);
  must(a, stop(Side::Sell, "1", "49000"));
  NewAlgoOrder named = stop(Side::Sell, "1", "49000");
  named.client_id = "x";
  must(a, named);
  EXPECT_EQ(code(exchange->place_algo(a, named)), -4116);
  EXPECT_EQ(code(exchange->place_algo(a, stop(Side::Sell, "1", "49000"))), -4045);
  EXPECT_EQ(code(exchange->cancel_algo(a, 12345, "")), -2011);
  ASSERT_TRUE(exchange->cancel_all_algo(a, kBtc));
  EXPECT_TRUE(exchange->open_algos(a, {}).empty());
}

TEST_F(Algos, GoodTillDateExpiresUntriggered) {
  market();
  print("50000", "1", Side::Buy);
  const auto a = open();
  NewAlgoOrder s = stop(Side::Buy, "1", "51000");
  s.time_in_force = TimeInForce::Gtd;
  s.good_till_ms = kStart + 700'000;
  const auto v = must(a, s);
  exchange->advance_to(at_ms(kStart + 700'000));
  EXPECT_EQ(status(a, v.id), AlgoStatus::Expired);
  print("51000", "1", Side::Buy);
  EXPECT_FALSE(exchange->next_deadline());
}

/// However time is given, in one step or many, deadlines happen at their own times in the same order.
TEST_F(Algos, DeadlinesDoNotDependOnHowTimePasses) {
  std::vector<std::pair<std::int64_t, std::size_t>> runs[2];
  for (const bool fine : {false, true}) {
    reset({});
    market();
    print("50000", "1", Side::Buy);
    const auto a = open();
    NewOrder o = limit(Side::Buy, "1", "49000", TimeInForce::Gtd);
    o.good_till_ms = kStart + 650'000;
    must(a, o);
    must(a, stop(Side::Buy, "1", "50050"));
    EXPECT_TRUE(exchange->set_countdown(a, kBtc, 640'000));
    print("50050", "1", Side::Buy);
    must(a, limit(Side::Buy, "1", "49500"));
    events();
    for (int i = 0; fine && i < 700; ++i) pass(1'000);
    exchange->advance_to(at_ms(kStart + 700'000));
    for (const auto& e : events())
      if (const auto* order = std::get_if<OrderEvent>(&e)) runs[fine].push_back({order->time.unix_ms(), e.index()});
  }
  EXPECT_EQ(runs[0].size(), 4u);  // the triggered order's two, and both resting orders cancelled by the countdown
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_EQ(runs[0].front().first, kStart + 10);
  EXPECT_EQ(runs[0].back().first, kStart + 640'000);
}

}  // namespace
}  // namespace qtrader::matching::testing
