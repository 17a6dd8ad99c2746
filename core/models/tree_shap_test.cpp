#include "core/models/tree_shap.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/base/hash.hpp"
#include "core/base/rng.hpp"

namespace qtrader::models {
namespace {

using base::Errc;
using Row = std::array<double, features::kFeatureCount>;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

bool goes_left(const TreeNode& node, double x, SplitRule rule) {
  if (node.missing == MissingRule::NanIsZero && std::isnan(x)) x = 0;
  if (std::isnan(x) || (node.missing == MissingRule::ZeroIsMissing && std::abs(x) <= 1e-36)) return node.default_left;
  return rule == SplitRule::Less ? x < node.threshold : x <= node.threshold;
}

/// EXPVALUE of Lundberg et al. (Algorithm 1): the expected leaf when only the features in `known` are.
double expected_leaf(const TreeFile& file, const Tree& tree, const Row& row, std::uint64_t known, std::size_t at = 0) {
  const TreeNode& node = tree.nodes[at];
  if (node.left < 0) return node.value;
  const auto f = static_cast<std::size_t>(node.feature);
  const auto below = [&](std::int64_t child) {
    return expected_leaf(file, tree, row, known, static_cast<std::size_t>(child));
  };
  if ((known >> f & 1) != 0) return below(goes_left(node, row[f], file.rule) ? node.left : node.right);
  const auto cover = [&](std::int64_t child) { return tree.nodes[static_cast<std::size_t>(child)].cover; };
  return (below(node.left) * cover(node.left) + below(node.right) * cover(node.right)) / node.cover;
}

double factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }

/// Shapley's definition, a sum over all subsets of the first `features` features.
double shapley(const TreeFile& file, const Row& row, std::size_t feature, int features) {
  double out = 0;
  for (std::uint64_t s = 0; s < 1ULL << features; ++s) {
    if ((s >> feature & 1) != 0) continue;
    const int size = std::popcount(s);
    const double weight = factorial(size) * factorial(features - size - 1) / factorial(features);
    for (const Tree& tree : file.trees)
      out += weight * (expected_leaf(file, tree, row, s | 1ULL << feature) - expected_leaf(file, tree, row, s));
  }
  return out;
}

/// A tree over the first `features` features whose covers are those of `rows` rows dealt out at random.
Tree random_tree(base::Rng& rng, std::size_t splits, std::uint64_t features) {
  Tree tree{.output = 0, .nodes = {TreeNode{.cover = 1000}}};
  std::vector<std::size_t> leaves = {0};
  for (std::size_t s = 0; s < splits; ++s) {
    const std::size_t pick = rng.below(leaves.size());
    const std::size_t at = leaves[pick];
    if (tree.nodes[at].cover == 0) continue;
    leaves.erase(leaves.begin() + static_cast<std::ptrdiff_t>(pick));
    const double share = rng.below(8) == 0 ? 0 : rng.uniform();
    const auto first = static_cast<std::int64_t>(tree.nodes.size());
    for (const double part : {share, 1 - share}) {
      leaves.push_back(tree.nodes.size());
      tree.nodes.push_back({.cover = tree.nodes[at].cover * part});
    }
    tree.nodes[at] = {.left = first,
                      .right = first + 1,
                      .feature = static_cast<std::int64_t>(rng.below(features)),
                      .threshold = rng.normal(),
                      .missing = static_cast<MissingRule>(rng.below(3)),
                      .default_left = rng.below(2) != 0,
                      .cover = tree.nodes[at].cover};
  }
  for (const std::size_t leaf : leaves) tree.nodes[leaf].value = rng.normal();
  return tree;
}

Row random_row(base::Rng& rng) {
  Row row;
  for (double& x : row) x = rng.below(5) == 0 ? kNaN : rng.below(5) == 0 ? 0 : rng.normal();
  return row;
}

TEST(TreeShap, EqualsShapleysDefinitionOverAllSubsets) {
  constexpr int kFeatures = 7;
  base::Rng rng(3);
  for (const SplitRule rule : {SplitRule::Less, SplitRule::LessEqual}) {
    for (int round = 0; round < 25; ++round) {
      TreeFile file{.trees = {}, .rule = rule, .start = {}};
      for (int t = 0; t < 3; ++t) file.trees.push_back(random_tree(rng, 1 + rng.below(20), kFeatures));
      const auto shap = TreeShap::create(file);
      ASSERT_TRUE(shap) << shap.error().message();
      const Row row = random_row(rng);
      const auto got = shap->explain(row);
      ASSERT_TRUE(got) << got.error().message();
      for (std::size_t f = 0; f < kFeatures; ++f)
        EXPECT_NEAR(got->phi[0][f], shapley(file, row, f, kFeatures), 1e-12) << "round " << round << " feature " << f;
      double base = 0;
      for (const Tree& tree : file.trees) base += expected_leaf(file, tree, row, 0);
      EXPECT_NEAR(got->base[0], base, 1e-12);
    }
  }
}

TEST(TreeShap, SharesAddUpToTheMarginThatServingSums) {
  base::Rng rng(4);
  for (int round = 0; round < 20; ++round) {
    TreeFile file{.trees = {}, .rule = SplitRule::LessEqual, .start = {0.5, -0.25, 1}};
    for (std::int64_t t = 0; t < 30; ++t) {
      file.trees.push_back(random_tree(rng, rng.below(60), features::kFeatureCount));
      file.trees.back().output = t % 3;
    }
    const auto shap = TreeShap::create(file);
    ASSERT_TRUE(shap) << shap.error().message();
    const auto forest = Forest<double>::build(file.trees, file.rule);
    ASSERT_TRUE(forest);
    for (int r = 0; r < 10; ++r) {
      const Row row = random_row(rng);
      const auto got = shap->explain(row);
      ASSERT_TRUE(got);
      EXPECT_EQ(got->margin, forest->sums(row, file.start));
      for (std::size_t c = 0; c < 3; ++c) {
        double sum = got->base[c];
        for (const double phi : got->phi[c]) sum += phi;
        EXPECT_NEAR(sum, got->margin[c], 1e-9 * std::max(1.0, std::abs(got->margin[c])));
      }
    }
  }
}

TEST(TreeShap, StaysExactOnAPathThroughAllFeatures) {
  // A chain: each split is on another feature and only the last leaf differs, so that by symmetry of the game every
  // feature with the same share has the same value. Here every split sends a tenth of the rows on.
  Tree chain{.output = 2, .nodes = {}};
  double cover = 1;
  for (std::int64_t f = 0; f < 64; ++f) {
    chain.nodes.push_back({.left = 2 * f + 1, .right = 2 * f + 2, .feature = f, .threshold = 0, .cover = cover});
    chain.nodes.push_back({.value = 0, .cover = cover * 0.9});
    cover *= 0.1;
  }
  chain.nodes.push_back({.value = 64, .cover = cover});
  const auto shap = TreeShap::create({.trees = {chain}, .rule = SplitRule::Less, .start = {}});
  ASSERT_TRUE(shap) << shap.error().message();
  Row row;
  row.fill(1);
  const auto got = shap->explain(row);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->margin[2], 64);
  for (const double phi : got->phi[2]) EXPECT_NEAR(phi, 1, 1e-12);
}

TEST(TreeShap, AFeatureThatNoSplitUsesGetsNothing) {
  const Tree tree{.output = 0,
                  .nodes = {{.left = 1, .right = 2, .feature = 5, .threshold = 0, .cover = 4},
                            {.value = 1, .cover = 1},
                            {.value = -1, .cover = 3}}};
  const Tree leaf{.output = 0, .nodes = {{.value = 0.5}}};  // a file states no cover for a tree of one leaf
  const auto shap = TreeShap::create({.trees = {tree, leaf}, .rule = SplitRule::Less, .start = {}});
  ASSERT_TRUE(shap) << shap.error().message();
  Row row{};
  row[5] = -1;
  const auto got = shap->explain(row);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->base[0], 0.5 + 0.25 - 0.75);
  for (std::size_t f = 0; f < 64; ++f) EXPECT_DOUBLE_EQ(got->phi[0][f], f == 5 ? 1.5 : 0) << f;
}

TEST(TreeShap, ReadsFeaturesAsTheModelDoes) {
  const Tree tree{.output = 0,
                  .nodes = {{.left = 1, .right = 2, .feature = 0, .threshold = 0.5, .cover = 2},
                            {.value = 1, .cover = 1},
                            {.value = 2, .cover = 1}}};
  const TreeFile file{.trees = {tree}, .rule = SplitRule::Less, .single_precision = true, .start = {}};
  Row row{};
  row[0] = 0.5 - 1e-12;  // as a float it is 0.5
  EXPECT_EQ(TreeShap::create(file)->explain(row)->margin[0], 2);
  row[0] = 1e39;
  EXPECT_EQ(TreeShap::create(file)->explain(row).error().code, Errc::InvalidArgument);
}

TEST(TreeShap, RefusesWhatItCannotExplain) {
  const auto with = [](double root, double left) {
    const Tree tree{
        .output = 0,
        .nodes = {{.left = 1, .right = 2, .cover = root}, {.value = 1, .cover = left}, {.value = 2, .cover = 1}}};
    return TreeShap::create({.trees = {tree}, .rule = SplitRule::Less, .start = {}});
  };
  EXPECT_TRUE(with(2, 1));
  EXPECT_EQ(with(0, 0).error().code, Errc::Unsupported);
  EXPECT_EQ(with(kNaN, 1).error().code, Errc::Corrupt);
  EXPECT_EQ(with(1, -1).error().code, Errc::Corrupt);
  EXPECT_EQ(TreeShap::create({}).error().code, Errc::Corrupt);
  EXPECT_EQ(TreeShap::load(ModelKind::NHits, {}).error().code, Errc::Unsupported);
  EXPECT_EQ(TreeShap::load(ModelKind::LightGBM, base::as_bytes("nonsense")).error().code, Errc::Corrupt);
}

}  // namespace
}  // namespace qtrader::models
