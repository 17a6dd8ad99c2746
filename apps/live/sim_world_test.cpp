#include "apps/live/sim_world.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "apps/live/market_setup.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::apps {
namespace {

using test::TempDir;

constexpr base::Duration kWarmup = base::minutes(5 * 210);

struct Life {
  base::Timestamp ended;
  std::uint64_t digest = 0, events = 0;
  domain::Money ledger_wallet, venue_wallet;
  std::size_t open_trades = 0;
  std::vector<domain::Quantity> ledger_positions, venue_positions;
  bool recovered = false;
};

class Stopper final : public SessionObserver {
 public:
  void on_step(const kernel::Envelope& envelope, const engine::Outbox& outbox) override {
    for (const auto& record : outbox.audit)
      if (const auto* t = std::get_if<domain::TradeTransition>(&record); t && t->to == state) seen = true;
    if (after_events > 0 && envelope.seq >= after_events && (seen || !wants_state)) world->stop();
  }
  World* world = nullptr;
  std::uint64_t after_events = 0;
  bool wants_state = false, seen = false;
  domain::TradeState state = domain::TradeState::Protected;
};

/// One life of a trader on the whipsaw scenario. `stop_after` events it is stopped as a crash would: no last snapshot.
Life live(const std::filesystem::path& state_root, std::uint64_t stop_after = 0, bool in_position = false,
          base::Duration snapshot_every = base::minutes(5)) {
  MarketChoice choice;
  choice.scenario = "whipsaw";
  choice.symbols = {"BTCUSDT", "ETHUSDT"};
  choice.timeframe = domain::Timeframe::M1;
  choice.warmup = kWarmup;
  auto market = open_market(choice);
  EXPECT_TRUE(market.ok()) << market.error().message();
  RunHeader header;
  header.mode = "sim";
  header.instruments = market->instruments;
  header.engine.base = domain::Timeframe::M1;
  header.engine.primary = domain::Timeframe::M5;
  header.engine.strategy = "ema_cross";
  header.engine.warmup_bars = 210;
  auto state = StateDir::open(state_root);
  EXPECT_TRUE(state.ok());
  HostOptions options;
  options.snapshot_every = snapshot_every;
  auto host = CoreHost::open(*state, header, {}, options);
  EXPECT_TRUE(host.ok()) << host.error().message();
  net::Loop loop;
  SimWorldConfig config;
  config.from = market->from;
  config.duration = base::hours(36);
  auto world = SimWorld::create(loop, **host, std::move(market->source), market->rules, config);
  EXPECT_TRUE(world.ok());
  Stopper stopper;
  stopper.world = world->get();
  stopper.after_events = stop_after;
  stopper.wants_state = in_position;
  (*host)->set_observer(&stopper);
  const auto ran = (*world)->run();
  EXPECT_TRUE(ran.ok()) << ran.error().message();
  Life out;
  out.ended = (*host)->now();
  out.digest = (*host)->digest();
  out.events = (*host)->events();
  out.recovered = (*host)->recovered();
  const auto& core = (*host)->core();
  out.open_trades = core.open_trades();
  out.ledger_wallet = core.ledger().account().wallet;
  out.venue_wallet = (*world)->exchange().account({}).wallet;
  for (std::uint16_t i = 0; i < core.instruments().size(); ++i) {
    out.ledger_positions.push_back(core.ledger().position({i}).quantity);
    out.venue_positions.push_back((*world)->exchange().positions({}, {i}).front().amount);
  }
  return out;
}

TEST(SimWorld, TheSameRunTwiceIsTheSameJournal) {
  const TempDir a, b;
  const Life first = live(a.path()), second = live(b.path());
  EXPECT_GT(first.events, 10'000u);
  EXPECT_EQ(first.digest, second.digest);
  EXPECT_EQ(first.ledger_wallet, first.venue_wallet);
  EXPECT_NE(first.ledger_wallet, domain::Money::from_int(10'000)) << "nothing was traded";
  EXPECT_EQ(first.open_trades, 0u);
}

TEST(SimWorld, StoppedInAPositionItComesBackReconciledAndEndsWithEqualBooks) {
  for (const bool snapshots : {true, false}) {
    const TempDir dir;
    const Life before = live(dir.path(), 60'000, true, snapshots ? base::minutes(5) : base::days(365));
    EXPECT_FALSE(before.recovered);
    EXPECT_EQ(before.ledger_positions, before.venue_positions);
    const Life after = live(dir.path());
    EXPECT_TRUE(after.recovered);
    EXPECT_GT(after.events, before.events);
    EXPECT_EQ(after.open_trades, 0u);
    EXPECT_EQ(after.ledger_wallet, after.venue_wallet);
    EXPECT_EQ(after.ledger_positions, after.venue_positions);
  }
}

TEST(SimWorld, AnotherConfigurationIsRefusedByName) {
  const TempDir dir;
  live(dir.path(), 1'000);
  auto state = StateDir::open(dir.path());
  RunHeader other;
  other.mode = "paper";
  const auto refused = CoreHost::open(*state, other, {}, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::Errc::Conflict);
  EXPECT_NE(refused.error().context.find("mode is sim"), std::string::npos) << refused.error().context;
}

TEST(StateDirTest, ADamagedSnapshotIsPassedOverForTheOneBefore) {
  const TempDir dir;
  auto state = StateDir::open(dir.path());
  ASSERT_TRUE(state.ok());
  EXPECT_FALSE(state->newest_snapshot());
  CoreSnapshot s{3, 17, {5}, 99, {std::byte{1}, std::byte{2}}};
  ASSERT_TRUE(state->save(s).ok());
  s.segment = 4;
  ASSERT_TRUE(state->save(s).ok());
  EXPECT_EQ(state->newest_snapshot()->segment, 4u);
  {
    std::fstream file(dir.path() / "snapshots" / "000004.qts", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('\x7f');
  }
  EXPECT_EQ(state->newest_snapshot()->segment, 3u);
  EXPECT_EQ(state->newest_snapshot()->seq, 17u);
}

TEST(StateDirTest, AKillStaysUntilCleared) {
  const TempDir dir;
  auto state = StateDir::open(dir.path());
  EXPECT_FALSE(state->kill_reason());
  ASSERT_TRUE(state->latch_kill("too hot").ok());
  EXPECT_EQ(StateDir::open(dir.path())->kill_reason(), "too hot");
  ASSERT_TRUE(state->clear_kill().ok());
  EXPECT_FALSE(state->kill_reason());
}

}  // namespace
}  // namespace qtrader::apps
