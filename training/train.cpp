#include "training/train.hpp"

#include <algorithm>

#include "core/base/hash.hpp"
#include "edge/store/model_registry.hpp"
#include "training/calibration.hpp"
#include "training/evaluation.hpp"
#include "training/logistic.hpp"
#include "training/novelty_fit.hpp"
#include "training/preparation.hpp"
#include "training/xgboost.hpp"

namespace qtrader::training {
namespace {

using base::Errc;
using models::ModelKind;

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
  Preparation preparation;
  models::NoveltyBaseline novelty;  // of the training rows
  Forecasts prior_on_test, logistic_on_test;
  TrainReport report;

  RowBlock train() const { return dataset.block(split.train); }
  RowBlock validation() const { return dataset.block(split.validation); }
  RowBlock test() const { return dataset.block(split.test); }
};

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

base::Result<void> lay_out(const TrainOptions& options, const Progress& progress, Workbench& bench) {
  const Stopwatch watch(options);
  QT_TRY(const history::Catalog catalog, history::Catalog::scan(options.data));
  QT_TRY(bench.universe, choose_universe(catalog, options.universe));
  QT_TRY_VOID(store::prepare_registry(options.registry));
  QT_TRY(bench.dataset,
         load_dataset(catalog, bench.universe, {options.universe.primary, options.universe.warmup_bars, options.labels},
                      progress));
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
  bench.preparation = prepare(bench.dataset, bench.split.train);
  r.neutral_features = bench.preparation.neutral_features;
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

FitInput input_of(const Workbench& bench, const TrainOptions& options, const Progress& progress) {
  FitInput out = fit_input(bench.dataset, bench.preparation, bench.split.train, bench.split.validation);
  out.seed = options.seed;
  out.progress = progress;
  out.scratch = options.scratch;
  out.unix_seconds = options.unix_seconds;
  return out;
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
  QT_TRY(const auto logistic, LogisticRegression::fit(input_of(bench, options, progress)));
  const Forecasts on_validation = all_present(logistic.predict_rows(bench.validation()));
  const double temperature = fit_temperature(bench.validation().labels, on_validation);
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
  card.temperature = fit_temperature(bench.validation().labels, fitted.validation);
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
  QT_TRY(FittedModel fitted, fit(kind, input_of(bench, options, progress), options.fit));
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
  QT_TRY_VOID(check(options.models));
  QT_TRY_VOID(check(options.fit));
  QT_TRY(const Labeler labeler, Labeler::create(options.labels, options.universe.primary));
  return {};
}

}  // namespace

base::Result<TrainReport> train(const TrainOptions& options, const Progress& progress) {
  QT_TRY_VOID(validate(options));
  Workbench bench;
  QT_TRY_VOID(lay_out(options, progress, bench));
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
