#include "training/evaluate/fold_forecasts.hpp"

#include <algorithm>
#include <numeric>

#include "training/calibration.hpp"
#include "training/evaluate/isotonic.hpp"
#include "training/evaluation.hpp"
#include "training/logistic.hpp"
#include "training/novelty_fit.hpp"
#include "training/preparation.hpp"

namespace qtrader::training {
namespace {

using base::Errc;
using models::ModelKind;

/// One forecaster's calibrated answers on both parts.
struct Answers {
  std::string name;
  models::ModelTraits traits;
  Forecasts validation, test;

  /// Validation rows, then test rows.
  Forecasts both() const {
    Forecasts out = validation;
    out.insert(out.end(), test.begin(), test.end());
    return out;
  }
};

bool none_present(const Forecasts& forecasts) {
  return std::ranges::none_of(forecasts, [](const auto& f) { return f.has_value(); });
}

/// One fold on its way from rows to forecasts.
class FoldWork {
 public:
  FoldWork(const Dataset& dataset, const CrossFold& fold, const FoldOptions& options, const Progress& progress)
      : options_(options), progress_(progress), rows_(arrange(dataset, fold)) {}

  base::Result<FoldForecasts> run() {
    QT_TRY_VOID(require_enough());
    out_.rows.assign(rows_.source.begin() + static_cast<std::ptrdiff_t>(rows_.test.begin),
                     rows_.source.begin() + static_cast<std::ptrdiff_t>(rows_.test.end));
    out_.blocks = rows_.test_blocks;
    preparation_ = prepare(rows_.dataset, rows_.train);
    out_.neutral_features = preparation_.neutral_features;
    QT_TRY(models::NoveltyBaseline novelty, fit_novelty(block(rows_.train).x));
    QT_TRY(models::Novelty measured, models::Novelty::create(std::move(novelty)));
    novelty_ = std::make_shared<const models::Novelty>(std::move(measured));
    QT_TRY_VOID(baselines());
    std::vector<Answers> members;
    for (const ModelKind kind : options_.kinds) QT_TRY_VOID(model(kind, members));
    if (!members.empty()) QT_TRY_VOID(ensemble(members));
    return std::move(out_);
  }

 private:
  RowBlock block(IndexRange range) const { return rows_.dataset.block(range); }
  double seconds() const { return options_.steady_seconds ? options_.steady_seconds() : 0; }

  base::Result<void> require_enough() const {
    const auto counts = class_counts(block(rows_.train).labels);
    if (rows_.train.size() >= kLeastTrainRows &&
        std::min(rows_.validation.size(), rows_.test.size()) >= kLeastOtherRows &&
        std::ranges::min(counts) >= kLeastClassRows)
      return {};
    return base::Error{"training", Errc::InvalidArgument,
                       "a fold with " + std::to_string(rows_.train.size()) + " training rows (SELL " +
                           std::to_string(counts[0]) + ", HOLD " + std::to_string(counts[1]) + ", BUY " +
                           std::to_string(counts[2]) + "), " + std::to_string(rows_.validation.size()) +
                           " validation and " + std::to_string(rows_.test.size()) + " test rows: expected at least " +
                           std::to_string(kLeastTrainRows) + " (" + std::to_string(kLeastClassRows) +
                           " of each class), " + std::to_string(kLeastOtherRows) + " and " +
                           std::to_string(kLeastOtherRows) + "; give a longer window, more symbols or fewer folds"};
  }

  FitInput input() const {
    FitInput out = fit_input(rows_.dataset, preparation_, rows_.train, rows_.validation);
    out.seed = options_.seed;
    out.progress = progress_;
    return out;
  }

  /// For a forecaster without a kind of its own the kind says nothing: alone, its weight is 1 whatever it is.
  models::ModelTraits traits_of_fold(ModelKind kind = ModelKind::XGBoost) const {
    models::ModelTraits out;
    out.kind = kind;
    out.schema_id = features::schema_id(options_.decision.primary);
    out.class_mean_abs_r = class_mean_abs_return(rows_.dataset, rows_.train);
    out.horizon_bars = options_.labels.horizon_bars;
    out.novelty = novelty_;
    return out;
  }

  void record(std::string name, FoldFit fit, const Forecasts& validation) {
    const Judged rows = judged(block(rows_.validation).labels, validation);
    fit.name = std::move(name);
    fit.validation_log_loss = log_loss(rows.labels, rows.p);
    out_.fits.push_back(std::move(fit));
  }

  base::Result<void> baselines() {
    const Probabilities prior = class_prior(block(rows_.train).labels);
    QT_TRY_VOID(judge_alone({std::string(kPrior), traits_of_fold(), Forecasts(rows_.validation.size(), prior),
                             Forecasts(rows_.test.size(), prior)}));
    const double start = seconds();
    QT_TRY_VOID(report(progress_, kLogistic, 0, 1));
    QT_TRY(const auto logistic, LogisticRegression::fit(input()));
    Answers answers{std::string(kLogistic), traits_of_fold(),
                    all_present(logistic.predict_rows(block(rows_.validation))),
                    all_present(logistic.predict_rows(block(rows_.test)))};
    const double temperature = fit_temperature(block(rows_.validation).labels, answers.validation);
    answers.validation = calibrated(std::move(answers.validation), temperature);
    answers.test = calibrated(std::move(answers.test), temperature);
    record(answers.name, {.rounds = logistic.iterations(), .temperature = temperature, .seconds = seconds() - start},
           answers.validation);
    return judge_alone(answers);
  }

  base::Result<void> model(ModelKind kind, std::vector<Answers>& members) {
    const double start = seconds();
    QT_TRY(const FittedModel fitted, fit(kind, input(), options_.fit));
    Answers answers{std::string(models::name(kind)), traits_of_fold(kind), {}, {}};
    if (none_present(fitted.validation)) {
      out_.unable.push_back(answers.name);
      return {};
    }
    answers.traits.temperature = fit_temperature(block(rows_.validation).labels, fitted.validation);
    answers.validation = calibrated(fitted.validation, answers.traits.temperature);
    QT_TRY(answers.test, serve(fitted, answers.traits, rows_.dataset, rows_.test));
    record(answers.name,
           {.rounds = fitted.rounds, .temperature = answers.traits.temperature, .seconds = seconds() - start},
           answers.validation);
    if (none_present(answers.test)) {
      out_.unable.push_back(answers.name);
      return {};
    }
    QT_TRY_VOID(judge_alone(answers));
    members.push_back(std::move(answers));
    return {};
  }

  base::Result<void> ensemble(const std::vector<Answers>& members) {
    QT_TRY_VOID(report(progress_, kEnsemble, 0, 1));
    const models::EnsembleConfig configured = options_.decision.ensemble;
    QT_TRY(Decided gated, ask(members, configured));
    QT_TRY(Decided by_value, ask(members, expected_value_alone(configured)));
    const auto at = static_cast<std::ptrdiff_t>(rows_.validation.size());
    Answers pooled{std::string(kEnsemble), traits_of_fold(), Forecasts(gated.pooled.begin(), gated.pooled.begin() + at),
                   Forecasts(gated.pooled.begin() + at, gated.pooled.end())};
    gated.verdicts.erase(gated.verdicts.begin(), gated.verdicts.begin() + at);
    by_value.verdicts.erase(by_value.verdicts.begin(), by_value.verdicts.begin() + at);
    out_.forecasters.push_back({pooled.name, pooled.test, std::move(gated.verdicts), std::move(by_value.verdicts)});
    return calibrate_side(std::move(pooled));
  }

  /// The pool with its side calibrated, as one more forecaster.
  base::Result<void> calibrate_side(Answers pooled) {
    const auto calibration = SideCalibration::fit(block(rows_.validation).labels, pooled.validation);
    out_.isotonic.verdicts = calibration.rows();
    const auto labels = block(rows_.test).labels;
    double rows = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto& p = pooled.test[i];
      if (!p || labels[i] == LabelClass::Hold) continue;
      const double right = leans_to_buy(*p) == (labels[i] == LabelClass::Buy) ? 1 : 0;
      const double before = side_probability(*p), after = calibration.at(before);
      out_.isotonic.brier_before += (before - right) * (before - right);
      out_.isotonic.brier_after += (after - right) * (after - right);
      ++rows;
    }
    if (rows > 0) {
      out_.isotonic.brier_before /= rows;
      out_.isotonic.brier_after /= rows;
    }
    for (Forecasts* part : {&pooled.validation, &pooled.test})
      for (auto& p : *part)
        if (p) p = calibration.apply(*p);
    pooled.name = kEnsembleIsotonic;
    return judge_alone(pooled);
  }

  /// What the rules make of one forecaster that is let decide alone.
  base::Result<void> judge_alone(const Answers& answers) {
    models::EnsembleConfig alone = options_.decision.ensemble;
    alone.allow_single_model = true;
    ForecasterOnTest out{answers.name, answers.test, {}, {}};
    const std::span one(&answers, 1);
    for (const auto& [config, verdicts] :
         {std::pair(alone, &out.gated), std::pair(expected_value_alone(alone), &out.expected_value)}) {
      QT_TRY(Decided decided, ask(one, config));
      verdicts->assign(decided.verdicts.begin() + static_cast<std::ptrdiff_t>(rows_.validation.size()),
                       decided.verdicts.end());
    }
    out_.forecasters.push_back(std::move(out));
    return {};
  }

  /// Verdicts on validation rows, which fill the ensemble's windows, and then test rows.
  base::Result<Decided> ask(std::span<const Answers> members, const models::EnsembleConfig& config) const {
    std::vector<Forecasts> forecasts;
    forecasts.reserve(members.size());
    std::vector<RecordedMember> recorded;
    for (const Answers& member : members) recorded.push_back({member.traits, &forecasts.emplace_back(member.both())});
    std::vector<std::uint32_t> rows(rows_.validation.size() + rows_.test.size());
    std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(rows_.validation.begin));
    DecisionSpec spec = options_.decision;
    spec.ensemble = config;
    return decide(rows_.dataset, rows, recorded, spec);
  }

  const FoldOptions& options_;
  const Progress& progress_;
  Arranged rows_;
  Preparation preparation_;
  std::shared_ptr<const models::Novelty> novelty_;
  FoldForecasts out_;
};

}  // namespace

base::Result<FoldForecasts> forecast_fold(const Dataset& dataset, const CrossFold& fold, const FoldOptions& options,
                                          const Progress& progress) {
  return FoldWork(dataset, fold, options, progress).run();
}

}  // namespace qtrader::training
