// Summary: everything in report.json, schema backtest_report/1 (docs/formats/backtest-report.md).
//
// Built once at the end of a run from the statistics; report.json is its reflection, the terminal summary and the tear
// sheet print it. An undefined metric is empty: null in JSON, "n/a" in text. Money is exact.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/domain/money.hpp"
#include "edge/report/evidence.hpp"

namespace qtrader::report {

struct RunSection {
  std::uint64_t seed = 0;
  std::string strategy;
  std::vector<std::string> symbols;
  std::string timeframe;
  std::int64_t from_ms = 0, to_ms = 0;
  std::string config_hash, data_hash;
  std::vector<std::string> models;
  std::string digest;
  bool synthetic = false;
  domain::Money initial_wallet_usd;
  std::string command;
};
QT_DESCRIBE(RunSection, seed, strategy, symbols, timeframe, from_ms, to_ms, config_hash, data_hash, models, digest,
            synthetic, initial_wallet_usd, command)

struct Metrics {
  std::uint64_t trades = 0;
  std::optional<double> win_rate, profit_factor, expectancy_r, total_return_frac, cagr, sharpe, sortino, calmar;
  std::optional<double> max_drawdown_frac, max_drawdown_days, exposure_frac, turnover, avg_hold_s;
  std::uint64_t long_trades = 0, short_trades = 0;
  std::uint64_t wins = 0, losses = 0, max_consecutive_wins = 0, max_consecutive_losses = 0;
  std::optional<double> sqn, p_value_mean_r, r_deviation, ulcer, volatility_annual, var_95_daily, cvar_95_daily;
  std::optional<double> best_day_frac, worst_day_frac, avg_win_usd, avg_loss_usd;
  std::optional<domain::Money> best_trade_usd, worst_trade_usd;
  std::optional<double> best_trade_r, worst_trade_r;
  std::optional<domain::Money> final_equity_usd;
  std::optional<double> lowest_equity_usd;
  std::optional<std::int64_t> max_drawdown_from_ms, max_drawdown_at_ms;
  double days = 0;
};
QT_DESCRIBE(Metrics, trades, win_rate, profit_factor, expectancy_r, total_return_frac, cagr, sharpe, sortino, calmar,
            max_drawdown_frac, max_drawdown_days, exposure_frac, turnover, avg_hold_s, long_trades, short_trades, wins,
            losses, max_consecutive_wins, max_consecutive_losses, sqn, p_value_mean_r, r_deviation, ulcer,
            volatility_annual, var_95_daily, cvar_95_daily, best_day_frac, worst_day_frac, avg_win_usd, avg_loss_usd,
            best_trade_usd, worst_trade_usd, best_trade_r, worst_trade_r, final_equity_usd, lowest_equity_usd,
            max_drawdown_from_ms, max_drawdown_at_ms, days)

/// Of the closed trades. fees and slippage: positive is paid. funding: signed, negative is paid.
struct Costs {
  domain::Money fees, slippage, funding;
  domain::Money gross_pnl, net_pnl;  // net = gross − fees + funding; slippage is inside gross
};
QT_DESCRIBE(Costs, fees, slippage, funding, gross_pnl, net_pnl)

struct Benchmark {
  std::optional<double> buy_and_hold_return_frac;
};
QT_DESCRIBE(Benchmark, buy_and_hold_return_frac)

/// Every cent: initial + net of closed trades + unattributed = final.
struct Reconciliation {
  domain::Money initial_usd, closed_net_usd;
  std::optional<domain::Money> final_usd, unattributed_usd;
  domain::Money booked_fees_usd, booked_funding_usd;  // of all fills and payments, closed or not
};
QT_DESCRIBE(Reconciliation, initial_usd, closed_net_usd, final_usd, unattributed_usd, booked_fees_usd,
            booked_funding_usd)

struct SymbolRow {
  std::string symbol;
  std::uint64_t trades = 0;
  std::optional<double> win_rate;
  domain::Money net_pnl, fees, funding, slippage;
  std::optional<double> expectancy_r, buy_and_hold_return_frac;
  std::uint64_t bars = 0;
};
QT_DESCRIBE(SymbolRow, symbol, trades, win_rate, net_pnl, fees, funding, slippage, expectancy_r,
            buy_and_hold_return_frac, bars)

struct SideRow {
  std::string side;
  std::uint64_t trades = 0;
  std::optional<double> win_rate;
  domain::Money net_pnl;
  std::optional<double> expectancy_r;
};
QT_DESCRIBE(SideRow, side, trades, win_rate, net_pnl, expectancy_r)

struct ExitRow {
  std::string reason;
  std::uint64_t trades = 0;
  domain::Money net_pnl;
  std::optional<double> avg_r;
};
QT_DESCRIBE(ExitRow, reason, trades, net_pnl, avg_r)

struct MonthRow {
  int year = 1970, month = 1;
  std::optional<double> return_frac;
};
QT_DESCRIBE(MonthRow, year, month, return_frac)

struct Timing {
  double wall_s = 0;
  std::uint64_t bars = 0;
  std::optional<double> bars_per_s, events_per_s;
  double rss_mb = 0;
};
QT_DESCRIBE(Timing, wall_s, bars, bars_per_s, events_per_s, rss_mb)

struct Summary {
  std::string schema = "backtest_report/1";
  RunSection run;
  Metrics metrics;
  Costs costs;
  Benchmark benchmark;
  Reconciliation reconciliation;
  Evidence evidence;
  std::map<std::string, std::uint64_t> refusals;
  std::vector<SymbolRow> per_symbol;
  std::vector<SideRow> per_side;
  std::vector<ExitRow> per_exit_reason;
  std::vector<MonthRow> monthly;
  std::vector<std::string> caveats;
  Timing timing;
};
QT_DESCRIBE(Summary, schema, run, metrics, costs, benchmark, reconciliation, evidence, refusals, per_symbol, per_side,
            per_exit_reason, monthly, caveats, timing)

/// One sentence: made or lost, after costs, over what time, against buying and holding.
std::string verdict(const Summary& summary);
/// At most 100 columns wide; ANSI colours only if asked for.
std::string terminal_text(const Summary& summary, bool colour);

// Numbers as people read them; "n/a" for what is undefined.
std::string percent(std::optional<double> fraction, int decimals = 2);        // +1.23 %
std::string plain_percent(std::optional<double> fraction, int decimals = 2);  // 1.23 %
std::string number(std::optional<double> value, int decimals = 2);
std::string dollars(std::optional<domain::Money> amount);  // −$1,234.50
std::string count(std::uint64_t value);                    // 12,345
std::string duration_text(std::optional<double> seconds);  // 3 d 4 h

}  // namespace qtrader::report
