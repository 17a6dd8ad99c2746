#include "edge/history/listing.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace qtrader::history {

std::vector<SeriesSummary> list_series(const Catalog& catalog) {
  std::vector<SeriesSummary> out;
  for (const SeriesInfo& s : catalog.series()) {
    const bool funding = s.kind == SeriesKind::Funding;
    const std::string timeframe = funding ? "" : std::string(to_string(s.timeframe));
    SeriesSummary* last = out.empty() ? nullptr : &out.back();
    const bool same_series =
        last != nullptr && last->symbol == s.symbol && last->kind == s.kind && last->timeframe == timeframe;
    if (!same_series || last->format != s.format) {
      // The catalog orders by preference, so whatever follows within a series is the lesser copy. Funding is joined.
      const bool shadowed = same_series && !funding;
      out.push_back({s.symbol, s.kind, timeframe, s.format, s.from, s.to, 1, s.rows, s.synthetic, shadowed});
      continue;
    }
    ++last->files;
    last->rows = last->rows == 0 || s.rows == 0 ? 0 : last->rows + s.rows;
    last->from = std::min(last->from, s.from);
    last->to = std::max(last->to, s.to);
    last->synthetic = last->synthetic || s.synthetic;
  }
  return out;
}

std::string listing_table(const std::vector<SeriesSummary>& rows) {
  std::string out = fmt::format("{:<16} {:<8} {:<4} {:<10} {:<10} {:>5} {:>10}  {}\n", "symbol", "kind", "tf", "from",
                                "to", "files", "rows", "format");
  for (const SeriesSummary& r : rows) {
    const bool dated = r.from != r.to;
    const char* kind = r.kind == SeriesKind::UsdmBars   ? "usdm"
                       : r.kind == SeriesKind::SpotBars ? "spot"
                       : r.kind == SeriesKind::Funding  ? "funding"
                                                        : "mark";
    out += fmt::format("{:<16} {:<8} {:<4} {:<10} {:<10} {:>5} {:>10}  {}{}{}\n", r.symbol, kind, r.timeframe,
                       dated ? base::format_date(r.from) : "?", dated ? base::format_date(r.to) : "?", r.files,
                       r.rows == 0 ? "?" : std::to_string(r.rows), r.format, r.synthetic ? ", synthetic" : "",
                       r.shadowed ? ", used only where the better format has nothing" : "");
  }
  if (rows.empty()) out += "nothing this program can read\n";
  return out;
}

}  // namespace qtrader::history
