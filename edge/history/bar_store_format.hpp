// The bytes of a .qtb file, shared by its writer and reader (docs/formats/bar-store.md). Little-endian, like every
// machine we run on; the sizes are asserted because the structs are written as they lie in memory.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "core/domain/bar.hpp"

namespace qtrader::history::qtb {

static_assert(std::endian::native == std::endian::little, "the bar store is little-endian");

inline constexpr std::array<char, 8> kMagic = {'Q', 'T', 'B',  'A',
                                               'R', 'S', '\r', '\n'};  // \r\n shows text-mode damage
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kSymbolBytes = 32;
inline constexpr std::size_t kSourceBytes = 1024;

struct Header {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint16_t timeframe_minutes;
  std::uint8_t kind;       // SeriesKind
  std::uint8_t synthetic;  // 0 or 1
  std::uint64_t rows;
  std::uint64_t groups;
  std::uint64_t index_offset;
  std::uint64_t index_checksum;  // XXH64 of the index, seed 0
  std::int64_t from_ns, to_ns;
  std::uint8_t columns;  // BarColumns present in any group
  std::array<std::uint8_t, 3> reserved;
  std::uint32_t source_size;
  std::array<char, kSymbolBytes> symbol;  // zero padded
  std::array<char, kSourceBytes> source;  // zero padded
  std::uint64_t checksum;                 // XXH64 of all bytes above, seed 0
};
static_assert(sizeof(Header) == 72 + kSymbolBytes + kSourceBytes + 8);

/// Columns in file order. A group stores the first six always, the others if its flags say so.
enum Column : std::size_t {
  kTime,
  kOpen,
  kHigh,
  kLow,
  kClose,
  kVolume,
  kQuoteVolume,
  kTakerBuy,
  kTrades,
  kColumnCount
};

struct GroupEntry {
  std::uint64_t offset;  // of its first column; a multiple of 8
  std::uint32_t rows;
  std::uint32_t columns;                              // BarColumns
  std::int64_t first_ns, last_ns;                     // open times
  std::array<std::uint64_t, kColumnCount> checksums;  // XXH64, seed = column number; 0 where absent
};
static_assert(sizeof(GroupEntry) == 32 + 8 * kColumnCount);

constexpr bool has_column(std::uint32_t columns, std::size_t column) {
  switch (column) {
    case kQuoteVolume:
      return (columns & domain::kHasQuoteVolume) != 0;
    case kTakerBuy:
      return (columns & domain::kHasTakerBuy) != 0;
    case kTrades:
      return (columns & domain::kHasTrades) != 0;
    default:
      return true;
  }
}
constexpr std::uint64_t column_bytes(std::size_t column, std::uint64_t rows) {
  return column == kTrades ? rows * 4 : rows * 8;
}
/// Every column starts at a multiple of eight.
constexpr std::uint64_t padded(std::uint64_t bytes) { return (bytes + 7) / 8 * 8; }
constexpr std::uint64_t group_bytes(std::uint32_t columns, std::uint64_t rows) {
  std::uint64_t total = 0;
  for (std::size_t c = 0; c < kColumnCount; ++c)
    if (has_column(columns, c)) total += padded(column_bytes(c, rows));
  return total;
}

}  // namespace qtrader::history::qtb
