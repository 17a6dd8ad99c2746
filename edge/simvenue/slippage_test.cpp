#include "edge/simvenue/slippage.hpp"

#include <gtest/gtest.h>

#include "edge/simvenue/venue_fixture.hpp"

namespace qtrader::simvenue {
namespace {

using testing::contract;
using testing::px;

TEST(Slippage, FollowsTheFormula) {
  // notional 1 % of the bar: 100 · 0.01 = 1, √1 = 1, 2 + 5 = 7 bps.
  EXPECT_DOUBLE_EQ(slippage_bps(SlippageModel::Realistic, 1'000, 100'000, 0.5).value, 7);
  EXPECT_DOUBLE_EQ(slippage_bps(SlippageModel::Pessimistic, 1'000, 100'000, 0.5).value, 14);
  EXPECT_DOUBLE_EQ(slippage_bps(SlippageModel::Realistic, 0, 100'000, 0.5).value, 2);
  EXPECT_EQ(slippage_bps(SlippageModel::None, 1'000, 100'000, 0.9).value, 0);
}

TEST(Slippage, JitterIsTwentyPercentEitherWay) {
  EXPECT_DOUBLE_EQ(slippage_bps(SlippageModel::Realistic, 1'000, 100'000, 0).value, 5.6);
  EXPECT_NEAR(slippage_bps(SlippageModel::Realistic, 1'000, 100'000, 0.9999999).value, 8.4, 1e-5);
}

TEST(Slippage, NeverBeyondTheCap) {
  for (const double volume : {0.0, 1.0, 1e3, 1e9})
    for (const double jitter : {0.0, 0.5, 0.999})
      EXPECT_LE(slippage_bps(SlippageModel::Pessimistic, 1e6, volume, jitter).value, kSlippageCapBps);
  EXPECT_EQ(slippage_bps(SlippageModel::Pessimistic, 1e6, 0, 0.5).value, kSlippageCapBps);
}

TEST(Slippage, GrowsWithSizeAndShrinksWithVolume) {
  double before = 0;
  for (double notional = 10; notional < 1e6; notional *= 2) {
    const double now = slippage_bps(SlippageModel::Realistic, notional, 1e7, 0.5).value;
    EXPECT_GE(now, before);
    before = now;
    EXPECT_LE(slippage_bps(SlippageModel::Realistic, notional, 2e7, 0.5).value, now);
  }
}

TEST(Slippage, PriceMovesAgainstTheSideAndStaysOnTheTick) {
  const auto i = contract("AUSDT");
  EXPECT_EQ(slipped_price(px(100), domain::Side::Buy, {10}, i), px(100.1));
  EXPECT_EQ(slipped_price(px(100), domain::Side::Sell, {10}, i), px(99.9));
  EXPECT_EQ(slipped_price(px(100), domain::Side::Buy, {0.1}, i), px(100.01));
  EXPECT_EQ(slipped_price(px(100), domain::Side::Sell, {0.1}, i), px(99.99));
  EXPECT_EQ(slipped_price(px(100), domain::Side::Sell, {0}, i), px(100));
  EXPECT_EQ(slipped_price(px(0.01), domain::Side::Sell, {50}, i), px(0.01)) << "never below a tick";
}

TEST(Slippage, DrawsDependOnTheKeyAlone) {
  const double first = keyed_uniform({1, 2, 3});
  keyed_uniform({9, 9, 9});
  EXPECT_EQ(keyed_uniform({1, 2, 3}), first);
  EXPECT_NE(keyed_uniform({1, 2, 4}), first);
  EXPECT_NE(keyed_uniform({1, 3, 3}), first);
  EXPECT_NE(keyed_uniform({2, 2, 3}), first);
  double sum = 0;
  for (std::uint64_t i = 0; i < 10'000; ++i) sum += keyed_uniform({5, i, 0});
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}

}  // namespace
}  // namespace qtrader::simvenue
