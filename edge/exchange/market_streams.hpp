// MarketStreams: what the exchange publishes to everyone: every stream of the market, at its cadence.
//
// In the flow: the server gives it each matching event after PublicMarket has seen it, and the time; sockets subscribe
// by name. Cadences are measured in exchange time and a stream that has not changed sends nothing, so nothing piles up
// however fast the market is played. Messages are built once and only for streams that somebody has. Order is a
// function of events, times and subscriptions alone. It knows no sockets.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "edge/exchange/market_messages.hpp"
#include "edge/exchange/stream_name.hpp"
#include "edge/exchange/subscriber.hpp"
#include "edge/matching/exchange.hpp"

namespace qtrader::exchange {

class MarketStreams {
 public:
  /// The references must outlive it.
  MarketStreams(const matching::Exchange& exchange, PublicMarket& market);
  ~MarketStreams();

  /// False for a name that is not understood, or with a subscriber that has it already.
  bool subscribe(const std::string& name, Subscriber& subscriber);
  void unsubscribe(const std::string& name, Subscriber& subscriber);
  /// Where the stream is served; nothing for a name that is not understood.
  std::optional<StreamRoute> route_of(const std::string& name) const;

  /// After market.on(event).
  void on(const matching::ExchangeEvent& event);
  /// After the last event of what happened at once: real-time streams show the state it led to.
  void settle();
  /// Publishes what is due until then, that time included. market.advance_to comes first.
  void advance_to(Timestamp now);
  std::optional<Timestamp> next_deadline() const;

  /// Asked for each message of a diff depth stream; true loses it, so that receivers see a gap (fault injection).
  void set_depth_fault(std::function<bool(SymbolId)> lose);
  std::uint64_t published() const;  // messages, counted once however many get them

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qtrader::exchange
