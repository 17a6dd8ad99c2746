#include "core/market/regime.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "core/base/archive.hpp"
#include "core/market/testing.hpp"

namespace qtrader::market {
namespace {

using domain::Bar;
using domain::Regime;
using domain::Timeframe;
using testing::RandomBars;

// A market in which each bar moves by `drift` and its range is about `width`, both as fractions.
class Driver {
 public:
  explicit Driver(Timeframe tf = Timeframe::M15) : tf_(tf), detector_(tf) {}

  bool step(double drift, double width, const Liquidity& liquidity = {}) {
    const double open = price_, close = open * (1 + drift);
    const double high = std::max(open, close) * (1 + width / 2), low = std::min(open, close) * (1 - width / 2);
    Bar bar = testing::make_bar(time_, tf_, {open, high, low, close}, volume_);
    time_ = bar.close_time();
    price_ = close;
    atr_.push(bar.high.to_double(), bar.low.to_double(), bar.close.to_double());
    return detector_.update(bar, atr_.ready() ? atr_.value() : 0, liquidity);
  }
  void calm(int bars, double width = 0.003) {
    for (int i = 0; i < bars; ++i, ++calm_bars_) step(calm_bars_ % 4 < 2 ? 2e-4 : -2e-4, width);
  }
  void hole() { time_ = time_ + domain::duration(tf_); }
  void volume(double v) { volume_ = v; }
  const RegimeDetector& detector() const { return detector_; }

 private:
  Timeframe tf_;
  RegimeDetector detector_;
  Atr atr_{14};
  base::Timestamp time_ = testing::kStart;
  double price_ = 100, volume_ = 1e6;
  int calm_bars_ = 0;
};

TEST(Regime, IsUnknownUntilThereIsEnoughHistory) {
  Driver market;
  market.calm(96);
  EXPECT_EQ(market.detector().regime(), Regime::Unknown);
  EXPECT_EQ(market.detector().confidence(), 0.5);
  market.calm(20);
  EXPECT_EQ(market.detector().regime(), Regime::RangeLowVol);
}

TEST(Regime, AQuietMarketIsARangeOfLowVolatilityWhateverItsPercentile) {
  Driver market;
  market.calm(500, 0.0005);
  for (int i = 0; i < 40; ++i) market.calm(2, 0.0015);  // three times the usual, and still below the floor of 0.4 %
  EXPECT_GT(market.detector().atr_frac_quantile(1.0), 0.0012);
  EXPECT_EQ(market.detector().regime(), Regime::RangeLowVol);
}

TEST(Regime, SplitsRangesAtTheSymbolsOwnPercentile) {
  Driver market;
  market.calm(2000, 0.004);
  market.calm(60, 0.0095);
  EXPECT_EQ(market.detector().regime(), Regime::RangeHighVol);
  market.calm(60, 0.003);
  EXPECT_EQ(market.detector().regime(), Regime::RangeLowVol);
}

TEST(Regime, ExtremeAtrIsHighVolatility) {
  Driver market;
  market.calm(2000, 0.004);
  market.calm(30, 0.03);
  EXPECT_EQ(market.detector().regime(), Regime::HighVolatility);
  EXPECT_EQ(market.detector().confidence(), 0.90);
}

TEST(Regime, SteadyMovesAreTrends) {
  for (const double sign : {1.0, -1.0}) {
    Driver market;
    market.calm(500, 0.004);
    for (int i = 0; i < 60; ++i) market.step(sign * 0.004, 0.001);
    EXPECT_EQ(market.detector().regime(), sign > 0 ? Regime::TrendUp : Regime::TrendDown);
    EXPECT_GE(market.detector().adx(), 25);
    EXPECT_GE(sign * market.detector().trend(), 0.3);
    EXPECT_GT(market.detector().confidence(), 0.6);
  }
}

TEST(Regime, IlliquidNeedsTwoKnownSigns) {
  const Liquidity thin{20e3, 15.0}, wide{900e3, 15.0}, unknown{};
  Driver market;
  market.calm(200);
  market.volume(10);  // 1 000 USDT a bar: thin turnover, one sign
  market.calm(200);
  EXPECT_LT(*market.detector().turnover_24h_usdt(), 2e6);
  EXPECT_EQ(market.detector().regime(), Regime::RangeLowVol) << "the book is unknown";
  market.step(1e-4, 0.003, wide);
  EXPECT_EQ(market.detector().candidate(), Regime::Illiquid);
  EXPECT_EQ(market.detector().regime(), Regime::RangeLowVol) << "one bar confirms nothing";
  market.step(-1e-4, 0.003, unknown);
  EXPECT_EQ(market.detector().candidate(), Regime::RangeLowVol);
  EXPECT_FALSE(market.step(1e-4, 0.003, wide));
  EXPECT_TRUE(market.step(-1e-4, 0.003, wide));
  EXPECT_EQ(market.detector().regime(), Regime::Illiquid);
  EXPECT_EQ(market.detector().confidence(), 0.95);
  market.hole();
  market.step(1e-4, 0.003, wide);
  EXPECT_FALSE(market.detector().turnover_24h_usdt()) << "a bar of the last day is missing";
  EXPECT_EQ(market.detector().candidate(), Regime::RangeLowVol);
  market.step(1e-4, 0.003, thin);
  EXPECT_EQ(market.detector().candidate(), Regime::Illiquid) << "two signs without the turnover";
}

TEST(Regime, ContinuesFromASnapshot) {
  RegimeDetector whole(Timeframe::H1), resumed;
  RandomBars source(4, Timeframe::H1);
  Atr atr(14);
  const auto feed = [&](RegimeDetector& d, const Bar& bar) { d.update(bar, atr.ready() ? atr.value() : 0, {}); };
  for (int i = 0; i < 900; ++i) {
    const Bar bar = source.next();
    atr.push(bar.high.to_double(), bar.low.to_double(), bar.close.to_double());
    feed(whole, bar);
    if (i == 700) {
      ASSERT_TRUE(base::from_bytes(base::to_bytes(whole), resumed));
    }
    if (i > 700) feed(resumed, bar);
  }
  EXPECT_EQ(base::to_bytes(whole), base::to_bytes(resumed));
}

TEST(RollingRank, AgreesWithSortingWithinABin) {
  base::Rng rng(99);
  RollingRank histogram(720);
  std::deque<double> window;
  for (int i = 0; i < 5000; ++i) {
    const double value = 0.004 * (0.3 + rng.uniform()) * (i / 400 % 3 + 1);
    histogram.push(value);
    window.push_back(value);
    if (window.size() > 720) window.pop_front();
    if (i % 97 != 0) continue;
    std::vector<double> sorted(window.begin(), window.end());
    std::sort(sorted.begin(), sorted.end());
    ASSERT_EQ(histogram.size(), sorted.size());
    for (const double q : {0.05, 0.5, 0.75, 0.97, 1.0}) {
      const auto index = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size()))) - 1;
      ASSERT_NEAR(histogram.quantile(q), sorted[index], sorted[index] * 0.033) << i << " " << q;
    }
    const double probe = 0.004 + 0.008 * rng.uniform();
    const auto exact = [&](double x) {
      return static_cast<double>(std::lower_bound(sorted.begin(), sorted.end(), x) - sorted.begin()) /
             static_cast<double>(sorted.size());
    };
    ASSERT_GE(histogram.rank(probe), exact(probe * 0.968) - 1e-12);
    ASSERT_LE(histogram.rank(probe), exact(probe * 1.033) + 1e-12);
  }
}

TEST(RollingRank, CountsValuesOutsideItsRangeAtTheEnds) {
  RollingRank histogram(4);
  for (const double value : {0.0, 1e-12, 100.0, 1e9}) histogram.push(value);
  EXPECT_NEAR(histogram.rank(0.01), 0.5, 1e-12);
  for (int i = 0; i < 4; ++i) histogram.push(0.02);
  EXPECT_EQ(histogram.rank(0.01), 0) << "the old values have left";
}

}  // namespace
}  // namespace qtrader::market
