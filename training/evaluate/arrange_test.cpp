#include "training/evaluate/arrange.hpp"

#include <gtest/gtest.h>

#include "training/evaluate/test_market.hpp"

namespace qtrader::training {
namespace {

const CrossSpec kSpec{.scheme = Scheme::Cpcv, .folds = 5, .embargo_bars = 20, .timeframe = domain::Timeframe::H1};

TEST(Arrange, KeepsEveryRowOnceWithItsValuesAndItsPredecessor) {
  const Dataset dataset = make_dataset({.symbols = 3, .days = 60});
  const std::vector<CrossFold> folds = *cross_folds(dataset.times(), kSpec);
  for (const CrossFold& fold : folds) {
    const Arranged a = arrange(dataset, fold);
    ASSERT_EQ(a.dataset.size(), dataset.size());
    std::vector<bool> seen(dataset.size());
    for (std::size_t i = 0; i < a.dataset.size(); ++i) {
      const std::uint32_t from = a.source[i];
      ASSERT_FALSE(seen[from]);
      seen[from] = true;
      EXPECT_EQ(a.dataset.rows[i].bar_close, dataset.rows[from].bar_close);
      EXPECT_EQ(a.dataset.labels[i], dataset.labels[from]);
      for (std::size_t j = 0; j < features::kFeatureCount; j += 9)
        EXPECT_EQ(a.dataset.x[i * features::kFeatureCount + j], dataset.x[from * features::kFeatureCount + j]);
      const std::uint32_t previous = a.dataset.rows[i].previous;
      EXPECT_EQ(previous == kNoRow ? kNoRow : a.source[previous], dataset.rows[from].previous);
    }
  }
}

TEST(Arrange, PutsTheFoldsRowsIntoItsParts) {
  const Dataset dataset = make_dataset({.symbols = 3, .days = 60});
  const std::vector<CrossFold> folds = *cross_folds(dataset.times(), kSpec);
  for (const CrossFold& fold : folds) {
    const Arranged a = arrange(dataset, fold);
    std::size_t at = 0;
    for (const IndexRange train : fold.train)
      for (std::size_t i = train.begin; i < train.end; ++i) EXPECT_EQ(a.source[at++], i);
    EXPECT_EQ(a.train.end, at);
    EXPECT_EQ(a.source[a.validation.begin], fold.validation.begin);
    EXPECT_EQ(a.validation.size(), fold.validation.size());
    EXPECT_EQ(a.test.begin, a.validation.end);
    ASSERT_EQ(a.test_blocks.size(), a.test.size());
    EXPECT_EQ(a.test_blocks.front(), fold.blocks.front());
    EXPECT_EQ(a.test_blocks.back(), fold.blocks.back());
    EXPECT_EQ(a.source[a.test.end - 1], fold.test.back().end - 1);
  }
}

/// What a sequence model reads of a training row never was a test or a validation row.
TEST(Arrange, NoTrainingRowsHistoryOrLabelMeetsAnotherPart) {
  const Dataset dataset = make_dataset({.symbols = 2, .days = 60});
  const std::vector<CrossFold> folds = *cross_folds(dataset.times(), kSpec);
  for (const CrossFold& fold : folds) {
    const Arranged a = arrange(dataset, fold);
    std::vector<bool> judged(dataset.size());  // bars of validation and test, in the dataset's order
    for (std::size_t i = a.validation.begin; i < a.test.end; ++i) judged[a.source[i]] = true;
    for (std::size_t i = a.train.begin; i < a.train.end; ++i) {
      std::uint32_t back = static_cast<std::uint32_t>(i);
      for (int step = 0; step < kSpec.embargo_bars && back != kNoRow; ++step) {
        EXPECT_FALSE(judged[a.source[back]]);
        back = a.dataset.rows[back].previous;
      }
      const std::size_t label_end = a.source[i] + static_cast<std::size_t>(2 * kSpec.horizon_bars);  // two symbols
      for (std::size_t j = a.source[i]; j <= label_end && j < judged.size(); j += 2) EXPECT_FALSE(judged[j]);
    }
  }
}

}  // namespace
}  // namespace qtrader::training
