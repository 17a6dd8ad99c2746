// Configuration files: TOML into described structs, strictly. An unknown key, a wrong type or a bad value is an error
// that names file, line, key, value and what was expected; nothing is silently ignored or defaulted away.
//
// Only reads; ranges are judged by the owner of the struct. The file is layered over the struct's defaults.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/result.hpp"
#include "core/domain/bar.hpp"

namespace qtrader::system {

/// One leaf of a configuration file, with its dotted key.
struct ConfigEntry {
  std::string key;
  std::variant<bool, std::int64_t, double, std::string, std::vector<double>> value;
  std::uint32_t line = 0;
  bool used = false;

  std::string text() const;  // the value, for messages
};

class ConfigFile {
 public:
  /// Errors: NotFound, Corrupt (TOML syntax, with line).
  static base::Result<ConfigFile> read(const std::filesystem::path& path);

  /// Sets every member of `target` that has an entry under `prefix` ("" for the top level).
  template <class T>
  base::Result<void> apply(T& target, const std::string& prefix = "") {
    base::Result<void> result;
    base::for_each_member(target, [&](std::string_view name, auto& member) {
      if (!result.ok()) return;
      const std::string key = prefix.empty() ? std::string(name) : prefix + "." + std::string(name);
      known_.push_back(key);
      using M = std::decay_t<decltype(member)>;
      if constexpr (base::DescribedStruct<M>) {
        result = apply(member, key);
      } else if (ConfigEntry* entry = find(key)) {
        entry->used = true;
        if (!assign(*entry, member)) result = mismatch(*entry, expected<M>());
      }
    });
    return result;
  }

  /// InvalidArgument naming the first entry no apply() has taken, and the nearest known key.
  base::Result<void> require_all_used() const;

 private:
  ConfigEntry* find(const std::string& key);
  base::Error mismatch(const ConfigEntry& entry, const std::string& expected) const;

  template <class M>
  static std::string expected() {
    if constexpr (std::is_same_v<M, bool>)
      return "true or false";
    else if constexpr (std::is_same_v<M, domain::Timeframe>)
      return "a timeframe such as \"15m\"";
    else if constexpr (base::DescribedEnum<M>) {
      std::string names;
      boost::mp11::mp_for_each<boost::describe::describe_enumerators<M>>(
          [&](auto d) { names += (names.empty() ? "\"" : ", \"") + std::string(d.name) + "\""; });
      return "one of " + names;
    } else if constexpr (std::is_integral_v<M>)
      return "a whole number";
    else if constexpr (std::is_floating_point_v<M>)
      return "a number";
    else if constexpr (std::is_same_v<M, std::string>)
      return "a text";
    else
      return "a list of numbers of the right length";
  }

  static bool assign(const ConfigEntry& entry, bool& out) { return take<bool>(entry, out); }
  static bool assign(const ConfigEntry& entry, std::string& out) { return take<std::string>(entry, out); }
  static bool assign(const ConfigEntry& entry, double& out) {
    if (const auto* whole = std::get_if<std::int64_t>(&entry.value)) {
      out = static_cast<double>(*whole);
      return true;
    }
    return take<double>(entry, out);
  }
  static bool assign(const ConfigEntry& entry, domain::Timeframe& out) {
    const auto* text = std::get_if<std::string>(&entry.value);
    if (text == nullptr) return false;
    const auto parsed = domain::parse_timeframe(*text);
    if (parsed) out = *parsed;
    return parsed.ok();
  }
  template <class M>
    requires std::is_integral_v<M>
  static bool assign(const ConfigEntry& entry, M& out) {
    const auto* whole = std::get_if<std::int64_t>(&entry.value);
    if (whole == nullptr || !std::in_range<M>(*whole)) return false;
    out = static_cast<M>(*whole);
    return true;
  }
  template <base::DescribedEnum M>
  static bool assign(const ConfigEntry& entry, M& out) {
    const auto* text = std::get_if<std::string>(&entry.value);
    return text != nullptr && base::enum_from_name(*text, out);
  }
  template <std::size_t N>
  static bool assign(const ConfigEntry& entry, std::array<double, N>& out) {
    const auto* list = std::get_if<std::vector<double>>(&entry.value);
    if (list == nullptr || list->size() != N) return false;
    std::copy(list->begin(), list->end(), out.begin());
    return true;
  }
  template <class V>
  static bool take(const ConfigEntry& entry, V& out) {
    const auto* value = std::get_if<V>(&entry.value);
    if (value != nullptr) out = *value;
    return value != nullptr;
  }

  std::filesystem::path path_;
  std::vector<ConfigEntry> entries_;
  std::vector<std::string> known_;
};

}  // namespace qtrader::system
