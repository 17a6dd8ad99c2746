#include "core/ledger/margin.hpp"

#include <gtest/gtest.h>

#include "core/base/rng.hpp"
#include "core/ledger/test_instruments.hpp"

namespace qtrader::ledger {
namespace {

using namespace testing;  // NOLINT: px, qty, usd
using domain::Money;
using domain::Price;
using domain::Quantity;

constexpr double kCent = 0.01;

const domain::Instrument& btc() {
  static const domain::Instrument i = instrument("BTCUSDT", btc_brackets());
  return i;
}

/// An instrument whose only bracket has these numbers.
domain::Instrument flat_rate(const char* maintenance, const char* cumulative) {
  return instrument("XUSDT", {{usd("0"), usd("50000000000"), ratio(maintenance), usd(cumulative), 125}});
}

double liquidation(const domain::Instrument& i, const PositionAtRisk& p) { return liquidation_price(i, p).to_double(); }

/// A position entered at one price.
PositionAtRisk at(const char* quantity, const char* entry, const char* collateral) {
  return {qty(quantity), px(entry) * qty(quantity), usd(collateral)};
}

TEST(ValueOf, EqualsTheExactProductForAllMagnitudes) {
  base::Rng rng(11);
  for (int i = 0; i < 200'000; ++i) {
    const int price_bits = static_cast<int>(rng.below(52)) + 1, quantity_bits = static_cast<int>(rng.below(40)) + 1;
    const auto p = Price::from_raw(static_cast<std::int64_t>(rng.next() >> (64 - price_bits)));
    auto q = Quantity::from_raw(static_cast<std::int64_t>(rng.next() >> (64 - quantity_bits)));
    if (price_bits + quantity_bits > 88) continue;  // would not fit
    if (rng.below(2) == 0) q = -q;
    ASSERT_EQ(value_of(p, q), domain::multiply(p, q, domain::Rounding::HalfEven)) << p.raw() << " * " << q.raw();
  }
}

TEST(ValueOf, RoundsHalfToEven) {
  // 1e-8 · 0.5 = 0.5e-8 → 0;  3e-8 · 0.5 = 1.5e-8 → 2e-8; and the same below zero.
  EXPECT_EQ(value_of(Price::from_raw(1), qty("0.5")).raw(), 0);
  EXPECT_EQ(value_of(Price::from_raw(3), qty("0.5")).raw(), 2);
  EXPECT_EQ(value_of(Price::from_raw(3), qty("-0.5")).raw(), -2);
}

TEST(ValueOfDeath, OverflowStops) { EXPECT_DEATH(value_of(px("90000000000"), qty("2")), "overflow"); }

TEST(MaintenanceMargin, TakesTheBracketOfTheNotional) {
  EXPECT_EQ(maintenance_margin(btc(), usd("10000")), usd("40"));      // 10 000 · 0.4 %
  EXPECT_EQ(maintenance_margin(btc(), usd("50000")), usd("200"));     // 50 000 · 0.5 % − 50
  EXPECT_EQ(maintenance_margin(btc(), usd("-100000")), usd("450"));   // 100 000 · 0.5 % − 50
  EXPECT_EQ(maintenance_margin(btc(), usd("1000000")), usd("5550"));  // 1 000 000 · 0.65 % − 950
}

TEST(MaintenanceMargin, IsContinuousAtEveryBracketFloor) {
  for (const auto& b : btc_brackets()) {
    if (b.notional_floor.is_zero()) continue;
    const Money below = b.notional_floor - Money::from_raw(1);
    EXPECT_NEAR(maintenance_margin(btc(), below).to_double(), maintenance_margin(btc(), b.notional_floor).to_double(),
                1e-7);
  }
}

// Binance's own example ("How to calculate the liquidation price of USDⓈ-M futures contracts"), one-way, cross:
//   (1 535 443.01 − 71 200.81144 − 56 354.57 + 135 365 − 3 683.979 · 1 456.84) / (3 683.979 · 0.10 − 3 683.979)
// = (1 543 252.62856 − 5 366 967.97) / −3 315.5811 = 1 153.26
TEST(LiquidationPrice, PublishedExampleEth) {
  const Money collateral = usd("1535443.01") - usd("71200.81144") + usd("-56354.57");
  const PositionAtRisk p{qty("3683.979"), px("1456.84") * qty("3683.979"), collateral};
  EXPECT_NEAR(liquidation(flat_rate("0.10", "135365"), p), 1153.26, kCent);
}

//   (1 535 443.01 − 356 512.508 − 448 192.89 + 16 300 − 109.488 · 32 481.98) / (109.488 · 0.025 − 109.488)
// = (747 037.612 − 3 556 387.03) / −106.7508 = 26 316.89
TEST(LiquidationPrice, PublishedExampleBtc) {
  const Money collateral = usd("1535443.01") - usd("356512.508") + usd("-448192.89");
  const PositionAtRisk p{qty("109.488"), px("32481.98") * qty("109.488"), collateral};
  EXPECT_NEAR(liquidation(flat_rate("0.025", "16300"), p), 26316.89, kCent);
}

// Isolated long, 1 BTC at 20 000, 10×: margin 2 000. (20 000 − 2 000 − 0) / (1 − 0.004) = 18 000 / 0.996
TEST(LiquidationPrice, IsolatedLong) { EXPECT_NEAR(liquidation(btc(), at("1", "20000", "2000")), 18072.29, kCent); }

// Isolated short, the same: (2 000 + 0 + 20 000) / (1 + 0.004) = 22 000 / 1.004
TEST(LiquidationPrice, IsolatedShort) { EXPECT_NEAR(liquidation(btc(), at("-1", "20000", "2000")), 21912.35, kCent); }

// Long, falling from the second bracket into the first: 3 BTC at 20 000 (60 000), 5×: margin 12 000.
//   second: (60 000 − 12 000 − 50) / (3 · 0.995) = 47 950 / 2.985 = 16 063.65, worth 48 190.95: not in [50 000, 600
//   000) first:  (60 000 − 12 000 − 0) / (3 · 0.996) = 48 000 / 2.988 = 16 064.26, worth 48 192.77: in [0, 50 000)
TEST(LiquidationPrice, IsolatedLongFallsIntoALowerBracket) {
  EXPECT_NEAR(liquidation(btc(), at("3", "20000", "12000")), 16064.26, kCent);
}

// Short, rising from the first bracket into the second: 2 BTC at 24 000 (48 000), 10×: margin 4 800.
//   first:  (4 800 + 0 + 48 000) / (2 · 1.004) = 52 800 / 2.008 = 26 294.82, worth 52 589.64: not in [0, 50 000)
//   second: (4 800 + 50 + 48 000) / (2 · 1.005) = 52 850 / 2.01 = 26 293.53, worth 52 587.06: in [50 000, 600 000)
TEST(LiquidationPrice, IsolatedShortRisesIntoAHigherBracket) {
  EXPECT_NEAR(liquidation(btc(), at("-2", "24000", "4800")), 26293.53, kCent);
}

// Cross short, 10 BTC at 58 000 (580 000), 100 000 free:
//   second: (100 000 + 50 + 580 000) / (10 · 1.005) = 680 050 / 10.05 = 67 666.67, worth 676 666.67: not below 600 000
//   third:  (100 000 + 950 + 580 000) / (10 · 1.0065) = 680 950 / 10.065 = 67 655.24, worth 676 552.41: in [600 000, 3
//   M)
TEST(LiquidationPrice, CrossShortRisesIntoAHigherBracket) {
  EXPECT_NEAR(liquidation(btc(), at("-10", "58000", "100000")), 67655.24, kCent);
}

TEST(LiquidationPrice, NoneWithoutAPositionOrWithMoreMoneyThanNotional) {
  EXPECT_TRUE(liquidation_price(btc(), {}).is_zero());
  EXPECT_TRUE(liquidation_price(btc(), at("1", "20000", "20000")).is_zero());
  EXPECT_TRUE(liquidation_price(btc(), at("1", "20000", "50000")).is_zero());
  // A short of dust against a fortune: the price is beyond what a Price can hold.
  EXPECT_TRUE(liquidation_price(btc(), at("-0.001", "20000", "9000000000")).is_zero());
}

TEST(LiquidationPrice, AtThatPriceMarginBalanceEqualsMaintenance) {
  base::Rng rng(7);
  int solved = 0;
  for (int i = 0; i < 50'000; ++i) {
    const bool is_long = rng.below(2) == 0;
    const auto size = Quantity::from_double(rng.uniform(0.01, 1.0) * (rng.below(3) == 0 ? 2000 : 20));
    const Quantity q = is_long ? size : -size;
    const auto entry = Price::from_double(rng.uniform(1'000, 100'000));
    const Money cost = entry * q;
    const auto collateral = Money::from_double(cost.abs().to_double() * rng.uniform(0.008, 1.1));
    const Price price = liquidation_price(btc(), {q, cost, collateral});
    if (price.is_zero()) continue;
    const Money value = value_of(price, q);
    if (value.abs() >= btc().brackets.back().notional_cap) continue;  // beyond the table
    const Money balance = collateral + value - cost;
    const Money maintenance = maintenance_margin(btc(), value);
    // Two units of the last digit besides: what rounding does to a maintenance margin of a cent.
    ASSERT_NEAR(balance.to_double(), maintenance.to_double(), 1e-6 * maintenance.to_double() + 2e-8)
        << q.to_string() << " at " << entry.to_string() << " liquidates at " << price.to_string();
    ++solved;
  }
  EXPECT_GT(solved, 30'000);
}

TEST(LiquidationPrice, MoreCollateralIsAlwaysFarther) {
  base::Rng rng(8);
  for (int i = 0; i < 20'000; ++i) {
    const bool is_long = rng.below(2) == 0;
    const auto size = Quantity::from_double(rng.uniform(0.01, 50));
    const Quantity q = is_long ? size : -size;
    const Money cost = Price::from_double(rng.uniform(1'000, 100'000)) * q;
    const Money less = Money::from_double(cost.abs().to_double() * rng.uniform(0.01, 0.6));
    const Price near = liquidation_price(btc(), {q, cost, less});
    const Price far = liquidation_price(btc(), {q, cost, less + usd("10")});
    ASSERT_TRUE(is_long ? far <= near : far >= near) << near.to_string() << " " << far.to_string();
  }
}

// A table whose cumulative amounts are wrong makes maintenance margin jump at the floor: the first price met counts.
TEST(LiquidationPrice, ATableWithAJumpStillGivesTheFirstPriceMet) {
  const domain::Instrument i = instrument("XUSDT", {{usd("0"), usd("50000"), ratio("0.01"), usd("0"), 50},
                                                    {usd("50000"), usd("1000000"), ratio("0.10"), usd("0"), 10}});
  // Short 1 at 49 000 with 3 000: below 50 000 it needs 1 % (balance 2 000 at 50 000), from 50 000 on 10 %.
  EXPECT_EQ(liquidation_price(i, at("-1", "49000", "3000")), px("50000"));
  // Long 1 at 60 000 with 12 000: in the upper bracket (60 000 − 12 000) / 0.9 = 53 333.33.
  EXPECT_NEAR(liquidation(i, at("1", "60000", "12000")), 53333.33, kCent);
}

}  // namespace
}  // namespace qtrader::ledger
