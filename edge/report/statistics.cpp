#include "edge/report/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qtrader::report {
namespace {

constexpr double kDaysPerYear = 365;

std::optional<double> finite(double x) { return std::isfinite(x) ? std::optional(x) : std::nullopt; }

double days_of(base::Duration d) { return d.seconds() / 86'400.0; }

Moments moments(const std::vector<double>& values) {
  Moments m;
  for (const double v : values) m.add(v);
  return m;
}

}  // namespace

std::optional<double> Moments::mean() const { return n_ == 0 ? std::nullopt : std::optional(mean_); }
std::optional<double> Moments::deviation() const {
  if (n_ < 2) return std::nullopt;
  return std::sqrt(m2_ / static_cast<double>(n_ - 1));
}

std::optional<double> MonthReturn::return_frac() const {
  if (start_equity <= 0) return std::nullopt;
  return end_equity / start_equity - 1;
}

EquityStatistics::EquityStatistics(double initial_equity, base::Duration bar)
    : initial_(initial_equity),
      equity_(initial_equity),
      bar_(bar),
      peak_(initial_equity),
      lowest_since_peak_(initial_equity),
      lowest_(initial_equity),
      day_start_equity_(initial_equity) {}

void EquityStatistics::add(base::Timestamp ts, double equity, bool exposed) {
  if (samples_ == 0) first_ = peak_ts_ = ts - bar_;
  if (samples_ == 0 || ts > day_end_) enter_day(ts);
  months_.back().end_equity = equity;

  ++samples_;
  exposed_ += exposed ? 1 : 0;
  equity_ = equity;
  last_ = ts;
  lowest_ = std::min(lowest_, equity);
  sum_equity_ += equity;
  if (equity >= peak_) {
    if (lowest_since_peak_ < peak_) longest_underwater_ = std::max(longest_underwater_, ts - peak_ts_);
    peak_ = lowest_since_peak_ = equity;
    peak_ts_ = ts;
  }
  lowest_since_peak_ = std::min(lowest_since_peak_, equity);
  const double now = drawdown();
  sum_squared_drawdown_ += now * now;
  if (now > max_drawdown_) {
    max_drawdown_ = now;
    drawdown_from_ = peak_ts_;
    drawdown_at_ = ts;
  }
}

void EquityStatistics::enter_day(base::Timestamp ts) {
  if (samples_ > 0) {
    if (day_start_equity_ > 0) returns_.push_back({day_end_ - base::days(1), equity_ / day_start_equity_ - 1});
    day_start_equity_ = equity_;
  }
  const base::Timestamp inside = {ts.ns - 1};  // a sample at midnight closes the day that ends there
  day_end_ = base::day_start(inside) + base::days(1);
  const base::CivilDate date = base::civil_date(inside);
  if (months_.empty() || months_.back().year != date.year || months_.back().month != date.month)
    months_.push_back({date.year, date.month, equity_, equity_});
}

double EquityStatistics::drawdown() const { return peak_ > 0 ? 1 - equity_ / peak_ : 0; }

double EquityStatistics::longest_underwater_days() const {
  const base::Duration open = equity_ < peak_ ? last_ - peak_ts_ : base::Duration{};
  return days_of(std::max(longest_underwater_, open));
}

std::optional<double> EquityStatistics::ulcer() const {
  if (samples_ == 0) return std::nullopt;
  return std::sqrt(sum_squared_drawdown_ / static_cast<double>(samples_));
}
std::optional<double> EquityStatistics::exposure() const {
  if (samples_ == 0) return std::nullopt;
  return static_cast<double>(exposed_) / static_cast<double>(samples_);
}
std::optional<double> EquityStatistics::mean_equity() const {
  if (samples_ == 0) return std::nullopt;
  return sum_equity_ / static_cast<double>(samples_);
}
double EquityStatistics::days() const { return days_of(last_ - first_); }

std::optional<double> EquityStatistics::total_return() const {
  if (samples_ == 0 || initial_ <= 0) return std::nullopt;
  return equity_ / initial_ - 1;
}

std::optional<double> EquityStatistics::cagr() const {
  if (samples_ == 0 || initial_ <= 0 || equity_ < 0 || days() <= 0) return std::nullopt;
  return finite(std::pow(equity_ / initial_, 1 / years()) - 1);
}

std::vector<DailyReturn> EquityStatistics::dated_returns() const {
  std::vector<DailyReturn> out = returns_;
  if (samples_ > 0 && day_start_equity_ > 0) out.push_back({day_end_ - base::days(1), equity_ / day_start_equity_ - 1});
  return out;
}

std::vector<double> EquityStatistics::daily_returns() const {
  std::vector<double> out;
  for (const DailyReturn& r : dated_returns()) out.push_back(r.value);
  return out;
}

std::vector<MonthReturn> EquityStatistics::months() const { return months_; }

std::optional<double> sharpe(const std::vector<double>& daily) {
  const Moments m = moments(daily);
  const auto deviation = m.deviation();
  if (!deviation || *deviation == 0) return std::nullopt;
  return finite(*m.mean() / *deviation * std::sqrt(kDaysPerYear));
}

std::optional<double> sortino(const std::vector<double>& daily) {
  if (daily.size() < 2) return std::nullopt;
  double squares = 0;
  for (const double r : daily) squares += r < 0 ? r * r : 0;
  if (squares == 0) return std::nullopt;
  const double n = static_cast<double>(daily.size());
  return finite(*moments(daily).mean() / std::sqrt(squares / n) * std::sqrt(kDaysPerYear));
}

std::optional<double> annual_volatility(const std::vector<double>& daily) {
  const auto deviation = moments(daily).deviation();
  if (!deviation) return std::nullopt;
  return *deviation * std::sqrt(kDaysPerYear);
}

std::optional<TailLoss> tail_loss(std::vector<double> daily) {
  if (daily.size() < 20) return std::nullopt;
  std::ranges::sort(daily);
  const std::size_t at = daily.size() / 20;  // ⌊5 % of n⌋
  const double tail = std::accumulate(daily.begin(), daily.begin() + static_cast<std::ptrdiff_t>(at) + 1, 0.0);
  return TailLoss{-daily[at], -tail / static_cast<double>(at + 1)};
}

void TradeGroup::add(const domain::TradeClosed& trade) {
  ++trades;
  wins += trade.net_pnl.is_positive() ? 1 : 0;
  losses += trade.net_pnl.is_negative() ? 1 : 0;
  gross += trade.gross_pnl;
  fees += trade.fees;
  funding += trade.funding;
  slippage += trade.slippage;
  net += trade.net_pnl;
  r.add(trade.r_multiple);
}

std::optional<double> TradeGroup::win_rate() const {
  if (trades == 0) return std::nullopt;
  return static_cast<double>(wins) / static_cast<double>(trades);
}

void TradeStatistics::add(const domain::TradeClosed& trade) {
  QT_CHECK(trade.symbol.value < per_symbol.size(), "a trade of a symbol outside the run");
  QT_CHECK(static_cast<std::size_t>(trade.exit_reason) < kExitReasons, "a known exit reason");
  all.add(trade);
  per_side[static_cast<std::size_t>(trade.side)].add(trade);
  per_symbol[trade.symbol.value].add(trade);
  per_exit[static_cast<std::size_t>(trade.exit_reason)].add(trade);
  if (trade.net_pnl.is_positive()) won += trade.net_pnl;
  if (trade.net_pnl.is_negative()) lost += trade.net_pnl;
  best = best ? std::max(*best, trade.net_pnl) : trade.net_pnl;
  worst = worst ? std::min(*worst, trade.net_pnl) : trade.net_pnl;
  best_r = best_r ? std::max(*best_r, trade.r_multiple) : trade.r_multiple;
  worst_r = worst_r ? std::min(*worst_r, trade.r_multiple) : trade.r_multiple;
  hold_s.add((trade.exit_time - trade.entry_time).seconds());
  run_wins_ = trade.net_pnl.is_positive() ? run_wins_ + 1 : 0;
  run_losses_ = trade.net_pnl.is_negative() ? run_losses_ + 1 : 0;
  longest_wins = std::max(longest_wins, run_wins_);
  longest_losses = std::max(longest_losses, run_losses_);
  QT_CHECK(std::isfinite(trade.r_multiple), "a finite R multiple");
  const double bin = std::floor((trade.r_multiple - kHistogramFrom) / kHistogramStep);
  ++histogram[static_cast<std::size_t>(std::clamp(bin, 0.0, static_cast<double>(kHistogramBins - 1)))];
}

std::optional<double> TradeStatistics::profit_factor() const {
  if (!lost.is_negative()) return std::nullopt;
  return won.to_double() / -lost.to_double();
}

std::optional<double> TradeStatistics::sqn() const {
  const auto deviation = all.r.deviation();
  if (!deviation || *deviation == 0) return std::nullopt;
  return std::sqrt(static_cast<double>(std::min<std::uint64_t>(all.trades, 100))) * *all.r.mean() / *deviation;
}

std::optional<double> TradeStatistics::p_value() const {
  const auto deviation = all.r.deviation();
  if (!deviation || *deviation == 0) return std::nullopt;
  const double t = *all.r.mean() / (*deviation / std::sqrt(static_cast<double>(all.trades)));
  return std::erfc(std::fabs(t) / std::sqrt(2.0));
}

}  // namespace qtrader::report
