#include "training/xgboost.hpp"

#include <xgboost/c_api.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "core/base/json.hpp"

namespace qtrader::training {
namespace {

using features::kFeatureCount;

base::Result<void> check(int rc, std::string_view call) {
  if (rc == 0) return {};
  return base::Error{"training", base::Errc::InvalidArgument,
                     "XGBoost " + std::string(call) + ": " + XGBGetLastError()};
}

struct FreeMatrix {
  void operator()(void* handle) const { XGDMatrixFree(handle); }
};
struct FreeBooster {
  void operator()(void* handle) const { XGBoosterFree(handle); }
};
using Matrix = std::unique_ptr<void, FreeMatrix>;
using Booster = std::unique_ptr<void, FreeBooster>;

/// The library reads the doubles through numpy's array-interface text and rounds them to float itself, as serving does.
base::Result<Matrix> make_matrix(std::span<const double> x, std::int32_t nthread) {
  const std::string array = "{\"data\":[" + std::to_string(reinterpret_cast<std::uintptr_t>(x.data())) +
                            ",true],\"shape\":[" + std::to_string(x.size() / kFeatureCount) + "," +
                            std::to_string(kFeatureCount) + "],\"typestr\":\"<f8\",\"version\":3}";
  const std::string config = "{\"missing\":NaN,\"nthread\":" + std::to_string(nthread) + "}";
  DMatrixHandle handle = nullptr;
  QT_TRY_VOID(check(XGDMatrixCreateFromDense(array.c_str(), config.c_str(), &handle), "matrix"));
  return Matrix(handle);
}

base::Result<void> set_floats(const Matrix& matrix, const char* field, std::span<const double> values) {
  const std::vector<float> floats(values.begin(), values.end());
  return check(XGDMatrixSetFloatInfo(matrix.get(), field, floats.data(), floats.size()), field);
}

base::Result<void> set_labels(const Matrix& matrix, std::span<const LabelClass> labels) {
  std::vector<double> values;
  values.reserve(labels.size());
  for (const LabelClass c : labels) values.push_back(static_cast<double>(c));
  return set_floats(matrix, "label", values);
}

base::Result<void> set_offset(const Matrix& matrix, const Probabilities& offset, std::size_t rows) {
  std::vector<double> values;
  values.reserve(rows * kClassCount);
  for (std::size_t i = 0; i < rows; ++i) values.insert(values.end(), offset.begin(), offset.end());
  return set_floats(matrix, "base_margin", values);
}

std::map<std::string, std::string> parameters(const XgboostParams& p, std::int32_t seed) {
  const auto number = [](double v) {
    std::string out;
    base::append_json_number(out, v);
    return out;
  };
  return {{"booster", "gbtree"},
          {"tree_method", "hist"},
          {"objective", "multi:softprob"},
          {"num_class", std::to_string(kClassCount)},
          {"eta", number(p.eta)},
          {"max_depth", std::to_string(p.max_depth)},
          {"min_child_weight", number(p.min_child_weight)},
          {"subsample", number(p.subsample)},
          {"colsample_bytree", number(p.colsample_bytree)},
          {"gamma", number(p.gamma)},
          {"alpha", number(p.alpha)},
          {"lambda", number(p.lambda)},
          {"max_bin", std::to_string(p.max_bin)},
          {"nthread", std::to_string(p.nthread)},
          {"seed", std::to_string(seed)},
          {"verbosity", "0"}};
}

base::Result<std::vector<Probabilities>> predict(const Booster& booster, DMatrixHandle matrix) {
  // iteration_end 0: all rounds, which lets the library add only the newest round to its cached margins.
  constexpr const char* kConfig =
      "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":true}";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* values = nullptr;
  QT_TRY_VOID(
      check(XGBoosterPredictFromDMatrix(booster.get(), matrix, kConfig, &shape, &dimensions, &values), "prediction"));
  if (dimensions != 2 || shape[1] != kClassCount)
    return base::Error{"training", base::Errc::SchemaMismatch, "XGBoost prediction: expected rows × 3 probabilities"};
  std::vector<Probabilities> out(shape[0]);
  for (std::size_t i = 0; i < out.size(); ++i)
    for (std::size_t c = 0; c < kClassCount; ++c) out[i][c] = static_cast<double>(values[i * kClassCount + c]);
  return out;
}

base::Result<std::string> save(const Booster& booster) {
  bst_ulong length = 0;
  const char* bytes = nullptr;
  QT_TRY_VOID(check(XGBoosterSaveModelToBuffer(booster.get(), "{\"format\":\"ubj\"}", &length, &bytes), "save"));
  return std::string(bytes, length);
}

base::Result<std::map<std::string, double>> importance(const Booster& booster) {
  bst_ulong count = 0, dimensions = 0;
  const char** names = nullptr;
  const bst_ulong* shape = nullptr;
  const float* scores = nullptr;
  QT_TRY_VOID(check(XGBoosterFeatureScore(booster.get(), "{\"importance_type\":\"total_gain\"}", &count, &names,
                                          &dimensions, &shape, &scores),
                    "importance"));
  std::array<double, kFeatureCount> gain{};
  for (bst_ulong i = 0; i < count; ++i) {  // features are named f0 … f63
    const auto index = static_cast<std::size_t>(std::strtoul(names[i] + 1, nullptr, 10));
    QT_CHECK(index < gain.size(), "XGBoost names features by their index");
    gain[index] = static_cast<double>(scores[i]);
  }
  return gain_shares(gain);
}

struct Boosted {
  std::int32_t best_round = 0;
  std::vector<Probabilities> validation;  // at the best round
};

base::Result<Boosted> boost(const Booster& booster, const std::array<DMatrixHandle, 2>& matrices, const FitInput& input,
                            const XgboostParams& params) {
  EarlyStopping stopping(params.early_stop);
  Boosted out;
  for (std::int32_t round = 1; round <= params.rounds; ++round) {
    QT_TRY_VOID(report(input.progress, "xgboost", static_cast<std::uint64_t>(round - 1),
                       static_cast<std::uint64_t>(params.rounds)));
    QT_TRY_VOID(check(XGBoosterUpdateOneIter(booster.get(), round - 1, matrices[0]), "round"));
    QT_TRY(std::vector<Probabilities> p, predict(booster, matrices[1]));
    if (stopping.observe(round, log_loss(input.validation.labels, p))) out.validation = std::move(p);
    if (stopping.should_stop(round)) break;
  }
  out.best_round = stopping.best_round();
  return out;
}

}  // namespace

base::Result<FittedModel> fit_xgboost(const FitInput& input, const XgboostParams& params) {
  QT_TRY(const Matrix train, make_matrix(input.train.x, params.nthread));
  QT_TRY(const Matrix validation, make_matrix(input.validation.x, params.nthread));
  QT_TRY_VOID(set_labels(train, input.train.labels));
  QT_TRY_VOID(set_floats(train, "weight", input.weights));
  QT_TRY_VOID(set_offset(train, input.class_offset, input.train.rows()));
  QT_TRY_VOID(set_labels(validation, input.validation.labels));

  const std::array<DMatrixHandle, 2> matrices = {train.get(), validation.get()};
  BoosterHandle handle = nullptr;
  QT_TRY_VOID(check(XGBoosterCreate(matrices.data(), matrices.size(), &handle), "booster"));
  const Booster booster(handle);
  FittedModel out;
  out.kind = models::ModelKind::XGBoost;
  out.hyper_parameters = parameters(params, library_seed(input.seed, "xgboost"));
  for (const auto& [name, value] : out.hyper_parameters)
    QT_TRY_VOID(check(XGBoosterSetParam(booster.get(), name.c_str(), value.c_str()), name));
  QT_TRY(Boosted boosted, boost(booster, matrices, input, params));

  BoosterHandle best_handle = nullptr;
  QT_TRY_VOID(check(XGBoosterSlice(booster.get(), 0, boosted.best_round, 1, &best_handle), "slice"));
  const Booster best(best_handle);
  out.weights_file = "weights.ubj";
  QT_TRY(out.weights, save(best));
  QT_TRY(out.importance, importance(best));
  out.rounds = boosted.best_round;
  out.validation = all_present(std::move(boosted.validation));
  out.hyper_parameters["rounds"] = std::to_string(params.rounds);
  out.hyper_parameters["early_stop"] = std::to_string(params.early_stop);
  out.hyper_parameters["rounds_kept"] = std::to_string(out.rounds);
  return out;
}

base::Result<std::vector<Probabilities>> predict_xgboost(std::string_view weights, std::span<const double> x) {
  BoosterHandle handle = nullptr;
  QT_TRY_VOID(check(XGBoosterCreate(nullptr, 0, &handle), "booster"));
  const Booster booster(handle);
  QT_TRY_VOID(check(XGBoosterLoadModelFromBuffer(booster.get(), weights.data(), weights.size()), "load"));
  QT_TRY_VOID(check(XGBoosterSetParam(booster.get(), "nthread", "1"), "nthread"));
  QT_TRY(const Matrix matrix, make_matrix(x, 1));
  return predict(booster, matrix.get());
}

std::string_view xgboost_version() {
  static const std::string kVersion = [] {
    int major = 0, minor = 0, patch = 0;
    XGBoostVersion(&major, &minor, &patch);
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  }();
  return kVersion;
}

}  // namespace qtrader::training
