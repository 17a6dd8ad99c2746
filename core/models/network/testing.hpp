// Weight files with random weights, for tests and benchmarks of the networks. Included by *_test.cpp and bench/ only.
#pragma once

#include <cmath>
#include <cstring>
#include <deque>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "core/base/rng.hpp"
#include "core/models/network/tensor_file.hpp"
#include "core/models/network/window.hpp"

namespace qtrader::models::testing {

/// Owns the values of a weight file that is being put together.
class WeightFile {
 public:
  explicit WeightFile(std::uint64_t seed) : rng_(seed) {}

  void floats(const std::string& name, const std::vector<std::size_t>& shape, const std::vector<float>& values) {
    put(name, TensorType::F32, shape, values.data(), values.size() * sizeof(float));
  }
  void bf16(const std::string& name, const std::vector<std::size_t>& shape, const std::vector<float>& values) {
    std::vector<std::uint16_t> rounded;
    for (const float v : values) rounded.push_back(to_bf16(v));
    put(name, TensorType::BF16, shape, rounded.data(), rounded.size() * sizeof(std::uint16_t));
  }
  std::vector<float> normal(std::size_t n, double mean, double sigma) {
    std::vector<float> out;
    while (out.size() < n) out.push_back(static_cast<float>(mean + sigma * rng_.normal()));
    return out;
  }
  /// weight [out][in] and bias such that a layer keeps about the size of what passes; those in BF16 precede a relu.
  void linear(const std::string& name, std::size_t out, std::size_t in, TensorType type) {
    const double gain = type == TensorType::BF16 ? 1.5 : 1.0;
    const auto w = normal(out * in, 0, std::sqrt(gain / static_cast<double>(in)));
    type == TensorType::BF16 ? bf16(name + ".weight", {out, in}, w) : floats(name + ".weight", {out, in}, w);
    floats(name + ".bias", {out}, normal(out, 0, 0.1));
  }
  void normaliser() {
    floats("normaliser.median", {64}, normal(64, 0, 0.5));
    std::vector<float> iqr = normal(64, 1.3, 0.2);
    for (float& v : iqr) v = std::abs(v);
    floats("normaliser.iqr", {64}, iqr);
  }

  TensorFile file;

  base::Rng& rng() { return rng_; }
  std::string written() const { return write_tensor_file(file); }

 private:
  void put(const std::string& name, TensorType type, const std::vector<std::size_t>& shape, const void* data,
           std::size_t size) {
    const auto* bytes = static_cast<const std::byte*>(data);
    const std::vector<std::byte>& kept = values_.emplace_back(bytes, bytes + size);
    file.tensors.push_back({name, type, shape, kept});
  }

  base::Rng rng_;
  std::deque<std::vector<std::byte>> values_;  // elements never move
};

inline void describe(TensorFile& file, const std::string& architecture, const std::string& config) {
  file.metadata = {{"format", "qtrader-network-2"},
                   {"architecture", architecture},
                   {"config", "{\"steps\":120,\"features\":64," + config + "}"}};
}

inline WeightFile random_nhits(std::uint64_t seed) {
  WeightFile w(seed);
  describe(w.file, "nhits",
           R"("hidden":256,"exogenous":4,"blocks_per_stack":2,"kernels":[8,4,1],"downsample":[4,2,1],"horizon":8,)"
           R"("quantiles":3)");
  w.normaliser();
  w.linear("exogenous", 4, 64, TensorType::F32);
  for (std::size_t s = 0; s < 3; ++s) {
    const std::size_t steps = std::vector<std::size_t>{15, 30, 120}[s], knots = std::size_t{2} << s;
    for (std::size_t b = 0; b < 2; ++b) {
      const std::string prefix = "stack" + std::to_string(s) + ".block" + std::to_string(b) + ".";
      w.linear(prefix + "mlp1", 256, steps * 5 + 64, TensorType::BF16);
      w.linear(prefix + "mlp2", 256, 256, TensorType::BF16);
      w.linear(prefix + "backcast", steps, 256, TensorType::BF16);
      w.linear(prefix + "forecast", knots * 3, 256, TensorType::BF16);
    }
  }
  w.linear("classes", 3, 1536, TensorType::F32);
  w.floats("linear.weight", {3, 64}, w.normal(3 * 64, 0, 0.1));
  return w;
}

inline std::string list_text(const std::vector<std::size_t>& values) {
  std::string out;
  for (const std::size_t v : values) out += (out.empty() ? "[" : ",") + std::to_string(v);
  return out + "]";
}

inline void put_norm(WeightFile& w, const std::string& name) {
  w.floats(name + ".scale", {64}, w.normal(64, 0.8, 0.1));
  w.floats(name + ".shift", {64}, w.normal(64, 0, 0.1));
}

/// With `count` channels; every second one is a level.
inline WeightFile random_patchtst(std::uint64_t seed, std::size_t count = 24) {
  WeightFile w(seed);
  std::vector<std::size_t> channels(64), levels;
  std::iota(channels.begin(), channels.end(), std::size_t{0});
  for (std::size_t i = channels.size(); i > 1; --i) std::swap(channels[i - 1], channels[w.rng().below(i)]);
  channels.resize(count);
  for (std::size_t c = 0; c < count; ++c) levels.push_back(c % 2);
  describe(w.file, "patchtst",
           R"("patch":16,"stride":8,"d_model":64,"heads":4,"layers":3,"d_ff":128,"per_channel":8,"channels":)" +
               list_text(channels) + ",\"level_channels\":" + list_text(levels));
  w.normaliser();
  w.floats("revin.gamma", {count}, w.normal(count, 1, 0.1));
  w.floats("revin.beta", {count}, w.normal(count, 0, 0.1));
  w.linear("embed", 64, 16, TensorType::F32);
  w.floats("position", {15, 64}, w.normal(15 * 64, 0, 0.3));
  for (std::size_t l = 0; l < 3; ++l) {
    const std::string prefix = "layer" + std::to_string(l) + ".";
    for (const char* name : {"q", "k", "v", "o"}) w.linear(prefix + name, 64, 64, TensorType::F32);
    w.linear(prefix + "ff1", 128, 64, TensorType::F32);
    w.linear(prefix + "ff2", 64, 128, TensorType::F32);
    put_norm(w, prefix + "norm1");
    put_norm(w, prefix + "norm2");
  }
  w.linear("channel", 8, 960, TensorType::F32);
  w.linear("classes", 3, count * 8, TensorType::F32);
  w.floats("linear.weight", {3, 64}, w.normal(3 * 64, 0, 0.1));
  return w;
}

/// Normalised features that wander like a market's, and a target series that ends in 0.
inline NetworkWindow random_window(std::uint64_t seed) {
  base::Rng rng(seed);
  NetworkWindow w;
  double level = 0;
  for (std::size_t t = kWindowBars; t-- > 0;) {
    w.y[t] = static_cast<float>(level);
    level += rng.normal();
  }
  for (std::size_t f = 0; f < features::kFeatureCount; ++f) {
    double z = rng.normal();
    for (std::size_t t = 0; t < kWindowBars; ++t) {
      z = 0.9 * z + 0.44 * rng.normal();
      w.z[t][f] = static_cast<float>(std::clamp(z, -5.0, 5.0));
    }
  }
  return w;
}

/// All values of a file as doubles, by tensor.
inline std::map<std::string, std::vector<double>> values_of(const TensorFile& file) {
  std::map<std::string, std::vector<double>> out;
  for (const Tensor& t : file.tensors) {
    std::vector<double>& values = out[t.name];
    for (std::size_t at = 0; at < t.data.size(); at += width(t.type)) {
      if (t.type == TensorType::BF16) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, &t.data[at], sizeof bits);
        values.push_back(static_cast<double>(from_bf16(bits)));
      } else {
        float value = 0;
        std::memcpy(&value, &t.data[at], sizeof value);
        values.push_back(static_cast<double>(value));
      }
    }
  }
  return out;
}

}  // namespace qtrader::models::testing
