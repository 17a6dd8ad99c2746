// What the venue accepts and refuses, when it answers, and what it says.
#include "edge/simvenue/venue_fixture.hpp"

namespace qtrader::simvenue::testing {
namespace {

using domain::MarginMode;
using domain::TimeInForce;

TEST(Orders, AnswersTakeARoundTrip) {
  Bench b;
  b.engine().submit(market(Side::Buy, 1));
  ASSERT_TRUE(b.engine().next_due());
  EXPECT_EQ(*b.engine().next_due(), kStart - base::minutes(1) + base::milliseconds(100));
  EXPECT_FALSE(b.engine().idle(kA));
  EXPECT_TRUE(b.engine().idle(kB));
}

TEST(Orders, EveryCommandHasItsAnswerWhenNextDueSaysSo) {
  auto config = plain();
  config.submit_failure_rate = 0.3;
  Bench b(config);
  base::Rng rng(4);
  base::Timestamp now = kStart;
  for (std::uint64_t i = 1; i < 300; ++i) {
    b.engine().advance_to(now);
    auto o = rng.below(2) == 0 ? market(Side::Buy, 1) : stop(Side::Sell, 1, 90);
    o.id = {i};
    switch (rng.below(3)) {
      case 0:
        b.engine().submit(o);
        break;
      case 1:
        b.engine().cancel({{i / 2}, kA});
        break;
      default:
        b.engine().set_leverage({kA, {static_cast<std::int32_t>(rng.below(200))}, MarginMode::Cross});
    }
    const auto due = b.engine().next_due();
    ASSERT_TRUE(due);
    ASSERT_EQ(*due, now + base::milliseconds(100));
    const auto answer = b.engine().pop_due(*due);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->due, *due);
    ASSERT_FALSE(b.engine().next_due());
    now = now + base::seconds(1);
  }
}

TEST(Orders, AMarketOrderIsJudgedAtTheOpenItTradesAt) {
  Bench b;
  const auto id = b.send(market(Side::Buy, 2));
  EXPECT_EQ(b.status(id), OrderStatus::New) << "accepted; an idle symbol has no known price to check it with";
  b.open({100, 101, 99, 100});
  ASSERT_EQ(b.of(id).size(), 2u);
  EXPECT_EQ(b.of(id)[0].status, OrderStatus::New);
  EXPECT_EQ(b.of(id)[1].status, OrderStatus::Filled);
  EXPECT_EQ(b.of(id)[1].average_price, px(100));
  ASSERT_EQ(b.fills.size(), 1u);
  EXPECT_EQ(b.fills[0].price, px(100));
  EXPECT_EQ(b.fills[0].reference_price, px(100));
  EXPECT_EQ(b.fills[0].fee, usd(0.1));
  EXPECT_FALSE(b.fills[0].maker);
}

TEST(Orders, FiltersRefuse) {
  Bench b;
  EXPECT_EQ(b.reason(b.send(market(Side::Buy, 0.0005))), VenueReason::LotSize);
  EXPECT_EQ(b.reason(b.send(market(Side::Buy, 0))), VenueReason::LotSize);
  EXPECT_EQ(b.reason(b.send(market(Side::Buy, 50'001))), VenueReason::LotSize);
  EXPECT_EQ(b.reason(b.send(limit(Side::Buy, 1, 99.995))), VenueReason::PriceFilter);
  EXPECT_EQ(b.reason(b.send(limit(Side::Buy, 1, 0))), VenueReason::PriceFilter);
  EXPECT_EQ(b.reason(b.send(limit(Side::Buy, 0.04, 100))), VenueReason::MinNotional);
  auto unknown = market(Side::Buy, 1);
  unknown.symbol = SymbolId{9};
  EXPECT_EQ(b.reason(b.send(unknown)), VenueReason::UnknownSymbol);
  for (const auto& r : b.reports) EXPECT_EQ(r.status, OrderStatus::Rejected);
  EXPECT_TRUE(b.engine().idle(kA));
}

TEST(Orders, MinNotionalOfAMarketOrderUsesThePriceAtHand) {
  Bench b;
  const auto id = b.send(market(Side::Buy, 0.04));
  b.open({100, 100, 100, 100});
  EXPECT_EQ(b.status(id), OrderStatus::Expired);
  EXPECT_EQ(b.reason(id), VenueReason::MinNotional);
  EXPECT_TRUE(b.engine().idle(kA));
}

TEST(Orders, MinNotionalSparesReduceOnly) {
  Bench b;
  b.enter(Side::Buy, 1, 100);
  b.send(market(Side::Sell, 0.99, true));
  b.path({100, 100, 100, 100});
  const auto id = b.send(market(Side::Sell, 0.01, true));
  b.open({100, 100, 100, 100});
  EXPECT_EQ(b.status(id), OrderStatus::Filled);
}

TEST(Orders, DuplicateOpenIdsAreRefused) {
  Bench b;
  auto o = limit(Side::Buy, 1, 90);
  o.id = domain::ClientOrderId::make({50}, 1);
  b.send(o);
  b.open({100, 100, 100, 100});
  b.send(o);
  EXPECT_EQ(b.reason(o.id), VenueReason::DuplicateId);
  EXPECT_EQ(b.engine().open_orders(kA).size(), 1u);
}

TEST(Orders, MarginIsCheckedForMarketAndLimit) {
  Bench b;
  b.leverage(10, MarginMode::Isolated);
  const auto a = b.send(limit(Side::Buy, 1'001, 100));
  EXPECT_EQ(b.reason(a), VenueReason::InsufficientMargin);
  const auto first = b.send(limit(Side::Buy, 600, 100));
  const auto second = b.send(limit(Side::Buy, 600, 100));
  EXPECT_EQ(b.reason(second), VenueReason::InsufficientMargin) << "the first order reserves its margin";
  const auto m = b.send(market(Side::Buy, 600));
  b.open({101, 101, 101, 101});
  EXPECT_EQ(b.status(first), OrderStatus::New);
  EXPECT_EQ(b.reason(m), VenueReason::InsufficientMargin);
  EXPECT_EQ(b.status(m), OrderStatus::Expired);
}

TEST(Orders, LeverageAndBrackets) {
  Bench b;
  b.leverage(125, MarginMode::Cross);
  ASSERT_EQ(b.leverages.size(), 1u);
  EXPECT_TRUE(b.leverages[0].accepted);
  EXPECT_EQ(b.leverages[0].leverage.value, 125);
  EXPECT_EQ(b.reason(b.send(limit(Side::Buy, 501, 100))), VenueReason::MaxPosition);
  b.leverage(126, MarginMode::Cross);
  EXPECT_FALSE(b.leverages[1].accepted);
  EXPECT_EQ(b.leverages[1].leverage.value, 125) << "read back";
  b.leverage(5, MarginMode::Isolated, SymbolId{9});
  EXPECT_FALSE(b.leverages[2].accepted);
}

TEST(Orders, DefaultLeverageAboveTheContractsIsRefused) {
  auto low = contract("LOWUSDT");
  low.brackets = {{usd(0), usd(50'000), Ratio::from_double(0.1), usd(0), 5}};
  const auto table = domain::InstrumentTable::create({low}).value();
  MatchingEngine engine(table, plain(), base::Rng(1));
  engine.submit(limit(Side::Buy, 1, 100));
  const auto e = engine.pop_due(base::Timestamp{} + base::seconds(1));
  ASSERT_TRUE(e);
  EXPECT_EQ(std::get<domain::OrderReport>(e->event).reason, VenueReason::LeverageTooHigh);
}

TEST(Orders, ReduceOnlyNeedsAnOppositePosition) {
  Bench b;
  EXPECT_EQ(b.reason(b.send(market(Side::Sell, 1, true))), VenueReason::ReduceOnlyRejected);
  b.enter(Side::Buy, 1, 100);
  EXPECT_EQ(b.reason(b.send(market(Side::Buy, 1, true))), VenueReason::ReduceOnlyRejected);
  EXPECT_EQ(b.reason(b.send(stop(Side::Buy, 1, 110))), VenueReason::ReduceOnlyRejected);
}

TEST(Orders, StopsAlreadyCrossedAreRefused) {
  Bench b;
  b.enter(Side::Buy, 1, 100);
  EXPECT_EQ(b.reason(b.send(stop(Side::Sell, 1, 100))), VenueReason::WouldTrigger);
  EXPECT_EQ(b.reason(b.send(target(Side::Sell, 1, 100))), VenueReason::WouldTrigger);
  EXPECT_EQ(b.reason(b.send(trailing(Side::Sell, 1, 100, 99))), VenueReason::WouldTrigger);
  EXPECT_EQ(b.status(b.send(stop(Side::Sell, 1, 99.99))), OrderStatus::New);
  EXPECT_EQ(b.status(b.send(target(Side::Sell, 1, 100.01))), OrderStatus::New);
  EXPECT_EQ(b.reason(b.send(trailing(Side::Sell, 1, 5))), VenueReason::PriceFilter) << "callback below 0.1 %";
}

TEST(Orders, CancelReportsOnceAndUnknownOtherwise) {
  Bench b;
  const auto id = b.send(limit(Side::Buy, 1, 90));
  b.open({100, 100, 100, 100});
  b.engine().cancel({id, kA});
  b.collect(base::milliseconds(101));
  EXPECT_EQ(b.status(id), OrderStatus::Canceled);
  EXPECT_EQ(b.reason(id), VenueReason::UserRequest);
  b.engine().cancel({id, kA});
  b.collect(base::milliseconds(101));
  EXPECT_EQ(b.reason(id), VenueReason::UnknownOrder);
  EXPECT_TRUE(b.engine().idle(kA));
}

TEST(Orders, ACancelCannotOvertakeAFill) {
  Bench b;
  const auto id = b.send(market(Side::Buy, 1));
  b.at(base::seconds(5));
  b.engine().cancel({id, kA});  // under way when the bar opens
  b.engine().on_bar_open(kA, b.bar({100, 100, 100, 100}));
  b.collect(base::seconds(1));
  ASSERT_EQ(b.fills.size(), 1u);
  EXPECT_EQ(b.of(id)[1].status, OrderStatus::Filled);
  EXPECT_EQ(b.reason(id), VenueReason::UnknownOrder);
}

TEST(Orders, PostOnlyNeverTakes) {
  Bench b;
  const auto early = b.send(limit(Side::Buy, 1, 101, TimeInForce::Gtx));
  b.open({100, 100, 100, 100});
  EXPECT_EQ(b.reason(early), VenueReason::PostOnlyWouldTake);
  EXPECT_EQ(b.status(early), OrderStatus::Expired);
  b.send(limit(Side::Buy, 1, 50));  // keeps the symbol busy, so that the price stays known
  b.path({100, 100, 100, 100});
  EXPECT_EQ(b.reason(b.send(limit(Side::Buy, 1, 100, TimeInForce::Gtx))), VenueReason::PostOnlyWouldTake);
  const auto rests = b.send(limit(Side::Buy, 1, 99, TimeInForce::Gtx));
  b.open({100, 100, 100, 100});
  EXPECT_EQ(b.status(rests), OrderStatus::New);
  b.path({100, 100, 98, 99});
  EXPECT_EQ(b.status(rests), OrderStatus::Filled);
  EXPECT_TRUE(b.fills.back().maker);
  EXPECT_EQ(b.fills.back().price, px(99));
  EXPECT_EQ(b.fills.back().fee, usd(99 * 0.0002));
}

TEST(Orders, IocAndFokEndAtOnce) {
  Bench b;
  const Ohlc thin{100, 101, 99, 100, 50};  // 10 %: 5 may trade
  const auto ioc = b.send(limit(Side::Buy, 8, 100.5, TimeInForce::Ioc));
  b.open(thin);
  EXPECT_EQ(b.status(ioc), OrderStatus::Expired);
  EXPECT_EQ(b.reason(ioc), VenueReason::NoLiquidity);
  EXPECT_EQ(b.of(ioc).back().filled, qty(5));
  b.path(thin);
  const auto fok = b.send(limit(Side::Buy, 8, 100.5, TimeInForce::Fok));
  b.open(thin);
  EXPECT_EQ(b.reason(fok), VenueReason::NoLiquidity);
  EXPECT_TRUE(b.of(fok).back().filled.is_zero());
  b.path(thin);
  const auto whole = b.send(limit(Side::Buy, 5, 100.5, TimeInForce::Fok));
  const auto away = b.send(limit(Side::Buy, 1, 99.5, TimeInForce::Ioc));
  b.open(thin);
  EXPECT_EQ(b.status(whole), OrderStatus::Filled);
  EXPECT_EQ(b.reason(away), VenueReason::NoLiquidity);
}

TEST(Orders, TransportFailuresAreAnsweredAndRetried) {
  auto config = plain();
  config.submit_failure_rate = 0.3;
  Bench b(config);
  int failed = 0;
  for (int i = 0; i < 1'000; ++i) {
    auto o = limit(Side::Buy, 0.1, 90);
    o.id = domain::ClientOrderId::make({1'000u + static_cast<unsigned>(i)}, 0);
    b.send(o);
    if (b.reason(o.id) == VenueReason::TransportFailure) ++failed;
    b.engine().cancel({o.id, kA});
    b.collect(base::milliseconds(101));
  }
  EXPECT_NEAR(failed, 300, 60);
  auto again = limit(Side::Buy, 0.1, 90);
  again.id = domain::ClientOrderId::make({5'000}, 0);
  int attempts = 0;
  do {
    b.send(again);
    ++attempts;
  } while (b.reason(again.id) == VenueReason::TransportFailure && attempts < 50 && !b.of(again.id).empty());
  EXPECT_LT(attempts, 50) << "a retry of the same order is a new attempt";
}

TEST(Orders, FundingPaysAtTheSettlement) {
  Bench b;
  b.enter(Side::Sell, 10, 100);
  b.engine().on_funding({kA, Ratio::from_double(0.0001), b.slot() + base::seconds(6), 8});
  b.engine().on_funding({kB, Ratio::from_double(0.0001), b.slot() + base::seconds(6), 8});
  b.collect(base::seconds(1));
  ASSERT_EQ(b.payments.size(), 1u);
  EXPECT_EQ(b.payments[0].amount, usd(0.1));
  EXPECT_EQ(b.payments[0].position, -qty(10));
  EXPECT_EQ(b.payments[0].mark, px(100));
}

TEST(Orders, FundingUsesTheMarkPriceWhereThereIsOne) {
  Bench b;
  b.enter(Side::Buy, 10, 100);
  b.engine().on_mark({kA, px(102), b.slot() + base::seconds(6)});
  b.engine().on_funding({kA, Ratio::from_double(0.001), b.slot() + base::seconds(6), 8});
  b.collect(base::seconds(1));
  ASSERT_EQ(b.payments.size(), 1u);
  EXPECT_EQ(b.payments[0].mark, px(102));
  EXPECT_EQ(b.payments[0].amount, usd(-1.02));
}

}  // namespace
}  // namespace qtrader::simvenue::testing
