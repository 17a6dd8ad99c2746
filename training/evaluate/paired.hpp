// Paired: is one forecaster's log-loss really below another's, or only on these rows?
//
// Differences row by row on rows that both predicted, summed by day: rows of a day share the market's moves, so days
// are the observations. The mean difference with its cluster-robust standard error (Liang & Zeger 1986, with the
// factor G/(G − 1)) is compared with Student's t with G − 1 degrees of freedom. What a point estimate cannot say, the
// activation of a model must ask (ai.md 2.1, 4.1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/base/reflect.hpp"
#include "training/dataset.hpp"

namespace qtrader::training {

struct PairedDifference {
  double gain = 0;            // mean log-loss of the reference less that of the candidate; above 0: better
  double standard_error = 0;  // of the gain
  double low = 0, high = 0;   // 95 % interval
  double t = 0;
  double p_better = 1;  // one-sided, of "not better"
  std::int64_t rows = 0, days = 0;
};
QT_DESCRIBE(PairedDifference, gain, standard_error, low, high, t, p_better, rows, days)

/// One row's losses and the day it belongs to.
struct PairedLoss {
  std::int64_t day = 0;  // any number that tells days apart
  double candidate = 0, reference = 0;
};

/// Empty below two days, or if the differences do not vary between days.
std::optional<PairedDifference> paired_difference(std::span<const PairedLoss> losses);

/// The rows of `range` that both predicted; forecasts run parallel to the range. UTC days of the bars' closes.
std::vector<PairedLoss> paired_losses(const Dataset& dataset, IndexRange range, const Forecasts& candidate,
                                      const Forecasts& reference);

/// Whether the candidate's log-loss is below the reference's with one-sided significance `level`. False where that
/// cannot be told.
bool significantly_better(std::span<const PairedLoss> losses, double level = 0.05);

}  // namespace qtrader::training
