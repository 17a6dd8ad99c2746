// Kernels: the inner loops of the networks, once for AVX2 and once for AVX-512, with the same bits as result.
//
// Every output is one chain of fused multiply-adds over its inputs in their order, or an element-wise polynomial; lanes
// of a vector are different outputs and never meet, except in one sum of 16 whose tree is fixed. So the result does not
// depend on the vector width, and a decision replays on another machine (docs/adr/0015-network-inference.md).
// No kernel allocates or checks: sizes and alignment are the callers' (NHits, PatchTst) business. This header must stay
// free of inline functions: kernels_avx512.cpp includes it, and what it emitted would hold AVX-512 instructions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace qtrader::models {

/// Outputs of a gemv come in blocks of 32 BF16 weights: word j of the 16 of a block holds output j in its low half and
/// output j + 16 in its high half, so that a shift and a mask make two vectors of floats of it.
inline constexpr std::size_t kBlockOutputs = 32;

/// y[o] = bias[o] + Σ x[i]·W[i][o] over the `input_count` inputs listed, in that order; o < blocks·32.
struct GemvJob {
  const std::uint16_t* weights;  // [in][blocks][32 as above], 64-byte aligned
  const float* bias;             // [blocks·32]
  const float* x;
  const std::uint16_t* inputs;  // indices of the inputs that are not zero
  std::size_t input_count;
  std::size_t blocks;
  float* y;  // [blocks·32]
};

/// PatchTST works on six sequences (one channel of one symbol each) at a time: 16 tokens a sequence, the 15 patches and
/// one that fills the vector and is never read by another. Activations are [feature][token].
inline constexpr std::size_t kSequences = 6;
inline constexpr std::size_t kPatches = 15;
inline constexpr std::size_t kSequenceTokens = 16;
inline constexpr std::size_t kTokens = kSequences * kSequenceTokens;
inline constexpr std::size_t kModelWidth = 64;
inline constexpr std::size_t kHeads = 4;
inline constexpr std::size_t kHeadWidth = kModelWidth / kHeads;
inline constexpr std::size_t kPerChannel = 8;
inline constexpr std::size_t kGemmOutputs = 4;  // outputs whose weights lie together

/// y[o][t] = bias[o] + Σ_i W[i][o]·x[i][t]; out is a multiple of 4.
struct GemmJob {
  const float* weights;  // [out/4][in][4]
  const float* bias;     // [out]
  const float* x;        // [in][kTokens]
  std::size_t in, out;
  float* y;  // [out][kTokens]
};

/// Attention of each sequence over its own patches. scores += q·kᵀ/√16; out = softmax(scores)·v, by head.
struct AttentionJob {
  const float* q;  // [64][kTokens], as are k, v and out
  const float* k;
  const float* v;
  float* scores;  // [sequence][head][key][kSequenceTokens]; the previous layer's, or zero
  float* out;
};

struct Kernels {
  const char* name;  // "avx2", "avx512"
  void (*gemv_bf16)(const GemvJob& job);
  void (*gemm)(const GemmJob& job);
  void (*attention)(const AttentionJob& job);
  /// x[d][t] = (x[d][t] + added[d][t])·scale[d] + shift[d], d < 64; scale and shift follow each other.
  void (*add_norm)(float* x, const float* added, const float* scale_shift);
  /// y[s][r] = bias[r] + Σ W[r][d][p]·x[d][16·s + p], r < 8; weights [8][64][16], zero for the 16th patch.
  void (*flatten)(const float* weights, const float* bias, const float* x, float* y);
  /// x·Φ(x) of n values, n a multiple of 16; |error| ≤ 2e-7·max(1, |x|).
  void (*gelu)(float* x, std::size_t n);
  /// e^x of n values ≤ 0, n a multiple of 16; relative error ≤ 2e-7 down to e^−87, below which it stays there.
  void (*exp)(float* x, std::size_t n);
};

/// For any processor the program runs on (x86-64-v3).
const Kernels& avx2_kernels();
/// nullptr where the processor has no AVX-512.
const Kernels* avx512_kernels();
/// The fastest this processor has. Chosen when a network is loaded.
const Kernels& best_kernels();

}  // namespace qtrader::models
