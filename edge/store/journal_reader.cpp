#include <fcntl.h>

#include <cstring>
#include <utility>

#include "core/base/hash.hpp"
#include "edge/store/journal_file.hpp"
#include "edge/store/journal_format.hpp"
#include "edge/store/posix_file.hpp"

namespace qtrader::store {

using base::ByteView;
using base::Errc;
using base::Error;
using base::Result;

namespace {
constexpr std::size_t kReadBytes = 1u << 20;
}

struct JournalReader::Impl {
  std::filesystem::path directory;
  std::uint32_t segment = 1;
  std::optional<File> file;  // of `segment`; opened on first use
  bool header_read = false;  // of `segment`
  base::Bytes buffer = base::Bytes(kReadBytes);
  std::size_t begin = 0, end = 0;  // unread bytes in buffer
  std::uint64_t offset = 0;        // of buffer[begin] in the segment
  std::uint64_t index = 0;         // of the next frame
  kernel::Digest digest;
  bool torn = false;
  bool trust_header = false;  // of the first segment read: it says where the reader starts
  std::optional<Error> failed;

  enum class Have { All, Nothing, Part };

  std::size_t available() const { return end - begin; }
  ByteView unread() const { return ByteView(buffer).subspan(begin, available()); }
  void consume(std::size_t n) {
    begin += n;
    offset += n;
  }
  bool last_segment() const { return !std::filesystem::exists(directory / segment_name(segment + 1)); }

  Error corrupt(const std::string& what, Errc code = Errc::Corrupt) const {
    return {"store", code,
            (directory / segment_name(segment)).string() + ": frame " + std::to_string(index) + " at byte " +
                std::to_string(offset) + ": " + what};
  }

  /// Makes `need` bytes available unless the file ends first.
  Result<void> fill(std::size_t need) {
    if (available() >= need) return {};
    if (begin + need > buffer.size()) {
      std::memmove(buffer.data(), buffer.data() + begin, available());
      end -= std::exchange(begin, 0);
      if (need > buffer.size()) buffer.resize(need);
    }
    while (available() < need) {
      QT_TRY(const std::size_t n, file->read(std::span(buffer).subspan(end)));
      if (n == 0) break;
      end += n;
    }
    return {};
  }

  /// Whether the next `need` bytes of the segment are there. A part of them is an error unless this is the last
  /// segment.
  Result<Have> want(std::size_t need) {
    QT_TRY_VOID(fill(need));
    if (available() >= need) return Have::All;
    if (last_segment()) return available() == 0 ? Have::Nothing : Have::Part;
    // A writer may have finished this segment and begun the next between our read and our look: read once more.
    QT_TRY_VOID(fill(need));
    if (available() >= need) return Have::All;
    if (available() == 0) return Have::Nothing;
    return corrupt("segment ends after " + std::to_string(available()) + " of " + std::to_string(need) +
                   " bytes, yet another segment follows");
  }

  Result<bool> begin_segment() {
    if (!file) {
      QT_TRY(File opened, File::open(directory / segment_name(segment), O_RDONLY));
      file.emplace(std::move(opened));
    }
    QT_TRY(const Have have, want(kSegmentHeaderBytes));
    if (have != Have::All) {
      if (!last_segment()) return corrupt("segment without a header, yet another segment follows");
      torn = true;
      return false;
    }
    auto header = decode_segment_header(unread());
    if (!header) return corrupt(header.error().context, header.error().code);
    if (header->number != segment) return corrupt("header says segment " + std::to_string(header->number));
    if (std::exchange(trust_header, false)) {
      index = header->first_index;
      digest = kernel::Digest(header->digest);
    }
    if (header->first_index != index)
      return corrupt("header says it begins with frame " + std::to_string(header->first_index));
    if (header->digest != digest.value())
      return corrupt("digest of the frames before is " + base::hex64(digest.value()) + ", header says " +
                     base::hex64(header->digest));
    consume(kSegmentHeaderBytes);
    header_read = true;
    return true;
  }

  void next_segment() {
    ++segment;
    file.reset();
    header_read = false;
    begin = end = 0;
    offset = 0;
  }

  Result<std::optional<StoredFrame>> read() {
    torn = false;
    for (;;) {
      if (!header_read) {
        QT_TRY(const bool whole, begin_segment());
        if (!whole) return std::optional<StoredFrame>();
      }
      QT_TRY(const Have have, want(kFrameHeaderBytes));
      if (have == Have::Nothing && !last_segment()) {
        next_segment();
        continue;
      }
      torn = have == Have::Part;
      if (have != Have::All) return std::optional<StoredFrame>();
      return read_frame();
    }
  }

  Result<std::optional<StoredFrame>> read_frame() {
    const auto header = decode_frame_header(unread());
    if (!header) return corrupt(header.error().context);
    QT_TRY(const Have have, want(kFrameHeaderBytes + header->length));
    torn = have != Have::All;
    if (torn) return std::optional<StoredFrame>();
    const ByteView payload = unread().subspan(kFrameHeaderBytes, header->length);
    if (const std::uint32_t crc = base::crc32c(payload); crc != header->payload_crc)
      return corrupt("payload " + crc_text(crc, header->payload_crc));
    StoredFrame out{{header->kind, header->seq, {header->ts}, payload}, index, 0};
    digest.add(out.frame);
    out.digest = digest.value();
    consume(kFrameHeaderBytes + header->length);
    ++index;
    return std::optional<StoredFrame>(out);
  }
};

JournalReader::JournalReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JournalReader::JournalReader(JournalReader&&) noexcept = default;
JournalReader::~JournalReader() = default;

Result<JournalReader> JournalReader::open(const std::filesystem::path& directory) {
  QT_TRY(const std::uint32_t segments, count_segments(directory));
  if (segments == 0)
    return Error{"store", Errc::NotFound, directory.string() + ": no journal (journal-000001.qtj) here"};
  auto impl = std::make_unique<Impl>();
  impl->directory = directory;
  return JournalReader(std::move(impl));
}

Result<JournalReader> JournalReader::open_at(const std::filesystem::path& directory, std::uint32_t segment) {
  QT_TRY(const std::uint32_t segments, count_segments(directory));
  if (segment == 0 || segment > segments)
    return Error{
        "store", Errc::NotFound,
        directory.string() + ": no segment " + std::to_string(segment) + "; it holds " + std::to_string(segments)};
  auto impl = std::make_unique<Impl>();
  impl->directory = directory;
  impl->segment = segment;
  impl->trust_header = segment > 1;
  return JournalReader(std::move(impl));
}

Result<std::optional<StoredFrame>> JournalReader::next() {
  if (impl_->failed) return *impl_->failed;
  auto frame = impl_->read();
  if (!frame) impl_->failed = frame.error();
  return frame;
}

bool JournalReader::torn() const { return impl_->torn; }
JournalPosition JournalReader::position() const { return {impl_->segment, impl_->offset}; }

}  // namespace qtrader::store
