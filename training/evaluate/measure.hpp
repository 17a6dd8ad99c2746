// Measure: the tables of an evaluation, from the pooled forecasts. Internal to evaluate.cpp and its tests.
#pragma once

#include "training/evaluate/evaluate.hpp"

namespace qtrader::training {

struct MeasureSpec {
  PortfolioSpec portfolio;
  std::vector<std::string> symbols;  // names of the lanes
  Progress progress;
};

/// Every forecaster of the pool, in its order. Error: Interrupted.
base::Result<std::vector<ForecasterResult>> measure(const Pool& pool, const MeasureSpec& spec);

SelectionResult select_best(const Pool& pool, std::int32_t horizon_bars, std::uint64_t seed);

/// What it comes to, in sentences.
std::vector<std::string> verdict_of(const EvaluationResult& result);

}  // namespace qtrader::training
