#include "core/execution/exit_manager.hpp"

#include <gtest/gtest.h>

#include "core/execution/execution_fixture.hpp"

namespace qtrader::execution {
namespace {

using domain::ExitReason;
using domain::OrderPurpose;
using domain::OrderStatus;
using domain::OrderType;
using domain::PositionSide;
using domain::TradeState;
using domain::VenueReason;

struct ExitTest : ::testing::Test {
  void SetUp() override { w.warm_up(); }
  domain::TradeClosed closed() const {
    const auto rows = w.audited<domain::TradeClosed>();
    EXPECT_EQ(rows.size(), 1u);
    return rows.empty() ? domain::TradeClosed{} : rows.back();
  }
  /// Entry filled at 100, stop sent, nothing confirmed.
  domain::Order filled_entry() {
    const domain::Order entry = w.enter();
    w.fill_all(entry, 100);
    return w.take_order();
  }
  World w;
};

// --- Protection -----------------------------------------------------------------------------------------------------

TEST_F(ExitTest, AnUnconfirmedStopIsTriedAgainThenUnwound) {  // incident 4
  const domain::Order first = filled_entry();
  w.advance(3'000);
  const domain::Order second = w.take_order();
  EXPECT_EQ(second.type, OrderType::StopMarket);
  EXPECT_NE(second.id, first.id);
  w.advance(3'000);
  const domain::Order third = w.take_order();
  w.advance(3'000);
  const domain::Order unwind = w.take_order();
  EXPECT_EQ(unwind.type, OrderType::Market);
  EXPECT_EQ(unwind.purpose, OrderPurpose::Unwind);
  EXPECT_EQ(unwind.quantity, qty(10));
  EXPECT_TRUE(unwind.reduce_only);
  EXPECT_TRUE(w.alerted("unprotected"));
  EXPECT_EQ(w.state(), TradeState::Unwinding);
  EXPECT_EQ(w.cancels.size(), 3u) << "each given-up stop is cancelled";
  w.fill_all(unwind, 99.5);
  EXPECT_EQ(closed().exit_reason, ExitReason::Unprotected);
  EXPECT_EQ(third.type, OrderType::StopMarket);
  w.expect_clean();
}

TEST_F(ExitTest, ALateConfirmationOfAGivenUpStopIsCancelledAgain) {
  const domain::Order first = filled_entry();
  w.advance(3'000);
  const domain::Order second = w.take_order();
  EXPECT_EQ(w.take_cancels(), std::vector{first.id});
  w.reject(first, VenueReason::UnknownOrder);
  w.accept(first);
  EXPECT_EQ(w.take_cancels(), std::vector{first.id});
  w.accept(second);
  EXPECT_EQ(w.state(), TradeState::Protected);
}

TEST_F(ExitTest, ATransportFailureOfTheStopWaitsForItsTimer) {
  const domain::Order first = filled_entry();
  w.reject(first, VenueReason::TransportFailure);
  EXPECT_TRUE(w.take_orders().empty());
  w.advance(3'000);
  const domain::Order second = w.take_order();
  EXPECT_EQ(second.type, OrderType::StopMarket);
  w.accept(second);
  EXPECT_EQ(w.state(), TradeState::Protected);
  EXPECT_TRUE(w.alerted("unprotected") == false);
}

TEST_F(ExitTest, AnIllegalStopUnwindsAtOnce) {
  w.reject(filled_entry(), VenueReason::PriceFilter);
  EXPECT_EQ(w.take_order().purpose, OrderPurpose::Unwind);
}

TEST_F(ExitTest, AStopAlreadyCrossedClosesNow) {  // incident 11
  w.reject(filled_entry(), VenueReason::WouldTrigger);
  const domain::Order exit = w.take_order();
  EXPECT_EQ(exit.type, OrderType::Market);
  EXPECT_EQ(exit.purpose, OrderPurpose::Exit);
  w.fill_all(exit, 97);
  EXPECT_EQ(closed().exit_reason, ExitReason::StopLoss);
  w.expect_clean();
}

TEST_F(ExitTest, ALostStopIsReplaced) {
  const auto p = w.protect();
  w.report(p.stop, OrderStatus::Canceled, VenueReason::UserRequest);  // by somebody else
  const domain::Order again = w.take_order();
  EXPECT_EQ(again.type, OrderType::StopMarket);
  EXPECT_EQ(again.trigger_price, p.stop.trigger_price);
  EXPECT_TRUE(w.alerted("stop_lost"));
  w.advance(9'000);
  const auto orders = w.take_orders();
  EXPECT_EQ(orders.back().purpose, OrderPurpose::Unwind) << "and the clock runs again";
}

TEST_F(ExitTest, AStopForHalfThePositionIsNoProtection) {
  const domain::Order entry = w.enter();
  w.fill(entry, 100, 4);
  w.accept(w.take_order());
  w.fill(entry, 100, 4);
  w.take_order();  // a stop for 8, never confirmed
  w.advance(9'000);
  const auto orders = w.take_orders();
  ASSERT_EQ(orders.size(), 3u);
  EXPECT_EQ(orders[2].purpose, OrderPurpose::Unwind);
  EXPECT_EQ(orders[2].quantity, qty(8));
}

TEST_F(ExitTest, ReportsOnlyMoveAnOrderForward) {
  OrderRecord record;
  record.order.quantity = qty(10);
  domain::OrderReport r;
  const auto apply = [&](OrderStatus status, double filled) {
    r.status = status;
    r.filled = qty(filled);
    OrderDesk::apply(record, r);
  };
  apply(OrderStatus::PartiallyFilled, 4);
  apply(OrderStatus::Canceled, 6);
  apply(OrderStatus::New, 0);  // late
  EXPECT_EQ(record.status, OrderStatus::Canceled);
  EXPECT_EQ(record.reported, qty(6));
  EXPECT_FALSE(record.settled()) << "6 executed, 0 seen";
  record.filled = qty(6);
  EXPECT_TRUE(record.settled());
  EXPECT_FALSE(record.working());
}

TEST_F(ExitTest, StopExecutionEndsTheTrade) {
  const auto p = w.protect();
  w.fill_all(p.stop, 97.9);
  const domain::TradeClosed row = closed();
  EXPECT_EQ(row.exit_reason, ExitReason::StopLoss);
  EXPECT_LT(row.r_multiple, -1);
  EXPECT_EQ(w.take_cancels(), (std::vector{p.partial.id, p.target.id}));
  w.expect_clean();
}

TEST_F(ExitTest, StopExecutionInPartsKeepsTheTradeUntilFlat) {
  const auto p = w.protect();
  w.fill(p.stop, 97.9, 4);
  w.report(p.stop, OrderStatus::PartiallyFilled, VenueReason::None, qty(4));
  EXPECT_TRUE(w.manager.busy(kSymbol));
  w.bar(104.5, 97, 97.5);
  EXPECT_TRUE(w.take_orders().empty()) << "a stop that executes is left alone";
  w.fill(p.stop, 97.5, 6);
  w.expect_clean();
}

TEST_F(ExitTest, AStopReportedFilledBeforeItsFillIsNotReplacedAtOnce) {
  const auto p = w.protect();
  w.report(p.stop, OrderStatus::Filled, VenueReason::None, qty(10));
  EXPECT_TRUE(w.take_orders().empty());
  w.fill(p.stop, 98, 10);
  w.take_orders();
  w.expect_clean();
}

TEST_F(ExitTest, AReportedExecutionThatNeverComesIsProtectedAgain) {
  const auto p = w.protect();
  w.report(p.stop, OrderStatus::Filled, VenueReason::None, qty(10));
  w.advance(3'000);
  EXPECT_EQ(w.take_order().type, OrderType::StopMarket);
}

// --- Moves ----------------------------------------------------------------------------------------------------------

TEST_F(ExitTest, BreakevenAtOneRByPlaceConfirmCancel) {
  const auto p = w.protect();
  w.bar(101.9, 99.5, 101.5);
  EXPECT_TRUE(w.take_orders().empty()) << "0.95 R";
  w.bar(102, 101, 101.8);
  const domain::Order next = w.take_order();
  EXPECT_EQ(next.trigger_price, price(100.1));
  EXPECT_EQ(next.quantity, qty(10));
  EXPECT_TRUE(w.take_cancels().empty());
  w.accept(next);
  EXPECT_EQ(w.take_cancels(), std::vector{p.stop.id});
  EXPECT_EQ(w.audited<domain::StopMoved>().back().reason, "breakeven");
  w.bar(102.5, 101, 102);
  EXPECT_TRUE(w.take_orders().empty()) << "once";
  w.fill_all(next, 100.1);
  EXPECT_EQ(closed().exit_reason, ExitReason::Breakeven);
  EXPECT_GE(closed().net_pnl, usd(0)) << "costs are covered";
  w.take_orders();
  w.expect_clean();
}

TEST_F(ExitTest, BreakevenWaitsForACloseOnItsRightSide) {
  w.protect();
  w.bar(102.1, 99, 99.5);
  EXPECT_TRUE(w.take_orders().empty());
  w.bar(101, 99.4, 100.8);
  EXPECT_EQ(w.take_order().trigger_price, price(100.1)) << "the 1R has been reached";
}

TEST_F(ExitTest, TrailsFromTwoRInStepsWorthTheOrder) {
  const auto p = w.protect();
  w.bar(104, 102.2, 103.9);  // 2R; trail 1.6
  domain::Order stop = w.take_order();
  EXPECT_EQ(stop.trigger_price, price(102.4));
  w.accept(stop);
  EXPECT_EQ(w.take_cancels(), std::vector{p.stop.id});
  EXPECT_EQ(w.audited<domain::StopMoved>().back().reason, "trailing");
  w.bar(104.1, 103, 104);
  EXPECT_TRUE(w.take_orders().empty()) << "0.05 R is not worth an order";
  w.bar(104.2, 103, 104);
  stop = w.take_order();
  EXPECT_EQ(stop.trigger_price, price(102.6));
  w.accept(stop);
  w.bar(103.5, 102.7, 103);
  EXPECT_EQ(w.take_cancels().size(), 1u) << "the replaced one only: a stop never loosens";
  w.fill_all(stop, 102.6);
  EXPECT_EQ(closed().exit_reason, ExitReason::TrailingStop);
  w.take_orders();
  w.expect_clean();
}

TEST_F(ExitTest, ABarThatTurnsThroughTheTrailClosesNow) {
  w.protect();
  w.bar(105, 101, 101.2);  // trail at 103.4, close below
  const domain::Order exit = w.take_order();
  EXPECT_EQ(exit.type, OrderType::Market);
  w.fill_all(exit, 101.1);
  EXPECT_EQ(closed().exit_reason, ExitReason::TrailingStop);
  w.take_orders();
  w.expect_clean();
}

TEST_F(ExitTest, AnImprovementThatIsNotConfirmedLeavesTheOldStop) {
  const auto p = w.protect();
  w.bar(102, 101, 101.8);
  const domain::Order next = w.take_order();
  w.advance(3'000);
  EXPECT_EQ(w.take_cancels(), std::vector{next.id});
  EXPECT_TRUE(w.alerted("stop_not_moved"));
  EXPECT_EQ(w.state(), TradeState::Protected);
  EXPECT_EQ(w.manager.trade(kSymbol)->stop, p.stop.id);
  EXPECT_EQ(w.timers.size(), 0u);
  w.bar(101.9, 101, 101.8);
  EXPECT_EQ(w.take_order().trigger_price, price(100.1)) << "and it is tried again";
}

TEST_F(ExitTest, AnImprovementAlreadyCrossedClosesNow) {
  w.protect();
  w.bar(102, 101, 101.8);
  w.reject(w.take_order(), VenueReason::WouldTrigger);
  const domain::Order exit = w.take_order();
  w.fill_all(exit, 100);
  EXPECT_EQ(closed().exit_reason, ExitReason::Breakeven);
}

TEST_F(ExitTest, ShortsTrailDownward) {
  w.protect(PositionSide::Short);
  w.bar(97.8, 96, 96.1);
  EXPECT_EQ(w.take_order().trigger_price, price(97.6));
}

TEST_F(ExitTest, BarsOfBeforeTheEntryDoNotCount) {
  const domain::Bar before = World::bar_at(w.now - base::minutes(5), 110, 90, 100);
  w.protect();
  Context c = w.context();
  w.manager.on_bar(kSymbol, before, c);
  EXPECT_TRUE(w.take_orders().empty());
  EXPECT_EQ(w.trades.find({1})->best, price(100));
}

// --- Targets --------------------------------------------------------------------------------------------------------

TEST_F(ExitTest, ThePartialExitResizesTheStop) {
  const auto p = w.protect();
  w.fill(p.partial, 104, 2);
  EXPECT_TRUE(w.take_orders().empty()) << "not before it is complete";
  w.fill(p.partial, 104, 3);
  const domain::Order stop = w.take_order();
  EXPECT_EQ(stop.quantity, qty(5));
  EXPECT_GT(stop.trigger_price, price(100)) << "and raises it to breakeven";
  w.accept(stop);
  EXPECT_EQ(w.take_cancels(), std::vector{p.stop.id});
  w.bar(105, 103.5, 104.9);
  w.accept(w.take_order());
  w.fill_all(p.target, 106);
  EXPECT_EQ(closed().exit_reason, ExitReason::TakeProfit);
  EXPECT_GT(closed().r_multiple, 2);
  w.take_orders();
  w.expect_clean();
}

TEST_F(ExitTest, ThePartialExitResizesTheStopEvenWhereItIs) {
  EntryPlan plan = w.plan();
  plan.exits.breakeven_r = 0;
  w.open(plan);
  w.confirm_leverage();
  w.fill_all(w.take_order(), 100);
  const domain::Order stop = w.take_order();
  w.accept(stop);
  const auto targets = w.take_orders();
  w.fill_all(targets[0], 104);
  const domain::Order smaller = w.take_order();
  EXPECT_EQ(smaller.quantity, qty(5));
  EXPECT_EQ(smaller.trigger_price, stop.trigger_price);
  w.accept(smaller);
  EXPECT_EQ(w.audited<domain::StopMoved>().back().reason, "resized");
  EXPECT_EQ(w.take_cancels(), std::vector{stop.id});
}

TEST_F(ExitTest, ATargetNotPlacedIsPlacedWithTheNextBar) {
  const domain::Order stop = filled_entry();
  w.accept(stop);
  const auto targets = w.take_orders();
  w.accept(targets[0]);
  w.reject(targets[1], VenueReason::TransportFailure);
  EXPECT_TRUE(w.take_orders().empty());
  w.bar(100.5, 99.5, 100);
  EXPECT_EQ(w.take_order().trigger_price, targets[1].trigger_price);
}

TEST_F(ExitTest, ATargetAlreadyReachedIsTakenAtMarket) {
  const domain::Order stop = filled_entry();
  w.accept(stop);
  const auto targets = w.take_orders();
  w.reject(targets[0], VenueReason::WouldTrigger);
  const domain::Order part = w.take_order();
  EXPECT_EQ(part.type, OrderType::Market);
  EXPECT_EQ(part.quantity, qty(5));
  w.reject(targets[1], VenueReason::WouldTrigger);
  const domain::Order all = w.take_order();
  EXPECT_EQ(all.type, OrderType::Market);
  w.fill_all(part, 106);
  w.fill_all(all, 106);
  EXPECT_EQ(closed().exit_reason, ExitReason::TakeProfit);
}

TEST_F(ExitTest, AnImpossiblePartialLeavesItsShareToTheTarget) {
  const domain::Order stop = filled_entry();
  w.accept(stop);
  const auto targets = w.take_orders();
  w.accept(targets[1]);
  w.reject(targets[0], VenueReason::LotSize);
  EXPECT_TRUE(w.alerted("target_refused"));
  w.bar(100.5, 99.5, 100);
  EXPECT_EQ(w.take_cancels(), std::vector{targets[1].id});
  w.report(targets[1], OrderStatus::Canceled, VenueReason::UserRequest);
  w.bar(100.5, 99.5, 100);
  const domain::Order full = w.take_order();
  EXPECT_EQ(full.quantity, qty(10));
  EXPECT_EQ(full.type, OrderType::TakeProfitMarket);
}

// --- Closes ---------------------------------------------------------------------------------------------------------

TEST_F(ExitTest, CloseIsReduceOnlyAndIdempotent) {  // incident 10
  const auto p = w.protect();
  w.close(ExitReason::SignalReversal);
  const domain::Order exit = w.take_order();
  EXPECT_TRUE(exit.reduce_only);
  EXPECT_EQ(exit.quantity, qty(10));
  w.close(ExitReason::Operator);
  EXPECT_TRUE(w.take_orders().empty());
  EXPECT_EQ(w.manager.trade(kSymbol)->stop, p.stop.id) << "the stop stays until flat";
  w.fill_all(exit, 101);
  EXPECT_EQ(closed().exit_reason, ExitReason::SignalReversal);
  w.take_orders();
  w.expect_clean();
}

TEST_F(ExitTest, ARejectedCloseIsRetriedUntilFlat) {  // incident 18
  w.protect();
  w.gate.kill("nothing may block an exit");
  w.close(ExitReason::Operator);
  std::int64_t wait = 2'000;
  for (int i = 0; i < 300; ++i) {  // beyond the 255 legs of a trade
    const domain::Order exit = w.take_order();
    EXPECT_EQ(exit.type, OrderType::Market);
    w.reject(exit, VenueReason::TransportFailure);
    w.advance(wait - 1);
    EXPECT_TRUE(w.take_orders().empty());
    w.advance(1);
    wait = std::min<std::int64_t>(wait * 2, 64'000);
  }
  w.fill_all(w.take_order(), 100);
  EXPECT_EQ(closed().exit_reason, ExitReason::Operator);
  w.take_orders();
  w.expect_clean();
}

TEST_F(ExitTest, ARejectedCloseOfAnUnprotectedPositionIsRetriedEverySecond) {
  const domain::Order entry = w.enter();
  w.fill_all(entry, 100);
  w.reject(w.take_order(),
           VenueReason::UnknownSymbol);  // no stop: closed at market, which a halted market refuses, too
  for (int i = 0; i < 20; ++i) {
    const domain::Order exit = w.take_order();
    EXPECT_EQ(exit.type, OrderType::Market);
    w.reject(exit, VenueReason::UnknownSymbol);
    w.advance(999);
    EXPECT_TRUE(w.take_orders().empty());
    w.advance(1);
  }
  w.fill_all(w.take_order(), 100);
  EXPECT_EQ(closed().exit_reason, ExitReason::Unprotected);
  w.take_orders();
  w.expect_clean();
}

TEST_F(ExitTest, ACloseNobodyAcknowledgesIsSentAgain) {
  w.protect();
  w.close(ExitReason::Operator);
  const domain::Order lost = w.take_order();
  w.advance(2'000);
  const domain::Order again = w.take_order();
  EXPECT_EQ(again.quantity, qty(10));
  EXPECT_NE(again.id, lost.id);
  w.accept(again);
  w.accept(lost);  // both live: reduce-only, so harmless
  w.advance(600'000);
  EXPECT_TRUE(w.take_orders().empty());
  w.fill_all(again, 100);
  EXPECT_TRUE(w.take_cancels().size() > 0);
  w.expect_clean();
}

TEST_F(ExitTest, CloseFilledInPartsOverBars) {
  w.protect();
  w.close(ExitReason::Operator);
  const domain::Order exit = w.take_order();
  w.accept(exit);
  w.fill(exit, 100, 3);
  w.bar(100.5, 99.5, 100);
  w.fill(exit, 100, 3);
  EXPECT_TRUE(w.take_orders().empty());
  w.report(exit, OrderStatus::Expired, VenueReason::NoLiquidity, qty(6));
  w.advance(2'000);
  EXPECT_EQ(w.take_order().quantity, qty(4));
}

TEST_F(ExitTest, TimeExitOnlyWithoutProfit) {
  w.protect();
  for (int i = 0; i < 287; ++i) w.bar(100.5, 99.5, 99.9);
  EXPECT_TRUE(w.take_orders().empty());
  w.bar(101, 99.5, 100.9);
  w.bar(101, 99.5, 100.9);
  EXPECT_TRUE(w.take_orders().empty()) << "24 h, but in profit";
  w.bar(101, 99.5, 100.02);
  const domain::Order exit = w.take_order();  // 0.02 a unit does not pay the fees
  w.fill_all(exit, 100);
  EXPECT_EQ(closed().exit_reason, ExitReason::TimeExit);
}

TEST_F(ExitTest, LossGuardActsWhenTheStopHasNot) {  // incident 5
  w.protect();
  w.bar(99, 94.5, 95.1);
  EXPECT_TRUE(w.take_orders().empty()) << "the venue's stop is at work";
  w.bar(96, 94, 94.9);
  EXPECT_TRUE(w.alerted("loss_guard"));
  w.fill_all(w.take_order(), 94.9);
  EXPECT_EQ(closed().exit_reason, ExitReason::LossGuard);
}

TEST_F(ExitTest, LiquidationEndsTheTrade) {
  const auto p = w.protect();
  domain::Fill f;
  f.symbol = kSymbol;
  f.side = domain::Side::Sell;
  f.price = price(70);
  f.quantity = qty(10);
  f.kind = domain::FillKind::Liquidation;
  f.ts_event = w.now;
  w.deliver(f);
  EXPECT_EQ(closed().exit_reason, ExitReason::Liquidated);
  EXPECT_EQ(w.take_cancels().size(), 3u);
  w.report(p.stop, OrderStatus::Expired, VenueReason::PositionClosed);
  w.reject(p.target, VenueReason::UnknownOrder);
  EXPECT_TRUE(w.take_cancels().empty()) << "reports of what is over are harmless";
  w.expect_clean();
}

TEST_F(ExitTest, AnExecutionBeyondTheTradeIsSplit) {
  const auto p = w.protect();
  w.fill(p.stop, 98, 14);  // no venue should: 10 were open
  EXPECT_EQ(closed().quantity, qty(10));
  ASSERT_NE(w.manager.trade(kSymbol), nullptr);
  EXPECT_EQ(w.manager.side(kSymbol), PositionSide::Short);
  const domain::Order exit = w.take_order();
  EXPECT_EQ(exit.side, domain::Side::Buy);
  EXPECT_EQ(exit.quantity, qty(4));
  w.fill_all(exit, 98);
  w.take_orders();
  w.expect_clean();
}

TEST_F(ExitTest, AStopHitWhileTheEntryStillFillsEndsBoth) {
  const domain::Order entry = w.enter();
  w.fill(entry, 100, 4);
  const domain::Order stop = w.take_order();
  w.accept(stop);
  w.fill(stop, 98, 4);
  EXPECT_EQ(w.take_cancels(), std::vector{entry.id});
  EXPECT_TRUE(w.manager.busy(kSymbol)) << "until the entry's end is known";
  w.fill(entry, 98, 1);
  const domain::Order exit = w.take_order();
  EXPECT_EQ(exit.quantity, qty(1));
  w.report(entry, OrderStatus::Canceled, VenueReason::UserRequest, qty(5));
  w.fill_all(exit, 98);
  EXPECT_EQ(closed().exit_reason, ExitReason::StopLoss);
  w.take_orders();
  w.expect_clean();
}

TEST_F(ExitTest, FundingReachesTheTrade) {
  w.protect();
  w.deliver(domain::FundingPayment{kSymbol, usd(-0.5), domain::Ratio::from_double(0.0005), price(100), qty(10), w.now});
  EXPECT_EQ(w.audited<domain::FundingBooked>().back().trade.value, 1u);
  w.close(ExitReason::EndOfRun);
  w.fill_all(w.take_order(), 100);
  EXPECT_EQ(closed().funding, usd(-0.5));
  EXPECT_EQ(closed().exit_reason, ExitReason::EndOfRun);
}

TEST_F(ExitTest, CloseAllClosesEverything) {
  w.protect();
  w.open(w.plan(PositionSide::Long, kOther));
  w.take_orders();
  Context c = w.context();
  w.manager.close_all(ExitReason::EndOfRun, c);
  EXPECT_EQ(w.manager.open_count(), 1u) << "the intent is gone, the position is being closed";
  w.fill_all(w.take_order(), 100);
  w.take_orders();
  w.expect_clean();
}

// --- Snapshots ------------------------------------------------------------------------------------------------------

TEST_F(ExitTest, ASnapshotRestoresTheTradeWithItsTimers) {
  filled_entry();
  World copy;
  ASSERT_TRUE(base::from_bytes(base::to_bytes(w), copy));
  EXPECT_EQ(base::to_bytes(copy), base::to_bytes(w));
  EXPECT_EQ(copy.manager.open_count(), 1u);
  copy.advance(3'000);
  EXPECT_EQ(copy.take_order().type, OrderType::StopMarket);
}

}  // namespace
}  // namespace qtrader::execution
