#include "core/execution/exit_plan.hpp"

#include <gtest/gtest.h>

#include "core/base/rng.hpp"
#include "core/execution/execution_fixture.hpp"

namespace qtrader::execution {
namespace {

using domain::PositionSide;

constexpr ExitMode kModes[] = {ExitMode::TrendFollow, ExitMode::FastTp, ExitMode::DefensiveTrail};

TEST(ExitProfileTable, IsTheSpecifiedMultipleOfAtr) {
  const ExitProfile trend = exit_profile(ExitMode::TrendFollow, 0.01);
  EXPECT_DOUBLE_EQ(trend.stop_frac, 0.015);
  EXPECT_NEAR(trend.target_frac, 0.045, 1e-15);
  EXPECT_NEAR(trend.trail_frac, 0.012, 1e-15);
  EXPECT_EQ(trend.partial_r, 2.0);
  const ExitProfile fast = exit_profile(ExitMode::FastTp, 0.01);
  EXPECT_NEAR(fast.target_frac, 0.025, 1e-15);
  EXPECT_NEAR(fast.trail_frac, 0.008, 1e-15);
  EXPECT_EQ(fast.partial_r, 0.0) << "no partial in this mode";
  EXPECT_DOUBLE_EQ(fast.trail_start_r, 1.25) << "2R lies beyond its target at 1.67R";
  const ExitProfile defensive = exit_profile(ExitMode::DefensiveTrail, 0.01);
  EXPECT_DOUBLE_EQ(defensive.stop_frac, 0.012);
  EXPECT_NEAR(defensive.target_frac, 0.03, 1e-15);
  EXPECT_NEAR(defensive.trail_frac, 0.006, 1e-15);
}

TEST(ExitProfileTable, KeepsItsInvariantsAtEveryVolatility) {
  base::Rng rng(1);
  for (int i = 0; i < 2'000; ++i) {
    const double atr = rng.uniform(1e-5, 0.2);
    for (const ExitMode mode : kModes) {
      const ExitProfile p = exit_profile(mode, atr);
      EXPECT_GE(p.stop_frac, kStopFracMin);
      EXPECT_LE(p.stop_frac, kStopFracMax);
      const auto valid = validate(p);
      EXPECT_TRUE(valid.ok()) << valid.error().message();
    }
  }
}

TEST(ExitProfileValidation, RefusesTargetsThatWouldNeverBeReached) {
  ExitProfile p = test_exits();
  p.partial_r = 3.0;  // the target's R
  EXPECT_FALSE(validate(p).ok());
  p = test_exits();
  p.trail_start_r = 3.1;
  EXPECT_FALSE(validate(p).ok());
  p.trail_start_r = 3.0;
  EXPECT_TRUE(validate(p).ok());
}

TEST(ExitProfileValidation, NamesTheFieldOutOfRange) {
  const auto refused = [](auto change, const std::string& field) {
    ExitProfile p = test_exits();
    change(p);
    const auto result = validate(p);
    ASSERT_FALSE(result.ok()) << field;
    EXPECT_NE(result.error().context.find(field), std::string::npos) << result.error().context;
  };
  refused([](ExitProfile& p) { p.stop_frac = 0; }, "stop_frac");
  refused([](ExitProfile& p) { p.stop_frac = 2.0; }, "stop_frac");  // percent given for a fraction (incident 7)
  refused([](ExitProfile& p) { p.target_frac = 0.5; }, "target_frac");
  refused([](ExitProfile& p) { p.partial_share = 1; }, "partial_share");
  refused([](ExitProfile& p) { p.trail_frac = 0; }, "trail_frac");
  refused([](ExitProfile& p) { p.breakeven_r = -1; }, "breakeven_r");
  refused([](ExitProfile& p) { p.time_exit_s = -1; }, "time_exit_s");
  refused([](ExitProfile& p) { p.stop_frac = std::nan(""); }, "stop_frac");
}

TEST(ExecutionConfigValidation, BoundsTheUnprotectedTime) {
  EXPECT_TRUE(validate(ExecutionConfig{}).ok());
  ExecutionConfig c;
  c.stop_confirm_ms = 3'334;
  EXPECT_FALSE(validate(c).ok()) << "three attempts would leave a position naked for more than 10 s";
  c = {};
  c.stop_attempts = 0;
  EXPECT_FALSE(validate(c).ok());
}

TEST(ExitLevelsTest, AreOfTheActualFillOnTheTickGrid) {
  const auto i = test_instrument("X");
  const auto up = exit_levels(test_exits(), PositionSide::Long, price(101.23), i);
  ASSERT_TRUE(up.ok());
  EXPECT_EQ(up->stop, price(99.3));     // 99.2054 would be wider when rounded down
  EXPECT_EQ(up->target, price(107.3));  // 107.3038
  EXPECT_EQ(up->risk_per_unit, price(1.93));
  EXPECT_EQ(up->partial, price(105.0));  // 101.23 + 2·1.93 = 105.09
  const auto down = exit_levels(test_exits(), PositionSide::Short, price(101.23), i);
  ASSERT_TRUE(down.ok());
  EXPECT_EQ(down->stop, price(103.2));   // 103.2546
  EXPECT_EQ(down->target, price(95.2));  // 95.1562
}

TEST(ExitLevelsTest, DirectionHoldsAndRoundingNeverWidens) {
  base::Rng rng(2);
  for (int n = 0; n < 20'000; ++n) {
    domain::Instrument i = test_instrument("X");
    i.tick_size = domain::Price::from_raw(1 + static_cast<std::int64_t>(rng.below(5'000'000)));
    const PositionSide side = rng.below(2) == 0 ? PositionSide::Long : PositionSide::Short;
    const domain::Price entry = domain::Price::from_raw(1 + static_cast<std::int64_t>(rng.below(100'000'000'000)));
    const ExitProfile p = exit_profile(kModes[rng.below(3)], rng.uniform(0.001, 0.05));
    const auto l = exit_levels(p, side, entry, i);
    if (!l) continue;  // a tick as coarse as the distance
    EXPECT_TRUE(check_direction(side, *l).ok());
    EXPECT_TRUE(tighter(side, l->entry, l->stop));
    EXPECT_TRUE(tighter(side, l->target, l->entry));
    EXPECT_LE(l->risk_per_unit, entry * domain::Ratio::from_double(p.stop_frac));
    EXPECT_LE((l->target - entry).abs(), entry * domain::Ratio::from_double(p.target_frac));
    if (l->partial.is_positive()) {
      EXPECT_TRUE(tighter(side, l->partial, l->entry));
      EXPECT_TRUE(tighter(side, l->target, l->partial));
    }
    EXPECT_EQ(l->stop.raw() % i.tick_size.raw(), 0);
  }
}

TEST(ExitLevelsTest, AStopOnTheWrongSideIsAnErrorNotACorrection) {
  domain::Instrument i = test_instrument("X");
  i.tick_size = price(10);  // 98 rounds up to 100, the entry itself
  EXPECT_FALSE(exit_levels(test_exits(), PositionSide::Long, price(100), i).ok());
  EXPECT_FALSE(exit_levels(test_exits(), PositionSide::Long, price(0), i).ok());
  ExitLevels short_with_long_stop{price(100), price(98), price(94), {}, price(2)};  // incident 6
  EXPECT_FALSE(check_direction(PositionSide::Short, short_with_long_stop).ok());
  ExitLevels negative_target{price(100), price(102), price(-5), {}, price(2)};  // incident 7
  EXPECT_FALSE(check_direction(PositionSide::Short, negative_target).ok());
}

TEST(Breakeven, CoversWhateverIsLarger) {
  const auto i = test_instrument("X");
  EntryCost cost{PositionSide::Long, price(100), qty(10), usd(0.4), usd(0)};
  EXPECT_EQ(breakeven_level(cost, i), price(100.1));  // 0.04 + 0.04 < 0.1
  cost.fees = usd(2.1);                               // 0.21 + 0.04
  EXPECT_EQ(breakeven_level(cost, i), price(100.3));
  cost.side = PositionSide::Short;
  EXPECT_EQ(breakeven_level(cost, i), price(99.7));
  cost.funding = usd(-2);  // paid
  EXPECT_EQ(breakeven_level(cost, i), price(99.5));
  cost.funding = usd(50);  // received: the minimum remains
  EXPECT_EQ(breakeven_level(cost, i), price(99.9));
}

TEST(Partial, IsDroppedWhenEitherPartWouldBeIllegal) {
  const auto i = test_instrument("X");
  EXPECT_EQ(partial_quantity(test_exits(), qty(0.101), price(1000), i), qty(0.05));
  EXPECT_EQ(partial_quantity(test_exits(), qty(0.001), price(100'000), i), qty(0)) << "half a step";
  EXPECT_EQ(partial_quantity(test_exits(), qty(0.08), price(100), i), qty(0)) << "4 USDT, below the minimum notional";
}

}  // namespace
}  // namespace qtrader::execution
