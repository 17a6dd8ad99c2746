// Backtest: recorded candles through the one core, into OUT/{report.json, report.html, trades.csv, equity.csv,
// signals.csv, journal/}.
//
// Works in OUT.partial and renames at the end: OUT exists only when everything in it is whole. A killed run leaves
// OUT.partial, which resume continues to the same bytes: the journal already written is compared, then extended. Every
// run that ends is recorded in the trial ledger, from which the report's evidence is weighed.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/common/run_header.hpp"
#include "edge/history/catalog.hpp"

namespace qtrader::apps {

struct BacktestSpec {
  std::filesystem::path data;
  std::vector<std::string> symbols;  // empty: every symbol whose data cover the window
  base::Timestamp from, to;          // decisions are taken in [from, to)
  std::optional<domain::Timeframe> base;
  engine::EngineConfig engine;
  simvenue::SimVenueConfig venue;
  std::filesystem::path registry;  // for the ai strategy
  std::uint64_t seed = 1;
  std::filesystem::path out;
  std::filesystem::path trials;  // the trial ledger; empty: trials.jsonl beside out
  bool resume = false;
  bool journal = true;
  std::string command;      // that repeats the run, for the report
  bool allow_gaps = false;  // play on where bars are missing, instead of an error
};

/// limits.drawdown_rearm_days of a backtest: nobody is there to resume a paused account, and a week's pause keeps the
/// rest of the period in the test.
inline constexpr std::int32_t kBacktestRearmDays = 7;

struct Progress {
  double fraction = 0;
  base::Timestamp at;
  std::uint64_t bars = 0;
};

struct BacktestResult {
  std::string summary;  // for a terminal
  std::string report_json;
  std::uint64_t digest = 0;
  bool resumed_complete = false;  // resume found nothing left to do
};

/// Errors: those of data, models, configuration and the trial ledger; Conflict if OUT exists; Interrupted after Ctrl-C
/// (OUT.partial stays).
base::Result<BacktestResult> run_backtest(BacktestSpec spec, const std::function<void(const Progress&)>& progress);

}  // namespace qtrader::apps
