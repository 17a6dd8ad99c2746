// Listing: the series of a catalog, one line each however many files hold it. `qtrader data ls` prints it.
#pragma once

#include <string>
#include <vector>

#include "edge/history/catalog.hpp"

namespace qtrader::history {

struct SeriesSummary {
  std::string symbol;
  SeriesKind kind = SeriesKind::UsdmBars;
  std::string timeframe, format;  // timeframe is empty for funding
  base::Timestamp from, to;       // as file names tell, by day; exact for qtb; equal if unknown
  std::uint64_t files = 0;
  std::uint64_t rows = 0;  // 0 where only reading would tell
  bool synthetic = false;
  bool shadowed = false;  // a better format holds this series too
};
QT_DESCRIBE(SeriesSummary, symbol, kind, timeframe, format, from, to, files, rows, synthetic, shadowed)

std::vector<SeriesSummary> list_series(const Catalog& catalog);
std::string listing_table(const std::vector<SeriesSummary>& rows);

}  // namespace qtrader::history
