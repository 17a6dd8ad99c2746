#include "training/split.hpp"

#include <gtest/gtest.h>

#include <algorithm>

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

constexpr Scheme kSchemes[] = {Scheme::Anchored, Scheme::Rolling, Scheme::KFold, Scheme::Cpcv};

CrossSpec random_spec(base::Rng& rng, Scheme scheme) {
  CrossSpec spec;
  spec.scheme = scheme;
  spec.folds = scheme == Scheme::Cpcv ? 6 : 3 + static_cast<std::int32_t>(rng.below(3));
  spec.test_groups = 1 + static_cast<std::int32_t>(rng.below(3));
  spec.horizon_bars = 1 + static_cast<std::int32_t>(rng.below(12));
  spec.embargo_bars = 1 + static_cast<std::int32_t>(rng.below(60));
  return spec;
}

/// The bars that a row of a part speaks of: the history a sequence model reads before it and the label after it.
struct Reach {
  Timestamp first, last;
};
Reach reach_of(std::span<const Timestamp> times, IndexRange rows, const CrossSpec& spec) {
  const auto bar = domain::duration(spec.timeframe);
  const std::int64_t history = std::max(spec.embargo_bars - 1, 0);
  return {times[rows.begin] - bar * history, times[rows.end - 1] + bar * spec.horizon_bars};
}

/// No bar that one part's rows read or are labelled by is a row of the other.
void expect_apart(std::span<const Timestamp> times, IndexRange a, IndexRange b, const CrossSpec& spec) {
  if (times[a.begin] > times[b.begin]) std::swap(a, b);
  ASSERT_LE(a.end, b.begin);
  EXPECT_LT(reach_of(times, a, spec).last, times[b.begin]);
  EXPECT_GT(reach_of(times, b, spec).first, times[a.end - 1]);
  EXPECT_LT(reach_of(times, a, spec).last, reach_of(times, b, spec).first);  // nor do they share any bar
}

TEST(CrossFolds, NoPartReachesIntoAnotherThroughItsLabelsOrItsHistory) {
  base::Rng rng(3);
  for (int round = 0; round < 60; ++round) {
    const auto times = random_times(rng, domain::Timeframe::M15);
    for (const Scheme scheme : kSchemes) {
      const CrossSpec spec = random_spec(rng, scheme);
      const auto folds = cross_folds(times, spec);
      ASSERT_TRUE(folds) << folds.error().message();
      for (const CrossFold& fold : *folds) {
        ASSERT_EQ(fold.test.size(), fold.blocks.size());
        for (const IndexRange test : fold.test) {
          expect_apart(times, fold.validation, test, spec);
          for (const IndexRange train : fold.train) expect_apart(times, train, test, spec);
        }
        for (const IndexRange train : fold.train) expect_apart(times, train, fold.validation, spec);
      }
    }
  }
}

TEST(CrossFolds, WalkForwardNeverLearnsFromTheFutureAndTestsEveryLaterRowOnce) {
  base::Rng rng(4);
  for (const Scheme scheme : {Scheme::Anchored, Scheme::Rolling}) {
    const auto times = random_times(rng, domain::Timeframe::M15);
    const auto folds = *cross_folds(times, {.scheme = scheme, .folds = 4, .embargo_bars = 30});
    ASSERT_EQ(folds.size(), 4U);
    for (std::size_t i = 0; i < folds.size(); ++i) {
      ASSERT_EQ(folds[i].train.size(), 1U);
      EXPECT_LT(folds[i].train[0].end, folds[i].validation.begin);
      EXPECT_LT(folds[i].validation.end, folds[i].test[0].begin);
      if (i > 0) {
        EXPECT_EQ(folds[i].test[0].begin, folds[i - 1].test[0].end);
      }
      if (scheme == Scheme::Anchored) {
        EXPECT_EQ(folds[i].train[0].begin, 0U);
      }
      if (scheme == Scheme::Rolling && i > 0) {
        EXPECT_GT(folds[i].train[0].begin, folds[i - 1].train[0].begin);
      }
    }
    EXPECT_EQ(folds.back().test[0].end, times.size());
    const auto span = static_cast<double>((times.back() - times.front()).ns);
    EXPECT_NEAR(static_cast<double>((times[folds[0].test[0].begin] - times.front()).ns) / span, 0.4, 0.01);
  }
}

TEST(CrossFolds, KFoldTestsEveryRowOnce) {
  base::Rng rng(5);
  const auto times = random_times(rng, domain::Timeframe::M15);
  const auto folds = *cross_folds(times, {.scheme = Scheme::KFold, .folds = 5, .embargo_bars = 30});
  ASSERT_EQ(folds.size(), 5U);
  std::size_t next = 0;
  for (const CrossFold& fold : folds) {
    EXPECT_EQ(fold.test[0].begin, next);
    next = fold.test[0].end;
  }
  EXPECT_EQ(next, times.size());
  EXPECT_EQ(backtest_paths(folds).size(), 1U);
}

TEST(CrossFolds, CpcvGivesEveryCombinationAndPathsThatCoverEveryGroupOnce) {
  base::Rng rng(6);
  const auto times = random_times(rng, domain::Timeframe::M15);
  const auto folds = *cross_folds(times, {.scheme = Scheme::Cpcv, .folds = 6, .test_groups = 2, .embargo_bars = 30});
  ASSERT_EQ(folds.size(), 15U);  // C(6, 2)
  EXPECT_EQ(folds.front().blocks, (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(folds.back().blocks, (std::vector<std::int32_t>{4, 5}));
  const auto paths = backtest_paths(folds);
  ASSERT_EQ(paths.size(), 5U);  // 2/6 · 15
  std::vector<int> used(folds.size());
  for (const auto& path : paths) {
    ASSERT_EQ(path.size(), 6U);
    for (std::size_t block = 0; block < 6; ++block) {
      const auto& tested = folds[path[block]].blocks;
      EXPECT_NE(std::ranges::find(tested, static_cast<std::int32_t>(block)), tested.end());
      ++used[path[block]];
    }
  }
  EXPECT_EQ(used, std::vector<int>(15, 2));  // every test group of every fold is on one path
}

TEST(CrossFolds, NamesWhatIsOutOfRange) {
  base::Rng rng(8);
  const auto times = random_times(rng, domain::Timeframe::M15);
  EXPECT_FALSE(cross_folds({}, {}));
  EXPECT_FALSE(cross_folds(times, {.folds = 0}));
  EXPECT_FALSE(cross_folds(times, {.scheme = Scheme::KFold, .folds = 2}));
  EXPECT_FALSE(cross_folds(times, {.scheme = Scheme::Cpcv, .folds = 4, .test_groups = 3}));
  EXPECT_FALSE(cross_folds(times, {.scheme = Scheme::Cpcv, .folds = 13}));
  EXPECT_FALSE(cross_folds(times, {.validation_share = 0}));
  EXPECT_FALSE(cross_folds(times, {.initial_share = 1}));
  EXPECT_FALSE(cross_folds(times, {.horizon_bars = 0}));
  EXPECT_FALSE(cross_folds(times, {.folds = 10, .embargo_bars = 2000}));
  const auto unknown = parse_scheme("random");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().context.find("random"), std::string::npos);
  for (const Scheme scheme : kSchemes) EXPECT_EQ(*parse_scheme(name(scheme)), scheme);
}

}  // namespace
}  // namespace qtrader::training
