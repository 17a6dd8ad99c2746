#include "core/models/tree_shap.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "core/base/det_math.hpp"
#include "core/models/tree_model.hpp"

namespace qtrader::models {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using features::kFeatureCount;

constexpr double kZeroThreshold = static_cast<double>(1e-35F);  // LightGBM's kZeroThreshold
constexpr std::size_t kMostPoints = kFeatureCount / 2;          // a path has at most 64 factors

/// The libraries' rule, one comparison.
bool goes_left(const TreeNode& node, double x, SplitRule rule) {
  if (node.missing == MissingRule::NanIsZero && std::isnan(x)) x = 0;
  if (std::isnan(x)) return node.default_left;
  if (node.missing == MissingRule::ZeroIsMissing && std::abs(x) <= kZeroThreshold) return node.default_left;
  return rule == SplitRule::Less ? x < node.threshold : x <= node.threshold;
}

/// Checks the covers of the nodes a row can reach; Forest::build has checked everything else.
Result<void> check_covers(const Tree& tree) {
  std::vector<std::size_t> open = {0};
  while (!open.empty()) {
    const TreeNode& node = tree.nodes[open.back()];
    open.pop_back();
    if (!std::isfinite(node.cover) || node.cover < 0)
      return Error{"models", Errc::Corrupt, "tree model: a node's cover is " + std::to_string(node.cover)};
    if (node.left < 0) continue;
    if (node.cover == 0)
      return Error{"models", Errc::Unsupported,
                   "tree model: the file does not say how much of the training data reached each split"};
    for (const std::int64_t child : {node.left, node.right}) open.push_back(static_cast<std::size_t>(child));
  }
  return {};
}

/// Legendre polynomial of degree n and its derivative at x in (−1, 1), by Bonnet's recursion.
std::pair<double, double> legendre(std::size_t n, double x) {
  double before = 1, now = x;
  for (std::size_t k = 2; k <= n; ++k) {
    const auto m = static_cast<double>(k);
    const double next = ((2 * m - 1) * x * now - (m - 1) * before) / m;
    before = now;
    now = next;
  }
  return {now, static_cast<double>(n) * (x * now - before) / (x * x - 1)};
}

}  // namespace

TreeShap::TreeShap(TreeFile file) : file_(std::move(file)), rules_(kMostPoints + 1) {
  constexpr int kNewtonSteps = 8;  // from a start within 1e-2 of the root: converged after four
  for (std::size_t n = 1; n <= kMostPoints; ++n) {
    for (std::size_t i = 0; i < n; ++i) {
      // Tricomi's first guess, cos π(i + 3/4)/(n + 1/2).
      double x = base::det::cos_turns((static_cast<double>(i) + 0.75) / static_cast<double>(2 * n + 1));
      for (int step = 0; step < kNewtonSteps; ++step) {
        const auto [value, slope] = legendre(n, x);
        x -= value / slope;
      }
      const double slope = legendre(n, x).second;
      rules_[n].push_back({.at = (1 + x) / 2, .weight = 1 / ((1 - x * x) * slope * slope)});
    }
  }
}

/// One row's descent through one tree: every leaf that some coalition of features reaches.
class TreeShap::Walk {
 public:
  /// Adds to the attribution of the tree's class.
  Walk(const TreeShap& shap, const Tree& tree, std::span<const double, kFeatureCount> row, Attribution& out)
      : shap_(shap), tree_(tree), row_(row), out_(out), class_(static_cast<std::size_t>(tree.output)) {}

  void visit(std::size_t at) {
    const TreeNode& node = tree_.nodes[at];
    if (node.left < 0) return add_leaf(node.value);
    const auto f = static_cast<std::size_t>(node.feature);
    const bool left = goes_left(node, row_[f], shap_.file_.rule);
    descend(node, static_cast<std::size_t>(node.left), left);
    descend(node, static_cast<std::size_t>(node.right), !left);
  }

 private:
  /// What one feature contributes to the weight of the current node: when it is known, and when it is not.
  struct Factor {
    double present = 1, absent = 1;
    bool on_path = false;
  };

  /// Goes to a child, whichever way the row goes: a coalition without the feature goes there by its share.
  void descend(const TreeNode& node, std::size_t child, bool row_goes_there) {
    const auto f = static_cast<std::size_t>(node.feature);
    const Factor before = factors_[f];
    Factor& factor = factors_[f];
    factor.absent *= tree_.nodes[child].cover / node.cover;
    if (!row_goes_there) factor.present = 0;
    factor.on_path = true;
    if (factor.present > 0 || factor.absent > 0) {
      if (!before.on_path) path_.push_back(f);
      visit(child);
      if (!before.on_path) path_.pop_back();
    }
    factor = before;
  }

  void add_leaf(double value) {
    double present = value, absent = value;
    for (const std::size_t f : path_) {
      present *= factors_[f].present;
      absent *= factors_[f].absent;
    }
    out_.margin[class_] += present;
    out_.base[class_] += absent;
    for (const Point& point : shap_.rules_[(path_.size() + 1) / 2]) {
      const auto at_point = [&](const Factor& x) { return x.absent * (1 - point.at) + x.present * point.at; };
      double product = value * point.weight;
      for (const std::size_t f : path_) product *= at_point(factors_[f]);
      for (const std::size_t f : path_) {
        const Factor& x = factors_[f];
        out_.phi[class_][f] += (x.present - x.absent) * product / at_point(x);
      }
    }
  }

  const TreeShap& shap_;
  const Tree& tree_;
  std::span<const double, kFeatureCount> row_;
  Attribution& out_;
  std::size_t class_;
  std::array<Factor, kFeatureCount> factors_{};
  std::vector<std::size_t> path_;  // features split on above the current node, each once
};

base::Result<TreeShap> TreeShap::create(TreeFile file) {
  QT_TRY([[maybe_unused]] const auto sound, Forest<double>::build(file.trees, file.rule));
  for (const Tree& tree : file.trees) QT_TRY_VOID(check_covers(tree));
  return TreeShap(std::move(file));
}

base::Result<TreeShap> TreeShap::load(ModelKind kind, std::span<const std::byte> file) {
  TreeFile trees;
  switch (kind) {
    case ModelKind::XGBoost: {
      QT_TRY(trees, read_xgboost(file));
      break;
    }
    case ModelKind::LightGBM: {
      QT_TRY(trees, read_lightgbm(file));
      break;
    }
    case ModelKind::NHits:
    case ModelKind::PatchTst:
      return Error{"models", Errc::Unsupported, std::string(name(kind)) + " is not a tree model: TreeSHAP needs one"};
  }
  return create(std::move(trees));
}

base::Result<Attribution> TreeShap::explain(std::span<const double, kFeatureCount> row) const {
  const double largest = file_.single_precision ? static_cast<double>(std::numeric_limits<float>::max())
                                                : std::numeric_limits<double>::max();
  std::array<double, kFeatureCount> read;
  for (std::size_t f = 0; f < row.size(); ++f) {
    if (std::abs(row[f]) > largest)
      return Error{"models", Errc::InvalidArgument,
                   "feature " + std::string(features::kFeatureNames[f]) + " is " + std::to_string(row[f]) +
                       ", beyond what the model can read"};
    read[f] = file_.single_precision ? static_cast<double>(static_cast<float>(row[f])) : row[f];
  }
  Attribution out;
  out.base = out.margin = file_.start;
  for (const Tree& tree : file_.trees) Walk(*this, tree, read, out).visit(0);
  return out;
}

}  // namespace qtrader::models
