// Margin arithmetic of one contract: maintenance margin by leverage bracket and the liquidation price, as Binance USD-M
// publishes them (binance-usdm.md 15).
//
// Pure functions of an instrument and a position. The ledger uses them for what is open, the gate and the sizing for
// what would be open. Never keeps state.
#pragma once

#include "core/domain/instrument.hpp"

namespace qtrader::ledger {

/// a · b / 1e8 rounded half to even, the same bits as domain::mul_div, without its 128-bit division: the ledger does
/// this for every mark. Overflow is a failed check there as here.
inline std::int64_t mul_scaled(std::int64_t a, std::int64_t b) {
  constexpr std::int64_t kScale = domain::kFixedScale;
  // An estimate by floating point is off by a few thousand units at most; the exact remainder, which then fits 64 bits,
  // corrects it. The result is exact, so it does not depend on how the estimate was rounded.
  const double estimate = static_cast<double>(a) * static_cast<double>(b) * (1.0 / static_cast<double>(kScale));
  if (!(estimate < 9.0e18 && estimate > -9.0e18)) [[unlikely]]
    return domain::mul_div(a, b, kScale, domain::Rounding::HalfEven);
  std::int64_t q = static_cast<std::int64_t>(estimate);
  std::int64_t r = static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b) -
                                             static_cast<std::uint64_t>(q) * static_cast<std::uint64_t>(kScale));
  q += r / kScale;
  r %= kScale;
  const std::int64_t twice = 2 * (r < 0 ? -r : r);
  if (twice > kScale || (twice == kScale && q % 2 != 0)) q += r < 0 ? -1 : 1;
  return q;
}

/// price · quantity rounded half to even.
inline domain::Money value_of(domain::Price price, domain::Quantity quantity) {
  return domain::Money::from_raw(mul_scaled(price.raw(), quantity.raw()));
}

/// |notional| · maintenance ratio − cumulative, by the bracket of that notional.
domain::Money maintenance_margin(const domain::Instrument& instrument, domain::Money notional);

/// A position and what stands behind it when it is to be liquidated.
struct PositionAtRisk {
  domain::Quantity quantity;  // signed: negative is short
  domain::Money cost;         // signed cost basis, Σ price · signed quantity
  /// Isolated: the position's own margin. Cross: cross wallet − maintenance margin + unrealised PnL of all other cross
  /// positions (WB − TMM + UPNL in the formula).
  domain::Money collateral;
};

/// The mark price at which collateral + unrealised PnL equals the maintenance margin:
///     LP = (collateral + cum − cost) / (|q| · MMR − q)
/// with MMR and cum of the bracket that the notional at LP falls in. Among prices on the losing side it is the first
/// one met. 0 if the position is flat or no price above zero (or below the range of Price) liquidates it.
domain::Price liquidation_price(const domain::Instrument& instrument, const PositionAtRisk& position);

}  // namespace qtrader::ledger
