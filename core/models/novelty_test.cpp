#include "core/models/novelty.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/rng.hpp"
#include "core/models/test_baseline.hpp"

namespace qtrader::models {
namespace {

using Vector = std::array<double, features::kFeatureCount>;

Novelty made(NoveltyBaseline baseline) {
  auto novelty = Novelty::create(std::move(baseline));
  EXPECT_TRUE(novelty.ok()) << (novelty.ok() ? "" : novelty.error().message());
  return std::move(novelty).value();
}

TEST(Novelty, DistanceScoreAndFactorFollowTheTable) {
  const Novelty novelty = made(testing::plain_baseline(2));
  Vector x{};
  x[2] = 1e9;  // not among the features measured
  EXPECT_EQ(novelty.measure(x).distance, 0);
  EXPECT_EQ(novelty.measure(x).score, 0);
  x[0] = 1.5;
  EXPECT_NEAR(novelty.measure(x).distance, 1.5, 1e-12);
  EXPECT_NEAR(novelty.measure(x).score, 0.95 / 2, 1e-12);
  EXPECT_EQ(novelty.measure(x).factor, 1) << "nearer than d95";
  x = {-2.1, 2.8};  // 3.5
  const auto far = novelty.measure(x);
  EXPECT_NEAR(far.distance, 3.5, 1e-12);
  EXPECT_NEAR(far.score, (0.95 + 0.999) / 2, 1e-12);
  EXPECT_NEAR(far.factor, std::exp(-0.05), 1e-12);
  EXPECT_FALSE(far.too_far());
  x = {0, 4.1};
  EXPECT_TRUE(novelty.measure(x).too_far());
  x = {5, -5};
  EXPECT_EQ(novelty.measure(x).score, 1);
  x = {1e300, -1e300};
  EXPECT_NEAR(novelty.measure(x).distance, std::sqrt(50.0), 1e-12) << "clipped at five deviations";
  x[0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(novelty.measure(x).too_far());
}

TEST(Novelty, DistanceIsMahalanobis) {
  // L = [2 0; 1.2 1.6], covariance [4 2.4; 2.4 4]; L⁻¹ = [0.5 0; −0.375 0.625].
  NoveltyBaseline b = testing::plain_baseline(2);
  b.whitening = {0.5, -0.375, 0.625};
  b.mean = {0.5, -0.5};
  const Novelty novelty = made(b);
  const double u = 1.5 - 0.5, v = -2.0 + 0.5;
  const double det = 16 - 2.4 * 2.4;
  EXPECT_NEAR(novelty.measure(Vector{1.5, -2.0}).distance, std::sqrt((4 * u * u - 2 * 2.4 * u * v + 4 * v * v) / det),
              1e-12);
}

TEST(Novelty, MedianAndSpreadAreUndoneFirst) {
  NoveltyBaseline b = testing::plain_baseline(1);
  b.median = {100};
  b.iqr = {2 * 1.349};
  const Novelty novelty = made(b);
  EXPECT_NEAR(novelty.measure(Vector{104}).distance, 2, 1e-5);
  EXPECT_NEAR(novelty.measure(Vector{96}).distance, 2, 1e-5);
}

TEST(Novelty, ScoreNeverFallsWithDistance) {
  NoveltyBaseline b = testing::plain_baseline(1);
  b.levels = {0, 0.3, 0.5, 0.7, 0.999, 1};
  b.distances = {0, 1, 1, 1, 2, 2};  // many rows at one distance
  const Novelty novelty = made(b);
  double last = -1;
  for (double d = 0; d < 3; d += 0.001) {
    const double score = novelty.measure(Vector{d}).score;
    EXPECT_GE(score, last) << d;
    EXPECT_LE(score, 1);
    last = score;
  }
  EXPECT_EQ(last, 1);
}

TEST(Novelty, RefusesABaselineThatIsNoBaseline) {
  const auto refused = [](auto&& change) {
    NoveltyBaseline b = testing::plain_baseline(3);
    change(b);
    const auto made = Novelty::create(std::move(b));
    return made.ok() ? std::string("accepted") : made.error().context;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto names = [&](std::string_view member, auto&& change) {
    const std::string text = refused(change);
    EXPECT_NE(text.find(member), std::string::npos) << text;
  };
  names("features", [](auto& b) { b = {}; });
  names("features", [](auto& b) { b.features[1] = "no_such_feature"; });
  names("features", [](auto& b) { std::swap(b.features[0], b.features[1]); });
  names("median", [](auto& b) { b.median.pop_back(); });
  names("mean", [&](auto& b) { b.mean[0] = nan; });
  names("iqr", [](auto& b) { b.iqr[2] = -1; });
  names("whitening", [](auto& b) { b.whitening.push_back(1); });
  names("diagonal", [](auto& b) { b.whitening[3] = 0; });
  names("shrinkage", [](auto& b) { b.shrinkage = 1.1; });
  names("d95", [&](auto& b) { b.d95 = nan; });
  names("levels", [](auto& b) { b.levels[1] = 0; });
  names("0.999", [](auto& b) { b.levels[2] = 0.99; });
  names("distances", [](auto& b) { b.distances[2] = 1; });
  EXPECT_EQ(refused([](auto&) {}), "accepted");
}

}  // namespace
}  // namespace qtrader::models
