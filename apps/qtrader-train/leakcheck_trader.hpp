// ProgramTrader: the trading core on a recording, for the leak check: writes it to disk and lets `qtrader backtest`
// play it, strategy by strategy; the run's journal holds every decision.
//
// The same program, engine and strategies as any backtest, and no trading code in the process that maps the training
// libraries. Works in a temporary directory that goes with it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "training/leakcheck/pipeline.hpp"

namespace qtrader::apps {

/// A fresh directory under the system's temporary one, removed with all that is in it.
class ScratchDirectory {
 public:
  /// Error: Io.
  static base::Result<ScratchDirectory> create();
  ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Runs `qtrader ARGUMENTS…`, the program beside this one, and waits. Errors, with its last words: InvalidArgument if
/// it refuses what it is asked (status 2), Io if it fails or cannot start; Interrupted if a signal ended it.
base::Result<void> run_qtrader(const std::vector<std::string>& arguments, const std::filesystem::path& scratch);

struct TraderSettings {
  std::vector<std::string> strategies = {"ema_cross", "donchian_breakout", "rsi_reversion"};
  std::filesystem::path registry;  // of the models of "ai"
  std::uint64_t seed = 1;
};

class ProgramTrader final : public training::leakcheck::Trader {
 public:
  explicit ProgramTrader(TraderSettings settings) : settings_(std::move(settings)) {}
  /// Errors: Io, NoSpace, and those of run_qtrader.
  base::Result<std::vector<training::leakcheck::Decision>> trade(
      const training::leakcheck::Recording& recording) const override;

 private:
  TraderSettings settings_;
};

}  // namespace qtrader::apps
