// qtrader train: parse options, run training::train, print. No logic of its own.
#pragma once

#include <CLI/CLI.hpp>

namespace qtrader::apps {

/// Registers the verb. Running it sets status: 0 done, 1 the machine failed or the user stopped it, 2 a wrong request.
void add_train_command(CLI::App& app, int& status);

}  // namespace qtrader::apps
