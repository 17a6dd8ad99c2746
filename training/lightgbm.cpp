#include "training/lightgbm.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include "core/base/json.hpp"
#include "training/lightgbm_c_api.hpp"

namespace qtrader::training {
namespace {

using features::kFeatureCount;

base::Result<void> check(int rc, std::string_view call) {
  if (rc == 0) return {};
  return base::Error{"training", base::Errc::InvalidArgument,
                     "LightGBM " + std::string(call) + ": " + LGBM_GetLastError()};
}

struct FreeBinnedData {
  void operator()(void* handle) const { LGBM_DatasetFree(handle); }
};
struct FreeBooster {
  void operator()(void* handle) const { LGBM_BoosterFree(handle); }
};
using BinnedData = std::unique_ptr<void, FreeBinnedData>;
using Booster = std::unique_ptr<void, FreeBooster>;

std::map<std::string, std::string> parameters(const LightgbmParams& p, std::int32_t seed) {
  const auto number = [](double v) {
    std::string out;
    base::append_json_number(out, v);
    return out;
  };
  return {{"objective", "multiclass"},
          {"num_class", std::to_string(kClassCount)},
          {"boosting", "gbdt"},
          {"learning_rate", number(p.eta)},
          {"num_leaves", std::to_string(p.num_leaves)},
          {"max_depth", std::to_string(p.max_depth)},
          {"feature_fraction", number(p.feature_fraction)},
          {"bagging_fraction", number(p.bagging_fraction)},
          {"bagging_freq", std::to_string(p.bagging_freq)},
          {"min_data_in_leaf", std::to_string(p.min_data_in_leaf)},
          {"lambda_l1", number(p.lambda_l1)},
          {"lambda_l2", number(p.lambda_l2)},
          {"max_bin", std::to_string(p.max_bin)},
          {"num_threads", std::to_string(p.nthread)},
          {"seed", std::to_string(seed)},
          {"deterministic", "true"},
          {"force_row_wise", "true"},
          {"verbosity", "-1"}};
}

std::string joined(const std::map<std::string, std::string>& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) out += name + "=" + value + " ";
  return out;
}

struct DatasetSource {
  RowBlock block;
  std::span<const float> weights;  // empty: none
  const std::string& parameters;
};

base::Result<BinnedData> make_dataset(const DatasetSource& source, DatasetHandle reference) {
  const auto rows = static_cast<std::int32_t>(source.block.rows());
  DatasetHandle handle = nullptr;
  QT_TRY_VOID(check(LGBM_DatasetCreateFromMat(source.block.x.data(), lightgbm::kFloat64, rows,
                                              static_cast<std::int32_t>(kFeatureCount), 1, source.parameters.c_str(),
                                              reference, &handle),
                    "dataset"));
  BinnedData out(handle);
  std::vector<float> labels;
  labels.reserve(source.block.rows());
  for (const LabelClass c : source.block.labels) labels.push_back(static_cast<float>(c));
  QT_TRY_VOID(check(LGBM_DatasetSetField(handle, "label", labels.data(), rows, lightgbm::kFloat32), "labels"));
  if (!source.weights.empty())
    QT_TRY_VOID(
        check(LGBM_DatasetSetField(handle, "weight", source.weights.data(), rows, lightgbm::kFloat32), "weights"));
  return out;
}

base::Result<void> set_offset(const BinnedData& dataset, const Probabilities& offset, std::size_t rows) {
  std::vector<double> values;  // class by class
  values.reserve(rows * kClassCount);
  for (const double v : offset) values.insert(values.end(), rows, v);
  return check(LGBM_DatasetSetField(dataset.get(), "init_score", values.data(), static_cast<int>(values.size()),
                                    lightgbm::kFloat64),
               "offset");
}

/// Probabilities of the validation rows after the rounds so far; the library lays them out class by class.
base::Result<std::vector<Probabilities>> validation_probabilities(const Booster& booster, std::size_t rows) {
  std::vector<double> values(rows * kClassCount);
  std::int64_t length = 0;
  QT_TRY_VOID(
      check(LGBM_BoosterGetPredict(booster.get(), lightgbm::kValidation, &length, values.data()), "prediction"));
  QT_CHECK(length == static_cast<std::int64_t>(values.size()), "three probabilities a row");
  std::vector<Probabilities> out(rows);
  for (std::size_t c = 0; c < kClassCount; ++c)
    for (std::size_t i = 0; i < rows; ++i) out[i][c] = values[c * rows + i];
  return out;
}

struct Boosted {
  std::int32_t best_round = 0;
  std::vector<Probabilities> validation;
};

base::Result<Boosted> boost(const Booster& booster, const FitInput& input, const LightgbmParams& params) {
  EarlyStopping stopping(params.early_stop);
  Boosted out;
  for (std::int32_t round = 1; round <= params.rounds; ++round) {
    QT_TRY_VOID(report(input.progress, "lightgbm", static_cast<std::uint64_t>(round - 1),
                       static_cast<std::uint64_t>(params.rounds)));
    int finished = 0;
    QT_TRY_VOID(check(LGBM_BoosterUpdateOneIter(booster.get(), &finished), "round"));
    if (finished != 0) break;  // no leaf can be split any more: this round added nothing
    QT_TRY(std::vector<Probabilities> p, validation_probabilities(booster, input.validation.rows()));
    if (stopping.observe(round, log_loss(input.validation.labels, p))) out.validation = std::move(p);
    if (stopping.should_stop(round)) break;
  }
  out.best_round = stopping.best_round();
  if (out.best_round == 0)
    return base::Error{"training", base::Errc::InvalidArgument,
                       "LightGBM found no split with " + std::to_string(params.min_data_in_leaf) +
                           " rows in each leaf among " + std::to_string(input.train.rows()) + " training rows"};
  return out;
}

base::Result<std::string> save(const Booster& booster, std::int32_t rounds) {
  std::string out(1 << 20, '\0');
  for (;;) {
    std::int64_t length = 0;
    QT_TRY_VOID(check(LGBM_BoosterSaveModelToString(booster.get(), 0, rounds, lightgbm::kSplitGain,
                                                    static_cast<std::int64_t>(out.size()), &length, out.data()),
                      "save"));
    const auto needed = static_cast<std::size_t>(length);
    const bool complete = needed <= out.size();
    out.resize(complete ? needed - 1 : needed);  // the length counts the closing zero
    if (complete) return out;
  }
}

}  // namespace

bool high_volatility(std::span<const double> row, double rv_ratio) {
  static const std::size_t kRvRatio = [] {
    const auto it = std::ranges::find(features::kFeatureNames, "rv_ratio");
    QT_CHECK(it != features::kFeatureNames.end(), "rv_ratio is a feature");
    return static_cast<std::size_t>(it - features::kFeatureNames.begin());
  }();
  return row[kRvRatio] > rv_ratio;
}

base::Result<FittedModel> fit_lightgbm(const FitInput& input, const LightgbmParams& params) {
  LGBM_RegisterLogCallback([](const char*) {});  // errors come back as return codes; the rest is chatter
  FittedModel out;
  out.kind = models::ModelKind::LightGBM;
  out.hyper_parameters = parameters(params, library_seed(input.seed, "lightgbm"));
  const std::string text = joined(out.hyper_parameters);

  std::vector<float> weights(input.weights.begin(), input.weights.end());
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (high_volatility(input.train.x.subspan(i * kFeatureCount, kFeatureCount), params.high_volatility_rv_ratio))
      weights[i] *= static_cast<float>(params.high_volatility_weight);
  QT_TRY(const BinnedData train, make_dataset({input.train, weights, text}, nullptr));
  QT_TRY_VOID(set_offset(train, input.class_offset, input.train.rows()));
  QT_TRY(const BinnedData validation, make_dataset({input.validation, {}, text}, train.get()));

  BoosterHandle handle = nullptr;
  QT_TRY_VOID(check(LGBM_BoosterCreate(train.get(), text.c_str(), &handle), "booster"));
  const Booster booster(handle);
  QT_TRY_VOID(check(LGBM_BoosterAddValidData(handle, validation.get()), "validation rows"));
  QT_TRY(Boosted boosted, boost(booster, input, params));

  out.weights_file = "weights.txt";
  QT_TRY(out.weights, save(booster, boosted.best_round));
  std::array<double, kFeatureCount> gain{};
  QT_TRY_VOID(check(LGBM_BoosterFeatureImportance(handle, boosted.best_round, lightgbm::kSplitGain, gain.data()),
                    "importance"));
  out.importance = gain_shares(gain);
  out.rounds = boosted.best_round;
  out.validation = all_present(std::move(boosted.validation));
  out.hyper_parameters["rounds"] = std::to_string(params.rounds);
  out.hyper_parameters["early_stop"] = std::to_string(params.early_stop);
  out.hyper_parameters["rounds_kept"] = std::to_string(out.rounds);
  std::string& weighting = out.hyper_parameters["high_volatility"];
  weighting = "rv_ratio > ";
  base::append_json_number(weighting, params.high_volatility_rv_ratio);
  weighting += ": weight × ";
  base::append_json_number(weighting, params.high_volatility_weight);
  return out;
}

base::Result<std::vector<Probabilities>> predict_lightgbm(const std::string& weights, std::span<const double> x) {
  LGBM_RegisterLogCallback([](const char*) {});
  int rounds = 0;
  BoosterHandle handle = nullptr;
  QT_TRY_VOID(check(LGBM_BoosterLoadModelFromString(weights.c_str(), &rounds, &handle), "load"));
  const Booster booster(handle);
  std::vector<Probabilities> out(x.size() / kFeatureCount);
  std::int64_t length = 0;
  static_assert(sizeof(Probabilities) == kClassCount * sizeof(double),
                "rows of three doubles, as the library writes them");
  QT_TRY_VOID(
      check(LGBM_BoosterPredictForMat(handle, x.data(), lightgbm::kFloat64, static_cast<std::int32_t>(out.size()),
                                      static_cast<std::int32_t>(kFeatureCount), 1, lightgbm::kPredictNormal, 0, rounds,
                                      "num_threads=1 verbosity=-1", &length, out.data()->data()),
            "prediction"));
  return out;
}

}  // namespace qtrader::training
