#include "edge/history/series_probe.hpp"

#include <algorithm>
#include <map>

#include "edge/history/bar_file.hpp"
#include "edge/history/bar_store.hpp"
#include "edge/history/row_source.hpp"

namespace qtrader::history {
namespace {

using base::Result;

constexpr std::string_view kTimeNames =
    "open_time_ms|open_time|funding_time_ms|calc_time|funding_time|timestamp|date|time|datetime";

base::Timestamp end_of(const SeriesInfo& info, base::Timestamp last) {
  return last + (info.kind == SeriesKind::Funding ? base::milliseconds(1) : domain::duration(info.timeframe));
}

std::string_view field(std::string_view row, int column) {
  for (; column > 0; --column) {
    const std::size_t comma = row.find(',');
    if (comma == std::string_view::npos) return {};
    row.remove_prefix(comma + 1);
  }
  return row.substr(0, row.find(','));
}

struct Tally {
  base::Timestamp first, last;
  std::uint64_t rows = 0;
};

}  // namespace

Result<SeriesInfo> probe_series(const SeriesInfo& info) {
  SeriesInfo out = info;
  if (info.format == "qtb" || info.format == "csv-long") return out;  // known since the scan
  QT_TRY(const auto source, open_rows(info.path));
  std::string_view row;
  std::string last;
  Fields fields;
  base::Timestamp first;
  int time_column = 0;
  out.rows = 0;
  for (;;) {
    QT_TRY(const bool more, source->next(row));
    if (!more) break;
    if (last.empty()) {  // the very first row
      split_fields(row, fields);
      last = row.substr(0, 512);
      if (info.format != "freqtrade-json" && is_header(fields)) {
        time_column = std::max(find_column(fields, kTimeNames), 0);
        continue;
      }
    }
    if (out.rows++ == 0) {
      split_fields(row, fields);
      if (!parse_row_time(fields.at[static_cast<std::size_t>(time_column)], first))
        return row_error(info.path, source->line(), "the first row has no time");
    }
    last.assign(row.substr(0, 512));
  }
  base::Timestamp end;
  if (out.rows == 0) return row_error(info.path, source->line(), "no rows");
  split_fields(last, fields);
  if (!parse_row_time(fields.at[static_cast<std::size_t>(time_column)], end))
    return row_error(info.path, source->line(), "the last row has no time");
  out.from = first;
  out.to = end_of(info, end);
  return out;
}

Result<std::vector<SeriesInfo>> list_symbols(const SeriesInfo& info) {
  QT_TRY(const auto source, open_rows(info.path));
  std::vector<SeriesInfo> out;
  std::string_view row;
  QT_TRY(const bool any, source->next(row));
  if (!any) return out;
  Fields header;
  split_fields(row, header);
  const int time_column = find_column(header, kTimeNames), symbol_column = find_column(header, "symbol");
  if (time_column < 0 || symbol_column < 0) return out;
  std::map<std::string, Tally, std::less<>> tallies;
  auto current = tallies.end();
  for (;;) {
    QT_TRY(const bool more, source->next(row));
    if (!more) break;
    const std::string_view symbol = field(row, symbol_column);
    if (current == tallies.end() || current->first != symbol) {
      current = tallies.find(symbol);
      if (current == tallies.end()) {
        if (!domain::canonical_symbol(symbol))
          return row_error(info.path, source->line(), "symbol '" + std::string(symbol) + "': expected like BTCUSDT");
        current = tallies.emplace(std::string(symbol), Tally{}).first;
      }
    }
    base::Timestamp time;
    if (!parse_row_time(field(row, time_column), time))
      return row_error(info.path, source->line(), "'" + std::string(field(row, time_column)) + "' is not a time");
    Tally& t = current->second;
    t.first = t.rows == 0 ? time : std::min(t.first, time);
    t.last = t.rows++ == 0 ? time : std::max(t.last, time);
  }
  for (const auto& [symbol, t] : tallies) {
    SeriesInfo s = info;
    s.symbol = symbol;
    s.from = t.first;
    s.to = end_of(info, t.last);
    s.rows = t.rows;
    out.push_back(std::move(s));
  }
  return out;
}

}  // namespace qtrader::history
