// Fold forecasts: everybody's calibrated forecasts of one fold's test rows, and what the ensemble's rules make of them.
//
// In the flow: a fold's rows (arrange.hpp) → class prior, logistic regression and the asked kinds fitted on its
// training rows, temperatures on its validation rows → served, through the code that trades, on its test rows → pooled
// by models::Ensemble → the pool's side calibrated by isotonic regression on the validation rows. Kinds are treated
// alike: what fit() and serve() can do is judged, what a kind could not predict is absent. Nobody sees a test row
// before.
#pragma once

#include <string>

#include "training/evaluate/arrange.hpp"
#include "training/evaluate/verdicts.hpp"
#include "training/fit.hpp"

namespace qtrader::training {

inline constexpr std::string_view kPrior = "prior", kLogistic = "logistic", kEnsemble = "ensemble",
                                  kEnsembleIsotonic = "ensemble+isotonic";

/// All vectors run parallel to the test rows.
struct ForecasterOnTest {
  std::string name;
  Forecasts forecasts;
  std::vector<Verdict> gated;           // by the ensemble's rules as configured; a single model is let decide alone
  std::vector<Verdict> expected_value;  // by its expected-value rule alone
};

/// What a fit was like; for the record.
struct FoldFit {
  std::string name;
  std::int32_t rounds = 0;
  double temperature = 1;
  double validation_log_loss = 0;
  double seconds = 0;
};
QT_DESCRIBE(FoldFit, name, rounds, temperature, validation_log_loss, seconds)

/// The isotonic map from claimed to observed probability of the ensemble's side (ai.md 4.6).
struct IsotonicRecord {
  std::int64_t verdicts = 0;                 // validation rows it was fitted on; below 300 it is the identity
  double brier_before = 0, brier_after = 0;  // of the side, on the test rows that moved
};
QT_DESCRIBE(IsotonicRecord, verdicts, brier_before, brier_after)

struct FoldForecasts {
  std::vector<std::uint32_t> rows;            // the test rows, as indices into the whole dataset
  std::vector<std::int32_t> blocks;           // of each
  std::vector<ForecasterOnTest> forecasters;  // prior, logistic, the kinds in the order asked, ensemble, with isotonic
  std::vector<FoldFit> fits;
  IsotonicRecord isotonic;
  std::vector<std::string> neutral_features;
  std::vector<std::string> unable;  // asked kinds that forecast no validation or no test row
};

struct FoldOptions {
  std::vector<models::ModelKind> kinds;  // each once; may be empty
  FitSettings fit;
  models::LabelSpec labels;
  DecisionSpec decision;
  std::uint64_t seed = 1;
  std::function<double()> steady_seconds;  // a monotonic clock; may be empty
};

/// Errors: InvalidArgument (too few rows, a class without rows), those of the trainers and of serving, Interrupted.
base::Result<FoldForecasts> forecast_fold(const Dataset& dataset, const CrossFold& fold, const FoldOptions& options,
                                          const Progress& progress);

}  // namespace qtrader::training
