// Reflection for value structs: QT_DESCRIBE(Type, members…) beside the struct, once.
//
// The binary codec (core/base/archive.hpp), the JSON codec, schemas and generated types all derive from this one
// declaration (ADR 0003). Wraps Boost.Describe so that no other header names it.
#pragma once

#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <string_view>

#define QT_DESCRIBE(Type, ...) BOOST_DESCRIBE_STRUCT(Type, (), (__VA_ARGS__))
#define QT_DESCRIBE_ENUM(Type, ...) BOOST_DESCRIBE_ENUM(Type, __VA_ARGS__)

namespace qtrader::base {

template <class T>
concept DescribedStruct = boost::describe::has_describe_members<T>::value && !std::is_enum_v<T>;

template <class T>
concept DescribedEnum = boost::describe::has_describe_enumerators<T>::value;

/// Calls fn(name, member) for every described member, in declaration order. T may be const.
template <class T, class Fn>
constexpr void for_each_member(T& object, Fn&& fn) {
  using Members = boost::describe::describe_members<std::remove_const_t<T>, boost::describe::mod_any_access>;
  boost::mp11::mp_for_each<Members>([&](auto d) { fn(std::string_view(d.name), object.*d.pointer); });
}

/// Enumerator name, or "?" for a value outside the enumeration.
template <DescribedEnum E>
constexpr std::string_view enum_name(E value) {
  std::string_view out = "?";
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto d) {
    if (d.value == value) out = d.name;
  });
  return out;
}

/// Sets out to the enumerator with this name; false if there is none.
template <DescribedEnum E>
constexpr bool enum_from_name(std::string_view name, E& out) {
  bool found = false;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto d) {
    if (!found && name == d.name) {
      out = d.value;
      found = true;
    }
  });
  return found;
}

}  // namespace qtrader::base
