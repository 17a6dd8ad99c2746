// One market, written down and traded twice: by the simulated world in process, and over sockets by the gateway against
// an exchange server in lockstep. The core must not be able to tell them apart: same orders, same fills, same money.
#include <gtest/gtest.h>

#include <map>

#include "apps/live/gateway_world.hpp"
#include "apps/live/market_setup.hpp"
#include "apps/live/sim_world.hpp"
#include "core/base/json.hpp"
#include "core/fund/strategy/rules.hpp"
#include "edge/exchange/server.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::apps {
namespace {

using base::Timestamp;
using domain::SymbolId;

const std::vector<std::string> kSymbols{"BTCUSDT", "ETHUSDT"};
const Timestamp kFrom = Timestamp::from_unix_ms(1'704'090'600'000);  // 2024-01-01 06:30: a settlement lies ahead
constexpr base::Duration kTraded = base::minutes(120);
constexpr base::Duration kStep = base::milliseconds(500);
constexpr std::int32_t kWarmupBars = 210;
constexpr std::uint64_t kSeed = 11;
constexpr execution::WireIdentity kIdentity{'t', 0x5A3E};

/// Wishes something at nearly every bar, differently for each symbol.
class RestlessState {
 public:
  static constexpr const char* kName = "restless";
  void push(const domain::Bar& bar) {
    const auto n = static_cast<std::uint64_t>(bar.open_time.ns / domain::duration(bar.timeframe).ns);
    const std::uint64_t mixed = (n * 0x9E3779B97F4A7C15ull) ^ static_cast<std::uint64_t>(bar.close.raw());
    constexpr domain::Action kWishes[] = {domain::Action::Buy, domain::Action::Sell, domain::Action::Buy,
                                          domain::Action::Sell, domain::Action::Hold};
    wish_ = kWishes[(mixed >> 7) % std::size(kWishes)];
  }
  domain::Action wish() const { return wish_; }
  template <class Archive>
  void archive(Archive& a) {
    a(wish_);
  }

 private:
  domain::Action wish_ = domain::Action::Hold;
};

class Journaled final : public playback::MarketSource {
 public:
  explicit Journaled(const std::vector<matching::MarketTick>& ticks, std::function<void()> at_end = {})
      : ticks_(ticks), at_end_(std::move(at_end)) {}
  base::Result<std::optional<matching::MarketTick>> next() override {
    if (next_ < ticks_.size()) return std::optional<matching::MarketTick>(ticks_[next_++]);
    if (at_end_) at_end_();
    return std::optional<matching::MarketTick>();
  }
  Timestamp begin() const override { return matching::time_of(ticks_.front()); }
  Timestamp end() const override { return matching::time_of(ticks_.back()) + base::milliseconds(1); }

 private:
  const std::vector<matching::MarketTick>& ticks_;
  std::function<void()> at_end_;
  std::size_t next_ = 0;
};

struct Market {
  std::vector<domain::Instrument> instruments;
  std::vector<matching::ContractRules> rules;
  std::vector<matching::MarketTick> ticks;
};

/// The ticks of a minute, one each second at its half: between two of them a world in lockstep comes to rest, and no
/// timer the core sets on a bar's close falls on one.
void spread(std::vector<matching::MarketTick>& minute, Timestamp close) {
  ASSERT_LT(minute.size(), 60u) << "more ticks than seconds";
  Timestamp at = close - base::minutes(1) + base::milliseconds(500);
  for (auto& tick : minute) {
    std::visit([&](auto& t) { t.time = at; }, tick);
    at = at + base::seconds(1);
  }
}

void write_down(Market& market) {
  MarketChoice choice;
  choice.symbols = kSymbols;
  choice.timeframe = domain::Timeframe::M1;
  choice.from = kFrom;
  choice.to = kFrom + kTraded;
  choice.warmup = base::minutes(1) * kWarmupBars;
  choice.seed = kSeed;
  auto opened = open_market(choice);
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  market.instruments = opened->instruments;
  market.rules = opened->rules;
  const auto table = domain::InstrumentTable::create(market.instruments).value();
  auto source = playback::open_synthetic({kSymbols, choice.timeframe, kFrom - choice.warmup, choice.to, kSeed}, table,
                                         {.seed = kSeed, .trades_per_bar = 6});
  ASSERT_TRUE(source.ok()) << source.error().message();
  std::vector<matching::MarketTick> minute;
  for (;;) {
    auto tick = (*source)->next();
    ASSERT_TRUE(tick.ok()) << tick.error().message();
    if (!*tick) break;
    if (!std::holds_alternative<matching::BarTick>(**tick)) {
      minute.push_back(std::move(**tick));
      continue;
    }
    ASSERT_NO_FATAL_FAILURE(spread(minute, matching::time_of(**tick)));
    for (auto& t : minute) market.ticks.push_back(std::move(t));
    minute.clear();
    market.ticks.push_back(std::move(**tick));
  }
}

engine::EngineConfig engine_config() {
  engine::EngineConfig c;
  c.base = domain::Timeframe::M1;
  c.primary = domain::Timeframe::M1;
  c.strategy = RestlessState::kName;
  c.warmup_bars = kWarmupBars;
  c.digest_interval = 0;
  c.executor.cooldown_s = 30;
  c.executor.symbol_cooldown_s = 30;
  c.limits.mark_max_age_ms = 600'000;
  c.execution.aelm.book_max_age_ms = 60'000;
  return c;
}

/// What a core asked for and what it got, by symbol.
class Notes final : public SessionObserver {
 public:
  void on_step(const kernel::Envelope& envelope, const engine::Outbox& outbox) override {
    if (const auto* fill = std::get_if<domain::Fill>(&envelope.event)) note(*fill);
    if (const auto* paid = std::get_if<domain::FundingPayment>(&envelope.event))
      fundings[paid->symbol].push_back(paid->amount.to_string() + " at " + base::format_timestamp(paid->ts_event));
    for (const auto& command : outbox.commands)
      if (const auto* submit = std::get_if<execution::SubmitOrder>(&command))
        note(submit->order.get(), envelope.ts_recv);
  }
  std::map<SymbolId, std::vector<std::string>> orders, fills, fundings;

 private:
  void note(const domain::Order& o, Timestamp at) {
    std::string text(base::enum_name(o.purpose));
    for (const auto part : {base::enum_name(o.side), base::enum_name(o.type), base::enum_name(o.time_in_force)})
      text.append(" ").append(part);
    text += " " + o.quantity.to_string() + " limit " + o.limit_price.to_string() + " trigger " +
            o.trigger_price.to_string() + (o.reduce_only ? " reduce" : "");
    orders[o.symbol].push_back(text + " " + base::format_timestamp(at));
  }
  void note(const domain::Fill& f) {
    fills[f.symbol].push_back(std::string(base::enum_name(f.side)) + " " + f.quantity.to_string() + " at " +
                              f.price.to_string() + " fee " + f.fee.to_string() + (f.maker ? " maker " : " taker ") +
                              base::format_timestamp(f.ts_event));
  }
};

struct Played {
  Notes notes;
  domain::Money wallet;
  std::vector<domain::Quantity> positions;
};

class SameMarket : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(write_down(market_)); }

  std::unique_ptr<CoreHost> open_host(const std::string& name, std::vector<domain::Instrument> instruments) {
    RunHeader header;
    header.engine = engine_config();
    header.seed = kSeed;
    header.instruments = std::move(instruments);
    header.mode = "sim";
    HostOptions options;
    options.strategy = [] { return std::make_unique<fund::RuleStrategy<RestlessState>>(kSymbols.size()); };
    auto host = CoreHost::open(StateDir::open(directory_ / name).value(), std::move(header), {}, std::move(options));
    if (!host) throw std::runtime_error(host.error().message());
    return std::move(host).value();
  }

  void finish(const CoreHost& host, Played& played) {
    played.wallet = host.core().ledger().account().wallet;
    for (std::size_t i = 0; i < kSymbols.size(); ++i)
      played.positions.push_back(host.core().ledger().position({static_cast<std::uint16_t>(i)}).quantity);
  }

  void play_in_process(Played& played) {
    net::Loop loop;
    auto host = open_host("sim", market_.instruments);
    host->set_observer(&played.notes);
    SimWorldConfig config;
    config.from = kFrom;
    config.seed = kSeed;
    config.exchange.seed = kSeed;
    config.exchange.trigger_delay_ms = 0;
    config.venue.identity = kIdentity;
    World* running = nullptr;
    auto source = std::make_unique<Journaled>(market_.ticks, [&] { running->stop(); });
    auto world = SimWorld::create(loop, *host, std::move(source), market_.rules, config);
    ASSERT_TRUE(world.ok()) << world.error().message();
    running = world->get();
    const auto done = running->run();
    ASSERT_TRUE(done.ok()) << done.error().message();
    finish(*host, played);
  }

  void play_over_sockets(Played& played) {
    net::Loop loop;
    exchange::ExchangeServerConfig exchange_config;
    exchange_config.lockstep = true;
    exchange_config.api.enforce_limits = false;
    exchange_config.matching.seed = kSeed;
    exchange_config.matching.trigger_delay_ms = 0;
    exchange_config.market.source = domain::Timeframe::M1;
    exchange_config.warm_up = kFrom - matching::time_of(market_.ticks.front());
    auto server = exchange::ExchangeServer::start(loop, exchange_config,
                                                  domain::InstrumentTable::create(market_.instruments).value(),
                                                  market_.rules, std::make_unique<Journaled>(market_.ticks), {});
    ASSERT_TRUE(server.ok()) << server.error().message();
    const auto endpoints = binance::endpoints_at("http://127.0.0.1:" + std::to_string((*server)->port()), "");
    ASSERT_TRUE(endpoints.ok()) << endpoints.error().message();
    const auto clock = std::make_shared<Timestamp>((*server)->now());
    auto rest = binance::RestClient::create(loop, *endpoints, {"demo", binance::Secret("demo"), {}}, {},
                                            [clock] { return *clock; });
    ASSERT_TRUE(rest.ok()) << rest.error().message();
    (*rest)->set_limits(1'000'000, 100'000, 100'000);
    std::optional<base::Result<domain::InstrumentTable>> instruments;
    binance::Gateway::load_instruments(**rest, kSymbols, [&](auto r) { instruments = std::move(r); });
    while (!instruments) loop.run_for(base::milliseconds(10));
    ASSERT_TRUE(instruments->ok()) << instruments->error().message();
    for (std::size_t i = 0; i < kSymbols.size(); ++i) {
      auto known = market_.instruments[i];
      known.assumed = false;  // an exchange's own word is not an assumption; all else must be the same
      EXPECT_EQ(base::to_json((**instruments).all()[i]), base::to_json(known));
    }

    auto host = open_host("sockets", (*instruments)->all());
    host->set_observer(&played.notes);
    GatewayWorldConfig config;
    config.seed = kSeed;
    config.warmup_bars = kWarmupBars;
    config.duration = kTraded;
    config.lockstep = Lockstep{.control_key = exchange_config.control_key, .clock = clock, .step = kStep};
    GatewayWorld world(loop, *host, config);
    world.set_control(net::HttpClient::create(loop, endpoints->rest, {}).value());
    binance::GatewayConfig gateway;
    gateway.endpoints = *endpoints;
    gateway.identity = kIdentity;
    gateway.base = domain::Timeframe::M1;
    gateway.control_frames_per_s = 0;
    gateway.countdown_s = 86'400;
    gateway.stale_after_s = 3'600;
    auto connected = binance::Gateway::create(loop, std::move(*rest), std::move(**instruments), gateway,
                                              [&](domain::Event e) { world.on_event(std::move(e)); });
    ASSERT_TRUE(connected.ok()) << connected.error().message();
    ASSERT_TRUE(world.attach(std::move(*connected), market_.rules).ok());
    const auto done = world.run();
    ASSERT_TRUE(done.ok()) << done.error().message();
    finish(*host, played);
  }

  Market market_;
  test::TempDir directory_;
};

/// The first line in which two accounts of the same thing part, if they do.
void compare(const char* what, std::size_t symbol, const std::vector<std::string>& sim,
             const std::vector<std::string>& wire) {
  for (std::size_t i = 0; i < std::min(sim.size(), wire.size()); ++i)
    ASSERT_EQ(sim[i], wire[i]) << what << " " << i << " of " << kSymbols[symbol];
  ASSERT_EQ(sim.size(), wire.size()) << what << " of " << kSymbols[symbol];
}

TEST_F(SameMarket, TradedInProcessAndOverSocketsGivesTheSameOrdersFillsAndMoney) {
  Played sim, wire;
  ASSERT_NO_FATAL_FAILURE(play_in_process(sim));
  ASSERT_NO_FATAL_FAILURE(play_over_sockets(wire));
  std::size_t orders = 0, fills = 0, fundings = 0;
  for (std::size_t i = 0; i < kSymbols.size(); ++i) {
    const SymbolId symbol{static_cast<std::uint16_t>(i)};
    compare("order", i, sim.notes.orders[symbol], wire.notes.orders[symbol]);
    compare("fill", i, sim.notes.fills[symbol], wire.notes.fills[symbol]);
    compare("funding", i, sim.notes.fundings[symbol], wire.notes.fundings[symbol]);
    EXPECT_EQ(sim.positions[i], wire.positions[i]) << kSymbols[i];
    orders += sim.notes.orders[symbol].size();
    fills += sim.notes.fills[symbol].size();
    fundings += sim.notes.fundings[symbol].size();
  }
  EXPECT_EQ(sim.wallet, wire.wallet);
  EXPECT_GT(orders, 50u);
  EXPECT_GT(fills, 20u);
  EXPECT_GT(fundings, 0u);
}

}  // namespace
}  // namespace qtrader::apps
