// Isotonic calibration of the ensemble's side, as ai.md 4.6 bounds it.
//
// p_dir = p_side / (p_BUY + p_SELL) of the larger of the two. The map from claimed to observed is the isotonic fit
// blended with the identity by n/(n + 500) and clipped to [0.05, 0.90]; with less than 300 rows there is none. It moves
// probability between BUY and SELL and leaves HOLD alone.
#pragma once

#include <optional>

#include "core/statistics/isotonic.hpp"
#include "training/metrics.hpp"

namespace qtrader::training {

class SideCalibration {
 public:
  /// From the last 2 000 rows, in the order of time, that have a forecast with a side and a label that is not HOLD.
  static SideCalibration fit(std::span<const LabelClass> labels, const Forecasts& forecasts);

  /// The calibrated p_dir of a claimed one.
  double at(double p_dir) const;
  Probabilities apply(const Probabilities& p) const;
  std::int64_t rows() const { return rows_; }

 private:
  std::optional<statistics::IsotonicFit> map_;
  std::int64_t rows_ = 0;
};

/// Share of p_BUY + p_SELL on the larger side; ½ where both are equal.
double side_probability(const Probabilities& p);
/// Whether the larger side is BUY; a tie is not.
bool leans_to_buy(const Probabilities& p);

}  // namespace qtrader::training
