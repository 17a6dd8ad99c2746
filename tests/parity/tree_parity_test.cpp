// Our tree kernel against the libraries that trained the models: 10 000 random rows with missing values, each class
// probability within 1e-6 (design contract 9). Real models are trained here through the libraries' C APIs, seeded, one
// thread.
#include <xgboost/c_api.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

#include "core/base/hash.hpp"
#include "core/base/rng.hpp"
#include "core/models/model.hpp"
#include "training/lightgbm_c_api.hpp"

namespace qtrader::models {
namespace {

constexpr std::size_t kFeatures = features::kFeatureCount;
constexpr std::size_t kTrainRows = 4000;
constexpr std::size_t kTestRows = 10'000;
constexpr int kRounds = 200;
constexpr double kTolerance = 1e-6;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Rows shaped like feature vectors: fat tails, exact zeros, few-valued columns, missing values, tiny magnitudes.
std::vector<double> random_rows(base::Rng& rng, std::size_t rows) {
  std::vector<double> x(rows * kFeatures);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t f = i % kFeatures;
    if (rng.below(12) == 0)
      x[i] = kNaN;
    else if (f % 8 == 1)
      x[i] = static_cast<double>(rng.below(3)) - 1;
    else if (f % 8 == 2)
      x[i] = rng.below(2) != 0 ? 0 : rng.student_t(3) * 1e-3;
    else if (f % 8 == 3)
      x[i] = static_cast<double>(rng.below(101)) / 100;
    else
      x[i] = rng.student_t(4);
  }
  return x;
}

std::vector<float> labels_of(base::Rng& rng, const std::vector<double>& x) {
  const auto or_zero = [](double v) { return std::isnan(v) ? 0.3 : v; };
  std::vector<float> y(x.size() / kFeatures);
  for (std::size_t r = 0; r < y.size(); ++r) {
    const double* row = x.data() + r * kFeatures;
    const double score =
        or_zero(row[0]) * or_zero(row[3]) + 0.5 * or_zero(row[1]) + 300 * or_zero(row[2]) + rng.normal();
    y[r] = score < -0.6 ? 0.0F : score > 0.6 ? 2.0F : 1.0F;
  }
  return y;
}

struct Data {
  std::vector<double> train, test;
  std::vector<float> labels;
  static Data make(std::uint64_t seed) {
    base::Rng rng(seed);
    Data d;
    d.train = random_rows(rng, kTrainRows);
    d.labels = labels_of(rng, d.train);
    d.test = random_rows(rng, kTestRows);
    // Values that fall exactly on what the trainer saw, so that comparisons for equality happen.
    for (std::size_t i = 0; i < d.test.size(); ++i) {
      if (rng.below(4) == 0) d.test[i] = d.train[rng.below(kTrainRows) * kFeatures + i % kFeatures];
    }
    return d;
  }
};

features::FeatureVector vector_of(const double* row) {
  features::FeatureVector v;
  std::copy(row, row + kFeatures, v.x.begin());
  v.valid = true;
  return v;
}

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

class XGBoost {
 public:
  using Parameters = std::vector<std::pair<std::string, std::string>>;

  XGBoost(const Data& data, const Parameters& parameters, int rounds) {
    const std::vector<float> x(data.train.begin(), data.train.end());
    ok(XGDMatrixCreateFromMat(x.data(), kTrainRows, kFeatures, NAN, &train_));
    ok(XGDMatrixSetFloatInfo(train_, "label", data.labels.data(), kTrainRows));
    ok(XGBoosterCreate(&train_, 1, &booster_));
    for (const auto& [key, value] :
         Parameters{{"objective", "multi:softprob"}, {"num_class", "3"}, {"nthread", "1"}, {"seed", "7"}}) {
      ok(XGBoosterSetParam(booster_, key.c_str(), value.c_str()));
    }
    for (const auto& [key, value] : parameters) ok(XGBoosterSetParam(booster_, key.c_str(), value.c_str()));
    for (int i = 0; i < rounds; ++i) ok(XGBoosterUpdateOneIter(booster_, i, train_));
  }
  ~XGBoost() {
    XGBoosterFree(booster_);
    XGDMatrixFree(train_);
  }
  XGBoost(const XGBoost&) = delete;
  XGBoost& operator=(const XGBoost&) = delete;

  std::string save(const std::string& format) const {
    bst_ulong size = 0;
    const char* bytes = nullptr;
    ok(XGBoosterSaveModelToBuffer(booster_, ("{\"format\":\"" + format + "\"}").c_str(), &size, &bytes));
    return std::string(bytes, size);
  }
  std::vector<double> predict(const std::vector<double>& rows) const {
    const std::vector<float> x(rows.begin(), rows.end());
    DMatrixHandle matrix = nullptr;
    ok(XGDMatrixCreateFromMat(x.data(), x.size() / kFeatures, kFeatures, NAN, &matrix));
    const bst_ulong* shape = nullptr;
    bst_ulong dimensions = 0;
    const float* out = nullptr;
    ok(XGBoosterPredictFromDMatrix(
        booster_, matrix, R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":true})",
        &shape, &dimensions, &out));
    std::vector<double> p(out, out + x.size() / kFeatures * 3);
    XGDMatrixFree(matrix);
    return p;
  }

 private:
  static void ok(int status) { ASSERT_EQ(status, 0) << XGBGetLastError(); }
  DMatrixHandle train_ = nullptr;
  BoosterHandle booster_ = nullptr;
};

class LightGBM {
 public:
  LightGBM(const Data& data, const std::string& parameters, int rounds) {
    const std::string all =
        "objective=multiclass num_class=3 num_threads=1 verbosity=-1 seed=7 deterministic=true " + parameters;
    ok(LGBM_DatasetCreateFromMat(data.train.data(), training::lightgbm::kFloat64, kTrainRows, kFeatures, 1, all.c_str(),
                                 nullptr, &train_));
    ok(LGBM_DatasetSetField(train_, "label", data.labels.data(), kTrainRows, training::lightgbm::kFloat32));
    ok(LGBM_BoosterCreate(train_, all.c_str(), &booster_));
    for (int i = 0; i < rounds; ++i) {
      int finished = 0;
      ok(LGBM_BoosterUpdateOneIter(booster_, &finished));
    }
  }
  ~LightGBM() {
    LGBM_BoosterFree(booster_);
    LGBM_DatasetFree(train_);
  }
  LightGBM(const LightGBM&) = delete;
  LightGBM& operator=(const LightGBM&) = delete;

  std::string save() const {
    std::int64_t size = 0;
    ok(LGBM_BoosterSaveModelToString(booster_, 0, -1, 0, 0, &size, nullptr));
    std::string text(static_cast<std::size_t>(size), '\0');
    ok(LGBM_BoosterSaveModelToString(booster_, 0, -1, 0, size, &size, text.data()));
    text.pop_back();  // the terminating zero
    return text;
  }
  std::vector<double> predict(const std::vector<double>& rows) const {
    const std::size_t n = rows.size() / kFeatures;
    std::vector<double> p(n * 3);
    std::int64_t written = 0;
    ok(LGBM_BoosterPredictForMat(booster_, rows.data(), training::lightgbm::kFloat64, static_cast<std::int32_t>(n),
                                 kFeatures, 1, 0, 0, -1, "num_threads=1", &written, p.data()));
    EXPECT_EQ(written, static_cast<std::int64_t>(p.size()));
    return p;
  }

 private:
  static void ok(int status) { ASSERT_EQ(status, 0) << LGBM_GetLastError(); }
  DatasetHandle train_ = nullptr;
  BoosterHandle booster_ = nullptr;
};

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
