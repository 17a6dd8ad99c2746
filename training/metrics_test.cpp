#include "training/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/rng.hpp"
#include "training/calibration.hpp"

namespace qtrader::training {
namespace {

constexpr LabelClass kSell = LabelClass::Sell, kHold = LabelClass::Hold, kBuy = LabelClass::Buy;

TEST(Metrics, ByHand) {
  const std::vector<LabelClass> labels = {kBuy, kHold, kSell, kBuy};
  const std::vector<Probabilities> p = {{0.2, 0.3, 0.5}, {0.1, 0.8, 0.1}, {0.25, 0.5, 0.25}, {0.5, 0.3, 0.2}};
  const Score s = score(labels, p);
  EXPECT_EQ(s.rows, 4);
  EXPECT_NEAR(s.log_loss, -(std::log(0.5) + std::log(0.8) + std::log(0.25) + std::log(0.2)) / 4, 1e-12);
  EXPECT_NEAR(s.brier, (0.38 + 0.06 + 0.875 + 0.98) / 4, 1e-12);
  EXPECT_DOUBLE_EQ(s.accuracy, 0.5);
  EXPECT_DOUBLE_EQ(s.directional_accuracy, 0.5);  // right, tie, wrong
  // F1: SELL 0, HOLD 2·1/(1+2) = 2/3, BUY 2·1/(2+1) = 2/3.
  EXPECT_NEAR(s.macro_f1, (0 + 2.0 / 3 + 2.0 / 3) / 3, 1e-12);
  // Gorodkin: (c·n − Σ p_k t_k) / √((n² − Σ p²)(n² − Σ t²)) with t = (1,1,2), p = (1,2,1), c = 2.
  EXPECT_NEAR(s.mcc, (2.0 * 4 - (1 + 2 + 2)) / std::sqrt((16.0 - 6) * (16.0 - 6)), 1e-12);
  EXPECT_EQ(s.confusion[2][0], 1);
  // Bins of 1/15: {0.5 hit, 0.5 miss, 0.5 miss} share one, {0.8 hit} another.
  EXPECT_NEAR(s.ece, (std::abs(1 - 1.5) + std::abs(1 - 0.8)) / 4, 1e-12);
}

TEST(Metrics, PriorIsTheSharesAndScoresTheirEntropy) {
  const std::vector<LabelClass> labels = {kSell, kHold, kHold, kBuy};
  const Probabilities prior = class_prior(labels);
  EXPECT_EQ(prior, (Probabilities{0.25, 0.5, 0.25}));
  const std::vector<Probabilities> p(labels.size(), prior);
  EXPECT_NEAR(log_loss(labels, p), 1.5 * std::log(2.0), 1e-12);
  EXPECT_DOUBLE_EQ(score(labels, p).mcc, 0);  // one answer for all: undefined
}

/// Labels drawn from softmax(z); forecasts are softmax(z·sharpness).
struct Sharpened {
  std::vector<LabelClass> labels;
  std::vector<Probabilities> p;
};
Sharpened sharpened(double sharpness) {
  base::Rng rng(3);
  Sharpened out;
  for (int i = 0; i < 20'000; ++i) {
    const Probabilities flat = {1.0 / 3, 1.0 / 3, 1.0 / 3};
    Probabilities truth = flat;
    double sum = 0;
    for (double& v : truth) sum += v = std::exp(rng.normal());
    for (double& v : truth) v /= sum;
    const double u = rng.uniform();
    out.labels.push_back(u < truth[0] ? kSell : u < truth[0] + truth[1] ? kHold : kBuy);
    out.p.push_back(apply_temperature(truth, 1 / sharpness));
  }
  return out;
}

TEST(Calibration, FindsTheTemperatureThatUndoesOverconfidence) {
  for (const double sharpness : {0.5, 1.0, 2.5}) {
    const Sharpened s = sharpened(sharpness);
    const double t = fit_temperature(s.labels, s.p);
    EXPECT_NEAR(t, sharpness, 0.06 * sharpness);
    std::vector<Probabilities> fixed;
    for (const Probabilities& p : s.p) fixed.push_back(apply_temperature(p, t));
    EXPECT_LE(log_loss(s.labels, fixed), log_loss(s.labels, s.p) + 1e-9);
    EXPECT_LT(score(s.labels, fixed).ece, 0.02);
  }
}

TEST(Calibration, TemperatureOneChangesNothingAndOrderIsKept) {
  const Probabilities p = {0.2, 0.5, 0.3};
  const Probabilities same = apply_temperature(p, 1);
  for (std::size_t c = 0; c < kClassCount; ++c) EXPECT_NEAR(same[c], p[c], 1e-14);
  const Probabilities flat = apply_temperature(p, 5);
  EXPECT_TRUE(flat[0] < flat[2] && flat[2] < flat[1] && flat[1] < 0.5);
}

}  // namespace
}  // namespace qtrader::training
