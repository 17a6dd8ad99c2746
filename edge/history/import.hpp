// Import: recorded files of any known layout → our own, under one directory.
//
//   OUT/SYMBOL-TF.qtb           USD-M bars        OUT/spot/SYMBOL-TF.qtb    spot bars
//   OUT/funding/SYMBOL-funding_FROM-TO.csv        OUT/mark/SYMBOL-mark-TF_FROM-TO.csv
//   OUT/instruments.json        where exchange information or brackets were given; merged with what is there
//
// Each file appears whole or not at all; an existing one is replaced. The first fault in a source stops the import with
// the files finished so far in place.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "edge/history/catalog.hpp"

namespace qtrader::history {

struct ImportRequest {
  std::filesystem::path source;  // a directory, or one file
  std::filesystem::path out;
  std::vector<std::string> symbols;                       // empty: all
  std::optional<domain::Timeframe> timeframe;             // of bars and marks; absent: all
  std::filesystem::path exchange_info, brackets;          // empty: not given
  std::function<void(const std::string&)> progress = {};  // a line for each file written
};

struct ImportResult {
  std::vector<std::string> files;  // written
  std::uint64_t bars = 0, rates = 0, marks = 0;
  std::uint64_t instruments = 0;
  std::vector<std::string> skipped;  // files of a series for which a better format was there
};
QT_DESCRIBE(ImportResult, files, bars, rates, marks, instruments, skipped)

/// Errors: NotFound (nothing readable, unknown symbol), Corrupt, InvalidArgument, Io, NoSpace.
base::Result<ImportResult> import_data(const ImportRequest& request);

}  // namespace qtrader::history
