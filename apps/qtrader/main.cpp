// qtrader: the one command. Verbs that fit models live in qtrader-train, which is started in this program's place, so
// that a trading process never maps a training library.
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "apps/qtrader/commands.hpp"
#include "apps/qtrader/data_command.hpp"
#include "apps/qtrader/model_command.hpp"
#include "edge/system/process.hpp"
#include "version.hpp"

namespace {

bool is_training_verb(std::string_view verb) {
  return verb == "train" || verb == "evaluate" || verb == "leakcheck" || verb == "bench-forecast";
}

int become_trainer(char** argv) {
  const std::string trainer = qtrader::system::executable_directory() / "qtrader-train";
  ::execv(trainer.c_str(), argv);
  std::fprintf(stderr, "qtrader: cannot start %s: %s\n", trainer.c_str(), std::strerror(errno));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && is_training_verb(argv[1])) return become_trainer(argv);

  CLI::App app{"Quantum Trader: an autonomous trading system for perpetual futures"};
  app.set_version_flag("--version", std::string("qtrader ") + qtrader::kCodeVersion);
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  int status = 0;
  app.add_subcommand("train", "Fit models on recorded candles (see: qtrader train --help)");
  app.add_subcommand("evaluate", "Measure out of sample what models are worth (see: qtrader evaluate --help)");
  app.add_subcommand("leakcheck", "Look for data from the future (see: qtrader leakcheck --help)");
  app.add_subcommand("bench-forecast", "Compare the networks with their papers (see: qtrader bench-forecast --help)");
  qtrader::apps::add_backtest_command(app, status);
  qtrader::apps::add_demo_command(app, status);
  qtrader::apps::add_run_commands(app, status);
  qtrader::apps::add_exchange_command(app, status);
  qtrader::apps::add_replay_command(app, status);
  qtrader::apps::add_explain_command(app, status);
  qtrader::apps::add_model_command(app, status);
  qtrader::apps::add_data_command(app, status);
  qtrader::apps::add_synthetic_command(*app.get_subcommand("data"), status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const bool asked = e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
    const int shown = app.exit(e);
    return asked ? shown : 2;
  }
  return status;
}
