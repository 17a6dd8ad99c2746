// File: an owned file descriptor with errors that name the path, the operation and the system's reason.
//
// What journal and report writers share: whole writes, end-of-file-aware reads, data sync, truncation, an advisory
// lock. Full disks (ENOSPC, EDQUOT, EFBIG) are NoSpace, everything else is Io. Never buffers, never retries a failed
// write.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "core/base/archive.hpp"
#include "core/base/result.hpp"

namespace qtrader::store {

/// "write DIR/x: No space left on device", with the Errc that `error_number` stands for.
base::Error system_error(std::string_view operation, const std::filesystem::path& path, int error_number);

class File {
 public:
  /// `flags` as for open(2); O_CLOEXEC is added. New files get mode 0644. Errors: NotFound, Conflict (O_EXCL), NoSpace,
  /// Io.
  static base::Result<File> open(const std::filesystem::path& path, int flags);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  /// All of it, or an error; on error a prefix may have been written.
  base::Result<void> write(base::ByteView bytes);
  /// At least one byte, or 0 at the end of the file.
  base::Result<std::size_t> read(std::span<std::byte> into);
  base::Result<void> sync_data();
  base::Result<void> truncate(std::uint64_t size);
  /// Exclusive advisory lock for as long as the file is open. Conflict if another process or handle has it.
  base::Result<void> lock();

 private:
  File(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_ = -1;
  std::filesystem::path path_;
};

}  // namespace qtrader::store
