#include "edge/history/instruments.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "core/base/json.hpp"
#include "edge/history/atomic_file.hpp"
#include "edge/history/byte_source.hpp"

namespace qtrader::history {
namespace {

namespace json = boost::json;
using base::Errc;
using base::Error;
using base::Result;
using domain::Instrument;
using domain::LeverageBracket;
using domain::Money;
using domain::Price;
using domain::Quantity;
using domain::Ratio;

// Binance USD-M, regular user (VIP 0), USDT pairs.
constexpr std::int64_t kMakerFeeRaw = 20'000;  // 0.0200 %
constexpr std::int64_t kTakerFeeRaw = 50'000;  // 0.0500 %
constexpr std::int64_t kMinNotionalUsdt = 5;
constexpr int kInferenceBars = 5'000;

Error corrupt(const std::string& origin, const std::string& what) {
  return {"history", Errc::Corrupt, origin + ": " + what};
}

Result<json::value> parse_json(std::string_view text, const std::string& origin) {
  json::error_code ec;
  json::value v = json::parse(text, ec);
  if (ec) return corrupt(origin, "not JSON: " + ec.message());
  return v;
}

/// A number, or a string holding one. Doubles go through their shortest text, so that 0.1 is exactly 0.1.
Result<std::int64_t> fixed_of(const json::value& v, const std::string& what) {
  std::string text;
  if (v.is_string())
    text = std::string(v.get_string());
  else if (v.is_int64())
    text = std::to_string(v.get_int64());
  else if (v.is_uint64())
    text = std::to_string(v.get_uint64());
  else if (v.is_double()) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v.get_double()).ptr;
    text.assign(buffer.data(), end);
  }
  const auto raw = domain::parse_fixed(text);
  if (!raw) return corrupt(what, text.empty() ? "expected a number" : raw.error().context);
  return *raw;
}

Result<std::int64_t> fixed_member(const json::object& o, const char* name, const std::string& where) {
  const json::value* v = o.if_contains(name);
  if (v == nullptr) return corrupt(where, std::string("lacks \"") + name + "\"");
  return fixed_of(*v, where + "." + name);
}

Result<std::string> text_member(const json::object& o, const char* name, const std::string& where) {
  const json::value* v = o.if_contains(name);
  if (v == nullptr || !v->is_string()) return corrupt(where, std::string("lacks the text \"") + name + "\"");
  return std::string(v->get_string());
}

Result<const json::object*> object_of(const json::value& v, const std::string& where) {
  if (!v.is_object()) return corrupt(where, "expected an object");
  return &v.get_object();
}

struct BracketNames {
  const char *floor, *cap, *ratio, *cumulative, *leverage;
};
constexpr BracketNames kOurNames = {"notional_floor", "notional_cap", "maintenance_ratio", "cumulative",
                                    "max_leverage"};
constexpr BracketNames kBinanceNames = {"notionalFloor", "notionalCap", "maintMarginRatio", "cum", "initialLeverage"};

Result<LeverageBracket> bracket_of(const json::value& v, const BracketNames& names, const std::string& where) {
  QT_TRY(const json::object* o, object_of(v, where));
  LeverageBracket b;
  QT_TRY(const auto floor, fixed_member(*o, names.floor, where));
  QT_TRY(const auto ratio, fixed_member(*o, names.ratio, where));
  QT_TRY(const auto cumulative, fixed_member(*o, names.cumulative, where));
  QT_TRY(const auto leverage, fixed_member(*o, names.leverage, where));
  auto cap = fixed_member(*o, names.cap, where);
  const bool unbounded =
      !cap && o->contains(names.cap) && cap.error().context.find("out of range") != std::string::npos;
  if (!cap && !unbounded) return cap.error();
  b.notional_floor = Money::from_raw(floor);
  b.notional_cap = Money::from_raw(unbounded ? INT64_MAX : *cap);  // beyond what Money holds no notional can reach it
  b.maintenance_ratio = Ratio::from_raw(ratio);
  b.cumulative = Money::from_raw(cumulative);
  b.max_leverage = static_cast<std::int32_t>(leverage / domain::kFixedScale);
  return b;
}

Result<std::vector<LeverageBracket>> brackets_of(const json::value& v, const BracketNames& names,
                                                 const std::string& where) {
  if (!v.is_array()) return corrupt(where, "expected an array of brackets");
  std::vector<LeverageBracket> out;
  for (const auto& e : v.get_array()) {
    QT_TRY(const auto b, bracket_of(e, names, where + "[" + std::to_string(out.size()) + "]"));
    out.push_back(b);
  }
  std::sort(out.begin(), out.end(),
            [](const LeverageBracket& a, const LeverageBracket& b) { return a.notional_floor < b.notional_floor; });
  return out;
}

Result<Instrument> instrument_of(const json::value& v, const std::string& where) {
  QT_TRY(const json::object* o, object_of(v, where));
  Instrument i;
  QT_TRY(i.symbol, text_member(*o, "symbol", where));
  const std::string at = where + " " + i.symbol;
  const auto read = [&](auto& field, const char* name) -> Result<void> {
    QT_TRY(const std::int64_t raw, fixed_member(*o, name, at));
    field = std::decay_t<decltype(field)>::from_raw(raw);
    return {};
  };
  QT_TRY_VOID(read(i.tick_size, "tick_size"));
  QT_TRY_VOID(read(i.step_size, "step_size"));
  QT_TRY_VOID(read(i.min_quantity, "min_quantity"));
  QT_TRY_VOID(read(i.max_quantity, "max_quantity"));
  QT_TRY_VOID(read(i.max_market_quantity, "max_market_quantity"));
  QT_TRY_VOID(read(i.min_notional, "min_notional"));
  QT_TRY_VOID(read(i.maker_fee, "maker_fee"));
  QT_TRY_VOID(read(i.taker_fee, "taker_fee"));
  const json::value* brackets = o->if_contains("brackets");
  const json::value* assumed = o->if_contains("assumed");
  if (brackets == nullptr || assumed == nullptr || !assumed->is_bool())
    return corrupt(at, "lacks \"brackets\" or the truth value \"assumed\"");
  QT_TRY(i.brackets, brackets_of(*brackets, kOurNames, at + ".brackets"));
  i.assumed = assumed->get_bool();
  if (const auto valid = i.validate(); !valid) return corrupt(where, valid.error().context);
  return i;
}

bool has_text(const json::object& o, const char* name, std::string_view text) {
  const json::value* v = o.if_contains(name);
  return v != nullptr && v->is_string() && std::string_view(v->get_string()) == text;
}

/// One member of an exchangeInfo filter.
Result<std::int64_t> filter_value(const json::object& symbol, std::string_view filter, const char* member,
                                  const std::string& where) {
  const json::value* filters = symbol.if_contains("filters");
  if (filters != nullptr && filters->is_array())
    for (const auto& f : filters->get_array())
      if (f.is_object() && has_text(f.get_object(), "filterType", filter))
        return fixed_member(f.get_object(), member, where + "." + std::string(filter));
  return corrupt(where, "lacks the filter " + std::string(filter));
}

Result<Instrument> exchange_symbol(const json::object& o, const std::string& where) {
  Instrument i;
  QT_TRY(i.symbol, text_member(o, "symbol", where));
  const std::string at = where + " " + i.symbol;
  QT_TRY(const auto tick, filter_value(o, "PRICE_FILTER", "tickSize", at));
  QT_TRY(const auto step, filter_value(o, "LOT_SIZE", "stepSize", at));
  QT_TRY(const auto least, filter_value(o, "LOT_SIZE", "minQty", at));
  QT_TRY(const auto most, filter_value(o, "LOT_SIZE", "maxQty", at));
  QT_TRY(const auto most_market, filter_value(o, "MARKET_LOT_SIZE", "maxQty", at));
  QT_TRY(const auto notional, filter_value(o, "MIN_NOTIONAL", "notional", at));
  i.tick_size = Price::from_raw(tick);
  i.step_size = Quantity::from_raw(step);
  i.min_quantity = Quantity::from_raw(least);
  i.max_quantity = Quantity::from_raw(most);
  i.max_market_quantity = Quantity::from_raw(most_market);
  i.min_notional = Money::from_raw(notional);
  i.brackets = assumed_brackets();
  i.maker_fee = Ratio::from_raw(kMakerFeeRaw);
  i.taker_fee = Ratio::from_raw(kTakerFeeRaw);
  i.assumed = true;
  if (const auto valid = i.validate(); !valid) return corrupt(where, valid.error().context);
  return i;
}

/// A REST body as it is, or the line of a capture ("<url> -> <time>: <body>") that lists symbols.
std::string_view body_of(std::string_view text) {
  if (const std::size_t first = text.find_first_not_of(" \t\r\n");
      first != std::string_view::npos && text[first] == '{')
    return text;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (const std::size_t brace = line.find('{');
        brace != std::string_view::npos && line.find("\"symbols\"") != std::string_view::npos)
      return line.substr(brace);
    at = end + 1;
  }
  return text;
}

/// Decimals of the shortest text that reads back to the value, at most eight.
int decimals_of(double value) {
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed).ptr;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const std::size_t point = text.find('.');
  return point == std::string_view::npos ? 0 : std::min(static_cast<int>(text.size() - point - 1), 8);
}

int decimals_of(Price price) {
  std::int64_t raw = price.raw();
  int decimals = 8;
  while (decimals > 0 && raw % 10 == 0) raw /= 10, --decimals;
  return decimals;
}

std::int64_t unit_raw(int decimals) {
  std::int64_t unit = domain::kFixedScale;
  for (; decimals > 0; --decimals) unit /= 10;
  return unit;
}

}  // namespace

std::vector<LeverageBracket> assumed_brackets() {
  struct Tier {
    std::int64_t floor, cap, ratio_bps, cumulative;
    std::int32_t leverage;
  };
  // A table that Binance applied to 18 small contracts in October 2024; no table shared by more was stricter.
  static constexpr Tier kTiers[] = {{0, 5'000, 150, 0, 50},
                                    {5'000, 25'000, 250, 50, 20},
                                    {25'000, 100'000, 500, 675, 10},
                                    {100'000, 200'000, 1000, 5'675, 5},
                                    {200'000, 500'000, 1250, 10'675, 4},
                                    {500'000, 1'000'000, 2500, 73'175, 2},
                                    {1'000'000, 2'000'000, 5000, 323'175, 1}};
  std::vector<LeverageBracket> out;
  for (const Tier& t : kTiers)
    out.push_back({Money::from_int(t.floor), Money::from_int(t.cap), Ratio::from_raw(t.ratio_bps * 10'000),
                   Money::from_int(t.cumulative), t.leverage});
  return out;
}

Result<std::vector<Instrument>> parse_instruments(std::string_view text, const std::string& origin) {
  QT_TRY(const json::value v, parse_json(text, origin));
  if (!v.is_array()) return corrupt(origin, "expected an array of instruments");
  std::vector<Instrument> out;
  for (const auto& e : v.get_array()) {
    QT_TRY(auto i, instrument_of(e, origin + "[" + std::to_string(out.size()) + "]"));
    out.push_back(std::move(i));
  }
  return out;
}

Result<std::vector<Instrument>> load_instruments(const std::filesystem::path& file) {
  QT_TRY(const std::string text, read_all(file, 64 << 20));
  return parse_instruments(text, file.string());
}

Result<void> save_instruments(const std::filesystem::path& file, std::vector<Instrument> instruments) {
  std::sort(instruments.begin(), instruments.end(),
            [](const Instrument& a, const Instrument& b) { return a.symbol < b.symbol; });
  std::string text = "[";
  for (const auto& i : instruments) {
    QT_TRY_VOID(i.validate());
    text += (text.size() > 1 ? ",\n" : "\n") + base::to_json(i);
  }
  return write_file_atomically(file, text + "\n]\n");
}

Result<std::vector<Instrument>> parse_exchange_info(std::string_view text, const std::string& origin) {
  QT_TRY(const json::value v, parse_json(body_of(text), origin));
  QT_TRY(const json::object* top, object_of(v, origin));
  const json::value* symbols = top->if_contains("symbols");
  if (symbols == nullptr || !symbols->is_array()) return corrupt(origin, "lacks the array \"symbols\"");
  std::vector<Instrument> out;
  for (const auto& e : symbols->get_array()) {
    const std::string where = origin + ".symbols";
    QT_TRY(const json::object* o, object_of(e, where));
    if (!has_text(*o, "contractType", "PERPETUAL")) continue;  // dated contracts expire inside a backtest
    QT_TRY(auto i, exchange_symbol(*o, where));
    out.push_back(std::move(i));
  }
  return out;
}

Result<std::map<std::string, std::vector<LeverageBracket>>> parse_brackets(std::string_view text,
                                                                           const std::string& origin) {
  QT_TRY(const json::value v, parse_json(text, origin));
  std::map<std::string, std::vector<LeverageBracket>> out;
  const auto add_binance = [&](const json::value& e) -> Result<void> {
    QT_TRY(const json::object* o, object_of(e, origin));
    QT_TRY(const std::string symbol, text_member(*o, "symbol", origin));
    const json::value* brackets = o->if_contains("brackets");
    if (brackets == nullptr) return corrupt(origin + " " + symbol, "lacks \"brackets\"");
    QT_TRY(out[symbol], brackets_of(*brackets, kBinanceNames, origin + " " + symbol));
    return {};
  };
  if (v.is_array()) {
    for (const auto& e : v.get_array()) QT_TRY_VOID(add_binance(e));
    return out;
  }
  QT_TRY(const json::object* top, object_of(v, origin));
  if (top->contains("brackets")) {
    QT_TRY_VOID(add_binance(v));
    return out;
  }
  for (const auto& [key, tiers] : *top) {  // ccxt: "BTC/USDT:USDT" → [{…, "info": the exchange's bracket}, …]
    const std::string name(key);
    if (name.find('-') != std::string::npos) continue;  // "BTC/USDT:USDT-241227" is a dated contract
    QT_TRY(const std::string symbol, domain::canonical_symbol(name));
    if (!tiers.is_array()) return corrupt(origin + " " + name, "expected an array of tiers");
    json::array infos;
    for (const auto& t : tiers.get_array()) {
      QT_TRY(const json::object* o, object_of(t, origin + " " + name));
      if (!o->contains("info")) return corrupt(origin + " " + name, "tier lacks \"info\"");
      infos.push_back(o->at("info"));
    }
    QT_TRY(out[symbol], brackets_of(infos, kBinanceNames, origin + " " + name));
  }
  return out;
}

Result<Instrument> infer_instrument(const std::string& symbol, BarCursor& bars) {
  int price_decimals = 0, quantity_decimals = 0, seen = 0;
  for (; seen < kInferenceBars; ++seen) {
    QT_TRY(const auto bar, bars.next());
    if (!bar) break;
    for (const Price p : {bar->open, bar->high, bar->low, bar->close})
      price_decimals = std::max(price_decimals, decimals_of(p));
    quantity_decimals = std::max(quantity_decimals, decimals_of(bar->volume));
  }
  if (seen == 0) return Error{"history", Errc::NotFound, symbol + ": no bar to infer an instrument from"};
  Instrument i;
  i.symbol = symbol;
  i.tick_size = Price::from_raw(unit_raw(price_decimals));
  i.step_size = Quantity::from_raw(unit_raw(quantity_decimals));
  i.min_quantity = i.step_size;
  i.min_notional = Money::from_int(kMinNotionalUsdt);
  i.brackets = assumed_brackets();
  i.maker_fee = Ratio::from_raw(kMakerFeeRaw);
  i.taker_fee = Ratio::from_raw(kTakerFeeRaw);
  i.assumed = true;
  QT_TRY_VOID(i.validate());
  return i;
}

}  // namespace qtrader::history
