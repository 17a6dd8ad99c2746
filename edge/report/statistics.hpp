// Statistics of a run, accumulated in one pass: the equity curve (returns, drawdowns) and the closed trades.
//
// Formulas: docs/formats/backtest-report.md. Every sample counts, marked to market. What a run does not define (no
// trades, no variance, no losing day) is empty, never 0 or infinity. Memory: one number per calendar day and month,
// nothing per bar.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/domain/audit.hpp"
#include "edge/store/trial_returns.hpp"

namespace qtrader::report {

/// Mean and variance by Welford's update.
class Moments {
 public:
  void add(double x) {
    ++n_;
    const double d = x - mean_;
    mean_ += d / static_cast<double>(n_);
    m2_ += d * (x - mean_);
  }
  std::uint64_t count() const { return n_; }
  /// Empty without values.
  std::optional<double> mean() const;
  /// Of the sample (n − 1); empty below two values.
  std::optional<double> deviation() const;

 private:
  std::uint64_t n_ = 0;
  double mean_ = 0, m2_ = 0;
};

using store::DailyReturn;

struct MonthReturn {
  int year = 1970, month = 1;
  double start_equity = 0, end_equity = 0;
  /// Empty if the month began with nothing.
  std::optional<double> return_frac() const;
};

class EquityStatistics {
 public:
  /// The curve starts at initial_equity, one bar before the first sample.
  EquityStatistics(double initial_equity, base::Duration bar);
  /// In time order.
  void add(base::Timestamp ts, double equity, bool exposed);

  std::uint64_t samples() const { return samples_; }
  double initial() const { return initial_; }
  double final_equity() const { return equity_; }
  double drawdown() const;  // now, from the running peak
  double max_drawdown() const { return max_drawdown_; }
  /// When the deepest drawdown began and when it was deepest.
  base::Timestamp drawdown_from() const { return drawdown_from_; }
  base::Timestamp drawdown_at() const { return drawdown_at_; }
  double longest_underwater_days() const;
  std::optional<double> ulcer() const;
  std::optional<double> exposure() const;  // share of samples with a position
  std::optional<double> mean_equity() const;
  double lowest() const { return lowest_; }
  double days() const;  // calendar days covered
  double years() const { return days() / 365.0; }
  std::optional<double> total_return() const;
  std::optional<double> cagr() const;
  /// Returns between the closing equities of successive UTC days, the last, perhaps partial, day included.
  std::vector<double> daily_returns() const;
  /// The same, with their days. A day without samples, or that began with nothing, has none.
  std::vector<DailyReturn> dated_returns() const;
  std::vector<MonthReturn> months() const;

 private:
  void enter_day(base::Timestamp ts);

  double initial_, equity_;
  base::Duration bar_;
  std::uint64_t samples_ = 0, exposed_ = 0;
  base::Timestamp first_, last_;
  double peak_, lowest_since_peak_, lowest_;
  base::Timestamp peak_ts_;
  double max_drawdown_ = 0;
  base::Timestamp drawdown_from_, drawdown_at_;
  base::Duration longest_underwater_;
  double sum_squared_drawdown_ = 0, sum_equity_ = 0;
  base::Timestamp day_end_;           // of the newest sample's day, itself inside
  double day_start_equity_;           // closing equity of the day before
  std::vector<DailyReturn> returns_;  // of the days before the newest sample's
  std::vector<MonthReturn> months_;
};

/// Annualised by √365, risk-free rate 0.
std::optional<double> sharpe(const std::vector<double>& daily);
std::optional<double> sortino(const std::vector<double>& daily);
std::optional<double> annual_volatility(const std::vector<double>& daily);
/// Historical, positive is a loss; empty below 20 days.
struct TailLoss {
  double var_95 = 0, cvar_95 = 0;
};
std::optional<TailLoss> tail_loss(std::vector<double> daily);

/// Sums over a set of closed trades.
struct TradeGroup {
  std::uint64_t trades = 0, wins = 0, losses = 0;
  domain::Money gross, fees, funding, slippage, net;
  Moments r;
  void add(const domain::TradeClosed& trade);
  std::optional<double> win_rate() const;
};

inline constexpr double kHistogramFrom = -8, kHistogramTo = 16, kHistogramStep = 0.25;
inline constexpr std::size_t kHistogramBins = 96;
static_assert(kHistogramFrom + kHistogramStep * kHistogramBins == kHistogramTo);
inline constexpr std::size_t kExitReasons = static_cast<std::size_t>(domain::ExitReason::Reconciled) + 1;

class TradeStatistics {
 public:
  explicit TradeStatistics(std::size_t symbols) : per_symbol(symbols) {}
  void add(const domain::TradeClosed& trade);

  TradeGroup all;
  std::array<TradeGroup, 2> per_side;  // by PositionSide
  std::vector<TradeGroup> per_symbol;
  std::array<TradeGroup, kExitReasons> per_exit;
  domain::Money won, lost;  // Σ net of winners, of losers (negative)
  std::optional<domain::Money> best, worst;
  std::optional<double> best_r, worst_r;
  Moments hold_s;
  std::uint64_t longest_wins = 0, longest_losses = 0;
  std::array<std::uint64_t, kHistogramBins> histogram{};  // R in steps of 0.25; the ends collect what is beyond

  std::optional<double> profit_factor() const;
  /// Van Tharp: √min(n, 100) · mean(R) / deviation(R).
  std::optional<double> sqn() const;
  /// Two-sided, of mean R = 0, by the normal approximation of the t statistic.
  std::optional<double> p_value() const;

 private:
  std::uint64_t run_wins_ = 0, run_losses_ = 0;
};

}  // namespace qtrader::report
