#include "training/evaluate/evaluation_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace qtrader::training {
namespace {

using Cells = std::vector<std::string>;

struct Table {
  std::string title, note;
  std::vector<Cells> rows;  // the first is the header; the first column is text, the others are numbers
};

constexpr const char* kNothing = "–";

std::string figure(const std::optional<double>& v, int digits) {
  return v ? fmt::format("{:.{}f}", *v, digits) : kNothing;
}
std::string figure(const std::optional<Estimate>& e, int digits) {
  return e ? fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", e->value, digits, e->low, digits, e->high, digits) : kNothing;
}
template <class Record, class Member>
auto member(const std::optional<Record>& record, Member Record::* m) -> std::optional<Member> {
  if (!record) return std::nullopt;
  return (*record).*m;
}
/// Per cent of a fraction.
std::optional<Estimate> percent(std::optional<Estimate> e) {
  if (e) e = Estimate{100 * e->value, 100 * e->low, 100 * e->high};
  return e;
}

Table scores(const EvaluationResult& r) {
  Table out{"Forecasts",
            "Three classes; the class prior of each fold is the zero of every skill. [95 % interval, days resampled]",
            {{"", "rows", "log-loss", "Brier", "ECE", "macro-F1", "MCC"}}};
  for (const ForecasterResult& f : r.forecasters)
    out.rows.push_back(
        {f.name, fmt::format("{}", r.test_rows - f.absent), figure(member(f.classes, &ClassSkill::log_loss), 4),
         figure(member(f.classes, &ClassSkill::brier), 4), figure(member(f.classes, &ClassSkill::ece), 4),
         figure(member(f.classes, &ClassSkill::macro_f1), 3), figure(member(f.classes, &ClassSkill::mcc), 3)});
  return out;
}

std::string p_value(const std::optional<double>& p) {
  if (!p) return kNothing;
  return *p < 0.001 ? "< 0.001" : fmt::format("{:.3f}", *p);
}

std::string gain(const std::optional<PairedDifference>& d) {
  if (!d) return kNothing;
  return fmt::format("{:+.4f} [{:+.4f}, {:+.4f}], p {}", d->gain, d->low, d->high, p_value(d->p_better));
}

Table comparisons(const EvaluationResult& r) {
  Table out{"Against the baselines",
            "Log-loss of the baseline less that of the model on the same rows, days as clusters; p one-sided, of \"not "
            "better\".",
            {{"", "against the prior", "against logistic", "promotable"}}};
  for (const ForecasterResult& f : r.forecasters)
    if (f.name != kPrior)
      out.rows.push_back({f.name, gain(f.against_prior), gain(f.against_logistic), f.promotable ? "yes" : "no"});
  return out;
}

Table movement_and_direction(const EvaluationResult& r) {
  Table out{"Movement and direction",
            "Skill: 1 − log-loss / that of the prior, in per cent. Movement: BUY or SELL against HOLD. Direction: BUY "
            "against SELL, of the rows that moved. Rank IC: of p_BUY − p_SELL with the forward return, by day.",
            {{"", "movement skill %", "movement AUC", "direction skill %", "direction AUC", "rank IC", "t", "p"}}};
  for (const ForecasterResult& f : r.forecasters)
    out.rows.push_back({f.name, figure(percent(f.movement.log_loss_skill), 2), figure(f.movement.auc, 3),
                        figure(percent(f.direction.log_loss_skill), 2), figure(f.direction.auc, 3),
                        figure(member(f.rank_ic, &RankIc::mean), 3), figure(member(f.rank_ic, &RankIc::t), 2),
                        p_value(member(f.rank_ic, &RankIc::p_two_sided))});
  return out;
}

Table strongest_signals(const EvaluationResult& r) {
  Table out{
      "The strongest signals",
      fmt::format(
          "Basis points of each signal held for {} bars, before and after a taker's round trip; net without the day "
          "that earned most.",
          r.labels.horizon_bars),
      {{"", "tenth: gross", "net", "less best day", "hundredth: gross", "net", "less best day", "cost"}}};
  for (const ForecasterResult& f : r.forecasters)
    if (f.strongest_tenth.trades > 0)
      out.rows.push_back({f.name, figure(f.strongest_tenth.gross_bps, 1), figure(f.strongest_tenth.net_bps, 1),
                          figure(f.strongest_tenth.net_bps_without_best_day, 1),
                          figure(f.strongest_hundredth.gross_bps, 1), figure(f.strongest_hundredth.net_bps, 1),
                          figure(f.strongest_hundredth.net_bps_without_best_day, 1),
                          fmt::format("{:.1f}", f.strongest_tenth.cost_bps)});
  return out;
}

Cells portfolio_row(const std::string& name, const PerTrade* trades, const std::optional<PortfolioResult>& p) {
  Cells out = {name, trades != nullptr ? fmt::format("{}", trades->trades) : kNothing};
  if (!p) return (out.insert(out.end(), 7, kNothing), out);
  const auto random = p->random ? std::optional(p->random->p_value) : std::nullopt;
  const auto median = p->random ? std::optional(p->random->sharpe_median) : std::nullopt;
  for (const std::string& cell :
       {figure(p->gross_sharpe, 2), figure(p->net_sharpe, 2), fmt::format("{:.1f}", 100 * p->net_return),
        fmt::format("{:.1f}", 100 * p->max_drawdown), fmt::format("{:.2f}", p->turnover_per_day), figure(median, 2),
        figure(random, 3)})
    out.push_back(cell);
  return out;
}

Table portfolios(const EvaluationResult& r) {
  Table out{
      "Portfolios",
      fmt::format("Each bar 1/{} of the capital in equal parts on its signals, held for {} bars; nothing "
                  "compounded, no stops. Sharpe ratios of days, annualised by √365. Random: the same bars and "
                  "numbers, each day's trades moved to other symbols and their sides kept or turned; median gross "
                  "Sharpe ratio of the draws, and p: the share of them at least as good.",
                  r.labels.horizon_bars, r.labels.horizon_bars),
      {{"", "signals", "gross Sharpe", "net Sharpe", "net %", "drawdown %", "turnover/day", "random gross", "p"}}};
  for (const ForecasterResult& f : r.forecasters) {
    if (f.strongest_tenth.trades > 0)
      out.rows.push_back(portfolio_row(f.name + ", strongest tenth", &f.strongest_tenth, f.strongest_tenth_portfolio));
    if (f.strongest_hundredth.trades > 0)
      out.rows.push_back(
          portfolio_row(f.name + ", strongest hundredth", &f.strongest_hundredth, f.strongest_hundredth_portfolio));
    if (f.expected_value.trades.trades > 0)
      out.rows.push_back(
          portfolio_row(f.name + ", expected value", &f.expected_value.trades, f.expected_value.portfolio));
    if (f.gated.trades.trades > 0)
      out.rows.push_back(portfolio_row(f.name + ", all rules", &f.gated.trades, f.gated.portfolio));
  }
  out.rows.push_back(portfolio_row("buy and hold", nullptr, r.buy_and_hold));
  return out;
}

Table rules(const EvaluationResult& r) {
  Table out{"What the rules let through",
            "Of models::Ensemble itself: its expected-value rule alone, then all of its gates. A single model is let "
            "decide alone.",
            {{"", "expected value", "net bps", "all rules", "net bps", "held back by"}}};
  for (const ForecasterResult& f : r.forecasters) {
    if (f.name == kPrior) continue;
    std::string reasons;
    for (const auto& [reason, rows] : f.gated.held_back)
      reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", reason, rows);
    out.rows.push_back({f.name, fmt::format("{}", f.expected_value.trades.trades),
                        figure(f.expected_value.trades.net_bps, 1), fmt::format("{}", f.gated.trades.trades),
                        figure(f.gated.trades.net_bps, 1), reasons});
  }
  return out;
}

Table fits(const EvaluationResult& r) {
  Table out{"Fits",
            "Validation log-loss after calibration; T: temperature.",
            {{"", "trained on", "rows", "tested on", "rows", "rounds, T, validation log-loss"}}};
  for (std::size_t i = 0; i < r.folds.size(); ++i) {
    const FoldRecord& fold = r.folds[i];
    std::int64_t trained = 0, tested = 0;
    for (const PartRecord& p : fold.train) trained += p.rows;
    for (const PartRecord& p : fold.test) tested += p.rows;
    std::string text;
    for (const FoldFit& f : fold.fits)
      text += fmt::format("{}{} {}, {:.3f}, {:.4f}", text.empty() ? "" : "; ", f.name, f.rounds, f.temperature,
                          f.validation_log_loss);
    out.rows.push_back({fmt::format("fold {}", i + 1),
                        base::format_date(fold.train.front().first) + " – " + base::format_date(fold.train.back().last),
                        fmt::format("{}", trained),
                        base::format_date(fold.test.front().first) + " – " + base::format_date(fold.test.back().last),
                        fmt::format("{}", tested), text});
  }
  return out;
}

Table parts(const ForecasterResult& f) {
  Table out{"Parts: " + f.name,
            "",
            {{"", "rows", "log-loss", "skill %", "direction AUC", "rank IC", "t", "tenth: gross bps", "net bps"}}};
  for (const PartResult& p : f.parts)
    out.rows.push_back({p.part, fmt::format("{}", p.rows), figure(p.log_loss, 4), figure(percent(p.log_loss_skill), 2),
                        figure(p.direction_auc, 3), figure(member(p.rank_ic, &RankIc::mean), 3),
                        figure(member(p.rank_ic, &RankIc::t), 2), figure(p.strongest_tenth.gross_bps, 1),
                        figure(p.strongest_tenth.net_bps, 1)});
  return out;
}

Table reliability_of(const ForecasterResult& f) {
  Table out{"Reliability: " + f.name,
            "Of the class with the largest probability.",
            {{"claimed between", "rows", "claimed", "observed"}}};
  if (!f.classes) return out;
  for (const ReliabilityBin& b : f.classes->reliability)
    out.rows.push_back({fmt::format("{:.3f} – {:.3f}", b.low, b.high), fmt::format("{}", b.rows),
                        fmt::format("{:.4f}", b.claimed), fmt::format("{:.4f}", b.observed)});
  return out;
}

Table by_fold(const EvaluationResult& r) {
  Table out{"Test log-loss by fold", "", {{""}}};
  for (std::size_t i = 0; i < r.folds.size(); ++i) out.rows[0].push_back(fmt::format("fold {}", i + 1));
  for (const ForecasterResult& f : r.forecasters) {
    Cells row = {f.name};
    for (const FoldRecord& fold : r.folds) {
      const auto it = fold.test_log_loss.find(f.name);
      row.push_back(it == fold.test_log_loss.end() ? kNothing : fmt::format("{:.4f}", it->second));
    }
    out.rows.push_back(std::move(row));
  }
  return out;
}

std::string isotonic_line(const EvaluationResult& r) {
  double rows = 0, before = 0, after = 0;
  for (const FoldRecord& fold : r.folds) {
    rows += 1;
    before += fold.isotonic.brier_before;
    after += fold.isotonic.brier_after;
  }
  if (!(before > 0)) return "";
  return fmt::format(
      "Isotonic calibration of the ensemble's side, mean over the folds: Brier {:.4f} before, {:.4f} "
      "after.\n",
      before / rows, after / rows);
}

std::string selection_line(const SelectionResult& s) {
  if (s.variants.empty()) return "";
  return fmt::format(
      "Luck among {} variants (strongest tenth, daily net): probability of backtest overfitting {}, Hansen's SPA p {}, "
      "reality check p {}; best {}, probability that its true Sharpe ratio is above 0, deflated for the number of "
      "variants, {}.\n",
      s.variants.size(), figure(s.overfitting_probability, 2), figure(s.spa_p, 3), figure(s.reality_check_p, 3), s.best,
      figure(s.deflated_sharpe, 3));
}

std::string heading(const EvaluationResult& r) {
  std::string symbols;
  for (const SymbolGroup& group : r.groups) {
    symbols += fmt::format("{}{}:", symbols.empty() ? "" : "; ", group.name);
    for (const std::string& symbol : group.symbols) symbols += " " + symbol;
  }
  const std::string days = r.test_days.empty() ? ""
                                               : fmt::format(" on {} days, {} to {}", r.test_days.size(),
                                                             r.test_days.front(), r.test_days.back());
  return fmt::format("{} folds, {}, {} of {} bars; {} test rows{}{}{}.\n{}\n", r.folds.size(), name(r.scheme),
                     domain::to_string(r.timeframe), domain::to_string(r.base_timeframe), r.test_rows, days,
                     r.paths > 1 ? fmt::format(", {} paths", r.paths) : "", r.synthetic ? " (SYNTHETIC)" : "", symbols);
}

std::vector<Table> main_tables(const EvaluationResult& r) {
  return {scores(r), comparisons(r), movement_and_direction(r), strongest_signals(r), rules(r), portfolios(r)};
}

std::string markdown(const Table& table) {
  std::string out = "## " + table.title + "\n\n";
  if (!table.note.empty()) out += table.note + "\n\n";
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    out += "|";
    for (const std::string& cell : table.rows[i]) out += " " + cell + " |";
    out += "\n";
    if (i > 0) continue;
    out += "|---|";
    for (std::size_t c = 1; c < table.rows[0].size(); ++c) out += "--:|";
    out += "\n";
  }
  return out + "\n";
}

/// Characters, not bytes.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string aligned(const Table& table) {
  std::vector<std::size_t> widths(table.rows[0].size());
  for (const Cells& row : table.rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width(row[c]));
  std::string out = table.title + "\n";
  for (const Cells& row : table.rows) {
    std::string line = "  ";
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - width(row[c]), ' ');
      line += c == 0 ? row[c] + padding : "  " + padding + row[c];
    }
    while (line.ends_with(' ')) line.pop_back();
    out += line + "\n";
  }
  return out + "\n";
}

}  // namespace

std::string to_markdown(const EvaluationResult& r) {
  std::string out = "# Evaluation\n\n";
  for (const std::string& sentence : r.verdict) out += "- " + sentence + "\n";
  out += "\n" + heading(r) + "\n";
  for (const Table& table : main_tables(r)) out += markdown(table);
  out += isotonic_line(r) + "\n" + selection_line(r.selection) + "\n";
  out += markdown(by_fold(r)) + markdown(fits(r));
  for (const ForecasterResult& f : r.forecasters)
    if (f.name != kPrior) out += markdown(parts(f));
  for (const ForecasterResult& f : r.forecasters)
    if (f.name == kEnsemble || f.name == kEnsembleIsotonic) out += markdown(reliability_of(f));
  out += fmt::format("Seed {}, code {}, data {}, {:.0f} s.\n", r.seed, r.code_version, r.data_hash.substr(0, 12),
                     r.seconds);
  return out;
}

std::string to_terminal(const EvaluationResult& r) {
  std::string out = heading(r) + "\n";
  for (const Table& table : main_tables(r)) out += aligned(table);
  out += isotonic_line(r) + selection_line(r.selection) + "\n";
  for (const std::string& sentence : r.verdict) out += sentence + "\n";
  return out;
}

}  // namespace qtrader::training
