// The account against the venue's: every kind of difference, the entries they stop, restarts, and that nothing done
// about a difference ever enlarges a position.
#include "core/execution/reconciler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/base/rng.hpp"
#include "core/execution/execution_fixture.hpp"
#include "core/execution/fill_filter.hpp"

namespace qtrader::execution {
namespace {

using domain::ClientOrderId;
using domain::ExitReason;
using domain::OrderStatus;
using domain::OrderType;
using domain::PositionSide;
using domain::Quantity;
using domain::TradeState;
using domain::VenueReason;

struct ReconcileTest : ::testing::Test {
  void SetUp() override { w.warm_up(); }

  void link(domain::LinkState state = domain::LinkState::Ready) { w.deliver(domain::VenueLink{state, "test", w.now}); }
  static domain::VenueOpenOrder at_venue(const domain::Order& o) {
    domain::VenueOpenOrder v;
    v.order = o.id;
    v.venue_id = o.id.value + 1'000;
    v.symbol = o.symbol;
    v.side = o.side;
    v.type = o.type;
    v.quantity = o.quantity;
    v.trigger_price = o.trigger_price;
    v.reduce_only = o.reduce_only;
    v.conditional = domain::is_conditional(o.type);
    return v;
  }
  /// What the venue would say if it agreed with our books.
  domain::AccountSnapshot agreeing() const {
    domain::AccountSnapshot s;
    s.wallet = w.ledger.account().wallet;
    for (const domain::SymbolId id : {kSymbol, kOther}) {
      const auto& p = w.ledger.position(id);
      if (!p.flat()) s.positions.push_back({id, p.quantity, p.entry_price(), p.leverage, p.mode});
      if (const Trade* t = w.manager.trade(id))
        for (const OrderRecord& r : t->orders)
          if (r.working()) s.orders.push_back(at_venue(r.order));
    }
    return s;
  }
  void show(domain::AccountSnapshot s) {
    w.advance(1'000);
    s.requested_at = s.ts_event = w.now;
    w.deliver(s);
  }
  std::string refused_for() {
    const auto rule = w.open(w.plan(PositionSide::Long, kOther));
    if (!rule) w.close(ExitReason::Operator, kOther);
    w.take_orders();
    return rule.value_or("");
  }
  /// Link ready, first snapshot equal.
  void settle() {
    link();
    w.take_orders();
    show(agreeing());
    EXPECT_TRUE(w.take_orders().empty());
    w.snapshots_asked = 0;
  }
  World w;
};

TEST_F(ReconcileTest, RunsWithoutALinkAreNotConcerned) {
  EXPECT_EQ(refused_for(), "");
  w.advance(120'000);
  EXPECT_EQ(w.snapshots_asked, 0);
}

TEST_F(ReconcileTest, EntriesWaitForTheLinkAndACleanComparison) {
  link(domain::LinkState::Down);
  EXPECT_EQ(refused_for(), "venue_link");
  link();
  EXPECT_EQ(refused_for(), "reconciled");
  EXPECT_EQ(w.snapshots_asked, 1);
  show(agreeing());
  EXPECT_EQ(refused_for(), "");
  link(domain::LinkState::Degraded);
  EXPECT_TRUE(w.alerted("venue_link"));
  EXPECT_EQ(refused_for(), "venue_link");
  link();
  EXPECT_EQ(refused_for(), "reconciled") << "what happened while it was away has to be looked at";
}

TEST_F(ReconcileTest, AsksEveryHalfMinute) {
  settle();
  w.advance(29'000);
  EXPECT_TRUE(w.take_orders().empty());
  EXPECT_EQ(w.snapshots_asked, 0);
  w.advance(61'000);
  w.take_orders();
  EXPECT_EQ(w.snapshots_asked, 3);
}

TEST_F(ReconcileTest, TheFirstSnapshotOpensTheWallet) {
  link();
  auto s = agreeing();
  s.wallet = usd(4'321.5);
  show(s);
  EXPECT_EQ(w.ledger.account().wallet, usd(4'321.5));
  EXPECT_EQ(w.gate.drawdown_frac(), 0) << "it was never larger";
  EXPECT_FALSE(w.alerted("wallet_adjusted"));
  s.wallet = usd(4'320);
  show(s);
  EXPECT_EQ(w.ledger.account().wallet, usd(4'320));
  EXPECT_EQ(w.ledger.balance(ledger::Account::Adjustment), usd(1.5));
  EXPECT_EQ(w.ledger.trial_balance(), usd(0));
  EXPECT_TRUE(w.alerted("wallet_adjusted"));
}

TEST_F(ReconcileTest, Incident16_AGhostIsAskedAboutThenClosed) {
  w.protect();
  settle();
  auto s = agreeing();
  s.positions.clear();
  s.orders.clear();
  show(s);
  EXPECT_TRUE(w.take_orders().empty());
  EXPECT_EQ(w.queries.size(), 3u) << "stop and both targets may have executed unseen";
  EXPECT_EQ(refused_for(), "reconciled");
  for (const ClientOrderId id : std::exchange(w.queries, {})) {
    domain::OrderReport r;
    r.order = id;
    r.status = OrderStatus::Expired;
    r.reason = VenueReason::PositionClosed;
    w.deliver(r);
  }
  w.take_orders();
  show(s);
  EXPECT_FALSE(w.manager.busy(kSymbol));
  EXPECT_TRUE(w.ledger.position(kSymbol).flat());
  ASSERT_EQ(w.audited<domain::TradeClosed>().size(), 1u);
  EXPECT_EQ(w.audited<domain::TradeClosed>()[0].exit_reason, ExitReason::Reconciled);
  EXPECT_TRUE(w.alerted("reconcile_ghost"));
  w.take_orders();
  show(s);
  EXPECT_EQ(refused_for(), "");
}

TEST_F(ReconcileTest, AGhostWhoseExecutionsArriveClosesByThem) {
  const auto p = w.protect();
  settle();
  auto s = agreeing();
  s.positions.clear();
  s.orders.clear();
  show(s);
  w.take_orders();
  w.fill_all(p.stop, 98);
  ASSERT_EQ(w.audited<domain::TradeClosed>().size(), 1u);
  EXPECT_EQ(w.audited<domain::TradeClosed>()[0].exit_reason, ExitReason::StopLoss);
  EXPECT_FALSE(w.alerted("reconcile_ghost"));
}

TEST_F(ReconcileTest, Incident16_AnOrphanIsAdoptedAndProtectedInTheSameStep) {
  settle();
  auto s = agreeing();
  s.positions.push_back({kOther, qty(-4), price(101), {10}, domain::MarginMode::Isolated});
  show(s);
  const domain::Order stop = w.take_order();
  EXPECT_EQ(stop.type, OrderType::StopMarket);
  EXPECT_EQ(stop.side, domain::Side::Buy);
  EXPECT_TRUE(stop.reduce_only);
  EXPECT_EQ(stop.quantity, qty(4));
  EXPECT_EQ(stop.trigger_price, price(102)) << "10 % of a margin of a tenth is 1 %";
  EXPECT_EQ(w.ledger.position(kOther).quantity, qty(-4));
  EXPECT_EQ(w.ledger.position(kOther).leverage.value, 10);
  w.accept(stop);
  EXPECT_EQ(w.manager.trade(kOther)->state, TradeState::Protected);
  EXPECT_TRUE(w.alerted("reconcile_orphan"));
}

TEST_F(ReconcileTest, AnOrphanAtTheEndOfTheRunIsClosed) {
  settle();
  w.reconciler.end();
  auto s = agreeing();
  s.positions.push_back({kOther, qty(4), price(100), {5}, domain::MarginMode::Isolated});
  show(s);
  const auto orders = w.take_orders();
  ASSERT_EQ(orders.size(), 2u);
  EXPECT_EQ(orders.back().type, OrderType::Market);
  EXPECT_TRUE(orders.back().reduce_only);
}

TEST_F(ReconcileTest, AnOrphanTooNearItsLiquidationIsClosed) {
  settle();
  auto s = agreeing();
  s.positions.push_back({kOther, qty(4), price(100), {100}, domain::MarginMode::Isolated});
  show(s);
  const domain::Order close = w.take_order();
  EXPECT_EQ(close.type, OrderType::Market);
  EXPECT_TRUE(close.reduce_only);
  EXPECT_EQ(close.quantity, qty(4));
}

struct DriftTest : ReconcileTest, ::testing::WithParamInterface<double> {};
TEST_P(DriftTest, IsAdoptedAndTheStopResized) {
  w.protect();
  settle();
  auto s = agreeing();
  s.positions[0].quantity = qty(GetParam());
  show(s);
  EXPECT_TRUE(w.take_orders().empty());
  EXPECT_FALSE(w.queries.empty());
  for (const ClientOrderId id : std::exchange(w.queries, {})) {
    domain::OrderReport r;
    r.order = id;
    w.deliver(r);
  }
  show(s);
  const domain::Order stop = w.take_order();
  EXPECT_EQ(stop.type, OrderType::StopMarket);
  EXPECT_EQ(stop.quantity, qty(GetParam()));
  EXPECT_EQ(w.ledger.position(kSymbol).quantity, qty(GetParam()));
  EXPECT_TRUE(w.alerted("reconcile_drift"));
}
INSTANTIATE_TEST_SUITE_P(MoreAndLess, DriftTest, ::testing::Values(12.0, 7.0));

TEST_F(ReconcileTest, Incident12_TheOtherSideIsAdoptedAndTheSymbolHeld) {
  w.protect();
  settle();
  auto s = agreeing();
  s.positions[0].quantity = qty(-3);
  s.orders.clear();
  show(s);
  w.take_orders();
  for (const ClientOrderId id : std::exchange(w.queries, {})) {
    domain::OrderReport r;
    r.order = id;
    r.status = OrderStatus::Expired;
    w.deliver(r);
  }
  w.take_orders();
  show(s);
  EXPECT_EQ(w.ledger.position(kSymbol).quantity, qty(-3));
  EXPECT_EQ(w.manager.side(kSymbol), PositionSide::Short);
  const auto orders = w.take_orders();
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].side, domain::Side::Buy);
  w.accept(orders[0]);
  w.fill_all(orders[0], 102);
  s.positions.clear();
  show(s);
  show(s);
  EXPECT_EQ(w.open(w.plan()), "symbol_hold");
  EXPECT_EQ(refused_for(), "") << "others are free";
  w.reconciler.release(kSymbol);
  EXPECT_EQ(w.open(w.plan()), std::nullopt);
}

TEST_F(ReconcileTest, Incident4_AStopTheVenueDoesNotListIsPlacedAgainInTheSameStep) {
  const auto p = w.protect();
  settle();
  auto s = agreeing();
  std::erase_if(s.orders, [&](const auto& o) { return o.order == p.stop.id; });
  show(s);
  const domain::Order stop = w.take_order();
  EXPECT_EQ(stop.type, OrderType::StopMarket);
  EXPECT_EQ(stop.trigger_price, p.stop.trigger_price);
  EXPECT_EQ(stop.quantity, qty(10));
  EXPECT_TRUE(w.alerted("stop_lost"));
  w.accept(stop);
  show(agreeing());
  EXPECT_TRUE(w.take_orders().empty());
}

TEST_F(ReconcileTest, AStopThatCannotBePlacedAgainUnwinds) {
  const auto p = w.protect();
  settle();
  auto s = agreeing();
  std::erase_if(s.orders, [&](const auto& o) { return o.order == p.stop.id; });
  show(s);
  w.reject(w.take_order(), VenueReason::PriceFilter);
  const domain::Order close = w.take_order();
  EXPECT_EQ(close.type, OrderType::Market);
  EXPECT_EQ(close.purpose, domain::OrderPurpose::Unwind);
}

TEST_F(ReconcileTest, AStopThatIsTooSmallAtTheVenueIsReplacedBeforeItIsCancelled) {
  const auto p = w.protect();
  settle();
  auto s = agreeing();
  for (auto& o : s.orders)
    if (o.order == p.stop.id) o.quantity = qty(4);
  show(s);
  const domain::Order stop = w.take_order();
  EXPECT_EQ(stop.quantity, qty(10));
  EXPECT_TRUE(w.take_cancels().empty()) << "place, confirm, cancel";
  w.accept(stop);
  auto both = agreeing();
  both.orders.push_back(at_venue(p.stop));
  show(both);
  EXPECT_EQ(w.take_cancels(), std::vector<ClientOrderId>{p.stop.id});
}

TEST_F(ReconcileTest, WhatHappensAroundTheSnapshotProvesNothing) {
  w.protect();
  settle();
  auto s = agreeing();
  s.positions.clear();
  w.advance(5'000);
  s.requested_at = w.now;
  w.advance(300);
  w.reconciler.touch(kSymbol, w.now);
  w.deliver(s);
  EXPECT_TRUE(w.take_orders().empty());
  EXPECT_TRUE(w.queries.empty());
  w.advance(1'000);
  w.take_orders();
  EXPECT_EQ(w.snapshots_asked, 1) << "asked again after a second";
  EXPECT_EQ(refused_for(), "") << "what may be a race closes nothing";
}

TEST_F(ReconcileTest, OrdersNobodyWantsAreCancelled) {
  settle();
  auto s = agreeing();
  domain::VenueOpenOrder old;
  old.order = ClientOrderId::make({400}, 3);
  old.venue_id = 1;
  old.type = OrderType::StopMarket;
  old.reduce_only = true;
  domain::VenueOpenOrder enlarging;
  enlarging.venue_id = 2;
  enlarging.quantity = qty(1);
  domain::VenueOpenOrder reducing = enlarging;
  reducing.venue_id = 3;
  reducing.reduce_only = true;
  s.orders = {old, enlarging, reducing};
  show(s);
  EXPECT_EQ(w.take_cancels(), std::vector<ClientOrderId>{old.order});
  EXPECT_EQ(w.foreign_cancels, std::vector<std::uint64_t>{2});
  EXPECT_TRUE(w.alerted("foreign_order"));
  EXPECT_EQ(refused_for(), "reconciled");
  s.orders = {reducing};
  w.foreign_cancels.clear();
  show(s);
  EXPECT_TRUE(w.take_cancels().empty());
  EXPECT_TRUE(w.foreign_cancels.empty());
  EXPECT_EQ(refused_for(), "");
}

TEST_F(ReconcileTest, HedgeModeStopsEntriesAndForeignPositionsOnlyAlert) {
  settle();
  auto s = agreeing();
  s.hedge_mode = true;
  show(s);
  EXPECT_TRUE(w.alerted("hedge_mode"));
  EXPECT_NE(refused_for(), "");
  EXPECT_TRUE(w.gate.permission().hedge_mode);
  s.hedge_mode = false;
  s.foreign_positions = {"XRPUSDT"};
  show(s);
  EXPECT_TRUE(w.alerted("foreign_position"));
  EXPECT_EQ(refused_for(), "");
}

TEST_F(ReconcileTest, ExitsPassWhateverTheLinkSays) {  // incident 19
  w.protect();
  link(domain::LinkState::Down);
  w.close(ExitReason::Operator);
  const domain::Order close = w.take_order();
  EXPECT_TRUE(close.reduce_only);
  w.fill_all(close, 100);
  w.take_orders();
  EXPECT_FALSE(w.manager.busy(kSymbol));
}

struct RecoveryTest : ReconcileTest {
  /// The world after a restart: everything of it read back from bytes.
  void restart() {
    const base::Bytes bytes = base::to_bytes(w);
    ASSERT_TRUE(base::from_bytes(bytes, w));
    w.deliver(domain::RunResumed{w.now});
    w.take_orders();
  }
  void answer_unknown(ClientOrderId id) {
    domain::OrderReport r;
    r.order = id;
    r.status = OrderStatus::Rejected;
    r.reason = VenueReason::UnknownOrder;
    w.deliver(r);
  }
};

TEST_F(RecoveryTest, Incident14_AnEntryIsAskedForNeverSentAgain) {
  ASSERT_EQ(w.open(w.plan()), std::nullopt);
  w.take_orders();
  w.confirm_leverage();
  const domain::Order entry = w.take_order();
  restart();
  EXPECT_EQ(w.queries, std::vector<ClientOrderId>{entry.id});
  EXPECT_EQ(w.snapshots_asked, 1);
  answer_unknown(entry.id);
  EXPECT_TRUE(w.take_orders().empty());
  w.sink.records.clear();
  EXPECT_FALSE(w.manager.busy(kSymbol)) << "never seen there: failed";
}

TEST_F(RecoveryTest, AnEntryFilledWhileAwayIsProtectedByItsMissedFills) {
  const domain::Order entry = w.enter();
  restart();
  w.fill_all(entry, 100);
  EXPECT_EQ(w.take_order().type, OrderType::StopMarket);
}

TEST_F(RecoveryTest, AStopTheVenueNeverSawIsPlacedAgainAtOnce) {
  const domain::Order entry = w.enter();
  w.fill_all(entry, 100);
  const domain::Order stop = w.take_order();
  restart();
  EXPECT_EQ(w.queries, std::vector<ClientOrderId>{stop.id});
  answer_unknown(stop.id);
  const domain::Order again = w.take_order();
  EXPECT_EQ(again.type, OrderType::StopMarket);
  EXPECT_NE(again.id, stop.id);
  w.accept(again);
  EXPECT_EQ(w.state(), TradeState::Protected);
}

TEST_F(RecoveryTest, ACloseTheVenueNeverSawIsSentAgain) {
  w.protect();
  w.close(ExitReason::Operator);
  const domain::Order close = w.take_order();
  restart();
  answer_unknown(close.id);
  const domain::Order again = w.take_order();
  EXPECT_EQ(again.type, OrderType::Market);
  EXPECT_EQ(again.quantity, qty(10));
}

TEST_F(RecoveryTest, ACancelsUnknownOrderIsNotTheQuerysAnswer) {
  const domain::Order entry = w.enter();
  w.advance(10'000);
  EXPECT_EQ(w.take_cancels(), std::vector<ClientOrderId>{entry.id});
  restart();
  answer_unknown(entry.id);
  EXPECT_TRUE(w.manager.busy(kSymbol)) << "its execution may have overtaken the cancel";
  answer_unknown(entry.id);
  EXPECT_FALSE(w.manager.busy(kSymbol));
}

TEST_F(RecoveryTest, EntriesWaitForACleanComparison) {
  settle();
  restart();
  EXPECT_EQ(refused_for(), "venue_link");
  link();
  EXPECT_EQ(refused_for(), "reconciled");
  show(agreeing());
  show(agreeing());
  EXPECT_EQ(refused_for(), "");
}

TEST(FillFilterTest, BooksAnExecutionOnce) {
  RecordingSink sink;
  FillFilter filter(2);
  domain::Fill f;
  EXPECT_TRUE(filter.admit(f, sink));
  EXPECT_TRUE(filter.admit(f, sink)) << "no id, no repetition";
  f.venue_trade_id = 7;
  EXPECT_TRUE(filter.admit(f, sink));
  f.symbol = kOther;
  EXPECT_TRUE(filter.admit(f, sink)) << "ids are per symbol";
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(filter.admit(f, sink));
  EXPECT_EQ(sink.records.size(), 1u) << "said once";
  FillFilter restored(2);
  ASSERT_TRUE(base::from_bytes(base::to_bytes(filter), restored));
  EXPECT_FALSE(restored.admit(f, sink));
  EXPECT_EQ(restored.repeated(), 4u);
  for (std::uint64_t id = 10; id < 10 + FillFilter::kRemembered; ++id) {
    f.venue_trade_id = id;
    EXPECT_TRUE(filter.admit(f, sink));
  }
  f.venue_trade_id = 7;
  EXPECT_FALSE(filter.admit(f, sink)) << "older than all that is remembered";
}

}  // namespace
}  // namespace qtrader::execution
