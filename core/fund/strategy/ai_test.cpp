#include "core/fund/strategy/ai.hpp"

#include <gtest/gtest.h>

#include "core/market/testing.hpp"

namespace qtrader::fund {
namespace {

using domain::SymbolId;
using domain::Timeframe;

constexpr std::size_t kLookBack = 5;

/// Looks back and notes what it was shown.
class Watcher final : public models::Model {
 public:
  struct Seen {
    std::size_t bars = 0;
    base::Timestamp newest, oldest;
    bool valid = false;
  };
  Watcher(models::ModelKind kind, std::size_t bars, std::vector<Seen>& seen) : bars_(bars), seen_(seen) {
    traits_.kind = kind;
    traits_.schema_id = features::schema_id(Timeframe::M15);
  }
  const models::ModelTraits& traits() const override { return traits_; }
  std::size_t history_bars() const override { return bars_; }
  models::Prediction predict(const models::ModelInput& input) const override {
    Seen s;
    if (input.history != nullptr) {
      const models::FeatureHistory& h = *input.history;
      s = {h.size(), h[0].bar_close, h[h.size() - 1].bar_close, h[0].valid};
    }
    seen_.push_back(s);
    return {.model = traits_.kind, .why_invalid = "only watching"};
  }

 private:
  models::ModelTraits traits_;
  std::size_t bars_;
  std::vector<Seen>& seen_;
};

/// One symbol's market, its features and the strategy that is shown every primary bar.
struct World {
  explicit World(std::vector<std::size_t> look_back) {
    std::vector<std::unique_ptr<models::Model>> members;
    for (const std::size_t bars : look_back)
      members.push_back(std::make_unique<Watcher>(static_cast<models::ModelKind>(members.size()), bars, seen));
    auto ensemble = models::Ensemble::create({}, 1, Timeframe::M15, std::move(members));
    EXPECT_TRUE(ensemble.ok());
    strategy = std::make_unique<AiStrategy>(std::move(ensemble).value());
  }
  /// Feeds primary bars, evaluating those from `decide_from` on.
  void run(std::size_t bars, std::size_t decide_from) {
    for (std::size_t i = 0; i < bars; ++i) {
      const domain::Bar bar = source.next();
      const auto result = market.on_bar(kSymbol, bar, faults);
      book.on_base_bar(kSymbol, bar);
      book.on_primary_bar(kSymbol, *result.primary);
      const StrategyInput input{kSymbol, market[kSymbol], &book, 0.001, bar.close_time()};
      strategy->observe(input);
      if (i >= decide_from) signal = strategy->evaluate(input);
      close = bar.close_time();
    }
  }
  base::Bytes state() const {
    base::Bytes bytes;
    base::Writer writer(bytes);
    strategy->archive(writer);
    return bytes;
  }

  static constexpr SymbolId kSymbol{0};
  std::vector<Watcher::Seen> seen;
  std::unique_ptr<AiStrategy> strategy;
  market::testing::RandomBars source{3, Timeframe::M15};
  market::MarketState market{1, {Timeframe::M15, Timeframe::M15, false}};
  features::FeatureBook book{1, {Timeframe::M15, Timeframe::M15, 210, SymbolId{0}}};
  market::testing::Faults faults;
  domain::Signal signal;
  base::Timestamp close;
};

TEST(AiStrategy, ShowsEachMemberTheLongestHistoryWithTheBarsOfTheWarmUp) {
  World w({0, kLookBack});
  w.run(220, 219);
  ASSERT_EQ(w.seen.size(), 2u) << w.signal.votes.size();
  for (const Watcher::Seen& s : w.seen) {
    EXPECT_EQ(s.bars, kLookBack);
    EXPECT_TRUE(s.valid);
    EXPECT_EQ(s.newest, w.close);
    EXPECT_EQ(w.close - s.oldest, domain::duration(Timeframe::M15) * (kLookBack - 1));
  }
}

TEST(AiStrategy, KeepsNothingForMembersThatDoNotLookBack) {
  World w({0});
  w.run(220, 218);
  ASSERT_EQ(w.seen.size(), 2u);
  EXPECT_EQ(w.seen.back().bars, 0u);
}

TEST(AiStrategy, AskedTwiceAddsNoBar) {
  World w({kLookBack});
  w.run(212, 211);
  const base::Bytes before = w.state();
  w.strategy->evaluate({World::kSymbol, w.market[World::kSymbol], &w.book, 0.001, w.close});
  EXPECT_EQ(w.state(), before);
}

TEST(AiStrategy, ContinuesFromItsArchiveAndStartsAnewWithOtherMembers) {
  World w({kLookBack}), same({kLookBack}), longer({kLookBack + 1});
  w.run(220, 215);
  const base::Bytes bytes = w.state();
  base::Reader reader(bytes);
  same.strategy->archive(reader);
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(same.state(), bytes);

  base::Reader again(bytes);
  longer.strategy->archive(again);
  EXPECT_TRUE(again.complete());
  longer.strategy->evaluate({World::kSymbol, w.market[World::kSymbol], &w.book, 0.001, w.close});
  ASSERT_EQ(longer.seen.size(), 1u);
  EXPECT_EQ(longer.seen[0].bars, 1u);
}

}  // namespace
}  // namespace qtrader::fund
