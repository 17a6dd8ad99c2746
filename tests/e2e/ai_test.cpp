// Train, then trade with what was trained, on recorded candles: the main job end to end.
#include <set>

#include "tests/e2e/program.hpp"

namespace qtrader::e2e {
namespace {

/// One registry for all tests of this file: four symbols, six weeks.
class Ai : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!fs::is_directory(recorded_data())) return;
    shared_ = new TempDir();
    TempDir scratch;
    const auto r = Program(scratch).run({"train", "--data", candles(), "--symbols", symbols(), "--from", "2025-08-01",
                                         "--to", "2025-09-15", "--timeframe", "15m", "--models", "xgboost,lightgbm",
                                         "--out", registry(), "--seed", "5"});
    ASSERT_EQ(r.status, 0) << r.err;
  }
  static void TearDownTestSuite() { delete shared_; }
  static std::string candles() { return recorded_data().string(); }
  static std::string symbols() { return "BTCUSDT,ETHUSDT,XRPUSDT,ADAUSDT"; }
  static std::string registry() { return (*shared_ / "registry").string(); }

  void SetUp() override { QT_NEED_RECORDED_DATA(); }
  std::vector<std::string> arguments(const std::string& to, const std::string& out) {
    return {"backtest", "--data", candles(),     "--symbols", symbols(),    "--from",   "2025-09-20",
            "--to",     to,       "--timeframe", "15m",       "--registry", registry(), "--config",
            config(),   "--out",  path(out),     "--seed",    "2"};
  }
  /// Lets weak models trade, so that there are trades to compare: the gates themselves have their own tests.
  std::string config() {
    std::ofstream(dir_ / "c.toml") << "[engine.ensemble]\nmin_confidence = 0.35\nrequire_positive_ev = false\n"
                                      "min_margin = 0.0\nmin_consensus = 1\n";
    return path("c.toml");
  }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }

  static TempDir* shared_;
  TempDir dir_;
  Program program_{dir_};
};
TempDir* Ai::shared_ = nullptr;

TEST_F(Ai, TradesReplaysAndExplains) {
  const auto r = program_.run(arguments("2025-10-05", "a"));
  ASSERT_EQ(r.status, 0) << r.err;
  const auto report = read_report(dir_ / "a");
  EXPECT_EQ(report.at("run").at("models").as_array().size(), 2U);
  EXPECT_FALSE(read_csv(dir_ / "a" / "trades.csv").empty());
  EXPECT_EQ(program_.run({"replay", path("a"), "--verify"}).status, 0);
  const auto why = program_.run({"explain", path("a"), "1"});
  ASSERT_EQ(why.status, 0) << why.err;
  for (const char* part : {"vote xgboost", "vote lightgbm", "rsi_14", "confidence", "approved Entry", "closed"})
    EXPECT_NE(why.out.find(part), std::string::npos) << part << "\n" << why.out;
}

TEST_F(Ai, AShorterRunIsAPrefixOfALongerOne) {
  ASSERT_EQ(program_.run(arguments("2025-09-28", "short")).status, 0);
  ASSERT_EQ(program_.run(arguments("2025-10-05", "long")).status, 0);
  const std::string a = read_file(dir_ / "short" / "signals.csv"), b = read_file(dir_ / "long" / "signals.csv");
  EXPECT_GT(a.size(), 1'000U);
  EXPECT_EQ(b.substr(0, a.size()), a);
}

TEST_F(Ai, ARunOnTrainingRowsSaysSo) {
  auto inside = arguments("2025-08-20", "a");
  *(std::find(inside.begin(), inside.end(), "2025-09-20")) = "2025-08-10";
  const auto r = program_.run(inside);
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("IN-SAMPLE: the xgboost model"), std::string::npos) << r.out;
}

TEST_F(Ai, TheSameSeedTrainsTheSameModels) {
  const auto again =
      program_.run({"train", "--data", candles(), "--symbols", symbols(), "--from", "2025-08-01", "--to", "2025-09-15",
                    "--timeframe", "15m", "--models", "lightgbm", "--out", path("registry"), "--seed", "5"});
  ASSERT_EQ(again.status, 0) << again.err;
  const auto ids = [](const fs::path& root) {
    std::set<std::string> out;
    for (const auto& entry : fs::directory_iterator(root / "lightgbm"))
      if (entry.is_directory()) out.insert(entry.path().filename().string());
    return out;
  };
  EXPECT_EQ(ids(path("registry")).size(), 1U);
  EXPECT_EQ(ids(path("registry")), ids(registry()));
}

TEST_F(Ai, ARunningTraderTellsHowHonestItsProbabilitiesAre) {
  const TempDir asking;
  const auto run = [&](const std::string& strategy) {
    return program_.start({"run",          "--mode",     "sim",        "--data",     candles(),    "--symbols",
                           symbols(),      "--from",     "2025-09-20", "--to",       "2025-10-05", "--strategy",
                           strategy,       "--registry", registry(),   "--config",   config(),     "--data-dir",
                           path(strategy), "--speed",    "20000",      "--no-fsync", "--quiet"});
  };
  const auto calibration = [&](const std::string& strategy, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"calibration"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.insert(arguments.end(), {"--data-dir", path(strategy)});
    return Program(asking).run(arguments);
  };
  const pid_t trader = run("ai");
  std::int64_t verdicts = 0;
  for (int tries = 0; tries < 600 && verdicts == 0; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (const auto r = calibration("ai", {"--json"}); r.status == 0)
      verdicts = boost::json::parse(r.out).at("reliability").at("verdicts").to_number<std::int64_t>();
  }
  EXPECT_GT(verdicts, 0);
  const auto table = calibration("ai", {});
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_NE(table.out.find("p_dir         verdicts   claimed   right"), std::string::npos) << table.out;
  program_.stop(trader);

  const pid_t rules = run("ema_cross");
  Outcome refused;
  for (int tries = 0; tries < 600 && refused.err.find("gives no") == std::string::npos; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    refused = calibration("ema_cross", {"rollback", "--reason", "test"});
  }
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find("strategy ema_cross gives no probabilities"), std::string::npos) << refused.err;
  program_.stop(rules);
  EXPECT_NE(calibration("ema_cross", {}).err.find("no trader"), std::string::npos);
}

TEST_F(Ai, AModelOfAnotherSchemaIsRefused) {
  auto other = arguments("2025-09-28", "out");
  *(std::find(other.begin(), other.end(), "15m")) = "1h";
  const auto r = program_.run(other);
  EXPECT_TRUE(r.status == 1 || r.status == 2);
  EXPECT_NE(r.err.find("schema"), std::string::npos) << r.err;
  EXPECT_FALSE(fs::exists(dir_ / "out"));
}

TEST_F(Ai, AChangedModelFileIsRefused) {
  fs::copy(registry(), dir_ / "broken", fs::copy_options::recursive);
  for (const auto& e : fs::recursive_directory_iterator(dir_ / "broken"))
    if (e.path().filename().string().starts_with("weights.")) std::ofstream(e.path(), std::ios::app) << "x";
  auto arguments_ = arguments("2025-09-28", "out");
  *(std::find(arguments_.begin(), arguments_.end(), registry())) = path("broken");
  const auto r = program_.run(arguments_);
  EXPECT_TRUE(r.status == 1 || r.status == 2);
  EXPECT_NE(r.err.find("corrupt"), std::string::npos) << r.err;
}

TEST_F(Ai, ATradingProcessMapsNoTrainingLibrary) {
  const std::string command = "ldd " + (fs::path(QT_BINARY_DIR) / "qtrader").string() + " > " + path("ldd");
  ASSERT_EQ(std::system(command.c_str()), 0);
  const std::string libraries = read_file(dir_ / "ldd");
  for (const char* name : {"xgboost", "lightgbm", "torch", "gomp"})
    EXPECT_EQ(libraries.find(name), std::string::npos) << name;
}

}  // namespace
}  // namespace qtrader::e2e
