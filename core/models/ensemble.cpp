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
constexpr std::size_t kNone = kKinds;
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
  if (!(c.interval_coverage >= 0.50 && c.interval_coverage <= 0.99))
    return invalid("interval_coverage", c.interval_coverage, "0.50 to 0.99");
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

/// From the bar decided on to the close that the members predict; 0 without members.
base::Duration horizon_of(const std::vector<std::unique_ptr<Model>>& members, domain::Timeframe primary) {
  return members.empty() ? base::Duration{} : domain::duration(primary) * members.front()->traits().horizon_bars;
}

/// Takes the directional part of p nearer to even, whatever it says of HOLD.
void shrink(std::array<double, 3>& p, double factor) {
  const double directional = p[index(Action::Sell)] + p[index(Action::Buy)];
  if (factor == 1 || !(directional > 0)) return;
  const double buy = 0.5 + (p[index(Action::Buy)] / directional - 0.5) * factor;
  p[index(Action::Buy)] = directional * buy;
  p[index(Action::Sell)] = directional - p[index(Action::Buy)];
}

}  // namespace

/// The members' answers to one question, and how they are counted. By member, in the ensemble's order.
struct Ensemble::Panel {
  struct Seat {
    const ModelTraits* traits = nullptr;
    Prediction prediction;  // shrunk as far as the vector is novel; its action at the configured margin
    std::optional<Novelty::Reading> novelty;
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
      p_dir_(kVerdictWindow),
      pending_(symbols, horizon_of(members_, primary)),
      calibrator_(horizon_of(members_, primary)),
      interval_(config.interval_coverage) {
  share_baselines();
}

/// Members trained on the same rows carry the same baseline: it is measured once for all of them.
void Ensemble::share_baselines() {
  for (std::size_t m = 0; m < members_.size(); ++m) {
    const Novelty* const own = members_[m]->traits().novelty.get();
    const auto same = std::ranges::find_if(
        baselines_, [own](const Novelty* b) { return own != nullptr && b->baseline() == own->baseline(); });
    baseline_of_[m] = static_cast<std::size_t>(same - baselines_.begin());
    if (own != nullptr && same == baselines_.end()) baselines_.push_back(own);
    if (own == nullptr) baseline_of_[m] = kNone;
  }
}

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
  observe(now.symbol, now.bar_close, now.close);
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
    judge(panel, input, out);
    if (fresh) remember(input, out);
  }
  out.hold_reason = gate(panel, input, out);
  if (out.hold_reason == HoldReason::None) out.action = side;
  return out;
}

void Ensemble::observe(domain::SymbolId symbol, base::Timestamp bar_close, double close) {
  QT_CHECK(symbol.value < volatility_.size(), "symbol of a bar");
  const auto matured = pending_.mature(symbol, bar_close, close);
  if (!matured) return;
  const PendingVerdict& v = matured->verdict;
  calibrator_.add({v.bar_close, v.p_dir_raw, v.p_dir, matured->log_return > 0}, bar_close);
  if (v.unit > 0) interval_.add(bar_close, v, matured->log_return / v.unit);
}

Ensemble::Panel Ensemble::ask(const EnsembleInput& input, bool fresh) {
  Panel panel;
  std::array<Novelty::Reading, kKinds> novelty;
  for (std::size_t b = 0; b < baselines_.size(); ++b) novelty[b] = baselines_[b]->measure(input.now.x);
  for (const auto& member : members_) {
    const std::size_t baseline = baseline_of_[panel.size];
    Panel::Seat& seat = panel.seats[panel.size++];
    if (baseline != kNone) seat.novelty = novelty[baseline];
    seat.traits = &member->traits();
    seat.prediction = member->predict({input.now, input.history});
    if (!seat.prediction.valid) {
      seat.note = seat.prediction.why_invalid;
      continue;
    }
    if (seat.novelty && seat.novelty->too_far()) {
      seat.prediction.valid = false;
      seat.note = "out of distribution";
      continue;
    }
    seat.prediction.action = action_of(seat.prediction.p, config_.min_margin);
    DegeneracyGuard& guard = guards_[index(seat.traits->kind)];
    if (fresh) guard.add(input.now.symbol, seat.prediction);  // what the member says, not what is left of it
    if (seat.novelty) {
      shrink(seat.prediction.p, seat.novelty->factor);
      seat.prediction.action = action_of(seat.prediction.p, config_.min_margin);
    }
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
    if (seat.novelty) {
      vote.ood_score = seat.novelty->score;
      vote.ood_factor = seat.novelty->factor;
    }
    if (!seat.counted) continue;
    for (std::size_t c = 0; c < 3; ++c) out.p[c] += seat.weight * seat.prediction.p[c];
    mean_entropy += seat.weight * entropy(seat.prediction.p);
  }
  out.disagreement = std::max(0.0, entropy(out.p) - mean_entropy);
  out.consensus = consensus_of(panel.agreeing(leaning(out)), panel.active);
}

/// What is said of the side a verdict leans to: probability, confidence, expected move and its interval.
void Ensemble::judge(const Panel& panel, const EnsembleInput& input, domain::Signal& out) const {
  const CalibrationMap& map = calibrator_.current();
  out.p_dir_raw = out.p[index(leaning(out))] / (out.p[index(Action::Sell)] + out.p[index(Action::Buy)]);
  out.p_dir = calibrator_.apply(out.p_dir_raw);
  out.calibration = map.number;
  out.calibration_day = map.day;
  out.confidence = confidence(out, input.now.cleared());
  const double unit = horizon_sigma(input.sigma100);
  out.expected_edge_frac = expected_edge(panel, out, unit);
  const auto around = interval_.residual_bounds();
  if (!around || unit == 0) return;
  out.interval_low_frac = out.expected_edge_frac + around->low * unit;
  out.interval_high_frac = out.expected_edge_frac + around->high * unit;
}

/// σ100·√H, the unit of class means and residuals; 0 if not known.
double Ensemble::horizon_sigma(double sigma100) const {
  if (!(sigma100 > 0) || !std::isfinite(sigma100)) return 0;
  return sigma100 * std::sqrt(static_cast<double>(members_.front()->traits().horizon_bars));
}

/// P_side·μ_side − P_opp·μ_opp, μ = class mean |r| in units of σ100·√H, pooled like the probabilities (ai.md 0.3). The
/// two P are what the pool says of a move at all, divided by the calibrated p_dir.
double Ensemble::expected_edge(const Panel& panel, const domain::Signal& verdict, double unit) const {
  std::array<double, 3> mean{};
  for (const Panel::Seat& seat : panel.all()) {
    for (std::size_t c = 0; c < 3; ++c) mean[c] += seat.weight * seat.traits->class_mean_abs_r[c];
  }
  const std::size_t side = index(leaning(verdict));
  const std::size_t other = index(opposite(leaning(verdict)));
  const double moves = verdict.p[side] + verdict.p[other];
  return moves * (verdict.p_dir * mean[side] - (1 - verdict.p_dir) * mean[other]) * unit;
}

/// Selectivity: the verdict's rank among the last ones (ai.md 0.3); its clipped p_dir while there are few.
double Ensemble::confidence(const domain::Signal& verdict, int features_absent) const {
  const double score = p_dir_.size() < kLeastVerdicts ? std::clamp(verdict.p_dir, 0.35, 0.70)
                                                      : 0.35 + 0.60 * p_dir_.fraction_below(verdict.p_dir_raw);
  return features_absent > kToleratedAbsentFeatures ? score * kAbsentFeaturesFactor : score;
}

/// For ranks, and to be compared with its outcome. Without a close nothing can be compared.
void Ensemble::remember(const EnsembleInput& input, const domain::Signal& verdict) {
  p_dir_.push(verdict.p_dir_raw);
  if (!(input.now.close > 0)) return;
  PendingVerdict pending{.bar_close = input.now.bar_close,
                         .close = input.now.close,
                         .buy = leaning(verdict) == Action::Buy,
                         .p_dir_raw = verdict.p_dir_raw,
                         .p_dir = verdict.p_dir,
                         .unit = horizon_sigma(input.sigma100),
                         .edge = 0,
                         .bounds = {}};
  if (pending.unit > 0) pending.edge = verdict.expected_edge_frac / pending.unit;
  if (verdict.interval_low_frac && verdict.interval_high_frac)
    pending.bounds = Bounds{*verdict.interval_low_frac / pending.unit, *verdict.interval_high_frac / pending.unit};
  pending_.add(input.now.symbol, pending);
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
