#include "training/evaluate/evaluate.hpp"

#include <algorithm>

#include "training/evaluate/measure.hpp"
#include "training/preparation.hpp"

namespace qtrader::training {
namespace {

using base::Errc;

base::Error fail(std::string text) { return {"training", Errc::InvalidArgument, std::move(text)}; }

base::Result<void> validate(const EvaluateOptions& options) {
  QT_TRY_VOID(check(options.models));
  QT_TRY_VOID(check(options.fit));
  if (options.resamples < 100 || options.random_draws < 0)
    return fail("resamples " + std::to_string(options.resamples) + ", random draws " +
                std::to_string(options.random_draws) + ": expected at least 100 and 0");
  QT_TRY(const Labeler labeler, Labeler::create(options.labels, options.universe.primary));
  return {};
}

FoldRecord record_of(const Dataset& dataset, const CrossFold& fold, const FoldForecasts& forecasts) {
  FoldRecord out;
  for (const IndexRange range : fold.train) out.train.push_back(part_of(dataset, range));
  out.validation = part_of(dataset, fold.validation);
  for (const IndexRange range : fold.test) out.test.push_back(part_of(dataset, range));
  out.fits = forecasts.fits;
  std::vector<LabelClass> labels;
  for (const std::uint32_t row : forecasts.rows) labels.push_back(dataset.labels[row]);
  for (const ForecasterOnTest& f : forecasts.forecasters) {
    const Judged rows = judged(labels, f.forecasts);
    if (!rows.p.empty()) out.test_log_loss[f.name] = log_loss(rows.labels, rows.p);
  }
  out.isotonic = forecasts.isotonic;
  out.neutral_features = forecasts.neutral_features;
  out.unable = forecasts.unable;
  return out;
}

/// The groups' members among the symbols there are, and who is left.
std::vector<SymbolGroup> present_groups(const std::vector<std::string>& symbols) {
  std::vector<SymbolGroup> out;
  std::vector<std::string> rest = symbols;
  for (const SymbolGroup& group : symbol_groups()) {
    SymbolGroup present{group.name, {}};
    for (const std::string& symbol : group.symbols)
      if (std::erase(rest, symbol) > 0) present.symbols.push_back(symbol);
    if (!present.symbols.empty()) out.push_back(std::move(present));
  }
  if (!rest.empty()) out.push_back({"others", std::move(rest)});
  return out;
}

/// Stages of the folds' own work, told apart by the fold they belong to.
Progress in_fold(const Progress& progress, std::size_t fold, std::size_t folds) {
  if (!progress) return {};
  return [&progress, prefix = "fold " + std::to_string(fold + 1) + "/" + std::to_string(folds) + " "](
             std::string_view stage, std::uint64_t done, std::uint64_t total) {
    return progress(prefix + std::string(stage), done, total);
  };
}

}  // namespace

base::Result<EvaluationResult> evaluate_dataset(const Dataset& dataset, const std::vector<std::string>& symbols,
                                                const EvaluateOptions& options, const Progress& progress) {
  QT_TRY_VOID(validate(options));
  CrossSpec cross = options.folds;
  cross.horizon_bars = options.labels.horizon_bars;
  cross.timeframe = options.universe.primary;
  QT_TRY(const std::vector<CrossFold> folds, cross_folds(dataset.times(), cross));
  const FoldOptions fold_options{.kinds = options.models,
                                 .fit = options.fit,
                                 .labels = options.labels,
                                 .decision = {options.ensemble, options.costs, options.universe.primary},
                                 .seed = options.seed,
                                 .steady_seconds = options.steady_seconds};
  EvaluationResult out;
  std::vector<FoldForecasts> forecasts;
  for (std::size_t f = 0; f < folds.size(); ++f) {
    QT_TRY(auto fold, forecast_fold(dataset, folds[f], fold_options, in_fold(progress, f, folds.size())));
    out.folds.push_back(record_of(dataset, folds[f], fold));
    forecasts.push_back(std::move(fold));
  }
  const Pool pool = pool_folds(dataset, folds, forecasts, options.costs);
  const MeasureSpec measure_spec{.portfolio = {.horizon_bars = options.labels.horizon_bars,
                                               .random_draws = options.random_draws,
                                               .resample = {options.resamples, options.seed}},
                                 .symbols = symbols,
                                 .progress = progress};
  QT_TRY(out.forecasters, measure(pool, measure_spec));
  out.buy_and_hold = buy_and_hold(pool, measure_spec.portfolio);
  out.selection = select_best(pool, options.labels.horizon_bars, options.seed);
  out.code_version = options.code_version;
  out.symbols = symbols;
  out.timeframe = options.universe.primary;
  out.labels = options.labels;
  out.scheme = cross.scheme;
  out.embargo_bars = cross.embargo_bars;
  out.seed = options.seed;
  out.costs = options.costs;
  out.ensemble = options.ensemble;
  out.groups = present_groups(symbols);
  out.dataset = dataset.stats;
  out.test_rows = static_cast<std::int64_t>(pool.rows.size());
  for (const base::Timestamp day : pool.days) out.test_days.push_back(base::format_date(day));
  out.paths = pool.paths;
  for (const PooledRow& row : pool.rows) ++out.class_counts[static_cast<std::size_t>(row.label)];
  out.verdict = verdict_of(out);
  return out;
}

base::Result<EvaluationResult> evaluate(const EvaluateOptions& options, const Progress& progress) {
  const auto seconds = [&] { return options.steady_seconds ? options.steady_seconds() : 0; };
  const double start = seconds();
  QT_TRY_VOID(validate(options));
  QT_TRY(const history::Catalog catalog, history::Catalog::scan(options.data));
  QT_TRY(const Universe universe, choose_universe(catalog, options.universe));
  QT_TRY(const Dataset dataset,
         load_dataset(catalog, universe, {options.universe.primary, options.universe.warmup_bars, options.labels},
                      progress));
  if (dataset.size() == 0)
    return fail("too few rows: none of " + std::to_string(dataset.stats.primary_bars) + " bars; the first " +
                std::to_string(options.universe.warmup_bars) + " bars of a symbol only warm up its features");
  QT_TRY(EvaluationResult out, evaluate_dataset(dataset, universe.symbols, options, progress));
  QT_TRY(out.data_hash, catalog.content_hash(universe.symbols, universe.base, universe.bars));
  out.base_timeframe = universe.base;
  out.synthetic = catalog.synthetic();
  out.seconds = seconds() - start;
  return out;
}

}  // namespace qtrader::training
