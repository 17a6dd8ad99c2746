// Preparation: from recorded candles to what a fit takes, the same steps for whoever fits models: the train verb, each
// fold of an evaluation, the leak check.
//
// In the flow: universe → load_dataset → split → prepare → fit_input → trainers. Everything measured is measured on
// training rows alone. Never splits and never fits.
#pragma once

#include "training/dataset.hpp"
#include "training/universe.hpp"

namespace qtrader::training {

/// Of feature #58.
inline constexpr std::string_view kReferenceSymbol = "BTCUSDT";

/// Rows below which nothing is fitted or judged.
inline constexpr std::size_t kLeastTrainRows = 1000, kLeastOtherRows = 200;
inline constexpr std::int64_t kLeastClassRows = 50;  // of each class, among the training rows

/// What rows are made of besides the candles.
struct RowSpec {
  domain::Timeframe primary = domain::Timeframe::M15;
  std::int32_t warmup_bars = 800;
  models::LabelSpec labels;
};

/// The universe's recorded candles and funding as rows. Errors: those of the catalog and of build_dataset.
base::Result<Dataset> load_dataset(const history::Catalog& catalog, const Universe& universe, const RowSpec& spec,
                                   const Progress& progress);

/// Measured on the training rows.
struct Preparation {
  std::vector<std::string> neutral_features;  // held neutral in all rows
  std::vector<double> weights;                // of the training rows
  Probabilities class_offset{};               // ln of the class weights, see FitInput::class_offset
};

/// Holds uncovered features neutral in all rows of the dataset, and weighs its training rows.
Preparation prepare(Dataset& dataset, IndexRange train);

/// The input of a fit on these rows; seed, progress and what only long fits need are left to the caller. Views of its
/// arguments.
FitInput fit_input(const Dataset& dataset, const Preparation& preparation, IndexRange train, IndexRange validation);

}  // namespace qtrader::training
