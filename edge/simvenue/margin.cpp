#include "edge/simvenue/margin.hpp"

#include <algorithm>

namespace qtrader::simvenue {

using domain::Money;
using domain::Price;
using domain::Ratio;
using domain::Rounding;

namespace {

constexpr double kUnreachablePrice = 9e10;  // beyond the range of Price

/// Solves margin + q·p − cost = |q|·p·rate − cumulative for p.
std::optional<Price> solve(const MarginedPosition& position, Ratio rate, Money cumulative) {
  const bool is_long = position.quantity.is_positive();
  const domain::Quantity size = position.quantity.abs();
  const domain::Quantity part = size * rate;
  const domain::Quantity denominator = is_long ? size - part : size + part;
  const Money numerator =
      is_long ? position.cost - position.margin - cumulative : position.margin + cumulative - position.cost;
  if (!numerator.is_positive()) return is_long ? std::nullopt : std::optional(Price{});
  if (!denominator.is_positive() || numerator.to_double() / denominator.to_double() > kUnreachablePrice)
    return std::nullopt;
  return domain::divide(numerator, denominator, is_long ? Rounding::Up : Rounding::Down);
}

}  // namespace

Money maintenance_margin(const domain::Instrument& instrument, Money notional) {
  const domain::LeverageBracket& b = instrument.bracket_for(notional);
  return domain::multiply(notional.abs(), b.maintenance_ratio, Rounding::Up) - b.cumulative;
}

std::optional<Price> liquidation_price(const domain::Instrument& instrument, const MarginedPosition& position) {
  if (position.quantity.is_zero()) return std::nullopt;
  const bool is_long = position.quantity.is_positive();
  std::optional<Price> nearest;
  for (const auto& b : instrument.brackets) {
    const std::optional<Price> p = solve(position, b.maintenance_ratio, b.cumulative);
    if (!p) continue;
    nearest = !nearest ? *p : is_long ? std::max(*nearest, *p) : std::min(*nearest, *p);
  }
  return nearest;
}

std::optional<Price> bankruptcy_price(const MarginedPosition& position) {
  if (position.quantity.is_zero()) return std::nullopt;
  return solve(position, Ratio{}, Money{});
}

Money max_notional(const domain::Instrument& instrument, domain::Leverage leverage) {
  Money cap;
  for (const auto& b : instrument.brackets)
    if (b.max_leverage >= leverage.value) cap = b.notional_cap;
  return cap;
}

}  // namespace qtrader::simvenue
