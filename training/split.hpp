// Splits by time: train, validation and test parts that share no bar, not even through a label (ai.md 2.1).
//
// Rows are sorted by time, so every part is one contiguous range. Between two parts lies a gap of H bars (purge: a
// label looks H bars ahead) plus an embargo (a sequence model looks that many bars back; López de Prado 2018, ch. 7).
// Never shuffles, never cuts by symbol.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

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

}  // namespace qtrader::training
