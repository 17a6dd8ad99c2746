#include "training/deep/forecast_benchmark.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>
#include <sstream>

#include "core/base/json.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::training::deep {
namespace {

namespace fs = std::filesystem;

/// Seven sines of different period with the header and dates of an ILI file.
fs::path write_sines(const test::TempDir& dir, int rows = 500) {
  const fs::path file = dir / "sines.csv";
  std::ofstream out(file);
  out << "date,a,b,c,d,e,f,OT\n";
  for (int t = 0; t < rows; ++t) {
    out << "2020-01-01";
    for (int c = 0; c < 7; ++c) out << ',' << 3 + c + std::sin(2 * std::numbers::pi * t / (12 + 2 * c));
    out << '\n';
  }
  return file;
}

ForecastRequest request(const fs::path& file, const std::string& model) {
  ForecastRequest out;
  out.dataset = "ILI";
  out.file = file;
  out.model = model;
  out.horizons = {12};
  out.seed = 7;
  out.epochs = 1;
  if (model == "nhits") out.trials = 2;
  out.windows = 160;
  out.unix_seconds = [] { return 1e9; };
  return out;
}

ForecastResult run(const ForecastRequest& request, const Progress& progress = {}) {
  const auto benchmark = ForecastBenchmark::create(request);
  EXPECT_TRUE(benchmark) << benchmark.error().message();
  const auto result = benchmark->run(request.horizons.front(), progress);
  EXPECT_TRUE(result) << result.error().message();
  return *result;
}

class EveryModel : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(ForecastBenchmark, EveryModel, testing::Values("nhits", "patchtst"));

TEST_P(EveryModel, LearnsSines) {
  const test::TempDir dir;
  ForecastRequest r = request(write_sines(dir), GetParam());
  r.epochs = 5;
  const ForecastResult result = run(r);
  EXPECT_LT(result.mse, 0.2 * result.mse_last_value);
  EXPECT_EQ(result.test_windows, 500 / 5 - 12 + 1);  // stride 1 over the last fifth, all of them
}

TEST_P(EveryModel, RepeatsItselfBySeed) {
  const test::TempDir dir;
  ForecastRequest r = request(write_sines(dir), GetParam());
  r.epochs = 1;
  r.windows = 64;
  const ForecastResult first = run(r);
  EXPECT_EQ(base::to_json(run(r)), base::to_json(first));
  r.seed = 8;
  EXPECT_NE(run(r).mse, first.mse);
}

TEST_P(EveryModel, StoppedAndResumedIsTheSameAsNeverStopped) {
  const test::TempDir dir;
  ForecastRequest r = request(write_sines(dir), GetParam());
  r.epochs = 3;
  r.windows = 64;
  r.out = dir / "whole";
  const ForecastResult whole = run(r);

  r.out = dir / "stopped";
  int epoch_starts = 0;
  const Progress stop_in_the_second_epoch = [&](std::string_view, std::uint64_t done, std::uint64_t total) {
    epoch_starts += done == total / 3 ? 1 : 0;
    return epoch_starts == 0;
  };
  const auto benchmark = ForecastBenchmark::create(r);
  ASSERT_TRUE(benchmark);
  const auto stopped = benchmark->run(12, stop_in_the_second_epoch);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, base::Errc::Interrupted);

  r.resume = true;
  std::uint64_t first_step = 0;
  bool seen = false;
  const ForecastResult resumed = run(r, [&](std::string_view, std::uint64_t done, std::uint64_t) {
    if (!seen) first_step = done;
    return seen = true;
  });
  EXPECT_GT(first_step, 0U);
  EXPECT_EQ(base::to_json(resumed), base::to_json(whole));
  // A finished training resumes to its result without another step.
  EXPECT_EQ(base::to_json(run(r, [](auto...) { return false; })), base::to_json(whole));
}

TEST(ForecastBenchmark, AbsoluteValuesAreAnotherNetwork) {
  const test::TempDir dir;
  ForecastRequest r = request(write_sines(dir), "nhits");
  r.windows = 64;
  const ForecastResult relative = run(r);
  r.absolute = true;
  const ForecastResult absolute = run(r);
  EXPECT_NE(relative.mse, absolute.mse);
  EXPECT_TRUE(relative.settings.ends_with("relative values")) << relative.settings;
  EXPECT_TRUE(absolute.settings.ends_with("absolute values")) << absolute.settings;
}

TEST(ForecastBenchmark, SetsADamagedCheckpointAsideAndSaysSo) {
  const test::TempDir dir;
  ForecastRequest r = request(write_sines(dir), "patchtst");
  r.out = dir / "out";
  const ForecastResult whole = run(r);
  const fs::path checkpoint = r.out / "ILI-patchtst-12-s7-1.ckpt";
  ASSERT_TRUE(fs::exists(checkpoint));
  {
    std::fstream file(checkpoint, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(checkpoint) / 2));
    file.put('\x55').put('\x33').put('\x55');
  }
  r.resume = true;
  const auto benchmark = ForecastBenchmark::create(r);
  ASSERT_TRUE(benchmark);
  const auto refused = benchmark->run(12, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::Corrupt);
  EXPECT_NE(refused.error().context.find("fails its checksum"), std::string::npos) << refused.error().context;
  EXPECT_TRUE(fs::exists(checkpoint.string() + ".corrupt"));
  EXPECT_FALSE(fs::exists(checkpoint));
  EXPECT_EQ(base::to_json(run(r)), base::to_json(whole));  // as the message says: the same command starts over
}

TEST(ForecastBenchmark, RefusesTheCheckpointOfAnotherTraining) {
  const test::TempDir dir;
  ForecastRequest r = request(write_sines(dir), "patchtst");
  r.out = dir / "out";
  run(r);
  r.resume = true;
  r.epochs = 5;
  const auto refused = ForecastBenchmark::create(r)->run(12, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::Conflict);
}

TEST(ForecastBenchmark, ComparesWithEveryReportedFigureOnce) {
  const test::TempDir dir;
  const fs::path reported = dir / "reported.csv";
  std::ofstream(reported) << "model,dataset,setting,horizon,mse,mae,quoted_from\n"
                             "N-HiTS,ILI,multivariate,12,2.0,,one place\n"
                             "N-HiTS,ILI,multivariate,12,2.0,0.9,another place\n"
                             "N-HiTS,ILI,multivariate,24,3.0,,one place\n"
                             "N-HiTS,ILI,univariate,12,4.0,,one place\n"
                             "PatchTST/42,ILI,multivariate,12,5.0,1.0,one place\n";
  ForecastRequest r = request(write_sines(dir), "nhits");
  r.reported = reported;
  const ForecastResult result = run(r);
  ASSERT_EQ(result.reported.size(), 1U);
  EXPECT_EQ(result.reported[0].model, "N-HiTS");
  EXPECT_EQ(result.reported[0].mae, 0.9);
  EXPECT_DOUBLE_EQ(result.reported[0].ratio, result.mse / 2.0);
}

struct WrongRequest {
  std::string name, expected;
  std::function<void(ForecastRequest&, const test::TempDir&)> spoil;
};

TEST(ForecastBenchmark, SaysWhatIsWrongWithARequest) {
  const std::vector<WrongRequest> cases = {
      {"dataset", "expected one of ETTh1", [](auto& r, auto&) { r.dataset = "Wether"; }},
      {"model", "expected nhits or patchtst", [](auto& r, auto&) { r.model = "arima"; }},
      {"file", "no such file", [](auto& r, auto& dir) { r.file = dir / "missing.csv"; }},
      {"columns", "expected 9 (date and the 8 series", [](auto& r, auto&) { r.dataset = "Exchange"; }},
      {"rows", "expected at least 14400", [](auto& r, auto&) { r.dataset = "ETTh1"; }},
      {"horizon", "the training part of ILI is too short", [](auto& r, auto&) { r.horizons = {12, 900}; }},
      {"no horizon", "at least 1", [](auto& r, auto&) { r.horizons = {0}; }},
      {"look-back", "a look-back of 0 horizons: expected 1 to", [](auto& r, auto&) { r.look_back_horizons = 0; }},
      {"nhits alone", "not for patchtst", [](auto& r, auto&) { r.look_back_horizons = 3; }},
      {"absolute", "not for patchtst", [](auto& r, auto&) { r.absolute = true; }},
      {"last epoch", "for patchtst alone",
       [](auto& r, auto&) {
         r.model = "nhits";
         r.last_epoch = true;
       }},
      {"trials", "1000 trials: expected 1 to", [](auto& r, auto&) { r.trials = 1'000; }},
      {"resume", "needs the directory", [](auto& r, auto&) { r.resume = true; }},
      {"number", "sines.csv:3: 'x', expected a number",
       [](auto& r, auto&) { std::ofstream(r.file) << "date,a,b,c,d,e,f,OT\nd,1,2,3,4,5,6,7\nd,1,x,3,4,5,6,7\n"; }},
      {"zstd", "bad.csv.zst",
       [](auto& r, auto& dir) {
         r.file = dir / "bad.csv.zst";
         std::ofstream(r.file) << "not compressed";
       }},
  };
  for (const WrongRequest& c : cases) {
    const test::TempDir dir;
    ForecastRequest r = request(write_sines(dir), "patchtst");
    c.spoil(r, dir);
    const auto refused = ForecastBenchmark::create(r);
    ASSERT_FALSE(refused) << c.name;
    EXPECT_NE(refused.error().context.find(c.expected), std::string::npos) << c.name << ": " << refused.error().context;
  }
}

}  // namespace
}  // namespace qtrader::training::deep
