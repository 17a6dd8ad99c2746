// Gateway: a Binance USD-M account and its market as seen by the core: a Venue for commands and a source of events.
//
// Owns the REST client, the market sockets (/public, /market), the user socket (/private) with its listenKey, the local
// order books and the planned reconnects (before 24 h, new socket first). Everything it learns leaves through the one
// sink, on the loop's thread, as domain events: bars, marks, funding, book tops and depth; order reports, fills
// (deduplicated by trade id), funding payments, leverage read back, account snapshots; and VenueLink whenever what can
// be relied on changes. It promises what the Venue port promises: each submit ends in exactly one definite answer: an
// unknown outcome is queried by client id (0.2, 0.5, 1, 2 s …) before anything is sent again, an entry is never sent
// twice, a reducing order is repeated under the same id. It never decides to trade.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/domain/events.hpp"
#include "core/domain/instrument.hpp"
#include "core/execution/venue.hpp"
#include "core/execution/wire_id.hpp"
#include "edge/binance/rest_client.hpp"

namespace qtrader::binance {

struct GatewayConfig {
  Endpoints endpoints;
  RestConfig rest;
  execution::WireIdentity identity;
  bool trade = true;  // false: market data only (paper mode); no key is needed and Venue calls are refused
  domain::Timeframe base = domain::Timeframe::M5;
  std::int64_t heartbeat_s = 10;  // countdownCancelAll of symbols with working entry orders
  std::int64_t countdown_s = 30;
  std::int64_t stale_after_s = 15;  // no market message for this long: reconnect
  std::int64_t reconnect_after_s = 23 * 3600;
  std::int64_t rest_poll_s = 2;    // positions, while the user stream is down
  std::int32_t backfill_bars = 0;  // base bars fetched at start for warm-up
  bool stream_depth = true;
  std::int32_t control_frames_per_s = 8;  // a socket, for barrier(): the exchange cuts at 10. 0: no limit
};

struct AccountState {
  bool hedge_mode = false, multi_assets = false, can_trade = true;
  domain::Money wallet;
};

class Gateway : public execution::Venue {
 public:
  using Sink = std::function<void(domain::Event)>;
  /// Reads exchangeInfo (and, with a key, leverage brackets and commission rates) of the endpoints: the instruments of
  /// a run, in the order of `symbols`. Errors: NotFound naming the symbol, Unavailable.
  static void load_instruments(RestClient& rest, std::vector<std::string> symbols,
                               std::function<void(base::Result<domain::InstrumentTable>)> done);
  static base::Result<std::unique_ptr<Gateway>> create(net::Loop& loop, std::unique_ptr<RestClient> rest,
                                                       domain::InstrumentTable instruments, GatewayConfig config,
                                                       Sink sink);
  /// Account checks (one-way mode, permissions), time sync, backfill as BarClosed events in order of time, sockets,
  /// first snapshot; then VenueLink Ready. The callback says when the start is over and what it found. Errors: what
  /// makes trading impossible, named.
  virtual void start(base::Timestamp backfill_from, std::function<void(base::Result<AccountState>)> done) = 0;
  /// The canary: places a conditional order far from the market at the algo service, reads it back and cancels it, so
  /// that a protocol change shows before a position needs its stop. Errors: Unsupported saying what the venue answered.
  virtual void probe_stop(std::function<void(base::Result<void>)> done) = 0;
  /// Waits until every message the exchange has sent so far on our sockets has been handled (a round trip on each).
  virtual void barrier(std::function<void()> done) = 0;
  /// Commands, queries and snapshots whose answer is still to come, waits before a retry included. With barrier() what
  /// tells a lockstep world that nothing more will happen by itself.
  virtual std::size_t outstanding() const = 0;
  virtual void stop() = 0;
  virtual RestClient& rest() = 0;
};

}  // namespace qtrader::binance
