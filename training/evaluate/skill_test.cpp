#include "training/evaluate/skill.hpp"

#include <gtest/gtest.h>

#include "core/base/rng.hpp"

namespace qtrader::training {
namespace {

constexpr base::Timestamp kMidnight{base::days(20'000).ns};

/// Rows whose label is drawn from the probabilities the model states.
Pool honest_pool(base::Rng& rng, int days = 40, int rows = 60) {
  Pool pool;
  PooledForecaster prior{std::string(kPrior), {}, {}, {}}, model{"model", {}, {}, {}};
  for (int d = 0; d < days; ++d) {
    pool.days.push_back(kMidnight + base::days(d));
    for (int r = 0; r < rows; ++r) {
      PooledRow row;
      row.day = static_cast<std::uint32_t>(d);
      row.bar_close = pool.days.back() + base::minutes(15 * r);
      const double hold = rng.uniform(0.2, 0.6), buy = (1 - hold) * rng.uniform(0.1, 0.9);
      const Probabilities p = {1 - hold - buy, hold, buy};
      const double u = rng.uniform();
      row.label = u < p[0] ? LabelClass::Sell : u < p[0] + p[1] ? LabelClass::Hold : LabelClass::Buy;
      row.log_return = (static_cast<double>(row.label) - 1) * 0.01 + 0.001 * rng.normal();
      pool.rows.push_back(row);
      model.forecasts.push_back(p);
      prior.forecasts.push_back(Probabilities{0.3, 0.4, 0.3});
    }
  }
  pool.forecasters = {prior, model};
  return pool;
}

TEST(Skill, AgreesWithTheScoresOfTheSameRows) {
  base::Rng rng(1);
  const Pool pool = honest_pool(rng);
  const Sample sample(pool, pool.forecasters[1]);
  std::vector<LabelClass> labels;
  std::vector<Probabilities> p;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    labels.push_back(sample.row(i).label);
    p.push_back(sample.forecast(i));
  }
  const Score expected = score(labels, p);
  const auto skill = class_skill(sample, {});
  ASSERT_TRUE(skill);
  EXPECT_NEAR(skill->log_loss.value, expected.log_loss, 1e-9);
  EXPECT_NEAR(skill->brier.value, expected.brier, 1e-9);
  EXPECT_NEAR(skill->ece.value, expected.ece, 1e-9);
  EXPECT_NEAR(skill->macro_f1.value, expected.macro_f1, 1e-9);
  EXPECT_NEAR(skill->mcc.value, expected.mcc, 1e-9);
  EXPECT_EQ(skill->rows, 2400);
  EXPECT_EQ(skill->days, 40);
  std::int64_t binned = 0;
  for (const ReliabilityBin& bin : skill->reliability) binned += bin.rows;
  EXPECT_EQ(binned, 2400);
  EXPECT_LT(skill->log_loss.low, skill->log_loss.value);
  EXPECT_GT(skill->log_loss.high, skill->log_loss.value);
}

TEST(Skill, AnHonestForecasterHasSkillAtBothQuestions) {
  base::Rng rng(2);
  const Pool pool = honest_pool(rng);
  const Sample sample(pool, pool.forecasters[1]);
  for (const BinarySkill& skill : {movement_skill(sample, {}), direction_skill(sample, {})}) {
    ASSERT_TRUE(skill.auc && skill.log_loss_skill);
    EXPECT_GT(skill.auc->low, 0.5);
    EXPECT_GT(skill.log_loss_skill->low, 0);
  }
  const auto ic = rank_ic(sample, {});
  ASSERT_TRUE(ic);
  EXPECT_GT(ic->mean.low, 0);
  EXPECT_GT(ic->t, 5);
  EXPECT_LT(ic->p_two_sided, 1e-4);
}

TEST(Skill, ThePriorIsTheZeroOfEverything) {
  base::Rng rng(3);
  const Pool pool = honest_pool(rng);
  const Sample sample(pool, pool.forecasters[0]);
  const BinarySkill direction = direction_skill(sample, {});
  EXPECT_NEAR(direction.auc->value, 0.5, 1e-12);
  EXPECT_EQ(direction.log_loss_skill->value, 0);
  EXPECT_EQ(movement_skill(sample, {}).log_loss_skill->value, 0);
  EXPECT_FALSE(rank_ic(sample, {}));
  EXPECT_FALSE(against(sample, pool.forecasters[0]));
}

TEST(Skill, AucCountsPairs) {
  Pool pool;
  pool.days = {kMidnight, kMidnight + base::days(1)};
  PooledForecaster prior{std::string(kPrior), Forecasts(6, Probabilities{0.3, 0.4, 0.3}), {}, {}}, model = prior;
  model.name = "model";
  const double buy[] = {0.10, 0.20, 0.30, 0.20, 0.40, 0.50};
  const LabelClass label[] = {LabelClass::Sell, LabelClass::Buy,  LabelClass::Sell,
                              LabelClass::Sell, LabelClass::Hold, LabelClass::Buy};
  for (std::size_t i = 0; i < 6; ++i) {
    PooledRow row;
    row.day = static_cast<std::uint32_t>(i % 2);
    row.label = label[i];
    pool.rows.push_back(row);
    model.forecasts[i] = Probabilities{0.6 - buy[i], 0.4, buy[i]};
  }
  pool.forecasters = {prior, model};
  // BUY rows: 0.2, 0.5; SELL rows: 0.1, 0.3, 0.2. Pairs won: 1 + ½ of 3, and 3 of 3.
  const BinarySkill skill = direction_skill(Sample(pool, pool.forecasters[1]), {});
  EXPECT_EQ(skill.rows, 5);
  ASSERT_TRUE(skill.log_loss_skill);
  if (skill.auc) {  // with two days a resample may lack an answer
    EXPECT_NEAR(skill.auc->value, 4.5 / 6, 1e-12);
  }
}

TEST(Skill, AbsentForecastsAreLeftOutAndPartsAreFiltered) {
  base::Rng rng(5);
  Pool pool = honest_pool(rng, 10, 20);
  for (std::size_t i = 0; i < 50; ++i) pool.forecasters[1].forecasts[i].reset();
  EXPECT_EQ(Sample(pool, pool.forecasters[1]).size(), 150U);
  const Sample part(pool, pool.forecasters[1], [](const PooledRow& row) { return row.day >= 5; });
  EXPECT_EQ(part.size(), 100U);
  EXPECT_EQ(part.days(), 5U);
}

}  // namespace
}  // namespace qtrader::training
