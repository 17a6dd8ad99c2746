// Canonical binary form of values: little-endian, no padding, fields in declaration order.
//
// One Writer and one Reader serve journal frames, snapshots and digests. A type takes part by being arithmetic, an
// enum, a described struct (core/base/reflect.hpp), a standard container of such, or by having
//     template <class Archive> void archive(Archive& a) { a(first_, second_); }
// The Reader never trusts its input: a short or oversized field sets failed() and leaves zeros.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/reflect.hpp"

namespace qtrader::base {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

static_assert(std::endian::native == std::endian::little, "the canonical form is written by copying memory");

template <class T, class A>
concept SelfArchiving = requires(T& t, A& a) { t.archive(a); };

class Writer {
 public:
  static constexpr bool kReading = false;
  explicit Writer(Bytes& out) : out_(out) {}

  /// When the outermost call returns, everything is in the vector.
  template <class... Ts>
  void operator()(const Ts&... values) {
    ++depth_;
    (write(values), ...);
    if (--depth_ == 0) flush();
  }

  void raw(const void* data, std::size_t size) {
    if (size > stage_.size() - staged_) [[unlikely]] {
      flush();
      if (size > stage_.size()) {
        const auto* bytes = static_cast<const std::byte*>(data);
        out_.insert(out_.end(), bytes, bytes + size);
        return;
      }
    }
    if (size != 0) std::memcpy(stage_.data() + staged_, data, size);
    staged_ += size;
    if (depth_ == 0) flush();
  }

 private:
  template <class T>
  void write(const T& v) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      raw(&v, sizeof v);
    } else if constexpr (SelfArchiving<T, Writer>) {
      const_cast<T&>(v).archive(*this);  // archive() is shared by both directions; a Writer only reads
    } else {
      static_assert(DescribedStruct<T>, "type has no canonical binary form");
      for_each_member(v, [this](std::string_view, const auto& m) { this->write(m); });
    }
  }
  void write(const std::string& v) {
    size(v.size());
    raw(v.data(), v.size());
  }
  template <class T>
  void write(const std::vector<T>& v) {
    size(v.size());
    if constexpr (std::is_arithmetic_v<T>) {
      raw(v.data(), v.size() * sizeof(T));
    } else {
      for (const T& e : v) write(e);
    }
  }
  void write(const std::vector<bool>& v) {
    size(v.size());
    for (const bool e : v) write(e);
  }
  template <class T>
  void write(const std::deque<T>& v) {
    size(v.size());
    for (const T& e : v) write(e);
  }
  template <class T, std::size_t N>
  void write(const std::array<T, N>& v) {
    if constexpr (std::is_arithmetic_v<T>) {
      raw(v.data(), N * sizeof(T));
    } else {
      for (const T& e : v) write(e);
    }
  }
  template <class T>
  void write(const std::optional<T>& v) {
    write(static_cast<std::uint8_t>(v.has_value()));
    if (v) write(*v);
  }
  template <class A, class B>
  void write(const std::pair<A, B>& v) {
    write(v.first);
    write(v.second);
  }
  template <class K, class V>
  void write(const std::map<K, V>& v) {
    size(v.size());
    for (const auto& e : v) write(e);
  }
  template <class K>
  void write(const std::set<K>& v) {
    size(v.size());
    for (const auto& e : v) write(e);
  }
  template <class... Ts>
  void write(const std::variant<Ts...>& v) {
    write(static_cast<std::uint8_t>(v.index()));
    std::visit([this](const auto& e) { this->write(e); }, v);
  }
  void size(std::size_t n) { write(static_cast<std::uint32_t>(n)); }
  void flush() {
    out_.insert(out_.end(), stage_.data(), stage_.data() + staged_);
    staged_ = 0;
  }

  // Fields are gathered here first: growing a vector for each of them cost more than everything else in a frame.
  std::array<std::byte, 512> stage_;
  std::size_t staged_ = 0;
  int depth_ = 0;
  Bytes& out_;
};

class Reader {
 public:
  static constexpr bool kReading = true;
  explicit Reader(ByteView in) : in_(in) {}

  template <class... Ts>
  void operator()(Ts&... values) {
    (read(values), ...);
  }

  bool failed() const { return failed_; }
  /// True when everything was read and nothing failed.
  bool complete() const { return !failed_ && at_ == in_.size(); }
  std::size_t position() const { return at_; }

  void raw(void* data, std::size_t size) {
    if (failed_ || in_.size() - at_ < size) {
      failed_ = true;
      if (size != 0) std::memset(data, 0, size);
      return;
    }
    if (size != 0) std::memcpy(data, in_.data() + at_, size);
    at_ += size;
  }

 private:
  template <class T>
  void read(T& v) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      raw(&v, sizeof v);
    } else if constexpr (SelfArchiving<T, Reader>) {
      v.archive(*this);
    } else {
      static_assert(DescribedStruct<T>, "type has no canonical binary form");
      for_each_member(v, [this](std::string_view, auto& m) { this->read(m); });
    }
  }
  void read(std::string& v) {
    v.assign(size(1), '\0');
    raw(v.data(), v.size());
  }
  template <class T>
  void read(std::vector<T>& v) {
    if constexpr (std::is_arithmetic_v<T>) {
      v.assign(size(sizeof(T)), T{});
      raw(v.data(), v.size() * sizeof(T));
    } else {
      v.clear();
      const std::size_t n = size(1);
      for (std::size_t i = 0; i < n && !failed_; ++i) read(v.emplace_back());
    }
  }
  void read(std::vector<bool>& v) {
    const std::size_t n = size(1);
    v.assign(n, false);
    for (std::size_t i = 0; i < n && !failed_; ++i) {
      bool e = false;
      read(e);
      v[i] = e;
    }
  }
  template <class T>
  void read(std::deque<T>& v) {
    v.clear();
    const std::size_t n = size(1);
    for (std::size_t i = 0; i < n && !failed_; ++i) read(v.emplace_back());
  }
  template <class T, std::size_t N>
  void read(std::array<T, N>& v) {
    if constexpr (std::is_arithmetic_v<T>) {
      raw(v.data(), N * sizeof(T));
    } else {
      for (T& e : v) read(e);
    }
  }
  template <class T>
  void read(std::optional<T>& v) {
    std::uint8_t has = 0;
    read(has);
    v.reset();
    if (has != 0 && !failed_) read(v.emplace());
  }
  template <class A, class B>
  void read(std::pair<A, B>& v) {
    read(v.first);
    read(v.second);
  }
  template <class K, class V>
  void read(std::map<K, V>& v) {
    v.clear();
    const std::size_t n = size(1);
    for (std::size_t i = 0; i < n && !failed_; ++i) {
      std::pair<K, V> e;
      read(e);
      v.insert(std::move(e));
    }
  }
  template <class K>
  void read(std::set<K>& v) {
    v.clear();
    const std::size_t n = size(1);
    for (std::size_t i = 0; i < n && !failed_; ++i) {
      K e{};
      read(e);
      v.insert(std::move(e));
    }
  }
  template <class... Ts>
  void read(std::variant<Ts...>& v) {
    std::uint8_t index = 0;
    read(index);
    if (failed_ || index >= sizeof...(Ts)) {
      failed_ = true;
      return;
    }
    read_alternative<0>(v, index);
  }
  template <std::size_t I, class... Ts>
  void read_alternative(std::variant<Ts...>& v, std::size_t index) {
    if constexpr (I < sizeof...(Ts)) {
      if (index == I) {
        read(v.template emplace<I>());
      } else {
        read_alternative<I + 1>(v, index);
      }
    }
  }
  std::size_t size(std::size_t least_bytes_each) {
    std::uint32_t n = 0;
    raw(&n, sizeof n);
    if (static_cast<std::size_t>(n) * least_bytes_each > in_.size() - at_) failed_ = true;
    return failed_ ? 0 : n;
  }

  ByteView in_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

template <class T>
Bytes to_bytes(const T& value) {
  Bytes out;
  Writer w(out);
  w(value);
  return out;
}

/// False if the bytes are not exactly one T; value is then unspecified but valid.
template <class T>
[[nodiscard]] bool from_bytes(ByteView bytes, T& value) {
  Reader r(bytes);
  r(value);
  return r.complete();
}

}  // namespace qtrader::base
