// The tests that compare many variants or two forecasts: Diebold–Mariano, PBO, reality check, SPA, Benjamini–Hochberg.
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/rng.hpp"
#include "core/statistics/data_snooping.hpp"
#include "core/statistics/forecast_comparison.hpp"
#include "core/statistics/moments.hpp"
#include "core/statistics/multiple_testing.hpp"
#include "core/statistics/overfitting.hpp"
#include "core/statistics/series_testing.hpp"

namespace qtrader::statistics {
namespace {

std::vector<double> squares(std::vector<double> x, double scale) {
  for (double& v : x) v = v * v * scale;
  return x;
}

Panel noise(std::size_t rows, std::size_t columns, base::Rng& rng) {
  Panel out(rows, columns);
  for (std::size_t t = 0; t < rows; ++t)
    for (std::size_t k = 0; k < columns; ++k) out.at(t, k) = rng.normal();
  return out;
}

TEST(DieboldMariano, AgreesWithStatsmodels) {
  // statsmodels OLS(d, 1).fit(cov_type="HAC", maxlags=lags, use_correction=False).tvalues, times the factor of Harvey
  // et al. by hand, and scipy.stats.t.sf.
  struct Case {
    std::size_t n, horizon;
    std::uint64_t a, b;
    std::size_t lags;
    double mean, statistic, p;
  };
  for (const Case& c : {Case{60, 1, 11, 12, 3, -0.04333957069334076, -3.150850757294049, 0.002556883422510889},
                        Case{250, 4, 13, 14, 4, 0.007087639193802338, 0.8114886140914261, 0.4178601541928564},
                        Case{40, 3, 15, 16, 3, -0.0011639585436225286, -0.07300681267673965, 0.9421738489862702}}) {
    const auto r =
        diebold_mariano(squares(test_series(c.n, 0.2, c.a), 1), squares(test_series(c.n, 0.2, c.b), 1.2), c.horizon);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->lags, c.lags);
    EXPECT_NEAR(r->mean_difference, c.mean, 1e-14);
    EXPECT_NEAR(r->statistic, c.statistic, 1e-10);
    EXPECT_NEAR(r->p_two_sided, c.p, 1e-10);
    EXPECT_NEAR(r->p_a_better, c.statistic < 0 ? c.p / 2 : 1 - c.p / 2, 1e-10);
  }
}

TEST(DieboldMariano, IsUniformForEquallyGoodForecasts) {
  base::Rng rng(21);
  std::vector<double> p;
  for (int run = 0; run < 800; ++run) {
    std::vector<double> a(400), b(400);
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = std::fabs(rng.normal()), b[i] = std::fabs(rng.normal());
    p.push_back(diebold_mariano(a, b, 1)->p_two_sided);
  }
  EXPECT_LT(distance_from_uniform(p), 1.63);
}

TEST(DieboldMariano, IsAbsentWhereNothingFollows) {
  const auto x = test_series(30, 0, 1);
  EXPECT_FALSE(diebold_mariano(x, x, 1)) << "equal losses";
  EXPECT_FALSE(diebold_mariano(x, test_series(30, 0, 2), 15)) << "horizon of half the sample";
  EXPECT_FALSE(diebold_mariano(test_series(7, 0, 1), test_series(7, 0, 2), 1));
}

TEST(Overfitting, OfNoiseIsOneHalfForAnyNumberOfVariants) {
  for (const std::size_t variants : {2U, 3U, 10U}) {
    base::Rng rng(30 + variants);
    std::vector<double> pbo;
    for (int run = 0; run < 150; ++run) {
      const auto o = backtest_overfitting(noise(200, variants, rng), 10);
      EXPECT_EQ(o->logits.size(), 252U);
      pbo.push_back(o->pbo);
    }
    const auto m = moments(pbo);
    EXPECT_NEAR(m->mean, 0.5, 3 * m->deviation / std::sqrt(150.0)) << variants;
    EXPECT_LT(m->deviation, 0.4);
  }
}

TEST(Overfitting, IsNoneIfOneVariantIsReallyBetter) {
  base::Rng rng(40);
  Panel p = noise(400, 8, rng);
  for (std::size_t t = 0; t < p.rows(); ++t) p.at(t, 5) += 0.5;
  const auto o = backtest_overfitting(p, 16);
  EXPECT_EQ(o->logits.size(), 12'870U);
  EXPECT_EQ(o->pbo, 0);
  EXPECT_EQ(o->loss_share, 0);
}

TEST(Overfitting, ByHand) {
  // Two blocks of two rows, two splits. Variant 0 is the better in block 0, the worse in block 1: whichever half one
  // chooses in, the other disappoints.
  const Panel p(2, {1, -1, 2, -2, -1, 1, -2, 2});
  const auto o = backtest_overfitting(p, 2);
  ASSERT_EQ(o->logits.size(), 2U);
  EXPECT_EQ(o->pbo, 1);
  EXPECT_EQ(o->loss_share, 1);
  EXPECT_NEAR(o->logits[0], std::log(0.5), 1e-15) << "rank 1 of 2: ω = 1/3";
  EXPECT_FALSE(backtest_overfitting(Panel(10, 1), 2)) << "one variant";
  EXPECT_FALSE(backtest_overfitting(Panel(10, 3), 6)) << "too few rows";
}

TEST(Overfitting, IdenticalVariantsAreTiedInTheMiddle) {
  base::Rng rng(41);
  Panel p(100, 4);
  for (std::size_t t = 0; t < p.rows(); ++t)
    for (std::size_t k = 0, one = rng.below(1'000); k < 4; ++k) p.at(t, k) = static_cast<double>(one);
  EXPECT_EQ(backtest_overfitting(p, 4)->pbo, 0.5);
}

/// Column k: an AR(1) times k + 1, all below the benchmark except the second.
Panel mixed_gains(std::size_t rows, std::size_t columns, double drift) {
  Panel out(rows, columns);
  for (std::size_t k = 0; k < columns; ++k) {
    const auto x = test_series(rows, 0.3, 1000 + 37 * k);
    const double shift = k == 1 ? drift : -0.03 * static_cast<double>(k), scale = static_cast<double>(k + 1);
    for (std::size_t t = 0; t < rows; ++t) out.at(t, k) = (x[t] + shift) * scale;
  }
  return out;
}

TEST(DataSnooping, AgreesWithArch) {
  // arch.bootstrap.SPA(0, −gains, block_size=5, reps=40000, bootstrap="stationary"): its "upper" on the gains is
  // White's reality check. It does not studentise, so Hansen's test is the same on gains divided by its own deviations.
  struct Case {
    std::size_t columns, rows;
    double drift, white, lower, consistent, upper;
  };
  for (const Case& c :
       {Case{4, 400, 0.05, 0.040875, 0.00005, 0.000125, 0.0004}, Case{10, 300, 0.02, 0.9096, 0.03485, 0.059975, 0.2697},
        Case{6, 500, 0.08, 0.050075, 0, 0, 0.000025}}) {
    const auto s =
        data_snooping(mixed_gains(c.rows, c.columns, c.drift), {.block_length = 5, .resamples = 20'000, .seed = 3});
    ASSERT_TRUE(s);
    EXPECT_NEAR(s->reality_check_p, c.white, 0.015);
    EXPECT_NEAR(s->spa_lower_p, c.lower, 0.015);
    EXPECT_NEAR(s->spa_p, c.consistent, 0.015);
    EXPECT_NEAR(s->spa_upper_p, c.upper, 0.015);
    EXPECT_EQ(s->best, 1U);
  }
}

TEST(DataSnooping, RejectsNoMoreThanItsLevelWithoutAnEdge) {
  base::Rng rng(50);
  int white = 0, hansen = 0;
  constexpr int kRuns = 300;
  for (int run = 0; run < kRuns; ++run) {
    const auto s = data_snooping(noise(150, 8, rng), {.resamples = 299, .seed = static_cast<std::uint64_t>(run)});
    white += s->reality_check_p <= 0.05 ? 1 : 0;
    hansen += s->spa_p <= 0.05 ? 1 : 0;
  }
  EXPECT_LE(white, kRuns * 0.05 + 2 * std::sqrt(kRuns * 0.05 * 0.95));
  EXPECT_LE(hansen, kRuns * 0.05 + 2 * std::sqrt(kRuns * 0.05 * 0.95));
  EXPECT_GT(white, 0) << "exact at the edge of the hypothesis, not merely cautious";
}

TEST(DataSnooping, OfOneVariantIsUniformWithoutAnEdge) {
  base::Rng rng(51);
  std::vector<double> p;
  for (int run = 0; run < 500; ++run)
    p.push_back(data_snooping(noise(150, 1, rng), {.resamples = 499, .seed = static_cast<std::uint64_t>(run)})
                    ->reality_check_p);
  EXPECT_LT(distance_from_uniform(p), 1.63);
}

TEST(DataSnooping, BadVariantsCostWhiteButNotHansenTheirPower) {
  base::Rng rng(52);
  Panel p = noise(300, 12, rng);
  for (std::size_t t = 0; t < p.rows(); ++t) {
    p.at(t, 3) = 0.1 * p.at(t, 3) + 0.02;                  // a quiet, real edge
    for (std::size_t k = 4; k < 12; ++k) p.at(t, k) -= 3;  // hopeless, loud variants
  }
  const auto s = data_snooping(p, {.resamples = 1'000, .seed = 1});
  EXPECT_LT(s->spa_p, 0.02);
  EXPECT_GT(s->reality_check_p, s->spa_p);
  EXPECT_LE(s->spa_lower_p, s->spa_p);
  EXPECT_LE(s->spa_p, s->spa_upper_p);
}

TEST(DataSnooping, IsAbsentWhereNothingVaries) {
  EXPECT_FALSE(data_snooping(Panel(50, 2), {}));
  EXPECT_FALSE(data_snooping(Panel(9, 2), {}));
  EXPECT_FALSE(data_snooping(Panel(50, 0), {}));
  Panel one(50, 2);
  const auto x = test_series(50, 0, 9);
  for (std::size_t t = 0; t < 50; ++t) one.at(t, 1) = x[t] + 0.4;
  EXPECT_LT(data_snooping(one, {})->spa_p, 0.01) << "a variant that never traded takes nothing away";
}

TEST(BenjaminiHochberg, AgreesWithScipy) {  // scipy.stats.false_discovery_control
  const auto q = benjamini_hochberg(std::vector<double>{0.2, 0.01, 0.04, 0.03, 0.9});
  const std::vector<double> expected = {0.25, 0.05, 1 / 15.0, 1 / 15.0, 0.9};
  for (std::size_t i = 0; i < q.size(); ++i) EXPECT_NEAR(q[i], expected[i], 1e-15);
  EXPECT_TRUE(benjamini_hochberg({}).empty());
}

TEST(WilsonInterval, AgreesWithStatsmodels) {  // proportion_confint(s, n, 1 − c, "wilson")
  struct Case {
    double successes, n, confidence, low, high;
  };
  for (const Case& c :
       {Case{0, 10, 0.95, 0, 0.2775327998628892}, Case{7, 10, 0.95, 0.39677814746114537, 0.8922087325936989},
        Case{45, 120, 0.9, 0.30581624460050116, 0.44969602358628136},
        Case{999, 1000, 0.99, 0.9915394337800183, 0.9998825836463816}}) {
    const auto i = wilson_interval(c.successes, c.n, c.confidence);
    EXPECT_NEAR(i->low, c.low, 1e-13);
    EXPECT_NEAR(i->high, c.high, 1e-13);
  }
  EXPECT_FALSE(wilson_interval(0, 0, 0.95));
}

}  // namespace
}  // namespace qtrader::statistics
