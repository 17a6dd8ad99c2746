// Bodies that are one object or a list of objects: the frame of every REST parser. Internal to the room.
#pragma once

#include <vector>

#include "edge/binance/json_fields.hpp"

namespace qtrader::binance::json {

/// The body as one object of the kind.
template <class T, class Read>
base::Result<T> one(std::string_view body, std::string_view kind, Read read) {
  QT_TRY(const Element root, parse(body, kind));
  QT_TRY(const Object object, as_object(root, kind));
  Report report;
  Fields fields(report, object, kind);
  T out = read(fields);
  if (report.failed()) return report.error();
  return out;
}

/// The body as an array of objects.
template <class T, class Read>
base::Result<std::vector<T>> list(std::string_view body, std::string_view kind, Read read) {
  QT_TRY(const Element root, parse(body, kind));
  Array rows;
  if (root.get_array().get(rows))
    return base::Error{"binance", base::Errc::Corrupt,
                       std::string(kind) + ": got " + excerpt(root) + ", expected an array"};
  Report report;
  std::vector<T> out;
  each(report, rows, kind, [&](Fields& fields) { out.push_back(read(fields)); });
  if (report.failed()) return report.error();
  return out;
}

/// The body as an array of objects, or as one bare object.
template <class T, class Read>
base::Result<std::vector<T>> one_or_list(std::string_view body, std::string_view kind, Read read) {
  const auto first = body.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || body[first] != '{') return list<T>(body, kind, read);
  QT_TRY(T single, one<T>(body, kind, read));
  std::vector<T> out;
  out.push_back(std::move(single));
  return out;
}

/// Limits of notional exceed the fixed-point range for some contracts; then they are no limit.
inline std::optional<domain::Money> max_notional(Fields& f, std::string_view key) {
  if (!f.has(key)) return std::nullopt;
  return f.number_clamped<domain::Money>(key);
}

}  // namespace qtrader::binance::json
