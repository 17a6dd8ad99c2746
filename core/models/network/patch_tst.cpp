#include "core/models/network/patch_tst.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/base/check.hpp"
#include "core/models/network/network_file.hpp"

namespace qtrader::models {
namespace {

using base::Result;

constexpr std::size_t kFeatures = features::kFeatureCount;
constexpr std::size_t kClasses = 3;
constexpr std::size_t kPaddedBars = kWindowBars + PatchTst::kStride;
constexpr double kLeastVariance = 1e-5;
constexpr std::string_view kArchitecture = "patchtst";
static_assert((kPaddedBars - PatchTst::kPatch) / PatchTst::kStride + 1 == kPatches);

/// A linear layer in the order the kernel reads it: [out/4][in][4].
struct Linear {
  std::vector<float> weights;
  std::vector<float> bias;

  static Result<Linear> read(NetworkFile& file, const std::string& name, std::size_t out, std::size_t in) {
    QT_TRY(const std::vector<float> w, file.floats(name + ".weight", {out, in}));
    Linear linear{std::vector<float>(w.size()), {}};
    QT_TRY(linear.bias, file.floats(name + ".bias", {out}));
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i)
        linear.weights[(o / kGemmOutputs * in + i) * kGemmOutputs + o % kGemmOutputs] = w[o * in + i];
    }
    return linear;
  }
};

/// BatchNorm folded to a scale and a shift of each feature, one after the other.
Result<std::vector<float>> read_norm(NetworkFile& file, const std::string& name) {
  QT_TRY(std::vector<float> scale, file.floats(name + ".scale", {kModelWidth}));
  QT_TRY(const std::vector<float> shift, file.floats(name + ".shift", {kModelWidth}));
  scale.insert(scale.end(), shift.begin(), shift.end());
  return scale;
}

struct Channel {
  std::size_t feature = 0;
  bool level = false;  // RevIN applies
  double gamma = 1, beta = 0;
};

Result<std::vector<Channel>> read_channels(NetworkFile& file) {
  const auto bad = [](std::string what) {
    return base::Error{"models", base::Errc::Corrupt, "patchtst weights: config " + std::move(what)};
  };
  QT_TRY(const std::vector<double> indices, file.list("channels"));
  QT_TRY(const std::vector<double> levels, file.list("level_channels"));
  if (indices.empty() || indices.size() > kFeatures)
    return bad("names " + std::to_string(indices.size()) + " channels, expected 1 to 64");
  if (levels.size() != indices.size()) return bad("'level_channels' has another length than 'channels'");
  QT_TRY(const std::vector<float> gamma, file.floats("revin.gamma", {indices.size()}));
  QT_TRY(const std::vector<float> beta, file.floats("revin.beta", {indices.size()}));
  std::vector<Channel> out;
  for (std::size_t c = 0; c < indices.size(); ++c) {
    const double index = indices[c];
    if (!(index >= 0 && index < static_cast<double>(kFeatures)) || std::floor(index) != index)
      return bad("channel " + std::to_string(index) + " is no feature");
    if (levels[c] != 0 && levels[c] != 1) return bad("'level_channels' holds something besides 0 and 1");
    const auto feature = static_cast<std::size_t>(index);
    if (std::ranges::find(out, feature, &Channel::feature) != out.end()) return bad("names a channel twice");
    out.push_back({feature, levels[c] == 1, static_cast<double>(gamma[c]), static_cast<double>(beta[c])});
  }
  return out;
}

}  // namespace

struct PatchTst::Weights {
  struct Layer {
    Linear q, k, v, o, ff1, ff2;
    std::vector<float> norm1, norm2;
  };
  std::vector<Channel> channels;
  Linear embed;
  alignas(64) std::array<std::array<float, kSequenceTokens>, kModelWidth> position{};  // [feature][patch]
  std::array<Layer, kLayers> layers;
  alignas(64) std::array<std::array<std::array<float, kSequenceTokens>, kModelWidth>, kPerChannel> channel{};
  std::vector<float> channel_bias;
  std::vector<float> classes, classes_bias, linear;

  Result<void> read(NetworkFile& file);
};

Result<void> PatchTst::Weights::read(NetworkFile& file) {
  QT_TRY(channels, read_channels(file));
  QT_TRY(embed, Linear::read(file, "embed", kModelWidth, kPatch));
  QT_TRY(const std::vector<float> place, file.floats("position", {kPatches, kModelWidth}));
  QT_TRY(const std::vector<float> flat, file.floats("channel.weight", {kPerChannel, kPatches * kModelWidth}));
  for (std::size_t d = 0; d < kModelWidth; ++d) {
    for (std::size_t p = 0; p < kPatches; ++p) {
      position[d][p] = place[p * kModelWidth + d];
      for (std::size_t r = 0; r < kPerChannel; ++r) channel[r][d][p] = flat[(r * kPatches + p) * kModelWidth + d];
    }
  }
  QT_TRY(channel_bias, file.floats("channel.bias", {kPerChannel}));
  for (std::size_t l = 0; l < kLayers; ++l) {
    Layer& layer = layers[l];
    const std::string prefix = "layer" + std::to_string(l) + ".";
    QT_TRY(layer.q, Linear::read(file, prefix + "q", kModelWidth, kModelWidth));
    QT_TRY(layer.k, Linear::read(file, prefix + "k", kModelWidth, kModelWidth));
    QT_TRY(layer.v, Linear::read(file, prefix + "v", kModelWidth, kModelWidth));
    QT_TRY(layer.o, Linear::read(file, prefix + "o", kModelWidth, kModelWidth));
    QT_TRY(layer.ff1, Linear::read(file, prefix + "ff1", kFeedForward, kModelWidth));
    QT_TRY(layer.ff2, Linear::read(file, prefix + "ff2", kModelWidth, kFeedForward));
    QT_TRY(layer.norm1, read_norm(file, prefix + "norm1"));
    QT_TRY(layer.norm2, read_norm(file, prefix + "norm2"));
  }
  QT_TRY(classes, file.floats("classes.weight", {kClasses, channels.size() * kPerChannel}));
  QT_TRY(classes_bias, file.floats("classes.bias", {kClasses}));
  QT_TRY(linear, file.floats("linear.weight", {kClasses, kFeatures}));
  return {};
}

struct PatchTst::Scratch {
  template <std::size_t kRows>
  using Tokens = std::array<std::array<float, kTokens>, kRows>;
  alignas(64) Tokens<kPatch> patches{};
  alignas(64) Tokens<kModelWidth> x{}, q{}, k{}, v{}, mixed{};
  alignas(64) Tokens<kFeedForward> wide{};
  alignas(64) std::array<float, kSequences * kHeads * kPatches * kSequenceTokens> scores{};
  alignas(64) std::array<float, kSequences * kPerChannel> flat{};
  alignas(64) std::array<float, kFeatures * kPerChannel> heads{};  // of the symbol whose channels are being computed
  std::array<float, kPaddedBars> series{};

  void put_sequence(const Channel& channel, const NetworkWindow& window, std::size_t slot);
  void encode(const Kernels& kernels, const Weights& weights);
  void run_layer(const Kernels& kernels, const Weights::Layer& layer);
};

/// The patches of one channel of one symbol, as columns.
void PatchTst::Scratch::put_sequence(const Channel& channel, const NetworkWindow& window, std::size_t slot) {
  for (std::size_t t = 0; t < kWindowBars; ++t) series[t] = window.z[t][channel.feature];
  if (channel.level) {
    // In double: a channel that hardly moves is divided by as little as 0.003.
    constexpr double n = kWindowBars;
    double sum = 0, squares = 0;
    for (std::size_t t = 0; t < kWindowBars; ++t) sum += static_cast<double>(series[t]);
    const double mean = sum / n;
    for (std::size_t t = 0; t < kWindowBars; ++t) {
      const double d = static_cast<double>(series[t]) - mean;
      squares += d * d;
    }
    const double scale = channel.gamma / std::sqrt(squares / n + kLeastVariance);
    for (std::size_t t = 0; t < kWindowBars; ++t)
      series[t] = static_cast<float>((static_cast<double>(series[t]) - mean) * scale + channel.beta);
  }
  std::fill(series.begin() + kWindowBars, series.end(), series[kWindowBars - 1]);
  for (std::size_t j = 0; j < kPatch; ++j) {
    float* const row = &patches[j][slot * kSequenceTokens];
    for (std::size_t p = 0; p < kPatches; ++p) row[p] = series[p * kStride + j];
  }
}

void PatchTst::Scratch::run_layer(const Kernels& kernels, const Weights::Layer& layer) {
  const auto linear = [&](const Linear& l, const float* from, std::size_t in, float* to) {
    kernels.gemm({l.weights.data(), l.bias.data(), from, in, l.bias.size(), to});
  };
  linear(layer.q, x[0].data(), kModelWidth, q[0].data());
  linear(layer.k, x[0].data(), kModelWidth, k[0].data());
  linear(layer.v, x[0].data(), kModelWidth, v[0].data());
  kernels.attention({q[0].data(), k[0].data(), v[0].data(), scores.data(), mixed[0].data()});
  linear(layer.o, mixed[0].data(), kModelWidth, q[0].data());
  kernels.add_norm(x[0].data(), q[0].data(), layer.norm1.data());
  linear(layer.ff1, x[0].data(), kModelWidth, wide[0].data());
  kernels.gelu(wide[0].data(), kFeedForward * kTokens);
  linear(layer.ff2, wide[0].data(), kFeedForward, q[0].data());
  kernels.add_norm(x[0].data(), q[0].data(), layer.norm2.data());
}

/// From the patches to eight numbers of each sequence.
void PatchTst::Scratch::encode(const Kernels& kernels, const Weights& weights) {
  kernels.gemm(
      {weights.embed.weights.data(), weights.embed.bias.data(), patches[0].data(), kPatch, kModelWidth, x[0].data()});
  for (std::size_t d = 0; d < kModelWidth; ++d) {
    for (std::size_t t = 0; t < kTokens; ++t) x[d][t] += weights.position[d][t % kSequenceTokens];
  }
  scores.fill(0);
  for (const Weights::Layer& layer : weights.layers) run_layer(kernels, layer);
  kernels.flatten(weights.channel[0][0].data(), weights.channel_bias.data(), x[0].data(), flat.data());
  kernels.gelu(flat.data(), flat.size());
}

PatchTst::PatchTst(std::unique_ptr<Weights> weights, const Normaliser& normaliser, const Kernels& kernels)
    : normaliser_(normaliser),
      kernels_(&kernels),
      weights_(std::move(weights)),
      scratch_(std::make_unique<Scratch>()) {}
PatchTst::PatchTst(PatchTst&&) noexcept = default;
PatchTst& PatchTst::operator=(PatchTst&&) noexcept = default;
PatchTst::~PatchTst() = default;

Result<PatchTst> PatchTst::create(const TensorFile& tensors, const Kernels& kernels) {
  QT_TRY(NetworkFile file, NetworkFile::create(tensors, kArchitecture));
  QT_TRY_VOID(file.expect("patch", kPatch));
  QT_TRY_VOID(file.expect("stride", kStride));
  QT_TRY_VOID(file.expect("d_model", kModelWidth));
  QT_TRY_VOID(file.expect("heads", kHeads));
  QT_TRY_VOID(file.expect("layers", kLayers));
  QT_TRY_VOID(file.expect("d_ff", kFeedForward));
  QT_TRY_VOID(file.expect("per_channel", kPerChannel));
  QT_TRY(const Normaliser normaliser, file.normaliser());
  auto weights = std::make_unique<Weights>();
  QT_TRY_VOID(weights->read(file));
  QT_TRY_VOID(file.finish());
  return PatchTst(std::move(weights), normaliser, kernels);
}

PatchTst::Logits PatchTst::forward(const NetworkWindow& window) const {
  Logits out{};
  forward({&window, 1}, {&out, 1});
  return out;
}

void PatchTst::forward(std::span<const NetworkWindow> windows, std::span<Logits> logits) const {
  QT_CHECK(windows.size() == logits.size(), "as many logits as windows");
  Scratch& s = *scratch_;
  const Weights& w = *weights_;
  const std::size_t channels = w.channels.size(), total = windows.size() * channels;
  for (std::size_t first = 0; first < total; first += kSequences) {
    const std::size_t group = std::min(kSequences, total - first);
    for (std::size_t i = 0; i < group; ++i)
      s.put_sequence(w.channels[(first + i) % channels], windows[(first + i) / channels], i);
    s.encode(*kernels_, w);
    for (std::size_t i = 0; i < group; ++i) {
      const std::size_t channel = (first + i) % channels;
      std::copy_n(&s.flat[i * kPerChannel], kPerChannel, &s.heads[channel * kPerChannel]);
      if (channel + 1 < channels) continue;
      const auto& last = windows[(first + i) / channels].z.back();
      for (std::size_t c = 0; c < kClasses; ++c) {
        float sum = w.classes_bias[c];
        for (std::size_t f = 0; f < kFeatures; ++f) sum += w.linear[c * kFeatures + f] * last[f];
        for (std::size_t n = 0; n < channels * kPerChannel; ++n)
          sum += w.classes[c * channels * kPerChannel + n] * s.heads[n];
        logits[(first + i) / channels][c] = sum;
      }
    }
  }
}

}  // namespace qtrader::models
