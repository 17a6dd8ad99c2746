#include "core/models/conformal.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/base/archive.hpp"
#include "core/base/rng.hpp"

namespace qtrader::models {
namespace {

/// Verdicts of `symbols` symbols per bar that mature at once; outcomes in units. Returns the coverage of the bounds.
class Market {
 public:
  explicit Market(double coverage, int symbols = 1) : interval(coverage), symbols_(symbols) {}

  double run(int bars, const std::function<double(int)>& outcome) {
    std::int64_t inside = 0, low = 0, bounded = 0;
    for (int i = 0; i < bars; ++i) {
      now_ = now_ + base::minutes(15);
      for (int s = 0; s < symbols_; ++s) {
        PendingVerdict v{.bar_close = now_, .edge = 0.1};
        if (const auto r = interval.residual_bounds()) v.bounds = Bounds{v.edge + r->low, v.edge + r->high};
        const double y = outcome(i);
        interval.add(now_, v, y);
        if (!v.bounds) continue;
        ++bounded;
        low += y < v.bounds->low;
        inside += y >= v.bounds->low && y <= v.bounds->high;
      }
    }
    missed_low = static_cast<double>(low) / static_cast<double>(bounded);
    return static_cast<double>(inside) / static_cast<double>(bounded);
  }

  ConformalInterval interval;
  double missed_low = 0;

 private:
  int symbols_;
  base::Timestamp now_;
};

TEST(ConformalInterval, IsAbsentUntilThreeHundredHaveMatured) {
  base::Rng rng(1);
  Market m(0.8);
  m.run(299, [&](int) { return rng.normal(); });
  EXPECT_FALSE(m.interval.residual_bounds());
  EXPECT_EQ(m.interval.coverage(), 0);
  m.run(1, [&](int) { return rng.normal(); });
  const auto bounds = m.interval.residual_bounds();
  ASSERT_TRUE(bounds);
  EXPECT_NEAR(bounds->low, -1.28, 0.35);
  EXPECT_NEAR(bounds->high, 1.28, 0.35);
}

TEST(ConformalInterval, CoversIndependentOutcomes) {
  for (const double coverage : {0.6, 0.8, 0.9}) {
    base::Rng rng(2);
    Market m(coverage);
    EXPECT_NEAR(m.run(20'000, [&](int) { return rng.student_t(4); }), coverage, 0.02);
    EXPECT_NEAR(m.missed_low, (1 - coverage) / 2, 0.01) << "each end keeps its own promise";
    EXPECT_NEAR(m.interval.coverage(), coverage, 0.02);
  }
}

TEST(ConformalInterval, CoversSkewedOutcomesAtBothEnds) {
  base::Rng rng(3);
  Market m(0.8);
  EXPECT_NEAR(m.run(20'000, [&](int) { return std::exp(rng.normal()); }), 0.8, 0.02);
  EXPECT_NEAR(m.missed_low, 0.1, 0.01);
}

TEST(ConformalInterval, CoversShiftingVolatility) {
  base::Rng rng(4);
  Market m(0.8);
  // Calm and stormy spells of 1 500 verdicts, shorter than the window: a fixed level would lag behind both.
  const auto outcome = [&](int i) { return (i / 1500 % 2 == 0 ? 0.5 : 2.0) * rng.normal(); };
  EXPECT_NEAR(m.run(60'000, outcome), 0.8, 0.02);
  const auto drift = [&](int i) { return (1 + 0.9 * std::sin(i / 700.0)) * rng.student_t(5); };
  EXPECT_NEAR(Market(0.8).run(60'000, drift), 0.8, 0.02);
}

TEST(ConformalInterval, CoversSymbolsThatMoveTogether) {
  base::Rng rng(5);
  Market m(0.8, 20);
  double common = 0;
  int bar = -1;
  const auto outcome = [&](int i) {
    if (i != bar) common = (i / 400 % 2 == 0 ? 0.6 : 1.6) * rng.normal();
    bar = i;
    return 0.8 * common + 0.6 * rng.normal();
  };
  EXPECT_NEAR(m.run(8'000, outcome), 0.8, 0.02);
}

TEST(ConformalInterval, ContinuesFromItsBytes) {
  base::Rng rng(6);
  Market a(0.8, 3);
  a.run(500, [&](int) { return rng.normal(); });
  Market b = a;
  ConformalInterval restored(0.8);
  ASSERT_TRUE(base::from_bytes(base::to_bytes(a.interval), restored));
  b.interval = restored;
  base::Rng left = rng, right = rng;
  a.run(500, [&](int) { return left.normal(); });
  b.run(500, [&](int) { return right.normal(); });
  EXPECT_EQ(base::to_bytes(a.interval), base::to_bytes(b.interval));
}

}  // namespace
}  // namespace qtrader::models
