// Trials: an evaluation's portfolios as lines of the trial ledger, so that what was tried is counted.
#pragma once

#include <vector>

#include "edge/store/trial_ledger.hpp"
#include "training/evaluate/evaluate.hpp"

namespace qtrader::training {

/// One for each portfolio of each forecaster: the strongest tenth, the strongest hundredth, and what the rules
/// let through if that is anything.
std::vector<store::Trial> trials_of(const EvaluationResult& result);

}  // namespace qtrader::training
