#include "training/deep/nhits_net.hpp"

#include <algorithm>

#include "core/base/check.hpp"
#include "training/deep/runtime.hpp"

namespace qtrader::training::deep {

namespace F = torch::nn::functional;

NhitsBlockImpl::NhitsBlockImpl(const NhitsShape& shape, std::size_t stack)
    : look_back_(shape.look_back), horizon_(shape.horizon), pooling_(shape.pooling[stack]), dropout_(shape.dropout) {
  std::int64_t width = (look_back_ + pooling_ - 1) / pooling_;
  for (std::int64_t i = 0; i < shape.layers; ++i) {
    layers_.push_back(register_module("layer" + std::to_string(i), torch::nn::Linear(width, shape.hidden)));
    width = shape.hidden;
  }
  const std::int64_t knots = std::max<std::int64_t>(horizon_ / shape.down_sampling[stack], 1);
  backcast_ = register_module("backcast", torch::nn::Linear(width, look_back_));
  knots_ = register_module("knots", torch::nn::Linear(width, knots));
}

NhitsBlockImpl::Output NhitsBlockImpl::forward(const torch::Tensor& x) {
  torch::Tensor h = x;
  if (pooling_ > 1)
    h = F::max_pool1d(h.unsqueeze(1), F::MaxPool1dFuncOptions(pooling_).stride(pooling_).ceil_mode(true)).squeeze(1);
  for (torch::nn::Linear& layer : layers_) h = hashed_dropout(torch::relu(layer(h)), dropout_, is_training());
  torch::Tensor forecast = knots_(h);
  if (forecast.size(1) != horizon_) {
    auto linear = F::InterpolateFuncOptions().size(std::vector<std::int64_t>{horizon_}).mode(torch::kLinear);
    forecast = F::interpolate(forecast.unsqueeze(1), linear.align_corners(false)).squeeze(1);
  }
  return {backcast_(h), forecast};
}

NhitsNet::NhitsNet(const NhitsShape& shape) : shape_(shape) {
  QT_CHECK(shape.pooling.size() == shape.down_sampling.size(), "one pooling and one down-sampling for each stack");
  for (std::size_t stack = 0; stack < shape.pooling.size(); ++stack)
    for (std::int64_t i = 0; i < shape.blocks; ++i)
      blocks_.push_back(register_module("block" + std::to_string(blocks_.size()), NhitsBlock(shape, stack)));
}

torch::Tensor NhitsNet::forward(const torch::Tensor& x) {
  // Newest first, so that a pooling that does not divide the look-back cuts the oldest values short.
  const torch::Tensor newest_first = x.reshape({-1, shape_.look_back}).flip(1);
  const torch::Tensor known = newest_first.isnan().logical_not();
  torch::Tensor forecast = newest_first.slice(1, 0, 1);  // repeated over the horizon by the first sum
  torch::Tensor left = (shape_.relative ? newest_first - forecast : newest_first).nan_to_num(0);
  for (NhitsBlock& block : blocks_) {
    const NhitsBlockImpl::Output out = block->forward(left);
    left = (left - out.backcast) * known;
    forecast = forecast + out.forecast;
  }
  return forecast.view({x.size(0), x.size(1), shape_.horizon});
}

}  // namespace qtrader::training::deep
