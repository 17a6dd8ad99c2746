#include "edge/binance/messages_fast.hpp"

#include <simdjson.h>

#include "edge/binance/decimal.hpp"

namespace qtrader::binance::fast {
namespace {

namespace ondemand = simdjson::ondemand;

/// The characters of a string token, unless it has an escape.
bool plain_text(ondemand::value& value, std::string_view& out) {
  const std::string_view token = value.raw_json_token();
  if (token.size() < 2 || token.front() != '"') return false;
  for (std::size_t i = 1; i < token.size(); ++i) {
    if (token[i] == '"') {
      out = token.substr(1, i - 1);
      return true;
    }
    if (token[i] == '\\') return false;
  }
  return false;
}

bool read(ondemand::value& value, std::string& out) {
  std::string_view text;
  if (!plain_text(value, text)) return false;
  out.assign(text);
  return true;
}
bool read(ondemand::value& value, std::int64_t& out) { return !value.get_int64().get(out); }
bool read(ondemand::value& value, bool& out) { return !value.get_bool().get(out); }
bool read(ondemand::value& value, base::Timestamp& out) {
  std::int64_t ms = 0;
  if (value.get_int64().get(ms) || ms < 0 || ms > 9'223'372'036'854) return false;
  out = base::Timestamp::from_unix_ms(ms);
  return true;
}
template <class Tag>
bool read(ondemand::value& value, domain::Fixed<Tag>& out) {
  std::string_view text;
  std::int64_t raw = 0;
  if (!plain_text(value, text) || !parse_decimal(text, raw)) return false;
  out = domain::Fixed<Tag>::from_raw(raw);
  return true;
}
bool read(ondemand::value& value, std::vector<Level>& out) {
  ondemand::array rows;
  if (value.get_array().get(rows)) return false;
  out.reserve(64);
  for (auto row_result : rows) {
    ondemand::array row;
    if (row_result.get_array().get(row)) return false;
    Level level;
    int column = 0;
    for (auto cell_result : row) {
      ondemand::value cell;
      if (std::move(cell_result).get(cell)) return false;
      if (column == 0 && !read(cell, level.price)) return false;
      if (column == 1 && !read(cell, level.quantity)) return false;
      ++column;
    }
    if (column < 2 || !level.price.is_positive() || level.quantity.is_negative()) return false;
    out.push_back(level);
  }
  return true;
}

// One function per message: which field a key is. Bit n of `seen` stands for the n-th; a bit set twice is a surprise.
enum class Outcome : std::uint8_t { Good, Bad, Ignored };
template <class T>
Outcome take(ondemand::value& value, T& out, std::uint32_t& seen, std::uint32_t bit) {
  if ((seen & bit) != 0 || !read(value, out)) return Outcome::Bad;
  seen |= bit;
  return Outcome::Good;
}

constexpr std::uint32_t kBookTickerFields = 0xFF;
Outcome field(BookTicker& m, char key, ondemand::value& v, std::uint32_t& seen) {
  switch (key) {
    case 's':
      return take(v, m.symbol, seen, 1);
    case 'u':
      return take(v, m.update_id, seen, 2);
    case 'b':
      return take(v, m.bid.price, seen, 4);
    case 'B':
      return take(v, m.bid.quantity, seen, 8);
    case 'a':
      return take(v, m.ask.price, seen, 16);
    case 'A':
      return take(v, m.ask.quantity, seen, 32);
    case 'T':
      return take(v, m.transaction_time, seen, 64);
    case 'E':
      return take(v, m.event_time, seen, 128);
    default:
      return Outcome::Ignored;
  }
}

constexpr std::uint32_t kAggTradeFields = 0x1FF;
Outcome field(AggTrade& m, char key, ondemand::value& v, std::uint32_t& seen) {
  switch (key) {
    case 's':
      return take(v, m.symbol, seen, 1);
    case 'a':
      return take(v, m.id, seen, 2);
    case 'p':
      return take(v, m.price, seen, 4);
    case 'q':
      return take(v, m.quantity, seen, 8);
    case 'f':
      return take(v, m.first_trade_id, seen, 16);
    case 'l':
      return take(v, m.last_trade_id, seen, 32);
    case 'T':
      return take(v, m.trade_time, seen, 64);
    case 'E':
      return take(v, m.event_time, seen, 128);
    case 'm':
      return take(v, m.buyer_is_maker, seen, 256);
    default:
      return Outcome::Ignored;
  }
}

constexpr std::uint32_t kTradeFields = 0x7F;
Outcome field(Trade& m, char key, ondemand::value& v, std::uint32_t& seen) {
  switch (key) {
    case 's':
      return take(v, m.symbol, seen, 1);
    case 't':
      return take(v, m.id, seen, 2);
    case 'p':
      return take(v, m.price, seen, 4);
    case 'q':
      return take(v, m.quantity, seen, 8);
    case 'T':
      return take(v, m.trade_time, seen, 16);
    case 'E':
      return take(v, m.event_time, seen, 32);
    case 'm':
      return take(v, m.buyer_is_maker, seen, 64);
    case 'X': {
      std::string_view text;
      if ((seen & 128) != 0 || !plain_text(v, text)) return Outcome::Bad;
      m.on_market = text == "MARKET";
      seen |= 128;
      return Outcome::Good;
    }
    default:
      return Outcome::Ignored;
  }
}

constexpr std::uint32_t kDepthFields = 0x7F | 512;
Outcome field(DepthUpdate& m, char key, ondemand::value& v, std::uint32_t& seen) {
  switch (key) {
    case 's':
      return take(v, m.symbol, seen, 1);
    case 'U':
      return take(v, m.first_update_id, seen, 2);
    case 'u':
      return take(v, m.last_update_id, seen, 4);
    case 'b':
      return take(v, m.bids, seen, 8);
    case 'a':
      return take(v, m.asks, seen, 16);
    case 'T':
      return take(v, m.transaction_time, seen, 32);
    case 'E':
      return take(v, m.event_time, seen, 64);
    default:
      return Outcome::Ignored;
  }
}
Outcome two_letter_field(DepthUpdate& m, const char* key, ondemand::value& v, std::uint32_t& seen) {
  return key[0] == 'p' && key[1] == 'u' ? take(v, m.previous_update_id, seen, 512) : Outcome::Ignored;
}
template <class M>
Outcome two_letter_field(M&, const char*, ondemand::value&, std::uint32_t&) {
  return Outcome::Ignored;
}

using Iterator = simdjson::simdjson_result<ondemand::object_iterator>;

/// The fields after "e". False: a surprise.
template <class M>
bool read_fields(Iterator& at, const Iterator& end, std::uint32_t required, M& message) {
  std::uint32_t seen = 0;
  for (++at; at != end; ++at) {
    ondemand::field entry;
    if ((*at).get(entry)) return false;
    const char* key = entry.key().raw();
    Outcome outcome = Outcome::Ignored;
    if (key[0] == '\\' || key[0] == '"') return false;
    if (key[1] == '"')
      outcome = field(message, key[0], entry.value(), seen);
    else if (key[1] != '\\' && key[2] == '"')
      outcome = two_letter_field(message, key, entry.value(), seen);
    if (outcome == Outcome::Bad) return false;
  }
  return (seen & required) == required;
}

template <class M>
std::optional<MarketMessage> read_message(Iterator& at, const Iterator& end, std::uint32_t required) {
  std::optional<MarketMessage> out(std::in_place, std::in_place_type<M>);
  if (!read_fields(at, end, required, std::get<M>(*out))) return std::nullopt;
  return out;
}

std::optional<MarketMessage> read_payload(ondemand::object& object, std::string_view stream) {
  Iterator at = object.begin();
  const Iterator end = object.end();
  if (at == end) return std::nullopt;
  ondemand::field first;
  std::string_view kind;
  if ((*at).get(first) || first.key().raw()[0] != 'e' || first.key().raw()[1] != '"' ||
      !plain_text(first.value(), kind))
    return std::nullopt;
  if (kind == "bookTicker") return read_message<BookTicker>(at, end, kBookTickerFields);
  if (kind == "aggTrade") return read_message<AggTrade>(at, end, kAggTradeFields);
  if (kind == "trade") return read_message<Trade>(at, end, kTradeFields);
  if (kind == "depthUpdate") {
    auto out = read_message<DepthUpdate>(at, end, kDepthFields);
    if (out) std::get<DepthUpdate>(*out).partial = is_partial_depth(stream);
    return out;
  }
  return std::nullopt;
}

}  // namespace

bool is_partial_depth(std::string_view stream) {
  const auto at = stream.find("@depth");
  return at != std::string_view::npos && stream.size() > at + 6 && stream[at + 6] != '@';
}

std::optional<MarketMessage> parse_market_fast(std::string_view padded_text) {
  thread_local ondemand::parser parser;
  ondemand::document document;
  ondemand::object object;
  const simdjson::padded_string_view view(padded_text.data(), padded_text.size(), padded_text.size() + kPadding);
  if (parser.iterate(view).get(document) || document.get_object().get(object)) return std::nullopt;
  std::optional<MarketMessage> out;
  // Both forms open with a known key; anything else is not for this way.
  constexpr std::string_view kWrapper = R"({"stream":")";
  if (!padded_text.starts_with(kWrapper)) {
    out = read_payload(object, {});
  } else {
    std::string_view stream;
    ondemand::object data;
    for (auto entry_result : object) {
      ondemand::field entry;
      if (std::move(entry_result).get(entry)) return std::nullopt;
      const char* key = entry.key().raw();
      if (std::string_view(key, 7) == "stream\"") {
        if (!plain_text(entry.value(), stream)) return std::nullopt;
      } else if (std::string_view(key, 5) == "data\"") {
        if (entry.value().get_object().get(data)) return std::nullopt;
        out = read_payload(data, stream);
        break;
      } else {
        return std::nullopt;
      }
    }
  }
  return out;
}

}  // namespace qtrader::binance::fast
