#include "training/deep/event_file.hpp"

#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/hash.hpp"

namespace qtrader::training::deep {
namespace {

namespace fs = std::filesystem;
using base::Errc;

base::Error io_error(const fs::path& path, const char* doing) {
  return {"training", errno == ENOSPC ? Errc::NoSpace : Errc::Io,
          path.string() + ": " + doing + ": " + std::strerror(errno)};
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(0x80 | (value & 0x7F)));
  out.push_back(static_cast<char>(value));
}

template <class T>
void append_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

// Protocol-buffer fields: the key is the field number and how the value is laid out.
enum WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void append_key(std::string& out, std::uint32_t field, WireType type) { append_varint(out, field << 3 | type); }

void append_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  append_key(out, field, kBytes);
  append_varint(out, bytes.size());
  out += bytes;
}

// Of event.proto and summary.proto.
constexpr std::uint32_t kEventWallTime = 1, kEventStep = 2, kEventFileVersion = 3, kEventSummary = 5;
constexpr std::uint32_t kSummaryValue = 1, kValueTag = 1, kValueSimple = 2;

std::string event_at(double wall_time) {
  std::string out;
  append_key(out, kEventWallTime, kFixed64);
  append_little_endian(out, std::bit_cast<std::uint64_t>(wall_time));
  return out;
}

}  // namespace

std::uint32_t masked_crc32c(std::string_view bytes) {
  const std::uint32_t crc = base::crc32c(base::as_bytes(bytes));
  return std::rotr(crc, 15) + 0xA282EAD8U;
}

EventFile::EventFile(fs::path path, UnixSeconds now, std::FILE* file)
    : path_(std::move(path)), now_(std::move(now)), file_(file) {}

base::Result<EventFile> EventFile::create(const fs::path& directory, UnixSeconds now) {
  std::error_code ec;
  fs::create_directories(directory, ec);
  if (ec) return base::Error{"training", Errc::Io, directory.string() + ": create directory: " + ec.message()};
  const double started = now();
  const fs::path path =
      directory / ("events.out.tfevents." + std::to_string(static_cast<std::int64_t>(started)) + ".qtrader");
  std::FILE* file = std::fopen(path.c_str(), "ab");
  if (file == nullptr) return io_error(path, "create");
  EventFile out(path, std::move(now), file);
  std::string event = event_at(started);
  append_bytes(event, kEventFileVersion, "brain.Event:2");
  QT_TRY_VOID(out.append(event));
  return out;
}

base::Result<void> EventFile::scalar(std::string_view tag, std::int64_t step, double value) {
  std::string point;
  append_bytes(point, kValueTag, tag);
  append_key(point, kValueSimple, kFixed32);
  append_little_endian(point, std::bit_cast<std::uint32_t>(static_cast<float>(value)));
  std::string summary;
  append_bytes(summary, kSummaryValue, point);
  std::string event = event_at(now_());
  append_key(event, kEventStep, kVarint);
  append_varint(event, static_cast<std::uint64_t>(step));
  append_bytes(event, kEventSummary, summary);
  return append(event);
}

/// A TFRecord: length, checksum of the length, data, checksum of the data.
base::Result<void> EventFile::append(const std::string& event) {
  std::string record;
  append_little_endian(record, static_cast<std::uint64_t>(event.size()));
  append_little_endian(record, masked_crc32c(record));
  record += event;
  append_little_endian(record, masked_crc32c(event));
  if (std::fwrite(record.data(), 1, record.size(), file_.get()) != record.size() || std::fflush(file_.get()) != 0)
    return io_error(path_, "write");
  return {};
}

}  // namespace qtrader::training::deep
