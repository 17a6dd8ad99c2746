// Journal files: kernel::Journal on disk (docs/formats/journal.md).
//
// DIR/journal-000001.qtj, …: segments of length-prefixed frames with CRC-32C and a chained digest. Group commit: append
// buffers, sync writes. Opening for writing recovers a torn tail to the last whole frame. A journal has one writer at a
// time (an advisory lock on DIR) and any number of readers. Nothing here repairs corruption: it is reported and left.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "core/kernel/digest.hpp"
#include "core/kernel/journal.hpp"

namespace qtrader::store {

struct JournalOptions {
  std::size_t segment_bytes = 256u << 20;  // a segment ends before the frame that would pass this
  std::size_t buffer_bytes = 1u << 20;
  bool fsync = false;  // sync() also reaches the disk; a live trader sets it, a backtest need not
};

/// A frame as read; payload is valid until the next read.
struct StoredFrame {
  kernel::Frame frame;
  std::uint64_t index = 0;   // 0, 1, … over the whole journal
  std::uint64_t digest = 0;  // chained over all frames up to and including this one
};

/// Where the last whole frame read ends. Offset 0: not even the segment's header is whole.
struct JournalPosition {
  std::uint32_t segment = 1;
  std::uint64_t offset = 0;  // bytes into the segment
};

/// Streams a journal, in memory bounded by the largest frame. Also follows one that is being written: after the end,
/// the next call looks again.
class JournalReader {
 public:
  /// Errors: NotFound if DIR holds no journal; Corrupt if a segment is missing between others.
  static base::Result<JournalReader> open(const std::filesystem::path& directory);
  /// From the first frame of a segment on, trusting its header for the index and digest so far: how a trader that
  /// snapshots with JournalWriter::cut restarts without reading everything. NotFound if there is no such segment.
  static base::Result<JournalReader> open_at(const std::filesystem::path& directory, std::uint32_t segment);
  /// The next whole frame; nothing at the end. Corrupt names segment, frame index, offset and the CRC expected and
  /// found. A torn last frame of the last segment is the end, and torn() then says so.
  base::Result<std::optional<StoredFrame>> next();
  bool torn() const;
  JournalPosition position() const;
  JournalReader(JournalReader&&) noexcept;
  ~JournalReader();

 private:
  struct Impl;
  explicit JournalReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// After the first error every later call returns that error and nothing more is written. The destructor writes what is
/// still buffered, if it can; only sync() promises it.
class JournalWriter final : public kernel::Journal {
 public:
  /// A fresh journal; Conflict if the directory already holds one or another process writes there. Makes the directory.
  /// Errors: InvalidArgument (options), NoSpace, Io.
  static base::Result<std::unique_ptr<JournalWriter>> create(const std::filesystem::path& directory,
                                                             JournalOptions options);
  /// Continues one: frames appended are first compared with those already there (Conflict at the first difference,
  /// naming it), then written after the recovered tail. This is how an interrupted run is resumed. The whole journal is
  /// verified first. Errors: NotFound, Corrupt, and those of create.
  static base::Result<std::unique_ptr<JournalWriter>> resume(const std::filesystem::path& directory,
                                                             JournalOptions options);

  /// Continues one after its last whole frame: frames appended are new. Verifies from `segment` on only.
  static base::Result<std::unique_ptr<JournalWriter>> extend(const std::filesystem::path& directory,
                                                             std::uint32_t segment, JournalOptions options);

  base::Result<void> append(const kernel::Frame& frame) override;
  base::Result<void> sync() override;
  /// Writes everything and begins a new segment; its number. What comes before it is then behind a snapshot.
  base::Result<std::uint32_t> cut();
  /// Of the frames appended to this writer, matched or written: a resumed run ends with the values of an uninterrupted
  /// one.
  std::uint64_t digest() const;
  std::uint64_t frames() const;
  /// Frames that were already on disk and have been matched so far (resume only).
  std::uint64_t matched() const;
  /// Whole frames found on disk by resume. A run that ends with matched() < stored() said less than the one before.
  std::uint64_t stored() const;
  ~JournalWriter() override;

 private:
  struct Impl;
  explicit JournalWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qtrader::store
