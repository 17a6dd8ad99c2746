// DecisionNets: the two trading networks as libtorch trains them, N-HiTS (Challu et al. 2023) and PatchTST (Nie et al.
// 2023) with a class head, which is linear in a summary of the window and in the last bar's features;
// core/models/network serves the same arithmetic from the exported weights.
//
// Input: windows of a WindowTable. Output: logits of SELL, HOLD, BUY and, for N-HiTS, quantiles of the next bars. Only
// for sources of this room: the header names torch types.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "training/deep/decision_data.hpp"
#include "training/deep/decision_encoder.hpp"
#include "training/deep/torch.hpp"

namespace qtrader::training::deep {

/// What a network reads of a batch of windows.
struct DecisionBatch {
  torch::Tensor features;  // N-HiTS: [windows, steps, 64]; PatchTST: [windows, channels, steps]
  torch::Tensor last;      // [windows, 64], of the last bar
  torch::Tensor series;    // N-HiTS: [windows, steps], log closes against the last one in units of rv_20
};

struct DecisionOutput {
  torch::Tensor logits;     // [windows, 3]
  torch::Tensor quantiles;  // N-HiTS: [windows, horizon, 3], not sorted; else undefined
};

class DecisionNet : public torch::nn::Module {
 public:
  virtual DecisionBatch gather(const WindowTable& table, std::span<const std::uint32_t> ends) const = 0;
  virtual DecisionOutput forward(const DecisionBatch& batch) = 0;
  /// Evaluation by libtorch's own operations alone, where training's kernels would be faster: the yardstick for both.
  void use_reference() { reference_ = true; }
  /// Makes the logits this linear model's and nothing else, so that training goes on from what it knows.
  void start_from(const LinearStart& start);

 protected:
  /// To be called once, by the constructor: how many numbers a window is summed up in.
  void make_head(std::int64_t width);
  /// [windows, 3] of summary [windows, width] and the last bar's features.
  torch::Tensor logits(const torch::Tensor& summary, const torch::Tensor& last);

  bool reference_ = false;

 private:
  torch::nn::Linear classes_{nullptr}, linear_{nullptr};
};

struct NhitsDecisionShape {
  std::int64_t hidden = 256, exogenous = 4, blocks_per_stack = 2;
  std::vector<std::int64_t> kernels = {8, 4, 1};     // pooling of each stack
  std::vector<std::int64_t> downsample = {4, 2, 1};  // steps of the horizon for each forecast knot, by stack
  std::int64_t quantiles = 3;
  double dropout = 0.1;
};

class NhitsDecisionBlockImpl : public torch::nn::Module {
 public:
  NhitsDecisionBlockImpl(const NhitsDecisionShape& shape, std::size_t stack);

  struct Output {
    torch::Tensor hidden, backcast, forecast;  // [windows, hidden], [windows, steps], [windows, quantiles, horizon]
  };
  /// left: [windows, steps], what is left of the series; known: [windows, …], what all blocks of the stack see.
  Output forward(const torch::Tensor& left, const torch::Tensor& known);

 private:
  std::int64_t kernel_, quantiles_;
  double dropout_;
  torch::nn::Linear mlp1_{nullptr}, mlp2_{nullptr}, backcast_{nullptr}, forecast_{nullptr};
};
TORCH_MODULE(NhitsDecisionBlock);

class NhitsDecisionNet : public DecisionNet {
 public:
  explicit NhitsDecisionNet(const NhitsDecisionShape& shape = {});
  const NhitsDecisionShape& shape() const { return shape_; }
  DecisionBatch gather(const WindowTable& table, std::span<const std::uint32_t> ends) const override;
  DecisionOutput forward(const DecisionBatch& batch) override;

 private:
  NhitsDecisionShape shape_;
  torch::nn::Linear exogenous_{nullptr};
  std::vector<NhitsDecisionBlock> blocks_;  // by stack
};

struct PatchTstDecisionShape {
  std::vector<PatchChannel> channels = default_patch_channels();
  std::int64_t patch = 16, stride = 8, d_model = 64, heads = 4, layers = 3, d_ff = 128, per_channel = 8;
  double dropout = 0.2;
};

class PatchTstDecisionNet : public DecisionNet {
 public:
  explicit PatchTstDecisionNet(const PatchTstDecisionShape& shape = {});
  const PatchTstDecisionShape& shape() const { return shape_; }
  DecisionBatch gather(const WindowTable& table, std::span<const std::uint32_t> ends) const override;
  DecisionOutput forward(const DecisionBatch& batch) override;

 private:
  std::int64_t patches() const;
  torch::Tensor normalised(const torch::Tensor& channels);

  PatchTstDecisionShape shape_;
  std::vector<std::int64_t> level_;  // positions of the level channels
  torch::Tensor level_positions_, gamma_, beta_, position_;
  torch::nn::Linear embed_{nullptr}, channel_{nullptr};
  std::vector<DecisionLayer> layers_;
  std::optional<DecisionEncoder> encoder_;  // the layers, as training runs them
};

}  // namespace qtrader::training::deep
