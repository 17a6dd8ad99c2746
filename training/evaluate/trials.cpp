#include "training/evaluate/trials.hpp"

#include <cmath>

#include "core/base/hash.hpp"
#include "core/base/json.hpp"
#include "core/statistics/moments.hpp"

namespace qtrader::training {
namespace {

constexpr double kDaysPerYear = 365;

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

void put_returns(const EvaluationResult& result, const PortfolioResult& portfolio, store::Trial& trial) {
  if (const auto moments = statistics::moments(portfolio.daily_net)) {
    trial.mean = moments->mean;
    trial.deviation = moments->deviation;
    trial.skewness = moments->skewness;
    trial.kurtosis = moments->kurtosis;
    trial.sharpe_annual = moments->sharpe() * std::sqrt(kDaysPerYear);
  }
  trial.days = portfolio.daily_net.size();
  trial.first_day = result.test_days.front();
  const base::Timestamp first = *base::parse_timestamp(trial.first_day);
  for (std::size_t d = 0; d < portfolio.daily_net.size(); ++d) {
    const base::Duration since = *base::parse_timestamp(result.test_days[d]) - first;
    trial.return_ppb.resize(static_cast<std::size_t>(since.ns / base::days(1).ns));  // days without rows stay empty
    trial.return_ppb.emplace_back(static_cast<std::int64_t>(std::llround(1e9 * portfolio.daily_net[d])));
  }
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
    put_returns(result, *portfolio, trial);
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
