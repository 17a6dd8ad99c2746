#include "core/statistics/distributions.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/statistics/moments.hpp"
#include "core/statistics/rank.hpp"
#include "core/statistics/series_testing.hpp"

namespace qtrader::statistics {
namespace {

void expect_relative(double value, double expected, double tolerance) {
  EXPECT_NEAR(value, expected, tolerance * std::fabs(expected));
}

TEST(Normal, AgreesWithScipyToTheTails) {  // scipy.special.ndtr
  struct Case {
    double x, p;
  };
  for (const auto& [x, p] :
       {Case{-37, 5.725571222524576e-300}, Case{-10, 7.61985302416047e-24}, Case{-6, 9.865876450376946e-10},
        Case{-2.5, 0.006209665325776132}, Case{-2.4999, 0.006211418374944587}, Case{-1, 0.15865525393145707},
        Case{-0.1, 0.460172162722971}, Case{0, 0.5}, Case{0.3, 0.6179114221889526}, Case{1.6448536269514722, 0.95},
        Case{2.5, 0.9937903346742238}, Case{5, 0.9999997133484281}, Case{8, 0.9999999999999993}}) {
    expect_relative(normal_cdf(x), p, 2e-13);
    EXPECT_DOUBLE_EQ(normal_tail(-x), normal_cdf(x));
  }
  EXPECT_EQ(normal_cdf(-std::numeric_limits<double>::infinity()), 0);
  EXPECT_EQ(normal_cdf(std::numeric_limits<double>::infinity()), 1);
}

TEST(Normal, QuantilesAgreeWithScipyAndInvertTheDistribution) {  // scipy.special.ndtri
  struct Case {
    double p, x;
  };
  for (const auto& [p, x] :
       {Case{1e-300, -37.0470962993612}, Case{1e-20, -9.262340089798409}, Case{1e-9, -5.9978070150076865},
        Case{1e-4, -3.7190164854556804}, Case{0.025, -1.9599639845400545}, Case{0.07, -1.4757910281791706},
        Case{0.3, -0.5244005127080409}, Case{0.6, 0.2533471031357997}, Case{0.925, 1.4395314709384563},
        Case{0.975, 1.959963984540054}, Case{0.9999, 3.719016485455709}})
    expect_relative(normal_quantile(p), x, 1e-13);
  EXPECT_EQ(normal_quantile(0.5), 0);
  EXPECT_EQ(normal_quantile(0), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(normal_quantile(1), std::numeric_limits<double>::infinity());
  for (double x = -8; x <= 8; x += 0.01) EXPECT_NEAR(normal_quantile(normal_cdf(x)), x, x > 5 ? 1e-2 : 1e-9);
}

TEST(Student, AgreesWithScipy) {  // scipy.special.stdtr, gammaln, betainc; scipy.stats.t.ppf
  struct Case {
    double a, b, value;
  };
  for (const auto& [t, dof, p] :
       {Case{-3, 1, 0.10241638234956672}, Case{0.5, 2.5, 0.6711510400651426}, Case{2, 5, 0.9490302605850708},
        Case{-1.2, 30, 0.11976517544483119}, Case{4, 200, 0.999955434523907}, Case{1.96, 1e5, 0.9750007184028492}})
    EXPECT_NEAR(student_t_cdf(t, dof), p, dof > 1'000 ? 1e-11 : 1e-12) << t << " " << dof;
  for (const auto& [p, dof, t] :
       {Case{0.975, 1, 12.706204736174694}, Case{0.975, 5, 2.5705818356363146}, Case{0.01, 30, -2.4572615424005915},
        Case{0.6, 3.5, 0.27326545405577973}, Case{0.9995, 100, 3.390491311164263}})
    expect_relative(student_t_quantile(p, dof), t, 1e-10);
  expect_relative(student_t_two_sided(40, 10), 2.2808577430857535e-12, 1e-10);
  EXPECT_EQ(student_t_quantile(0.5, 3), 0);
  EXPECT_NEAR(incomplete_beta(2, 5, 0.1), 0.114265, 1e-13);
  EXPECT_NEAR(incomplete_beta(50, 3, 0.97), 0.7953934565796688, 1e-12);
  EXPECT_NEAR(incomplete_beta(500, 0.5, 0.999), 0.31731044730971725, 1e-11);
  for (const auto& [x, unused, y] :
       {Case{0.1, 0, 2.252712651734206}, Case{0.5, 0, 0.5723649429247}, Case{1.5, 0, -0.12078223763524526},
        Case{10, 0, 12.801827480081469}, Case{123.4, 0, 469.3360974421906}, Case{5e4, 0, 490984.42327157187}})
    expect_relative(log_gamma(x), y, 1e-13);
}

TEST(MomentsOf, AgreeWithScipyAndAreAbsentWithoutVariance) {  // numpy, scipy.stats.skew and kurtosis(fisher=False)
  const auto m = moments(test_series(200, 0.3, 2));
  ASSERT_TRUE(m);
  EXPECT_NEAR(m->mean, -0.04034885104851103, 1e-15);
  EXPECT_NEAR(m->deviation, 0.3156904442416744, 1e-14);
  EXPECT_NEAR(m->skewness, 0.19538844149295037, 1e-13);
  EXPECT_NEAR(m->kurtosis, 1.9151699747229851, 1e-13);
  EXPECT_FALSE(moments(std::vector<double>{1}));
  EXPECT_FALSE(moments(std::vector<double>(50, 0.1)));  // 0.1 has no exact mean
  EXPECT_FALSE(mean({}));
}

TEST(Spearman, AgreesWithScipyWithTies) {  // scipy.stats.spearmanr
  const std::vector<double> a = {1, 2, 2, 3, 5, 8, 8, 8, 13, 21}, b = {2.5, 1, 3, 3, 9, 4, 7, 7, 6, 20};
  EXPECT_NEAR(*spearman(a, b), 0.789507738610049, 1e-14);
  EXPECT_EQ(average_ranks(a), (std::vector<double>{1, 2.5, 2.5, 4, 5, 7, 7, 7, 9, 10}));
}

TEST(Spearman, SeesOnlyTheOrder) {
  const auto x = test_series(100, 0, 5);
  std::vector<double> up = x, down = x;
  for (double& v : up) v = v * v * v + 7;
  for (double& v : down) v = -v;
  EXPECT_NEAR(*spearman(x, up), 1, 1e-14);
  EXPECT_NEAR(*spearman(x, down), -1, 1e-14);
  EXPECT_FALSE(spearman(x, std::vector<double>(100, 2.0)));
  EXPECT_FALSE(spearman({}, {}));
}

}  // namespace
}  // namespace qtrader::statistics
