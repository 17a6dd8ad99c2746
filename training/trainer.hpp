// What every trainer takes and gives: weighted training rows, validation rows for early stopping, a fitted weights
// file.
//
// Trainers wrap the field's libraries behind these values; no library type leaves a .cpp. Fitting is a pure function of
// (rows, weights, parameters, seed): the same input gives the same bytes. Never sees a test row.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/features/feature_vector.hpp"
#include "core/models/model.hpp"
#include "training/metrics.hpp"
#include "training/split.hpp"

namespace qtrader::training {

struct Dataset;

/// Called now and then during long work: what is being done, how much of how much. False cancels it
/// (Errc::Interrupted).
using Progress = std::function<bool(std::string_view stage, std::uint64_t done, std::uint64_t total)>;

/// Rows of one part of a dataset: x is row-major, rows × features::kFeatureCount.
struct RowBlock {
  std::span<const double> x;
  std::span<const LabelClass> labels;
  std::size_t rows() const { return labels.size(); }
};

struct FitInput {
  RowBlock train;
  std::span<const double> weights;  // of the training rows
  /// Added to the class scores of every training row and left out afterwards. With the log of the class weights in it,
  /// the weights change what fitting pays attention to but not the class shares the model believes in (an offset in the
  /// sense of King & Zeng 2001): without it, weighted classes give probabilities that no temperature can make honest.
  Probabilities class_offset{};
  RowBlock validation;  // never weighted
  std::uint64_t seed = 0;
  Progress progress;  // may be empty
  /// What networks read besides the rows: the rows before each (Row::previous). Trees need neither.
  const Dataset* dataset = nullptr;
  IndexRange train_rows, validation_rows;  // the same rows as train and validation
  /// Where a long fit keeps its checkpoints and event files, so that it survives a crash; empty: nowhere.
  std::filesystem::path scratch;
  std::function<double()> unix_seconds;  // the wall clock of the event files; there are none without it
};

struct FittedModel {
  models::ModelKind kind = models::ModelKind::XGBoost;
  std::string weights_file;  // the name it is stored under
  std::string weights;       // bytes, in the library's own file format
  std::int32_t rounds = 0;   // kept, after early stopping
  Forecasts validation;      // of the library, uncalibrated
  std::map<std::string, std::string> hyper_parameters;
  std::map<std::string, double> importance;  // feature name → share of the total split gain; used features only
};

/// Reports progress. Error: Interrupted if it was cancelled.
base::Result<void> report(const Progress& progress, std::string_view stage, std::uint64_t done, std::uint64_t total);

/// Remembers the best round by validation log-loss.
class EarlyStopping {
 public:
  explicit EarlyStopping(std::int32_t patience) : patience_(patience) {}
  /// After a round; true if the loss is the best so far.
  bool observe(std::int32_t round, double loss);
  bool should_stop(std::int32_t round) const { return round - best_round_ >= patience_; }
  std::int32_t best_round() const { return best_round_; }  // from 1

 private:
  std::int32_t patience_;
  std::int32_t best_round_ = 0;
  double best_loss_ = 0;
};

/// Shares of the total, by feature name; features with none are left out.
std::map<std::string, double> gain_shares(std::span<const double> gain);

/// The library's seed for one user's seed: 31 bits of the child stream `name`.
std::int32_t library_seed(std::uint64_t seed, std::string_view name);

}  // namespace qtrader::training
