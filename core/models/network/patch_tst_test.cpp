#include "core/models/network/patch_tst.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/models/network/testing.hpp"

namespace qtrader::models {
namespace {

using testing::random_patchtst;
using testing::random_window;
using testing::WeightFile;
using Series = std::vector<double>;
using Matrix = std::vector<Series>;

/// The network in plain double precision, written from docs/formats/network-weights.md alone.
class Reference {
 public:
  Reference(const TensorFile& file, std::vector<std::size_t> channels, std::vector<bool> levels)
      : w_(testing::values_of(file)), channels_(std::move(channels)), levels_(std::move(levels)) {}

  Series forward(const NetworkWindow& window) const {
    Series all;
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      Series u;
      for (const auto& row : window.z) u.push_back(row[channels_[c]]);
      const Series eight = encode(levels_[c] ? revin(u, c) : u);
      all.insert(all.end(), eight.begin(), eight.end());
    }
    Series logits = linear("classes", all);
    const Series& direct = w_.at("linear.weight");
    for (std::size_t i = 0; i < direct.size(); ++i) logits[i / 64] += direct[i] * window.z[119][i % 64];
    return logits;
  }

 private:
  static double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

  Series linear(const std::string& name, const Series& in) const {
    const Series& w = w_.at(name + ".weight");
    Series out = w_.at(name + ".bias");
    for (std::size_t o = 0; o < out.size(); ++o) {
      for (std::size_t i = 0; i < in.size(); ++i) out[o] += w[o * in.size() + i] * in[i];
    }
    return out;
  }
  Matrix linear(const std::string& name, const Matrix& in) const {
    Matrix out;
    for (const Series& row : in) out.push_back(linear(name, row));
    return out;
  }
  Series revin(const Series& u, std::size_t c) const {
    double mean = 0, variance = 0;
    for (const double v : u) mean += v / 120;
    for (const double v : u) variance += (v - mean) * (v - mean) / 120;
    Series out;
    for (const double v : u)
      out.push_back((v - mean) / std::sqrt(variance + 1e-5) * w_.at("revin.gamma")[c] + w_.at("revin.beta")[c]);
    return out;
  }
  void add_norm(Matrix& x, const Matrix& added, const std::string& name) const {
    for (std::size_t p = 0; p < x.size(); ++p) {
      for (std::size_t d = 0; d < 64; ++d)
        x[p][d] = (x[p][d] + added[p][d]) * w_.at(name + ".scale")[d] + w_.at(name + ".shift")[d];
    }
  }
  /// `scores` [head][query][key] is the previous layer's and becomes this one's.
  Matrix attention(const Matrix& x, const std::string& prefix, std::vector<Matrix>& scores) const {
    const Matrix q = linear(prefix + "q", x), k = linear(prefix + "k", x), v = linear(prefix + "v", x);
    Matrix out(15, Series(64, 0.0));
    for (std::size_t h = 0; h < 4; ++h) {
      for (std::size_t i = 0; i < 15; ++i) {
        Series a = scores[h][i];
        for (std::size_t j = 0; j < 15; ++j) {
          for (std::size_t d = 0; d < 16; ++d) a[j] += q[i][h * 16 + d] * k[j][h * 16 + d] / 4;
        }
        scores[h][i] = a;
        const double top = *std::ranges::max_element(a);
        double total = 0;
        for (double& s : a) total += s = std::exp(s - top);
        for (std::size_t j = 0; j < 15; ++j) {
          for (std::size_t d = 0; d < 16; ++d) out[i][h * 16 + d] += a[j] / total * v[j][h * 16 + d];
        }
      }
    }
    return out;
  }
  Series encode(Series u) const {
    for (int i = 0; i < 8; ++i) u.push_back(u[119]);
    Matrix x;
    for (std::size_t p = 0; p < 15; ++p) {
      x.push_back(linear("embed", Series(&u[8 * p], &u[8 * p] + 16)));
      for (std::size_t d = 0; d < 64; ++d) x[p][d] += w_.at("position")[p * 64 + d];
    }
    std::vector<Matrix> scores(4, Matrix(15, Series(15, 0.0)));
    for (int l = 0; l < 3; ++l) {
      const std::string prefix = "layer" + std::to_string(l) + ".";
      add_norm(x, linear(prefix + "o", attention(x, prefix, scores)), prefix + "norm1");
      Matrix wide = linear(prefix + "ff1", x);
      for (Series& row : wide) {
        for (double& v : row) v = gelu(v);
      }
      add_norm(x, linear(prefix + "ff2", wide), prefix + "norm2");
    }
    Series flat;
    for (const Series& row : x) flat.insert(flat.end(), row.begin(), row.end());
    Series out = linear("channel", flat);
    for (double& v : out) v = gelu(v);
    return out;
  }

  std::map<std::string, Series> w_;
  std::vector<std::size_t> channels_;
  std::vector<bool> levels_;
};

/// The channels a random file lists, read back from its config text.
Reference reference_of(const TensorFile& file) {
  const auto numbers = [&](const std::string& member) {
    const std::string& text = file.metadata.at("config");
    std::size_t at = text.find("\"" + member + "\":[") + member.size() + 4;
    std::vector<std::size_t> out;
    for (; text[at - 1] != ']'; ++at) {
      std::size_t length = 0;
      out.push_back(std::stoul(text.substr(at), &length));
      at += length;
    }
    return out;
  };
  const std::vector<std::size_t> levels = numbers("level_channels");
  return {file, numbers("channels"), std::vector<bool>(levels.begin(), levels.end())};
}

PatchTst load(const WeightFile& weights, const Kernels& kernels = best_kernels()) {
  auto made = PatchTst::create(weights.file, kernels);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message());
  return std::move(made).value();
}

void expect_agreement(const WeightFile& weights, const NetworkWindow& window) {
  const PatchTst::Logits ours = load(weights).forward(window);
  const Series expected = reference_of(weights.file).forward(window);
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(ours[c], expected[c], 1e-5 * std::max(1.0, std::abs(expected[c])));
}

TEST(PatchTst, AgreesWithThePlainFormulas) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) expect_agreement(random_patchtst(seed), random_window(50 + seed));
}

TEST(PatchTst, AgreesWithAnyNumberOfChannels) {
  for (const std::size_t channels : {1u, 5u, 7u, 64u})
    expect_agreement(random_patchtst(channels, channels), random_window(channels));
}

TEST(PatchTst, AgreesOnAWindowThatDoesNotMove) {
  NetworkWindow still = random_window(3);
  for (auto& row : still.z) row = still.z[0];
  expect_agreement(random_patchtst(9), still);
}

TEST(PatchTst, GivesTheSameBitsWithEveryKernel) {
  if (avx512_kernels() == nullptr) GTEST_SKIP() << "this processor has no AVX-512";
  const WeightFile weights = random_patchtst(7);
  const PatchTst narrow = load(weights, avx2_kernels()), wide = load(weights, *avx512_kernels());
  for (std::uint64_t w = 0; w < 10; ++w) {
    const NetworkWindow window = random_window(w);
    EXPECT_EQ(narrow.forward(window), wide.forward(window)) << "window " << w;
  }
}

TEST(PatchTst, GivesTheSameBitsInABatch) {
  for (const std::size_t channels : {24u, 7u}) {
    const PatchTst ours = load(random_patchtst(11, channels));
    std::vector<NetworkWindow> windows;
    for (std::uint64_t w = 0; w < 5; ++w) windows.push_back(random_window(w));
    std::vector<PatchTst::Logits> batch(windows.size());
    ours.forward(windows, batch);
    for (std::size_t w = 0; w < windows.size(); ++w) EXPECT_EQ(batch[w], ours.forward(windows[w])) << w;
  }
}

TEST(PatchTst, NamesWhatIsWrongWithAFile) {
  const WeightFile fine = random_patchtst(1, 3);
  const auto why = [&](auto change) {
    TensorFile file = fine.file;
    change(file);
    const auto made = PatchTst::create(file);
    return made.ok() ? "" : made.error().message();
  };
  const auto expect = [](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  EXPECT_EQ(why([](TensorFile&) {}), "");
  const auto lists = [](const std::string& channels, const std::string& levels) {
    return [=](TensorFile& f) {
      std::string& text = f.metadata["config"];
      text.erase(text.find("\"channels\""));
      text += "\"channels\":" + channels + ",\"level_channels\":" + levels + "}";
    };
  };
  EXPECT_EQ(why(lists("[1,2,3]", "[0,1,0]")), "");
  expect(why(lists("[1,2,2]", "[0,1,0]")), "names a channel twice");
  expect(why(lists("[1,2,64]", "[0,1,0]")), "is no feature");
  expect(why(lists("[1,2,3]", "[0,1]")), "another length");
  expect(why(lists("[1,2,3]", "[0,1,2]")), "besides 0 and 1");
  expect(why(lists("[1,2]", "[0,1]")), "'revin.gamma' has shape [3], expected [2]");
  expect(why(lists("[]", "[]")), "names 0 channels");
  expect(why([](TensorFile& f) { f.metadata["architecture"] = "nhits"; }), "architecture is 'nhits'");
  expect(why([](TensorFile& f) { f.tensors.pop_back(); }), "'linear.weight' is missing");
}

}  // namespace
}  // namespace qtrader::models
