// NHits: the forward pass of N-HiTS (Challu et al. 2023), decision variant: class logits and a quantile forecast.
//
// Three stacks of two blocks read the target series y doubly residually, with four learned mixtures of the features and
// the last bar's features as exogenous inputs; formulas and file in docs/formats/network-weights.md. Made from a weight
// file when a model is loaded; forward() allocates nothing and gives the same bits on every machine. Never trains.
#pragma once

#include <array>
#include <memory>

#include "core/models/model.hpp"
#include "core/models/network/kernels.hpp"
#include "core/models/network/tensor_file.hpp"
#include "core/models/network/window.hpp"

namespace qtrader::models {

class NHits {
 public:
  struct Output {
    std::array<float, 3> logits{};  // SELL, HOLD, BUY
    QuantileForecast quantiles{};   // each step sorted
  };

  static constexpr std::size_t kHidden = 256;
  static constexpr std::size_t kExogenous = 4;
  static constexpr std::size_t kStacks = 3;
  static constexpr std::size_t kBlocksPerStack = 2;
  static constexpr std::size_t kHorizon = 8;
  static constexpr std::size_t kQuantiles = 3;
  static constexpr std::array<std::size_t, kStacks> kPooling = {8, 4, 1};     // max of the target, mean of the mixtures
  static constexpr std::array<std::size_t, kStacks> kDownsample = {4, 2, 1};  // steps to a forecast knot

  /// Copies what it needs of the file. Errors as NetworkFile: Unsupported for other sizes than these, Corrupt naming
  /// the tensor that is missing, unknown, of another type or shape, or not finite.
  static base::Result<NHits> create(const TensorFile& file, const Kernels& kernels = best_kernels());

  NHits(NHits&&) noexcept;
  NHits& operator=(NHits&&) noexcept;
  ~NHits();

  Output forward(const NetworkWindow& window) const;
  const Normaliser& normaliser() const { return normaliser_; }

 private:
  struct Weights;
  struct Scratch;
  NHits(std::unique_ptr<Weights> weights, const Normaliser& normaliser, const Kernels& kernels);

  Normaliser normaliser_;
  const Kernels* kernels_;
  std::unique_ptr<const Weights> weights_;
  std::unique_ptr<Scratch> scratch_;  // written by forward(), which no two threads may call at once: core is one thread
};

}  // namespace qtrader::models
