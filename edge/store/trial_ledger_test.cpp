#include "edge/store/trial_ledger.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "core/base/json.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::store {
namespace {

namespace fs = std::filesystem;
const base::Timestamp kNow = base::from_civil({2026, 3, 4});

class TrialLedgerTest : public testing::Test {
 protected:
  static Trial trial(std::uint64_t seed, std::vector<std::string> symbols = {"BTCUSDT"}) {
    Trial t;
    t.config_hash = "c0";
    t.strategy = "ema \"cross\"";
    t.symbols = std::move(symbols);
    t.timeframe = "15m";
    t.from_ms = base::from_civil({2025, 1, 1}).unix_ms();
    t.to_ms = base::from_civil({2025, 3, 1}).unix_ms();
    t.seed = seed;
    t.mean = 0.00012345678901234567;
    t.first_day = "2025-01-01";
    t.return_ppb = {1'234'567, std::nullopt, -42};
    return t;
  }
  TrialFamily record(const Trial& t) const {
    auto family = TrialLedger::open(file_)->record(t, kNow);
    EXPECT_TRUE(family.ok()) << (family.ok() ? "" : family.error().message());
    return family.ok() ? *family : TrialFamily{};
  }
  std::string text() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& content) const { std::ofstream(file_, std::ios::binary) << content; }

  test::TempDir dir_;
  fs::path file_ = dir_ / "trials.jsonl";
};

TEST_F(TrialLedgerTest, KeepsEachTrialOnceAndHandsBackTheFamily) {
  EXPECT_EQ(record(trial(1)).trials, 1U);
  EXPECT_EQ(record(trial(1)).trials, 1U) << "the same run again";
  EXPECT_EQ(record(trial(2)).trials, 2U);
  const TrialFamily family = record(trial(1));
  EXPECT_EQ(family.trials, 2U);
  ASSERT_EQ(family.newest.size(), 2U);
  EXPECT_EQ(family.newest[0].id, family.id);
  EXPECT_EQ(family.newest[0].seed, 1U) << "the trial itself comes first";
  const Trial& other = family.newest[1];
  EXPECT_EQ(other.strategy, "ema \"cross\"");
  EXPECT_EQ(other.mean, trial(2).mean) << "to the last bit";
  EXPECT_FALSE(other.deviation);
  EXPECT_EQ(other.return_ppb, trial(2).return_ppb);
  EXPECT_EQ(other.recorded_at, base::format_timestamp(kNow));
  const std::string lines = text();
  EXPECT_EQ(std::ranges::count(lines, '\n'), 2);
}

TEST_F(TrialLedgerTest, ATrialIsNewIfAnythingThatDecidesItsResultIs) {
  const std::string id = trial_id(trial(1));
  Trial t = trial(1);
  t.recorded_at = "another day";
  EXPECT_EQ(trial_id(t), id);
  t.config_hash = "c1";
  EXPECT_NE(trial_id(t), id);
  t = trial(1);
  t.return_ppb.back() = -43;
  EXPECT_NE(trial_id(t), id) << "the same inputs in changed code";
}

TEST_F(TrialLedgerTest, AFamilySharesASymbolAndADayAndTheKindOfData) {
  record(trial(1, {"ETHUSDT", "BTCUSDT"}));
  record(trial(2, {"ETHUSDT"}));
  Trial later = trial(3);
  later.from_ms = later.to_ms;
  later.to_ms += 1;
  record(later);
  Trial made_up = trial(4);
  made_up.synthetic = true;
  record(made_up);
  EXPECT_EQ(record(trial(5)).trials, 2U);
  EXPECT_EQ(record(trial(6, {"ETHUSDT"})).trials, 3U);
}

TEST_F(TrialLedgerTest, ATornLastLineIsCutAndReported) {
  record(trial(1));
  const std::string whole = text();
  for (const std::size_t kept : {std::size_t{1}, whole.size() / 2, whole.size() - 2}) {
    write(whole + whole.substr(0, kept));
    const TrialFamily family = record(trial(2));
    EXPECT_TRUE(family.cut_torn_line);
    EXPECT_EQ(family.trials, 2U);
    EXPECT_EQ(record(trial(2)).trials, 2U);
    EXPECT_FALSE(record(trial(2)).cut_torn_line);
  }
}

TEST_F(TrialLedgerTest, AWholeLastLineThatLacksItsBreakIsKept) {
  record(trial(1));
  std::string whole = text();
  whole.pop_back();
  write(whole);
  const TrialFamily family = record(trial(2));
  EXPECT_FALSE(family.cut_torn_line);
  EXPECT_EQ(family.trials, 2U);
  EXPECT_EQ(record(trial(1)).trials, 2U);
}

TEST_F(TrialLedgerTest, CorruptionIsNamedAndNothingIsAppended) {
  record(trial(1));
  record(trial(2));
  const std::string good = text();
  std::string bad = good;
  bad[bad.find('\n') / 2] = '\x01';
  write(bad);
  auto opened = TrialLedger::open(file_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, base::Errc::Corrupt);
  EXPECT_NE(opened.error().context.find("line 1"), std::string::npos) << opened.error().context;

  write(good + "{\"schema\":\"trial/1\"}\n");
  EXPECT_NE(TrialLedger::open(file_).error().context.find("line 3"), std::string::npos);
  write("{\"schema\":\"trial/9\"}\n");
  EXPECT_EQ(TrialLedger::open(file_).error().code, base::Errc::SchemaMismatch);
  write("[1]\n");
  EXPECT_EQ(TrialLedger::open(file_).error().code, base::Errc::Corrupt);
  write(std::string(2u << 20, ' '));
  EXPECT_NE(TrialLedger::open(file_).error().context.find("longer than"), std::string::npos);

  write(good);
  const auto ledger = TrialLedger::open(file_);
  write(bad);
  EXPECT_EQ(ledger->record(trial(3), kNow).error().code, base::Errc::Corrupt);
  EXPECT_EQ(text(), bad);
}

TEST_F(TrialLedgerTest, WhereItCannotBeWrittenTheErrorSaysWhatItIsFor) {
  const auto missing = TrialLedger::open(dir_ / "no" / "such" / "trials.jsonl");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().context.find("--trials FILE"), std::string::npos) << missing.error().context;
  EXPECT_FALSE(TrialLedger::open(dir_.path()).ok()) << "a directory";
}

TEST_F(TrialLedgerTest, AFullDiskLeavesTheFileAsItWas) {
  record(trial(1));
  const std::string before = text();
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{before.size() + 10, before.size() + 10};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto recorded = TrialLedger::open(file_)->record(trial(2), kNow);
    ::_exit(!recorded.ok() && recorded.error().code == base::Errc::NoSpace ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(text(), before);
}

TEST_F(TrialLedgerTest, ProcessesThatWriteAtOnceLoseNothing) {
  constexpr std::uint64_t kWriters = 6, kEach = 15;
  std::vector<pid_t> children;
  for (std::uint64_t w = 0; w < kWriters; ++w) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    for (std::uint64_t i = 0; i < kEach; ++i)
      if (!TrialLedger::open(file_)->record(trial(w * 100 + i), kNow).ok()) ::_exit(1);
    ::_exit(0);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  EXPECT_EQ(record(trial(0)).trials, kWriters * kEach);
}

TEST_F(TrialLedgerTest, OnlyTheNewestOfALargeFamilyAreKept) {
  Trial t = trial(0);
  std::string lines;
  for (std::uint64_t i = 0; i < kFamilyTrials + 20; ++i) {
    t.seed = i;
    t.id = trial_id(t);
    lines += base::to_json(t) + "\n";
  }
  write(lines);
  const TrialFamily family = record(trial(3));
  EXPECT_EQ(family.trials, kFamilyTrials + 20);
  ASSERT_EQ(family.newest.size(), kFamilyTrials);
  EXPECT_EQ(family.newest[0].seed, 3U);
  EXPECT_EQ(family.newest[1].seed, 21U);
  EXPECT_EQ(family.newest.back().seed, kFamilyTrials + 19);
}

}  // namespace
}  // namespace qtrader::store
