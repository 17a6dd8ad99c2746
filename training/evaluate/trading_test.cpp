#include "training/evaluate/trading.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/rng.hpp"

namespace qtrader::training {
namespace {

constexpr base::Timestamp kMidnight{base::days(20'000).ns};

/// Days of `bars` bars of `symbols` symbols with given log returns; one forecaster besides the prior.
struct Made {
  explicit Made(int days = 4, int bars = 6, int symbols = 3) {
    for (int d = 0; d < days; ++d)
      for (int b = 0; b < bars; ++b)
        for (int s = 0; s < symbols; ++s) {
          PooledRow row;
          row.bar_close = kMidnight + base::days(d) + base::hours(b);
          row.day = static_cast<std::uint32_t>(d);
          row.symbol = domain::SymbolId{static_cast<std::uint16_t>(s)};
          row.cost_frac = 0.001;
          pool.rows.push_back(row);
        }
    for (int d = 0; d < days; ++d) pool.days.push_back(kMidnight + base::days(d));
    pool.forecasters = {{std::string(kPrior), Forecasts(pool.rows.size(), Probabilities{0.3, 0.4, 0.3}), {}, {}},
                        {"model", Forecasts(pool.rows.size(), Probabilities{0.3, 0.4, 0.3}), {}, {}}};
  }
  void set(std::size_t row, double log_return, double lean_to_buy) {
    pool.rows[row].log_return = log_return;
    pool.forecasters[1].forecasts[row] = Probabilities{0.3 - lean_to_buy / 2, 0.4, 0.3 + lean_to_buy / 2};
  }
  void randomise(base::Rng& rng, double skill) {
    for (std::size_t i = 0; i < pool.rows.size(); ++i) {
      const double truth = rng.normal();
      set(i, 0.01 * truth, 0.2 * (skill * truth + (1 - skill) * rng.normal()) / 4);
    }
  }
  Pool pool;
};

TEST(Trading, StrongestTakesTheLargestLeaningsWithTheirSides) {
  Made made;
  for (std::size_t i = 0; i < made.pool.rows.size(); ++i) made.set(i, 0, 0.01);
  made.set(10, 0, 0.3);
  made.set(20, 0, -0.4);
  const Sample sample(made.pool, made.pool.forecasters[1]);
  const auto trades = strongest(sample, 2.0 / 72);
  ASSERT_EQ(trades.size(), 2U);
  EXPECT_EQ(trades[0].row, 10U);
  EXPECT_EQ(trades[0].side, 1);
  EXPECT_EQ(trades[1].row, 20U);
  EXPECT_EQ(trades[1].side, -1);
  EXPECT_EQ(strongest(sample, 3.0 / 72).size(), 72U);  // equal leanings at the threshold are all in
  EXPECT_TRUE(strongest(Sample(made.pool, made.pool.forecasters[0]), 0.1).empty());  // the prior prefers nothing
}

TEST(Trading, PerTradeCountsEveryTradeAlikeAndChargesTheRoundTrip) {
  Made made;
  made.set(0, std::log(1.02), 0.1);
  made.set(30, std::log(0.99), -0.1);
  const PerTrade result = per_trade(made.pool, {{0, 1}, {30, -1}}, {});
  EXPECT_EQ(result.trades, 2);
  EXPECT_EQ(result.buys, 1);
  EXPECT_EQ(result.sells, 1);
  ASSERT_TRUE(result.gross_bps);
  EXPECT_NEAR(result.gross_bps->value, 150, 1e-9);
  EXPECT_NEAR(result.net_bps->value, 140, 1e-9);
  EXPECT_NEAR(result.cost_bps, 10, 1e-9);
}

TEST(Trading, ATrancheIsOneHorizonthOfTheCapitalInEqualParts) {
  Made made;
  made.set(0, std::log(1.04), 0.1);  // rows 0, 1, 2: the first bar's symbols
  made.set(1, std::log(1.00), 0.1);
  made.set(18, std::log(0.98), 0.1);  // the second day's first bar
  const auto daily = daily_returns(made.pool, {{0, 1}, {1, 1}, {18, -1}}, 4);
  ASSERT_EQ(daily.net.size(), 1U);
  ASSERT_EQ(daily.net[0].size(), 4U);
  EXPECT_NEAR(daily.gross[0][0], 0.02 / 4, 1e-12);
  EXPECT_NEAR(daily.net[0][0], (0.02 - 0.001) / 4, 1e-12);
  EXPECT_NEAR(daily.gross[0][1], 0.02 / 4, 1e-12);
  EXPECT_EQ(daily.net[0][2], 0);
}

TEST(Trading, PortfolioIsEmptyWithoutTradesAndCountsTurnover) {
  Made made;
  EXPECT_FALSE(portfolio(made.pool, {}, {}));
  base::Rng rng(1);
  made.randomise(rng, 1);
  std::vector<Trade> all;
  for (std::uint32_t i = 0; i < made.pool.rows.size(); ++i) all.push_back({i, 1});
  const auto result = portfolio(made.pool, all, {.random_draws = 0});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->days, 4);
  EXPECT_NEAR(result->turnover_per_day, 2 * 6 / 4.0, 1e-12);  // six tranches a day, in and out
  EXPECT_FALSE(result->random);
}

TEST(Trading, BuyAndHoldPaysOnce) {
  Made made;
  base::Rng rng(2);
  made.randomise(rng, 0);
  const auto result = buy_and_hold(made.pool, {});
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->gross_return - result->net_return, 0.001, 1e-12);
}

TEST(Trading, RandomEntriesTellSkillFromLuck) {
  base::Rng rng(3);
  Made made(60, 12, 6);
  made.randomise(rng, 0.8);
  const Sample skilled(made.pool, made.pool.forecasters[1]);
  const auto result = portfolio(made.pool, strongest(skilled, 0.1), {.random_draws = 200});
  ASSERT_TRUE(result && result->random);
  EXPECT_LT(result->random->p_value, 0.01);
  EXPECT_GT(*result->gross_sharpe, result->random->sharpe_high);
}

/// With nothing to know, every rank among the random entries is equally probable, though the signals of a day all lean
/// to one side.
TEST(Trading, RandomEntriesRankLuckUniformly) {
  base::Rng rng(4);
  std::vector<double> p;
  for (int round = 0; round < 100; ++round) {
    Made made(30, 4, 4);
    made.randomise(rng, 0);
    for (std::uint32_t d = 0; d < 30; ++d) {  // the market moves a day's symbols together, and so leans the model
      const double market = 0.01 * rng.normal(), bias = 0.1 * rng.normal();
      for (std::size_t i = 0; i < made.pool.rows.size(); ++i)
        if (made.pool.rows[i].day == d) made.set(i, made.pool.rows[i].log_return + market, bias + 0.05 * rng.uniform());
    }
    const Sample sample(made.pool, made.pool.forecasters[1]);
    const auto result =
        portfolio(made.pool, strongest(sample, 0.3), {.random_draws = 99, .resample = {.resamples = 100}});
    ASSERT_TRUE(result && result->random);
    p.push_back(result->random->p_value);
  }
  std::ranges::sort(p);
  double distance = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    distance = std::max(distance, std::abs(p[i] - (static_cast<double>(i) + 0.5) / static_cast<double>(p.size())));
  EXPECT_LT(distance, 1.63 / 10);  // Kolmogorov–Smirnov, 1 %
}

TEST(Trading, VerdictsBecomeEntriesAndReasons) {
  std::vector<Verdict> verdicts(5);
  verdicts[1].action = domain::Action::Buy;
  verdicts[3].action = domain::Action::Sell;
  for (const std::size_t i : {0, 2}) verdicts[i].reason = domain::HoldReason::NegativeExpectedValue;
  verdicts[4].reason = domain::HoldReason::LowConfidence;
  const auto trades = entries(verdicts);
  ASSERT_EQ(trades.size(), 2U);
  EXPECT_EQ(trades[0].side, 1);
  EXPECT_EQ(trades[1].side, -1);
  EXPECT_EQ(held_back(verdicts),
            (std::map<std::string, std::int64_t>{{"LowConfidence", 1}, {"NegativeExpectedValue", 2}}));
}

}  // namespace
}  // namespace qtrader::training
