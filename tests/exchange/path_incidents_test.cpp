// Incidents of fund.md 6 that live in the whole path: core, journal, gateway and exchange together.
#include <fstream>
#include <iterator>

#include "apps/live/run.hpp"
#include "tests/exchange/trader_rig.hpp"

namespace qtrader::wire {
namespace {

void enter_and_protect(TraderRig& rig) {
  rig.start();
  rig.step_to(kDecision + base::seconds(2));
  ASSERT_GT(rig.last_seen().position, 0);
  ASSERT_TRUE(rig.last_seen().covered());
}

/// A market order of somebody else with our key.
void trade_behind_its_back(TraderRig& rig, const char* side, const std::string& quantity) {
  binance::Call call;
  call.method = "POST";
  call.path = "/fapi/v1/order";
  call.parameters = {{"symbol", "BTCUSDT"}, {"side", side}, {"type", "MARKET"}, {"quantity", quantity}};
  rig.call_exchange(std::move(call));
}

domain::Quantity held(const TraderRig& rig) { return rig.host().core().ledger().position(kBtc).quantity; }

TEST(PathIncident, Incident1_NoRealOrderWithoutTwoKeysThatAgree) {
  apps::RunSpec spec;
  spec.mode = apps::Mode::Live;
  spec.account = "main";
  EXPECT_FALSE(apps::check_live_keys(spec, nullptr).ok());
  EXPECT_FALSE(apps::check_live_keys(spec, "").ok());
  EXPECT_FALSE(apps::check_live_keys(spec, "another").ok());
  EXPECT_TRUE(apps::check_live_keys(spec, "main").ok());
  spec.venue_url = "http://127.0.0.1:9001";
  EXPECT_FALSE(apps::check_live_keys(spec, "main").ok()) << "live trades on the exchange's own hosts";
  spec.mode = apps::Mode::Testnet;
  EXPECT_TRUE(apps::check_live_keys(spec, nullptr).ok());
  spec.venue_url = "https://fapi.binance.com";
  EXPECT_FALSE(apps::check_live_keys(spec, "main").ok()) << "testnet never trades there, whatever the second key says";
}

TEST(PathIncident, Incident14_ATimeoutDoesNotDoubleTheOrder) {
  TraderRig rig;
  rig.start();
  // Twice: the entry's answer is lost, and the answer to the first question after it.
  rig.control("POST", "/control/faults",
              R"([{"type":"drop_after_execution","match":{"method":"POST","path":"/fapi/v1/order"}},
                  {"type":"respond","kind":"timeout","match":{"method":"GET","path":"/fapi/v1/order"}}])");
  rig.step_to(kDecision + base::seconds(10));
  std::size_t entries = 0;
  for (const auto& o : rig.ask_exchange("/fapi/v1/allOrders")) entries += o.at("reduceOnly").as_bool() ? 0 : 1;
  EXPECT_EQ(entries, 1u);
  EXPECT_DOUBLE_EQ(rig.venue().position, rig.planned().to_double());
  EXPECT_TRUE(rig.last_seen().covered());
}

TEST(PathIncident, Incident16_AGhostIsClosedAndAnOrphanProtected) {
  TraderRig rig;
  enter_and_protect(rig);
  trade_behind_its_back(rig, "SELL", rig.last_seen().position_text);
  rig.step_to(rig.now() + base::seconds(25));
  EXPECT_TRUE(held(rig).is_zero()) << "a ghost";
  EXPECT_EQ(rig.host().core().open_trades(), 0u);
  EXPECT_EQ(rig.venue().conditional, 0u) << "what protected it is gone with it";
  trade_behind_its_back(rig, "BUY", "0.05");
  rig.step_to(rig.now() + base::seconds(25));
  EXPECT_EQ(held(rig), qty(0.05)) << "an orphan";
  EXPECT_TRUE(rig.last_seen().covered());
}

TEST(PathIncident, Incident17_AnIntentThatDiedOnItsWayIsNeitherLostNorStuck) {
  TraderRig rig;
  rig.start();
  rig.turnstile().hold_at(
      [](const execution::Command& c) { return std::holds_alternative<execution::SubmitOrder>(c); });
  ASSERT_TRUE(rig.step_until([&] { return rig.turnstile().holding(); }, kDecision + base::seconds(5)));
  ASSERT_EQ(rig.host().core().open_trades(), 1u);
  rig.crash(false);
  rig.start();
  rig.step_to(rig.now() + base::seconds(15));
  EXPECT_TRUE(rig.trading_ready());
  EXPECT_EQ(rig.host().core().open_trades(), 0u) << "asked for, not there, and over: its signal is stale";
  EXPECT_EQ(rig.venue().position, 0);
  EXPECT_EQ(rig.ask_exchange("/fapi/v1/allOrders").size(), 0u);
}

TEST(PathIncident, Incident34_ASecondOwnerOfTheSameStateIsRefused) {
  TraderRig rig;
  rig.start();
  apps::HostOptions options;
  options.strategy = [] { return std::make_unique<OneEntry>(); };
  const auto second = apps::CoreHost::open(apps::StateDir::open(rig.state()).value(), rig.header(), {}, options);
  EXPECT_FALSE(second.ok());
  rig.step_to(rig.now() + base::seconds(1));  // and the first does not mind
  EXPECT_TRUE(rig.trading_ready());
}

TEST(PathIncident, Incident35_AnExchangeThatTakesNoStopsIsFoundOutBeforeThereIsAPosition) {
  TraderRig rig({.probe_stop = true});
  rig.control(
      "POST", "/control/faults",
      R"({"type":"respond","status":400,"code":-4120,"msg":"moved","count":0,"match":{"path":"/fapi/v1/algoOrder"}})");
  try {
    rig.start();
    FAIL() << "it would have traded";
  } catch (const std::exception& e) {
    EXPECT_NE(std::string(e.what()).find("stop probe"), std::string::npos) << e.what();
  }
  EXPECT_EQ(rig.ask_exchange("/fapi/v1/allOrders").size(), 0u);
}

TEST(PathIncident, Incident35_TheCanaryPassesAndLeavesNothing) {
  TraderRig rig({.probe_stop = true});
  rig.start();
  EXPECT_TRUE(rig.trading_ready());
  EXPECT_EQ(rig.venue().conditional, 0u);
}

TEST(PathIncident, Incident36_TheSecretIsNowhereInTheState) {
  TraderRig rig;
  enter_and_protect(rig);
  rig.crash(true);
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(rig.state())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(text.find(kSecret), std::string::npos) << entry.path();
    EXPECT_EQ(text.find(kApiKey), std::string::npos) << entry.path();
  }
  EXPECT_GT(files, 0u);
}

}  // namespace
}  // namespace qtrader::wire
