#include "training/deep/attention_kernel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/base/rng.hpp"

namespace qtrader::training::deep {
namespace {

using Floats = std::vector<float>;

Floats random_floats(std::int64_t size, base::Rng& rng, double range = 1) {
  Floats out(static_cast<std::size_t>(size));
  for (float& v : out) v = static_cast<float>(rng.uniform(-range, range));
  return out;
}

/// Inputs, and a loss whose derivatives by the two outputs are the given numbers.
struct Problem {
  AttentionShape shape{3, 11, 2, 3};
  Floats projected, previous, by_mixed, by_scores;

  explicit Problem(std::uint64_t seed) {
    base::Rng rng(seed);
    const std::int64_t size = shape.series * shape.positions * shape.d_model();
    projected = random_floats(3 * size, rng, 2);
    by_mixed = random_floats(size, rng, 2);
    for (Floats* v : {&previous, &by_scores}) *v = random_floats(shape.score_count(), rng, 2);
  }
  AttentionInput input() const { return {shape, projected.data(), previous.data()}; }

  /// part 0, 1, 2: of the query, key, value.
  double at(std::int64_t part, std::int64_t row, std::int64_t column) const {
    return projected[static_cast<std::size_t>((row * 3 + part) * shape.d_model() + column)];
  }
  /// The loss, in double precision, straight from the definition.
  double loss() const {
    double out = 0;
    std::size_t score_at = 0;
    const std::int64_t n = shape.positions, width = shape.width;
    for (std::int64_t s = 0; s < shape.series; ++s)
      for (std::int64_t h = 0; h < shape.heads; ++h)
        for (std::int64_t i = 0; i < n; ++i) {
          std::vector<double> e(static_cast<std::size_t>(n));
          double sum = 0;
          for (std::int64_t j = 0; j < n; ++j, ++score_at) {
            double score = previous[score_at];
            for (std::int64_t w = h * width; w < (h + 1) * width; ++w)
              score += at(0, s * n + i, w) * at(1, s * n + j, w) / std::sqrt(static_cast<double>(width));
            out += score * by_scores[score_at];
            sum += e[static_cast<std::size_t>(j)] = std::exp(score);
          }
          for (std::int64_t j = 0; j < n; ++j)
            for (std::int64_t w = h * width; w < (h + 1) * width; ++w)
              out += e[static_cast<std::size_t>(j)] / sum * at(2, s * n + j, w) *
                     by_mixed[static_cast<std::size_t>((s * n + i) * shape.d_model() + w)];
        }
    return out;
  }
};

double inner(const Floats& a, const Floats& b) {
  double out = 0;
  for (std::size_t i = 0; i < a.size(); ++i) out += double{a[i]} * b[i];
  return out;
}

struct Forward {
  Floats scores, weights, mixed;
  explicit Forward(const Problem& p) : scores(p.previous.size()), weights(p.previous.size()), mixed(p.by_mixed.size()) {
    attention_forward(p.input(), {scores.data(), weights.data(), mixed.data()});
  }
};

TEST(AttentionKernel, ForwardIsTheDefinition) {
  const Problem p(1);
  const Forward f(p);
  EXPECT_NEAR(inner(f.mixed, p.by_mixed) + inner(f.scores, p.by_scores), p.loss(), 1e-3);
  for (std::size_t row = 0; row < f.weights.size(); row += 11) {
    double sum = 0;
    for (std::size_t j = row; j < row + 11; ++j) sum += f.weights[j];
    EXPECT_NEAR(sum, 1, 1e-6);
  }
}

TEST(AttentionKernel, BackwardIsTheSlopeOfTheLoss) {
  Problem p(2);
  const Forward f(p);
  Floats projected(p.projected.size()), previous(p.previous.size());
  attention_backward(p.input(), f.weights.data(), {p.by_mixed.data(), p.by_scores.data()},
                     {projected.data(), previous.data()});
  const std::vector<std::pair<Floats*, const Floats*>> inputs = {{&p.projected, &projected}, {&p.previous, &previous}};
  for (const auto& [input, slopes] : inputs)
    for (std::size_t i = 0; i < input->size(); i += 7) {
      const float before = (*input)[i], step = 1.0F / 256;
      (*input)[i] = before + step;
      const double above = p.loss();
      (*input)[i] = before - step;
      const double below = p.loss();
      (*input)[i] = before;
      EXPECT_NEAR((*slopes)[i], (above - below) / (2 * step), 2e-3) << i;
    }
}

TEST(AttentionKernel, LargeScoresNeitherOverflowNorVanishTogether) {
  Problem p(3);
  for (float& v : p.previous) v *= 500;
  const Forward f(p);
  for (const float w : f.weights) EXPECT_TRUE(w >= 0 && w <= 1);
  for (const float m : f.mixed) EXPECT_TRUE(std::isfinite(m));
}

TEST(AttentionKernel, PreviousScoresAndTheirDerivativesMayBeAbsent) {
  Problem p(4);
  AttentionInput in = p.input();
  in.previous = nullptr;
  Forward without(p);
  attention_forward(in, {without.scores.data(), without.weights.data(), without.mixed.data()});
  std::ranges::fill(p.previous, 0.0F);
  const Forward zero(p);
  EXPECT_EQ(without.mixed, zero.mixed);
  Floats absent(p.projected.size()), zeros(p.projected.size()), no_slopes(p.previous.size());
  attention_backward(in, zero.weights.data(), {p.by_mixed.data(), nullptr}, {absent.data(), nullptr});
  Floats previous(p.previous.size());
  attention_backward(p.input(), zero.weights.data(), {p.by_mixed.data(), no_slopes.data()},
                     {zeros.data(), previous.data()});
  EXPECT_EQ(absent, zeros);
}

}  // namespace
}  // namespace qtrader::training::deep
