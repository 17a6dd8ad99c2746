#include "training/deep/nhits_net.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "training/deep/runtime.hpp"

namespace qtrader::training::deep {
namespace {

NhitsNet net_of(const NhitsShape& shape) {
  start_deterministically(5, "nhits test");
  NhitsNet net(shape);
  net.eval();
  return net;
}

const NhitsShape kShape{.look_back = 22, .horizon = 6, .pooling = {8, 4, 1}, .down_sampling = {3, 2, 1}, .hidden = 16};

TEST(NhitsNet, ForecastsFromTheLastValue) {
  const torch::NoGradGuard no_grad;
  NhitsNet net = net_of(kShape);
  for (torch::Tensor& p : net.parameters()) p.zero_();
  const torch::Tensor x = torch::randn({3, 2, 22});
  EXPECT_TRUE(torch::equal(net.forward(x), x.slice(2, 21).expand({3, 2, 6})));
}

TEST(NhitsNet, WhatIsUnknownCountsAsNothing) {
  const torch::NoGradGuard no_grad;
  NhitsNet net = net_of(kShape);
  torch::Tensor x = torch::randn({4, 3, 22});
  x.slice(2, 0, 9) = std::numeric_limits<float>::quiet_NaN();
  const torch::Tensor unknown = net.forward(x);
  ASSERT_TRUE(unknown.isfinite().all().item<bool>());
  // The first block cannot tell it from zeros; later ones can, because no backcast is taken from it.
  const torch::Tensor zeros = net.forward(x.nan_to_num(0));
  EXPECT_FALSE(torch::allclose(unknown, zeros));
  const NhitsShape one{.look_back = 22, .horizon = 6, .pooling = {8}, .down_sampling = {3}, .hidden = 16};
  NhitsNet single = net_of(one);
  EXPECT_TRUE(torch::equal(single.forward(x), single.forward(x.nan_to_num(0))));
}

TEST(NhitsNet, RelativeForecastsMoveWithTheLevel) {
  const torch::NoGradGuard no_grad;
  NhitsShape shape = kShape;
  const torch::Tensor x = torch::randn({3, 2, 22});
  EXPECT_GT((net_of(shape).forward(x + 5) - net_of(shape).forward(x) - 5).abs().max().item<float>(), 0.01F);
  shape.relative = true;
  EXPECT_LT((net_of(shape).forward(x + 5) - net_of(shape).forward(x) - 5).abs().max().item<float>(), 1e-4F);
}

TEST(NhitsNet, PoolsFromTheNewestValueOn) {
  const torch::NoGradGuard no_grad;
  const NhitsShape one{.look_back = 22, .horizon = 6, .pooling = {8}, .down_sampling = {3}, .hidden = 16};
  NhitsNet net = net_of(one);
  torch::Tensor x = torch::zeros({1, 1, 22});
  x[0][0][14] = 1;  // of the newest eight: the last pool holds the oldest six
  torch::Tensor same_pool = torch::zeros({1, 1, 22});
  same_pool[0][0][20] = 1;
  EXPECT_TRUE(torch::equal(net.forward(x), net.forward(same_pool)));
  torch::Tensor next_pool = torch::zeros({1, 1, 22});
  next_pool[0][0][13] = 1;
  EXPECT_FALSE(torch::equal(net.forward(x), net.forward(next_pool)));
}

}  // namespace
}  // namespace qtrader::training::deep
