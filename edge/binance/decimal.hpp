// parse_decimal: wire decimals to fixed point, fast. Same result as domain::parse_fixed on every input, including the
// refusals; market streams carry some ten decimals per message, nearly all of at most 18 digits and no exponent, which
// need no 128-bit arithmetic.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/domain/money.hpp"

namespace qtrader::binance {

/// The fixed-point value of the text (units of 1e-8); false, and out unchanged, if domain::parse_fixed refuses it.
inline bool parse_decimal(std::string_view text, std::int64_t& out) {
  static constexpr std::array<std::int64_t, 9> kScale = {100'000'000, 10'000'000, 1'000'000, 100'000, 10'000,
                                                         1'000,       100,        10,        1};
  const char* at = text.data();
  const char* const end = at + text.size();
  const bool negative = at != end && *at == '-';
  if (negative) ++at;
  std::uint64_t value = 0;
  const char* const whole = at;
  unsigned digit = 0;
  while (at != end && (digit = static_cast<unsigned>(*at) - '0') <= 9) {
    value = value * 10 + digit;  // may wrap; then there are more than 18 digits and the value is not used
    ++at;
  }
  auto digits = at - whole;
  std::ptrdiff_t decimals = 0;
  if (at != end && *at == '.') {
    const char* const fraction = ++at;
    while (at != end && (digit = static_cast<unsigned>(*at) - '0') <= 9) {
      value = value * 10 + digit;
      ++at;
    }
    decimals = at - fraction;
    digits += decimals;
  }
  std::int64_t scaled = 0;
  const bool plain = at == end && digits != 0 && digits <= 18 && decimals <= 8;
  if (plain && !__builtin_mul_overflow(static_cast<std::int64_t>(value), kScale[static_cast<std::size_t>(decimals)],
                                       &scaled)) [[likely]] {
    out = negative ? -scaled : scaled;
    return true;
  }
  const auto slow = domain::parse_fixed(text);
  if (!slow) return false;
  out = *slow;
  return true;
}

}  // namespace qtrader::binance
