#include "training/labels.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace qtrader::training {
namespace {

using base::Errc;
using domain::Timeframe;

constexpr base::Timestamp at(int bar) { return {base::minutes(15 * bar).ns}; }

std::vector<PathBar> path(std::initializer_list<double> closes) {
  std::vector<PathBar> out;
  for (const double c : closes) out.push_back({at(static_cast<int>(out.size())), c, c, c});
  return out;
}

Labeler make(std::string mode = "fixed_horizon") { return *Labeler::create({.mode = std::move(mode)}, Timeframe::M15); }

// H = 4, k = 0.5, θ_min = 0.002, σ100 = 0.004: θ = max(0.002, 0.5 · 0.004 · 2) = 0.004.
TEST(Labels, FixedHorizonComparesTheReturnAfterFourBarsWithTheScaledThreshold) {
  const Labeler labeler = make();
  EXPECT_DOUBLE_EQ(labeler.threshold(0.004), 0.004);
  EXPECT_DOUBLE_EQ(labeler.threshold(0.001), 0.002);  // 0.5 · 0.001 · 2 = 0.001 is below the floor
  const auto bars = path({100, 90, 110, 95, 100.41, 99.0, 110.6, 95.1});
  const auto up = labeler.label(bars, 0, 0.004);  // ln(1.0041) = 0.0040916 > 0.004
  ASSERT_TRUE(up);
  EXPECT_EQ(up->label_class, LabelClass::Buy);
  EXPECT_NEAR(up->log_return, 0.0040916, 1e-7);
  EXPECT_EQ(up->end, at(4));
  EXPECT_EQ(labeler.label(bars, 0, 0.0042)->label_class, LabelClass::Hold);  // θ = 0.0042
  EXPECT_EQ(labeler.label(bars, 1, 0.004)->label_class, LabelClass::Buy);    // 90 → 99
  EXPECT_EQ(labeler.label(bars, 2, 0.004)->label_class, LabelClass::Buy);    // 110 → 110.6: 0.00544
  EXPECT_EQ(labeler.label(bars, 3, 0.004)->label_class, LabelClass::Hold);   // 95 → 95.1: 0.00105
  EXPECT_FALSE(labeler.label(bars, 4, 0.004));                               // only three bars follow
}

TEST(Labels, SellMirrorsBuy) {
  const Labeler labeler = make();
  EXPECT_EQ(labeler.label(path({100, 100, 100, 100, 99.59}), 0, 0.004)->label_class, LabelClass::Sell);
  EXPECT_EQ(labeler.label(path({100, 100, 100, 100, 99.61}), 0, 0.004)->label_class, LabelClass::Hold);
}

TEST(Labels, AMissingHorizonBarOrAnUnknownSigmaGivesNoLabel) {
  const Labeler labeler = make();
  auto bars = path({100, 100, 100, 100, 105, 105, 105});
  EXPECT_FALSE(labeler.label(bars, 0, 0.0));
  EXPECT_TRUE(labeler.label(bars, 0, 0.004));
  bars.erase(bars.begin() + 2);  // a hole before the horizon does not matter for the return
  EXPECT_EQ(labeler.label(bars, 0, 0.004)->end, at(4));
  bars.erase(bars.begin() + 3);  // the bar of the horizon itself does
  EXPECT_FALSE(labeler.label(bars, 0, 0.004));
}

TEST(Labels, TripleBarrierTakesTheFirstTouch) {
  const Labeler labeler = make("triple_barrier");
  auto bars = path({100, 100, 100, 100, 100});  // θ = 0.004: barriers at 100.4008 and 99.6008
  EXPECT_EQ(labeler.label(bars, 0, 0.004)->label_class, LabelClass::Hold);
  EXPECT_EQ(labeler.label(bars, 0, 0.004)->end, at(4));
  bars[2].low = 99.5;
  bars[3].high = 101;
  const auto sell = labeler.label(bars, 0, 0.004);
  EXPECT_EQ(sell->label_class, LabelClass::Sell);
  EXPECT_DOUBLE_EQ(sell->log_return, -0.004);
  EXPECT_EQ(sell->end, at(2));
  bars[2].high = 101;  // both in one bar: neither side is credited
  EXPECT_EQ(labeler.label(bars, 0, 0.004)->label_class, LabelClass::Hold);
  bars[1].high = 100.5;
  EXPECT_EQ(labeler.label(bars, 0, 0.004)->label_class, LabelClass::Buy);
  bars.erase(bars.begin() + 1);
  EXPECT_FALSE(labeler.label(bars, 0, 0.004));  // the path has a hole
}

TEST(Labels, RefusesASpecificationOutOfRange) {
  const auto code = [](models::LabelSpec spec) {
    return Labeler::create(std::move(spec), Timeframe::M15).error().code;
  };
  EXPECT_EQ(code({.mode = "percentile"}), Errc::InvalidArgument);
  EXPECT_EQ(code({.horizon_bars = 0}), Errc::InvalidArgument);
  EXPECT_EQ(code({.theta_min = 0}), Errc::InvalidArgument);
  EXPECT_EQ(code({.k = std::nan("")}), Errc::InvalidArgument);
}

TEST(Labels, AverageUniquenessByHand) {
  // Bars:   0 1 2 3 4 5   alive: 1 2 2 1 1 0 1
  // labels: A A A         A = (1 + 1/2 + 1/2)/3 = 2/3, B = (1/2 + 1/2 + 1)/3 = 2/3, C alone
  //           B B B
  const std::vector<LabelSpan> spans = {{0, 2}, {1, 3}, {6, 6}};
  const auto u = average_uniqueness(spans);
  EXPECT_DOUBLE_EQ(u[0], 2.0 / 3);
  EXPECT_DOUBLE_EQ(u[1], 2.0 / 3);
  EXPECT_DOUBLE_EQ(u[2], 1);
  EXPECT_TRUE(average_uniqueness({}).empty());
}

}  // namespace
}  // namespace qtrader::training
