#include "core/models/rolling_rank.hpp"

#include "core/base/archive.hpp"
#include "core/base/rng.hpp"

namespace qtrader::models {
namespace {

TEST(RollingRank, AgreesWithSortingTheWindow) {
  base::Rng rng(1);
  RollingRank rank(50);
  std::vector<double> all;
  for (int i = 0; i < 2000; ++i) {
    const double v = static_cast<double>(rng.below(40));  // many equal values
    rank.push(v);
    all.push_back(v);
    std::vector<double> window(all.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(50, all.size())),
                               all.end());
    std::ranges::sort(window);
    ASSERT_EQ(rank.size(), window.size());
    const double q = static_cast<double>(rng.below(42)) - 1;
    double below = 0;
    for (const double w : window) below += w < q ? 1 : w == q ? 0.5 : 0;
    ASSERT_DOUBLE_EQ(rank.fraction_below(q), below / static_cast<double>(window.size()));
    const auto at = static_cast<std::size_t>(std::ceil(0.95 * static_cast<double>(window.size()))) - 1;
    ASSERT_EQ(rank.quantile(0.95), window[at]);
    ASSERT_EQ(rank.quantile(1), window.back());
  }
}

TEST(RollingRank, ConstantStreamRanksInTheMiddle) {
  RollingRank rank(10);
  for (int i = 0; i < 25; ++i) rank.push(0.6);
  EXPECT_EQ(rank.fraction_below(0.6), 0.5);
  EXPECT_EQ(rank.fraction_below(0.61), 1);
  EXPECT_EQ(rank.fraction_below(0.59), 0);
}

TEST(RollingRank, SnapshotContinuesAlike) {
  base::Rng rng(2);
  RollingRank a(30);
  for (int i = 0; i < 47; ++i) a.push(rng.uniform());
  RollingRank b(30);
  ASSERT_TRUE(base::from_bytes(base::to_bytes(a), b));
  for (int i = 0; i < 100; ++i) {
    const double v = rng.uniform();
    a.push(v);
    b.push(v);
    ASSERT_EQ(a.fraction_below(0.5), b.fraction_below(0.5));
    ASSERT_EQ(a.quantile(0.9), b.quantile(0.9));
  }
}

}  // namespace
}  // namespace qtrader::models
