#include "core/models/ensemble.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/base/det_math.hpp"

namespace qtrader::models {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using domain::Action;
using domain::Consensus;
using domain::HoldReason;

constexpr std::size_t kKinds = 4;
constexpr std::size_t kVerdictWindow = 2000;  // directional verdicts that confidence ranks among
constexpr std::size_t kLeastVerdicts = 300;   // below it confidence is p_dir, clipped
constexpr double kMaxOpposingWeight = 0.35;   // of a member that says the opposite
constexpr std::array<double, kKinds> kHighVolatilityFactor = {0.5, 1.8, 1.0, 0.5};
constexpr double kHighVolatilityThreshold = 0.05;  // added to the entry threshold
constexpr int kToleratedAbsentFeatures = 4;
constexpr double kAbsentFeaturesFactor = 0.9;
constexpr std::size_t kAtrPct = 26;  // feature #27

std::size_t index(ModelKind kind) { return static_cast<std::size_t>(kind); }
std::size_t index(Action action) { return static_cast<std::size_t>(action); }
Action opposite(Action side) { return side == Action::Buy ? Action::Sell : Action::Buy; }

Error invalid(std::string_view setting, double value, std::string_view expected) {
  return Error{
      "models", Errc::InvalidArgument,
      "ensemble." + std::string(setting) + " is " + std::to_string(value) + ", expected " + std::string(expected)};
}

Result<void> validate(const EnsembleConfig& c) {
  for (const double w : c.weights) {
    if (!(w >= 0.05 && w <= 0.50)) return invalid("weights", w, "0.05 to 0.50 each");
  }
  if (c.min_active < 1 || c.min_active > 4) return invalid("min_active", c.min_active, "1 to 4");
  if (c.min_consensus < 1 || c.min_consensus > 4) return invalid("min_consensus", c.min_consensus, "1 to 4");
  if (!(c.min_confidence >= 0 && c.min_confidence <= 1)) return invalid("min_confidence", c.min_confidence, "0 to 1");
  if (!(c.min_margin >= 0 && c.min_margin < 1)) return invalid("min_margin", c.min_margin, "0 to below 1");
  if (!(c.cost_multiple >= 0 && c.cost_multiple <= 100)) return invalid("cost_multiple", c.cost_multiple, "0 to 100");
  return {};
}

Result<void> validate(const std::vector<std::unique_ptr<Model>>& members, domain::Timeframe primary) {
  const std::string schema = features::schema_id(primary);
  std::array<bool, kKinds> seen{};
  for (const auto& member : members) {
    const ModelTraits& t = member->traits();
    const std::string who(name(t.kind));
    if (t.schema_id != schema) {
      return Error{"models", Errc::SchemaMismatch,
                   "ensemble member " + who + " was trained on schema '" + t.schema_id + "', expected " + schema};
    }
    if (t.horizon_bars != members.front()->traits().horizon_bars || t.horizon_bars < 1) {
      return Error{"models", Errc::SchemaMismatch,
                   "ensemble member " + who + " predicts " + std::to_string(t.horizon_bars) + " bars ahead, expected " +
                       std::to_string(std::max(1, members.front()->traits().horizon_bars)) + " like the first member"};
    }
    if (seen[index(t.kind)]) return Error{"models", Errc::Conflict, "ensemble has two members of kind " + who};
    seen[index(t.kind)] = true;
  }
  return {};
}

Consensus consensus_of(int agreeing, int active) {
  if (active == 0) return Consensus::None;
  if (agreeing == active) return Consensus::Unanimous;
  if (4 * agreeing >= 3 * active) return Consensus::Strong;
  return 2 * agreeing >= active ? Consensus::Split : Consensus::Weak;
}

double entropy(const std::array<double, 3>& p) {
  double h = 0;
  for (const double x : p) {
    if (x > 0) h -= x * base::det::log(x);
  }
  return h;
}

}  // namespace

/// The members' answers to one question, and how they are counted. By member, in the ensemble's order.
struct Ensemble::Panel {
  struct Seat {
    const ModelTraits* traits = nullptr;
    Prediction prediction;  // its action at the configured margin
    double weight = 0;
    bool counted = false;
    std::string_view note;
  };
  std::array<Seat, kKinds> seats;
  std::size_t size = 0;
  int active = 0;

  std::span<Seat> all() { return {seats.data(), size}; }
  std::span<const Seat> all() const { return {seats.data(), size}; }
  int agreeing(Action action) const {
    return static_cast<int>(
        std::ranges::count_if(all(), [action](const Seat& s) { return s.counted && s.prediction.action == action; }));
  }
};

base::Result<Ensemble> Ensemble::create(EnsembleConfig config, std::size_t symbols, domain::Timeframe primary,
                                        std::vector<std::unique_ptr<Model>> members) {
  QT_TRY_VOID(validate(config));
  QT_TRY_VOID(validate(members, primary));
  return Ensemble(config, symbols, primary, std::move(members));
}

Ensemble::Ensemble(EnsembleConfig config, std::size_t symbols, domain::Timeframe primary,
                   std::vector<std::unique_ptr<Model>> members)
    : config_(config),
      primary_(primary),
      members_(std::move(members)),
      volatility_(symbols, HighVolatility(primary)),
      guards_(kKinds, DegeneracyGuard(symbols)),
      p_dir_(kVerdictWindow) {}

domain::Signal Ensemble::decide(const EnsembleInput& input) {
  const features::FeatureVector& now = input.now;
  QT_CHECK(now.symbol.value < volatility_.size(), "symbol of a feature vector");
  HighVolatility& volatility = volatility_[now.symbol.value];
  domain::Signal out;
  out.symbol = now.symbol;
  out.bar_close = now.bar_close;
  out.features.assign(now.x.begin(), now.x.end());
  out.feature_mask = now.present_mask;
  out.high_volatility = volatility.active();
  out.hold_reason = HoldReason::FeaturesInvalid;
  if (!members_.empty()) out.horizon_minutes = members_.front()->traits().horizon_bars * domain::minutes(primary_);
  if (!now.valid) return out;

  out.atr_frac = now.x[kAtrPct];
  const bool fresh = now.bar_close > volatility.last_bar();
  if (fresh) volatility.update(now);
  out.high_volatility = volatility.active();
  Panel panel = ask(input, fresh);
  weigh(panel, out.high_volatility);
  pool(panel, out);
  const Action side = leaning(out);
  if (side != Action::Hold) {
    out.p_dir = out.p[index(side)] / (out.p[index(Action::Sell)] + out.p[index(Action::Buy)]);
    out.confidence = confidence(out.p_dir, now.cleared());
    out.expected_edge_frac = expected_edge(panel, input, out);
    if (fresh) p_dir_.push(out.p_dir);
  }
  out.hold_reason = gate(panel, input, out);
  if (out.hold_reason == HoldReason::None) out.action = side;
  return out;
}

Ensemble::Panel Ensemble::ask(const EnsembleInput& input, bool fresh) {
  Panel panel;
  for (const auto& member : members_) {
    Panel::Seat& seat = panel.seats[panel.size++];
    seat.traits = &member->traits();
    seat.prediction = member->predict({input.now, input.history});
    if (!seat.prediction.valid) {
      seat.note = seat.prediction.why_invalid;
      continue;
    }
    seat.prediction.action = action_of(seat.prediction.p, config_.min_margin);
    DegeneracyGuard& guard = guards_[index(seat.traits->kind)];
    if (fresh) guard.add(input.now.symbol, seat.prediction);
    seat.counted = !guard.inactive();
    if (seat.counted)
      ++panel.active;
    else
      seat.note = "inactive: degenerate";
  }
  return panel;
}

/// Configured weight, LightGBM's with that of an absent XGBoost, times the factor of high volatility, normalised over
/// the counted.
void Ensemble::weigh(Panel& panel, bool high_volatility) const {
  const bool xgboost_counts = std::ranges::any_of(
      panel.all(), [](const Panel::Seat& s) { return s.counted && s.traits->kind == ModelKind::XGBoost; });
  double total = 0;
  for (Panel::Seat& seat : panel.all()) {
    if (!seat.counted) continue;
    const ModelKind kind = seat.traits->kind;
    seat.weight = config_.weights[index(kind)];
    if (kind == ModelKind::LightGBM && !xgboost_counts) seat.weight += config_.weights[index(ModelKind::XGBoost)];
    if (high_volatility) seat.weight *= kHighVolatilityFactor[index(kind)];
    total += seat.weight;
  }
  for (Panel::Seat& seat : panel.all()) {
    if (seat.counted) seat.weight /= total;
  }
}

/// Pooled probabilities, consensus, Jensen–Shannon divergence and the record of the votes.
void Ensemble::pool(const Panel& panel, domain::Signal& out) const {
  double mean_entropy = 0;
  out.votes.reserve(panel.size);
  for (const Panel::Seat& seat : panel.all()) {
    domain::ModelVote& vote = out.votes.emplace_back();
    vote.model = name(seat.traits->kind);
    vote.version = seat.traits->artifact_sha256.substr(0, 12);
    vote.p = seat.prediction.p;
    vote.action = seat.prediction.action;
    vote.effective_weight = seat.weight;
    vote.counted = seat.counted;
    vote.note = seat.note;
    if (!seat.counted) continue;
    for (std::size_t c = 0; c < 3; ++c) out.p[c] += seat.weight * seat.prediction.p[c];
    mean_entropy += seat.weight * entropy(seat.prediction.p);
  }
  out.disagreement = std::max(0.0, entropy(out.p) - mean_entropy);
  out.consensus = consensus_of(panel.agreeing(leaning(out)), panel.active);
}

/// P_side·μ_side − P_opp·μ_opp, μ = class mean |r| in units of σ100·√H, pooled like the probabilities (ai.md 0.3).
double Ensemble::expected_edge(const Panel& panel, const EnsembleInput& input, const domain::Signal& verdict) const {
  if (!(input.sigma100 > 0) || !std::isfinite(input.sigma100)) return 0;
  std::array<double, 3> mean{};
  for (const Panel::Seat& seat : panel.all()) {
    for (std::size_t c = 0; c < 3; ++c) mean[c] += seat.weight * seat.traits->class_mean_abs_r[c];
  }
  const std::size_t side = index(leaning(verdict));
  const std::size_t other = index(opposite(leaning(verdict)));
  const double horizon = static_cast<double>(members_.front()->traits().horizon_bars);
  const double unit = input.sigma100 * std::sqrt(horizon);
  return (verdict.p[side] * mean[side] - verdict.p[other] * mean[other]) * unit;
}

double Ensemble::confidence(double p_dir, int features_absent) const {
  const double score =
      p_dir_.size() < kLeastVerdicts ? std::clamp(p_dir, 0.35, 0.70) : 0.35 + 0.60 * p_dir_.fraction_below(p_dir);
  return features_absent > kToleratedAbsentFeatures ? score * kAbsentFeaturesFactor : score;
}

/// The first gate that keeps the verdict from being an entry, in the order of ai.md 3.1.
domain::HoldReason Ensemble::gate(const Panel& panel, const EnsembleInput& input, const domain::Signal& verdict) const {
  if (panel.active == 0) return HoldReason::NoActiveModel;
  const bool alone = panel.active == 1;
  if (alone ? !config_.allow_single_model : panel.active < config_.min_active) return HoldReason::TooFewModels;
  const Action side = leaning(verdict);
  if (side == Action::Hold) return HoldReason::ModelsSayHold;
  const std::int32_t needed = (config_.min_consensus * panel.active + 3) / 4;  // rounded up
  if (panel.agreeing(side) < needed) return HoldReason::NoConsensus;
  for (const Panel::Seat& seat : panel.all()) {
    if (seat.counted && seat.prediction.action == opposite(side) && seat.weight > kMaxOpposingWeight)
      return HoldReason::Opposed;
  }
  const double threshold = config_.min_confidence + (verdict.high_volatility ? kHighVolatilityThreshold : 0);
  if (verdict.confidence < threshold) return HoldReason::LowConfidence;
  const double hurdle = config_.cost_multiple * input.round_trip_cost_frac;
  // Written so that a cost that is not a number blocks as well.
  if (config_.require_positive_ev && !(verdict.expected_edge_frac > hurdle)) return HoldReason::NegativeExpectedValue;
  return HoldReason::None;
}

domain::Action leaning(const domain::Signal& verdict) { return action_of(verdict.p, 0); }

}  // namespace qtrader::models
