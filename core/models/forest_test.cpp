#include "core/models/forest.hpp"

#include <cmath>
#include <limits>

#include "core/base/rng.hpp"

namespace qtrader::models {
namespace {

using Row = std::array<double, features::kFeatureCount>;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kTiny = static_cast<double>(1e-35F);

/// The rule as the libraries state it, one comparison of floats per node.
std::size_t descend(const Tree& tree, const Row& row, SplitRule rule) {
  std::size_t at = 0;
  while (tree.nodes[at].left >= 0) {
    const TreeNode& node = tree.nodes[at];
    double x = row[static_cast<std::size_t>(node.feature)];
    bool left = false;
    if (node.missing == MissingRule::NanIsZero && std::isnan(x)) x = 0;
    if (std::isnan(x) || (node.missing == MissingRule::ZeroIsMissing && std::abs(x) <= kTiny))
      left = node.default_left;
    else
      left = rule == SplitRule::Less ? x < node.threshold : x <= node.threshold;
    at = static_cast<std::size_t>(left ? node.left : node.right);
  }
  return at;
}

/// Thresholds and values come from one small grid so that equality is common.
double grid(base::Rng& rng) {
  switch (rng.below(8)) {
    case 0:
      return 0;
    case 1:
      return rng.below(2) != 0 ? kTiny : -kTiny;
    default:
      return static_cast<double>(rng.below(21)) / 10.0 - 1.0;
  }
}

Tree random_tree(base::Rng& rng, std::int64_t output, std::size_t splits) {
  Tree tree{.output = output, .nodes = {TreeNode{}}};
  std::vector<std::size_t> leaves = {0};
  for (std::size_t s = 0; s < splits; ++s) {
    const std::size_t pick = rng.below(leaves.size());
    const std::size_t at = leaves[pick];
    leaves.erase(leaves.begin() + static_cast<std::ptrdiff_t>(pick));
    for (int side = 0; side < 2; ++side) {
      leaves.push_back(tree.nodes.size());
      tree.nodes.emplace_back();
    }
    tree.nodes[at] = {.left = static_cast<std::int64_t>(tree.nodes.size()) - (rng.below(2) != 0 ? 2 : 1),
                      .feature = static_cast<std::int64_t>(rng.below(features::kFeatureCount)),
                      .threshold = grid(rng),
                      .missing = static_cast<MissingRule>(rng.below(3)),
                      .default_left = rng.below(2) != 0};
    tree.nodes[at].right = 2 * static_cast<std::int64_t>(tree.nodes.size()) - 3 - tree.nodes[at].left;
  }
  for (const std::size_t leaf : leaves) tree.nodes[leaf].value = rng.normal();
  return tree;
}

Row random_row(base::Rng& rng) {
  Row row;
  for (double& x : row) x = rng.below(6) == 0 ? kNaN : rng.below(2) != 0 ? grid(rng) : rng.normal();
  return row;
}

template <class Leaf>
void expect_same_as_reference(SplitRule rule, std::uint64_t seed) {
  base::Rng rng(seed);
  for (int round = 0; round < 60; ++round) {
    std::vector<Tree> trees;
    const std::size_t count = 1 + rng.below(40);
    for (std::size_t t = 0; t < count; ++t) {
      trees.push_back(random_tree(rng, static_cast<std::int64_t>(rng.below(3)), rng.below(40)));
    }
    const auto forest = Forest<Leaf>::build(trees, rule);
    ASSERT_TRUE(forest.ok()) << forest.error().message();
    for (int r = 0; r < 50; ++r) {
      const Row row = random_row(rng);
      std::array<Leaf, 3> expected = {Leaf(0.5), Leaf(0.25), Leaf(-1)};
      const auto got = forest->sums(row, expected);
      for (const Tree& tree : trees) {
        expected[static_cast<std::size_t>(tree.output)] +=
            static_cast<Leaf>(tree.nodes[descend(tree, row, rule)].value);
      }
      ASSERT_EQ(got, expected) << "round " << round << " row " << r;
    }
  }
}

TEST(Forest, EqualsTheNodeByNodeRuleToTheLastBit) {
  expect_same_as_reference<float>(SplitRule::Less, 1);
  expect_same_as_reference<double>(SplitRule::LessEqual, 2);
  expect_same_as_reference<float>(SplitRule::LessEqual, 3);
  expect_same_as_reference<double>(SplitRule::Less, 4);
}

TEST(Forest, SingleLeavesAddTheirValue) {
  const std::vector<Tree> trees = {{.output = 1, .nodes = {{.value = 2.5}}}};
  const auto forest = Forest<double>::build(trees, SplitRule::Less);
  ASSERT_TRUE(forest.ok());
  Row row;
  row.fill(kNaN);
  EXPECT_EQ(forest->sums(row, {1, 2, 3}), (std::array<double, 3>{1, 4.5, 3}));
}

base::Errc error_of(const Tree& tree) {
  const auto forest = Forest<float>::build(std::vector<Tree>{tree}, SplitRule::Less);
  EXPECT_FALSE(forest.ok());
  return forest.ok() ? base::Errc::Io : forest.error().code;
}

TEST(Forest, RefusesWhatIsNoTree) {
  using base::Errc;
  const Tree good = {.output = 0, .nodes = {{.left = 1, .right = 2}, {.value = 1}, {.value = 2}}};
  ASSERT_TRUE(Forest<float>::build(std::vector<Tree>{good}, SplitRule::Less).ok());
  const auto changed = [&](auto&& change) {
    Tree tree = good;
    change(tree);
    return error_of(tree);
  };
  EXPECT_EQ(changed([](Tree& t) { t.nodes[0].right = 1; }), Errc::Corrupt);                  // shared child
  EXPECT_EQ(changed([](Tree& t) { t.nodes[0].left = 0; }), Errc::Corrupt);                   // its own child
  EXPECT_EQ(changed([](Tree& t) { t.nodes[2] = {.left = 0, .right = 1}; }), Errc::Corrupt);  // cycle
  EXPECT_EQ(changed([](Tree& t) { t.nodes[0].right = 3; }), Errc::Corrupt);
  EXPECT_EQ(changed([](Tree& t) { t.nodes[0].right = -1; }), Errc::Corrupt);
  EXPECT_EQ(changed([](Tree& t) { t.nodes.clear(); }), Errc::Corrupt);
  EXPECT_EQ(changed([](Tree& t) { t.output = 3; }), Errc::Corrupt);
  EXPECT_EQ(changed([](Tree& t) { t.output = -1; }), Errc::Corrupt);
  EXPECT_EQ(changed([](Tree& t) { t.nodes[0].threshold = kNaN; }), Errc::Corrupt);
  EXPECT_EQ(changed([](Tree& t) { t.nodes[1].value = kNaN; }), Errc::Corrupt);
  EXPECT_EQ(changed([](Tree& t) { t.nodes[0].feature = 64; }), Errc::SchemaMismatch);
  EXPECT_EQ(changed([](Tree& t) { t.nodes[0].feature = -1; }), Errc::SchemaMismatch);
}

TEST(Forest, RefusesAChainDeeperThanItsLimitAndTakesOneWithin) {
  const auto chain = [](std::int64_t depth) {
    Tree tree{.output = 0, .nodes = {}};
    for (std::int64_t d = 0; d < depth; ++d) {
      tree.nodes.push_back({.left = 2 * d + 1, .right = 2 * d + 2, .threshold = static_cast<double>(d)});
      tree.nodes.push_back({.value = static_cast<double>(d)});
    }
    tree.nodes.push_back({.value = static_cast<double>(depth)});
    return tree;
  };
  const auto deep = Forest<double>::build(std::vector<Tree>{chain(512)}, SplitRule::Less);
  ASSERT_TRUE(deep.ok()) << deep.error().message();
  Row row{};
  row[0] = 100.5;
  EXPECT_EQ(deep->sums(row, {})[0], 101);
  row[0] = 1e9;
  EXPECT_EQ(deep->sums(row, {})[0], 512);
  EXPECT_EQ(error_of(chain(513)), base::Errc::Unsupported);
}

TEST(Forest, RefusesMoreThresholdsThanARankCanTell) {
  Tree tree{.output = 0, .nodes = {}};
  std::vector<Tree> trees;
  for (int t = 0; t < 65535; ++t) {
    trees.push_back(
        {.output = 0,
         .nodes = {{.left = 1, .right = 2, .threshold = static_cast<double>(t)}, {.value = 0}, {.value = 1}}});
  }
  const auto over = Forest<double>::build(trees, SplitRule::Less);
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code, base::Errc::Unsupported);
  trees.pop_back();
  const auto most = Forest<double>::build(trees, SplitRule::Less);
  ASSERT_TRUE(most.ok());
  Row row{};
  row[0] = 40000;
  EXPECT_EQ(most->sums(row, {})[0], 40001);
  row[0] = 1e6;
  EXPECT_EQ(most->sums(row, {})[0], 65534);
}

}  // namespace
}  // namespace qtrader::models
