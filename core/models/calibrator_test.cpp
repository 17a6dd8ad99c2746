#include "core/models/calibrator.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/base/archive.hpp"
#include "core/base/json.hpp"
#include "core/base/rng.hpp"

namespace qtrader::models {
namespace {

constexpr base::Duration kBar = base::minutes(15), kHorizon = base::minutes(60);

/// A stream of verdicts, ten per bar, whose true chance of being right is a function of what they claim.
class Stream {
 public:
  explicit Stream(std::uint64_t seed) : rng_(seed) {}

  void days(int n, const std::function<double(double)>& truth) {
    for (int i = 0; i < n * 960; ++i) {
      if (i % 10 == 0) now_ = now_ + kBar;
      const double p = rng_.uniform(low, high);
      const double said = calibrator.apply(p);
      const bool right = rng_.uniform() < truth(p);
      calibrator.add({now_ - kHorizon, p, said, right}, now_);
      excess_[static_cast<std::size_t>(said * 20)] += said - (right ? 1 : 0);
      ++verdicts_;
    }
  }
  /// Expected calibration error of what was said since the last call, bins of 0.05.
  double ece() {
    double sum = 0;
    for (const double e : excess_) sum += std::abs(e);
    const double out = sum / verdicts_;
    excess_ = {};
    verdicts_ = 0;
    return out;
  }
  double low = 0.5, high = 0.8;
  Calibrator calibrator{kHorizon};

 private:
  std::array<double, 20> excess_{};
  int verdicts_ = 0;
  base::Rng rng_;
  base::Timestamp now_ = base::Timestamp{} + base::days(20'000);
};

double honest(double p) { return p; }
double overconfident(double p) { return 0.5 + 0.4 * (p - 0.5); }

TEST(IsotonicSteps, PoolAdjacentViolators) {
  std::vector<CalibrationSample> samples;
  const auto add = [&](double p, int right, int wrong) {
    for (int i = 0; i < right + wrong; ++i) samples.push_back({{}, p, p, i < right});
  };
  add(0.9, 9, 1);
  add(0.5, 4, 6);
  add(0.6, 6, 4);
  add(0.7, 5, 5);  // violates: pooled with 0.6
  add(0.8, 11, 9);
  const auto steps = isotonic_steps(samples, 1);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_NEAR(steps[0].right, 0.4, 1e-12);
  EXPECT_NEAR(steps[1].right, 22.0 / 40, 1e-12) << "0.6, 0.7 and 0.8: the last was right no more often";
  EXPECT_NEAR(steps[1].p, (6 + 7 + 16) / 40.0, 1e-12);
  EXPECT_EQ(steps[1].verdicts, 40);
  EXPECT_NEAR(steps[2].right, 0.9, 1e-12);
  const auto wide = isotonic_steps(samples, 30);
  ASSERT_EQ(wide.size(), 1U) << "10 join 40, and the 10 left over join them";
  EXPECT_EQ(wide[0].verdicts, 60);
  EXPECT_TRUE(isotonic_steps(samples, 61).empty());
}

TEST(IsotonicSteps, RiseAndKeepEverySampleWhateverTheData) {
  base::Rng rng(4);
  for (int round = 0; round < 200; ++round) {
    std::vector<CalibrationSample> samples;
    const auto n = 30 + rng.below(500);
    for (std::uint64_t i = 0; i < n; ++i)
      samples.push_back({{}, std::floor(rng.uniform() * 50) / 50, 0, rng.uniform() < rng.uniform()});
    std::int64_t total = 0;
    double last_p = -1, last_right = -1;
    for (const IsotonicStep& s : isotonic_steps(samples, 30)) {
      EXPECT_GE(s.verdicts, 30);
      EXPECT_GT(s.p, last_p);
      EXPECT_GE(s.right, last_right);
      total += s.verdicts;
      last_p = s.p;
      last_right = s.right;
    }
    EXPECT_EQ(total, static_cast<std::int64_t>(n));
  }
}

TEST(CalibrationMap, BlendsWithTheIdentityAndClips) {
  CalibrationMap map;
  map.verdicts = 1500;  // λ = 0.75
  map.steps = {{0.5, 0.4, 750}, {0.7, 0.6, 750}};
  EXPECT_NEAR(map(0.5), 0.75 * 0.4 + 0.25 * 0.5, 1e-12);
  EXPECT_NEAR(map(0.6), 0.75 * 0.5 + 0.25 * 0.6, 1e-12);
  EXPECT_NEAR(map(0.8), 0.75 * 0.6 + 0.25 * 0.8, 1e-12) << "the outermost step holds beyond it";
  map.steps = {{0.5, 0, 750}, {0.7, 1, 750}};
  EXPECT_EQ(map(0.1), 0.05);
  EXPECT_EQ(map(0.9), 0.90);
  double last = 0;
  for (double p = 0.2; p < 0.65; p += 0.001) {
    EXPECT_GT(map(p), last) << p;
    last = map(p);
  }
}

TEST(Calibrator, RepairsPlantedMiscalibration) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Stream s(seed);
    s.days(1, overconfident);
    EXPECT_GT(s.ece(), 0.07) << "as planted";
    s.days(2, overconfident);
    s.ece();
    s.days(30, overconfident);
    EXPECT_LT(s.ece(), 0.03) << "a month of verdicts, as they were given; seed " << seed;
    const Reliability r = s.calibrator.reliability();
    EXPECT_EQ(r.verdicts, 2000);
    EXPECT_LT(r.ece, r.ece_raw / 1.5);
    EXPECT_LT(r.brier, r.brier_raw);
    std::int64_t binned = 0;
    for (const ReliabilityBin& b : r.bins) binned += b.verdicts;
    EXPECT_EQ(binned, 2000);
  }
}

TEST(Calibrator, RepairsTooLittleConfidenceToo) {
  Stream s(5);
  s.low = 0.55;
  s.high = 0.65;
  s.days(4, [](double p) { return std::min(0.95, 0.5 + 3 * (p - 0.5)); });
  ASSERT_GT(s.calibrator.current().number, 0U);
  EXPECT_GT(s.calibrator.apply(0.64), 0.75);
}

TEST(Calibrator, LeavesHonestVerdictsAlone) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Stream s(seed);
    s.days(10, honest);
    EXPECT_EQ(s.calibrator.current().number, 0U) << "seed " << seed;
    EXPECT_EQ(s.calibrator.apply(0.7312345), 0.7312345);
  }
}

TEST(Calibrator, WaitsForEnoughVerdictsAndForAnotherDay) {
  Calibrator c(kHorizon);
  const base::Timestamp midnight = base::Timestamp{} + base::days(20'000);
  const auto wrong = [&](int n, base::Timestamp at) {
    for (int i = 0; i < n; ++i) c.add({at - kHorizon, 0.8, 0.8, false}, at);
  };
  wrong(370, midnight);
  c.add({midnight, 0.8, 0.8, false}, midnight + base::days(1));
  EXPECT_EQ(c.current().number, 0U) << "of 371 a fifth is held out: fewer than 300 to fit on";
  wrong(100, midnight + base::days(1));
  EXPECT_EQ(c.current().number, 0U) << "once a day";
  wrong(1, midnight + base::days(2));
  EXPECT_EQ(c.current().number, 1U);
  EXPECT_EQ(c.current().day, 20'002);
  EXPECT_LT(c.apply(0.8), 0.6);
}

TEST(Calibrator, GivesWayToNothingWhenItsMapTurnsHarmful) {
  Stream s(6);
  s.days(3, [](double) { return 0.4; });
  EXPECT_LT(s.calibrator.apply(0.75), 0.65);
  s.days(6, honest);
  s.ece();
  s.days(10, honest);
  EXPECT_LT(s.ece(), 0.03);
}

TEST(Calibrator, OneCallGoesBack) {
  Stream s(7);
  EXPECT_FALSE(s.calibrator.roll_back()) << "nothing was ever put in force";
  s.days(3, overconfident);
  CalibrationMap before = s.calibrator.current();
  while (s.calibrator.current().number == before.number) {
    before = s.calibrator.current();
    s.days(1, overconfident);
  }
  const CalibrationMap latest = s.calibrator.current();
  ASSERT_GT(latest.number, before.number);
  ASSERT_TRUE(s.calibrator.roll_back());
  EXPECT_EQ(s.calibrator.current().number, before.number);
  EXPECT_EQ(base::to_json(s.calibrator.current()), base::to_json(before));
  EXPECT_FALSE(s.calibrator.roll_back()) << "one step is kept";
  while (s.calibrator.current().number == before.number) s.days(1, overconfident);
  EXPECT_GT(s.calibrator.current().number, latest.number) << "a number is never given twice";
}

TEST(Calibrator, ContinuesFromItsBytes) {
  Stream a(8);
  a.days(2, overconfident);
  Stream b(8);
  b.days(2, overconfident);
  Calibrator restored(kHorizon);
  ASSERT_TRUE(base::from_bytes(base::to_bytes(a.calibrator), restored));
  EXPECT_EQ(base::to_bytes(restored), base::to_bytes(a.calibrator));
  b.calibrator = restored;
  a.days(3, overconfident);
  b.days(3, overconfident);
  EXPECT_EQ(base::to_bytes(a.calibrator), base::to_bytes(b.calibrator));
  EXPECT_EQ(base::to_json(a.calibrator.reliability()), base::to_json(b.calibrator.reliability()));
}

}  // namespace
}  // namespace qtrader::models
