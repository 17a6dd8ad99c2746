// The public forecasting sets (ETTh1, ETTm2, Exchange, ILI), read and split as the papers do.
//
// Each channel is standardised with the mean and deviation of its training part. Windows of validation and test look
// back into the part before; their targets never leave their own part.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace qtrader::training::deep {

struct ForecastDataset {
  std::string_view name;  // as in reported-results.csv
  std::int64_t channels = 0;
  /// Rows of the three parts, from the beginning (ETT: 12, 4 and 4 months of 30 days); all 0: 70, 10 and 20 % of what
  /// the file holds.
  std::int64_t train = 0, validation = 0, test = 0;
};

/// By name. Error: InvalidArgument listing the known ones.
base::Result<ForecastDataset> find_forecast_dataset(std::string_view name);

struct ForecastSeries {
  ForecastDataset dataset;
  std::int64_t rows = 0;
  std::vector<float> values;  // standardised, channel-major: values[channel · rows + row]
  std::int64_t train_end = 0, validation_end = 0, test_end = 0;
};

/// Reads a CSV file (plain or .zst) with one header line and columns date, channel, channel, …
/// Errors: NotFound, Io, Corrupt (not Zstandard), InvalidArgument (columns, a value, too few rows).
base::Result<ForecastSeries> read_forecast_series(const std::filesystem::path& file, const ForecastDataset& dataset);

/// Window i covers the rows [first + i, first + i + look-back + horizon); rows before 0 are unknown.
struct WindowRange {
  std::int64_t first = 0, count = 0;
};

struct ForecastWindows {
  std::int64_t look_back = 0, horizon = 0;
  WindowRange train, validation, test;
};

/// Which training windows there are.
enum class History : std::uint8_t {
  Whole,     // those whose look-back lies in the series
  AnyLength  // also those that begin before it, with one known value at least
};

/// Error: InvalidArgument where a part is too short for a single window.
base::Result<ForecastWindows> split_windows(const ForecastSeries& series, std::int64_t look_back, std::int64_t horizon,
                                            History history);

/// A figure of a paper, for comparison.
struct ReportedError {
  std::string model, dataset, quoted_from;
  std::int64_t horizon = 0;
  double mse = 0, mae = 0;  // mae 0: not reported
};

/// Reads reported-results.csv: model,dataset,setting,horizon,mse,mae,quoted_from; multivariate rows only.
/// Errors: NotFound, Io, InvalidArgument.
base::Result<std::vector<ReportedError>> read_reported(const std::filesystem::path& file);

}  // namespace qtrader::training::deep
