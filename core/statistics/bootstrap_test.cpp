#include "core/statistics/bootstrap.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "core/statistics/moments.hpp"
#include "core/statistics/series_testing.hpp"

namespace qtrader::statistics {
namespace {

TEST(AutomaticBlockLength, AgreesWithArch) {  // arch.bootstrap.optimal_block_length(x)["stationary"]
  struct Case {
    std::size_t n;
    double phi;
    std::uint64_t seed;
    double length;
  };
  for (const auto& [n, phi, seed, length] :
       {Case{200, 0.3, 2, 4.470524891049829}, Case{500, 0.7, 3, 11.259419714567443},
        Case{1000, -0.4, 4, 9.888101492982663}, Case{2000, 0.9, 5, 55.16532089404468},
        Case{1500, 0.05, 6, 2.2407814632242298}})
    EXPECT_NEAR(automatic_block_length(test_series(n, phi, seed)), length, 1e-9);
  EXPECT_EQ(automatic_block_length(test_series(50, 0, 1)), 1) << "0.766 in arch: blocks have one observation at least";
  EXPECT_EQ(automatic_block_length(std::vector<double>(100, 3.0)), 1);
  EXPECT_EQ(automatic_block_length(test_series(5, 0.9, 1)), 1);
}

TEST(StationaryBootstrapOf, DrawsBlocksOfTheMeanLengthFromACircle) {
  constexpr std::size_t kN = 97;
  StationaryBootstrap bootstrap(kN, 8, 5);
  std::vector<int> drawn(kN);
  double blocks = 0, total = 0;
  for (int run = 0; run < 2'000; ++run) {
    const auto indices = bootstrap.next();
    for (std::size_t i = 0; i < indices.size(); ++i) {
      ++drawn[indices[i]];
      blocks += i == 0 || indices[i] != (indices[i - 1] + 1) % kN ? 1 : 0;
      ++total;
    }
  }
  EXPECT_NEAR(total / blocks, 8 * 97.0 / (97 + 7), 0.15) << "the first of each resample is cut short at the other end";
  for (const int d : drawn) EXPECT_NEAR(d, 2'000, 250) << "every index is equally likely, also at the ends";
}

TEST(BootstrapMean, AgreesWithArch) {
  // arch.bootstrap.StationaryBootstrap(16, x).conf_int(mean, 40000, "percentile") and √var of the same.
  auto x = test_series(500, 0.7, 3);
  for (double& v : x) v += 0.1;
  const auto mean_of = [&](std::span<const std::uint32_t> indices) {
    double sum = 0;
    for (const auto i : indices) sum += x[i];
    return sum / static_cast<double>(indices.size());
  };
  const auto e = stationary_bootstrap(x.size(), 16, mean_of, {.resamples = 40'000, .seed = 9});
  ASSERT_TRUE(e);
  EXPECT_NEAR(e->interval.low, 0.07396263, 0.002);
  EXPECT_NEAR(e->interval.high, 0.21929523, 0.002);
  EXPECT_NEAR(e->deviation, 0.03711288, 0.0008);
  EXPECT_NEAR(e->value, *mean(x), 1e-15);
}

TEST(BootstrapMean, CoversTheTruthAsOftenAsItSays) {
  base::Rng rng(4);
  int covered = 0;
  constexpr int kRuns = 400;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> x(500);
    double previous = 0;
    for (double& v : x) v = previous = 0.3 * previous + rng.normal();
    const auto e = bootstrap_mean(x, {.resamples = 400, .seed = static_cast<std::uint64_t>(run)});
    covered += e->interval.low <= 0 && 0 <= e->interval.high ? 1 : 0;
  }
  EXPECT_NEAR(covered / static_cast<double>(kRuns), 0.95, 0.035);
}

TEST(BootstrapMean, IsTheSameForTheSameSeedAndAbsentWithoutData) {
  const auto x = test_series(100, 0.2, 8);
  const auto a = bootstrap_mean(x, {.seed = 7}), b = bootstrap_mean(x, {.seed = 7}), c = bootstrap_mean(x, {.seed = 8});
  EXPECT_EQ(a->interval.low, b->interval.low);
  EXPECT_NE(a->interval.low, c->interval.low);
  EXPECT_FALSE(bootstrap_mean(std::vector<double>{1}, {}));
  const auto never = [](std::span<const std::uint32_t>) { return std::numeric_limits<double>::quiet_NaN(); };
  EXPECT_FALSE(stationary_bootstrap(10, 2, never, {}));
}

/// Days of 20 observations that share the day's shock.
struct Clustered {
  std::vector<double> sums, counts;
  explicit Clustered(base::Rng& rng, int days = 120) {
    for (int day = 0; day < days; ++day) {
      const double shock = rng.normal();
      double sum = 0;
      for (int i = 0; i < 20; ++i) sum += shock + rng.normal();
      sums.push_back(sum);
      counts.push_back(20);
    }
  }
};

TEST(ClusterBootstrap, CoversTheTruthWhereSingleObservationsWouldNot) {
  base::Rng rng(6);
  int covered = 0, naive = 0;
  constexpr int kRuns = 400;
  for (int run = 0; run < kRuns; ++run) {
    const Clustered c(rng);
    const auto e =
        cluster_bootstrap_ratio(c.sums, c.counts, {.resamples = 400, .seed = static_cast<std::uint64_t>(run)});
    covered += e->interval.low <= 0 && 0 <= e->interval.high ? 1 : 0;
    naive += std::fabs(e->value) < 1.96 * std::sqrt(2.0 / (120 * 20)) ? 1 : 0;
  }
  EXPECT_NEAR(covered / static_cast<double>(kRuns), 0.95, 0.035);
  EXPECT_LT(naive, kRuns * 3 / 4);
}

TEST(ClusterBootstrap, ForAnyStatisticOfSums) {
  base::Rng rng(7);
  Panel sums(200, 3);  // n, Σx, Σx²
  for (std::size_t day = 0; day < sums.rows(); ++day) {
    for (int i = 0; i < 5; ++i) {
      const double x = 2 * rng.normal();
      sums.at(day, 0) += 1, sums.at(day, 1) += x, sums.at(day, 2) += x * x;
    }
  }
  const auto deviation = [](std::span<const double> s) { return std::sqrt(s[2] / s[0] - s[1] * s[1] / (s[0] * s[0])); };
  const auto e = cluster_bootstrap(sums, deviation, {});
  EXPECT_NEAR(e->deviation, 2 / std::sqrt(2.0 * 1000), 0.01) << "σ / √2n";
  EXPECT_LT(e->interval.low, 2);
  EXPECT_GT(e->interval.high, 2);
  EXPECT_FALSE(cluster_bootstrap(Panel(1, 3), deviation, {}));
  EXPECT_FALSE(cluster_bootstrap_ratio(std::vector<double>{1, 2}, std::vector<double>{0, 0}, {})) << "0 / 0";
}

TEST(Quantile, AgreesWithNumpy) {
  const std::vector<double> v = {1, 2, 4, 8, 16};
  const std::map<double, double> expected = {{0, 1}, {0.1, 1.4}, {0.5, 4}, {0.975, 15.2}, {1, 16}};
  for (const auto& [share, value] : expected) EXPECT_NEAR(quantile(v, share), value, 1e-12);
}

}  // namespace
}  // namespace qtrader::statistics
