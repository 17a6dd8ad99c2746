// Test helpers of this room: a temporary directory, files in every container format, draining a cursor.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>
#include <zip.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "edge/history/catalog.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::history::test {

namespace fs = std::filesystem;

using qtrader::test::TempDir;

inline void write_text(const fs::path& file, std::string_view text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}
inline std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline std::string zstd_of(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}
inline void write_zip(const fs::path& file, const std::string& entry, std::string_view text) {
  fs::create_directories(file.parent_path());
  int code = 0;
  zip_t* archive = ::zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  ASSERT_NE(archive, nullptr);
  zip_source_t* source = ::zip_source_buffer(archive, text.data(), text.size(), 0);
  ASSERT_GE(::zip_file_add(archive, entry.c_str(), source, ZIP_FL_OVERWRITE), 0);
  ASSERT_EQ(::zip_close(archive), 0);
}
inline void write_gzip(const fs::path& file, std::string_view text) {
  gzFile out = ::gzopen(file.c_str(), "wb");
  ASSERT_EQ(::gzwrite(out, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
  ::gzclose(out);
}

/// Names of everything below a directory, hidden files included.
inline std::vector<std::string> names_below(const fs::path& directory) {
  std::vector<std::string> out;
  for (const auto& e : fs::recursive_directory_iterator(directory))
    if (!e.is_directory()) out.push_back(fs::relative(e.path(), directory).string());
  std::sort(out.begin(), out.end());
  return out;
}

inline base::Result<std::vector<domain::Bar>> drain(BarCursor& cursor) {
  std::vector<domain::Bar> bars;
  for (;;) {
    QT_TRY(const auto bar, cursor.next());
    if (!bar) return bars;
    bars.push_back(*bar);
  }
}

/// Scans, opens and drains.
inline base::Result<std::vector<domain::Bar>> read_bars(const fs::path& root, const std::string& symbol,
                                                        domain::Timeframe tf, Window window = kAllTime) {
  QT_TRY(const auto catalog, Catalog::scan(root));
  QT_TRY(const auto cursor, catalog.bars(symbol, tf, window));
  return drain(*cursor);
}

inline base::Timestamp day(const char* text) { return base::parse_timestamp(text).value(); }
inline domain::Price price(const char* text) { return domain::Price::parse(text).value(); }

inline fs::path shared_data() { return fs::path(QT_SOURCE_DIR "/../shared/data"); }

}  // namespace qtrader::history::test

/// Recorded data is not part of the repository: skipped where absent, but not in CI.
#define QT_NEEDS_SHARED_DATA()                                                                                   \
  if (!std::filesystem::exists(qtrader::history::test::shared_data())) {                                         \
    if (std::getenv("CI") != nullptr) FAIL() << "no recorded data at " << qtrader::history::test::shared_data(); \
    GTEST_SKIP() << "no recorded data at " << qtrader::history::test::shared_data();                             \
  }
