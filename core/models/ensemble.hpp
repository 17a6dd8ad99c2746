// Ensemble: combines the members' probabilities into one verdict with a reason (ai.md 3.1, 0.3).
//
// Linear opinion pool over the active set, consensus gates, expected-value rule, high-volatility weights with hysteresis,
// confidence as the rank of p_dir among the last 2 000 directional verdicts. Works with any subset of the four members;
// an absent member is absent, not a HOLD vote. One model alone never opens a position unless configured.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/models/model.hpp"

namespace qtrader::models {

struct EnsembleConfig {
  std::array<double, 4> weights = {0.25, 0.25, 0.30, 0.20};  // by ModelKind
  std::int32_t min_active = 2;
  std::int32_t min_consensus = 3;  // of 4, scaled to the active set
  bool allow_single_model = false;
  double min_confidence = 0.65;
  double min_margin = 0.05;
  double cost_multiple = 1.5;  // EV must exceed this multiple of the round-trip cost
  bool require_positive_ev = true;
};

struct EnsembleInput {
  const features::FeatureVector& now;
  std::span<const features::FeatureVector> history;
  double sigma100 = 0;               // of primary log returns
  double round_trip_cost_frac = 0;   // fees and expected slippage, both sides, fraction of notional
};

/// Fills action, hold_reason, confidence, p_dir, p, consensus, expected_edge_frac, horizon_minutes, votes, features,
/// feature_mask, high_volatility of a Signal; the caller adds trace, price, regime and source.
class Ensemble {
 public:
  /// Errors: SchemaMismatch if a member's schema differs from schema_id; Conflict on two members of one kind.
  static base::Result<Ensemble> create(EnsembleConfig config, std::size_t symbols, domain::Timeframe primary,
                                       std::vector<std::unique_ptr<Model>> members);
  domain::Signal decide(const EnsembleInput& input);
  std::size_t member_count() const;
  const std::vector<std::unique_ptr<Model>>& members() const;

  template <class Archive>
  void archive(Archive& a);  // windows and hysteresis, not the weights
};

}  // namespace qtrader::models
