// Funding and mark files: reading every layout the catalog knows, writing ours.
//
// Ours is CSV: funding_time_ms,symbol,funding_rate,interval_hours and
// open_time_ms,mark_open,mark_high,mark_low,mark_close. These series are small (a symbol settles a thousand times a
// year), so funding is read whole.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "edge/history/catalog.hpp"

namespace qtrader::history {

struct FundingRow {
  base::Timestamp time;  // as recorded
  domain::Ratio rate;
  std::optional<std::int32_t> interval_hours;
  std::uint64_t line = 0;
};

/// The symbol's settlements in file order. Errors: Corrupt naming file and line for a bad number or symbol column.
base::Result<std::vector<FundingRow>> read_funding_rows(const SeriesInfo& info);
/// Corrupt unless times rise, with no two settlements in one minute.
base::Result<void> check_funding_order(const SeriesInfo& info, std::span<const FundingRow> rows);
/// Fills missing intervals from the distance to the next settlement where that is 1, 2, 4 or 8 hours; else from the row
/// before, and 8 for a lone row.
void fill_intervals(std::vector<FundingRow>& rows);
/// Settlements share a minute: exchanges stamp them some milliseconds late.
std::int64_t settlement_minute(base::Timestamp ts);

/// Atomically writes DIR/SYMBOL-funding_FROM-TO.csv. Errors: Io, NoSpace, InvalidArgument (no rates).
base::Result<std::filesystem::path> write_funding_csv(const std::filesystem::path& directory, const std::string& symbol,
                                                      std::span<const domain::FundingRate> rates);
struct MarkFile {
  std::filesystem::path file;
  std::uint64_t rows = 0;
};
/// Atomically writes DIR/SYMBOL-mark-TF_FROM-TO.csv. Errors: the same, and those of the cursor.
base::Result<MarkFile> write_mark_csv(const std::filesystem::path& directory, const std::string& symbol,
                                      domain::Timeframe timeframe, BarCursor& bars);

}  // namespace qtrader::history
