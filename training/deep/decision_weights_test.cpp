#include "training/deep/decision_weights.hpp"

#include <gtest/gtest.h>

#include "core/base/hash.hpp"
#include "core/models/network/tensor_file.hpp"
#include "training/deep/runtime.hpp"

namespace qtrader::training::deep {
namespace {

/// A network whose norms have seen data, so that folding them does something.
template <class Net>
std::shared_ptr<DecisionNet> used_net() {
  start_deterministically(3, "weights test");
  auto net = std::make_shared<Net>();
  const torch::NoGradGuard no_grad;
  for (const auto& buffer : net->named_buffers())
    if (buffer.value().is_floating_point()) buffer.value().uniform_(0.5, 2);
  for (const torch::Tensor& parameter : net->parameters())
    if (parameter.dim() == 1) parameter.uniform_(-0.5, 1.5);
  freeze(*net);
  net->eval();
  return net;
}

Quartiles some_quartiles() {
  Quartiles out;
  for (std::size_t i = 0; i < out.median.size(); ++i) {
    out.median[i] = static_cast<float>(i) / 7;
    out.iqr[i] = 1 + static_cast<float>(i) / 3;
  }
  return out;
}

/// Rows and closes of one symbol, so that windows can be gathered.
struct Table {
  std::vector<float> z, rv_20;
  std::vector<double> log_close;
  std::vector<std::uint32_t> ends;
  Table() {
    const torch::Tensor values = torch::randn({200 * 64}).clamp(-5, 5);
    z.assign(values.data_ptr<float>(), values.data_ptr<float>() + values.numel());
    for (std::uint32_t i = 0; i < 200; ++i) {
      rv_20.push_back(0.01F);
      log_close.push_back(0.01 * static_cast<double>(z[i * 64]));
      if (i + 1 >= kWindowSteps) ends.push_back(i);
    }
  }
  WindowTable view() const { return {z, log_close, rv_20}; }
};

class DecisionWeights : public testing::TestWithParam<std::shared_ptr<DecisionNet> (*)()> {};

TEST_P(DecisionWeights, ComeBackAsTheyWere) {
  const auto net = GetParam()();
  const std::string file = export_decision(*net, some_quartiles());
  auto imported = import_decision(file);
  ASSERT_TRUE(imported) << imported.error().message();
  EXPECT_EQ(imported->quartiles, some_quartiles());
  EXPECT_EQ(export_decision(*imported->net, imported->quartiles), file);

  imported->net->use_reference();
  const torch::NoGradGuard no_grad;
  const Table table;
  const DecisionBatch batch = net->gather(table.view(), table.ends);
  const DecisionOutput a = net->forward(batch), b = imported->net->forward(batch);
  EXPECT_LT((a.logits - b.logits).abs().max().item<float>(), 1e-5F);
  EXPECT_GT(a.logits.std(0).min().item<float>(), 1e-2F);  // logits that differ between windows
  EXPECT_TRUE(!a.quantiles.defined() || torch::equal(a.quantiles, b.quantiles));
}

TEST_P(DecisionWeights, SayWhichTensorIsWrong) {
  const std::string file = export_decision(*GetParam()(), some_quartiles());
  const models::TensorFile whole = *models::parse_tensor_file(base::as_bytes(file));
  const auto message = [](const models::TensorFile& changed) {
    const auto imported = import_decision(models::write_tensor_file(changed));
    return imported ? std::string() : imported.error().message();
  };
  models::TensorFile changed = whole;
  changed.tensors.erase(std::ranges::find(changed.tensors, "classes.bias", &models::Tensor::name));
  EXPECT_NE(message(changed).find("classes.bias is missing"), std::string::npos) << message(changed);
  changed = whole;
  changed.tensors.push_back({.name = "surplus", .shape = {1}, .data = changed.tensors[0].data.subspan(0, 4)});
  EXPECT_NE(message(changed).find("surplus"), std::string::npos);
  changed = whole;
  changed.tensors[0].shape = {32, 2};
  EXPECT_NE(message(changed).find("shape"), std::string::npos);
  changed = whole;
  changed.metadata["architecture"] = "lstm";
  EXPECT_NE(message(changed).find("lstm"), std::string::npos);
  changed = whole;
  changed.metadata["config"] = "{\"steps\":120}";
  EXPECT_NE(message(changed).find("features is missing"), std::string::npos) << message(changed);
  EXPECT_FALSE(import_decision(file.substr(0, file.size() / 2)));
}

INSTANTIATE_TEST_SUITE_P(Both, DecisionWeights,
                         testing::Values(&used_net<NhitsDecisionNet>, &used_net<PatchTstDecisionNet>));

TEST(DecisionNets, NhitsReadsTheSeriesInUnitsOfVolatility) {
  const Table table;
  const NhitsDecisionNet net;
  const std::array<std::uint32_t, 1> end = {150};
  const DecisionBatch batch = net.gather(table.view(), end);
  EXPECT_EQ(batch.series[0][119].item<float>(), 0);
  const double expected = (table.log_close[150 - 19] - table.log_close[150]) / static_cast<double>(table.rv_20[150]);
  EXPECT_FLOAT_EQ(batch.series[0][100].item<float>(), static_cast<float>(expected));
  EXPECT_EQ(batch.features[0][100][5].item<float>(), table.z[131 * 64 + 5]);
}

TEST(DecisionNets, RevInRemovesLevelAndScaleOfLevelChannelsAlone) {
  const Table table;
  PatchTstDecisionNet net;
  net.eval();
  const torch::NoGradGuard no_grad;
  const std::array<std::uint32_t, 1> end = {150};
  DecisionBatch batch = net.gather(table.view(), end);
  const torch::Tensor before = net.forward(batch).logits;
  for (std::size_t c = 0; c < net.shape().channels.size(); ++c) {
    DecisionBatch moved = {batch.features.clone(), batch.last, {}};
    moved.features[0][static_cast<std::int64_t>(c)] *= 2;
    moved.features[0][static_cast<std::int64_t>(c)] += 1;
    const float change = (net.forward(moved).logits - before).abs().max().item<float>();
    if (net.shape().channels[c].level)
      EXPECT_LT(change, 1e-4F) << "channel " << c;
    else
      EXPECT_GT(change, 1e-4F) << "channel " << c;
  }
}

}  // namespace
}  // namespace qtrader::training::deep
