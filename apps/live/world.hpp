// World: what a trader's core is plugged into: time, a market and a venue. SimWorld makes all three up; GatewayWorld
// has the exchange's. Both run until told to stop, on the thread that calls run().
#pragma once

#include <functional>
#include <string>

#include "apps/live/core_host.hpp"
#include "edge/net/loop.hpp"

namespace qtrader::apps {

/// What everyone who asks is told of a running trader.
struct WorldStatus {
  std::string mode;
  std::string link;  // "ready", or why not
  base::Timestamp now;
  std::uint64_t events = 0, orders_sent = 0, fills = 0;
  std::size_t open_trades = 0;
  domain::Money equity, wallet, unrealised;
  bool killed = false;
  bool trading_ready = false;    // reconciled with the venue and allowed to open positions
  double start_to_ready_s = -1;  // −1: not yet
};
QT_DESCRIBE(WorldStatus, mode, link, now, events, orders_sent, fills, open_trades, equity, wallet, unrealised, killed,
            trading_ready, start_to_ready_s)

class World {
 public:
  virtual ~World() = default;
  /// Until stop(), the end of the market, or an error nothing can be done about.
  virtual base::Result<void> run() = 0;
  virtual void stop() = 0;
  virtual void on_operator(domain::OperatorCommand command) = 0;
  virtual WorldStatus status() const = 0;
};

}  // namespace qtrader::apps
