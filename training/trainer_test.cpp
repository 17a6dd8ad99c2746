#include <gtest/gtest.h>

#include <cmath>

#include "core/base/hash.hpp"
#include "core/base/rng.hpp"
#include "core/models/model.hpp"
#include "training/lightgbm.hpp"
#include "training/logistic.hpp"
#include "training/xgboost.hpp"

namespace qtrader::training {
namespace {

using features::kFeatureCount;

/// Rows of 64 features of which two decide the class, not linearly, under noise; or, shuffled, none does.
struct Planted {
  explicit Planted(std::size_t rows, bool shuffled = false, std::uint64_t seed = 5) {
    base::Rng rng(seed);
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t from = x.size();
      for (std::size_t j = 0; j < kFeatureCount; ++j) x.push_back(rng.normal());
      const double drift = x[from + 3] * x[from + 10] + 0.5 * x[from + 20] + 0.7 * rng.normal();
      labels.push_back(drift > 0.5 ? LabelClass::Buy : drift < -0.5 ? LabelClass::Sell : LabelClass::Hold);
    }
    if (shuffled)
      for (std::size_t i = rows; i > 1; --i) std::swap(labels[i - 1], labels[rng.below(i)]);
    weights.assign(rows, 1.0);
  }
  RowBlock block(std::size_t from, std::size_t to) const {
    return {std::span(x).subspan(from * kFeatureCount, (to - from) * kFeatureCount),
            std::span(labels).subspan(from, to - from)};
  }
  std::vector<double> x;
  std::vector<LabelClass> labels;
  std::vector<double> weights;
};

constexpr std::size_t kTrain = 4000, kValidation = 5000, kRows = 7000;

// One thread: two that wait for each other on a busy machine take a hundred times as long.
constexpr XgboostParams kXgboost = {.rounds = 100, .nthread = 1};
constexpr LightgbmParams kLightgbm = {.rounds = 100, .nthread = 1};

FitInput input_of(const Planted& data, std::uint64_t seed = 1) {
  return {.train = data.block(0, kTrain),
          .weights = std::span(data.weights).subspan(0, kTrain),
          .validation = data.block(kTrain, kValidation),
          .seed = seed};
}

using Fit = base::Result<FittedModel> (*)(const FitInput&);
using Predict = base::Result<std::vector<Probabilities>> (*)(const std::string&, std::span<const double>);
struct Learner {
  Fit fit;
  Predict predict;
  base::Result<std::unique_ptr<models::Model>> (*load)(std::span<const std::byte>, models::ModelTraits);
  const char* name;
};
void PrintTo(const Learner& learner, std::ostream* out) { *out << learner.name; }

class TreeTrainer : public testing::TestWithParam<Learner> {};

TEST_P(TreeTrainer, LearnsAPlantedSignal) {
  const Planted data(kRows);
  const auto fitted = GetParam().fit(input_of(data));
  ASSERT_TRUE(fitted) << fitted.error().message();
  const RowBlock test = data.block(kValidation, kRows);
  const auto p = *GetParam().predict(fitted->weights, test.x);
  const std::vector<Probabilities> prior(test.rows(), class_prior(data.block(0, kTrain).labels));
  EXPECT_LT(log_loss(test.labels, p), log_loss(test.labels, prior) - 0.15);
  EXPECT_GT(fitted->rounds, 10);
  // The interaction is found: its features carry more gain than any other.
  double total = 0, least_planted = 1, most_noise = 0;
  for (const auto& [feature, share] : fitted->importance) {
    total += share;
    const bool planted = feature == features::kFeatureNames[3] || feature == features::kFeatureNames[10] ||
                         feature == features::kFeatureNames[20];
    (planted ? least_planted : most_noise) = planted ? std::min(least_planted, share) : std::max(most_noise, share);
  }
  EXPECT_NEAR(total, 1, 1e-6);
  EXPECT_GT(least_planted, 2 * most_noise);
}

TEST_P(TreeTrainer, LearnsNothingFromShuffledLabels) {
  const Planted data(kRows, true);
  const auto fitted = GetParam().fit(input_of(data));
  ASSERT_TRUE(fitted) << fitted.error().message();
  const RowBlock test = data.block(kValidation, kRows);
  const auto p = *GetParam().predict(fitted->weights, test.x);
  const std::vector<Probabilities> prior(test.rows(), class_prior(data.block(0, kTrain).labels));
  EXPECT_GT(log_loss(test.labels, p), log_loss(test.labels, prior) - 0.005);
}

// Weights that make three classes equal must not make the model believe that they are.
TEST_P(TreeTrainer, ClassWeightsDoNotMoveTheClassSharesItPredicts) {
  Planted data(kRows);
  for (std::size_t i = 0; i < kRows; ++i)  // make HOLD common: two thirds of the others' rows become HOLD
    if (i % 3 != 0) data.labels[i] = LabelClass::Hold;
  const Probabilities prior = class_prior(data.block(0, kTrain).labels);
  FitInput input = input_of(data);
  for (std::size_t i = 0; i < kTrain; ++i) data.weights[i] = 1 / (3 * prior[static_cast<std::size_t>(data.labels[i])]);
  for (std::size_t c = 0; c < kClassCount; ++c) input.class_offset[c] = -std::log(3 * prior[c]);
  const auto fitted = GetParam().fit(input);
  ASSERT_TRUE(fitted) << fitted.error().message();
  const auto p = *GetParam().predict(fitted->weights, data.block(0, kTrain).x);
  Probabilities mean{};
  for (const Probabilities& row : p)
    for (std::size_t c = 0; c < kClassCount; ++c) mean[c] += row[c] / static_cast<double>(p.size());
  for (std::size_t c = 0; c < kClassCount; ++c) EXPECT_NEAR(mean[c], prior[c], 0.06) << c;
}

TEST_P(TreeTrainer, TheSameSeedGivesTheSameBytesAndAnotherSeedOthers) {
  const Planted data(kRows);
  const auto once = GetParam().fit(input_of(data, 42));
  const auto again = GetParam().fit(input_of(data, 42));
  const auto other = GetParam().fit(input_of(data, 43));
  ASSERT_TRUE(once && again && other);
  EXPECT_EQ(once->weights, again->weights);
  EXPECT_EQ(once->validation, again->validation);
  EXPECT_NE(once->weights, other->weights);
}

TEST_P(TreeTrainer, ServingEqualsTheLibrary) {
  const Planted data(kRows);
  const auto fitted = GetParam().fit(input_of(data));
  ASSERT_TRUE(fitted) << fitted.error().message();
  const auto expected = *GetParam().predict(fitted->weights, data.x);
  const auto model = GetParam().load(base::as_bytes(fitted->weights), {.kind = fitted->kind});
  ASSERT_TRUE(model) << model.error().message();
  for (std::size_t i = 0; i < kRows; ++i) {
    features::FeatureVector v;
    std::copy_n(&data.x[i * kFeatureCount], kFeatureCount, v.x.begin());
    v.valid = true;
    const models::Prediction p = (*model)->predict({v, {}});
    ASSERT_TRUE(p.valid);
    for (std::size_t c = 0; c < kClassCount; ++c) ASSERT_NEAR(p.p[c], expected[i][c], 1e-6) << "row " << i;
  }
  // What early stopping measured is what the file predicts.
  for (std::size_t i = kTrain; i < kValidation; ++i)
    for (std::size_t c = 0; c < kClassCount; ++c)
      ASSERT_NEAR(expected[i][c], (*fitted->validation[i - kTrain])[c], 1e-6);
}

TEST_P(TreeTrainer, CancelsWhenProgressSaysSo) {
  const Planted data(kRows);
  FitInput input = input_of(data);
  int calls = 0;
  input.progress = [&](std::string_view, std::uint64_t, std::uint64_t) { return ++calls < 4; };
  const auto fitted = GetParam().fit(input);
  ASSERT_FALSE(fitted);
  EXPECT_EQ(fitted.error().code, base::Errc::Interrupted);
  EXPECT_EQ(calls, 4);
}

INSTANTIATE_TEST_SUITE_P(
    Trainers, TreeTrainer,
    testing::Values(Learner{[](const FitInput& i) { return fit_xgboost(i, kXgboost); },
                            [](const std::string& w, std::span<const double> x) { return predict_xgboost(w, x); },
                            models::load_xgboost, "xgboost"},
                    Learner{[](const FitInput& i) { return fit_lightgbm(i, kLightgbm); },
                            [](const std::string& w, std::span<const double> x) { return predict_lightgbm(w, x); },
                            models::load_lightgbm, "lightgbm"}),
    [](const auto& p) { return std::string(p.param.name); });

TEST(LightgbmTrainer, ErrsWhenNoLeafCanBeSplit) {
  const Planted data(120);
  const FitInput input = {.train = data.block(0, 60),
                          .weights = std::span(data.weights).subspan(0, 60),
                          .validation = data.block(60, 120),
                          .seed = 1};
  const auto fitted = fit_lightgbm(input, kLightgbm);
  ASSERT_FALSE(fitted);
  EXPECT_EQ(fitted.error().code, base::Errc::InvalidArgument);
}

TEST(LightgbmTrainer, DoublesTheWeightOfRowsInHighVolatility) {
  Planted data(kRows);
  const auto plain = fit_lightgbm(input_of(data), {.rounds = 100, .high_volatility_weight = 1, .nthread = 1});
  const auto doubled = fit_lightgbm(input_of(data), kLightgbm);
  std::vector<double> by_hand = data.weights;
  for (std::size_t i = 0; i < kTrain; ++i)
    if (high_volatility(std::span(data.x).subspan(i * kFeatureCount, kFeatureCount))) by_hand[i] *= 2;
  FitInput weighted = input_of(data);
  weighted.weights = std::span(by_hand).subspan(0, kTrain);
  const auto same = fit_lightgbm(weighted, {.rounds = 100, .high_volatility_weight = 1, .nthread = 1});
  ASSERT_TRUE(plain && doubled && same);
  EXPECT_NE(plain->weights, doubled->weights);
  EXPECT_EQ(doubled->weights, same->weights);
}

TEST(Logistic, RecoversALinearModelAndItsGradientVanishes) {
  base::Rng rng(9);
  Planted data(kRows);
  for (std::size_t i = 0; i < kRows; ++i) {  // labels drawn from a softmax that is linear in feature 5
    const double v = data.x[i * kFeatureCount + 5];
    Probabilities truth = {std::exp(-1.5 * v), 1, std::exp(1.5 * v)};
    const double u = rng.uniform() * (truth[0] + truth[1] + truth[2]);
    data.labels[i] = u < truth[0] ? LabelClass::Sell : u < truth[0] + truth[1] ? LabelClass::Hold : LabelClass::Buy;
  }
  const auto fitted = LogisticRegression::fit(input_of(data));
  ASSERT_TRUE(fitted);
  EXPECT_GT(fitted->iterations(), 3);
  EXPECT_LT(fitted->iterations(), 100);
  std::array<double, kFeatureCount> row{};
  row[5] = 1;
  const Probabilities p = fitted->predict(row);
  EXPECT_NEAR(std::log(p[2] / p[0]), 3.0, 0.25);
  const RowBlock test = data.block(kValidation, kRows);
  const std::vector<Probabilities> prior(test.rows(), class_prior(data.block(0, kTrain).labels));
  EXPECT_LT(log_loss(test.labels, fitted->predict_rows(test)), log_loss(test.labels, prior) - 0.2);
}

TEST(Logistic, AConstantFeatureIsIgnored) {
  Planted data(kRows);
  for (std::size_t i = 0; i < kRows; ++i) data.x[i * kFeatureCount + 7] = 0.1;
  const auto fitted = LogisticRegression::fit(input_of(data));
  ASSERT_TRUE(fitted);
  std::array<double, kFeatureCount> row{};
  const Probabilities before = fitted->predict(row);
  row[7] = 1e6;
  EXPECT_EQ(fitted->predict(row), before);
}

}  // namespace
}  // namespace qtrader::training
