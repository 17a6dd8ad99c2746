// The kernels in terms of `Vector`, which the including file defines in namespace qtrader::models (anonymous) before.
//
// Included by kernels_avx2.cpp and kernels_avx512.cpp only, each once: everything here has internal linkage, so that a
// function compiled for AVX-512 cannot become the program's only copy. Uses no library function for the same reason.
// Vector: kLanes floats; load, store, set, zero, and the operations below, each IEEE 754 exact or correctly rounded.
#pragma once

#include "core/models/network/kernels.hpp"

#define QT_UNROLL _Pragma("GCC unroll 16")

namespace qtrader::models {
namespace {

constexpr int kParts = 16 / Vector::kLanes;  // vectors to 16 values

// --- elementary functions

/// Cody–Waite reduction by ln 2 in two parts, Taylor to the seventh power on [−ln2/2, ln2/2], scaling by the exponent.
inline Vector exp_nonpositive(Vector x) {
  constexpr float kLeast = -87.0f, kLog2E = 1.44269504f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  constexpr float kTaylor[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
  x = Vector::max(x, Vector::set(kLeast));
  const Vector n = Vector::round(x * Vector::set(kLog2E));
  Vector r = Vector::fma(n, Vector::set(-kLn2High), x);
  r = Vector::fma(n, Vector::set(-kLn2Low), r);
  Vector sum = Vector::set(kTaylor[0]);
  QT_UNROLL
  for (int i = 1; i < 8; ++i) sum = Vector::fma(sum, r, Vector::set(kTaylor[i]));
  return Vector::scale(sum, n);
}

/// x·Φ(x) = x/2·(1 + erf(x/√2)); erf as an odd rational function on [−3.95, 3.95], where it reaches 1 in float.
/// Coefficients: weighted least squares iterated to the minimax of the relative error, 2.1e-8.
inline Vector gelu_of(Vector x) {
  constexpr float kInverseSqrt2 = 0.707106781f, kLimit = 3.95f;
  constexpr float kNumerator[] = {2.0259198093602844e-6f, 2.8467319607289253e-4f, 3.8077324456768744e-3f,
                                  5.2874126190446954e-2f, 1.9154102076500579e-1f, 1.1283791439770067f};
  constexpr float kDenominator[] = {3.7831152816544776e-5f, 1.1706121288741955e-3f, 1.5054241538363959e-2f,
                                    1.1455569917437003e-1f, 5.0308148862485528e-1f, 1.0f};
  Vector z = x * Vector::set(kInverseSqrt2);
  z = Vector::max(Vector::min(z, Vector::set(kLimit)), Vector::set(-kLimit));
  const Vector s = z * z;
  Vector p = Vector::set(kNumerator[0]), q = Vector::set(kDenominator[0]);
  QT_UNROLL
  for (int i = 1; i < 6; ++i) {
    p = Vector::fma(p, s, Vector::set(kNumerator[i]));
    q = Vector::fma(q, s, Vector::set(kDenominator[i]));
  }
  const Vector erf = Vector::max(Vector::min(z * p / q, Vector::set(1)), Vector::set(-1));
  const Vector half = x * Vector::set(0.5f);
  return Vector::fma(half, erf, half);
}

void exp_all(float* x, std::size_t n) {
  for (std::size_t i = 0; i < n; i += Vector::kLanes) exp_nonpositive(Vector::load(x + i)).store(x + i);
}

void gelu_all(float* x, std::size_t n) {
  for (std::size_t i = 0; i < n; i += Vector::kLanes) gelu_of(Vector::load(x + i)).store(x + i);
}

// --- N-HiTS

template <int kBlocks>
inline void gemv_tile(const GemvJob& job, std::size_t first) {
  Vector low[kBlocks][kParts], high[kBlocks][kParts];
  const float* const bias = job.bias + first * kBlockOutputs;
  QT_UNROLL
  for (int b = 0; b < kBlocks; ++b) {
    QT_UNROLL
    for (int s = 0; s < kParts; ++s) {
      low[b][s] = Vector::load(bias + b * 32 + s * Vector::kLanes);
      high[b][s] = Vector::load(bias + b * 32 + 16 + s * Vector::kLanes);
    }
  }
  for (std::size_t n = 0; n < job.input_count; ++n) {
    const std::size_t i = job.inputs[n];
    const Vector x = Vector::set(job.x[i]);
    const std::uint16_t* const w = job.weights + (i * job.blocks + first) * kBlockOutputs;
    QT_UNROLL
    for (int b = 0; b < kBlocks; ++b) {
      QT_UNROLL
      for (int s = 0; s < kParts; ++s) {
        const auto words = Vector::load_words(w + b * 32 + 2 * s * Vector::kLanes);
        low[b][s] = Vector::fma(x, Vector::low_halves(words), low[b][s]);
        high[b][s] = Vector::fma(x, Vector::high_halves(words), high[b][s]);
      }
    }
  }
  float* const y = job.y + first * kBlockOutputs;
  QT_UNROLL
  for (int b = 0; b < kBlocks; ++b) {
    QT_UNROLL
    for (int s = 0; s < kParts; ++s) {
      low[b][s].store(y + b * 32 + s * Vector::kLanes);
      high[b][s].store(y + b * 32 + 16 + s * Vector::kLanes);
    }
  }
}

void gemv_bf16(const GemvJob& job) {
  constexpr int kTile = Vector::kGemvBlocks;  // as many as the registers hold
  std::size_t first = 0;
  for (; first + kTile <= job.blocks; first += kTile) gemv_tile<kTile>(job, first);
  if constexpr (kTile > 4) {
    for (; first + 4 <= job.blocks; first += 4) gemv_tile<4>(job, first);
  }
  for (; first < job.blocks; ++first) gemv_tile<1>(job, first);
}

// --- PatchTST

inline void gemm_tile(const GemmJob& job, std::size_t out, std::size_t token) {
  constexpr int kColumns = Vector::kGemmColumns, kRows = static_cast<int>(kGemmOutputs);
  Vector sum[kRows][kColumns];
  QT_UNROLL
  for (int r = 0; r < kRows; ++r) {
    QT_UNROLL
    for (int c = 0; c < kColumns; ++c) sum[r][c] = Vector::set(job.bias[out + static_cast<std::size_t>(r)]);
  }
  const float* w = job.weights + out * job.in;
  const float* x = job.x + token;
  for (std::size_t i = 0; i < job.in; ++i, w += kRows, x += kTokens) {
    Vector column[kColumns];
    QT_UNROLL
    for (int c = 0; c < kColumns; ++c) column[c] = Vector::load(x + c * Vector::kLanes);
    QT_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const Vector weight = Vector::set(w[r]);
      QT_UNROLL
      for (int c = 0; c < kColumns; ++c) sum[r][c] = Vector::fma(weight, column[c], sum[r][c]);
    }
  }
  float* y = job.y + out * kTokens + token;
  QT_UNROLL
  for (int r = 0; r < kRows; ++r, y += kTokens) {
    QT_UNROLL
    for (int c = 0; c < kColumns; ++c) sum[r][c].store(y + c * Vector::kLanes);
  }
}

void gemm(const GemmJob& job) {
  constexpr std::size_t kWide = Vector::kGemmColumns * Vector::kLanes;
  static_assert(kTokens % kWide == 0);
  for (std::size_t out = 0; out < job.out; out += kGemmOutputs) {
    for (std::size_t token = 0; token < kTokens; token += kWide) gemm_tile(job, out, token);
  }
}

/// scores[key][query] += q·k/4 for kKeys keys from `key` on; the largest of them joins `top`.
template <int kKeys>
inline void score_keys(const float* q, const float* k, float* scores, Vector& top) {
  Vector sum[kKeys];
  QT_UNROLL
  for (int i = 0; i < kKeys; ++i) sum[i] = Vector::set(0);
  for (std::size_t d = 0; d < kHeadWidth; ++d) {
    const Vector query = Vector::load(q + d * kTokens);
    QT_UNROLL
    for (int i = 0; i < kKeys; ++i) sum[i] = Vector::fma(Vector::set(k[d * kTokens + i]), query, sum[i]);
  }
  QT_UNROLL
  for (int i = 0; i < kKeys; ++i) {
    float* const at = scores + i * kSequenceTokens;
    const Vector score = Vector::fma(sum[i], Vector::set(0.25f), Vector::load(at));
    score.store(at);
    top = Vector::max(top, score);
  }
}

/// One head of one sequence, for as many queries as a vector has lanes.
inline void attend(const AttentionJob& job, std::size_t at, float* scores) {
  constexpr int kKeys = Vector::kAttentionKeys, kAll = static_cast<int>(kPatches);
  static_assert(kAll % kKeys == 0);
  const std::size_t queries = at;
  const std::size_t keys = at / kSequenceTokens * kSequenceTokens;
  Vector top = Vector::set(-3.0e38f);
  for (int i = 0; i < kAll; i += kKeys)
    score_keys<kKeys>(job.q + queries, job.k + keys + i, scores + i * static_cast<int>(kSequenceTokens), top);
  Vector weight[kAll];
  Vector total = Vector::set(0);
  QT_UNROLL
  for (int i = 0; i < kAll; ++i) {
    weight[i] = exp_nonpositive(Vector::load(scores + i * static_cast<int>(kSequenceTokens)) - top);
    total = total + weight[i];
  }
  const Vector inverse = Vector::set(1) / total;
  for (std::size_t d = 0; d < kHeadWidth; ++d) {
    const float* const v = job.v + keys + d * kTokens;
    Vector sum = Vector::set(0);
    QT_UNROLL
    for (int i = 0; i < kAll; ++i) sum = Vector::fma(Vector::set(v[i]), weight[i], sum);
    (sum * inverse).store(job.out + queries + d * kTokens);
  }
}

void attention(const AttentionJob& job) {
  for (std::size_t s = 0; s < kSequences; ++s) {
    for (std::size_t h = 0; h < kHeads; ++h) {
      float* const scores = job.scores + (s * kHeads + h) * kPatches * kSequenceTokens;
      const std::size_t offset = h * kHeadWidth * kTokens;
      const AttentionJob head{job.q + offset, job.k + offset, job.v + offset, nullptr, job.out + offset};
      for (std::size_t lane = 0; lane < kSequenceTokens; lane += Vector::kLanes)
        attend(head, s * kSequenceTokens + lane, scores + lane);
    }
  }
}

void add_norm(float* x, const float* added, const float* scale_shift) {
  for (std::size_t d = 0; d < kModelWidth; ++d) {
    const Vector scale = Vector::set(scale_shift[d]), shift = Vector::set(scale_shift[kModelWidth + d]);
    for (std::size_t t = d * kTokens; t < (d + 1) * kTokens; t += Vector::kLanes)
      Vector::fma(Vector::load(x + t) + Vector::load(added + t), scale, shift).store(x + t);
  }
}

void flatten(const float* weights, const float* bias, const float* x, float* y) {
  constexpr int kRows = static_cast<int>(kPerChannel);
  for (std::size_t s = 0; s < kSequences; ++s, x += kSequenceTokens, y += kPerChannel) {
    Vector sum[kRows][kParts];
    QT_UNROLL
    for (int r = 0; r < kRows; ++r) {
      QT_UNROLL
      for (int part = 0; part < kParts; ++part) sum[r][part] = Vector::set(0);
    }
    for (std::size_t d = 0; d < kModelWidth; ++d) {
      QT_UNROLL
      for (int part = 0; part < kParts; ++part) {
        const Vector column = Vector::load(x + d * kTokens + part * Vector::kLanes);
        QT_UNROLL
        for (int r = 0; r < kRows; ++r) {
          const std::size_t row = (static_cast<std::size_t>(r) * kModelWidth + d) * kSequenceTokens;
          sum[r][part] = Vector::fma(Vector::load(weights + row + part * Vector::kLanes), column, sum[r][part]);
        }
      }
    }
    QT_UNROLL
    for (int r = 0; r < kRows; ++r) y[r] = bias[r] + Vector::sum16(sum[r]);
  }
}

}  // namespace
}  // namespace qtrader::models
