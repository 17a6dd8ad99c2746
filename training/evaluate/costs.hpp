// Costs: what a round trip costs a taker, by the model of ai.md 6.4.
#pragma once

#include "core/base/reflect.hpp"

namespace qtrader::training {

/// Taker on both sides: an evaluation knows no queue, so it claims no maker fill. Funding is not in it: a position of
/// H bars pays or receives it at most once, either way.
struct CostModel {
  double taker_fee_frac = 0.0004;    // per side
  double slippage_bps = 2;           // per side, before the volatility term
  double slippage_bps_per_atr = 50;  // per side, × ATR/price

  /// Both sides, fraction of notional.
  double round_trip_frac(double atr_frac) const {
    return 2 * (taker_fee_frac + (slippage_bps + slippage_bps_per_atr * atr_frac) / 1e4);
  }
};
QT_DESCRIBE(CostModel, taker_fee_frac, slippage_bps, slippage_bps_per_atr)

}  // namespace qtrader::training
