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
  std::vector<std::string> caveats;  // printed in every report: assumed filters, symbols without funding data, …
  std::string command;               // that repeats the run; printed with its identity
};

struct RunTiming {
  double wall_s = 0;
  std::uint64_t bars = 0, events = 0;
  double rss_mb = 0;
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
  /// Writes the report files. `digest` is the run's digest in hex. Errors: NoSpace, Io; then nothing is left behind.
  base::Result<void> finish(const RunTiming& timing, const std::string& digest);
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
