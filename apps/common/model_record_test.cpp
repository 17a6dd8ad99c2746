#include "apps/common/model_record.hpp"

#include <gtest/gtest.h>

#include "apps/common/model_comparison.hpp"
#include "core/base/hash.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::apps {
namespace {

using base::Errc;

TEST(FindModel, TakesTheStartOfAnIdThatIsTheOnlyOne) {
  const test::TempDir registry;
  for (const auto& [type, id] : {std::pair("xgboost", "aaa111111111"),
                                 {"xgboost", "aab111111111"},
                                 {"lightgbm", "aaa111111111"},
                                 {"lightgbm", "ccc111111111"}})
    ASSERT_TRUE(store::store_model(registry.path(), {type, id, "{}", "weights.bin", "w"}));
  const auto found = [&](const std::string& text) { return find_model(registry.path(), text); };
  EXPECT_EQ(found("aab")->id, "aab111111111");
  EXPECT_EQ(found("ccc111111111")->type, "lightgbm");
  EXPECT_EQ(found("xgboost/aaa")->type, "xgboost");
  EXPECT_EQ(found("lightgbm/a")->id, "aaa111111111");
  for (const char* several : {"aaa", "a", "xgboost/"}) EXPECT_EQ(found(several).error().code, Errc::InvalidArgument);
  for (const char* none : {"zzz", "", "xgboost", "catboost/aaa", "aaa1111111112"})
    EXPECT_EQ(found(none).error().code, Errc::NotFound) << none;
  EXPECT_NE(found("zzz").error().context.find("lightgbm/ccc111111111"), std::string::npos);
}

TEST(Identity, IsTheHashOfTheCardWithoutTheWallClock) {
  const auto card = [](const std::string& id, const std::string& version, const std::string& trained,
                       const std::string& code) {
    return R"({"model_id":")" + id + R"(","type":"XGBoost","version":")" + version + R"(","code_version":")" + code +
           R"(","trained_at":")" + trained + "\",\"training\":{\"library\":\"version\"}}\n";
  };
  ModelRecord a, later, other;
  a.card_json = card("xgboost-1", "v1", "2025-12-03T10:11:12.000Z", "0.1");
  later.card_json = card("xgboost-2", "v2", "2025-12-04T00:00:00.000Z", "0.1");
  other.card_json = card("xgboost-1", "v1", "2025-12-03T10:11:12.000Z", "0.2");
  EXPECT_EQ(identity_of(a), base::sha256_hex(card("", "", "1970-01-01T00:00:00.000Z", "0.1")).substr(0, 12));
  EXPECT_EQ(identity_of(a), identity_of(later));
  EXPECT_NE(identity_of(a), identity_of(other));
}

class Comparison : public testing::Test {
 protected:
  static ModelRecord record(const std::string& id) {
    ModelRecord out;
    out.entry.type = "xgboost";
    out.entry.id = id;
    out.card.symbols = {"BTCUSDT"};
    out.card.metrics = {{"test.log_loss", 1.0}};
    out.training.data_hash = "d";
    out.training.test = {.rows = 10, .first = {1}, .last = {2}};
    return out;
  }
  static const MakingDifference* difference(const ModelComparison& c, const std::string& what) {
    for (const MakingDifference& d : c.differences)
      if (d.what == what) return &d;
    return nullptr;
  }
  ModelRecord a_ = record("a"), b_ = record("b");
};

TEST_F(Comparison, OfModelsMadeAlikeFindsNothing) {
  const ModelComparison c = compare(a_, b_);
  EXPECT_EQ(c.a, "xgboost/a");
  EXPECT_TRUE(c.same_test_rows);
  EXPECT_EQ(c.warning, "");
  EXPECT_TRUE(c.differences.empty());
}

TEST_F(Comparison, WarnsUnlessTheTestRowsAreTheSame) {
  const auto warns = [&](auto change) {
    ModelRecord changed = a_;
    change(changed);
    const ModelComparison c = compare(changed, b_);
    return !c.same_test_rows && !c.warning.empty();
  };
  EXPECT_TRUE(warns([](ModelRecord& m) { m.training.test.last = {3}; }));
  EXPECT_TRUE(warns([](ModelRecord& m) { m.card.symbols.push_back("ETHUSDT"); }));
  EXPECT_TRUE(warns([](ModelRecord& m) { m.card.label_spec.horizon_bars = 8; }));
  EXPECT_TRUE(warns([](ModelRecord& m) { m.training.data_hash = "e"; }));
  EXPECT_FALSE(warns([](ModelRecord& m) { m.card.seed = 7; }));
}

TEST_F(Comparison, ListsMetricsOfEitherAndWhatWasMadeDifferently) {
  b_.card.metrics = {{"test.brier", 0.5}, {"test.log_loss", 0.9}};
  b_.card.seed = 7;
  b_.card.hyper_parameters = {{"eta", "0.03"}};
  const ModelComparison c = compare(a_, b_);
  ASSERT_EQ(c.metrics.size(), 2U);
  EXPECT_EQ(c.metrics[0].name, "test.brier");
  EXPECT_FALSE(c.metrics[0].a);
  EXPECT_EQ(c.metrics[1].a, 1.0);
  EXPECT_EQ(c.metrics[1].b, 0.9);
  ASSERT_NE(difference(c, "seed"), nullptr);
  EXPECT_EQ(difference(c, "seed")->b, "7");
  ASSERT_NE(difference(c, "eta"), nullptr);
  EXPECT_EQ(difference(c, "eta")->a, "");
}

}  // namespace
}  // namespace qtrader::apps
