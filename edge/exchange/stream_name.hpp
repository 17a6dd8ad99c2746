// Names of market streams: `btcusdt@kline_1m` and so on, and the paths of sockets.
//
// Parsing only. Names are case-sensitive with lower-case symbols, as at the exchange; a name that is not understood is
// not an error there, just silent, so parsing answers nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.hpp"
#include "core/domain/instrument.hpp"
#include "edge/exchange/public_market.hpp"

namespace qtrader::exchange {

enum class StreamRoute : std::uint8_t { Any, Public, Market, Private };

enum class StreamKind : std::uint8_t {
  AggTrade,
  Trade,
  MarkPrice,
  AllMarkPrices,
  Kline,
  ContinuousKline,
  MiniTicker,
  AllMiniTickers,
  Ticker,
  AllTickers,
  BookTicker,
  AllBookTickers,
  ForceOrder,
  AllForceOrders,
  PartialDepth,
  DiffDepth,
  ContractInfo
};

struct StreamKey {
  StreamKind kind = StreamKind::AggTrade;
  StreamRoute route = StreamRoute::Market;
  std::optional<SymbolId> symbol;  // nothing: all symbols
  Interval interval = Interval::M1;
  std::size_t levels = 0;  // PartialDepth
  base::Duration cadence;  // in exchange time; 0: with the event
};

std::optional<StreamKey> parse_stream_name(std::string_view name, const domain::InstrumentTable& instruments);

/// Where a socket connects to.
struct SocketTarget {
  StreamRoute route = StreamRoute::Any;
  bool ws_api = false;
  bool combined = false;             // /stream: messages are wrapped
  std::vector<std::string> streams;  // of the path or the query; may be listen keys
  std::string listen_key;            // of the query
  std::vector<std::string> events;   // user events wanted; empty: all
  bool return_rate_limits = true;    // WebSocket API
};
/// Nothing for a path that is no socket of this exchange, or streams separated by commas.
std::optional<SocketTarget> parse_socket_target(std::string_view target);

}  // namespace qtrader::exchange
