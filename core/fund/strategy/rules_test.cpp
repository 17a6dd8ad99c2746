#include "core/fund/strategy/rules.hpp"

#include <gtest/gtest.h>

#include "core/base/rng.hpp"

namespace qtrader::fund {
namespace {

domain::Bar bar(double close) {
  domain::Bar b;
  b.open = b.high = b.low = b.close = domain::Price::from_double(close);
  return b;
}

TEST(EmaCross, SignalsOnlyAtTheCross) {
  EmaCrossState s;
  for (int i = 0; i < 60; ++i) s.push(bar(100 - i * 0.1));
  EXPECT_EQ(s.wish(), domain::Action::Hold);  // already below: no cross
  int buys = 0, sells = 0;
  for (int i = 0; i < 60; ++i) {
    s.push(bar(94 + i * 0.5));
    buys += s.wish() == domain::Action::Buy;
    sells += s.wish() == domain::Action::Sell;
  }
  EXPECT_EQ(buys, 1);
  EXPECT_EQ(sells, 0);
}

TEST(EmaCross, IsSymmetricOnMirroredPrices) {
  EmaCrossState up, down;
  for (int i = 0; i < 400; ++i) {
    const double wave = (i % 80 < 40 ? i % 80 : 80 - i % 80) * 0.25;
    up.push(bar(100 + wave));
    down.push(bar(100 - wave));
    EXPECT_EQ(static_cast<int>(up.wish()) - 1, 1 - static_cast<int>(down.wish())) << i;
  }
}

TEST(Donchian, BreaksOnlyBeyondThePreviousExtreme) {
  DonchianState s;
  for (int i = 0; i < 20; ++i) s.push(bar(100 + i % 3));
  s.push(bar(102));
  EXPECT_EQ(s.wish(), domain::Action::Hold) << "touching the extreme is no breakout";
  s.push(bar(102.01));
  EXPECT_EQ(s.wish(), domain::Action::Buy);
  s.push(bar(99.9));
  EXPECT_EQ(s.wish(), domain::Action::Sell);
}

TEST(Rsi, MatchesWildersWorkedExample) {
  // StockCharts ChartSchool's RSI table: first RSI(14) is 70.46 after these fifteen closes.
  const double closes[] = {44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245,
                           45.8433, 46.0826, 45.8931, 46.0328, 45.6140, 46.2820, 46.2820};
  RsiState s;
  for (const double c : closes) s.push(bar(c));
  EXPECT_NEAR(s.rsi(), 70.46, 0.1);
}

TEST(Rsi, SignalsOnReturnFromOversold) {
  RsiState s;
  for (int i = 0; i < 40; ++i) s.push(bar(100 - i));
  EXPECT_EQ(s.wish(), domain::Action::Hold);
  bool bought = false;
  for (int i = 0; i < 10; ++i) {
    s.push(bar(61 + i * 3));
    bought = bought || s.wish() == domain::Action::Buy;
    EXPECT_NE(s.wish(), domain::Action::Sell);
  }
  EXPECT_TRUE(bought);
}

TEST(RuleStrategies, UnknownNameListsTheKnownOnes) {
  const auto made = make_rule_strategy("magic", 1);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().context.find("donchian_breakout"), std::string::npos);
}

TEST(RuleStrategies, SnapshotContinuesIdentically) {
  for (const char* name : {"ema_cross", "donchian_breakout", "rsi_reversion"}) {
    auto a = make_rule_strategy(name, 1);
    auto b = make_rule_strategy(name, 1);
    ASSERT_TRUE(a && b);
    base::Rng rng(7);
    double price = 100;
    const auto step = [&] { return price *= 1 + 0.01 * rng.normal(); };
    for (int i = 0; i < 100; ++i) (*a)->on_primary_bar({0}, bar(step()));
    base::Bytes bytes;
    base::Writer w(bytes);
    (*a)->archive(w);
    base::Reader r(bytes);
    (*b)->archive(r);
    ASSERT_TRUE(r.complete());
    const market::SymbolMarket none;
    for (int i = 0; i < 300; ++i) {
      const auto next = bar(step());
      (*a)->on_primary_bar({0}, next);
      (*b)->on_primary_bar({0}, next);
      EXPECT_EQ((*a)->evaluate({{0}, none, nullptr, 0, {}}).action, (*b)->evaluate({{0}, none, nullptr, 0, {}}).action);
    }
  }
}

}  // namespace
}  // namespace qtrader::fund
