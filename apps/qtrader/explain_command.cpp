// qtrader explain: why a trade was made, from its result back to the bars, the features and the models.
#include <fmt/format.h>

#include "apps/common/explain.hpp"
#include "apps/qtrader/commands.hpp"

namespace qtrader::apps {

void add_explain_command(CLI::App& app, int& status) {
  struct Options {
    std::string journal;
    std::uint64_t trade = 0;
    bool json = false;
  };
  auto* c = app.add_subcommand("explain", "Show how a trade came about, back to the bars, and what moved the models");
  auto o = std::make_shared<Options>();
  c->add_option("journal", o->journal, "Journal directory, or the OUT of a backtest")->required();
  c->add_option("trade", o->trade, "trade_id of trades.csv")->required();
  c->add_flag("--json", o->json, "Machine-readable");
  c->callback([o, &status] {
    std::filesystem::path journal = std::filesystem::path(o->journal) / "journal";
    std::error_code ec;
    if (!std::filesystem::is_directory(journal, ec)) journal = o->journal;
    const auto explanation = explain(journal, {o->trade});
    if (!explanation) {
      status = report_error(explanation.error());
      return;
    }
    fmt::print("{}", o->json ? to_json(*explanation) : to_text(*explanation));
  });
}

}  // namespace qtrader::apps
