#include "training/deep/decision_nets.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/base/check.hpp"
#include "training/deep/runtime.hpp"

namespace qtrader::training::deep {

namespace F = torch::nn::functional;
using features::kFeatureCount;

namespace {

constexpr auto kSteps = static_cast<std::int64_t>(kWindowSteps);
constexpr auto kFeatures = static_cast<std::int64_t>(kFeatureCount);
constexpr auto kHorizon = static_cast<std::int64_t>(kForecastSteps);
constexpr double kRevInEpsilon = 1e-5;
constexpr double kPositionRange = 0.02;  // of the initial uniform distribution

std::int64_t count(std::span<const std::uint32_t> ends) { return static_cast<std::int64_t>(ends.size()); }

/// [rows, n] → [rows, steps], linearly.
torch::Tensor interpolated(const torch::Tensor& knots, std::int64_t steps) {
  if (knots.size(-1) == steps) return knots;
  return torch::upsample_linear1d(knots, steps, /*align_corners=*/false);
}

}  // namespace

void DecisionNet::make_head(std::int64_t width) {
  classes_ = register_module("classes", torch::nn::Linear(width, 3));
  linear_ = register_module("linear", torch::nn::Linear(torch::nn::LinearOptions(kFeatures, 3).bias(false)));
}

torch::Tensor DecisionNet::logits(const torch::Tensor& summary, const torch::Tensor& last) {
  return classes_(summary) + linear_(last);
}

void DecisionNet::start_from(const LinearStart& start) {
  const torch::NoGradGuard no_grad;
  classes_->weight.zero_();
  classes_->bias.copy_(torch::tensor(torch::ArrayRef<float>(start.bias)));
  linear_->weight.copy_(torch::tensor(torch::ArrayRef<float>(start.weights)).view({3, kFeatures}));
}

NhitsDecisionBlockImpl::NhitsDecisionBlockImpl(const NhitsDecisionShape& shape, std::size_t stack)
    : kernel_(shape.kernels[stack]), quantiles_(shape.quantiles), dropout_(shape.dropout) {
  const std::int64_t pooled = kSteps / kernel_;
  const std::int64_t width = pooled * (1 + shape.exogenous) + kFeatures;
  mlp1_ = register_module("mlp1", torch::nn::Linear(width, shape.hidden));
  mlp2_ = register_module("mlp2", torch::nn::Linear(shape.hidden, shape.hidden));
  backcast_ = register_module("backcast", torch::nn::Linear(shape.hidden, pooled));
  forecast_ =
      register_module("forecast", torch::nn::Linear(shape.hidden, kHorizon / shape.downsample[stack] * quantiles_));
}

NhitsDecisionBlockImpl::Output NhitsDecisionBlockImpl::forward(const torch::Tensor& left, const torch::Tensor& known) {
  const torch::Tensor pooled = kernel_ == 1 ? left : torch::max_pool1d(left.unsqueeze(1), kernel_, kernel_).squeeze(1);
  torch::Tensor h = hashed_dropout(torch::relu(mlp1_(torch::cat({pooled, known}, 1))), dropout_, is_training());
  h = hashed_dropout(torch::relu(mlp2_(h)), dropout_, is_training());
  const torch::Tensor forecast_knots = forecast_(h).view({left.size(0), -1, quantiles_}).transpose(1, 2);
  return {h, interpolated(backcast_(h).unsqueeze(1), kSteps).squeeze(1), interpolated(forecast_knots, kHorizon)};
}

NhitsDecisionNet::NhitsDecisionNet(const NhitsDecisionShape& shape) : shape_(shape) {
  QT_CHECK(shape.kernels.size() == shape.downsample.size(), "one pooling and one down-sampling for each stack");
  exogenous_ = register_module("exogenous", torch::nn::Linear(kFeatureCount, shape.exogenous));
  for (std::size_t stack = 0; stack < shape.kernels.size(); ++stack)
    for (std::int64_t b = 0; b < shape.blocks_per_stack; ++b)
      blocks_.push_back(register_module("stack" + std::to_string(stack) + "_block" + std::to_string(b),
                                        NhitsDecisionBlock(shape, stack)));
  make_head(static_cast<std::int64_t>(blocks_.size()) * shape.hidden);
}

DecisionBatch NhitsDecisionNet::gather(const WindowTable& table, std::span<const std::uint32_t> ends) const {
  constexpr std::size_t kWindow = kWindowSteps * kFeatureCount;
  DecisionBatch out;
  out.features = torch::empty({count(ends), kSteps, kFeatures});
  out.series = torch::empty({count(ends), kSteps});
  auto* z = out.features.data_ptr<float>();
  auto* y = out.series.data_ptr<float>();
  for (const std::uint32_t end : ends) {
    const std::size_t first = end + 1 - kWindowSteps;
    std::memcpy(z, &table.z[first * kFeatureCount], kWindow * sizeof(float));
    const auto unit = static_cast<double>(table.rv_20[end]);
    for (std::size_t t = 0; t < kWindowSteps; ++t)
      y[t] = models::target(table.log_close[first + t], table.log_close[end], unit);
    z += kWindow;
    y += kWindowSteps;
  }
  out.last = out.features.select(1, kSteps - 1);
  return out;
}

DecisionOutput NhitsDecisionNet::forward(const DecisionBatch& batch) {
  const torch::Tensor exogenous = exogenous_(batch.features).transpose(1, 2);  // [windows, exogenous, steps]
  torch::Tensor left = batch.series, known, forecast;
  std::vector<torch::Tensor> hidden;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const auto blocks = static_cast<std::size_t>(shape_.blocks_per_stack);
    if (i % blocks == 0) {
      const std::int64_t kernel = shape_.kernels[i / blocks];
      const torch::Tensor pooled = kernel == 1 ? exogenous : torch::avg_pool1d(exogenous, kernel, kernel);
      known = torch::cat({pooled.flatten(1), batch.last}, 1);
    }
    const NhitsDecisionBlockImpl::Output out = blocks_[i]->forward(left, known);
    left = left - out.backcast;
    forecast = i == 0 ? out.forecast : forecast + out.forecast;
    hidden.push_back(out.hidden);
  }
  return {logits(torch::cat(hidden, 1), batch.last), forecast.transpose(1, 2)};
}

PatchTstDecisionNet::PatchTstDecisionNet(const PatchTstDecisionShape& shape) : shape_(shape) {
  const auto channels = static_cast<std::int64_t>(shape.channels.size());
  for (std::size_t c = 0; c < shape.channels.size(); ++c)
    if (shape.channels[c].level) level_.push_back(static_cast<std::int64_t>(c));
  level_positions_ = torch::tensor(level_, torch::kInt64);
  gamma_ = register_parameter("gamma", torch::ones({channels}));
  beta_ = register_parameter("beta", torch::zeros({channels}));
  embed_ = register_module("embed", torch::nn::Linear(shape.patch, shape.d_model));
  position_ = register_parameter("position",
                                 torch::empty({patches(), shape.d_model}).uniform_(-kPositionRange, kPositionRange));
  for (std::int64_t i = 0; i < shape.layers; ++i)
    layers_.push_back(register_module("layer" + std::to_string(i),
                                      DecisionLayer(DecisionLayerImpl::Shape{shape.d_model, shape.heads, shape.d_ff})));
  encoder_.emplace(layers_, shape.dropout);
  channel_ = register_module("channel", torch::nn::Linear(patches() * shape.d_model, shape.per_channel));
  make_head(channels * shape.per_channel);
}

/// Including the one of the padding.
std::int64_t PatchTstDecisionNet::patches() const { return (kSteps - shape_.patch) / shape_.stride + 2; }

DecisionBatch PatchTstDecisionNet::gather(const WindowTable& table, std::span<const std::uint32_t> ends) const {
  const auto channels = static_cast<std::int64_t>(shape_.channels.size());
  DecisionBatch out;
  out.features = torch::empty({count(ends), channels, kSteps});
  out.last = torch::empty({count(ends), kFeatures});
  auto* to = out.features.data_ptr<float>();
  auto* last = out.last.data_ptr<float>();
  for (const std::uint32_t end : ends) {
    const float* window = &table.z[(end + 1 - kWindowSteps) * kFeatureCount];
    for (const PatchChannel& channel : shape_.channels) {
      const float* from = window + static_cast<std::size_t>(channel.feature);
      for (std::size_t t = 0; t < kWindowSteps; ++t) *to++ = from[t * kFeatureCount];
    }
    last = std::copy_n(window + (kWindowSteps - 1) * kFeatureCount, kFeatureCount, last);
  }
  return out;
}

/// RevIN over the level channels. The input needs no gradient, so only gamma and beta are part of the graph.
torch::Tensor PatchTstDecisionNet::normalised(const torch::Tensor& channels) {
  if (level_.empty()) return channels;
  const torch::Tensor levels = channels.index_select(1, level_positions_).to(torch::kFloat64);
  const torch::Tensor mean = levels.mean(-1, true);
  const torch::Tensor variance = levels.var(-1, /*unbiased=*/false, /*keepdim=*/true);
  const torch::Tensor scaled = ((levels - mean) / torch::sqrt(variance + kRevInEpsilon)).to(torch::kFloat32);
  const auto of_levels = [&](const torch::Tensor& parameter) {
    return parameter.index_select(0, level_positions_).unsqueeze(-1);
  };
  return channels.index_copy(1, level_positions_, scaled * of_levels(gamma_) + of_levels(beta_));
}

DecisionOutput PatchTstDecisionNet::forward(const DecisionBatch& batch) {
  const std::int64_t windows = batch.features.size(0), channels = batch.features.size(1);
  const auto end = F::PadFuncOptions({0, shape_.stride}).mode(torch::kReplicate);
  const torch::Tensor patches = F::pad(normalised(batch.features), end).unfold(-1, shape_.patch, shape_.stride);
  const torch::Tensor embedded = embed_(patches.reshape({windows * channels, -1, shape_.patch}));
  torch::Tensor x = hashed_dropout(embedded + position_, shape_.dropout, is_training()), scores;
  if (is_training())
    x = encoder_->forward(x);
  else if (!reference_)
    x = encoder_->evaluate(x);
  else
    for (DecisionLayer& layer : layers_) x = layer(x, scores);
  const torch::Tensor summary = torch::gelu(channel_(x.flatten(1))).view({windows, -1});
  return {logits(summary, batch.last), {}};
}

}  // namespace qtrader::training::deep
