// World: the exchange with its market and streams, and the order in which time and ticks happen in it.
//
// In the flow: the server's driver says how far time goes, requests act on exchange() and are followed by drain().
// Between two ticks everything that is due by itself happens at its own time: conditional orders, candles' ends, stream
// cadences, expiring listen keys. One thread; no clock, no sockets: the same calls make the same messages.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "edge/exchange/accounts.hpp"
#include "edge/exchange/market_streams.hpp"
#include "edge/exchange/user_streams.hpp"
#include "edge/playback/market_source.hpp"

namespace qtrader::exchange {

class World {
 public:
  struct Config {
    matching::ExchangeConfig matching;
    PublicMarket::Config market;
    bool keys_expire = true;  // false: a listen key with an open socket never runs out by itself
  };
  struct Parts {
    domain::InstrumentTable instruments;
    std::vector<matching::ContractRules> rules;
    std::unique_ptr<playback::MarketSource> source;
    std::vector<std::vector<domain::Bar>> history;  // by symbol; of market.source's timeframe
  };
  static base::Result<std::unique_ptr<World>> create(Config config, Parts parts);

  matching::Exchange& exchange() { return *exchange_; }
  const matching::Exchange& exchange() const { return *exchange_; }
  PublicMarket& market() { return market_; }
  MarketStreams& streams() { return streams_; }
  const MarketStreams& streams() const { return streams_; }
  UserStreams& users() { return users_; }
  const UserStreams& users() const { return users_; }
  ListenKeys& listen_keys() { return listen_keys_; }

  base::Timestamp now() const { return exchange_->now(); }
  base::Timestamp begin() const { return begin_; }
  bool finished() const { return !next_tick_.has_value(); }
  /// Why the source ended early; empty if it did not.
  const std::string& source_error() const { return source_error_; }
  std::uint64_t ticks() const { return ticks_; }
  std::uint64_t events() const { return events_; }

  /// Does the next thing that is due until then: time moves to it. False: nothing is.
  bool step(base::Timestamp until);
  /// Everything until then; now() is that time afterwards, unless it was later already.
  void advance_to(base::Timestamp until);
  /// The next tick, with everything before it. False: the source has ended.
  bool play_tick();
  std::optional<base::Timestamp> next_tick_time() const;
  /// When step would next have something to do; nothing: never by itself.
  std::optional<base::Timestamp> next_due() const;
  /// Publishes what the last request did.
  void drain();

 private:
  World(Config config, std::unique_ptr<matching::Exchange> exchange, std::unique_ptr<playback::MarketSource> source);
  std::optional<base::Timestamp> next_deadline() const;
  void move_time(base::Timestamp to);
  void fetch();
  void expire_keys();

  Config config_;
  std::unique_ptr<matching::Exchange> exchange_;
  PublicMarket market_;
  MarketStreams streams_;
  UserStreams users_;
  ListenKeys listen_keys_;
  std::unique_ptr<playback::MarketSource> source_;
  std::optional<matching::MarketTick> next_tick_;
  std::string source_error_;
  base::Timestamp begin_, keys_checked_;
  std::uint64_t ticks_ = 0, events_ = 0;
};

}  // namespace qtrader::exchange
