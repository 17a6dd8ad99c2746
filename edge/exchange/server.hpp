// ExchangeServer: a Binance-USD-M-shaped exchange on one port: REST, market streams, user data stream, WebSocket API
// and a control endpoint, in front of matching::Exchange and a market to play.
//
// It drives the clock: ticks are played at `speed` times real time, as fast as they come (0), or only when the control
// endpoint says so (lockstep: what tests and qtrader's own sim use, because it makes a run repeatable). Faults are
// played here, between the sockets and the Api, so that everything behind stays right while the wire misbehaves.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "edge/exchange/api.hpp"
#include "edge/net/server.hpp"
#include "edge/playback/market_source.hpp"

namespace qtrader::exchange {

struct AccountConfig {
  std::string api_key = "demo";
  std::string secret = "demo";  // or a public key in PEM
  ApiKeyType type = ApiKeyType::Hmac;
  domain::Money balance = domain::Money::from_int(10'000);
  bool hedge_mode = false;
};

struct ExchangeServerConfig {
  net::ServerConfig net;
  ApiConfig api;  // enforce_limits also rules the control frames of sockets
  matching::ExchangeConfig matching;
  std::vector<AccountConfig> accounts;  // empty: one, key and secret "demo", 10 000 USDT
  double speed = 1;                     // 0: as fast as clients keep up
  bool lockstep = false;                // time moves only by POST /control/advance
  bool strict_routes = false;           // unrouted sockets deliver public streams only, as production since 2026-04-23
  std::string control_key = "control";  // header X-Control-Key
  std::int64_t stream_latency_ms = 0;   // of user stream messages, in wall time
  PublicMarket::Config market;          // market.source: the timeframe of the source's bars and of the history
  /// The source's times and the history are moved by a constant, and so much of the source is played at once, that the
  /// exchange's time is the wall clock's when it starts. For speed 1 without lockstep: clients sign with wall time.
  bool wall_clock = false;
  base::Duration warm_up;  // of the source, played at once before the exchange opens
};

class ExchangeServer {
 public:
  /// market_history: bars that precede the source's begin, by symbol, for klines.
  static base::Result<std::unique_ptr<ExchangeServer>> start(net::Loop& loop, ExchangeServerConfig config,
                                                             domain::InstrumentTable instruments,
                                                             std::vector<matching::ContractRules> rules,
                                                             std::unique_ptr<playback::MarketSource> source,
                                                             std::vector<std::vector<domain::Bar>> market_history);
  virtual ~ExchangeServer() = default;
  virtual std::uint16_t port() const = 0;
  virtual base::Timestamp now() const = 0;   // the exchange's time
  virtual bool finished() const = 0;         // the source has ended
  virtual base::Duration shift() const = 0;  // of the source's times, with wall_clock
};

}  // namespace qtrader::exchange
