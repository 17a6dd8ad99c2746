#include "edge/report/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/rng.hpp"
#include "edge/report/curve.hpp"

namespace qtrader::report {
namespace {

using base::Timestamp;
using domain::Money;

const Timestamp kStart = base::from_civil({2024, 1, 30});

TEST(EquityStatistics, DailyReturnsUseClosingEquityOfUtcDaysAndMidnightBelongsToTheDayItEnds) {
  EquityStatistics e(1000, base::hours(12));
  e.add(kStart + base::hours(12), 990, true);
  e.add(kStart + base::hours(24), 1100, false);  // closes 30 January
  e.add(kStart + base::hours(36), 1050, true);
  e.add(kStart + base::hours(48), 1045, true);     // closes 31 January
  e.add(kStart + base::hours(60), 1149.5, false);  // half of 1 February
  const std::vector<double> daily = e.daily_returns();
  ASSERT_EQ(daily.size(), 3u);
  EXPECT_NEAR(daily[0], 0.1, 1e-12);
  EXPECT_NEAR(daily[1], -0.05, 1e-12);
  EXPECT_NEAR(daily[2], 0.1, 1e-12);
  EXPECT_NEAR(*e.total_return(), 0.1495, 1e-12);
  EXPECT_NEAR(e.days(), 2.5, 1e-12);
  EXPECT_NEAR(*e.cagr(), std::pow(1.1495, 365 / 2.5) - 1, 1e-6 * std::pow(1.1495, 146));
  EXPECT_NEAR(*e.exposure(), 3.0 / 5, 1e-12);
  const auto months = e.months();
  ASSERT_EQ(months.size(), 2u);
  EXPECT_EQ(months[0].month, 1);
  EXPECT_NEAR(*months[0].return_frac(), 0.045, 1e-12);
  EXPECT_NEAR(*months[1].return_frac(), 0.1, 1e-12);
}

TEST(EquityStatistics, DrawdownSeesEverySampleAndUnderwaterEndsAtRecovery) {
  EquityStatistics e(1000, base::days(1));
  const double values[] = {1200, 900, 1000, 1199, 1200, 1300, 1235};
  for (std::size_t i = 0; i < std::size(values); ++i)
    e.add(kStart + base::days(static_cast<std::int64_t>(i) + 1), values[i], true);
  EXPECT_NEAR(e.max_drawdown(), 0.25, 1e-12);
  EXPECT_EQ(e.drawdown_from(), kStart + base::days(1));
  EXPECT_EQ(e.drawdown_at(), kStart + base::days(2));
  EXPECT_NEAR(e.longest_underwater_days(), 4, 1e-12);  // from 1200 to 1200 again
  EXPECT_NEAR(e.drawdown(), 0.05, 1e-12);
  EXPECT_NEAR(*e.ulcer(), std::sqrt((0.0625 + 1 / 36.0 + std::pow(1 / 1200.0, 2) + 0.0025) / 7), 1e-12);
  EXPECT_EQ(e.lowest(), 900);
}

TEST(EquityStatistics, ALossFromTheFirstBarIsADrawdownFromTheInitialWallet) {
  EquityStatistics e(1000, base::days(1));
  e.add(kStart + base::days(1), 800, true);
  e.add(kStart + base::days(2), 850, true);
  EXPECT_NEAR(e.max_drawdown(), 0.2, 1e-12);
  EXPECT_NEAR(e.longest_underwater_days(), 2, 1e-12);  // not recovered
}

TEST(EquityStatistics, AgreesWithARecomputationFromAllSamples) {
  base::Rng rng(5);
  std::vector<double> equity;
  EquityStatistics e(1000, base::hours(1));
  double now = 1000;
  for (int i = 1; i <= 5000; ++i) {
    now *= 1 + 0.01 * rng.normal();
    equity.push_back(now);
    e.add(kStart + base::hours(i), now, rng.uniform() < 0.5);
  }
  double peak = 1000, worst = 0;
  for (const double x : equity) {
    peak = std::max(peak, x);
    worst = std::max(worst, (peak - x) / peak);
  }
  EXPECT_NEAR(e.max_drawdown(), worst, 1e-12);
  std::vector<double> daily;
  double before = 1000;
  for (std::size_t i = 23; i < equity.size() + 23; i += 24) {
    const double close = equity[std::min(i, equity.size() - 1)];
    daily.push_back(close / before - 1);
    before = close;
  }
  const std::vector<double> got = e.daily_returns();
  ASSERT_EQ(got.size(), daily.size());
  for (std::size_t i = 0; i < daily.size(); ++i) EXPECT_NEAR(got[i], daily[i], 1e-12);
  const double mean = std::accumulate(daily.begin(), daily.end(), 0.0) / static_cast<double>(daily.size());
  double squares = 0, downside = 0;
  for (const double r : daily) squares += (r - mean) * (r - mean), downside += r < 0 ? r * r : 0;
  const double n = static_cast<double>(daily.size());
  EXPECT_NEAR(*sharpe(got), mean / std::sqrt(squares / (n - 1)) * std::sqrt(365.0), 1e-9);
  EXPECT_NEAR(*sortino(got), mean / std::sqrt(downside / n) * std::sqrt(365.0), 1e-9);
  double product = 1;
  for (const MonthReturn& m : e.months()) product *= 1 + *m.return_frac();
  EXPECT_NEAR(product - 1, *e.total_return(), 1e-9);
}

TEST(EquityStatistics, WhatIsNotDefinedIsAbsent) {
  const EquityStatistics none(1000, base::hours(1));
  EXPECT_FALSE(none.total_return() || none.cagr() || none.exposure() || none.ulcer() || none.mean_equity());
  EXPECT_TRUE(none.daily_returns().empty());
  EXPECT_FALSE(sharpe({}) || sharpe({0.1}) || sharpe({0.01, 0.01}));
  EXPECT_FALSE(sortino({0.01, 0.02}));  // no losing day
  EXPECT_FALSE(tail_loss(std::vector<double>(19, -0.1)));
  EquityStatistics broke(1000, base::hours(1));
  broke.add(kStart + base::hours(1), -5, true);
  broke.add(kStart + base::hours(40), -5, true);
  EXPECT_FALSE(broke.cagr());
  EXPECT_NEAR(*broke.total_return(), -1.005, 1e-12);
  EXPECT_EQ(broke.daily_returns().size(), 1u);  // nothing can be earned on nothing
}

TEST(TailLossOf, IsTheHistoricalQuantileAndTheMeanBeyondIt) {
  std::vector<double> daily;
  for (int i = 1; i <= 40; ++i) daily.push_back(-0.001 * i);
  const auto tail = tail_loss(daily);
  ASSERT_TRUE(tail);
  EXPECT_NEAR(tail->var_95, 0.038, 1e-12);
  EXPECT_NEAR(tail->cvar_95, 0.039, 1e-12);
}

domain::TradeClosed trade(double net, double r, domain::PositionSide side = domain::PositionSide::Long) {
  domain::TradeClosed t;
  t.side = side;
  t.fees = Money::from_double(0.5);
  t.gross_pnl = Money::from_double(net) + t.fees;
  t.net_pnl = Money::from_double(net);
  t.r_multiple = r;
  t.entry_time = kStart;
  t.exit_time = kStart + base::hours(2);
  return t;
}

TEST(TradeStatistics, ByHand) {
  TradeStatistics t(1);
  for (const auto& [net, r] : {std::pair{30.0, 3.0}, {-10.0, -1.0}, {-10.0, -1.0}, {0.0, 0.0}, {20.0, 2.0}})
    t.add(trade(net, r));
  EXPECT_EQ(t.all.wins, 2u);
  EXPECT_EQ(t.all.losses, 2u);
  EXPECT_NEAR(*t.all.win_rate(), 0.4, 1e-12);
  EXPECT_NEAR(*t.profit_factor(), 2.5, 1e-12);
  EXPECT_NEAR(*t.all.r.mean(), 0.6, 1e-12);
  const double deviation = std::sqrt((2.4 * 2.4 + 1.6 * 1.6 * 2 + 0.36 + 1.4 * 1.4) / 4);
  EXPECT_NEAR(*t.all.r.deviation(), deviation, 1e-12);
  EXPECT_NEAR(*t.sqn(), std::sqrt(5.0) * 0.6 / deviation, 1e-12);
  EXPECT_NEAR(*t.p_value(), std::erfc(std::sqrt(5.0) * 0.6 / deviation / std::sqrt(2.0)), 1e-12);
  EXPECT_EQ(t.longest_losses, 2u);
  EXPECT_EQ(t.longest_wins, 1u);
  EXPECT_EQ(t.best->to_string(), "30");
  EXPECT_EQ(t.worst->to_string(), "-10");
  EXPECT_NEAR(*t.hold_s.mean(), 7200, 1e-9);
  EXPECT_EQ(std::accumulate(t.histogram.begin(), t.histogram.end(), std::uint64_t{0}), 5u);
}

TEST(TradeStatistics, WhatIsNotDefinedIsAbsent) {
  TradeStatistics t(1);
  EXPECT_FALSE(t.all.win_rate() || t.profit_factor() || t.all.r.mean() || t.sqn() || t.p_value() || t.best || t.best_r);
  t.add(trade(10, 1));
  EXPECT_FALSE(t.profit_factor());  // no loss to divide by
  EXPECT_FALSE(t.sqn() || t.p_value());
  t.add(trade(10, 1));
  EXPECT_FALSE(t.sqn() || t.p_value());  // no variance
}

TEST(TradeStatistics, ExtremeResultsLandInTheOutermostBins) {
  TradeStatistics t(1);
  t.add(trade(1, 1e9));
  t.add(trade(-1, -1e9));
  EXPECT_EQ(t.histogram.front(), 1u);
  EXPECT_EQ(t.histogram.back(), 1u);
}

TEST(CurveOf, KeepsEndsAndExtremesInBoundedMemory) {
  base::Rng rng(9);
  for (const std::size_t cap : {10u, 11u, 100u, 4000u}) {
    Curve curve(cap);
    double low = 1e9, high = -1e9, last = 0, first = 0;
    for (std::int64_t i = 0; i < 100'000; ++i) {
      last = rng.normal();
      if (i == 0) first = last;
      low = std::min(low, last), high = std::max(high, last);
      curve.add({i, last});
    }
    const auto points = curve.points();
    EXPECT_LE(points.size(), cap);
    EXPECT_GE(points.size(), cap / 3);
    EXPECT_EQ(points.front().value, first);
    EXPECT_EQ(points.back().value, last);
    EXPECT_EQ(std::ranges::min(points, {}, &CurvePoint::value).value, low);
    EXPECT_EQ(std::ranges::max(points, {}, &CurvePoint::value).value, high);
    EXPECT_TRUE(std::ranges::is_sorted(points, {}, &CurvePoint::ts_ms));
  }
}

TEST(CurveOf, KeepsAllOfAShortSeries) {
  Curve curve(100);
  for (std::int64_t i = 0; i < 40; ++i) curve.add({i, static_cast<double>(i % 7)});
  EXPECT_EQ(curve.points().size(), 40u);
}

TEST(ThinnedRows, KeepEveryNthUpToTheCap) {
  for (const std::size_t cap : {2u, 7u, 64u}) {
    Thinned<std::uint64_t> rows(cap);
    for (std::uint64_t i = 0; i < 10'000; ++i) rows.add(i);
    EXPECT_LE(rows.rows().size(), cap);
    EXPECT_EQ(rows.seen(), 10'000u);
    for (std::size_t i = 0; i < rows.rows().size(); ++i) EXPECT_EQ(rows.rows()[i], i * rows.stride()) << cap;
    EXPECT_GE((rows.rows().size() + 1) * rows.stride(), 10'000u);
  }
}

}  // namespace
}  // namespace qtrader::report
