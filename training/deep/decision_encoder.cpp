#include "training/deep/decision_encoder.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "core/base/check.hpp"
#include "training/deep/decision_encoder_kernels.hpp"

namespace qtrader::training::deep {
namespace {

using encoder::Dropout;
using encoder::HeadScores;
using encoder::kQkv;
using torch::Tensor;
using torch::autograd::variable_list;

constexpr std::int64_t kPatches = DecisionEncoder::kPatches, kModel = DecisionEncoder::kModel;
constexpr std::int64_t kFeedForward = DecisionEncoder::kFeedForward;
constexpr std::int64_t kLanes = 8;
constexpr std::int64_t kSequences = 32;  // that go through the cache together
constexpr std::int64_t kTokens = kSequences * kPatches;
constexpr std::int64_t kScores = DecisionEncoder::kHeads * kPatches * encoder::kPadded;  // of a sequence

float* data(const Tensor& t) { return t.data_ptr<float>(); }

/// One lane's column sums of a and of a·b.
struct Sums {
  std::array<double, kModel> first{}, product{};

  void add(const float* a, const float* b, std::int64_t rows) {
    for (std::int64_t c = 0; c < kModel; c += 8) {
      __m256 sum = _mm256_setzero_ps(), products = _mm256_setzero_ps();
      for (std::int64_t i = 0; i < rows; ++i) {
        const __m256 x = _mm256_loadu_ps(a + i * kModel + c);
        sum = _mm256_add_ps(sum, x);
        products = _mm256_fmadd_ps(x, _mm256_loadu_ps(b + i * kModel + c), products);
      }
      alignas(32) std::array<float, 8> s, p;
      _mm256_store_ps(s.data(), sum);
      _mm256_store_ps(p.data(), products);
      for (std::size_t j = 0; j < 8; ++j) {
        first[static_cast<std::size_t>(c) + j] += static_cast<double>(s[j]);
        product[static_cast<std::size_t>(c) + j] += static_cast<double>(p[j]);
      }
    }
  }
};

Sums total(const std::array<Sums, kLanes>& lanes) {
  Sums out;
  for (const Sums& lane : lanes)
    for (std::size_t c = 0; c < lane.first.size(); ++c) {
      out.first[c] += lane.first[c];
      out.product[c] += lane.product[c];
    }
  return out;
}

/// BatchNorm of one batch.
struct Norm {
  torch::nn::BatchNorm1dImpl* module = nullptr;
  std::array<double, kModel> mean{}, inverse{};            // of the deviation
  alignas(32) std::array<float, kModel> scale{}, shift{};  // forward: r·scale + shift
  alignas(32) std::array<float, kModel> of_grad{}, of_input{},
      constant{};  // backward: dy·of_grad + r·of_input + constant
  std::array<double, kModel> d_weight{}, d_bias{};

  /// From the sums of r and r².
  void fit(const Sums& sums, std::int64_t rows) {
    const auto n = static_cast<double>(rows);
    const double momentum = *module->options.momentum();
    const auto move = [&](float& running, double value) {
      running = static_cast<float>((1 - momentum) * static_cast<double>(running) + momentum * value);
    };
    for (std::size_t c = 0; c < scale.size(); ++c) {
      mean[c] = sums.first[c] / n;
      const double variance = std::max(sums.product[c] / n - mean[c] * mean[c], 0.0);
      settle(c, variance);
      move(data(module->running_mean)[c], mean[c]);
      move(data(module->running_var)[c], variance * n / std::max(n - 1, 1.0));
    }
    module->num_batches_tracked += 1;
  }

  /// From the running statistics.
  void fit_running() {
    for (std::size_t c = 0; c < scale.size(); ++c) {
      mean[c] = static_cast<double>(data(module->running_mean)[c]);
      settle(c, static_cast<double>(data(module->running_var)[c]));
    }
  }

  /// Scale and shift of a column whose mean is known.
  void settle(std::size_t c, double variance) {
    inverse[c] = 1 / std::sqrt(variance + module->options.eps());
    const double s = static_cast<double>(data(module->weight)[c]) * inverse[c];
    scale[c] = static_cast<float>(s);
    shift[c] = static_cast<float>(static_cast<double>(data(module->bias)[c]) - mean[c] * s);
  }

  /// From the sums of dy and dy·r.
  void fit_backward(const Sums& sums, std::int64_t rows) {
    const auto n = static_cast<double>(rows);
    for (std::size_t c = 0; c < scale.size(); ++c) {
      d_bias[c] = sums.first[c];
      d_weight[c] = inverse[c] * (sums.product[c] - mean[c] * sums.first[c]);
      const auto a = static_cast<double>(scale[c]);
      const double b = -a * d_weight[c] / n * inverse[c];
      of_grad[c] = static_cast<float>(a);
      of_input[c] = static_cast<float>(b);
      constant[c] = static_cast<float>(-a * d_bias[c] / n - b * mean[c]);
    }
  }

  void apply(const float* r, float* out, std::int64_t rows) const {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t c = 0; c < kModel; c += 8)
        _mm256_storeu_ps(out + i * kModel + c, _mm256_fmadd_ps(_mm256_loadu_ps(r + i * kModel + c),
                                                               _mm256_load_ps(&scale[c]), _mm256_load_ps(&shift[c])));
  }

  void apply_backward(const float* d_y, const float* r, float* d_r, std::int64_t rows) const {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t c = 0; c < kModel; c += 8) {
        const __m256 from_input = _mm256_fmadd_ps(_mm256_loadu_ps(r + i * kModel + c), _mm256_load_ps(&of_input[c]),
                                                  _mm256_load_ps(&constant[c]));
        _mm256_storeu_ps(d_r + i * kModel + c, _mm256_fmadd_ps(_mm256_loadu_ps(d_y + i * kModel + c),
                                                               _mm256_load_ps(&of_grad[c]), from_input));
      }
  }
};

/// y ← y·mask, or y ← x + y·mask; `token` is the first row's place in the batch.
void drop(float* y, const float* x, std::int64_t rows, std::int64_t token, const Dropout& mask) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t c = 0; c < kModel; c += 16) {
      __m256 low, high;
      mask.factors(static_cast<std::uint32_t>(((token + i) * kModel + c) / 16), low, high);
      float* at = y + i * kModel + c;
      const float* residual = x == nullptr ? nullptr : x + i * kModel + c;
      const __m256 a = residual == nullptr ? _mm256_setzero_ps() : _mm256_loadu_ps(residual);
      const __m256 b = residual == nullptr ? _mm256_setzero_ps() : _mm256_loadu_ps(residual + 8);
      _mm256_storeu_ps(at, _mm256_fmadd_ps(_mm256_loadu_ps(at), low, a));
      _mm256_storeu_ps(at + 8, _mm256_fmadd_ps(_mm256_loadu_ps(at + 8), high, b));
    }
}

/// wide ← gelu(hidden)·mask; with `slope`: slope ← slope·gelu'(hidden)·mask as well.
void activate(const float* hidden, float* wide, float* slope, std::int64_t rows, std::int64_t token,
              const Dropout& mask) {
  for (std::int64_t at = 0; at < rows * kFeedForward; at += 16) {
    __m256 factor[2];
    mask.factors(static_cast<std::uint32_t>((token * kFeedForward + at) / 16), factor[0], factor[1]);
    for (std::int64_t half = 0; half < 2; ++half) {
      const std::int64_t i = at + 8 * half;
      const encoder::Gelu gelu = encoder::gelu8(_mm256_loadu_ps(hidden + i));
      _mm256_storeu_ps(wide + i, _mm256_mul_ps(gelu.value, factor[half]));
      if (slope == nullptr) continue;
      const __m256 grad = _mm256_mul_ps(_mm256_loadu_ps(slope + i), factor[half]);
      _mm256_storeu_ps(slope + i, _mm256_mul_ps(grad, gelu.slope));
    }
  }
}

void add_columns(const Tensor& y, const Tensor& sums) {
  const std::int64_t rows = y.size(0), columns = y.size(1);
  for (std::int64_t c = 0; c < columns; c += 8) {
    __m256 sum = _mm256_loadu_ps(data(sums) + c);
    for (std::int64_t i = 0; i < rows; ++i) sum = _mm256_add_ps(sum, _mm256_loadu_ps(data(y) + i * columns + c));
    _mm256_storeu_ps(data(sums) + c, sum);
  }
}

struct Linear {
  Tensor weight, bias;  // [out, in], [out]

  void forward(const Tensor& x, Tensor y) const { at::addmm_out(y, bias, x, weight.t()); }
  /// Adds to the gradients of weight and bias.
  void add(const Tensor& x, const Tensor& d_y) const {
    Tensor d_weight = weight;
    at::addmm_out(d_weight, d_weight, d_y.t(), x);
    add_columns(d_y, bias);
  }
  Linear zeros() const { return {torch::zeros_like(weight), torch::zeros_like(bias)}; }
};

/// One layer: what it is made of, what forward leaves for backward, and the gradients.
struct Layer {
  DecisionLayer module{nullptr};
  Linear qkv, out, widen, narrow;
  Norm norm1, norm2;
  Dropout after_attention, inside, after_feed_forward;
  Tensor projected, weights, mixed, sum1, hidden, sum2;  // by token; weights by sequence
};

/// The layer's parameters in the order in which gradients are handed back.
std::vector<Tensor> parameters_of(const DecisionLayerImpl& m) {
  return {m.q->weight,   m.q->bias,   m.k->weight,     m.k->bias,     m.v->weight,   m.v->bias,
          m.o->weight,   m.o->bias,   m.norm1->weight, m.norm1->bias, m.ff1->weight, m.ff1->bias,
          m.ff2->weight, m.ff2->bias, m.norm2->weight, m.norm2->bias};
}

/// What a lane works with; nothing here outlives a batch.
struct Lane {
  Tensor a = torch::empty({kTokens, kModel}), b = torch::empty({kTokens, kModel});
  Tensor wide = torch::empty({kTokens, kFeedForward}), d_wide = torch::empty({kTokens, kFeedForward});
  Tensor d_projected = torch::empty({kTokens, kQkv});
  struct Gradients {
    Linear qkv, out, widen, narrow;
  };
  std::vector<Gradients> gradients;  // by layer
};

/// Rows [token, token + n) of a batch in the hands of a lane.
struct Chunk {
  std::int64_t sequence, sequences;
  std::int64_t token() const { return sequence * kPatches; }
  std::int64_t tokens() const { return sequences * kPatches; }
  Tensor rows(const Tensor& t) const { return t.narrow(0, token(), tokens()); }
  Tensor top(const Tensor& t) const { return t.narrow(0, 0, tokens()); }
};

/// Over all sequences and patches.
Tensor normed(torch::nn::BatchNorm1d& norm, const Tensor& x) { return norm(x.flatten(0, 1)).view(x.sizes()); }

}  // namespace

DecisionLayerImpl::DecisionLayerImpl(const Shape& s)
    : heads(s.heads),
      q(register_module("q", torch::nn::Linear(s.d_model, s.d_model))),
      k(register_module("k", torch::nn::Linear(s.d_model, s.d_model))),
      v(register_module("v", torch::nn::Linear(s.d_model, s.d_model))),
      o(register_module("o", torch::nn::Linear(s.d_model, s.d_model))),
      ff1(register_module("ff1", torch::nn::Linear(s.d_model, s.d_ff))),
      ff2(register_module("ff2", torch::nn::Linear(s.d_ff, s.d_model))),
      norm1(register_module("norm1", torch::nn::BatchNorm1d(s.d_model))),
      norm2(register_module("norm2", torch::nn::BatchNorm1d(s.d_model))) {}

torch::Tensor DecisionLayerImpl::forward(const Tensor& x, Tensor& scores) {
  const auto split = [&](const Tensor& t) { return t.unflatten(-1, {heads, -1}).transpose(1, 2); };
  const Tensor query = split(q(x)), key = split(k(x)), value = split(v(x));
  const Tensor own = torch::matmul(query, key.transpose(2, 3)) / std::sqrt(static_cast<double>(query.size(-1)));
  scores = scores.defined() ? scores + own : own;
  const Tensor mixed = torch::matmul(torch::softmax(scores, -1), value).transpose(1, 2).flatten(2);
  const Tensor attended = normed(norm1, x + o(mixed));
  return normed(norm2, attended + ff2(torch::gelu(ff1(attended))));
}

struct DecisionEncoder::State {
  double dropout;
  std::vector<Layer> layers;
  std::array<Lane, kLanes> lanes;
  std::int64_t sequences = 0;
  Tensor input, scores, d_scores, gradient;
  bool waiting = false;  // for the backward pass

  void reserve(std::int64_t n);
  void prepare(double rate);
  /// Through all layers; fit(norm, sums) settles each norm.
  template <class Fit>
  Tensor run(const Tensor& x, double rate, Fit fit);
  /// Work on every chunk, then the sums of all lanes.
  template <class Work>
  Sums each(Work work);
  void load_input(std::size_t l, const Chunk& c, const Tensor& to) const;
  Sums attention(std::size_t l);
  Sums feed_forward(std::size_t l);
  Sums feed_forward_backward(std::size_t l);
  Sums attention_backward(std::size_t l);
  void collect(std::size_t l, variable_list& out) const;
};

void DecisionEncoder::State::reserve(std::int64_t n) {
  sequences = n;
  if (scores.defined() && scores.size(0) >= n) return;
  const auto by_token = [n](std::int64_t width) { return torch::empty({n * kPatches, width}); };
  scores = torch::empty({n, kScores});
  d_scores = torch::empty({n, kScores});
  gradient = by_token(kModel);
  for (Layer& layer : layers) {
    layer.projected = by_token(kQkv);
    layer.weights = torch::empty({n, kScores});
    layer.mixed = by_token(kModel);
    layer.sum1 = by_token(kModel);
    layer.hidden = by_token(kFeedForward);
    layer.sum2 = by_token(kModel);
  }
}

/// Takes up the weights, the three projections joined into one, and draws the keys of this batch's masks.
void DecisionEncoder::State::prepare(double rate) {
  const Tensor keys = torch::empty({static_cast<std::int64_t>(layers.size()), 3}, torch::kInt64).random_();
  const auto* key = keys.data_ptr<std::int64_t>();
  for (Layer& layer : layers) {
    const DecisionLayerImpl& m = *layer.module;
    layer.qkv = {torch::cat({m.q->weight, m.k->weight, m.v->weight}), torch::cat({m.q->bias, m.k->bias, m.v->bias})};
    layer.out = {m.o->weight.detach(), m.o->bias.detach()};  // anew: loading a checkpoint replaces what they share
    layer.widen = {m.ff1->weight.detach(), m.ff1->bias.detach()};
    layer.narrow = {m.ff2->weight.detach(), m.ff2->bias.detach()};
    for (Dropout* mask : {&layer.after_attention, &layer.inside, &layer.after_feed_forward})
      *mask = Dropout::make(rate, static_cast<std::uint32_t>(*key++));
  }
  scores.zero_();
}

template <class Work>
Sums DecisionEncoder::State::each(Work work) {
  std::array<Sums, kLanes> sums;
  at::parallel_for(0, kLanes, 1, [&](std::int64_t begin, std::int64_t end) {
    const torch::NoGradGuard no_grad;
    for (std::int64_t lane = begin; lane < end; ++lane) {
      const auto l = static_cast<std::size_t>(lane);
      const std::int64_t last = sequences * (lane + 1) / kLanes;
      for (std::int64_t s = sequences * lane / kLanes; s < last; s += kSequences)
        work(lanes[l], Chunk{s, std::min(kSequences, last - s)}, sums[l]);
    }
  });
  return total(sums);
}

/// What layer l reads: the batch, or the normalised sums of the layer before.
void DecisionEncoder::State::load_input(std::size_t l, const Chunk& c, const Tensor& to) const {
  if (l == 0)
    std::copy_n(data(c.rows(input)), c.tokens() * kModel, data(to));
  else
    layers[l - 1].norm2.apply(data(c.rows(layers[l - 1].sum2)), data(to), c.tokens());
}

Sums DecisionEncoder::State::attention(std::size_t l) {
  Layer& layer = layers[l];
  return each([&](Lane& lane, const Chunk& c, Sums& sums) {
    const Tensor x = c.top(lane.a), sum = c.rows(layer.sum1);
    load_input(l, c, x);
    layer.qkv.forward(x, c.rows(layer.projected));
    for (std::int64_t s = c.sequence; s < c.sequence + c.sequences; ++s)
      encoder::attend(
          data(layer.projected) + s * kPatches * kQkv, *reinterpret_cast<HeadScores*>(data(scores) + s * kScores),
          *reinterpret_cast<HeadScores*>(data(layer.weights) + s * kScores), data(layer.mixed) + s * kPatches * kModel);
    layer.out.forward(c.rows(layer.mixed), sum);
    drop(data(sum), data(x), c.tokens(), c.token(), layer.after_attention);
    sums.add(data(sum), data(sum), c.tokens());
  });
}

Sums DecisionEncoder::State::feed_forward(std::size_t l) {
  Layer& layer = layers[l];
  return each([&](Lane& lane, const Chunk& c, Sums& sums) {
    const Tensor x = c.top(lane.a), wide = c.top(lane.wide), hidden = c.rows(layer.hidden), sum = c.rows(layer.sum2);
    layer.norm1.apply(data(c.rows(layer.sum1)), data(x), c.tokens());
    layer.widen.forward(x, hidden);
    activate(data(hidden), data(wide), nullptr, c.tokens(), c.token(), layer.inside);
    layer.narrow.forward(wide, sum);
    drop(data(sum), data(x), c.tokens(), c.token(), layer.after_feed_forward);
    sums.add(data(sum), data(sum), c.tokens());
  });
}

/// Takes `gradient` from behind norm2 to behind norm1.
Sums DecisionEncoder::State::feed_forward_backward(std::size_t l) {
  Layer& layer = layers[l];
  return each([&](Lane& lane, const Chunk& c, Sums& sums) {
    const Lane::Gradients& to = lane.gradients[l];
    const Tensor x = c.top(lane.a), d_out = c.top(lane.b), wide = c.top(lane.wide);
    Tensor grad = c.rows(gradient), d_wide = c.top(lane.d_wide);
    const float* sum1 = data(c.rows(layer.sum1));
    layer.norm2.apply_backward(data(grad), data(c.rows(layer.sum2)), data(grad), c.tokens());
    std::copy_n(data(grad), grad.numel(), data(d_out));
    drop(data(d_out), nullptr, c.tokens(), c.token(), layer.after_feed_forward);
    at::mm_out(d_wide, d_out, layer.narrow.weight);
    activate(data(c.rows(layer.hidden)), data(wide), data(d_wide), c.tokens(), c.token(), layer.inside);
    to.narrow.add(wide, d_out);
    layer.norm1.apply(sum1, data(x), c.tokens());
    to.widen.add(x, d_wide);
    at::addmm_out(grad, grad, d_wide, layer.widen.weight);
    sums.add(data(grad), sum1, c.tokens());
  });
}

/// Takes `gradient` from behind norm1 to the layer's input; the sums are for norm2 of the layer before.
Sums DecisionEncoder::State::attention_backward(std::size_t l) {
  Layer& layer = layers[l];
  return each([&](Lane& lane, const Chunk& c, Sums& sums) {
    const Lane::Gradients& to = lane.gradients[l];
    const Tensor x = c.top(lane.a), d_out = c.top(lane.b), d_projected = c.top(lane.d_projected);
    Tensor grad = c.rows(gradient), d_mixed = c.top(lane.wide).view({-1, kModel}).narrow(0, 0, c.tokens());
    layer.norm1.apply_backward(data(grad), data(c.rows(layer.sum1)), data(grad), c.tokens());
    std::copy_n(data(grad), grad.numel(), data(d_out));
    drop(data(d_out), nullptr, c.tokens(), c.token(), layer.after_attention);
    to.out.add(c.rows(layer.mixed), d_out);
    at::mm_out(d_mixed, d_out, layer.out.weight);
    for (std::int64_t i = 0; i < c.sequences; ++i) {
      const std::int64_t s = c.sequence + i;
      encoder::attend_backward(
          data(layer.projected) + s * kPatches * kQkv,
          *reinterpret_cast<HeadScores*>(data(layer.weights) + s * kScores), data(d_mixed) + i * kPatches * kModel,
          *reinterpret_cast<HeadScores*>(data(d_scores) + s * kScores), data(d_projected) + i * kPatches * kQkv);
    }
    load_input(l, c, x);
    to.qkv.add(x, d_projected);
    at::addmm_out(grad, grad, d_projected, layer.qkv.weight);
    if (l > 0) sums.add(data(grad), data(c.rows(layers[l - 1].sum2)), c.tokens());
  });
}

/// The layer's gradients in the order of parameters_of, lanes added up in theirs.
void DecisionEncoder::State::collect(std::size_t l, variable_list& out) const {
  Lane::Gradients sum = lanes[0].gradients[l];
  for (std::size_t i = 1; i < lanes.size(); ++i) {
    const Lane::Gradients& lane = lanes[i].gradients[l];
    for (const auto part :
         {&Lane::Gradients::qkv, &Lane::Gradients::out, &Lane::Gradients::widen, &Lane::Gradients::narrow}) {
      (sum.*part).weight += (lane.*part).weight;
      (sum.*part).bias += (lane.*part).bias;
    }
  }
  const auto vector = [](const std::array<double, kModel>& values) {
    return torch::tensor(at::ArrayRef<double>(values), torch::kFloat32);
  };
  const Layer& layer = layers[l];
  for (std::int64_t part = 0; part < 3; ++part) {
    out.push_back(sum.qkv.weight.narrow(0, part * kModel, kModel));
    out.push_back(sum.qkv.bias.narrow(0, part * kModel, kModel));
  }
  out.insert(out.end(), {sum.out.weight, sum.out.bias, vector(layer.norm1.d_weight), vector(layer.norm1.d_bias),
                         sum.widen.weight, sum.widen.bias, sum.narrow.weight, sum.narrow.bias,
                         vector(layer.norm2.d_weight), vector(layer.norm2.d_bias)});
}

/// The encoder as one node of libtorch's graph; its inputs are x and every parameter of every layer.
struct DecisionEncoder::Backward : torch::autograd::Node {
  std::shared_ptr<State> state;

  variable_list apply(variable_list&& gradients) override {
    const torch::NoGradGuard no_grad;
    State& s = *state;
    QT_CHECK(s.waiting, "one backward pass for each forward pass");
    s.waiting = false;
    s.gradient.narrow(0, 0, s.sequences * kPatches).copy_(gradients[0].reshape({-1, kModel}));
    s.d_scores.zero_();
    for (Lane& lane : s.lanes) {
      lane.gradients.clear();
      for (const Layer& layer : s.layers)
        lane.gradients.push_back({layer.qkv.zeros(), layer.out.zeros(), layer.widen.zeros(), layer.narrow.zeros()});
    }
    const std::int64_t tokens = s.sequences * kPatches;
    Sums sums = s.each([&](Lane&, const Chunk& c, Sums& lane_sums) {
      lane_sums.add(data(c.rows(s.gradient)), data(c.rows(s.layers.back().sum2)), c.tokens());
    });
    for (std::size_t l = s.layers.size(); l-- > 0;) {
      s.layers[l].norm2.fit_backward(sums, tokens);
      s.layers[l].norm1.fit_backward(s.feed_forward_backward(l), tokens);
      sums = s.attention_backward(l);
    }
    variable_list out = {s.gradient.narrow(0, 0, tokens).view({-1, kPatches, kModel}).clone()};
    for (std::size_t l = 0; l < s.layers.size(); ++l) s.collect(l, out);
    return out;
  }
};

DecisionEncoder::DecisionEncoder(const std::vector<DecisionLayer>& layers, double dropout)
    : state_(std::make_shared<State>()) {
  state_->dropout = dropout;
  for (const DecisionLayer& m : layers) {
    Layer& layer = state_->layers.emplace_back();
    QT_CHECK(
        m->heads == kHeads && m->q->options.in_features() == kModel && m->ff1->options.out_features() == kFeedForward,
        "the sizes of the decision variant");
    layer.module = m;
    layer.norm1.module = layer.module->norm1.get();
    layer.norm2.module = layer.module->norm2.get();
  }
}

DecisionEncoder::~DecisionEncoder() = default;

template <class Fit>
Tensor DecisionEncoder::State::run(const Tensor& x, double rate, Fit fit) {
  const torch::NoGradGuard no_grad;
  reserve(x.size(0));
  input = x.detach().reshape({-1, kModel}).contiguous();
  prepare(rate);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    fit(layers[l].norm1, attention(l));
    fit(layers[l].norm2, feed_forward(l));
  }
  Tensor out = torch::empty({x.size(0), kPatches, kModel});
  layers.back().norm2.apply(data(layers.back().sum2), data(out), x.size(0) * kPatches);
  return out;
}

torch::Tensor DecisionEncoder::evaluate(const torch::Tensor& x) {
  return state_->run(x, 0, [](Norm& norm, const Sums&) { norm.fit_running(); });
}

torch::Tensor DecisionEncoder::forward(const torch::Tensor& x) {
  State& s = *state_;
  const std::int64_t tokens = x.size(0) * kPatches;
  Tensor out = s.run(x, s.dropout, [&](Norm& norm, const Sums& sums) { norm.fit(sums, tokens); });
  variable_list inputs = {x};
  for (const Layer& layer : s.layers)
    for (const Tensor& parameter : parameters_of(*layer.module)) inputs.push_back(parameter);
  const auto node = std::shared_ptr<Backward>(new Backward, torch::autograd::deleteNode);
  node->state = state_;
  node->set_next_edges(torch::autograd::collect_next_edges(inputs));
  torch::autograd::create_gradient_edge(out, node);
  s.waiting = true;
  return out;
}

}  // namespace qtrader::training::deep
