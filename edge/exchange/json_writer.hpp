// JsonWriter: appends compact JSON to a string in the number formats of the Binance wire: decimals as quoted strings
// of a fixed or a trimmed number of places, ids and times as integers.
//
// In the flow: the renderers of answers and of stream events write with it. Commas come from the last character
// written, so that it holds no state but the text. It never checks nesting and never formats floats except where asked
// to (`real`): amounts are exact.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/json.hpp"
#include "core/base/time.hpp"
#include "core/domain/money.hpp"

namespace qtrader::exchange {

inline void append_int(std::string& out, std::int64_t value) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

inline void append_uint(std::string& out, std::uint64_t value) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

/// A fixed-point number of 8 places with exactly `places` (0 … 8), half to even: 12.5 with 2 is `12.50`. No quotes.
inline void append_decimal(std::string& out, std::int64_t raw, int places) {
  static constexpr std::uint64_t kPowers[] = {1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000};
  places = places < 0 ? 0 : places > 8 ? 8 : places;
  std::uint64_t magnitude = raw < 0 ? 0 - static_cast<std::uint64_t>(raw) : static_cast<std::uint64_t>(raw);
  if (const std::uint64_t cut = kPowers[8 - places]; cut > 1) {
    const std::uint64_t rest = magnitude % cut;
    magnitude /= cut;
    if (rest * 2 > cut || (rest * 2 == cut && magnitude % 2 != 0)) ++magnitude;
  }
  const bool negative = raw < 0 && magnitude != 0;
  char text[32];
  char* at = text + sizeof text;
  if (places > 0) {
    std::uint64_t fraction = magnitude % kPowers[places];
    magnitude /= kPowers[places];
    for (int i = 0; i < places; ++i, fraction /= 10) *--at = static_cast<char>('0' + fraction % 10);
    *--at = '.';
  }
  do *--at = static_cast<char>('0' + magnitude % 10);
  while ((magnitude /= 10) != 0);
  if (negative) *--at = '-';
  out.append(at, text + sizeof text);
}

/// Shortest form, as user-stream events show numbers: `21.26`, `0`. No quotes.
inline void append_trimmed(std::string& out, std::int64_t raw) {
  append_decimal(out, raw, 8);
  std::size_t end = out.size();
  while (out[end - 1] == '0') --end;
  if (out[end - 1] == '.') --end;
  out.resize(end);
}

/// A float rounded to `places` without exponent: sums too wide for fixed point, as quote volumes. No quotes.
inline void append_real(std::string& out, double value, int places) {
  if (!std::isfinite(value)) value = 0;
  char text[352];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, places).ptr;
  out.append(text, end);
}

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out), start_(out.size()) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  /// Names are plain: no escaping.
  JsonWriter& key(std::string_view name) {
    comma();
    out_.push_back('"');
    out_.append(name);
    out_.append("\":");
    return *this;
  }

  // Values.
  template <std::integral T>
  JsonWriter& value(T number) {
    comma();
    if constexpr (std::same_as<T, bool>)
      out_.append(number ? "true" : "false");
    else if constexpr (std::is_unsigned_v<T>)
      append_uint(out_, number);
    else
      append_int(out_, number);
    return *this;
  }
  JsonWriter& value(std::string_view text) {  // escaped
    comma();
    unsigned special = 0;  // nearly no text has any: one pass decides, without a branch for each character
    for (const char c : text)
      special |= unsigned{c == '"'} | unsigned{c == '\\'} | unsigned{static_cast<unsigned char>(c) < 0x20};
    if (special != 0) {
      base::append_json_string(out_, text);
      return *this;
    }
    out_.push_back('"');
    out_.append(text);
    out_.push_back('"');
    return *this;
  }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(base::Timestamp time) { return value(time.unix_ms()); }
  JsonWriter& null() { return raw("null"); }
  /// Quoted, exactly `places` decimals.
  template <class Tag>
  JsonWriter& decimal(domain::Fixed<Tag> number, int places) {
    comma();
    out_.push_back('"');
    append_decimal(out_, number.raw(), places);
    out_.push_back('"');
    return *this;
  }
  /// Quoted, without trailing zeros.
  template <class Tag>
  JsonWriter& trimmed(domain::Fixed<Tag> number) {
    comma();
    out_.push_back('"');
    append_trimmed(out_, number.raw());
    out_.push_back('"');
    return *this;
  }
  /// Quoted float.
  JsonWriter& real(double number, int places) {
    comma();
    out_.push_back('"');
    append_real(out_, number, places);
    out_.push_back('"');
    return *this;
  }
  /// A fixed-point number without quotes and trailing zeros.
  template <class Tag>
  JsonWriter& number(domain::Fixed<Tag> fixed) {
    comma();
    append_trimmed(out_, fixed.raw());
    return *this;
  }
  /// Complete JSON text.
  JsonWriter& raw(std::string_view json) {
    comma();
    out_.append(json);
    return *this;
  }

  // Members.
  template <class T>
  JsonWriter& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  template <class Tag>
  JsonWriter& field(std::string_view name, domain::Fixed<Tag> v, int places) {
    return key(name).decimal(v, places);
  }
  template <class Tag>
  JsonWriter& field_trimmed(std::string_view name, domain::Fixed<Tag> v) {
    return key(name).trimmed(v);
  }

 private:
  JsonWriter& open(char bracket) {
    comma();
    out_.push_back(bracket);
    return *this;
  }
  JsonWriter& close(char bracket) {
    out_.push_back(bracket);
    return *this;
  }
  // After an opening bracket or a colon comes no comma; a string value ends in a quote, so its text cannot mislead.
  void comma() {
    if (out_.size() == start_) return;
    const char last = out_.back();
    if (last != '{' && last != '[' && last != ':') out_.push_back(',');
  }

  std::string& out_;
  std::size_t start_;
};

}  // namespace qtrader::exchange
