#include "edge/matching/margin.hpp"

#include <algorithm>

namespace qtrader::matching {

using domain::Money;
using domain::Price;
using domain::Quantity;
using domain::Ratio;
using domain::Rounding;

namespace {

constexpr double kUnreachablePrice = 9e10;  // beyond the range of Price
constexpr std::int64_t kNotionalBound = 5'000'000'000;

/// What one row adds to the equation margin + q·p − C = |q|·p·rate − cumulative, moved to one side.
struct Terms {
  Ratio rate;
  Money cumulative;
};

std::optional<Price> solve(const std::array<Exposure, 2>& rows, Money margin, const std::array<Terms, 2>& terms) {
  Money numerator = margin;
  Quantity denominator;
  for (std::size_t i = 0; i < 2; ++i) {
    numerator += terms[i].cumulative - rows[i].cost;
    denominator += rows[i].quantity.abs() * terms[i].rate - rows[i].quantity;
  }
  if (denominator.is_zero() || numerator.is_zero() || numerator.is_positive() != denominator.is_positive())
    return std::nullopt;
  if (numerator.to_double() / denominator.to_double() > kUnreachablePrice) return std::nullopt;
  // Toward the position: a net long is liquidated rather earlier than later, a net short too.
  return domain::divide(numerator, denominator, denominator.is_negative() ? Rounding::Up : Rounding::Down);
}

Terms terms_at(const domain::Instrument& instrument, const Exposure& row, Price price) {
  if (row.quantity.is_zero()) return {};
  const auto notional = bounded_notional(price, row.quantity.abs());
  const domain::LeverageBracket& b = notional ? instrument.bracket_for(*notional) : instrument.brackets.back();
  return {b.maintenance_ratio, b.cumulative};
}

std::optional<Price> single(const domain::Instrument& instrument, const Exposure& row, Money margin) {
  // Brackets are continuous at their floors, so maintenance is the largest over all of them, and the price that is met
  // first is the answer: no iteration needed.
  const bool is_long = row.quantity.is_positive();
  std::optional<Price> nearest;
  for (const auto& b : instrument.brackets) {
    const auto p = solve({row, Exposure{}}, margin, {Terms{b.maintenance_ratio, b.cumulative}, Terms{}});
    if (!p) continue;
    nearest = !nearest ? *p : is_long ? std::max(*nearest, *p) : std::min(*nearest, *p);
  }
  return nearest;
}

}  // namespace

Money maintenance_margin(const domain::Instrument& instrument, Money notional) {
  const domain::LeverageBracket& b = instrument.bracket_for(notional);
  return domain::multiply(notional.abs(), b.maintenance_ratio, Rounding::Up) - b.cumulative;
}

std::optional<Price> liquidation_price(const domain::Instrument& instrument, std::array<Exposure, 2> rows,
                                       Money margin) {
  const bool first = !rows[0].quantity.is_zero(), second = !rows[1].quantity.is_zero();
  if (!first && !second) return std::nullopt;
  if (!first || !second) return single(instrument, first ? rows[0] : rows[1], margin);
  // Both sides of hedge mode share one price: the formula with the brackets of the last answer, until they agree.
  const auto& b = instrument.brackets.front();
  std::array<Terms, 2> terms{Terms{b.maintenance_ratio, b.cumulative}, Terms{b.maintenance_ratio, b.cumulative}};
  std::optional<Price> price;
  for (int round = 0; round < 32; ++round) {
    const auto next = solve(rows, margin, terms);
    if (!next || next == price) return next;
    price = next;
    terms = {terms_at(instrument, rows[0], *price), terms_at(instrument, rows[1], *price)};
  }
  return price;
}

std::optional<Price> bankruptcy_price(std::array<Exposure, 2> rows, Money margin) { return solve(rows, margin, {}); }

Money max_notional(const domain::Instrument& instrument, domain::Leverage leverage) {
  Money cap;
  for (const auto& b : instrument.brackets)
    if (b.max_leverage >= leverage.value) cap = b.notional_cap;
  return cap;
}

std::int32_t max_leverage(const domain::Instrument& instrument) {
  std::int32_t most = 1;
  for (const auto& b : instrument.brackets) most = std::max(most, b.max_leverage);
  return most;
}

std::optional<Money> bounded_notional(Price price, Quantity quantity) {
  __extension__ using Int128 = __int128;
  const Int128 raw = static_cast<Int128>(price.raw()) * quantity.raw() / domain::kFixedScale;
  const Int128 bound = static_cast<Int128>(kNotionalBound) * domain::kFixedScale;
  if (raw > bound || raw < -bound) return std::nullopt;
  return price * quantity;
}

}  // namespace qtrader::matching
