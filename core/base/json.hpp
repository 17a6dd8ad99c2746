// JSON text of any described value, written straight from its reflection. Writing only; parsing JSON is the edge's job.
//
// Fixed-point numbers appear as exact decimals, timestamps as ISO-8601 text, enumerators by name, strong ids as
// numbers, absent optionals and non-finite floats as null, variants as {"type": index name, …} of their described
// alternative.
#pragma once

#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/time.hpp"

namespace qtrader::base {

/// Appends a quoted, escaped JSON string.
void append_json_string(std::string& out, std::string_view text);
/// Shortest decimal that reads back to the same double; null for NaN and infinities.
void append_json_number(std::string& out, double value);

/// A described struct that appears as a variant alternative carries this name in its "type" member.
template <class T>
concept NamedAlternative = requires {
  { T::kName } -> std::convertible_to<std::string_view>;
};

template <class T>
void append_json(std::string& out, const T& v);

namespace json_detail {

template <class T>
concept HasDecimalText = requires(const T& v) {
  { v.to_string() } -> std::same_as<std::string>;
  v.raw();
};
template <class T>
concept HasValue = requires(const T& v) { v.value; } && !DescribedStruct<T>;

template <class T>
void members(std::string& out, const T& v, bool first) {
  for_each_member(v, [&](std::string_view name, const auto& m) {
    if (!first) out.push_back(',');
    first = false;
    append_json_string(out, name);
    out.push_back(':');
    append_json(out, m);
  });
}

template <class Range>
void list(std::string& out, const Range& r) {
  out.push_back('[');
  bool first = true;
  for (const auto& e : r) {
    if (!first) out.push_back(',');
    first = false;
    append_json(out, e);
  }
  out.push_back(']');
}

template <class T>
struct Format;

template <class T>
struct Format<std::vector<T>> {
  static void append(std::string& out, const std::vector<T>& v) { list(out, v); }
};
template <class T, std::size_t N>
struct Format<std::array<T, N>> {
  static void append(std::string& out, const std::array<T, N>& v) { list(out, v); }
};
template <class T>
struct Format<std::optional<T>> {
  static void append(std::string& out, const std::optional<T>& v) {
    if (v)
      append_json(out, *v);
    else
      out += "null";
  }
};
template <class V>
struct Format<std::map<std::string, V>> {
  static void append(std::string& out, const std::map<std::string, V>& v) {
    out.push_back('{');
    bool first = true;
    for (const auto& [k, e] : v) {
      if (!first) out.push_back(',');
      first = false;
      append_json_string(out, k);
      out.push_back(':');
      append_json(out, e);
    }
    out.push_back('}');
  }
};
template <class... Ts>
struct Format<std::variant<Ts...>> {
  static void append(std::string& out, const std::variant<Ts...>& v) {
    std::visit(
        [&](const auto& e) {
          static_assert(NamedAlternative<std::decay_t<decltype(e)>>, "variant alternatives need a kName");
          out += "{\"type\":";
          append_json_string(out, e.kName);
          members(out, e, false);
          out.push_back('}');
        },
        v);
  }
};

}  // namespace json_detail

template <class T>
void append_json(std::string& out, const T& v) {
  if constexpr (std::is_same_v<T, bool>) {
    out += v ? "true" : "false";
  } else if constexpr (std::is_floating_point_v<T>) {
    append_json_number(out, static_cast<double>(v));
  } else if constexpr (std::is_integral_v<T>) {
    out += std::to_string(v);
  } else if constexpr (DescribedEnum<T>) {
    append_json_string(out, enum_name(v));
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    append_json_string(out, v);
  } else if constexpr (std::is_same_v<T, Timestamp>) {
    append_json_string(out, format_timestamp(v));
  } else if constexpr (std::is_same_v<T, Duration>) {
    append_json_number(out, v.seconds());
  } else if constexpr (json_detail::HasDecimalText<T>) {
    out += v.to_string();
  } else if constexpr (json_detail::HasValue<T>) {
    append_json(out, v.value);
  } else if constexpr (DescribedStruct<T>) {
    out.push_back('{');
    json_detail::members(out, v, true);
    out.push_back('}');
  } else {
    json_detail::Format<T>::append(out, v);
  }
}

template <class T>
std::string to_json(const T& value) {
  std::string out;
  append_json(out, value);
  return out;
}

}  // namespace qtrader::base
