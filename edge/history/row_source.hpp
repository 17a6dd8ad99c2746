// RowSource: the rows of a text file, one after the other: lines of a CSV, or the inner arrays of [[…],[…]] JSON.
//
// A row is a view into the source's buffer, valid until the next call. Second step of every text reader; it knows rows
// and fields, not what they mean.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "edge/history/byte_source.hpp"

namespace qtrader::history {

class RowSource {
 public:
  virtual ~RowSource() = default;
  /// True with the next non-empty row, false at the end. Errors: those of ByteSource; Corrupt for broken structure.
  virtual base::Result<bool> next(std::string_view& row) = 0;
  /// Of the row last given, from 1: line number of a CSV, position in the outer array of JSON.
  std::uint64_t line() const { return line_; }

 protected:
  std::uint64_t line_ = 0;
};

/// JSON for names with ".json" before a compression suffix, otherwise lines.
base::Result<std::unique_ptr<RowSource>> open_rows(const std::filesystem::path& file);

inline constexpr std::size_t kMaxFields = 24;
struct Fields {
  std::array<std::string_view, kMaxFields> at;
  std::size_t count = 0;  // of all in the row, may exceed kMaxFields
};
/// Splits at commas, takes spaces and one pair of double quotes off each field.
void split_fields(std::string_view row, Fields& fields);

/// "FILE:LINE: WHAT" as Corrupt.
base::Error row_error(const std::filesystem::path& file, std::uint64_t line, const std::string& what);

}  // namespace qtrader::history
