// BarStore: our columnar file of one symbol's bars, memory-mapped for reading (docs/formats/bar-store.md).
//
// Written once, atomically (temporary file, fsync, rename); a failed write leaves nothing behind. Readers give pages back
// as they pass, so resident memory stays flat over any length.
#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "core/base/result.hpp"
#include "core/domain/bar.hpp"
#include "edge/history/catalog.hpp"

namespace qtrader::history {

struct StoreTags {
  std::string symbol;
  SeriesKind kind = SeriesKind::UsdmBars;
  bool synthetic = false;
  std::string source;  // where it was imported from
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

base::Result<std::unique_ptr<BarCursor>> open_bar_store(const std::filesystem::path& file, Window window);

}  // namespace qtrader::history
