// Recorder: turns a run's audit stream into its results: trades.csv, equity.csv, signals.csv, report.json, report.html.
//
// A pure projection: fed the audit records of a run (live or read back from its journal) it produces the same files.
// Memory is bounded: rows go to disk as they come, the charts keep a decimated curve. Files appear under their names
// only when finish() succeeds. Schema: docs/formats/backtest-report.md. Single-threaded; never decides anything.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/domain/audit.hpp"
#include "core/domain/bar.hpp"
#include "core/domain/instrument.hpp"
#include "edge/report/summary.hpp"
#include "edge/store/trial_ledger.hpp"

namespace qtrader::report {

struct RunInfo {
  std::uint64_t seed = 0;
  std::string strategy;
  std::vector<std::string> symbols;
  domain::Timeframe timeframe = domain::Timeframe::M15;
  base::Timestamp from, to;
  domain::Money initial_wallet;  // > 0
  std::string config_hash, data_hash;
  std::vector<std::string> models;  // "xgboost:ab12…"
  bool synthetic = false;
  bool in_sample = false;            // a model was fitted on days of the run
  std::string venue_hash;            // of how the venue was modelled; tells trials apart
  std::vector<std::string> caveats;  // printed in every report: assumed filters, symbols without funding data, …
  std::string command;               // that repeats the run; printed with its identity
};

struct RunTiming {
  double wall_s = 0;
  std::uint64_t bars = 0, events = 0;
  double rss_mb = 0;
};

/// What is known once the run has ended.
struct RunOutcome {
  RunTiming timing;
  std::string digest;         // of the run, in hex
  store::TrialFamily family;  // of Recorder::trial(), from the ledger; none: the report says that none was kept
};

class Recorder {
 public:
  /// Creates DIR and opens temporary files in it. Errors: InvalidArgument, Io, NoSpace.
  static base::Result<std::unique_ptr<Recorder>> create(std::filesystem::path directory, RunInfo info,
                                                        const domain::InstrumentTable& instruments);
  /// Removes what finish() has not made visible.
  ~Recorder();
  /// In the order of the stream. Disk errors are kept for finish().
  void on(base::Timestamp ts, const domain::AuditRecord& record);
  /// Every primary bar, for the price charts and the buy-and-hold benchmark. Each symbol's in time order.
  void on_primary_bar(domain::SymbolId symbol, const domain::Bar& bar);
  /// The run as the trial ledger keeps it. After the last record, before finish.
  store::Trial trial() const;
  /// Writes the report files. Errors: NoSpace, Io; then nothing is left behind.
  base::Result<void> finish(const RunOutcome& outcome);
  /// After finish: the summary as shown in a terminal (at most 100 columns), as report.json's text, and as values.
  std::string terminal_summary(bool colour = false) const;
  const std::string& report_json() const;
  const Summary& summary() const;

 private:
  struct Impl;
  explicit Recorder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qtrader::report
