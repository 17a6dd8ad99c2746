// Fields: typed access to the members of one JSON object that remembers the first thing that was wrong. Internal to the
// room's parsers (it shows simdjson types); not for anybody else.
//
// Getters never fail by themselves: after an error they return defaults, and the parser asks the Report once at the
// end. That keeps a parser one line per field while every error still names message, field, value and expectation.
#pragma once

#include <simdjson.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/domain/money.hpp"
#include "edge/binance/messages_market.hpp"
#include "edge/binance/wire_types.hpp"

namespace qtrader::binance::json {

using Element = simdjson::dom::element;
using Object = simdjson::dom::object;
using Array = simdjson::dom::array;

/// The first error of one message.
class Report {
 public:
  bool failed() const { return !text_.empty(); }
  void fail(std::string text) {
    if (text_.empty()) text_ = std::move(text);
  }
  base::Error error() const { return {"binance", base::Errc::Corrupt, text_}; }

 private:
  std::string text_;
};

/// Wire names of an enumeration.
template <class E>
using Names = std::span<const std::pair<std::string_view, E>>;

class Fields {
 public:
  /// kind: what the object is, for error texts; outlives this.
  Fields(Report& report, Object object, std::string_view kind) : report_(report), object_(object), kind_(kind) {}

  bool has(std::string_view key) const;  // present and not null
  std::string text(std::string_view key);
  std::string text_or_empty(std::string_view key);  // absent or null: ""
  std::int64_t integer(std::string_view key);
  /// An integer, or a text with nothing else in it; empty text, absent or null: nullopt.
  std::optional<std::int64_t> integer_or_text(std::string_view key);
  std::int32_t small_integer(std::string_view key);                    // 0..2^31−1
  std::int32_t small_integer_in_text(std::string_view key);            // v2 leverage: "20"; numbers too
  bool boolean(std::string_view key);                                  // also "true", "false" in quotes
  std::optional<bool> optional_boolean(std::string_view key);          // absent or null: nullopt
  base::Timestamp time(std::string_view key);                          // ms
  std::optional<base::Timestamp> optional_time(std::string_view key);  // absent or null: nullopt
  double real(std::string_view key);                                   // decimal in a string

  template <class F>
  F fixed(std::string_view key) {
    return F::from_raw(raw_fixed(key, Form::Text).value_or(0));
  }
  /// Absent, null or "": nullopt.
  template <class F>
  std::optional<F> optional_fixed(std::string_view key) {
    if (!has(key)) return std::nullopt;
    const auto raw = raw_fixed(key, Form::TextOrEmpty);
    return raw ? std::optional<F>(F::from_raw(*raw)) : std::nullopt;
  }
  /// Present, but may be "".
  template <class F>
  std::optional<F> fixed_or_empty(std::string_view key) {
    const auto raw = raw_fixed(key, Form::TextOrEmpty);
    return raw ? std::optional<F>(F::from_raw(*raw)) : std::nullopt;
  }
  /// A JSON number or a decimal string.
  template <class F>
  F number(std::string_view key) {
    return F::from_raw(raw_fixed(key, Form::NumberOrText).value_or(0));
  }
  /// The same; beyond the fixed-point range: the largest value ("no limit").
  template <class F>
  F number_clamped(std::string_view key) {
    return F::from_raw(raw_fixed(key, Form::NumberClamped).value_or(0));
  }

  template <class E>
  E one_of(std::string_view key, Names<E> names) {
    const std::string_view got = view(key);
    for (const auto& [name, value] : names)
      if (got == name) return value;
    std::string expected = "one of";
    for (const auto& [name, value] : names) expected += " " + std::string(name);
    wrong(key, expected);
    return E{};
  }
  /// Required as text, but unknown names become other.
  template <class E>
  E one_of_or(std::string_view key, Names<E> names, E other) {
    const std::string_view got = view(key);
    for (const auto& [name, value] : names)
      if (got == name) return value;
    return other;
  }

  domain::Side side(std::string_view key);
  WirePositionSide position_side(std::string_view key);
  domain::MarginMode margin_mode(std::string_view key);
  WireStatus status(std::string_view key);
  WireType type(std::string_view key);
  WireTimeInForce time_in_force(std::string_view key);
  WorkingType working_type(std::string_view key);
  AlgoStatus algo_status(std::string_view key);

  Object object(std::string_view key);
  Array array(std::string_view key);
  std::vector<Level> levels(std::string_view key);
  /// Calls read for each object in an array, with its fields.
  template <class Read>
  void rows(std::string_view key, std::string_view row_kind, Read read);

  /// Reports the field's value, or that it is missing, and what was expected.
  void wrong(std::string_view key, std::string_view expected);

 private:
  enum class Form : std::uint8_t { Text, TextOrEmpty, NumberOrText, NumberClamped };

  std::optional<Element> find(std::string_view key) const;
  std::string_view view(std::string_view key);
  std::optional<std::int64_t> raw_fixed(std::string_view key, Form form);

  Report& report_;
  Object object_;
  std::string_view kind_;
};

/// Calls read with the fields of each object of the array, up to the first error.
template <class Read>
void each(Report& report, Array rows, std::string_view kind, Read read);

/// Parses a text that need not be padded; the element lives until the next call on this thread. Errors: Corrupt naming
/// kind and what the parser found.
base::Result<Element> parse(std::string_view text, std::string_view kind, bool padded = false);
/// The element as an object. Errors: Corrupt.
base::Result<Object> as_object(Element element, std::string_view kind);
/// At most 80 characters of the element's JSON.
std::string excerpt(Element element);
/// The answer to a control frame, if the object has the form of one.
std::optional<ControlReply> control_reply(Object object);
/// What is in "data" if the object is the combined-stream wrapper, else the element itself. stream: its name, or "".
Element unwrap(Element element, std::string_view& stream);

template <class Read>
void each(Report& report, Array rows, std::string_view kind, Read read) {
  if (report.failed()) return;
  for (const Element row : rows) {
    Object object;
    if (row.get_object().get(object)) {
      report.fail(std::string(kind) + ": got row " + excerpt(row) + ", expected an object");
      return;
    }
    Fields fields(report, object, kind);
    read(fields);
    if (report.failed()) return;
  }
}

template <class Read>
void Fields::rows(std::string_view key, std::string_view row_kind, Read read) {
  const Array all = array(key);
  each(report_, all, row_kind, std::move(read));
}

}  // namespace qtrader::binance::json
