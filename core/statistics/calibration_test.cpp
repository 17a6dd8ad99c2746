#include "core/statistics/calibration.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/rng.hpp"
#include "core/statistics/isotonic.hpp"
#include "core/statistics/series_testing.hpp"

namespace qtrader::statistics {
namespace {

TEST(Isotonic, AgreesWithScikitLearn) {  // IsotonicRegression(out_of_bounds="clip").fit(x, y, w).predict
  const std::vector<Observation> data = {{1, .1, 1},  {2, .3, 2}, {3, .2, 1}, {3, .6, 3}, {4, .35, 1},
                                         {5, .35, 1}, {6, .8, 2}, {7, .5, 2}, {8, .9, 1}, {9, .85, 4}};
  const IsotonicFit fit = isotonic_regression(data);
  const std::vector<std::pair<double, double>> expected = {
      {0, 0.1},    {1, 0.1},  {1.5, 0.2}, {2, 0.3},     {2.25, 0.3375}, {3, 0.45},   {3.5, 0.45}, {5, 0.45},
      {5.75, 0.6}, {6, 0.65}, {7, 0.65},  {7.5, 0.755}, {8, 0.86},      {8.5, 0.86}, {9, 0.86},   {12, 0.86}};
  for (const auto& [x, y] : expected) EXPECT_NEAR(fit.at(x), y, 1e-14) << x;
  EXPECT_EQ(fit.steps().size(), 5U);
}

TEST(Isotonic, TheTextbooksExampleOfPooling) {
  // Robertson, Wright & Dykstra (1988), section 1.2: violators pool to their weighted means.
  const IsotonicFit fit = isotonic_regression(std::vector<Observation>{{1, 1}, {2, 3}, {3, 2}, {4, 4}, {5, 3}, {6, 5}});
  ASSERT_EQ(fit.steps().size(), 4U);
  EXPECT_EQ(fit.steps()[1].value, 2.5);
  EXPECT_EQ(fit.steps()[2].value, 3.5);
  EXPECT_EQ(fit.steps()[2].low, 4);
  EXPECT_EQ(fit.steps()[2].high, 5);
}

TEST(Isotonic, IsMonotoneKeepsTheMeanAndNoMonotoneFunctionIsCloser) {
  base::Rng rng(60);
  for (int run = 0; run < 50; ++run) {
    std::vector<Observation> data;
    double sum = 0;
    for (int i = 0; i < 60; ++i) {
      data.push_back({std::floor(rng.uniform(0, 30)), rng.normal(), rng.uniform(0.5, 3)});
      sum += data.back().y * data.back().weight;
    }
    const IsotonicFit fit = isotonic_regression(data);
    double fitted = 0, gradient = 0;
    for (std::size_t k = 1; k < fit.steps().size(); ++k) EXPECT_GT(fit.steps()[k].value, fit.steps()[k - 1].value);
    for (const Observation& o : data) {
      fitted += fit.at(o.x) * o.weight;
      gradient += o.weight * (o.y - fit.at(o.x)) * fit.at(o.x);
    }
    EXPECT_NEAR(fitted, sum, 1e-10);
    EXPECT_NEAR(gradient, 0, 1e-10);            // the residual is orthogonal to the projection on a cone,
    for (double cut = 1; cut < 30; cut += 3) {  // and has no positive product with any generator of it
      double product = 0;
      for (const Observation& o : data) product += o.x >= cut ? o.weight * (o.y - fit.at(o.x)) : 0;
      EXPECT_LE(product, 1e-10);
    }
  }
}

TEST(Isotonic, StepsWeighAtLeastWhatIsAsked) {
  base::Rng rng(61);
  std::vector<Observation> data;
  for (int i = 0; i < 500; ++i) {
    const double p = rng.uniform();
    data.push_back({p, rng.uniform() < p ? 1.0 : 0.0});
  }
  const IsotonicFit fit = isotonic_regression(data, 30);
  double weight = 0;
  for (const auto& s : fit.steps()) {
    EXPECT_GE(s.weight, 30);
    weight += s.weight;
  }
  EXPECT_EQ(weight, 500);
  EXPECT_GT(fit.steps().size(), 3U);
  EXPECT_TRUE(isotonic_regression({}).steps().empty());
  EXPECT_EQ(isotonic_regression(std::vector<Observation>{{1, 0.2}, {2, 0.8}}, 10).steps().size(), 1U);
}

TEST(Reliability, ByHand) {
  // Guo et al. (2017), eq. 3, by hand: bins of 0.5; two claims of 0.2 and 0.4, one true; three of 0.9, all true.
  const std::vector<Claim> claims = {{0.2, false}, {0.4, true}, {0.9, true}, {0.9, true}, {0.9, true}};
  const auto rows = reliability_table(claims, 2, Bins::EqualWidth);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_NEAR(rows[0].claimed, 0.3, 1e-15);
  EXPECT_EQ(rows[0].observed, 0.5);
  EXPECT_EQ(rows[0].high, 0.5);
  EXPECT_EQ(rows[1].count, 3U);
  EXPECT_NEAR(*expected_calibration_error(rows), (2 * 0.2 + 3 * 0.1) / 5, 1e-15);
  EXPECT_FALSE(expected_calibration_error({}));
}

TEST(Reliability, BinsOfEqualMassKeepEqualClaimsTogether) {
  std::vector<Claim> claims;
  for (int i = 0; i < 100; ++i) claims.push_back({i < 40 ? 0.1 : 0.01 * i, i % 2 == 0});
  const auto rows = reliability_table(claims, 10, Bins::EqualMass);
  std::size_t total = 0;
  for (const auto& r : rows) total += r.count;
  EXPECT_EQ(total, 100U);
  EXPECT_EQ(rows.front().count, 40U);
  EXPECT_EQ(rows.size(), 7U);
  for (std::size_t k = 1; k < rows.size(); ++k) {
    EXPECT_GT(rows[k].low, rows[k - 1].high);
    EXPECT_EQ(rows[k].count, 10U);
  }
}

TEST(Reliability, OfHonestClaimsIsSmallAndOfOverconfidentOnesIsTheirExcess) {
  base::Rng rng(62);
  std::vector<Claim> honest, bold;
  int inside = 0;
  for (int i = 0; i < 20'000; ++i) {
    const double p = rng.uniform(0.3, 0.7);
    const bool happened = rng.uniform() < p;
    honest.push_back({p, happened});
    bold.push_back({p + (p > 0.5 ? 0.2 : -0.2), happened});
  }
  const auto rows = reliability_table(honest, 20, Bins::EqualMass);
  for (const auto& r : rows)
    inside += r.observed_interval.low <= r.claimed && r.claimed <= r.observed_interval.high ? 1 : 0;
  EXPECT_GE(inside, 17);
  EXPECT_LT(*expected_calibration_error(rows), 0.02);
  for (const Bins kind : {Bins::EqualWidth, Bins::EqualMass})
    EXPECT_NEAR(*expected_calibration_error(reliability_table(bold, 10, kind)), 0.2, 0.02);
}

}  // namespace
}  // namespace qtrader::statistics
