// The leak check: rebuilds windows of a market with their future changed after a cut, and reports whatever moved before
// it.
//
// In the flow: `qtrader leakcheck` → check() → for each cut a window (warm-up, then rows) is read, run through the
// pipeline as it is, without its future, and with two other futures; what was settled by the cut must be equal to the
// last bit (compare.hpp). Windows instead of whole rebuilds keep it to seconds a cut; the report says what they
// covered. What moved is traced to the bars that moved it. Never writes anything.
#pragma once

#include "training/leakcheck/compare.hpp"
#include "training/leakcheck/source.hpp"

namespace qtrader::training::leakcheck {

struct CheckSpec {
  std::int32_t cuts = 12;
  std::uint64_t seed = 1;
  std::int32_t warmup_bars = 800;    // primary bars before a window's rows
  std::int32_t row_bars = 1'000;     // primary bars of rows in a window: enough for three parts and the gaps between
  std::int32_t trace_rebuilds = 60;  // at most, to find the bars that moved what has moved
};

/// One cut and the window it was made in.
struct CutRecord {
  base::Timestamp at;
  base::Timestamp rows_from, rows_to;
  std::string reason;  // why there: "after training", "after validation", "end of a hole"
  std::int64_t rows = 0;
};
QT_DESCRIBE(CutRecord, at, rows_from, rows_to, reason, rows)

struct CheckReport {
  std::vector<std::string> symbols;
  domain::Timeframe timeframe = domain::Timeframe::M15, base_timeframe = domain::Timeframe::M5;
  base::Timestamp from, to;  // of the data the cuts were chosen from
  std::uint64_t seed = 1;
  std::vector<CutRecord> cuts;
  Coverage coverage;
  std::vector<Finding> findings;
};
QT_DESCRIBE(CheckReport, symbols, timeframe, base_timeframe, from, to, seed, cuts, coverage, findings)

/// Errors: InvalidArgument if the data are too short for a window or a number is out of range; those of the source and
/// of the pipeline; Interrupted.
base::Result<CheckReport> check(const Source& source, const Pipeline& pipeline, const CheckSpec& spec,
                                const Progress& progress);

}  // namespace qtrader::training::leakcheck
