#include "edge/store/journal_format.hpp"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <set>

#include "core/base/hash.hpp"

namespace qtrader::store {
namespace {

using base::ByteView;
using base::Errc;
using base::Error;
using base::Result;

constexpr std::string_view kMagic = "QTJOURNL";
constexpr std::string_view kPrefix = "journal-", kSuffix = ".qtj";

/// Fields in order into a fixed buffer, little-endian.
template <class Buffer, class... Ts>
std::size_t put(Buffer& out, std::size_t at, const Ts&... values) {
  ((std::memcpy(out.data() + at, &values, sizeof values), at += sizeof values), ...);
  return at;
}
template <class... Ts>
std::size_t get(ByteView in, std::size_t at, Ts&... values) {
  ((std::memcpy(&values, in.data() + at, sizeof values), at += sizeof values), ...);
  return at;
}

Result<void> check_crc(ByteView covered, std::uint32_t stored, std::string_view what) {
  const std::uint32_t computed = base::crc32c(covered);
  if (computed == stored) return {};
  return Error{"store", Errc::Corrupt, std::string(what) + " " + crc_text(computed, stored)};
}

}  // namespace

std::string crc_text(std::uint32_t computed, std::uint32_t stored) {
  char text[64];
  std::snprintf(text, sizeof text, "CRC-32C is 0x%08x, stored 0x%08x", computed, stored);
  return text;
}

SegmentHeaderBytes encode(const SegmentHeader& header) {
  SegmentHeaderBytes out{};
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  const std::uint32_t reserved = 0;
  const std::size_t end =
      put(out, kMagic.size(), kJournalVersion, header.number, header.first_index, header.digest, reserved);
  const std::uint32_t crc = base::crc32c(ByteView(out).first(end));
  put(out, end, crc);
  return out;
}

FrameHeaderBytes encode(const FrameHeader& header) {
  FrameHeaderBytes out;
  const std::size_t end = put(out, 0, header.length, header.payload_crc, header.kind, header.seq, header.ts);
  const std::uint32_t crc = base::crc32c(ByteView(out).first(end));
  put(out, end, crc);
  return out;
}

Result<SegmentHeader> decode_segment_header(ByteView bytes) {
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return Error{"store", Errc::Corrupt, "segment header does not begin with QTJOURNL"};
  SegmentHeader header;
  std::uint32_t version = 0, reserved = 0, crc = 0;
  const std::size_t end =
      get(bytes, kMagic.size(), version, header.number, header.first_index, header.digest, reserved);
  get(bytes, end, crc);
  QT_TRY_VOID(check_crc(bytes.first(end), crc, "segment header"));
  if (version != kJournalVersion)
    return Error{"store", Errc::SchemaMismatch,
                 "journal version " + std::to_string(version) + ", expected " + std::to_string(kJournalVersion)};
  return header;
}

Result<FrameHeader> decode_frame_header(ByteView bytes) {
  FrameHeader header;
  std::uint32_t crc = 0;
  const std::size_t end = get(bytes, 0, header.length, header.payload_crc, header.kind, header.seq, header.ts);
  get(bytes, end, crc);
  QT_TRY_VOID(check_crc(bytes.first(end), crc, "frame header"));
  if (header.length > kMaxPayloadBytes)
    return Error{"store", Errc::Corrupt,
                 "payload length " + std::to_string(header.length) + ", at most " + std::to_string(kMaxPayloadBytes)};
  if (header.kind > kernel::FrameKind::Command)
    return Error{"store", Errc::Corrupt,
                 "frame kind " + std::to_string(static_cast<int>(header.kind)) + ", expected 0..4"};
  return header;
}

std::string segment_name(std::uint32_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "journal-%06u.qtj", number);
  return text;
}

Result<std::uint32_t> count_segments(const std::filesystem::path& directory) {
  std::set<std::uint32_t> numbers;
  std::error_code ec;
  for (std::filesystem::directory_iterator it(directory, ec), end; !ec && it != end; it.increment(ec)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    const char* const last = name.data() + name.size() - kSuffix.size();
    std::uint32_t number = 0;
    const auto [rest, bad] = std::from_chars(name.data() + kPrefix.size(), last, number);
    if (bad == std::errc() && rest == last && name == segment_name(number)) numbers.insert(number);
  }
  if (ec == std::errc::no_such_file_or_directory || ec == std::errc::not_a_directory) return 0u;
  if (ec) return Error{"store", Errc::Io, "list " + directory.string() + ": " + ec.message()};
  std::uint32_t expected = 0;
  for (const std::uint32_t number : numbers) {
    if (number != ++expected)
      return Error{
          "store", Errc::Corrupt,
          directory.string() + ": " + segment_name(expected) + " is missing, there is " + segment_name(number)};
  }
  return expected;
}

}  // namespace qtrader::store
