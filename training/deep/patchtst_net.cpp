#include "training/deep/patchtst_net.hpp"

#include <cmath>
#include <string>

#include "training/deep/attention_kernel.hpp"
#include "training/deep/runtime.hpp"

namespace qtrader::training::deep {
namespace {

constexpr double kRevInEpsilon = 1e-5;
constexpr double kPositionRange = 0.02;  // of the initial uniform distribution

/// BatchNorm over all series and patches. [series, patches, d] as rows of d gives the sums that the repository's
/// transposed form gives, without its copies.
torch::Tensor normed(torch::nn::BatchNorm1d& norm, const torch::Tensor& x) {
  return norm(x.reshape({-1, x.size(-1)})).view(x.sizes());
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

AttentionShape attention_shape(const torch::Tensor& projected, std::int64_t heads) {
  return {projected.size(0), projected.size(1), heads, projected.size(2) / 3 / heads};
}

const float* data_or_null(const torch::Tensor& t) { return t.defined() ? t.data_ptr<float>() : nullptr; }

/// attention_kernel as an operation that libtorch can differentiate: (projected, previous) → (mixed, scores).
class AttentionFunction : public torch::autograd::Function<AttentionFunction> {
 public:
  static variable_list forward(AutogradContext* context, const torch::Tensor& projected,
                               const c10::optional<torch::Tensor>& previous, std::int64_t heads) {
    const torch::Tensor p = projected.contiguous();
    const AttentionShape s = attention_shape(p, heads);
    const torch::Tensor scores = torch::empty({s.series, heads, s.positions, s.positions});
    const torch::Tensor weights = torch::empty_like(scores), mixed = torch::empty({s.series, s.positions, s.d_model()});
    attention_forward({s, p.data_ptr<float>(), previous ? previous->data_ptr<float>() : nullptr},
                      {scores.data_ptr<float>(), weights.data_ptr<float>(), mixed.data_ptr<float>()});
    context->save_for_backward({p, weights});
    context->saved_data["heads"] = heads;
    context->saved_data["first"] = !previous.has_value();
    context->set_materialize_grads(false);
    return {mixed, scores};
  }

  static variable_list backward(AutogradContext* context, variable_list by) {
    const variable_list saved = context->get_saved_variables();
    const AttentionShape s = attention_shape(saved[0], context->saved_data["heads"].toInt());
    const torch::Tensor by_mixed = by[0].contiguous(), by_scores = by[1].defined() ? by[1].contiguous() : by[1];
    const torch::Tensor projected = torch::empty_like(saved[0]);
    torch::Tensor previous;
    if (!context->saved_data["first"].toBool()) previous = torch::empty_like(saved[1]);
    attention_backward({s, saved[0].data_ptr<float>(), nullptr}, saved[1].data_ptr<float>(),
                       {by_mixed.data_ptr<float>(), data_or_null(by_scores)},
                       {projected.data_ptr<float>(), previous.defined() ? previous.data_ptr<float>() : nullptr});
    return {projected, previous, torch::Tensor()};
  }
};

/// The same through libtorch's own operations, for other devices.
variable_list attend_anywhere(const torch::Tensor& projected, const torch::Tensor& previous, std::int64_t heads) {
  const AttentionShape s = attention_shape(projected, heads);
  const torch::Tensor parts = projected.view({s.series, s.positions, 3, heads, s.width}).permute({2, 0, 3, 1, 4});
  const torch::Tensor query = parts[0] / std::sqrt(static_cast<double>(s.width));
  torch::Tensor scores = torch::matmul(query, parts[1].transpose(2, 3));
  if (previous.defined()) scores = scores + previous;
  const torch::Tensor mixed = torch::matmul(torch::softmax(scores, -1), parts[2]);
  return {mixed.transpose(1, 2).reshape({s.series, s.positions, s.d_model()}), scores};
}

}  // namespace

ResidualAttentionImpl::ResidualAttentionImpl(std::int64_t d_model, std::int64_t heads, double dropout)
    : heads_(heads),
      dropout_(dropout),
      project_(register_module("project", torch::nn::Linear(d_model, 3 * d_model))),
      out_(register_module("out", torch::nn::Linear(d_model, d_model))) {}

torch::Tensor ResidualAttentionImpl::forward(const torch::Tensor& x, torch::Tensor& scores) {
  const torch::Tensor projected = project_(x);
  const c10::optional<torch::Tensor> previous = scores.defined() ? c10::make_optional(scores) : c10::nullopt;
  const variable_list out = projected.device().is_cpu() ? AttentionFunction::apply(projected, previous, heads_)
                                                        : attend_anywhere(projected, scores, heads_);
  scores = out[1];
  return hashed_dropout(out_(out[0]), dropout_, is_training());
}

PatchEncoderLayerImpl::PatchEncoderLayerImpl(const PatchTstShape& shape)
    : dropout_(shape.dropout),
      attention_(register_module("attention", ResidualAttention(shape.d_model, shape.heads, shape.dropout))),
      attention_norm_(register_module("attention_norm", torch::nn::BatchNorm1d(shape.d_model))),
      feed_forward_norm_(register_module("feed_forward_norm", torch::nn::BatchNorm1d(shape.d_model))),
      widen_(register_module("widen", torch::nn::Linear(shape.d_model, shape.d_ff))),
      narrow_(register_module("narrow", torch::nn::Linear(shape.d_ff, shape.d_model))) {}

torch::Tensor PatchEncoderLayerImpl::forward(torch::Tensor x, torch::Tensor& scores) {
  x = normed(attention_norm_, x + hashed_dropout(attention_(x, scores), dropout_, is_training()));
  const torch::Tensor wide = hashed_dropout(torch::gelu(widen_(x)), dropout_, is_training());
  return normed(feed_forward_norm_, x + hashed_dropout(narrow_(wide), dropout_, is_training()));
}

PatchTstNet::PatchTstNet(const PatchTstShape& shape)
    : shape_(shape),
      embed_(register_module("embed", torch::nn::Linear(shape.patch, shape.d_model))),
      head_(register_module("head", torch::nn::Linear(shape.d_model * shape.patches(), shape.horizon))) {
  if (shape.affine) {
    scale_ = register_parameter("scale", torch::ones({shape.channels, 1}));
    shift_ = register_parameter("shift", torch::zeros({shape.channels, 1}));
  }
  position_ = register_parameter(
      "position", torch::empty({shape.patches(), shape.d_model}).uniform_(-kPositionRange, kPositionRange));
  for (std::int64_t i = 0; i < shape.layers; ++i)
    layers_.push_back(register_module("layer" + std::to_string(i), PatchEncoderLayer(shape)));
}

torch::Tensor PatchTstNet::encode(const torch::Tensor& series) {
  namespace F = torch::nn::functional;
  const auto end = F::PadFuncOptions({0, shape_.stride}).mode(torch::kReplicate);
  const torch::Tensor patches = F::pad(series, end).unfold(-1, shape_.patch, shape_.stride);
  const torch::Tensor embedded = embed_(patches.reshape({-1, shape_.patches(), shape_.patch}));
  torch::Tensor x = hashed_dropout(embedded + position_, shape_.dropout, is_training());
  torch::Tensor scores;
  for (PatchEncoderLayer& layer : layers_) x = layer(x, scores);
  // The repository flattens [d_model, patches]; its order only names the columns of the head's weights.
  return head_(x.flatten(1)).view({series.size(0), series.size(1), shape_.horizon});
}

torch::Tensor PatchTstNet::forward(const torch::Tensor& x) {
  const torch::Tensor mean = x.mean(-1, true).detach();
  const torch::Tensor deviation = torch::sqrt(x.var(-1, /*unbiased=*/false, /*keepdim=*/true) + kRevInEpsilon).detach();
  torch::Tensor z = (x - mean) / deviation;
  if (shape_.affine) z = z * scale_ + shift_;
  torch::Tensor y = encode(z);
  if (shape_.affine) y = (y - shift_) / (scale_ + kRevInEpsilon * kRevInEpsilon);
  return y * deviation + mean;
}

}  // namespace qtrader::training::deep
