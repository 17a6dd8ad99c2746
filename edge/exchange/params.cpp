#include "edge/exchange/params.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <charconv>

namespace qtrader::exchange {

void Params::add_missing(Pairs pairs) {
  const auto before = static_cast<std::ptrdiff_t>(pairs_.size());
  for (auto& [name, value] : pairs) {
    const auto end = pairs_.begin() + before;
    const bool known = std::any_of(pairs_.begin(), end, [&](const auto& p) { return p.first == name; });
    if (!known) pairs_.emplace_back(std::move(name), std::move(value));
  }
}

const std::string* Params::find(std::string_view name) const {
  for (const auto& [n, value] : pairs_)
    if (n == name) return &value;
  return nullptr;
}

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Walks over text that is known to be well-formed JSON. Boost.JSON would read numbers as floats and lose how they were
/// written, which is what a WebSocket API signature covers.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view value() {
    skip_space();
    const std::size_t from = at_;
    int depth = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') skip_string();
      if (c == '{' || c == '[') ++depth;
      if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
      if (c == '}' || c == ']') --depth;
    }
    std::string_view found = text_.substr(from, at_ - from);
    while (!found.empty() && is_space(found.back())) found.remove_suffix(1);
    return found;
  }
  std::string_view name() {
    skip_space();
    const std::size_t from = at_;
    skip_string();
    ++at_;
    return text_.substr(from, at_ - from);
  }

 private:
  // From the opening quote to the closing one.
  void skip_string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\') ++at_;
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

bool well_formed(std::string_view json, boost::json::kind kind) {
  boost::system::error_code failure;
  const auto value = boost::json::parse(json, failure);
  return !failure && value.kind() == kind;
}

}  // namespace

std::string json_text(std::string_view json) {
  if (json.empty() || json.front() != '"') return std::string(json);
  boost::system::error_code failure;
  const auto value = boost::json::parse(json, failure);
  return failure || !value.is_string() ? std::string(json) : std::string(value.get_string());
}

std::optional<Params::Pairs> split_json_object(std::string_view json) {
  if (!well_formed(json, boost::json::kind::object)) return std::nullopt;
  Params::Pairs members;
  Scanner scan(json);
  scan.take('{');
  while (!scan.take('}')) {
    std::string name = json_text(scan.name());
    scan.take(':');
    members.emplace_back(std::move(name), std::string(scan.value()));
    scan.take(',');
  }
  return members;
}

std::optional<std::vector<std::string>> split_json_array(std::string_view json) {
  if (!well_formed(json, boost::json::kind::array)) return std::nullopt;
  std::vector<std::string> elements;
  Scanner scan(json);
  scan.take('[');
  while (!scan.take(']')) {
    elements.emplace_back(scan.value());
    scan.take(',');
  }
  return elements;
}

std::optional<Params> params_of_json(std::string_view json) {
  auto members = split_json_object(json);
  if (!members) return std::nullopt;
  Params params;
  for (auto& [name, value] : *members)
    if (value != "null") params.add(std::move(name), json_text(value));
  return params;
}

namespace refusals {

Refusal missing(std::string_view name) {
  return {-1102, "Mandatory parameter '" + std::string(name) + "' was not sent, was empty/null, or malformed."};
}
Refusal either_missing(std::string_view a, std::string_view b) {
  return {-1102, "Param '" + std::string(a) + "' or '" + std::string(b) + "' must be sent, but both were empty/null!"};
}
Refusal not_required(std::string_view name) {
  return {-1106, "Parameter '" + std::string(name) + "' sent when not required."};
}
Refusal not_valid(std::string_view name) {
  return {-1130, "Data sent for parameter '" + std::string(name) + "' is not valid."};
}
Refusal invalid_symbol() { return {-1121, "Invalid symbol."}; }
Refusal too_wide(std::int64_t hours) {
  return {-1127, "More than " + std::to_string(hours) + " hours between startTime and endTime."};
}

}  // namespace refusals

namespace {

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Decimals that carry a digit: 2 of "1.500" is 1; of "1e-7" 7.
int needed_decimals(std::string_view text) {
  const std::size_t exponent_at = text.find_first_of("eE");
  const auto exponent =
      exponent_at == std::string_view::npos
          ? 0
          : parse_integer(text.substr(exponent_at + (text[exponent_at + 1] == '+' ? 2 : 1))).value_or(0);
  const std::string_view mantissa = text.substr(0, exponent_at);
  const std::size_t point = mantissa.find('.');
  std::int64_t decimals = 0;
  if (point != std::string_view::npos) {
    const std::size_t last = mantissa.find_last_not_of('0');
    decimals = last == std::string_view::npos ? 0 : static_cast<std::int64_t>(last - std::min(last, point));
  }
  const bool zero = mantissa.find_first_of("123456789") == std::string_view::npos;
  return zero ? 0 : static_cast<int>(std::max<std::int64_t>(0, decimals - exponent));
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  const auto fixed = domain::parse_fixed(text);
  if (!fixed) return std::nullopt;
  return Decimal{*fixed, needed_decimals(text)};
}

}  // namespace

std::string ParamReader::text(std::string_view name) {
  const std::string* value = sent(name);
  if (value == nullptr) {
    fail(refusals::missing(name));
    return {};
  }
  return *value;
}

std::string ParamReader::text_or(std::string_view name, std::string_view otherwise) const {
  const std::string* value = sent(name);
  return value == nullptr ? std::string(otherwise) : *value;
}

std::optional<std::int64_t> ParamReader::integer_if(std::string_view name) {
  const std::string* value = sent(name);
  if (value == nullptr) return std::nullopt;
  const auto number = parse_integer(*value);
  if (!number) fail(refusals::missing(name));
  return number;
}

std::int64_t ParamReader::integer(std::string_view name) {
  if (!has(name)) fail(refusals::missing(name));
  return integer_if(name).value_or(0);
}

std::optional<std::int64_t> ParamReader::integer_if_any(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    if (has(name)) return integer_if(name);
  return std::nullopt;
}

std::string ParamReader::text_if_any(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names)
    if (const auto* value = sent(name)) return *value;
  return {};
}

std::optional<bool> ParamReader::boolean_if(std::string_view name) {
  const std::string* value = sent(name);
  if (value == nullptr) return std::nullopt;
  std::string lower(*value);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower == "true") return true;
  if (lower == "false") return false;
  fail(refusals::missing(name));
  return std::nullopt;
}

bool ParamReader::boolean(std::string_view name) {
  if (!has(name)) fail(refusals::missing(name));
  return boolean_if(name).value_or(false);
}

std::optional<Decimal> ParamReader::decimal_if(std::string_view name) {
  const std::string* value = sent(name);
  if (value == nullptr) return std::nullopt;
  const auto number = parse_decimal(*value);
  if (!number) fail(refusals::missing(name));
  return number;
}

Decimal ParamReader::decimal(std::string_view name) {
  if (!has(name)) fail(refusals::missing(name));
  return decimal_if(name).value_or(Decimal{});
}

domain::SymbolId ParamReader::symbol() {
  if (!has("symbol")) fail(refusals::missing("symbol"));
  return symbol_if().value_or(domain::SymbolId{});
}

std::optional<domain::SymbolId> ParamReader::symbol_if() {
  const std::string* name = sent("symbol");
  if (name == nullptr) return std::nullopt;
  const auto id = exchange_.instruments().find(*name);
  if (!id) fail(refusals::invalid_symbol());
  return id;
}

std::size_t ParamReader::limit(std::size_t otherwise, std::size_t most) {
  const auto sent_limit = integer_if("limit");
  if (!sent_limit) return otherwise;
  if (*sent_limit < 1 || static_cast<std::size_t>(*sent_limit) > most) {
    fail(refusals::not_valid("limit"));
    return otherwise;
  }
  return static_cast<std::size_t>(*sent_limit);
}

}  // namespace qtrader::exchange
