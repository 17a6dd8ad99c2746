// Kernels of DecisionEncoder: what happens to a few sequences between two matrix products. AVX2, eight floats at a
// time.
//
// Pure functions of their arguments. Only for decision_encoder.cpp.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace qtrader::training::deep::encoder {

inline constexpr int kPatches = 15, kPadded = 16;  // a row of attention has one unused place
inline constexpr int kModel = 64, kHeads = 4, kHeadWidth = kModel / kHeads;

/// Scores, or attention weights, of one sequence.
using HeadScores = float[kHeads][kPatches][kPadded];

inline __m256 splat(float x) { return _mm256_set1_ps(x); }

/// e^x to 2e-7; x in [−87, 88], clamped. Cody–Waite, degree 6 (Cephes expf).
inline __m256 exp8(__m256 x) {
  x = _mm256_min_ps(_mm256_max_ps(x, splat(-87)), splat(88));
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, splat(1.44269504F)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps(n, splat(0.693359375F), x);
  r = _mm256_fnmadd_ps(n, splat(-2.12194440e-4F), r);
  __m256 p = splat(1.9875691500e-4F);
  for (const float c : {1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F})
    p = _mm256_fmadd_ps(p, r, splat(c));
  p = _mm256_fmadd_ps(p, _mm256_mul_ps(r, r), _mm256_add_ps(r, splat(1)));
  const __m256i exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_mul_ps(p, _mm256_castsi256_ps(exponent));
}

struct Gelu {
  __m256 value, slope;
};

/// x·Φ(x) and its derivative. Φ by Abramowitz & Stegun 7.1.26, absolute error 1.5e-7.
inline Gelu gelu8(__m256 x) {
  const __m256 absolute = _mm256_andnot_ps(splat(-0.0F), x);
  const __m256 density = exp8(_mm256_mul_ps(_mm256_mul_ps(x, x), splat(-0.5F)));  // times √(2π)
  const __m256 t = _mm256_div_ps(splat(1), _mm256_fmadd_ps(absolute, splat(0.3275911F * 0.70710678F), splat(1)));
  __m256 p = splat(1.061405429F);
  for (const float c : {-1.453152027F, 1.421413741F, -0.284496736F, 0.254829592F}) p = _mm256_fmadd_ps(p, t, splat(c));
  const __m256 tail = _mm256_mul_ps(_mm256_mul_ps(_mm256_mul_ps(p, t), density), splat(0.5F));
  const __m256 phi = _mm256_blendv_ps(_mm256_sub_ps(splat(1), tail), tail, x);
  return {_mm256_mul_ps(x, phi), _mm256_fmadd_ps(_mm256_mul_ps(x, splat(0.39894228F)), density, phi)};
}

/// Dropout masks that can be drawn again: element i of a site is a hash of (key, i), 16 bits of it.
struct Dropout {
  __m256i key{};
  __m256i threshold{};  // of 2^16: below it an element is dropped
  __m256 scale{};       // of the others

  static Dropout make(double rate, std::uint32_t key) {
    const auto threshold = static_cast<std::int32_t>(rate * 65'536);
    return {_mm256_set1_epi32(static_cast<std::int32_t>(key)), _mm256_set1_epi32(threshold),
            splat(static_cast<float>(65'536 / (65'536 - static_cast<double>(threshold))))};
  }
  /// Factors of elements 16·block … 16·block + 15.
  void factors(std::uint32_t block, __m256& low, __m256& high) const {
    __m256i x = _mm256_add_epi32(_mm256_set1_epi32(static_cast<std::int32_t>(block * 8)),
                                 _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    x = _mm256_xor_si256(x, key);  // then C. Wellons, "Prospecting for hash functions", lowbias32
    x = _mm256_mullo_epi32(_mm256_xor_si256(x, _mm256_srli_epi32(x, 16)), _mm256_set1_epi32(0x7FEB352D));
    x = _mm256_mullo_epi32(_mm256_xor_si256(x, _mm256_srli_epi32(x, 15)),
                           _mm256_set1_epi32(static_cast<std::int32_t>(0x846CA68BU)));
    x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
    low = factor(_mm256_and_si256(x, _mm256_set1_epi32(0xFFFF)));
    high = factor(_mm256_srli_epi32(x, 16));
  }

 private:
  __m256 factor(__m256i draw) const {
    const __m256i dropped = _mm256_cmpgt_epi32(threshold, draw);
    return _mm256_andnot_ps(_mm256_castsi256_ps(dropped), scale);
  }
};

inline float sum8(__m256 x) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

inline float max8(__m256 x) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}

/// All ones where a row of scores is in use.
inline __m256 used_high() { return _mm256_castsi256_ps(_mm256_setr_epi32(-1, -1, -1, -1, -1, -1, -1, 0)); }

/// Two vectors that hold one row: 16 numbers of a head, or the scores of one patch.
struct Pair {
  __m256 low, high;
  static Pair zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Pair load(const float* from) { return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)}; }
  void store(float* to) const {
    _mm256_storeu_ps(to, low);
    _mm256_storeu_ps(to + 8, high);
  }
  void add(float factor, const Pair& other) {
    low = _mm256_fmadd_ps(splat(factor), other.low, low);
    high = _mm256_fmadd_ps(splat(factor), other.high, high);
  }
};

/// One head's part of 15 tokens, turned over: by component, then patch; the unused place is zero.
struct Turned {
  alignas(32) float at[kHeadWidth][kPadded];
  Turned(const float* rows, int stride) {
    for (int d = 0; d < kHeadWidth; ++d) {
      for (int j = 0; j < kPatches; ++j) at[d][j] = rows[j * stride + d];
      at[d][kPatches] = 0;
    }
  }
};

inline constexpr int kQkv = 3 * kModel;      // a token's query, key and value lie beside each other
inline constexpr float kScoreScale = 0.25F;  // 1 / √kHeadWidth

inline Pair softmax(const Pair& scores) {
  const __m256 high = _mm256_blendv_ps(splat(-1e30F), scores.high, used_high());
  const __m256 top = splat(max8(_mm256_max_ps(scores.low, high)));
  const __m256 a = exp8(_mm256_sub_ps(scores.low, top));
  const __m256 b = _mm256_and_ps(exp8(_mm256_sub_ps(high, top)), used_high());
  const __m256 share = splat(1 / sum8(_mm256_add_ps(a, b)));
  return {_mm256_mul_ps(a, share), _mm256_mul_ps(b, share)};
}

/// Attention of one sequence. qkv: 15 rows of kQkv; scores: of the layer before on entry, with this layer's added on
/// return; weights: their softmax; out: 15 rows of kModel.
inline void attend(const float* qkv, HeadScores& scores, HeadScores& weights, float* out) {
  for (int h = 0; h < kHeads; ++h) {
    const float* q = qkv + h * kHeadWidth;
    const Turned k(q + kModel, kQkv);
    const float* v = q + 2 * kModel;
    for (int i = 0; i < kPatches; ++i) {
      Pair s = Pair::load(scores[h][i]);
      for (int d = 0; d < kHeadWidth; ++d) s.add(q[i * kQkv + d] * kScoreScale, Pair::load(k.at[d]));
      s.store(scores[h][i]);
      softmax(s).store(weights[h][i]);
      Pair mixed = Pair::zero();
      for (int j = 0; j < kPatches; ++j) mixed.add(weights[h][i][j], Pair::load(v + j * kQkv));
      mixed.store(out + i * kModel + h * kHeadWidth);
    }
  }
}

/// Gradient of attend(). d_scores: of the scores that the next layer got on entry, of those this layer got on return.
inline void attend_backward(const float* qkv, const HeadScores& weights, const float* d_out, HeadScores& d_scores,
                            float* d_qkv) {
  for (int h = 0; h < kHeads; ++h) {
    const float* q = qkv + h * kHeadWidth;
    const float* k = q + kModel;
    const Turned v(q + 2 * kModel, kQkv);
    float* d_q = d_qkv + h * kHeadWidth;
    Pair d_k[kPatches], d_v[kPatches];
    for (int j = 0; j < kPatches; ++j) d_k[j] = d_v[j] = Pair::zero();
    for (int i = 0; i < kPatches; ++i) {
      const float* d_row = d_out + i * kModel + h * kHeadWidth;
      Pair d_weights = Pair::zero();
      for (int d = 0; d < kHeadWidth; ++d) d_weights.add(d_row[d], Pair::load(v.at[d]));
      const Pair w = Pair::load(weights[h][i]);
      const __m256 mean = splat(sum8(_mm256_fmadd_ps(w.low, d_weights.low, _mm256_mul_ps(w.high, d_weights.high))));
      Pair d_s = Pair::load(d_scores[h][i]);
      d_s.low = _mm256_fmadd_ps(w.low, _mm256_sub_ps(d_weights.low, mean), d_s.low);
      d_s.high = _mm256_fmadd_ps(w.high, _mm256_sub_ps(d_weights.high, mean), d_s.high);
      d_s.store(d_scores[h][i]);
      const Pair row = Pair::load(d_row), query = Pair::load(q + i * kQkv);
      Pair d_query = Pair::zero();
      for (int j = 0; j < kPatches; ++j) {
        const float slope = d_scores[h][i][j] * kScoreScale;
        d_query.add(slope, Pair::load(k + j * kQkv));
        d_k[j].add(slope, query);
        d_v[j].add(weights[h][i][j], row);
      }
      d_query.store(d_q + i * kQkv);
    }
    for (int j = 0; j < kPatches; ++j) {
      d_k[j].store(d_q + kModel + j * kQkv);
      d_v[j].store(d_q + 2 * kModel + j * kQkv);
    }
  }
}

}  // namespace qtrader::training::deep::encoder
