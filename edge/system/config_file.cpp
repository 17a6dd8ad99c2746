#include "edge/system/config_file.hpp"

#define TOML_EXCEPTIONS 0
#include <fmt/format.h>
#include <toml++/toml.h>

namespace qtrader::system {
namespace {

base::Error bad(const std::filesystem::path& path, std::uint32_t line, const std::string& what) {
  return {"config", base::Errc::InvalidArgument, fmt::format("{}:{}: {}", path.string(), line, what)};
}

base::Result<void> flatten(const std::filesystem::path& path, const toml::table& table, const std::string& prefix,
                           std::vector<ConfigEntry>& out) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
    ConfigEntry entry{.key = key, .value = false, .line = node.source().begin.line};
    if (const auto* inner = node.as_table()) {
      QT_TRY_VOID(flatten(path, *inner, key, out));
      continue;
    }
    if (const auto* b = node.as_boolean())
      entry.value = b->get();
    else if (const auto* i = node.as_integer())
      entry.value = i->get();
    else if (const auto* f = node.as_floating_point())
      entry.value = f->get();
    else if (const auto* s = node.as_string())
      entry.value = s->get();
    else if (const auto* a = node.as_array()) {
      std::vector<double> list;
      for (const auto& e : *a) {
        const auto number = e.value<double>();
        if (!number) return bad(path, entry.line, "key '" + key + "': a list may hold numbers only");
        list.push_back(*number);
      }
      entry.value = std::move(list);
    } else {
      return bad(path, entry.line, "key '" + key + "': dates are written as text");
    }
    out.push_back(std::move(entry));
  }
  return {};
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row.back();
}

}  // namespace

std::string ConfigEntry::text() const {
  struct Format {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(const std::string& v) const { return "\"" + v + "\""; }
    std::string operator()(const std::vector<double>& v) const { return fmt::format("a list of {}", v.size()); }
  };
  return std::visit(Format{}, value);
}

base::Result<ConfigFile> ConfigFile::read(const std::filesystem::path& path) {
  std::error_code ec;
  if (!std::filesystem::is_regular_file(path, ec))
    return base::Error{"config", base::Errc::NotFound, path.string() + ": expected a TOML file"};
  const toml::parse_result parsed = toml::parse_file(path.string());
  if (!parsed)
    return base::Error{
        "config", base::Errc::Corrupt,
        fmt::format("{}:{}: {}", path.string(), parsed.error().source().begin.line, parsed.error().description())};
  ConfigFile file;
  file.path_ = path;
  QT_TRY_VOID(flatten(path, parsed.table(), "", file.entries_));
  return file;
}

ConfigEntry* ConfigFile::find(const std::string& key) {
  const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const ConfigEntry& e) { return e.key == key; });
  return it == entries_.end() ? nullptr : &*it;
}

base::Error ConfigFile::mismatch(const ConfigEntry& entry, const std::string& expected) const {
  return bad(path_, entry.line, "key '" + entry.key + "' = " + entry.text() + ": expected " + expected);
}

base::Result<void> ConfigFile::require_all_used() const {
  for (const ConfigEntry& entry : entries_) {
    if (entry.used) continue;
    std::string nearest;
    std::size_t best = entry.key.size() / 2 + 1;
    for (const std::string& key : known_) {
      const std::size_t d = edit_distance(entry.key, key);
      if (d < best) {
        best = d;
        nearest = key;
      }
    }
    return bad(path_, entry.line,
               "unknown key '" + entry.key + "'" + (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
  }
  return {};
}

}  // namespace qtrader::system
