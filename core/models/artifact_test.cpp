#include "core/models/artifact.hpp"

#include <cmath>
#include <limits>

#include "core/base/json.hpp"
#include "core/base/rng.hpp"
#include "core/models/test_baseline.hpp"

namespace qtrader::models {
namespace {

ModelCard sample_card() {
  ModelCard card;
  card.model_id = "xgboost-vtest";
  card.type = ModelKind::XGBoost;
  card.version = "v20251203_101500";
  card.schema_id = std::string(64, 'a');
  card.label_spec = {.mode = "fixed_horizon", .horizon_bars = 4, .theta_min = 0.002, .k = 0.5};
  card.data_range = {.first = {1'700'000'000'000'000'000}, .last = {1'710'000'000'000'000'000}};
  card.symbols = {"BTCUSDT", "ETHUSDT"};
  card.n_rows = 123456;
  card.class_counts = {30000, 60000, 33456};
  card.synthetic = true;
  card.code_version = "0.1.0";
  card.seed = std::numeric_limits<std::uint64_t>::max() - 1;
  card.hyper_parameters = {{"eta", "0.03"}, {"max_depth", "5"}};
  card.temperature = 1.0834726451928374;
  card.class_mean_abs_r = {0.98765432109876543, 0.2, 1.0123};
  card.novelty = testing::plain_baseline(2);
  card.metrics = {{"test.log_loss", 1.0312}};
  card.sha256 = std::string(64, '0');
  card.trained_at = {1'764'756'900'123'000'000};
  return card;
}

std::string without(std::string json, const std::string& member) {
  const std::size_t at = json.find("\"" + member + "\":");
  EXPECT_NE(at, std::string::npos) << member;
  return json.replace(at, member.size() + 3, "\"renamed\":");
}

TEST(ModelCard, RoundTripsThroughJsonToTheLastBit) {
  const ModelCard card = sample_card();
  const std::string json = base::to_json(card);
  const auto parsed = parse_card(json);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(base::to_json(*parsed), json);
  EXPECT_EQ(parsed->seed, card.seed);
  EXPECT_EQ(parsed->temperature, card.temperature);
  EXPECT_EQ(parsed->class_mean_abs_r, card.class_mean_abs_r);
  EXPECT_EQ(parsed->novelty, card.novelty);
  EXPECT_EQ(parsed->trained_at, card.trained_at);
}

TEST(ModelCard, DoublesSurviveTheRoundTrip) {
  base::Rng rng(7);
  for (int i = 0; i < 2000; ++i) {
    ModelCard card = sample_card();
    card.temperature = 0.01 + rng.uniform() * 5;
    card.class_mean_abs_r = {rng.uniform(), rng.uniform() * 1e-9, rng.uniform() * 1e9};
    const auto parsed = parse_card(base::to_json(card));
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    EXPECT_EQ(parsed->temperature, card.temperature);
    EXPECT_EQ(parsed->class_mean_abs_r, card.class_mean_abs_r);
  }
}

TEST(ModelCard, EveryMemberIsRequiredAndNamed) {
  const ModelCard card = sample_card();
  const std::string json = base::to_json(card);
  base::for_each_member(card, [&](std::string_view name, const auto&) {
    const auto parsed = parse_card(without(json, std::string(name)));
    ASSERT_FALSE(parsed.ok()) << name;
    EXPECT_EQ(parsed.error().code, base::Errc::SchemaMismatch) << name;
    EXPECT_NE(parsed.error().context.find(name), std::string::npos) << parsed.error().message();
  });
  const auto nested = parse_card(without(json, "horizon_bars"));
  ASSERT_FALSE(nested.ok());
  EXPECT_NE(nested.error().context.find("label_spec.horizon_bars"), std::string::npos) << nested.error().message();
}

TEST(ModelCard, UnknownMembersAreIgnored) {
  std::string json = base::to_json(sample_card());
  json.insert(1, R"("parent_version":"v1",)");
  EXPECT_TRUE(parse_card(json).ok());
}

TEST(ModelCard, MetricThatIsNotFiniteComesBackAbsent) {
  ModelCard card = sample_card();
  card.metrics["test.sharpe"] = std::numeric_limits<double>::quiet_NaN();
  const auto parsed = parse_card(base::to_json(card));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(parsed->metrics.count("test.sharpe"), 0U);
  EXPECT_EQ(parsed->metrics.count("test.log_loss"), 1U);
}

TEST(ModelCard, RefusesValuesOutOfRange) {
  const auto code_of = [](auto&& change) {
    ModelCard card = sample_card();
    change(card);
    const auto parsed = parse_card(base::to_json(card));
    return parsed.ok() ? std::string("accepted") : std::string(base::to_string(parsed.error().code));
  };
  const std::string range(base::to_string(base::Errc::InvalidArgument));
  EXPECT_EQ(code_of([](ModelCard& c) { c.temperature = 0; }), range);
  EXPECT_EQ(code_of([](ModelCard& c) { c.temperature = -1; }), range);
  EXPECT_EQ(code_of([](ModelCard& c) { c.class_mean_abs_r[1] = -0.1; }), range);
  EXPECT_EQ(code_of([](ModelCard& c) { c.n_rows = -1; }), range);
  EXPECT_EQ(code_of([](ModelCard& c) { c.class_counts[2] = -1; }), range);
  EXPECT_EQ(code_of([](ModelCard& c) { c.label_spec.horizon_bars = 0; }), range);
  EXPECT_EQ(code_of([](ModelCard& c) { c.sha256 = "abc"; }), range);
  EXPECT_EQ(code_of([](ModelCard& c) { c.sha256[3] = 'G'; }), range);
  EXPECT_EQ(code_of([](ModelCard& c) { c.novelty = {}; }), range);
  EXPECT_EQ(code_of([](ModelCard& c) { c.novelty.whitening.pop_back(); }), range);
  EXPECT_EQ(code_of([](ModelCard&) {}), "accepted");
}

TEST(ModelCard, RefusesWhatIsNotJson) {
  const std::string json = base::to_json(sample_card());
  for (const std::string& text :
       {std::string(), json.substr(0, json.size() / 2), json + "x", std::string("[1,2"), std::string(1000, '[')}) {
    const auto parsed = parse_card(text);
    ASSERT_FALSE(parsed.ok());
    EXPECT_EQ(parsed.error().code, base::Errc::Corrupt) << parsed.error().message();
  }
}

TEST(ModelCard, TraitsCarryWhatDecisionsNeed) {
  const ModelCard card = sample_card();
  const ModelTraits traits = traits_of(card);
  EXPECT_EQ(traits.kind, ModelKind::XGBoost);
  EXPECT_EQ(traits.schema_id, card.schema_id);
  EXPECT_EQ(traits.artifact_sha256, card.sha256);
  EXPECT_EQ(traits.temperature, card.temperature);
  EXPECT_EQ(traits.class_mean_abs_r, card.class_mean_abs_r);
  EXPECT_EQ(traits.horizon_bars, 4);
  EXPECT_TRUE(traits.synthetic);
  ASSERT_NE(traits.novelty, nullptr);
  EXPECT_EQ(traits.novelty->baseline(), card.novelty);
}

}  // namespace
}  // namespace qtrader::models
