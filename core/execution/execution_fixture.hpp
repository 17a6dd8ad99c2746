// For the tests of this room: a world of real instruments, ledger, gate and market around one TradeManager, and a venue
// played by hand. Events go in as the engine would deliver them; orders and cancels are taken out.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/archive.hpp"
#include "core/base/json.hpp"
#include "core/execution/reconciler.hpp"
#include "core/execution/trade_manager.hpp"

namespace qtrader::execution {

inline domain::Price price(double p) { return domain::Price::from_double(p); }
inline domain::Quantity qty(double q) { return domain::Quantity::from_double(q); }
inline domain::Money usd(double m) { return domain::Money::from_double(m); }

inline constexpr domain::SymbolId kSymbol{0};
inline constexpr domain::SymbolId kOther{1};

inline domain::Instrument test_instrument(const std::string& symbol) {
  domain::Instrument i;
  i.symbol = symbol;
  i.tick_size = price(0.1);
  i.step_size = qty(0.001);
  i.min_quantity = qty(0.001);
  i.min_notional = usd(5);
  i.brackets = {{usd(0), usd(1e9), domain::Ratio::from_double(0.004), usd(0), 125}};
  i.maker_fee = domain::Ratio::from_double(0.0002);
  i.taker_fee = domain::Ratio::from_double(0.0004);
  return i;
}

/// Stop 2 %, target 3R, partial 50 % at 2R, breakeven at 1R, trailing 1.6 % from 2R.
inline ExitProfile test_exits() {
  ExitProfile p;
  p.stop_frac = 0.02;
  p.target_frac = 0.06;
  p.trail_frac = 0.016;
  return p;
}

struct RecordingSink final : domain::AuditSink {
  std::vector<domain::AuditRecord> records;
  void record(domain::AuditRecord r) override { records.push_back(std::move(r)); }
};

class World {
 public:
  explicit World(ExecutionConfig config = {})
      : instruments(domain::InstrumentTable::create({test_instrument("BTCUSDT"), test_instrument("ETHUSDT")}).value()),
        market(2, {domain::Timeframe::M5, domain::Timeframe::M15, false}),
        ledger(instruments),
        gate(limits(), instruments, ledger, market),
        manager(config, instruments, gate, trades, ledger, market),
        reconciler(config.reconcile, 2, {manager, ledger, gate, market}) {}

  /// Deposit and enough bars around 100 for an ATR of about 1 %.
  void warm_up() {
    ledger.deposit(usd(10'000));
    gate.on_equity(usd(10'000), now);
    for (int i = 0; i < 60; ++i)
      for (const domain::SymbolId s : {kSymbol, kOther}) show(s, bar_at(now, 100.4, 99.6, 100), s == kOther);
    sink.records.clear();
  }

  static risk::Limits limits() {
    risk::Limits l;
    l.mark_max_age_ms = 86'400'000;
    l.max_orders_per_minute = 600;
    l.daily_loss_frac = 0.09;
    l.max_symbol_exposure_frac = 2;
    return l;
  }
  EntryPlan plan(domain::PositionSide side = domain::PositionSide::Long, domain::SymbolId symbol = kSymbol) const {
    EntryPlan p;
    p.trace = {77};
    p.symbol = symbol;
    p.side = side;
    p.quantity = qty(10);
    p.leverage = {3};
    p.reference_price = price(100);
    p.exits = test_exits();
    p.round_trip_cost = domain::Ratio::from_double(0.001);
    p.strategy = "test";
    return p;
  }

  Context context() { return {now, timers, commands, sink}; }
  std::optional<std::string> open(const EntryPlan& p) {
    Context c = context();
    return manager.open(p, c);
  }
  void close(domain::ExitReason reason, domain::SymbolId symbol = kSymbol) {
    Context c = context();
    manager.close(symbol, reason, c);
  }
  void deliver(const domain::AccountSnapshot& s) {
    Context c = context();
    reconciler.on(s, c);
  }
  void deliver(const domain::VenueLink& l) {
    Context c = context();
    reconciler.on(l, c);
  }
  void deliver(const domain::RunResumed& r) {
    Context c = context();
    reconciler.on(r, c);
  }
  void deliver(const domain::OrderReport& r) {
    reconciler.touch(r.symbol, now);
    Context c = context();
    manager.on(r, c);
  }
  void deliver(const domain::Fill& f) {
    reconciler.touch(f.symbol, now);
    const auto booking = ledger.apply(f);
    Context c = context();
    manager.on(f, booking, c);
  }
  void deliver(const domain::LeverageSet& s) {
    if (s.accepted) ledger.apply(s);
    Context c = context();
    manager.on(s, c);
  }
  void deliver(const domain::FundingPayment& p) {
    ledger.apply(p);
    Context c = context();
    manager.on(p, c);
  }

  void report(const domain::Order& o, domain::OrderStatus status,
              domain::VenueReason reason = domain::VenueReason::None, domain::Quantity filled = {}) {
    domain::OrderReport r;
    r.order = o.id;
    r.symbol = o.symbol;
    r.status = status;
    r.reason = reason;
    r.filled = filled;
    r.ts_event = now;
    deliver(r);
  }
  void accept(const domain::Order& o) { report(o, domain::OrderStatus::New); }
  void reject(const domain::Order& o, domain::VenueReason reason) { report(o, domain::OrderStatus::Rejected, reason); }
  void fill(const domain::Order& o, double at, double quantity) {
    domain::Fill f;
    f.order = o.id;
    f.symbol = o.symbol;
    f.side = o.side;
    f.price = price(at);
    f.quantity = qty(quantity);
    f.fee = f.price * f.quantity * domain::Ratio::from_double(0.0004);
    f.ts_event = now;
    deliver(f);
  }
  /// All of it, with its report.
  void fill_all(const domain::Order& o, double at) {
    fill(o, at, o.quantity.to_double());
    report(o, domain::OrderStatus::Filled, domain::VenueReason::None, o.quantity);
  }
  void confirm_leverage(domain::Leverage l = {3}, domain::SymbolId symbol = kSymbol) {
    deliver(domain::LeverageSet{symbol, l, domain::MarginMode::Isolated, true, now});
  }

  static domain::Bar bar_at(base::Timestamp open, double high, double low, double close) {
    domain::Bar b;
    b.open_time = open;
    b.open = b.close = price(close);
    b.high = price(high);
    b.low = price(low);
    b.volume = 1000;
    b.timeframe = domain::Timeframe::M5;
    return b;
  }
  void show(domain::SymbolId symbol, const domain::Bar& bar, bool last_of_slot = true) {
    if (last_of_slot) advance(300'000);
    market.on_bar(symbol, bar, sink);
    Context c = context();
    manager.on_bar(symbol, bar, c);
  }
  /// The next five minutes of the first symbol.
  void bar(double high, double low, double close) { show(kSymbol, bar_at(now, high, low, close)); }

  void advance(std::int64_t ms) {
    const base::Timestamp until = now + base::milliseconds(ms);
    while (const auto due = timers.next_due()) {
      if (*due > until) break;
      now = *due;
      const auto t = timers.peek_due(now);
      timers.consume(t->id);
      Context c = context();
      const domain::TimerFired fired{t->id, t->tag, t->argument};
      t->tag == domain::TimerTag::Reconcile ? reconciler.on(fired, c) : manager.on(fired, c);
    }
    now = until;
  }

  std::vector<domain::Order> take_orders() {
    std::vector<domain::Order> out;
    reconciler.touch(commands, now);
    for (const auto& c : std::exchange(commands, {})) {
      if (const auto* q = std::get_if<QueryOrder>(&c)) queries.push_back(q->order);
      if (const auto* f = std::get_if<CancelForeign>(&c)) foreign_cancels.push_back(f->venue_id);
      if (std::holds_alternative<RequestSnapshot>(c)) ++snapshots_asked;
      if (const auto* s = std::get_if<SubmitOrder>(&c)) out.push_back(s->order.get());
      if (const auto* x = std::get_if<CancelOrder>(&c)) cancels.push_back(x->order);
    }
    return out;
  }
  domain::Order take_order() {
    const auto out = take_orders();
    EXPECT_EQ(out.size(), 1u);
    return out.empty() ? domain::Order{} : out.front();
  }
  std::vector<domain::ClientOrderId> take_cancels() {
    EXPECT_TRUE(take_orders().empty());
    return std::exchange(cancels, {});
  }

  /// Intent to submitted entry.
  domain::Order enter(domain::PositionSide side = domain::PositionSide::Long) {
    EXPECT_EQ(open(plan(side)), std::nullopt);
    take_orders();
    confirm_leverage();
    const domain::Order entry = take_order();
    accept(entry);
    return entry;
  }
  struct Protected {
    domain::Order entry, stop, partial, target;
  };
  /// Intent to Protected, everything accepted, filled at `at`.
  Protected protect(domain::PositionSide side = domain::PositionSide::Long, double at = 100) {
    Protected p;
    p.entry = enter(side);
    fill_all(p.entry, at);
    p.stop = take_order();
    accept(p.stop);
    const auto targets = take_orders();
    EXPECT_EQ(targets.size(), 2u);
    if (targets.size() != 2) return p;
    p.partial = targets[0];
    p.target = targets[1];
    accept(p.partial);
    accept(p.target);
    return p;
  }

  template <class T>
  std::vector<T> audited() const {
    std::vector<T> out;
    for (const auto& r : sink.records)
      if (const auto* t = std::get_if<T>(&r)) out.push_back(*t);
    return out;
  }
  bool alerted(const std::string& rule) const {
    for (const auto& a : audited<domain::RiskAlert>())
      if (a.rule == rule) return true;
    return false;
  }
  domain::TradeState state() const { return manager.trade(kSymbol)->state; }
  /// Nothing of any trade is left anywhere.
  void expect_clean() const {
    EXPECT_EQ(manager.open_count(), 0u);
    EXPECT_EQ(timers.size(), 0u);
    EXPECT_TRUE(trades.open_trades().empty());
    EXPECT_TRUE(ledger.position(kSymbol).flat());
    EXPECT_FALSE(manager.busy(kSymbol));
  }

  template <class Archive>
  void archive(Archive& a) {
    a(now, market, ledger, trades, gate, timers, manager, reconciler);
  }

  base::Timestamp now = base::Timestamp::from_unix_ms(1'700'000'100'000);  // on a 15-minute boundary
  domain::InstrumentTable instruments;
  market::MarketState market;
  ledger::Ledger ledger;
  ledger::TradeBook trades;
  risk::Gate gate;
  kernel::Timers timers;
  std::vector<Command> commands;
  std::vector<domain::ClientOrderId> cancels, queries;
  std::vector<std::uint64_t> foreign_cancels;
  int snapshots_asked = 0;
  RecordingSink sink;
  TradeManager manager;
  Reconciler reconciler;
};

}  // namespace qtrader::execution
