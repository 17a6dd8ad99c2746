#include "core/risk/sizing.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/rng.hpp"
#include "core/ledger/test_instruments.hpp"

namespace qtrader::risk {
namespace {

using namespace ledger::testing;  // NOLINT: px, qty, usd
using domain::Money;
using domain::PositionSide;
using domain::PositionSized;
using domain::Price;

const domain::Instrument& btc() {
  static const domain::Instrument i = instrument("BTCUSDT", btc_brackets());
  return i;
}

SizingInput usual() {
  SizingInput in;
  in.equity = in.available = usd("10000");
  in.price = px("20000");
  in.stop = px("19700");  // 1.5 %
  in.confidence = 0.7;
  in.atr_frac = 0.01;
  in.round_trip_cost = ratio("0.001");
  return in;
}

PositionSized sized(const SizingInput& in, const Limits& limits = {}) {
  auto out = size_position(in, btc(), limits);
  if (const auto* no = std::get_if<SizingRefusal>(&out)) ADD_FAILURE() << "refused: " << no->rule;
  return std::get_if<PositionSized>(&out) != nullptr ? std::get<PositionSized>(out) : PositionSized{};
}

std::string refusal(const SizingInput& in, const Limits& limits = {}) {
  const auto out = size_position(in, btc(), limits);
  const auto* no = std::get_if<SizingRefusal>(&out);
  return no != nullptr ? no->rule : "accepted";
}

double step(const PositionSized& p, const std::string& name) {
  for (const auto& s : p.steps)
    if (s.name == name) return s.result;
  ADD_FAILURE() << "no step " << name;
  return std::numeric_limits<double>::quiet_NaN();
}

// 10 000 · 1 % = 100 at risk; 100 / (0.015 + 0.001) = 6 250 → 0.312 BTC = 6 240; margin at most 8 % = 800 → 8×,
// but the limit is 5× → 4 000 → 0.2 BTC.
TEST(Sizing, TheMarginBudgetCapsWhatTheLeverageLimitAllows) {
  const auto p = sized(usual());
  EXPECT_EQ(p.quantity, qty("0.2"));
  EXPECT_EQ(p.notional, usd("4000"));
  EXPECT_EQ(p.leverage.value, 5);
  EXPECT_EQ(p.margin, usd("800"));
  EXPECT_EQ(p.risk, usd("64"));  // 0.2 · 300 + 4 000 · 0.1 %
  EXPECT_DOUBLE_EQ(step(p, "notional_usd"), 6250);
  EXPECT_DOUBLE_EQ(step(p, "margin_budget_usd"), 800);
}

TEST(Sizing, TheLowestLeverageThatFitsTheMarginBudget) {
  Limits limits;
  limits.max_leverage = 20;
  const auto p = sized(usual(), limits);
  EXPECT_EQ(p.quantity, qty("0.312"));
  EXPECT_EQ(p.leverage.value, 8);   // 6 240 / 800 = 7.8
  EXPECT_EQ(p.margin, usd("780"));  // 6 240 / 8
  EXPECT_EQ(p.risk, usd("99.84"));  // 0.312 · 300 + 6 240 · 0.1 %, within the 100
}

TEST(Sizing, AStopWithinTheNoiseOfThePredictionShrinksTheSize) {
  Limits limits;
  limits.max_leverage = 20;
  SizingInput in = usual();
  const auto plain = sized(in, limits);
  in.adverse_bound_frac = 0.03;  // the stop is at 1.5 %
  const auto half = sized(in, limits);
  EXPECT_DOUBLE_EQ(step(half, "adverse_bound_frac"), 0.03);
  EXPECT_DOUBLE_EQ(step(half, "interval_factor"), 0.5);
  EXPECT_EQ(half.quantity, qty("0.156"));
  EXPECT_LE((half.notional * ratio("0.03")).to_double(), 100) << "a move to the bound costs the risk budget at most";
  in.adverse_bound_frac = 10;
  EXPECT_DOUBLE_EQ(step(sized(in, limits), "interval_factor"), 0.25);
  for (const double near : {0.0, 1e-9, 0.01, 0.015}) {
    in.adverse_bound_frac = near;
    EXPECT_EQ(sized(in, limits).quantity, plain.quantity) << near << " never enlarges";
  }
  for (const auto& s : plain.steps) EXPECT_NE(s.name, "interval_factor") << "not known: no such step";
  for (const double bad : {-0.01, std::numeric_limits<double>::quiet_NaN()}) {
    in.adverse_bound_frac = bad;
    EXPECT_EQ(refusal(in), "bad_input");
  }
}

TEST(Sizing, EveryFactorAppearsOnceAndMultiplies) {
  Limits limits;
  limits.max_leverage = 20;
  auto in = usual();
  in.confidence = 0.9;
  in.policy_factor = 0.7;
  in.size_factor = 0.5;
  in.learned_scale = 9;  // taken to 1.25
  const auto p = sized(in, limits);
  EXPECT_DOUBLE_EQ(step(p, "base_risk_frac"), 0.01);
  EXPECT_DOUBLE_EQ(step(p, "policy_factor"), 0.7);
  EXPECT_DOUBLE_EQ(step(p, "confidence_factor"), 1.5);
  EXPECT_DOUBLE_EQ(step(p, "protective_factor"), 0.5);
  EXPECT_DOUBLE_EQ(step(p, "risk_frac"), 0.01 * 0.7 * 1.5 * 0.5);
  EXPECT_DOUBLE_EQ(step(p, "learned_scale"), 1.25);
  EXPECT_NEAR(step(p, "capped_notional_usd"), 52.5 / 0.016 * 1.25, 1e-6);
}

TEST(Sizing, ConfidenceScalesRiskUnlessItIsNotProbabilistic) {
  auto in = usual();
  const auto factor = [&](double confidence) {
    in.confidence = confidence;
    return step(sized(in), "confidence_factor");
  };
  EXPECT_EQ(factor(0.85), 1.5);
  EXPECT_EQ(factor(0.84), 1.0);
  EXPECT_EQ(factor(0.60), 1.0);
  EXPECT_EQ(factor(0.59), 0.5);
  EXPECT_EQ(factor(-1), 1.0);
}

TEST(Sizing, RiskIsClampedAboveAndSkippedBelow) {
  Limits limits;
  limits.risk_per_trade_frac = 0.014;
  auto in = usual();
  in.confidence = 0.9;  // 1.4 % · 1.5 = 2.1 %
  EXPECT_DOUBLE_EQ(step(sized(in, limits), "risk_frac"), 0.015);
  in = usual();
  in.size_factor = 0.25;  // exactly the 0.25 % that is still taken
  EXPECT_DOUBLE_EQ(step(sized(in), "risk_frac"), 0.0025);
  in.size_factor = 0.24;
  EXPECT_EQ(refusal(in), "risk_too_small");
  in.size_factor = 0;
  EXPECT_EQ(refusal(in), "risk_too_small");
}

TEST(Sizing, RefusesWhatItCannotSize) {
  const auto with = [](auto change) {
    auto in = usual();
    change(in);
    return refusal(in);
  };
  EXPECT_EQ(with([](auto& i) { i.atr_frac = 0; }), "no_atr");
  EXPECT_EQ(with([](auto& i) { i.atr_frac = std::numeric_limits<double>::quiet_NaN(); }), "bad_input");
  EXPECT_EQ(with([](auto& i) { i.size_factor = 1.5; }), "bad_input");
  EXPECT_EQ(with([](auto& i) { i.price = {}; }), "bad_input");
  EXPECT_EQ(with([](auto& i) { i.equity = {}; }), "no_equity");
  EXPECT_EQ(with([](auto& i) { i.stop = px("20100"); }), "stop_side");
  EXPECT_EQ(with([](auto& i) { i.side = PositionSide::Short; }), "stop_side");
  EXPECT_EQ(with([](auto& i) { i.stop = px("19990"); }), "stop_distance");
  EXPECT_EQ(with([](auto& i) { i.stop = px("19000"); }), "stop_distance");
  EXPECT_EQ(with([](auto& i) { i.available = {}; }), "no_margin");
  EXPECT_EQ(with([](auto& i) { i.equity = i.available = usd("60"); }), "below_min_notional");
  EXPECT_EQ(with([](auto& i) { i.equity = i.available = usd("1"); }), "below_min_quantity");
}

TEST(Sizing, AStopNearLiquidationLowersTheLeverageAndNotTheStop) {
  Limits limits;
  limits.max_leverage = 25;
  auto in = usual();
  in.atr_frac = 0.004;    // the envelope allows 25×
  in.stop = px("19300");  // 3.5 %: needs 3.5 / 0.6 = 5.84 % to liquidation
  const auto p = sized(in, limits);
  // 1/L − 0.4 % − 0.1 % ≥ 5.84 % → L ≤ 15
  EXPECT_EQ(step(p, "max_leverage"), 15);
}

TEST(Sizing, RefusesWhenNoLeverageKeepsTheStopInside) {
  // With 97 % maintenance margin even an unlevered short is liquidated (1 + 1) / 1.97 − 1 = 1.5 % away.
  const auto i = instrument("XUSDT", {{usd("0"), usd("50000000000"), ratio("0.97"), usd("0"), 25}});
  auto in = usual();
  in.side = PositionSide::Short;
  in.stop = px("20300");
  const auto out = size_position(in, i, {});
  ASSERT_TRUE(std::holds_alternative<SizingRefusal>(out));
  EXPECT_EQ(std::get<SizingRefusal>(out).rule, "stop_beyond_liquidation");
  EXPECT_FALSE(std::get<SizingRefusal>(out).steps.empty());
}

TEST(Sizing, AFloodOfEquityStopsAtTheMarketLotLimit) {
  auto in = usual();
  in.equity = in.available = usd("900000000");
  EXPECT_EQ(sized(in).quantity, btc().max_market_quantity);
}

TEST(LossAtStop, IsTheDistanceTimesQuantityPlusCosts) {
  const EntryAtRisk e{PositionSide::Short, qty("0.5"), px("20000"), px("20300"), ratio("0.0012")};
  EXPECT_EQ(loss_at_stop(e), usd("162"));  // 150 + 10 000 · 0.12 %
}

TEST(LiquidationDistance, IsTheIsolatedDistanceOfBothSides) {
  const EntryAtRisk long_entry{PositionSide::Long, qty("1"), px("20000"), px("19800"), {}};
  EXPECT_NEAR(liquidation_distance(long_entry, {10}, btc()), (20000 - 18072.289157) / 20000, 1e-9);
  const EntryAtRisk short_entry{PositionSide::Short, qty("1"), px("20000"), px("20200"), {}};
  EXPECT_NEAR(liquidation_distance(short_entry, {10}, btc()), (21912.350598 - 20000) / 20000, 1e-9);
  EXPECT_EQ(liquidation_distance(long_entry, {1}, btc()), 1);  // unlevered: only at zero
}

TEST(SizingProperty, AgreesWithItselfAndNeverRisksMoreThanItsBudget) {
  base::Rng rng(21);
  int accepted = 0;
  for (int n = 0; n < 100'000; ++n) {
    Limits limits;
    limits.max_leverage = static_cast<std::int32_t>(rng.below(25)) + 1;
    SizingInput in;
    in.equity = Money::from_double(rng.uniform(100, 3'000'000));
    in.available = Money::from_double(in.equity.to_double() * rng.uniform());
    in.price = Price::from_double(rng.uniform(0.5, 90'000));
    in.side = rng.below(2) == 0 ? PositionSide::Long : PositionSide::Short;
    in.stop = in.price * domain::Ratio::from_double(1 - domain::sign(in.side) * rng.uniform(0.001, 0.045));
    in.confidence = rng.uniform(-0.5, 1);
    in.atr_frac = rng.uniform(0.0005, 0.05);
    in.size_factor = rng.uniform(0.2, 1);
    in.policy_factor = rng.uniform(0.3, 1);
    in.learned_scale = rng.uniform(0, 2);
    in.round_trip_cost = domain::Ratio::from_double(rng.uniform(0, 0.004));
    const auto out = size_position(in, btc(), limits);
    if (!std::holds_alternative<PositionSized>(out)) continue;
    ++accepted;
    const auto& p = std::get<PositionSized>(out);
    const double equity = in.equity.to_double();
    const EntryAtRisk e{in.side, p.quantity, in.price, in.stop, in.round_trip_cost};
    ASSERT_EQ(p.notional, in.price * p.quantity);
    ASSERT_EQ(p.margin, p.leverage.margin_for(p.notional));
    ASSERT_EQ(p.quantity, btc().round_quantity_down(p.quantity));
    ASSERT_GE(p.notional, btc().min_notional);
    ASSERT_EQ(p.risk, loss_at_stop(e));
    ASSERT_LE(p.risk.to_double(), equity * limits.risk_per_trade_max_frac);
    ASSERT_LE(p.risk.to_double(), step(p, "risk_usd") * step(p, "learned_scale"));
    ASSERT_LE(p.leverage.value, step(p, "max_leverage"));
    ASSERT_LE(p.leverage.value, limits.max_leverage);
    ASSERT_LE(p.leverage.value, btc().bracket_for(p.notional).max_leverage);
    ASSERT_LE(p.margin.to_double(), step(p, "margin_budget_usd"));
    ASSERT_LE(p.margin, in.available);
    // The stop stays inside the buffer at every leverage (ai.md 8, test 10).
    const double stop = ((in.price - in.stop).abs() / in.price).to_double();
    const double distance = liquidation_distance(e, p.leverage, btc()) - in.round_trip_cost.to_double();
    ASSERT_LE(stop, limits.stop_to_liquidation_max_frac * distance + 1e-9);
    ASSERT_GE(distance - stop, limits.liquidation_buffer_frac - 1e-9);
    if (p.leverage.value > 1) {
      const domain::Leverage lower{p.leverage.value - 1};
      ASSERT_GT(lower.margin_for(p.notional).to_double(), step(p, "margin_budget_usd") - 1e-7);
    }
  }
  EXPECT_GT(accepted, 20'000);
}

TEST(SizingProperty, LongAndShortAreSymmetric) {
  base::Rng rng(22);
  for (int n = 0; n < 5'000; ++n) {
    auto in = usual();
    in.equity = in.available = Money::from_double(rng.uniform(5'000, 100'000));
    const auto distance = Price::from_double(20'000 * rng.uniform(0.003, 0.03));
    in.stop = in.price - distance;
    const auto a = sized(in);
    in.side = PositionSide::Short;
    in.stop = in.price + distance;
    const auto b = sized(in);
    ASSERT_EQ(a.quantity, b.quantity);
    ASSERT_EQ(a.risk, b.risk);
  }
}

}  // namespace
}  // namespace qtrader::risk
