#include "training/train.hpp"

#include <algorithm>

#include "core/base/det_math.hpp"
#include "core/base/hash.hpp"
#include "edge/store/model_registry.hpp"
#include "training/calibration.hpp"
#include "training/evaluation.hpp"
#include "training/fit.hpp"
#include "training/logistic.hpp"
#include "training/novelty_fit.hpp"
#include "training/xgboost.hpp"

namespace qtrader::training {
namespace {

using base::Errc;
using models::ModelKind;

constexpr std::string_view kReferenceSymbol = "BTCUSDT";
constexpr std::size_t kLeastTrainRows = 1000, kLeastOtherRows = 200;
constexpr std::int64_t kLeastClassRows = 50;

base::Error fail(Errc code, std::string text) { return {"training", code, std::move(text)}; }

class Stopwatch {
 public:
  explicit Stopwatch(const TrainOptions& options) : clock_(options.steady_seconds), start_(now()) {}
  double seconds() const { return now() - start_; }

 private:
  double now() const { return clock_ ? clock_() : 0; }
  const std::function<double()>& clock_;
  double start_;
};

/// Everything the models have in common.
struct Workbench {
  Universe universe;
  Dataset dataset;
  Split split;
  std::vector<double> weights;
  models::NoveltyBaseline novelty;  // of the training rows
  Forecasts prior_on_test, logistic_on_test;
  TrainReport report;

  RowBlock train() const { return dataset.block(split.train); }
  RowBlock validation() const { return dataset.block(split.validation); }
  RowBlock test() const { return dataset.block(split.test); }
};

PartRecord part_of(const Dataset& dataset, IndexRange range) {
  return {static_cast<std::int64_t>(range.size()), dataset.rows[range.begin].bar_close,
          dataset.rows[range.end - 1].bar_close};
}

base::Result<Dataset> load_dataset(const history::Catalog& catalog, const Universe& universe,
                                   const TrainOptions& options, const Progress& progress) {
  DatasetSpec spec;
  spec.base = universe.base;
  spec.primary = options.universe.primary;
  spec.warmup_bars = options.universe.warmup_bars;
  spec.rows = universe.rows;
  spec.labels = options.labels;
  std::vector<Lane> lanes;
  for (const std::string& symbol : universe.symbols) {
    if (symbol == kReferenceSymbol) spec.reference = domain::SymbolId{static_cast<std::uint16_t>(lanes.size())};
    Lane lane;
    QT_TRY(lane.bars, catalog.bars(symbol, universe.base, universe.bars));
    QT_TRY(lane.funding, catalog.funding(symbol, universe.bars));
    lanes.push_back(std::move(lane));
  }
  return build_dataset(std::move(lanes), spec, progress);
}

/// What stands in the way of rows, for an error message.
std::string losses(const DatasetStats& stats) {
  std::string out = std::to_string(stats.primary_bars) + " bars read";
  for (const auto& [reason, bars] : stats.invalid) out += ", " + std::to_string(bars) + " " + reason;
  return out + ", " + std::to_string(stats.unlabelled) + " without a label";
}

base::Result<void> require_enough(const Workbench& bench) {
  const auto require = [&](std::string_view part, std::size_t rows, std::size_t least) -> base::Result<void> {
    if (rows >= least) return {};
    return fail(Errc::InvalidArgument, "too few rows: " + std::to_string(rows) + " " + std::string(part) +
                                           " rows, expected at least " + std::to_string(least) + " (" +
                                           losses(bench.dataset.stats) + "); give a longer window or more symbols");
  };
  QT_TRY_VOID(require("training", bench.split.train.size(), kLeastTrainRows));
  QT_TRY_VOID(require("validation", bench.split.validation.size(), kLeastOtherRows));
  QT_TRY_VOID(require("test", bench.split.test.size(), kLeastOtherRows));
  const auto counts = class_counts(bench.train().labels);
  if (std::ranges::min(counts) < kLeastClassRows)
    return fail(Errc::InvalidArgument, "class counts SELL " + std::to_string(counts[0]) + ", HOLD " +
                                           std::to_string(counts[1]) + ", BUY " + std::to_string(counts[2]) +
                                           " in the training rows: expected at least " +
                                           std::to_string(kLeastClassRows) + " of each");
  return {};
}

base::Result<void> prepare(const TrainOptions& options, const Progress& progress, Workbench& bench) {
  const Stopwatch watch(options);
  QT_TRY(const history::Catalog catalog, history::Catalog::scan(options.data));
  QT_TRY(bench.universe, choose_universe(catalog, options.universe));
  QT_TRY_VOID(store::prepare_registry(options.registry));
  QT_TRY(bench.dataset, load_dataset(catalog, bench.universe, options, progress));
  const std::vector<base::Timestamp> times = bench.dataset.times();
  if (times.empty())
    return fail(Errc::InvalidArgument, "too few rows: none (" + losses(bench.dataset.stats) + "); the first " +
                                           std::to_string(options.universe.warmup_bars) +
                                           " bars of a symbol only warm up its features");
  QT_TRY(bench.split, split_by_time(times, {.horizon_bars = options.labels.horizon_bars,
                                            .embargo_bars = options.embargo_bars,
                                            .timeframe = options.universe.primary}));
  QT_TRY_VOID(require_enough(bench));
  TrainReport& r = bench.report;
  r.neutral_features = hold_uncovered_neutral(bench.dataset, bench.split.train);
  bench.weights = sample_weights(bench.dataset, bench.split.train);
  QT_TRY(bench.novelty, fit_novelty(bench.train().x));
  r.symbols = bench.universe.symbols;
  r.timeframe = options.universe.primary;
  r.base_timeframe = bench.universe.base;
  QT_TRY(r.data_hash, catalog.content_hash(r.symbols, r.base_timeframe, bench.universe.bars));
  r.synthetic = catalog.synthetic();
  r.train = part_of(bench.dataset, bench.split.train);
  r.validation = part_of(bench.dataset, bench.split.validation);
  r.test = part_of(bench.dataset, bench.split.test);
  r.class_counts = class_counts(bench.train().labels);
  r.dataset = bench.dataset.stats;
  r.dataset_seconds = watch.seconds();
  return {};
}

FitInput fit_input(const Workbench& bench, const TrainOptions& options, const Progress& progress) {
  FitInput out{.train = bench.train(),
               .weights = bench.weights,
               .validation = bench.validation(),
               .seed = options.seed,
               .progress = progress,
               .dataset = &bench.dataset,
               .train_rows = bench.split.train,
               .validation_rows = bench.split.validation,
               .scratch = options.scratch,
               .unix_seconds = options.unix_seconds};
  const auto weights = class_weights(bench.dataset, bench.split.train);
  for (std::size_t c = 0; c < kClassCount; ++c) out.class_offset[c] = base::det::log(weights[c]);
  return out;
}

double temperature_of(std::span<const LabelClass> labels, const Forecasts& forecasts) {
  const Judged rows = judged(labels, forecasts);
  return fit_temperature(rows.labels, rows.p);
}

Score score_present(std::span<const LabelClass> labels, const Forecasts& forecasts) {
  const Judged rows = judged(labels, forecasts);
  return score(rows.labels, rows.p);
}

base::Result<void> score_baselines(const TrainOptions& options, const Progress& progress, Workbench& bench) {
  const Stopwatch watch(options);
  const Probabilities prior = class_prior(bench.train().labels);
  TrainReport& r = bench.report;
  r.prior_validation = score(bench.validation().labels, std::vector(bench.validation().rows(), prior));
  bench.prior_on_test = Forecasts(bench.test().rows(), prior);
  r.prior_test = score_present(bench.test().labels, bench.prior_on_test);
  QT_TRY(const auto logistic, LogisticRegression::fit(fit_input(bench, options, progress)));
  const Forecasts on_validation = all_present(logistic.predict_rows(bench.validation()));
  const double temperature = temperature_of(bench.validation().labels, on_validation);
  r.logistic_validation = score_present(bench.validation().labels, calibrated(on_validation, temperature));
  bench.logistic_on_test = calibrated(all_present(logistic.predict_rows(bench.test())), temperature);
  r.logistic_test = score_present(bench.test().labels, bench.logistic_on_test);
  r.logistic_seconds = watch.seconds();
  return {};
}

models::ModelCard card_of(const FittedModel& fitted, const TrainOptions& options, const Workbench& bench) {
  models::ModelCard card;
  card.type = fitted.kind;
  card.schema_id = features::schema_id(options.universe.primary);
  card.timeframe = options.universe.primary;
  card.label_spec = options.labels;
  card.data_range = {bench.report.train.first, bench.report.train.last};
  card.symbols = bench.report.symbols;
  card.n_rows = bench.report.train.rows;
  card.class_counts = bench.report.class_counts;
  card.synthetic = bench.report.synthetic;
  card.code_version = options.code_version;
  card.seed = options.seed;
  card.hyper_parameters = fitted.hyper_parameters;
  card.temperature = temperature_of(bench.validation().labels, fitted.validation);
  card.class_mean_abs_r = class_mean_abs_return(bench.dataset, bench.split.train);
  card.novelty = bench.novelty;
  card.sha256 = base::sha256_hex(fitted.weights);
  card.trained_at = options.trained_at;
  return card;
}

std::string library_of(ModelKind kind) {
  if (kind == ModelKind::XGBoost) return "XGBoost " + std::string(xgboost_version());
  return std::string(kind == ModelKind::LightGBM ? "LightGBM" : torch_version());
}

TrainingRecord record_of(const FittedModel& fitted, const TrainOptions& options, const Workbench& bench) {
  const TrainReport& r = bench.report;
  TrainingRecord out;
  out.library = library_of(fitted.kind);
  out.data_hash = r.data_hash;
  out.base_timeframe = r.base_timeframe;
  out.warmup_bars = options.universe.warmup_bars;
  if (std::ranges::binary_search(r.symbols, kReferenceSymbol)) out.reference_symbol = kReferenceSymbol;
  out.embargo_bars = options.embargo_bars;
  out.train = r.train;
  out.validation = r.validation;
  out.test = r.test;
  out.neutral_features = r.neutral_features;
  out.dataset = r.dataset;
  out.importance = fitted.importance;
  return out;
}

/// Scores the artefact through serving; refuses one that serving does not reproduce.
base::Result<void> evaluate(const FittedModel& fitted, const Workbench& bench, models::ModelCard& card,
                            ModelReport& report) {
  QT_TRY(const auto served, serve(fitted, models::traits_of(card), bench.dataset, bench.split.test));
  QT_TRY(const auto expected, library_predict(fitted, bench.dataset, bench.split.test));
  const double difference = largest_difference(served, calibrated(expected, card.temperature));
  if (!(difference <= kParityTolerance))
    return fail(Errc::SchemaMismatch, report.model + ": serving differs from the library by up to " +
                                          std::to_string(difference) + " in a probability, expected at most 1e-5");
  report.test = score_present(bench.test().labels, served);
  report.validation = score_present(bench.validation().labels, calibrated(fitted.validation, card.temperature));
  const auto against = [&](const Forecasts& baseline) {
    return paired_difference(paired_losses(bench.dataset, bench.split.test, served, baseline));
  };
  report.against_prior = against(bench.prior_on_test);
  report.against_logistic = against(bench.logistic_on_test);
  add_metrics(card.metrics, "validation", report.validation);
  add_test_metrics(card.metrics, bench.dataset, bench.split.test, served);
  add_metrics(card.metrics, "baseline.prior.test", bench.report.prior_test);
  add_metrics(card.metrics, "baseline.logistic.test", bench.report.logistic_test);
  card.metrics["serving.max_abs_difference"] = difference;
  return {};
}

bool beats(const std::optional<PairedDifference>& difference) {
  constexpr double kLevel = 0.05;
  return difference && difference->p_better < kLevel;
}

std::string why_inactive(const ModelReport& model, const TrainReport& report, Activation activation) {
  if (activation == Activation::Never) return "not asked to";
  if (report.synthetic) return "trained on synthetic data";
  if (activation == Activation::Always) return "";
  if (!beats(model.against_prior)) return "not significantly better than the class prior on the test rows";
  if (!beats(model.against_logistic)) return "not significantly better than logistic regression on the test rows";
  return "";
}

/// Makes the model the deciding one of its type, or says in the report why it is not.
base::Result<void> activate(const TrainOptions& options, const TrainReport& run, ModelReport& model) {
  model.why_inactive = why_inactive(model, run, options.activation);
  if (!model.why_inactive.empty()) return {};
  QT_TRY(const store::ModelHistory history, store::read_history(options.registry, model.model));
  if (history.stage_of(model.id) == store::Stage::RETIRED) {
    model.why_inactive = "the same model was retired before; qtrader model rollback returns to a former champion";
    return {};
  }
  model.active = true;
  if (history.champion() == model.id) return {};
  const std::string reason = options.activation == Activation::Always
                                 ? "asked for by --activate always"
                                 : "significantly better than prior and logistic regression on its test rows";
  QT_TRY([[maybe_unused]] const store::StageChange change,
         store::promote(options.registry, {model.model, model.id, store::Stage::ACTIVE},
                        {.by = "qtrader train", .reason = reason, .at = options.trained_at}));
  return {};
}

struct Finished {
  ModelReport report;
  store::ModelDraft draft;
};

base::Result<Finished> make_model(ModelKind kind, const TrainOptions& options, const Workbench& bench,
                                  const Progress& progress) {
  const Stopwatch watch(options);
  Finished out;
  out.report.model = models::name(kind);
  QT_TRY(FittedModel fitted, fit(kind, fit_input(bench, options, progress),
                                 {.threads = options.threads, .nhits = options.nhits, .patchtst = options.patchtst}));
  models::ModelCard card = card_of(fitted, options, bench);
  QT_TRY_VOID(evaluate(fitted, bench, card, out.report));
  const TrainingRecord record = record_of(fitted, options, bench);
  out.report.id = seal(card, record);
  out.report.rounds = fitted.rounds;
  out.report.temperature = card.temperature;
  out.draft = {out.report.model, out.report.id, to_json(card, record), fitted.weights_file, std::move(fitted.weights)};
  QT_TRY(const models::ModelCard readable,
         models::parse_card(out.draft.card_json));  // what serving could not read is not worth storing
  out.report.seconds = watch.seconds();
  return out;
}

base::Result<void> validate(const TrainOptions& options) {
  if (options.models.empty()) return fail(Errc::InvalidArgument, "no model asked for");
  for (std::size_t i = 0; i < options.models.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (options.models[i] == options.models[j])
        return fail(Errc::InvalidArgument, "model " + std::string(models::name(options.models[i])) + " is named twice");
  if (options.threads < 1 || options.threads > 1024)
    return fail(Errc::InvalidArgument, "threads " + std::to_string(options.threads) + ": expected 1 to 1024");
  for (const NetworkBudget& budget : {options.nhits, options.patchtst})
    if (budget.epochs < 1 || budget.windows_per_epoch < 0 || budget.validation_windows < 0)
      return fail(Errc::InvalidArgument, std::to_string(budget.epochs) + " epochs of " +
                                             std::to_string(budget.windows_per_epoch) +
                                             " windows: expected at least 1 epoch, and windows of 0 (all) or more");
  QT_TRY(const Labeler labeler, Labeler::create(options.labels, options.universe.primary));
  return {};
}

}  // namespace

base::Result<TrainReport> train(const TrainOptions& options, const Progress& progress) {
  QT_TRY_VOID(validate(options));
  Workbench bench;
  QT_TRY_VOID(prepare(options, progress, bench));
  QT_TRY_VOID(score_baselines(options, progress, bench));
  std::vector<Finished> finished;
  for (const ModelKind kind : options.models) {
    QT_TRY(Finished model, make_model(kind, options, bench, progress));
    finished.push_back(std::move(model));
  }
  for (Finished& model : finished) {
    QT_TRY(const auto directory, store::store_model(options.registry, model.draft));
    model.report.path = directory.string();
  }
  for (Finished& model : finished) {
    QT_TRY_VOID(activate(options, bench.report, model.report));
    bench.report.models.push_back(std::move(model.report));
  }
  return std::move(bench.report);
}

}  // namespace qtrader::training
