#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "core/base/hash.hpp"
#include "core/base/reflect.hpp"
#include "edge/store/journal_file.hpp"
#include "edge/store/journal_format.hpp"
#include "edge/store/posix_file.hpp"

namespace qtrader::store {

using base::ByteView;
using base::Errc;
using base::Error;
using base::Result;

namespace {

Result<void> validate(const JournalOptions& options) {
  if (options.segment_bytes < kSegmentHeaderBytes + kFrameHeaderBytes)
    return Error{"store", Errc::InvalidArgument,
                 "segment_bytes is " + std::to_string(options.segment_bytes) + ", expected at least " +
                     std::to_string(kSegmentHeaderBytes + kFrameHeaderBytes)};
  if (options.buffer_bytes < kSegmentHeaderBytes)
    return Error{"store", Errc::InvalidArgument,
                 "buffer_bytes is " + std::to_string(options.buffer_bytes) + ", expected at least " +
                     std::to_string(kSegmentHeaderBytes)};
  return {};
}

std::string describe(const kernel::Frame& frame) {
  return "kind " + std::to_string(static_cast<int>(frame.kind)) + " seq " + std::to_string(frame.seq) + " ts " +
         std::to_string(frame.ts.ns) + " with " + std::to_string(frame.payload.size()) + " bytes";
}

Result<SegmentHeader> read_segment_header(const std::filesystem::path& path) {
  QT_TRY(File file, File::open(path, O_RDONLY));
  base::Bytes bytes(kSegmentHeaderBytes);
  std::size_t have = 0;
  while (have < bytes.size()) {
    QT_TRY(const std::size_t n, file.read(std::span(bytes).subspan(have)));
    if (n == 0) break;
    have += n;
  }
  // A crash between creating the first segment and writing its header leaves it empty: nothing is in it yet.
  if (have < bytes.size() && path.filename() == segment_name(1)) return SegmentHeader{1, 0, kernel::Digest().value()};
  if (have < bytes.size()) return Error{"store", Errc::Corrupt, path.string() + ": no whole segment header"};
  auto header = decode_segment_header(bytes);
  if (!header) return Error{"store", header.error().code, path.string() + ": " + header.error().context};
  return header;
}

/// Empty if the frames are equal.
std::string difference(const kernel::Frame& stored, const kernel::Frame& given) {
  const bool same_place = stored.kind == given.kind && stored.seq == given.seq && stored.ts == given.ts;
  if (same_place && std::ranges::equal(stored.payload, given.payload)) return {};
  std::string text = "on disk " + describe(stored) + ", now " + describe(given);
  const auto at = std::ranges::mismatch(stored.payload, given.payload).in1 - stored.payload.begin();
  if (same_place) text += "; payloads differ from byte " + std::to_string(at);
  return text;
}

}  // namespace

struct JournalWriter::Impl {
  std::filesystem::path directory;
  JournalOptions options;
  std::optional<File> lock;  // on the directory
  std::optional<File> file;  // of `segment`
  std::uint32_t segment = 0;
  std::uint64_t segment_size = 0;  // bytes of the segment, buffered ones included
  base::Bytes buffer;
  std::uint64_t frames = 0;
  kernel::Digest digest;                       // of the frames appended
  std::optional<JournalReader> stored_frames;  // while matching
  std::uint64_t matched = 0, stored = 0;
  kernel::Digest found;  // of the frames on disk when opened
  std::optional<Error> failed;

  Impl(std::filesystem::path where, JournalOptions how) : directory(std::move(where)), options(how) {
    buffer.reserve(options.buffer_bytes);
  }

  Result<void> open_directory() {
    QT_TRY(File handle, File::open(directory, O_RDONLY | O_DIRECTORY));
    QT_TRY_VOID(handle.lock());
    lock.emplace(std::move(handle));
    return {};
  }

  Result<void> begin_segment(std::uint32_t number) {
    const std::filesystem::path path = directory / segment_name(number);
    QT_TRY(File created, File::open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND));
    file.emplace(std::move(created));
    if (options.fsync) QT_TRY_VOID(lock->sync_data());
    segment = number;
    const SegmentHeaderBytes header = encode(SegmentHeader{number, frames, digest.value()});
    buffer.insert(buffer.end(), header.begin(), header.end());
    segment_size = header.size();
    return {};
  }

  Result<void> flush() {
    if (buffer.empty()) return {};
    auto written = file->write(buffer);
    buffer.clear();
    return written;
  }

  Result<void> roll() {
    QT_TRY_VOID(flush());
    if (options.fsync) QT_TRY_VOID(file->sync_data());
    return begin_segment(segment + 1);
  }

  Result<void> write(const kernel::Frame& frame) {
    const std::size_t size = kFrameHeaderBytes + frame.payload.size();
    // A frame larger than a segment gets one of its own.
    if (segment_size + size > options.segment_bytes && segment_size > kSegmentHeaderBytes) QT_TRY_VOID(roll());
    if (buffer.size() + size > options.buffer_bytes) QT_TRY_VOID(flush());
    const FrameHeaderBytes header =
        encode(FrameHeader{static_cast<std::uint32_t>(frame.payload.size()), base::crc32c(frame.payload), frame.kind,
                           frame.seq, frame.ts.ns});
    buffer.insert(buffer.end(), header.begin(), header.end());
    if (size > options.buffer_bytes) {
      QT_TRY_VOID(flush());
      QT_TRY_VOID(file->write(frame.payload));
    } else {
      buffer.insert(buffer.end(), frame.payload.begin(), frame.payload.end());
    }
    segment_size += size;
    return {};
  }

  /// True if the frame was on disk already.
  Result<bool> match(const kernel::Frame& frame) {
    if (!stored_frames) return false;
    if (matched == stored) {
      stored_frames.reset();
      return false;
    }
    QT_TRY(const std::optional<StoredFrame> on_disk, stored_frames->next());
    if (!on_disk)
      return Error{"store", Errc::Conflict, directory.string() + ": the journal shrank while being resumed"};
    if (const std::string text = difference(on_disk->frame, frame); !text.empty())
      return Error{"store", Errc::Conflict,
                   directory.string() + ": frame " + std::to_string(on_disk->index) + " in " +
                       segment_name(stored_frames->position().segment) + ": " + text};
    ++matched;
    return true;
  }

  Result<void> append(const kernel::Frame& frame) {
    if (frame.payload.size() > kMaxPayloadBytes)
      return Error{
          "store", Errc::InvalidArgument,
          "payload of " + std::to_string(frame.payload.size()) + " bytes, at most " + std::to_string(kMaxPayloadBytes)};
    QT_TRY(const bool known, match(frame));
    if (!known) QT_TRY_VOID(write(frame));
    digest.add(frame);
    ++frames;
    return {};
  }

  Result<void> sync() {
    QT_TRY_VOID(flush());
    if (options.fsync) QT_TRY_VOID(file->sync_data());
    return {};
  }

  /// Verifies what is there from a segment on, cuts a torn tail, and leaves `file` at the end of the last whole frame.
  Result<void> recover(std::uint32_t from) {
    QT_TRY(JournalReader reader, JournalReader::open_at(directory, from));
    QT_TRY(const SegmentHeader start, read_segment_header(directory / segment_name(from)));
    stored = start.first_index;
    kernel::Digest all(start.digest);
    for (;;) {
      QT_TRY(const std::optional<StoredFrame> frame, reader.next());
      if (!frame) break;
      all = kernel::Digest(frame->digest);
      stored = frame->index + 1;
    }
    const JournalPosition end = reader.position();
    const std::filesystem::path path = directory / segment_name(end.segment);
    QT_TRY(File last, File::open(path, O_WRONLY | O_APPEND));
    if (reader.torn()) QT_TRY_VOID(last.truncate(end.offset));
    if (end.offset == 0) {
      const SegmentHeaderBytes header = encode(SegmentHeader{end.segment, stored, all.value()});
      QT_TRY_VOID(last.write(header));
    }
    if (options.fsync) QT_TRY_VOID(last.sync_data());
    file.emplace(std::move(last));
    segment = end.segment;
    segment_size = std::max<std::uint64_t>(end.offset, kSegmentHeaderBytes);
    found = all;
    return {};
  }

  /// What is appended next is compared with what is there.
  Result<void> match_from_start() {
    QT_TRY(JournalReader again, JournalReader::open(directory));
    stored_frames.emplace(std::move(again));
    return {};
  }

  /// What is appended next comes after what is there.
  void append_after() {
    frames = matched = stored;
    digest = found;
  }

  template <class Action>
  Result<void> latched(Action action) {
    if (failed) return *failed;
    Result<void> result = action();
    if (!result) failed = result.error();
    return result;
  }
};

JournalWriter::JournalWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

JournalWriter::~JournalWriter() {
  if (!impl_->failed && impl_->file) static_cast<void>(impl_->flush().ok());
}

Result<std::unique_ptr<JournalWriter>> JournalWriter::create(const std::filesystem::path& directory,
                                                             JournalOptions options) {
  QT_TRY_VOID(validate(options));
  std::error_code ec;
  std::filesystem::create_directories(directory, ec);
  if (ec) return system_error("create directory", directory, ec.value());
  auto impl = std::make_unique<Impl>(directory, options);
  QT_TRY_VOID(impl->open_directory());
  QT_TRY(const std::uint32_t segments, count_segments(directory));
  if (segments != 0)
    return Error{"store", Errc::Conflict,
                 directory.string() + " already holds a journal of " + std::to_string(segments) + " segment(s)"};
  QT_TRY_VOID(impl->begin_segment(1));
  if (auto written = impl->sync(); !written) {
    std::filesystem::remove(directory / segment_name(1), ec);
    return written.error();
  }
  return std::unique_ptr<JournalWriter>(new JournalWriter(std::move(impl)));
}

Result<std::unique_ptr<JournalWriter>> JournalWriter::resume(const std::filesystem::path& directory,
                                                             JournalOptions options) {
  QT_TRY_VOID(validate(options));
  QT_TRY(const std::uint32_t segments, count_segments(directory));
  if (segments == 0) return Error{"store", Errc::NotFound, directory.string() + ": no journal to resume"};
  auto impl = std::make_unique<Impl>(directory, options);
  QT_TRY_VOID(impl->open_directory());
  QT_TRY_VOID(impl->recover(1));
  QT_TRY_VOID(impl->match_from_start());
  return std::unique_ptr<JournalWriter>(new JournalWriter(std::move(impl)));
}

Result<std::unique_ptr<JournalWriter>> JournalWriter::extend(const std::filesystem::path& directory,
                                                             std::uint32_t segment, JournalOptions options) {
  QT_TRY_VOID(validate(options));
  auto impl = std::make_unique<Impl>(directory, options);
  QT_TRY_VOID(impl->open_directory());
  QT_TRY_VOID(impl->recover(segment));
  impl->append_after();
  return std::unique_ptr<JournalWriter>(new JournalWriter(std::move(impl)));
}

Result<std::uint32_t> JournalWriter::cut() {
  QT_CHECK(!impl_->stored_frames, "a journal being resumed cannot be cut");
  Result<void> rolled = impl_->latched([&] { return impl_->roll(); });
  if (rolled) rolled = sync();
  if (!rolled) return rolled.error();
  return impl_->segment;
}

Result<void> JournalWriter::append(const kernel::Frame& frame) {
  return impl_->latched([&] { return impl_->append(frame); });
}
Result<void> JournalWriter::sync() {
  return impl_->latched([&] { return impl_->sync(); });
}
std::uint64_t JournalWriter::digest() const { return impl_->digest.value(); }
std::uint64_t JournalWriter::frames() const { return impl_->frames; }
std::uint64_t JournalWriter::matched() const { return impl_->matched; }
std::uint64_t JournalWriter::stored() const { return impl_->stored; }

}  // namespace qtrader::store
