// The bytes of a journal segment (docs/formats/journal.md): names, segment header, frame header. Shared by the reader
// and the writer so that there is one definition of the layout. Pure encoding; touches no file except to list a
// directory.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

#include "core/base/archive.hpp"
#include "core/base/result.hpp"
#include "core/kernel/journal.hpp"

namespace qtrader::store {

inline constexpr std::uint32_t kJournalVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 40;
inline constexpr std::size_t kFrameHeaderBytes = 29;
/// Longer payloads are refused by the writer and are corruption to the reader, whatever their checksum says.
inline constexpr std::uint32_t kMaxPayloadBytes = 64u << 20;

struct SegmentHeader {
  std::uint32_t number = 0;       // 1, 2, …
  std::uint64_t first_index = 0;  // of the first frame that goes here
  std::uint64_t digest = 0;       // over all frames before it
};

struct FrameHeader {
  std::uint32_t length = 0;  // of the payload
  std::uint32_t payload_crc = 0;
  kernel::FrameKind kind = kernel::FrameKind::Header;
  std::uint64_t seq = 0;
  std::int64_t ts = 0;
};

using SegmentHeaderBytes = std::array<std::byte, kSegmentHeaderBytes>;
using FrameHeaderBytes = std::array<std::byte, kFrameHeaderBytes>;

SegmentHeaderBytes encode(const SegmentHeader& header);
FrameHeaderBytes encode(const FrameHeader& header);
/// Corrupt (magic, checksum) or SchemaMismatch (version); the context says what, not where. `bytes` has at least the
/// size.
base::Result<SegmentHeader> decode_segment_header(base::ByteView bytes);
base::Result<FrameHeader> decode_frame_header(base::ByteView bytes);

/// "journal-000001.qtj"
std::string segment_name(std::uint32_t number);
/// Highest segment number in the directory, 0 if it holds no journal. Corrupt names the first missing number; Io.
base::Result<std::uint32_t> count_segments(const std::filesystem::path& directory);

/// "CRC-32C is 0x…, stored 0x…"
std::string crc_text(std::uint32_t computed, std::uint32_t stored);

}  // namespace qtrader::store
