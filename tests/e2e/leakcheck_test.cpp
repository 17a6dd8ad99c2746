// The leak check as a user runs it: the product is clean, planted leaks are found, bad input is refused.
#include "tests/e2e/program.hpp"

namespace qtrader::e2e {
namespace {

class Leakcheck : public testing::Test {
 protected:
  /// A synthetic market shared by the tests of this file.
  static void SetUpTestSuite() {
    market_ = new TempDir();
    TempDir scratch;
    const auto made = Program(scratch).run(
        {"data", "synthetic", "--out", data(), "--symbols", "3", "--days", "24", "--timeframe", "5m", "--seed", "11"});
    ASSERT_EQ(made.status, 0) << made.err;
  }
  static void TearDownTestSuite() { delete market_; }
  static std::string data() { return (*market_ / "market").string(); }

  static TempDir* market_;
  TempDir dir_;
  Program program_{dir_};
};
TempDir* Leakcheck::market_ = nullptr;

TEST_F(Leakcheck, TheProductIsCleanAndTheSameSeedSaysTheSame) {
  const std::vector<std::string> command = {"leakcheck", "--data", data(), "--cuts", "2", "--seed", "3", "--json"};
  const auto first = program_.run(command);
  ASSERT_EQ(first.status, 0) << first.out << first.err;
  const auto report = boost::json::parse(first.out).as_object();
  EXPECT_TRUE(report.at("findings").as_array().empty());
  EXPECT_EQ(report.at("cuts").as_array().size(), 2U);
  const auto& coverage = report.at("coverage").as_object();
  for (const char* part : {"rows", "feature_values", "labels", "label_directions", "statistics", "decisions"})
    EXPECT_GT(coverage.at(part).as_int64(), 0) << part;
  EXPECT_EQ(program_.run(command).out, first.out);
}

TEST_F(Leakcheck, TheSummarySaysWhatWasCovered) {
  const auto r = program_.run({"leakcheck", "--data", data(), "--symbols", "BTCUSDT", "--cuts", "1", "--seed", "4"});
  ASSERT_EQ(r.status, 0) << r.out << r.err;
  EXPECT_NE(r.out.find("0 leaks in "), std::string::npos) << r.out;
  EXPECT_NE(r.out.find(" rows, 1 cuts"), std::string::npos) << r.out;
}

TEST_F(Leakcheck, TheSelfTestFindsEveryPlant) {
  const auto r = program_.run({"leakcheck", "--self-test", "--json"});
  ASSERT_EQ(r.status, 0) << r.out << r.err;
  const auto report = boost::json::parse(r.out).as_object();
  EXPECT_EQ(report.at("sound_findings").as_int64(), 0);
  EXPECT_EQ(report.at("plants").as_array().size(), 5U);
  for (const auto& plant : report.at("plants").as_array())
    EXPECT_TRUE(plant.as_object().at("found").as_bool()) << boost::json::serialize(plant);
}

TEST_F(Leakcheck, BadInputIsRefusedByName) {
  const struct {
    std::vector<std::string> arguments;
    const char* says;
  } cases[] = {
      {{"leakcheck"}, "--data"},
      {{"leakcheck", "--data", "/nowhere"}, "/nowhere"},
      {{"leakcheck", "--data", data(), "--cuts", "0"}, "cuts 0"},
      {{"leakcheck", "--data", data(), "--symbols", "NOPEUSDT"}, "NOPEUSDT"},
      {{"leakcheck", "--data", data(), "--timeframe", "1d"}, "too short"},
      {{"leakcheck", "--data", data(), "--label-mode", "magic"}, "magic"},
      {{"leakcheck", "--data", data(), "--registry", "/nowhere"}, "/nowhere"},
  };
  for (const auto& c : cases) {
    const auto r = program_.run(c.arguments);
    EXPECT_EQ(r.status, 2) << c.says << ": " << r.out << r.err;
    EXPECT_NE(r.err.find(c.says), std::string::npos) << r.err;
  }
}

TEST_F(Leakcheck, RecordedCandlesAreClean) {
  QT_NEED_RECORDED_DATA();
  const auto r =
      program_.run({"leakcheck", "--data", recorded_data().string(), "--symbols", "BTCUSDT,ETHUSDT,XRPUSDT", "--from",
                    "2025-08-01", "--to", "2025-11-01", "--timeframe", "15m", "--cuts", "2", "--seed", "1"});
  EXPECT_EQ(r.status, 0) << r.out << r.err;
}

}  // namespace
}  // namespace qtrader::e2e
