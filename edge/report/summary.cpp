#include "edge/report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/time.hpp"

namespace qtrader::report {
namespace {

constexpr std::string_view kMinus = "\u2212";

/// Digits in groups of three; `text` is an unsigned decimal.
std::string grouped(std::string text) {
  std::size_t at = std::min(text.find('.'), text.size());
  while (at > 3) text.insert(at -= 3, ",");
  return text;
}

std::string signed_text(double value, std::string body, bool plus) {
  const bool zero = body.find_first_of("123456789") == std::string::npos;
  if (value < 0 && !zero) return std::string(kMinus) + body;
  return (plus && !zero ? "+" : "") + body;
}

/// Columns a UTF-8 text takes, every code point one wide.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// The first `columns` columns, with an ellipsis if something was cut.
std::string clipped(std::string text, std::size_t columns) {
  if (width(text) <= columns) return text;
  std::size_t bytes = 0;
  for (std::size_t seen = 0; bytes < text.size(); ++bytes) {
    if ((static_cast<unsigned char>(text[bytes]) & 0xC0) != 0x80 && seen++ == columns - 1) break;
  }
  return text.substr(0, bytes) + "…";
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!lines.back().empty() && width(lines.back()) + 1 + width(word) > columns) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += clipped(std::string(word), columns);
  }
  return lines;
}

std::string right(std::string_view text, std::size_t columns) {
  return std::string(columns - std::min(columns, width(text)), ' ').append(text);
}
std::string left(std::string_view text, std::size_t columns) {
  return std::string(text).append(columns - std::min(columns, width(text)), ' ');
}

class Terminal {
 public:
  explicit Terminal(bool colour) : colour_(colour) {}

  void line(std::string_view text = {}) { out_.append(text).push_back('\n'); }
  void heading(std::string_view text) { line(paint(text, "1")); }
  void warning(std::string_view text) {
    std::string prefix = "! ";
    for (const std::string& part : wrapped(text, kColumns - 2)) {
      line(paint(prefix + part, "33"));
      prefix = "  ";
    }
  }
  /// Up to three label–value pairs of 32 columns.
  void pair(std::string_view label, std::string_view value, std::optional<double> sign = std::nullopt) {
    if (cell_ == 3) end_pairs();
    std::string text = left(label, 17) + right(value, 13);
    if (sign && *sign != 0) text = left(label, 17) + paint(right(value, 13), *sign < 0 ? "31" : "32");
    row_ += (cell_++ == 0 ? "" : "   ") + text;
  }
  void end_pairs() {
    if (cell_ > 0) line(row_);
    row_.clear();
    cell_ = 0;
  }
  std::string paint(std::string_view text, std::string_view code) const {
    if (!colour_) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
  }
  std::string take() { return std::move(out_); }

  static constexpr std::size_t kColumns = 98;

 private:
  bool colour_;
  std::string out_, row_;
  int cell_ = 0;
};

void put_metrics(Terminal& t, const Summary& s) {
  const Metrics& m = s.metrics;
  t.pair("Total return", percent(m.total_return_frac), m.total_return_frac);
  t.pair("Trades", count(m.trades));
  t.pair("Fees", dollars(s.costs.fees));
  t.pair("Buy and hold", percent(s.benchmark.buy_and_hold_return_frac));
  t.pair("Win rate", plain_percent(m.win_rate, 1));
  t.pair("Slippage", dollars(s.costs.slippage));
  t.pair("CAGR", percent(m.cagr), m.cagr);
  t.pair("Profit factor", number(m.profit_factor));
  t.pair("Funding", dollars(s.costs.funding));
  t.pair("Max drawdown", plain_percent(m.max_drawdown_frac));
  t.pair("Expectancy", number(m.expectancy_r, 3) + (m.expectancy_r ? " R" : ""), m.expectancy_r);
  t.pair("Net of trades", dollars(s.costs.net_pnl), s.costs.net_pnl.to_double());
  t.pair("Underwater", number(m.max_drawdown_days, 1) + (m.max_drawdown_days ? " d" : ""));
  t.pair("Best trade", dollars(m.best_trade_usd));
  t.pair("Final equity", dollars(m.final_equity_usd));
  t.pair("Sharpe", number(m.sharpe));
  t.pair("Worst trade", dollars(m.worst_trade_usd));
  t.pair("Exposure", plain_percent(m.exposure_frac, 1));
  t.pair("Sortino", number(m.sortino));
  t.pair("Average hold", duration_text(m.avg_hold_s));
  t.pair("Turnover", number(m.turnover, 1) + (m.turnover ? " ×/y" : ""));
  t.pair("Calmar", number(m.calmar));
  t.pair("Long / short", count(m.long_trades) + " / " + count(m.short_trades));
  t.pair("p (mean R = 0)", number(m.p_value_mean_r, 3));
  t.end_pairs();
}

void put_evidence(Terminal& t, const Evidence& e) {
  t.line();
  t.heading("Evidence");
  for (const std::string& part : wrapped(e.verdict, Terminal::kColumns)) t.line(part);
  t.pair("Mean day", percent(e.run.mean_daily_frac, 3), e.run.mean_daily_frac);
  t.pair("95 % from", percent(e.run.mean_daily_low_frac, 3));
  t.pair("to", percent(e.run.mean_daily_high_frac, 3));
  t.pair("Trials on data", e.trials.count == 0 ? "n/a" : count(e.trials.count));
  t.pair("P(Sharpe > 0)", plain_percent(e.run.psr, 1));
  t.pair("after all trials", plain_percent(e.trials.dsr, 1));
  t.pair("Overfitting", plain_percent(e.trials.pbo, 1));
  t.pair("p (luck), best", number(e.trials.reality_check_p, 3));
  t.pair("Days / needed", count(e.run.days) + " / " + number(e.run.min_track_days, 0));
  t.end_pairs();
}

void put_tables(Terminal& t, const Summary& s) {
  t.line();
  t.heading(left("Symbol", 16) + right("Trades", 9) + right("Win rate", 11) + right("Net", 17) + right("Fees", 14) +
            right("Mean R", 9) + right("Buy & hold", 12));
  constexpr std::size_t kRows = 12;
  for (std::size_t i = 0; i < std::min(kRows, s.per_symbol.size()); ++i) {
    const SymbolRow& r = s.per_symbol[i];
    t.line(left(clipped(r.symbol, 15), 16) + right(count(r.trades), 9) + right(plain_percent(r.win_rate, 1), 11) +
           right(dollars(r.net_pnl), 17) + right(dollars(r.fees), 14) + right(number(r.expectancy_r, 3), 9) +
           right(percent(r.buy_and_hold_return_frac, 1), 12));
  }
  if (s.per_symbol.size() > kRows) t.line(fmt::format("… and {} more in report.json", s.per_symbol.size() - kRows));
  if (!s.per_exit_reason.empty()) {
    t.line();
    t.heading(left("Exit reason", 16) + right("Trades", 9) + right("Net", 17) + right("Mean R", 10));
    for (const ExitRow& r : s.per_exit_reason)
      t.line(left(r.reason, 16) + right(count(r.trades), 9) + right(dollars(r.net_pnl), 17) +
             right(number(r.avg_r, 3), 10));
  }
  if (s.refusals.empty()) return;
  t.line();
  t.heading("Not traded");
  std::vector<std::pair<std::string, std::uint64_t>> rules(s.refusals.begin(), s.refusals.end());
  std::ranges::stable_sort(rules, [](const auto& a, const auto& b) { return a.second > b.second; });
  constexpr std::size_t kRules = 10;
  for (std::size_t i = 0; i < std::min(kRules, rules.size()); ++i)
    t.line(left(clipped(rules[i].first, 40), 41) + right(count(rules[i].second), 12));
  if (rules.size() > kRules) t.line(fmt::format("… and {} more in report.json", rules.size() - kRules));
}

}  // namespace

std::string percent(std::optional<double> fraction, int decimals) {
  if (!fraction) return "n/a";
  return signed_text(*fraction, grouped(fmt::format("{:.{}f}", std::fabs(*fraction) * 100, decimals)) + " %", true);
}
std::string plain_percent(std::optional<double> fraction, int decimals) {
  if (!fraction) return "n/a";
  return signed_text(*fraction, grouped(fmt::format("{:.{}f}", std::fabs(*fraction) * 100, decimals)) + " %", false);
}
std::string number(std::optional<double> value, int decimals) {
  if (!value) return "n/a";
  return signed_text(*value, grouped(fmt::format("{:.{}f}", std::fabs(*value), decimals)), false);
}
std::string dollars(std::optional<domain::Money> amount) {
  if (!amount) return "n/a";
  const double value = amount->to_double();
  return signed_text(value, "$" + grouped(fmt::format("{:.2f}", std::fabs(value))), false);
}
std::string count(std::uint64_t value) { return grouped(std::to_string(value)); }

std::string duration_text(std::optional<double> seconds) {
  if (!seconds) return "n/a";
  const auto total = static_cast<std::int64_t>(std::llround(std::max(0.0, *seconds)));
  const std::int64_t days = total / 86'400, hours = total / 3600 % 24, minutes = total / 60 % 60;
  if (days > 0) return fmt::format("{} d {} h", days, hours);
  if (hours > 0) return fmt::format("{} h {} min", hours, minutes);
  if (minutes > 0) return fmt::format("{} min", minutes);
  return fmt::format("{} s", total);
}

std::string verdict(const Summary& s) {
  if (!s.metrics.final_equity_usd) return "No equity was recorded: the run says nothing about profit or loss.";
  const domain::Money change = *s.metrics.final_equity_usd - s.run.initial_wallet_usd;
  std::string text;
  if (change.is_zero()) {
    text = s.metrics.trades == 0 ? "Did not trade: nothing made, nothing lost" : "Broke even after all costs";
  } else {
    text = fmt::format("{} {} ({}) after all costs", change.is_positive() ? "Made" : "Lost", dollars(change.abs()),
                       percent(s.metrics.total_return_frac));
  }
  text += fmt::format(" over {:.1f} days", s.metrics.days);
  if (const auto hold = s.benchmark.buy_and_hold_return_frac; !hold) {
    text += "; there are no prices to compare with buying and holding.";
  } else {
    text += fmt::format("; buying and holding would have {} {}.", *hold < 0 ? "lost" : "made",
                        plain_percent(std::fabs(*hold)));
  }
  return text;
}

std::string terminal_text(const Summary& s, bool colour) {
  Terminal t(colour);
  const auto date = [](std::int64_t ms) { return base::format_date(base::Timestamp::from_unix_ms(ms)); };
  std::string symbols;
  for (const std::string& name : s.run.symbols) symbols += (symbols.empty() ? "" : ",") + name;
  t.heading(clipped(fmt::format("{} on {}, {}, {} to {}", s.run.strategy, symbols, s.run.timeframe, date(s.run.from_ms),
                                date(s.run.to_ms)),
                    Terminal::kColumns));
  if (s.run.synthetic) t.warning("SYNTHETIC DATA: these prices never traded.");
  for (const std::string& part : wrapped(verdict(s), Terminal::kColumns)) t.line(part);
  t.line();
  put_metrics(t, s);
  put_evidence(t, s.evidence);
  put_tables(t, s);
  if (!s.caveats.empty()) t.line();
  for (const std::string& caveat : s.caveats) t.warning(caveat);
  t.line();
  t.line(fmt::format("{} bars in {:.2f} s ({} bars/s, {} events/s, {:.0f} MB)  digest {}", count(s.timing.bars),
                     s.timing.wall_s, number(s.timing.bars_per_s, 0), number(s.timing.events_per_s, 0), s.timing.rss_mb,
                     clipped(s.run.digest, 16)));
  return t.take();
}

}  // namespace qtrader::report
