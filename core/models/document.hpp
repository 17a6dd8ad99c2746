// Value: the parsed tree of a JSON or UBJSON file, as model cards and XGBoost model files need it.
//
// Only loaders and readers of cards use it; nothing on a decision's path does. Homogeneous number arrays are kept flat,
// since a model file is almost nothing else. Never trusts its input: both parsers bound depth and never reserve by a
// count that the remaining bytes cannot hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/result.hpp"

namespace qtrader::models {

class Value {
 public:
  struct Member;
  using Numbers = std::vector<double>;  // an array of numbers only; the empty array too
  using Array = std::vector<Value>;     // any other array
  using Object = std::vector<Member>;   // in file order

  Value() = default;  // null
  template <class T>
    requires(!std::is_same_v<std::decay_t<T>, Value>)
  explicit Value(T&& v) : data_(std::forward<T>(v)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  template <class T>
  const T* as() const {
    return std::get_if<T>(&data_);
  }
  /// The number as a double; false if this is not a number.
  bool number(double& out) const;
  /// The number as an integer; false if it is no number, has a fraction or does not fit.
  bool integer(std::int64_t& out) const;
  bool unsigned_integer(std::uint64_t& out) const;
  /// Member of an object; nullptr if absent or if this is no object. The first of duplicates.
  const Value* find(std::string_view key) const;

 private:
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Numbers, Array, Object> data_;
};

struct Value::Member {
  std::string key;
  Value value;
};

/// Strict JSON (RFC 8259), numbers correctly rounded. Error: Corrupt with the byte offset.
base::Result<Value> parse_json(std::string_view text);
/// Universal Binary JSON, draft 12, as XGBoost writes it. Error: Corrupt with the byte offset.
base::Result<Value> parse_ubjson(std::span<const std::byte> bytes);

}  // namespace qtrader::models
