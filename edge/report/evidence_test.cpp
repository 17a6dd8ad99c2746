#include "edge/report/evidence.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>
#include <fstream>

#include "core/base/json.hpp"
#include "core/base/rng.hpp"
#include "core/statistics/sharpe.hpp"
#include "edge/report/recorder.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::report {
namespace {

const base::Timestamp kFirst = base::from_civil({2025, 1, 1});

std::vector<DailyReturn> returns(std::uint64_t seed, int days, double mean, double deviation = 0.01) {
  base::Rng rng(seed);
  std::vector<DailyReturn> out;
  for (int i = 0; i < days; ++i) out.push_back({kFirst + base::days(i), mean + deviation * rng.normal()});
  return out;
}

store::Trial trial(const std::vector<DailyReturn>& r, std::uint64_t seed) {
  store::Trial t;
  t.strategy = "ema_cross";
  t.symbols = {"BTCUSDT"};
  t.seed = seed;
  t.from_ms = kFirst.unix_ms();
  t.to_ms = (kFirst + base::days(365)).unix_ms();
  put_returns(t, r);
  return t;
}

/// The evidence after each of the runs has been recorded in turn.
struct History {
  test::TempDir dir;
  std::uint64_t seed = 0;
  Evidence run(const std::vector<DailyReturn>& r, const Reservations& reservations = {}) {
    const auto ledger = store::TrialLedger::open(dir / "trials.jsonl");
    const auto family = ledger->record(trial(r, ++seed), {});
    EXPECT_TRUE(family.ok());
    return weigh_evidence(r, *family, reservations);
  }
};

TEST(WeighEvidence, ALosingStrategyHasNoEdge) {
  const Evidence e = History().run(returns(1, 300, -0.002));
  EXPECT_EQ(e.conclusion, Conclusion::NoEdge);
  EXPECT_TRUE(e.verdict.starts_with("No edge after costs: the mean daily net return is −0.")) << e.verdict;
  EXPECT_LT(*e.run.mean_daily_high_frac, 0);
  EXPECT_FALSE(e.run.min_track_days);
}

TEST(WeighEvidence, AStrongStrategyTriedOnceLikelyHasOne) {
  const Evidence e = History().run(returns(2, 400, 0.002));
  EXPECT_EQ(e.conclusion, Conclusion::EdgeLikely) << e.verdict;
  EXPECT_EQ(e.trials.count, 1U);
  EXPECT_EQ(e.trials.dsr, e.run.psr) << "one trial deflates nothing";
  EXPECT_EQ(e.trials.expected_max_sharpe, 0);
  EXPECT_FALSE(e.trials.pbo);
  ASSERT_EQ(e.trials.notes.size(), 1U);
  EXPECT_NE(e.trials.notes[0].find("second trial"), std::string::npos);
  EXPECT_LT(*e.trials.reality_check_p, 0.01);
  EXPECT_LT(*e.run.min_track_days, 400);
}

TEST(WeighEvidence, TheLuckiestOfManyNoiseTrialsDoesNotConvince) {
  History history;
  std::vector<DailyReturn> best;
  double most = -1;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const auto r = returns(100 + i, 250, 0);
    if (const Evidence e = history.run(r); *e.run.psr > most) most = *e.run.psr, best = r;
  }
  EXPECT_GT(most, 0.95) << "on its own it looks convincing";
  history.seed = 999;
  const Evidence e = history.run(best);
  EXPECT_EQ(e.trials.count, 61U);
  EXPECT_EQ(e.trials.compared, 61U);
  EXPECT_EQ(e.trials.common_days, 250U);
  EXPECT_LT(*e.trials.dsr, 0.8);
  EXPECT_GT(*e.trials.reality_check_p, 0.05);
  EXPECT_EQ(e.conclusion, Conclusion::CannotTell);
  EXPECT_NE(e.verdict.find("after 61 trials"), std::string::npos) << e.verdict;
}

TEST(WeighEvidence, OneRealEdgeAmongNoiseIsNotOverfitted) {
  History history;
  for (std::uint64_t i = 0; i < 8; ++i) history.run(returns(200 + i, 400, 0));
  const Evidence e = history.run(returns(300, 400, 0.003));
  EXPECT_EQ(e.trials.pbo, 0);
  EXPECT_LT(*e.trials.reality_check_p, 0.01);
  EXPECT_EQ(e.conclusion, Conclusion::EdgeLikely) << e.verdict;
}

TEST(WeighEvidence, DeflatesByTheVarianceOfTheTrialsSharpeRatios) {
  History history;
  history.run(returns(11, 200, 0.001));
  history.run(returns(12, 200, -0.001));
  const auto own = returns(13, 200, 0.002);
  const Evidence e = history.run(own);
  std::vector<double> sharpes;
  for (const auto& r : {returns(11, 200, 0.001), returns(12, 200, -0.001), own}) {
    std::vector<double> values;
    for (const auto& d : r) values.push_back(d.value);
    sharpes.push_back(statistics::moments(values)->sharpe());
  }
  const double deviation = statistics::moments(sharpes)->deviation;
  EXPECT_NEAR(*e.trials.sharpe_deviation, deviation * std::sqrt(365.0), 1e-6);
  EXPECT_NEAR(*e.trials.expected_max_sharpe,
              statistics::expected_max_sharpe(3, deviation * deviation) * std::sqrt(365.0), 1e-6);
}

TEST(WeighEvidence, TrialsOverOtherDaysCountButAreNotCompared) {
  History history;
  const auto whole = returns(21, 200, 0.001);
  history.run({whole.begin(), whole.begin() + 100});
  const Evidence e = history.run(whole);
  EXPECT_EQ(e.trials.count, 2U);
  EXPECT_EQ(e.trials.compared, 1U);
  EXPECT_NEAR(*e.trials.sharpe_deviation, std::sqrt(365.0 / 199), 1e-9) << "that of estimates without an edge";
  EXPECT_FALSE(e.trials.pbo);
}

TEST(WeighEvidence, ComparesOnTheDaysThatAllHave) {
  History history;
  const auto whole = returns(22, 200, 0.001), other = returns(23, 200, 0.0005);
  history.run({other.begin() + 15, other.end()});
  auto holed = whole;
  holed.erase(holed.begin() + 50);
  const Evidence e = history.run(holed);
  EXPECT_EQ(e.trials.compared, 2U);
  EXPECT_EQ(e.trials.common_days, 184U);
  EXPECT_TRUE(e.trials.pbo);
}

TEST(WeighEvidence, DoesNotDependOnTheOrderOfTheLedger) {
  const std::vector<std::vector<DailyReturn>> all = {returns(31, 120, 0.001), returns(32, 120, 0), returns(33, 120, 0)};
  store::TrialFamily family{.id = "x", .trials = 3};
  for (std::size_t i = 0; i < 3; ++i) {
    family.newest.push_back(trial(all[i], i));
    family.newest.back().id = store::trial_id(family.newest.back());
  }
  const std::string one = base::to_json(weigh_evidence(all[0], family, {}));
  std::swap(family.newest[0], family.newest[2]);
  EXPECT_EQ(base::to_json(weigh_evidence(all[0], family, {})), one);
}

TEST(WeighEvidence, SaysWhyItCannotTell) {
  const auto good = returns(2, 400, 0.002);
  const auto verdict = [](const Evidence& e) {
    EXPECT_EQ(e.conclusion, Conclusion::CannotTell);
    return e.verdict;
  };
  EXPECT_EQ(verdict(History().run(good, {.synthetic = true})),
            "Cannot tell: the prices are synthetic, no statement about a market follows.");
  EXPECT_EQ(verdict(History().run(good, {.in_sample = true})), "Cannot tell: a model was fitted on days of this run.");
  EXPECT_EQ(verdict(History().run({})), "Cannot tell: the daily returns do not vary.");
  EXPECT_NE(verdict(History().run(returns(2, 20, 0.02))).find("20 days are too few"), std::string::npos);
  EXPECT_NE(verdict(History().run(returns(3, 60, 0.001))).find("may well be zero"), std::string::npos);
  const Evidence unrecorded = weigh_evidence(good, {}, {});
  EXPECT_NE(verdict(unrecorded).find("the number of trials is not accounted for"), std::string::npos);
  EXPECT_EQ(unrecorded.trials.notes[0], "No trial ledger was kept.");
}

TEST(WeighEvidence, ATornLedgerIsMentioned) {
  History history;
  history.run(returns(1, 50, 0));
  std::ofstream(history.dir / "trials.jsonl", std::ios::app) << "{\"schema\":\"tri";
  const Evidence e = history.run(returns(2, 50, 0));
  EXPECT_EQ(e.trials.count, 2U);
  EXPECT_NE(e.trials.notes[0].find("interrupted write"), std::string::npos);
}

/// A recorder's report with the ledger beside it: what `qtrader backtest` does, without the market.
class EvidenceInReports : public testing::Test {
 protected:
  std::unique_ptr<Recorder> report(const std::string& name, std::uint64_t seed) {
    domain::Instrument i;
    i.symbol = "BTCUSDT";
    i.tick_size = domain::Price::from_double(0.01);
    i.step_size = i.min_quantity = domain::Quantity::from_double(0.001);
    i.brackets = {{domain::Money{}, domain::Money::from_int(1'000'000), domain::Ratio::from_double(0.01), {}, 20}};
    RunInfo info;
    info.seed = seed;
    info.strategy = "ema_cross";
    info.symbols = {"BTCUSDT"};
    info.from = kFirst;
    info.to = kFirst + base::days(100);
    info.initial_wallet = domain::Money::from_int(10'000);
    auto recorder = Recorder::create(dir_ / name, info, *domain::InstrumentTable::create({i}));
    base::Rng rng(seed);
    double equity = 10'000;
    for (int day = 1; day <= 100; ++day) {
      equity *= 1 + 0.004 + 0.01 * rng.normal();
      const auto ts = kFirst + base::days(day);
      (*recorder)->on(ts, domain::EquitySample{ts, domain::Money::from_double(equity), {}, {}, 0, {}});
    }
    const auto family = store::TrialLedger::open(dir_ / "trials.jsonl")->record((*recorder)->trial(), {});
    EXPECT_TRUE((*recorder)->finish({{}, "0", *family}).ok());
    return std::move(*recorder);
  }
  boost::json::object json(const std::string& name) const {
    std::ifstream in(dir_ / name / "report.json");
    return boost::json::parse(std::string(std::istreambuf_iterator<char>(in), {})).as_object();
  }
  test::TempDir dir_;
};

TEST_F(EvidenceInReports, GrowsWithOtherTrialsButNotWithReruns) {
  report("a", 1);
  report("b", 2);
  report("again", 2);
  EXPECT_EQ(json("a").at("evidence").at("trials").at("count"), 1);
  EXPECT_EQ(json("b").at("evidence").at("trials").at("count"), 2);
  EXPECT_EQ(json("b"), json("again")) << "a rerun's report is the same, evidence included";
  EXPECT_NE(json("b").at("evidence").at("trials").at("pbo"), nullptr);
}

TEST_F(EvidenceInReports, OnlyItsPartOfTheTrialsAndTheVerdictDependOnTheLedger) {
  report("first", 3);
  report("other", 4);
  report("later", 3);
  auto first = json("first"), later = json("later");
  EXPECT_NE(first.at("evidence").at("trials"), later.at("evidence").at("trials"));
  for (auto* root : {&first, &later})
    for (const char* exempt : {"trials", "verdict", "conclusion"}) (*root)["evidence"].as_object().erase(exempt);
  EXPECT_EQ(first, later);
}

TEST_F(EvidenceInReports, StandsInTheTerminalTheTearSheetAndTheDocument) {
  report("a", 5);
  const auto recorder = report("b", 6);
  const std::string& verdict = recorder->summary().evidence.verdict;
  EXPECT_NE(recorder->terminal_summary().find("Evidence\n" + verdict.substr(0, 60)), std::string::npos);
  std::ifstream html(dir_ / "b" / "report.html");
  const std::string sheet(std::istreambuf_iterator<char>(html), {});
  EXPECT_NE(sheet.find("<h2>Evidence</h2>"), std::string::npos);

  std::ifstream in(QT_SOURCE_DIR "/docs/formats/backtest-report.md");
  const std::string page(std::istreambuf_iterator<char>(in), {});
  const auto root = json("b");
  const auto mentioned = [&](const boost::json::object& object) {
    for (const auto& entry : object)
      EXPECT_NE(page.find("`" + std::string(entry.key()) + "`"), std::string::npos) << std::string(entry.key());
  };
  mentioned(root.at("evidence").as_object());
  for (const char* part : {"run", "trials"}) mentioned(root.at("evidence").at(part).as_object());
  for (const char* name : {"NoEdge", "CannotTell", "EdgeLikely"}) EXPECT_NE(page.find(name), std::string::npos);
}

TEST(TrialLedgerDocument, NamesEveryMember) {
  std::ifstream in(QT_SOURCE_DIR "/docs/formats/trial-ledger.md");
  const std::string page(std::istreambuf_iterator<char>(in), {});
  const store::Trial trial;
  base::for_each_member(trial, [&](std::string_view name, const auto&) {
    EXPECT_NE(page.find("`" + std::string(name) + "`"), std::string::npos) << name;
  });
}

}  // namespace
}  // namespace qtrader::report
