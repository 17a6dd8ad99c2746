#include "edge/history/atomic_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace qtrader::history {

using base::Errc;
using base::Result;
namespace fs = std::filesystem;

base::Error io_error(const fs::path& file, const char* doing, int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  return {"history", full ? Errc::NoSpace : Errc::Io,
          file.string() + ": " + doing + ": " + std::strerror(error_number)};
}

Result<void> sync_directory(const fs::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_error(directory, "open", errno);
  const int rc = ::fsync(fd);
  const int why = errno;
  ::close(fd);
  if (rc != 0 && why != EINVAL && why != EROFS) return io_error(directory, "sync", why);
  return {};
}

AtomicFile::AtomicFile(fs::path target, fs::path temporary, int fd)
    : target_(std::move(target)), temporary_(std::move(temporary)), fd_(fd) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this != &other) {
    discard();
    target_ = std::move(other.target_);
    temporary_ = std::move(other.temporary_);
    fd_ = std::exchange(other.fd_, -1);
    size_ = other.size_;
  }
  return *this;
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() {
  if (fd_ < 0) return;
  ::close(std::exchange(fd_, -1));
  ::unlink(temporary_.c_str());
}

base::Error AtomicFile::given_up() const {
  return {"history", Errc::Io, target_.string() + ": already committed, or given up after an earlier error"};
}

Result<AtomicFile> AtomicFile::create(const fs::path& target) {
  const fs::path directory = target.has_parent_path() ? target.parent_path() : fs::path(".");
  std::error_code ec;
  fs::create_directories(directory, ec);
  if (ec) return io_error(directory, "create directory", ec.value());
  const fs::path temporary = directory / ("." + target.filename().string() + ".tmp-" + std::to_string(::getpid()));
  const int fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return io_error(temporary, "create", errno);
  return AtomicFile(target, temporary, fd);
}

Result<void> AtomicFile::append(std::span<const std::byte> bytes) {
  if (fd_ < 0) return given_up();
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int why = errno;
      discard();
      return io_error(target_, "write", why);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    size_ += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> AtomicFile::rewrite(std::uint64_t offset, std::span<const std::byte> bytes) {
  QT_CHECK(offset + bytes.size() <= size_, "rewrite outside of what was written");
  if (fd_ < 0) return given_up();
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int why = errno;
      discard();
      return io_error(target_, "write", why);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> AtomicFile::commit() {
  if (fd_ < 0) return given_up();
  if (::fsync(fd_) != 0) {
    const int why = errno;
    discard();
    return io_error(target_, "sync", why);
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int why = errno;
    discard();
    return io_error(target_, "rename", why);
  }
  ::close(std::exchange(fd_, -1));
  return sync_directory(target_.has_parent_path() ? target_.parent_path() : fs::path("."));
}

Result<void> AtomicFile::commit_as(const fs::path& target) {
  QT_CHECK(target.parent_path() == target_.parent_path(), "commit_as into another directory");
  target_ = target;
  return commit();
}

Result<void> write_file_atomically(const fs::path& target, std::string_view content) {
  QT_TRY(auto file, AtomicFile::create(target));
  QT_TRY_VOID(file.append(std::as_bytes(std::span(content))));
  return file.commit();
}

}  // namespace qtrader::history
