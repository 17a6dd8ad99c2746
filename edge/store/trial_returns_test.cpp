#include "edge/store/trial_returns.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace qtrader::store {
namespace {

const base::Timestamp kFirst = base::from_civil({2025, 1, 1});

TEST(PutReturns, LeavesAHoleForADayWithoutSamples) {
  Trial t;
  put_returns(t, {{kFirst, 0.0123456789}, {kFirst + base::days(2), -1}});
  EXPECT_EQ(t.first_day, "2025-01-01");
  EXPECT_EQ(t.days, 2U);
  EXPECT_EQ(t.return_ppb, (std::vector<std::optional<std::int64_t>>{12'345'679, std::nullopt, -1'000'000'000}));
  EXPECT_NEAR(*t.mean, (0.0123456789 - 1) / 2, 1e-15);
  EXPECT_NEAR(*t.sharpe_annual, *t.mean / *t.deviation * std::sqrt(365.0), 1e-12);
  Trial none;
  put_returns(none, {});
  EXPECT_TRUE(none.return_ppb.empty());
  EXPECT_FALSE(none.mean);
}

}  // namespace
}  // namespace qtrader::store
