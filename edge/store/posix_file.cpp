#include "edge/store/posix_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace qtrader::store {

using base::Errc;
using base::Result;

base::Error system_error(std::string_view operation, const std::filesystem::path& path, int error_number) {
  Errc code = Errc::Io;
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG) code = Errc::NoSpace;
  if (error_number == ENOENT) code = Errc::NotFound;
  if (error_number == EEXIST || error_number == EWOULDBLOCK) code = Errc::Conflict;
  std::string text(operation);
  text.append(" ").append(path.string()).append(": ").append(std::generic_category().message(error_number));
  return {"store", code, std::move(text)};
}

Result<File> File::open(const std::filesystem::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0) return system_error("open", path, errno);
  return File(fd, path);
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> File::write(base::ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return system_error("write", path_, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::size_t> File::read(std::span<std::byte> into) {
  for (;;) {
    const ssize_t n = ::read(descriptor_, into.data(), into.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return system_error("read", path_, errno);
  }
}

Result<void> File::sync_data() {
  if (::fdatasync(descriptor_) != 0) return system_error("sync", path_, errno);
  return {};
}

Result<void> File::truncate(std::uint64_t size) {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return system_error("truncate", path_, errno);
  return {};
}

Result<void> File::lock() {
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0)
    return system_error("lock (is another process writing?)", path_, errno);
  return {};
}

}  // namespace qtrader::store
