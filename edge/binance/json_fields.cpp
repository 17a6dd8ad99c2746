#include "edge/binance/json_fields.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "edge/binance/decimal.hpp"

namespace qtrader::binance::json {
namespace {

template <class E, std::size_t N>
using Table = std::array<std::pair<std::string_view, E>, N>;

constexpr Table<domain::Side, 2> kSides = {{{"BUY", domain::Side::Buy}, {"SELL", domain::Side::Sell}}};
constexpr Table<WirePositionSide, 3> kPositionSides = {
    {{"BOTH", WirePositionSide::Both}, {"LONG", WirePositionSide::Long}, {"SHORT", WirePositionSide::Short}}};
// Written CROSSED, read "cross" (v2), CROSSED (symbolConfig) or upper-case (MARGIN_CALL).
constexpr Table<domain::MarginMode, 5> kMarginModes = {{{"cross", domain::MarginMode::Cross},
                                                        {"CROSS", domain::MarginMode::Cross},
                                                        {"CROSSED", domain::MarginMode::Cross},
                                                        {"isolated", domain::MarginMode::Isolated},
                                                        {"ISOLATED", domain::MarginMode::Isolated}}};
constexpr Table<WireStatus, 9> kStatuses = {{{"NEW", WireStatus::New},
                                             {"PARTIALLY_FILLED", WireStatus::PartiallyFilled},
                                             {"FILLED", WireStatus::Filled},
                                             {"CANCELED", WireStatus::Canceled},
                                             {"REJECTED", WireStatus::Rejected},
                                             {"EXPIRED", WireStatus::Expired},
                                             {"EXPIRED_IN_MATCH", WireStatus::ExpiredInMatch},
                                             {"NEW_INSURANCE", WireStatus::New},
                                             {"NEW_ADL", WireStatus::New}}};
constexpr Table<WireType, 8> kTypes = {{{"LIMIT", WireType::Limit},
                                        {"MARKET", WireType::Market},
                                        {"STOP", WireType::Stop},
                                        {"STOP_MARKET", WireType::StopMarket},
                                        {"TAKE_PROFIT", WireType::TakeProfit},
                                        {"TAKE_PROFIT_MARKET", WireType::TakeProfitMarket},
                                        {"TRAILING_STOP_MARKET", WireType::TrailingStopMarket},
                                        {"LIQUIDATION", WireType::Liquidation}}};
constexpr Table<WireTimeInForce, 7> kTimesInForce = {{{"GTC", WireTimeInForce::Gtc},
                                                      {"IOC", WireTimeInForce::Ioc},
                                                      {"FOK", WireTimeInForce::Fok},
                                                      {"GTX", WireTimeInForce::Gtx},
                                                      {"GTD", WireTimeInForce::Gtd},
                                                      {"RPI", WireTimeInForce::Rpi},
                                                      {"GTE_GTC", WireTimeInForce::GteGtc}}};
constexpr Table<WorkingType, 2> kWorkingTypes = {
    {{"CONTRACT_PRICE", WorkingType::ContractPrice}, {"MARK_PRICE", WorkingType::MarkPrice}}};
constexpr Table<AlgoStatus, 7> kAlgoStatuses = {{{"NEW", AlgoStatus::New},
                                                 {"TRIGGERING", AlgoStatus::Triggering},
                                                 {"TRIGGERED", AlgoStatus::Triggered},
                                                 {"FINISHED", AlgoStatus::Finished},
                                                 {"CANCELED", AlgoStatus::Canceled},
                                                 {"EXPIRED", AlgoStatus::Expired},
                                                 {"REJECTED", AlgoStatus::Rejected}}};

template <class N>
bool whole_number(std::string_view text, N& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string excerpt(Element element) {
  std::string text = simdjson::minify(element);
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return text;
}

std::optional<Element> Fields::find(std::string_view key) const {
  Element element;
  if (object_.at_key(key).get(element)) return std::nullopt;
  return element;
}

bool Fields::has(std::string_view key) const {
  const auto element = find(key);
  return element && !element->is_null();
}

void Fields::wrong(std::string_view key, std::string_view expected) {
  if (report_.failed()) return;
  const auto element = find(key);
  std::string text = std::string(kind_) + ": field '" + std::string(key) + "': ";
  text += element ? "got " + excerpt(*element) : std::string("missing");
  report_.fail(text + ", expected " + std::string(expected));
}

std::string_view Fields::view(std::string_view key) {
  std::string_view out;
  const auto element = find(key);
  if (!element || element->get_string().get(out)) wrong(key, "a string");
  return out;
}

std::string Fields::text(std::string_view key) { return std::string(view(key)); }

std::string Fields::text_or_empty(std::string_view key) { return has(key) ? text(key) : std::string(); }

std::int64_t Fields::integer(std::string_view key) {
  std::int64_t out = 0;
  const auto element = find(key);
  if (!element || element->get_int64().get(out)) wrong(key, "an integer");
  return out;
}

std::optional<std::int64_t> Fields::integer_or_text(std::string_view key) {
  if (!has(key)) return std::nullopt;
  std::string_view digits;
  if (find(key)->get_string().get(digits)) return integer(key);
  if (digits.empty()) return std::nullopt;
  std::int64_t out = 0;
  if (!whole_number(digits, out)) wrong(key, "an integer or its text");
  return out;
}

std::int32_t Fields::small_integer(std::string_view key) {
  const std::int64_t value = integer(key);
  if (value < 0 || value > std::numeric_limits<std::int32_t>::max()) {
    wrong(key, "an integer from 0 to 2147483647");
    return 0;
  }
  return static_cast<std::int32_t>(value);
}

std::int32_t Fields::small_integer_in_text(std::string_view key) {
  const auto value = integer_or_text(key);
  if (!value || *value < 0 || *value > std::numeric_limits<std::int32_t>::max()) {
    wrong(key, "an integer from 0 to 2147483647, or its text");
    return 0;
  }
  return static_cast<std::int32_t>(*value);
}

bool Fields::boolean(std::string_view key) {
  const auto element = find(key);
  bool out = false;
  if (element && !element->get_bool().get(out)) return out;
  std::string_view word;
  if (element && !element->get_string().get(word) && (word == "true" || word == "false")) return word == "true";
  wrong(key, "true or false");
  return false;
}

std::optional<bool> Fields::optional_boolean(std::string_view key) {
  return has(key) ? std::optional<bool>(boolean(key)) : std::nullopt;
}

base::Timestamp Fields::time(std::string_view key) {
  const std::int64_t ms = integer(key);
  // The sentinel of perpetuals' delivery is in the year 2100; nanoseconds reach 2262.
  if (ms < 0 || ms > std::numeric_limits<std::int64_t>::max() / 1'000'000) {
    wrong(key, "milliseconds since 1970");
    return {};
  }
  return base::Timestamp::from_unix_ms(ms);
}

std::optional<base::Timestamp> Fields::optional_time(std::string_view key) {
  return has(key) ? std::optional<base::Timestamp>(time(key)) : std::nullopt;
}

double Fields::real(std::string_view key) {
  const std::string_view digits = view(key);
  double out = 0;
  if (!whole_number(digits, out) || !std::isfinite(out)) wrong(key, "a decimal string");
  return out;
}

std::optional<std::int64_t> Fields::raw_fixed(std::string_view key, Form form) {
  const auto element = find(key);
  std::int64_t raw = 0;
  std::string_view digits;
  const bool numbers = form == Form::NumberOrText || form == Form::NumberClamped;
  if (element && !element->get_string().get(digits)) {
    if (digits.empty() && form == Form::TextOrEmpty) return std::nullopt;
    if (parse_decimal(digits, raw)) return raw;
  }
  double value = 0;
  const bool in_text = numbers && !digits.empty() && whole_number(digits, value);
  if (element && numbers && (in_text || !element->get_double().get(value))) {
    const double limit = 9.2e10;  // of ±92 233 720 368
    if (std::abs(value) < limit) return domain::fixed_from_double(value, domain::Rounding::HalfEven);
    if (form == Form::NumberClamped && value > 0) return std::numeric_limits<std::int64_t>::max();
  }
  wrong(key, numbers ? "a number within ±92233720368" : "a decimal string within ±92233720368");
  return std::nullopt;
}

domain::Side Fields::side(std::string_view key) { return one_of<domain::Side>(key, kSides); }
WirePositionSide Fields::position_side(std::string_view key) { return one_of<WirePositionSide>(key, kPositionSides); }
domain::MarginMode Fields::margin_mode(std::string_view key) { return one_of<domain::MarginMode>(key, kMarginModes); }
WireStatus Fields::status(std::string_view key) { return one_of<WireStatus>(key, kStatuses); }
WireType Fields::type(std::string_view key) { return one_of_or<WireType>(key, kTypes, WireType::Other); }
WireTimeInForce Fields::time_in_force(std::string_view key) {
  return one_of_or<WireTimeInForce>(key, kTimesInForce, WireTimeInForce::Other);
}
WorkingType Fields::working_type(std::string_view key) {
  return one_of_or<WorkingType>(key, kWorkingTypes, WorkingType::Other);
}
AlgoStatus Fields::algo_status(std::string_view key) { return one_of<AlgoStatus>(key, kAlgoStatuses); }

Object Fields::object(std::string_view key) {
  Object out;
  const auto element = find(key);
  if (!element || element->get_object().get(out)) wrong(key, "an object");
  return out;
}

Array Fields::array(std::string_view key) {
  Array out;
  const auto element = find(key);
  if (!element || element->get_array().get(out)) wrong(key, "an array");
  return out;
}

std::vector<Level> Fields::levels(std::string_view key) {
  std::vector<Level> out;
  const Array rows = array(key);
  if (report_.failed()) return out;
  out.reserve(rows.size());
  for (const Element row : rows) {
    std::string_view price, quantity;
    std::int64_t price_raw = 0, quantity_raw = 0;
    Array pair;
    const bool good = !row.get_array().get(pair) && !pair.at(0).get_string().get(price) &&
                      !pair.at(1).get_string().get(quantity) && parse_decimal(price, price_raw) &&
                      parse_decimal(quantity, quantity_raw) && price_raw > 0 && quantity_raw >= 0;
    if (!good) {
      report_.fail(std::string(kind_) + ": field '" + std::string(key) + "': got row " + excerpt(row) +
                   ", expected [\"price > 0\",\"quantity >= 0\"]");
      return out;
    }
    out.push_back({domain::Price::from_raw(price_raw), domain::Quantity::from_raw(quantity_raw)});
  }
  return out;
}

base::Result<Element> parse(std::string_view text, std::string_view kind, bool padded) {
  thread_local simdjson::dom::parser parser;
  Element element;
  const auto bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  if (const auto code = parser.parse(bytes, text.size(), !padded).get(element)) {
    std::string shown(text.substr(0, 80));
    return base::Error{"binance", base::Errc::Corrupt,
                       std::string(kind) + ": '" + shown + "': " + simdjson::error_message(code) + ", expected JSON"};
  }
  return element;
}

base::Result<Object> as_object(Element element, std::string_view kind) {
  Object object;
  if (element.get_object().get(object))
    return base::Error{"binance", base::Errc::Corrupt,
                       std::string(kind) + ": got " + excerpt(element) + ", expected an object"};
  return object;
}

std::optional<ControlReply> control_reply(Object object) {
  Element id, result, error;
  const bool has_id = !object.at_key("id").get(id);
  const bool has_result = !object.at_key("result").get(result);
  Object detail;
  const bool has_error = !object.at_key("error").get(error) && !error.get_object().get(detail);
  if (!has_result && !has_error) return std::nullopt;
  ControlReply out;
  if (has_id) {
    std::string_view name;
    out.id = id.get_string().get(name) ? std::string(simdjson::minify(id)) : std::string(name);
  }
  if (has_result) out.result = simdjson::minify(result);
  if (has_error) {
    std::string_view message;
    std::int64_t code = 0;
    if (!detail.at_key("code").get_int64().get(code)) out.error_code = static_cast<int>(code);
    out.error =
        detail.at_key("msg").get_string().get(message) || message.empty() ? excerpt(error) : std::string(message);
  }
  return out;
}

Element unwrap(Element element, std::string_view& stream) {
  Object object;
  Element data;
  if (element.get_object().get(object)) return element;
  if (object.at_key("stream").get_string().get(stream) || object.at_key("data").get(data)) {
    stream = {};
    return element;
  }
  return data;
}

}  // namespace qtrader::binance::json
