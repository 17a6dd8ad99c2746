#include "edge/exchange/contract_rules.hpp"

#include <boost/json.hpp>

namespace qtrader::exchange {
namespace {

namespace json = boost::json;

/// Reads members of one symbol; the first that is wrong is kept.
struct SymbolReader {
  std::string error;

  template <class Fixed>
  void decimal(const json::object& from, std::string_view name, Fixed& to) {
    const json::value* v = from.if_contains(name);
    if (v == nullptr) return;
    const auto parsed = Fixed::parse(v->is_string() ? std::string(v->get_string()) : json::serialize(*v));
    if (parsed)
      to = *parsed;
    else
      fail(name, parsed.error().context);
  }
  void integer(const json::object& from, std::string_view name, std::int32_t& to) {
    const json::value* v = from.if_contains(name);
    if (v == nullptr) return;
    if (v->is_int64() && v->get_int64() >= 0 && v->get_int64() <= 1'000'000)
      to = static_cast<std::int32_t>(v->get_int64());
    else
      fail(name, "expected a small integer");
  }
  void fail(std::string_view name, const std::string& what) {
    if (error.empty()) error = std::string(name) + ": " + what;
  }
};

void read_filters(const json::object& symbol, SymbolReader& reader, matching::ContractRules& rules) {
  const json::value* filters = symbol.if_contains("filters");
  if (filters == nullptr || !filters->is_array()) return reader.fail("filters", "expected an array");
  for (const auto& entry : filters->get_array()) {
    if (!entry.is_object()) continue;
    const json::object& filter = entry.get_object();
    const json::value* type = filter.if_contains("filterType");
    if (type == nullptr || !type->is_string()) continue;
    if (type->get_string() == "PRICE_FILTER") {
      reader.decimal(filter, "minPrice", rules.min_price);
      reader.decimal(filter, "maxPrice", rules.max_price);
    } else if (type->get_string() == "PERCENT_PRICE") {
      reader.decimal(filter, "multiplierUp", rules.price_up);
      reader.decimal(filter, "multiplierDown", rules.price_down);
    } else if (type->get_string() == "MAX_NUM_ORDERS") {
      reader.integer(filter, "limit", rules.max_orders);
    }
  }
}

}  // namespace

base::Result<std::map<std::string, matching::ContractRules>> parse_contract_rules(std::string_view text,
                                                                                  const std::string& origin) {
  const auto corrupt = [&](const std::string& what) {
    return base::Error{"exchange", base::Errc::Corrupt, origin + ": " + what};
  };
  json::error_code failed;
  const json::value body = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed) return corrupt("not JSON: " + failed.message());
  const json::value* symbols = body.is_object() ? body.get_object().if_contains("symbols") : nullptr;
  if (symbols == nullptr || !symbols->is_array()) return corrupt("no array 'symbols'");
  std::map<std::string, matching::ContractRules> out;
  for (const auto& entry : symbols->get_array()) {
    if (!entry.is_object()) return corrupt("a symbol that is no object");
    const json::object& symbol = entry.get_object();
    const json::value* name = symbol.if_contains("symbol");
    if (name == nullptr || !name->is_string()) return corrupt("a symbol without a name");
    matching::ContractRules rules;
    SymbolReader reader;
    reader.decimal(symbol, "marketTakeBound", rules.market_take_bound);
    reader.decimal(symbol, "triggerProtect", rules.trigger_protect);
    reader.decimal(symbol, "liquidationFee", rules.liquidation_fee);
    reader.integer(symbol, "pricePrecision", rules.price_precision);
    reader.integer(symbol, "quantityPrecision", rules.quantity_precision);
    read_filters(symbol, reader, rules);
    if (!reader.error.empty()) return corrupt(std::string(name->get_string()) + ": " + reader.error);
    out.emplace(std::string(name->get_string()), rules);
  }
  return out;
}

}  // namespace qtrader::exchange
