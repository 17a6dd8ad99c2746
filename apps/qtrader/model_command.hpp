// qtrader model ls|show|compare|promote|rollback: what a registry holds, and who decides. Prints what apps/common and
// edge/store say; the rules are theirs.
#pragma once

#include <CLI/CLI.hpp>

namespace qtrader::apps {

/// Registers `model` and its verbs. Running one sets status: 0 done, 1 a model is damaged or was refused, 2 a wrong
/// request.
void add_model_command(CLI::App& app, int& status);

}  // namespace qtrader::apps
