#include "core/models/ensemble.hpp"

#include <cmath>
#include <limits>

#include "core/base/archive.hpp"
#include "core/base/json.hpp"
#include "core/base/rng.hpp"
#include "core/models/test_baseline.hpp"

namespace qtrader::models {
namespace {

using domain::Action;
using domain::Consensus;
using domain::HoldReason;
using P = std::array<double, 3>;

constexpr auto kPrimary = domain::Timeframe::M15;
constexpr std::size_t kSymbols = 25;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

constexpr P kBuy = {0.1, 0.2, 0.7};
constexpr P kSell = {0.7, 0.2, 0.1};
constexpr P kHold = {0.2, 0.6, 0.2};

/// Says what the test tells it to say.
struct Script {
  P p = kBuy;
  bool valid = true;
};

class ScriptedModel final : public Model {
 public:
  ScriptedModel(ModelTraits traits, const Script& script) : traits_(std::move(traits)), script_(script) {}
  const ModelTraits& traits() const override { return traits_; }
  Prediction predict(const ModelInput&) const override {
    if (!script_.valid) return {.model = traits_.kind, .why_invalid = "scripted"};
    return {.model = traits_.kind, .p = script_.p, .action = action_of(script_.p, kMinMargin), .valid = true};
  }

 private:
  ModelTraits traits_;
  const Script& script_;
};

ModelTraits traits_for(ModelKind kind) {
  return {.kind = kind,
          .schema_id = features::schema_id(kPrimary),
          .artifact_sha256 = std::string(12, 'a') + std::string(52, 'b'),
          .temperature = 1,
          .class_mean_abs_r = {1.0, 0.2, 1.0},
          .horizon_bars = 4};
}

/// An ensemble of scripted members and a market to ask about.
class Bench {
 public:
  using Novelties = std::array<std::shared_ptr<const Novelty>, 4>;  // by ModelKind
  explicit Bench(std::vector<ModelKind> kinds, EnsembleConfig config = {}, const Novelties& novelties = {}) {
    std::vector<std::unique_ptr<Model>> members;
    for (const ModelKind k : kinds) {
      ModelTraits traits = traits_for(k);
      traits.novelty = novelties[static_cast<std::size_t>(k)];
      members.push_back(std::make_unique<ScriptedModel>(std::move(traits), scripts[static_cast<std::size_t>(k)]));
    }
    auto made = Ensemble::create(config, kSymbols, kPrimary, std::move(members));
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message());
    ensemble = std::make_unique<Ensemble>(std::move(made).value());
  }

  /// Asks about the next bar of a symbol.
  domain::Signal next(std::uint16_t symbol = 0) {
    now.symbol = {symbol};
    if (symbol == 0) bar = bar + domain::duration(kPrimary);
    now.bar_close = bar;
    return again();
  }
  domain::Signal again() {
    return ensemble->decide({.now = now, .history = {}, .sigma100 = sigma, .round_trip_cost_frac = cost});
  }
  void all(const P& p) {
    for (Script& s : scripts) s.p = p;
  }
  Script& of(ModelKind kind) { return scripts[static_cast<std::size_t>(kind)]; }

  static features::FeatureVector calm() {
    features::FeatureVector v;
    v.present_mask = ~0ULL;
    v.valid = true;
    v.x[26] = 0.01;  // atr_pct
    v.x[29] = 1.0;   // rv_ratio
    return v;
  }

  std::array<Script, 4> scripts;
  features::FeatureVector now = calm();
  base::Timestamp bar{1'700'000'100'000'000'000};
  double sigma = 0.01;
  double cost = 0.001;
  std::unique_ptr<Ensemble> ensemble;
};

const std::vector<ModelKind> kAll = {ModelKind::XGBoost, ModelKind::LightGBM, ModelKind::NHits, ModelKind::PatchTst};
const std::vector<ModelKind> kTrees = {ModelKind::XGBoost, ModelKind::LightGBM};

double weight_of(const domain::Signal& s, std::string_view model) {
  for (const auto& v : s.votes) {
    if (v.model == model) return v.effective_weight;
  }
  ADD_FAILURE() << model << " did not vote";
  return -1;
}

TEST(Ensemble, UnanimousBuyEntersWithEverythingRecorded) {
  Bench b(kAll);
  b.all(kBuy);
  const auto s = b.next(3);
  EXPECT_EQ(s.action, Action::Buy);
  EXPECT_EQ(s.hold_reason, HoldReason::None);
  EXPECT_EQ(s.symbol.value, 3);
  EXPECT_EQ(s.bar_close, b.now.bar_close);
  EXPECT_EQ(s.consensus, Consensus::Unanimous);
  EXPECT_NEAR(s.p[2], 0.7, 1e-12);
  EXPECT_NEAR(s.p_dir, 0.875, 1e-12);
  EXPECT_NEAR(s.confidence, 0.70, 1e-12);  // no history yet: p_dir clipped to 0.70
  EXPECT_NEAR(s.expected_edge_frac, (0.7 - 0.1) * 0.01 * 2, 1e-12);
  EXPECT_NEAR(s.disagreement, 0, 1e-12);
  EXPECT_EQ(s.horizon_minutes, 60);
  EXPECT_EQ(s.atr_frac, 0.01);
  EXPECT_EQ(s.features.size(), 64U);
  EXPECT_EQ(s.feature_mask, ~0ULL);
  ASSERT_EQ(s.votes.size(), 4U);
  EXPECT_EQ(s.votes[2].model, "nhits");
  EXPECT_EQ(s.votes[2].version, "aaaaaaaaaaaa");
  EXPECT_EQ(s.votes[2].effective_weight, 0.30);
  EXPECT_EQ(s.votes[2].p, kBuy);
  EXPECT_TRUE(s.votes[2].counted);
}

TEST(Ensemble, SellIsTheMirrorOfBuy) {
  Bench b(kAll);
  b.all(kBuy);
  const auto buy = b.next();
  Bench m(kAll);
  m.all(kSell);
  const auto sell = m.next();
  EXPECT_EQ(sell.action, Action::Sell);
  EXPECT_EQ(sell.p_dir, buy.p_dir);
  EXPECT_EQ(sell.confidence, buy.confidence);
  EXPECT_EQ(sell.expected_edge_frac, buy.expected_edge_frac);
}

TEST(Ensemble, EverySubsetOfMembersWorks) {
  for (unsigned mask = 0; mask < 16; ++mask) {
    std::vector<ModelKind> kinds;
    for (unsigned k = 0; k < 4; ++k) {
      if (mask >> k & 1U) kinds.push_back(static_cast<ModelKind>(k));
    }
    Bench b(kinds);
    b.all(kBuy);
    const auto s = b.next();
    ASSERT_EQ(s.votes.size(), kinds.size());
    double total = 0;
    for (const auto& v : s.votes) total += v.effective_weight;
    if (kinds.empty()) {
      EXPECT_EQ(s.hold_reason, HoldReason::NoActiveModel);
      EXPECT_EQ(s.consensus, Consensus::None);
    } else {
      EXPECT_NEAR(total, 1, 1e-12) << mask;
      EXPECT_EQ(s.action, kinds.size() >= 2 ? Action::Buy : Action::Hold) << mask;
      if (kinds.size() == 1) {
        EXPECT_EQ(s.hold_reason, HoldReason::TooFewModels) << mask;
      }
    }
  }
}

TEST(Ensemble, OneModelEntersOnlyIfAllowedAndStillTellsItsSide) {
  Bench b({ModelKind::NHits});
  b.all(kSell);
  const auto s = b.next();
  EXPECT_EQ(s.action, Action::Hold);
  EXPECT_EQ(s.hold_reason, HoldReason::TooFewModels);
  EXPECT_EQ(leaning(s), Action::Sell);
  EXPECT_GT(s.confidence, 0.65);
  Bench allowed({ModelKind::NHits}, {.allow_single_model = true});
  allowed.all(kSell);
  EXPECT_EQ(allowed.next().action, Action::Sell);
}

TEST(Ensemble, ModelThatCannotPredictIsAbsentNotHold) {
  Bench b(kAll);
  b.all(kBuy);
  b.of(ModelKind::PatchTst) = {.p = kSell, .valid = false};
  const auto s = b.next();
  EXPECT_EQ(s.action, Action::Buy);
  EXPECT_EQ(s.consensus, Consensus::Unanimous);
  EXPECT_FALSE(s.votes[3].counted);
  EXPECT_EQ(s.votes[3].effective_weight, 0);
  EXPECT_EQ(s.votes[3].note, "scripted");
  EXPECT_NEAR(s.p[2], 0.7, 1e-12);
  EXPECT_NEAR(weight_of(s, "nhits"), 0.30 / 0.80, 1e-12);
  for (Script& script : b.scripts) script.valid = false;
  const auto none = b.next();
  EXPECT_EQ(none.hold_reason, HoldReason::NoActiveModel);
  EXPECT_EQ(none.p, P{});
  EXPECT_EQ(none.votes.size(), 4U);
}

TEST(Ensemble, LightGbmInheritsTheWeightOfAnAbsentXgboost) {
  Bench b(kAll);
  b.of(ModelKind::XGBoost).valid = false;
  const auto s = b.next();
  EXPECT_NEAR(weight_of(s, "lightgbm"), 0.50, 1e-12);
  EXPECT_NEAR(weight_of(s, "nhits"), 0.30, 1e-12);
  Bench without({ModelKind::LightGBM, ModelKind::PatchTst});
  EXPECT_NEAR(weight_of(without.next(), "lightgbm"), 0.5 / 0.7, 1e-12);
}

TEST(Ensemble, InvalidFeaturesMoveNothingAndAskNobody) {
  Bench b(kAll);
  b.now.valid = false;
  const auto s = b.next();
  EXPECT_EQ(s.hold_reason, HoldReason::FeaturesInvalid);
  EXPECT_TRUE(s.votes.empty());
  Bench untouched(kAll);
  EXPECT_EQ(base::to_bytes(*b.ensemble), base::to_bytes(*untouched.ensemble));
}

/// n members agreeing of m present: which consensus class, and does it pass?
TEST(Ensemble, ConsensusTable) {
  struct Case {
    std::size_t present, agreeing;
    Consensus consensus;
    bool enters;
  };
  const std::vector<Case> cases = {
      {4, 4, Consensus::Unanimous, true}, {4, 3, Consensus::Strong, true}, {4, 2, Consensus::Split, false},
      {3, 3, Consensus::Unanimous, true}, {3, 2, Consensus::Split, false}, {2, 2, Consensus::Unanimous, true},
      {2, 1, Consensus::Split, false},    {4, 1, Consensus::Weak, false},  {3, 1, Consensus::Weak, false},
  };
  for (const Case& c : cases) {
    Bench b(std::vector<ModelKind>(kAll.begin(), kAll.begin() + static_cast<std::ptrdiff_t>(c.present)));
    b.all({0.05, 0.48, 0.47});  // HOLD within the margin, so its pull is small
    for (std::size_t i = 0; i < c.agreeing; ++i) b.scripts[i].p = {0.02, 0.03, 0.95};
    const auto s = b.next();
    ASSERT_EQ(leaning(s), Action::Buy);
    EXPECT_EQ(s.consensus, c.consensus) << c.agreeing << " of " << c.present;
    EXPECT_EQ(s.action == Action::Buy, c.enters) << c.agreeing << " of " << c.present;
    if (!c.enters) {
      EXPECT_EQ(s.hold_reason, HoldReason::NoConsensus);
    }
  }
}

TEST(Ensemble, MinConsensusScalesWithTheActiveSet) {
  Bench strict(kAll, {.min_consensus = 4});
  strict.all(kBuy);
  strict.of(ModelKind::PatchTst).p = kHold;
  EXPECT_EQ(strict.next().hold_reason, HoldReason::NoConsensus);
  Bench lax(kAll, {.min_consensus = 2});
  lax.all(kBuy);
  lax.of(ModelKind::PatchTst).p = kHold;
  lax.of(ModelKind::NHits).p = {0.05, 0.50, 0.45};
  EXPECT_EQ(lax.next().action, Action::Buy);
}

TEST(Ensemble, PooledHoldIsAHoldWithoutASide) {
  Bench b(kAll);
  b.all(kHold);
  const auto s = b.next();
  EXPECT_EQ(s.hold_reason, HoldReason::ModelsSayHold);
  EXPECT_EQ(s.consensus, Consensus::Unanimous);
  EXPECT_EQ(s.p_dir, 0);
  EXPECT_EQ(s.confidence, 0);
  EXPECT_EQ(s.expected_edge_frac, 0);
}

TEST(Ensemble, HeavyDirectOppositionBlocks) {
  Bench b(kAll);
  b.all({0.01, 0.01, 0.98});
  b.of(ModelKind::LightGBM).p = kSell;
  EXPECT_EQ(b.next().action, Action::Buy) << "a quarter of the weight may object";
  b.now.x[29] = 3;  // in high volatility LightGBM weighs 0.45 of 0.975
  b.next();
  const auto s = b.next();
  ASSERT_TRUE(s.high_volatility);
  EXPECT_NEAR(weight_of(s, "lightgbm"), 0.45 / 0.975, 1e-12);
  EXPECT_EQ(leaning(s), Action::Buy);
  EXPECT_EQ(s.hold_reason, HoldReason::Opposed);
  b.of(ModelKind::LightGBM).p = kHold;  // not opposed, only unconvinced
  EXPECT_NE(b.next().hold_reason, HoldReason::Opposed);
}

TEST(Ensemble, ExpectedValueRuleBlocksAWeakEdge) {
  Bench b(kTrees);
  b.all({0.20, 0.35, 0.45});
  const double edge = (0.45 - 0.20) * 0.01 * 2;
  b.cost = edge / 1.5 * 1.001;
  auto s = b.next();
  EXPECT_NEAR(s.expected_edge_frac, edge, 1e-12);
  EXPECT_EQ(s.hold_reason, HoldReason::NegativeExpectedValue);
  b.cost = edge / 1.5 * 0.999;
  EXPECT_EQ(b.next().action, Action::Buy);
  for (const double unknown : {0.0, kNaN, -1.0, std::numeric_limits<double>::infinity()}) {
    b.sigma = unknown;
    s = b.next();
    EXPECT_EQ(s.hold_reason, HoldReason::NegativeExpectedValue) << unknown;
    EXPECT_EQ(s.expected_edge_frac, 0);
  }
  b.sigma = 0.01;
  b.cost = kNaN;
  EXPECT_EQ(b.next().hold_reason, HoldReason::NegativeExpectedValue);
  Bench off(kTrees, {.require_positive_ev = false});
  off.cost = 1;
  EXPECT_EQ(off.next().action, Action::Buy);
}

TEST(Ensemble, LowConfidenceBlocks) {
  Bench b(kTrees);
  b.all({0.25, 0.35, 0.40});  // p_dir 0.615 < 0.65
  const auto s = b.next();
  EXPECT_NEAR(s.confidence, 0.40 / 0.65, 1e-12);
  EXPECT_EQ(s.hold_reason, HoldReason::LowConfidence);
}

TEST(Ensemble, ConfidenceIsTheRankOfPDir) {
  Bench b(kTrees);
  base::Rng rng(5);
  for (int i = 0; i < 3000; ++i) {
    const double p_dir = rng.uniform(0.5, 0.7);
    const double side = 0.6;
    b.all({side * (1 - p_dir), 0.4, side * p_dir});
    b.next();
  }
  const auto confidence_at = [&](double p_dir) {
    b.all({0.6 * (1 - p_dir), 0.4, 0.6 * p_dir});
    return b.again().confidence;
  };
  double last = 0;
  for (double p = 0.5001; p < 0.75; p += 0.001) {
    if (0.6 * p <= 0.4) continue;  // HOLD wins there
    const double c = confidence_at(p);
    EXPECT_GE(c, last);
    EXPECT_GE(c, 0.35);
    EXPECT_LE(c, 0.95);
    last = c;
  }
  EXPECT_EQ(last, 0.95);
  b.now.present_mask = ~0ULL << 4;
  EXPECT_EQ(confidence_at(0.74), 0.95);  // four absent features are tolerated
  b.now.present_mask = ~0ULL << 5;
  EXPECT_NEAR(confidence_at(0.74), 0.95 * 0.9, 1e-12);
}

TEST(Ensemble, DecidingABarAgainMovesNothing) {
  Bench b(kAll);
  b.now.x[29] = 3;
  b.next();
  const auto before = base::to_bytes(*b.ensemble);
  const auto s = b.again();
  EXPECT_EQ(base::to_bytes(*b.ensemble), before);
  EXPECT_FALSE(s.high_volatility);
}

TEST(Ensemble, HighVolatilityHasHysteresis) {
  Bench b(kTrees);
  b.all({0.21, 0.30, 0.49});  // p_dir 0.70
  const auto state_at = [&](double rv_ratio) {
    b.now.x[29] = rv_ratio;
    return b.next().high_volatility;
  };
  EXPECT_FALSE(state_at(2.1));
  EXPECT_FALSE(state_at(1.9));
  EXPECT_FALSE(state_at(2.1)) << "one bar is not two";
  EXPECT_TRUE(state_at(2.1));
  const auto s = b.next();
  EXPECT_NEAR(weight_of(s, "lightgbm"), 0.45 / 0.575, 1e-12);
  EXPECT_NEAR(weight_of(s, "xgboost"), 0.125 / 0.575, 1e-12);
  EXPECT_TRUE(state_at(1.61));
  EXPECT_FALSE(state_at(1.59));
  EXPECT_FALSE(state_at(2.1));
  b.bar = b.bar + domain::duration(kPrimary);  // a bar is missing
  EXPECT_FALSE(state_at(2.1)) << "not consecutive";
  EXPECT_TRUE(state_at(2.1));
}

TEST(Ensemble, HighVolatilityIsPerSymbol) {
  Bench b(kTrees);
  b.now.x[29] = 3;
  b.next(0);
  b.next(0);
  EXPECT_TRUE(b.next(0).high_volatility);
  EXPECT_FALSE(b.next(1).high_volatility);
}

TEST(Ensemble, HighVolatilityByOwnAtrPercentile) {
  Bench b(kTrees);
  base::Rng rng(3);
  for (int i = 0; i < 287; ++i) {
    b.now.x[26] = 0.01 + 0.001 * rng.uniform();
    EXPECT_FALSE(b.next().high_volatility);
  }
  b.now.x[26] = 0.05;
  EXPECT_FALSE(b.next().high_volatility) << "three days are not known yet";
  EXPECT_FALSE(b.next().high_volatility) << "first bar above";
  EXPECT_TRUE(b.next().high_volatility);
  b.now.x[26] = 0.0101;
  EXPECT_FALSE(b.next().high_volatility);
}

TEST(Ensemble, HighVolatilityRaisesTheEntryThreshold) {
  Bench b(kTrees, {.min_confidence = 0.66});
  b.all({0.21, 0.30, 0.49});
  EXPECT_EQ(b.next().action, Action::Buy);
  b.now.x[29] = 3;
  b.next();
  EXPECT_EQ(b.next().hold_reason, HoldReason::LowConfidence) << "0.70 < 0.66 + 0.05";
}

TEST(Ensemble, DegenerateMemberLosesItsVoteAndEarnsItBack) {
  Bench b(kAll);
  base::Rng rng(9);
  const auto round = [&] {
    for (std::uint16_t s = 0; s < kSymbols; ++s) {
      const double d = rng.uniform(-0.3, 0.3);
      b.all({0.4 + d, 0.2, 0.4 - d});
      if (s % 5 == 0) b.all(kHold);
      b.of(ModelKind::PatchTst).p = {0.01, 0.01, 0.98};  // says BUY 0.98 whatever it is asked
      b.next(s);
    }
  };
  for (int r = 0; r < 7; ++r) round();
  EXPECT_TRUE(b.next().votes[3].counted) << "175 predictions do not fill the window";
  for (int r = 0; r < 2; ++r) round();
  auto s = b.next();
  EXPECT_FALSE(s.votes[3].counted);
  EXPECT_EQ(s.votes[3].note, "inactive: degenerate");
  EXPECT_EQ(s.votes[3].effective_weight, 0);
  EXPECT_TRUE(s.votes[0].counted);
  for (int r = 0; r < 20; ++r) round();
  EXPECT_FALSE(b.next().votes[3].counted) << "still degenerate";
  for (int r = 0; r < 12; ++r) {
    for (std::uint16_t sym = 0; sym < kSymbols; ++sym) {
      b.all(rng.below(2) != 0 ? kBuy : kSell);
      b.next(sym);
    }
  }
  EXPECT_TRUE(b.next().votes[3].counted);
}

TEST(Ensemble, FewSymbolsAreNeverJudgedDegenerate) {
  Bench b(kAll);
  b.all(kHold);
  for (int i = 0; i < 50; ++i) {
    for (std::uint16_t s = 0; s < 19; ++s) b.next(s);
  }
  for (const auto& v : b.next().votes) EXPECT_TRUE(v.counted);
}

TEST(Ensemble, DisagreementIsTheJensenShannonDivergence) {
  Bench b(kTrees);
  b.of(ModelKind::XGBoost).p = {1, 0, 0};
  b.of(ModelKind::LightGBM).p = {0, 0, 1};
  const auto s = b.next();
  EXPECT_NEAR(s.disagreement, std::log(2.0), 1e-12);
  EXPECT_EQ(s.hold_reason, HoldReason::ModelsSayHold) << "a tie has no side";
}

std::shared_ptr<const Novelty> plain_novelty(double d95 = 3) {
  NoveltyBaseline baseline = testing::plain_baseline(2);
  baseline.d95 = d95;
  auto made = Novelty::create(std::move(baseline));
  EXPECT_TRUE(made.ok());
  return std::make_shared<const Novelty>(std::move(made).value());
}

TEST(Ensemble, MembersTakenOutOfTheirDepthAreHeardLessOrNotAtAll) {
  // LightGBM has a baseline of its own, PatchTST none.
  Bench b(kAll, {}, {plain_novelty(), plain_novelty(3.5), plain_novelty(), nullptr});
  b.all(kBuy);
  b.now.x[0] = 2;
  auto s = b.next();
  ASSERT_TRUE(s.votes[0].ood_score);
  EXPECT_NEAR(*s.votes[0].ood_score, 0.95 * 2 / 3, 1e-9);
  EXPECT_EQ(s.votes[0].ood_factor, 1);
  EXPECT_EQ(s.votes[0].p, kBuy);
  EXPECT_FALSE(s.votes[3].ood_score);

  b.now.x[0] = 3.8;
  s = b.next();
  EXPECT_NEAR(s.votes[0].ood_factor, std::exp(-0.08), 1e-9);
  EXPECT_NEAR(s.votes[1].ood_factor, std::exp(-0.03), 1e-9);
  EXPECT_NEAR(s.votes[0].p[1], 0.2, 1e-12) << "what it says of HOLD stands";
  EXPECT_NEAR(s.votes[0].p[2] / 0.8, 0.5 + 0.375 * std::exp(-0.08), 1e-9);
  EXPECT_NEAR(s.votes[0].p[0] + s.votes[0].p[1] + s.votes[0].p[2], 1, 1e-12);
  EXPECT_EQ(s.votes[3].p, kBuy);
  double pooled = 0;
  for (const auto& v : s.votes) pooled += v.effective_weight * v.p[2];
  EXPECT_NEAR(s.p[2], pooled, 1e-12) << "the pool is what the record says";
  EXPECT_NEAR(s.expected_edge_frac, (s.p[2] - s.p[0]) * 0.01 * 2, 1e-12) << "and the expected value goes by it";

  b.now.x[0] = 4.5;
  s = b.next();
  EXPECT_FALSE(s.votes[0].counted);
  EXPECT_EQ(s.votes[0].note, "out of distribution");
  EXPECT_EQ(s.votes[0].effective_weight, 0);
  EXPECT_GT(*s.votes[0].ood_score, 0.999);
  EXPECT_TRUE(s.votes[3].counted);
  EXPECT_EQ(s.hold_reason, HoldReason::TooFewModels);
}

/// A market whose next hour agrees with a verdict as often as it is told, and members that know nothing of it.
class World {
 public:
  explicit World(Bench& bench, std::uint64_t seed) : bench_(bench), rng_(seed) { closes_.fill(100); }

  /// One bar of every symbol; `claim` draws P(BUY) of a move, `truth` says how often the price then rises.
  template <class Claim, class Truth, class Sink>
  void bar(Claim&& claim, Truth&& truth, Sink&& sink) {
    for (std::uint16_t s = 0; s < kSymbols; ++s) {
      // What the verdict of four bars ago claimed shows now: one horizon's move, spread over no path.
      auto& waiting = claims_[s];
      if (waiting.size() == 4) {
        const double size = std::abs(rng_.normal()) * bench_.sigma * 2;
        closes_[s] = waiting.front().close * std::exp(rng_.uniform() < truth(waiting.front().p_buy) ? size : -size);
        waiting.erase(waiting.begin());
      }
      const double p_buy = claim(rng_);
      waiting.push_back({p_buy, closes_[s]});
      bench_.all({0.7 * (1 - p_buy), 0.3, 0.7 * p_buy});
      bench_.now.close = closes_[s];
      sink(bench_.next(s));
    }
  }
  base::Rng& rng() { return rng_; }

 private:
  struct Claim {
    double p_buy, close;
  };
  Bench& bench_;
  base::Rng rng_;
  std::array<double, kSymbols> closes_{};
  std::array<std::vector<Claim>, kSymbols> claims_;
};

TEST(Ensemble, CalibratesItsVerdictsOnWhatBecameOfThem) {
  Bench b(kTrees);
  World w(b, 31);
  const auto claim = [](base::Rng& rng) { return rng.uniform(0.6, 0.9); };
  const auto truth = [](double) { return 0.55; };
  domain::Signal first, last;
  for (int bar = 0; bar < 300; ++bar)
    w.bar(claim, truth, [&](domain::Signal s) {
      if (bar == 0) first = s;
      last = std::move(s);
    });
  EXPECT_EQ(first.calibration, 0U);
  EXPECT_EQ(first.p_dir, first.p_dir_raw);
  EXPECT_GT(last.calibration, 0U);
  EXPECT_EQ(last.calibration, b.ensemble->calibrator().current().number);
  EXPECT_EQ(last.calibration_day, b.ensemble->calibrator().current().day);
  EXPECT_EQ(last.p_dir, b.ensemble->calibrator().current()(last.p_dir_raw));
  EXPECT_LT(last.p_dir, 0.68);
  EXPECT_NEAR(last.expected_edge_frac, 0.7 * (2 * last.p_dir - 1) * 0.01 * 2, 1e-12) << "by the calibrated p_dir";
  const auto before = b.again().confidence;
  ASSERT_TRUE(b.ensemble->roll_back_calibration());
  EXPECT_NE(b.again().p_dir, last.p_dir);
  EXPECT_EQ(b.again().confidence, before) << "a rank does not depend on the map";
}

TEST(Ensemble, GivesAnIntervalOnceEnoughHasMatured) {
  Bench b(kTrees);
  World w(b, 32);
  const auto claim = [](base::Rng& rng) { return rng.uniform(0.55, 0.75); };
  const auto truth = [](double p) { return p; };
  int with = 0, without = 0;
  const auto sink = [&](const domain::Signal& s) {
    EXPECT_EQ(s.interval_low_frac.has_value(), s.interval_high_frac.has_value());
    if (!s.interval_low_frac) {
      ++without;
      return;
    }
    ++with;
    EXPECT_LT(*s.interval_low_frac, s.expected_edge_frac);
    EXPECT_GT(*s.interval_high_frac, s.expected_edge_frac);
  };
  for (int bar = 0; bar < 400; ++bar) w.bar(claim, truth, sink);
  EXPECT_EQ(without, 4 * static_cast<int>(kSymbols) + 299)
      << "300 outcomes of verdicts four bars old, the last its own";
  EXPECT_GT(with, 9000);
  EXPECT_NEAR(b.ensemble->interval().coverage(), 0.8, 0.02);
  b.sigma = 0;
  EXPECT_FALSE(b.again().interval_low_frac) << "without a unit nothing is said";
}

TEST(Ensemble, VerdictsMatureOnBarsThatPredictNothing) {
  Bench b(kTrees);
  b.all(kBuy);
  b.now.close = 100;
  b.next();
  b.now.valid = false;
  for (int bar = 0; bar < 3; ++bar) b.next();
  EXPECT_EQ(b.ensemble->calibrator().size(), 0U);
  b.now.close = 101;
  b.next();
  b.again();
  EXPECT_EQ(b.ensemble->calibrator().size(), 1U);
  EXPECT_EQ(b.ensemble->calibrator().reliability().brier, 0.125 * 0.125) << "it said 0.875 and was right";
}

TEST(Ensemble, VerdictsMatureOnBarsThatAreOnlyObserved) {
  Bench b(kTrees);
  b.all(kBuy);
  b.now.close = 100;
  b.next();
  for (int bar = 1; bar <= 4; ++bar) b.ensemble->observe({0}, b.bar + domain::duration(kPrimary) * bar, 99);
  EXPECT_EQ(b.ensemble->calibrator().size(), 1U);
  EXPECT_EQ(b.ensemble->calibrator().reliability().brier, 0.875 * 0.875);
}

/// Probabilities with a rank IC of about 0.02 whose strongest are wrong more often than not, against real costs:
/// 4 bps per side and slippage, 15-minute σ of 0.3 %.
struct WeakModel {
  double spread;  // of the claims around 0.5: what the members think of themselves
  double claim(base::Rng& rng) const { return 0.5 + spread * (2 * rng.uniform() - 1); }
  double truth(double p_buy) const {
    const double lead = (p_buy - 0.5) / spread;  // −1 to 1
    return 0.5 + (std::abs(lead) > 0.9 ? -0.02 : 0.025) * (lead > 0 ? 1 : -1);
  }
};

struct Trades {
  int entries = 0, before_the_rule = 0;
};
Trades trade(const WeakModel& model, const EnsembleConfig& config, int from_bar) {
  Bench b(kTrees, config);
  b.sigma = 0.003;
  b.cost = 0.0012;
  World w(b, 33);
  Trades out;
  for (int bar = 0; bar < 96 * 8; ++bar)
    w.bar([&](base::Rng& rng) { return model.claim(rng); }, [&](double p) { return model.truth(p); },
          [&](const domain::Signal& s) {
            if (bar < from_bar) return;
            out.entries += s.action != Action::Hold;
            out.before_the_rule += s.action != Action::Hold || s.hold_reason == HoldReason::NegativeExpectedValue;
          });
  return out;
}

TEST(Ensemble, AnHonestWeakModelNeverTradesUnderTheExpectedValueRule) {
  // An IC of 0.02 leaves probabilities within a few percent of even.
  const Trades t = trade({0.05}, {.min_margin = 0}, 0);
  EXPECT_EQ(t.entries, 0);
  EXPECT_GT(t.before_the_rule, 1000) << "confidence alone lets the strongest pass, which lose";
  EXPECT_GT(trade({0.05}, {.min_margin = 0, .require_positive_ev = false}, 0).entries, 1000);
}

TEST(Ensemble, AnOverconfidentWeakModelStopsTradingOnceItsVerdictsHaveMatured) {
  const WeakModel boastful{0.25};
  const Trades first_day = trade(boastful, {}, 0);
  EXPECT_GT(first_day.entries, 0) << "nothing is known of it yet";
  const Trades later = trade(boastful, {}, 96 * 2);
  EXPECT_EQ(later.entries, 0);
  EXPECT_GT(later.before_the_rule, 1000);
}

TEST(Ensemble, SnapshotGivesIdenticalFutureVerdicts) {
  const auto shared = plain_novelty();
  Bench a(kAll, {}, {shared, shared, shared, shared});
  Bench b(kAll, {}, {shared, shared, shared, shared});
  base::Rng rng(21);
  const auto step = [&](Bench& bench, std::uint64_t seed, std::uint16_t symbol) {
    base::Rng local(seed);
    for (Script& s : bench.scripts) {
      const double x = local.uniform(), y = local.uniform(), z = local.uniform();
      s = {.p = {x / (x + y + z), y / (x + y + z), z / (x + y + z)}, .valid = local.below(20) != 0};
    }
    bench.now.x[26] = 0.01 + 0.01 * local.uniform();
    bench.now.x[29] = 2.5 * local.uniform();
    bench.now.x[0] = 1.5 * local.normal();
    bench.now.close = 100 * std::exp(0.02 * local.normal());
    bench.now.valid = local.below(50) != 0;
    return bench.next(symbol);
  };
  for (int i = 0; i < 4000; ++i) step(a, rng.next(), static_cast<std::uint16_t>(i % static_cast<int>(kSymbols)));
  ASSERT_TRUE(base::from_bytes(base::to_bytes(*a.ensemble), *b.ensemble));
  b.bar = a.bar;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t seed = rng.next();
    const auto symbol = static_cast<std::uint16_t>(i % static_cast<int>(kSymbols));
    ASSERT_EQ(base::to_json(step(a, seed, symbol)), base::to_json(step(b, seed, symbol))) << i;
  }
  EXPECT_EQ(base::to_bytes(*a.ensemble), base::to_bytes(*b.ensemble));
}

TEST(Ensemble, RefusesMembersThatDoNotFit) {
  const Script script;
  const auto create = [&](std::vector<ModelTraits> traits, EnsembleConfig config = {}) {
    std::vector<std::unique_ptr<Model>> members;
    for (auto& t : traits) members.push_back(std::make_unique<ScriptedModel>(std::move(t), script));
    const auto made = Ensemble::create(config, 1, kPrimary, std::move(members));
    return made.ok() ? std::string("accepted") : std::string(base::to_string(made.error().code));
  };
  const auto changed = [](ModelKind kind, auto&& change) {
    ModelTraits t = traits_for(kind);
    change(t);
    return t;
  };
  const auto x = traits_for(ModelKind::XGBoost);
  EXPECT_EQ(create({x, traits_for(ModelKind::LightGBM)}), "accepted");
  EXPECT_EQ(create({x, x}), "conflict");
  EXPECT_EQ(
      create({changed(ModelKind::XGBoost, [](auto& t) { t.schema_id = features::schema_id(domain::Timeframe::H1); })}),
      "schema mismatch");
  EXPECT_EQ(create({x, changed(ModelKind::NHits, [](auto& t) { t.horizon_bars = 8; })}), "schema mismatch");
  EXPECT_EQ(create({x}, {.weights = {0.6, 0.2, 0.1, 0.1}}), "invalid argument");
  EXPECT_EQ(create({x}, {.weights = {0.3, 0.3, 0.4, 0.0}}), "invalid argument");
  EXPECT_EQ(create({x}, {.min_active = 0}), "invalid argument");
  EXPECT_EQ(create({x}, {.min_consensus = 5}), "invalid argument");
  EXPECT_EQ(create({x}, {.min_confidence = 1.5}), "invalid argument");
  EXPECT_EQ(create({x}, {.min_margin = kNaN}), "invalid argument");
  EXPECT_EQ(create({x}, {.cost_multiple = -1}), "invalid argument");
  EXPECT_EQ(create({x}, {.interval_coverage = 0.49}), "invalid argument");
  EXPECT_EQ(create({x}, {.interval_coverage = 1}), "invalid argument");
}

}  // namespace
}  // namespace qtrader::models
