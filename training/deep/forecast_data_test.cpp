#include "training/deep/forecast_data.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "tests/temp_dir.hpp"

namespace qtrader::training::deep {
namespace {

/// 103 rows of seven channels; channel c of row t is t · (c + 1), channel 6 never moves while training.
ForecastSeries ramps(const test::TempDir& dir) {
  const auto file = dir / "ramps.csv";
  std::ofstream out(file);
  out << "date,a,b,c,d,e,f,OT\n";
  for (int t = 0; t < 103; ++t) {
    out << t;
    for (int c = 0; c < 6; ++c) out << ',' << t * (c + 1);
    out << ',' << (t < 72 ? 5 : 9) << '\n';
  }
  out.close();
  return *read_forecast_series(file, *find_forecast_dataset("ILI"));
}

TEST(ForecastData, SplitsByShareAndStandardisesByTheTrainingPart) {
  const test::TempDir dir;
  const ForecastSeries series = ramps(dir);
  EXPECT_EQ(series.rows, 103);
  EXPECT_EQ(series.train_end, 72);       // int(103 · 0.7)
  EXPECT_EQ(series.validation_end, 83);  // 103 − int(103 · 0.2)
  EXPECT_EQ(series.test_end, 103);
  for (int c = 0; c < 6; ++c) {
    double sum = 0, squares = 0;
    for (int t = 0; t < 72; ++t) {
      const double v = series.values[static_cast<std::size_t>(c * 103 + t)];
      sum += v;
      squares += v * v;
    }
    EXPECT_NEAR(sum / 72, 0, 1e-5);
    EXPECT_NEAR(squares / 72, 1, 1e-5);
  }
  EXPECT_EQ(series.values[6 * 103], 0);       // constant while training: centred,
  EXPECT_EQ(series.values[6 * 103 + 80], 4);  // and left in its own unit
}

TEST(ForecastData, WindowsLookBackButTargetsStayInTheirPart) {
  const test::TempDir dir;
  const ForecastSeries series = ramps(dir);
  const auto windows = split_windows(series, 10, 4, History::Whole);
  ASSERT_TRUE(windows);
  EXPECT_EQ(windows->train.first, 0);
  EXPECT_EQ(windows->train.count, 72 - 14 + 1);
  EXPECT_EQ(windows->validation.first, 62);  // its first target is row 72
  EXPECT_EQ(windows->validation.count, 11 - 4 + 1);
  EXPECT_EQ(windows->test.first, 73);
  EXPECT_EQ(windows->test.first + windows->test.count - 1 + 14, 103);  // the last target is the last row
  EXPECT_FALSE(split_windows(series, 10, 12, History::Whole));         // longer than the validation part
}

TEST(ForecastData, TrainingWindowsMayBeginBeforeTheSeries) {
  const test::TempDir dir;
  const auto windows = split_windows(ramps(dir), 10, 4, History::AnyLength);
  ASSERT_TRUE(windows);
  EXPECT_EQ(windows->train.first, -9);  // nine unknown rows and the first one
  EXPECT_EQ(windows->train.first + windows->train.count - 1 + 14, 72);
  EXPECT_EQ(windows->validation.first, 62);                            // of the others none does
  EXPECT_FALSE(split_windows(ramps(dir), 80, 4, History::AnyLength));  // the validation part has no such history
}

TEST(ForecastData, EttHasTwelveFourAndFourMonths) {
  const ForecastDataset h = *find_forecast_dataset("ETTh1"), m = *find_forecast_dataset("ETTm2");
  EXPECT_EQ(h.train, 8'640);
  EXPECT_EQ(h.validation, 2'880);
  EXPECT_EQ(m.train, 34'560);
  EXPECT_EQ(m.test, 11'520);
}

}  // namespace
}  // namespace qtrader::training::deep
