#include "edge/exchange/stream_name.hpp"

#include <algorithm>
#include <array>

#include "edge/net/http.hpp"

namespace qtrader::exchange {
namespace {

using base::milliseconds;
using base::seconds;

struct Simple {
  std::string_view suffix;
  StreamKind kind;
  StreamRoute route;
  base::Duration cadence;
};

constexpr std::array kOfSymbol = {
    Simple{"aggTrade", StreamKind::AggTrade, StreamRoute::Market, {}},
    Simple{"trade", StreamKind::Trade, StreamRoute::Public, {}},
    Simple{"markPrice", StreamKind::MarkPrice, StreamRoute::Market, seconds(3)},
    Simple{"markPrice@1s", StreamKind::MarkPrice, StreamRoute::Market, seconds(1)},
    Simple{"miniTicker", StreamKind::MiniTicker, StreamRoute::Market, seconds(2)},
    Simple{"ticker", StreamKind::Ticker, StreamRoute::Market, seconds(2)},
    Simple{"bookTicker", StreamKind::BookTicker, StreamRoute::Public, {}},
    Simple{"forceOrder", StreamKind::ForceOrder, StreamRoute::Market, seconds(1)},
    // The book has no retail-liquidity orders of its own, so this is the whole book at another speed.
    Simple{"rpiDepth@500ms", StreamKind::DiffDepth, StreamRoute::Public, milliseconds(500)},
};
constexpr std::array kOfAll = {
    Simple{"!markPrice@arr", StreamKind::AllMarkPrices, StreamRoute::Market, seconds(3)},
    Simple{"!markPrice@arr@1s", StreamKind::AllMarkPrices, StreamRoute::Market, seconds(1)},
    Simple{"!miniTicker@arr", StreamKind::AllMiniTickers, StreamRoute::Market, seconds(1)},
    Simple{"!ticker@arr", StreamKind::AllTickers, StreamRoute::Market, seconds(1)},
    Simple{"!bookTicker", StreamKind::AllBookTickers, StreamRoute::Public, seconds(5)},
    Simple{"!forceOrder@arr", StreamKind::AllForceOrders, StreamRoute::Market, seconds(1)},
    Simple{"!contractInfo", StreamKind::ContractInfo, StreamRoute::Market, {}},
};

StreamKey key_of(const Simple& s) {
  StreamKey key;
  key.kind = s.kind;
  key.route = s.route;
  key.cadence = s.cadence;
  return key;
}

std::optional<SymbolId> find_lower(std::string_view lower, const domain::InstrumentTable& instruments) {
  std::string upper;
  for (const char c : lower) {
    if (c >= 'A' && c <= 'Z') return std::nullopt;
    upper.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  return instruments.find(upper);
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// The speed after `depth` or `depth5`: nothing for an unknown one.
std::optional<base::Duration> parse_speed(std::string_view text) {
  if (text.empty() || text == "@250ms") return milliseconds(250);
  if (text == "@100ms") return milliseconds(100);
  if (text == "@500ms") return milliseconds(500);
  if (text == "@0ms") return base::Duration{0};
  return std::nullopt;
}

std::optional<StreamKey> parse_depth(std::string_view rest) {
  StreamKey key;
  key.route = StreamRoute::Public;
  key.kind = StreamKind::DiffDepth;
  for (const std::size_t levels : {5u, 10u, 20u}) {
    const std::string digits = std::to_string(levels);
    if (!rest.starts_with(digits)) continue;
    rest.remove_prefix(digits.size());
    key.kind = StreamKind::PartialDepth;
    key.levels = levels;
    break;
  }
  const auto speed = parse_speed(rest);
  if (!speed) return std::nullopt;
  key.cadence = *speed;
  return key;
}

std::optional<StreamKey> parse_suffix(std::string_view suffix) {
  for (const auto& s : kOfSymbol)
    if (s.suffix == suffix) return key_of(s);
  if (take_prefix(suffix, "depth")) return parse_depth(suffix);
  StreamKey key;
  key.cadence = milliseconds(250);
  if (take_prefix(suffix, "kline_"))
    key.kind = StreamKind::Kline;
  else if (take_prefix(suffix, "continuousKline_"))
    key.kind = StreamKind::ContinuousKline;
  else
    return std::nullopt;
  const auto interval = parse_interval(suffix);
  if (!interval) return std::nullopt;
  key.interval = *interval;
  return key;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto at = text.find(separator);
    if (at != 0) out.emplace_back(text.substr(0, at));
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  }
  return out;
}

}  // namespace

std::optional<StreamKey> parse_stream_name(std::string_view name, const domain::InstrumentTable& instruments) {
  for (const auto& s : kOfAll)
    if (s.suffix == name) return key_of(s);
  const auto at = name.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  auto key = parse_suffix(name.substr(at + 1));
  if (!key) return std::nullopt;
  std::string_view symbol = name.substr(0, at);
  if (key->kind == StreamKind::ContinuousKline) {
    const auto line = symbol.rfind('_');
    if (line == std::string_view::npos || symbol.substr(line + 1) != "perpetual") return std::nullopt;
    symbol = symbol.substr(0, line);
  }
  key->symbol = find_lower(symbol, instruments);
  if (!key->symbol) return std::nullopt;
  return key;
}

std::optional<SocketTarget> parse_socket_target(std::string_view target) {
  SocketTarget out;
  const auto mark = target.find('?');
  std::string_view path = target.substr(0, mark);
  const std::string_view query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  if (take_prefix(path, "/public"))
    out.route = StreamRoute::Public;
  else if (take_prefix(path, "/market"))
    out.route = StreamRoute::Market;
  else if (take_prefix(path, "/private"))
    out.route = StreamRoute::Private;

  if (path == "/ws-fapi/v1" && out.route == StreamRoute::Any) {
    out.ws_api = true;
  } else if (path == "/stream") {
    out.combined = true;
  } else if (path.starts_with("/ws/")) {
    // A path of digits alone names no stream: some clients number their sockets there.
    for (auto& name : split(path.substr(4), '/'))
      if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
        out.streams.push_back(net::percent_decode(name));
  } else if (path != "/ws" && path != "/" && !path.empty()) {
    return std::nullopt;
  }
  for (const auto& [key, value] : net::parse_query(query)) {
    if (key == "streams" && out.combined)
      for (auto& name : split(value, '/')) out.streams.push_back(std::move(name));
    if (key == "listenKey") out.listen_key = value;
    if (key == "events") out.events = split(value, '/');
    if (key == "returnRateLimits") out.return_rate_limits = value != "false";
  }
  for (const auto& name : out.streams)
    if (name.find(',') != std::string::npos) return std::nullopt;
  return out;
}

}  // namespace qtrader::exchange
