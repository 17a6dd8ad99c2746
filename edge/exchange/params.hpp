// Params: the named values of one request, as text; ParamReader: reads them with the exchange's own complaints.
//
// In the flow: Api fills Params from the query, a form body, a WebSocket frame or an element of batchOrders, so that a
// handler is written once. The reader keeps the first complaint only, in the order in which the handler reads; after
// it, it hands out harmless values. Neither knows what a value means beyond its grammar.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/exchange/wire_names.hpp"
#include "edge/matching/exchange.hpp"

namespace qtrader::exchange {

using matching::Refusal;

class Params {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  Params() = default;
  explicit Params(Pairs pairs) : pairs_(std::move(pairs)) {}

  /// Names already there win: the query goes in before the body.
  void add_missing(Pairs pairs);
  void add(std::string name, std::string value) { pairs_.emplace_back(std::move(name), std::move(value)); }
  /// First value of the name; null if it was not sent.
  const std::string* find(std::string_view name) const;
  /// Sent with a value.
  bool has(std::string_view name) const {
    const auto* value = find(name);
    return value != nullptr && !value->empty();
  }
  const Pairs& pairs() const { return pairs_; }

 private:
  Pairs pairs_;
};

/// Members of well-formed JSON text as Params: strings unescaped, everything else as it was written (numbers keep every
/// digit). Nothing unless the text is a JSON object.
std::optional<Params> params_of_json(std::string_view json);
/// Top-level members of well-formed JSON text as raw JSON. Nothing unless it is an object.
std::optional<Params::Pairs> split_json_object(std::string_view json);
/// Elements as raw JSON. Nothing unless it is a well-formed array.
std::optional<std::vector<std::string>> split_json_array(std::string_view json);
/// The text of a JSON string, or the JSON itself of anything else.
std::string json_text(std::string_view json);

namespace refusals {
Refusal missing(std::string_view name);                          // -1102
Refusal either_missing(std::string_view a, std::string_view b);  // -1102
Refusal not_required(std::string_view name);                     // -1106
Refusal not_valid(std::string_view name);                        // -1130
Refusal invalid_symbol();                                        // -1121
Refusal too_wide(std::int64_t hours);                            // -1127
}  // namespace refusals

/// A decimal number as sent, and how many decimals it needs (trailing zeros do not count; may exceed 8).
struct Decimal {
  std::int64_t raw = 0;
  int decimals = 0;
};

class ParamReader {
 public:
  ParamReader(const Params& params, const matching::Exchange& exchange) : params_(params), exchange_(exchange) {}

  bool failed() const { return refusal_.has_value(); }
  const std::optional<Refusal>& refusal() const { return refusal_; }
  void fail(Refusal refusal) {
    if (!refusal_) refusal_ = std::move(refusal);
  }

  bool has(std::string_view name) const { return params_.has(name); }
  /// Mandatory text (-1102).
  std::string text(std::string_view name);
  std::string text_or(std::string_view name, std::string_view otherwise) const;
  /// Mandatory integer (-1102 also for what is not one).
  std::int64_t integer(std::string_view name);
  std::optional<std::int64_t> integer_if(std::string_view name);
  /// The first of several spellings that was sent.
  std::optional<std::int64_t> integer_if_any(std::initializer_list<std::string_view> names);
  std::string text_if_any(std::initializer_list<std::string_view> names) const;
  std::optional<bool> boolean_if(std::string_view name);
  bool boolean_or(std::string_view name, bool otherwise) { return boolean_if(name).value_or(otherwise); }
  bool boolean(std::string_view name);
  Decimal decimal(std::string_view name);
  std::optional<Decimal> decimal_if(std::string_view name);

  domain::SymbolId symbol();  // -1102, -1121
  std::optional<domain::SymbolId> symbol_if();
  /// Also -1130 beyond `most`.
  std::size_t limit(std::size_t otherwise, std::size_t most);

  /// A closed set of words; `absent` is the complaint if it was not sent, `wrong` if it is another word.
  template <class E>
  E word(std::string_view name, std::optional<E> (*parse)(std::string_view), const Refusal& wrong) {
    const std::string t = text(name);
    return failed() ? E{} : parsed<E>(t, parse, wrong).value_or(E{});
  }
  template <class E>
  E word_or(std::string_view name, std::optional<E> (*parse)(std::string_view), E otherwise, const Refusal& wrong) {
    const std::string* t = sent(name);
    return t == nullptr ? otherwise : parsed<E>(*t, parse, wrong).value_or(otherwise);
  }

 private:
  template <class E>
  std::optional<E> parsed(std::string_view text, std::optional<E> (*parse)(std::string_view), const Refusal& wrong) {
    const std::optional<E> value = parse(text);
    if (!value) fail(wrong);
    return value;
  }
  const std::string* sent(std::string_view name) const {
    const auto* value = params_.find(name);
    return value == nullptr || value->empty() ? nullptr : value;
  }

  const Params& params_;
  const matching::Exchange& exchange_;
  std::optional<Refusal> refusal_;
};

}  // namespace qtrader::exchange
