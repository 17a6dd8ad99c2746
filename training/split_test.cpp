#include "training/split.hpp"

#include <gtest/gtest.h>

#include "core/base/rng.hpp"

namespace qtrader::training {
namespace {

using base::Timestamp;

/// Bar closes of a few symbols with random holes, sorted, repeated per symbol.
std::vector<Timestamp> random_times(base::Rng& rng, domain::Timeframe timeframe) {
  std::vector<Timestamp> out;
  const std::uint64_t bars = 2000 + rng.below(4000), symbols = 1 + rng.below(4);
  for (std::uint64_t i = 0; i < bars; ++i)
    for (std::uint64_t s = 0; s < symbols; ++s)
      if (rng.uniform() < 0.9) out.push_back(Timestamp{} + domain::duration(timeframe) * static_cast<std::int64_t>(i));
  return out;
}

TEST(Split, NoLabelWindowAndNoSequenceReachesIntoAnotherPart) {
  base::Rng rng(7);
  for (int round = 0; round < 200; ++round) {
    SplitSpec spec;
    spec.horizon_bars = 1 + static_cast<std::int32_t>(rng.below(12));
    spec.embargo_bars = static_cast<std::int32_t>(rng.below(150));
    spec.timeframe = round % 2 == 0 ? domain::Timeframe::M15 : domain::Timeframe::H1;
    const auto times = random_times(rng, spec.timeframe);
    const auto split = split_by_time(times, spec);
    ASSERT_TRUE(split) << split.error().message();
    const auto bar = domain::duration(spec.timeframe);
    EXPECT_EQ(split->train.begin, 0U);
    EXPECT_EQ(split->test.end, times.size());
    for (const auto& [early, late] : {std::pair(split->train, split->validation), {split->validation, split->test}}) {
      ASSERT_LT(early.end, late.begin + 1);
      const Timestamp last = times[early.end - 1], first = times[late.begin];
      EXPECT_GE((first - last).ns, (bar * (spec.horizon_bars + spec.embargo_bars)).ns);
      EXPECT_LT(last + bar * spec.horizon_bars, first);  // the label of the last row ends before the next part begins
    }
    EXPECT_GE(times[split->validation.begin], split->validation_from);
    EXPECT_GE(times[split->test.begin], split->test_from);
  }
}

TEST(Split, SharesAreOfTime) {
  std::vector<Timestamp> times;
  for (int i = 0; i <= 10'000; ++i) times.push_back({base::minutes(15 * i).ns});
  const Split split = *split_by_time(times, {});
  EXPECT_EQ(split.train.end, 7000U - 124 + 1);
  EXPECT_EQ(split.validation.begin, 7000U);
  EXPECT_EQ(split.validation.end, 8500U - 124 + 1);
  EXPECT_EQ(split.test.begin, 8500U);
}

TEST(Split, TooLittleIsAnErrorThatSaysWhatThereIs) {
  std::vector<Timestamp> times;
  EXPECT_FALSE(split_by_time(times, {}));
  for (int i = 0; i < 300; ++i) times.push_back({base::minutes(15 * i).ns});
  const auto split = split_by_time(times, {});
  ASSERT_FALSE(split);
  EXPECT_EQ(split.error().code, base::Errc::InvalidArgument);
  EXPECT_NE(split.error().context.find("300 rows"), std::string::npos);
  EXPECT_FALSE(split_by_time(times, {.train_share = 0.9, .validation_share = 0.2}));
  EXPECT_FALSE(walk_forward_folds(times, 0, {}));
  EXPECT_FALSE(walk_forward_folds(times, 5, {}));
}

TEST(Split, WalkForwardFoldsTestEveryLaterBlockOnceAndTrainOnlyOnThePast) {
  base::Rng rng(11);
  for (int round = 0; round < 50; ++round) {
    const auto times = random_times(rng, domain::Timeframe::M15);
    const SplitSpec spec{.horizon_bars = 4, .embargo_bars = 20};
    const auto folds = walk_forward_folds(times, 5, spec);
    ASSERT_TRUE(folds) << folds.error().message();
    ASSERT_EQ(folds->size(), 5U);
    for (std::size_t i = 0; i < 5; ++i) {
      const Fold& f = (*folds)[i];
      EXPECT_EQ(f.train.begin, 0U);
      EXPECT_GE((times[f.test.begin] - times[f.train.end - 1]).ns, spec.gap().ns);
      const std::size_t expected = i > 0 ? (*folds)[i - 1].test.end : f.test.begin;
      EXPECT_EQ(f.test.begin, expected);
    }
    EXPECT_EQ(folds->back().test.end, times.size());
  }
}

}  // namespace
}  // namespace qtrader::training
