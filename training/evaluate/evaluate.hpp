// Evaluate: what the models are worth on recorded candles, and whether that is more than luck.
//
// Called by qtrader-train. One pass: choose universe and window, build rows with the trading core's own market state
// and features, divide time into folds that share no bar (split.hpp), fit the baselines and the asked kinds on each,
// calibrate on its validation rows, forecast its test rows through the code that serves, let models::Ensemble decide on
// them, pool the test rows of all folds, and measure skill (skill.hpp) and money (trading.hpp) with intervals that
// resample days. Nothing is tuned here, nothing is stored as a model, and "no edge after costs" is a result.
#pragma once

#include <filesystem>

#include "training/card.hpp"
#include "training/evaluate/trading.hpp"
#include "training/universe.hpp"

namespace qtrader::training {

struct EvaluateOptions {
  std::filesystem::path data;
  UniverseRequest universe;
  std::vector<models::ModelKind> models;  // each at most once
  models::LabelSpec labels;
  CrossSpec folds;  // horizon, timeframe are set from labels and universe
  CostModel costs;
  models::EnsembleConfig ensemble;
  FitSettings fit;
  std::uint64_t seed = 1;
  std::int32_t random_draws = 500;
  std::uint32_t resamples = 1000;
  std::function<double()> steady_seconds;  // a monotonic clock for the report's seconds; they are 0 without it
  std::string code_version;
};

/// The first of these that a symbol is in; the rest are "others".
struct SymbolGroup {
  std::string name;
  std::vector<std::string> symbols;
};
QT_DESCRIBE(SymbolGroup, name, symbols)
const std::vector<SymbolGroup>& symbol_groups();

/// A part of the test rows: a symbol group, a regime, high volatility or not.
struct PartResult {
  std::string part;
  std::int64_t rows = 0, days = 0;
  std::optional<Estimate> log_loss, log_loss_skill;  // skill against the prior
  std::optional<Estimate> direction_auc;
  std::optional<RankIc> rank_ic;
  PerTrade strongest_tenth;
};
QT_DESCRIBE(PartResult, part, rows, days, log_loss, log_loss_skill, direction_auc, rank_ic, strongest_tenth)

/// What the rules let through.
struct RuleResult {
  PerTrade trades;
  std::map<std::string, std::int64_t> held_back;  // rows, by domain::HoldReason
  std::optional<PortfolioResult> portfolio;
};
QT_DESCRIBE(RuleResult, trades, held_back, portfolio)

struct ForecasterResult {
  std::string name;
  std::int64_t absent = 0;  // test rows without a forecast of it
  std::optional<ClassSkill> classes;
  BinarySkill movement, direction;
  std::optional<RankIc> rank_ic;
  std::optional<PairedDifference> against_prior, against_logistic;
  bool promotable = false;  // log-loss below both baselines', one-sided 5 % each
  PerTrade strongest_tenth, strongest_hundredth;
  std::optional<PortfolioResult> strongest_tenth_portfolio, strongest_hundredth_portfolio;
  RuleResult gated;           // the ensemble's rules as configured; a single model is let decide alone
  RuleResult expected_value;  // its expected-value rule alone
  std::vector<PartResult> parts;
};
QT_DESCRIBE(ForecasterResult, name, absent, classes, movement, direction, rank_ic, against_prior, against_logistic,
            promotable, strongest_tenth, strongest_hundredth, strongest_tenth_portfolio, strongest_hundredth_portfolio,
            gated, expected_value, parts)

/// One fold for the record.
struct FoldRecord {
  std::vector<PartRecord> train;
  PartRecord validation;
  std::vector<PartRecord> test;
  std::vector<FoldFit> fits;
  std::map<std::string, double> test_log_loss;  // by forecaster, of the rows it forecast
  IsotonicRecord isotonic;
  std::vector<std::string> neutral_features, unable;
};
QT_DESCRIBE(FoldRecord, train, validation, test, fits, test_log_loss, isotonic, neutral_features, unable)

/// Luck among the forecasters' strongest-tenth portfolios, by their daily net returns.
struct SelectionResult {
  std::vector<std::string> variants;
  std::optional<double> overfitting_probability;  // PBO: the best in sample is below the median out of sample
  std::optional<double> spa_p, reality_check_p;   // of "no variant earns anything"
  std::string best;
  std::optional<double> deflated_sharpe;  // probability that the best one's true Sharpe ratio is above 0
};
QT_DESCRIBE(SelectionResult, variants, overfitting_probability, spa_p, reality_check_p, best, deflated_sharpe)

struct EvaluationResult {
  std::string schema = "evaluation/1";
  std::string code_version, data_hash;
  bool synthetic = false;
  std::vector<std::string> symbols;
  domain::Timeframe timeframe = domain::Timeframe::M15, base_timeframe = domain::Timeframe::M5;
  models::LabelSpec labels;
  Scheme scheme = Scheme::Anchored;
  std::int32_t embargo_bars = 120;
  std::uint64_t seed = 1;
  CostModel costs;
  models::EnsembleConfig ensemble;
  std::vector<SymbolGroup> groups;  // members among `symbols`
  DatasetStats dataset;
  std::vector<FoldRecord> folds;
  std::int64_t test_rows = 0, paths = 1;
  std::vector<std::string> test_days;                    // YYYY-MM-DD, UTC; those of PortfolioResult::daily_net
  std::array<std::int64_t, kClassCount> class_counts{};  // of the test rows: SELL, HOLD, BUY
  std::vector<ForecasterResult> forecasters;
  std::optional<PortfolioResult> buy_and_hold;
  SelectionResult selection;
  std::vector<std::string> verdict;  // sentences
  double seconds = 0;
};
QT_DESCRIBE(EvaluationResult, schema, code_version, data_hash, synthetic, symbols, timeframe, base_timeframe, labels,
            scheme, embargo_bars, seed, costs, ensemble, groups, dataset, folds, test_rows, paths, test_days,
            class_counts, forecasters, buy_and_hold, selection, verdict, seconds)

/// Errors: InvalidArgument (too few rows, options), those of the universe and the data; Interrupted.
base::Result<EvaluationResult> evaluate(const EvaluateOptions& options, const Progress& progress);

/// The part of evaluate() that knows no files: folds, fits and measurements of a dataset whose lanes have these names.
/// Fills what depends on nothing else.
base::Result<EvaluationResult> evaluate_dataset(const Dataset& dataset, const std::vector<std::string>& symbols,
                                                const EvaluateOptions& options, const Progress& progress);

}  // namespace qtrader::training
