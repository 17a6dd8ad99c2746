// What the verbs of qtrader-train share: options that mean the same everywhere, and how a verb ends.
//
// Each verb has a command file of its own, which reads these options beside its own; nothing here knows a verb.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "training/fit.hpp"
#include "training/universe.hpp"

namespace qtrader::apps {

/// --symbols, --from, --to, --lookback-days and --timeframe.
struct UniverseArguments {
  std::string from, to, timeframe = "15m";
  training::UniverseRequest request;

  void add_to(CLI::App& verb);
  /// Errors: InvalidArgument naming the option's value.
  base::Result<training::UniverseRequest> parsed() const;
};

/// --models.
base::Result<std::vector<models::ModelKind>> parse_models(const std::vector<std::string>& names);

/// --threads, and --epochs, --windows-per-epoch and --validation-windows of the networks.
struct FitArguments {
  std::int32_t threads = training::FitSettings{}.threads;
  std::int32_t epochs = 0;                                       // 0: the budget of each network
  std::int64_t windows_per_epoch = -1, validation_windows = -1;  // −1: the budget of each network

  void add_to(CLI::App& verb);
  training::FitSettings settings() const;
};

/// Prints "qtrader VERB: …" to stderr and gives the exit status: 1 if the machine failed or the user stopped it, 2 if
/// what was asked or given is wrong.
int report_error(const char* verb, const base::Error& error);

/// Prints to stdout; false if that failed.
bool print(const std::string& text);

}  // namespace qtrader::apps
