// The backtest as a user runs it: same seed same bytes, nothing from the future, every cent accounted for.
#include <algorithm>
#include <cmath>

#include "tests/e2e/program.hpp"

namespace qtrader::e2e {
namespace {

const std::vector<std::string> kRules = {"ema_cross", "donchian_breakout", "rsi_reversion"};

class Backtest : public testing::Test {
 protected:
  /// A synthetic market shared by the tests of this file.
  static void SetUpTestSuite() {
    market_ = new TempDir();
    TempDir scratch;
    const auto made = Program(scratch).run(
        {"data", "synthetic", "--out", data(), "--symbols", "5", "--days", "50", "--timeframe", "5m", "--seed", "7"});
    ASSERT_EQ(made.status, 0) << made.err;
  }
  static void TearDownTestSuite() { delete market_; }
  static std::string data() { return (*market_ / "market").string(); }

  std::vector<std::string> arguments(const std::string& strategy, const std::string& to, const std::string& out) {
    return {"backtest", "--data",      data(), "--from", "2025-01-20", "--to",  to,       "--strategy",
            strategy,   "--timeframe", "15m",  "--seed", "3",          "--out", path(out)};
  }
  void backtest(const std::string& strategy, const std::string& to, const std::string& out) {
    const auto r = program_.run(arguments(strategy, to, out));
    ASSERT_EQ(r.status, 0) << r.err;
  }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }

  static TempDir* market_;
  TempDir dir_;
  Program program_{dir_};
};
TempDir* Backtest::market_ = nullptr;

TEST_F(Backtest, SameSeedSameBytes) {
  backtest("donchian_breakout", "2025-02-15", "a");
  backtest("donchian_breakout", "2025-02-15", "b");
  EXPECT_EQ(digest(dir_ / "a"), digest(dir_ / "b"));
  for (const char* file : {"trades.csv", "equity.csv", "signals.csv"})
    EXPECT_EQ(read_file(dir_ / "a" / file), read_file(dir_ / "b" / file)) << file;
  EXPECT_GT(read_csv(dir_ / "a" / "trades.csv").size(), 20U);
}

TEST_F(Backtest, AnotherSeedDrawsOtherSlippage) {
  backtest("ema_cross", "2025-02-01", "a");
  auto other = arguments("ema_cross", "2025-02-01", "b");
  *(std::find(other.begin(), other.end(), "--seed") + 1) = "4";
  ASSERT_EQ(program_.run(other).status, 0);
  EXPECT_NE(digest(dir_ / "a"), digest(dir_ / "b"));
}

TEST_F(Backtest, ReplayVerifiesAndFindsOneChangedByte) {
  backtest("ema_cross", "2025-02-05", "a");
  const auto ok = program_.run({"replay", path("a"), "--verify"});
  EXPECT_EQ(ok.status, 0) << ok.out << ok.err;
  EXPECT_NE(ok.out.find("identical"), std::string::npos);

  fs::path segment;
  for (const auto& e : fs::directory_iterator(dir_ / "a" / "journal"))
    if (e.path().extension() == ".qtj") segment = e.path();
  std::string bytes = read_file(segment);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  std::ofstream(segment, std::ios::binary) << bytes;
  const auto changed = program_.run({"replay", path("a"), "--verify"});
  EXPECT_EQ(changed.status, 1);
  EXPECT_NE((changed.out + changed.err).find("frame"), std::string::npos) << changed.out << changed.err;
}

std::vector<std::string> rows_before(const fs::path& csv, const std::string& column, std::int64_t limit_ms) {
  std::vector<std::string> out;
  for (const auto& row : read_csv(csv)) {
    if (std::stoll(row.at(column)) >= limit_ms) continue;
    std::string text;
    for (const auto& [k, v] : row) text += k + "=" + v + ",";
    out.push_back(text);
  }
  return out;
}

TEST_F(Backtest, AShorterRunIsAPrefixOfALongerOne) {
  constexpr std::int64_t kT1 = 1'738'800'000'000;  // 2025-02-06
  for (const auto& strategy : kRules) {
    backtest(strategy, "2025-02-06", strategy + "-1");
    backtest(strategy, "2025-02-18", strategy + "-2");
    const fs::path shorter = dir_ / (strategy + "-1"), longer = dir_ / (strategy + "-2");
    EXPECT_EQ(rows_before(shorter / "trades.csv", "exit_time_ms", kT1),
              rows_before(longer / "trades.csv", "exit_time_ms", kT1))
        << strategy;
    const auto signals = rows_before(shorter / "signals.csv", "ts_ms", kT1);
    EXPECT_EQ(signals, rows_before(longer / "signals.csv", "ts_ms", kT1)) << strategy;
    EXPECT_GT(signals.size(), 10U) << strategy;
    EXPECT_EQ(rows_before(shorter / "equity.csv", "ts_ms", kT1), rows_before(longer / "equity.csv", "ts_ms", kT1));
  }
}

/// One symbol as plain CSV, so that a test can edit the future.
void write_candles(const fs::path& dir, int bars, int tampered_from, double tamper) {
  fs::create_directories(dir);
  std::ofstream out(dir / "BTCUSDT-15m_20250101-20250401.csv");
  out << "open_time_ms,open,high,low,close,volume\n";
  double price = 40'000;
  std::uint64_t state = 88'172'645'463'325'252ULL;
  for (int i = 0; i < bars; ++i) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    const double shock = (static_cast<double>(state >> 11) * 0x1.0p-53 - 0.5) * 0.012;
    const double open = price;
    price *= 1 + shock + 0.002 * std::sin(i / 60.0);
    const double scale = i >= tampered_from ? tamper : 1;
    const auto cents = [&](double p) { return std::round(p * scale * 10) / 10; };
    const double high = std::max(open, price) * 1.001, low = std::min(open, price) * 0.999;
    char line[200];
    std::snprintf(line, sizeof line, "%lld,%.1f,%.1f,%.1f,%.1f,%.3f\n", 1'735'689'600'000LL + i * 900'000LL,
                  cents(open), cents(high) + 0.1, cents(low) - 0.1, cents(price), 500.125);
    out << line;
  }
}

TEST_F(Backtest, ChangingTheFutureChangesNothingBefore) {
  constexpr int kBars = 3'000, kCut = 2'000;
  write_candles(dir_ / "data1", kBars, kBars, 1);
  write_candles(dir_ / "data2", kBars, kCut, 1.35);
  const std::int64_t limit_ms = 1'735'689'600'000LL + kCut * 900'000LL;
  for (const auto& strategy : kRules) {
    for (const char* data : {"data1", "data2"}) {
      const auto r = program_.run({"backtest", "--data", path(data), "--from", "2025-01-03", "--to", "2025-01-30",
                                   "--strategy", strategy, "--out", path(strategy + data)});
      ASSERT_EQ(r.status, 0) << r.err;
    }
    const fs::path a = dir_ / (strategy + "data1"), b = dir_ / (strategy + "data2");
    EXPECT_EQ(rows_before(a / "signals.csv", "ts_ms", limit_ms), rows_before(b / "signals.csv", "ts_ms", limit_ms));
    EXPECT_EQ(rows_before(a / "trades.csv", "exit_time_ms", limit_ms),
              rows_before(b / "trades.csv", "exit_time_ms", limit_ms));
    EXPECT_GT(read_csv(a / "trades.csv").size(), 5U) << strategy;
    EXPECT_NE(read_file(a / "equity.csv"), read_file(b / "equity.csv")) << "the change itself is seen";
  }
}

/// Fixed-point text as an integer of 1e-8.
std::int64_t raw(const std::string& text) {
  const bool negative = text.starts_with("-");
  const std::string digits = negative ? text.substr(1) : text;
  const auto point = digits.find('.');
  std::string fraction = point == std::string::npos ? "" : digits.substr(point + 1);
  fraction.resize(8, '0');
  const std::int64_t value = std::stoll(digits.substr(0, point)) * 100'000'000 + std::stoll(fraction);
  return negative ? -value : value;
}

TEST_F(Backtest, EveryCentIsAccountedFor) {
  for (const auto& strategy : kRules) {
    backtest(strategy, "2025-02-15", strategy);
    const fs::path out = dir_ / strategy;
    std::int64_t net = 0, gross = 0, fees = 0, funding = 0;
    for (const auto& t : read_csv(out / "trades.csv")) {
      net += raw(t.at("net_pnl_usd"));
      gross += raw(t.at("gross_pnl_usd"));
      fees += raw(t.at("fees_usd"));
      funding += raw(t.at("funding_usd"));
      EXPECT_EQ(raw(t.at("net_pnl_usd")),
                raw(t.at("gross_pnl_usd")) - raw(t.at("fees_usd")) + raw(t.at("funding_usd")));
    }
    EXPECT_EQ(net, gross - fees + funding);
    const auto report = read_report(out);
    const double end = boost::json::value_to<double>(report.at("metrics").at("total_return_frac")) * 10'000;
    EXPECT_NEAR(end, static_cast<double>(net) / 1e8, 1e-6) << strategy << ": the account ends flat";
    EXPECT_NE(fees, 0);
    EXPECT_NE(funding, 0) << "positions were held over a settlement";
  }
}

TEST_F(Backtest, ExplainWalksBackToTheBars) {
  backtest("ema_cross", "2025-02-05", "a");
  const auto r = program_.run({"explain", path("a"), "1"});
  ASSERT_EQ(r.status, 0) << r.err;
  for (const char* part : {"signal", "sized", "approved Entry", "filled Entry", "stop at", "closed", "the last bars"})
    EXPECT_NE(r.out.find(part), std::string::npos) << part << "\n" << r.out;
  const auto json = program_.run({"explain", path("a"), "1", "--json"});
  EXPECT_GT(boost::json::parse(json.out).at("records").as_array().size(), 5U);
  const auto none = program_.run({"explain", path("a"), "99999"});
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.err.find("the journal has 1 to"), std::string::npos) << none.err;
}

TEST_F(Backtest, EveryTrialIsCountedOnce) {
  backtest("ema_cross", "2025-02-05", "a");
  backtest("donchian_breakout", "2025-02-05", "b");
  backtest("donchian_breakout", "2025-02-05", "b-again");
  const auto trials = [&](const char* out) { return read_report(dir_ / out).at("evidence").at("trials"); };
  EXPECT_EQ(trials("a").at("count"), 1);
  EXPECT_EQ(trials("b").at("count"), 2);
  EXPECT_EQ(trials("b"), trials("b-again"));
  const std::string ledger = read_file(dir_ / "trials.jsonl");
  EXPECT_EQ(std::count(ledger.begin(), ledger.end(), '\n'), 2);

  auto elsewhere = arguments("donchian_breakout", "2025-02-05", "c");
  elsewhere.insert(elsewhere.end(), {"--trials", path("other.jsonl")});
  ASSERT_EQ(program_.run(elsewhere).status, 0);
  EXPECT_EQ(trials("c").at("count"), 1);
  EXPECT_EQ(read_file(dir_ / "trials.jsonl"), ledger);

  elsewhere = arguments("donchian_breakout", "2025-02-05", "d");
  elsewhere.insert(elsewhere.end(), {"--trials", path("missing/trials.jsonl")});
  const auto refused = program_.run(elsewhere);
  EXPECT_NE(refused.status, 0);
  EXPECT_NE(refused.err.find("--trials FILE"), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(path("d"))) << "before a bar is played";
  EXPECT_FALSE(fs::exists(path("d.partial")));
}

TEST_F(Backtest, AnInterruptedRunWithoutAJournalYetResumesFromTheBeginning) {
  backtest("donchian_breakout", "2025-02-05", "whole");
  for (const char* left : {"r1.partial", "r2.partial/journal"}) {
    fs::create_directories(dir_ / left);
    const std::string out = std::string(left).substr(0, 2);
    auto command = arguments("donchian_breakout", "2025-02-05", out);
    command.push_back("--resume");
    const auto resumed = program_.run(command);
    ASSERT_EQ(resumed.status, 0) << left << ": " << resumed.err;
    EXPECT_EQ(digest(dir_ / out), digest(dir_ / "whole"));
  }
}

TEST_F(Backtest, KilledAtAnyMomentItResumesToTheSameDigest) {
  const auto started = std::chrono::steady_clock::now();
  backtest("donchian_breakout", "2025-02-15", "whole");
  const auto whole_us =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started);
  const std::string expected = digest(dir_ / "whole");
  std::uint64_t state = 42;
  int killed = 0;
  for (int round = 0; round < 50; ++round) {
    const std::string out = "r" + std::to_string(round);
    auto command = arguments("donchian_breakout", "2025-02-15", out);
    state = state * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    const pid_t pid = program_.start(command);
    std::this_thread::sleep_for(whole_us * static_cast<int>((state >> 33) % 1'000) / 1'000);
    ::kill(pid, SIGKILL);
    const bool was_killed = program_.wait(pid).status == 128 + SIGKILL;
    killed += was_killed;
    if (was_killed && fs::exists(path(out) + ".partial")) command.push_back("--resume");
    if (!fs::exists(path(out))) {
      const auto resumed = program_.run(command);
      ASSERT_EQ(resumed.status, 0) << "round " << round << ": " << resumed.err;
    }
    ASSERT_EQ(digest(dir_ / out), expected) << "round " << round;
    ASSERT_EQ(read_file(dir_ / out / "trades.csv"), read_file(dir_ / "whole" / "trades.csv"));
    ASSERT_FALSE(fs::exists(path(out) + ".partial"));
    fs::remove_all(path(out));
  }
  EXPECT_GT(killed, 25) << "most kills hit a running backtest";
}

}  // namespace
}  // namespace qtrader::e2e
