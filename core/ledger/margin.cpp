#include "core/ledger/margin.hpp"

#include <algorithm>
#include <limits>

namespace qtrader::ledger {
namespace {

__extension__ using Int128 = __int128;

constexpr std::int64_t kScale = domain::kFixedScale;
constexpr std::int64_t kNoPrice = std::numeric_limits<std::int64_t>::max();

/// n / d to the nearest integer, clamped into int64. d > 0.
std::int64_t nearest(Int128 n, Int128 d) {
  Int128 q = n / d;
  const Int128 r = n % d;
  if (r * 2 >= d) ++q;
  if (r * 2 <= -d) --q;
  return static_cast<std::int64_t>(std::clamp<Int128>(q, -kNoPrice, kNoPrice));
}

/// The price at which |quantity| is worth the notional.
std::int64_t price_at(domain::Money notional, std::int64_t magnitude) {
  return nearest(static_cast<Int128>(notional.raw()) * kScale, magnitude);
}

/// The formula with one bracket's numbers, whatever notional results.
std::int64_t solve(const domain::LeverageBracket& bracket, const PositionAtRisk& p) {
  const std::int64_t magnitude = p.quantity.abs().raw();
  const Int128 numerator = static_cast<Int128>(p.collateral.raw()) + bracket.cumulative.raw() - p.cost.raw();
  const std::int64_t slope = bracket.maintenance_ratio.raw() - (p.quantity.is_negative() ? -kScale : kScale);
  const Int128 denominator = static_cast<Int128>(magnitude) * slope;
  const Int128 scaled = numerator * kScale * kScale;  // |numerator| < 2^64.6, so this stays below 2^118
  return denominator < 0 ? nearest(-scaled, -denominator) : nearest(scaled, denominator);
}

/// Falling price, falling notional: the brackets are met from the top.
std::int64_t solve_long(const domain::Instrument& instrument, const PositionAtRisk& p) {
  const std::int64_t magnitude = p.quantity.raw();
  for (std::size_t i = instrument.brackets.size(); i-- > 0;) {
    const auto& bracket = instrument.brackets[i];
    const std::int64_t price = solve(bracket, p);
    if (price < price_at(bracket.notional_floor, magnitude)) continue;
    const bool top = i + 1 == instrument.brackets.size();
    return top ? price : std::min(price, price_at(bracket.notional_cap, magnitude));
  }
  return 0;
}

/// Rising price, rising notional: the brackets are met from the bottom.
std::int64_t solve_short(const domain::Instrument& instrument, const PositionAtRisk& p) {
  const std::int64_t magnitude = -p.quantity.raw();
  for (std::size_t i = 0; i < instrument.brackets.size(); ++i) {
    const auto& bracket = instrument.brackets[i];
    const std::int64_t price = solve(bracket, p);
    const bool top = i + 1 == instrument.brackets.size();
    if (top || price < price_at(bracket.notional_cap, magnitude))
      return std::max(price, price_at(bracket.notional_floor, magnitude));
  }
  return 0;
}

}  // namespace

domain::Money maintenance_margin(const domain::Instrument& instrument, domain::Money notional) {
  const auto& bracket = instrument.bracket_for(notional);
  return notional.abs() * bracket.maintenance_ratio - bracket.cumulative;
}

domain::Price liquidation_price(const domain::Instrument& instrument, const PositionAtRisk& position) {
  if (position.quantity.is_zero()) return {};
  QT_CHECK(!instrument.brackets.empty(), "instrument without leverage brackets");
  const std::int64_t raw =
      position.quantity.is_negative() ? solve_short(instrument, position) : solve_long(instrument, position);
  return raw <= 0 || raw == kNoPrice ? domain::Price() : domain::Price::from_raw(raw);
}

}  // namespace qtrader::ledger
