// qtrader backtest: options to a BacktestSpec, progress to stderr, summary to stdout.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "apps/common/backtest.hpp"
#include "apps/qtrader/commands.hpp"
#include "edge/system/config_file.hpp"
#include "edge/system/process.hpp"

namespace qtrader::apps {
namespace {

struct Options {
  std::string data, from, to, timeframe, base_timeframe, strategy, registry, out, trials, config, exit_mode, slippage;
  std::vector<std::string> symbols;
  std::string command;
  double cash = 10'000;
  std::uint64_t seed = 1;
  bool json = false, resume = false, no_journal = false, quiet = false, allow_single_model = false, allow_gaps = false;
};

base::Result<void> read_config(const Options& o, BacktestSpec& spec) {
  spec.engine.exit_mode = default_exit_mode(o.strategy);
  spec.engine.limits.drawdown_rearm_days = kBacktestRearmDays;
  if (o.config.empty()) return {};
  QT_TRY(auto file, system::ConfigFile::read(o.config));
  QT_TRY_VOID(file.apply(spec.engine, "engine"));
  return file.require_all_used();
}

base::Result<BacktestSpec> to_spec(const Options& o) {
  BacktestSpec spec;
  spec.data = o.data;
  for (const auto& s : o.symbols) {
    QT_TRY(auto symbol, domain::canonical_symbol(s));
    spec.symbols.push_back(std::move(symbol));
  }
  QT_TRY(spec.from, base::parse_timestamp(o.from));
  QT_TRY(spec.to, base::parse_timestamp(o.to));
  QT_TRY_VOID(read_config(o, spec));
  QT_TRY(spec.engine.primary, domain::parse_timeframe(o.timeframe));
  if (!o.base_timeframe.empty()) {
    QT_TRY(spec.base, domain::parse_timeframe(o.base_timeframe));
  }
  spec.engine.strategy = o.strategy;
  if (o.allow_single_model) spec.engine.ensemble.allow_single_model = true;
  if (!o.exit_mode.empty() && !base::enum_from_name(o.exit_mode, spec.engine.exit_mode))
    return base::Error{"backtest", base::Errc::InvalidArgument,
                       "--exit-mode " + o.exit_mode + ": expected TrendFollow, FastTp or DefensiveTrail"};
  if (!o.slippage.empty() && !base::enum_from_name(o.slippage, spec.venue.slippage))
    return base::Error{"backtest", base::Errc::InvalidArgument,
                       "--slippage " + o.slippage + ": expected None, Realistic or Pessimistic"};
  if (!(o.cash >= 10 && o.cash <= 1e9))
    return base::Error{"backtest", base::Errc::InvalidArgument,
                       fmt::format("--cash {}: expected 10..1e9 USDT", o.cash)};
  spec.venue.initial_wallet = domain::Money::from_double(o.cash);
  spec.registry = o.registry;
  spec.seed = o.seed;
  spec.out = o.out;
  spec.trials = o.trials;
  spec.resume = o.resume;
  spec.journal = !o.no_journal;
  spec.allow_gaps = o.allow_gaps;
  spec.command = o.command;
  return spec;
}

/// One line on a terminal, overwritten: percentage, simulated time, speed, time left.
class ProgressLine {
 public:
  explicit ProgressLine(bool shown) : shown_(shown), started_(system::steady_seconds()) {}
  ~ProgressLine() {
    if (drawn_) std::fputs("\r\033[K", stderr);
  }
  void operator()(const Progress& p) {
    const double now = system::steady_seconds();
    if (!shown_ || now - last_ < 0.1) return;
    last_ = now;
    drawn_ = true;
    constexpr int kWidth = 30;
    const int full = static_cast<int>(p.fraction * kWidth);
    const double elapsed = now - started_;
    const double left = p.fraction > 0.01 ? elapsed / p.fraction - elapsed : 0;
    fmt::print(stderr, "\r\033[K[{}{}] {:5.1f} %  {}  {:.2f} M bars  ETA {:.0f} s", std::string(full, '#'),
               std::string(kWidth - full, '.'), p.fraction * 100, base::format_date(p.at),
               static_cast<double>(p.bars) / 1e6, left);
    std::fflush(stderr);
  }

 private:
  bool shown_, drawn_ = false;
  double started_, last_ = 0;
};

/// The options as given, without what differs from run to run.
std::string command_tail(const CLI::App& app) {
  std::string out;
  for (const CLI::Option* option : app.get_subcommand("backtest")->get_options()) {
    if (option->count() == 0 || option->get_name() == "--out" || option->get_name() == "--resume") continue;
    out += " " + option->get_name();
    if (option->get_items_expected_max() > 0) out += " " + CLI::detail::join(option->results(), ",");
  }
  return out;
}

int run(const Options& o) {
  auto spec = to_spec(o);
  if (!spec) return report_error(spec.error());
  system::catch_interrupts();
  base::Result<BacktestResult> result = [&] {
    ProgressLine line(!o.quiet && ::isatty(STDERR_FILENO) != 0);
    return run_backtest(std::move(*spec), [&](const Progress& p) { line(p); });
  }();
  if (!result) return report_error(result.error());
  if (o.json) {
    fmt::print("{}\n", result->report_json);
  } else {
    fmt::print("{}\n{}\n", result->summary, "report: " + (std::filesystem::path(o.out) / "report.html").string());
  }
  return 0;
}

}  // namespace

void add_backtest_command(CLI::App& app, int& status) {
  auto* c = app.add_subcommand("backtest", "Play recorded candles through the trading core and report");
  auto o = std::make_shared<Options>();
  c->add_option("--data", o->data, "Directory of candles (any layout 'qtrader data ls' understands)")->required();
  c->add_option("--symbols", o->symbols, "BTCUSDT,ETHUSDT,… (default: all that cover the window)")->delimiter(',');
  c->add_option("--from", o->from, "First day, UTC, inclusive: YYYY-MM-DD or ISO-8601")->required();
  c->add_option("--to", o->to, "Last day, UTC, exclusive")->required();
  c->add_option("--timeframe", o->timeframe, "Bars that decisions are taken on")->default_val("15m");
  c->add_option("--base-timeframe", o->base_timeframe, "Bars played (default: the finest there is)");
  c->add_option("--strategy", o->strategy, "ai, ema_cross, donchian_breakout or rsi_reversion")->default_val("ai");
  c->add_option("--registry", o->registry, "Model registry, for --strategy ai");
  c->add_option("--seed", o->seed, "Of everything random in the simulated venue")->default_val(1);
  c->add_option("--out", o->out, "Directory to create for the results")->required();
  c->add_option("--trials", o->trials,
                "Trial ledger that every run is counted in (default: trials.jsonl beside --out)");
  c->add_option("--cash", o->cash, "Starting wallet, USDT")->default_val(10'000);
  c->add_option("--config", o->config, "TOML file with [engine] settings (docs/config.md)");
  c->add_option("--exit-mode", o->exit_mode, "TrendFollow, FastTp or DefensiveTrail (default: by strategy)");
  c->add_option("--slippage", o->slippage, "None, Realistic (default) or Pessimistic");
  c->add_flag("--allow-single-model", o->allow_single_model, "Let one model alone open positions");
  c->add_flag("--allow-gaps", o->allow_gaps, "Play on where bars are missing (default: an error)");
  c->add_flag("--resume", o->resume, "Continue an interrupted run (same options)");
  c->add_flag("--no-journal", o->no_journal, "Do not write the journal: no replay, no explain, no resume");
  c->add_flag("--json", o->json, "Print report.json instead of the summary");
  c->add_flag("--quiet", o->quiet, "No progress line");
  c->callback([o, &app, &status] {
    o->command = "qtrader backtest" + command_tail(app);
    status = run(*o);
  });
}

}  // namespace qtrader::apps
