// qtrader evaluate as a user runs it, on a small synthetic market.
#include <algorithm>

#include "tests/e2e/program.hpp"

namespace qtrader::e2e {
namespace {

class Evaluate : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = new TempDir();
    TempDir scratch;
    const auto r = Program(scratch).run({"data", "synthetic", "--out", market(), "--symbols", "4", "--days", "60",
                                         "--timeframe", "15m", "--seed", "3"});
    ASSERT_EQ(r.status, 0) << r.err;
  }
  static void TearDownTestSuite() { delete shared_; }
  static std::string market() { return (*shared_ / "market").string(); }

  std::vector<std::string> arguments(const std::string& out) {
    return {"evaluate",
            "--data",
            market(),
            "--lookback-days",
            "50",
            "--models",
            "lightgbm",
            "--folds",
            "3",
            "--seed",
            "4",
            "--threads",
            "1",
            "--out",
            path(out),
            "--trials",
            path("trials.jsonl")};
  }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  boost::json::object result(const std::string& out) const {
    return boost::json::parse(read_file(dir_ / out / "evaluation.json")).as_object();
  }
  std::size_t trials() const {
    const std::string text = read_file(dir_ / "trials.jsonl");
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  static TempDir* shared_;
  TempDir dir_;
  Program program_{dir_};
};
TempDir* Evaluate::shared_ = nullptr;

TEST_F(Evaluate, WritesTablesAVerdictAndTrialsAndRepeatsItself) {
  const auto r = program_.run(arguments("a"));
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("SYNTHETIC"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("after costs"), std::string::npos) << r.out;
  const auto a = result("a");
  EXPECT_EQ(a.at("schema").as_string(), "evaluation/1");
  EXPECT_EQ(a.at("folds").as_array().size(), 3U);
  std::vector<std::string> names;
  for (const auto& f : a.at("forecasters").as_array()) {
    names.emplace_back(f.at("name").as_string());
    EXPECT_LE(f.at("absent").as_int64(), a.at("test_rows").as_int64() / 50);  // what the ensemble finds too novel
    const auto& loss = f.at("classes").at("log_loss");
    EXPECT_LT(loss.at("low").as_double(), loss.at("high").as_double());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"prior", "logistic", "lightgbm", "ensemble", "ensemble+isotonic"}));
  EXPECT_NE(read_file(dir_ / "a" / "evaluation.md").find("| lightgbm |"), std::string::npos);
  const std::size_t recorded = trials();
  EXPECT_GE(recorded, 4U);

  ASSERT_EQ(program_.run(arguments("b")).status, 0);
  const auto b = result("b");
  EXPECT_EQ(b.at("verdict"), a.at("verdict"));
  EXPECT_EQ(b.at("selection"), a.at("selection"));
  EXPECT_EQ(trials(), recorded);  // the same thing again is no new trial
}

TEST_F(Evaluate, PrintsTheFileAsJson) {
  auto all = arguments("a");
  all.emplace_back("--json");
  const auto r = program_.run(all);
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.out, read_file(dir_ / "a" / "evaluation.json"));
}

TEST_F(Evaluate, RefusesWrongRequestsByName) {
  const auto refused = [&](const std::vector<std::string>& more, const std::string& named) {
    auto all = arguments("a");
    all.insert(all.end(), more.begin(), more.end());
    const auto r = program_.run(all);
    EXPECT_EQ(r.status, 2) << r.out;
    EXPECT_NE(r.err.find(named), std::string::npos) << r.err;
  };
  refused({"--scheme", "shuffled"}, "shuffled");
  refused({"--symbols", "NOPEUSDT"}, "NOPEUSDT");
  refused({"--taker-fee-bps", "-1"}, "taker-fee");
  refused({"--from", "yesterday"}, "yesterday");
  EXPECT_FALSE(fs::exists(dir_ / "a" / "evaluation.json"));
}

}  // namespace
}  // namespace qtrader::e2e
