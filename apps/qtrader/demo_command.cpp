// qtrader demo: the main job in one command: market, training, backtest, report. Each step is printed as the command
// that does it, so that it can be repeated by hand.
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "apps/common/backtest.hpp"
#include "apps/common/synthetic_data.hpp"
#include "apps/qtrader/commands.hpp"
#include "edge/system/process.hpp"

namespace qtrader::apps {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string data, out = "out";
  std::int32_t days = 120;
  std::uint64_t seed = 1;
};

constexpr std::size_t kMaxSymbols = 12;
constexpr double kTrainShare = 0.7;

struct Plan {
  std::vector<std::string> symbols;
  base::Timestamp from, split, to;  // trained on [from, split), traded on [split, to)
};

base::Error bad(base::Errc code, std::string what) { return {"demo", code, std::move(what)}; }

/// The newest stretch of `days` and the symbols that have all of it.
base::Result<Plan> plan_for(const history::Catalog& catalog, std::int32_t days) {
  base::Timestamp first, last;
  for (const auto& s : catalog.series()) {
    if (s.kind != history::SeriesKind::UsdmBars) continue;
    if (last.ns == 0 || s.from < first) first = s.from;
    last = std::max(last, s.to);
  }
  if (last.ns == 0) return bad(base::Errc::NotFound, catalog.root().string() + ": no USD-M candles");
  Plan plan;
  plan.to = base::day_start(last);
  plan.from = std::max(base::day_start(first), plan.to - base::days(days));
  for (const auto& symbol : catalog.symbols(history::SeriesKind::UsdmBars)) {
    if (!catalog.base_timeframe({symbol}, domain::Timeframe::M15, {plan.from, plan.to})) continue;
    plan.symbols.push_back(symbol);
  }
  if (plan.symbols.empty())
    return bad(base::Errc::NotFound,
               fmt::format("{}: no symbol has candles of 15m or finer for the whole of {} to {}",
                           catalog.root().string(), base::format_date(plan.from), base::format_date(plan.to)));
  if (plan.symbols.size() > kMaxSymbols) {
    // BTCUSDT is the reference of a feature: keep it.
    std::stable_partition(plan.symbols.begin(), plan.symbols.end(), [](const auto& s) { return s == "BTCUSDT"; });
    plan.symbols.resize(kMaxSymbols);
  }
  const double span_days = (plan.to - plan.from).seconds() / 86'400;
  plan.split = plan.from + base::days(static_cast<std::int64_t>(span_days * kTrainShare));
  return plan;
}

void announce(const std::vector<std::string>& command) {
  std::string line;
  for (const auto& word : command) line += " " + word;
  fmt::print("\n$ qtrader{}\n", line);
  std::fflush(stdout);
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words) out += (out.empty() ? "" : ",") + w;
  return out;
}

/// Training runs in its own program: this one never maps a training library.
base::Result<void> train(const std::vector<std::string>& arguments) {
  const std::string program = system::executable_directory() / "qtrader-train";
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv.data(), environ) != 0)
    return bad(base::Errc::Io, program + ": cannot start");
  int raw = 0;
  ::waitpid(pid, &raw, 0);
  if (WIFEXITED(raw) && WEXITSTATUS(raw) == 0) return {};
  return bad(base::Errc::Io, "training failed");
}

base::Result<void> prepare_market(const Options& o, const fs::path& market) {
  std::error_code ec;
  if (fs::exists(market, ec)) return {};
  simvenue::SyntheticConfig config;
  config.from = base::from_civil({2025, 1, 1});
  config.to = config.from + base::days(o.days);
  config.seed = o.seed;
  announce({"data", "synthetic", "--out", market.string(), "--symbols", std::to_string(config.symbols), "--days",
            std::to_string(o.days), "--seed", std::to_string(o.seed)});
  return write_synthetic_market(config, market, nullptr);
}

base::Result<void> demo(const Options& o) {
  const fs::path out = o.out, registry = out / "registry", result = out / "backtest";
  fs::path data = o.data;
  if (data.empty()) {
    data = out / fmt::format("market-{}d-seed{}", o.days, o.seed);
    QT_TRY_VOID(prepare_market(o, data));
  }
  QT_TRY(const auto catalog, history::Catalog::scan(data));
  QT_TRY(const Plan plan, plan_for(catalog, o.days));
  const std::string symbols = join(plan.symbols), seed = std::to_string(o.seed);
  const std::vector<std::string> training = {"train",
                                             "--data",
                                             data.string(),
                                             "--symbols",
                                             symbols,
                                             "--from",
                                             base::format_date(plan.from),
                                             "--to",
                                             base::format_date(plan.split),
                                             "--out",
                                             registry.string(),
                                             "--seed",
                                             seed};
  announce(training);
  std::error_code ec;
  fs::remove_all(registry, ec);  // of an earlier demo: each one shows its own models
  fs::remove_all(result, ec);
  fs::remove_all(result.string() + ".partial", ec);
  QT_TRY_VOID(train(training));

  BacktestSpec spec;
  spec.data = data;
  spec.symbols = plan.symbols;
  spec.from = plan.split;
  spec.to = plan.to;
  spec.engine.exit_mode = execution::ExitMode::FastTp;
  spec.engine.limits.drawdown_rearm_days = kBacktestRearmDays;
  spec.registry = registry;
  spec.seed = o.seed;
  spec.out = result;
  const std::vector<std::string> backtest = {"backtest",
                                             "--data",
                                             data.string(),
                                             "--symbols",
                                             symbols,
                                             "--from",
                                             base::format_date(plan.split),
                                             "--to",
                                             base::format_date(plan.to),
                                             "--strategy",
                                             "ai",
                                             "--registry",
                                             registry.string(),
                                             "--seed",
                                             seed,
                                             "--out",
                                             result.string()};
  announce(backtest);
  spec.command = "qtrader";
  for (std::size_t i = 0; i + 2 < backtest.size(); ++i) spec.command += " " + backtest[i];
  QT_TRY(const auto finished, run_backtest(std::move(spec), nullptr));
  fmt::print("{}\nreport: {}\n", finished.summary, (result / "report.html").string());
  fmt::print("next:   qtrader replay {0} --verify      qtrader explain {0} 1\n", result.string());
  return {};
}

}  // namespace

void add_demo_command(CLI::App& app, int& status) {
  auto* c = app.add_subcommand("demo", "Market, training, backtest and report in one go");
  auto o = std::make_shared<Options>();
  c->add_option("--data", o->data, "Recorded candles (default: a synthetic market under --out)");
  c->add_option("--out", o->out, "Directory for the market, the registry and the results")->default_val("out");
  c->add_option("--days", o->days, "Length of the history used; the last 30 % are traded")
      ->default_val(120)
      ->check(CLI::Range(40, 3650));
  c->add_option("--seed", o->seed, "Of the market, the training and the venue")->default_val(1);
  c->callback([o, &status] {
    const auto done = demo(*o);
    if (!done) status = report_error(done.error());
  });
}

}  // namespace qtrader::apps
