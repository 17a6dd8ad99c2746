// Trial returns: a run's daily net returns as a trial of the ledger holds them, with their moments.
//
// Used by whoever records trials: backtests (edge/report) and evaluations (training/evaluate). Judges nothing.
#pragma once

#include <vector>

#include "core/base/time.hpp"
#include "edge/store/trial_ledger.hpp"

namespace qtrader::store {

struct DailyReturn {
  base::Timestamp day;  // its midnight, UTC
  double value = 0;     // fraction of the equity it began with
};

/// Fills in days, first_day, return_ppb and the moments. Returns in the order of time, at most one a day; |value| < 1e9
/// (QT_CHECK). Days between them without one stay empty.
void put_returns(Trial& trial, const std::vector<DailyReturn>& returns);

}  // namespace qtrader::store
