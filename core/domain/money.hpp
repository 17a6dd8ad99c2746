// Price, Quantity, Money and Ratio: distinct fixed-point numbers, int64 at 1e-8.
//
// Only dimensional operators exist:
//     Price × Quantity → Money      Money ÷ Quantity → Price       Money × Ratio → Money
//     Money ÷ Price → Quantity      Money ÷ Money → Ratio          Price × Ratio → Price
// Products use 128-bit intermediates. Every inexact operation names its rounding; `*` and `/` round half to even.
// Overflow is a failed QT_CHECK: a wrong amount is worse than a stopped process. Range ±92 233 720 368.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace qtrader::domain {

inline constexpr std::int64_t kFixedScale = 100'000'000;

enum class Rounding : std::uint8_t { HalfEven, Down, Up };  // Down is toward zero, Up away from it

/// a·b/c with a 128-bit intermediate. Aborts on overflow or c = 0.
std::int64_t mul_div(std::int64_t a, std::int64_t b, std::int64_t c, Rounding rounding);
/// Nearest fixed-point value. Aborts on NaN, infinity or overflow. The only door from floats to money.
std::int64_t fixed_from_double(double value, Rounding rounding);
/// Plain decimal such as "-12.5" or "1e-7". More than 8 decimals round half to even. Errors: InvalidArgument.
base::Result<std::int64_t> parse_fixed(std::string_view text);
/// Shortest decimal without trailing zeros: "12.5", "-3", "0".
std::string format_fixed(std::int64_t raw);
/// Aborting a ± b.
std::int64_t checked_add(std::int64_t a, std::int64_t b);
std::int64_t checked_sub(std::int64_t a, std::int64_t b);

template <class Tag>
class Fixed {
 public:
  constexpr Fixed() = default;
  static constexpr Fixed from_raw(std::int64_t raw) {
    Fixed f;
    f.raw_ = raw;
    return f;
  }
  static Fixed from_double(double value, Rounding rounding = Rounding::HalfEven) {
    return from_raw(fixed_from_double(value, rounding));
  }
  static constexpr Fixed from_int(std::int64_t units) { return from_raw(units * kFixedScale); }
  static base::Result<Fixed> parse(std::string_view text) {
    QT_TRY(const std::int64_t raw, parse_fixed(text));
    return from_raw(raw);
  }

  constexpr std::int64_t raw() const { return raw_; }
  constexpr double to_double() const { return static_cast<double>(raw_) / static_cast<double>(kFixedScale); }
  std::string to_string() const { return format_fixed(raw_); }

  constexpr auto operator<=>(const Fixed&) const = default;
  Fixed operator+(Fixed o) const { return from_raw(checked_add(raw_, o.raw_)); }
  Fixed operator-(Fixed o) const { return from_raw(checked_sub(raw_, o.raw_)); }
  constexpr Fixed operator-() const { return from_raw(-raw_); }
  Fixed& operator+=(Fixed o) { return *this = *this + o; }
  Fixed& operator-=(Fixed o) { return *this = *this - o; }
  constexpr Fixed abs() const { return raw_ < 0 ? -*this : *this; }
  constexpr bool is_zero() const { return raw_ == 0; }
  constexpr bool is_positive() const { return raw_ > 0; }
  constexpr bool is_negative() const { return raw_ < 0; }

  template <class Archive>
  void archive(Archive& a) {
    a(raw_);
  }

 private:
  std::int64_t raw_ = 0;
};

using Price = Fixed<struct PriceTag>;        // quote currency per unit of base asset
using Quantity = Fixed<struct QuantityTag>;  // base asset; signed where a position is meant
using Money = Fixed<struct MoneyTag>;        // quote currency (USDT)
using Ratio = Fixed<struct RatioTag>;        // dimensionless fraction: 0.05 is 5 %

inline Money multiply(Price p, Quantity q, Rounding r) {
  return Money::from_raw(mul_div(p.raw(), q.raw(), kFixedScale, r));
}
inline Money multiply(Money m, Ratio f, Rounding r) {
  return Money::from_raw(mul_div(m.raw(), f.raw(), kFixedScale, r));
}
inline Quantity divide(Money m, Price p, Rounding r) {
  return Quantity::from_raw(mul_div(m.raw(), kFixedScale, p.raw(), r));
}
inline Price divide(Money m, Quantity q, Rounding r) {
  return Price::from_raw(mul_div(m.raw(), kFixedScale, q.raw(), r));
}
inline Money operator*(Price p, Quantity q) { return multiply(p, q, Rounding::HalfEven); }
inline Money operator*(Money m, Ratio f) { return multiply(m, f, Rounding::HalfEven); }
inline Price operator*(Price p, Ratio f) {
  return Price::from_raw(mul_div(p.raw(), f.raw(), kFixedScale, Rounding::HalfEven));
}
inline Quantity operator*(Quantity q, Ratio f) {
  return Quantity::from_raw(mul_div(q.raw(), f.raw(), kFixedScale, Rounding::HalfEven));
}
inline Price operator/(Money m, Quantity q) { return divide(m, q, Rounding::HalfEven); }
inline Quantity operator/(Money m, Price p) { return divide(m, p, Rounding::HalfEven); }
inline Ratio operator/(Money a, Money b) {
  return Ratio::from_raw(mul_div(a.raw(), kFixedScale, b.raw(), Rounding::HalfEven));
}
inline Ratio operator/(Price a, Price b) {
  return Ratio::from_raw(mul_div(a.raw(), kFixedScale, b.raw(), Rounding::HalfEven));
}

/// Hundredths of a percent.
struct Bps {
  double value = 0;
  constexpr double fraction() const { return value / 1e4; }
  Ratio ratio() const { return Ratio::from_double(value / 1e4); }
  constexpr auto operator<=>(const Bps&) const = default;
  template <class Archive>
  void archive(Archive& a) {
    a(value);
  }
};

/// Notional = margin × leverage. 1..125 at the venue.
struct Leverage {
  std::int32_t value = 1;
  constexpr auto operator<=>(const Leverage&) const = default;
  Money margin_for(Money notional) const;  // rounded up
  template <class Archive>
  void archive(Archive& a) {
    a(value);
  }
};

}  // namespace qtrader::domain
