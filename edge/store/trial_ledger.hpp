// Trial ledger: every backtest ever run on some data, one JSON line each (docs/formats/trial-ledger.md, ADR 0016).
//
// Whoever tries a hundred variants and reports the best reports luck; correcting for that needs the number of trials
// and their returns. The app records each finished run here and hands the family of trials to the report. Append-only,
// under a file lock, at most once per trial: running the same thing again is no new trial. Judges nothing. Memory is
// bounded by one line and by kFamilyTrials.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace qtrader::store {

/// One run. Everything but `id` and `recorded_at` follows from the run alone and so is the same whenever it is
/// repeated.
struct Trial {
  std::string schema = "trial/1";
  std::string id;           // 16 hex digits of the hash of everything below; given by the ledger
  std::string recorded_at;  // ISO-8601; given by the ledger
  std::string kind = "backtest";
  std::string config_hash, venue_hash, data_hash;
  std::string strategy;
  std::vector<std::string> models, symbols;
  std::string timeframe;
  std::int64_t from_ms = 0, to_ms = 0;  // decisions are taken in [from, to)
  std::uint64_t seed = 0;
  bool synthetic = false;
  std::uint64_t days = 0;  // with a return
  // Of the daily net returns; absent if they do not vary.
  std::optional<double> mean, deviation, skewness, kurtosis, sharpe_annual;
  std::string first_day;                                // YYYY-MM-DD, UTC; empty without returns
  std::vector<std::optional<std::int64_t>> return_ppb;  // of successive days, in 1e-9; null on a day without samples
};
QT_DESCRIBE(Trial, schema, id, recorded_at, kind, config_hash, venue_hash, data_hash, strategy, models, symbols,
            timeframe, from_ms, to_ms, seed, synthetic, days, mean, deviation, skewness, kurtosis, sharpe_annual,
            first_day, return_ppb)

/// Newest trials of a family that are kept in memory.
inline constexpr std::size_t kFamilyTrials = 500;

/// The trials that looked at the same market at the same time as one of them: a symbol in common, windows that overlap,
/// and both recorded or both synthetic data.
struct TrialFamily {
  std::string id;              // of the trial it is the family of
  std::uint64_t trials = 0;    // distinct ones, that trial included; 0 only in a family that was never looked up
  std::vector<Trial> newest;   // at most kFamilyTrials, the trial itself first
  bool cut_torn_line = false;  // the file ended in the remains of an interrupted write, which are gone now
};

class TrialLedger {
 public:
  /// Creates the file if there is none and verifies every line, so that a long run does not fail at its end. Errors:
  /// NotFound, Io (also: not writable); Corrupt naming the line; SchemaMismatch.
  static base::Result<TrialLedger> open(std::filesystem::path path);

  /// Appends the trial unless it is there, and gives its family. Waits for another process that is writing, at most
  /// 30 s: then Conflict. Other errors as open, and NoSpace; then the file is as it was.
  base::Result<TrialFamily> record(Trial trial, base::Timestamp now) const;

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TrialLedger(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Where a run whose results go to `out` is counted unless told otherwise: trials.jsonl in the directory `out` is in.
std::filesystem::path trials_beside(const std::filesystem::path& out);

/// What `id` is computed from: the trial without `id` and `recorded_at`.
std::string trial_id(Trial trial);

}  // namespace qtrader::store
