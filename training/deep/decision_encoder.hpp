// DecisionEncoder: the transformer layers of PatchTST's decision variant for training on a CPU: the arithmetic of
// DecisionLayer, forward and backward by hand.
//
// Operator by operator, a batch of 46 080 tokens passes through main memory some forty times in each layer. Here a few
// sequences at a time go through everything between two BatchNorms while they lie in the cache; attention over 15
// patches is written out instead of two hundred thousand tiny matrix products, and dropout masks are hashed again in
// the backward pass instead of kept. Work and sums are cut into a fixed number of lanes, so the result does not depend
// on the number of threads. Only for sources of this room: the header names torch types.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "training/deep/torch.hpp"

namespace qtrader::training::deep {

/// One transformer layer, through libtorch's own operations: how it is evaluated, and what DecisionEncoder is checked
/// against. Attention adds the previous layer's scores to its own (He et al. 2021, RealFormer); BatchNorm over all
/// tokens follows each residual sum.
class DecisionLayerImpl : public torch::nn::Module {
 public:
  struct Shape {
    std::int64_t d_model = 64, heads = 4, d_ff = 128;
  };
  explicit DecisionLayerImpl(const Shape& shape);
  /// x: [sequences, patches, d_model]; scores: of the layer before, undefined for the first, replaced by this layer's.
  torch::Tensor forward(const torch::Tensor& x, torch::Tensor& scores);

  const std::int64_t heads;
  torch::nn::Linear q, k, v, o, ff1, ff2;
  torch::nn::BatchNorm1d norm1, norm2;
};
TORCH_MODULE(DecisionLayer);

class DecisionEncoder {
 public:
  static constexpr std::int64_t kPatches = 15, kModel = 64, kHeads = 4, kFeedForward = 128;

  /// Shares its parameters and running statistics with `layers`, which must have these sizes (QT_CHECK).
  DecisionEncoder(const std::vector<DecisionLayer>& layers, double dropout);
  ~DecisionEncoder();

  /// x: [sequences, patches, d_model] → the same. Normalises by the batch and moves the running statistics; dropout is
  /// keyed by torch's generator. Its backward pass must run before the next forward (QT_CHECK).
  torch::Tensor forward(const torch::Tensor& x);
  /// In evaluation mode: running statistics, no dropout, no gradient.
  torch::Tensor evaluate(const torch::Tensor& x);

 private:
  struct State;
  struct Backward;
  std::shared_ptr<State> state_;
};

}  // namespace qtrader::training::deep
