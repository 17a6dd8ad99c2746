// The kernels of PatchTST's attention on a CPU: scaled dot products plus the previous layer's scores, softmax, weighted
// values, and their derivatives, one head at a time in the first-level cache.
//
// The networks' heads are tiny (42 × 42 scores of width 4): run as batched matrix products through a tensor library,
// nearly all time goes into calls and memory traffic. Plain loops over fixed lanes: the same result on every run.
#pragma once

#include <cstdint>

namespace qtrader::training::deep {

struct AttentionShape {
  std::int64_t series = 0, positions = 0, heads = 0, width = 0;  // width: of one head

  std::int64_t d_model() const { return heads * width; }
  std::int64_t score_count() const { return series * heads * positions * positions; }
};

/// projected: [series, positions, 3 · d_model], queries, keys and values beside each other; previous: scores [series,
/// heads, positions, positions] or null. The dot products are divided by √width.
struct AttentionInput {
  AttentionShape shape;
  const float *projected = nullptr, *previous = nullptr;
};

/// scores: before the softmax, for the next layer; weights: after it, for the derivatives; mixed: [series, positions,
/// d_model].
struct AttentionOutput {
  float *scores = nullptr, *weights = nullptr, *mixed = nullptr;
};

void attention_forward(const AttentionInput& in, const AttentionOutput& out);

/// Derivatives of a loss by the outputs: mixed, and scores where another layer used them (else null).
struct AttentionGradient {
  const float *mixed = nullptr, *scores = nullptr;
};

/// Derivatives by the inputs; previous may be null.
struct AttentionInputGradient {
  float *projected = nullptr, *previous = nullptr;
};

/// `weights` as attention_forward gave them.
void attention_backward(const AttentionInput& in, const float* weights, const AttentionGradient& gradient,
                        const AttentionInputGradient& out);

}  // namespace qtrader::training::deep
