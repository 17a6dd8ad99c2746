// Loader of XGBoost model files, JSON and UBJSON (the same tree of values), as written by XGBoost 1.7 and later.
//
// Format: XGBoost documentation, "Introduction to Model IO", and its model.schema. base_score is "5E-1" in older files,
// a list such as "[5E-1,5E-1,5E-1]" since 3.1.
#include <charconv>
#include <cmath>

#include "core/models/document.hpp"
#include "core/models/tree_model.hpp"

namespace qtrader::models {
namespace {

using base::Errc;
using base::Error;
using base::Result;

Error failure(Errc code, std::string what) { return Error{"models", code, "XGBoost model: " + std::move(what)}; }
Error corrupt(std::string what) { return failure(Errc::Corrupt, std::move(what)); }

/// Follows object members; Corrupt names the first that is missing.
Result<const Value*> member(const Value& from, std::initializer_list<std::string_view> path) {
  const Value* at = &from;
  for (const std::string_view key : path) {
    at = at->find(key);
    if (at == nullptr) return corrupt("member " + std::string(key) + " is missing");
  }
  return at;
}

Result<std::string> text_at(const Value& from, std::initializer_list<std::string_view> path) {
  QT_TRY(const Value* const found, member(from, path));
  const auto* text = found->as<std::string>();
  if (text == nullptr) return corrupt("member " + std::string(*(path.end() - 1)) + " is not a string");
  return *text;
}

/// Parameters are integers written as strings.
Result<std::int64_t> integer_at(const Value& from, std::initializer_list<std::string_view> path) {
  QT_TRY(const std::string text, text_at(from, path));
  std::int64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || end != text.data() + text.size()) {
    return corrupt("member " + std::string(*(path.end() - 1)) + " is '" + text.substr(0, 40) +
                   "', expected an integer");
  }
  return value;
}

/// A list of `count` numbers; booleans count as 0 and 1 (default_left of early 1.x files).
Result<Value::Numbers> numbers_at(const Value& from, std::string_view key, std::size_t count) {
  QT_TRY(const Value* const found, member(from, {key}));
  Value::Numbers out;
  if (const auto* flat = found->as<Value::Numbers>()) {
    out = *flat;
  } else if (const auto* mixed = found->as<Value::Array>()) {
    for (const Value& v : *mixed) {
      const auto* flag = v.as<bool>();
      if (flag == nullptr) return corrupt("member " + std::string(key) + " is not a list of numbers");
      out.push_back(*flag ? 1 : 0);
    }
  } else {
    return corrupt("member " + std::string(key) + " is not a list");
  }
  if (out.size() != count) {
    return corrupt("member " + std::string(key) + " has " + std::to_string(out.size()) + " entries, expected " +
                   std::to_string(count));
  }
  return out;
}

/// −1 for what is no index.
std::int64_t index_of(double value) {
  return value >= 0 && value < 2147483647.0 && std::floor(value) == value ? static_cast<std::int64_t>(value) : -1;
}

/// "5E-1", "[5E-1,4E-1,1E-1]", or the same as numbers: one score for all classes or one for each. For the softmax
/// objectives the score is already in the space of the sums.
Result<std::array<double, 3>> base_score(const Value& learner) {
  QT_TRY(const Value* const found, member(learner, {"learner_model_param", "base_score"}));
  std::vector<double> scores;
  if (const auto* list = found->as<Value::Numbers>()) {
    scores = *list;
  } else if (double single = 0; found->number(single)) {
    scores = {single};
  } else if (const auto* text = found->as<std::string>()) {
    QT_TRY(const Value parsed, parse_json(*text));
    if (const auto* inner = parsed.as<Value::Numbers>())
      scores = *inner;
    else if (parsed.number(single))
      scores = {single};
  }
  if (scores.size() != 1 && scores.size() != 3) {
    return corrupt("base_score has " + std::to_string(scores.size()) + " numbers, expected 1 or 3");
  }
  std::array<double, 3> out{};
  for (std::size_t c = 0; c < 3; ++c) {
    const double score = scores[scores.size() == 1 ? 0 : c];
    if (!(score > -1e30 && score < 1e30)) return corrupt("base_score is out of range");
    out[c] = static_cast<double>(static_cast<float>(score));
  }
  return out;
}

Result<void> check_shape(const Value& learner) {
  QT_TRY(const std::string objective, text_at(learner, {"objective", "name"}));
  if (objective != "multi:softprob" && objective != "multi:softmax") {
    return failure(Errc::Unsupported,
                   "objective is " + objective.substr(0, 40) + ", expected multi:softprob or multi:softmax");
  }
  QT_TRY(const std::string booster, text_at(learner, {"gradient_booster", "name"}));
  if (booster != "gbtree") {
    return failure(Errc::Unsupported, "booster is " + booster.substr(0, 40) + ", expected gbtree");
  }
  QT_TRY(const std::int64_t classes, integer_at(learner, {"learner_model_param", "num_class"}));
  if (classes != 3) return failure(Errc::SchemaMismatch, "it has " + std::to_string(classes) + " classes, expected 3");
  QT_TRY(const std::int64_t features, integer_at(learner, {"learner_model_param", "num_feature"}));
  if (features != static_cast<std::int64_t>(features::kFeatureCount)) {
    return failure(Errc::SchemaMismatch, "it has " + std::to_string(features) + " features, expected 64");
  }
  return {};
}

Result<Tree> read_tree(const Value& source, std::int64_t output) {
  QT_TRY(const std::int64_t declared, integer_at(source, {"tree_param", "num_nodes"}));
  QT_TRY(const std::int64_t leaf_size, integer_at(source, {"tree_param", "size_leaf_vector"}));
  if (leaf_size > 1) return failure(Errc::Unsupported, "its leaves are vectors (multi_strategy=multi_output_tree)");
  if (declared < 1 || declared > 0x7FFFFFFF) return corrupt("num_nodes is " + std::to_string(declared));
  const auto count = static_cast<std::size_t>(declared);
  QT_TRY(const Value::Numbers left, numbers_at(source, "left_children", count));
  QT_TRY(const Value::Numbers right, numbers_at(source, "right_children", count));
  QT_TRY(const Value::Numbers feature, numbers_at(source, "split_indices", count));
  QT_TRY(const Value::Numbers condition, numbers_at(source, "split_conditions", count));
  QT_TRY(const Value::Numbers default_left, numbers_at(source, "default_left", count));
  Value::Numbers kind(count, 0);  // files before 1.3 have no categorical splits and no split_type
  if (source.find("split_type") != nullptr) {
    QT_TRY(kind, numbers_at(source, "split_type", count));
  }
  Value::Numbers cover(count, 0);  // serving does without it
  if (source.find("sum_hessian") != nullptr) {
    QT_TRY(cover, numbers_at(source, "sum_hessian", count));
  }
  Tree tree{.output = output, .nodes = std::vector<TreeNode>(count)};
  for (std::size_t i = 0; i < count; ++i) {
    TreeNode& node = tree.nodes[i];
    node.cover = cover[i];
    if (left[i] == -1) {
      node.value = static_cast<double>(static_cast<float>(condition[i]));
      continue;
    }
    if (feature[i] >= 2147483647.0) continue;  // pruned: XGBoost's mark of a deleted node, which nothing refers to
    if (kind[i] != 0) return failure(Errc::Unsupported, "a split is categorical");
    const std::int64_t to_left = index_of(left[i]);
    if (to_left < 0) return corrupt("a left child is not an index");
    node.left = to_left;
    node.right = index_of(right[i]);
    node.feature = index_of(feature[i]);
    node.threshold = static_cast<double>(static_cast<float>(condition[i]));
    node.default_left = default_left[i] != 0;
  }
  return tree;
}

Result<std::vector<Tree>> read_trees(const Value& learner) {
  QT_TRY(const Value* const model, member(learner, {"gradient_booster", "model"}));
  QT_TRY(const std::int64_t declared, integer_at(*model, {"gbtree_model_param", "num_trees"}));
  QT_TRY(const Value* const sources, member(*model, {"trees"}));
  const auto* list = sources->as<Value::Array>();
  if (list == nullptr || static_cast<std::int64_t>(list->size()) != declared) {
    return corrupt("trees is not a list of " + std::to_string(declared) + " trees");
  }
  QT_TRY(const Value::Numbers outputs, numbers_at(*model, "tree_info", list->size()));
  std::vector<Tree> trees;
  trees.reserve(list->size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    QT_TRY(trees.emplace_back(), read_tree((*list)[i], index_of(outputs[i])));
  }
  return trees;
}

Result<Value> parse(std::span<const std::byte> file) {
  const auto at = [file](std::size_t i) { return i < file.size() ? static_cast<char>(file[i]) : '\0'; };
  if (at(0) != '{') {
    return failure(Errc::Unsupported, "it is neither JSON nor UBJSON (the old binary format is not read)");
  }
  const char second = at(1);
  const bool json = second == '"' || second == ' ' || second == '\n' || second == '\r' || second == '\t';
  if (!json) return parse_ubjson(file);
  return parse_json({reinterpret_cast<const char*>(file.data()), file.size()});
}

}  // namespace

base::Result<TreeFile> read_xgboost(std::span<const std::byte> file) {
  QT_TRY(const Value root, parse(file));
  QT_TRY(const Value* const learner, member(root, {"learner"}));
  QT_TRY_VOID(check_shape(*learner));
  TreeFile out{.trees = {}, .rule = SplitRule::Less, .single_precision = true, .start = {}};
  QT_TRY(out.start, base_score(*learner));
  QT_TRY(out.trees, read_trees(*learner));
  return out;
}

base::Result<std::unique_ptr<Model>> load_xgboost(std::span<const std::byte> file, ModelTraits traits) {
  QT_TRY_VOID(identify(file, traits));
  QT_TRY(const TreeFile source, read_xgboost(file));
  QT_TRY(auto forest, Forest<float>::build(source.trees, source.rule));
  std::array<float, 3> start{};
  for (std::size_t c = 0; c < start.size(); ++c) start[c] = static_cast<float>(source.start[c]);
  return std::unique_ptr<Model>(std::make_unique<TreeModel<float>>(std::move(traits), std::move(forest), start));
}

}  // namespace qtrader::models
