// One regression test per incident of the system this one replaces that lives in orders, exits and books (fund.md 6).
// Incidents 4, 12, 14 and 16 also have theirs in reconciler_test.cpp.
#include <gtest/gtest.h>

#include "core/execution/execution_fixture.hpp"
#include "core/risk/sizing.hpp"

namespace qtrader::execution {
namespace {

using domain::ExitReason;
using domain::OrderPurpose;
using domain::OrderStatus;
using domain::OrderType;
using domain::PositionSide;
using domain::TradeState;
using domain::VenueReason;

struct IncidentTest : ::testing::Test {
  void SetUp() override { w.warm_up(); }
  World w;
};
using IncidentDeathTest = IncidentTest;

TEST_F(IncidentTest, Incident2_AnAcceptedOrderIsNotAPosition) {
  const domain::Order entry = w.enter();
  w.report(entry, OrderStatus::Filled, VenueReason::None, entry.quantity);  // but no execution
  EXPECT_EQ(w.state(), TradeState::Submitted);
  w.advance(30'000);
  EXPECT_TRUE(w.alerted("fill_missing"));
  EXPECT_TRUE(w.ledger.position(kSymbol).flat());
  EXPECT_TRUE(w.audited<domain::TradeClosed>().empty());
}

TEST_F(IncidentDeathTest, Incident2_AFillOfNothingCannotBeBooked) {
  const domain::Order entry = w.enter();
  EXPECT_DEATH(w.fill(entry, 0, 10), "positive price and quantity");
  EXPECT_DEATH(w.fill(entry, 100, 0), "positive price and quantity");
}

TEST_F(IncidentTest, Incident3_LevelsAreOfTheActualFill) {
  const domain::Order entry = w.enter();
  w.fill_all(entry, 103);
  EXPECT_EQ(w.take_order().trigger_price, price(101)) << "2 % of 103, not of the signal's 100";
}

TEST_F(IncidentTest, Incident4_ALostStopIsReplacedInTheSameStep) {
  for (const auto status : {OrderStatus::Expired, OrderStatus::Canceled}) {
    World fresh;
    fresh.warm_up();
    const auto p = fresh.protect();
    fresh.report(p.stop, status, VenueReason::UserRequest);
    const domain::Order again = fresh.take_order();
    EXPECT_EQ(again.type, OrderType::StopMarket);
    EXPECT_EQ(again.quantity, qty(10));
    EXPECT_EQ(again.trigger_price, p.stop.trigger_price);
  }
}

TEST_F(IncidentTest, Incident5_TheStopIsAtTheVenueBeforeTheNextEvent) {
  const domain::Order entry = w.enter();
  w.fill_all(entry, 100);
  const domain::Order stop = w.take_order();
  EXPECT_EQ(stop.type, OrderType::StopMarket);
  EXPECT_TRUE(stop.reduce_only);
  EXPECT_EQ(stop.quantity, entry.quantity);
}

TEST_F(IncidentTest, Incident6_AShortsStopIsAboveItsEntry) {
  const auto p = w.protect(PositionSide::Short);
  EXPECT_GT(p.stop.trigger_price, price(100));
  EXPECT_LT(p.target.trigger_price, price(100));
  EXPECT_EQ(p.stop.side, domain::Side::Buy);
}

TEST_F(IncidentTest, Incident7_PercentForFractionIsRefused) {
  EntryPlan plan = w.plan(PositionSide::Short);
  plan.exits.stop_frac = 2;  // percent
  EXPECT_EQ(w.open(plan), "exit_levels");
  plan.exits = test_exits();
  plan.exits.target_frac = 6;
  EXPECT_EQ(w.open(plan), "exit_levels");
  EXPECT_TRUE(w.take_orders().empty());
}

TEST_F(IncidentTest, Incident8_NothingIsSentUntilTheLeverageIsReadBack) {
  w.open(w.plan());
  EXPECT_TRUE(w.take_orders().empty());
  w.confirm_leverage({30});
  EXPECT_TRUE(w.take_orders().empty());
  w.expect_clean();
}

TEST_F(IncidentTest, Incident9_MarginAndNotionalAreDifferentThings) {
  risk::SizingInput input;
  input.equity = input.available = usd(10'000);
  input.price = price(100);
  input.stop = price(98);
  input.confidence = 0.7;
  input.atr_frac = 0.01;
  input.round_trip_cost = domain::Ratio::from_double(0.001);
  const auto sized = risk::size_position(input, test_instrument("BTCUSDT"), {});
  const auto* size = std::get_if<domain::PositionSized>(&sized);
  ASSERT_NE(size, nullptr);
  EXPECT_EQ(size->notional, input.price * size->quantity);
  EXPECT_EQ(size->margin, size->leverage.margin_for(size->notional));
  EXPECT_LE(size->risk, usd(150)) << "the loss at the stop is the risk, whatever the leverage";
  EXPECT_LT(size->margin, usd(6'500));
}

TEST_F(IncidentTest, Incident10_ExitsAreReduceOnlyAndSmallEntriesAreRefused) {
  EntryPlan tiny = w.plan();
  tiny.quantity = qty(0.04);  // 4 USDT, the minimum is 5
  EXPECT_EQ(w.open(tiny), "min_notional");
  const auto p = w.protect();
  w.fill(p.partial, 104, 9.97);
  w.take_orders();
  w.close(ExitReason::Operator);
  for (const auto& o : w.take_orders()) {
    EXPECT_TRUE(o.reduce_only) << "below the minimum an exit passes only so";
    EXPECT_EQ(o.quantity, qty(0.03));
  }
}

TEST_F(IncidentTest, Incident11_WouldTriggerClosesNowAndIsNotTriedAgain) {
  const domain::Order entry = w.enter();
  w.fill_all(entry, 100);
  w.reject(w.take_order(), VenueReason::WouldTrigger);
  const domain::Order close = w.take_order();
  EXPECT_EQ(close.type, OrderType::Market);
  w.accept(close);
  w.advance(60'000);
  for (const auto& o : w.take_orders()) EXPECT_NE(o.type, OrderType::StopMarket);
}

TEST_F(IncidentTest, Incident12_OneSidePerSymbol) {
  w.protect(PositionSide::Long);
  EXPECT_EQ(w.open(w.plan(PositionSide::Short)), "one_trade_per_symbol");
  EXPECT_TRUE(w.take_orders().empty());
}

TEST_F(IncidentTest, Incident13_ASecondIntentOfTheSymbolIsRefusedAndIdsFollowTheIntent) {
  EXPECT_EQ(w.open(w.plan()), std::nullopt);
  EXPECT_EQ(w.open(w.plan()), "one_trade_per_symbol");
  w.take_orders();
  w.confirm_leverage();
  w.confirm_leverage();
  EXPECT_EQ(w.take_order().id, domain::ClientOrderId::make({1}, 1)) << "once, whatever is repeated";
}

TEST_F(IncidentTest, Incident14_AnUnansweredEntryIsNeverSentTwice) {
  w.open(w.plan());
  w.take_orders();
  w.confirm_leverage();
  w.take_order();
  w.advance(120'000);
  EXPECT_TRUE(w.take_orders().empty()) << "cancels only";
  EXPECT_FALSE(w.cancels.empty());
}

TEST_F(IncidentTest, Incident15_ClosedTradesDoNotCount) {
  for (int i = 0; i < 3; ++i) {
    const auto p = w.protect();
    EXPECT_EQ(w.manager.open_count(), 1u);
    w.fill_all(p.stop, 98);
    w.take_orders();
    w.expect_clean();
  }
}

TEST_F(IncidentTest, Incident16_AnUnexpectedExecutionIsAPositionAndIsClosed) {
  domain::Order stranger;
  stranger.id = domain::ClientOrderId::make({55}, 1);
  stranger.side = domain::Side::Sell;
  stranger.quantity = qty(2);
  w.fill(stranger, 100, 2);
  const domain::Order close = w.take_order();
  EXPECT_TRUE(close.reduce_only);
  EXPECT_EQ(close.side, domain::Side::Buy);
  EXPECT_TRUE(w.alerted("unexpected_fill"));
}

TEST_F(IncidentTest, Incident18_ACloseIsNeverDroppedBecauseOurBooksSayFlat) {
  domain::Order close;
  close.symbol = kSymbol;
  close.side = domain::Side::Sell;
  close.purpose = OrderPurpose::Exit;
  close.quantity = qty(3);
  close.reduce_only = true;
  EXPECT_TRUE(std::holds_alternative<risk::Approval>(w.gate.review_reducing(close)));
}

TEST_F(IncidentTest, Incident19_NothingThatStopsEntriesStopsExits) {
  w.protect();
  w.gate.kill("score");
  w.gate.set_permission({.required = true, .hedge_mode = true, .held = {kSymbol}});
  w.close(ExitReason::Operator);
  const domain::Order close = w.take_order();
  w.fill_all(close, 99);
  EXPECT_EQ(w.audited<domain::TradeClosed>().size(), 1u);
}

TEST_F(IncidentTest, Incident20_AHeldSymbolStillClosesThroughRejections) {
  w.protect();
  w.gate.set_permission({.required = true, .held = {kSymbol}});
  w.close(ExitReason::Operator);
  for (int i = 0; i < 4; ++i) {
    w.reject(w.take_order(), VenueReason::TransportFailure);
    w.advance(2'000 << i);
  }
  const domain::Order close = w.take_order();
  EXPECT_EQ(close.quantity, qty(10));
  w.fill_all(close, 99);
  w.take_orders();
  w.expect_clean();
}

TEST(Incident, Incident36_UnknownNamesAndAlternativesAreRefusedNotGuessed) {
  domain::OperatorAction action{};
  EXPECT_FALSE(base::enum_from_name("KILL_ALL", action));
  domain::Event event;
  base::Bytes bytes = base::to_bytes(domain::Event{domain::RunResumed{}});
  bytes[0] = std::byte{200};
  EXPECT_FALSE(base::from_bytes(bytes, event));
}

}  // namespace
}  // namespace qtrader::execution
