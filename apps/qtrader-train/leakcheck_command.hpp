// qtrader leakcheck: changes the future of recorded candles and says what moved in the past; --self-test proves that it
// would see it.
#pragma once

#include <CLI/CLI.hpp>

namespace qtrader::apps {

/// Registers the verb. Running it sets status: 0 nothing leaks (or every planted leak was found), 1 something does (or
/// one was missed; or the machine failed or the user stopped it), 2 a wrong request.
void add_leakcheck_command(CLI::App& app, int& status);

}  // namespace qtrader::apps
