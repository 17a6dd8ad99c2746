// Evaluation: what a fitted model is worth on rows it has never seen, measured through the code that will serve it.
//
// The artefact's bytes are loaded by core/models and asked row by row, so the numbers in a card are those of the model
// that trades; the library's own predictions are only the yardstick that serving must meet (ai.md 2.6: 1e-5).
#pragma once

#include "training/card.hpp"
#include "training/dataset.hpp"

namespace qtrader::training {

/// Least agreement between the library's probabilities and serving's.
inline constexpr double kParityTolerance = 1e-5;

/// Calibrated probabilities of rows in `range`, from serving. Errors: those of loading; SchemaMismatch if a row is
/// refused for another reason than the history a network lacks.
base::Result<Forecasts> serve(const FittedModel& fitted, const models::ModelTraits& traits, const Dataset& dataset,
                              IndexRange range);

/// The library's probabilities of the same rows, uncalibrated.
base::Result<Forecasts> library_predict(const FittedModel& fitted, const Dataset& dataset, IndexRange range);

/// Softmax of ln(p)/T for each forecast.
Forecasts calibrated(Forecasts forecasts, double temperature);

/// Largest absolute difference of any probability; infinite where one side is absent and the other is not.
double largest_difference(const Forecasts& a, const Forecasts& b);

/// test.*, test.regime.<name>.* and test.high_volatility.* of rows in `range`; parts below 50 rows are left out.
void add_test_metrics(std::map<std::string, double>& metrics, const Dataset& dataset, IndexRange range,
                      const Forecasts& forecasts);

}  // namespace qtrader::training
