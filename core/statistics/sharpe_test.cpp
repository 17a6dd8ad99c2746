#include "core/statistics/sharpe.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/rng.hpp"
#include "core/statistics/series_testing.hpp"

namespace qtrader::statistics {
namespace {

Moments returns(std::size_t n, double sharpe, double skewness, double kurtosis) {
  return {.n = n, .mean = sharpe, .deviation = 1, .skewness = skewness, .kurtosis = kurtosis};
}

TEST(DeflatedSharpe, ReproducesThePapersExample) {
  // Bailey & López de Prado (2014), "A numerical example": annual Sharpe 2.5 over 1250 days, 250 a year, skewness −3,
  // kurtosis 10, variance of the annual ratios over the trials ½.
  const Moments fund = returns(1250, 2.5 / std::sqrt(250.0), -3, 10);
  const double variance = 0.5 / 250;
  EXPECT_NEAR(expected_max_sharpe(100, variance), 0.1132, 5e-5);
  EXPECT_NEAR(*deflated_sharpe(fund, 100, variance), 0.9004, 5e-5);
  EXPECT_NEAR(*deflated_sharpe(fund, 46, variance), 0.9505, 5e-5);
  EXPECT_NEAR(*deflated_sharpe(returns(1250, fund.mean, 0, 3), 88, variance), 0.9505, 5e-5);
}

TEST(ProbabilisticSharpe, ReproducesThePapersExample) {
  // Bailey & López de Prado (2012): monthly Sharpe 0.458 over 24 months, skewness −2.448, kurtosis 10.164.
  EXPECT_NEAR(*probabilistic_sharpe(returns(24, 0.458, -2.448, 10.164), 0), 0.913, 5e-4);
  EXPECT_NEAR(*probabilistic_sharpe(returns(24, 0.458, 0, 3), 0), 0.982, 5e-4);
  EXPECT_FALSE(probabilistic_sharpe(returns(24, 2, 8, 3), 0)) << "no such estimator";
}

TEST(MinimumTrackRecord, ReproducesThePapersExamples) {
  // Ibid.: annual Sharpe 2 against 1 at 95 %, normal returns: 2.73 years of days, 2.83 of weeks, 3.24 of months; 4.99
  // years of months with skewness −0.72 and kurtosis 5.78.
  const auto years = [](double per_year, double skewness, double kurtosis) {
    const double scale = std::sqrt(per_year);
    return *minimum_track_record(returns(2, 2 / scale, skewness, kurtosis), 1 / scale, 0.95) / per_year;
  };
  EXPECT_NEAR(years(252, 0, 3), 2.73, 5e-3);
  EXPECT_NEAR(years(52, 0, 3), 2.83, 5e-3);
  EXPECT_NEAR(years(12, 0, 3), 3.24, 5e-3);
  EXPECT_NEAR(years(12, -0.72, 5.78), 4.99, 5e-3);
  EXPECT_FALSE(minimum_track_record(returns(100, 0.1, 0, 3), 0.1, 0.95));
}

TEST(MinimumTrackRecord, IsWhereTheProbabilityReachesTheConfidence) {
  const Moments m = returns(400, 0.07, -0.8, 6);
  const double needed = *minimum_track_record(m, 0.01, 0.9);
  Moments longer = m;
  longer.n = static_cast<std::size_t>(std::ceil(needed));
  EXPECT_GE(*probabilistic_sharpe(longer, 0.01), 0.9);
  longer.n -= 2;
  EXPECT_LT(*probabilistic_sharpe(longer, 0.01), 0.9);
}

TEST(ProbabilisticSharpe, IsUniformWithoutAnEdge) {
  std::vector<double> p;
  base::Rng rng(1);
  for (int run = 0; run < 1'000; ++run) {
    std::vector<double> r(250);
    for (double& v : r) v = rng.student_t(5);
    p.push_back(*probabilistic_sharpe(*moments(r), 0));
  }
  EXPECT_LT(distance_from_uniform(p), 1.63);
}

TEST(DeflatedSharpe, TheBestOfManyWithoutAnEdgeIsRarelyConvincing) {
  base::Rng rng(2);
  int undeflated = 0, convincing = 0;
  constexpr int kRuns = 300, kTrials = 20;
  for (int run = 0; run < kRuns; ++run) {
    Moments best = returns(250, -1, 0, 3);
    std::vector<double> sharpes;
    for (int trial = 0; trial < kTrials; ++trial) {
      std::vector<double> r(250);
      for (double& v : r) v = rng.normal();
      const Moments m = *moments(r);
      sharpes.push_back(m.sharpe());
      if (m.sharpe() > best.sharpe()) best = m;
    }
    const double deviation = moments(sharpes)->deviation;
    undeflated += *probabilistic_sharpe(best, 0) > 0.95 ? 1 : 0;
    convincing += *deflated_sharpe(best, kTrials, deviation * deviation) > 0.95 ? 1 : 0;
  }
  EXPECT_GT(undeflated, kRuns / 2) << "1 − 0.95^20 = 64 % pass by luck";
  EXPECT_LT(convincing, kRuns / 20);
}

TEST(ExpectedMaxSharpe, IsThatOfNormalMaxima) {
  EXPECT_EQ(expected_max_sharpe(1, 0.3), 0);
  base::Rng rng(3);
  double sum = 0;
  constexpr int kRuns = 4'000, kTrials = 50;
  for (int run = 0; run < kRuns; ++run) {
    double most = -10;
    for (int i = 0; i < kTrials; ++i) most = std::max(most, 0.2 * rng.normal());
    sum += most;
  }
  EXPECT_NEAR(expected_max_sharpe(kTrials, 0.04), sum / kRuns, 0.006);
  EXPECT_GT(expected_max_sharpe(1'000'000'000, 1), expected_max_sharpe(1'000, 1));
}

}  // namespace
}  // namespace qtrader::statistics
