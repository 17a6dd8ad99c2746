// Our tree kernel against the libraries that trained the models: 10 000 random rows with missing values, each class
// probability within 1e-6 (design contract 9). Real models are trained here through the libraries' C APIs, seeded, one
// thread.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/hash.hpp"
#include "tests/parity/trained_trees.hpp"

namespace qtrader::models {
namespace {

using namespace parity;

constexpr int kRounds = 200;
constexpr double kTolerance = 1e-6;

/// The largest difference from `expected` (rows × 3) over all test rows.
double worst_difference(const Model& model, const std::vector<double>& rows, std::span<const double> expected) {
  double worst = 0;
  for (std::size_t r = 0; r < rows.size() / kFeatures; ++r) {
    const features::FeatureVector v = vector_of(rows.data() + r * kFeatures);
    const Prediction p = model.predict({v, {}});
    if (!p.valid) return std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < 3; ++c) worst = std::max(worst, std::abs(p.p[c] - expected[r * 3 + c]));
  }
  return worst;
}

/// A model that says the same of every row would be equal to anything.
void expect_varied(std::span<const double> p) {
  const auto [low, high] = std::ranges::minmax(p);
  EXPECT_GT(high - low, 0.5);
}

void expect_xgboost_parity(const XGBoost::Parameters& parameters, int rounds, std::uint64_t seed) {
  const Data data = Data::make(seed);
  const XGBoost library(data, parameters, rounds);
  const std::vector<double> expected = library.predict(data.test);
  expect_varied(expected);
  for (const char* format : {"json", "ubj"}) {
    const std::string file = library.save(format);
    const auto model = load_xgboost(base::as_bytes(file), {.kind = ModelKind::XGBoost});
    ASSERT_TRUE(model.ok()) << format << ": " << model.error().message();
    EXPECT_LE(worst_difference(**model, data.test, expected), kTolerance) << format;
  }
}

void expect_lightgbm_parity(const std::string& parameters, int rounds, std::uint64_t seed) {
  const Data data = Data::make(seed);
  const LightGBM library(data, parameters, rounds);
  const std::vector<double> expected = library.predict(data.test);
  expect_varied(expected);
  const std::string file = library.save();
  const auto model = load_lightgbm(base::as_bytes(file), {.kind = ModelKind::LightGBM});
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_LE(worst_difference(**model, data.test, expected), kTolerance);
}

TEST(TreeParity, XGBoostAsTheTrainerFitsIt) {
  expect_xgboost_parity({{"tree_method", "hist"},
                         {"max_depth", "5"},
                         {"eta", "0.05"},
                         {"min_child_weight", "10"},
                         {"subsample", "0.8"},
                         {"colsample_bytree", "0.7"},
                         {"gamma", "0.2"},
                         {"alpha", "0.3"},
                         {"lambda", "2"}},
                        kRounds, 1);
}

TEST(TreeParity, XGBoostDeepLossguideAndExactThresholds) {
  expect_xgboost_parity(
      {{"tree_method", "hist"}, {"grow_policy", "lossguide"}, {"max_leaves", "40"}, {"max_depth", "0"}}, 25, 2);
  expect_xgboost_parity({{"tree_method", "exact"}, {"max_depth", "7"}, {"gamma", "1"}, {"base_score", "0.2"}}, 8, 3);
  expect_xgboost_parity({{"tree_method", "hist"}, {"num_parallel_tree", "3"}, {"subsample", "0.5"}}, 10, 4);
}

TEST(TreeParity, LightGBMAsTheTrainerFitsIt) {
  expect_lightgbm_parity(
      "num_leaves=31 max_depth=8 learning_rate=0.05 feature_fraction=0.8 bagging_fraction=0.8 bagging_freq=5 "
      "min_data_in_leaf=50 lambda_l1=0.1 lambda_l2=0.1 max_bin=255",
      kRounds, 5);
}

TEST(TreeParity, LightGBMOtherTreatmentsOfMissingValues) {
  expect_lightgbm_parity("num_leaves=31 zero_as_missing=true", 60, 6);
  expect_lightgbm_parity("num_leaves=63 min_data_in_leaf=5 use_missing=false", 60, 7);
  expect_lightgbm_parity("num_leaves=15 data_sample_strategy=goss learning_rate=0.3", 60, 8);
}

}  // namespace
}  // namespace qtrader::models
