#include "training/leakcheck/compare.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <map>

#include "core/base/hash.hpp"
#include "core/base/json.hpp"
#include "core/domain/audit.hpp"

namespace qtrader::training::leakcheck {
namespace {

using features::kFeatureCount;

/// Bits, not values: a NaN equals itself, and −0 is not 0.
bool same(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

std::string exact(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string text_of(const Label& label) {
  return std::string(label.label_class == LabelClass::Buy    ? "BUY"
                     : label.label_class == LabelClass::Sell ? "SELL"
                                                             : "HOLD") +
         " " + exact(label.log_return);
}

/// Absent for a command, or for bytes that are no record.
std::optional<domain::AuditRecord> record_of(const Decision& d) {
  domain::AuditRecord record;
  if (d.command || !base::from_bytes(d.bytes, record)) return std::nullopt;
  return record;
}

std::string kind_of(const Decision& d) {
  const auto record = record_of(d);
  if (!record) return "command";
  return std::string(std::visit([](const auto& r) { return std::decay_t<decltype(r)>::kName; }, *record));
}

std::string text_of(const Decision& d) {
  constexpr std::size_t kShown = 400;
  const auto record = record_of(d);
  if (!record)
    return "a command of " + std::to_string(d.bytes.size()) + " bytes, hash " + base::hex64(base::xxh64(d.bytes, 0));
  const std::string text = base::to_json(*record);
  return text.size() <= kShown ? text : text.substr(0, kShown) + "…";
}

std::string part_of(const std::optional<Split>& split, std::size_t index) {
  const auto in = [&](IndexRange r) { return r.begin <= index && index < r.end; };
  if (in(split->train)) return "train";
  if (in(split->validation)) return "validation";
  if (in(split->test)) return "test";
  return "none";
}

/// Rows by (time, symbol), whatever order the dataset has them in.
class RowIndex {
 public:
  using Key = std::pair<base::Timestamp, domain::SymbolId>;
  explicit RowIndex(const Dataset& dataset) : dataset_(dataset), order_(dataset.size()) {
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = i;
    std::ranges::sort(order_, {}, [&](std::size_t i) { return key(i); });
  }
  std::size_t size() const { return order_.size(); }
  std::size_t operator[](std::size_t rank) const { return order_[rank]; }
  Key key_at(std::size_t rank) const { return key(order_[rank]); }

 private:
  Key key(std::size_t i) const { return {dataset_.rows[i].bar_close, dataset_.rows[i].symbol}; }
  const Dataset& dataset_;
  std::vector<std::size_t> order_;
};

/// Calls both(a, b), or one(index, of_first) for what only one of them has, in order of time and symbol.
template <class Both, class One>
void merge(const RowIndex& a, const RowIndex& b, Both both, One one) {
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    const bool only_a = j == b.size() || (i < a.size() && a.key_at(i) < b.key_at(j));
    const bool only_b = !only_a && (i == a.size() || b.key_at(j) < a.key_at(i));
    if (only_a) {
      one(a[i++], true);
    } else if (only_b) {
      one(b[j++], false);
    } else {
      both(a[i++], b[j++]);
    }
  }
}

class Comparison {
 public:
  Comparison(const Snapshot& real, const Snapshot& changed, const Cut& cut, Outcome& outcome)
      : real_(real), changed_(changed), cut_(cut), outcome_(outcome) {}

  void rows() {
    merge(
        RowIndex(real_.dataset), RowIndex(changed_.dataset), [&](std::size_t a, std::size_t b) { pair(a, b); },
        [&](std::size_t i, bool of_real) { lonely(i, of_real); });
  }

  void statistics() {
    if (!changed_.split) return;  // nothing was fitted on it
    for (const Statistic& s : real_.statistics) {
      if (s.settled > cut_.at) continue;
      ++outcome_.coverage.statistics;
      const auto other = std::ranges::find(changed_.statistics, s.name, &Statistic::name);
      const std::string after = other == changed_.statistics.end() ? "absent" : other->value;
      if (after != s.value) moved({Thing::Statistic, s.name, "", s.settled}, {s.value, after});
    }
  }

  void decisions() {
    const auto before = settled_decisions(real_), after = settled_decisions(changed_);
    for (const auto& [strategy, a] : before) {
      const auto other = after.find(strategy);
      decisions_of(strategy, a, other == after.end() ? Sequence{} : other->second);
    }
    for (const auto& [strategy, b] : after)
      if (!before.contains(strategy)) decisions_of(strategy, {}, b);
  }

 private:
  struct Subject {
    Thing thing;
    std::string name, symbol;
    base::Timestamp row;
  };
  struct Values {
    std::string before, after;
  };
  using Sequence = std::vector<const Decision*>;

  std::map<std::string, Sequence> settled_decisions(const Snapshot& snapshot) const {
    std::map<std::string, Sequence> out;
    for (const Decision& d : snapshot.decisions)
      if (d.at <= cut_.at + kReaction) out[d.strategy].push_back(&d);
    return out;
  }

  void decisions_of(const std::string& strategy, const Sequence& a, const Sequence& b) {
    const std::size_t shared = std::min(a.size(), b.size());
    std::size_t i = 0;
    while (i < shared && a[i]->at == b[i]->at && a[i]->command == b[i]->command && a[i]->bytes == b[i]->bytes) ++i;
    outcome_.coverage.decisions += static_cast<std::int64_t>(i);
    if (i == a.size() && i == b.size()) return;
    // What follows a first difference differs for that reason.
    const Decision& d = i < a.size() ? *a[i] : *b[i];
    moved({Thing::Decision, strategy + " " + kind_of(d), "", d.at},
          {i < a.size() ? text_of(*a[i]) : "nothing", i < b.size() ? text_of(*b[i]) : "nothing"});
  }

  std::string symbol(domain::SymbolId id) const { return real_.symbols[id.value]; }

  void add(Leak leak, Subject subject, Values values) {
    Finding f;
    f.leak = leak;
    f.thing = subject.thing;
    f.name = std::move(subject.name);
    f.symbol = std::move(subject.symbol);
    f.row = subject.row;
    f.cut = cut_.at;
    f.change = cut_.change;
    f.before = std::move(values.before);
    f.after = std::move(values.after);
    outcome_.findings.add(std::move(f));
  }
  void moved(Subject subject, Values values) { add(Leak::LookAhead, std::move(subject), std::move(values)); }

  void pair(std::size_t a, std::size_t b) {
    const Row& row = real_.dataset.rows[a];
    const Row& other = changed_.dataset.rows[b];
    if (cut_.truncated) unclosed(other);
    if (row.bar_close > cut_.at) return;
    features(a, b);
    if (std::min(row.label.end, other.label.end) <= cut_.at) labels(row, other);
    if (real_.split && changed_.split) {
      const std::string before = part_of(real_.split, a), after = part_of(changed_.split, b);
      if (before != after) moved({Thing::Part, "part of a row", symbol(row.symbol), row.bar_close}, {before, after});
    }
  }

  /// A row needs the bars of its whole horizon, even where its label is decided before: kept for the labels that are
  /// decided early and dropped for the others, the last rows would be chosen by their outcome.
  base::Timestamp horizon_end(const Row& row) const { return row.bar_close + cut_.primary * cut_.horizon_bars; }

  void lonely(std::size_t i, bool of_real) {
    const Row& row = (of_real ? real_ : changed_).dataset.rows[i];
    if (!of_real && cut_.truncated) unclosed(row);
    if (horizon_end(row) > cut_.at) return;
    moved({Thing::Row, "existence", symbol(row.symbol), row.bar_close},
          {of_real ? "there" : "not there", of_real ? "not there" : "there"});
  }

  /// A row of a truncated recording, all of whose bars must have closed.
  void unclosed(const Row& row) {
    if (row.bar_close > cut_.at)
      add(Leak::UnclosedBar, {Thing::Row, "existence", symbol(row.symbol), row.bar_close},
          {"closes after the data end", "a row of it"});
    else if (std::max(row.label.end, horizon_end(row)) > cut_.at)
      add(Leak::UnclosedBar, {Thing::Label, "label", symbol(row.symbol), row.bar_close},
          {"ends after the data do", text_of(row.label)});
  }

  void features(std::size_t a, std::size_t b) {
    const Row& row = real_.dataset.rows[a];
    const Row& other = changed_.dataset.rows[b];
    const double* x = &real_.dataset.x[a * kFeatureCount];
    const double* y = &changed_.dataset.x[b * kFeatureCount];
    outcome_.coverage.feature_values += static_cast<std::int64_t>(kFeatureCount);
    const auto compared = [&](std::string_view name, double before, double after) {
      if (same(before, after)) return;
      moved({Thing::Feature, std::string(name), symbol(row.symbol), row.bar_close}, {exact(before), exact(after)});
    };
    for (std::size_t j = 0; j < kFeatureCount; ++j) compared(features::kFeatureNames[j], x[j], y[j]);
    compared("close", row.close, other.close);
    compared("sigma of the horizon", row.horizon_sigma, other.horizon_sigma);
    compared("regime", static_cast<double>(row.regime), static_cast<double>(other.regime));
    if (row.present_mask != other.present_mask)
      moved({Thing::Feature, "presence mask", symbol(row.symbol), row.bar_close},
            {std::to_string(row.present_mask), std::to_string(other.present_mask)});
  }

  void labels(const Row& row, const Row& other) {
    ++outcome_.coverage.labels;
    const Label &before = row.label, &after = other.label;
    if (before.label_class != after.label_class || !same(before.log_return, after.log_return) ||
        before.end != after.end)
      moved({Thing::Label, "label", symbol(row.symbol), row.bar_close}, {text_of(before), text_of(after)});
    // Shared bars are counted with labels that start before this one ends; all of them are settled a horizon later.
    if (before.end + cut_.primary * cut_.horizon_bars <= cut_.at && !same(row.uniqueness, other.uniqueness))
      moved({Thing::Label, "uniqueness", symbol(row.symbol), row.bar_close},
            {exact(row.uniqueness), exact(other.uniqueness)});
  }

  const Snapshot& real_;
  const Snapshot& changed_;
  const Cut& cut_;
  Outcome& outcome_;
};

/// A row at the edge of a part.
struct Edge {
  base::Timestamp at;  // where its label ends, or its history begins
  std::size_t row = 0;
};

std::string place(const Snapshot& s, std::size_t row) {
  const Row& r = s.dataset.rows[row];
  return s.symbols[r.symbol.value] + " " + base::format_timestamp(r.bar_close).substr(0, 16);
}

}  // namespace

Coverage& Coverage::operator+=(const Coverage& o) {
  rows += o.rows;
  feature_values += o.feature_values;
  labels += o.labels;
  label_directions += o.label_directions;
  statistics += o.statistics;
  decisions += o.decisions;
  return *this;
}

void compare(const Snapshot& real, const Snapshot& changed, const Cut& cut, Outcome& outcome) {
  Comparison comparison(real, changed, cut, outcome);
  comparison.rows();
  comparison.statistics();
  comparison.decisions();
}

void compare_directions(const Snapshot& up, const Snapshot& down, const Cut& cut, Outcome& outcome) {
  const auto both = [&](std::size_t a, std::size_t b) {
    const Row &rising = up.dataset.rows[a], &falling = down.dataset.rows[b];
    if (rising.bar_close > cut.at || rising.bar_close <= cut.at - cut.primary) return;  // another than the last row
    ++outcome.coverage.label_directions;
    if (rising.label.log_return > falling.label.log_return) return;
    Finding f;
    f.leak = Leak::SameBarLabel;
    f.thing = Thing::Label;
    f.name = "label";
    f.symbol = up.symbols[rising.symbol.value];
    f.row = rising.bar_close;
    f.cut = cut.at;
    f.before = text_of(rising.label);
    f.after = text_of(falling.label);
    outcome.findings.add(std::move(f));
  };
  merge(RowIndex(up.dataset), RowIndex(down.dataset), both, [](std::size_t, bool) {});
}

void check_parts(const Snapshot& s, std::int32_t embargo_bars, base::Duration primary, Findings& findings) {
  if (!s.split) return;
  const base::Duration history = primary * std::max(embargo_bars - 1, 0);  // from the first bar's close to the row's
  const std::array<std::pair<const char*, IndexRange>, 3> parts = {
      {{"train", s.split->train}, {"validation", s.split->validation}, {"test", s.split->test}}};
  const auto& rows = s.dataset.rows;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    for (std::size_t q = p + 1; q < parts.size(); ++q) {
      const auto& [earlier, first] = parts[p];
      const auto& [later, second] = parts[q];
      Edge last{history::kAllTime.from, 0};
      for (std::size_t i = first.begin; i < first.end; ++i)
        if (rows[i].label.end > last.at) last = {rows[i].label.end, i};
      Edge begin{history::kAllTime.to, 0};
      std::int64_t shared = 0;
      for (std::size_t i = second.begin; i < second.end; ++i) {
        const base::Timestamp reads_from = rows[i].bar_close - history;
        if (reads_from < begin.at) begin = {reads_from, i};
        shared += reads_from <= last.at ? 1 : 0;
      }
      if (shared == 0) continue;
      Finding f;
      f.leak = Leak::SharedBars;
      f.thing = Thing::Part;
      f.name = std::string(earlier) + " and " + later;
      f.row = rows[begin.row].bar_close;
      f.before = std::string(earlier) + " row " + place(s, last.row) + " has a label until " +
                 base::format_timestamp(last.at).substr(0, 16);
      f.after = std::string(later) + " row " + place(s, begin.row) + " reads bars from " +
                base::format_timestamp(begin.at).substr(0, 16) + " (labels and histories of " +
                std::to_string(embargo_bars) + " bars must not meet)";
      f.count = shared;
      findings.add(std::move(f));
    }
  }
}

}  // namespace qtrader::training::leakcheck
