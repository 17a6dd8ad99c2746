// Bad input as a user meets it: one clear error, exit status 1 or 2, nothing half-written.
#include <sys/mount.h>

#include <functional>

#include "tests/e2e/program.hpp"

namespace qtrader::e2e {
namespace {

constexpr std::int64_t kStart = 1'735'689'600'000;  // 2025-01-01

class BadInput : public testing::Test {
 protected:
  using Edit = std::function<std::string(int, const std::string&)>;  // a row's replacement; empty drops it

  /// Fifteen-minute candles of one symbol, edited row by row.
  fs::path candles(const std::string& name, const Edit& edit = nullptr, int bars = 1'500) {
    const fs::path dir = dir_ / name;
    fs::create_directories(dir);
    std::ofstream out(dir / "BTCUSDT-15m_20250101-20250120.csv");
    out << "open_time_ms,open,high,low,close,volume\n";
    for (int i = 0; i < bars; ++i) {
      const double p = 100 + i % 40 * 0.5 * (i / 40 % 2 == 0 ? 1 : -1) + (i / 40 % 2 == 0 ? 0 : 20);
      char row[160];
      std::snprintf(row, sizeof row, "%lld,%.2f,%.2f,%.2f,%.2f,1000", static_cast<long long>(kStart + i * 900'000LL), p,
                    p + 1, p - 1, p + 0.3);
      const std::string text = edit ? edit(i, row) : row;
      if (!text.empty()) out << text << "\n";
    }
    return dir;
  }
  Outcome backtest(const fs::path& data, std::vector<std::string> extra = {}) {
    std::vector<std::string> arguments = {"backtest", "--data",     data.string(), "--from",   "2025-01-02",
                                          "--to",     "2025-01-15", "--out",       path("out")};
    if (std::find(extra.begin(), extra.end(), "--strategy") == extra.end())
      arguments.insert(arguments.end(), {"--strategy", "ema_cross"});
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    return program_.run(arguments);
  }
  void expect_refused(const Outcome& r, const std::string& part) {
    EXPECT_TRUE(r.status == 1 || r.status == 2) << "status " << r.status;
    EXPECT_NE(r.err.find(part), std::string::npos) << "expected '" << part << "' in: " << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << "one error, one line: " << r.err;
    EXPECT_FALSE(fs::exists(dir_ / "out"));
    EXPECT_FALSE(fs::exists(dir_ / "out.partial")) << "nothing half-written";
  }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }

  TempDir dir_;
  Program program_{dir_};
};

TEST_F(BadInput, TheUneditedCandlesAreFine) {
  const auto r = backtest(candles("good"));
  EXPECT_EQ(r.status, 0) << r.err;
}

TEST_F(BadInput, AGap) {
  const auto data = candles("gap", [](int i, const std::string& row) { return i >= 500 && i < 503 ? "" : row; });
  expect_refused(backtest(data), "3 bars of 15m missing from 2025-01-06T05:00:00.000Z");
  EXPECT_EQ(backtest(data, {"--allow-gaps"}).status, 0);
}

TEST_F(BadInput, UnsortedRows) {
  expect_refused(backtest(candles("unsorted",
                                  [](int i, const std::string& row) {
                                    return i == 700 ? std::to_string(kStart + 10 * 900'000LL) + row.substr(13) : row;
                                  })),
                 ".csv:702");
}

TEST_F(BadInput, ANegativePrice) {
  expect_refused(backtest(candles("negative",
                                  [](int i, const std::string& row) {
                                    return i == 300 ? row.substr(0, 13) + ",-5,101,-6,100,10" : row;
                                  })),
                 "-5");
}

TEST_F(BadInput, ANumberThatIsNone) {
  expect_refused(backtest(candles("text",
                                  [](int i, const std::string& row) {
                                    return i == 300 ? row.substr(0, 13) + ",100,101,99,oops,10" : row;
                                  })),
                 "oops");
}

TEST_F(BadInput, AnUnknownSymbol) { expect_refused(backtest(candles("good"), {"--symbols", "NOPEUSDT"}), "NOPEUSDT"); }

TEST_F(BadInput, ADirectoryThatIsNotThere) { expect_refused(backtest(dir_ / "nowhere"), "nowhere"); }

TEST_F(BadInput, AWindowTheDataDoNotCover) {
  expect_refused(program_.run({"backtest", "--data", candles("good").string(), "--from", "2030-01-02", "--to",
                               "2030-02-01", "--strategy", "ema_cross", "--out", path("out")}),
                 "2030-01-02");
}

TEST_F(BadInput, AnUnknownConfigKey) {
  std::ofstream(dir_ / "c.toml") << "[engine.limits]\nmax_levrage = 3\n";
  expect_refused(backtest(candles("good"), {"--config", path("c.toml")}),
                 "c.toml:2: unknown key 'engine.limits.max_levrage'; did you mean 'engine.limits.max_leverage'?");
}

TEST_F(BadInput, AConfigValueAboveTheCompiledCeiling) {
  std::ofstream(dir_ / "c.toml") << "[engine.limits]\nmax_leverage = 125\n";
  expect_refused(backtest(candles("good"), {"--config", path("c.toml")}), "max_leverage");
}

TEST_F(BadInput, AnUnknownStrategyOrTimeframe) {
  expect_refused(backtest(candles("good"), {"--strategy", "magic"}), "donchian_breakout");
  expect_refused(backtest(candles("good"), {"--timeframe", "7m"}), "7m");
}

TEST_F(BadInput, ACorruptZip) {
  fs::create_directories(dir_ / "zip");
  std::ofstream(dir_ / "zip" / "BTCUSDT-15m-2025-01.zip", std::ios::binary) << "PK\x03\x04 this is no archive";
  expect_refused(backtest(dir_ / "zip"), "BTCUSDT-15m-2025-01.zip");
  const auto imported = program_.run({"data", "import", path("zip"), "--out", path("store")});
  EXPECT_TRUE(imported.status == 1 || imported.status == 2);
  EXPECT_NE(imported.err.find("BTCUSDT-15m-2025-01.zip"), std::string::npos) << imported.err;
}

TEST_F(BadInput, AiWithoutModels) {
  expect_refused(backtest(candles("good"), {"--strategy", "ai"}), "--registry");
  fs::create_directories(dir_ / "registry");
  expect_refused(backtest(candles("good"), {"--strategy", "ai", "--registry", path("registry")}), "no model");
}

TEST_F(BadInput, AnExistingResultIsNeverOverwritten) {
  ASSERT_EQ(backtest(candles("good")).status, 0);
  const std::string before = read_file(dir_ / "out" / "report.json");
  const auto again = backtest(candles("good"));
  EXPECT_EQ(again.status, 2);
  EXPECT_NE(again.err.find("exists already"), std::string::npos);
  EXPECT_EQ(read_file(dir_ / "out" / "report.json"), before);
}

TEST_F(BadInput, AFullDisk) {
  const fs::path small = dir_ / "small";
  fs::create_directories(small);
  if (::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=128k") != 0)
    GTEST_SKIP() << "needs the right to mount a small tmpfs";
  const auto r = program_.run({"backtest", "--data", candles("good").string(), "--from", "2025-01-02", "--to",
                               "2025-01-15", "--strategy", "ema_cross", "--out", (small / "out").string()});
  EXPECT_EQ(r.status, 1) << r.err;
  EXPECT_NE(r.err.find("no space left"), std::string::npos) << r.err;
  EXPECT_EQ(read_file(small / "trials.jsonl"), "");
  fs::remove(small / "trials.jsonl");  // the ledger was opened before the first bar, and counts no trial
  EXPECT_TRUE(fs::is_empty(small)) << "nothing half-written";
  ::umount(small.c_str());
}

TEST_F(BadInput, AJournalThatIsNone) {
  const auto r = program_.run({"replay", path("nowhere"), "--verify"});
  EXPECT_EQ(r.status, 1);
  EXPECT_NE(r.err.find("nowhere"), std::string::npos);
}

}  // namespace
}  // namespace qtrader::e2e
