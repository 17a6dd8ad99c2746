// Fast decimal text to fixed-point and double, for the rows of recorded files.
//
// Plain decimals of up to 18 digits take the short path; everything else (exponents, longer numbers) goes through
// domain::parse_fixed or std::from_chars, so both paths give the same value. Never accepts trailing characters, NaN or
// infinity.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "core/domain/money.hpp"

namespace qtrader::history {

struct PlainDecimal {
  std::uint64_t mantissa = 0;
  int decimals = 0;
  bool negative = false;
};

/// Splits "-12.50" into sign, 1250 and 2. False if the text is not a plain decimal of 1 to 18 digits.
inline bool parse_plain(std::string_view text, PlainDecimal& out) {
  const char* p = text.data();
  const char* const end = p + text.size();
  out.negative = p != end && *p == '-';
  if (out.negative) ++p;
  const char* const first = p;
  std::uint64_t m = 0;
  while (p != end && static_cast<unsigned char>(*p - '0') < 10) m = m * 10 + static_cast<std::uint64_t>(*p++ - '0');
  auto digits = p - first;
  out.decimals = 0;
  if (p != end && *p == '.') {
    const char* const fraction = ++p;
    while (p != end && static_cast<unsigned char>(*p - '0') < 10) m = m * 10 + static_cast<std::uint64_t>(*p++ - '0');
    out.decimals = static_cast<int>(p - fraction);
    digits += p - fraction;
  }
  out.mantissa = m;
  return p == end && digits > 0 && digits <= 18;
}

/// Raw value at 1e-8, half to even beyond eight decimals. False if it is not a decimal number within ±92 233 720 368.
inline bool parse_fixed_fast(std::string_view text, std::int64_t& raw) {
  static constexpr std::array<std::uint64_t, 9> kScale = {100'000'000, 10'000'000, 1'000'000, 100'000, 10'000,
                                                          1'000,       100,        10,        1};
  PlainDecimal d;
  if (parse_plain(text, d) && d.decimals <= 8) {
    std::uint64_t scaled = 0;
    if (!__builtin_mul_overflow(d.mantissa, kScale[static_cast<std::size_t>(d.decimals)], &scaled) &&
        scaled <= static_cast<std::uint64_t>(INT64_MAX)) {
      raw = d.negative ? -static_cast<std::int64_t>(scaled) : static_cast<std::int64_t>(scaled);
      return true;
    }
    return false;
  }
  const auto slow = domain::parse_fixed(text);
  if (!slow) return false;
  raw = *slow;
  return true;
}

/// Nearest double. False unless the whole text is a finite number.
inline bool parse_double_fast(std::string_view text, double& value) {
  static constexpr std::array<double, 19> kPower = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
  PlainDecimal d;
  // Both operands are exact, so the one division rounds correctly (Clinger 1990).
  if (parse_plain(text, d) && d.mantissa < (std::uint64_t{1} << 53)) {
    const double magnitude = static_cast<double>(d.mantissa) / kPower[static_cast<std::size_t>(d.decimals)];
    value = d.negative ? -magnitude : magnitude;
    return true;
  }
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

inline bool parse_unsigned(std::string_view text, std::uint64_t& value) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc() && !text.empty() && end == text.data() + text.size();
}

}  // namespace qtrader::history
