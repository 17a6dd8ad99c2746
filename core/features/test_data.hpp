// Reads the reference series of the shared data directory (see docs/features.md). Included by *_test.cpp only.
#pragma once

#include <gtest/gtest.h>
#include <zstd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/domain/bar.hpp"

namespace qtrader::features::testing {

inline std::filesystem::path data_path(const std::string& name) {
  return std::filesystem::path(QT_SOURCE_DIR) / ".." / "shared" / "data" / name;
}

/// The data are not part of the repository: skip where they are absent, but never in continuous integration.
#define QT_REQUIRE_DATA(name)                                                                    \
  if (!std::filesystem::exists(::qtrader::features::testing::data_path(name))) {                 \
    if (std::getenv("CI") != nullptr)                                                            \
      FAIL() << "reference data missing: " << ::qtrader::features::testing::data_path(name);     \
    GTEST_SKIP() << "reference data missing: " << ::qtrader::features::testing::data_path(name); \
  }

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (path.extension() != ".zst") return bytes;
  std::string out;
  ZSTD_DStream* stream = ZSTD_createDStream();
  ZSTD_inBuffer source{bytes.data(), bytes.size(), 0};
  std::string chunk(ZSTD_DStreamOutSize(), '\0');
  while (source.pos < source.size) {
    ZSTD_outBuffer sink{chunk.data(), chunk.size(), 0};
    if (ZSTD_isError(ZSTD_decompressStream(stream, &sink, &source)) != 0) ADD_FAILURE() << "corrupt: " << path;
    out.append(chunk, 0, sink.pos);
  }
  ZSTD_freeDStream(stream);
  return out;
}

inline double number(std::string_view text) {
  double value = std::numeric_limits<double>::quiet_NaN();
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// A CSV file by column; what is not a number is NaN.
using Table = std::map<std::string, std::vector<double>>;

inline Table read_csv(const std::filesystem::path& path) {
  std::istringstream in(read_text(path));
  const auto split = [](std::string line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.pop_back();
    std::vector<std::string> cells(1);
    for (const char c : line)
      if (c == ',')
        cells.emplace_back();
      else
        cells.back().push_back(c);
    return cells;
  };
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> header = split(line);
  Table table;
  while (std::getline(in, line)) {
    const std::vector<std::string> cells = split(line);
    for (std::size_t i = 0; i < header.size(); ++i)
      table[header[i]].push_back(i < cells.size() ? number(cells[i]) : std::numeric_limits<double>::quiet_NaN());
  }
  return table;
}

/// The bars of a candle file, at most `limit`.
inline std::vector<domain::Bar> read_bars(const std::filesystem::path& path, domain::Timeframe tf, std::size_t limit) {
  Table table = read_csv(path);
  const bool flow = table.contains("taker_buy_base");
  std::vector<domain::Bar> bars;
  for (std::size_t i = 0; i < std::min(limit, table["close"].size()); ++i) {
    domain::Bar bar;
    bar.open_time = base::Timestamp::from_unix_ms(static_cast<std::int64_t>(table["open_time_ms"][i]));
    bar.timeframe = tf;
    bar.open = domain::Price::from_double(table["open"][i]);
    bar.high = domain::Price::from_double(table["high"][i]);
    bar.low = domain::Price::from_double(table["low"][i]);
    bar.close = domain::Price::from_double(table["close"][i]);
    bar.volume = table["volume"][i];
    if (flow) {
      bar.columns = domain::kHasQuoteVolume | domain::kHasTakerBuy | domain::kHasTrades;
      bar.quote_volume = table["quote_volume"][i];
      bar.taker_buy_base = table["taker_buy_base"][i];
      bar.trades = static_cast<std::uint32_t>(table["trades"][i]);
    }
    bars.push_back(bar);
  }
  return bars;
}

}  // namespace qtrader::features::testing
