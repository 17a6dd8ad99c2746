// Ensemble: combines the members' probabilities into one verdict with a reason (ai.md 3.1, 0.3).
//
// Linear opinion pool over the active set, consensus gates, expected-value rule, high-volatility weights with
// hysteresis, confidence as the rank of p_dir among the last 2 000 directional verdicts. Works with any subset of the
// four members; an absent member is absent, not a HOLD vote. One model alone never opens a position unless configured.
// p_dir is P_side / (P_SELL + P_BUY) of the pooled, temperature-calibrated probabilities, then calibrated on what
// became of earlier verdicts (ai.md 4.6); those also give the interval around the expected edge. A member that was
// fitted on nothing like the present is heard less, or not at all. Members count as healthy: who degrades them is the
// model supervisor.
#pragma once

#include <memory>
#include <vector>

#include "core/models/calibrator.hpp"
#include "core/models/conformal.hpp"
#include "core/models/degeneracy.hpp"
#include "core/models/high_volatility.hpp"
#include "core/models/model.hpp"
#include "core/models/novelty.hpp"
#include "core/models/pending_verdicts.hpp"
#include "core/models/rolling_rank.hpp"

namespace qtrader::models {

struct EnsembleConfig {
  std::array<double, 4> weights = {0.25, 0.25, 0.30, 0.20};  // by ModelKind, each in [0.05, 0.50]
  std::int32_t min_active = 2;
  std::int32_t min_consensus = 3;  // of 4, scaled to the active set
  bool allow_single_model = false;
  double min_confidence = 0.65;
  double min_margin = kMinMargin;  // for a member to name an action
  double cost_multiple = 1.5;      // EV must exceed this multiple of the round-trip cost
  bool require_positive_ev = true;
  double interval_coverage = 0.80;  // of the interval around the expected edge, in [0.50, 0.99]
};
QT_DESCRIBE(EnsembleConfig, weights, min_active, min_consensus, allow_single_model, min_confidence, min_margin,
            cost_multiple, require_positive_ev, interval_coverage)

struct EnsembleInput {
  const features::FeatureVector& now;
  const FeatureHistory* history = nullptr;  // of the symbol, ending with `now`; null if no member has history_bars()
  double sigma100 = 0;                      // of primary log returns; 0 if unknown, which no expected value survives
  double round_trip_cost_frac = 0;          // fees and expected slippage, both sides, fraction of notional
};

/// Fills action, hold_reason, confidence, p_dir, p_dir_raw, calibration, p, consensus, disagreement,
/// expected_edge_frac, the interval, horizon_minutes, votes, features, feature_mask, high_volatility, atr_frac, symbol
/// and bar_close of a Signal; the caller adds trace, price, regime and source. A verdict whose action a gate turned
/// into Hold keeps p, p_dir, confidence, edge and interval of the side it leaned to (leaning()), so that exits may
/// still read it; a verdict that leans to no side has zeros there.
///
/// Every verdict that leans to a side, entry or not, is compared with the close one horizon later. Only what matured up
/// to a bar's close has a say in its verdict.
class Ensemble {
 public:
  /// Errors: SchemaMismatch if a member's schema is not that of `primary`, or members predict different horizons;
  /// Conflict on two members of one kind; InvalidArgument on a setting out of range.
  static base::Result<Ensemble> create(EnsembleConfig config, std::size_t symbols, domain::Timeframe primary,
                                       std::vector<std::unique_ptr<Model>> members);

  /// A primary bar has closed: verdicts whose horizon it ends are learnt from, whether this bar is decided on or not.
  void observe(domain::SymbolId symbol, base::Timestamp bar_close, double close);
  /// Observes the bar first. Deciding the same bar again gives a verdict but does not move the windows.
  domain::Signal decide(const EnsembleInput& input);
  std::size_t member_count() const { return members_.size(); }
  const std::vector<std::unique_ptr<Model>>& members() const { return members_; }

  const Calibrator& calibrator() const { return calibrator_; }
  const ConformalInterval& interval() const { return interval_; }
  /// Puts the calibration back that was in force before the present one. False if there is none to go back to.
  bool roll_back_calibration() { return calibrator_.roll_back(); }

  /// What was learnt from verdicts, the windows and the hysteresis, not the weights: to be read by an ensemble created
  /// with the same arguments.
  template <class Archive>
  void archive(Archive& a) {
    const std::size_t symbols = volatility_.size();
    auto count = static_cast<std::uint64_t>(symbols);
    a(count);
    QT_CHECK(count == symbols, "an ensemble reads the state of one with as many symbols");
    for (HighVolatility& v : volatility_) a(v);
    for (DegeneracyGuard& g : guards_) a(g);
    a(p_dir_, pending_, calibrator_, interval_);
  }

 private:
  struct Panel;
  Ensemble(EnsembleConfig config, std::size_t symbols, domain::Timeframe primary,
           std::vector<std::unique_ptr<Model>> members);
  void share_baselines();
  Panel ask(const EnsembleInput& input, bool fresh);
  void weigh(Panel& panel, bool high_volatility) const;
  void pool(const Panel& panel, domain::Signal& out) const;
  void judge(const Panel& panel, const EnsembleInput& input, domain::Signal& out) const;
  double horizon_sigma(double sigma100) const;
  double expected_edge(const Panel& panel, const domain::Signal& verdict, double unit) const;
  double confidence(const domain::Signal& verdict, int features_absent) const;
  void remember(const EnsembleInput& input, const domain::Signal& verdict);
  domain::HoldReason gate(const Panel& panel, const EnsembleInput& input, const domain::Signal& verdict) const;

  EnsembleConfig config_;
  domain::Timeframe primary_;
  std::vector<std::unique_ptr<Model>> members_;
  std::vector<const Novelty*> baselines_;     // distinct ones of the members
  std::array<std::size_t, 4> baseline_of_{};  // by member: its index there; past the end if it has none
  std::vector<HighVolatility> volatility_;    // by symbol
  std::vector<DegeneracyGuard> guards_;       // by ModelKind
  // p_dir_raw of the last directional verdicts, all symbols. The calibration keeps the order of what it maps, so a rank
  // among raw values is the rank among calibrated ones, and does not jump on the day a map changes.
  RollingRank p_dir_;
  PendingVerdicts pending_;
  Calibrator calibrator_;
  ConformalInterval interval_;
};

/// The class a pooled verdict leans to: argmax of its p, Hold on a tie or without probabilities.
domain::Action leaning(const domain::Signal& verdict);

}  // namespace qtrader::models
