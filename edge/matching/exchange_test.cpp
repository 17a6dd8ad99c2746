// Orders, books and events of the exchange: priority, queue position, times in force, self-trade prevention,
// amendments.
#include "edge/matching/test_support.hpp"

namespace qtrader::matching::testing {
namespace {

using Matching = ExchangeTest;

TEST_F(Matching, MarketOrderWalksTheBookAtMakerPrices) {
  market();
  const auto a = open();
  const OrderView v = must(a, market_order(Side::Buy, "7"));
  EXPECT_EQ(v.status, OrderStatus::Filled);
  EXPECT_EQ(v.executed_quote, usd("350090"));  // 5·50010 + 2·50020
  EXPECT_EQ(position(a).amount, qty("7"));
  EXPECT_EQ(exchange->account(a).wallet, usd("100000") - usd("175.045"));
  const auto book = exchange->book(kBtc, 10);
  EXPECT_EQ(book.asks.front().price, px("50020"));
  EXPECT_EQ(book.asks.front().quantity, qty("3"));
}

TEST_F(Matching, EventsOfACrossingOrder) {
  market();
  const auto a = open();
  must(a, market_order(Side::Buy, "7"));
  std::vector<std::string> kinds;
  for (const auto& e : events()) {
    if (const auto* o = std::get_if<OrderEvent>(&e))
      kinds.push_back(o->execution == ExecutionType::New ? "new" : "trade " + std::to_string(int(o->order.status)));
    if (std::holds_alternative<AccountEvent>(e)) kinds.push_back("account");
    if (std::holds_alternative<TradeEvent>(e)) kinds.push_back("print");
    if (std::holds_alternative<BookEvent>(e)) kinds.push_back("book");
  }
  EXPECT_EQ(kinds,
            (std::vector<std::string>{"new", "print", "account", "trade 1", "print", "account", "trade 2", "book"}));
}

TEST_F(Matching, MarketRemainderBeyondTheBoundExpires) {
  mark("50000");
  level(Side::Sell, "50010", "1");
  level(Side::Sell, "52600", "5");  // beyond 5 % of mark
  const auto a = open();
  const OrderView v = must(a, market_order(Side::Buy, "2"));
  EXPECT_EQ(v.status, OrderStatus::Expired);
  EXPECT_EQ(v.executed, qty("1"));
  const auto last = only<OrderEvent>(events()).back();
  EXPECT_EQ(last.execution, ExecutionType::Expired);
  EXPECT_EQ(last.reason, ExpiryReason::MarketRemainder);
  EXPECT_EQ(refused(a, market_order(Side::Buy, "1")), -4131);
}

TEST_F(Matching, PriceThenTime) {
  market();
  const auto a = open(), b = open(), c = open();
  const auto first = must(a, limit(Side::Buy, "1", "49995"));
  const auto second = must(b, limit(Side::Buy, "1", "49995"));
  const auto better = must(b, limit(Side::Buy, "1", "49996"));
  must(c, limit(Side::Sell, "1.5", "49990"));
  EXPECT_EQ(get(b, better.id).status, OrderStatus::Filled);
  EXPECT_EQ(get(a, first.id).executed, qty("0.5"));
  EXPECT_TRUE(get(b, second.id).executed.is_zero());
}

TEST_F(Matching, QueuePositionBehindOthers) {
  market();
  const auto a = open();
  const auto o = must(a, limit(Side::Buy, "1", "49990"));
  print("49990", "4", Side::Sell);  // 5 of the others stand before it
  EXPECT_TRUE(get(a, o.id).executed.is_zero());
  print("49990", "1.25", Side::Sell);
  EXPECT_EQ(get(a, o.id).executed, qty("0.25"));
  print("49990", "1", Side::Buy);  // a buyer's print does not reach bids
  EXPECT_EQ(get(a, o.id).executed, qty("0.25"));
  print("49980", "0.5", Side::Sell);  // through its price
  EXPECT_EQ(get(a, o.id).executed, qty("0.75"));
  EXPECT_EQ(get(a, o.id).average_price, px("49990"));
}

TEST_F(Matching, ShrinkingLevelMovesTheQueueUpAndGrowingDoesNotMoveItBack) {
  market();
  const auto a = open();
  const auto o = must(a, limit(Side::Buy, "1", "49990"));
  level(Side::Buy, "49990", "2");
  level(Side::Buy, "49990", "9");
  print("49990", "2.5", Side::Sell);
  EXPECT_EQ(get(a, o.id).executed, qty("0.5"));
}

TEST_F(Matching, PrintIsSharedInTimeOrderAndKeepsItsVolume) {
  market();
  const auto a = open(), b = open();
  const auto first = must(a, limit(Side::Buy, "1", "49995"));
  const auto second = must(b, limit(Side::Buy, "1", "49995"));
  events();
  print("49995", "1.5", Side::Sell);
  EXPECT_EQ(get(a, first.id).status, OrderStatus::Filled);
  EXPECT_EQ(get(b, second.id).executed, qty("0.5"));
  Quantity volume;
  for (const auto& t : only<TradeEvent>(events())) volume += t.quantity;
  EXPECT_EQ(volume, qty("1.5"));
}

TEST_F(Matching, OthersCrossingARestingOrderFillItAtItsPrice) {
  market();
  const auto a = open();
  const auto o = must(a, limit(Side::Buy, "2", "49995"));
  level(Side::Sell, "49994", "1.5");
  EXPECT_EQ(get(a, o.id).executed, qty("1.5"));
  EXPECT_EQ(get(a, o.id).average_price, px("49995"));
  const auto trades = exchange->trades(a, kBtc, 0, {});
  ASSERT_EQ(trades.size(), 1u);
  EXPECT_TRUE(trades[0].maker);
  EXPECT_EQ(trades[0].commission, px("49995") * qty("1.5") * frac("0.0002"));
  EXPECT_EQ(exchange->top(kBtc).ask.price, px("50010"));  // the crossing liquidity is gone
}

TEST_F(Matching, TimesInForce) {
  market();
  const auto a = open();
  EXPECT_EQ(refused(a, limit(Side::Buy, "6", "50010", TimeInForce::Fok)), -5021);
  EXPECT_EQ(refused(a, limit(Side::Buy, "1", "50010", TimeInForce::Gtx)), -5022);
  EXPECT_TRUE(only<OrderEvent>(events()).empty());  // refused before anything happened
  const auto fok = must(a, limit(Side::Buy, "4", "50010", TimeInForce::Fok));
  EXPECT_EQ(fok.status, OrderStatus::Filled);
  const auto ioc = must(a, limit(Side::Buy, "3", "50010", TimeInForce::Ioc));
  EXPECT_EQ(ioc.status, OrderStatus::Expired);
  EXPECT_EQ(ioc.executed, qty("1"));
  EXPECT_EQ(only<OrderEvent>(events()).back().reason, ExpiryReason::IocRemainder);
  const auto gtx = must(a, limit(Side::Buy, "1", "50015", TimeInForce::Gtx));
  EXPECT_EQ(gtx.status, OrderStatus::New);
}

TEST_F(Matching, GoodTillDateExpiresByItself) {
  market();
  const auto a = open();
  NewOrder o = limit(Side::Buy, "1", "49000", TimeInForce::Gtd);
  o.good_till_ms = kStart + 600'000;
  EXPECT_EQ(refused(a, o), -5040);
  o.good_till_ms = kStart + 700'999;
  const auto v = must(a, o);
  EXPECT_EQ(v.request.good_till_ms, kStart + 700'000);
  ASSERT_EQ(exchange->next_deadline(), at_ms(kStart + 700'000));
  exchange->advance_to(at_ms(kStart + 699'999));
  EXPECT_EQ(get(a, v.id).status, OrderStatus::New);
  exchange->advance_to(at_ms(kStart + 700'000));
  EXPECT_EQ(get(a, v.id).status, OrderStatus::Expired);
  EXPECT_FALSE(exchange->next_deadline());
}

TEST_F(Matching, SelfTradePrevention) {
  market();
  const auto a = open("1000000");
  const auto run = [&](SelfTradePrevention mode, TimeInForce tif) {
    const auto maker = must(a, limit(Side::Buy, "1", "49995"));
    NewOrder taker = limit(Side::Sell, "2", "49995", tif);
    taker.self_trade = mode;
    events();
    const auto t = must(a, taker);
    auto state = std::pair{get(a, maker.id).status, t.status};
    EXPECT_TRUE(exchange->cancel_all(a, kBtc));
    return state;
  };
  using S = OrderStatus;
  EXPECT_EQ(run(SelfTradePrevention::ExpireMaker, TimeInForce::Gtc), std::pair(S::ExpiredInMatch, S::New));
  EXPECT_EQ(run(SelfTradePrevention::ExpireTaker, TimeInForce::Gtc), std::pair(S::New, S::ExpiredInMatch));
  EXPECT_EQ(run(SelfTradePrevention::ExpireBoth, TimeInForce::Gtc), std::pair(S::ExpiredInMatch, S::ExpiredInMatch));
  EXPECT_EQ(run(SelfTradePrevention::ExpireTaker, TimeInForce::Ioc), std::pair(S::New, S::ExpiredInMatch));
  bool ioc = false;
  for (const auto& e : only<OrderEvent>(events())) ioc |= e.reason == ExpiryReason::IocSelfTrade;
  EXPECT_TRUE(ioc);
  EXPECT_EQ(run(SelfTradePrevention::None, TimeInForce::Gtc), std::pair(S::Filled, S::PartiallyFilled));
  EXPECT_TRUE(position(a).amount.is_zero());
}

TEST_F(Matching, SelfTradePreventionReachesTheTradeGroup) {
  market();
  const auto a = open("100000", false, 7), b = open("100000", false, 7), c = open();
  const auto maker = must(a, limit(Side::Buy, "1", "49995"));
  must(c, limit(Side::Sell, "0.5", "49995"));
  must(b, limit(Side::Sell, "0.2", "49995"));
  EXPECT_EQ(get(a, maker.id).status, OrderStatus::ExpiredInMatch);
  EXPECT_EQ(get(a, maker.id).executed, qty("0.5"));
}

TEST_F(Matching, AmendLosesPriorityAndFollowsItsRules) {
  market();
  const auto a = open(), b = open(), c = open();
  const auto first = must(a, limit(Side::Buy, "1", "49995"));
  const auto second = must(b, limit(Side::Buy, "1", "49995"));
  AmendOrder m{{kBtc, first.id, ""}, Side::Buy, qty("1"), px("49995"), PriceMatch::None, 9};
  EXPECT_EQ(code(exchange->amend(a, m)), -5027);
  m.quantity = qty("2");
  ASSERT_TRUE(exchange->amend(a, m));
  EXPECT_EQ(get(a, first.id).modify_id, 9);
  must(c, limit(Side::Sell, "1.5", "49995"));
  EXPECT_EQ(get(b, second.id).status, OrderStatus::Filled);
  EXPECT_EQ(get(a, first.id).executed, qty("0.5"));
  m.quantity = qty("0.5");  // no more than is already filled
  EXPECT_EQ(exchange->amend(a, m)->status, OrderStatus::Canceled);
  EXPECT_EQ(code(exchange->amend(a, m)), -2013);
  EXPECT_EQ(exchange->amendments(a, kBtc, {}).size(), 1u);

  const auto post = must(a, limit(Side::Buy, "1", "49995", TimeInForce::Gtx));
  EXPECT_EQ(code(exchange->amend(a, {{kBtc, post.id, ""}, Side::Buy, qty("0.001"), px("40000"), {}, 0})), -5029);
  EXPECT_EQ(get(a, post.id).status, OrderStatus::New);  // a refused amendment changes nothing
  EXPECT_EQ(exchange->amend(a, {{kBtc, post.id, ""}, Side::Buy, qty("1"), px("50020"), {}, 0})->status,
            OrderStatus::Canceled);
  const auto plain = must(a, limit(Side::Buy, "1", "49995"));
  EXPECT_EQ(exchange->amend(a, {{kBtc, plain.id, ""}, Side::Buy, qty("1"), px("50020"), {}, 0})->status,
            OrderStatus::Filled);
}

TEST_F(Matching, CancelAndCountdown) {
  market();
  const auto a = open();
  NewOrder o = limit(Side::Buy, "1", "49000");
  o.client_id = "mine-1";
  must(a, o);
  EXPECT_EQ(refused(a, o), -4116);
  EXPECT_EQ(code(exchange->cancel(a, {kEth, 0, "mine-1"})), -2011);
  EXPECT_EQ(exchange->cancel(a, {kBtc, 0, "mine-1"})->status, OrderStatus::Canceled);
  EXPECT_EQ(code(exchange->cancel(a, {kBtc, 0, "mine-1"})), -2011);
  must(a, o);  // free again
  ASSERT_TRUE(exchange->set_countdown(a, kBtc, 1000));
  pass(500);
  ASSERT_TRUE(exchange->set_countdown(a, kBtc, 1000));
  pass(999);
  EXPECT_EQ(exchange->open_orders(a, kBtc).size(), 1u);
  pass(1);
  EXPECT_TRUE(exchange->open_orders(a, kBtc).empty());
  must(a, o);
  ASSERT_TRUE(exchange->set_countdown(a, kBtc, 1000));
  ASSERT_TRUE(exchange->set_countdown(a, kBtc, 0));
  pass(5000);
  EXPECT_EQ(exchange->open_orders(a, kBtc).size(), 1u);
}

TEST_F(Matching, PriceMatchTakesItsPriceFromTheBook) {
  market();
  const auto a = open();
  NewOrder o = limit(Side::Buy, "1", "0");
  o.price_match = PriceMatch::Queue;
  EXPECT_EQ(must(a, o).request.price, px("49990"));
  o.price_match = PriceMatch::Opponent5;
  EXPECT_EQ(refused(a, o), -5041);
  o.price_match = PriceMatch::Opponent;
  EXPECT_EQ(must(a, o).status, OrderStatus::Filled);
  NewOrder m = market_order(Side::Buy, "1");
  m.price_match = PriceMatch::Queue;
  EXPECT_EQ(refused(a, m), -5038);
}

TEST_F(Matching, UpdateIdsRiseAndDepthIsAbsolute) {
  market();
  const auto a = open();
  std::uint64_t last = exchange->top(kBtc).update_id;
  const auto o = must(a, limit(Side::Buy, "1", "49990"));
  EXPECT_TRUE(exchange->cancel(a, {kBtc, o.id, ""}));
  const auto books = only<BookEvent>(events());
  ASSERT_EQ(books.size(), 2u);
  for (const auto& b : books) {
    EXPECT_EQ(b.first_update_id, last + 1);
    EXPECT_GE(b.last_update_id, b.first_update_id);
    last = b.last_update_id;
    EXPECT_TRUE(b.top_changed);
  }
  EXPECT_EQ(books[0].bids.front().quantity, qty("6"));
  EXPECT_EQ(books[1].bids.front().quantity, qty("5"));
}

TEST_F(Matching, TestChangesNothing) {
  market();
  const auto a = open();
  EXPECT_TRUE(exchange->test(a, market_order(Side::Buy, "1")));
  EXPECT_EQ(code(exchange->test(a, limit(Side::Buy, "1", "50010", TimeInForce::Gtx))), -5022);
  EXPECT_TRUE(events().empty());
  EXPECT_TRUE(exchange->orders(a, kBtc, {}).empty());
}

}  // namespace
}  // namespace qtrader::matching::testing
