// What the tests of streams and server share: two contracts, a market of written-down ticks, a socket that remembers.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "edge/exchange/stream_session.hpp"
#include "edge/exchange/world.hpp"
#include "edge/net/websocket.hpp"

namespace qtrader::exchange::testing {

namespace json = boost::json;
using base::Timestamp;
using domain::Money;
using domain::Price;
using domain::Quantity;
using domain::Ratio;
using matching::MarketTick;

inline Price px(const char* text) { return Price::parse(text).value(); }
inline Quantity qty(const char* text) { return Quantity::parse(text).value(); }
inline Money usd(const char* text) { return Money::parse(text).value(); }
inline Ratio frac(const char* text) { return Ratio::parse(text).value(); }

inline constexpr SymbolId kBtc{0}, kEth{1};
/// 2024-01-01 00:00 UTC, a Monday: every interval but 3d begins there.
inline constexpr Timestamp kStart = Timestamp::from_unix_ms(1'704'067'200'000);
inline Timestamp at_ms(std::int64_t ms) { return kStart + base::milliseconds(ms); }

inline domain::Instrument contract(const char* symbol, const char* tick) {
  domain::Instrument i;
  i.symbol = symbol;
  i.tick_size = px(tick);
  i.step_size = i.min_quantity = qty("0.001");
  i.min_notional = usd("5");
  i.brackets = {{Money{}, usd("50000"), frac("0.004"), Money{}, 125},
                {usd("50000"), usd("10000000"), frac("0.005"), usd("50"), 100}};
  i.maker_fee = frac("0.0002");
  i.taker_fee = frac("0.0005");
  return i;
}
inline domain::InstrumentTable contracts() {
  return domain::InstrumentTable::create({contract("BTCUSDT", "0.1"), contract("ETHUSDT", "0.01")}).value();
}
inline std::vector<matching::ContractRules> contract_rules() {
  matching::ContractRules btc;
  btc.price_precision = 1;
  matching::ContractRules eth;
  return {btc, eth};
}

/// Ticks in the order given.
class ScriptSource final : public playback::MarketSource {
 public:
  explicit ScriptSource(std::vector<MarketTick> ticks) : ticks_(std::move(ticks)) {}
  base::Result<std::optional<MarketTick>> next() override {
    if (at_ == ticks_.size()) return std::optional<MarketTick>{};
    return std::optional<MarketTick>{ticks_[at_++]};
  }
  Timestamp begin() const override { return kStart; }
  Timestamp end() const override {
    return ticks_.empty() ? kStart : matching::time_of(ticks_.back()) + base::milliseconds(1);
  }

 private:
  std::vector<MarketTick> ticks_;
  std::size_t at_ = 0;
};

inline MarketTick trade(std::int64_t ms, const char* price, const char* quantity, domain::Side taker,
                        SymbolId symbol = kBtc) {
  return matching::TradeTick{symbol, px(price), qty(quantity), taker, at_ms(ms)};
}
inline MarketTick mark(std::int64_t ms, const char* price, SymbolId symbol = kBtc) {
  return matching::MarkTick{symbol, px(price), px(price), frac("0.0001"), kStart + base::hours(8), at_ms(ms)};
}
inline MarketTick book(std::int64_t ms, std::vector<matching::BookLevel> bids, std::vector<matching::BookLevel> asks,
                       SymbolId symbol = kBtc) {
  return matching::BookSnapshotTick{symbol, std::move(bids), std::move(asks), at_ms(ms)};
}
inline MarketTick delta(std::int64_t ms, std::vector<matching::BookLevel> bids, std::vector<matching::BookLevel> asks,
                        SymbolId symbol = kBtc) {
  return matching::BookDeltaTick{symbol, std::move(bids), std::move(asks), at_ms(ms)};
}
/// BTC at 50 000 with three levels a side, and its mark.
inline std::vector<MarketTick> opening() {
  return {mark(0, "50000"), mark(0, "3000", kEth),
          book(0, {{px("49999"), qty("5")}, {px("49998"), qty("5")}, {px("49990"), qty("5")}},
               {{px("50001"), qty("5")}, {px("50002"), qty("5")}, {px("50010"), qty("5")}}),
          book(0, {{px("2999.5"), qty("50")}}, {{px("3000.5"), qty("50")}}, kEth)};
}

inline std::unique_ptr<World> make_world(std::vector<MarketTick> ticks,
                                         domain::Timeframe timeframe = domain::Timeframe::M5) {
  World::Config config;
  config.market.source = timeframe;
  auto world =
      World::create(config, {contracts(), contract_rules(), std::make_unique<ScriptSource>(std::move(ticks)), {}});
  EXPECT_TRUE(world.ok());
  return std::move(world).value();
}

/// Remembers what was sent to it.
class FakeSocket final : public net::WebSocket {
 public:
  void set_handlers(net::WebSocketHandlers handlers) override { handlers_ = std::move(handlers); }
  void send(std::shared_ptr<const std::string> text) override { texts.push_back(std::move(text)); }
  void ping(std::string_view) override { ++pings; }
  void close(std::string_view) override { closed = true; }
  void abort() override { closed = true; }
  std::size_t queued_bytes() const override { return 0; }

  std::vector<json::value> parsed() const {
    std::vector<json::value> out;
    for (const auto& t : texts) out.push_back(json::parse(*t));
    return out;
  }
  /// Messages with this `e`.
  std::vector<json::value> of(std::string_view event) const {
    std::vector<json::value> out;
    for (auto& v : parsed())
      if (v.is_object() && v.as_object().contains("e") && v.at("e").as_string() == event) out.push_back(std::move(v));
    return out;
  }
  std::vector<std::string> events() const {
    std::vector<std::string> out;
    for (const auto& v : parsed())
      if (v.is_object() && v.as_object().contains("e")) out.emplace_back(v.at("e").as_string());
    return out;
  }
  const std::string& last() const { return *texts.back(); }

  std::vector<std::shared_ptr<const std::string>> texts;
  int pings = 0;
  bool closed = false;

 private:
  net::WebSocketHandlers handlers_;
};

/// A world with a session on a fake socket.
struct StreamRig {
  explicit StreamRig(std::vector<MarketTick> ticks, domain::Timeframe timeframe = domain::Timeframe::M5)
      : world(make_world(std::move(ticks), timeframe)),
        rooms{world->streams(), world->users(),
              [this](const std::string& key) { return world->listen_keys().account_of(key, world->now()); }, nullptr,
              false} {}

  /// A session on the target, "/ws/btcusdt@trade"; its socket is the result.
  std::shared_ptr<FakeSocket> connect(std::string_view target) {
    auto socket = std::make_shared<FakeSocket>();
    auto parsed = parse_socket_target(target);
    EXPECT_TRUE(parsed.has_value()) << target;
    sessions.push_back(std::make_unique<StreamSession>(rooms, socket, *parsed, Timestamp{}));
    return socket;
  }
  std::string ask(const std::string& frame) {
    wall = wall + base::seconds(1);
    EXPECT_TRUE(sessions.back()->on_text(frame, wall));
    return static_cast<FakeSocket&>(*sessions.back()->socket()).last();
  }

  std::unique_ptr<World> world;
  StreamSession::Rooms rooms;
  std::vector<std::unique_ptr<StreamSession>> sessions;
  Timestamp wall;
};

}  // namespace qtrader::exchange::testing
