// qtrader run, doctor, kill, resume, calibration: options to a RunSpec, a status line a second; an operator's commands
// to a running trader.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "apps/live/doctor.hpp"
#include "apps/live/operator_server.hpp"
#include "apps/live/run.hpp"
#include "apps/qtrader/commands.hpp"
#include "core/base/json.hpp"
#include "edge/system/config_file.hpp"

namespace qtrader::apps {
namespace {

struct Options {
  std::string mode = "sim", state = "./state", config, data, feed, scenario, from, to, timeframe = "15m", base = "5m",
              strategy = "ema_cross", registry, profile, account = "main_binance_usdm", venue_url, ca_file, key, secret,
              lockstep, duration, reason;
  std::vector<std::string> symbols;
  double speed = 0, cash = 10'000;
  std::uint64_t seed = 1;
  std::uint16_t port = 0;
  std::int32_t warmup = -1;
  bool json = false, quiet = false, no_fsync = false, no_probe = false, close = false;
};

base::Error bad(std::string what) { return {"run", base::Errc::InvalidArgument, std::move(what)}; }

/// The environment variables a mode reads its key from, unless told otherwise.
void default_credentials(RunSpec& spec) {
  const std::string name = spec.mode == Mode::Live ? "LIVE" : "TESTNET";
  if (spec.key_reference.empty()) spec.key_reference = "env:QT_BINANCE_" + name + "_API_KEY";
  if (spec.secret_reference.empty()) spec.secret_reference = "env:QT_BINANCE_" + name + "_API_SECRET";
}

base::Result<void> read_market(const Options& o, RunSpec& spec) {
  for (const auto& s : o.symbols) {
    QT_TRY(auto symbol, domain::canonical_symbol(s));
    spec.market.symbols.push_back(std::move(symbol));
  }
  spec.market.data = o.data;
  spec.market.feed = o.feed;
  spec.market.scenario = o.scenario;
  if (!o.from.empty()) {
    QT_TRY(spec.market.from, base::parse_timestamp(o.from));
  }
  if (!o.to.empty()) {
    QT_TRY(spec.market.to, base::parse_timestamp(o.to));
  }
  return {};
}

base::Result<RunSpec> to_spec(const Options& o) {
  RunSpec spec;
  QT_TRY(spec.mode, parse_mode(o.mode));
  spec.state = o.state;
  QT_TRY_VOID(read_market(o, spec));
  spec.engine.exit_mode = default_exit_mode(o.strategy);
  if (!o.config.empty()) {
    QT_TRY(auto file, system::ConfigFile::read(o.config));
    QT_TRY_VOID(file.apply(spec.engine, "engine"));
    QT_TRY_VOID(file.require_all_used());
  }
  QT_TRY(spec.engine.primary, domain::parse_timeframe(o.timeframe));
  QT_TRY(spec.engine.base, domain::parse_timeframe(o.base));
  spec.engine.strategy = o.strategy;
  if (o.warmup >= 0) spec.engine.warmup_bars = o.warmup;
  spec.profile = spec.mode == Mode::Live ? CapitalProfile::Micro : CapitalProfile::Normal;
  if (!o.profile.empty() && !base::enum_from_name(o.profile, spec.profile))
    return bad("--profile " + o.profile + ": expected Micro, Low, Normal or Aggressive");
  if (!(o.cash >= 10 && o.cash <= 1e9)) return bad(fmt::format("--cash {}: expected 10..1e9 USDT", o.cash));
  if (!(o.speed >= 0)) return bad(fmt::format("--speed {}: expected 0 (as fast as it goes) or more", o.speed));
  spec.registry = o.registry;
  spec.account = o.account;
  spec.speed = o.speed;
  spec.cash = o.cash;
  spec.seed = o.seed;
  spec.port = o.port;
  spec.fsync = !o.no_fsync;
  spec.probe_stop = !o.no_probe;
  spec.venue_url = o.venue_url;
  spec.ca_file = o.ca_file;
  spec.key_reference = o.key;
  spec.secret_reference = o.secret;
  spec.lockstep_key = o.lockstep;
  if (spec.mode != Mode::Paper) default_credentials(spec);
  if (!o.duration.empty()) {
    QT_TRY(spec.duration, parse_duration(o.duration));
  }
  return spec;
}

void show(const WorldStatus& s, bool terminal) {
  fmt::print(stderr, "{}{} {}  {}  equity {} USDT  {} open  {} orders  {} fills  {} events{}{}",
             terminal ? "\r\033[K" : "", base::format_timestamp(s.now), s.mode,
             s.killed          ? "KILLED"
             : s.trading_ready ? "trading"
                               : s.link,
             s.equity.to_string(), s.open_trades, s.orders_sent, s.fills, s.events,
             s.start_to_ready_s >= 0 ? fmt::format("  ready after {:.2f} s", s.start_to_ready_s) : "",
             terminal ? "" : "\n");
  std::fflush(stderr);
}

int run(const Options& o) {
  auto spec = to_spec(o);
  if (!spec) return report_error(spec.error());
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const auto outcome = run_trader(std::move(*spec), [&](const WorldStatus& s) {
    if (!o.quiet) show(s, terminal);
  });
  if (terminal && !o.quiet) std::fputs("\n", stderr);
  if (!outcome) return report_error(outcome.error());
  if (o.json) fmt::print("{}\n", base::to_json(outcome->status));
  return 0;
}

int diagnose(const Options& o) {
  auto spec = to_spec(o);
  if (!spec) return report_error(spec.error());
  const auto checks = examine(*spec);
  if (o.json) {
    fmt::print("{}\n", base::to_json(checks));
  } else {
    for (const Check& c : checks) fmt::print("{:<8} {:<18} {}\n", base::enum_name(c.finding), c.name, c.detail);
  }
  return healthy(checks) ? 0 : 1;
}

int command(const Options& o, domain::OperatorAction action) {
  const auto answer = send_to_operator(o.state, action, o.reason);
  if (answer) {
    fmt::print("{}: accepted\n", base::enum_name(action));
    return 0;
  }
  if (answer.error().code != base::Errc::NotFound || action != domain::OperatorAction::Kill)
    return report_error(answer.error());
  // No trader runs: latch, so that the next one starts killed. What is open keeps its stops at the venue.
  auto state = StateDir::open(o.state);
  const auto latched = state ? state->latch_kill(o.reason) : base::Result<void>(state.error());
  if (!latched) return report_error(latched.error());
  fmt::print("no trader runs in {}: the kill is latched for the next start; open positions keep their stops\n",
             o.state);
  return 0;
}

int show_calibration(const Options& o) {
  net::HttpRequest request;
  request.method = "GET";
  request.target = o.json ? "/calibration" : "/calibration.txt";
  const auto answer = send_to_operator(o.state, request);
  if (!answer) return report_error(answer.error());
  fmt::print("{}{}", *answer, o.json ? "\n" : "");
  return 0;
}

void add_calibration_command(CLI::App& app, int& status) {
  auto o = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "calibration", "How honest the probabilities of a running trader have been, and what corrects them");
  verb->add_option("--data-dir", o->state, "State directory of the trader")->capture_default_str();
  verb->add_flag("--json", o->json, "Print it as JSON");
  CLI::App* rollback = verb->add_subcommand("rollback", "Put the calibration back that was in force before");
  rollback->add_option("--data-dir", o->state, "State directory of the trader");
  rollback->add_option("--reason", o->reason, "Why; on record")->required();
  verb->callback([verb, o, &status] {
    status = verb->get_subcommands().empty() ? show_calibration(*o)
                                             : command(*o, domain::OperatorAction::RollBackCalibration);
  });
}

void add_run_options(CLI::App& run, Options& o) {
  run.add_option("--mode", o.mode, "sim, paper (live market, simulated venue), testnet or live")->capture_default_str();
  run.add_option("--data-dir", o.state, "State: journal, snapshots, kill latch")->capture_default_str();
  run.add_option("--config", o.config, "TOML, sections [engine.…]");
  run.add_option("--symbols", o.symbols, "BTCUSDT,ETHUSDT,…")->delimiter(',');
  run.add_option("--strategy", o.strategy, "ai or a rule strategy")->capture_default_str();
  run.add_option("--registry", o.registry, "Fitted models, for --strategy ai");
  run.add_option("--timeframe", o.timeframe, "Bars decisions are made on")->capture_default_str();
  run.add_option("--base", o.base, "Bars the market is read in")->capture_default_str();
  run.add_option("--warmup-bars", o.warmup, "Decision bars before the first decision; -1: the configuration's");
  run.add_option("--profile", o.profile, "Capital profile: Micro (default live), Low, Normal, Aggressive");
  run.add_option("--duration", o.duration, "Stop after, in the market's time: 90s, 15m, 24h, 7d");
  run.add_option("--seed", o.seed, "Of everything simulated")->capture_default_str();
  run.add_option("--cash", o.cash, "Opening wallet, sim and paper (USDT)")->capture_default_str();
  run.add_option("--port", o.port, "Of the operator's side, on loopback; 0: any")->capture_default_str();
  run.add_option("--data", o.data, "sim: recorded candles; needs --symbols, --from, --to");
  run.add_option("--feed", o.feed, "sim: a recorded websocket session");
  run.add_option("--scenario", o.scenario, "sim: a named scenario");
  run.add_option("--from", o.from, "sim: first decision");
  run.add_option("--to", o.to, "sim: end of the market");
  run.add_option("--speed", o.speed, "sim: market seconds a second; 0: as fast as it goes")->capture_default_str();
  run.add_option("--account", o.account, "live: its name; QT_LIVE_CONFIRM must say the same")->capture_default_str();
  run.add_option("--venue-url", o.venue_url, "testnet: an exchange of one's own, such as http://127.0.0.1:9001");
  run.add_option("--ca-file", o.ca_file, "Its certificate authority (PEM)");
  run.add_option("--key", o.key, "env:NAME or file:PATH; default env:QT_BINANCE_TESTNET_API_KEY or …_LIVE_API_KEY");
  run.add_option("--secret", o.secret, "Likewise; an HMAC secret or a private key in PEM");
  run.add_option("--lockstep", o.lockstep, "Control key of a `qtrader exchange --lockstep`: time moves by handshake");
  run.add_flag("--no-probe", o.no_probe, "Do not place and cancel the canary stop order at start");
  run.add_flag("--no-fsync", o.no_fsync, "The journal then survives a crash of the process, not of the machine");
  run.add_flag("--json", o.json, "Print the last status as JSON");
  run.add_flag("--quiet", o.quiet, "No status lines");
}

}  // namespace

void add_run_commands(CLI::App& app, int& status) {
  auto o = std::make_shared<Options>();
  CLI::App* run_verb = app.add_subcommand("run", "Trade: simulated, on paper, on the testnet or live");
  add_run_options(*run_verb, *o);
  run_verb->callback([o, &status] { status = run(*o); });

  auto d = std::make_shared<Options>();
  CLI::App* doctor = app.add_subcommand("doctor", "Check everything a run with these options needs; places no order");
  add_run_options(*doctor, *d);
  doctor->callback([d, &status] { status = diagnose(*d); });

  const auto add = [&](const char* verb, const char* help, domain::OperatorAction action) {
    auto options = std::make_shared<Options>();
    CLI::App* sub = app.add_subcommand(verb, help);
    sub->add_option("--data-dir", options->state, "State directory of the trader")->capture_default_str();
    sub->add_option("--reason", options->reason, "Why; on record")->required();
    if (std::string_view(verb) == "kill")
      sub->add_flag("--close", options->close, "Also close every position at market");
    sub->callback([options, action, &status] {
      status = command(*options, action);
      if (status == 0 && options->close) status = command(*options, domain::OperatorAction::CloseAll);
    });
  };
  add("kill", "Stop all entries at once, and after a restart too, until resumed", domain::OperatorAction::Kill);
  add("resume", "Allow entries again after a kill", domain::OperatorAction::Resume);
  add_calibration_command(app, status);
}

}  // namespace qtrader::apps
