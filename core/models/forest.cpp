#include "core/models/forest.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

namespace qtrader::models {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::uint32_t kMaxDepth = 512;
constexpr std::size_t kMaxCuts = 0xFFFE;
constexpr double kZeroThreshold = static_cast<double>(1e-35F);  // LightGBM's kZeroThreshold

/// The least double above x, so that x' ≤ x is x' < next_above(x).
double next_above(double x) {
  if (x == 0) return std::numeric_limits<double>::denorm_min();
  if (x == std::numeric_limits<double>::infinity()) return x;  // every finite value is below it already
  const auto bits = std::bit_cast<std::uint64_t>(x);
  return std::bit_cast<double>(x > 0 ? bits + 1 : bits - 1);
}

Error corrupt(std::string what) { return Error{"models", Errc::Corrupt, "tree model: " + std::move(what)}; }

Result<void> check_node(const TreeNode& node, std::size_t count) {
  if (node.left < 0) {
    if (!std::isfinite(node.value)) return corrupt("a leaf value is not finite");
    return {};
  }
  const auto limit = static_cast<std::int64_t>(count);
  if (node.left >= limit || node.right < 0 || node.right >= limit) {
    return corrupt("children " + std::to_string(node.left) + " and " + std::to_string(node.right) + " of a tree with " +
                   std::to_string(count) + " nodes");
  }
  if (node.feature < 0 || node.feature >= static_cast<std::int64_t>(features::kFeatureCount)) {
    return Error{"models", Errc::SchemaMismatch,
                 "tree model: a split uses feature " + std::to_string(node.feature) + ", expected 0 to 63"};
  }
  if (std::isnan(node.threshold)) return corrupt("a threshold is not a number");
  return {};
}

}  // namespace

template <class Leaf>
base::Result<Forest<Leaf>> Forest<Leaf>::build(std::span<const Tree> trees, SplitRule rule) {
  if (trees.empty()) return corrupt("it has no trees");
  Forest forest;
  forest.rule_ = rule;
  for (const Tree& tree : trees) {
    if (tree.output < 0 || tree.output > 2) {
      return corrupt("a tree adds to class " + std::to_string(tree.output) + ", expected 0 to 2");
    }
    if (tree.nodes.empty()) return corrupt("a tree has no nodes");
    for (const TreeNode& node : tree.nodes) QT_TRY_VOID(check_node(node, tree.nodes.size()));
  }
  QT_TRY_VOID(forest.collect_cuts(trees));
  for (std::size_t c = 0; c < 3; ++c) {
    ClassRange& range = forest.classes_[c];
    range.first_tree = static_cast<std::uint32_t>(forest.roots_.size());
    range.first_block = static_cast<std::uint32_t>(forest.block_depth_.size());
    for (const Tree& tree : trees) {
      if (tree.output != static_cast<std::int64_t>(c)) continue;
      QT_TRY(const std::uint32_t depth, forest.place(tree));
      if (range.trees++ % kBlock == 0) forest.block_depth_.push_back(0);
      forest.block_depth_.back() = std::max(forest.block_depth_.back(), depth);
    }
  }
  if (forest.slots_.empty()) forest.slots_.push_back({});  // all trees are single leaves, which still read slot 0
  return forest;
}

template <class Leaf>
double Forest<Leaf>::cut_of(const TreeNode& node) const {
  return rule_ == SplitRule::Less ? node.threshold : next_above(node.threshold);
}

/// Gathers the distinct thresholds of each feature, ascending.
template <class Leaf>
base::Result<void> Forest<Leaf>::collect_cuts(std::span<const Tree> trees) {
  std::array<std::vector<double>, features::kFeatureCount> cuts;
  for (const Tree& tree : trees) {
    for (const TreeNode& node : tree.nodes) {
      if (node.left >= 0) cuts[static_cast<std::size_t>(node.feature)].push_back(cut_of(node));
    }
  }
  for (std::size_t f = 0; f < cuts.size(); ++f) {
    std::ranges::sort(cuts[f]);
    const auto repeated = std::ranges::unique(cuts[f]);
    cuts[f].erase(repeated.begin(), repeated.end());
    if (cuts[f].size() > kMaxCuts) {
      return Error{"models", Errc::Unsupported,
                   "tree model: feature " + std::to_string(f) + " has " + std::to_string(cuts[f].size()) +
                       " distinct thresholds, expected at most " + std::to_string(kMaxCuts)};
    }
    cuts_.insert(cuts_.end(), cuts[f].begin(), cuts[f].end());
    cut_begin_[f + 1] = static_cast<std::uint32_t>(cuts_.size());
  }
  return {};
}

/// Appends one tree, breadth first with siblings adjacent, and returns its depth. Reaching a node twice is a cycle or a
/// shared child: neither is a tree.
template <class Leaf>
base::Result<std::uint32_t> Forest<Leaf>::place(const Tree& tree) {
  struct Item {
    std::size_t source;
    std::uint32_t depth;
  };
  const std::size_t base = nodes_.size();
  std::vector<Item> order = {{0, 0}};
  std::vector<bool> seen(tree.nodes.size(), false);
  seen[0] = true;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Item item = order[i];
    const TreeNode& node = tree.nodes[item.source];
    const auto self = static_cast<std::uint32_t>(base + i);
    if (node.left < 0) {
      nodes_.push_back({.rank_slot = kRight << 16, .left = self});
      values_.push_back(static_cast<Leaf>(node.value));
      continue;
    }
    if (item.depth == kMaxDepth) return Error{"models", Errc::Unsupported, "tree model: a tree is deeper than 512"};
    const auto f = static_cast<std::size_t>(node.feature);
    const auto first = cuts_.begin() + cut_begin_[f];
    const auto cut = std::lower_bound(first, cuts_.begin() + cut_begin_[f + 1], cut_of(node));
    const auto rank = static_cast<std::uint32_t>(cut - first);
    nodes_.push_back(
        {.rank_slot = rank << 16 | slot_for(node), .left = static_cast<std::uint32_t>(base + order.size())});
    values_.push_back(0);
    for (const std::int64_t child : {node.left, node.right}) {
      const auto c = static_cast<std::size_t>(child);
      if (seen[c]) return corrupt("node " + std::to_string(c) + " is reached twice");
      seen[c] = true;
      order.push_back({c, item.depth + 1});
    }
  }
  roots_.push_back(static_cast<std::uint32_t>(base));
  return order.back().depth;
}

/// Number of the feature's cuts that are ≤ value: a node with cut number j sends it left exactly if this is ≤ j. NaN:
/// 0.
template <class Leaf>
std::uint32_t Forest<Leaf>::rank_of(std::size_t feature, double value) const {
  const double* const cuts = cuts_.data() + cut_begin_[feature];
  std::uint32_t n = cut_begin_[feature + 1] - cut_begin_[feature];
  if (n == 0) return 0;
  std::uint32_t at = 0;
  while (n > 1) {  // no branch on the comparison: it is a coin toss for the predictor
    const std::uint32_t half = n / 2;
    at += half * static_cast<std::uint32_t>(cuts[at + half - 1] <= value);
    n -= half;
  }
  return at + static_cast<std::uint32_t>(cuts[at] <= value);
}

template <class Leaf>
std::uint32_t Forest<Leaf>::slot_for(const TreeNode& node) {
  const auto feature = static_cast<std::size_t>(node.feature);
  const std::uint32_t by_default = node.default_left ? 0 : kRight;
  const Slot wanted = {
      .feature = static_cast<std::uint16_t>(feature),
      .missing_rank = node.missing == MissingRule::NanIsZero ? rank_of(feature, 0) : by_default,
      .zero_is_missing = node.missing == MissingRule::ZeroIsMissing,
  };
  const auto index = static_cast<std::size_t>(std::ranges::find(slots_, wanted) - slots_.begin());
  if (index == slots_.size()) slots_.push_back(wanted);
  QT_CHECK(slots_.size() <= kMaxSlots, "a feature has at most five treatments of missing values");
  return static_cast<std::uint32_t>(index);
}

template <class Leaf>
void Forest<Leaf>::rank_row(std::span<const double, features::kFeatureCount> row,
                            std::span<std::uint32_t, kMaxSlots> out) const {
  std::array<std::uint32_t, features::kFeatureCount> ranks;
  for (std::size_t f = 0; f < row.size(); ++f) ranks[f] = rank_of(f, row[f]);
  for (std::size_t s = 0; s < slots_.size(); ++s) {
    const Slot& slot = slots_[s];
    const double value = row[slot.feature];
    const bool missing = std::isnan(value) || (slot.zero_is_missing && std::abs(value) <= kZeroThreshold);
    out[s] = missing ? slot.missing_rank : ranks[slot.feature];
  }
}

template <class Leaf>
template <std::size_t Trees>
Leaf Forest<Leaf>::descend(std::size_t tree, std::uint32_t depth, const std::uint32_t* ranks, Leaf sum) const {
  const Node* const nodes = nodes_.data();
  std::array<std::uint32_t, Trees> at;
  for (std::size_t k = 0; k < Trees; ++k) at[k] = roots_[tree + k];
  for (std::uint32_t level = 0; level < depth; ++level) {
    for (std::size_t k = 0; k < Trees; ++k) {
      const Node& node = nodes[at[k]];
      const std::uint32_t rank = node.rank_slot >> 16;
      at[k] = node.left + static_cast<std::uint32_t>(rank < ranks[node.rank_slot & 0xFFFF]);
    }
  }
  for (std::size_t k = 0; k < Trees; ++k) sum += values_[at[k]];
  return sum;
}

template <class Leaf>
std::array<Leaf, 3> Forest<Leaf>::sums(std::span<const double, features::kFeatureCount> row,
                                       std::array<Leaf, 3> start) const {
  std::array<std::uint32_t, kMaxSlots> ranks;
  rank_row(row, ranks);
  for (std::size_t c = 0; c < 3; ++c) {
    const ClassRange& range = classes_[c];
    const std::size_t end = range.first_tree + range.trees;
    std::size_t tree = range.first_tree;
    std::size_t block = range.first_block;
    for (; tree + kBlock <= end; tree += kBlock) {
      start[c] = descend<kBlock>(tree, block_depth_[block++], ranks.data(), start[c]);
    }
    for (; tree < end; ++tree) start[c] = descend<1>(tree, block_depth_[block], ranks.data(), start[c]);
  }
  return start;
}

template class Forest<float>;
template class Forest<double>;

}  // namespace qtrader::models
