#include "core/risk/gate.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <type_traits>

#include "core/base/archive.hpp"
#include "core/base/rng.hpp"
#include "core/ledger/test_instruments.hpp"
#include "core/risk/sizing.hpp"

namespace qtrader::risk {
namespace {

using namespace ledger::testing;  // NOLINT: px, qty, usd
using base::Timestamp;
using domain::Money;
using domain::Order;
using domain::OrderPurpose;
using domain::Price;
using domain::Quantity;
using domain::Side;
using domain::SymbolId;

// No one but the gate can make an approval: an order that was not reviewed does not compile into a Submit.
static_assert(!std::is_constructible_v<Approved<Order>, Order>);
static_assert(!std::is_constructible_v<Approved<Order>, const Order&>);
static_assert(!std::is_convertible_v<Order, Approved<Order>>);
static_assert(!std::is_default_constructible_v<Approved<Order>>);
static_assert(!std::is_aggregate_v<Approved<Order>>);
static_assert(!std::is_assignable_v<Approved<Order>&, Order>);

class NoAudit final : public domain::AuditSink {
 public:
  void record(domain::AuditRecord) override {}
};

bool approved(const Review& r) { return std::holds_alternative<Approval>(r); }
std::string rule(const Review& r) { return approved(r) ? "approved" : std::get<Refusal>(r).rule; }

/// An account, its market and its gate, at a time that only moves forward. Wednesday 2024-01-03 12:00 UTC.
struct World {
  explicit World(Limits l = {}) : limits(l) {
    account.deposit(usd("10000"));
    for (std::uint16_t s = 0; s < 3; ++s) quote({s}, px("20000"));
    make_gate();
  }
  void make_gate() { gate = std::make_unique<Gate>(limits, table, account, market); }

  void quote(SymbolId symbol, Price price) {
    domain::Bar bar;
    bar.timeframe = domain::Timeframe::M5;
    bar.open_time = Timestamp{now.ns - now.ns % base::minutes(5).ns} - base::minutes(5);
    bar.open = bar.high = bar.low = bar.close = price;
    NoAudit audit;
    if (!market[symbol].last_base || market[symbol].last_base->open_time < bar.open_time)
      market.on_bar(symbol, bar, audit);
    market.on(domain::MarkPrice{symbol, price, now});
    account.mark(symbol, price);
  }
  void wait(base::Duration d) {
    now = now + d;
    for (std::uint16_t s = 0; s < 3; ++s) quote({s}, market[{s}].mark().value());
  }
  void fill(SymbolId symbol, Side side, const char* quantity, const char* price = "20000") {
    domain::Fill f;
    f.symbol = symbol;
    f.side = side;
    f.quantity = qty(quantity);
    f.price = px(price);
    account.apply(f);
  }
  /// Loses or gains without a position: what a closed trade leaves behind.
  void settle(const char* pnl) {
    account.deposit(usd(pnl));
    gate->on_equity(account.equity(), now);
  }

  Order entry(SymbolId symbol = kBtc, Side side = Side::Buy, const char* quantity = "0.1") {
    Order o;
    o.trade = {++last_trade};
    o.id = domain::ClientOrderId::make(o.trade, 0);
    o.symbol = symbol;
    o.side = side;
    o.quantity = qty(quantity);
    return o;
  }
  static EntryContext context(Side side = Side::Buy) {
    return {px("20000"), side == Side::Buy ? px("19700") : px("20300"), {5}, ratio("0.001")};
  }
  Review review(const Order& o, const EntryContext& c) { return gate->review_entry(o, c, now); }
  Review review(const Order& o) { return review(o, context(o.side)); }

  Limits limits;
  domain::InstrumentTable table = instruments();
  ledger::Ledger account{table};
  market::MarketState market{3, {}};
  std::unique_ptr<Gate> gate;
  Timestamp now = base::parse_timestamp("2024-01-03T12:00:00Z").value();
  std::uint64_t last_trade = 0;
};

TEST(GateEntry, ApprovesAndReportsEveryCheckInOrder) {
  World w;
  const auto r = w.review(w.entry());
  ASSERT_TRUE(approved(r)) << rule(r);
  const auto& a = std::get<Approval>(r);
  EXPECT_EQ(a.order->quantity, qty("0.1"));
  std::string names;
  for (const auto& c : a.checks) {
    EXPECT_TRUE(c.passed) << c.rule;
    names += c.rule + " ";
  }
  EXPECT_EQ(
      names,
      "kill_switch drawdown_lock symbol_known order_shape mark_known mark_age price_deviation equity stop_side "
      "stop_distance_min stop_distance_max liquidation_buffer leverage risk_per_trade trade_notional "
      "position_invariant entry_in_flight open_count symbol_exposure gross_exposure margin margin_usage daily_loss "
      "rolling_loss circuit_breaker weekly_loss drawdown order_rate filters min_notional ");
}

TEST(GateEntry, ARefusalCarriesTheChecksSoFarWithValueAndLimit) {
  World w;
  auto c = World::context();
  c.leverage = {6};
  const auto r = w.review(w.entry(), c);
  ASSERT_FALSE(approved(r));
  const auto& checks = std::get<Refusal>(r).checks;
  EXPECT_EQ(checks.back().rule, "leverage");
  EXPECT_EQ(checks.back().value, 6);
  EXPECT_EQ(checks.back().limit, 5);
  EXPECT_FALSE(checks.back().passed);
  EXPECT_EQ(checks.size(), 13u);
}

/// One way to break each rule, on top of an entry that is fine.
TEST(GateEntry, EachRuleRefusesUnderItsOwnName) {
  using Break = std::function<void(World&, Order&, EntryContext&)>;
  const std::vector<std::pair<const char*, Break>> breaks = {
      {"kill_switch", [](World& w, Order&, EntryContext&) { w.gate->kill("operator"); }},
      {"symbol_known", [](World&, Order& o, EntryContext&) { o.symbol = {7}; }},
      {"order_shape", [](World&, Order& o, EntryContext&) { o.reduce_only = true; }},
      {"order_shape", [](World&, Order& o, EntryContext&) { o.purpose = OrderPurpose::Exit; }},
      {"order_shape", [](World&, Order& o, EntryContext&) { o.quantity = {}; }},
      {"order_shape", [](World&, Order& o, EntryContext&) { o.type = domain::OrderType::StopMarket; }},
      {"order_shape", [](World&, Order& o, EntryContext&) { o.type = domain::OrderType::Limit; }},
      {"order_shape", [](World&, Order&, EntryContext& c) { c.reference_price = {}; }},
      {"mark_age", [](World& w, Order&, EntryContext&) { w.now = w.now + base::milliseconds(5001); }},
      {"mark_age", [](World& w, Order&, EntryContext&) { w.now = w.now - base::milliseconds(5001); }},
      {"price_deviation", [](World& w, Order&, EntryContext&) { w.quote(kBtc, px("21100")); }},
      {"equity", [](World& w, Order&, EntryContext&) { w.account.deposit(usd("-10000")); }},
      {"stop_side", [](World&, Order&, EntryContext& c) { c.stop_price = {}; }},
      {"stop_side", [](World&, Order&, EntryContext& c) { c.stop_price = px("20300"); }},
      {"stop_side", [](World&, Order& o, EntryContext&) { o.side = Side::Sell; }},
      {"stop_side", [](World& w, Order&, EntryContext&) { w.quote(kBtc, px("19699")); }},  // mark is past the stop
      {"stop_distance_min", [](World&, Order&, EntryContext& c) { c.stop_price = px("19961"); }},
      {"stop_distance_max", [](World&, Order&, EntryContext& c) { c.stop_price = px("19199"); }},
      {"liquidation_buffer", [](World&, Order&, EntryContext& c) { c.leverage = {50}; }},
      {"leverage", [](World&, Order&, EntryContext& c) { c.leverage = {6}; }},
      {"leverage", [](World&, Order&, EntryContext& c) { c.leverage = {0}; }},
      {"risk_per_trade", [](World&, Order& o, EntryContext&) { o.quantity = qty("0.47"); }},  // 150.4 of 150
      {"position_invariant", [](World& w, Order&, EntryContext&) { w.fill(kBtc, Side::Buy, "0.01"); }},
      {"position_invariant", [](World& w, Order&, EntryContext&) { w.fill(kBtc, Side::Sell, "0.01"); }},
      {"entry_in_flight", [](World& w, Order&, EntryContext&) { ASSERT_TRUE(approved(w.review(w.entry()))); }},
      {"margin",
       [](World& w, Order&, EntryContext&) {
         w.account.apply(domain::LeverageSet{kEth, {1}, domain::MarginMode::Isolated, true, {}});
         w.fill(kEth, Side::Buy, "0.49");
       }},
      {"filters", [](World&, Order& o, EntryContext&) { o.quantity = qty("0.0105"); }},
      {"min_notional", [](World&, Order& o, EntryContext&) { o.quantity = qty("0.002"); }},
  };
  for (const auto& [name, change] : breaks) {
    World w;
    Order o = w.entry();
    EntryContext c = World::context();
    ASSERT_TRUE(approved(World().review(o, c)));
    change(w, o, c);
    const auto r = w.review(o, c);
    EXPECT_EQ(rule(r), name);
  }
}

TEST(GateEntry, LimitsOfThePortfolioCountWhatIsInFlight) {
  Limits l;
  l.max_open_positions = 2;
  World w(l);
  w.fill(kSol, Side::Buy, "0.01");
  EXPECT_TRUE(approved(w.review(w.entry(kBtc))));
  EXPECT_EQ(rule(w.review(w.entry(kEth))), "open_count");

  l = {};
  l.max_gross_exposure_frac = 1.0;
  World g(l);
  ASSERT_TRUE(approved(g.review(g.entry(kBtc, Side::Buy, "0.3"))));
  EXPECT_EQ(rule(g.review(g.entry(kEth, Side::Sell, "0.3"))), "gross_exposure");  // 12 000 of 10 000
  EXPECT_TRUE(approved(g.review(g.entry(kEth, Side::Sell, "0.2"))));

  l = {};
  l.max_symbol_exposure_frac = 0.5;
  World s(l);
  EXPECT_EQ(rule(s.review(s.entry(kBtc, Side::Buy, "0.3"))), "symbol_exposure");

  l = {};
  l.max_margin_usage_frac = 0.1;
  World m(l);
  ASSERT_TRUE(approved(m.review(m.entry(kBtc, Side::Buy, "0.2"))));
  EXPECT_EQ(rule(m.review(m.entry(kEth, Side::Buy, "0.1"))), "margin_usage");

  l = {};
  l.max_trade_notional_usd = 1999;
  World t(l);
  EXPECT_EQ(rule(t.review(t.entry())), "trade_notional");
}

TEST(GateEntry, AnOrderLeavesTheFlightWhenItIsDone) {
  World w;
  const Order o = w.entry();
  ASSERT_TRUE(approved(w.review(o)));
  EXPECT_EQ(rule(w.review(w.entry())), "entry_in_flight");
  w.gate->on_order_done(o.id);
  EXPECT_TRUE(approved(w.review(w.entry())));
}

TEST(GateEntry, WhatIsFilledOfAnOrderInFlightIsNotCountedTwice) {
  Limits l;
  l.max_gross_exposure_frac = 1.0;
  World w(l);
  ASSERT_TRUE(approved(w.review(w.entry(kBtc, Side::Buy, "0.3"))));
  w.fill(kBtc, Side::Buy, "0.2");  // 4 000 held, 2 000 still to come
  EXPECT_TRUE(approved(w.review(w.entry(kEth, Side::Buy, "0.2"))));
  EXPECT_EQ(rule(w.review(w.entry(kSol, Side::Buy, "0.1"))), "gross_exposure");
}

TEST(GateEntry, OrderRateIsPerMinute) {
  Limits l;
  l.max_orders_per_minute = 2;
  World w(l);
  for (int i = 0; i < 2; ++i) {
    const Order o = w.entry();
    ASSERT_TRUE(approved(w.review(o)));
    w.gate->on_order_done(o.id);
  }
  EXPECT_EQ(rule(w.review(w.entry())), "order_rate");
  w.wait(base::seconds(60));
  EXPECT_TRUE(approved(w.review(w.entry())));
}

TEST(GateEntry, AMarkThatNeverCameRefuses) {
  World w;
  const market::MarketState empty(3, {});
  Gate gate({}, w.table, w.account, empty);
  EXPECT_EQ(rule(gate.review_entry(w.entry(), World::context(), w.now)), "mark_known");
}

TEST(GatePermission, ConcernsEntriesAloneAndOnlyWhereRequired) {
  World w;
  EntryPermission p;
  const auto rule_with = [&] {
    w.gate->set_permission(p);
    return rule(w.review(w.entry()));
  };
  EXPECT_EQ(rule_with(), "approved") << "no link was ever heard of";
  w.make_gate();
  p.required = true;
  EXPECT_EQ(rule_with(), "venue_link");
  p.link_ready = true;
  EXPECT_EQ(rule_with(), "reconciled");
  p.reconciled = true;
  p.hedge_mode = true;
  EXPECT_EQ(rule_with(), "hedge_mode");
  p.hedge_mode = false;
  p.held = {kBtc};
  EXPECT_EQ(rule_with(), "symbol_hold");
  Order exit = w.entry(kBtc, Side::Sell);
  exit.purpose = OrderPurpose::Exit;
  exit.reduce_only = true;
  EXPECT_TRUE(approved(w.gate->review_reducing(exit)));
  p.held = {SymbolId{1}};
  EXPECT_EQ(rule_with(), "approved");
}

TEST(GateSlice, StaysWithinWhatWasApproved) {
  World w;
  const Order whole = w.entry();
  ASSERT_TRUE(approved(w.review(whole)));
  const auto slice = [&](std::uint8_t leg, const char* quantity) {
    Order o = whole;
    o.id = domain::ClientOrderId::make(whole.trade, leg);
    o.quantity = qty(quantity);
    return o;
  };
  EXPECT_TRUE(approved(w.gate->review_slice(slice(1, "0.04"), whole.id, w.now)));
  EXPECT_EQ(rule(w.gate->review_slice(slice(2, "0.04"), whole.id, w.now)), "slice") << "the first child replaced it";
  w.fill(kBtc, Side::Buy, "0.04");
  EXPECT_EQ(rule(w.gate->review_slice(slice(2, "0.061"), slice(1, "1").id, w.now)), "slice") << "more than approved";
  EXPECT_TRUE(approved(w.gate->review_slice(slice(2, "0.06"), slice(1, "1").id, w.now)));
  w.gate->kill("test");
  EXPECT_EQ(rule(w.gate->review_slice(slice(3, "0.01"), slice(2, "1").id, w.now)), "kill_switch");
  w.gate->on_order_done(slice(2, "1").id);
  w.gate->resume();
  EXPECT_EQ(rule(w.gate->review_slice(slice(3, "0.01"), slice(2, "1").id, w.now)), "slice") << "the entry is over";
}

TEST(GateLosses, DailyLossRefusesAndTheBreakerOutlastsMidnight) {
  World w;
  w.now = base::parse_timestamp("2024-01-03T22:00:00Z").value();
  w.wait({});
  w.gate->on_equity(usd("10000"), w.now);
  w.settle("-490");
  EXPECT_TRUE(approved(w.review(w.entry())));
  w.settle("-10");
  EXPECT_EQ(rule(w.review(w.entry(kEth))), "daily_loss");
  w.wait(base::hours(3));  // 01:00 of the next day: a new day, but the breaker runs until 02:00
  EXPECT_EQ(rule(w.review(w.entry(kEth))), "circuit_breaker");
  w.wait(base::hours(1));
  EXPECT_TRUE(approved(w.review(w.entry(kEth))));
}

TEST(GateLosses, UnrealisedLossCounts) {
  World w;
  w.gate->on_equity(w.account.equity(), w.now);
  w.account.apply(domain::LeverageSet{kEth, {5}, domain::MarginMode::Cross, true, {}});
  w.fill(kEth, Side::Buy, "0.5");
  w.quote(kEth, px("18900"));  // −550
  EXPECT_EQ(rule(w.review(w.entry())), "daily_loss");
}

TEST(GateLosses, RollingLossesAreGrossOfWins) {
  World w;
  w.gate->on_equity(w.account.equity(), w.now);
  w.gate->on_trade_closed(usd("-300"), w.now);
  w.gate->on_trade_closed(usd("900"), w.now);
  w.wait(base::hours(20));  // the next UTC day
  w.gate->on_trade_closed(usd("-200"), w.now);
  EXPECT_EQ(rule(w.review(w.entry())), "rolling_loss");
  w.wait(base::hours(4));  // the first is 24 h old
  EXPECT_TRUE(approved(w.review(w.entry())));
}

TEST(GateLosses, WeeklyLossLastsUntilMonday) {
  Limits l;
  l.drawdown_warn_frac = l.drawdown_pause_frac = 0.14;
  l.drawdown_quarter_frac = 0.14;
  World w(l);
  w.gate->on_equity(w.account.equity(), w.now);
  for (int day = 0; day < 3; ++day) {  // Wednesday to Friday, 3.5 % each
    w.settle("-350");
    w.wait(base::days(1));
  }
  EXPECT_EQ(rule(w.review(w.entry())), "weekly_loss");  // Saturday
  w.wait(base::days(1));
  EXPECT_EQ(rule(w.review(w.entry())), "weekly_loss");
  w.wait(base::days(1));  // Monday
  EXPECT_TRUE(approved(w.review(w.entry())));
}

/// Moves the equity to this share of the peak over days small enough for no other rule to speak.
void drawdown_to(World& w, double frac) {
  w.gate->on_equity(w.account.equity(), w.now);
  const double target = 10'000 * (1 - frac);
  while (w.account.equity().to_double() > target + 1e-9) {
    const double part = std::min(400.0, w.account.equity().to_double() - target);
    w.account.deposit(-Money::from_double(part));
    w.gate->on_equity(w.account.equity(), w.now);
    w.wait(base::days(8));
    w.gate->on_equity(w.account.equity(), w.now);
  }
}

TEST(GateDrawdown, StagesShrinkSizeThenPauseThenKillThenLock) {
  const struct {
    double drawdown, factor;
    const char* rule;
  } stages[] = {
      {0.00, 1.0, "approved"},         {0.0199, 1.0, "approved"},        {0.03, 0.5, "approved"},
      {0.05, 0.75 * 0.5, "approved"},  {0.0799, 0.75 * 0.5, "approved"}, {0.08, 0.5 * 0.5, "drawdown"},
      {0.1199, 0.5 * 0.5, "drawdown"}, {0.12, 0.25 * 0.5, "drawdown"},   {0.1499, 0.25 * 0.5, "drawdown"},
      {0.15, 0.0, "kill_switch"},      {0.25, 0.0, "kill_switch"},
  };
  for (const auto& s : stages) {
    World w;
    drawdown_to(w, s.drawdown);
    EXPECT_DOUBLE_EQ(w.gate->size_factor(), s.factor) << s.drawdown;
    EXPECT_EQ(rule(w.review(w.entry())), s.rule) << s.drawdown;
  }
}

TEST(GateDrawdown, TheOperatorsResetMeasuresAnewButALockRunsOut) {
  World w;
  drawdown_to(w, 0.16);
  ASSERT_TRUE(w.gate->killed());
  EXPECT_FALSE(w.gate->kill_reason().empty());
  w.gate->resume();
  EXPECT_EQ(w.gate->drawdown_frac(), 0);
  EXPECT_TRUE(approved(w.review(w.entry())));

  World locked;
  locked.gate->on_equity(locked.account.equity(), locked.now);
  locked.settle("-2100");
  locked.gate->resume();
  EXPECT_EQ(rule(locked.review(locked.entry())), "drawdown_lock");
  locked.wait(base::days(7));
  EXPECT_TRUE(approved(locked.review(locked.entry())));
}

TEST(GateDrawdown, ResumeWithoutADrawdownKeepsThePeak) {
  World w;
  drawdown_to(w, 0.04);
  w.gate->kill("operator");
  w.gate->resume();
  EXPECT_NEAR(w.gate->drawdown_frac(), 0.04, 1e-9);
}

TEST(GateDrawdown, APausedFlatAccountIsRearmedOnlyWhereConfigured) {
  World never;
  drawdown_to(never, 0.09);
  never.wait(base::days(300));
  EXPECT_EQ(rule(never.review(never.entry())), "drawdown");

  Limits l;
  l.drawdown_rearm_days = 14;
  World w(l);
  w.gate->on_equity(w.account.equity(), w.now);
  w.settle("-900");
  w.wait(base::days(13));
  EXPECT_EQ(rule(w.review(w.entry())), "drawdown");
  w.fill(kEth, Side::Buy, "0.001");  // not flat: it could heal
  w.wait(base::days(2));
  EXPECT_EQ(rule(w.review(w.entry())), "drawdown");
  w.fill(kEth, Side::Sell, "0.001");
  EXPECT_TRUE(approved(w.review(w.entry())));
}

TEST(GateSizeFactor, ALosingStreakHalvesUntilAWin) {
  World w;
  w.gate->on_equity(w.account.equity(), w.now);
  for (int i = 0; i < 2; ++i) w.gate->on_trade_closed(usd("-1"), w.now);
  EXPECT_EQ(w.gate->size_factor(), 1);
  w.gate->on_trade_closed(usd("-1"), w.now);
  EXPECT_EQ(w.gate->size_factor(), 0.5);
  w.gate->on_trade_closed({}, w.now);  // neither
  EXPECT_EQ(w.gate->size_factor(), 0.5);
  w.gate->on_trade_closed(usd("1"), w.now);
  EXPECT_EQ(w.gate->size_factor(), 1);
}

// ---- reducing ------------------------------------------------------------------------------------------------------

Order exit_order(Side side, Quantity quantity, bool reduce_only = true) {
  Order o;
  o.id = {256};
  o.symbol = kBtc;
  o.side = side;
  o.quantity = quantity;
  o.purpose = OrderPurpose::Exit;
  o.reduce_only = reduce_only;
  return o;
}

TEST(GateReducing, RefusesOnlyWhatCouldNotReduce) {
  World w;
  w.fill(kBtc, Side::Buy, "0.5");
  const auto verdict = [&](const Order& o) { return rule(w.gate->review_reducing(o)); };
  EXPECT_EQ(verdict(exit_order(Side::Sell, qty("0.5"))), "approved");
  EXPECT_EQ(verdict(exit_order(Side::Sell, qty("0.9"))), "approved");  // the venue caps a reduce-only order
  EXPECT_EQ(verdict(exit_order(Side::Sell, qty("0.5"), false)), "approved");
  EXPECT_EQ(verdict(exit_order(Side::Sell, qty("0.501"), false)), "not_reducing");  // through zero
  EXPECT_EQ(verdict(exit_order(Side::Buy, qty("0.1"))), "not_reducing");            // the position's own side
  EXPECT_EQ(verdict(exit_order(Side::Sell, {})), "not_reducing");
  Order entry = exit_order(Side::Sell, qty("0.1"));
  entry.purpose = OrderPurpose::Entry;
  EXPECT_EQ(verdict(entry), "not_reducing");
  Order stranger = exit_order(Side::Sell, qty("0.1"));
  stranger.symbol = {7};
  EXPECT_EQ(verdict(stranger), "symbol_known");
}

TEST(GateReducing, ALateLedgerNeverBlocksAReduceOnlyExit) {
  World w;
  EXPECT_TRUE(approved(w.gate->review_reducing(exit_order(Side::Sell, qty("0.5")))));
  EXPECT_EQ(rule(w.gate->review_reducing(exit_order(Side::Sell, qty("0.5"), false))), "not_reducing");
}

// ---- properties ----------------------------------------------------------------------------------------------------

/// Leads a world through something that happened: trades, marks, losses, kills, stale data, time.
void live_through(World& w, base::Rng& rng) {
  for (std::uint64_t n = rng.below(12); n > 0; --n) {
    const SymbolId s{static_cast<std::uint16_t>(rng.below(3))};
    const auto pnl = Money::from_double(rng.uniform(-900, 600));
    switch (rng.below(8)) {
      case 0:
        w.gate->kill("test");
        break;
      case 1:
        w.gate->resume();
        break;
      case 2:
        w.account.deposit(pnl);
        break;
      case 3:
        w.gate->on_trade_closed(pnl, w.now);
        break;
      case 4:
        w.quote(s, Price::from_double(rng.uniform(18'500, 21'500)));
        break;
      case 5:
        w.wait(base::minutes(static_cast<std::int64_t>(rng.below(3'000))));
        break;
      case 6:
        w.fill(s, rng.below(2) == 0 ? Side::Buy : Side::Sell, "0.01");
        break;
      default:
        w.review(w.entry(s, rng.below(2) == 0 ? Side::Buy : Side::Sell));
        break;
    }
    if (rng.below(2) == 0) w.gate->on_equity(w.account.equity(), w.now);
  }
}

TEST(GateProperty, NoStateBlocksAnOrderThatReduces) {
  base::Rng rng(31);
  for (int i = 0; i < 3'000; ++i) {
    World w;
    live_through(w, rng);
    const Quantity held = w.account.position(kBtc).quantity;
    if (held.is_zero()) w.fill(kBtc, rng.below(2) == 0 ? Side::Buy : Side::Sell, "0.02");
    const Quantity now_held = w.account.position(kBtc).quantity;
    const auto part =
        Quantity::from_raw(static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(now_held.abs().raw()))) + 1);
    Order o = exit_order(now_held.is_negative() ? Side::Buy : Side::Sell, part, rng.below(2) == 0);
    o.purpose = static_cast<OrderPurpose>(rng.below(4) + 1);
    if (o.purpose == OrderPurpose::ProtectiveStop) o.type = domain::OrderType::StopMarket;
    ASSERT_TRUE(approved(w.gate->review_reducing(o))) << now_held.to_string() << " " << part.to_string();
  }
}

Limits random_limits(base::Rng& rng) {
  Limits l;
  l.max_leverage = static_cast<std::int32_t>(rng.below(20)) + 1;
  l.max_open_positions = static_cast<std::int32_t>(rng.below(4)) + 1;
  l.max_gross_exposure_frac = rng.uniform(0.3, 3);
  l.max_symbol_exposure_frac = rng.uniform(0.1, l.max_gross_exposure_frac);
  l.max_orders_per_minute = static_cast<std::int32_t>(rng.below(5)) + 1;
  return l;
}

/// A copy with about half of the fields moved in the careful direction.
Limits tightened(const Limits& loose, base::Rng& rng) {
  Limits l = loose;
  base::for_each_member(l, [&](std::string_view name, auto& field) {
    using T = std::remove_reference_t<decltype(field)>;
    if (rng.below(2) == 0) return;
    const bool careful_up = name.ends_with("_min_frac") || name == "liquidation_buffer_frac";
    // Not limits of a review: bases of the sizing, and lengths of time.
    if (name.starts_with("risk_per_trade_frac") || name.ends_with("_days") || name.ends_with("_minutes")) return;
    const double k = careful_up ? rng.uniform(1, 1.5) : rng.uniform(0.5, 1);
    field = static_cast<T>(static_cast<double>(field) * k);
  });
  return l;
}

TEST(GateProperty, TighteningALimitNeverTurnsARefusalIntoAnApproval) {
  base::Rng rng(32);
  int compared = 0, approvals = 0, turned = 0;
  for (int i = 0; i < 20'000; ++i) {
    World w(random_limits(rng));
    if (!validate(w.limits)) continue;
    if (rng.below(2) == 0) live_through(w, rng);
    const Limits tight_limits = tightened(w.limits, rng);
    if (!validate(tight_limits)) continue;
    Gate tight(tight_limits, w.table, w.account, w.market);
    ASSERT_TRUE(base::from_bytes(base::to_bytes(*w.gate), tight));

    Order o = w.entry({static_cast<std::uint16_t>(rng.below(3))}, rng.below(2) == 0 ? Side::Buy : Side::Sell);
    o.quantity = Quantity::from_raw(static_cast<std::int64_t>(rng.below(600) + 1) * 100'000);
    EntryContext c = World::context(o.side);
    c.leverage = {static_cast<std::int32_t>(rng.below(20)) + 1};
    c.reference_price = w.market[o.symbol].mark().value();
    c.stop_price = c.reference_price * domain::Ratio::from_double(1 - domain::sign(o.side) * rng.uniform(0.001, 0.045));
    const bool loose_ok = approved(w.review(o, c)), tight_ok = approved(tight.review_entry(o, c, w.now));
    ASSERT_FALSE(tight_ok && !loose_ok);
    ++compared;
    approvals += loose_ok ? 1 : 0;
    turned += loose_ok && !tight_ok ? 1 : 0;
  }
  EXPECT_GT(compared, 4'000);
  EXPECT_GT(approvals, 400);
  EXPECT_GT(turned, 100);
}

TEST(GateProperty, WhatTheSizingGivesTheGateTakes) {
  base::Rng rng(33);
  int sized = 0;
  for (int i = 0; i < 3'000; ++i) {
    Limits l;
    l.max_leverage = static_cast<std::int32_t>(rng.below(10)) + 1;
    World w(l);
    w.account.deposit(Money::from_double(rng.uniform(-9'000, 500'000)));
    w.gate->on_equity(w.account.equity(), w.now);
    const Side side = rng.below(2) == 0 ? Side::Buy : Side::Sell;
    SizingInput in;
    in.equity = w.account.equity();
    in.available = w.account.account().available;
    in.price = px("20000");
    in.stop = in.price * domain::Ratio::from_double(1 - domain::sign(side) * rng.uniform(0.0025, 0.039));
    in.side = side == Side::Buy ? domain::PositionSide::Long : domain::PositionSide::Short;
    in.confidence = rng.uniform();
    in.atr_frac = rng.uniform(0.001, 0.05);
    in.round_trip_cost = ratio("0.0015");
    in.learned_scale = rng.uniform(0.5, 1.25);
    const auto out = size_position(in, w.table[kBtc], l);
    if (!std::holds_alternative<domain::PositionSized>(out)) continue;
    ++sized;
    const auto& p = std::get<domain::PositionSized>(out);
    Order o = w.entry(kBtc, side);
    o.quantity = p.quantity;
    const auto r = w.review(o, {in.price, in.stop, p.leverage, in.round_trip_cost});
    ASSERT_TRUE(approved(r)) << rule(r) << " for " << p.quantity.to_string() << " at " << p.leverage.value << "x";
  }
  EXPECT_GT(sized, 1'000);
}

TEST(GateProperty, SnapshotAndTailEqualTheWholeRun) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    World w;
    base::Rng rng(seed);
    for (int i = 0; i < 5; ++i) live_through(w, rng);
    Gate copy({}, w.table, w.account, w.market);
    const base::Bytes snapshot = base::to_bytes(*w.gate);
    ASSERT_TRUE(base::from_bytes(snapshot, copy));
    ASSERT_EQ(base::to_bytes(copy), snapshot);
    const Order o = w.entry(kSol);
    ASSERT_EQ(rule(w.review(o)), rule(copy.review_entry(o, World::context(), w.now)));
    ASSERT_EQ(w.gate->size_factor(), copy.size_factor());
    ASSERT_EQ(base::to_bytes(copy), base::to_bytes(*w.gate));
  }
}

TEST(GateDeath, IllegalLimitsNeverMakeAGate) {
  World w;
  w.limits.max_leverage = 100;
  EXPECT_DEATH(w.make_gate(), "max_leverage");
}

}  // namespace
}  // namespace qtrader::risk
