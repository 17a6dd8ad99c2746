// Margin arithmetic of one contract: maintenance margin by leverage bracket and the liquidation price, as Binance USD-M
// publishes them (binance-usdm.md 15).
//
// Pure functions of an instrument and a position. The ledger uses them for what is open, the gate and the sizing for
// what would be open. Never keeps state.
#pragma once

#include "core/domain/instrument.hpp"

namespace qtrader::ledger {

/// price · quantity rounded half to even, the same bits as domain::multiply, without its 128-bit division: the ledger
/// does this for every mark. Overflow is a failed check there as here.
domain::Money value_of(domain::Price price, domain::Quantity quantity);

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
