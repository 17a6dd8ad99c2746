#include "edge/history/rate_file.hpp"

#include <algorithm>

#include "core/base/hash.hpp"
#include "edge/history/atomic_file.hpp"
#include "edge/history/bar_file.hpp"
#include "edge/history/decimal.hpp"

namespace qtrader::history {
namespace {

using base::Result;
namespace fs = std::filesystem;

struct FundingLayout {
  int time = 0, symbol = -1, rate = -1, interval = -1;
  bool header = false;
};

Result<FundingLayout> funding_layout(const SeriesInfo& info, const Fields& first, std::uint64_t line) {
  FundingLayout l;
  if (info.format == "freqtrade-json") {
    l.rate = 1;  // freqtrade stores the rate in the column of the open price
  } else if (is_header(first)) {
    l.header = true;
    l.time = find_column(first, "funding_time_ms|calc_time|funding_time|fundingtime|timestamp|date|open_time_ms");
    l.symbol = find_column(first, "symbol");
    l.rate = find_column(first, "funding_rate|last_funding_rate|fundingrate|rate|open");
    l.interval = find_column(first, "interval_hours|funding_interval_hours");
  } else if (first.count == 3) {  // data.binance.vision without its header
    l.interval = 1, l.rate = 2;
  }
  if (l.time < 0 || l.rate < 0)
    return row_error(info.path, line, "not a funding file: expected columns funding_time_ms, symbol, funding_rate");
  if (info.format == "csv-long" && l.symbol < 0) return row_error(info.path, line, "header lacks a symbol column");
  return l;
}

std::string day_compact(base::Timestamp ts) {
  std::string day = base::format_date(ts);
  std::erase(day, '-');
  return day;
}

}  // namespace

Result<std::vector<FundingRow>> read_funding_rows(const SeriesInfo& info) {
  QT_TRY(const auto source, open_rows(info.path));
  std::vector<FundingRow> rows;
  Fields fields;
  std::optional<FundingLayout> layout;
  std::string_view row;
  for (;;) {
    QT_TRY(const bool more, source->next(row));
    if (!more) return rows;
    split_fields(row, fields);
    const auto bad = [&](int column, const char* expected) {
      return row_error(info.path, source->line(),
                       "column " + std::to_string(column + 1) + " is '" +
                           std::string(fields.at[static_cast<std::size_t>(column)]) + "': expected " + expected);
    };
    if (!layout) {
      QT_TRY(layout, funding_layout(info, fields, source->line()));
      if (layout->header) continue;
    }
    const auto width =
        static_cast<std::size_t>(std::max({layout->time, layout->symbol, layout->rate, layout->interval})) + 1;
    if (fields.count < width)
      return row_error(info.path, source->line(),
                       std::to_string(fields.count) + " columns: expected at least " + std::to_string(width));
    const auto at = [&](int column) { return fields.at[static_cast<std::size_t>(column)]; };
    if (layout->symbol >= 0 && at(layout->symbol) != info.symbol) {
      if (info.format == "csv-long") continue;
      return bad(layout->symbol, info.symbol.c_str());
    }
    FundingRow out;
    out.line = source->line();
    std::int64_t raw = 0;
    if (!parse_row_time(at(layout->time), out.time)) return bad(layout->time, "a Unix time or ISO-8601 date");
    if (!parse_fixed_fast(at(layout->rate), raw)) return bad(layout->rate, "a rate");
    out.rate = domain::Ratio::from_raw(raw);
    if (layout->interval >= 0) {
      std::uint64_t hours = 0;
      if (!parse_unsigned(at(layout->interval), hours) || hours < 1 || hours > 24)
        return bad(layout->interval, "an interval of 1 to 24 hours");
      out.interval_hours = static_cast<std::int32_t>(hours);
    }
    rows.push_back(out);
  }
}

std::int64_t settlement_minute(base::Timestamp ts) { return ts.ns / base::minutes(1).ns; }

Result<void> check_funding_order(const SeriesInfo& info, std::span<const FundingRow> rows) {
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const std::int64_t before = settlement_minute(rows[i - 1].time), now = settlement_minute(rows[i].time);
    if (now > before) continue;
    return row_error(info.path, rows[i].line,
                     info.symbol + " settles at " + base::format_timestamp(rows[i].time) +
                         (now < before ? ", before the row above: rows must be in rising time"
                                       : " twice: a settlement may appear once"));
  }
  return {};
}

void fill_intervals(std::vector<FundingRow>& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].interval_hours) continue;
    std::int32_t hours = i > 0 ? *rows[i - 1].interval_hours : 8;
    if (i + 1 < rows.size()) {
      const std::int64_t distance = settlement_minute(rows[i + 1].time) - settlement_minute(rows[i].time);
      if (distance == 60 || distance == 120 || distance == 240 || distance == 480)
        hours = static_cast<std::int32_t>(distance / 60);
    }
    rows[i].interval_hours = hours;
  }
}

Result<fs::path> write_funding_csv(const fs::path& directory, const std::string& symbol,
                                   std::span<const domain::FundingRate> rates) {
  if (rates.empty()) return base::Error{"history", base::Errc::InvalidArgument, symbol + ": no funding rates to write"};
  const fs::path target = directory / (symbol + "-funding_" + day_compact(rates.front().ts_event) + "-" +
                                       day_compact(rates.back().ts_event) + ".csv");
  std::string text = "funding_time_ms,symbol,funding_rate,interval_hours\n";
  for (const auto& r : rates)
    text += std::to_string(r.ts_event.unix_ms()) + "," + symbol + "," + r.rate.to_string() + "," +
            std::to_string(r.interval_hours) + "\n";
  QT_TRY_VOID(write_file_atomically(target, text));
  return target;
}

Result<MarkFile> write_mark_csv(const fs::path& directory, const std::string& symbol, domain::Timeframe timeframe,
                                BarCursor& bars) {
  const std::string stem = symbol + "-mark-" + std::string(to_string(timeframe));
  QT_TRY(auto file, AtomicFile::create(directory / (stem + ".csv")));
  std::string text = "open_time_ms,mark_open,mark_high,mark_low,mark_close\n";
  base::Timestamp first, last;
  std::uint64_t rows = 0;
  const auto flush = [&]() -> Result<void> {
    QT_TRY_VOID(file.append(base::as_bytes(text)));
    text.clear();
    return {};
  };
  for (;;) {
    QT_TRY(const auto bar, bars.next());
    if (!bar) break;
    if (rows++ == 0) first = bar->open_time;
    last = bar->open_time;
    text += std::to_string(bar->open_time.unix_ms()) + "," + bar->open.to_string() + "," + bar->high.to_string() + "," +
            bar->low.to_string() + "," + bar->close.to_string() + "\n";
    if (text.size() > 65'536) QT_TRY_VOID(flush());
  }
  if (rows == 0) return base::Error{"history", base::Errc::InvalidArgument, symbol + ": no mark prices to write"};
  QT_TRY_VOID(flush());
  const fs::path target = directory / (stem + "_" + day_compact(first) + "-" + day_compact(last) + ".csv");
  QT_TRY_VOID(file.commit_as(target));
  return MarkFile{target, rows};
}

}  // namespace qtrader::history
