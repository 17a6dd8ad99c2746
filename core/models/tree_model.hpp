// TreeModel: a Forest behind the Model interface; what the XGBoost and LightGBM loaders return.
//
// Private to this room. Maps a feature vector to class probabilities: row as the trainer would read it, sums of leaves,
// softmax of sums / temperature. A row the trainer could not have read is invalid, never a guess.
#pragma once

#include <cmath>
#include <limits>
#include <string>

#include "core/base/hash.hpp"
#include "core/models/forest.hpp"
#include "core/models/model.hpp"

namespace qtrader::models {

template <class Leaf>
class TreeModel final : public Model {
 public:
  TreeModel(ModelTraits traits, Forest<Leaf> forest, std::array<Leaf, 3> start)
      : traits_(std::move(traits)), forest_(std::move(forest)), start_(start) {}

  const ModelTraits& traits() const override { return traits_; }

  Prediction predict(const ModelInput& input) const override {
    Prediction out{.model = traits_.kind};
    if (!input.now.valid) {
      out.why_invalid = "feature vector is invalid";
      return out;
    }
    std::array<double, features::kFeatureCount> row;
    constexpr auto kLargest = static_cast<double>(std::numeric_limits<Leaf>::max());
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double x = input.now.x[i];
      if (x > kLargest || x < -kLargest) {
        out.why_invalid = "a feature is infinite";
        return out;
      }
      row[i] = static_cast<double>(static_cast<Leaf>(x));  // XGBoost reads features as float
    }
    const std::array<Leaf, 3> sums = forest_.sums(row, start_);
    finish_prediction({static_cast<double>(sums[0]), static_cast<double>(sums[1]), static_cast<double>(sums[2])},
                      traits_.temperature, out);
    return out;
  }

 private:
  ModelTraits traits_;
  Forest<Leaf> forest_;
  std::array<Leaf, 3> start_;
};

/// Reads the trees out of the bytes of a model file. Errors: as load_xgboost and load_lightgbm, except for what only
/// Forest::build finds.
base::Result<TreeFile> read_xgboost(std::span<const std::byte> file);
base::Result<TreeFile> read_lightgbm(std::span<const std::byte> file);

/// Fails if the bytes are not those the card speaks of; without a hash in the traits, puts the bytes' own there.
inline base::Result<void> identify(std::span<const std::byte> file, ModelTraits& traits) {
  const std::string sha256 = base::Sha256().update(file).finish_hex();
  if (traits.artifact_sha256.empty()) traits.artifact_sha256 = sha256;
  if (traits.artifact_sha256 != sha256) {
    return base::Error{"models", base::Errc::Corrupt,
                       "model file has SHA-256 " + sha256 + ", expected " + traits.artifact_sha256};
  }
  if (!(traits.temperature > 0) || !std::isfinite(traits.temperature)) {
    return base::Error{"models", base::Errc::InvalidArgument,
                       "model temperature is " + std::to_string(traits.temperature) + ", expected a finite number > 0"};
  }
  return {};
}

}  // namespace qtrader::models
