// What only reading a file can tell: its exact range and row count, and the symbols of a recording of many.
#pragma once

#include <vector>

#include "edge/history/catalog.hpp"

namespace qtrader::history {

/// The same series with exact from, to and rows. Reads the whole text file, parsing only the times of its first and
/// last row. Errors: those of reading; Corrupt if there is no row.
base::Result<SeriesInfo> probe_series(const SeriesInfo& info);

/// One entry per symbol of a file whose rows carry one, with exact from, to and rows. Empty if its header is not that
/// of such a file.
base::Result<std::vector<SeriesInfo>> list_symbols(const SeriesInfo& info);

}  // namespace qtrader::history
