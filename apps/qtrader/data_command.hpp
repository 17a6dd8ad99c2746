// qtrader data download|import|ls|verify: parse options, call edge/history, print. No logic of its own.
#pragma once

#include <CLI/CLI.hpp>

namespace qtrader::apps {

/// Registers `data` and its verbs. Running one sets exit_code: 0 done, 1 it failed or faults were found, 2 a wrong
/// request.
void add_data_command(CLI::App& app, int& exit_code);

}  // namespace qtrader::apps
