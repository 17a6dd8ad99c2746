// One-row tree inference: our kernel against the library that fitted the model, on the same rows in one run.
#include <xgboost/c_api.h>

#include <cmath>

#include "bench/bench.hpp"
#include "core/base/rng.hpp"
#include "core/models/model.hpp"
#include "training/lightgbm.hpp"
#include "training/lightgbm_c_api.hpp"
#include "training/xgboost.hpp"

extern "C" {
int LGBM_BoosterPredictForMatSingleRowFastInit(BoosterHandle handle, int predict_type, int start_iteration,
                                               int num_iteration, int data_type, std::int32_t ncol,
                                               const char* parameter, void** out_fast_config);
int LGBM_BoosterPredictForMatSingleRowFast(void* fast_config, const void* data, std::int64_t* out_len,
                                           double* out_result);
int LGBM_FastConfigFree(void* fast_config);
}

namespace qtrader::bench {
namespace {

constexpr std::size_t kColumns = features::kFeatureCount;

struct Rows {
  std::vector<double> x;
  std::vector<training::LabelClass> labels;
  std::vector<double> weights;
  training::RowBlock block() const { return {x, labels}; }
};

/// A learnable problem with every feature in use, so that all rounds grow full trees.
Rows make_rows(std::size_t count, std::uint64_t seed) {
  Rows rows;
  base::Rng rng(seed);
  for (std::size_t i = 0; i < count; ++i) {
    double score = 0;
    for (std::size_t c = 0; c < kColumns; ++c) {
      rows.x.push_back(rng.normal());
      score += rows.x.back() * (c % 2 == 0 ? 0.3 : -0.2);
    }
    score += rng.normal();
    rows.labels.push_back(score > 0.8    ? training::LabelClass::Buy
                          : score < -0.8 ? training::LabelClass::Sell
                                         : training::LabelClass::Hold);
    rows.weights.push_back(1);
  }
  return rows;
}

base::Error library(const char* what, const char* message) {
  return {"bench", base::Errc::Unavailable, std::string(what) + ": " + message};
}

double ours_ns(const models::Model& model, const Rows& probe) {
  features::FeatureVector v;
  v.valid = true;
  v.present_mask = ~std::uint64_t{0};
  const std::size_t n = probe.labels.size();
  const Repeated t = repeat(7, [&] {
    for (std::size_t r = 0; r < n; ++r) {
      std::copy_n(probe.x.data() + r * kColumns, kColumns, v.x.begin());
      keep(model.predict({v, {}}));
    }
  });
  return t.best / static_cast<double>(n) * 1e9;
}

base::Result<double> xgboost_ns(const std::string& weights, const Rows& probe) {
  ::BoosterHandle handle = nullptr;
  if (XGBoosterCreate(nullptr, 0, &handle) != 0) return library("XGBoosterCreate", XGBGetLastError());
  XGBoosterSetParam(handle, "nthread", "1");
  if (XGBoosterLoadModelFromBuffer(handle, weights.data(), weights.size()) != 0)
    return library("XGBoosterLoadModelFromBuffer", XGBGetLastError());
  DMatrixHandle proxy = nullptr;
  if (XGProxyDMatrixCreate(&proxy) != 0) return library("XGProxyDMatrixCreate", XGBGetLastError());
  std::vector<float> row(kColumns);
  const std::string array = "{\"data\":[" + std::to_string(reinterpret_cast<std::uintptr_t>(row.data())) +
                            ",true],\"shape\":[1," + std::to_string(kColumns) + "],\"typestr\":\"<f4\",\"version\":3}";
  const char* config = R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,)"
                       R"("strict_shape":true,"missing":NaN,"cache_id":0})";
  const std::size_t n = std::min<std::size_t>(probe.labels.size(), 500);
  bool failed = false;
  const Repeated t = repeat(5, [&] {
    for (std::size_t r = 0; r < n; ++r) {
      for (std::size_t c = 0; c < kColumns; ++c) row[c] = static_cast<float>(probe.x[r * kColumns + c]);
      const bst_ulong* shape = nullptr;
      bst_ulong dimensions = 0;
      const float* result = nullptr;
      failed =
          failed || XGBoosterPredictFromDense(handle, array.c_str(), config, proxy, &shape, &dimensions, &result) != 0;
      keep(result);
    }
  });
  XGDMatrixFree(proxy);
  XGBoosterFree(handle);
  if (failed) return library("XGBoosterPredictFromDense", XGBGetLastError());
  return t.best / static_cast<double>(n) * 1e9;
}

base::Result<double> lightgbm_ns(const std::string& weights, const Rows& probe) {
  BoosterHandle handle = nullptr;
  int iterations = 0;
  if (LGBM_BoosterLoadModelFromString(weights.c_str(), &iterations, &handle) != 0)
    return library("LGBM_BoosterLoadModelFromString", LGBM_GetLastError());
  void* fast = nullptr;
  if (LGBM_BoosterPredictForMatSingleRowFastInit(handle, training::lightgbm::kPredictNormal, 0, -1,
                                                 training::lightgbm::kFloat64, static_cast<std::int32_t>(kColumns),
                                                 "num_threads=1", &fast) != 0)
    return library("LGBM_BoosterPredictForMatSingleRowFastInit", LGBM_GetLastError());
  const std::size_t n = std::min<std::size_t>(probe.labels.size(), 2'000);
  bool failed = false;
  const Repeated t = repeat(5, [&] {
    for (std::size_t r = 0; r < n; ++r) {
      std::array<double, 3> out{};
      std::int64_t length = 0;
      failed = failed ||
               LGBM_BoosterPredictForMatSingleRowFast(fast, probe.x.data() + r * kColumns, &length, out.data()) != 0;
      keep(out);
    }
  });
  LGBM_FastConfigFree(fast);
  LGBM_BoosterFree(handle);
  if (failed) return library("LGBM_BoosterPredictForMatSingleRowFast", LGBM_GetLastError());
  return t.best / static_cast<double>(n) * 1e9;
}

}  // namespace

base::Result<std::vector<Figure>> bench_trees(const Options& options) {
  const std::int32_t xgb_rounds = options.quick ? 60 : 600, lgbm_rounds = options.quick ? 20 : 200;
  const Rows train = make_rows(options.quick ? 3'000 : 20'000, 1), valid = make_rows(1'000, 2),
             probe = make_rows(4'000, 3);
  training::FitInput input;
  input.train = train.block();
  input.weights = train.weights;
  input.validation = valid.block();

  training::XgboostParams xgb;
  xgb.rounds = xgb_rounds;
  xgb.early_stop = xgb_rounds + 1;
  QT_TRY(const auto fitted, training::fit_xgboost(input, xgb));
  QT_TRY(const auto our_xgb, models::load_xgboost(std::as_bytes(std::span(fitted.weights)), {}));
  QT_TRY(const double xgb_library, xgboost_ns(fitted.weights, probe));
  const double xgb_ours = ours_ns(*our_xgb, probe);

  training::LightgbmParams lgbm;
  lgbm.rounds = lgbm_rounds;
  lgbm.early_stop = lgbm_rounds + 1;
  QT_TRY(const auto fitted_lgbm, training::fit_lightgbm(input, lgbm));
  QT_TRY(const auto our_lgbm, models::load_lightgbm(std::as_bytes(std::span(fitted_lgbm.weights)), {}));
  QT_TRY(const double lgbm_library, lightgbm_ns(fitted_lgbm.weights, probe));
  const double lgbm_ours = ours_ns(*our_lgbm, probe);
  return std::vector<Figure>{
      {"trees.xgboost",
       {{"ns", xgb_ours},
        {"library_ns", xgb_library},
        {"ratio", xgb_library / xgb_ours},
        {"target_ns", 15'000},
        {"target_ratio", 5},
        {"rounds", static_cast<double>(fitted.rounds)}},
       "one row, depth 5, 3 classes; library: XGBoosterPredictFromDense on one row, one thread"},
      {"trees.lightgbm",
       {{"ns", lgbm_ours},
        {"library_ns", lgbm_library},
        {"ratio", lgbm_library / lgbm_ours},
        {"target_ratio", 5},
        {"rounds", static_cast<double>(fitted_lgbm.rounds)}},
       "one row, 31 leaves, 3 classes; library: LGBM_BoosterPredictForMatSingleRowFast, one thread"}};
}

}  // namespace qtrader::bench
