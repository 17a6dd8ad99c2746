#include "core/models/network/nhits.hpp"

#include <algorithm>
#include <span>
#include <string>

#include "core/models/network/network_file.hpp"

namespace qtrader::models {
namespace {

using base::Result;

constexpr std::size_t kFeatures = features::kFeatureCount;
constexpr std::size_t kExogenous = NHits::kExogenous;
constexpr std::size_t kBlocks = NHits::kStacks * NHits::kBlocksPerStack;
constexpr std::size_t kMaxInputs = kWindowBars * (1 + kExogenous) + kFeatures;
constexpr std::size_t kClasses = 3;
constexpr std::size_t kAtOnce = 4;  // independent sums side by side: shorter chains of dependent additions
constexpr std::string_view kArchitecture = "nhits";

constexpr std::size_t pooled_steps(std::size_t stack) { return kWindowBars / NHits::kPooling[stack]; }
constexpr std::size_t forecast_knots(std::size_t stack) { return NHits::kHorizon / NHits::kDownsample[stack]; }
constexpr std::size_t input_count(std::size_t stack) { return pooled_steps(stack) * (1 + kExogenous) + kFeatures; }
constexpr std::size_t blocks_for(std::size_t outputs) { return (outputs + kBlockOutputs - 1) / kBlockOutputs; }
constexpr std::size_t padded(std::size_t outputs) { return blocks_for(outputs) * kBlockOutputs; }

using Four = float __attribute__((vector_size(16)));
static_assert(kExogenous == 4 && kClasses <= 4, "a vector of four holds the mixtures of a step, or the classes");

Four broadcast(float x) { return Four{x, x, x, x}; }

struct alignas(64) WeightBlock {
  std::array<std::uint16_t, kBlockOutputs> words{};
};

/// A linear layer with BF16 weights in the order the kernel reads them; outputs padded with zeros to whole blocks.
struct Linear {
  std::vector<WeightBlock> weights;  // [in][blocks]
  std::vector<float> bias;           // [blocks·32]
  std::size_t blocks = 0;

  static Result<Linear> read(NetworkFile& file, const std::string& name, std::size_t out, std::size_t in) {
    QT_TRY(const std::vector<std::uint16_t> w, file.bf16(name + ".weight", {out, in}));
    QT_TRY(const std::vector<float> b, file.floats(name + ".bias", {out}));
    Linear linear{std::vector<WeightBlock>(in * blocks_for(out)), b, blocks_for(out)};
    linear.bias.resize(padded(out));
    for (std::size_t o = 0; o < out; ++o) {
      const std::size_t lane = o % kBlockOutputs, word = 2 * (lane % 16) + lane / 16;
      for (std::size_t i = 0; i < in; ++i)
        linear.weights[i * linear.blocks + o / kBlockOutputs].words[word] = w[o * in + i];
    }
    return linear;
  }
};

/// Where a step lies between two knots (torch interpolate, mode=linear, align_corners=false).
struct Between {
  std::size_t left = 0, right = 0;
  float left_weight = 1, right_weight = 0;
};

Between locate(std::size_t step, std::size_t steps, std::size_t knots) {
  const double n = static_cast<double>(knots);
  const double raw = (static_cast<double>(step) + 0.5) * n / static_cast<double>(steps) - 0.5;
  const double p = std::clamp(raw, 0.0, n - 1);
  Between out;
  out.left = static_cast<std::size_t>(p);
  out.right = std::min(out.left + 1, knots - 1);
  out.right_weight = static_cast<float>(p - static_cast<double>(out.left));
  out.left_weight = 1 - out.right_weight;
  return out;
}

/// Inputs that are not zero, in order.
struct Inputs {
  std::array<std::uint16_t, kMaxInputs> index;
  std::size_t count = 0;

  void find(const float* x, std::size_t n) {
    count = 0;
    for (std::size_t i = 0; i < n; ++i) {
      index[count] = static_cast<std::uint16_t>(i);
      count += x[i] != 0 ? 1 : 0;  // no branch: which are zero cannot be foreseen
    }
  }
};

/// With comparisons that a NaN cannot lead astray.
void sort_quantiles(std::array<float, NHits::kQuantiles>& q) {
  static_assert(NHits::kQuantiles == 3);
  if (q[1] < q[0]) std::swap(q[0], q[1]);
  if (q[2] < q[1]) std::swap(q[1], q[2]);
  if (q[1] < q[0]) std::swap(q[0], q[1]);
}

void relu(float* x, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] = std::max(x[i], 0.0f);
}

}  // namespace

struct NHits::Weights {
  struct Block {
    Linear mlp1, mlp2, backcast, forecast;
  };
  std::array<Four, kFeatures> mixing{};  // transposed
  Four mixing_bias{};
  std::array<Block, kBlocks> blocks;
  std::array<Four, kBlocks * kHidden> classes{};  // transposed; the fourth lane is zero
  Four classes_bias{};
  std::array<Four, kFeatures> linear{};  // transposed; the fourth lane is zero
  std::array<std::array<Between, kWindowBars>, kStacks> backcast_steps{};
  std::array<std::array<Between, kHorizon>, kStacks> forecast_steps{};

  Result<void> read(NetworkFile& file);
  Result<void> read_dense(NetworkFile& file);
};

struct NHits::Scratch {
  std::array<std::array<float, kWindowBars>, kExogenous> mixtures;
  std::array<float, kWindowBars> x;
  alignas(64) std::array<float, padded(kMaxInputs)> in;
  alignas(64) std::array<float, kHidden> h1, h2;
  alignas(64) std::array<float, padded(kWindowBars)> knots;
  QuantileForecast forecast;
  Four logits;
  Inputs inputs;

  void mix(const Weights& weights, const NetworkWindow& window);
  void gather(std::size_t stack, const NetworkWindow& window);
  void apply(const Kernels& kernels, const Linear& layer, std::span<const float> from, float* to);
  void run_block(const Kernels& kernels, const Weights& weights, std::size_t block, const NetworkWindow& window);
  void add_logits(std::span<const float> from, std::span<const Four> weights);
};

Result<void> NHits::Weights::read_dense(NetworkFile& file) {
  QT_TRY(const std::vector<float> mix, file.floats("exogenous.weight", {kExogenous, kFeatures}));
  QT_TRY(const std::vector<float> mix_bias, file.floats("exogenous.bias", {kExogenous}));
  for (std::size_t c = 0; c < kExogenous; ++c) {
    mixing_bias[c] = mix_bias[c];
    for (std::size_t f = 0; f < kFeatures; ++f) mixing[f][c] = mix[c * kFeatures + f];
  }
  QT_TRY(const std::vector<float> w, file.floats("classes.weight", {kClasses, kBlocks * kHidden}));
  QT_TRY(const std::vector<float> b, file.floats("classes.bias", {kClasses}));
  QT_TRY(const std::vector<float> direct, file.floats("linear.weight", {kClasses, kFeatures}));
  for (std::size_t c = 0; c < kClasses; ++c) {
    classes_bias[c] = b[c];
    for (std::size_t f = 0; f < kFeatures; ++f) linear[f][c] = direct[c * kFeatures + f];
    for (std::size_t i = 0; i < classes.size(); ++i) classes[i][c] = w[c * classes.size() + i];
  }
  return {};
}

Result<void> NHits::Weights::read(NetworkFile& file) {
  QT_TRY_VOID(read_dense(file));
  for (std::size_t b = 0; b < kBlocks; ++b) {
    const std::size_t stack = b / kBlocksPerStack;
    const std::string prefix = "stack" + std::to_string(stack) + ".block" + std::to_string(b % kBlocksPerStack) + ".";
    QT_TRY(blocks[b].mlp1, Linear::read(file, prefix + "mlp1", kHidden, input_count(stack)));
    QT_TRY(blocks[b].mlp2, Linear::read(file, prefix + "mlp2", kHidden, kHidden));
    QT_TRY(blocks[b].backcast, Linear::read(file, prefix + "backcast", pooled_steps(stack), kHidden));
    QT_TRY(blocks[b].forecast, Linear::read(file, prefix + "forecast", forecast_knots(stack) * kQuantiles, kHidden));
  }
  for (std::size_t s = 0; s < kStacks; ++s) {
    for (std::size_t t = 0; t < kWindowBars; ++t) backcast_steps[s][t] = locate(t, kWindowBars, pooled_steps(s));
    for (std::size_t t = 0; t < kHorizon; ++t) forecast_steps[s][t] = locate(t, kHorizon, forecast_knots(s));
  }
  return {};
}

/// The four mixtures of the features of each bar.
void NHits::Scratch::mix(const Weights& weights, const NetworkWindow& window) {
  static_assert(kWindowBars % kAtOnce == 0);
  for (std::size_t t = 0; t < kWindowBars; t += kAtOnce) {
    std::array<Four, kAtOnce> sum;
    sum.fill(weights.mixing_bias);
    for (std::size_t f = 0; f < kFeatures; ++f) {
      for (std::size_t i = 0; i < kAtOnce; ++i) sum[i] += broadcast(window.z[t + i][f]) * weights.mixing[f];
    }
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      for (std::size_t c = 0; c < kExogenous; ++c) mixtures[c][t + i] = sum[i][c];
    }
  }
}

/// What a block of the stack reads: the pooled target, the pooled mixtures, the last bar's features.
void NHits::Scratch::gather(std::size_t stack, const NetworkWindow& window) {
  const std::size_t pool = kPooling[stack], steps = pooled_steps(stack);
  float* out = in.data();
  for (std::size_t j = 0; j < steps; ++j) *out++ = *std::max_element(&x[j * pool], &x[j * pool] + pool);
  for (const auto& mixture : mixtures) {
    for (std::size_t j = 0; j < steps; ++j) {
      float sum = 0;
      for (std::size_t i = 0; i < pool; ++i) sum += mixture[j * pool + i];
      *out++ = sum / static_cast<float>(pool);
    }
  }
  std::ranges::copy(window.z.back(), out);
}

void NHits::Scratch::apply(const Kernels& kernels, const Linear& layer, std::span<const float> from, float* to) {
  inputs.find(from.data(), from.size());
  kernels.gemv_bf16({layer.weights.front().words.data(), layer.bias.data(), from.data(), inputs.index.data(),
                     inputs.count, layer.blocks, to});
}

/// `from` has a multiple of kAtOnce values.
void NHits::Scratch::add_logits(std::span<const float> from, std::span<const Four> weights) {
  static_assert(kHidden % kAtOnce == 0 && kFeatures % kAtOnce == 0);
  std::array<Four, kAtOnce> sum{};
  for (std::size_t i = 0; i < from.size(); i += kAtOnce) {
    for (std::size_t j = 0; j < kAtOnce; ++j) sum[j] += broadcast(from[i + j]) * weights[i + j];
  }
  logits += (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

void NHits::Scratch::run_block(const Kernels& kernels, const Weights& weights, std::size_t block,
                               const NetworkWindow& window) {
  const std::size_t stack = block / kBlocksPerStack;
  const Weights::Block& w = weights.blocks[block];
  gather(stack, window);
  apply(kernels, w.mlp1, std::span(in).first(input_count(stack)), h1.data());
  relu(h1.data(), kHidden);
  apply(kernels, w.mlp2, h1, h2.data());
  relu(h2.data(), kHidden);
  add_logits(h2, std::span(weights.classes).subspan(block * kHidden));

  apply(kernels, w.forecast, h2, knots.data());
  for (std::size_t t = 0; t < kHorizon; ++t) {
    const Between& at = weights.forecast_steps[stack][t];
    for (std::size_t q = 0; q < kQuantiles; ++q)
      forecast[t][q] +=
          at.left_weight * knots[at.left * kQuantiles + q] + at.right_weight * knots[at.right * kQuantiles + q];
  }
  if (block + 1 == kBlocks) return;  // nobody reads the last backcast
  apply(kernels, w.backcast, h2, knots.data());
  for (std::size_t t = 0; t < kWindowBars; ++t) {
    const Between& at = weights.backcast_steps[stack][t];
    x[t] -= at.left_weight * knots[at.left] + at.right_weight * knots[at.right];
  }
}

NHits::NHits(std::unique_ptr<Weights> weights, const Normaliser& normaliser, const Kernels& kernels)
    : normaliser_(normaliser),
      kernels_(&kernels),
      weights_(std::move(weights)),
      scratch_(std::make_unique<Scratch>()) {}
NHits::NHits(NHits&&) noexcept = default;
NHits& NHits::operator=(NHits&&) noexcept = default;
NHits::~NHits() = default;

Result<NHits> NHits::create(const TensorFile& tensors, const Kernels& kernels) {
  QT_TRY(NetworkFile file, NetworkFile::create(tensors, kArchitecture));
  QT_TRY_VOID(file.expect("hidden", kHidden));
  QT_TRY_VOID(file.expect("exogenous", kExogenous));
  QT_TRY_VOID(file.expect("blocks_per_stack", kBlocksPerStack));
  QT_TRY_VOID(file.expect("kernels", std::vector<double>(kPooling.begin(), kPooling.end())));
  QT_TRY_VOID(file.expect("downsample", std::vector<double>(kDownsample.begin(), kDownsample.end())));
  QT_TRY_VOID(file.expect("horizon", kHorizon));
  QT_TRY_VOID(file.expect("quantiles", kQuantiles));
  QT_TRY(const Normaliser normaliser, file.normaliser());
  auto weights = std::make_unique<Weights>();
  QT_TRY_VOID(weights->read(file));
  QT_TRY_VOID(file.finish());
  return NHits(std::move(weights), normaliser, kernels);
}

NHits::Output NHits::forward(const NetworkWindow& window) const {
  Scratch& s = *scratch_;
  s.mix(*weights_, window);
  s.x = window.y;
  s.forecast = {};
  s.logits = weights_->classes_bias;
  s.add_logits(window.z.back(), weights_->linear);
  for (std::size_t block = 0; block < kBlocks; ++block) s.run_block(*kernels_, *weights_, block, window);
  Output out{.quantiles = s.forecast};
  for (std::size_t c = 0; c < kClasses; ++c) out.logits[c] = s.logits[c];
  for (auto& step : out.quantiles) sort_quantiles(step);
  return out;
}

}  // namespace qtrader::models
