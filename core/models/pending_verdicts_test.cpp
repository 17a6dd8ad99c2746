#include "core/models/pending_verdicts.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/archive.hpp"

namespace qtrader::models {
namespace {

constexpr domain::SymbolId kA{0}, kB{1};
base::Timestamp bar(int n) { return base::Timestamp{} + base::minutes(15) * n; }
PendingVerdicts four_bars() { return {2, base::minutes(60)}; }
PendingVerdict verdict(int at, double close, bool buy) { return {.bar_close = bar(at), .close = close, .buy = buy}; }

TEST(PendingVerdicts, MatureOnTheBarOfTheirHorizonAlone) {
  PendingVerdicts pending = four_bars();
  pending.add(kA, verdict(1, 100, true));
  pending.add(kA, verdict(2, 100, false));
  for (int n = 2; n < 5; ++n) EXPECT_FALSE(pending.mature(kA, bar(n), 101)) << n;
  EXPECT_FALSE(pending.mature(kB, bar(5), 101));
  const auto first = pending.mature(kA, bar(5), 101);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->verdict.bar_close, bar(1));
  EXPECT_NEAR(first->log_return, std::log(1.01), 1e-15);
  EXPECT_FALSE(pending.mature(kA, bar(5), 101)) << "asked again";
  const auto second = pending.mature(kA, bar(6), 101);
  ASSERT_TRUE(second);
  EXPECT_NEAR(second->log_return, -std::log(1.01), 1e-15) << "a rise is against a sell";
  EXPECT_EQ(pending.dropped(), 0);
}

TEST(PendingVerdicts, AreDroppedWhenTheirBarNeverCame) {
  PendingVerdicts pending = four_bars();
  for (int n = 1; n <= 3; ++n) pending.add(kA, verdict(n, 100, true));
  const auto third = pending.mature(kA, bar(7), 102);  // bars 5 and 6 are missing
  ASSERT_TRUE(third);
  EXPECT_EQ(third->verdict.bar_close, bar(3));
  EXPECT_EQ(pending.dropped(), 2);
  pending.add(kA, verdict(7, 100, true));
  EXPECT_FALSE(pending.mature(kA, bar(11), 0)) << "no price to compare with";
  EXPECT_EQ(pending.dropped(), 3);
}

TEST(PendingVerdicts, NeverHoldMoreThanAHorizon) {
  PendingVerdicts pending = four_bars();
  for (int n = 1; n < 1000; ++n) {
    pending.mature(kA, bar(n), 100);
    pending.add(kA, verdict(n, 100, true));
  }
  PendingVerdicts four = four_bars();
  for (int n = 1; n <= 4; ++n) four.add(kA, verdict(n, 100, true));
  EXPECT_EQ(base::to_bytes(pending).size(), base::to_bytes(four).size());
}

TEST(PendingVerdicts, ContinueFromTheirBytes) {
  PendingVerdicts a = four_bars(), b = four_bars();
  a.add(kB, {.bar_close = bar(1), .close = 7, .buy = true, .p_dir_raw = 0.6, .bounds = Bounds{-1, 2}});
  ASSERT_TRUE(base::from_bytes(base::to_bytes(a), b));
  EXPECT_EQ(base::to_bytes(a), base::to_bytes(b));
  const auto matured = b.mature(kB, bar(5), 8);
  ASSERT_TRUE(matured && matured->verdict.bounds);
  EXPECT_EQ(matured->verdict.bounds->high, 2);
}

}  // namespace
}  // namespace qtrader::models
