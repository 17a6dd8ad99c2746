// BarFileReader: the bars of one text file, in file order, each with the faults found on it.
//
// Knows the column layouts (header names, or 6/11/12 columns without one), the time units (s, ms, µs, ns, ISO text) and
// the row rules. The strict cursor below turns the first fault into an error; the quality report counts them.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>

#include "edge/history/catalog.hpp"
#include "edge/history/row_source.hpp"

namespace qtrader::history {

enum BarFault : unsigned {
  kOutOfOrder = 1,   // opens before the row above
  kDuplicate = 2,    // opens with the row above
  kNonPositive = 4,  // a price ≤ 0 or a volume < 0
  kLowAboveHigh = 8,
  kOutsideRange = 16,  // open or close outside [low, high]; left to the core's data gate, not an error of reading
  kMisaligned = 32,    // open time is no multiple of the timeframe: spot has such bars after halts; not an error either
  kOutsideName = 64,   // outside the dates in the file's name
};
inline constexpr unsigned kReadErrors = kOutOfOrder | kDuplicate | kNonPositive | kLowAboveHigh | kOutsideName;

/// Positions of the columns in a row; -1 where the file has none.
struct BarColumnLayout {
  int time = -1, symbol = -1, open = -1, high = -1, low = -1, close = -1, volume = -1;
  int quote_volume = -1, trades = -1, taker_buy = -1;
  std::size_t width = 0;  // fields a row needs
};

/// Unix time by magnitude (s, ms, µs, ns) or ISO-8601 text. False if it is neither.
bool parse_row_time(std::string_view text, base::Timestamp& out);
/// True if the first field of a row is no number and no date: the row is a header.
bool is_header(const Fields& fields);
/// Position of the first of `names` (lower case, separated by '|') in a header, -1 if there is none.
int find_column(const Fields& header, std::string_view names);

class BarFileReader {
 public:
  /// Rows before the window are checked for order only; reading stops at its end. A "csv-long" series without a symbol
  /// gives the rows of all symbols. Errors: NotFound, Io, Corrupt.
  static base::Result<BarFileReader> open(const SeriesInfo& info, Window window);
  /// True with the next bar and its faults, false at the end. Errors: Corrupt for rows that are not a bar at all.
  base::Result<bool> read(domain::Bar& bar, unsigned& faults);
  /// The sentence for a faulty bar just read, as an error.
  base::Error fault_error(const domain::Bar& bar, unsigned faults) const;
  const SeriesInfo& info() const { return info_; }
  /// The symbol of the row just read.
  std::string_view symbol() const {
    return layout_.symbol < 0 ? std::string_view(info_.symbol) : fields_.at[static_cast<std::size_t>(layout_.symbol)];
  }

 private:
  BarFileReader(SeriesInfo info, Window window, std::unique_ptr<RowSource> rows);
  /// True if the row is a header.
  base::Result<bool> set_layout(const Fields& first);
  base::Result<void> parse_bar(domain::Bar& bar) const;
  base::Timestamp& previous();
  base::Error field_error(int column, const char* name, const char* expected) const;

  SeriesInfo info_;
  Window window_;
  std::unique_ptr<RowSource> rows_;
  BarColumnLayout layout_;
  Fields fields_;
  bool started_ = false;
  base::Timestamp previous_{std::numeric_limits<std::int64_t>::min()};
  std::map<std::string, base::Timestamp, std::less<>> previous_of_;  // by symbol, when all are read
  std::uint64_t given_ = 0;                                          // rows of our symbol so far
  std::uint8_t columns_ = 0;
};

/// kNonPositive, kLowAboveHigh and kOutsideRange of a bar by itself.
unsigned bar_value_faults(const domain::Bar& bar);

/// One text file as a strict cursor.
base::Result<std::unique_ptr<BarCursor>> open_bar_file(const SeriesInfo& info, Window window);
/// Any one file: text or qtb.
base::Result<std::unique_ptr<BarCursor>> open_bar_series(const SeriesInfo& info, Window window);
/// Joins files of one series, ordered by `from`; on equal open times the first wins. Opens a file when it is reached.
base::Result<std::unique_ptr<BarCursor>> join_bar_files(std::vector<SeriesInfo> files, Window window);

}  // namespace qtrader::history
