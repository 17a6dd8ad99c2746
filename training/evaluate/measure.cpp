#include "training/evaluate/measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "core/statistics/data_snooping.hpp"
#include "core/statistics/moments.hpp"
#include "core/statistics/overfitting.hpp"
#include "core/statistics/sharpe.hpp"

namespace qtrader::training {
namespace {

constexpr double kTenth = 0.10, kHundredth = 0.01;
constexpr double kLevel = 0.05;          // of the promotion's one-sided tests
constexpr std::size_t kLeastPart = 500;  // rows of a part that is worth a line
constexpr std::size_t kCscvBlocks = 10;

using Keep = std::function<bool(const PooledRow&)>;

struct Part {
  std::string name;
  Keep keep;
};

/// Name of the group of each lane.
std::vector<std::string> groups_of(const std::vector<std::string>& symbols) {
  std::vector<std::string> out;
  for (const std::string& symbol : symbols) {
    out.emplace_back("others");
    for (const SymbolGroup& group : symbol_groups())
      if (std::ranges::find(group.symbols, symbol) != group.symbols.end()) out.back() = group.name;
  }
  return out;
}

std::vector<Part> parts_of(const std::vector<std::string>& symbols) {
  std::vector<Part> out;
  const std::vector<std::string> group_of = groups_of(symbols);
  std::vector<std::string> names;
  for (const SymbolGroup& group : symbol_groups()) names.push_back(group.name);
  names.emplace_back("others");
  for (const std::string& group : names)
    out.push_back(
        {"symbols: " + group, [group, group_of](const PooledRow& row) { return group_of[row.symbol.value] == group; }});
  using domain::Regime;
  for (const Regime regime : {Regime::TrendUp, Regime::TrendDown, Regime::RangeLowVol, Regime::RangeHighVol,
                              Regime::HighVolatility, Regime::Illiquid, Regime::Unknown})
    out.push_back({"regime: " + std::string(base::enum_name(regime)),
                   [regime](const PooledRow& row) { return row.regime == regime; }});
  out.push_back({"high volatility", [](const PooledRow& row) { return row.high_volatility; }});
  out.push_back({"ordinary volatility", [](const PooledRow& row) { return !row.high_volatility; }});
  return out;
}

std::optional<Estimate> log_loss_skill(const Sample& sample, const ResampleSpec& spec) {
  statistics::Panel sums(sample.days(), 2);
  for (std::size_t i = 0; i < sample.size(); ++i) {
    sums.at(sample.day(i), 0) += log_loss_of(sample.row(i).label, sample.forecast(i));
    sums.at(sample.day(i), 1) += log_loss_of(sample.row(i).label, sample.prior(i));
  }
  return estimate(sums, [](std::span<const double> s) { return 1 - s[0] / s[1]; }, spec);
}

std::optional<Estimate> mean_log_loss(const Sample& sample, const ResampleSpec& spec) {
  statistics::Panel sums(sample.days(), 2);
  for (std::size_t i = 0; i < sample.size(); ++i) {
    sums.at(sample.day(i), 0) += log_loss_of(sample.row(i).label, sample.forecast(i));
    sums.at(sample.day(i), 1) += 1;
  }
  return ratio_estimate(sums, spec);
}

PartResult measure_part(const std::string& name, const Sample& sample, bool trades, const ResampleSpec& spec) {
  PartResult out;
  out.part = name;
  out.rows = static_cast<std::int64_t>(sample.size());
  out.days = static_cast<std::int64_t>(sample.days());
  out.log_loss = mean_log_loss(sample, spec);
  out.log_loss_skill = log_loss_skill(sample, spec);
  out.direction_auc = direction_skill(sample, spec).auc;
  if (!trades) return out;
  out.rank_ic = rank_ic(sample, spec);
  out.strongest_tenth = per_trade(sample.pool(), strongest(sample, kTenth), spec);
  return out;
}

RuleResult rule(const Pool& pool, const std::vector<Verdict>& verdicts, const PortfolioSpec& spec) {
  const std::vector<Trade> trades = entries(verdicts);
  return {per_trade(pool, trades, spec.resample), held_back(verdicts), portfolio(pool, trades, spec)};
}

bool beats(const std::optional<PairedDifference>& difference) { return difference && difference->p_better < kLevel; }

void measure_trades(const Pool& pool, const PooledForecaster& forecaster, const PortfolioSpec& spec,
                    ForecasterResult& out) {
  const Sample sample(pool, forecaster);
  const std::vector<Trade> tenth = strongest(sample, kTenth);
  out.strongest_tenth = per_trade(pool, tenth, spec.resample);
  out.strongest_tenth_portfolio = portfolio(pool, tenth, spec);
  const std::vector<Trade> hundredth = strongest(sample, kHundredth);
  out.strongest_hundredth = per_trade(pool, hundredth, spec.resample);
  out.strongest_hundredth_portfolio = portfolio(pool, hundredth, spec);
  out.gated = rule(pool, forecaster.gated, spec);
  out.expected_value = rule(pool, forecaster.expected_value, spec);
}

/// The prior says the same of every row of a fold: it takes part in the scores, not in the trading.
ForecasterResult measure_one(const Pool& pool, const PooledForecaster& forecaster, const MeasureSpec& spec) {
  const ResampleSpec& resample = spec.portfolio.resample;
  const Sample sample(pool, forecaster);
  ForecasterResult out;
  out.name = forecaster.name;
  out.absent = static_cast<std::int64_t>(pool.rows.size() - sample.size());
  out.classes = class_skill(sample, resample);
  out.movement = movement_skill(sample, resample);
  out.direction = direction_skill(sample, resample);
  if (forecaster.name != kPrior) out.rank_ic = rank_ic(sample, resample);
  if (forecaster.name != kPrior) out.against_prior = against(sample, *pool.find(kPrior));
  if (forecaster.name != kPrior && forecaster.name != kLogistic)
    out.against_logistic = against(sample, *pool.find(kLogistic));
  out.promotable = beats(out.against_prior) && beats(out.against_logistic);
  for (const Part& part : parts_of(spec.symbols)) {
    const Sample rows(pool, forecaster, part.keep);
    if (rows.size() >= kLeastPart)
      out.parts.push_back(measure_part(part.name, rows, forecaster.name != kPrior, resample));
  }
  if (forecaster.name != kPrior) measure_trades(pool, forecaster, spec.portfolio, out);
  return out;
}
std::string interval(const Estimate& e, int digits) {
  return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", e.value, digits, e.low, digits, e.high, digits);
}

/// Earns more than it costs: the interval of a trade's net result and that of the portfolio's Sharpe ratio are above 0,
/// little of luck does as well, and it is not the work of one day.
bool earns(const PerTrade& trades, const std::optional<PortfolioResult>& portfolio) {
  return trades.net_bps_without_best_day && *trades.net_bps_without_best_day > 0 && trades.net_bps &&
         trades.net_bps->low > 0 && portfolio && portfolio->net_sharpe && portfolio->net_sharpe->low > 0 &&
         portfolio->random && portfolio->random->p_value < kLevel;
}

std::string sentence_on_scores(const ForecasterResult& f) {
  std::string out = f.name + ": ";
  if (!f.classes || !f.against_prior) return out + "too few days to judge";
  out += "log-loss " + interval(f.classes->log_loss, 4);
  out += beats(f.against_prior) ? ", significantly below the class prior" : ", not significantly below the class prior";
  if (f.against_logistic)
    out += beats(f.against_logistic) ? " and logistic regression" : "; not significantly below logistic regression";
  if (f.movement.auc) out += "; movement AUC " + interval(*f.movement.auc, 3);
  if (f.direction.auc) out += "; direction AUC " + interval(*f.direction.auc, 3);
  return out;
}

std::string sentence_on_rule(const std::string& what, const PerTrade& t) {
  if (t.trades == 0) return what + " let nothing through";
  std::string out = fmt::format("{} let {} signals through", what, t.trades);
  if (t.gross_bps && t.net_bps)
    out += fmt::format(": {} bps each before costs, {} after", interval(*t.gross_bps, 1), interval(*t.net_bps, 1));
  return out;
}

}  // namespace

const std::vector<SymbolGroup>& symbol_groups() {
  static const std::vector<SymbolGroup> kGroups = {{"majors", {"BTCUSDT", "ETHUSDT"}},
                                                   {"l1",
                                                    {"ADAUSDT", "APTUSDT", "AVAXUSDT", "BNBUSDT", "DOTUSDT", "HBARUSDT",
                                                     "NEARUSDT", "SOLUSDT", "SUIUSDT", "TRXUSDT"}}};
  return kGroups;
}

base::Result<std::vector<ForecasterResult>> measure(const Pool& pool, const MeasureSpec& spec) {
  std::vector<ForecasterResult> out;
  for (std::size_t f = 0; f < pool.forecasters.size(); ++f) {
    QT_TRY_VOID(report(spec.progress, "measurements", f, pool.forecasters.size()));
    out.push_back(measure_one(pool, pool.forecasters[f], spec));
  }
  return out;
}

SelectionResult select_best(const Pool& pool, std::int32_t horizon_bars, std::uint64_t seed) {
  SelectionResult out;
  std::vector<std::vector<double>> columns;
  for (const PooledForecaster& forecaster : pool.forecasters) {
    if (forecaster.name == kPrior) continue;
    const std::vector<Trade> trades = strongest(Sample(pool, forecaster), kTenth);
    if (trades.empty()) continue;
    out.variants.push_back(forecaster.name);
    columns.push_back(daily_returns(pool, trades, horizon_bars).mean_net());
  }
  if (columns.empty()) return out;
  statistics::Panel returns(pool.days.size(), columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c)
    for (std::size_t d = 0; d < pool.days.size(); ++d) returns.at(d, c) = columns[c][d];
  if (const auto pbo = statistics::backtest_overfitting(returns, kCscvBlocks)) out.overfitting_probability = pbo->pbo;
  const statistics::SnoopingOptions options{.block_length = statistics::panel_block_length(returns), .seed = seed};
  if (const auto snooping = statistics::data_snooping(returns, options)) {
    out.spa_p = snooping->spa_p;
    out.reality_check_p = snooping->reality_check_p;
  }
  std::vector<double> sharpes;
  std::optional<statistics::Moments> best;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const auto moments = statistics::moments(columns[c]);
    if (!moments) continue;
    sharpes.push_back(moments->sharpe());
    if (best && moments->sharpe() <= best->sharpe()) continue;
    best = moments;
    out.best = out.variants[c];
  }
  const auto spread = statistics::moments(sharpes);
  if (best && spread)
    out.deflated_sharpe = statistics::deflated_sharpe(*best, sharpes.size(), spread->deviation * spread->deviation);
  return out;
}

std::vector<std::string> verdict_of(const EvaluationResult& result) {
  std::vector<std::string> out;
  std::string earners, promotable;
  const auto add = [](std::string& list, const std::string& name) { list += (list.empty() ? "" : ", ") + name; };
  for (const ForecasterResult& f : result.forecasters) {
    if (f.promotable) add(promotable, f.name);
    if (earns(f.strongest_tenth, f.strongest_tenth_portfolio)) add(earners, f.name + " (strongest tenth)");
    if (earns(f.strongest_hundredth, f.strongest_hundredth_portfolio)) add(earners, f.name + " (strongest hundredth)");
    if (earns(f.gated.trades, f.gated.portfolio)) add(earners, f.name + " (what its rules let through)");
  }
  out.push_back(earners.empty() ? "No edge after costs." : "Earns more than it costs: " + earners + ".");
  out.push_back(promotable.empty() ? "No model's log-loss is significantly below both baselines'."
                                   : "Log-loss significantly below both baselines': " + promotable + ".");
  for (const ForecasterResult& f : result.forecasters)
    if (f.name != kPrior) out.push_back(sentence_on_scores(f) + ".");
  for (const ForecasterResult& f : result.forecasters) {
    if (f.name == kEnsemble) {
      out.push_back(sentence_on_rule("The ensemble's expected-value rule alone", f.expected_value.trades) + ".");
      out.push_back(sentence_on_rule("All of its rules", f.gated.trades) + ".");
    }
  }
  return out;
}

}  // namespace qtrader::training
