// Loader of LightGBM text models (version v3 and v4), multiclass objective.
//
// Format and comparison rules: LightGBM's Tree::ToString and Tree::NumericalDecision. A file ends with "end of trees";
// whatever follows (importances, parameters) is not needed.
#include <charconv>
#include <cmath>
#include <map>

#include "core/models/tree_model.hpp"

namespace qtrader::models {
namespace {

using base::Errc;
using base::Error;
using base::Result;

Error failure(Errc code, std::string what) { return Error{"models", code, "LightGBM model: " + std::move(what)}; }
Error corrupt(std::string what) { return failure(Errc::Corrupt, std::move(what)); }

// Bits of decision_type.
constexpr std::int64_t kCategorical = 1;
constexpr std::int64_t kDefaultLeft = 2;
constexpr int kMissingShift = 2;

class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  /// False at the end. A line without its line break is cut short and not returned.
  bool next(std::string_view& line) {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return false;
    line = rest_.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    rest_.remove_prefix(end + 1);
    return true;
  }

 private:
  std::string_view rest_;
};

/// key=value lines of the header or of one tree; lines without '=' are flags with an empty value.
using Section = std::map<std::string_view, std::string_view>;

Result<std::string_view> text_at(const Section& section, std::string_view key) {
  const auto found = section.find(key);
  if (found == section.end()) return corrupt("line " + std::string(key) + " is missing");
  return found->second;
}

template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), out);
  return status == std::errc{} && end == text.data() + text.size();
}

Result<std::int64_t> integer_at(const Section& section, std::string_view key) {
  QT_TRY(const std::string_view text, text_at(section, key));
  std::int64_t value = 0;
  if (!parse_number(text, value)) {
    return corrupt("line " + std::string(key) + " is '" + std::string(text.substr(0, 40)) + "', expected an integer");
  }
  return value;
}

template <class T>
Result<std::vector<T>> list_at(const Section& section, std::string_view key, std::size_t count) {
  QT_TRY(std::string_view text, text_at(section, key));
  std::vector<T> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0 && !parse_number(text.substr(0, end), out.emplace_back())) {
      return corrupt("line " + std::string(key) + " has '" +
                     std::string(text.substr(0, std::min<std::size_t>(end, 40))) + "', expected a number");
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (out.size() != count) {
    return corrupt("line " + std::string(key) + " has " + std::to_string(out.size()) + " numbers, expected " +
                   std::to_string(count));
  }
  return out;
}

struct Sections {
  Section header;
  std::vector<Section> trees;
};

Result<Sections> split(std::string_view text) {
  Lines lines(text);
  std::string_view line;
  if (!lines.next(line) || line != "tree") return corrupt("its first line is not 'tree'");
  Sections out;
  while (lines.next(line)) {
    if (line == "end of trees") return out;
    const std::size_t eq = std::min(line.find('='), line.size());
    const std::string_view key = line.substr(0, eq);
    const std::string_view value = eq < line.size() ? line.substr(eq + 1) : std::string_view();
    if (key == "Tree") {
      std::size_t number = 0;
      if (!parse_number(value, number) || number != out.trees.size()) {
        return corrupt("tree '" + std::string(value.substr(0, 40)) + "' where number " +
                       std::to_string(out.trees.size()) + " was expected");
      }
      out.trees.emplace_back();
    } else if (!key.empty()) {
      (out.trees.empty() ? out.header : out.trees.back()).emplace(key, value);
    }
  }
  return corrupt("it ends before 'end of trees'");
}

Result<void> check_shape(const Section& header, std::size_t trees) {
  QT_TRY(const std::string_view objective, text_at(header, "objective"));
  if (objective != "multiclass num_class:3" && !objective.starts_with("multiclass num_class:3 ")) {
    if (objective.starts_with("multiclass num_class:")) {
      return failure(Errc::SchemaMismatch,
                     "objective is " + std::string(objective.substr(0, 40)) + ", expected 3 classes");
    }
    return failure(Errc::Unsupported,
                   "objective is " + std::string(objective.substr(0, 40)) + ", expected multiclass num_class:3");
  }
  QT_TRY(const std::int64_t classes, integer_at(header, "num_class"));
  QT_TRY(const std::int64_t per_round, integer_at(header, "num_tree_per_iteration"));
  if (classes != 3 || per_round != 3) {
    return failure(Errc::SchemaMismatch, "it has " + std::to_string(classes) + " classes and " +
                                             std::to_string(per_round) + " trees per round, expected 3 and 3");
  }
  QT_TRY(const std::int64_t last_feature, integer_at(header, "max_feature_idx"));
  if (last_feature != static_cast<std::int64_t>(features::kFeatureCount) - 1) {
    return failure(Errc::SchemaMismatch, "its last feature is " + std::to_string(last_feature) + ", expected 63");
  }
  if (header.contains("average_output")) return failure(Errc::Unsupported, "it averages trees (random forest)");
  if (trees % 3 != 0) return corrupt("it has " + std::to_string(trees) + " trees, expected a multiple of 3");
  return {};
}

Result<void> set_decision(TreeNode& node, std::int64_t type) {
  if ((type & kCategorical) != 0) return failure(Errc::Unsupported, "a split is categorical");
  node.default_left = (type & kDefaultLeft) != 0;
  switch (type >> kMissingShift) {
    case 0:
      node.missing = MissingRule::NanIsZero;
      return {};
    case 1:
      node.missing = MissingRule::ZeroIsMissing;
      return {};
    case 2:
      node.missing = MissingRule::NanIsMissing;
      return {};
    default:
      return corrupt("decision_type is " + std::to_string(type));
  }
}

/// Numbers of training rows, where the file has them: serving does without.
Result<void> set_covers(const Section& section, std::size_t splits, Tree& tree) {
  const std::size_t leaves = splits + 1;
  if (splits == 0 || !section.contains("internal_count") || !section.contains("leaf_count")) return {};
  QT_TRY(const std::vector<double> inner, list_at<double>(section, "internal_count", splits));
  QT_TRY(const std::vector<double> outer, list_at<double>(section, "leaf_count", leaves));
  for (std::size_t i = 0; i < splits; ++i) tree.nodes[i].cover = inner[i];
  for (std::size_t i = 0; i < leaves; ++i) tree.nodes[splits + i].cover = outer[i];
  return {};
}

Result<Tree> read_tree(const Section& section, std::int64_t output) {
  QT_TRY(const std::int64_t declared, integer_at(section, "num_leaves"));
  QT_TRY(const std::int64_t categories, integer_at(section, "num_cat"));
  if (categories != 0) return failure(Errc::Unsupported, "a split is categorical");
  if (const auto linear = section.find("is_linear"); linear != section.end() && linear->second != "0") {
    return failure(Errc::Unsupported, "its leaves are linear models");
  }
  if (declared < 1 || declared > 0x3FFFFFFF) return corrupt("num_leaves is " + std::to_string(declared));
  const auto leaves = static_cast<std::size_t>(declared);
  QT_TRY(const std::vector<double> value, list_at<double>(section, "leaf_value", leaves));
  const std::size_t splits = leaves - 1;
  std::vector<std::int64_t> feature, decision, left, right;
  std::vector<double> threshold;
  if (splits > 0) {
    QT_TRY(feature, list_at<std::int64_t>(section, "split_feature", splits));
    QT_TRY(threshold, list_at<double>(section, "threshold", splits));
    QT_TRY(decision, list_at<std::int64_t>(section, "decision_type", splits));
    QT_TRY(left, list_at<std::int64_t>(section, "left_child", splits));
    QT_TRY(right, list_at<std::int64_t>(section, "right_child", splits));
  }
  // Splits first, then leaves; a negative child is the complement of a leaf's number.
  const auto child = [splits](std::int64_t c) { return c >= 0 ? c : static_cast<std::int64_t>(splits) + ~c; };
  Tree tree{.output = output, .nodes = std::vector<TreeNode>(splits + leaves)};
  for (std::size_t i = 0; i < splits; ++i) {
    TreeNode& node = tree.nodes[i];
    node.left = child(left[i]);
    node.right = child(right[i]);
    if (node.left < 0 || node.right < 0) return corrupt("a child is out of range");
    node.feature = feature[i];
    node.threshold = threshold[i];
    QT_TRY_VOID(set_decision(node, decision[i]));
  }
  for (std::size_t i = 0; i < leaves; ++i) tree.nodes[splits + i].value = value[i];
  QT_TRY_VOID(set_covers(section, splits, tree));
  return tree;
}

}  // namespace

base::Result<TreeFile> read_lightgbm(std::span<const std::byte> file) {
  QT_TRY(const Sections sections, split({reinterpret_cast<const char*>(file.data()), file.size()}));
  QT_TRY_VOID(check_shape(sections.header, sections.trees.size()));
  TreeFile out{.trees = {}, .rule = SplitRule::LessEqual, .single_precision = false, .start = {}};
  out.trees.reserve(sections.trees.size());
  for (std::size_t i = 0; i < sections.trees.size(); ++i) {
    QT_TRY(out.trees.emplace_back(), read_tree(sections.trees[i], static_cast<std::int64_t>(i % 3)));
  }
  return out;
}

base::Result<std::unique_ptr<Model>> load_lightgbm(std::span<const std::byte> file, ModelTraits traits) {
  QT_TRY_VOID(identify(file, traits));
  QT_TRY(const TreeFile source, read_lightgbm(file));
  QT_TRY(auto forest, Forest<double>::build(source.trees, source.rule));
  return std::unique_ptr<Model>(
      std::make_unique<TreeModel<double>>(std::move(traits), std::move(forest), source.start));
}

}  // namespace qtrader::models
