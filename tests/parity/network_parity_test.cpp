// Our network kernels against libtorch: 1 000 windows of random rows, logits within 1e-5 of those of libtorch's own
// operations and class probabilities within 1e-5 of the trainer's (design contract 9), for weights as they are
// initialised, for weights far from there, and for weights that were trained. Serving is asked as trading asks it: bar
// by bar through a FeatureHistory.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/hash.hpp"
#include "core/base/rng.hpp"
#include "core/models/network/nhits.hpp"
#include "core/models/network/patch_tst.hpp"
#include "training/calibration.hpp"
#include "training/deep/decision_weights.hpp"
#include "training/deep/runtime.hpp"
#include "training/evaluation.hpp"
#include "training/fit.hpp"
#include "training/sequences.hpp"

namespace qtrader::training {
namespace {

using features::kFeatureCount;
using models::ModelKind;

constexpr std::size_t kWindows = 1000;
constexpr double kTolerance = 1e-5;

/// One symbol: features of very different scales, fat tails, few-valued and constant columns, a price that jumps; the
/// label follows the last bar's features, so that there is something to learn.
Dataset random_dataset(std::uint64_t seed) {
  base::Rng rng(seed);
  Dataset out;
  double log_price = 3;
  for (std::size_t i = 0; i < kWindows + deep::kWindowSteps - 1; ++i) {
    Row row;
    row.bar_close = base::Timestamp{} + base::minutes(15) * static_cast<std::int64_t>(i + 1);
    row.close = std::exp(log_price += 0.01 * rng.student_t(3));
    row.previous = i == 0 ? kNoRow : static_cast<std::uint32_t>(i - 1);
    out.rows.push_back(row);
    for (std::size_t j = 0; j < kFeatureCount; ++j) {
      const double scale = std::pow(10.0, static_cast<double>(j % 7) - 4);
      const double value = j % 11 == 10 ? 0.25 : j % 5 == 1 ? static_cast<double>(rng.below(3)) : rng.student_t(3);
      out.x.push_back(scale * value);
    }
    double& rv_20 = out.x[out.x.size() - kFeatureCount + static_cast<std::size_t>(features::Feature::Rv20)];
    rv_20 = 0.01 * std::abs(rv_20);
    const double lean = out.x[out.x.size() - kFeatureCount + 3] + 0.3 * rng.normal();
    out.labels.push_back(lean > 0.5 ? LabelClass::Buy : lean < -0.5 ? LabelClass::Sell : LabelClass::Hold);
  }
  return out;
}

models::ModelTraits traits_of_kind(ModelKind kind) {
  models::ModelTraits out;
  out.kind = kind;
  out.schema_id = features::schema_id(domain::Timeframe::M15);
  out.temperature = 1;
  return out;
}

std::shared_ptr<deep::DecisionNet> make_net(ModelKind kind) {
  deep::start_deterministically(5, "parity");
  if (kind == ModelKind::NHits) return std::make_shared<deep::NhitsDecisionNet>();
  return std::make_shared<deep::PatchTstDecisionNet>();
}

FittedModel stored(ModelKind kind, const std::shared_ptr<deep::DecisionNet>& net, const Dataset& data) {
  net->eval();
  FittedModel out;
  out.kind = kind;
  out.weights = deep::export_decision(*net, fit_quartiles(data, {0, data.size()}));
  return out;
}

/// Largest difference of any logit, core's network against libtorch's operations, over all windows.
template <class Network>
double logit_difference(const FittedModel& fitted, const Dataset& data) {
  const auto file = *models::parse_tensor_file(base::as_bytes(fitted.weights));
  const Network served = std::move(Network::create(file)).value();
  const auto imported = *deep::import_decision(fitted.weights);
  imported.net->use_reference();
  const Sequences sequences(data, imported.quartiles);
  const auto ends = sequences.examples({0, data.size()}, {}).ends;
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> parts;
  for (std::size_t at = 0; at < ends.size(); at += 50)
    parts.push_back(
        imported.net->forward(imported.net->gather(sequences.table(), std::span(ends).subspan(at, 50))).logits);
  const torch::Tensor expected = torch::cat(parts).contiguous();
  models::FeatureHistory history(deep::kWindowSteps);
  auto window = std::make_unique<models::NetworkWindow>();
  double worst = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    features::FeatureVector v;
    v.valid = true;
    v.bar_close = data.rows[i].bar_close;
    v.close = data.rows[i].close;
    std::copy_n(&data.x[i * kFeatureCount], kFeatureCount, v.x.begin());
    history.push(v);
    if (i + 1 < deep::kWindowSteps) continue;
    EXPECT_EQ(models::form_window(history, served.normaliser(), base::minutes(15), *window), "");
    const auto answer = served.forward(*window);
    for (std::size_t c = 0; c < 3; ++c) {
      const float* row = expected.data_ptr<float>() + (i + 1 - deep::kWindowSteps) * 3;
      float logit;
      if constexpr (std::is_same_v<Network, models::NHits>)
        logit = answer.logits[c];
      else
        logit = answer[c];
      worst = std::max(worst, std::abs(static_cast<double>(logit) - static_cast<double>(row[c])));
    }
  }
  return worst;
}

void expect_parity(const FittedModel& fitted, const Dataset& data, double least_spread) {
  const IndexRange all{0, data.size()};
  const auto served = serve(fitted, traits_of_kind(fitted.kind), data, all);
  const auto expected = library_predict(fitted, data, all);
  ASSERT_TRUE(served) << served.error().message();
  ASSERT_TRUE(expected) << expected.error().message();
  EXPECT_LE(largest_difference(*served, *expected), kTolerance);
  double low = 1, high = 0;
  std::size_t present = 0;
  for (const auto& p : *served) {
    if (!p) continue;
    ++present;
    low = std::min(low, (*p)[0]);
    high = std::max(high, (*p)[0]);
  }
  EXPECT_EQ(present, kWindows);
  EXPECT_GT(high - low, least_spread) << "a network that says the same of every window would be equal to anything";
  if (fitted.kind == ModelKind::NHits)
    EXPECT_LE(logit_difference<models::NHits>(fitted, data), kTolerance);
  else
    EXPECT_LE(logit_difference<models::PatchTst>(fitted, data), kTolerance);
}

class NetworkParity : public testing::TestWithParam<ModelKind> {};

TEST_P(NetworkParity, InitialWeights) {
  const Dataset data = random_dataset(1);
  const auto net = make_net(GetParam());
  deep::freeze(*net);
  expect_parity(stored(GetParam(), net, data), data, 0.01);
}

/// Every vector random, norms that scale and shift, RevIN that does.
TEST_P(NetworkParity, WeightsFarFromTheInitialOnes) {
  const Dataset data = random_dataset(2);
  const auto net = make_net(GetParam());
  {
    const torch::NoGradGuard no_grad;
    for (const torch::Tensor& p : net->parameters())
      if (p.dim() == 1) p.uniform_(-0.5, 1.5);
    for (const auto& buffer : net->named_buffers())
      if (buffer.value().is_floating_point()) buffer.value().uniform_(0.5, 2);
  }
  deep::freeze(*net);
  expect_parity(stored(GetParam(), net, data), data, 0.01);
}

TEST_P(NetworkParity, TrainedWeights) {
  const Dataset data = random_dataset(3);
  const IndexRange train{0, 800}, validation{800, data.size()};
  const std::vector<double> weights(train.size(), 1);
  const auto fitted = fit(GetParam(),
                          {.train = data.block(train),
                           .weights = weights,
                           .validation = data.block(validation),
                           .seed = 1,
                           .dataset = &data,
                           .train_rows = train,
                           .validation_rows = validation},
                          {.threads = 1, .nhits = {3, 0, 0}, .patchtst = {1, 512, 128}});
  ASSERT_TRUE(fitted) << fitted.error().message();
  expect_parity(*fitted, data, 0.01);
}

/// As a fold of a cross-validation arranges them: rows in another order, a hole in the bars.
TEST(NetworkServing, RowsOfAnyOrderAreServedAsTheyWereLivedAndHolesForecastNothing) {
  Dataset data = random_dataset(4);
  constexpr std::size_t kHole = 400;
  data.rows[kHole].previous = kNoRow;
  for (std::size_t i = kHole; i < data.size(); ++i) data.rows[i].bar_close = data.rows[i].bar_close + base::minutes(15);
  Dataset moved = data;  // the second half first
  const auto at = [&](std::size_t i) { return (i + data.size() / 2) % data.size(); };
  for (std::size_t i = 0; i < data.size(); ++i) {
    Row& row = moved.rows[at(i)] = data.rows[i];
    if (row.previous != kNoRow) row.previous = static_cast<std::uint32_t>(at(row.previous));
    std::copy_n(&data.x[i * kFeatureCount], kFeatureCount, &moved.x[at(i) * kFeatureCount]);
  }
  const FittedModel fitted = stored(ModelKind::NHits, make_net(ModelKind::NHits), data);
  const IndexRange all{0, data.size()};
  const auto plain = serve(fitted, traits_of_kind(fitted.kind), data, all);
  const auto other = serve(fitted, traits_of_kind(fitted.kind), moved, all);
  const auto library = library_predict(fitted, moved, all);
  ASSERT_TRUE(plain && other && library);
  EXPECT_LE(largest_difference(*other, *library), kTolerance);
  for (std::size_t i = 0; i < data.size(); ++i) {
    ASSERT_EQ((*plain)[i], (*other)[at(i)]);
    const std::size_t run = i < kHole ? i + 1 : i + 1 - kHole;
    ASSERT_EQ((*plain)[i].has_value(), run >= deep::kWindowSteps) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, NetworkParity, testing::Values(ModelKind::NHits, ModelKind::PatchTst),
                         [](const auto& kind) { return std::string(models::name(kind.param)); });

}  // namespace
}  // namespace qtrader::training
