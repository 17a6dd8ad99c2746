#include "core/risk/limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace qtrader::risk {
namespace {

TEST(Limits, TheDefaultsAreLegal) { EXPECT_TRUE(validate(Limits{})); }

TEST(Limits, NoConfigurationPassesACeiling) {
  const struct {
    const char* field;
    std::function<void(Limits&)> set;
  } beyond[] = {
      {"max_leverage", [](Limits& l) { l.max_leverage = kCeilingLeverage + 1; }},
      {"risk_per_trade_max_frac", [](Limits& l) { l.risk_per_trade_max_frac = 0.031; }},
      {"max_open_positions", [](Limits& l) { l.max_open_positions = 51; }},
      {"daily_loss_frac", [](Limits& l) { l.daily_loss_frac = 0.101; }},
      {"weekly_loss_frac", [](Limits& l) { l.weekly_loss_frac = 0.5; }},
      {"max_gross_exposure_frac", [](Limits& l) { l.max_gross_exposure_frac = 11; }},
      {"max_margin_usage_frac", [](Limits& l) { l.max_margin_usage_frac = 0.95; }},
      {"drawdown_lock_frac", [](Limits& l) { l.drawdown_lock_frac = 0.3; }},
      {"drawdown_lock_days", [](Limits& l) { l.drawdown_lock_days = 6; }},
      {"liquidation_buffer_frac", [](Limits& l) { l.liquidation_buffer_frac = 0; }},
      {"max_orders_per_minute", [](Limits& l) { l.max_orders_per_minute = 601; }},
  };
  for (const auto& b : beyond) {
    Limits l;
    b.set(l);
    const auto result = validate(l);
    ASSERT_FALSE(result) << b.field;
    EXPECT_THAT(result.error().context, testing::HasSubstr(b.field));
  }
}

TEST(Limits, EveryFloatRefusesNanZeroAndNegative) {
  Limits probe;
  base::for_each_member(probe, [](std::string_view name, auto& field) {
    if constexpr (std::is_same_v<std::remove_reference_t<decltype(field)>, double>) {
      (void)field;
      for (const double bad : {std::numeric_limits<double>::quiet_NaN(), -0.01, 1e12}) {
        Limits l;
        base::for_each_member(l, [&](std::string_view other, auto& f) {
          if constexpr (std::is_same_v<std::remove_reference_t<decltype(f)>, double>)
            if (other == name) f = bad;
        });
        EXPECT_FALSE(validate(l)) << name << " = " << bad;
      }
    }
  });
}

TEST(Limits, StagesAndRisksMustBeInOrder) {
  Limits l;
  l.drawdown_pause_frac = 0.04;  // below warn
  EXPECT_FALSE(validate(l));
  l = {};
  l.risk_per_trade_frac = 0.02;  // above the maximum of 0.015
  const auto result = validate(l);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().context, "limit risk_per_trade_frac is 0.02, expected 0.000001 to 0.015");
  EXPECT_EQ(result.error().code, base::Errc::InvalidArgument);
}

TEST(VolatilityEnvelope, IsTheTable) {
  EXPECT_EQ(volatility_envelope(0.004).max_leverage, 25);
  EXPECT_EQ(volatility_envelope(0.005).max_leverage, 20);
  EXPECT_EQ(volatility_envelope(0.0149).max_margin_frac, 0.08);
  EXPECT_EQ(volatility_envelope(0.015).max_leverage, 15);
  EXPECT_EQ(volatility_envelope(0.03).max_leverage, 10);
  EXPECT_EQ(volatility_envelope(5).max_margin_frac, 0.03);
}

TEST(VolatilityEnvelope, AnUnknownVolatilityIsTheWorst) {
  EXPECT_EQ(volatility_envelope(0).max_leverage, 10);
  EXPECT_EQ(volatility_envelope(-1).max_leverage, 10);
  EXPECT_EQ(volatility_envelope(std::numeric_limits<double>::quiet_NaN()).max_leverage, 10);
}

}  // namespace
}  // namespace qtrader::risk
