// BarStore: our columnar file of one symbol's bars, memory-mapped for reading (docs/formats/bar-store.md).
//
// Written once, atomically (temporary file, fsync, rename); a failed write leaves nothing behind. Rows are held in
// groups of at most 65 536, so writer and reader need one group of memory whatever the length. Readers check each
// column's checksum as they enter a group and give pages back as they leave it.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "core/base/result.hpp"
#include "core/domain/bar.hpp"
#include "edge/history/catalog.hpp"

namespace qtrader::history {

inline constexpr std::size_t kRowGroupRows = 65'536;

struct StoreTags {
  std::string symbol;
  SeriesKind kind = SeriesKind::UsdmBars;
  bool synthetic = false;
  std::string source;  // where it was imported from; at most 1024 bytes
};

/// Writes DIR/SYMBOL-TF.qtb. Bars must be in strictly rising time. Errors: NoSpace, Io, InvalidArgument.
class BarStoreWriter {
 public:
  static base::Result<BarStoreWriter> create(const std::filesystem::path& directory, StoreTags tags,
                                             domain::Timeframe timeframe);
  base::Result<void> append(const domain::Bar& bar);
  /// Makes the file visible under its name. Without it nothing is left behind.
  base::Result<std::filesystem::path> commit();
  BarStoreWriter(BarStoreWriter&&) noexcept;
  BarStoreWriter& operator=(BarStoreWriter&&) noexcept;
  ~BarStoreWriter();

 private:
  struct Impl;
  explicit BarStoreWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Errors: NotFound, Io, Corrupt (damaged header, index or column), SchemaMismatch (another version).
base::Result<std::unique_ptr<BarCursor>> open_bar_store(const std::filesystem::path& file, Window window);

struct StoreInfo {
  StoreTags tags;
  domain::Timeframe timeframe = domain::Timeframe::M1;
  base::Timestamp from, to;  // [first open, last close); equal for an empty file
  std::uint64_t rows = 0;
  std::uint8_t columns = 0;  // every group's optional columns together
};
/// Header only.
base::Result<StoreInfo> read_store_info(const std::filesystem::path& file);
struct StoreDensity {
  std::uint64_t rows = 0;       // inside the window
  base::Duration longest_hole;  // longest time without a bar, the window's edges included
};
/// Reads the time column only.
base::Result<StoreDensity> read_density(const std::filesystem::path& file, Window window);

}  // namespace qtrader::history
