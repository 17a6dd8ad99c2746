#include "apps/live/run.hpp"

#include <fmt/format.h>

#include <cctype>
#include <cstdlib>
#include <random>

#include "apps/live/exchange_access.hpp"
#include "apps/live/gateway_world.hpp"
#include "apps/live/operator_server.hpp"
#include "apps/live/sim_world.hpp"
#include "edge/system/process.hpp"
#include "version.hpp"

namespace qtrader::apps {
namespace {

base::Error bad(base::Errc code, std::string what) { return {"run", code, std::move(what)}; }

/// Reconciled with a venue that can be relied on.
bool may_enter(const risk::EntryPermission& p) { return p.required && p.link_ready && p.reconciled && !p.hedge_mode; }

/// Counts what the status line shows and tells when the core may trade.
class Watcher final : public SessionObserver {
 public:
  void on_step(const kernel::Envelope& envelope, const engine::Outbox& outbox) override {
    if (std::holds_alternative<domain::Fill>(envelope.event)) ++fills;
    for (const auto& command : outbox.commands)
      if (std::holds_alternative<execution::SubmitOrder>(command)) ++orders;
    if (ready_after < 0 && may_enter(core_->entry_permission())) ready_after = system::steady_seconds() - started;
  }
  void watch(const engine::Engine& core) { core_ = &core; }

  std::uint64_t fills = 0, orders = 0;
  double started = system::steady_seconds(), ready_after = -1;

 private:
  const engine::Engine* core_ = nullptr;
};

/// Everything of a run that outlives its construction.
struct Trader {
  net::Loop loop;
  std::unique_ptr<CoreHost> host;
  Watcher watcher;
  std::unique_ptr<World> world;
  std::unique_ptr<OperatorServer> operators;

  WorldStatus status() {
    WorldStatus s = world->status();
    const auto& core = host->core();
    const auto account = core.ledger().account();
    s.now = host->now();
    s.events = host->events();
    s.orders_sent = watcher.orders;
    s.fills = watcher.fills;
    s.open_trades = core.open_trades();
    s.equity = account.equity;
    s.wallet = account.wallet;
    s.unrealised = account.unrealised;
    s.killed = core.killed();
    s.trading_ready = may_enter(core.entry_permission());
    s.start_to_ready_s = watcher.ready_after;
    return s;
  }
};

RunHeader make_header(const RunSpec& spec, std::vector<domain::Instrument> instruments,
                      const std::vector<LoadedModel>& models) {
  RunHeader h;
  h.code_version = kCodeVersion;
  h.engine = spec.engine;
  h.seed = spec.seed;
  h.instruments = std::move(instruments);
  for (const auto& m : models) h.models.push_back(m.name());
  h.mode = to_string(spec.mode);
  // A simulated run is repeatable to the byte; a real account must never see one life's ids in another.
  h.instance = (spec.mode == Mode::Sim ? static_cast<std::uint32_t>(spec.seed) : std::random_device{}()) & 0xFF'FFFF;
  return h;
}

base::Result<std::vector<LoadedModel>> models_for(const RunSpec& spec) {
  if (spec.engine.strategy != "ai") return std::vector<LoadedModel>();
  if (spec.registry.empty())
    return bad(base::Errc::InvalidArgument, "--strategy ai needs --registry DIR with fitted models (qtrader train)");
  QT_TRY(auto models, load_current_models(spec.registry));
  for (const auto& m : models)
    if (spec.mode == Mode::Live && !m.stored.entry.active)
      return bad(base::Errc::Conflict, m.name() + " is a candidate; live trades promoted models only");
  return models;
}

base::Result<void> open_host(Trader& trader, RunSpec& spec, std::vector<domain::Instrument> instruments,
                             std::vector<LoadedModel> models) {
  QT_TRY(auto state, StateDir::open(spec.state));
  QT_TRY_VOID(engine::validate(spec.engine));
  RunHeader header = make_header(spec, std::move(instruments), models);
  QT_TRY(trader.host, CoreHost::open(std::move(state), std::move(header), std::move(models), {.fsync = spec.fsync}));
  trader.watcher.watch(trader.host->core());
  trader.host->set_observer(&trader.watcher);
  return {};
}

execution::WireIdentity identity(const Trader& trader, Mode mode) {
  return {to_string(mode).front(), trader.host->header().instance};
}

base::Result<void> build_sim(Trader& trader, RunSpec& spec) {
  spec.market.timeframe = spec.engine.base;
  spec.market.seed = spec.seed;
  QT_TRY(auto models, models_for(spec));
  spec.market.warmup = domain::duration(spec.engine.primary) * lead_bars(spec.engine, models);
  QT_TRY(auto market, open_market(spec.market));
  QT_TRY_VOID(open_host(trader, spec, market.instruments, std::move(models)));
  SimWorldConfig config;
  config.from = market.from;
  config.speed = spec.speed;
  config.duration = spec.duration;
  config.wallet = domain::Money::from_double(spec.cash);
  config.exchange.seed = spec.seed;
  config.venue.identity = identity(trader, spec.mode);
  config.seed = spec.seed;
  QT_TRY(trader.world, SimWorld::create(trader.loop, *trader.host, std::move(market.source), std::move(market.rules),
                                        std::move(config)));
  return {};
}

base::Result<void> build_gateway(Trader& trader, RunSpec& spec) {
  QT_TRY_VOID(check_live_keys(spec, std::getenv("QT_LIVE_CONFIRM")));
  QT_TRY(const binance::Endpoints endpoints, endpoints_of(spec));
  const auto clock = spec.lockstep_key.empty() ? nullptr : std::make_shared<base::Timestamp>();
  QT_TRY(auto rest, open_rest(trader.loop, spec, endpoints, clock));
  if (spec.market.symbols.empty()) return bad(base::Errc::InvalidArgument, "--symbols A,B,… is needed");
  QT_TRY(auto instruments, wait_for<domain::InstrumentTable>(trader.loop, "exchangeInfo", [&](auto done) {
           binance::Gateway::load_instruments(*rest, spec.market.symbols, done);
         }));
  QT_TRY(auto models, models_for(spec));
  GatewayWorldConfig config;
  config.warmup_bars = lead_bars(spec.engine, models);
  QT_TRY_VOID(open_host(trader, spec, instruments.all(), std::move(models)));
  config.paper = spec.mode == Mode::Paper;
  config.paper_wallet = domain::Money::from_double(spec.cash);
  config.paper_venue.identity = identity(trader, spec.mode);
  config.paper_venue.latency_ms = 50;
  config.seed = spec.seed;
  config.duration = spec.duration;
  config.probe_stop = spec.probe_stop && spec.mode != Mode::Paper;
  if (clock) config.lockstep = Lockstep{.control_key = spec.lockstep_key, .clock = clock};
  auto world = std::make_unique<GatewayWorld>(trader.loop, *trader.host, std::move(config));
  if (clock) {
    QT_TRY(auto control, net::HttpClient::create(trader.loop, endpoints.rest, {.ca_file = endpoints.ca_file}));
    world->set_control(std::move(control));
  }
  binance::GatewayConfig gateway;
  gateway.endpoints = endpoints;
  gateway.identity = identity(trader, spec.mode);
  gateway.trade = spec.mode != Mode::Paper;
  gateway.base = spec.engine.base;
  if (clock) {  // the exchange's time runs by our word, the gateway's alarms by the wall's
    gateway.control_frames_per_s = 0;
    gateway.countdown_s = 86'400;
    gateway.stale_after_s = 3'600;
  }
  std::vector<matching::ContractRules> rules;
  for (const auto& instrument : instruments.all()) rules.push_back(usual_rules(instrument));
  QT_TRY(auto connected,
         binance::Gateway::create(trader.loop, std::move(rest), std::move(instruments), gateway,
                                  [raw = world.get()](domain::Event e) { raw->on_event(std::move(e)); }));
  QT_TRY_VOID(world->attach(std::move(connected), std::move(rules)));
  trader.world = std::move(world);
  return {};
}

base::Result<const models::Calibrator*> calibrator_of(const engine::Engine& core) {
  if (const models::Calibrator* const calibrator = core.strategy().calibrator()) return calibrator;
  return bad(base::Errc::NotFound,
             "strategy " + std::string(core.strategy().name()) + " gives no probabilities, so nothing is calibrated");
}

base::Result<void> check_roll_back(const engine::Engine& core) {
  QT_TRY(const models::Calibrator* const calibrator, calibrator_of(core));
  if (calibrator->can_roll_back()) return {};
  return bad(base::Errc::Conflict, "there is no earlier calibration to go back to");
}

OperatorServer::Handlers operator_handlers(Trader& trader, const StateDir& state) {
  OperatorServer::Handlers on;
  on.status = [&trader] { return trader.status(); };
  on.calibration = [&trader]() -> base::Result<CalibrationStatus> {
    QT_TRY(const models::Calibrator* const calibrator, calibrator_of(trader.host->core()));
    return status_of(*calibrator);
  };
  on.command = [&trader, state](domain::OperatorAction action, const std::string& symbol,
                                const std::string& reason) -> base::Result<void> {
    domain::OperatorCommand command{action, std::nullopt, "operator", reason};
    if (!symbol.empty()) {
      command.symbol = trader.host->core().instruments().find(symbol);
      if (!command.symbol) return bad(base::Errc::InvalidArgument, symbol + ": not a symbol of this run");
    }
    if (action == domain::OperatorAction::RollBackCalibration) QT_TRY_VOID(check_roll_back(trader.host->core()));
    // The latch first: if the process dies in between, the next one starts killed.
    if (action == domain::OperatorAction::Kill) QT_TRY_VOID(state.latch_kill(reason));
    if (action == domain::OperatorAction::Resume) QT_TRY_VOID(state.clear_kill());
    trader.world->on_operator(std::move(command));
    return {};
  };
  return on;
}

}  // namespace

base::Result<Mode> parse_mode(const std::string& text) {
  for (const Mode mode : {Mode::Sim, Mode::Paper, Mode::Testnet, Mode::Live})
    if (to_string(mode) == text) return mode;
  return bad(base::Errc::InvalidArgument, "--mode " + text + ": expected sim, paper, testnet or live");
}

std::string to_string(Mode mode) {
  std::string name(base::enum_name(mode));
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

void apply(CapitalProfile profile, risk::Limits& limits) {
  struct Row {
    double daily, weekly, risk;
    std::int32_t positions, leverage;
  };
  constexpr Row kRows[] = {
      {0.005, 0.02, 0.002, 2, 1}, {0.01, 0.035, 0.005, 3, 2}, {0.02, 0.07, 0.01, 5, 3}, {0.035, 0.12, 0.02, 8, 5}};
  const Row& row = kRows[static_cast<std::size_t>(profile)];
  limits.daily_loss_frac = std::min(limits.daily_loss_frac, row.daily);
  limits.weekly_loss_frac = std::min(limits.weekly_loss_frac, row.weekly);
  limits.risk_per_trade_frac = std::min(limits.risk_per_trade_frac, row.risk);
  limits.risk_per_trade_min_frac = std::min(limits.risk_per_trade_min_frac, row.risk / 4);
  limits.max_open_positions = std::min(limits.max_open_positions, row.positions);
  limits.max_leverage = std::min(limits.max_leverage, row.leverage);
}

base::Result<void> check_live_keys(const RunSpec& spec, const char* confirmation) {
  const bool live_host = spec.venue_url.find("fapi.binance.com") != std::string::npos;
  if (spec.mode != Mode::Live) {
    if (spec.mode == Mode::Testnet && live_host)
      return bad(base::Errc::InvalidArgument,
                 spec.venue_url + " is the live exchange: --mode testnet must not trade there");
    return {};
  }
  if (!spec.venue_url.empty())
    return bad(base::Errc::InvalidArgument,
               "--mode live trades on Binance's own hosts only; --venue-url is for testnet");
  if (confirmation == nullptr || spec.account != confirmation)
    return bad(base::Errc::InvalidArgument,
               fmt::format("--mode live needs a second key: QT_LIVE_CONFIRM is {}, expected the account's name '{}'",
                           confirmation == nullptr ? "not set" : "'" + std::string(confirmation) + "'", spec.account));
  return {};
}

base::Result<RunOutcome> run_trader(RunSpec spec, const std::function<void(const WorldStatus&)>& report) {
  apply(spec.profile, spec.engine.limits);
  auto trader = std::make_unique<Trader>();
  QT_TRY_VOID(spec.mode == Mode::Sim ? build_sim(*trader, spec) : build_gateway(*trader, spec));
  QT_TRY(const StateDir state, StateDir::open(spec.state));
  QT_TRY(trader->operators,
         OperatorServer::start(trader->loop, spec.port, spec.state, operator_handlers(*trader, state)));
  if (const auto reason = state.kill_reason())
    trader->world->on_operator({domain::OperatorAction::Kill, std::nullopt, "latch", *reason});
  trader->loop.on_terminate([&] { trader->world->stop(); });
  std::function<void()> tick;
  net::Timer timer;
  tick = [&] {
    if (report) report(trader->status());
    timer = trader->loop.after(base::seconds(1), tick);
  };
  tick();
  const auto result = trader->world->run();
  if (!result) return result.error();
  const RunOutcome outcome{trader->status(), trader->host->digest()};
  if (report) report(outcome.status);
  return outcome;
}

}  // namespace qtrader::apps
