// The kernels for any processor with AVX2 and FMA, which is what the whole program is built for (x86-64-v3).
#include <immintrin.h>

#include "core/models/network/kernels.hpp"

namespace qtrader::models {
namespace {

struct Vector {
  static constexpr int kLanes = 8;
  static constexpr int kGemvBlocks = 2;     // 8 of the 16 registers hold sums
  static constexpr int kGemmColumns = 3;    // 12 sums
  static constexpr int kAttentionKeys = 5;  // of 15
  using Words = __m256i;
  __m256 v;

  static Vector load(const float* p) { return {_mm256_loadu_ps(p)}; }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  static Vector set(float x) { return {_mm256_set1_ps(x)}; }
  static Vector fma(Vector a, Vector b, Vector c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  static Vector max(Vector a, Vector b) { return {_mm256_max_ps(a.v, b.v)}; }
  static Vector min(Vector a, Vector b) { return {_mm256_min_ps(a.v, b.v)}; }
  static Vector round(Vector a) {
    return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  /// a·2^n for whole n that keep the result normal.
  static Vector scale(Vector a, Vector n) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n.v), 23);
    return {_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a.v), exponent))};
  }
  static Words load_words(const std::uint16_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static Vector low_halves(Words w) { return {_mm256_castsi256_ps(_mm256_slli_epi32(w, 16))}; }
  static Vector high_halves(Words w) {
    return {_mm256_castsi256_ps(_mm256_and_si256(w, _mm256_set1_epi32(static_cast<int>(0xFFFF0000u))))};
  }
  /// Sum of 16 values: i and i + 8 first, then i and i + 4, i + 2, i + 1.
  static float sum16(const Vector* parts) {
    const __m256 eight = _mm256_add_ps(parts[0].v, parts[1].v);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
  }
};

inline Vector operator+(Vector a, Vector b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vector operator-(Vector a, Vector b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vector operator*(Vector a, Vector b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vector operator/(Vector a, Vector b) { return {_mm256_div_ps(a.v, b.v)}; }

}  // namespace
}  // namespace qtrader::models

#include "core/models/network/kernels_body.hpp"

namespace qtrader::models {

const Kernels& avx2_kernels() {
  static constexpr Kernels kernels{"avx2", gemv_bf16, gemm, attention, add_norm, flatten, gelu_all, exp_all};
  return kernels;
}

const Kernels& best_kernels() {
  const Kernels* const wide = avx512_kernels();
  return wide != nullptr ? *wide : avx2_kernels();
}

}  // namespace qtrader::models
