#include "core/domain/money.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/rng.hpp"

namespace qtrader::domain {
namespace {

TEST(Money, DimensionsAndExactness) {
  const auto notional = Price::parse("42123.4").value() * Quantity::parse("0.015").value();
  EXPECT_EQ(notional.to_string(), "631.851");
  EXPECT_EQ((notional / Price::parse("42123.4").value()).to_string(), "0.015");
  EXPECT_EQ((Money::from_int(1) / Money::from_int(3)).to_string(), "0.33333333");
}

TEST(Money, NamedRounding) {
  EXPECT_EQ(mul_div(7, 1, 2, Rounding::HalfEven), 4);
  EXPECT_EQ(mul_div(5, 1, 2, Rounding::HalfEven), 2);
  EXPECT_EQ(mul_div(-5, 1, 2, Rounding::HalfEven), -2);
  EXPECT_EQ(mul_div(-7, 1, 2, Rounding::Down), -3);
  EXPECT_EQ(mul_div(-7, 1, 2, Rounding::Up), -4);
  EXPECT_EQ(mul_div(7, 1, -2, Rounding::Up), -4);
}

TEST(Money, ParseAndFormatRoundTrip) {
  base::Rng rng(11);
  for (int i = 0; i < 20'000; ++i) {
    const auto raw = static_cast<std::int64_t>(rng.next() >> (rng.below(60) + 1)) * (rng.below(2) ? 1 : -1);
    EXPECT_EQ(parse_fixed(format_fixed(raw)).value(), raw);
  }
}

TEST(Money, ParsesWhatExchangesWrite) {
  EXPECT_EQ(Price::parse("1e-7")->raw(), 10);
  EXPECT_EQ(Price::parse("1.5E+3")->to_string(), "1500");
  EXPECT_EQ(Price::parse("0.123456785")->raw(), 12345678) << "half to even";
  EXPECT_EQ(Price::parse("0.1234567850001")->raw(), 12345679);
  EXPECT_EQ(Price::parse("-0.00000001")->raw(), -1);
}

TEST(Money, RefusesWhatIsNoNumber) {
  for (const char* text : {"", "-", ".", "abc", "1.2.3", "1e", "1x", " 1", "nan", "inf", "99999999999", "1e30"}) {
    const auto parsed = Price::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().context.find("'" + std::string(text) + "'"), std::string::npos);
  }
}

TEST(Money, FromDoubleInvertsToDouble) {
  base::Rng rng(5);
  for (int i = 0; i < 20'000; ++i) {
    const auto raw = static_cast<std::int64_t>(rng.below(1'000'000'000'000'000));
    EXPECT_EQ(fixed_from_double(Price::from_raw(raw).to_double(), Rounding::HalfEven), raw);
  }
}

TEST(MoneyDeathTest, OverflowAndNonFiniteStopTheProcess) {
  EXPECT_DEATH(Money::from_raw(INT64_MAX) + Money::from_raw(1), "overflow");
  EXPECT_DEATH(Price::from_int(90'000'000'000) * Quantity::from_int(2), "overflow");
  EXPECT_DEATH(Money::from_double(std::nan("")), "non-finite");
  EXPECT_DEATH(Money::from_int(1) / Money(), "zero");
}

TEST(Leverage, MarginRoundsUp) {
  EXPECT_EQ(Leverage{3}.margin_for(Money::from_raw(10)).raw(), 4);
  EXPECT_EQ(Leverage{5}.margin_for(Money::from_raw(10)).raw(), 2);
}

}  // namespace
}  // namespace qtrader::domain
