#include <bit>
#include <concepts>
#include <cstring>

#include "core/models/document.hpp"

namespace qtrader::models {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr int kMaxDepth = 32;

/// Recursive descent over the bytes. Every length is compared with what remains before anything is allocated.
class Parser {
 public:
  explicit Parser(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Result<Value> document() {
    Value root;
    char marker = 0;
    if (!take_marker(marker) || !value(marker, root, 0)) {
      return Error{"models", Errc::Corrupt,
                   "UBJSON of " + std::to_string(bytes_.size()) + " bytes breaks at byte " + std::to_string(at_) +
                       ": " + std::string(why_)};
    }
    if (at_ != bytes_.size()) {
      return Error{"models", Errc::Corrupt, "UBJSON has more after its end, at byte " + std::to_string(at_)};
    }
    return root;
  }

 private:
  bool fail(std::string_view why) {
    why_ = why;
    return false;
  }
  std::size_t left() const { return bytes_.size() - at_; }

  bool take_marker(char& out) {
    do {
      if (left() == 0) return fail("ends where a type marker was expected");
      out = static_cast<char>(bytes_[at_++]);
    } while (out == 'N');  // no-op
    return true;
  }
  char peek() const { return left() == 0 ? '\0' : static_cast<char>(bytes_[at_]); }

  /// Big-endian, as the format demands.
  template <class T>
  bool take(T& out) {
    using Bits =
        std::conditional_t<sizeof(T) == 8, std::uint64_t,
                           std::conditional_t<sizeof(T) == 4, std::uint32_t,
                                              std::conditional_t<sizeof(T) == 2, std::uint16_t, std::uint8_t>>>;
    if (left() < sizeof(T)) return fail("a number is cut short");
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) bits = bits << 8 | static_cast<std::uint64_t>(bytes_[at_++]);
    out = std::bit_cast<T>(static_cast<Bits>(bits));
    return true;
  }

  template <std::integral T>
  bool integer_as(std::int64_t& out) {
    T v{};
    if (!take(v)) return false;
    out = static_cast<std::int64_t>(v);
    return true;
  }
  bool integer(char marker, std::int64_t& out) {
    switch (marker) {
      case 'i':
        return integer_as<std::int8_t>(out);
      case 'U':
        return integer_as<std::uint8_t>(out);
      case 'I':
        return integer_as<std::int16_t>(out);
      case 'l':
        return integer_as<std::int32_t>(out);
      case 'L':
        return integer_as<std::int64_t>(out);
      default:
        return fail("an integer was expected");
    }
  }
  bool length(std::size_t& out) {
    char marker = 0;
    std::int64_t n = 0;
    if (!take_marker(marker) || !integer(marker, n)) return false;
    if (n < 0) return fail("a length is negative");
    out = static_cast<std::size_t>(n);
    return true;
  }
  bool text(std::string& out) {
    std::size_t n = 0;
    if (!length(n)) return false;
    if (n > left()) return fail("a string is cut short");
    out.assign(reinterpret_cast<const char*>(bytes_.data() + at_), n);
    at_ += n;
    return true;
  }

  bool number(char marker, double& out) {
    if (marker == 'd') {
      float f = 0;
      if (!take(f)) return false;
      out = static_cast<double>(f);
      return true;
    }
    if (marker == 'D') return take(out);
    std::int64_t i = 0;
    if (!integer(marker, i)) return false;
    out = static_cast<double>(i);
    return true;
  }

  bool value(char marker, Value& out, int depth) {
    if (depth > kMaxDepth) return fail("nested too deep");
    switch (marker) {
      case 'Z':
        out = Value();
        return true;
      case 'T':
        out = Value(true);
        return true;
      case 'F':
        out = Value(false);
        return true;
      case 'd':
      case 'D': {
        double d = 0;
        if (!number(marker, d)) return false;
        out = Value(d);
        return true;
      }
      case 'S': {
        std::string s;
        if (!text(s)) return false;
        out = Value(std::move(s));
        return true;
      }
      case 'C': {
        if (left() == 0) return fail("a character is cut short");
        out = Value(std::string(1, static_cast<char>(bytes_[at_++])));
        return true;
      }
      case '[':
        return array(out, depth);
      case '{':
        return object(out, depth);
      default: {
        std::int64_t i = 0;
        if (!integer(marker, i)) return fail("unknown type marker");
        out = Value(i);
        return true;
      }
    }
  }

  /// Optional "$type" and "#count" of a container. A type needs a count.
  bool header(char& type, bool& counted, std::size_t& count) {
    type = '\0';
    counted = false;
    if (peek() == '$') {
      ++at_;
      if (!take_marker(type)) return false;
      if (peek() != '#') return fail("a typed container has no count");
    }
    if (peek() == '#') {
      ++at_;
      counted = true;
      return length(count);
    }
    return true;
  }

  static std::size_t fixed_size(char type) {
    switch (type) {
      case 'i':
      case 'U':
        return 1;
      case 'I':
        return 2;
      case 'l':
      case 'd':
        return 4;
      case 'L':
      case 'D':
        return 8;
      default:
        return 0;
    }
  }

  bool array(Value& out, int depth) {
    char type = '\0';
    bool counted = false;
    std::size_t count = 0;
    if (!header(type, counted, count)) return false;
    if (const std::size_t each = fixed_size(type); each != 0) return numbers(type, each, count, out);
    // Elements without payload would let a few bytes stand for any amount of memory.
    if (type == 'T' || type == 'F' || type == 'Z') return fail("an array of typed constants");
    if (counted && count > left()) return fail("an array is longer than the file");
    Value::Array values;
    Value::Numbers flat;
    bool numbers_only = true;
    for (std::size_t i = 0;; ++i) {
      if (counted ? i == count : peek() == ']') break;
      char marker = type;
      if (type == '\0' && !take_marker(marker)) return false;
      Value v;
      if (!value(marker, v, depth + 1)) return false;
      double d = 0;
      numbers_only = numbers_only && v.number(d);
      if (numbers_only) flat.push_back(d);
      values.push_back(std::move(v));
    }
    if (!counted) ++at_;  // the closing bracket
    out = numbers_only ? Value(std::move(flat)) : Value(std::move(values));
    return true;
  }

  bool numbers(char type, std::size_t each, std::size_t count, Value& out) {
    if (count > left() / each) return fail("an array is longer than the file");
    Value::Numbers flat(count);
    for (double& d : flat) {
      if (!number(type, d)) return false;
    }
    out = Value(std::move(flat));
    return true;
  }

  bool object(Value& out, int depth) {
    char type = '\0';
    bool counted = false;
    std::size_t count = 0;
    if (!header(type, counted, count)) return false;
    if (counted && count > left()) return fail("an object is longer than the file");
    Value::Object members;
    for (std::size_t i = 0;; ++i) {
      if (counted ? i == count : peek() == '}') break;
      Value::Member m;
      if (!text(m.key)) return false;
      char marker = type;
      if (type == '\0' && !take_marker(marker)) return false;
      if (!value(marker, m.value, depth + 1)) return false;
      members.push_back(std::move(m));
    }
    if (!counted) ++at_;  // the closing brace
    out = Value(std::move(members));
    return true;
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::string_view why_;
};

}  // namespace

base::Result<Value> parse_ubjson(std::span<const std::byte> bytes) { return Parser(bytes).document(); }

}  // namespace qtrader::models
