// Verdicts: what models::Ensemble would have decided on rows whose forecasts are already known.
//
// In the flow: serve() has asked each fitted model once → the answers are played back to a real Ensemble, bar by bar in
// the order of time → its own pooling, gates, expected-value rule and windows give the verdicts. So an evaluation of
// the rules is of the rules that trade, not of a copy of them.
#pragma once

#include "core/models/ensemble.hpp"
#include "training/dataset.hpp"
#include "training/evaluate/costs.hpp"

namespace qtrader::training {

/// A member of the ensemble and its calibrated forecasts, one for each row decided on; absent ones are absent votes.
struct RecordedMember {
  models::ModelTraits traits;
  const Forecasts* forecasts = nullptr;
};

struct Verdict {
  domain::Action action = domain::Action::Hold;
  domain::HoldReason reason = domain::HoldReason::None;
  double confidence = 0, p_dir = 0;
  double edge_frac = 0;  // expected gross move in favour of the side
};

struct Decided {
  Forecasts pooled;               // absent where no member counted
  std::vector<Verdict> verdicts;  // of the same rows
};

struct DecisionSpec {
  models::EnsembleConfig ensemble;
  CostModel costs;
  domain::Timeframe primary = domain::Timeframe::M15;
};

/// `rows` are indices into the dataset in any order; the ensemble sees them by (time, symbol), results are in the order
/// given. Errors: those of Ensemble::create.
base::Result<Decided> decide(const Dataset& dataset, std::span<const std::uint32_t> rows,
                             std::span<const RecordedMember> members, const DecisionSpec& spec);

/// The configuration under which nothing but the expected-value rule can hold a verdict back, as far as the ensemble's
/// settings go: one member is enough, no margin, no consensus, no least confidence.
models::EnsembleConfig expected_value_alone(models::EnsembleConfig config);

}  // namespace qtrader::training
