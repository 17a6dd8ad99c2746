// Pool: the test rows of all folds side by side, with everybody's forecasts, verdicts, outcomes and costs.
//
// What the measurements of an evaluation read (skill.hpp, trading.hpp). Days are the clusters of every interval: the
// symbols and bars of a day move together, so a day is one piece of evidence. Under Cpcv a row is there once for each
// path it lies on. Never knows how a forecast came about.
#pragma once

#include <string>
#include <vector>

#include "training/evaluate/fold_forecasts.hpp"

namespace qtrader::training {

struct PooledRow {
  base::Timestamp bar_close;
  std::uint32_t day = 0;   // index into Pool::days
  std::uint32_t path = 0;  // see backtest_paths
  domain::SymbolId symbol;
  LabelClass label = LabelClass::Hold;
  domain::Regime regime = domain::Regime::Unknown;
  bool high_volatility = false;  // rv_ratio above LightGBM's threshold
  double log_return = 0;         // of the label's horizon
  double cost_frac = 0;          // of a round trip
};

struct PooledForecaster {
  std::string name;
  Forecasts forecasts;                         // one or none for each row
  std::vector<Verdict> gated, expected_value;  // one for each row; Hold where there is no forecast
};

struct Pool {
  std::vector<PooledRow> rows;
  std::vector<PooledForecaster> forecasters;  // in the order of the folds' own, prior first
  std::vector<base::Timestamp> days;          // midnights, rising
  std::uint32_t paths = 1;

  const PooledForecaster* find(std::string_view name) const;
};

/// `forecasts` of each of `folds`, same order.
Pool pool_folds(const Dataset& dataset, std::span<const CrossFold> folds, std::span<const FoldForecasts> forecasts,
                const CostModel& costs);

}  // namespace qtrader::training
