// Download: Binance's public archive (data.binance.vision) → verified zip files in the same layout under OUT.
//
//   OUT/futures/um/{monthly|daily}/<kind>/<SYMBOL>[/<tf>]/<NAME>.zip and <NAME>.zip.CHECKSUM
//
// Whole months come as monthly files, the rest as daily ones; funding rates exist by month only. A zip appears under
// its name only after its SHA-256 matched. Files already there and matching are kept; NAME.zip.part is resumed.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "edge/history/catalog.hpp"
#include "edge/history/http_fetch.hpp"

namespace qtrader::history {

struct DownloadRequest {
  std::vector<std::string> symbols;
  domain::Timeframe timeframe = domain::Timeframe::M1;
  Window window;  // whole days, UTC
  std::filesystem::path out;
  std::vector<std::string> kinds = {"klines", "fundingRate", "markPriceKlines"};
  std::string base_url = "https://data.binance.vision";
  HttpOptions http;
};

struct DownloadProgress {
  std::string file;  // path under the archive
  enum class What : std::uint8_t { Fetched, Kept, Absent } what = What::Fetched;
  std::uint64_t bytes = 0;  // received so far in all
};

struct DownloadReport {
  std::uint64_t fetched = 0, kept = 0, bytes = 0;
  std::vector<std::string> missing;  // not in the archive although earlier files of the series are
};
QT_DESCRIBE(DownloadReport, fetched, kept, bytes, missing)

/// One file of the archive: directory and name without ".zip", as in
/// futures/um/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-31.
std::string vision_path(const std::string& kind, const std::string& symbol, domain::Timeframe timeframe,
                        base::Timestamp day, bool monthly);

/// `progress` is called after each file; false stops with Interrupted. Errors: InvalidArgument (kind, symbol, empty
/// window), NotFound (the archive has no file of a series), Unavailable, Corrupt (checksum differs twice), Io, NoSpace.
/// After an error the verified files stay.
base::Result<DownloadReport> download_vision(const DownloadRequest& request,
                                             const std::function<bool(const DownloadProgress&)>& progress);

}  // namespace qtrader::history
