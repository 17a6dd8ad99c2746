#include "training/deep/decision_encoder.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "training/deep/decision_encoder_kernels.hpp"
#include "training/deep/runtime.hpp"

namespace qtrader::training::deep {
namespace {

using torch::Tensor;

constexpr std::int64_t kSequenceCount = 150;  // more than a chunk in some lanes, none full

std::vector<DecisionLayer> make_layers() {
  start_deterministically(11, "encoder test");
  std::vector<DecisionLayer> out;
  for (int l = 0; l < 3; ++l) {
    out.emplace_back(DecisionLayerImpl::Shape{});
    const torch::NoGradGuard no_grad;
    for (const auto& p : out.back()->named_parameters())
      if (p.key().find("norm") != std::string::npos) p.value().uniform_(0.5, 1.5);
    for (const auto& p : out.back()->named_parameters())
      if (p.key().ends_with("bias")) p.value().uniform_(-0.5, 0.5);
  }
  return out;
}

struct Pass {
  Tensor out;
  std::vector<Tensor> gradients;  // of x and all parameters
  std::vector<Tensor> running;
};

Tensor some_input() {
  torch::manual_seed(5);
  return torch::randn({kSequenceCount, 15, 64});
}

template <class Forward>
Pass pass_of(const std::vector<DecisionLayer>& layers, Forward forward) {
  Tensor x = some_input().requires_grad_();
  const Tensor direction = torch::randn({kSequenceCount, 15, 64});
  Pass out;
  out.out = forward(x);
  std::vector<Tensor> inputs = {x};
  for (const DecisionLayer& layer : layers)
    for (const Tensor& p : layer->parameters()) inputs.push_back(p);
  out.gradients = torch::autograd::grad({(out.out * direction).sum()}, inputs);
  for (const DecisionLayer& layer : layers)
    for (const Tensor& b : layer->buffers()) out.running.push_back(b.clone());
  return out;
}

Pass by_hand(double dropout) {
  const auto layers = make_layers();
  DecisionEncoder encoder(layers, dropout);
  torch::manual_seed(9);
  return pass_of(layers, [&](const Tensor& x) { return encoder.forward(x); });
}

void expect_close(const Tensor& a, const Tensor& b, double tolerance) {
  ASSERT_EQ(a.sizes(), b.sizes());
  const double scale = std::max(1.0, b.abs().max().item<double>());
  EXPECT_LT((a - b).abs().max().item<double>() / scale, tolerance);
}

TEST(DecisionEncoder, IsWhatTheLayersComputeAndDifferentiate) {
  auto layers = make_layers();
  const Pass expected = pass_of(layers, [&](const Tensor& input) {
    Tensor x = input, scores;
    for (DecisionLayer& layer : layers) x = layer(x, scores);
    return x;
  });
  const Pass actual = by_hand(0);
  expect_close(actual.out, expected.out, 1e-5);
  ASSERT_EQ(actual.gradients.size(), expected.gradients.size());
  for (std::size_t i = 0; i < actual.gradients.size(); ++i) {
    SCOPED_TRACE("gradient " + std::to_string(i));
    // A bias in front of a norm changes nothing: its gradient is the rounding of two thousand terms that cancel.
    const bool vanishes = expected.gradients[i].abs().max().item<float>() < 1e-3F;
    expect_close(actual.gradients[i], expected.gradients[i], vanishes ? 1e-3 : 1e-4);
  }
  for (std::size_t i = 0; i < actual.running.size(); ++i)
    expect_close(actual.running[i].to(torch::kFloat64), expected.running[i].to(torch::kFloat64), 1e-5);
}

TEST(DecisionEncoder, EvaluatesWithTheRunningStatistics) {
  auto layers = make_layers();
  DecisionEncoder encoder(layers, 0.2);
  const torch::NoGradGuard no_grad;
  encoder.forward(some_input());  // moves them
  Tensor expected = some_input(), scores;
  for (DecisionLayer& layer : layers) {
    layer->eval();
    expected = layer(expected, scores);
  }
  expect_close(encoder.evaluate(some_input()), expected, 1e-5);
}

/// The masks of the backward pass are those of the forward pass: along any direction the loss changes as it says.
TEST(DecisionEncoder, DifferentiatesThroughDropout) {
  const auto layers = make_layers();
  DecisionEncoder encoder(layers, 0.2);
  const Tensor x = some_input(), weight = torch::randn({kSequenceCount, 15, 64}, torch::kFloat64);
  const auto loss_at = [&](double step, const Tensor& along) {
    torch::manual_seed(9);
    const torch::NoGradGuard no_grad;
    return (encoder.forward(x + step * along).to(torch::kFloat64) * weight).sum().item<double>();
  };
  const Tensor along = torch::randn_like(x);
  Tensor input = x.clone().requires_grad_();
  torch::manual_seed(9);
  (encoder.forward(input) * weight.to(torch::kFloat32)).sum().backward();
  const double expected = (input.grad() * along).sum().item<double>();
  const double found = (loss_at(1e-3, along) - loss_at(-1e-3, along)) / 2e-3;
  EXPECT_NEAR(found, expected, 0.02 * std::abs(expected) + 0.5);
}

TEST(DecisionEncoder, DropsTheShareItIsTold) {
  const auto mask = encoder::Dropout::make(0.2, 12'345);
  std::int64_t dropped = 0, pairs = 0;
  double sum = 0;
  constexpr std::uint32_t kBlocks = 100'000;
  for (std::uint32_t block = 0; block < kBlocks; ++block) {
    __m256 parts[2];
    mask.factors(block, parts[0], parts[1]);
    std::array<float, 16> factors;
    std::memcpy(factors.data(), parts, sizeof parts);
    for (std::size_t i = 0; i < factors.size(); ++i) {
      dropped += factors[i] == 0 ? 1 : 0;
      pairs += factors[i] == 0 && factors[(i + 8) % 16] == 0 ? 1 : 0;  // drawn from one hash
      sum += static_cast<double>(factors[i]);
    }
  }
  EXPECT_NEAR(static_cast<double>(dropped) / (16.0 * kBlocks), 0.2, 0.002);
  EXPECT_NEAR(static_cast<double>(pairs) / (16.0 * kBlocks), 0.04, 0.001);
  EXPECT_NEAR(sum / (16.0 * kBlocks), 1, 0.002);
}

TEST(DecisionEncoder, DrawsNewMasksForEachBatch) {
  const auto layers = make_layers();
  DecisionEncoder none(layers, 0), half(layers, 0.5);
  const torch::NoGradGuard no_grad;
  const Tensor x = some_input();
  EXPECT_TRUE(torch::equal(none.forward(x), none.forward(x)));
  EXPECT_FALSE(torch::equal(half.forward(x), half.forward(x)));
}

TEST(DecisionEncoder, DoesNotDependOnTheNumberOfThreads) {
  at::set_num_threads(1);
  const Pass one = by_hand(0.2);
  at::set_num_threads(3);
  const Pass three = by_hand(0.2);
  at::set_num_threads(1);
  EXPECT_TRUE(torch::equal(one.out, three.out));
  for (std::size_t i = 0; i < one.gradients.size(); ++i)
    EXPECT_TRUE(torch::equal(one.gradients[i], three.gradients[i]));
}

}  // namespace
}  // namespace qtrader::training::deep
