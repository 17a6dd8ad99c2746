#include "training/dataset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/rng.hpp"
#include "core/features/feature_vector.hpp"

namespace qtrader::training {
namespace {

using base::Timestamp;
using domain::Bar;
using domain::Timeframe;
using features::kFeatureCount;

class VectorCursor final : public history::BarCursor {
 public:
  explicit VectorCursor(std::vector<Bar> bars) : bars_(std::move(bars)) {}
  base::Result<std::optional<Bar>> next() override {
    if (next_ == bars_.size()) return std::optional<Bar>();
    return std::optional<Bar>(bars_[next_++]);
  }

 private:
  std::vector<Bar> bars_;
  std::size_t next_ = 0;
};

constexpr Timestamp kStart{base::days(20'000).ns};

std::vector<Bar> walk(std::size_t bars, std::uint64_t seed, Timeframe timeframe = Timeframe::M15) {
  base::Rng rng(seed);
  std::vector<Bar> out;
  double price = 100;
  for (std::size_t i = 0; i < bars; ++i) {
    Bar b;
    b.timeframe = timeframe;
    b.open_time = kStart + domain::duration(timeframe) * static_cast<std::int64_t>(i);
    b.open = *domain::Price::parse(std::to_string(price));
    price *= std::exp(0.004 * rng.normal());
    b.close = *domain::Price::parse(std::to_string(price));
    b.high = std::max(b.open, b.close);
    b.low = std::min(b.open, b.close);
    b.volume = 100 + 10 * rng.uniform();
    out.push_back(b);
  }
  return out;
}

struct Market {
  std::vector<std::vector<Bar>> bars;
  std::vector<std::vector<domain::FundingRate>> funding;
};

constexpr std::size_t kBars = 900;

Market two_symbols() { return {{walk(kBars, 1), walk(kBars, 2)}, {{}, {}}}; }

Dataset build(const Market& market, models::LabelSpec labels = {}) {
  std::vector<Lane> lanes;
  for (std::size_t i = 0; i < market.bars.size(); ++i)
    lanes.push_back({std::make_unique<VectorCursor>(market.bars[i]), market.funding[i]});
  DatasetSpec spec;
  spec.base = spec.primary = market.bars[0][0].timeframe;
  spec.warmup_bars = 250;
  spec.reference = domain::SymbolId{0};
  spec.rows = {kStart, kStart + base::days(365)};
  spec.labels = std::move(labels);
  auto built = build_dataset(std::move(lanes), spec, {});
  EXPECT_TRUE(built.ok());
  return *std::move(built);
}

bool same_row(const Dataset& a, std::size_t i, const Dataset& b, std::size_t j) {
  return a.rows[i].bar_close == b.rows[j].bar_close && a.rows[i].symbol == b.rows[j].symbol &&
         a.labels[i] == b.labels[j] && a.rows[i].label.log_return == b.rows[j].label.log_return &&
         a.rows[i].horizon_sigma == b.rows[j].horizon_sigma && a.rows[i].present_mask == b.rows[j].present_mask &&
         std::equal(&a.x[i * kFeatureCount], &a.x[(i + 1) * kFeatureCount], &b.x[j * kFeatureCount]);
}

TEST(Dataset, RowsAreSortedByTimeAndSymbolAndStartAfterTheWarmUp) {
  const Dataset d = build(two_symbols());
  ASSERT_EQ(d.size(), 2 * (kBars - 250 + 1 - 4));  // the last H bars have no label
  EXPECT_EQ(d.stats.unlabelled, 2 * 4);
  EXPECT_EQ(d.stats.primary_bars, static_cast<std::int64_t>(2 * kBars));
  for (std::size_t i = 1; i < d.size(); ++i)
    ASSERT_LT(std::pair(d.rows[i - 1].bar_close, d.rows[i - 1].symbol),
              std::pair(d.rows[i].bar_close, d.rows[i].symbol));
}

TEST(Dataset, LabelsAreThoseOfTheBarsAfterTheRow) {
  const Market market = two_symbols();
  const Dataset d = build(market);
  const Labeler labeler = *Labeler::create({}, Timeframe::M15);
  for (std::size_t i = 0; i < d.size(); i += 37) {
    const auto t = static_cast<std::size_t>((d.rows[i].bar_close - kStart).ns / base::minutes(15).ns) - 1;
    const auto& bars = market.bars[d.rows[i].symbol.value];
    const double r = std::log(bars[t + 4].close.to_double() / bars[t].close.to_double());
    EXPECT_NEAR(d.rows[i].label.log_return, r, 1e-12);
    const double theta = labeler.threshold(d.rows[i].horizon_sigma / 2);  // √4
    EXPECT_EQ(d.labels[i], r > theta ? LabelClass::Buy : r < -theta ? LabelClass::Sell : LabelClass::Hold);
    double sum = 0, squares = 0;  // σ100 by hand
    for (std::size_t k = t - 99; k <= t; ++k) {
      const double l = std::log(bars[k].close.to_double() / bars[k - 1].close.to_double());
      sum += l;
      squares += l * l;
    }
    EXPECT_NEAR(d.rows[i].horizon_sigma, 2 * std::sqrt(squares / 100 - sum * sum / 1e4), 1e-9);
  }
}

// Change everything from bar k on: no row whose label ends before k may move, in features, label or anything else.
TEST(Dataset, NothingInARowComesFromBarsAfterItsLabel) {
  const Market before = two_symbols();
  for (const models::LabelSpec& spec : {models::LabelSpec{}, models::LabelSpec{.mode = "triple_barrier"}}) {
    const Dataset a = build(before, spec);
    for (const std::size_t k : {400U, 555U, 700U}) {
      Market after = before;
      for (std::size_t s = 0; s < 2; ++s) {
        const auto other = walk(kBars, 100 + s);
        std::copy(other.begin() + static_cast<std::ptrdiff_t>(k), other.end(),
                  after.bars[s].begin() + static_cast<std::ptrdiff_t>(k));
      }
      const Dataset b = build(after, spec);
      const Timestamp changed = before.bars[0][k].open_time;
      std::size_t compared = 0;
      for (std::size_t i = 0; i < a.size() && a.rows[i].bar_close + base::minutes(60) <= changed; ++i, ++compared)
        ASSERT_TRUE(same_row(a, i, b, i)) << "row " << i << ", bars changed from " << k;
      EXPECT_EQ(compared, 2 * (k - 250 + 1 - 4));
      const auto weights_a = sample_weights(a, {0, compared}), weights_b = sample_weights(b, {0, compared});
      if (spec.mode == "fixed_horizon") {
        EXPECT_EQ(weights_a, weights_b);
      }
    }
  }
}

TEST(Dataset, AHoleCostsItsRowsAndInventsNothing) {
  Market market = two_symbols();
  market.bars[1].erase(market.bars[1].begin() + 600, market.bars[1].begin() + 610);
  const Dataset d = build(market);
  EXPECT_GT(d.stats.invalid.at("gap"), 0);
  EXPECT_GT(d.stats.data_faults.at("gap"), 0);
  const Timestamp hole = market.bars[0][600].open_time;
  for (const Row& row : d.rows)
    EXPECT_TRUE(row.symbol.value == 0 || row.label.end <= hole || row.bar_close > hole + base::minutes(150));
}

TEST(Dataset, BaseBarsAggregateToThePrimaryTimeframe) {
  std::vector<Lane> lanes;
  lanes.push_back({std::make_unique<VectorCursor>(walk(3 * kBars, 1, Timeframe::M5)), {}});
  DatasetSpec spec;
  spec.warmup_bars = 250;
  spec.rows = {kStart, kStart + base::days(365)};
  const auto d = build_dataset(std::move(lanes), spec, {});
  ASSERT_TRUE(d);
  EXPECT_EQ(d->stats.primary_bars, static_cast<std::int64_t>(kBars));
  EXPECT_EQ(d->size(), kBars - 250 + 1 - 4);
}

TEST(Dataset, FundingIsKnownToTheDecisionThatFollowsItsSettlement) {
  Market market = two_symbols();
  const Timestamp settled = market.bars[0][500].close_time();
  market.funding[0].push_back({{}, domain::Ratio::from_double(0.0003), settled, 8});
  const Dataset d = build(market);
  const auto funding = static_cast<std::size_t>(features::Feature::Funding);
  for (std::size_t i = 0; i < d.size(); ++i) {
    const Row& row = d.rows[i];
    const bool known = row.symbol.value == 0 && row.bar_close >= settled && row.bar_close < settled + base::hours(9);
    ASSERT_EQ((row.present_mask >> funding & 1) != 0, known) << base::format_timestamp(row.bar_close);
    ASSERT_NEAR(d.x[i * kFeatureCount + funding], known ? 0.3 : 0.0, 1e-12);
  }
}

TEST(Dataset, FeaturesWithTooLittleCoverageAreHeldNeutralEverywhere) {
  Market market = two_symbols();
  for (std::size_t i = 0; i < kBars; i += 32)  // symbol 0 always has funding, symbol 1 never: coverage ½
    market.funding[0].push_back({{}, domain::Ratio::from_double(0.0003), market.bars[0][i].open_time, 8});
  Dataset d = build(market);
  const auto funding = static_cast<std::size_t>(features::Feature::Funding);
  const auto held = hold_uncovered_neutral(d, {0, d.size()});
  EXPECT_NE(std::ranges::find(held, features::kFeatureNames[funding]), held.end());
  EXPECT_EQ(std::ranges::find(held, features::kFeatureNames[15]), held.end());
  for (std::size_t i = 0; i < d.size(); ++i) ASSERT_EQ(d.x[i * kFeatureCount + funding], 0.0);
  const auto lenient = hold_uncovered_neutral(d, {0, d.size()}, 0.4);
  EXPECT_EQ(std::ranges::find(lenient, features::kFeatureNames[funding]), lenient.end());
}

TEST(Dataset, WeightsAreClassTimesAgeTimesUniqueness) {
  Dataset d;
  for (int i = 0; i < 10; ++i) {
    d.labels.push_back(i == 0 ? LabelClass::Sell : i < 4 ? LabelClass::Buy : LabelClass::Hold);
    d.rows.push_back({.bar_close = kStart + base::days(30 * i)});
    d.rows.back().label.log_return = 0.01 * i;
    d.rows.back().horizon_sigma = 0.02;
  }
  d.rows[9].uniqueness = 0.5;
  const auto w = sample_weights(d, {0, 10});
  EXPECT_DOUBLE_EQ(w[9], 10.0 / 18 * 0.5);                // HOLD, 6 of 10, newest
  EXPECT_NEAR(w[7], 10.0 / 18 * std::exp(-1.0), 1e-12);   // sixty days older
  EXPECT_NEAR(w[3], 10.0 / 9 * std::exp(-3.0), 1e-12);    // BUY, 3 of 10
  EXPECT_NEAR(w[0], 3.0 * std::exp(-270 / 60.0), 1e-12);  // SELL, 1 of 10: 3.33 is capped
  const auto mean = class_mean_abs_return(d, {0, 10});
  EXPECT_NEAR(mean[2], (0.01 + 0.02 + 0.03) / 3 / 0.02, 1e-12);
  EXPECT_EQ(class_counts(d.labels), (std::array<std::int64_t, 3>{1, 6, 3}));
}

TEST(Dataset, TripleBarrierLabelsCarryTheirUniqueness) {
  const Dataset d = build(two_symbols(), {.mode = "triple_barrier"});
  double sum = 0;
  for (const Row& row : d.rows) {
    ASSERT_GT(row.uniqueness, 0);
    ASSERT_LE(row.uniqueness, 1);
    EXPECT_LE(row.label.end, row.bar_close + base::minutes(60));
    sum += row.uniqueness;
  }
  EXPECT_LT(sum / static_cast<double>(d.size()), 0.9);  // labels of successive bars overlap
}

}  // namespace
}  // namespace qtrader::training
