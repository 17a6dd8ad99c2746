#include "training/evaluate/trading.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/rng.hpp"
#include "core/statistics/moments.hpp"

namespace qtrader::training {
namespace {

using statistics::Panel;

constexpr double kDaysPerYear = 365;

double gross_of(const Pool& pool, Trade trade) { return trade.side * std::expm1(pool.rows[trade.row].log_return); }

constexpr std::uint32_t kNone = 0xFFFFFFFF;

/// The trades of one bar of one path, and the row of each symbol there; kNone where it has none.
struct Moment {
  std::uint32_t path = 0, day = 0;
  std::vector<std::uint32_t> row_of;
  std::vector<Trade> trades;
};

std::size_t symbol_count(const Pool& pool) {
  std::size_t out = 0;
  for (const PooledRow& row : pool.rows) out = std::max<std::size_t>(out, row.symbol.value + 1U);
  return out;
}

/// By (path, time).
std::vector<Moment> moments_of(const Pool& pool, const std::vector<Trade>& trades) {
  std::map<std::pair<std::uint32_t, base::Timestamp>, Moment> found;
  for (const Trade& trade : trades) {
    const PooledRow& row = pool.rows[trade.row];
    Moment& moment = found[{row.path, row.bar_close}];
    moment.path = row.path;
    moment.day = row.day;
    moment.trades.push_back(trade);
  }
  const std::size_t symbols = symbol_count(pool);
  for (std::uint32_t i = 0; i < pool.rows.size(); ++i) {
    const auto it = found.find({pool.rows[i].path, pool.rows[i].bar_close});
    if (it == found.end()) continue;
    it->second.row_of.resize(symbols, kNone);
    it->second.row_of[pool.rows[i].symbol.value] = i;
  }
  std::vector<Moment> out;
  out.reserve(found.size());
  for (auto& [key, moment] : found) out.push_back(std::move(moment));
  return out;
}

struct TrancheResult {
  double gross = 0, cost = 0;
};

/// Of a tranche in equal parts on these trades.
TrancheResult tranche(const Pool& pool, const std::vector<Trade>& trades) {
  TrancheResult out;
  for (const Trade& trade : trades) {
    out.gross += gross_of(pool, trade);
    out.cost += pool.rows[trade.row].cost_frac;
  }
  const auto n = static_cast<double>(trades.size());
  return {out.gross / n, out.cost / n};
}

DailyReturns returns_of(const Pool& pool, const std::vector<Moment>& moments, std::int32_t horizon_bars) {
  const std::vector<std::vector<double>> zero(pool.paths, std::vector<double>(pool.days.size()));
  DailyReturns out{zero, zero};
  for (const Moment& moment : moments) {
    const TrancheResult result = tranche(pool, moment.trades);
    out.gross[moment.path][moment.day] += result.gross / horizon_bars;
    out.net[moment.path][moment.day] += (result.gross - result.cost) / horizon_bars;
  }
  return out;
}

std::vector<double> mean_over_paths(const std::vector<std::vector<double>>& paths) {
  std::vector<double> out(paths.front().size());
  for (const auto& path : paths)
    for (std::size_t d = 0; d < out.size(); ++d) out[d] += path[d] / static_cast<double>(paths.size());
  return out;
}

/// Of each trade: the number of its day, counting only days that have a trade.
std::vector<std::size_t> places_of_days(const Pool& pool, const std::vector<Trade>& trades) {
  std::map<std::uint32_t, std::size_t> number;
  std::vector<std::size_t> out;
  out.reserve(trades.size());
  for (const Trade& trade : trades)
    out.push_back(number.try_emplace(pool.rows[trade.row].day, number.size()).first->second);
  return out;
}

/// Σ of the first column over Σ of the second, less the row whose first is largest.
std::optional<double> without_best_day(const Panel& sums) {
  double result = 0, trades = 0;
  std::size_t best = 0;
  for (std::size_t d = 0; d < sums.rows(); ++d) {
    result += sums.at(d, 0);
    trades += sums.at(d, 1);
    if (sums.at(d, 0) > sums.at(best, 0)) best = d;
  }
  if (sums.rows() < 2) return std::nullopt;
  return (result - sums.at(best, 0)) / (trades - sums.at(best, 1));
}

double sum(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

double max_drawdown(std::span<const double> daily) {
  double level = 0, peak = 0, worst = 0;
  for (const double r : daily) {
    level += r;
    peak = std::max(peak, level);
    worst = std::max(worst, peak - level);
  }
  return worst;
}

/// Interval of a Sharpe ratio, days drawn with replacement: Σr, Σr², n.
std::optional<Estimate> sharpe_estimate(std::span<const double> daily, const ResampleSpec& spec) {
  Panel sums(daily.size(), 3);
  for (std::size_t d = 0; d < daily.size(); ++d) {
    sums.at(d, 0) = daily[d];
    sums.at(d, 1) = daily[d] * daily[d];
    sums.at(d, 2) = 1;
  }
  const auto sharpe = [](std::span<const double> s) {
    const double mean = s[0] / s[2], variance = (s[1] - s[0] * mean) / (s[2] - 1);
    return mean / std::sqrt(variance) * std::sqrt(kDaysPerYear);  // NaN without variance
  };
  return estimate(sums, sharpe, spec);
}

/// The symbols in random order (Fisher–Yates).
std::vector<std::size_t> shuffled(std::size_t symbols, base::Rng& rng) {
  std::vector<std::size_t> out(symbols);
  std::iota(out.begin(), out.end(), std::size_t{0});
  for (std::size_t i = symbols; i > 1; --i) std::swap(out[i - 1], out[rng.below(i)]);
  return out;
}

/// One draw: on each day every symbol's trades go to another symbol, at the same bars, and all sides are kept or all
/// turned. A trade stays where it is if the other symbol has no row at its bar.
std::vector<Moment> redrawn(const Pool& pool, const std::vector<Moment>& moments, base::Rng& rng) {
  const std::size_t symbols = symbol_count(pool);
  std::vector<double> turn;
  std::vector<std::vector<std::size_t>> other;
  for (std::size_t d = 0; d < pool.days.size(); ++d) {
    turn.push_back(rng.below(2) == 0 ? 1 : -1);
    other.push_back(shuffled(symbols, rng));
  }
  std::vector<Moment> out;
  out.reserve(moments.size());
  for (const Moment& moment : moments) {
    Moment& drawn = out.emplace_back(Moment{moment.path, moment.day, {}, moment.trades});
    for (Trade& trade : drawn.trades) {
      const std::uint32_t row = moment.row_of[other[moment.day][pool.rows[trade.row].symbol.value]];
      if (row != kNone) trade.row = row;
      trade.side *= turn[moment.day];
    }
  }
  return out;
}

std::optional<RandomEntries> random_entries(const Pool& pool, const std::vector<Moment>& moments, double sharpe,
                                            const PortfolioSpec& spec) {
  base::Rng rng = base::Rng(spec.resample.seed).fork("random_entries");
  std::vector<double> drawn;
  for (std::int32_t i = 0; i < spec.random_draws; ++i) {
    const DailyReturns returns = returns_of(pool, redrawn(pool, moments, rng), spec.horizon_bars);
    if (const auto s = annual_sharpe(returns.mean_gross())) drawn.push_back(*s);
  }
  if (drawn.empty()) return std::nullopt;
  std::ranges::sort(drawn);
  const auto as_good = static_cast<double>(drawn.end() - std::ranges::lower_bound(drawn, sharpe));
  return RandomEntries{static_cast<std::int64_t>(drawn.size()), statistics::quantile(drawn, 0.05),
                       statistics::quantile(drawn, 0.5), statistics::quantile(drawn, 0.95),
                       (1 + as_good) / (1 + static_cast<double>(drawn.size()))};
}

PortfolioResult summary(const DailyReturns& returns, const PortfolioSpec& spec) {
  const std::vector<double> gross = returns.mean_gross(), net = returns.mean_net();
  PortfolioResult out;
  out.days = static_cast<std::int64_t>(net.size());
  out.gross_return = sum(gross);
  out.net_return = sum(net);
  out.gross_sharpe = annual_sharpe(gross);
  out.net_sharpe = sharpe_estimate(net, spec.resample);
  out.max_drawdown = max_drawdown(net);
  for (const auto& path : returns.net)
    if (const auto s = annual_sharpe(path)) out.path_sharpes.push_back(*s);
  out.daily_net = net;
  return out;
}

}  // namespace

std::vector<Trade> strongest(const Sample& sample, double share) {
  if (sample.size() == 0) return {};
  std::vector<double> strength;
  strength.reserve(sample.size());
  for (std::size_t i = 0; i < sample.size(); ++i) strength.push_back(std::abs(lean(sample.forecast(i))));
  const auto [least, most] = std::ranges::minmax(strength);
  const auto wanted = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sample.size())));
  std::vector<double> ranked = strength;
  const auto at = ranked.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(wanted, 1, ranked.size()) - 1);
  std::nth_element(ranked.begin(), at, ranked.end(), std::greater<>());
  const double threshold = *at;
  std::vector<Trade> out;
  if (least == most) return out;
  for (std::size_t i = 0; i < sample.size(); ++i)
    if (strength[i] >= threshold && strength[i] > 0)
      out.push_back({sample.rows()[i], lean(sample.forecast(i)) > 0 ? 1.0 : -1.0});
  return out;
}

std::vector<Trade> entries(const std::vector<Verdict>& verdicts) {
  std::vector<Trade> out;
  for (std::uint32_t i = 0; i < verdicts.size(); ++i)
    if (verdicts[i].action != domain::Action::Hold)
      out.push_back({i, verdicts[i].action == domain::Action::Buy ? 1.0 : -1.0});
  return out;
}

std::map<std::string, std::int64_t> held_back(const std::vector<Verdict>& verdicts) {
  std::map<std::string, std::int64_t> out;
  for (const Verdict& v : verdicts)
    if (v.action == domain::Action::Hold) ++out[std::string(base::enum_name(v.reason))];
  return out;
}

PerTrade per_trade(const Pool& pool, const std::vector<Trade>& trades, const ResampleSpec& spec) {
  PerTrade out;
  out.trades = static_cast<std::int64_t>(trades.size());
  if (trades.empty()) return out;
  const std::vector<std::size_t> place = places_of_days(pool, trades);
  const std::size_t days = 1 + *std::ranges::max_element(place);
  Panel gross(days, 2), net(days, 2);
  for (std::size_t i = 0; i < trades.size(); ++i) {
    ++(trades[i].side > 0 ? out.buys : out.sells);
    const double result = 1e4 * gross_of(pool, trades[i]), cost = 1e4 * pool.rows[trades[i].row].cost_frac;
    gross.at(place[i], 0) += result;
    net.at(place[i], 0) += result - cost;
    gross.at(place[i], 1) += 1;
    net.at(place[i], 1) += 1;
    out.cost_bps += cost / static_cast<double>(trades.size());
  }
  out.gross_bps = ratio_estimate(gross, spec);
  out.net_bps = ratio_estimate(net, spec);
  out.net_bps_without_best_day = without_best_day(net);
  return out;
}

std::vector<double> DailyReturns::mean_net() const { return mean_over_paths(net); }
std::vector<double> DailyReturns::mean_gross() const { return mean_over_paths(gross); }

DailyReturns daily_returns(const Pool& pool, const std::vector<Trade>& trades, std::int32_t horizon_bars) {
  return returns_of(pool, moments_of(pool, trades), horizon_bars);
}

std::optional<double> annual_sharpe(std::span<const double> daily) {
  const auto moments = statistics::moments(daily);
  if (!moments) return std::nullopt;
  return moments->sharpe() * std::sqrt(kDaysPerYear);
}

std::optional<PortfolioResult> portfolio(const Pool& pool, const std::vector<Trade>& trades,
                                         const PortfolioSpec& spec) {
  if (trades.empty()) return std::nullopt;
  const std::vector<Moment> moments = moments_of(pool, trades);
  PortfolioResult out = summary(returns_of(pool, moments, spec.horizon_bars), spec);
  const auto path_days = static_cast<double>(pool.days.size() * pool.paths);
  out.turnover_per_day = 2 * static_cast<double>(moments.size()) / spec.horizon_bars / path_days;
  if (out.gross_sharpe && spec.random_draws > 0) out.random = random_entries(pool, moments, *out.gross_sharpe, spec);
  return out;
}

std::optional<PortfolioResult> buy_and_hold(const Pool& pool, const PortfolioSpec& spec) {
  if (pool.rows.empty()) return std::nullopt;
  std::vector<Trade> all(pool.rows.size());
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i].row = i;
  DailyReturns returns = daily_returns(pool, all, spec.horizon_bars);
  double cost = 0;
  for (const PooledRow& row : pool.rows) cost += row.cost_frac / static_cast<double>(pool.rows.size());
  returns.net = returns.gross;
  for (auto& path : returns.net) path.front() -= cost;
  PortfolioResult out = summary(returns, spec);
  out.turnover_per_day = 2 / static_cast<double>(pool.days.size());
  return out;
}

}  // namespace qtrader::training
