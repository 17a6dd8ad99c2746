#include "edge/report/summarise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace qtrader::report {
namespace {

std::optional<double> ratio(std::optional<double> a, std::optional<double> b) {
  if (!a || !b || *b == 0 || !std::isfinite(*a / *b)) return std::nullopt;
  return *a / *b;
}

RunSection run_section(const RunInfo& info, const std::string& digest) {
  return {.seed = info.seed,
          .strategy = info.strategy,
          .symbols = info.symbols,
          .timeframe = std::string(domain::to_string(info.timeframe)),
          .from_ms = info.from.unix_ms(),
          .to_ms = info.to.unix_ms(),
          .config_hash = info.config_hash,
          .data_hash = info.data_hash,
          .models = info.models,
          .digest = digest,
          .synthetic = info.synthetic,
          .initial_wallet_usd = info.initial_wallet,
          .command = info.command};
}

void put_trades(Metrics& m, const TradeStatistics& t) {
  m.trades = t.all.trades;
  m.wins = t.all.wins;
  m.losses = t.all.losses;
  m.win_rate = t.all.win_rate();
  m.profit_factor = t.profit_factor();
  m.expectancy_r = t.all.r.mean();
  m.r_deviation = t.all.r.deviation();
  m.avg_hold_s = t.hold_s.mean();
  m.long_trades = t.per_side[static_cast<std::size_t>(domain::PositionSide::Long)].trades;
  m.short_trades = t.per_side[static_cast<std::size_t>(domain::PositionSide::Short)].trades;
  m.max_consecutive_wins = t.longest_wins;
  m.max_consecutive_losses = t.longest_losses;
  m.sqn = t.sqn();
  m.p_value_mean_r = t.p_value();
  if (t.all.wins > 0) m.avg_win_usd = t.won.to_double() / static_cast<double>(t.all.wins);
  if (t.all.losses > 0) m.avg_loss_usd = t.lost.to_double() / static_cast<double>(t.all.losses);
  m.best_trade_usd = t.best;
  m.worst_trade_usd = t.worst;
  m.best_trade_r = t.best_r;
  m.worst_trade_r = t.worst_r;
}

void put_equity(Metrics& m, const RunStatistics& s) {
  const EquityStatistics& e = s.equity;
  if (e.samples() == 0) return;
  const std::vector<double> daily = e.daily_returns();
  m.total_return_frac = e.total_return();
  m.cagr = e.cagr();
  m.sharpe = sharpe(daily);
  m.sortino = sortino(daily);
  m.max_drawdown_frac = e.max_drawdown();
  m.max_drawdown_days = e.longest_underwater_days();
  m.calmar = ratio(m.cagr, m.max_drawdown_frac);
  m.exposure_frac = e.exposure();
  if (const auto mean = e.mean_equity(); mean && *mean > 0 && e.years() > 0)
    m.turnover = ratio(s.traded / *mean, e.years());
  m.ulcer = e.ulcer();
  m.volatility_annual = annual_volatility(daily);
  if (const auto tail = tail_loss(daily)) {
    m.var_95_daily = tail->var_95;
    m.cvar_95_daily = tail->cvar_95;
  }
  if (!daily.empty()) {
    const auto [worst, best] = std::ranges::minmax(daily);
    m.best_day_frac = best;
    m.worst_day_frac = worst;
  }
  m.final_equity_usd = s.final_equity;
  m.lowest_equity_usd = e.lowest();
  if (e.max_drawdown() > 0) {
    m.max_drawdown_from_ms = e.drawdown_from().unix_ms();
    m.max_drawdown_at_ms = e.drawdown_at().unix_ms();
  }
  m.days = e.days();
}

void put_tables(Summary& out, const domain::InstrumentTable& instruments, const RunStatistics& s) {
  Moments hold;
  for (std::size_t i = 0; i < s.prices.size(); ++i) {
    const TradeGroup& g = s.trades.per_symbol[i];
    const PriceSpan& p = s.prices[i];
    const auto held = p.return_frac();
    if (held) hold.add(*held);
    out.per_symbol.push_back({.symbol = instruments.all()[i].symbol,
                              .trades = g.trades,
                              .win_rate = g.win_rate(),
                              .net_pnl = g.net,
                              .fees = g.fees,
                              .funding = g.funding,
                              .slippage = g.slippage,
                              .expectancy_r = g.r.mean(),
                              .buy_and_hold_return_frac = held,
                              .bars = p.bars});
  }
  out.benchmark.buy_and_hold_return_frac = hold.mean();
  for (const auto& [side, name] :
       {std::pair{domain::PositionSide::Long, "LONG"}, {domain::PositionSide::Short, "SHORT"}}) {
    const TradeGroup& g = s.trades.per_side[static_cast<std::size_t>(side)];
    out.per_side.push_back({name, g.trades, g.win_rate(), g.net, g.r.mean()});
  }
  for (std::size_t i = 0; i < kExitReasons; ++i) {
    const TradeGroup& g = s.trades.per_exit[i];
    if (g.trades == 0) continue;
    const auto reason = static_cast<domain::ExitReason>(i);
    out.per_exit_reason.push_back({std::string(base::enum_name(reason)), g.trades, g.net, g.r.mean()});
  }
  for (const MonthReturn& m : s.equity.months()) out.monthly.push_back({m.year, m.month, m.return_frac()});
}

/// What a careful reader would hold against these numbers, most serious first.
void put_caveats(Summary& s, const RunInfo& info, const domain::InstrumentTable& instruments) {
  const Metrics& m = s.metrics;
  auto& out = s.caveats;
  if (info.synthetic) out.push_back("The prices are synthetic: no statement about a market follows.");
  if (m.lowest_equity_usd && *m.lowest_equity_usd <= 0) out.push_back("The account was wiped out during the run.");
  if (s.reconciliation.unattributed_usd && !s.reconciliation.unattributed_usd->is_zero())
    out.push_back(fmt::format("{} of the result belongs to no closed trade (positions still open at the end).",
                              dollars(s.reconciliation.unattributed_usd)));
  if (m.trades == 0) out.push_back("No trade was closed: most metrics are undefined.");
  if (m.trades > 0 && m.trades < 30)
    out.push_back(fmt::format("Only {} trades: averages and ratios are mostly chance.", m.trades));
  if (m.p_value_mean_r && *m.p_value_mean_r > 0.05)
    out.push_back(fmt::format("The mean trade cannot be told from zero (p = {:.2f}).", *m.p_value_mean_r));
  if (m.final_equity_usd && m.days < 90)
    out.push_back(fmt::format("The run covers {:.1f} days: annualised figures extrapolate.", m.days));
  std::string assumed;
  for (const domain::Instrument& i : instruments.all())
    if (i.assumed) assumed += (assumed.empty() ? "" : ", ") + i.symbol;
  if (!assumed.empty())
    out.push_back("Exchange filters were inferred from data, not read from the venue: " + assumed + ".");
  out.insert(out.end(), info.caveats.begin(), info.caveats.end());
  out.push_back(
      "One path of history, fills by a venue model; of the figures only the evidence is corrected for the number of "
      "variants tried.");
}

}  // namespace

std::optional<double> PriceSpan::return_frac() const {
  if (bars == 0 || !first.is_positive()) return std::nullopt;
  return last.to_double() / first.to_double() - 1;
}

Summary summarise(const RunInfo& info, const domain::InstrumentTable& instruments, const RunStatistics& s,
                  const RunOutcome& outcome) {
  const RunTiming& timing = outcome.timing;
  Summary out;
  out.run = run_section(info, outcome.digest);
  put_trades(out.metrics, s.trades);
  put_equity(out.metrics, s);
  const TradeGroup& all = s.trades.all;
  out.costs = {all.fees, all.slippage, all.funding, all.gross, all.net};
  out.refusals = s.refusals;
  put_tables(out, instruments, s);
  out.reconciliation = {.initial_usd = info.initial_wallet,
                        .closed_net_usd = all.net,
                        .final_usd = s.final_equity,
                        .unattributed_usd = {},
                        .booked_fees_usd = s.booked_fees,
                        .booked_funding_usd = s.booked_funding};
  if (s.final_equity) out.reconciliation.unattributed_usd = *s.final_equity - info.initial_wallet - all.net;
  out.timing = {
      .wall_s = timing.wall_s, .bars = timing.bars, .bars_per_s = {}, .events_per_s = {}, .rss_mb = timing.rss_mb};
  if (timing.wall_s > 0) {
    out.timing.bars_per_s = static_cast<double>(timing.bars) / timing.wall_s;
    out.timing.events_per_s = static_cast<double>(timing.events) / timing.wall_s;
  }
  out.evidence = weigh_evidence(s.equity.dated_returns(), outcome.family,
                                {.synthetic = info.synthetic, .in_sample = info.in_sample});
  put_caveats(out, info, instruments);
  return out;
}

}  // namespace qtrader::report
