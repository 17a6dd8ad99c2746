#include "training/leakcheck/leakcheck.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/rng.hpp"
#include "training/leakcheck/cuts.hpp"
#include "training/leakcheck/plants.hpp"
#include "training/leakcheck/product_pipeline.hpp"

namespace qtrader::training::leakcheck {
namespace {

using domain::Bar;
using domain::Timeframe;

constexpr base::Timestamp kStart{base::days(20'000).ns};
constexpr std::size_t kBars = 3 * 1'100;  // of 5 minutes

domain::Instrument instrument(const char* symbol) {
  domain::Instrument out;
  out.symbol = symbol;
  out.tick_size = *domain::Price::parse("0.001");
  return out;
}

std::vector<Bar> walk(std::uint64_t seed) {
  base::Rng rng(seed);
  std::vector<Bar> out;
  double price = 100;
  const auto legal = [](double p) { return domain::Price::from_raw(std::llround(p * 1e3) * 100'000); };
  for (std::size_t i = 0; i < kBars; ++i) {
    Bar b;
    b.timeframe = Timeframe::M5;
    b.open_time = kStart + base::minutes(5) * static_cast<std::int64_t>(i);
    b.open = legal(price);
    price *= std::exp(0.002 * rng.normal());
    b.close = legal(price);
    b.high = legal(std::max(b.open, b.close).to_double() * 1.001);
    b.low = legal(std::min(b.open, b.close).to_double() * 0.999);
    b.volume = 100 + 10 * rng.uniform();
    out.push_back(b);
  }
  return out;
}

/// Two symbols of eleven days; the second has no funding for two days in the middle of where cuts lie.
Recording market() {
  Recording out;
  out.base = Timeframe::M5;
  out.primary = Timeframe::M15;
  out.instruments = {instrument("BTCUSDT"), instrument("ETHUSDT")};
  out.bars = {walk(1), walk(2)};
  out.funding.resize(2);
  out.marks.resize(2);
  base::Rng rng(3);
  for (std::int64_t hour = 0; hour < 275; hour += 8) {
    for (std::uint16_t s = 0; s < 2; ++s) {
      const domain::FundingRate rate{.symbol = domain::SymbolId{s},
                                     .rate = domain::Ratio::from_double(0.0001 * rng.normal()),
                                     .ts_event = kStart + base::hours(hour)};
      if (s == 0 || hour < 178 || hour > 226) out.funding[s].push_back(rate);
    }
  }
  return out;
}

PipelineSettings settings() {
  PipelineSettings out;
  out.warmup_bars = 250;
  out.split.embargo_bars = 24;
  return out;
}

CheckSpec spec() { return {.cuts = 4, .seed = 7, .warmup_bars = 250, .row_bars = 640, .trace_rebuilds = 60}; }

class LeakCheck : public testing::Test {
 protected:
  CheckReport run(const Pipeline& pipeline) const {
    auto report = check(source_, pipeline, spec(), {});
    EXPECT_TRUE(report.ok()) << (report ? "" : report.error().message());
    return report ? *std::move(report) : CheckReport{};
  }
  CheckReport run(Plant plant) const { return run(*planted(plant, product_)); }

  MemorySource source_{market()};
  ProductPipeline product_{settings(), nullptr};
};

TEST_F(LeakCheck, TheProductIsClean) {
  const CheckReport report = run(product_);
  for (const Finding& f : report.findings) ADD_FAILURE() << describe(f);
  EXPECT_EQ(report.cuts.size(), 4U);
  EXPECT_GT(report.coverage.rows, 2'000);
  EXPECT_GT(report.coverage.labels, 2'000);
  EXPECT_GT(report.coverage.label_directions, 4);
  EXPECT_GT(report.coverage.statistics, 4 * 2 * 100);
  EXPECT_GT(report.coverage.feature_values, 64 * report.coverage.rows);
}

TEST_F(LeakCheck, TheProductIsCleanWithBarriersThatAreTouchedEarlyToo) {
  PipelineSettings barriers = settings();
  barriers.labels.mode = "triple_barrier";
  const CheckReport report = run(ProductPipeline(barriers, nullptr));
  for (const Finding& f : report.findings) ADD_FAILURE() << describe(f);
  EXPECT_GT(report.coverage.labels, 2'000);
}

TEST_F(LeakCheck, FindsEveryPlant) {
  for (const Plant plant : kPlants) {
    const CheckReport report = run(plant);
    const Finding* const found = uncovered(plant, report);
    EXPECT_NE(found, nullptr) << name(plant);
    if (found == nullptr)
      for (const Finding& f : report.findings) ADD_FAILURE() << describe(f);
  }
}

TEST_F(LeakCheck, TracesABackFillToTheSettlementItCopies) {
  const CheckReport report = run(Plant::BackFill);
  const Finding* const found = uncovered(Plant::BackFill, report);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->symbol, "ETHUSDT");
  const base::Timestamp settlement = kStart + base::hours(232);
  ASSERT_TRUE(found->first_bar && found->last_bar) << describe(*found);
  EXPECT_EQ(*found->first_bar, settlement);
  EXPECT_EQ(*found->last_bar, settlement);
}

/// The product's rows, changed by a test.
class Altered : public ProductPipeline {
 public:
  Altered() : ProductPipeline(settings(), nullptr) {}
};

TEST_F(LeakCheck, AFeatureOfTheNextBarIsALookAheadOfOneBar) {
  class Pipeline final : public Altered {
   public:
    base::Result<Dataset> rows(const Recording& recording) const override {
      QT_TRY(Dataset out, Altered::rows(recording));
      const auto rsi = static_cast<std::size_t>(features::Feature::Rsi14);
      for (std::size_t i = 0; i + 2 < out.size(); ++i)  // two symbols: the next row of this one is two rows on
        out.x[i * features::kFeatureCount + rsi] = out.x[(i + 2) * features::kFeatureCount + rsi];
      return out;
    }
  };
  const CheckReport report = run(Pipeline());
  const auto found = std::ranges::find(report.findings, "rsi_14", &Finding::name);
  ASSERT_NE(found, report.findings.end());
  EXPECT_EQ(found->leak, Leak::LookAhead);
  EXPECT_EQ(found->thing, Thing::Feature);
  ASSERT_TRUE(found->last_bar) << describe(*found);
  EXPECT_EQ(*found->last_bar + base::minutes(5), found->row + base::minutes(15)) << describe(*found);
}

/// A core that says the price of every bar when it closes, or, with an eye on the future, that of `peek` bars later.
class PriceSayer final : public Trader {
 public:
  explicit PriceSayer(std::size_t peek) : peek_(peek) {}
  base::Result<std::vector<Decision>> trade(const Recording& recording) const override {
    std::vector<Decision> out;
    const auto& bars = recording.bars[0];
    for (std::size_t i = 0; i + peek_ < bars.size(); ++i)
      out.push_back({bars[i].close_time() + base::seconds(1), "sayer", true, base::to_bytes(bars[i + peek_].close)});
    return out;
  }

 private:
  std::size_t peek_;
};

TEST_F(LeakCheck, ADecisionThatKnowsALaterPriceIsFoundAndOneThatDoesNotIsNot) {
  const PriceSayer honest(0), peeking(2);
  const CheckReport clean = run(ProductPipeline(settings(), &honest));
  EXPECT_TRUE(clean.findings.empty());
  EXPECT_GT(clean.coverage.decisions, 1'000);
  const CheckReport report = run(ProductPipeline(settings(), &peeking));
  ASSERT_EQ(report.findings.size(), 1U);
  const Finding& found = report.findings.front();
  EXPECT_EQ(found.thing, Thing::Decision);
  EXPECT_EQ(found.name, "sayer command");
  ASSERT_TRUE(found.last_bar) << describe(found);
  EXPECT_GT(*found.last_bar + base::minutes(5), found.row) << describe(found);
}

TEST_F(LeakCheck, AFormingBarCompletedByGuessIsAnUnclosedBar) {
  class Pipeline final : public Altered {
   public:
    base::Result<Dataset> rows(const Recording& recording) const override {
      Recording completed = recording;
      for (auto& bars : completed.bars)  // the last price until the bar's end
        while (bars.back().close_time().ns % base::minutes(15).ns != 0) {
          bars.push_back(bars.back());
          bars.back().open_time = bars.back().open_time + base::minutes(5);
        }
      return Altered::rows(completed);
    }
  };
  const CheckReport report = run(Pipeline());
  ASSERT_FALSE(report.findings.empty());
  for (const Finding& f : report.findings) EXPECT_EQ(f.leak, Leak::UnclosedBar) << describe(f);
}

TEST_F(LeakCheck, TheSameSeedChecksTheSame) {
  EXPECT_EQ(run(product_).cuts.front().at, run(product_).cuts.front().at);
  CheckSpec other = spec();
  other.seed = 8;
  const auto report = check(source_, product_, other, {});
  ASSERT_TRUE(report.ok());
  EXPECT_NE(report->cuts.front().at, run(product_).cuts.front().at);
}

TEST_F(LeakCheck, DataTooShortForAWindowAreRefused) {
  CheckSpec large = spec();
  large.row_bars = 5'000;
  const auto report = check(source_, product_, large, {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, base::Errc::InvalidArgument);
  EXPECT_NE(report.error().context.find("too short"), std::string::npos);
}

TEST_F(LeakCheck, CanBeInterrupted) {
  const auto report = check(source_, product_, spec(), [](auto, auto, auto) { return false; });
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, base::Errc::Interrupted);
}

bool equal(const Bar& a, const Bar& b) { return base::to_bytes(a) == base::to_bytes(b); }

TEST(Scramble, LeavesThePastAndChangesTheWholeFutureWithinTheRulesOfBars) {
  const Recording original = market();
  const base::Timestamp cut = kStart + base::hours(100);
  const auto past = static_cast<std::size_t>(100 * 12);
  for (const Direction direction : {Direction::Up, Direction::Down}) {
    const Recording changed = scramble(original, cut, direction, 5);
    EXPECT_EQ(changed.bars[0].size(), original.bars[0].size()) << "the first symbol has no gaps";
    for (std::size_t s = 0; s < 2; ++s) {
      for (std::size_t i = 0; i < past; ++i) ASSERT_TRUE(equal(changed.bars[s][i], original.bars[s][i]));
      for (std::size_t i = past; i < changed.bars[s].size(); ++i) {
        const Bar& b = changed.bars[s][i];
        ASSERT_LT(changed.bars[s][i - 1].open_time, b.open_time);
        ASSERT_LE(b.low, std::min(b.open, b.close));
        ASSERT_GE(b.high, std::max(b.open, b.close));
        ASSERT_GE(b.volume, 0);
        ASSERT_EQ(b.close > original.bars[s][past - 1].close, direction == Direction::Up);
      }
      for (std::size_t i = 0; i < original.funding[s].size(); ++i)
        EXPECT_EQ(changed.funding[s][i].rate == original.funding[s][i].rate,
                  original.funding[s][i].ts_event < cut + kReaction);
    }
  }
}

TEST(Truncate, KeepsWhatIsKnownAtTheCut) {
  const base::Timestamp cut = kStart + base::hours(96);  // a settlement
  const Recording changed = truncate(market(), cut);
  EXPECT_EQ(changed.bars[0].back().close_time(), cut);
  EXPECT_EQ(changed.funding[0].back().ts_event, cut) << "known when the decision on the bar is taken";
}

TEST(HoleEnds, AreWhereBarsOrFundingBeginAgain) {
  Recording holed = market();
  holed.bars[0].erase(holed.bars[0].begin() + 500, holed.bars[0].begin() + 510);
  EXPECT_THAT(hole_ends(holed), testing::ElementsAre(kStart + base::minutes(5 * 510), kStart + base::hours(232)));
}

}  // namespace
}  // namespace qtrader::training::leakcheck
