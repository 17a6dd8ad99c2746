// Catalog: which recorded series a directory holds, found by name and layout; the cursors that read them.
//
// Understands our own columnar store (*.qtb, docs/formats/bar-store.md), SYMBOL-TF_FROM-TO.csv[.zst], Binance Vision
// kline zips and CSVs, freqtrade JSON, funding and mark files. Spot and futures are told apart and never mixed.
// Where several formats hold a series, the best one that covers the window is used alone: qtb, vision, csv,
// freqtrade JSON, multi-symbol recordings. Reading only: nothing here repairs or invents a bar; faults go to the
// quality report (quality.hpp) or are errors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/domain/bar.hpp"
#include "core/domain/events.hpp"
#include "core/domain/instrument.hpp"

namespace qtrader::history {

enum class SeriesKind : std::uint8_t { UsdmBars, SpotBars, Funding, MarkBars };
QT_DESCRIBE_ENUM(SeriesKind, UsdmBars, SpotBars, Funding, MarkBars)

struct SeriesInfo {
  std::filesystem::path path;
  std::string format;  // "qtb", "vision-zip", "vision-csv", "csv", "freqtrade-json", "csv-long"
  SeriesKind kind = SeriesKind::UsdmBars;
  std::string symbol;
  domain::Timeframe timeframe = domain::Timeframe::M1;  // bars only
  base::Timestamp from, to;  // of what it covers, [from, to); equal if only known after reading
  std::uint64_t rows = 0;    // 0 if only known after reading
  bool synthetic = false;
};

/// Bars of one symbol in time order, without duplicates, within a window. Memory use does not grow with its length.
class BarCursor {
 public:
  virtual ~BarCursor() = default;
  /// The next bar, or nothing at the end.
  virtual base::Result<std::optional<domain::Bar>> next() = 0;
};

struct Window {
  base::Timestamp from, to;  // open times in [from, to)

  bool contains(base::Timestamp ts) const { return from <= ts && ts < to; }
};
inline constexpr Window kAllTime{{std::numeric_limits<std::int64_t>::min()},
                                 {std::numeric_limits<std::int64_t>::max()}};

class Catalog {
 public:
  /// Recursively lists a directory (or one file). Errors: NotFound, Io. Unknown files are ignored.
  static base::Result<Catalog> scan(const std::filesystem::path& root);
  /// One entry per file and symbol, ordered by symbol, kind, timeframe, preference of the format, start, path.
  const std::vector<SeriesInfo>& series() const;
  const std::filesystem::path& root() const;

  /// The finest timeframe that divides `primary` and covers the window for every symbol. NotFound names what is
  /// missing. Covered means: no stretch longer than one day is missing, as far as file names (days) and indexes tell; a
  /// store or a recording of many symbols with more than 1 % of its bars missing never covers.
  base::Result<domain::Timeframe> base_timeframe(const std::vector<std::string>& symbols, domain::Timeframe primary,
                                                 Window window) const;
  /// USD-M bars. Several files of a series are joined; on equal open times the first file wins. Errors: NotFound with
  /// the symbols there are; Corrupt naming file and line for unsorted rows, bad numbers, non-positive prices, low >
  /// high.
  base::Result<std::unique_ptr<BarCursor>> bars(const std::string& symbol, domain::Timeframe timeframe,
                                                Window window) const;
  /// The same for another kind; Funding is InvalidArgument. Mark bars have volume 0.
  base::Result<std::unique_ptr<BarCursor>> bars_of(SeriesKind kind, const std::string& symbol,
                                                   domain::Timeframe timeframe, Window window) const;
  /// Settled funding rates, in time order; empty if there are none. symbol ids are left 0. ts_event is the recorded
  /// time with its jitter of some milliseconds; all files are joined; settlements within one minute are one, the better
  /// format wins. interval_hours is the recorded one, else the distance to the next settlement of the file where that
  /// is 1, 2, 4 or 8 hours.
  base::Result<std::vector<domain::FundingRate>> funding(const std::string& symbol, Window window) const;
  /// Mark price closes of exactly this timeframe, stamped with the bar's close; empty if there are none. The window is
  /// of open times, as for bars.
  base::Result<std::vector<domain::MarkPrice>> marks(const std::string& symbol, domain::Timeframe timeframe,
                                                     Window window) const;
  /// From instruments.json under the root (docs/formats/instruments.md) where listed; else inferred from the symbol's
  /// data with assumed = true.
  base::Result<domain::Instrument> instrument(const std::string& symbol) const;
  /// SHA-256 over the content of every series of these symbols, timeframe and window: the data_hash of reports and
  /// cards. Of decoded values, not file bytes: a CSV and its import hash alike. Order of `symbols` does not matter.
  base::Result<std::string> content_hash(const std::vector<std::string>& symbols, domain::Timeframe timeframe,
                                         Window window) const;
  bool synthetic() const;  // any series is tagged synthetic

  /// Symbols with series of a kind, sorted.
  std::vector<std::string> symbols(SeriesKind kind) const;
  /// The files that `bars` would join, by rising start; empty if none overlaps the window.
  std::vector<SeriesInfo> select(SeriesKind kind, const std::string& symbol, domain::Timeframe timeframe,
                                 Window window) const;

 private:
  struct Impl;
  explicit Catalog(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;  // copies of a catalog share one immutable index
};

}  // namespace qtrader::history
