#include "training/evaluate/evaluate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/base/json.hpp"
#include "training/evaluate/evaluation_text.hpp"
#include "training/evaluate/test_market.hpp"
#include "training/evaluate/trials.hpp"

namespace qtrader::training {
namespace {

using models::ModelKind;

EvaluateOptions options(std::uint64_t seed = 1) {
  EvaluateOptions out;
  out.universe.primary = domain::Timeframe::H1;
  out.models = {ModelKind::XGBoost, ModelKind::LightGBM};
  out.labels = test_labels();
  out.folds.folds = 2;
  out.folds.embargo_bars = 20;
  out.fit.threads = 1;
  out.seed = seed;
  out.resamples = 200;
  out.random_draws = 99;
  out.code_version = "test";
  return out;
}

EvaluationResult run(const TestMarket& market, const EvaluateOptions& o) {
  const Dataset dataset = make_dataset(market);
  auto result = evaluate_dataset(dataset, test_symbols(market), o, {});
  EXPECT_TRUE(result) << (result ? "" : result.error().message());
  return result ? std::move(*result) : EvaluationResult{};
}

const ForecasterResult& find(const EvaluationResult& result, std::string_view name) {
  const auto it = std::ranges::find(result.forecasters, name, &ForecasterResult::name);
  QT_CHECK(it != result.forecasters.end(), "a forecaster of this name");
  return *it;
}

/// QT_NOISE_ROUNDS=300 for a sharper look.
int noise_rounds() {
  const char* text = std::getenv("QT_NOISE_ROUNDS");
  return text != nullptr ? std::atoi(text) : 60;
}

TEST(Evaluate, FindsAPlantedSignal) {
  EvaluateOptions o = options();
  o.folds.folds = 1;
  const EvaluationResult result = run({.signal = 0.5}, o);
  ASSERT_EQ(result.forecasters.size(), 6U);
  EXPECT_EQ(result.forecasters.front().name, kPrior);
  for (const std::string_view name :
       {std::string_view("xgboost"), std::string_view("lightgbm"), kLogistic, kEnsemble, kEnsembleIsotonic}) {
    SCOPED_TRACE(name);
    const ForecasterResult& f = find(result, name);
    ASSERT_TRUE(f.classes && f.rank_ic && f.against_prior && f.direction.auc);
    EXPECT_GT(f.against_prior->low, 0);
    EXPECT_GT(f.direction.auc->low, 0.5);
    EXPECT_GT(f.rank_ic->mean.low, 0);
    EXPECT_LT(f.rank_ic->p_two_sided, 0.001);
    EXPECT_GT(f.strongest_tenth.gross_bps->low, 0);
    EXPECT_LT(f.classes->ece.value, 0.06);
    const bool pools = name == kEnsemble || name == kEnsembleIsotonic;  // and believes nobody about the unheard-of
    EXPECT_LE(f.absent, pools ? result.test_rows / 200 : 0);
  }
  const ForecasterResult& ensemble = find(result, kEnsemble);
  EXPECT_GT(ensemble.strongest_tenth.net_bps->low, 0);
  ASSERT_TRUE(ensemble.strongest_tenth_portfolio && ensemble.strongest_tenth_portfolio->random);
  EXPECT_LT(ensemble.strongest_tenth_portfolio->random->p_value, 0.05);
  EXPECT_GT(ensemble.expected_value.trades.trades, 100);
  EXPECT_GT(ensemble.expected_value.trades.net_bps->value, 0);
  EXPECT_EQ(result.verdict.front().substr(0, 5), "Earns");
}

TEST(Evaluate, EveryTestRowIsAccountedFor) {
  EvaluateOptions o = options();
  o.models = {ModelKind::LightGBM};
  const EvaluationResult result = run({.signal = 0.3}, o);
  std::int64_t tested = 0;
  for (const FoldRecord& fold : result.folds) {
    for (const PartRecord& part : fold.test) tested += part.rows;
    EXPECT_EQ(fold.fits.size(), 2U);  // and logistic regression
    EXPECT_TRUE(fold.unable.empty());
  }
  EXPECT_EQ(result.test_rows, tested);
  EXPECT_EQ(result.class_counts[0] + result.class_counts[1] + result.class_counts[2], tested);
  for (const ForecasterResult& f : result.forecasters) {
    if (f.name == kPrior) continue;  // says the same of every row: it does not trade
    std::int64_t held = 0;
    for (const auto& [reason, rows] : f.gated.held_back) held += rows;
    EXPECT_EQ(held + f.gated.trades.trades, tested) << f.name;
    std::int64_t in_groups = 0;
    for (const PartResult& part : f.parts)
      if (part.part.starts_with("symbols: ")) in_groups += part.rows;
    EXPECT_EQ(in_groups + f.absent, tested) << f.name;
  }
  ASSERT_EQ(result.groups.size(), 3U);
  EXPECT_EQ(result.groups[0].symbols, std::vector<std::string>{"BTCUSDT"});
}

TEST(Evaluate, TheSameSeedGivesTheSameResult) {
  const TestMarket market{.days = 60, .signal = 0.3};
  const auto once = [&](std::uint64_t seed) {
    EvaluateOptions o = options(seed);
    o.models = {ModelKind::LightGBM};
    return run(market, o);
  };
  const EvaluationResult a = once(7), b = once(7), c = once(8);
  EXPECT_EQ(base::to_json(a), base::to_json(b));
  EXPECT_NE(base::to_json(a), base::to_json(c));
}

/// A model that knows next to nothing states edges far below what a round trip costs, and the ensemble's own rule keeps
/// it from trading.
TEST(Evaluate, TheExpectedValueRuleKeepsAWeakModelFromTrading) {
  EvaluateOptions o = options();
  o.folds.folds = 1;
  const EvaluationResult weak = run({.signal = 0.05, .sigma = 0.002}, o);
  const ForecasterResult& ensemble = find(weak, kEnsemble);
  EXPECT_LT(static_cast<double>(ensemble.expected_value.trades.trades), 0.01 * static_cast<double>(weak.test_rows));
  EXPECT_LE(ensemble.gated.trades.trades, ensemble.expected_value.trades.trades);
  EXPECT_EQ(weak.verdict.front(), "No edge after costs.");
  EvaluateOptions free = o;
  free.costs = {.taker_fee_frac = 0, .slippage_bps = 0, .slippage_bps_per_atr = 0};
  const EvaluationResult without_costs = run({.signal = 0.05, .sigma = 0.002}, free);
  EXPECT_GT(find(without_costs, kEnsemble).expected_value.trades.trades, 100);  // it is the costs that hold it back
}

TEST(Evaluate, CrossValidationSchemesJudgeEveryRowAsOftenAsTheyHavePaths) {
  for (const Scheme scheme : {Scheme::KFold, Scheme::Cpcv, Scheme::Rolling}) {
    EvaluateOptions o = options();
    o.models = {ModelKind::LightGBM};
    o.folds.scheme = scheme;
    o.folds.folds = 4;
    const TestMarket market{.signal = 0.4};
    const EvaluationResult result = run(market, o);
    const auto rows = static_cast<std::int64_t>(make_dataset(market).size());
    EXPECT_EQ(result.paths, scheme == Scheme::Cpcv ? 3 : 1);  // 2/4 · C(4, 2)
    if (scheme != Scheme::Rolling) {
      EXPECT_EQ(result.test_rows, rows * result.paths);
    }
    const ForecasterResult& model = find(result, "lightgbm");
    EXPECT_GT(model.rank_ic->mean.low, 0);
    EXPECT_EQ(model.strongest_tenth_portfolio->path_sharpes.size(), static_cast<std::size_t>(result.paths));
    EXPECT_TRUE(result.selection.overfitting_probability);
  }
}

/// p-values of 60 markets without anything to know: uniform, and the promotion rule passes no more often than its 5 %.
TEST(Evaluate, NothingToKnowGivesUniformPValuesAndNoPromotions) {
  const int rounds = noise_rounds();
  std::map<std::string, std::vector<double>> p;
  int promoted = 0, judged = 0;
  for (int round = 0; round < rounds; ++round) {
    EvaluateOptions o = options(static_cast<std::uint64_t>(100 + round));
    o.models = {round % 2 == 0 ? ModelKind::XGBoost : ModelKind::LightGBM};
    o.folds.folds = 1;
    o.resamples = 100;
    const EvaluationResult result = run({.symbols = 3, .days = 90, .seed = static_cast<std::uint64_t>(round)}, o);
    for (const std::string_view name : {models::name(o.models.front()), kLogistic}) {
      const ForecasterResult& f = find(result, name);
      ASSERT_TRUE(f.rank_ic) << name;
      p[f.name + " rank IC"].push_back(f.rank_ic->p_two_sided);
      if (f.strongest_tenth_portfolio && f.strongest_tenth_portfolio->random)
        p[f.name + " random entries"].push_back(f.strongest_tenth_portfolio->random->p_value);
      if (name == kLogistic) continue;
      ++judged;
      promoted += f.promotable ? 1 : 0;
    }
  }
  for (auto& [what, values] : p) {
    std::ranges::sort(values);
    const auto n = static_cast<double>(values.size());
    double distance = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      distance = std::max(distance, std::abs(values[i] - (static_cast<double>(i) + 0.5) / n));
    std::string deciles;
    for (int d = 0; d < 10; ++d)
      deciles += std::to_string(std::ranges::count_if(
                     values, [&](double v) { return v >= d / 10.0 && (v < (d + 1) / 10.0 || d == 9); })) +
                 " ";
    // Kolmogorov–Smirnov at 0.2 %, for there are six looks.
    EXPECT_LT(distance, 1.86 / std::sqrt(n)) << what << ", by tenths: " << deciles;
    RecordProperty(what.substr(0, what.find(' ')) + (what.ends_with("IC") ? "_ic" : "_random"), deciles);
  }
  EXPECT_EQ(judged, rounds);
  const double nominal = 0.05 * rounds;
  EXPECT_LE(promoted, nominal + 3 * std::sqrt(nominal));  // both baselines have to be beaten, each at 5 %
}

TEST(Evaluate, WritesTablesAndTrials) {
  EvaluateOptions o = options();
  o.models = {ModelKind::LightGBM};
  const EvaluationResult result = run({.days = 60, .signal = 0.5}, o);
  const std::string markdown = to_markdown(result), terminal = to_terminal(result);
  for (const std::string_view part : {"## Forecasts", "## Portfolios", "ensemble+isotonic", "buy and hold", "Parts:"})
    EXPECT_NE(markdown.find(part), std::string::npos) << part;
  EXPECT_NE(terminal.find("Movement and direction"), std::string::npos);
  const auto trials = trials_of(result);
  ASSERT_GE(trials.size(), 5U);
  for (const store::Trial& trial : trials) {
    EXPECT_EQ(trial.kind, "evaluation");
    EXPECT_EQ(trial.days, result.test_days.size());
    EXPECT_EQ(trial.return_ppb.size(), trial.days);
    EXPECT_EQ(trial.models, std::vector<std::string>{"lightgbm"});
  }
  EXPECT_NE(store::trial_id(trials[0]), store::trial_id(trials[1]));
}

TEST(Evaluate, RefusesWhatItCannotDo) {
  const TestMarket market{.symbols = 2, .days = 90};
  const Dataset dataset = make_dataset(market);
  const auto error = [&](auto change) {
    EvaluateOptions o = options();
    change(o);
    const auto result = evaluate_dataset(dataset, test_symbols(market), o, {});
    EXPECT_FALSE(result);
    return result ? base::Error{} : result.error();
  };
  EXPECT_EQ(error([](EvaluateOptions& o) { o.models = {ModelKind::XGBoost, ModelKind::XGBoost}; }).code,
            base::Errc::InvalidArgument);
  EXPECT_EQ(error([](EvaluateOptions& o) { o.folds.folds = 0; }).code, base::Errc::InvalidArgument);
  EXPECT_EQ(error([](EvaluateOptions& o) { o.fit.threads = 0; }).code, base::Errc::InvalidArgument);
  EXPECT_NE(error([](EvaluateOptions& o) { o.folds.folds = 20; }).context.find("fewer folds"), std::string::npos);
  EvaluateOptions o = options();
  const auto cancelled = evaluate_dataset(dataset, test_symbols(market), o, [](std::string_view stage, auto, auto) {
    return stage.find("lightgbm") == std::string_view::npos;
  });
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, base::Errc::Interrupted);
}

}  // namespace
}  // namespace qtrader::training
