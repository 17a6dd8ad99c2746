#include "edge/report/tear_sheet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "core/base/time.hpp"
#include "edge/report/svg_chart.hpp"

namespace qtrader::report {
namespace {

using domain::Money;

template <class... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

std::string date_text(std::int64_t ms) { return base::format_date(base::Timestamp::from_unix_ms(ms)); }

std::string_view sign_class(double value) { return value > 0 ? "gain" : value < 0 ? "loss" : ""; }
std::string_view sign_class(std::optional<double> value) { return sign_class(value.value_or(0)); }

Range time_range(const std::vector<CurvePoint>& points) {
  if (points.empty()) return {};
  return {static_cast<double>(points.front().ts_ms), static_cast<double>(points.back().ts_ms)};
}

/// Label, value and an optional class for its sign.
struct Fact {
  std::string label, value;
  std::string_view css_class = "";
};

std::string facts(const std::vector<Fact>& list, std::string_view css_class) {
  std::string out = fmt::format("<dl class=\"{}\">", css_class);
  for (const Fact& f : list)
    append(out, "<div><dt>{}</dt><dd class=\"{}\">{}</dd></div>", escape_html(f.label), f.css_class,
           escape_html(f.value));
  return out + "</dl>";
}

/// First row is the head. Cells are HTML.
std::string table(const std::vector<std::vector<std::string>>& rows, std::string_view caption = {}) {
  std::string out = "<div class=\"scroll\"><table>";
  if (!caption.empty()) append(out, "<caption>{}</caption>", caption);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0) out += "<thead>";
    if (i == 1) out += "<tbody>";
    out += "<tr>";
    for (const std::string& cell : rows[i])
      append(out, "<{0}>{1}</{2}>", i == 0 ? "th scope=\"col\"" : "td", cell, i == 0 ? "th" : "td");
    out += i == 0 ? "</tr></thead>" : "</tr>";
  }
  return out + (rows.size() > 1 ? "</tbody></table></div>" : "</table></div>");
}

std::string coloured(const std::string& text, double sign) {
  return fmt::format("<span class=\"{}\">{}</span>", sign_class(sign), text);
}
std::string money_cell(Money m) { return coloured(dollars(m), m.to_double()); }
std::string note(std::string_view text) { return fmt::format("<p class=\"note\">{}</p>", text); }

std::string tiles(const Summary& s) {
  const Metrics& m = s.metrics;
  return facts({{"Total return", percent(m.total_return_frac), sign_class(m.total_return_frac)},
                {"Buy and hold", percent(s.benchmark.buy_and_hold_return_frac)},
                {"Max drawdown", plain_percent(m.max_drawdown_frac)},
                {"Sharpe", number(m.sharpe)},
                {"Sortino", number(m.sortino)},
                {"Calmar", number(m.calmar)},
                {"Trades", count(m.trades)},
                {"Win rate", plain_percent(m.win_rate, 1)},
                {"Profit factor", number(m.profit_factor)},
                {"Expectancy", number(m.expectancy_r, 3) + (m.expectancy_r ? " R" : ""), sign_class(m.expectancy_r)},
                {"Fees paid", dollars(s.costs.fees)},
                {"Exposure", plain_percent(m.exposure_frac, 1)}},
               "tiles");
}

std::string with_unit(std::string text, std::string_view unit) {
  return text == "n/a" ? text : text.append(" ").append(unit);
}

std::string all_metrics(const Summary& s) {
  const Metrics& m = s.metrics;
  const std::string deepest = m.max_drawdown_from_ms && m.max_drawdown_at_ms
                                  ? date_text(*m.max_drawdown_from_ms) + " → " + date_text(*m.max_drawdown_at_ms)
                                  : "n/a";
  return facts({{"CAGR (365 days)", percent(m.cagr)},
                {"Volatility, annual", plain_percent(m.volatility_annual)},
                {"Deepest drawdown", deepest},
                {"Longest underwater", with_unit(number(m.max_drawdown_days, 1), "days")},
                {"Ulcer index", plain_percent(m.ulcer)},
                {"Daily VaR 95 %", plain_percent(m.var_95_daily)},
                {"Daily CVaR 95 %", plain_percent(m.cvar_95_daily)},
                {"Best day", percent(m.best_day_frac)},
                {"Worst day", percent(m.worst_day_frac)},
                {"Starting wallet", dollars(s.run.initial_wallet_usd)},
                {"Final equity", dollars(m.final_equity_usd)},
                {"Lowest equity", m.lowest_equity_usd ? "$" + number(m.lowest_equity_usd) : "n/a"},
                {"Turnover", with_unit(number(m.turnover, 1), "× / year")},
                {"Average hold", duration_text(m.avg_hold_s)},
                {"Long / short trades", count(m.long_trades) + " / " + count(m.short_trades)},
                {"Wins / losses", count(m.wins) + " / " + count(m.losses)},
                {"Average win", m.avg_win_usd ? "$" + number(m.avg_win_usd) : "n/a"},
                {"Average loss", m.avg_loss_usd ? "$" + number(m.avg_loss_usd) : "n/a"},
                {"Best trade", dollars(m.best_trade_usd) + " / " + with_unit(number(m.best_trade_r), "R")},
                {"Worst trade", dollars(m.worst_trade_usd) + " / " + with_unit(number(m.worst_trade_r), "R")},
                {"Consecutive wins, losses", count(m.max_consecutive_wins) + ", " + count(m.max_consecutive_losses)},
                {"Deviation of R", number(m.r_deviation, 3)},
                {"System quality number", number(m.sqn)},
                {"p-value of mean R = 0", number(m.p_value_mean_r, 4)}},
               "metrics");
}

std::string evidence(const Evidence& e) {
  const TrialEvidence& t = e.trials;
  std::string out = fmt::format("<p class=\"headline\">{}</p>", escape_html(e.verdict));
  out += facts({{"Mean daily return", percent(e.run.mean_daily_frac, 3), sign_class(e.run.mean_daily_frac)},
                {"95 % interval, low", percent(e.run.mean_daily_low_frac, 3), sign_class(e.run.mean_daily_low_frac)},
                {"95 % interval, high", percent(e.run.mean_daily_high_frac, 3), sign_class(e.run.mean_daily_high_frac)},
                {"Trials on this data", t.count == 0 ? "n/a" : count(t.count)},
                {"P(Sharpe > 0), one trial", plain_percent(e.run.psr, 1)},
                {"P(Sharpe > 0), all trials", plain_percent(t.dsr, 1)},
                {"P(overfitting)", plain_percent(t.pbo, 1)},
                {"p of luck, best trial", number(t.reality_check_p, 3)}},
               "tiles wide");
  out += "<details><summary>How this was computed</summary>";
  out += facts({{"Days with a return", count(e.run.days)},
                {"Days needed for 95 %", number(e.run.min_track_days, 0)},
                {"Bootstrap block", with_unit(number(e.run.block_days, 1), "days")},
                {"Skewness, kurtosis", number(e.run.skewness) + ", " + number(e.run.kurtosis)},
                {"Trials over the same days", count(t.compared)},
                {"Days they have in common", count(t.common_days)},
                {"Deviation of their Sharpe", number(t.sharpe_deviation)},
                {"Best Sharpe by luck alone", number(t.expected_max_sharpe)},
                {"p of luck, Hansen's SPA", number(t.spa_p, 3)}},
               "metrics");
  for (const std::string& n : t.notes) out += note(escape_html(n));
  return out +
         note(
             "All trials: deflated Sharpe ratio over every run in the trial ledger that saw this data. "
             "Overfitting: how often the best of the compared trials falls below their median out of sample. "
             "Luck: White's reality check that no compared trial has a positive mean.") +
         "</details>";
}

std::string equity_charts(const ChartData& c) {
  const std::vector<CurvePoint> equity = c.equity.points(), hold = c.buy_and_hold.points();
  if (equity.empty()) return note("No equity was recorded.");
  Range y = range_of(equity);
  if (!hold.empty()) {
    const Range h = range_of(hold);
    y.include(h.low), y.include(h.high);
  }
  const Range x = time_range(equity);
  SvgChart top({.label = "Equity in dollars over time, with buying and holding", .height_px = 300}, x, y.padded(0.05));
  top.line(hold, {"hold", "Buy and hold"});
  top.line(equity, {"equity", "Equity"});
  std::vector<CurvePoint> under = c.underwater.points();
  for (CurvePoint& p : under) p.value = -p.value;
  Range depth = range_of(under);
  depth.include(0);
  depth = {std::min(depth.low * 1.08, -1e-4), 0};
  SvgChart bottom({.label = "Drawdown from the running peak over time", .height_px = 130, .y = ValueFormat::Percent}, x,
                  depth);
  bottom.area(under, 0, {"under", "Drawdown"});
  std::string out = "<p class=\"legend\"><span class=\"k-equity\">Equity, marked to market</span>";
  if (!hold.empty()) out += "<span class=\"k-hold\">Buy and hold, equal weights, no costs</span>";
  out += "</p>" + top.html() + "<p class=\"legend\"><span class=\"k-lost\">Underwater</span></p>" + bottom.html();
  if (c.equity.stride() > 1)
    out += note(fmt::format("Drawn with the lowest and highest of every {} samples; metrics use every sample.",
                            count(c.equity.stride())));
  return out;
}

/// Background whose strength grows with the size of the return, full at 10 %.
std::string heat_cell(std::optional<double> value, std::string_view css_class = {}) {
  if (!value) return fmt::format("<td class=\"{}\">–</td>", css_class);
  const double strength = std::min(std::fabs(*value) / 0.10, 1.0) * 0.5;
  return fmt::format("<td class=\"{}\" style=\"background:rgba(var(--{}-fill),{:.2f})\">{}</td>", css_class,
                     *value < 0 ? "loss" : "gain", strength, percent(value, 1));
}

std::string monthly(const Summary& s) {
  if (s.monthly.empty()) return note("No month was completed or begun.");
  std::map<int, std::array<std::optional<double>, 12>> years;
  for (const MonthRow& m : s.monthly) years[m.year][static_cast<std::size_t>(m.month - 1)] = m.return_frac;
  std::string out = "<div class=\"scroll\"><table class=\"heat\"><thead><tr><th scope=\"col\">Year</th>";
  for (const char* name : {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"})
    append(out, "<th scope=\"col\">{}</th>", name);
  out += "<th scope=\"col\" class=\"year\">Year</th></tr></thead><tbody>";
  for (const auto& [year, months] : years) {
    append(out, "<tr><th scope=\"row\">{}</th>", year);
    double growth = 1;
    for (const auto& m : months) {
      out += heat_cell(m);
      growth *= 1 + m.value_or(0);
    }
    out += heat_cell(growth - 1, "year") + "</tr>";
  }
  return out + "</tbody></table></div>" + note("First and last month as far as the run covers them, in UTC.");
}

std::string waterfall(const Summary& s) {
  if (s.metrics.trades == 0) return note("No trade was closed.");
  const Costs& c = s.costs;
  struct Step {
    const char* name;
    Money amount;
    bool total;
  };
  const std::array<Step, 5> steps = {{{"Before costs", c.gross_pnl + c.slippage, true},
                                      {"Slippage", -c.slippage, false},
                                      {"Fees", -c.fees, false},
                                      {"Funding", c.funding, false},
                                      {"Net", c.net_pnl, true}}};
  Range y{0, 0};
  std::array<Range, 5> bars;
  double level = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double amount = steps[i].amount.to_double(), from = steps[i].total ? 0 : level;
    level = from + amount;
    bars[i] = {std::min(from, level), std::max(from, level)};
    y.include(bars[i].low), y.include(bars[i].high);
  }
  SvgChart chart(
      {.label = "From profit before costs to net profit, in dollars", .height_px = 220, .x = ChartStyle::XAxis::None},
      {0, 5}, y.padded(0.06));
  std::string labels = "<div class=\"waterfall\"><div></div>";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double amount = steps[i].amount.to_double(), x = static_cast<double>(i);
    const std::string_view kind = steps[i].total ? (amount < 0 ? "net-loss" : "net-gain")
                                  : amount < 0   ? "cost"
                                                 : "credit";
    chart.bar({x + 0.2, x + 0.8}, bars[i], kind, fmt::format("{}: {}", steps[i].name, dollars(steps[i].amount)));
    append(labels, "<div><span class=\"what\">{}</span><span class=\"amount {}\">{}</span></div>", steps[i].name,
           sign_class(amount), dollars(steps[i].amount));
  }
  chart.horizontal(0, "zero");
  return chart.html() + labels + "</div>" +
         note("Of the closed trades. Slippage is measured against the venue's price before impact; funding is signed.");
}

std::string scatter(const ChartData& c) {
  const auto& dots = c.dots.rows();
  if (dots.empty()) return note("No trade was closed.");
  Range x{0, 1}, y{0, 1};
  for (const TradeDot& d : dots) x.include(-d.mae_r), y.include(d.mfe_r);
  x = {-0.03 * x.high, x.high * 1.05}, y = {-0.03 * y.high, y.high * 1.05};
  SvgChart chart({.label = "Adverse against favourable excursion of each trade, in R",
                  .height_px = 300,
                  .y = ValueFormat::R,
                  .x = ChartStyle::XAxis::R,
                  .x_title = "worst excursion against the trade (MAE)"},
                 x, y);
  for (const TradeDot& d : dots)
    chart.dot({-d.mae_r, d.mfe_r, d.r > 0 ? "won" : "lost",
               fmt::format("#{}: {:+.2f} R, MAE {:.2f}, MFE {:.2f}", d.trade, d.r, d.mae_r, d.mfe_r)});
  std::string out =
      "<p class=\"legend\"><span class=\"dots k-won\">Won</span><span class=\"dots k-lost\">Lost</span>"
      "<span class=\"plain\">vertical: best excursion (MFE)</span></p>" +
      chart.html();
  if (c.dots.stride() > 1)
    out += note(fmt::format("Every {}th of {} closed trades (at most {} are drawn).", c.dots.stride(),
                            count(c.dots.seen()), count(kScatterTrades)));
  return out;
}

std::string histogram(const Summary& s, const ChartData& c) {
  const auto used = [](std::uint64_t n) { return n != 0; };
  const auto first = std::ranges::find_if(c.histogram, used);
  if (first == c.histogram.end()) return note("No trade was closed.");
  const auto low = static_cast<std::size_t>(first - c.histogram.begin());
  std::size_t high = kHistogramBins;
  while (c.histogram[high - 1] == 0) --high;
  const auto edge = [](std::size_t bin) { return kHistogramFrom + kHistogramStep * static_cast<double>(bin); };
  const Range x{std::min(edge(low), -1.0), std::max(edge(high), 1.0)};
  const double most = static_cast<double>(*std::ranges::max_element(c.histogram));
  SvgChart chart({.label = "Number of trades by R multiple",
                  .height_px = 300,
                  .x = ChartStyle::XAxis::R,
                  .x_title = "result of the trade in R, after costs"},
                 x, {0, most * 1.05});
  for (std::size_t i = low; i < high; ++i) {
    if (c.histogram[i] == 0) continue;
    chart.bar({edge(i) + 0.02, edge(i + 1) - 0.02}, {0, static_cast<double>(c.histogram[i])},
              edge(i) < 0 ? "lost" : "won",
              fmt::format("{:+.2f} to {:+.2f} R: {} trades", edge(i), edge(i + 1), count(c.histogram[i])));
  }
  if (s.metrics.expectancy_r) chart.vertical(*s.metrics.expectancy_r, "mean");
  return chart.html() +
         note(fmt::format("Dashed: mean {} R. Trades beyond {} or {} R are in the outermost bars.",
                          number(s.metrics.expectancy_r, 3), number(kHistogramFrom, 0), number(kHistogramTo, 0)));
}

std::string per_symbol(const Summary& s) {
  std::vector<std::vector<std::string>> rows = {
      {"Symbol", "Trades", "Win rate", "Net", "Fees", "Slippage", "Funding", "Mean R", "Buy and hold"}};
  for (const SymbolRow& r : s.per_symbol)
    rows.push_back({escape_html(r.symbol), count(r.trades), plain_percent(r.win_rate, 1), money_cell(r.net_pnl),
                    dollars(r.fees), dollars(r.slippage), dollars(r.funding), number(r.expectancy_r, 3),
                    percent(r.buy_and_hold_return_frac, 1)});
  return table(rows);
}

std::string per_exit(const Summary& s) {
  if (s.per_exit_reason.empty()) return note("No trade was closed.");
  std::vector<std::vector<std::string>> rows = {{"Reason", "Trades", "Net", "Mean R"}};
  for (const ExitRow& r : s.per_exit_reason)
    rows.push_back({escape_html(r.reason), count(r.trades), money_cell(r.net_pnl), number(r.avg_r, 3)});
  return table(rows);
}

std::string per_side(const Summary& s) {
  std::vector<std::vector<std::string>> rows = {{"Side", "Trades", "Win rate", "Net", "Mean R"}};
  for (const SideRow& r : s.per_side)
    rows.push_back({escape_html(r.side), count(r.trades), plain_percent(r.win_rate, 1), money_cell(r.net_pnl),
                    number(r.expectancy_r, 3)});
  return table(rows);
}

std::string refusals(const Summary& s) {
  if (s.refusals.empty()) return note("Nothing was refused and no signal said hold.");
  std::vector<std::pair<std::string, std::uint64_t>> sorted(s.refusals.begin(), s.refusals.end());
  std::ranges::stable_sort(sorted, [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::vector<std::string>> rows = {{"Rule", "Times"}};
  for (const auto& [rule, times] : sorted) rows.push_back({escape_html(rule), count(times)});
  return table(rows, "hold.* are decisions without an entry signal; the others refused a signal or an order.");
}

std::string price_chart(const SymbolRow& row, const SymbolCharts& charts) {
  const std::vector<CurvePoint> price = charts.price.points();
  Range y = range_of(price), x = time_range(price);
  for (const TradeMark& t : charts.trades.rows()) {
    y.include(t.entry_price), y.include(t.exit_price);
    x.include(static_cast<double>(t.entry_ms)), x.include(static_cast<double>(t.exit_ms));
  }
  SvgChart chart({.label = row.symbol + " price with entries and exits", .height_px = 280}, x, y.padded(0.05));
  chart.line(price, {"price", row.symbol});
  for (const TradeMark& t : charts.trades.rows()) {
    const std::string result = t.won ? "won" : "lost";
    chart.segment({t.entry_ms, t.entry_price}, {t.exit_ms, t.exit_price}, result);
    const bool is_long = t.side == domain::PositionSide::Long;
    chart.marker({static_cast<double>(t.entry_ms), t.entry_price, result,
                  fmt::format("#{} {} at {}", t.trade, is_long ? "long" : "short",
                              axis_text(t.entry_price, t.entry_price * 1e-4, ValueFormat::Number))},
                 is_long);
  }
  std::string out = chart.html();
  if (charts.trades.stride() > 1)
    out += note(fmt::format("Every {}th of {} trades (at most {} are drawn).", charts.trades.stride(),
                            count(charts.trades.seen()), count(kTradesPerSymbol)));
  return out;
}

std::string prices(const Summary& s, const ChartData& c) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < c.symbols.size(); ++i)
    if (!c.symbols[i].price.empty()) order.push_back(i);
  if (order.empty()) return note("No bars were recorded.");
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return s.per_symbol[i].trades; });
  std::string out =
      "<p class=\"legend\"><span class=\"k-equity\">Price</span><span class=\"k-won\">Won, entry to exit</span>"
      "<span class=\"k-lost\">Lost, entry to exit (dashed)</span><span class=\"plain\">▲ long ▼ short entry</span></p>";
  for (std::size_t n = 0; n < std::min(order.size(), kPriceCharts); ++n) {
    const SymbolRow& row = s.per_symbol[order[n]];
    append(out, "<details{}><summary>{}: {} trades, net {}</summary>{}</details>", n == 0 ? " open" : "",
           escape_html(row.symbol), count(row.trades), dollars(row.net_pnl), price_chart(row, c.symbols[order[n]]));
  }
  if (order.size() > kPriceCharts)
    out += note(fmt::format("The {} symbols with most trades, of {}.", kPriceCharts, order.size()));
  return out;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& p : parts) out += (out.empty() ? "" : ", ") + p;
  return out;
}

std::string identity(const Summary& s) {
  const RunSection& r = s.run;
  const std::vector<std::pair<const char*, std::string>> rows = {
      {"Digest", r.digest},
      {"Config hash", r.config_hash},
      {"Data hash", r.data_hash},
      {"Models", r.models.empty() ? "none" : joined(r.models)},
      {"Seed", std::to_string(r.seed)},
      {"Symbols", joined(r.symbols)},
      {"Timeframe", r.timeframe},
      {"Asked for", base::format_timestamp(base::Timestamp::from_unix_ms(r.from_ms)) + " to " +
                        base::format_timestamp(base::Timestamp::from_unix_ms(r.to_ms))},
      {"Command", r.command},
      {"Unattributed", dollars(s.reconciliation.unattributed_usd) +
                           " (final equity less starting wallet and closed trades; open positions, if any)"}};
  std::string out = "<table><tbody>";
  for (const auto& [name, value] : rows)
    if (!value.empty())
      append(out, "<tr><th scope=\"row\">{}</th><td class=\"wrap\">{}</td></tr>", name, escape_html(value));
  return out + "</tbody></table>";
}

std::string caveat_list(const Summary& s) {
  if (s.caveats.empty()) return {};
  std::string out = "<ul class=\"caveats\">";
  for (const std::string& c : s.caveats) append(out, "<li>{}</li>", escape_html(c));
  return out + "</ul>";
}

}  // namespace

std::string fill_template(std::string_view text, const std::map<std::string, std::string, std::less<>>& values) {
  std::string out;
  for (;;) {
    const std::size_t open = text.find("{{");
    out += text.substr(0, open);
    if (open == std::string_view::npos) return out;
    const std::size_t close = text.find("}}", open);
    QT_CHECK(close != std::string_view::npos, "an opened name of the template is closed");
    const auto found = values.find(text.substr(open + 2, close - open - 2));
    QT_CHECK(found != values.end(), "the template has a name without a value");
    out += found->second;
    text.remove_prefix(close + 2);
  }
}

std::string tear_sheet(const Summary& s, const ChartData& c) {
  const double change = s.metrics.total_return_frac.value_or(0);
  std::map<std::string, std::string, std::less<>> v;
  v["css"] = kTearSheetCss;
  v["js"] = kTearSheetJs;
  v["title"] = escape_html(fmt::format("{} on {}", s.run.strategy, joined(s.run.symbols)));
  v["subtitle"] = escape_html(fmt::format("{} bars, {} to {} UTC, from {}", s.run.timeframe, date_text(s.run.from_ms),
                                          date_text(s.run.to_ms), dollars(s.run.initial_wallet_usd)));
  v["synthetic"] = s.run.synthetic ? "<p class=\"banner\" role=\"note\">Synthetic data: these prices never traded. The "
                                     "result says how the software behaves, not what a market pays.</p>"
                                   : "";
  v["verdict_class"] = change > 0 ? "made" : change < 0 ? "lost" : "";
  v["verdict"] = escape_html(verdict(s));
  v["caveats"] = caveat_list(s);
  v["tiles"] = tiles(s);
  v["metrics"] = all_metrics(s);
  v["evidence"] = evidence(s.evidence);
  v["evidence_class"] = s.evidence.conclusion == Conclusion::EdgeLikely ? "made"
                        : s.evidence.conclusion == Conclusion::NoEdge   ? "lost"
                                                                        : "";
  v["equity"] = equity_charts(c);
  v["monthly"] = monthly(s);
  v["waterfall"] = waterfall(s);
  v["scatter"] = scatter(c);
  v["histogram"] = histogram(s, c);
  v["per_symbol"] = per_symbol(s);
  v["per_exit"] = per_exit(s);
  v["per_side"] = per_side(s);
  v["refusals"] = refusals(s);
  v["prices"] = prices(s, c);
  v["identity"] = identity(s);
  v["footer"] = escape_html(fmt::format(
      "{} bars in {:.2f} s, {} bars/s, {} events/s, {:.0f} MB resident. Sharpe, Sortino and volatility from "
      "daily UTC returns, annualised by √365, risk-free rate 0.",
      count(s.timing.bars), s.timing.wall_s, number(s.timing.bars_per_s, 0), number(s.timing.events_per_s, 0),
      s.timing.rss_mb));
  return fill_template(kTearSheetHtml, v);
}

}  // namespace qtrader::report
