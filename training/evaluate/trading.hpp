// Trading: what forecasts would have earned, before and after costs, in the simplest portfolios there are.
//
// The portfolio: the capital is cut into H equal tranches. Each bar one tranche, whose last holding has just ended, is
// laid out in equal parts on that bar's signals and held for the label's H bars; a bar without signals leaves it in
// cash. So positions overlap, capital never exceeds 1, and nothing is compounded. A tranche's result counts to the day
// it was laid out. Costs are the taker's round trip (costs.hpp). No stops, no sizing, no limits: those have the
// backtest. Bars whose label's end is not the fixed horizon (triple_barrier) are held until their label ends.
#pragma once

#include <map>
#include <optional>

#include "training/evaluate/skill.hpp"

namespace qtrader::training {

struct Trade {
  std::uint32_t row = 0;  // of the pool
  double side = 1;        // +1 long, −1 short
};

/// The rows on which the forecaster leans most strongly to a side, as a share of the sample; equal leanings at the
/// threshold are all in. The threshold is that of the whole sample: it ranks forecasts, it is no rule one could have
/// traded. Empty where the leaning does not vary.
std::vector<Trade> strongest(const Sample& sample, double share);

/// The rows whose verdict is an entry.
std::vector<Trade> entries(const std::vector<Verdict>& verdicts);

/// Rows whose verdict is Hold, by the reason of it.
std::map<std::string, std::int64_t> held_back(const std::vector<Verdict>& verdicts);

/// Results of single trades, each held for the horizon, in basis points of its notional; every trade counts alike.
struct PerTrade {
  std::int64_t trades = 0, buys = 0, sells = 0;
  std::optional<Estimate> gross_bps, net_bps;  // means
  double cost_bps = 0;                         // mean
  /// Mean of all trades but those of the day that earned most: what is left if one day had been missed. Empty if all
  /// are of one day.
  std::optional<double> net_bps_without_best_day;
};
QT_DESCRIBE(PerTrade, trades, buys, sells, gross_bps, net_bps, cost_bps, net_bps_without_best_day)

PerTrade per_trade(const Pool& pool, const std::vector<Trade>& trades, const ResampleSpec& spec);

/// Net results by day, of one path each; every day of the pool, also those without a trade.
struct DailyReturns {
  std::vector<std::vector<double>> gross, net;  // [path][day], fraction of the capital
  /// Averaged over the paths.
  std::vector<double> mean_net() const;
  std::vector<double> mean_gross() const;
};

DailyReturns daily_returns(const Pool& pool, const std::vector<Trade>& trades, std::int32_t horizon_bars);

/// Annualised by √365, of days; empty without variance.
std::optional<double> annual_sharpe(std::span<const double> daily);

/// Entries without knowledge, at the same bars, as many at each: on each day every symbol's trades go to another
/// symbol, and all sides are kept or all turned by a coin. What is random is the choice, not the crowding in bars,
/// symbols and sides, so that the comparison is of like with like. Before costs, which are the same for both and would
/// only reward volatility: a Sharpe ratio with the same loss in it is the better, the wilder its portfolio is.
struct RandomEntries {
  std::int64_t draws = 0;
  double sharpe_low = 0, sharpe_median = 0, sharpe_high = 0;  // gross; 5 %, 50 % and 95 % of the draws
  double p_value = 1;                                         // (1 + draws at least as good) / (1 + draws)
};
QT_DESCRIBE(RandomEntries, draws, sharpe_low, sharpe_median, sharpe_high, p_value)

struct PortfolioResult {
  std::int64_t days = 0;
  double gross_return = 0, net_return = 0;  // sum over all days, fraction of the capital
  std::optional<double> gross_sharpe;
  std::optional<Estimate> net_sharpe;
  double max_drawdown = 0;           // of the summed net returns, fraction of the capital
  double turnover_per_day = 0;       // entries and exits, in units of the capital
  std::vector<double> path_sharpes;  // net, of each path that has one
  std::vector<double> daily_net;     // fraction of the capital, averaged over the paths
  std::optional<RandomEntries> random;
};
QT_DESCRIBE(PortfolioResult, days, gross_return, net_return, gross_sharpe, net_sharpe, max_drawdown, turnover_per_day,
            path_sharpes, daily_net, random)

struct PortfolioSpec {
  std::int32_t horizon_bars = 4;
  std::int32_t random_draws = 500;  // 0: no comparison
  ResampleSpec resample;
};

/// Empty without trades.
std::optional<PortfolioResult> portfolio(const Pool& pool, const std::vector<Trade>& trades, const PortfolioSpec& spec);

/// Every symbol in equal parts all the time, one round trip charged on the first day.
std::optional<PortfolioResult> buy_and_hold(const Pool& pool, const PortfolioSpec& spec);

}  // namespace qtrader::training
