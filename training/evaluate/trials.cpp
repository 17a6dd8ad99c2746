#include "training/evaluate/trials.hpp"

#include "core/base/hash.hpp"
#include "core/base/json.hpp"
#include "edge/store/trial_returns.hpp"

namespace qtrader::training {
namespace {

/// What was set, beyond what a trial names: the same settings on the same data are the same trial.
struct Settings {
  models::LabelSpec labels;
  Scheme scheme = Scheme::Anchored;
  std::int64_t folds = 0;
  std::int32_t embargo_bars = 0;
  models::EnsembleConfig ensemble;
  std::vector<std::string> models;
};
QT_DESCRIBE(Settings, labels, scheme, folds, embargo_bars, ensemble, models)

std::vector<std::string> model_names(const EvaluationResult& result) {
  std::vector<std::string> out;
  for (const ForecasterResult& f : result.forecasters)
    if (f.name != kPrior && f.name != kLogistic && f.name != kEnsemble && f.name != kEnsembleIsotonic)
      out.push_back(f.name);
  return out;
}

std::vector<store::DailyReturn> dated(const EvaluationResult& result, const PortfolioResult& portfolio) {
  std::vector<store::DailyReturn> out;
  for (std::size_t d = 0; d < portfolio.daily_net.size(); ++d)
    out.push_back({*base::parse_timestamp(result.test_days[d]), portfolio.daily_net[d]});
  return out;
}

}  // namespace

std::vector<store::Trial> trials_of(const EvaluationResult& result) {
  std::vector<store::Trial> out;
  if (result.test_days.empty()) return out;
  const Settings settings{result.labels,       result.scheme,   static_cast<std::int64_t>(result.folds.size()),
                          result.embargo_bars, result.ensemble, model_names(result)};
  store::Trial common;
  common.kind = "evaluation";
  common.config_hash = base::sha256_hex(base::to_json(settings));
  common.venue_hash = base::sha256_hex(base::to_json(result.costs));
  common.data_hash = result.data_hash;
  common.models = settings.models;
  common.symbols = result.symbols;
  common.timeframe = domain::to_string(result.timeframe);
  common.from_ms = base::parse_timestamp(result.test_days.front())->unix_ms();
  common.to_ms = (*base::parse_timestamp(result.test_days.back()) + base::days(1)).unix_ms();
  common.seed = result.seed;
  common.synthetic = result.synthetic;
  const auto add = [&](const std::string& strategy, const std::optional<PortfolioResult>& portfolio) {
    if (!portfolio) return;
    store::Trial trial = common;
    trial.strategy = strategy;
    store::put_returns(trial, dated(result, *portfolio));
    out.push_back(std::move(trial));
  };
  for (const ForecasterResult& f : result.forecasters) {
    add(f.name + ", strongest tenth", f.strongest_tenth_portfolio);
    add(f.name + ", strongest hundredth", f.strongest_hundredth_portfolio);
    add(f.name + ", all rules", f.gated.portfolio);
  }
  return out;
}

}  // namespace qtrader::training
