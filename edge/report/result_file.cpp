#include "edge/report/result_file.hpp"

#include <fcntl.h>

#include <system_error>
#include <utility>

#include "core/base/hash.hpp"

namespace qtrader::report {

using base::Error;
using base::Result;

namespace {
constexpr std::size_t kBufferBytes = 64u << 10;

Error as_report(Error error) {
  error.room = "report";
  return error;
}
}  // namespace

Result<ResultFile> ResultFile::create(const std::filesystem::path& target) {
  const std::filesystem::path temporary = target.parent_path() / ("." + target.filename().string() + ".partial");
  auto file = store::File::open(temporary, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return as_report(file.error());
  return ResultFile(std::move(*file), target, temporary);
}

ResultFile::ResultFile(store::File file, std::filesystem::path target, std::filesystem::path temporary)
    : file_(std::move(file)), target_(std::move(target)), temporary_(std::move(temporary)) {
  buffer_.reserve(kBufferBytes);
}

ResultFile::ResultFile(ResultFile&& other) noexcept
    : file_(std::exchange(other.file_, std::nullopt)),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      buffer_(std::move(other.buffer_)),
      failed_(std::move(other.failed_)) {}

ResultFile::~ResultFile() {
  std::error_code ignored;  // a destructor can tell nobody
  if (!temporary_.empty()) std::filesystem::remove(temporary_, ignored);
}

void ResultFile::write(std::string_view text) {
  if (buffer_.size() + text.size() > kBufferBytes) flush();
  buffer_ += text;
}

void ResultFile::flush() {
  if (!failed_) {
    if (auto written = file_->write(base::as_bytes(buffer_)); !written) failed_ = as_report(written.error());
  }
  buffer_.clear();
}

Result<void> ResultFile::finish() {
  flush();
  if (failed_) return *failed_;
  return {};
}

Result<void> ResultFile::commit() {
  if (failed_) return *failed_;
  QT_CHECK(buffer_.empty() && !temporary_.empty(), "commit follows finish, once");
  std::error_code ec;
  std::filesystem::rename(temporary_, target_, ec);
  if (ec) return as_report(store::system_error("rename to", target_, ec.value()));
  temporary_.clear();
  return {};
}

}  // namespace qtrader::report
