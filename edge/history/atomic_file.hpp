// AtomicFile: a file that appears under its name complete and synced, or not at all.
//
// Writes to DIR/.NAME.tmp-PID, then fsync, rename, fsync of the directory. Whatever fails, or if commit() is never
// called, the temporary file is removed. Used for everything this room writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "core/base/result.hpp"

namespace qtrader::history {

class AtomicFile {
 public:
  /// Creates missing directories. Errors: Io, NoSpace.
  static base::Result<AtomicFile> create(const std::filesystem::path& target);
  base::Result<void> append(std::span<const std::byte> bytes);
  /// Replaces bytes already written.
  base::Result<void> rewrite(std::uint64_t offset, std::span<const std::byte> bytes);
  base::Result<void> commit();
  /// The same under another name in the same directory, for names that depend on the content.
  base::Result<void> commit_as(const std::filesystem::path& target);
  std::uint64_t size() const { return size_; }
  const std::filesystem::path& target() const { return target_; }

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

 private:
  AtomicFile(std::filesystem::path target, std::filesystem::path temporary, int fd);
  void discard();
  base::Error given_up() const;
  std::filesystem::path target_, temporary_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

base::Result<void> write_file_atomically(const std::filesystem::path& target, std::string_view content);

/// The errno of a failed operation on a file as an Error: NoSpace for a full disk, quota or size limit, else Io.
base::Error io_error(const std::filesystem::path& file, const char* doing, int error_number);
/// fsync of a file that was just renamed into place, and of its directory.
base::Result<void> sync_directory(const std::filesystem::path& directory);

}  // namespace qtrader::history
