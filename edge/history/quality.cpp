#include "edge/history/quality.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "edge/history/bar_file.hpp"
#include "edge/history/rate_file.hpp"

namespace qtrader::history {
namespace {

using domain::Bar;

constexpr std::size_t kFirstGaps = 5;

void add_gap(FileQuality& q, base::Timestamp from, std::int64_t missing) {
  ++q.gaps;
  q.missing += static_cast<std::uint64_t>(missing);
  if (q.first_gaps.size() < kFirstGaps) q.first_gaps.push_back({from, static_cast<std::uint64_t>(missing)});
}

/// The report of one symbol, fed bar by bar.
class BarTally {
 public:
  explicit BarTally(const SeriesInfo& info, const std::string& symbol) {
    q_.path = info.path.string();
    q_.format = info.format;
    q_.symbol = symbol;
    q_.kind = info.kind;
    q_.timeframe = to_string(info.timeframe);
  }

  void add(const Bar& bar, unsigned faults) {
    count_faults(faults);
    if (bar.volume == 0 && q_.kind != SeriesKind::MarkBars) ++q_.zero_volume;
    const bool in_order = (faults & (kOutOfOrder | kDuplicate)) == 0;
    if (q_.rows++ == 0) {
      q_.from = bar.open_time;
    } else if (in_order) {
      const std::int64_t step = domain::duration(bar.timeframe).ns;
      const std::int64_t missing = (bar.open_time - end_).ns / step;
      if (missing > 0) add_gap(q_, end_, missing);
      if (close_.is_positive() && bar.close.is_positive()) {
        const double move = std::abs(std::log(bar.close.to_double() / close_.to_double()));
        if (move > q_.largest_move) {
          q_.largest_move = move;
          q_.largest_move_at = bar.open_time;
        }
      }
    }
    if (!in_order) return;
    end_ = bar.close_time();
    close_ = bar.close;
    recent_[static_cast<std::size_t>(seen_++ % recent_.size())] = {bar.volume, (bar.high - bar.low).to_double()};
  }

  FileQuality finish(std::string error) {
    q_.to = end_;
    q_.error = std::move(error);
    q_.unfinished_last = suspect_last();
    return q_;
  }

 private:
  struct Activity {
    double volume = 0, range = 0;
  };

  void count_faults(unsigned faults) {
    q_.out_of_order += (faults & kOutOfOrder) != 0 ? 1 : 0;
    q_.duplicates += (faults & kDuplicate) != 0 ? 1 : 0;
    q_.non_positive += (faults & kNonPositive) != 0 ? 1 : 0;
    q_.ohlc_faults += (faults & (kLowAboveHigh | kOutsideRange)) != 0 ? 1 : 0;
    q_.outside_name += (faults & kOutsideName) != 0 ? 1 : 0;
    q_.misaligned += (faults & kMisaligned) != 0 ? 1 : 0;
  }

  /// A bar caught while forming has seen part of its time, so both its volume and its range are small beside the bars
  /// before it. One of the two alone is common in quiet markets.
  bool suspect_last() const {
    if (seen_ < static_cast<std::int64_t>(recent_.size()) || q_.kind == SeriesKind::MarkBars) return false;
    const Activity last = recent_[static_cast<std::size_t>((seen_ - 1) % static_cast<std::int64_t>(recent_.size()))];
    std::array<double, kRecent> volumes{}, ranges{};
    for (std::size_t i = 0; i < recent_.size(); ++i) volumes[i] = recent_[i].volume, ranges[i] = recent_[i].range;
    const auto median = [](std::array<double, kRecent>& v) {
      std::nth_element(v.begin(), v.begin() + kRecent / 2, v.end());
      return v[kRecent / 2];
    };
    return last.volume < 0.25 * median(volumes) && last.range < 0.6 * median(ranges);
  }

  static constexpr std::size_t kRecent = 49;
  FileQuality q_;
  base::Timestamp end_;
  domain::Price close_;
  std::array<Activity, kRecent> recent_{};
  std::int64_t seen_ = 0;
};

std::vector<FileQuality> check_text(const SeriesInfo& info) {
  std::map<std::string, BarTally, std::less<>> tallies;
  std::string error;
  if (!info.symbol.empty()) tallies.emplace(info.symbol, BarTally(info, info.symbol));
  auto reader = BarFileReader::open(info, kAllTime);
  if (!reader) error = reader.error().context;
  while (error.empty()) {
    Bar bar;
    unsigned faults = 0;
    const auto more = reader->read(bar, faults);
    if (!more) error = more.error().context;
    if (!more || !*more) break;
    auto tally = tallies.find(reader->symbol());
    if (tally == tallies.end()) {
      const std::string symbol(reader->symbol());
      tally = tallies.emplace(symbol, BarTally(info, symbol)).first;
    }
    tally->second.add(bar, faults);
  }
  std::vector<FileQuality> out;
  if (tallies.empty()) out.push_back(BarTally(info, "?").finish(error));
  for (auto& [symbol, tally] : tallies) out.push_back(tally.finish(out.empty() ? error : std::string()));
  return out;
}

FileQuality check_store(const SeriesInfo& info) {
  BarTally tally(info, info.symbol);
  const auto cursor = open_bar_series(info, kAllTime);
  if (!cursor) return tally.finish(cursor.error().context);
  for (;;) {
    const auto bar = (*cursor)->next();
    if (!bar) return tally.finish(bar.error().context);
    if (!*bar) return tally.finish({});
    tally.add(**bar, bar_value_faults(**bar));
  }
}

FileQuality check_funding(const SeriesInfo& info) {
  FileQuality q;
  q.path = info.path.string();
  q.format = info.format;
  q.symbol = info.symbol;
  q.kind = info.kind;
  auto rows = read_funding_rows(info);
  if (!rows) {
    q.error = rows.error().context;
    return q;
  }
  fill_intervals(*rows);
  q.rows = rows->size();
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const FundingRow& r = (*rows)[i];
    const double size = r.rate.abs().to_double();
    if (size > q.largest_move) q.largest_move = size, q.largest_move_at = r.time;
    if (i == 0) continue;
    const FundingRow& before = (*rows)[i - 1];
    const std::int64_t distance = settlement_minute(r.time) - settlement_minute(before.time);
    const std::int64_t step = std::int64_t{60} * *before.interval_hours;
    if (distance == 0)
      ++q.duplicates;
    else if (distance < 0)
      ++q.out_of_order;
    else if (distance >= 2 * step)
      add_gap(q, before.time + base::hours(*before.interval_hours), distance / step - 1);
  }
  if (!rows->empty()) q.from = rows->front().time, q.to = rows->back().time;
  return q;
}

std::string_view kind_name(SeriesKind kind) {
  switch (kind) {
    case SeriesKind::UsdmBars:
      return "usdm";
    case SeriesKind::SpotBars:
      return "spot";
    case SeriesKind::Funding:
      return "funding";
    case SeriesKind::MarkBars:
      return "mark";
  }
  return "?";
}

void append_notes(std::string& out, const FileQuality& q) {
  const auto count = [&](std::uint64_t n, std::string_view what) {
    if (n > 0) out += fmt::format("    FAULT {} {}\n", n, what);
  };
  if (!q.error.empty()) out += fmt::format("    FAULT {}\n", q.error);
  count(q.out_of_order, "rows out of order");
  count(q.duplicates, "duplicate rows");
  count(q.non_positive, "rows with a price not above zero or a negative volume");
  count(q.ohlc_faults, "rows with open, high, low and close that contradict each other");
  count(q.outside_name, "rows outside the dates in the file's name");
  if (q.unfinished_last) out += "    note  the last bar may have been caught while forming\n";
  if (q.misaligned > 0) out += fmt::format("    note  {} bars open off the timeframe's grid\n", q.misaligned);
  for (const Gap& g : q.first_gaps)
    out += fmt::format("    gap   {} missing from {}\n", g.missing, base::format_timestamp(g.from).substr(0, 16));
  if (q.gaps > q.first_gaps.size()) out += fmt::format("    gap   … and {} more\n", q.gaps - q.first_gaps.size());
}

}  // namespace

std::vector<FileQuality> check_file(const SeriesInfo& info) {
  if (info.kind == SeriesKind::Funding) return {check_funding(info)};
  if (info.format == "qtb") return {check_store(info)};
  return check_text(info);
}

QualityReport check_catalog(const Catalog& catalog,
                            const std::function<void(std::size_t, std::size_t, const SeriesInfo&)>& progress) {
  QualityReport report;
  report.root = catalog.root().string();
  std::set<std::filesystem::path> whole;  // recordings of many symbols, read once for all of them
  const auto& series = catalog.series();
  for (std::size_t i = 0; i < series.size(); ++i) {
    SeriesInfo info = series[i];
    if (progress) progress(i, series.size(), info);
    if (info.format == "csv-long" && info.kind != SeriesKind::Funding) {
      if (!whole.insert(info.path).second) continue;
      info.symbol.clear();
      info.from = info.to = {};
      info.rows = 0;
    }
    for (auto& q : check_file(info)) {
      report.hard_faults += q.hard_faults();
      report.files.push_back(std::move(q));
    }
  }
  return report;
}

std::string quality_table(const QualityReport& report) {
  std::string out = fmt::format("{:<16} {:<7} {:<4} {:<16} {:<16} {:>9} {:>14} {:>8} {:>9}  {}\n", "symbol", "kind",
                                "tf", "from", "to", "rows", "gaps (missing)", "zero vol", "move", "file");
  for (const FileQuality& q : report.files) {
    const auto time = [&](base::Timestamp ts) { return q.rows == 0 ? "-" : base::format_timestamp(ts).substr(0, 16); };
    out +=
        fmt::format("{:<16} {:<7} {:<4} {:<16} {:<16} {:>9} {:>14} {:>8} {:>9.4f}  {}\n", q.symbol, kind_name(q.kind),
                    q.timeframe, time(q.from), time(q.to), q.rows, fmt::format("{} ({})", q.gaps, q.missing),
                    q.zero_volume, q.largest_move, std::filesystem::path(q.path).filename().string());
    append_notes(out, q);
  }
  return out + fmt::format("{} series, {} hard faults\n", report.files.size(), report.hard_faults);
}

}  // namespace qtrader::history
