// PatchTST, supervised, as its authors' repository yuqinie98/PatchTST trains it (Nie et al., ICLR 2023).
//
// Channel-independent: every channel of every window is a series of its own for one shared transformer. RevIN, end
// padding by replication, patches, linear embedding with learnt positions, encoder layers with residual attention,
// GELU and BatchNorm after each residual sum, one linear head over the flattened patches. Only for sources of this
// room: the header names torch types.
#pragma once

#include <cstdint>
#include <vector>

#include "training/deep/forecast_net.hpp"

namespace qtrader::training::deep {

struct PatchTstShape {
  std::int64_t channels = 1, look_back = 336, horizon = 96;
  std::int64_t patch = 16, stride = 8;
  std::int64_t d_model = 128, heads = 16, layers = 3, d_ff = 256;
  double dropout = 0.2;
  bool affine = false;  // RevIN's learnt scale and shift of each channel; off in the authors' scripts (--affine 0)

  /// Including the one of the padding.
  std::int64_t patches() const { return (look_back - patch) / stride + 2; }
};

/// Attention that adds the previous layer's scores to its own (He et al. 2021, RealFormer).
class ResidualAttentionImpl : public torch::nn::Module {
 public:
  ResidualAttentionImpl(std::int64_t d_model, std::int64_t heads, double dropout);
  /// x: [series, patches, d_model]; scores: of the layer before, undefined for the first, replaced by this layer's.
  torch::Tensor forward(const torch::Tensor& x, torch::Tensor& scores);

 private:
  std::int64_t heads_;
  double dropout_;
  torch::nn::Linear project_, out_;  // queries, keys and values beside each other
};
TORCH_MODULE(ResidualAttention);

class PatchEncoderLayerImpl : public torch::nn::Module {
 public:
  explicit PatchEncoderLayerImpl(const PatchTstShape& shape);
  torch::Tensor forward(torch::Tensor x, torch::Tensor& scores);

 private:
  double dropout_;
  ResidualAttention attention_;
  torch::nn::BatchNorm1d attention_norm_, feed_forward_norm_;
  torch::nn::Linear widen_, narrow_;
};
TORCH_MODULE(PatchEncoderLayer);

class PatchTstNet : public ForecastNet {
 public:
  explicit PatchTstNet(const PatchTstShape& shape);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  torch::Tensor encode(const torch::Tensor& series);

  PatchTstShape shape_;
  torch::Tensor scale_, shift_;  // RevIN, if affine
  torch::nn::Linear embed_, head_;
  torch::Tensor position_;
  std::vector<PatchEncoderLayer> layers_;
};

}  // namespace qtrader::training::deep
