// Training, end to end: recorded data → dataset → fitted, calibrated, scored models in a registry.
//
// Called by qtrader-train. One pass: choose universe and window, build rows with the trading core's own market state
// and features, split by time, fit the baselines and the asked models, calibrate on validation rows, score the stored
// artefact with the serving code on test rows it has never seen, write it to the registry. Refuses to store a model
// that serving does not reproduce. Nothing is written before everything asked for is fitted.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "training/card.hpp"
#include "training/evaluate/paired.hpp"
#include "training/fit.hpp"
#include "training/universe.hpp"

namespace qtrader::training {

/// When a new model becomes the deciding one of its type.
enum class Activation : std::uint8_t {
  /// Recorded data, and a test log-loss below the class prior's and the logistic regression's (ai.md 2.1), each with
  /// one-sided significance 5 %, days as clusters.
  Better,
  Always,  // of recorded data: a synthetic model is never activated (ai.md 0.5)
  Never,
};
QT_DESCRIBE_ENUM(Activation, Better, Always, Never)

struct TrainOptions {
  std::filesystem::path data;
  std::filesystem::path registry;
  UniverseRequest universe;
  std::vector<models::ModelKind> models;  // each at most once
  models::LabelSpec labels;
  std::int32_t embargo_bars = 120;
  FitSettings fit;
  std::uint64_t seed = 1;
  std::filesystem::path scratch;  // of the networks: see FitInput::scratch
  Activation activation = Activation::Better;
  base::Timestamp trained_at;              // the wall clock of the caller
  std::function<double()> steady_seconds;  // a monotonic clock for the report's seconds; they are 0 without it
  std::function<double()> unix_seconds;    // see FitInput::unix_seconds
  std::string code_version;
};

struct ModelReport {
  std::string model, id, path;
  std::int32_t rounds = 0;
  double temperature = 1;
  Score validation, test;  // calibrated
  /// Test log-loss of each baseline less the model's, by days; absent where the test part is too short to tell.
  std::optional<PairedDifference> against_prior, against_logistic;
  bool active = false;
  std::string why_inactive;  // "" if active
  double seconds = 0;
};
QT_DESCRIBE(ModelReport, model, id, path, rounds, temperature, validation, test, against_prior, against_logistic,
            active, why_inactive, seconds)

struct TrainReport {
  std::vector<std::string> symbols;
  domain::Timeframe timeframe = domain::Timeframe::M15, base_timeframe = domain::Timeframe::M5;
  std::string data_hash;
  bool synthetic = false;
  PartRecord train, validation, test;
  std::array<std::int64_t, kClassCount> class_counts{};  // of the training rows: SELL, HOLD, BUY
  std::vector<std::string> neutral_features;
  DatasetStats dataset;
  Score prior_validation, prior_test;        // shares of the training rows
  Score logistic_validation, logistic_test;  // calibrated like the models
  std::vector<ModelReport> models;
  double dataset_seconds = 0, logistic_seconds = 0;
};
QT_DESCRIBE(TrainReport, symbols, timeframe, base_timeframe, data_hash, synthetic, train, validation, test,
            class_counts, neutral_features, dataset, prior_validation, prior_test, logistic_validation, logistic_test,
            models, dataset_seconds, logistic_seconds)

/// Errors: InvalidArgument (too few rows, a class without rows, options), those of the universe, the data and the
/// registry; SchemaMismatch if serving does not reproduce a fitted model; Interrupted.
base::Result<TrainReport> train(const TrainOptions& options, const Progress& progress);

}  // namespace qtrader::training
