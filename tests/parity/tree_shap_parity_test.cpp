// Our TreeSHAP against the libraries' own (XGBoost pred_contribs, LightGBM pred_contrib): models trained here, rows
// with missing values, every feature's share of every class and the expected margin within 1e-5; and our shares add up.
#include <algorithm>
#include <cmath>
#include <span>

#include "core/base/hash.hpp"
#include "core/models/tree_shap.hpp"
#include "tests/parity/trained_trees.hpp"

namespace qtrader::models {
namespace {

using namespace parity;

constexpr std::size_t kRows = 100;
constexpr double kTolerance = 1e-5;

std::vector<double> first_rows(const Data& data) {
  return {data.test.begin(), data.test.begin() + static_cast<std::ptrdiff_t>(kRows * kFeatures)};
}

/// `expected`: rows × 3 × (64 + 1), the library's.
void expect_same(const TreeShap& shap, const std::vector<double>& rows, std::span<const double> expected) {
  double worst = 0, largest = 0;
  for (std::size_t r = 0; r < kRows; ++r) {
    const auto got = shap.explain(std::span<const double, kFeatures>(rows.data() + r * kFeatures, kFeatures));
    ASSERT_TRUE(got) << got.error().message();
    for (std::size_t c = 0; c < 3; ++c) {
      const double* const theirs = expected.data() + r * kContributions + c * (kFeatures + 1);
      double sum = got->base[c];
      for (std::size_t f = 0; f < kFeatures; ++f) {
        worst = std::max(worst, std::abs(got->phi[c][f] - theirs[f]));
        largest = std::max(largest, std::abs(theirs[f]));
        sum += got->phi[c][f];
      }
      worst = std::max(worst, std::abs(got->base[c] - theirs[kFeatures]));
      ASSERT_NEAR(sum, got->margin[c], 1e-9 * std::max(1.0, std::abs(got->margin[c])));
    }
  }
  EXPECT_LE(worst, kTolerance);
  EXPECT_GT(largest, 0.1);  // a model that uses nothing would agree with anything
  testing::Test::RecordProperty("worst_difference", std::to_string(worst));
}

void expect_xgboost_parity(const XGBoost::Parameters& parameters, int rounds, std::uint64_t seed) {
  const Data data = Data::make(seed);
  const XGBoost library(data, parameters, rounds);
  const std::vector<double> rows = first_rows(data);
  for (const char* format : {"json", "ubj"}) {
    const std::string file = library.save(format);
    const auto shap = TreeShap::load(ModelKind::XGBoost, base::as_bytes(file));
    ASSERT_TRUE(shap) << format << ": " << shap.error().message();
    expect_same(*shap, rows, library.contributions(rows));
  }
}

void expect_lightgbm_parity(const std::string& parameters, int rounds, std::uint64_t seed) {
  const Data data = Data::make(seed);
  const LightGBM library(data, parameters, rounds);
  const std::string file = library.save();
  const auto shap = TreeShap::load(ModelKind::LightGBM, base::as_bytes(file));
  ASSERT_TRUE(shap) << shap.error().message();
  const std::vector<double> rows = first_rows(data);
  expect_same(*shap, rows, library.contributions(rows));
}

TEST(TreeShapParity, XGBoostAsTheTrainerFitsIt) {
  expect_xgboost_parity({{"tree_method", "hist"},
                         {"max_depth", "5"},
                         {"eta", "0.03"},
                         {"min_child_weight", "10"},
                         {"subsample", "0.8"},
                         {"colsample_bytree", "0.7"},
                         {"gamma", "0.2"},
                         {"alpha", "0.3"},
                         {"lambda", "2"}},
                        100, 1);
}

TEST(TreeShapParity, XGBoostDeepTreesAndAnotherBaseScore) {
  expect_xgboost_parity(
      {{"tree_method", "hist"}, {"grow_policy", "lossguide"}, {"max_leaves", "40"}, {"max_depth", "0"}, {"eta", "0.1"}},
      15, 2);
  expect_xgboost_parity({{"tree_method", "exact"}, {"max_depth", "7"}, {"gamma", "1"}, {"base_score", "0.2"}}, 8, 3);
}

TEST(TreeShapParity, LightGBMAsTheTrainerFitsIt) {
  expect_lightgbm_parity(
      "num_leaves=31 max_depth=8 learning_rate=0.05 feature_fraction=0.8 bagging_fraction=0.8 bagging_freq=5 "
      "min_data_in_leaf=50 lambda_l1=0.1 lambda_l2=0.1 max_bin=255",
      100, 5);
}

TEST(TreeShapParity, LightGBMOtherTreatmentsOfMissingValues) {
  expect_lightgbm_parity("num_leaves=31 zero_as_missing=true", 30, 6);
  expect_lightgbm_parity("num_leaves=63 min_data_in_leaf=5 use_missing=false", 20, 7);
}

}  // namespace
}  // namespace qtrader::models
