// Which of two forecasts is better: Diebold & Mariano's test of equal expected loss.
//
// Used wherever a candidate model is measured against a champion on the same rows in the same order of time. Rows of
// several symbols at one moment are not independent: average their losses per moment first, or use the cluster
// bootstrap.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace qtrader::statistics {

struct ForecastComparison {
  double mean_difference = 0;  // of loss a − loss b, in units of the loss: negative if a is better
  double statistic = 0;        // the same in standard errors, small-sample corrected
  double p_two_sided = 1;      // of equal expected loss
  double p_a_better = 1;       // one-sided, against "a is not better than b": small if a is better
  std::size_t lags = 0;        // of the variance
};

/// Diebold & Mariano (1995), J. Business & Economic Statistics 13(3), with the Bartlett-kernel variance of Newey & West
/// (1987) and the correction of Harvey, Leybourne & Newbold (1997), Int. J. Forecasting 13(2): t with n − 1 degrees of
/// freedom. `horizon` ≥ 1 is that of the forecasts, in observations; losses of forecasts over h observations overlap
/// and are correlated up to lag h − 1. Lags: the larger of h − 1 and ⌊4·(n/100)^(2/9)⌋. Finite losses, equally many of
/// each. Empty unless n > 2·horizon, n ≥ 8 and the losses differ with some variance.
std::optional<ForecastComparison> diebold_mariano(std::span<const double> loss_a, std::span<const double> loss_b,
                                                  std::size_t horizon);

/// Variance of the mean of a series by Newey & West (1987) with Bartlett weights 1 − k/(lags + 1). n ≥ 2, lags < n.
double newey_west_variance_of_mean(std::span<const double> series, std::size_t lags);

}  // namespace qtrader::statistics
