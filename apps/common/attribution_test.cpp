#include "apps/common/attribution.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace qtrader::apps {
namespace {

using domain::Action;

/// A stump for class BUY: `high` where the feature is ≥ 0, the opposite below; half of the rows on each side.
ExplainableModel stump(const std::string& type, const std::string& sha256, std::int64_t feature, double high) {
  const models::Tree tree{.output = 2,
                          .nodes = {{.left = 1, .right = 2, .feature = feature, .threshold = 0, .cover = 2},
                                    {.value = -high, .cover = 1},
                                    {.value = high, .cover = 1}}};
  ExplainableModel out;
  out.lineage.type = type;
  out.lineage.weights_sha256 = sha256;
  out.shap = *models::TreeShap::create({.trees = {tree}, .rule = models::SplitRule::Less, .start = {}});
  return out;
}

domain::ModelVote vote(const std::string& model, const std::string& version, double weight) {
  domain::ModelVote out;
  out.model = model;
  out.version = version;
  out.effective_weight = weight;
  out.counted = true;
  return out;
}

domain::Signal buy_signal(std::vector<domain::ModelVote> votes) {
  domain::Signal out;
  out.action = Action::Buy;
  out.votes = std::move(votes);
  out.features.assign(features::kFeatureCount, 1.0);
  out.feature_mask = ~std::uint64_t{0} ^ 1ULL << 7;
  return out;
}

TEST(Attribution, ExplainsTheSideThatWasChosen) {
  const std::vector<ExplainableModel> models = {stump("xgboost", std::string(64, 'a'), 7, 0.5)};
  const auto d = attribute(buy_signal({vote("xgboost", "aaaaaaaaaaaa", 1)}), models);
  EXPECT_EQ(d.side, Action::Buy);
  ASSERT_EQ(d.votes.size(), 1U);
  EXPECT_EQ(d.votes[0].why_none, "");
  EXPECT_EQ(d.votes[0].base, 0);
  EXPECT_EQ(d.votes[0].margin, 0.5);
  ASSERT_EQ(d.votes[0].top.size(), 1U);  // the model looks at one feature
  EXPECT_EQ(d.votes[0].top[0].feature, features::kFeatureNames[7]);
  EXPECT_EQ(d.votes[0].top[0].value, 1);
  EXPECT_FALSE(d.votes[0].top[0].known);
  EXPECT_DOUBLE_EQ(d.votes[0].top[0].contribution, 0.5);
  EXPECT_TRUE(d.together.empty());

  auto sell = buy_signal({vote("xgboost", "aaaaaaaaaaaa", 1)});
  sell.action = Action::Sell;
  EXPECT_TRUE(attribute(sell, models).votes[0].top.empty());  // its trees say nothing of SELL
}

TEST(Attribution, PoolsCountedTreeMembersByWeightAndTemperature) {
  std::vector<ExplainableModel> models = {stump("xgboost", std::string(64, 'a'), 3, 1.0),
                                          stump("lightgbm", std::string(64, 'b'), 4, 1.0)};
  models[1].temperature = 2;
  auto signal = buy_signal({vote("xgboost", "aaaaaaaaaaaa", 0.1), vote("lightgbm", "bbbbbbbbbbbb", 0.3)});
  const auto d = attribute(signal, models);
  ASSERT_EQ(d.together.size(), 2U);
  EXPECT_EQ(d.together[0].feature, features::kFeatureNames[4]);
  EXPECT_NEAR(d.together[0].contribution, 0.75 / 2, 1e-12);
  EXPECT_NEAR(d.together[1].contribution, 0.25, 1e-12);

  signal.votes[1].counted = false;
  EXPECT_TRUE(attribute(signal, models).together.empty());
  EXPECT_EQ(attribute(signal, models).votes[1].why_none, "");  // still explained
}

TEST(Attribution, SaysWhyAVoteIsNotExplained) {
  ExplainableModel network;
  network.lineage.type = "nhits";
  network.lineage.weights_sha256 = std::string(64, 'c');
  network.why_none = "no attribution is given for networks";
  const std::vector<ExplainableModel> models = {network, stump("xgboost", std::string(64, 'a'), 0, 1)};
  const auto d = attribute(
      buy_signal({vote("nhits", "cccccccccccc", 1), vote("xgboost", "ffffffffffff", 1), vote("xgboost", "", 1)}),
      models);
  EXPECT_EQ(d.votes[0].why_none, network.why_none);
  for (const std::size_t other : {1U, 2U}) EXPECT_NE(d.votes[other].why_none.find("no model"), std::string::npos);
}

TEST(Attribution, NamesTheModelsOfARunWhoseFilesAreGone) {
  const auto models = read_explainable("/nowhere/models", {"xgboost:" + std::string(64, 'a')});
  ASSERT_EQ(models.size(), 1U);
  EXPECT_EQ(models[0].lineage.type, "xgboost");
  EXPECT_EQ(models[0].lineage.weights_sha256, std::string(64, 'a'));
  EXPECT_NE(models[0].lineage.fault.find("not beside the journal"), std::string::npos);
}

}  // namespace
}  // namespace qtrader::apps
