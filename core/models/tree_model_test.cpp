// Loaders of tree models on small hand-written files: semantics, refusals, and thousands of damaged files.
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "core/base/det_math.hpp"
#include "core/base/hash.hpp"
#include "core/base/rng.hpp"
#include "core/models/document.hpp"
#include "core/models/model.hpp"

namespace qtrader::models {
namespace {

using base::Errc;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

/// Three trees: SELL splits on #0 at 0.5 (missing left), HOLD is a leaf, BUY splits on #63 at −1 (missing right) and
/// #2.
std::string xgboost_json() {
  const auto tree = [](std::string_view id, std::string_view nodes, std::string_view lists) {
    return std::string(R"({"id":)") + std::string(id) +
           R"(,"tree_param":{"num_deleted":"0","num_feature":"64","num_nodes":")" + std::string(nodes) +
           R"(","size_leaf_vector":"0"},)" + std::string(lists) + "}";
  };
  return R"({"learner":{"attributes":{},"gradient_booster":{"model":{"gbtree_model_param":{"num_parallel_tree":"1",)"
         R"("num_trees":"3","size_leaf_vector":"0"},"tree_info":[0,1,2],"trees":[)" +
         tree("0", "3",
              R"("default_left":[1,0,0],"left_children":[1,-1,-1],"right_children":[2,-1,-1],)"
              R"("split_conditions":[5E-1,2E-1,-1E-1],"split_indices":[0,0,0],"split_type":[0,0,0])") +
         "," +
         tree("1", "1",
              R"("default_left":[0],"left_children":[-1],"right_children":[-1],"split_conditions":[1E-1],)"
              R"("split_indices":[0],"split_type":[0])") +
         "," +
         tree("2", "5",
              R"("default_left":[0,0,1,0,0],"left_children":[1,-1,3,-1,-1],"right_children":[2,-1,4,-1,-1],)"
              R"("split_conditions":[-1E0,3E-1,2.5E-1,7E-1,-4E-1],"split_indices":[63,0,2,0,0],)"
              R"("split_type":[0,0,0,0,0])") +
         R"(]},"name":"gbtree"},"learner_model_param":{"base_score":"5E-1","boost_from_average":"1","num_class":"3",)"
         R"("num_feature":"64","num_target":"1"},"objective":{"name":"multi:softprob",)"
         R"("softmax_multiclass_param":{"num_class":"3"}}},"version":[1,7,4]})";
}

std::string lightgbm_text() {
  return "tree\nversion=v4\nnum_class=3\nnum_tree_per_iteration=3\nlabel_index=0\nmax_feature_idx=63\n"
         "objective=multiclass num_class:3\nfeature_names=a b\nfeature_infos=none none\ntree_sizes=1 2 3\n\n"
         // missing NaN, default left
         "Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nsplit_gain=1\nthreshold=0.5\ndecision_type=10\n"
         "left_child=-1\nright_child=-2\nleaf_value=0.2 -0.1\nleaf_weight=1 1\nis_linear=0\nshrinkage=1\n\n\n"
         "Tree=1\nnum_leaves=1\nnum_cat=0\nsplit_feature=\nsplit_gain=\nthreshold=\ndecision_type=\nleft_child=\n"
         "right_child=\nleaf_value=0.1\nis_linear=0\nshrinkage=1\n\n\n"
         // root: missing zero, default right; second: missing none
         "Tree=2\nnum_leaves=3\nnum_cat=0\nsplit_feature=63 2\nsplit_gain=1 1\nthreshold=-1 0.25\ndecision_type=4 2\n"
         "left_child=-1 -2\nright_child=1 -3\nleaf_value=0.3 0.7 -0.4\nis_linear=0\nshrinkage=1\n\n\n"
         "end of trees\n\nfeature_importances:\n\nparameters:\nend of parameters\n\npandas_categorical:null\n";
}

/// The same tree of values in the format XGBoost calls ubj.
void append_ubjson(const Value& v, std::string& out) {
  const auto big_endian = [&out](std::uint64_t bits, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(bits >> (8 * i) & 0xFF));
  };
  const auto text = [&](const std::string& s) {
    out.push_back('L');
    big_endian(s.size(), 8);
    out += s;
  };
  if (const auto* s = v.as<std::string>()) {
    out.push_back('S');
    text(*s);
  } else if (const auto* list = v.as<Value::Numbers>()) {
    out += "[$d#L";
    big_endian(list->size(), 8);
    for (const double d : *list) big_endian(std::bit_cast<std::uint32_t>(static_cast<float>(d)), 4);
  } else if (const auto* values = v.as<Value::Array>()) {
    out += "[#L";
    big_endian(values->size(), 8);
    for (const Value& e : *values) append_ubjson(e, out);
  } else if (const auto* members = v.as<Value::Object>()) {
    out.push_back('{');
    for (const auto& m : *members) {
      text(m.key);
      append_ubjson(m.value, out);
    }
    out.push_back('}');
  } else {
    std::int64_t i = 0;
    EXPECT_TRUE(v.integer(i));
    out.push_back('i');
    big_endian(static_cast<std::uint64_t>(i), 1);
  }
}

std::string xgboost_ubjson() {
  const auto root = parse_json(xgboost_json());
  EXPECT_TRUE(root.ok());
  std::string out;
  append_ubjson(*root, out);
  return out;
}

base::Result<std::unique_ptr<Model>> xgboost(const std::string& file, ModelTraits traits = {}) {
  traits.kind = ModelKind::XGBoost;
  return load_xgboost(base::as_bytes(file), std::move(traits));
}
base::Result<std::unique_ptr<Model>> lightgbm(const std::string& file, ModelTraits traits = {}) {
  traits.kind = ModelKind::LightGBM;
  return load_lightgbm(base::as_bytes(file), std::move(traits));
}

features::FeatureVector vector(double x0, double x2, double x63) {
  features::FeatureVector v;
  v.x[0] = x0;
  v.x[2] = x2;
  v.x[63] = x63;
  v.valid = true;
  return v;
}

std::array<double, 3> softmax(std::array<double, 3> z, double temperature = 1) {
  double sum = 0;
  for (double& x : z) sum += x = std::exp(x / temperature);
  for (double& x : z) x /= sum;
  return z;
}

void expect_p(const Model& model, const features::FeatureVector& v, const std::array<double, 3>& expected) {
  const Prediction got = model.predict({v, {}});
  ASSERT_TRUE(got.valid) << got.why_invalid;
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(got.p[c], expected[c], 1e-7) << "class " << c;
}

std::string message_of(const base::Result<std::unique_ptr<Model>>& r) {
  return r.ok() ? "loaded" : r.error().message();
}
void expect_error(const base::Result<std::unique_ptr<Model>>& r, Errc code) {
  ASSERT_FALSE(r.ok()) << "loaded, expected " << base::to_string(code);
  EXPECT_EQ(r.error().code, code) << r.error().message();
}

TEST(XGBoostModel, FollowsItsSplitsFromJsonAndUbjson) {
  for (const std::string& file : {xgboost_json(), xgboost_ubjson()}) {
    const auto model = xgboost(file);
    ASSERT_TRUE(model.ok()) << message_of(model);
    expect_p(**model, vector(0.4, 0, -2), softmax({0.2, 0.1, 0.3}));
    expect_p(**model, vector(0.5, 0, -1), softmax({-0.1, 0.1, 0.7}));       // equality goes right
    expect_p(**model, vector(kNaN, 0.3, kNaN), softmax({0.2, 0.1, -0.4}));  // default left, default right
    expect_p(**model, vector(0.6, kNaN, 0), softmax({-0.1, 0.1, 0.7}));
    EXPECT_EQ((*model)->traits().artifact_sha256, base::sha256_hex(file));
  }
}

TEST(XGBoostModel, ComparesAsFloat) {
  const auto model = xgboost(xgboost_json());
  ASSERT_TRUE(model.ok());
  const double just_below = 0.5 - 1e-12;  // as a float it is 0.5, which goes right
  expect_p(**model, vector(just_below, 0, -2), softmax({-0.1, 0.1, 0.3}));
}

TEST(XGBoostModel, ReadsEveryLayoutOfBaseScore) {
  const auto with = [](std::string_view score) {
    return xgboost(replaced(xgboost_json(), R"("5E-1","boost)", std::string(score) + R"(,"boost)"));
  };
  const auto v = vector(0.4, 0, -2);
  for (const std::string_view same :
       {R"("5E-1")", R"("0.5")", "0.5", R"("[5E-1]")", R"("[5E-1,5E-1,5E-1]")", "[0.5,0.5,0.5]"}) {
    const auto model = with(same);
    ASSERT_TRUE(model.ok()) << same << message_of(model);
    expect_p(**model, v, softmax({0.2, 0.1, 0.3}));
  }
  const auto each = with(R"("[1E-1,2E-1,-3E-1]")");
  ASSERT_TRUE(each.ok()) << message_of(each);
  expect_p(**each, v, softmax({0.3, 0.3, 0.0}));
  expect_error(with(R"("[1,2]")"), Errc::Corrupt);
  expect_error(with(R"("x")"), Errc::Corrupt);
  expect_error(with("true"), Errc::Corrupt);
}

TEST(XGBoostModel, AcceptsBooleansForDefaultDirections) {
  const auto model = xgboost(replaced(xgboost_json(), "[0,0,1,0,0]", "[false,false,true,false,false]"));
  ASSERT_TRUE(model.ok()) << message_of(model);
  expect_p(**model, vector(0.6, kNaN, 0), softmax({-0.1, 0.1, 0.7}));
}

TEST(XGBoostModel, RefusesOtherModels) {
  const std::string good = xgboost_json();
  const auto with = [&](std::string_view from, std::string_view to) { return xgboost(replaced(good, from, to)); };
  expect_error(with("multi:softprob", "binary:logistic"), Errc::Unsupported);
  expect_error(with("gbtree\"}", "dart\"}"), Errc::Unsupported);
  expect_error(with(R"("split_type":[0,0,0])", R"("split_type":[1,0,0])"), Errc::Unsupported);
  expect_error(with(R"("num_nodes":"3","size_leaf_vector":"0")", R"("num_nodes":"3","size_leaf_vector":"3")"),
               Errc::Unsupported);
  expect_error(xgboost("binf\x01\x02"), Errc::Unsupported);
  expect_error(with(R"("num_feature":"64","num_target")", R"("num_feature":"63","num_target")"), Errc::SchemaMismatch);
  expect_error(with(R"("num_class":"3","num_feature")", R"("num_class":"4","num_feature")"), Errc::SchemaMismatch);
  expect_error(with(R"("split_indices":[63,0,2,0,0])", R"("split_indices":[64,0,2,0,0])"), Errc::SchemaMismatch);
  EXPECT_TRUE(with("multi:softprob", "multi:softmax").ok());
}

TEST(XGBoostModel, RefusesContradictions) {
  const std::string good = xgboost_json();
  const auto with = [&](std::string_view from, std::string_view to) { return xgboost(replaced(good, from, to)); };
  expect_error(with(R"("left_children":[1,-1,3,-1,-1])", R"("left_children":[1,-1,0,-1,-1])"), Errc::Corrupt);  // cycle
  expect_error(with(R"("left_children":[1,-1,3,-1,-1])", R"("left_children":[1,-1,99,-1,-1])"), Errc::Corrupt);
  expect_error(with(R"("left_children":[1,-1,3,-1,-1])", R"("left_children":[1,-1,2.5,-1,-1])"), Errc::Corrupt);
  expect_error(with(R"("left_children":[1,-1,3,-1,-1])", R"("left_children":[1,-1,3,-1])"), Errc::Corrupt);
  expect_error(with(R"("num_nodes":"5")", R"("num_nodes":"2000000000")"), Errc::Corrupt);
  expect_error(with(R"("num_nodes":"5")", R"("num_nodes":"five")"), Errc::Corrupt);
  expect_error(with(R"("num_trees":"3")", R"("num_trees":"4")"), Errc::Corrupt);
  expect_error(with("[0,1,2]", "[0,1,3]"), Errc::Corrupt);
  expect_error(with("[0,1,2]", "[0,1]"), Errc::Corrupt);
  expect_error(with("\"tree_info\"", "\"tree_inf\""), Errc::Corrupt);
  expect_error(xgboost(""), Errc::Unsupported);
  expect_error(xgboost("{"), Errc::Corrupt);
  expect_error(xgboost("{}"), Errc::Corrupt);
}

TEST(LightGBMModel, FollowsItsSplits) {
  const auto model = lightgbm(lightgbm_text());
  ASSERT_TRUE(model.ok()) << message_of(model);
  expect_p(**model, vector(0.5, 0, -1), softmax({0.2, 0.1, 0.3}));  // equality goes left
  expect_p(**model, vector(std::nextafter(0.5, 1), 0.25, 1), softmax({-0.1, 0.1, 0.7}));
  expect_p(**model, vector(kNaN, kNaN, kNaN), softmax({0.2, 0.1, 0.7}));  // default left; default right, then NaN is 0
  expect_p(**model, vector(0.6, 0.3, 0), softmax({-0.1, 0.1, -0.4}));     // zero is missing: default right
}

TEST(LightGBMModel, AcceptsWindowsLineEnds) {
  std::string text;
  for (const char c : lightgbm_text()) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const auto model = lightgbm(text);
  ASSERT_TRUE(model.ok()) << message_of(model);
  expect_p(**model, vector(0.5, 0, -1), softmax({0.2, 0.1, 0.3}));
}

TEST(LightGBMModel, RefusesOtherModels) {
  const std::string good = lightgbm_text();
  const auto with = [&](std::string_view from, std::string_view to) { return lightgbm(replaced(good, from, to)); };
  expect_error(with("objective=multiclass num_class:3", "objective=binary sigmoid:1"), Errc::Unsupported);
  expect_error(with("objective=multiclass num_class:3", "objective=multiclassova num_class:3 sigmoid:1"),
               Errc::Unsupported);
  expect_error(with("objective=multiclass num_class:3", "objective=multiclass num_class:5"), Errc::SchemaMismatch);
  expect_error(with("num_class=3", "num_class=4"), Errc::SchemaMismatch);
  expect_error(with("max_feature_idx=63", "max_feature_idx=10"), Errc::SchemaMismatch);
  expect_error(with("label_index=0\n", "label_index=0\naverage_output\n"), Errc::Unsupported);
  expect_error(with("num_cat=0", "num_cat=1"), Errc::Unsupported);
  expect_error(with("decision_type=4 2", "decision_type=5 2"), Errc::Unsupported);
  expect_error(with("is_linear=0", "is_linear=1"), Errc::Unsupported);
  expect_error(with("split_feature=63 2", "split_feature=64 2"), Errc::SchemaMismatch);
}

TEST(LightGBMModel, RefusesContradictions) {
  const std::string good = lightgbm_text();
  const auto with = [&](std::string_view from, std::string_view to) { return lightgbm(replaced(good, from, to)); };
  expect_error(with("right_child=1 -3", "right_child=0 -3"), Errc::Corrupt);  // cycle
  expect_error(with("right_child=1 -3", "right_child=1 -2"), Errc::Corrupt);  // a leaf twice
  expect_error(with("right_child=1 -3", "right_child=1 -9"), Errc::Corrupt);
  expect_error(with("right_child=1 -3", "right_child=1 -9223372036854775808"), Errc::Corrupt);
  expect_error(with("right_child=1 -3", "right_child=1 9223372036854775807"), Errc::Corrupt);
  expect_error(with("num_leaves=3", "num_leaves=1000000000"), Errc::Corrupt);
  expect_error(with("leaf_value=0.3 0.7 -0.4", "leaf_value=0.3 0.7 nan"), Errc::Corrupt);
  expect_error(with("leaf_value=0.3 0.7 -0.4", "leaf_value=0.3 0.7 1x"), Errc::Corrupt);
  expect_error(with("decision_type=4 2", "decision_type=12 2"), Errc::Corrupt);
  expect_error(with("Tree=2", "Tree=3"), Errc::Corrupt);
  expect_error(with("end of trees", "end of tree"), Errc::Corrupt);
  expect_error(lightgbm(good.substr(0, good.find("Tree=2")) + "end of trees\n"), Errc::Corrupt);
  expect_error(lightgbm(""), Errc::Corrupt);
  expect_error(lightgbm("tree\nend of trees\n"), Errc::Corrupt);
}

TEST(TreeModel, RefusesBytesThatAreNotTheCards) {
  ModelTraits traits;
  traits.artifact_sha256 = base::sha256_hex(xgboost_json());
  EXPECT_TRUE(xgboost(xgboost_json(), traits).ok());
  expect_error(xgboost(xgboost_json() + " ", traits), Errc::Corrupt);
  for (const double bad : {0.0, -1.0, kNaN, std::numeric_limits<double>::infinity()}) {
    ModelTraits wrong;
    wrong.temperature = bad;
    expect_error(xgboost(xgboost_json(), wrong), Errc::InvalidArgument);
    expect_error(lightgbm(lightgbm_text(), wrong), Errc::InvalidArgument);
  }
}

TEST(TreeModel, InvalidVectorGivesInvalidPredictionNeverHold) {
  for (const auto& loaded : {xgboost(xgboost_json()), lightgbm(lightgbm_text())}) {
    ASSERT_TRUE(loaded.ok());
    features::FeatureVector v = vector(0, 0, 0);
    v.valid = false;
    Prediction p = (*loaded)->predict({v, {}});
    EXPECT_FALSE(p.valid);
    EXPECT_FALSE(p.why_invalid.empty());
    EXPECT_EQ(p.p, (std::array<double, 3>{}));
    v = vector(std::numeric_limits<double>::infinity(), 0, 0);
    p = (*loaded)->predict({v, {}});
    EXPECT_FALSE(p.valid);
  }
  const auto model = xgboost(xgboost_json());
  EXPECT_FALSE((*model)->predict({vector(1e39, 0, 0), {}}).valid);  // beyond a float
}

TEST(TreeModel, TemperatureDividesTheLogits) {
  ModelTraits traits;
  traits.temperature = 2.5;
  const auto model = lightgbm(lightgbm_text(), traits);
  ASSERT_TRUE(model.ok());
  expect_p(**model, vector(0.5, 0, -1), softmax({0.2, 0.1, 0.3}, 2.5));
}

TEST(ActionOf, NeedsAMarginAndTakesNoSideOnATie) {
  using domain::Action;
  EXPECT_EQ(action_of({0.5, 0.3, 0.2}, 0.05), Action::Sell);
  EXPECT_EQ(action_of({0.2, 0.3, 0.5}, 0.05), Action::Buy);
  EXPECT_EQ(action_of({0.2, 0.5, 0.3}, 0.05), Action::Hold);
  EXPECT_EQ(action_of({0.40, 0.24, 0.36}, 0.05), Action::Hold);  // margin 0.04
  EXPECT_EQ(action_of({0.40, 0.24, 0.36}, 0.0), Action::Sell);
  EXPECT_EQ(action_of({0.4, 0.2, 0.4}, 0.0), Action::Hold);
  EXPECT_EQ(action_of({0.4, 0.4, 0.2}, 0.0), Action::Hold);
}

/// Loads damaged files by the thousand. Each is either refused or a model whose predictions are sound.
void survive(const std::string& good,
             const std::function<base::Result<std::unique_ptr<Model>>(const std::string&)>& load, std::uint64_t seed) {
  base::Rng rng(seed);
  const auto attempt = [&](const std::string& bytes) {
    const auto model = load(bytes);
    if (!model.ok()) return false;
    const Prediction p = (*model)->predict({vector(rng.normal(), kNaN, rng.normal()), {}});
    EXPECT_TRUE(!p.valid || std::abs(p.p[0] + p.p[1] + p.p[2] - 1) < 1e-12);
    return true;
  };
  ASSERT_TRUE(attempt(good));
  for (std::size_t n = 0; n < good.size(); ++n) attempt(good.substr(0, n));
  int refused = 0;
  for (int i = 0; i < 6000; ++i) {
    std::string bytes = good;
    const std::uint64_t damages = 1 + rng.below(4);
    for (std::uint64_t d = 0; d < damages; ++d) {
      const std::size_t at = rng.below(bytes.size());
      switch (rng.below(5)) {
        case 0:
          bytes[at] = static_cast<char>(rng.below(256));
          break;
        case 1:
          bytes[at] = "0123456789-.[]{}\":, \n$#LlidUSTFZN"[rng.below(33)];
          break;
        case 2:
          bytes.erase(at, 1 + rng.below(20));
          break;
        case 3:
          bytes.insert(at, bytes.substr(rng.below(bytes.size()), rng.below(40)));
          break;
        default:
          bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(1U << rng.below(8)));
      }
      if (bytes.empty()) bytes = "x";
    }
    refused += attempt(bytes) ? 0 : 1;
  }
  EXPECT_GT(refused, 1000);
}

TEST(HostileModelFile, XGBoostJson) {
  survive(xgboost_json(), [](const std::string& b) { return xgboost(b); }, 11);
}
TEST(HostileModelFile, XGBoostUbjson) {
  survive(xgboost_ubjson(), [](const std::string& b) { return xgboost(b); }, 12);
}
TEST(HostileModelFile, LightGBMText) {
  survive(lightgbm_text(), [](const std::string& b) { return lightgbm(b); }, 13);
}

TEST(HostileModelFile, UbjsonBombsAreRefusedCheaply) {
  const std::string huge = std::string("\x7f", 1) + std::string(7, '\xff');
  for (const std::string& body :
       {std::string("[$d#L") + huge, std::string("[#L") + huge, std::string("[$T#L") + huge, std::string("SL") + huge,
        std::string("{#L") + huge, std::string("[$Z#l\x7f\xff\xff\xff"), std::string(100000, '['),
        std::string("[$[#i\x04[[[[")}) {
    const auto parsed = parse_ubjson(base::as_bytes(body));
    ASSERT_FALSE(parsed.ok()) << body.substr(0, 8);
    EXPECT_EQ(parsed.error().code, Errc::Corrupt);
  }
}

}  // namespace
}  // namespace qtrader::models
