// What the parity tests of tree models share: rows that are hard to read right, and small models trained on them
// through the libraries' C APIs, seeded, one thread.
#pragma once

#include <gtest/gtest.h>
#include <xgboost/c_api.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/base/rng.hpp"
#include "core/models/model.hpp"
#include "training/lightgbm_c_api.hpp"

namespace qtrader::models::parity {

inline constexpr std::size_t kFeatures = features::kFeatureCount;
inline constexpr std::size_t kContributions = 3 * (kFeatures + 1);
inline constexpr std::size_t kTrainRows = 4000;
inline constexpr std::size_t kTestRows = 10'000;
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Rows shaped like feature vectors: fat tails, exact zeros, few-valued columns, missing values, tiny magnitudes.
inline std::vector<double> random_rows(base::Rng& rng, std::size_t rows) {
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

inline std::vector<float> labels_of(base::Rng& rng, const std::vector<double>& x) {
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

inline features::FeatureVector vector_of(const double* row) {
  features::FeatureVector v;
  std::copy(row, row + kFeatures, v.x.begin());
  v.valid = true;
  return v;
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
  /// Rows × 3 probabilities.
  std::vector<double> predict(const std::vector<double>& rows) const { return predict(rows, 0, 3); }
  /// Rows × 3 × (64 contributions and the expected margin).
  std::vector<double> contributions(const std::vector<double>& rows) const { return predict(rows, 2, kContributions); }

 private:
  std::vector<double> predict(const std::vector<double>& rows, int type, std::size_t width) const {
    const std::vector<float> x(rows.begin(), rows.end());
    DMatrixHandle matrix = nullptr;
    ok(XGDMatrixCreateFromMat(x.data(), x.size() / kFeatures, kFeatures, NAN, &matrix));
    const std::string request = "{\"type\":" + std::to_string(type) +
                                R"(,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":true})";
    const bst_ulong* shape = nullptr;
    bst_ulong dimensions = 0;
    const float* out = nullptr;
    ok(XGBoosterPredictFromDMatrix(booster_, matrix, request.c_str(), &shape, &dimensions, &out));
    std::vector<double> p(out, out + x.size() / kFeatures * width);
    XGDMatrixFree(matrix);
    return p;
  }
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
  /// Rows × 3 probabilities.
  std::vector<double> predict(const std::vector<double>& rows) const {
    return predict(rows, training::lightgbm::kPredictNormal, 3);
  }
  /// Rows × 3 × (64 contributions and the expected margin).
  std::vector<double> contributions(const std::vector<double>& rows) const {
    constexpr int kPredictContrib = 3;  // C_API_PREDICT_CONTRIB
    return predict(rows, kPredictContrib, kContributions);
  }

 private:
  std::vector<double> predict(const std::vector<double>& rows, int type, std::size_t width) const {
    const std::size_t n = rows.size() / kFeatures;
    std::vector<double> p(n * width);
    std::int64_t written = 0;
    ok(LGBM_BoosterPredictForMat(booster_, rows.data(), training::lightgbm::kFloat64, static_cast<std::int32_t>(n),
                                 kFeatures, 1, type, 0, -1, "num_threads=1", &written, p.data()));
    EXPECT_EQ(written, static_cast<std::int64_t>(p.size()));
    return p;
  }
  static void ok(int status) { ASSERT_EQ(status, 0) << LGBM_GetLastError(); }
  DatasetHandle train_ = nullptr;
  BoosterHandle booster_ = nullptr;
};

}  // namespace qtrader::models::parity
