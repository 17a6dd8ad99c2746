#include "training/evaluate/pool.hpp"

#include <algorithm>
#include <cmath>

#include "training/lightgbm.hpp"

namespace qtrader::training {
namespace {

using features::kFeatureCount;

PooledRow pooled(const Dataset& dataset, std::size_t i, const CostModel& costs) {
  const Row& row = dataset.rows[i];
  const std::span<const double> x = std::span(dataset.x).subspan(i * kFeatureCount, kFeatureCount);
  PooledRow out;
  out.bar_close = row.bar_close;
  out.symbol = row.symbol;
  out.label = dataset.labels[i];
  out.regime = row.regime;
  out.high_volatility = high_volatility(x);
  out.log_return = row.label.log_return;
  out.cost_frac = costs.round_trip_frac(x[static_cast<std::size_t>(features::Feature::AtrPct)]);
  return out;
}

/// The path that a block of a fold lies on.
std::uint32_t path_of(const std::vector<std::vector<std::size_t>>& paths, std::size_t fold, std::int32_t block) {
  for (std::size_t p = 0; p < paths.size(); ++p)
    if (paths[p][static_cast<std::size_t>(block)] == fold) return static_cast<std::uint32_t>(p);
  QT_CHECK(false, "every tested block is on a path");
}

void number_days(Pool& pool) {
  for (const PooledRow& row : pool.rows) pool.days.push_back(base::day_start(row.bar_close));
  std::ranges::sort(pool.days);
  pool.days.erase(std::ranges::unique(pool.days).begin(), pool.days.end());
  for (PooledRow& row : pool.rows)
    row.day = static_cast<std::uint32_t>(std::ranges::lower_bound(pool.days, base::day_start(row.bar_close)) -
                                         pool.days.begin());
}

PooledForecaster& entry(Pool& pool, const std::string& name) {
  for (PooledForecaster& f : pool.forecasters)
    if (f.name == name) return f;
  pool.forecasters.push_back({name, {}, {}, {}});
  return pool.forecasters.back();
}

/// Fills up to `rows` with nothing: for what a forecaster did not say in a fold.
void pad(PooledForecaster& f, std::size_t rows) {
  const Verdict silent{.action = domain::Action::Hold, .reason = domain::HoldReason::NoActiveModel};
  f.forecasts.resize(rows);
  f.gated.resize(rows, silent);
  f.expected_value.resize(rows, silent);
}

}  // namespace

const PooledForecaster* Pool::find(std::string_view name) const {
  const auto it = std::ranges::find(forecasters, name, &PooledForecaster::name);
  return it == forecasters.end() ? nullptr : &*it;
}

Pool pool_folds(const Dataset& dataset, std::span<const CrossFold> folds, std::span<const FoldForecasts> forecasts,
                const CostModel& costs) {
  QT_CHECK(folds.size() == forecasts.size(), "forecasts of every fold");
  Pool out;
  const auto paths = backtest_paths(folds);
  out.paths = static_cast<std::uint32_t>(paths.size());
  for (std::size_t f = 0; f < folds.size(); ++f) {
    const FoldForecasts& fold = forecasts[f];
    const std::size_t before = out.rows.size();
    for (std::size_t i = 0; i < fold.rows.size(); ++i) {
      out.rows.push_back(pooled(dataset, fold.rows[i], costs));
      out.rows.back().path = path_of(paths, f, fold.blocks[i]);
    }
    for (const ForecasterOnTest& said : fold.forecasters) {
      PooledForecaster& into = entry(out, said.name);
      pad(into, before);
      into.forecasts.insert(into.forecasts.end(), said.forecasts.begin(), said.forecasts.end());
      into.gated.insert(into.gated.end(), said.gated.begin(), said.gated.end());
      into.expected_value.insert(into.expected_value.end(), said.expected_value.begin(), said.expected_value.end());
    }
  }
  for (PooledForecaster& f : out.forecasters) pad(f, out.rows.size());
  number_days(out);
  return out;
}

}  // namespace qtrader::training
