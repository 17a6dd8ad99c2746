// Splits by time: train, validation and test parts that share no bar, not even through a label (ai.md 2.1).
//
// Rows are sorted by time, so every part is one contiguous range. Between two parts lies a gap of H bars (purge: a
// label looks H bars ahead) plus an embargo (a sequence model looks that many bars back; López de Prado 2018, ch. 7).
// Never shuffles, never cuts by symbol.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/result.hpp"
#include "core/domain/bar.hpp"

namespace qtrader::training {

/// Rows [begin, end) of a dataset.
struct IndexRange {
  std::size_t begin = 0, end = 0;
  std::size_t size() const { return end - begin; }
};

struct SplitSpec {
  double train_share = 0.70;  // of the time span; the rest after validation is test
  double validation_share = 0.15;
  std::int32_t horizon_bars = 4;
  std::int32_t embargo_bars = 120;
  domain::Timeframe timeframe = domain::Timeframe::M15;

  /// Purge plus embargo.
  base::Duration gap() const { return domain::duration(timeframe) * (std::int64_t{horizon_bars} + embargo_bars); }
};

struct Split {
  IndexRange train, validation, test;
  base::Timestamp validation_from, test_from;  // close times; earlier parts end a gap before
};

/// `times` are the rows' bar close times, never falling. Errors: InvalidArgument if shares are not in (0, 1) or a part
/// would be empty, naming the span there is and the gap it must hold twice.
base::Result<Split> split_by_time(std::span<const base::Timestamp> times, const SplitSpec& spec);

struct Fold {
  IndexRange train, test;
};

/// Walk-forward: the span is cut into folds + 1 blocks of equal time; fold i trains on everything before block i + 1
/// (less the gap) and tests on it. Shares are not used. Errors as split_by_time; folds ≥ 1.
base::Result<std::vector<Fold>> walk_forward_folds(std::span<const base::Timestamp> times, int folds,
                                                   const SplitSpec& spec);

/// How an evaluation divides time into folds.
enum class Scheme : std::uint8_t {
  Anchored,  // walk-forward, all of the past
  Rolling,   // walk-forward, a window of constant length
  KFold,     // every block tested once, by a model of all the others (López de Prado 2018, 7.4)
  Cpcv,      // combinatorial: every choice of test groups (ibid., 12.3)
};
QT_DESCRIBE_ENUM(Scheme, Anchored, Rolling, KFold, Cpcv)
/// "anchored", "rolling", "kfold", "cpcv".
std::string_view name(Scheme scheme);
base::Result<Scheme> parse_scheme(std::string_view text);

struct CrossSpec {
  Scheme scheme = Scheme::Anchored;
  std::int32_t folds = 5;           // test blocks; of Cpcv: groups
  std::int32_t test_groups = 2;     // of each fold; Cpcv only
  double initial_share = 0.4;       // walk-forward: of the span, before the first test block
  double validation_share = 0.15;   // walk-forward: of the time before a test block
  std::int32_t horizon_bars = 4;    // purge
  std::int32_t embargo_bars = 120;  // and embargo: between any two parts, in both directions
  domain::Timeframe timeframe = domain::Timeframe::M15;

  base::Duration gap() const { return domain::duration(timeframe) * (std::int64_t{horizon_bars} + embargo_bars); }
};

/// One fit: what it learns from, what it is stopped and calibrated on, what it is judged on. Ranges in time order; no
/// row of one part lies within gap() of a row of another.
struct CrossFold {
  std::vector<IndexRange> train;
  IndexRange validation;
  std::vector<IndexRange> test;      // one for each tested block
  std::vector<std::int32_t> blocks;  // the number of each, from 0
};

/// Walk-forward: the span after initial_share is cut into `folds` test blocks; the last validation_share of what lies
/// before a block validates. KFold and Cpcv: the span is cut into `folds` groups, and the last group that is not tested
/// validates. Cpcv gives C(folds, test_groups) folds, in lexicographic order of their test groups. Errors as
/// split_by_time; InvalidArgument too for folds out of range (walk-forward ≥ 1, KFold ≥ 3, Cpcv ≤ 12 with at least two
/// groups not tested).
base::Result<std::vector<CrossFold>> cross_folds(std::span<const base::Timestamp> times, const CrossSpec& spec);

/// The paths of a cross-validation: each is a choice of one fold for each block, so that it covers every tested block
/// once. paths[i][block] is an index into `folds`. One path unless Cpcv, which has test_groups / folds · C(folds,
/// test_groups) of them (ibid., 12.4).
std::vector<std::vector<std::size_t>> backtest_paths(std::span<const CrossFold> folds);

}  // namespace qtrader::training
