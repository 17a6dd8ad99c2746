// Networks: N-HiTS and PatchTST behind the values that every trainer takes and gives (trainer.hpp).
//
// Joins three things: sequences (the dataset as windows), training/deep (libtorch), and the budget of one fit. Rows
// that do not follow 120 bars without a gap are neither learned from nor forecast. The trading core never links this.
#pragma once

#include "training/dataset.hpp"
#include "training/trainer.hpp"

namespace qtrader::training {

/// How much a network is given to learn from.
struct NetworkBudget {
  std::int32_t epochs = 0;              // at most
  std::int64_t windows_per_epoch = 0;   // drawn anew for each epoch; 0: all
  std::int64_t validation_windows = 0;  // looked at after each epoch, evenly spaced; 0: all
};
/// Small epochs: the symbols move together and windows overlap, so what can be learned is learned from some ten
/// thousand windows, and what follows is learned by heart; early stopping must be able to stop in between.
inline constexpr NetworkBudget kNhitsBudget = {12, 4'096, 8'192};
inline constexpr NetworkBudget kPatchTstBudget = {10, 4'096, 8'192};

struct NetworkParams {
  models::ModelKind kind = models::ModelKind::NHits;
  NetworkBudget budget = kNhitsBudget;
  std::int32_t threads = 2;  // a constant of the fit, see XgboostParams::nthread
};

/// Errors: InvalidArgument (no dataset, no row with a window, libtorch's refusal of a size), Interrupted, those of the
/// checkpoint.
base::Result<FittedModel> fit_network(const FitInput& input, const NetworkParams& params);

/// The trainer's own probabilities of rows in `range`: what serving is compared with.
base::Result<Forecasts> predict_network(std::string_view weights, const Dataset& dataset, IndexRange range);

/// "libtorch 1.13.0".
std::string_view torch_version();

}  // namespace qtrader::training
