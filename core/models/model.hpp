// Model: pure inference of one ensemble member: a feature vector in, three class probabilities out.
//
// Implementations: GradientBoostedTrees (XGBoost, LightGBM files) now; N-HiTS and PatchTST later. A Model never trains,
// never reads a clock or a file, and never turns a failure into a HOLD vote: what cannot predict is invalid.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "core/base/result.hpp"
#include "core/domain/signal.hpp"
#include "core/features/feature_vector.hpp"

namespace qtrader::models {

enum class ModelKind : std::uint8_t { XGBoost, LightGBM, NHits, PatchTst };
QT_DESCRIBE_ENUM(ModelKind, XGBoost, LightGBM, NHits, PatchTst)
/// "xgboost", "lightgbm", "nhits", "patchtst".
std::string_view name(ModelKind kind);

struct ModelInput {
  const features::FeatureVector& now;
  std::span<const features::FeatureVector> history;  // oldest first, ending with `now`; empty where no model needs it
};

struct Prediction {
  ModelKind model = ModelKind::XGBoost;
  std::array<double, 3> p{};  // SELL, HOLD, BUY; sums to 1 when valid
  domain::Action action = domain::Action::Hold;  // argmax if its margin over the second is ≥ min_margin, else Hold
  bool valid = false;
  std::string_view why_invalid;  // static text
};

/// What the decision rules need to know of a fitted model besides its weights; from the artefact's card.json.
struct ModelTraits {
  ModelKind kind = ModelKind::XGBoost;
  std::string schema_id;
  std::string artifact_sha256;       // of the weights file
  double temperature = 1;            // logits are divided by it (Guo et al. 2017); fitted on validation rows
  std::array<double, 3> class_mean_abs_r{};  // mean |forward log return| of each class, in units of σ100·√H
  std::int32_t horizon_bars = 4;
  bool synthetic = false;  // trained on synthetic data
};

class Model {
 public:
  virtual ~Model() = default;
  virtual const ModelTraits& traits() const = 0;
  virtual Prediction predict(const ModelInput& input) const = 0;
};

/// Gradient-boosted trees from the bytes of a fitted model file. Errors: Corrupt, Unsupported, SchemaMismatch (feature
/// count ≠ 64 or class count ≠ 3).
base::Result<std::unique_ptr<Model>> load_xgboost(std::span<const std::byte> file, ModelTraits traits);  // JSON or UBJSON
base::Result<std::unique_ptr<Model>> load_lightgbm(std::span<const std::byte> file, ModelTraits traits);  // text

}  // namespace qtrader::models
