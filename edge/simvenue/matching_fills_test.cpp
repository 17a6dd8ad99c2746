// Each order type against bars that touch it, miss it, gap over it or touch everything.
#include "edge/simvenue/venue_fixture.hpp"

namespace qtrader::simvenue::testing {
namespace {

using domain::MarginMode;
using domain::TimeInForce;

TEST(Stops, FillAtTheTriggerWhenTouched) {
  Bench b;
  b.enter(Side::Buy, 1, 100);
  const auto id = b.send(stop(Side::Sell, 1, 98));
  b.path({100, 101, 98, 100.5});
  ASSERT_EQ(b.fills.size(), 2u);
  EXPECT_EQ(b.fills[1].price, px(98));
  EXPECT_EQ(b.status(id), OrderStatus::Filled);
  EXPECT_TRUE(b.holding().quantity.is_zero());
}

TEST(Stops, StayWhenNotTouched) {
  Bench b;
  b.enter(Side::Buy, 1, 100);
  const auto id = b.send(stop(Side::Sell, 1, 98));
  b.path({100, 101, 98.01, 100.5});
  EXPECT_EQ(b.status(id), OrderStatus::New);
  b.show({100.5, 102, 99, 101});
  EXPECT_EQ(b.status(id), OrderStatus::New);
}

TEST(Stops, FillAtTheOpenWhenGapped) {
  Bench b;
  b.enter(Side::Buy, 1, 100);
  b.send(stop(Side::Sell, 1, 98));
  b.path({100, 101, 99, 100});
  b.open({95, 99, 94, 98});
  ASSERT_EQ(b.fills.size(), 2u);
  EXPECT_EQ(b.fills[1].price, px(95)) << "not the trigger: nobody traded there";
}

TEST(Stops, SlipBeyondTheTrigger) {
  auto config = plain();
  config.slippage = SlippageModel::Realistic;
  Bench b(config);
  b.enter(Side::Buy, 1, 100);
  EXPECT_GT(b.fills[0].price, px(100));
  EXPECT_EQ(b.fills[0].reference_price, px(100));
  b.send(stop(Side::Sell, 1, 98));
  b.path({100, 101, 97, 100});
  ASSERT_EQ(b.fills.size(), 2u);
  EXPECT_EQ(b.fills[1].reference_price, px(98));
  EXPECT_LT(b.fills[1].price, px(98));
  EXPECT_GE(b.fills[1].price, px(98 * 0.995));
}

TEST(Stops, ThatOpenAPositionNeedMarginWhenTheyFire) {
  Bench b;
  b.send(limit(Side::Buy, 1, 50));  // keeps the price known
  b.open({100, 100, 100, 100});
  auto entry = stop(Side::Buy, 10, 105);
  auto greedy = stop(Side::Buy, 5'000, 105);
  entry.reduce_only = greedy.reduce_only = false;
  const auto a = b.send(entry);
  const auto c = b.send(greedy);
  EXPECT_EQ(b.status(c), OrderStatus::New) << "conditional orders reserve nothing";
  b.path({100, 106, 99, 104});
  EXPECT_EQ(b.status(a), OrderStatus::Filled);
  EXPECT_EQ(b.holding().quantity, qty(10));
  EXPECT_EQ(b.status(c), OrderStatus::Expired);
  EXPECT_EQ(b.reason(c), VenueReason::InsufficientMargin);
}

TEST(Targets, FillAtTheTriggerOrAtABetterOpen) {
  Bench b;
  b.enter(Side::Buy, 2, 100);
  b.send(target(Side::Sell, 1, 103));
  b.send(target(Side::Sell, 1, 105));
  b.path({100, 104, 99, 101});
  ASSERT_EQ(b.fills.size(), 2u);
  EXPECT_EQ(b.fills[1].price, px(103));
  b.open({107, 108, 106, 107});
  ASSERT_EQ(b.fills.size(), 3u);
  EXPECT_EQ(b.fills[2].price, px(107));
}

TEST(Targets, SlipAgainstUs) {
  auto config = plain();
  config.slippage = SlippageModel::Realistic;
  Bench b(config);
  b.enter(Side::Buy, 1, 100);
  b.send(target(Side::Sell, 1, 103));
  b.path({100, 104, 99, 101});
  ASSERT_EQ(b.fills.size(), 2u);
  EXPECT_LT(b.fills[1].price, px(103));
}

TEST(Targets, ThatArriveLateWaitForTheNextBar) {
  Bench b;
  b.enter(Side::Buy, 1, 100);
  b.at(base::minutes(3));
  const auto id = b.send(target(Side::Sell, 1, 103));
  const auto st = b.send(stop(Side::Sell, 1, 90));
  b.path({100, 104, 99, 101});
  EXPECT_EQ(b.status(id), OrderStatus::New) << "the high may have been before the order";
  b.show({101, 104, 100, 102});
  EXPECT_EQ(b.status(id), OrderStatus::Filled);
  EXPECT_EQ(b.reason(st), VenueReason::PositionClosed);
}

TEST(Brackets, StopComesFirstWhenBothAreTouched) {
  for (const Side side : {Side::Buy, Side::Sell}) {
    Bench b;
    const int d = domain::sign(side);
    b.enter(side, 1, 100);
    const auto sl = b.send(stop(domain::opposite(side), 1, 100 - 2 * d));
    const auto tp = b.send(target(domain::opposite(side), 1, 100 + 2 * d));
    b.path({100, 103, 97, 100});
    EXPECT_EQ(b.status(sl), OrderStatus::Filled);
    EXPECT_EQ(b.status(tp), OrderStatus::Expired);
    EXPECT_EQ(b.reason(tp), VenueReason::PositionClosed);
    ASSERT_EQ(b.fills.size(), 2u);
    EXPECT_EQ(b.fills[1].price, px(100 - 2 * d));
    EXPECT_TRUE(b.engine().idle(kA));
  }
}

TEST(Brackets, AStopPlacedAfterTheEntrySeesTheWholeBar) {
  Bench b;
  b.enter(Side::Buy, 1, 100);
  b.at(base::minutes(4));
  b.send(stop(Side::Sell, 1, 99));
  b.path({100, 110, 98, 109});
  ASSERT_EQ(b.fills.size(), 2u);
  EXPECT_EQ(b.fills[1].price, px(99));
}

TEST(Limits, NeedATradeThrough) {
  Bench b;
  const auto id = b.send(limit(Side::Buy, 1, 99));
  b.show({100, 101, 99, 100});
  EXPECT_EQ(b.status(id), OrderStatus::New) << "a touch is not enough";
  b.show({100, 101, 98.99, 100});
  EXPECT_EQ(b.status(id), OrderStatus::Filled);
  ASSERT_EQ(b.fills.size(), 1u);
  EXPECT_EQ(b.fills[0].price, px(99));
  EXPECT_TRUE(b.fills[0].maker);
}

TEST(Limits, GetTheirOwnPriceAcrossAGap) {
  Bench b;
  const auto id = b.send(limit(Side::Buy, 1, 99));
  b.show({100, 101, 99.5, 100});
  b.open({95, 96, 94, 95});
  EXPECT_EQ(b.status(id), OrderStatus::Filled);
  EXPECT_EQ(b.fills.at(0).price, px(99)) << "a resting order trades at its price";
}

TEST(Limits, MarketableOnesTakeAndPayForIt) {
  auto config = plain();
  config.slippage = SlippageModel::Pessimistic;
  Bench b(config);
  const auto id = b.send(limit(Side::Buy, 1, 100.02));
  b.open({100, 101, 99, 100});
  EXPECT_EQ(b.status(id), OrderStatus::Filled);
  ASSERT_EQ(b.fills.size(), 1u);
  EXPECT_FALSE(b.fills[0].maker);
  EXPECT_EQ(b.fills[0].price, px(100.02)) << "slippage stops at the limit";
}

TEST(Limits, LateMarketableOnesTradeAtTheWorseOfOpenAndClose) {
  Bench b;
  b.send(limit(Side::Buy, 1, 50));
  b.open({100, 101, 99, 100});
  b.at(base::minutes(2));
  const auto a = b.send(limit(Side::Buy, 1, 103));
  const auto c = b.send(limit(Side::Buy, 1, 101));
  b.path({100, 105, 99, 102});
  EXPECT_EQ(b.status(a), OrderStatus::Filled);
  EXPECT_EQ(b.fills.at(0).price, px(102));
  EXPECT_EQ(b.status(c), OrderStatus::New) << "102 is beyond its limit";
}

TEST(Markets, AfterTheOpenGetTheWorseOfOpenAndClose) {
  Bench b;
  b.send(limit(Side::Buy, 1, 50));
  b.open({100, 101, 99, 100});
  b.at(base::minutes(2));
  b.send(market(Side::Buy, 1));
  b.path({100, 103, 99, 102});
  ASSERT_EQ(b.fills.size(), 1u);
  EXPECT_EQ(b.fills[0].price, px(102));
  b.open({102, 103, 101, 102});
  b.at(base::minutes(2));
  b.send(market(Side::Sell, 1, true));
  b.path({102, 104, 101, 103});
  ASSERT_EQ(b.fills.size(), 2u);
  EXPECT_EQ(b.fills[1].price, px(102));
}

TEST(Markets, InASymbolIdleAtTheOpenTradeInThePath) {
  Bench b;
  b.at(base::minutes(1));
  const auto id = b.send(market(Side::Buy, 1));
  b.path({100, 103, 99, 102});
  EXPECT_EQ(b.status(id), OrderStatus::Filled);
  EXPECT_EQ(b.fills.at(0).price, px(102));
}

TEST(Trailing, FollowsAndFiresOnTheWayBack) {
  Bench b;
  b.enter(Side::Buy, 1, 100);
  const auto id = b.send(trailing(Side::Sell, 1, 100));  // 1 %
  b.path({100, 100.5, 99.6, 100.4});                     // peak 100.5, level 99.495 → 99.5
  EXPECT_EQ(b.status(id), OrderStatus::New);
  b.show({100.4, 110, 100, 109.5});  // peak 110, level 108.9: the low is under it
  EXPECT_EQ(b.status(id), OrderStatus::Filled);
  EXPECT_EQ(b.fills.at(1).price, px(108.9));
}

TEST(Trailing, OldLevelFirst) {
  Bench b;
  b.enter(Side::Buy, 1, 100);
  b.send(trailing(Side::Sell, 1, 100));
  b.path({100, 100.5, 99.6, 100.4});
  b.show({100.4, 110, 99, 109.5});  // the low is under the level of before: that is the worse story
  EXPECT_EQ(b.fills.at(1).price, px(99.5));
}

TEST(Trailing, WaitsForItsActivation) {
  Bench b;
  b.enter(Side::Sell, 1, 100);
  const auto id = b.send(trailing(Side::Buy, 1, 100, 95));
  b.path({100, 104, 96, 97});
  EXPECT_EQ(b.status(id), OrderStatus::New);
  b.show({97, 97, 94, 94.2});  // active at 94, level 94.94: the high is beyond
  EXPECT_EQ(b.status(id), OrderStatus::Filled);
  EXPECT_EQ(b.fills.at(1).price, px(94.94));
}

TEST(Trailing, GapsFillAtTheOpen) {
  Bench b;
  b.enter(Side::Buy, 1, 100);
  b.send(trailing(Side::Sell, 1, 100));
  b.path({100, 100, 100, 100});
  b.open({90, 91, 89, 90});
  EXPECT_EQ(b.fills.at(1).price, px(90));
}

TEST(PartialFills, AMarketOrderContinuesAtTheNextOpens) {
  Bench b;
  const auto id = b.send(market(Side::Buy, 25));
  b.show({100, 101, 99, 100, 100});
  b.show({101, 102, 100, 101, 100});
  b.show({102, 103, 101, 102, 0});
  b.show({103, 104, 102, 103, 100});
  ASSERT_EQ(b.fills.size(), 3u) << "nothing without volume";
  EXPECT_EQ(b.fills[0].quantity, qty(10));
  EXPECT_EQ(b.fills[1].quantity, qty(10));
  EXPECT_EQ(b.fills[2].quantity, qty(5));
  EXPECT_EQ(b.fills[2].price, px(103));
  const auto r = b.of(id);
  EXPECT_EQ(r[1].status, OrderStatus::PartiallyFilled);
  EXPECT_EQ(r[1].filled, qty(10));
  EXPECT_EQ(r.back().status, OrderStatus::Filled);
  EXPECT_EQ(r.back().filled, qty(25));
  EXPECT_EQ(r.back().average_price, px(101));
}

TEST(PartialFills, ATriggeredStopKeepsSelling) {
  Bench b;
  b.enter(Side::Buy, 20, 100);
  const auto id = b.send(stop(Side::Sell, 20, 98));
  b.path({100, 100, 100, 100});
  b.show({100, 101, 97, 99, 120});
  EXPECT_EQ(b.status(id), OrderStatus::PartiallyFilled);
  b.show({105, 106, 104, 105, 1'000});
  EXPECT_EQ(b.status(id), OrderStatus::Filled);
  EXPECT_EQ(b.fills.at(1).quantity, qty(12));
  EXPECT_EQ(b.fills.at(2).price, px(105)) << "once triggered it is a market order";
}

TEST(PartialFills, OrdersShareTheBar) {
  Bench b;
  b.send(market(Side::Buy, 7));
  b.send(market(Side::Buy, 7));
  b.open({100, 101, 99, 100, 100});
  ASSERT_EQ(b.fills.size(), 2u);
  EXPECT_EQ(b.fills[0].quantity + b.fills[1].quantity, qty(10));
}

TEST(ReduceOnly, IsCutToThePosition) {
  Bench b;
  b.enter(Side::Buy, 2, 100);
  const auto id = b.send(market(Side::Sell, 5, true));
  const auto other = b.send(stop(Side::Sell, 2, 90));
  b.path({100, 100, 100, 100});
  EXPECT_EQ(b.status(id), OrderStatus::Filled);
  EXPECT_EQ(b.of(id).back().filled, qty(2));
  EXPECT_EQ(b.reason(other), VenueReason::PositionClosed);
  EXPECT_TRUE(b.holding().quantity.is_zero());
}

TEST(ReduceOnly, NeverOpensOrFlips) {
  base::Rng rng(3);
  for (int run = 0; run < 50; ++run) {
    Bench b;
    b.enter(Side::Buy, 3, 100);
    for (int i = 0; i < 6; ++i) {
      const double q = 1 + static_cast<double>(rng.below(4));
      const double away = 0.1 * static_cast<double>(1 + rng.below(20));
      b.send(rng.below(2) == 0 ? stop(Side::Sell, q, 100 - away) : target(Side::Sell, q, 100 + away));
    }
    b.path({100, 100 + rng.uniform(0, 2), 100 - rng.uniform(0, 2), 100});
    EXPECT_FALSE(b.holding().quantity.is_negative());
    if (b.holding().quantity.is_zero()) {
      EXPECT_TRUE(b.engine().open_orders(kA).empty());
    }
  }
}

TEST(Liquidation, IsolatedLosesItsMarginAndNoMore) {
  Bench b;
  b.leverage(20, MarginMode::Isolated);
  b.enter(Side::Buy, 100, 100);
  const Money before = b.engine().account().wallet();
  const auto id = b.send(limit(Side::Sell, 1, 120));
  b.path({100, 101, 94, 95});
  ASSERT_EQ(b.fills.size(), 2u);
  const auto& f = b.fills[1];
  EXPECT_EQ(f.kind, domain::FillKind::Liquidation);
  EXPECT_EQ(f.order.value, 0u);
  EXPECT_EQ(f.price, px(95.38)) << "at the liquidation price, rounded against us";
  EXPECT_EQ(b.reason(id), VenueReason::Liquidated);
  EXPECT_EQ(before - b.engine().account().wallet(), usd(500)) << "margin: the fee takes what the loss left";
  EXPECT_TRUE(b.engine().open_orders(kA).empty());
}

TEST(Liquidation, ShortMirror) {
  Bench b;
  b.leverage(20, MarginMode::Isolated);
  b.enter(Side::Sell, 100, 100);
  const Money before = b.engine().account().wallet();
  b.path({100, 106, 99, 105});
  ASSERT_EQ(b.fills.size(), 2u);
  EXPECT_EQ(b.fills[1].kind, domain::FillKind::Liquidation);
  EXPECT_EQ(b.fills[1].price, px(104.59));
  EXPECT_EQ(before - b.engine().account().wallet(), usd(500));
}

TEST(Liquidation, TheFeeIsAShareOfTheNotionalWhenMarginAllows) {
  auto config = plain();
  config.liquidation_fee_frac = 0.001;
  Bench b(config);
  b.leverage(20, MarginMode::Isolated);
  b.enter(Side::Buy, 100, 100);
  b.path({100, 101, 94, 95});
  EXPECT_EQ(b.fills.at(1).fee, usd(9.538));
}

TEST(Liquidation, ANearerStopSavesThePosition) {
  Bench b;
  b.leverage(20, MarginMode::Isolated);
  b.enter(Side::Buy, 100, 100);
  b.send(stop(Side::Sell, 100, 96));
  b.path({100, 101, 90, 95});
  ASSERT_EQ(b.fills.size(), 2u);
  EXPECT_EQ(b.fills[1].kind, domain::FillKind::Normal);
  EXPECT_EQ(b.fills[1].price, px(96));
}

TEST(Liquidation, AFartherStopDoesNot) {
  Bench b;
  b.leverage(20, MarginMode::Isolated);
  b.enter(Side::Buy, 100, 100);
  const auto id = b.send(stop(Side::Sell, 100, 94));
  b.path({100, 101, 90, 95});
  EXPECT_EQ(b.fills.at(1).kind, domain::FillKind::Liquidation);
  EXPECT_EQ(b.reason(id), VenueReason::Liquidated);
}

TEST(Liquidation, AGapPastBothLiquidatesAtNoWorseThanBankruptcy) {
  Bench b;
  b.leverage(20, MarginMode::Isolated);
  b.enter(Side::Buy, 100, 100);
  b.send(stop(Side::Sell, 100, 96));
  b.path({100, 101, 99, 100});
  const Money before = b.engine().account().wallet();
  b.open({80, 81, 79, 80});
  EXPECT_EQ(b.fills.at(1).kind, domain::FillKind::Liquidation);
  EXPECT_EQ(b.fills.at(1).price, px(95));
  EXPECT_TRUE(b.fills.at(1).fee.is_zero());
  EXPECT_EQ(before - b.engine().account().wallet(), usd(500));
}

TEST(Liquidation, APartlyFilledStopLeavesTheRestToIt) {
  Bench b;
  b.leverage(20, MarginMode::Isolated);
  b.enter(Side::Buy, 100, 100);
  b.send(stop(Side::Sell, 100, 96));
  b.path({100, 100, 100, 100});
  b.show({100, 101, 90, 95, 400});
  ASSERT_EQ(b.fills.size(), 3u);
  EXPECT_EQ(b.fills[1].quantity, qty(40));
  EXPECT_EQ(b.fills[2].kind, domain::FillKind::Liquidation);
  EXPECT_EQ(b.fills[2].quantity, qty(60));
}

TEST(Liquidation, CrossUsesTheWholeWallet) {
  Bench b;
  b.leverage(50, MarginMode::Cross);
  b.enter(Side::Buy, 1'000, 100);
  b.path({100, 100, 91, 95});
  EXPECT_EQ(b.fills.size(), 1u) << "9000 of 10 000 lost";
  b.show({95, 95, 90, 91});
  ASSERT_EQ(b.fills.size(), 2u);
  EXPECT_EQ(b.fills[1].kind, domain::FillKind::Liquidation);
  EXPECT_FALSE(b.engine().account().equity().is_negative());
}

TEST(Liquidation, FollowsTheMarkWhereThereIsOne) {
  Bench b;
  b.leverage(20, MarginMode::Isolated);
  b.engine().on_mark({kA, px(100), kStart - base::minutes(1)});
  b.enter(Side::Buy, 100, 100);
  b.path({100, 101, 94, 95});
  EXPECT_EQ(b.fills.size(), 1u) << "a wick of the last price does not liquidate";
  b.engine().on_mark({kA, px(95.2), b.slot()});
  b.collect(base::seconds(1));
  ASSERT_EQ(b.fills.size(), 2u);
  EXPECT_EQ(b.fills[1].kind, domain::FillKind::Liquidation);
  EXPECT_EQ(b.fills[1].price, px(95.2));
}

}  // namespace
}  // namespace qtrader::simvenue::testing
