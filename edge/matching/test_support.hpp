// A small exchange for the room's tests: BTCUSDT with the real brackets of late 2024, ETHUSDT with one bracket.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "edge/matching/exchange.hpp"

namespace qtrader::matching::testing {

inline Price px(const char* text) { return Price::parse(text).value(); }
inline Quantity qty(const char* text) { return Quantity::parse(text).value(); }
inline Money usd(const char* text) { return Money::parse(text).value(); }
inline Ratio frac(const char* text) { return Ratio::parse(text).value(); }
inline Timestamp at_ms(std::int64_t ms) { return Timestamp::from_unix_ms(ms); }

inline constexpr SymbolId kBtc{0}, kEth{1};
inline constexpr std::int64_t kStart = 1'700'000'000'000;

inline domain::Instrument btc() {
  domain::Instrument i;
  i.symbol = "BTCUSDT";
  i.tick_size = px("0.1");
  i.step_size = i.min_quantity = qty("0.001");
  i.max_quantity = qty("1000");
  i.max_market_quantity = qty("120");
  i.min_notional = usd("50");
  i.maker_fee = frac("0.0002");
  i.taker_fee = frac("0.0005");
  const struct {
    int leverage;
    const char *floor, *cap, *rate, *cumulative;
  } rows[] = {{125, "0", "50000", "0.004", "0"},
              {100, "50000", "600000", "0.005", "50"},
              {75, "600000", "3000000", "0.0065", "950"},
              {50, "3000000", "12000000", "0.01", "11450"},
              {25, "12000000", "70000000", "0.02", "131450"},
              {20, "70000000", "100000000", "0.025", "481450"},
              {10, "100000000", "230000000", "0.05", "2981450"},
              {5, "230000000", "480000000", "0.1", "14481450"},
              {4, "480000000", "600000000", "0.125", "26481450"},
              {3, "600000000", "800000000", "0.15", "41481450"},
              {2, "800000000", "1200000000", "0.25", "121481450"},
              {1, "1200000000", "1800000000", "0.5", "421481450"}};
  for (const auto& r : rows)
    i.brackets.push_back({usd(r.floor), usd(r.cap), frac(r.rate), usd(r.cumulative), r.leverage});
  return i;
}

inline domain::Instrument eth() {
  domain::Instrument i = btc();
  i.symbol = "ETHUSDT";
  i.tick_size = px("0.01");
  i.min_notional = usd("20");
  i.max_market_quantity = qty("1000");
  i.brackets = {{Money{}, usd("100000000"), frac("0.01"), Money{}, 50}};
  return i;
}

inline ContractRules rules() {
  ContractRules r;
  r.min_price = px("0.1");
  r.max_price = px("4529764");
  return r;
}

/// Everything that happened, by kind.
template <class Event>
std::vector<Event> only(const std::vector<ExchangeEvent>& events) {
  std::vector<Event> out;
  for (const auto& e : events)
    if (const auto* match = std::get_if<Event>(&e)) out.push_back(*match);
  return out;
}

class ExchangeTest : public ::testing::Test {
 protected:
  ExchangeTest() { reset({}); }

  void reset(ExchangeConfig config) {
    auto made =
        Exchange::create(config, domain::InstrumentTable::create({btc(), eth()}).value(), {rules(), eth_rules()});
    exchange = std::move(made).value();
    exchange->advance_to(at_ms(kStart));
  }
  static ContractRules eth_rules() {
    ContractRules r = rules();
    r.min_price = px("0.01");
    return r;
  }
  Timestamp now() const { return exchange->now(); }
  void pass(std::int64_t ms) { exchange->advance_to(now() + base::milliseconds(ms)); }

  AccountId open(const char* balance = "100000", bool hedge = false, std::int64_t group = -1) {
    return exchange->open_account({usd(balance), hedge, group});
  }
  void mark(const char* price, SymbolId symbol = kBtc) {
    exchange->on(MarkTick{symbol, px(price), px(price), frac("0.0001"), now() + base::hours(8), now()});
  }
  void level(Side side, const char* price, const char* quantity, SymbolId symbol = kBtc) {
    BookDeltaTick t{symbol, {}, {}, now()};
    (side == Side::Buy ? t.bids : t.asks).push_back({px(price), qty(quantity)});
    exchange->on(t);
  }
  /// Mark 50000, others: 5 at each of three levels a side, 10 apart.
  void market() {
    mark("50000");
    exchange->on(BookSnapshotTick{kBtc,
                                  {{px("49990"), qty("5")}, {px("49980"), qty("5")}, {px("49970"), qty("5")}},
                                  {{px("50010"), qty("5")}, {px("50020"), qty("5")}, {px("50030"), qty("5")}},
                                  now()});
    events();
  }
  void print(const char* price, const char* quantity, Side taker, SymbolId symbol = kBtc) {
    exchange->on(TradeTick{symbol, px(price), qty(quantity), taker, now()});
  }

  static NewOrder limit(Side side, const char* quantity, const char* price, TimeInForce tif = TimeInForce::Gtc) {
    NewOrder o;
    o.symbol = kBtc;
    o.side = side;
    o.quantity = qty(quantity);
    o.price = px(price);
    o.time_in_force = tif;
    return o;
  }
  static NewOrder market_order(Side side, const char* quantity) {
    NewOrder o;
    o.symbol = kBtc;
    o.side = side;
    o.type = OrderType::Market;
    o.quantity = qty(quantity);
    return o;
  }
  static NewAlgoOrder stop(Side side, const char* quantity, const char* trigger) {
    NewAlgoOrder o;
    o.symbol = kBtc;
    o.side = side;
    o.quantity = qty(quantity);
    o.trigger_price = px(trigger);
    return o;
  }
  OrderView must(AccountId account, const NewOrder& o) {
    const auto r = exchange->place(account, o);
    if (!r) {
      ADD_FAILURE() << r.refusal().code << ' ' << r.refusal().message;
      return {};
    }
    return *r;
  }
  AlgoView must(AccountId account, const NewAlgoOrder& o) {
    const auto r = exchange->place_algo(account, o);
    if (!r) {
      ADD_FAILURE() << r.refusal().code << ' ' << r.refusal().message;
      return {};
    }
    return *r;
  }
  template <class T>
  static int code(const Outcome<T>& r) {
    return r ? 0 : r.refusal().code;
  }
  int refused(AccountId account, const NewOrder& o) { return code(exchange->place(account, o)); }
  OrderView get(AccountId account, std::int64_t id) {
    const auto v = exchange->order(account, {kBtc, id, ""});
    EXPECT_TRUE(v.has_value());
    return v.value_or(OrderView{});
  }
  PositionView position(AccountId account, PositionSide side = PositionSide::Both, SymbolId symbol = kBtc) {
    for (const auto& p : exchange->positions(account, symbol))
      if (p.side == side) return p;
    ADD_FAILURE() << "no such row";
    return {};
  }
  std::vector<ExchangeEvent> events() { return exchange->take_events(); }

  std::unique_ptr<Exchange> exchange;
};

}  // namespace qtrader::matching::testing
