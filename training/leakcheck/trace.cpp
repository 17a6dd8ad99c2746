#include "training/leakcheck/trace.hpp"

#include <algorithm>

namespace qtrader::training::leakcheck {
namespace {

constexpr std::string_view kTruncated = "truncated", kDown = "scrambled down";

Stages stages_of(Thing thing) {
  switch (thing) {
    case Thing::Part:
    case Thing::Statistic:
      return {.rows = true, .fits = true, .trade = false};
    case Thing::Decision:
      return {.rows = false, .fits = false, .trade = true};
    case Thing::Row:
    case Thing::Feature:
    case Thing::Label:
      break;
  }
  return {.rows = true, .fits = false, .trade = false};
}

/// Open times of the bars from `cut` on, of any symbol.
std::vector<base::Timestamp> future_bars(const Recording& recording, base::Timestamp cut) {
  std::vector<base::Timestamp> out;
  for (const auto& bars : recording.bars)
    for (const domain::Bar& bar : bars)
      if (bar.open_time >= cut) out.push_back(bar.open_time);
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Recording changed(const CutCase& c, std::string_view change, base::Timestamp from, base::Timestamp to) {
  if (change == kTruncated) return truncate(c.recording, from);
  return splice(c.recording, change == kDown ? c.down : c.up, from, to);
}

}  // namespace

base::Result<Snapshot> take_snapshot(const Pipeline& pipeline, const Recording& recording, Stages stages) {
  Snapshot out;
  for (const auto& instrument : recording.instruments) out.symbols.push_back(instrument.symbol);
  if (stages.rows) {
    QT_TRY(out.dataset, pipeline.rows(recording));
    if (stages.fits) {
      QT_TRY(out.split, pipeline.split(out.dataset));
      QT_TRY(out.statistics, pipeline.statistics(out.dataset, *out.split));
    }
  }
  if (stages.trade) {
    QT_TRY(out.decisions, pipeline.trade(recording));
  }
  return out;
}

base::Result<bool> Tracer::moves(const CutCase& c, const Finding& finding, const Stretch& stretch) {
  auto found = memo_.find(stretch);
  if (found == memo_.end()) {
    --rebuilds_left_;
    QT_TRY(const Snapshot snapshot,
           take_snapshot(pipeline_, changed(c, stretch.change, stretch.from, stretch.to), stretch.stages));
    Outcome moved;
    Cut cut = c.cut;
    cut.truncated = false;  // at another moment than the cut, if at all
    compare(c.real, snapshot, cut, moved);
    std::set<std::string> keys;
    for (const auto& [name, f] : moved.findings.all()) keys.insert(name);
    found = memo_.emplace(stretch, std::move(keys)).first;
  }
  return found->second.contains(key(finding));
}

base::Result<void> Tracer::trace(const CutCase& c, Finding& finding) {
  if (finding.leak != Leak::LookAhead || finding.first_bar || finding.last_bar) return {};
  if (memo_of_ != c.cut.at) {
    memo_.clear();
    memo_of_ = c.cut.at;
  }
  const std::vector<base::Timestamp> bars = future_bars(c.recording, c.cut.at);
  if (bars.empty()) return {};
  const base::Duration base = domain::duration(c.recording.base);
  const base::Timestamp end = c.recording.rows.to + base::days(36'500);
  const Stages stages = stages_of(finding.thing);

  // The latest bar that still moves it when everything from it on is changed.
  std::size_t low = 0, high = bars.size();  // bars[low] moves it; bars[high], if any, does not
  while (high - low > 1 && rebuilds_left_ > 0) {
    const std::size_t middle = low + (high - low) / 2;
    QT_TRY(const bool moved, moves(c, finding, {finding.change, bars[middle], end, stages}));
    (moved ? low : high) = middle;
  }
  if (high - low > 1) return {};
  const std::size_t last = low;

  // The earliest up to which everything must be changed to move it. What is gone at a truncation cannot come back.
  std::size_t before = 0,
              upto = last + 1;  // changing bars before bars[before] does not, before bars[upto] does move it
  if (finding.change != kTruncated) {
    while (upto - before > 1 && rebuilds_left_ > 0) {
      const std::size_t middle = before + (upto - before) / 2;
      QT_TRY(const bool moved, moves(c, finding, {finding.change, c.cut.at, bars[middle], stages}));
      (moved ? upto : before) = middle;
    }
    if (upto - before > 1) return {};
    finding.first_bar = bars[upto - 1];
  }
  finding.last_bar = bars[last];
  const bool within_forming_bar = bars[last] + base < finding.row + c.cut.primary;
  if (finding.thing == Thing::Feature && within_forming_bar) finding.leak = Leak::UnclosedBar;
  return {};
}

}  // namespace qtrader::training::leakcheck
