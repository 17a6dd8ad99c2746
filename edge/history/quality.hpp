// Quality report: what is wrong or odd with recorded series, counted file by file. `qtrader data verify` prints it.
//
// Reads leniently: a fault that stops a strict cursor is counted here and reading goes on; only text that is no row at
// all ends a file. Judges, never repairs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "edge/history/catalog.hpp"

namespace qtrader::history {

/// missing bars (or settlements) begin at `from`.
struct Gap {
  base::Timestamp from;
  std::uint64_t missing = 0;
};

struct FileQuality {
  std::string path, format, symbol;
  SeriesKind kind = SeriesKind::UsdmBars;
  std::string timeframe;  // empty for funding
  std::uint64_t rows = 0;
  base::Timestamp from, to;  // first open, last close
  // Hard faults: a strict reader refuses the file, or the core the bar.
  std::string error;  // why reading stopped; empty if it did not
  std::uint64_t out_of_order = 0, duplicates = 0, non_positive = 0, ohlc_faults = 0, outside_name = 0;
  // Worth knowing.
  std::uint64_t gaps = 0, missing = 0;
  std::vector<Gap> first_gaps;  // at most five
  std::uint64_t misaligned = 0, zero_volume = 0;
  double largest_move = 0;  // |ln(close / close before)|; of funding the largest |rate|
  base::Timestamp largest_move_at;
  bool unfinished_last = false;  // volume and range of the last bar far below its neighbours': caught while forming?

  std::uint64_t hard_faults() const {
    return out_of_order + duplicates + non_positive + ohlc_faults + outside_name + (error.empty() ? 0 : 1);
  }
};

struct QualityReport {
  std::string root;
  std::vector<FileQuality> files;
  std::uint64_t hard_faults = 0;
};

QT_DESCRIBE(Gap, from, missing)
QT_DESCRIBE(FileQuality, path, format, symbol, kind, timeframe, rows, from, to, error, out_of_order, duplicates,
            non_positive, ohlc_faults, outside_name, gaps, missing, first_gaps, misaligned, zero_volume, largest_move,
            largest_move_at, unfinished_last)
QT_DESCRIBE(QualityReport, root, files, hard_faults)

/// The report of one series; of every symbol where `info` is one entry of a recording of many and its symbol is empty.
std::vector<FileQuality> check_file(const SeriesInfo& info);
/// Every series of a catalog, in its order. `progress` is called before each file with its position and the count.
QualityReport check_catalog(const Catalog& catalog,
                            const std::function<void(std::size_t, std::size_t, const SeriesInfo&)>& progress);
/// Fixed-width text for people: one line a file, faults spelt out below it.
std::string quality_table(const QualityReport& report);

}  // namespace qtrader::history
