// The kernels for processors with AVX-512 (F), chosen when a network is loaded.
//
// Only the functions between the pragmas may use AVX-512 instructions. All of them have internal linkage, and no header
// with inline functions is included in between: the program as a whole must run without AVX-512.
#include <immintrin.h>

#include "core/models/network/kernels.hpp"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f")
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC bug 105593: its own _mm512_undefined_ps()
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace qtrader::models {
namespace {

struct Vector {
  static constexpr int kLanes = 16;
  static constexpr int kGemvBlocks = 8;      // 16 of the 32 registers hold sums
  static constexpr int kGemmColumns = 6;     // 24 sums
  static constexpr int kAttentionKeys = 15;  // all
  using Words = __m512i;
  __m512 v;

  static Vector load(const float* p) { return {_mm512_loadu_ps(p)}; }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  static Vector set(float x) { return {_mm512_set1_ps(x)}; }
  static Vector fma(Vector a, Vector b, Vector c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Vector max(Vector a, Vector b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Vector min(Vector a, Vector b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Vector round(Vector a) {
    return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  /// a·2^n for whole n that keep the result normal.
  static Vector scale(Vector a, Vector n) {
    const __m512i exponent = _mm512_slli_epi32(_mm512_cvtps_epi32(n.v), 23);
    return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a.v), exponent))};
  }
  static Words load_words(const std::uint16_t* p) { return _mm512_loadu_si512(p); }
  static Vector low_halves(Words w) { return {_mm512_castsi512_ps(_mm512_slli_epi32(w, 16))}; }
  static Vector high_halves(Words w) {
    return {_mm512_castsi512_ps(_mm512_and_si512(w, _mm512_set1_epi32(static_cast<int>(0xFFFF0000u))))};
  }
  /// Sum of 16 values: i and i + 8 first, then i and i + 4, i + 2, i + 1.
  static float sum16(const Vector* parts) {
    const __m256 upper = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(parts[0].v), 1));
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(parts[0].v), upper);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
  }
};

inline Vector operator+(Vector a, Vector b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vector operator-(Vector a, Vector b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vector operator*(Vector a, Vector b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vector operator/(Vector a, Vector b) { return {_mm512_div_ps(a.v, b.v)}; }

}  // namespace
}  // namespace qtrader::models

#include "core/models/network/kernels_body.hpp"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace qtrader::models {

const Kernels* avx512_kernels() {
  static constexpr Kernels kernels{"avx512", gemv_bf16, gemm, attention, add_norm, flatten, gelu_all, exp_all};
  return __builtin_cpu_supports("avx512f") ? &kernels : nullptr;
}

}  // namespace qtrader::models
