// Journal files: kernel::Journal on disk (docs/formats/journal.md).
//
// DIR/journal-000001.qtj, …: segments of length-prefixed frames with CRC-32C and a chained digest. Group commit: append
// buffers, sync writes. Opening for writing recovers a torn tail to the last whole frame.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "core/kernel/digest.hpp"
#include "core/kernel/journal.hpp"

namespace qtrader::store {

struct JournalOptions {
  std::size_t segment_bytes = 256u << 20;
  std::size_t buffer_bytes = 1u << 20;
  bool fsync = false;  // sync() also reaches the disk; a live trader sets it, a backtest need not
};

/// A frame as read; payload is valid until the next read.
struct StoredFrame {
  kernel::Frame frame;
  std::uint64_t index = 0;   // 0, 1, … over the whole journal
  std::uint64_t digest = 0;  // chained over all frames up to and including this one
};

class JournalReader {
 public:
  /// Errors: NotFound if DIR holds no journal.
  static base::Result<JournalReader> open(const std::filesystem::path& directory);
  /// The next whole frame; nothing at the end. Corrupt names segment, frame index, offset and the CRC expected and found.
  /// A torn last frame of the last segment is the end, and torn() then says so.
  base::Result<std::optional<StoredFrame>> next();
  bool torn() const;
  JournalReader(JournalReader&&) noexcept;
  ~JournalReader();

 private:
  struct Impl;
  explicit JournalReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class JournalWriter final : public kernel::Journal {
 public:
  /// A fresh journal; Conflict if the directory already holds one.
  static base::Result<std::unique_ptr<JournalWriter>> create(const std::filesystem::path& directory, JournalOptions options);
  /// Continues one: frames appended are first compared with those already there (Conflict at the first difference, naming
  /// it), then written after the recovered tail. This is how an interrupted run is resumed.
  static base::Result<std::unique_ptr<JournalWriter>> resume(const std::filesystem::path& directory, JournalOptions options);

  base::Result<void> append(const kernel::Frame& frame) override;
  base::Result<void> sync() override;
  std::uint64_t digest() const;
  std::uint64_t frames() const;
  /// Frames that were already on disk and have been matched so far (resume only).
  std::uint64_t matched() const;
  ~JournalWriter() override;

 private:
  struct Impl;
  explicit JournalWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qtrader::store
