#include "core/domain/money.hpp"

#include <charconv>
#include <cmath>
#include <limits>

namespace qtrader::domain {
namespace {

__extension__ using Int128 = __int128;

template <class Wide>
std::int64_t round_div(Wide n, std::int64_t d, Rounding rounding) {
  QT_CHECK(d != 0, "fixed-point division by zero");
  Wide q = n / d;
  const Wide r = n % d;
  if (r != 0) {
    const int sign = (n < 0) != (d < 0) ? -1 : 1;
    const Int128 twice = static_cast<Int128>(r < 0 ? -r : r) * 2;
    const Int128 mag = d < 0 ? -static_cast<Int128>(d) : static_cast<Int128>(d);
    const bool away =
        rounding == Rounding::Up || (rounding == Rounding::HalfEven && (twice > mag || (twice == mag && q % 2 != 0)));
    if (away) q += sign;
  }
  QT_CHECK(q <= std::numeric_limits<std::int64_t>::max() && q >= std::numeric_limits<std::int64_t>::min(),
           "fixed-point overflow");
  return static_cast<std::int64_t>(q);
}

}  // namespace

std::int64_t mul_div(std::int64_t a, std::int64_t b, std::int64_t c, Rounding rounding) {
  std::int64_t product = 0;
  // A 128-bit division costs ten 64-bit ones, and most products fit. INT64_MIN / −1 does not, as a quotient.
  if (!__builtin_mul_overflow(a, b, &product) && product != std::numeric_limits<std::int64_t>::min())
    return round_div(product, c, rounding);
  return round_div(static_cast<Int128>(a) * b, c, rounding);
}

std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  QT_CHECK(!__builtin_add_overflow(a, b, &out), "fixed-point addition overflow");
  return out;
}

std::int64_t checked_sub(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  QT_CHECK(!__builtin_sub_overflow(a, b, &out), "fixed-point subtraction overflow");
  return out;
}

std::int64_t fixed_from_double(double value, Rounding rounding) {
  QT_CHECK(std::isfinite(value), "a non-finite float cannot become money");
  const double scaled = value * static_cast<double>(kFixedScale);
  QT_CHECK(std::abs(scaled) < 9.2e18, "float too large for fixed point");
  switch (rounding) {
    case Rounding::Down:
      return static_cast<std::int64_t>(std::trunc(scaled));
    case Rounding::Up:
      return static_cast<std::int64_t>(scaled < 0 ? std::floor(scaled) : std::ceil(scaled));
    case Rounding::HalfEven:
      break;
  }
  const double whole = std::floor(scaled), rest = scaled - whole;
  const bool up = rest > 0.5 || (rest == 0.5 && std::fmod(whole, 2.0) != 0);
  return static_cast<std::int64_t>(whole) + (up ? 1 : 0);
}

base::Result<std::int64_t> parse_fixed(std::string_view text) {
  const auto bad = [&](const char* why) {
    return base::Error{"domain", base::Errc::InvalidArgument, "number '" + std::string(text) + "': " + why};
  };
  std::size_t at = 0;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) ++at;
  Int128 digits = 0;
  int decimals = 0, seen = 0;
  bool point = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      if (digits > static_cast<Int128>(1) << 110) return bad("too many digits");
      digits = digits * 10 + (c - '0');
      decimals += point ? 1 : 0;
      ++seen;
    } else {
      break;
    }
  }
  if (seen == 0) return bad("expected a decimal number");
  int exponent = 0;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    std::size_t from = at + 1;
    if (from < text.size() && text[from] == '+') ++from;
    const auto [end, ec] = std::from_chars(text.data() + from, text.data() + text.size(), exponent);
    if (ec != std::errc() || exponent > 40 || exponent < -40) return bad("bad exponent");
    at = static_cast<std::size_t>(end - text.data());
  }
  if (at != text.size()) return bad("expected a decimal number");
  int shift = 8 - decimals + exponent;
  const Int128 limit = std::numeric_limits<std::int64_t>::max();
  for (; shift > 0; --shift) {
    digits *= 10;
    if (digits > limit) return bad("out of range ±92233720368");
  }
  bool sticky = false;
  int last = 0;
  for (; shift < 0; ++shift) {
    sticky = sticky || last != 0;
    last = static_cast<int>(digits % 10);
    digits /= 10;
  }
  if (last > 5 || (last == 5 && (sticky || digits % 2 != 0))) ++digits;
  if (digits > limit) return bad("out of range ±92233720368");
  const auto value = static_cast<std::int64_t>(digits);
  return negative ? -value : value;
}

std::string format_fixed(std::int64_t raw) {
  const bool negative = raw < 0;
  const std::uint64_t magnitude = negative ? 0 - static_cast<std::uint64_t>(raw) : static_cast<std::uint64_t>(raw);
  std::string out = (negative ? "-" : "") + std::to_string(magnitude / kFixedScale);
  std::uint64_t fraction = magnitude % kFixedScale;
  if (fraction != 0) {
    std::string tail = std::to_string(fraction);
    tail.insert(0, 8 - tail.size(), '0');
    while (tail.back() == '0') tail.pop_back();
    out += "." + tail;
  }
  return out;
}

Money Leverage::margin_for(Money notional) const {
  QT_CHECK(value >= 1, "leverage below 1");
  return Money::from_raw(mul_div(notional.raw(), 1, value, Rounding::Up));
}

}  // namespace qtrader::domain
