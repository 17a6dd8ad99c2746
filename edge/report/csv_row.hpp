// CsvRow: builds one comma-separated row without allocating; the hot path of the result files.
//
// Numbers are written as domain::format_fixed and std::to_chars write them: exact decimals, shortest doubles.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/domain/money.hpp"

namespace qtrader::report {

class CsvRow {
 public:
  void begin() { text_.clear(); }
  CsvRow& add(std::integral auto value) { return number(value); }
  CsvRow& add(double value) { return number(value); }
  template <class Tag>
  CsvRow& add(domain::Fixed<Tag> value) {
    return fixed(value.raw());
  }
  /// A name without commas or quotes.
  CsvRow& add(std::string_view name) {
    text_.append(name).push_back(',');
    return *this;
  }
  /// Any text: quoted where RFC 4180 says so.
  CsvRow& add_text(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return add(text);
    text_ += '"';
    for (const char c : text) text_.append(c == '"' ? 2 : 1, c);
    text_ += "\",";
    return *this;
  }
  /// The row with its line end.
  std::string_view end() {
    text_.back() = '\n';
    return text_;
  }

 private:
  CsvRow& number(auto value) {
    char buffer[32];
    char* const last = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    *last = ',';
    text_.append(buffer, last + 1);
    return *this;
  }
  CsvRow& fixed(std::int64_t raw) {
    const bool negative = raw < 0;
    const std::uint64_t size = negative ? ~static_cast<std::uint64_t>(raw) + 1 : static_cast<std::uint64_t>(raw);
    constexpr std::uint64_t kScale = static_cast<std::uint64_t>(domain::kFixedScale);
    char buffer[32];
    char* at = buffer;
    if (negative) *at++ = '-';
    at = std::to_chars(at, buffer + sizeof buffer, size / kScale).ptr;
    if (std::uint64_t part = size % kScale; part != 0) {
      *at = '.';
      for (int i = 8; i > 0; --i, part /= 10) at[i] = static_cast<char>('0' + part % 10);
      at += 9;
      while (at[-1] == '0') --at;
    }
    *at = ',';
    text_.append(buffer, at + 1);
    return *this;
  }

  std::string text_;
};

}  // namespace qtrader::report
