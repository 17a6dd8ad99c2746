#include "training/deep/decision_trainer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/rng.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::training::deep {
namespace {

using features::kFeatureCount;

constexpr std::size_t kOracle = static_cast<std::size_t>(features::Feature::Ret1h);

/// One symbol's random rows; the label of a window is drawn with these shares.
struct World {
  std::vector<float> z, rv_20, targets;
  std::vector<double> log_close;
  std::vector<std::uint32_t> ends;
  std::vector<std::uint8_t> labels;
  std::size_t train;

  World(std::size_t train_windows, std::size_t validation_windows, bool oracle, std::uint64_t seed = 1)
      : train(train_windows) {
    base::Rng rng(seed);
    const std::size_t rows = kWindowSteps - 1 + train_windows + validation_windows;
    double price = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < kFeatureCount; ++j)
        z.push_back(std::clamp(static_cast<float>(rng.normal()), -5.0F, 5.0F));
      rv_20.push_back(0.01F);
      log_close.push_back(price += 0.01 * rng.normal());
      const std::uint64_t draw = rng.below(10);
      const std::uint8_t label = draw < 3 ? 0 : draw < 7 ? 1 : 2;
      if (oracle) z[i * kFeatureCount + kOracle] = static_cast<float>(label) - 1;
      if (i + 1 < kWindowSteps) continue;
      ends.push_back(static_cast<std::uint32_t>(i));
      labels.push_back(label);
      for (std::size_t h = 0; h < kForecastSteps; ++h)
        targets.push_back(h < 6 ? static_cast<float>(rng.normal()) : kUnknownTarget);
    }
  }

  DecisionData data() const {
    const auto part = [&](std::size_t from, std::size_t n) {
      return DecisionExamples{.ends = std::span(ends).subspan(from, n),
                              .labels = std::span(labels).subspan(from, n),
                              .targets = std::span(targets).subspan(from * kForecastSteps, n * kForecastSteps)};
    };
    DecisionData out{
        .table = {z, log_close, rv_20}, .train = part(0, train), .validation = part(train, ends.size() - train)};
    out.quartiles.iqr.fill(1.349F);
    return out;
  }
};

double log_loss(std::span<const std::uint8_t> labels, const DecisionProbabilities& p) {
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) sum -= std::log(p[i][labels[i]]);
  return sum / static_cast<double>(labels.size());
}

DecisionSettings quick(DecisionKind kind, std::int64_t epochs) {
  DecisionSettings s = decision_settings(kind);
  s.epochs = epochs;
  s.batch = 64;
  s.learning_rate = 2e-3;
  s.seed = 7;
  s.channels = {{features::Feature::Ret1h}, {features::Feature::Rv20, true}, {features::Feature::Rsi14}};
  return s;
}

class DecisionTrainer : public testing::TestWithParam<DecisionKind> {};

TEST_P(DecisionTrainer, LearnsAFeatureThatHoldsTheLabel) {
  const World world(5000, 500, /*oracle=*/true);
  DecisionSettings s = quick(GetParam(), 4);
  if (GetParam() == DecisionKind::NHits) s.batch = 128;
  const auto fit = fit_decision(world.data(), s);
  ASSERT_TRUE(fit) << fit.error().message();
  EXPECT_LT(log_loss(world.data().validation.labels, fit->validation), 0.1);
}

TEST_P(DecisionTrainer, GoesOnFromTheLinearModelItIsGiven) {
  const World world(64, 500, /*oracle=*/true);
  DecisionData data = world.data();
  data.start.emplace();
  for (const std::size_t c : {0U, 2U}) data.start->weights[c * kFeatureCount + kOracle] = c == 0 ? -8 : 8;
  data.start->bias = {-4, 0, -4};
  DecisionSettings s = quick(GetParam(), 1);  // one step
  s.learning_rate = 1e-4;
  const auto fit = fit_decision(data, s);
  ASSERT_TRUE(fit) << fit.error().message();
  const double linear = std::log(1 + std::exp(-4) + std::exp(-12)), middle = std::log(1 + 2 * std::exp(-4));
  EXPECT_NEAR(log_loss(data.validation.labels, fit->validation), 0.6 * linear + 0.4 * middle, 0.01);
}

TEST_P(DecisionTrainer, LearnsNothingFromLabelsWithoutMeaning) {
  const World world(4000, 2000, /*oracle=*/false);
  DecisionSettings s = quick(GetParam(), 2);
  s.learning_rate = 2e-4;
  const auto fit = fit_decision(world.data(), s);
  ASSERT_TRUE(fit) << fit.error().message();
  const double prior = -(0.6 * std::log(0.3) + 0.4 * std::log(0.4));
  EXPECT_NEAR(log_loss(world.data().validation.labels, fit->validation), prior, 0.05);
}

TEST_P(DecisionTrainer, TheSameSeedGivesTheSameBytesAndAnotherSeedOthers) {
  const World world(256, 64, /*oracle=*/true);
  DecisionSettings s = quick(GetParam(), 2);
  const auto a = fit_decision(world.data(), s), b = fit_decision(world.data(), s);
  s.seed = 8;
  const auto c = fit_decision(world.data(), s);
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ(a->weights, b->weights);
  EXPECT_EQ(a->validation, b->validation);
  EXPECT_NE(a->weights, c->weights);
}

TEST_P(DecisionTrainer, GoesOnAfterAKillAsIfItHadNeverStopped) {
  const test::TempDir dir;
  const World world(256, 64, /*oracle=*/true);
  DecisionSettings s = quick(GetParam(), 3);
  const auto whole = fit_decision(world.data(), s);
  s.scratch = dir.path();
  int calls = 0;  // in the third epoch
  s.progress = [&](std::string_view stage, std::uint64_t, std::uint64_t) {
    return stage.find("epoch 3 of") == std::string_view::npos || ++calls < 3;
  };
  const auto killed = fit_decision(world.data(), s);
  ASSERT_FALSE(killed);
  EXPECT_EQ(killed.error().code, base::Errc::Interrupted);
  std::vector<std::string> stages;
  s.progress = [&](std::string_view stage, std::uint64_t done, std::uint64_t total) {
    stages.emplace_back(stage);
    EXPECT_LE(done, total);
    return true;
  };
  const auto resumed = fit_decision(world.data(), s);
  ASSERT_TRUE(whole && resumed);
  EXPECT_EQ(stages.front().substr(0, stages.front().find(" of")), std::string(name(GetParam())) + ", epoch 3");
  EXPECT_EQ(whole->weights, resumed->weights);
  EXPECT_EQ(whole->epochs, resumed->epochs);
  EXPECT_EQ(whole->best_epoch, resumed->best_epoch);
}

TEST_P(DecisionTrainer, ValidationIsWhatTheStoredWeightsPredict) {
  const World world(256, 100, /*oracle=*/true);
  const auto fit = fit_decision(world.data(), quick(GetParam(), 1));
  ASSERT_TRUE(fit) << fit.error().message();
  const auto again = predict_decision(fit->weights, world.data().table, world.data().validation.ends);
  ASSERT_TRUE(again);
  ASSERT_EQ(fit->validation.size(), again->size());
  for (std::size_t i = 0; i < again->size(); ++i)
    for (std::size_t c = 0; c < 3; ++c) ASSERT_NEAR(fit->validation[i][c], (*again)[i][c], 1e-5);
  EXPECT_EQ(*decision_quartiles(fit->weights), world.data().quartiles);
}

TEST_P(DecisionTrainer, WritesLearningCurves) {
  const test::TempDir dir;
  const World world(64, 20, /*oracle=*/true);
  DecisionSettings s = quick(GetParam(), 1);
  s.scratch = dir.path();
  s.now = [] { return 1'600'000'000.0; };
  ASSERT_TRUE(fit_decision(world.data(), s));
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path()))
    if (entry.is_regular_file()) files.push_back(entry.path().filename());
  EXPECT_EQ(files, std::vector<std::string>{"events.out.tfevents.1600000000.qtrader"});  // and no checkpoint
}

INSTANTIATE_TEST_SUITE_P(Both, DecisionTrainer, testing::Values(DecisionKind::NHits, DecisionKind::PatchTst),
                         [](const auto& kind) { return std::string(name(kind.param)); });

TEST(DecisionTrainerInput, ErrsWithoutExamples) {
  const World world(0, 10, /*oracle=*/true);
  const auto fit = fit_decision(world.data(), quick(DecisionKind::NHits, 1));
  ASSERT_FALSE(fit);
  EXPECT_EQ(fit.error().code, base::Errc::InvalidArgument);
}

}  // namespace
}  // namespace qtrader::training::deep
