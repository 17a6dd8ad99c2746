// Forest: a tree ensemble laid out for one-row inference, shared by the XGBoost and LightGBM members.
//
// Two ideas make it fast. (1) Every feature is replaced, once per row, by its rank among the thresholds the forest uses
// for it; a node then compares two 16-bit integers, which decides exactly as the trainer's comparison of floats, and
// missing values become an extreme rank, so no node asks about them. (2) Leaves point to themselves, so sixteen trees
// descend side by side for a fixed number of steps without an unpredictable branch. Sums run in file order in the
// trainer's own precision, which keeps the result equal to the library's. Never allocates after build().
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.hpp"
#include "core/features/feature_vector.hpp"

namespace qtrader::models {

/// How a node reads a value that may be missing.
enum class MissingRule : std::uint8_t {
  NanIsZero,      // NaN is compared as 0
  NanIsMissing,   // NaN goes the default way
  ZeroIsMissing,  // NaN and |x| ≤ 1e-35 go the default way
};

/// Which comparison sends a value to the left child.
enum class SplitRule : std::uint8_t { Less, LessEqual };

/// A node as the model file states it; not validated.
struct TreeNode {
  std::int64_t left = -1;  // index into the tree's nodes; −1: a leaf
  std::int64_t right = -1;
  std::int64_t feature = 0;
  double threshold = 0;
  MissingRule missing = MissingRule::NanIsMissing;
  bool default_left = false;
  double value = 0;  // of a leaf
  double cover = 0;  // training weight that reached it: rows, or their summed Hessian; 0: the file does not say
};

struct Tree {
  std::int64_t output = 0;  // class 0..2 that the tree adds to
  std::vector<TreeNode> nodes;
};

/// A whole tree model as its file states it; not validated.
struct TreeFile {
  std::vector<Tree> trees;
  SplitRule rule = SplitRule::Less;
  bool single_precision = false;  // features, leaves and sums are floats (XGBoost) and not doubles (LightGBM)
  std::array<double, 3> start{};  // the sums before the first tree
};

/// Leaf is float (XGBoost) or double (LightGBM): the precision of values and sums.
template <class Leaf>
class Forest {
 public:
  /// Errors: Corrupt (child or class out of range, a node reached twice, no leaf, value not finite), SchemaMismatch
  /// (feature index ≥ 64), Unsupported (deeper than 512, more than 65 534 thresholds of one feature).
  static base::Result<Forest> build(std::span<const Tree> trees, SplitRule rule);

  /// `start` plus the leaves this row falls into, per class. NaN is missing.
  std::array<Leaf, 3> sums(std::span<const double, features::kFeatureCount> row, std::array<Leaf, 3> start) const;
  std::size_t tree_count() const { return roots_.size(); }

 private:
  /// Goes to left + (rank of the slot's feature > rank). A leaf: left is itself, rank is the largest.
  struct Node {
    std::uint32_t rank_slot = 0;  // rank in the high half, slot in the low
    std::uint32_t left = 0;
  };
  /// A feature as some nodes read it: one slot for each distinct treatment of missing values.
  struct Slot {
    std::uint16_t feature = 0;
    std::uint32_t missing_rank = 0;  // 0 goes left everywhere, kRight goes right everywhere
    bool zero_is_missing = false;
    bool operator==(const Slot&) const = default;
  };
  struct ClassRange {
    std::uint32_t first_tree = 0;
    std::uint32_t trees = 0;
    std::uint32_t first_block = 0;
  };
  static constexpr std::uint32_t kRight = 0xFFFF;
  static constexpr std::size_t kBlock = 16;  // trees that descend together
  static constexpr std::size_t kMaxSlots = features::kFeatureCount * 6;

  base::Result<void> collect_cuts(std::span<const Tree> trees);
  double cut_of(const TreeNode& node) const;
  base::Result<std::uint32_t> place(const Tree& tree);
  std::uint32_t rank_of(std::size_t feature, double value) const;
  std::uint32_t slot_for(const TreeNode& node);
  void rank_row(std::span<const double, features::kFeatureCount> row, std::span<std::uint32_t, kMaxSlots> out) const;
  template <std::size_t Trees>
  Leaf descend(std::size_t tree, std::uint32_t depth, const std::uint32_t* ranks, Leaf sum) const;

  SplitRule rule_ = SplitRule::Less;
  std::array<std::uint32_t, features::kFeatureCount + 1> cut_begin_{};  // into cuts_
  std::vector<double> cuts_;                                            // ascending per feature; x goes left if x < cut
  std::vector<Slot> slots_;
  std::vector<Node> nodes_;                 // breadth first, tree by tree
  std::vector<Leaf> values_;                // by node; 0 where it is no leaf
  std::vector<std::uint32_t> roots_;        // grouped by class, file order within
  std::vector<std::uint32_t> block_depth_;  // deepest of each block of trees of a class
  std::array<ClassRange, 3> classes_{};
};

extern template class Forest<float>;
extern template class Forest<double>;

}  // namespace qtrader::models
