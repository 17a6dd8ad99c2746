// Model: pure inference of one ensemble member: a feature vector in, three class probabilities out.
//
// Implementations: TreeModel (XGBoost and LightGBM files) and NetworkModel (N-HiTS and PatchTST). A Model never trains,
// never reads a clock or a file, and never turns a failure into a HOLD vote: what cannot predict is invalid.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/base/result.hpp"
#include "core/domain/signal.hpp"
#include "core/features/feature_vector.hpp"
#include "core/models/feature_history.hpp"

namespace qtrader::models {

enum class ModelKind : std::uint8_t { XGBoost, LightGBM, NHits, PatchTst };
QT_DESCRIBE_ENUM(ModelKind, XGBoost, LightGBM, NHits, PatchTst)
/// "xgboost", "lightgbm", "nhits", "patchtst".
std::string_view name(ModelKind kind);

class Novelty;  // core/models/novelty.hpp

struct ModelInput {
  const features::FeatureVector& now;
  const FeatureHistory* history = nullptr;  // of the symbol, ending with `now`; null where no model needs one
};

/// Least lead of the first class over the second for a model to name it (ai.md 2.6).
inline constexpr double kMinMargin = 0.05;

/// Log return from the last close to each of the next bars, in units of rv_20 of the last bar: the 0.1, 0.5 and 0.9
/// quantiles of each step, in that order.
using QuantileForecast = std::array<std::array<float, 3>, 8>;

struct Prediction {
  ModelKind model = ModelKind::XGBoost;
  std::array<double, 3> p{};                     // SELL, HOLD, BUY; sums to 1 when valid
  domain::Action action = domain::Action::Hold;  // action_of(p, kMinMargin); the ensemble applies its configured margin
  bool valid = false;
  std::string_view why_invalid;               // static text
  std::optional<QuantileForecast> quantiles;  // N-HiTS only
};

/// argmax of p if it leads the second by at least min_margin, else Hold. A tie is Hold.
domain::Action action_of(const std::array<double, 3>& p, double min_margin);
/// Completes a prediction from class scores: softmax of logits / temperature, action, validity.
void finish_prediction(const std::array<double, 3>& logits, double temperature, Prediction& out);

/// What the decision rules need to know of a fitted model besides its weights; from the artefact's card.json.
struct ModelTraits {
  ModelKind kind = ModelKind::XGBoost;
  std::string schema_id;
  std::string artifact_sha256;               // of the weights file
  double temperature = 1;                    // logits are divided by it (Guo et al. 2017); fitted on validation rows
  std::array<double, 3> class_mean_abs_r{};  // mean |forward log return| of each class, in units of σ100·√H
  std::int32_t horizon_bars = 4;
  bool synthetic = false;                  // trained on synthetic data
  std::shared_ptr<const Novelty> novelty;  // of the training rows; null: unknown, as in a model without a card
};

class Model {
 public:
  virtual ~Model() = default;
  virtual const ModelTraits& traits() const = 0;
  /// How many of the last primary bars ModelInput::history must hold; 0: the model looks at `now` alone.
  virtual std::size_t history_bars() const { return 0; }
  virtual Prediction predict(const ModelInput& input) const = 0;
};

/// Gradient-boosted trees from the bytes of a fitted model file: three-class softmax over the 64 features, numerical
/// splits only, all of the file's rounds. The bytes must hash to traits.artifact_sha256; if that is empty it is filled
/// in. Errors: Corrupt (also a hash that differs), Unsupported (another objective, booster or kind of split),
/// SchemaMismatch (feature count ≠ 64 or class count ≠ 3), InvalidArgument (temperature).
base::Result<std::unique_ptr<Model>> load_xgboost(std::span<const std::byte> file,
                                                  ModelTraits traits);  // JSON or UBJSON
base::Result<std::unique_ptr<Model>> load_lightgbm(std::span<const std::byte> file, ModelTraits traits);  // text
/// N-HiTS or PatchTST, as traits.kind says, from the bytes of a weight file (docs/formats/network-weights.md). The
/// bytes must hash to traits.artifact_sha256 as above. traits.schema_id must be that of a timeframe: the window's bars
/// must be exactly one bar of it apart. Copies what it needs of the bytes. Errors: Corrupt, naming the tensor;
/// Unsupported (another architecture, format or size); SchemaMismatch; InvalidArgument (a kind that is no network,
/// temperature).
base::Result<std::unique_ptr<Model>> load_network(std::span<const std::byte> file, ModelTraits traits);

}  // namespace qtrader::models
