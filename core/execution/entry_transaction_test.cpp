#include "core/execution/entry_transaction.hpp"

#include <gtest/gtest.h>

#include "core/execution/execution_fixture.hpp"

namespace qtrader::execution {
namespace {

using domain::ExitReason;
using domain::OrderStatus;
using domain::OrderType;
using domain::PositionSide;
using domain::TradeState;
using domain::VenueReason;

struct EntryTest : ::testing::Test {
  void SetUp() override { w.warm_up(); }
  std::string failed_for() const {
    const auto rejected = w.audited<domain::SignalRejected>();
    return rejected.empty() ? "" : rejected.back().stage + ":" + rejected.back().reason;
  }
  World w;
};

TEST_F(EntryTest, LeavesNothingBeforeTheLeverageIsReadBack) {
  ASSERT_EQ(w.open(w.plan()), std::nullopt);
  ASSERT_EQ(w.commands.size(), 1u);
  const auto& set = std::get<SetLeverage>(w.commands[0]);
  EXPECT_EQ(set.leverage.value, 3);
  EXPECT_EQ(set.mode, domain::MarginMode::Isolated);
  w.take_orders();
  w.confirm_leverage();
  const domain::Order entry = w.take_order();
  EXPECT_EQ(entry.id, domain::ClientOrderId::make({1}, 1));
  EXPECT_EQ(entry.side, domain::Side::Buy);
  EXPECT_EQ(entry.type, OrderType::Market);
  EXPECT_FALSE(entry.reduce_only);
  EXPECT_EQ(w.state(), TradeState::Submitted);
  EXPECT_EQ(w.audited<domain::OrderApproved>().size(), 2u) << "at the intent and at submission";
}

TEST_F(EntryTest, AnotherLeverageThanAskedForFailsTheTrade) {  // incident 8
  w.open(w.plan());
  w.confirm_leverage({20});
  EXPECT_EQ(failed_for(), "venue:leverage_mismatch");
  EXPECT_TRUE(w.take_orders().empty());
  w.expect_clean();
  EXPECT_EQ(w.open(w.plan()), std::nullopt) << "and the gate has forgotten it";
}

TEST_F(EntryTest, ARefusedLeverageOrAnotherMarginModeFailsTheTrade) {
  w.open(w.plan());
  w.deliver(domain::LeverageSet{kSymbol, {3}, domain::MarginMode::Isolated, false, w.now});
  EXPECT_EQ(failed_for(), "venue:leverage_rejected");
  w.open(w.plan());
  w.deliver(domain::LeverageSet{kSymbol, {3}, domain::MarginMode::Cross, true, w.now});
  EXPECT_EQ(failed_for(), "venue:leverage_mismatch");
  w.expect_clean();
}

TEST_F(EntryTest, ASilentVenueFailsTheTrade) {
  w.open(w.plan());
  w.take_orders();
  w.advance(10'000);
  EXPECT_EQ(failed_for(), "venue:leverage_timeout");
  w.confirm_leverage();
  EXPECT_TRUE(w.take_orders().empty()) << "too late";
  w.expect_clean();
}

TEST_F(EntryTest, OneTradePerSymbol) {  // incidents 12, 13
  w.open(w.plan());
  EXPECT_EQ(w.open(w.plan()), "one_trade_per_symbol");
  EXPECT_EQ(w.open(w.plan(PositionSide::Short)), "one_trade_per_symbol");
  EXPECT_EQ(w.audited<domain::OrderRefused>().size(), 2u);
  EXPECT_EQ(w.open(w.plan(PositionSide::Long, kOther)), std::nullopt);
  EXPECT_EQ(w.manager.open_count(), 2u);
  EXPECT_EQ(w.manager.side(kOther), PositionSide::Long);
}

TEST_F(EntryTest, TheGateIsAskedBeforeAnythingLeaves) {
  w.gate.kill("test");
  EXPECT_EQ(w.open(w.plan()), "kill_switch");
  EXPECT_TRUE(w.commands.empty());
  ASSERT_EQ(w.audited<domain::OrderRefused>().size(), 1u);
  EXPECT_FALSE(w.audited<domain::OrderRefused>()[0].checks.empty());
  w.expect_clean();
}

TEST_F(EntryTest, TheGateIsAskedAgainBeforeTheOrderLeaves) {
  w.open(w.plan());
  w.gate.kill("between intent and submission");
  w.take_orders();
  w.confirm_leverage();
  EXPECT_TRUE(w.take_orders().empty());
  EXPECT_EQ(failed_for(), "gate:kill_switch");
  w.expect_clean();
}

TEST_F(EntryTest, IdsFollowStartedTrades) {
  w.gate.kill("test");
  w.open(w.plan());
  w.gate.resume();
  w.open(w.plan());
  EXPECT_EQ(w.manager.trade(kSymbol)->id.value, 1u) << "a refused intent uses no id";
}

TEST_F(EntryTest, ARejectedEntryFailsAndIsNotRetried) {
  const domain::Order entry = w.enter();
  w.reject(entry, VenueReason::TransportFailure);
  EXPECT_EQ(failed_for(), "venue:TransportFailure");
  EXPECT_TRUE(w.take_orders().empty());
  w.expect_clean();
}

TEST_F(EntryTest, FilledAtOnceIsProtectedFromTheActualFill) {  // incident 3
  const domain::Order entry = w.enter();
  w.fill_all(entry, 101);
  const domain::Order stop = w.take_order();
  EXPECT_EQ(stop.type, OrderType::StopMarket);
  EXPECT_EQ(stop.side, domain::Side::Sell);
  EXPECT_TRUE(stop.reduce_only);
  EXPECT_EQ(stop.trigger_price, price(99.0));  // 101 − 2 % = 98.98, not 98
  EXPECT_EQ(stop.quantity, qty(10));
  EXPECT_EQ(w.state(), TradeState::Filled);
  EXPECT_EQ(w.trades.find({1})->initial_stop, price(99.0));
  w.accept(stop);
  EXPECT_EQ(w.state(), TradeState::Protected);
  const auto targets = w.take_orders();
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_EQ(targets[0].quantity, qty(5));
  EXPECT_EQ(targets[0].trigger_price, price(105));
  EXPECT_EQ(targets[1].quantity, qty(5));
  EXPECT_EQ(targets[1].trigger_price, price(107));  // 107.06
  for (const auto& t : targets) {
    EXPECT_EQ(t.type, OrderType::TakeProfitMarket);
    EXPECT_TRUE(t.reduce_only);
  }
  EXPECT_EQ(w.timers.size(), 0u);
}

TEST_F(EntryTest, TheReportMayComeBeforeItsFill) {
  const domain::Order entry = w.enter();
  w.report(entry, OrderStatus::Filled, VenueReason::None, entry.quantity);
  EXPECT_EQ(w.state(), TradeState::Submitted) << "nothing is booked yet, nothing can be protected";
  w.fill(entry, 100, 10);
  EXPECT_EQ(w.state(), TradeState::Filled);
  EXPECT_EQ(w.take_order().quantity, qty(10));
}

TEST_F(EntryTest, APartialFillIsProtectedAtItsSizeAndTheRestGrowsIt) {
  const domain::Order entry = w.enter();
  w.fill(entry, 100, 4);
  const domain::Order first = w.take_order();
  EXPECT_EQ(first.quantity, qty(4));
  EXPECT_EQ(w.state(), TradeState::Submitted);
  w.fill(entry, 102, 4);
  EXPECT_TRUE(w.take_orders().empty()) << "one stop at a time on its way";
  w.accept(first);
  const domain::Order second = w.take_order();
  EXPECT_EQ(second.quantity, qty(8));
  EXPECT_EQ(second.trigger_price, price(99.0));  // of the average, 101
  EXPECT_TRUE(w.take_cancels().empty()) << "the first stays until the second is there";
  w.accept(second);
  EXPECT_EQ(w.take_cancels(), std::vector{first.id});
  w.fill(entry, 101, 2);
  EXPECT_EQ(w.state(), TradeState::Filled);
  const domain::Order third = w.take_order();
  EXPECT_EQ(third.quantity, qty(10));
  w.accept(third);
  EXPECT_EQ(w.state(), TradeState::Protected);
  EXPECT_EQ(w.take_orders().size(), 2u);
}

TEST_F(EntryTest, TheRemainderIsCancelledAfterTheWait) {
  const domain::Order entry = w.enter();
  w.fill(entry, 100, 4);
  const domain::Order stop = w.take_order();
  w.accept(stop);
  w.advance(10'000);
  EXPECT_EQ(w.take_cancels(), std::vector{entry.id});
  w.report(entry, OrderStatus::Canceled, VenueReason::UserRequest, qty(4));
  EXPECT_EQ(w.state(), TradeState::Protected) << "the stop is the right one already";
  EXPECT_EQ(w.trades.find({1})->entered, qty(4));
}

TEST_F(EntryTest, NothingFilledInTimeIsAFailedTrade) {
  const domain::Order entry = w.enter();
  w.advance(10'000);
  EXPECT_EQ(w.take_cancels(), std::vector{entry.id});
  w.report(entry, OrderStatus::Canceled, VenueReason::UserRequest);
  EXPECT_EQ(failed_for(), "venue:fill_timeout");
  w.expect_clean();
}

TEST_F(EntryTest, AnUnansweredCancelIsAskedAgain) {
  w.enter();
  w.advance(10'000);
  EXPECT_EQ(w.take_cancels().size(), 1u);
  w.advance(10'000);
  EXPECT_EQ(w.take_cancels().size(), 1u);
  EXPECT_TRUE(w.manager.busy(kSymbol));
}

TEST_F(EntryTest,
       UnknownOrderIsNotTakenForCancelled) {  // the cancel overtook the order, or the fill overtook the cancel
  const domain::Order entry = w.enter();
  w.advance(10'000);
  w.take_cancels();
  w.reject(entry, VenueReason::UnknownOrder);
  EXPECT_TRUE(w.manager.busy(kSymbol));
  w.fill_all(entry, 100);
  EXPECT_EQ(w.take_order().type, OrderType::StopMarket);
  EXPECT_EQ(w.state(), TradeState::Filled);
}

TEST_F(EntryTest, AnOrderTheVenueDoesNotKnowIsGivenUpAfterAnotherWait) {
  const domain::Order entry = w.enter();
  w.advance(10'000);
  w.take_cancels();
  w.reject(entry, VenueReason::UnknownOrder);
  w.advance(10'000);
  EXPECT_EQ(failed_for(), "venue:fill_timeout");
  w.expect_clean();
  w.accept(entry);
  EXPECT_EQ(w.take_cancels(), std::vector{entry.id}) << "it came to life after all: nobody wants it";
}

TEST_F(EntryTest, AFillAfterTheEndIsAdoptedAndClosed) {  // incident 16
  const domain::Order entry = w.enter();
  w.advance(10'000);
  w.report(entry, OrderStatus::Canceled, VenueReason::UserRequest);
  w.take_cancels();
  w.fill(entry, 100, 3);
  EXPECT_TRUE(w.alerted("unexpected_fill"));
  const domain::Order exit = w.take_order();
  EXPECT_EQ(exit.purpose, domain::OrderPurpose::Unwind);
  EXPECT_EQ(exit.quantity, qty(3));
  EXPECT_EQ(exit.trade.value, 2u);
  w.fill_all(exit, 99);
  ASSERT_EQ(w.audited<domain::TradeClosed>().size(), 1u);
  EXPECT_EQ(w.audited<domain::TradeClosed>()[0].exit_reason, ExitReason::Unprotected);
  w.expect_clean();
}

TEST_F(EntryTest, CloseBeforeSubmissionAbandonsTheIntent) {
  w.open(w.plan());
  w.close(ExitReason::SignalReversal);
  EXPECT_EQ(failed_for(), "execution:closed_before_submit");
  w.take_orders();
  w.confirm_leverage();
  EXPECT_TRUE(w.take_orders().empty());
  w.expect_clean();
}

TEST_F(EntryTest, CloseCancelsAWorkingEntryAndClosesWhateverStillFills) {
  const domain::Order entry = w.enter();
  w.close(ExitReason::SignalReversal);
  EXPECT_EQ(w.take_cancels(), std::vector{entry.id});
  w.fill(entry, 100, 4);  // the race
  const domain::Order exit = w.take_order();
  EXPECT_EQ(exit.quantity, qty(4));
  EXPECT_EQ(exit.purpose, domain::OrderPurpose::Exit);
  w.fill(entry, 100, 1);
  const domain::Order rest = w.take_order();
  EXPECT_EQ(rest.quantity, qty(1));
  w.report(entry, OrderStatus::Canceled, VenueReason::UserRequest, qty(5));
  w.fill_all(exit, 100);
  EXPECT_TRUE(w.manager.busy(kSymbol));
  w.fill_all(rest, 100);
  ASSERT_EQ(w.audited<domain::TradeClosed>().size(), 1u);
  EXPECT_EQ(w.audited<domain::TradeClosed>()[0].exit_reason, ExitReason::SignalReversal);
  EXPECT_EQ(w.audited<domain::TradeClosed>()[0].quantity, qty(5));
  EXPECT_NE(w.audited<domain::TradeClosed>()[0].r_multiple, 0) << "R is known although it never was protected";
  w.expect_clean();
}

TEST_F(EntryTest, CloseWithNothingFilledFails) {
  const domain::Order entry = w.enter();
  w.close(ExitReason::EndOfRun);
  w.report(entry, OrderStatus::Canceled, VenueReason::UserRequest);
  EXPECT_EQ(failed_for(), "execution:closed_before_fill");
  w.take_orders();
  w.expect_clean();
}

TEST_F(EntryTest, ShortsMirrorLongs) {  // incident 6
  const auto p = w.protect(PositionSide::Short, 100);
  EXPECT_EQ(p.entry.side, domain::Side::Sell);
  EXPECT_EQ(p.stop.side, domain::Side::Buy);
  EXPECT_EQ(p.stop.trigger_price, price(102));
  EXPECT_EQ(p.partial.trigger_price, price(96));
  EXPECT_EQ(p.target.trigger_price, price(94));
}

}  // namespace
}  // namespace qtrader::execution
