// Result<T>: a value or an Error. The only way a room reports that something outside its control went wrong.
//
// No exception crosses a room. An Error names the room it comes from, a closed code, whether trying again can help, and
// a sentence that names the thing, its value and what was expected. g++ 12's std::expected has no monadic members and
// does not compile under clang with the same library, hence our own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/base/check.hpp"

namespace qtrader::base {

enum class Errc : std::uint16_t {
  InvalidArgument,  // a caller's value is out of its documented range
  NotFound,
  Corrupt,         // bytes that fail their checksum or grammar
  SchemaMismatch,  // well formed, but of another schema than this program's
  Io,
  NoSpace,
  Unsupported,
  Conflict,     // contradicts what is already there
  Unavailable,  // a peer did not answer
  Interrupted,
};

std::string_view to_string(Errc code);

struct Error {
  std::string_view room;  // string literal: "history", "models", …
  Errc code = Errc::InvalidArgument;
  std::string context;
  bool retryable = false;

  /// One line for a person: "history: corrupt: file.zip: CRC 1 expected 2".
  std::string message() const;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  T& value() & {
    QT_CHECK(ok(), error_text());
    return std::get<0>(state_);
  }
  const T& value() const& {
    QT_CHECK(ok(), error_text());
    return std::get<0>(state_);
  }
  T&& value() && {
    QT_CHECK(ok(), error_text());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    QT_CHECK(!ok(), "Result holds a value");
    return std::get<1>(state_);
  }

 private:
  std::string error_text() const { return ok() ? std::string() : std::get<1>(state_).message(); }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT

  explicit operator bool() const { return ok_; }
  bool ok() const { return ok_; }
  const Error& error() const {
    QT_CHECK(!ok_, "Result holds no error");
    return error_;
  }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace qtrader::base

#define QT_CONCAT_INNER(a, b) a##b
#define QT_CONCAT(a, b) QT_CONCAT_INNER(a, b)

/// QT_TRY(auto x, expr): declares x from the value of expr, or returns its error from the enclosing function.
#define QT_TRY(declaration, expression)                \
  auto QT_CONCAT(qt_result_, __LINE__) = (expression); \
  if (!QT_CONCAT(qt_result_, __LINE__)) [[unlikely]]   \
    return QT_CONCAT(qt_result_, __LINE__).error();    \
  declaration = std::move(QT_CONCAT(qt_result_, __LINE__)).value()

/// QT_TRY_VOID(expr): returns the error of a Result<void> from the enclosing function.
#define QT_TRY_VOID(expression)                                           \
  do {                                                                    \
    if (auto qt_result_void = (expression); !qt_result_void) [[unlikely]] \
      return qt_result_void.error();                                      \
  } while (false)
