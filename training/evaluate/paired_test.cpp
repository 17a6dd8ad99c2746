#include "training/evaluate/paired.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/rng.hpp"

namespace qtrader::training {
namespace {

/// Losses of `days` days with `rows` rows each: a difference, noise shared by the rows of a day, noise of each row.
std::vector<PairedLoss> losses(double gain, double day_noise, base::Rng& rng, int days = 30, int rows = 50) {
  std::vector<PairedLoss> out;
  for (int d = 0; d < days; ++d) {
    const double shared = day_noise * rng.normal();
    for (int r = 0; r < rows; ++r) out.push_back({d, 1.0 - gain - shared - 0.1 * rng.normal(), 1.0});
  }
  return out;
}

TEST(Paired, AgreesWithATTestOfDailyMeansWhereDaysAreEquallyLong) {
  base::Rng rng(1);
  const auto rows = losses(0.01, 0.02, rng);
  std::vector<double> daily(30);
  for (const PairedLoss& l : rows) daily[static_cast<std::size_t>(l.day)] += (l.reference - l.candidate) / 50;
  double mean = 0, squares = 0;
  for (const double d : daily) mean += d / 30;
  for (const double d : daily) squares += (d - mean) * (d - mean);
  const double standard_error = std::sqrt(squares / 29 / 30);
  const auto difference = paired_difference(rows);
  ASSERT_TRUE(difference);
  EXPECT_NEAR(difference->gain, mean, 1e-12);
  EXPECT_NEAR(difference->standard_error, standard_error, 1e-12);
  EXPECT_EQ(difference->days, 30);
  EXPECT_EQ(difference->rows, 1500);
}

TEST(Paired, RejectsAtItsNominalRateThoughRowsOfADayAreOneEvent) {
  base::Rng rng(2);
  int rejected = 0;
  constexpr int kRounds = 2000;
  for (int i = 0; i < kRounds; ++i) rejected += significantly_better(losses(0, 0.05, rng, 14, 20)) ? 1 : 0;
  EXPECT_NEAR(rejected / double{kRounds}, 0.05, 0.015);
}

TEST(Paired, FindsADifferenceThatIsThere) {
  base::Rng rng(3);
  EXPECT_TRUE(significantly_better(losses(0.02, 0.02, rng)));
  EXPECT_FALSE(significantly_better(losses(-0.02, 0.02, rng)));
}

TEST(Paired, OneDayProvesNothing) {
  base::Rng rng(4);
  EXPECT_FALSE(paired_difference(losses(0.5, 0, rng, 1)));
  EXPECT_FALSE(significantly_better(losses(0.5, 0, rng, 1)));
  EXPECT_FALSE(paired_difference({}));
  EXPECT_FALSE(paired_difference(std::vector<PairedLoss>{{0, 0.5, 1}, {1, 0.5, 1}}));  // no variance: not to be told
}

TEST(Paired, ComparesOnlyRowsThatBothPredicted) {
  Dataset dataset;
  for (int i = 0; i < 4; ++i) {
    Row row;
    row.bar_close = {base::hours(12 * i + 1).ns};
    dataset.rows.push_back(row);
    dataset.labels.push_back(LabelClass::Buy);
  }
  const Forecasts half = {Probabilities{0.2, 0.3, 0.5}, std::nullopt, Probabilities{0.2, 0.3, 0.5}, std::nullopt};
  const Forecasts all(4, Probabilities{0.25, 0.5, 0.25});
  const auto rows = paired_losses(dataset, {0, 4}, half, all);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_NE(rows[0].day, rows[1].day);
  EXPECT_NEAR(rows[0].candidate, -std::log(0.5), 1e-12);
  EXPECT_NEAR(rows[0].reference, -std::log(0.25), 1e-12);
}

}  // namespace
}  // namespace qtrader::training
