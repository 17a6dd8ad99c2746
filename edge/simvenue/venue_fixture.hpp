// Test fixture of this room: one or two simple contracts, bars from plain numbers, and the answers sorted by kind.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "edge/simvenue/matching_engine.hpp"

namespace qtrader::simvenue::testing {

using domain::Money;
using domain::OrderStatus;
using domain::OrderType;
using domain::Price;
using domain::Quantity;
using domain::Ratio;
using domain::Side;
using domain::SymbolId;
using domain::VenueReason;

inline Price px(double v) { return Price::from_double(v); }
inline Quantity qty(double v) { return Quantity::from_double(v); }
inline Money usd(double v) { return Money::from_double(v); }

inline constexpr SymbolId kA{0}, kB{1};
inline const base::Timestamp kStart = base::Timestamp::from_unix_ms(1'700'000'100'000);  // a whole 5-minute slot

inline domain::Instrument contract(const std::string& symbol) {
  domain::Instrument i;
  i.symbol = symbol;
  i.tick_size = px(0.01);
  i.step_size = qty(0.001);
  i.min_quantity = qty(0.001);
  i.max_quantity = qty(100'000);
  i.max_market_quantity = qty(50'000);
  i.min_notional = usd(5);
  i.brackets = {{usd(0), usd(50'000), Ratio::from_double(0.004), usd(0), 125},
                {usd(50'000), usd(600'000), Ratio::from_double(0.005), usd(50), 100},
                {usd(600'000), usd(3'000'000), Ratio::from_double(0.0065), usd(950), 75}};
  i.maker_fee = Ratio::from_double(0.0002);
  i.taker_fee = Ratio::from_double(0.0005);
  return i;
}

struct Ohlc {
  double open, high, low, close;
  double volume = 1'000'000;
};

inline SimVenueConfig plain() {
  SimVenueConfig c;
  c.slippage = SlippageModel::None;
  c.submit_failure_rate = 0;
  return c;
}

/// Drives an engine bar by bar as the world does: open phase 5 s after the slot's start, path phase 1 ms before its
/// end.
class Bench {
 public:
  explicit Bench(SimVenueConfig config = plain(), std::uint64_t seed = 7)
      : table_(domain::InstrumentTable::create({contract("AUSDT"), contract("BUSDT")}).value()),
        engine_(table_, config, base::Rng(seed)) {
    engine_.advance_to(kStart - base::minutes(1));
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  MatchingEngine& engine() { return engine_; }
  const MatchingEngine& engine() const { return engine_; }
  const domain::InstrumentTable& table() const { return table_; }
  const Holding& holding(SymbolId s = kA) const { return engine_.account()[s]; }
  base::Timestamp slot() const { return slot_; }

  domain::Bar bar(const Ohlc& v) const {
    domain::Bar b;
    b.open_time = slot_;
    b.timeframe = domain::Timeframe::M5;
    b.open = px(v.open);
    b.high = px(v.high);
    b.low = px(v.low);
    b.close = px(v.close);
    b.volume = v.volume;
    b.quote_volume = v.volume * v.close;
    b.columns = domain::kHasQuoteVolume;
    return b;
  }
  void open(const Ohlc& v, SymbolId s = kA) {
    at(base::seconds(5));
    engine_.on_bar_open(s, bar(v));
    collect(base::milliseconds(500));
  }
  /// Ends the slot.
  void path(const Ohlc& v, SymbolId s = kA) {
    at(base::minutes(5) - base::milliseconds(1));
    engine_.on_bar_path(s, bar(v));
    slot_ = slot_ + base::minutes(5);
    at({});
    collect(base::milliseconds(200));
  }
  void show(const Ohlc& v, SymbolId s = kA) {
    open(v, s);
    path(v, s);
  }
  /// The slot passes without a look at the symbol.
  void skip() {
    at(base::seconds(5));
    collect(base::milliseconds(500));
    at(base::minutes(5) - base::milliseconds(1));
    slot_ = slot_ + base::minutes(5);
    at({});
    collect(base::milliseconds(200));
  }
  /// Time within the slot, if later than now.
  void at(base::Duration offset) {
    if (slot_ + offset > now_) now_ = slot_ + offset;
    engine_.advance_to(now_);
  }
  /// Lets time pass and takes what has become due.
  void collect(base::Duration wait) {
    now_ = now_ + wait;
    engine_.advance_to(now_);
    while (auto e = engine_.pop_due(now_)) {
      EXPECT_LE(e->due, now_);
      EXPECT_GE(e->due, last_due_) << "answers come in order of time";
      last_due_ = e->due;
      if (const auto* f = std::get_if<domain::Fill>(&e->event)) fills.push_back(*f);
      if (const auto* r = std::get_if<domain::OrderReport>(&e->event)) reports.push_back(*r);
      if (const auto* p = std::get_if<domain::FundingPayment>(&e->event)) payments.push_back(*p);
      if (const auto* l = std::get_if<domain::LeverageSet>(&e->event)) leverages.push_back(*l);
      all.push_back(*e);
    }
  }
  /// Submits and lets the order arrive.
  domain::ClientOrderId send(domain::Order order) {
    if (order.id.value == 0) order.id = domain::ClientOrderId::make({++trades_}, 0);
    engine_.submit(order);
    collect(base::milliseconds(101));
    return order.id;
  }
  void leverage(int value, domain::MarginMode mode, SymbolId s = kA) {
    engine_.set_leverage({s, {value}, mode});
    collect(base::milliseconds(101));
  }
  /// A position opened at the open of a flat bar, whose path is left to come.
  void enter(Side side, double quantity, double price);

  std::vector<domain::OrderReport> of(domain::ClientOrderId id) const {
    std::vector<domain::OrderReport> out;
    for (const auto& r : reports)
      if (r.order == id) out.push_back(r);
    return out;
  }
  VenueReason reason(domain::ClientOrderId id) const {
    return of(id).empty() ? VenueReason::None : of(id).back().reason;
  }
  OrderStatus status(domain::ClientOrderId id) const {
    EXPECT_FALSE(of(id).empty()) << "no report";
    return of(id).empty() ? OrderStatus::New : of(id).back().status;
  }

  std::vector<domain::Fill> fills;
  std::vector<domain::OrderReport> reports;
  std::vector<domain::FundingPayment> payments;
  std::vector<domain::LeverageSet> leverages;
  std::vector<TimedEvent> all;

 private:
  domain::InstrumentTable table_;
  MatchingEngine engine_;
  base::Timestamp slot_ = kStart, now_ = kStart - base::minutes(1), last_due_;
  std::uint64_t trades_ = 0;
};

inline domain::Order market(Side side, double quantity, bool reduce_only = false, SymbolId s = kA) {
  domain::Order o;
  o.symbol = s;
  o.side = side;
  o.quantity = qty(quantity);
  o.reduce_only = reduce_only;
  return o;
}
inline domain::Order limit(Side side, double quantity, double price,
                           domain::TimeInForce tif = domain::TimeInForce::Gtc) {
  domain::Order o = market(side, quantity);
  o.type = OrderType::Limit;
  o.limit_price = px(price);
  o.time_in_force = tif;
  return o;
}
inline domain::Order conditional(OrderType type, Side side, double quantity, double trigger) {
  domain::Order o = market(side, quantity, true);
  o.type = type;
  o.trigger_price = px(trigger);
  return o;
}
inline domain::Order stop(Side side, double quantity, double trigger) {
  return conditional(OrderType::StopMarket, side, quantity, trigger);
}
inline domain::Order target(Side side, double quantity, double trigger) {
  return conditional(OrderType::TakeProfitMarket, side, quantity, trigger);
}
inline domain::Order trailing(Side side, double quantity, double callback_bps, double activation = 0) {
  domain::Order o = conditional(OrderType::TrailingStopMarket, side, quantity, activation);
  o.callback = {callback_bps};
  return o;
}

inline void Bench::enter(Side side, double quantity, double price) {
  send(market(side, quantity));
  open({price, price, price, price});
  ASSERT_EQ(holding().quantity, side == Side::Buy ? qty(quantity) : -qty(quantity));
}

}  // namespace qtrader::simvenue::testing
