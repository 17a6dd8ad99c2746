#include <gtest/gtest.h>

#include "core/base/rng.hpp"
#include "edge/binance/decimal.hpp"

namespace qtrader::binance {
namespace {

void expect_same(const std::string& text) {
  const auto expected = domain::parse_fixed(text);
  std::int64_t got = 4711;
  const bool ok = parse_decimal(text, got);
  ASSERT_EQ(ok, expected.ok()) << "'" << text << "'";
  ASSERT_EQ(got, expected ? *expected : 4711) << "'" << text << "'";
}

TEST(ParseDecimal, KnownValues) {
  std::int64_t raw = 0;
  ASSERT_TRUE(parse_decimal("61800.20", raw));
  EXPECT_EQ(raw, 6'180'020'000'000);
  ASSERT_TRUE(parse_decimal("-0.00000001", raw));
  EXPECT_EQ(raw, -1);
  EXPECT_FALSE(parse_decimal("", raw));
  EXPECT_FALSE(parse_decimal("1,5", raw));
}

TEST(ParseDecimal, EqualsParseFixedAtTheEdges) {
  for (const char* text : {"",
                           "-",
                           "+",
                           ".",
                           "-.",
                           "0",
                           "-0",
                           "+1",
                           "1.",
                           ".5",
                           "-.5",
                           "..1",
                           "1..2",
                           "1.2.3",
                           "1e3",
                           "1e-7",
                           "1E+2",
                           "1e",
                           "1e41",
                           "1e-41",
                           "--1",
                           "-+1",
                           " 1",
                           "1 ",
                           "0x1",
                           "1_0",
                           "nan",
                           "inf",
                           "92233720368.54775807",
                           "-92233720368.54775807",
                           "92233720368.54775808",
                           "92233720369",
                           "999999999999999999",
                           "9999999999999999999",
                           "18446744073709551616",
                           "0.000000005",
                           "0.000000015",
                           "0.123456785",
                           "0.12345678500000000001",
                           "000000000000000000000001.5",
                           "1.000000000000000000000000",
                           "100000000000000000000000000000000000000",
                           "1\xC2",
                           "123456789012345678",
                           "12345678901.2345678",
                           "1234567890.12345678",
                           "0.99999999",
                           "0.999999995"})
    expect_same(text);
  expect_same(std::string("1\0", 2));
}

TEST(ParseDecimal, EqualsParseFixedOnRandomTexts) {
  base::Rng rng(20'240'808);
  const std::string_view alphabet = "0123456789012345678901234567890123456789..-+eE x";
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    const auto length = rng.below(24);
    for (std::uint64_t k = 0; k < length; ++k) text.push_back(alphabet[rng.below(alphabet.size())]);
    expect_same(text);
    if (HasFatalFailure()) return;
  }
}

TEST(ParseDecimal, EqualsParseFixedOnRandomNumbers) {
  base::Rng rng(7);
  for (int i = 0; i < 200'000; ++i) {
    std::string text = rng.below(3) == 0 ? "-" : "";
    const auto whole = rng.below(13), decimals = rng.below(12);
    for (std::uint64_t k = 0; k < whole; ++k) text.push_back(static_cast<char>('0' + rng.below(10)));
    if (decimals != 0) text.push_back('.');
    for (std::uint64_t k = 0; k < decimals; ++k) text.push_back(static_cast<char>('0' + rng.below(10)));
    expect_same(text);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace qtrader::binance
