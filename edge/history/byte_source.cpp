#include "edge/history/byte_source.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zip.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "core/base/hash.hpp"

namespace qtrader::history {
namespace {

using base::Errc;
using base::Error;
using base::Result;
namespace fs = std::filesystem;

constexpr std::size_t kInputBytes = 1 << 17;

Error fault(Errc code, const fs::path& file, const std::string& what) {
  return {"history", code, file.string() + ": " + what};
}

class PlainSource final : public ByteSource {
 public:
  static Result<std::unique_ptr<PlainSource>> open(const fs::path& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fault(errno == ENOENT ? Errc::NotFound : Errc::Io, file, std::strerror(errno));
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return std::unique_ptr<PlainSource>(new PlainSource(file, fd));
  }
  PlainSource(const PlainSource&) = delete;
  PlainSource& operator=(const PlainSource&) = delete;
  ~PlainSource() override { ::close(fd_); }

  Result<std::size_t> read(std::span<char> out) override {
    for (;;) {
      const ssize_t n = ::read(fd_, out.data(), out.size());
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno != EINTR) return fault(Errc::Io, file_, std::strerror(errno));
    }
  }

 private:
  PlainSource(fs::path file, int fd) : file_(std::move(file)), fd_(fd) {}
  fs::path file_;
  int fd_;
};

class ZstdSource final : public ByteSource {
 public:
  ZstdSource(fs::path file, std::unique_ptr<ByteSource> below)
      : file_(std::move(file)), below_(std::move(below)), stream_(ZSTD_createDStream()), input_(kInputBytes) {}
  ZstdSource(const ZstdSource&) = delete;
  ZstdSource& operator=(const ZstdSource&) = delete;
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }

  Result<std::size_t> read(std::span<char> out) override {
    ZSTD_outBuffer target{out.data(), out.size(), 0};
    while (target.pos < target.size) {
      if (pending_.pos == pending_.size) {
        QT_TRY(const std::size_t n, below_->read(input_));
        if (n == 0) {
          if (in_frame_) return fault(Errc::Corrupt, file_, "ends inside a Zstandard frame: the file is truncated");
          break;
        }
        pending_ = {input_.data(), n, 0};
      }
      const std::size_t hint = ZSTD_decompressStream(stream_, &target, &pending_);
      if (ZSTD_isError(hint)) return fault(Errc::Corrupt, file_, std::string("Zstandard: ") + ZSTD_getErrorName(hint));
      in_frame_ = hint != 0;
    }
    return target.pos;
  }

 private:
  fs::path file_;
  std::unique_ptr<ByteSource> below_;
  ZSTD_DStream* stream_;
  std::vector<char> input_;
  ZSTD_inBuffer pending_{nullptr, 0, 0};
  bool in_frame_ = true;  // an empty file is not a frame either
};

class GzipSource final : public ByteSource {
 public:
  static Result<std::unique_ptr<GzipSource>> open(const fs::path& file) {
    gzFile handle = ::gzopen(file.c_str(), "rbe");
    if (handle == nullptr) return fault(errno == ENOENT ? Errc::NotFound : Errc::Io, file, std::strerror(errno));
    ::gzbuffer(handle, kInputBytes);
    return std::unique_ptr<GzipSource>(new GzipSource(file, handle));
  }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;
  ~GzipSource() override { ::gzclose(handle_); }

  Result<std::size_t> read(std::span<char> out) override {
    const int n = ::gzread(handle_, out.data(), static_cast<unsigned>(out.size()));
    int code = Z_OK;
    const char* text = ::gzerror(handle_, &code);
    if (n < 0 || code == Z_BUF_ERROR) return fault(Errc::Corrupt, file_, std::string("gzip: ") + text);
    return static_cast<std::size_t>(n);
  }

 private:
  GzipSource(fs::path file, gzFile handle) : file_(std::move(file)), handle_(handle) {}
  fs::path file_;
  gzFile handle_;
};

class ZipSource final : public ByteSource {
 public:
  static Result<std::unique_ptr<ZipSource>> open(const fs::path& file) {
    int code = 0;
    zip_t* archive = ::zip_open(file.c_str(), ZIP_RDONLY, &code);
    if (archive == nullptr) {
      zip_error_t error;
      ::zip_error_init_with_code(&error, code);
      const std::string text = ::zip_error_strerror(&error);
      ::zip_error_fini(&error);
      return fault(code == ZIP_ER_NOENT ? Errc::NotFound : Errc::Corrupt, file, "zip: " + text);
    }
    std::unique_ptr<ZipSource> source(new ZipSource(file, archive));
    if (::zip_get_num_entries(archive, 0) != 1)
      return fault(Errc::Corrupt, file,
                   "zip with " + std::to_string(::zip_get_num_entries(archive, 0)) + " entries: expected one");
    source->entry_ = ::zip_fopen_index(archive, 0, 0);
    if (source->entry_ == nullptr) return fault(Errc::Corrupt, file, std::string("zip: ") + ::zip_strerror(archive));
    return source;
  }
  ZipSource(const ZipSource&) = delete;
  ZipSource& operator=(const ZipSource&) = delete;
  ~ZipSource() override {
    if (entry_ != nullptr) ::zip_fclose(entry_);
    ::zip_discard(archive_);
  }

  Result<std::size_t> read(std::span<char> out) override {
    const zip_int64_t n = ::zip_fread(entry_, out.data(), out.size());
    if (n < 0) return fault(Errc::Corrupt, file_, std::string("zip: ") + ::zip_file_strerror(entry_));
    return static_cast<std::size_t>(n);
  }

 private:
  ZipSource(fs::path file, zip_t* archive) : file_(std::move(file)), archive_(archive) {}
  fs::path file_;
  zip_t* archive_;
  zip_file_t* entry_ = nullptr;
};

Result<void> verify_against_sibling(const fs::path& file) {
  fs::path sibling = file;
  sibling += ".CHECKSUM";
  std::error_code ec;
  if (!fs::exists(sibling, ec)) return {};
  QT_TRY(const std::string text, read_all(sibling, 4096));
  QT_TRY(const std::string expected, parse_checksum(text, sibling.string()));
  QT_TRY(const std::string actual, file_sha256(file));
  if (actual != expected)
    return fault(Errc::Corrupt, file, "SHA-256 " + actual + ", " + sibling.string() + " says " + expected);
  return {};
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_bytes(const fs::path& file) {
  const std::string extension = file.extension().string();
  if (extension == ".zip") {
    QT_TRY_VOID(verify_against_sibling(file));
    QT_TRY(auto zip, ZipSource::open(file));
    return std::unique_ptr<ByteSource>(std::move(zip));
  }
  if (extension == ".gz") {
    QT_TRY(auto gzip, GzipSource::open(file));
    return std::unique_ptr<ByteSource>(std::move(gzip));
  }
  QT_TRY(auto plain, PlainSource::open(file));
  if (extension == ".zst") return std::unique_ptr<ByteSource>(std::make_unique<ZstdSource>(file, std::move(plain)));
  return std::unique_ptr<ByteSource>(std::move(plain));
}

Result<std::string> read_all(const fs::path& file, std::size_t limit) {
  QT_TRY(const auto source, open_bytes(file));
  std::string text;
  for (;;) {
    const std::size_t had = text.size();
    text.resize(had + kInputBytes);
    QT_TRY(const std::size_t n, source->read(std::span(text).subspan(had)));
    text.resize(had + n);
    if (n == 0) return text;
    if (text.size() > limit) return fault(Errc::Corrupt, file, "longer than " + std::to_string(limit) + " bytes");
  }
}

Result<std::string> file_sha256(const fs::path& file) {
  QT_TRY(const auto source, PlainSource::open(file));
  base::Sha256 hash;
  std::vector<char> buffer(kInputBytes);
  for (;;) {
    QT_TRY(const std::size_t n, source->read(buffer));
    if (n == 0) return hash.finish_hex();
    hash.update(std::string_view(buffer.data(), n));
  }
}

Result<std::string> parse_checksum(std::string_view text, const std::string& origin) {
  std::string hex(text.substr(0, text.find_first_of(" \t\r\n*")));
  bool legal = hex.size() == 64;
  for (char& c : hex) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    legal = legal && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
  }
  if (!legal) return Error{"history", Errc::Corrupt, origin + ": expected 64 hexadecimal digits and a file name"};
  return hex;
}

}  // namespace qtrader::history
