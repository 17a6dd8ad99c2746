#include "edge/history/row_source.hpp"

#include <cstring>

namespace qtrader::history {
namespace {

using base::Result;
namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = 1 << 18;

/// A window over a ByteSource that can be refilled while keeping what is not yet consumed.
class Buffer {
 public:
  Buffer(fs::path file, std::unique_ptr<ByteSource> bytes)
      : file_(std::move(file)), bytes_(std::move(bytes)), data_(kBufferBytes) {}

  std::string_view view() const { return {data_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t n) { begin_ += n; }
  bool at_end() const { return at_end_; }
  const fs::path& file() const { return file_; }

  /// Appends more bytes behind the view. Corrupt if one row fills the whole buffer.
  Result<void> refill(std::uint64_t line) {
    std::memmove(data_.data(), data_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ == data_.size())
      return row_error(file_, line + 1, "row longer than " + std::to_string(kBufferBytes) + " bytes");
    QT_TRY(const std::size_t n, bytes_->read(std::span(data_).subspan(end_)));
    at_end_ = n == 0;
    end_ += n;
    return {};
  }

 private:
  fs::path file_;
  std::unique_ptr<ByteSource> bytes_;
  std::vector<char> data_;
  std::size_t begin_ = 0, end_ = 0;
  bool at_end_ = false;
};

class LineRows final : public RowSource {
 public:
  LineRows(fs::path file, std::unique_ptr<ByteSource> bytes) : buffer_(std::move(file), std::move(bytes)) {}

  Result<bool> next(std::string_view& row) override {
    for (;;) {
      const std::string_view rest = buffer_.view();
      const void* newline = rest.empty() ? nullptr : std::memchr(rest.data() + seen_, '\n', rest.size() - seen_);
      if (newline == nullptr && !buffer_.at_end()) {
        seen_ = rest.size();
        QT_TRY_VOID(buffer_.refill(line_));
        continue;
      }
      if (newline == nullptr && rest.empty()) return false;
      const std::size_t length =
          newline == nullptr ? rest.size() : static_cast<std::size_t>(static_cast<const char*>(newline) - rest.data());
      buffer_.consume(newline == nullptr ? length : length + 1);
      seen_ = 0;
      row = rest.substr(0, length);
      if (++line_ == 1 && row.starts_with("\xEF\xBB\xBF")) row.remove_prefix(3);  // byte order mark
      if (!row.empty() && row.back() == '\r') row.remove_suffix(1);
      if (!row.empty()) return true;
    }
  }

 private:
  Buffer buffer_;
  std::size_t seen_ = 0;  // bytes of the view already known to hold no newline
};

class JsonRows final : public RowSource {
 public:
  JsonRows(fs::path file, std::unique_ptr<ByteSource> bytes) : buffer_(std::move(file), std::move(bytes)) {}

  Result<bool> next(std::string_view& row) override {
    if (done_) return false;
    if (line_ == 0 && !opened_) {
      QT_TRY(const char first, punctuation());
      if (first != '[') return broken("expected [[time, open, …], …]");
      opened_ = true;
    }
    QT_TRY(char c, punctuation());
    if (c == ',' && line_ > 0) {
      QT_TRY(c, punctuation());
    } else if (line_ > 0 && c != ']') {
      return broken("expected , or ] after a row");
    }
    if (c == ']') {
      done_ = true;
      return false;
    }
    if (c != '[') return broken("expected [ at the start of a row");
    for (;;) {
      const std::string_view rest = buffer_.view();
      if (const std::size_t close = rest.find(']'); close != std::string_view::npos) {
        buffer_.consume(close + 1);
        row = rest.substr(0, close);
        ++line_;
        return true;
      }
      if (buffer_.at_end()) return broken("ends inside a row: the file is truncated");
      QT_TRY_VOID(buffer_.refill(line_));
    }
  }

 private:
  base::Error broken(const std::string& what) const { return row_error(buffer_.file(), line_ + 1, what); }

  /// The next character that is not white space.
  Result<char> punctuation() {
    for (;;) {
      const std::string_view rest = buffer_.view();
      const std::size_t at = rest.find_first_not_of(" \t\r\n");
      if (at != std::string_view::npos) {
        buffer_.consume(at + 1);
        return rest[at];
      }
      buffer_.consume(rest.size());
      if (buffer_.at_end()) return broken("ends before the closing ]: the file is truncated");
      QT_TRY_VOID(buffer_.refill(line_));
    }
  }

  Buffer buffer_;
  bool opened_ = false, done_ = false;
};

}  // namespace

Result<std::unique_ptr<RowSource>> open_rows(const fs::path& file) {
  QT_TRY(auto bytes, open_bytes(file));
  if (file.filename().string().find(".json") != std::string::npos)
    return std::unique_ptr<RowSource>(std::make_unique<JsonRows>(file, std::move(bytes)));
  return std::unique_ptr<RowSource>(std::make_unique<LineRows>(file, std::move(bytes)));
}

void split_fields(std::string_view row, Fields& fields) {
  const char* p = row.data();
  const char* const end = p + row.size();
  std::size_t n = 0;
  for (;;) {
    const char* const start = p;
    while (p != end && *p != ',') ++p;
    if (n < kMaxFields) {
      std::string_view field(start, static_cast<std::size_t>(p - start));
      if (!field.empty() && (field.front() <= '"' || field.back() <= '"')) {  // space, tab or quote
        while (!field.empty() && (field.front() == ' ' || field.front() == '\t')) field.remove_prefix(1);
        while (!field.empty() && (field.back() == ' ' || field.back() == '\t')) field.remove_suffix(1);
        if (field.size() >= 2 && field.front() == '"' && field.back() == '"') field = field.substr(1, field.size() - 2);
      }
      fields.at[n] = field;
    }
    ++n;
    if (p == end) break;
    ++p;
  }
  fields.count = n;
}

base::Error row_error(const fs::path& file, std::uint64_t line, const std::string& what) {
  return {"history", base::Errc::Corrupt, file.string() + ":" + std::to_string(line) + ": " + what};
}

}  // namespace qtrader::history
