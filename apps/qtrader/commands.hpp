// The verbs of qtrader. Each add_* registers one on the command line; running it sets the exit status: 0 done, 1 the
// thing asked about failed or differs, 2 the request itself was wrong.
#pragma once

#include <CLI/CLI.hpp>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/execution/exit_plan.hpp"

namespace qtrader::apps {

void add_backtest_command(CLI::App& app, int& status);
void add_replay_command(CLI::App& app, int& status);
void add_explain_command(CLI::App& app, int& status);
void add_demo_command(CLI::App& app, int& status);
void add_exchange_command(CLI::App& app, int& status);
/// run, doctor, kill, resume, calibration.
void add_run_commands(CLI::App& app, int& status);
void add_synthetic_command(CLI::App& data, int& status);

/// "90s", "15m", "24h", "7d" of --duration. Errors: InvalidArgument.
base::Result<base::Duration> parse_duration(const std::string& text);

/// How a strategy's trades end unless the command line says otherwise: those that follow trends let them run.
execution::ExitMode default_exit_mode(const std::string& strategy);

/// Prints "qtrader: …" to stderr and gives the exit status of the error: 2 for what the caller asked wrongly, 1
/// otherwise.
int report_error(const base::Error& error);

}  // namespace qtrader::apps
