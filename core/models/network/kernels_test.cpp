#include "core/models/network/kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "core/base/rng.hpp"
#include "core/models/network/tensor_file.hpp"

namespace qtrader::models {
namespace {

using Floats = std::vector<float>;

Floats normal(base::Rng& rng, std::size_t n, double sigma = 1) {
  Floats out;
  while (out.size() < n) out.push_back(static_cast<float>(sigma * rng.normal()));
  return out;
}

/// Every set of kernels this processor can run.
std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> out = {&avx2_kernels()};
  if (avx512_kernels() != nullptr) out.push_back(avx512_kernels());
  return out;
}

/// Runs `job(kernels)` with each and expects the same bytes; returns them.
template <class Job>
Floats run_all(Job job) {
  const Floats first = job(*all_kernels().front());
  for (const Kernels* kernels : all_kernels()) {
    const Floats out = job(*kernels);
    EXPECT_EQ(std::memcmp(out.data(), first.data(), first.size() * sizeof(float)), 0) << kernels->name;
  }
  return first;
}

TEST(Kernels, ExpIsAccurateForWhatSoftmaxAsks) {
  Floats x;
  for (int i = 0; i < 16 * 6'000; ++i) x.push_back(-87.0f * static_cast<float>(i) / (16 * 6'000));
  for (int i = 0; i < 16; ++i) x.push_back(-std::ldexp(1.0f, -8 * i));
  const Floats out = run_all([&](const Kernels& k) {
    Floats copy = x;
    k.exp(copy.data(), copy.size());
    return copy;
  });
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = std::exp(static_cast<double>(x[i]));
    ASSERT_LE(std::abs(out[i] - expected), 2e-7 * expected) << x[i];
  }
  Floats beyond = {-87.0f, -88.0f, -1e30f, -std::numeric_limits<float>::infinity()};
  beyond.resize(16);
  avx2_kernels().exp(beyond.data(), beyond.size());
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(beyond[i], beyond[0]);
  EXPECT_EQ(beyond[15], 1.0f);
}

TEST(Kernels, GeluIsAccurateEverywhere) {
  Floats x;
  for (int i = -16 * 5'000; i < 16 * 5'000; ++i) x.push_back(8.0f * static_cast<float>(i) / (16 * 5'000));
  for (int i = 0; i < 16; ++i) x.push_back((i % 2 == 0 ? 1.0f : -1.0f) * std::pow(10.0f, static_cast<float>(i) - 10));
  const Floats out = run_all([&](const Kernels& k) {
    Floats copy = x;
    k.gelu(copy.data(), copy.size());
    return copy;
  });
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double v = x[i], expected = 0.5 * v * (1 + std::erf(v / std::sqrt(2.0)));
    ASSERT_LE(std::abs(out[i] - expected), 2e-7 * std::max(1.0, std::abs(v))) << v;
  }
}

TEST(Kernels, GemvSkipsNothingThatCounts) {
  base::Rng rng(1);
  for (const std::size_t blocks : {1u, 2u, 3u, 4u, 5u, 8u, 11u, 13u}) {
    const std::size_t in = 75, outs = blocks * kBlockOutputs;
    Floats x = normal(rng, in), bias = normal(rng, outs), w = normal(rng, in * outs);
    std::vector<std::uint16_t> packed(in * outs), inputs;
    for (std::size_t i = 0; i < in; ++i) {
      if (i % 3 == 0) x[i] = 0;
      if (x[i] != 0) inputs.push_back(static_cast<std::uint16_t>(i));
      for (std::size_t o = 0; o < outs; ++o) {
        const std::size_t lane = o % 32;
        packed[(i * blocks + o / 32) * 32 + 2 * (lane % 16) + lane / 16] = to_bf16(w[i * outs + o]);
      }
    }
    const Floats y = run_all([&](const Kernels& k) {
      Floats out(outs);
      k.gemv_bf16({packed.data(), bias.data(), x.data(), inputs.data(), inputs.size(), blocks, out.data()});
      return out;
    });
    for (std::size_t o = 0; o < outs; ++o) {
      float chain = bias[o];  // the same chain of fused multiply-adds, zeros included
      for (std::size_t i = 0; i < in; ++i) chain = std::fma(x[i], from_bf16(to_bf16(w[i * outs + o])), chain);
      ASSERT_EQ(y[o], chain) << "output " << o << " of " << outs;
    }
  }
}

TEST(Kernels, GemmIsOneChainForEachOutput) {
  base::Rng rng(2);
  const std::size_t in = 37, outs = 12;
  const Floats x = normal(rng, in * kTokens), bias = normal(rng, outs), w = normal(rng, in * outs);
  Floats packed(in * outs);
  for (std::size_t o = 0; o < outs; ++o) {
    for (std::size_t i = 0; i < in; ++i) packed[(o / 4 * in + i) * 4 + o % 4] = w[o * in + i];
  }
  const Floats y = run_all([&](const Kernels& k) {
    Floats out(outs * kTokens);
    k.gemm({packed.data(), bias.data(), x.data(), in, outs, out.data()});
    return out;
  });
  for (std::size_t o = 0; o < outs; ++o) {
    for (std::size_t t = 0; t < kTokens; ++t) {
      float chain = bias[o];
      for (std::size_t i = 0; i < in; ++i) chain = std::fma(w[o * in + i], x[i * kTokens + t], chain);
      ASSERT_EQ(y[o * kTokens + t], chain);
    }
  }
}

TEST(Kernels, AttentionOfASequenceIsItsOwnAndAddsToTheScores) {
  base::Rng rng(3);
  const std::size_t n = kModelWidth * kTokens;
  const Floats q = normal(rng, n), k = normal(rng, n), v = normal(rng, n);
  const Floats before = normal(rng, kSequences * kHeads * kPatches * kSequenceTokens);
  Floats scores;
  const Floats out = run_all([&](const Kernels& kernels) {
    Floats o(n);
    scores = before;
    kernels.attention({q.data(), k.data(), v.data(), scores.data(), o.data()});
    return o;
  });
  for (std::size_t s = 0; s < kSequences; ++s) {
    for (std::size_t h = 0; h < kHeads; ++h) {
      for (std::size_t i = 0; i < kPatches; ++i) {
        std::vector<double> a(kPatches);
        double total = 0;
        for (std::size_t j = 0; j < kPatches; ++j) {
          const std::size_t at = ((s * kHeads + h) * kPatches + j) * kSequenceTokens + i;
          a[j] = before[at];
          for (std::size_t d = 0; d < kHeadWidth; ++d) {
            const std::size_t row = (h * kHeadWidth + d) * kTokens + s * kSequenceTokens;
            a[j] += static_cast<double>(q[row + i]) * static_cast<double>(k[row + j]) / 4;
          }
          ASSERT_NEAR(scores[at], a[j], 1e-5);
          total += a[j] = std::exp(a[j]);
        }
        for (std::size_t d = 0; d < kHeadWidth; ++d) {
          const std::size_t row = (h * kHeadWidth + d) * kTokens + s * kSequenceTokens;
          double expected = 0;
          for (std::size_t j = 0; j < kPatches; ++j) expected += a[j] / total * static_cast<double>(v[row + j]);
          ASSERT_NEAR(out[row + i], expected, 1e-5);
        }
      }
    }
  }
}

TEST(Kernels, AddNormAndFlattenFollowTheirFormulas) {
  base::Rng rng(4);
  const std::size_t n = kModelWidth * kTokens;
  const Floats x = normal(rng, n), added = normal(rng, n), norm = normal(rng, 2 * kModelWidth);
  const Floats y = run_all([&](const Kernels& k) {
    Floats out = x;
    k.add_norm(out.data(), added.data(), norm.data());
    return out;
  });
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t d = i / kTokens;
    ASSERT_EQ(y[i], std::fma(x[i] + added[i], norm[d], norm[kModelWidth + d]));
  }
  Floats w = normal(rng, kPerChannel * kModelWidth * kSequenceTokens, 0.05), bias = normal(rng, kPerChannel);
  for (std::size_t i = kPatches; i < w.size(); i += kSequenceTokens) w[i] = 0;
  const Floats flat = run_all([&](const Kernels& k) {
    Floats out(kSequences * kPerChannel);
    k.flatten(w.data(), bias.data(), x.data(), out.data());
    return out;
  });
  for (std::size_t i = 0; i < flat.size(); ++i) {
    const std::size_t s = i / kPerChannel, r = i % kPerChannel;
    double expected = bias[r];
    for (std::size_t d = 0; d < kModelWidth; ++d) {
      for (std::size_t p = 0; p < kPatches; ++p)
        expected += static_cast<double>(w[(r * kModelWidth + d) * 16 + p]) * x[d * kTokens + s * 16 + p];
    }
    EXPECT_NEAR(flat[i], expected, 1e-5);
  }
}

}  // namespace
}  // namespace qtrader::models
