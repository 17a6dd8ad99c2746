#include "training/novelty_fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/rng.hpp"

namespace qtrader::training {
namespace {

using features::kFeatureCount;
using Vector = std::array<double, kFeatureCount>;

/// Feature vectors with eight common factors, odd scales, one feature that never varies, one flag and one rare flag.
class Population {
 public:
  explicit Population(std::uint64_t seed) : rng_(seed) {
    base::Rng fixed(77);
    for (auto& row : loading_)
      for (double& l : row) l = 0.5 * fixed.normal();
    for (double& s : scale_) s = std::exp(3 * fixed.normal());
  }
  Vector draw() {
    std::array<double, 8> factors;
    for (double& f : factors) f = rng_.normal();
    Vector x;
    for (std::size_t i = 0; i < kFeatureCount; ++i) {
      double value = 0.6 * rng_.normal();
      for (std::size_t f = 0; f < factors.size(); ++f) value += loading_[i][f] * factors[f];
      x[i] = 5 + scale_[i] * value;
    }
    x[kConstant] = 0.5;
    x[kFlag] = rng_.below(20) == 0 ? 1 : 0;
    x[kRareFlag] = rng_.below(500) == 0 ? 1 : 0;
    x[kSum] = x[0] + x[1];  // follows from the others
    return x;
  }
  std::vector<double> rows(std::size_t n) {
    std::vector<double> out;
    for (std::size_t r = 0; r < n; ++r) {
      const Vector x = draw();
      out.insert(out.end(), x.begin(), x.end());
    }
    return out;
  }
  double deviation(std::size_t i) const {
    double variance = 0.36;
    for (const double l : loading_[i]) variance += l * l;
    return scale_[i] * std::sqrt(variance);
  }
  static constexpr std::size_t kConstant = 10, kFlag = 11, kRareFlag = 12, kSum = 13;

 private:
  base::Rng rng_;
  std::array<std::array<double, 8>, kFeatureCount> loading_;
  std::array<double, kFeatureCount> scale_;
};

models::Novelty fitted(std::span<const double> rows) {
  auto baseline = fit_novelty(rows);
  EXPECT_TRUE(baseline.ok()) << (baseline.ok() ? "" : baseline.error().message());
  auto novelty = models::Novelty::create(std::move(baseline).value());
  EXPECT_TRUE(novelty.ok()) << (novelty.ok() ? "" : novelty.error().message());
  return std::move(novelty).value();
}

TEST(NoveltyFit, FlagsStrangersAndNextToNoneOfItsOwn) {
  for (const std::size_t n : {2'000U, 20'000U}) {
    const models::Novelty novelty = fitted(Population(1).rows(n));
    Population live(2);
    int too_far = 0, beyond_d95 = 0;
    constexpr int kLive = 50'000;
    for (int i = 0; i < kLive; ++i) {
      const auto reading = novelty.measure(live.draw());
      too_far += reading.too_far();
      beyond_d95 += reading.score > 0.95;
    }
    EXPECT_LE(too_far, 0.002 * kLive) << n << " rows";
    EXPECT_NEAR(beyond_d95 / static_cast<double>(kLive), 0.05, 0.015) << n << " rows";
    base::Rng rng(3);
    for (int i = 0; i < 1'000; ++i) {
      Vector x = live.draw();
      for (int shocks = 0; shocks < 8; ++shocks) {
        const std::size_t at = 20 + rng.below(40);
        x[at] = 5 + (rng.below(2) == 0 ? -10 : 10) * live.deviation(at);
      }
      EXPECT_TRUE(novelty.measure(x).too_far());
    }
  }
}

TEST(NoveltyFit, ACombinationNeverSeenIsStrangeThoughEachValueIsUsual) {
  const models::Novelty novelty = fitted(Population(1).rows(5'000));
  Population live(4);
  Vector x = live.draw();
  x[Population::kSum] = x[0] + x[1] + 3 * live.deviation(0);
  EXPECT_TRUE(novelty.measure(x).too_far());
}

TEST(NoveltyFit, LeavesOutWhatHardlyVaries) {
  const models::Novelty novelty = fitted(Population(1).rows(5'000));
  const auto& used = novelty.baseline().features;
  const auto has = [&](std::size_t f) { return std::ranges::count(used, features::kFeatureNames[f]) == 1; };
  EXPECT_EQ(used.size(), kFeatureCount - 2);
  EXPECT_FALSE(has(Population::kConstant));
  EXPECT_FALSE(has(Population::kRareFlag));
  EXPECT_TRUE(has(Population::kFlag));
  Population live(5);
  Vector x = live.draw();
  const double before = novelty.measure(x).distance;
  x[Population::kConstant] = 1e6;  // held neutral in training, known now: no reason to distrust the rest
  EXPECT_EQ(novelty.measure(x).distance, before);
}

TEST(NoveltyFit, TheTableIsTheDistributionOfDistances) {
  const auto baseline = fit_novelty(Population(6).rows(4'000));
  ASSERT_TRUE(baseline.ok());
  EXPECT_TRUE(std::ranges::is_sorted(baseline->distances));
  EXPECT_EQ(baseline->levels.size(), baseline->distances.size());
  const auto at = std::ranges::find(baseline->levels, 0.95) - baseline->levels.begin();
  EXPECT_EQ(baseline->distances[static_cast<std::size_t>(at)], baseline->d95);
  EXPECT_GT(baseline->shrinkage, 0);
  EXPECT_LT(baseline->shrinkage, 0.2);
}

TEST(NoveltyFit, IsAFunctionOfTheRows) {
  const auto rows = Population(7).rows(1'000);
  EXPECT_EQ(*fit_novelty(rows), *fit_novelty(rows));
}

TEST(NoveltyFit, RefusesWhatItCannotFit) {
  EXPECT_FALSE(fit_novelty({}).ok());
  EXPECT_FALSE(fit_novelty(Population(8).rows(499)).ok());
  EXPECT_FALSE(fit_novelty(std::vector<double>(600 * kFeatureCount, 1.0)).ok());
  auto rows = Population(8).rows(600);
  rows[1234] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(fit_novelty(rows).ok());
}

/// The definitions of Ledoit & Wolf (2004), section 3.2, matrix by matrix.
ShrunkCovariance by_definition(const std::vector<std::vector<double>>& points) {
  const std::size_t k = points.front().size();
  const double n = static_cast<double>(points.size()), p = static_cast<double>(k);
  ShrunkCovariance out{std::vector<double>(k), std::vector<double>(k * k), 0};
  for (const auto& x : points)
    for (std::size_t i = 0; i < k; ++i) out.mean[i] += x[i] / n;
  const auto outer = [&](const std::vector<double>& x, std::size_t i, std::size_t j) {
    return (x[i] - out.mean[i]) * (x[j] - out.mean[j]);
  };
  std::vector<double>& s = out.covariance;
  for (const auto& x : points)
    for (std::size_t i = 0; i < k * k; ++i) s[i] += outer(x, i / k, i % k) / n;
  double m = 0, d2 = 0, b2 = 0;
  for (std::size_t i = 0; i < k; ++i) m += s[i * k + i] / p;
  for (std::size_t i = 0; i < k * k; ++i) d2 += std::pow(s[i] - (i / k == i % k ? m : 0), 2) / p;
  for (const auto& x : points)
    for (std::size_t i = 0; i < k * k; ++i) b2 += std::pow(outer(x, i / k, i % k) - s[i], 2) / p / (n * n);
  out.shrinkage = std::min(b2, d2) / d2;
  for (std::size_t i = 0; i < k * k; ++i) s[i] = out.shrinkage * (i / k == i % k ? m : 0) + (1 - out.shrinkage) * s[i];
  return out;
}

TEST(LedoitWolf, IsWhatThePaperDefines) {
  base::Rng rng(9);
  for (const std::size_t n : {5U, 40U, 400U}) {
    std::vector<std::vector<double>> points(n, std::vector<double>(6));
    std::vector<double> flat;
    for (auto& x : points) {
      for (std::size_t i = 0; i < 6; ++i) x[i] = 2 + rng.normal() * static_cast<double>(i + 1) + (i > 0 ? x[i - 1] : 0);
      flat.insert(flat.end(), x.begin(), x.end());
    }
    const ShrunkCovariance fast = ledoit_wolf(flat, 6), slow = by_definition(points);
    EXPECT_NEAR(fast.shrinkage, slow.shrinkage, 1e-9) << n;
    for (std::size_t i = 0; i < 36; ++i) EXPECT_NEAR(fast.covariance[i], slow.covariance[i], 1e-9 * n);
  }
}

}  // namespace
}  // namespace qtrader::training
