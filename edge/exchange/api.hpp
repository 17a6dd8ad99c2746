// Api: the request side of the protocol: every REST route and WebSocket API method, with signatures, parameters,
// filters' error codes, weights and rate-limit headers.
//
// In the flow: server.cpp hands it requests and gets complete answers; matching::Exchange does what they ask. It never
// touches a socket, sends no stream message and plays no fault. Time is the server's clock (with its skew), given in.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "edge/exchange/accounts.hpp"
#include "edge/exchange/public_market.hpp"
#include "edge/matching/exchange.hpp"
#include "edge/net/http.hpp"

namespace qtrader::exchange {

struct ApiConfig {
  int weight_1m = 2'400, orders_10s = 300, orders_1m = 1'200;
  bool enforce_limits = true;
  bool ack_average_price = true;  // avgPrice, cumQuote in order answers, as before July 2026
  bool algo_service = true;       // false: conditional types still go through /order (before 2025-12-09)
};

/// State of one WebSocket API connection.
struct ApiSession {
  std::string peer;
  const ApiKey* logged_on = nullptr;
  base::Timestamp connected, authorised;
  bool return_limits = true;
};

class Api {
 public:
  struct Rooms {
    matching::Exchange& exchange;
    PublicMarket& market;
    Keyring& keys;
    ListenKeys& listen_keys;
    std::function<base::Timestamp()> now;  // the server's clock as clients see it
  };
  Api(Rooms rooms, ApiConfig config);
  ~Api();

  net::HttpResponse handle(const net::HttpRequest& request, std::string_view peer);
  /// One frame of the WebSocket API and its answer.
  std::string handle_frame(std::string_view text, ApiSession& session);
  /// Weight of a WebSocket API handshake (5); false: over the limit, refuse with 429 or 418.
  bool admit_handshake(std::string_view peer);
  /// Fault injection: all requests of the peer are answered 418 until then.
  void ban(std::string_view peer, base::Timestamp until);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qtrader::exchange
