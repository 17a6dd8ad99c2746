// Fit: one door to all trainers, for whoever fits models: the train verb, walk-forward evaluation, leak checks.
//
// Adds nothing to a trainer but the choice of it. The settings hold what a caller may vary without changing what is
// learned from (rows, labels, seed are FitInput's).
#pragma once

#include "training/networks.hpp"
#include "training/trainer.hpp"

namespace qtrader::training {

struct FitSettings {
  std::int32_t threads = 2;  // of the libraries: part of a fit's identity, see XgboostParams::nthread
  NetworkBudget nhits = kNhitsBudget, patchtst = kPatchTstBudget;
};

/// Error: InvalidArgument naming the setting that is out of range.
base::Result<void> check(const FitSettings& settings);

/// Every kind this build can fit.
std::vector<models::ModelKind> trainable();

/// "xgboost" … Errors: InvalidArgument naming the kinds there are.
base::Result<models::ModelKind> parse_trainable(std::string_view name);

/// Error: InvalidArgument if one is named twice.
base::Result<void> check(std::span<const models::ModelKind> kinds);

/// Errors: those of the trainer; Interrupted.
base::Result<FittedModel> fit(models::ModelKind kind, const FitInput& input, const FitSettings& settings = {});

}  // namespace qtrader::training
