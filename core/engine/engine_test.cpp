// The reducer as a whole: hooks and their modes, snapshot plus tail equals full replay, entries only through the gate.
#include "core/engine/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/base/rng.hpp"
#include "core/fund/strategy/rules.hpp"

namespace qtrader::engine {
namespace {

using domain::SymbolId;

domain::Instrument instrument(const std::string& symbol) {
  domain::Instrument i;
  i.symbol = symbol;
  i.tick_size = domain::Price::parse("0.01").value();
  i.step_size = domain::Quantity::parse("0.001").value();
  i.min_notional = domain::Money::from_int(5);
  i.maker_fee = domain::Ratio::parse("0.0002").value();
  i.taker_fee = domain::Ratio::parse("0.0005").value();
  i.brackets = {{domain::Money(), domain::Money::from_int(10'000'000), domain::Ratio::parse("0.01").value(),
                 domain::Money(), 50}};
  return i;
}

EngineConfig config() {
  EngineConfig c;
  c.base = c.primary = domain::Timeframe::M15;
  c.strategy = "ema_cross";
  c.limits.mark_max_age_ms = 1'800'000;
  c.digest_interval = 16;
  return c;
}

std::unique_ptr<Engine> make_engine() {
  auto table = domain::InstrumentTable::create({instrument("BTCUSDT"), instrument("ETHUSDT")});
  auto strategy = fund::make_rule_strategy("ema_cross", 2);
  auto engine = Engine::create(config(), std::move(*table), std::move(*strategy));
  EXPECT_TRUE(engine) << (engine ? "" : engine.error().message());
  return std::move(*engine);
}

/// A venue so simple that it is obviously right: accepts all, fills market orders at the last price at once.
class Script {
 public:
  explicit Script(Engine& engine) : engine_(engine) {}

  void deliver(domain::Event event, base::Timestamp ts) {
    envelopes.push_back({envelopes.size() + 1, ts, std::move(event)});
    Outbox outbox;
    engine_.step(envelopes.back(), outbox);
    for (auto& r : outbox.audit) audit.push_back(r);
    for (const auto& c : outbox.commands) answer(c, ts + base::milliseconds(10));
  }
  void fire_due(base::Timestamp until) {
    while (const auto due = engine_.next_timer_due()) {
      if (*due > until) return;
      const auto t = *engine_.peek_timer(*due);
      deliver(domain::TimerFired{t.id, t.tag, t.argument}, *due);
    }
  }
  void bar(SymbolId symbol, int n, double close) {
    domain::Bar b;
    b.timeframe = domain::Timeframe::M15;
    b.open_time = base::Timestamp{} + base::days(20'000) + base::minutes(15) * n;
    const double open = last_[symbol.value] > 0 ? last_[symbol.value] : close;
    b.open = domain::Price::from_double(open);
    b.close = domain::Price::from_double(close);
    b.high = std::max(b.open, b.close);
    b.low = std::min(b.open, b.close);
    b.volume = 1'000;
    fire_due(b.close_time());
    last_[symbol.value] = close;
    deliver(domain::BarClosed{symbol, b}, b.close_time());
  }

  std::vector<kernel::Envelope> envelopes;
  std::vector<domain::AuditRecord> audit;
  std::vector<domain::Order> orders;
  std::map<domain::ClientOrderId, domain::Order> working;

  /// What this venue says the account is: it agrees with the core.
  domain::AccountSnapshot account(base::Timestamp ts) const {
    domain::AccountSnapshot s;
    s.requested_at = s.ts_event = ts;
    s.wallet = engine_.ledger().account().wallet;
    for (std::uint16_t i = 0; i < 2; ++i) {
      const auto& p = engine_.ledger().position({i});
      if (!p.flat()) s.positions.push_back({{i}, p.quantity, p.entry_price(), p.leverage, p.mode});
    }
    for (const auto& [id, o] : working) {
      if (engine_.ledger().position(o.symbol).flat()) continue;  // reduce-only: gone with the position
      domain::VenueOpenOrder v;
      v.order = id;
      v.venue_id = id.value;
      v.symbol = o.symbol;
      v.side = o.side;
      v.type = o.type;
      v.quantity = o.quantity;
      v.trigger_price = o.trigger_price;
      v.reduce_only = o.reduce_only;
      s.orders.push_back(v);
    }
    return s;
  }

 private:
  void answer(const execution::Command& command, base::Timestamp ts) {
    if (const auto* set = std::get_if<execution::SetLeverage>(&command))
      return deliver(domain::LeverageSet{set->symbol, set->leverage, set->mode, true, ts}, ts);
    if (const auto* cancel = std::get_if<execution::CancelOrder>(&command)) working.erase(cancel->order);
    if (const auto* cancel = std::get_if<execution::CancelOrder>(&command))
      return deliver(domain::OrderReport{cancel->order,
                                         cancel->symbol,
                                         domain::OrderStatus::Canceled,
                                         domain::VenueReason::UserRequest,
                                         {},
                                         {},
                                         ts},
                     ts);
    if (const auto* query = std::get_if<execution::QueryOrder>(&command))
      return deliver(domain::OrderReport{query->order, query->symbol, domain::OrderStatus::New, {}, {}, {}, ts}, ts);
    if (std::holds_alternative<execution::RequestSnapshot>(command)) return deliver(account(ts), ts);
    if (std::holds_alternative<execution::CancelForeign>(command)) return;
    const domain::Order& o = std::get<execution::SubmitOrder>(command).order.get();
    orders.push_back(o);
    if (o.type != domain::OrderType::Market) working[o.id] = o;
    deliver(domain::OrderReport{o.id, o.symbol, domain::OrderStatus::New, domain::VenueReason::None, {}, {}, ts}, ts);
    if (o.type != domain::OrderType::Market) return;
    const auto price = domain::Price::from_double(last_[o.symbol.value]);
    deliver(domain::Fill{o.id, o.symbol, o.side, price, o.quantity, domain::Money::from_double(0.1), false,
                         domain::FillKind::Normal, price, envelopes.size(), ts},
            ts);
    deliver(domain::OrderReport{o.id, o.symbol, domain::OrderStatus::Filled, domain::VenueReason::None, o.quantity,
                                price, ts},
            ts);
  }

  Engine& engine_;
  std::array<double, 2> last_{};
};

void play(Script& script, int from, int to, std::uint64_t seed) {
  base::Rng rng(seed);
  double a = 100, b = 50;
  for (int n = 0; n < to; ++n) {
    a *= 1 + 0.004 * rng.normal();
    b *= 1 + 0.006 * rng.normal();
    if (n < from) continue;
    script.bar({0}, n, a);
    script.bar({1}, n, b);
  }
}

void start(Script& script) {
  script.deliver(domain::RunStarted{domain::Money::from_int(10'000), 1, {}, {}},
                 base::Timestamp{} + base::days(20'000));
}

template <class R>
int count(const std::vector<domain::AuditRecord>& audit) {
  return static_cast<int>(
      std::count_if(audit.begin(), audit.end(), [](const auto& r) { return std::holds_alternative<R>(r); }));
}

TEST(Engine, TradesARuleAndProtectsEveryPosition) {
  auto engine = make_engine();
  Script script(*engine);
  start(script);
  play(script, 0, 600, 4);
  int entries = 0, stops = 0;
  for (const auto& o : script.orders) {
    entries += o.purpose == domain::OrderPurpose::Entry;
    stops += o.purpose == domain::OrderPurpose::ProtectiveStop;
  }
  EXPECT_GT(entries, 3);
  EXPECT_GE(stops, entries) << "each entry is followed by a stop at the venue";
  std::set<domain::ClientOrderId> approved;
  for (const auto& r : script.audit)
    if (const auto* a = std::get_if<domain::OrderApproved>(&r)) approved.insert(a->order.id);
  for (const auto& o : script.orders) EXPECT_TRUE(approved.contains(o.id)) << "no order without an approval on record";
  EXPECT_EQ(engine->ledger().trial_balance(), domain::Money());
}

TEST(Engine, SnapshotPlusTailEqualsFullReplay) {
  auto whole = make_engine();
  Script script(*whole);
  start(script);
  play(script, 0, 300, 9);
  ASSERT_GT(script.orders.size(), 4U);
  for (std::size_t cut = 1; cut < script.envelopes.size(); cut += 37) {
    auto first = make_engine();
    Outbox outbox;
    for (std::size_t i = 0; i < cut; ++i) first->step(script.envelopes[i], outbox);
    auto second = make_engine();
    const auto restored = second->restore(first->snapshot());
    ASSERT_TRUE(restored) << restored.error().message();
    EXPECT_EQ(second->snapshot(), first->snapshot());
    for (std::size_t i = cut; i < script.envelopes.size(); ++i) second->step(script.envelopes[i], outbox);
    ASSERT_EQ(second->snapshot(), whole->snapshot()) << "cut at " << cut;
  }
}

void link(Script& script, domain::LinkState state = domain::LinkState::Ready) {
  script.deliver(domain::VenueLink{state, "test", {}}, base::Timestamp{} + base::days(20'000));
}

TEST(EngineLive, AVenueThatAgreesChangesNothing) {
  auto quiet = make_engine();
  Script without(*quiet);
  start(without);
  play(without, 0, 200, 4);
  auto live = make_engine();
  Script with(*live);
  start(with);
  link(with);
  play(with, 0, 200, 4);
  ASSERT_GT(without.orders.size(), 4U);
  EXPECT_EQ(with.orders.size(), without.orders.size());
  for (std::size_t i = 0; i < std::min(with.orders.size(), without.orders.size()); ++i)
    EXPECT_EQ(with.orders[i].id, without.orders[i].id);
  EXPECT_EQ(live->ledger().account().wallet, quiet->ledger().account().wallet);
  EXPECT_TRUE(live->entry_permission().reconciled);
}

TEST(EngineLive, WithoutAReadyLinkNothingIsEntered) {
  auto engine = make_engine();
  Script script(*engine);
  start(script);
  link(script, domain::LinkState::Down);
  play(script, 0, 200, 4);
  EXPECT_TRUE(script.orders.empty());
  std::set<std::string> rules;
  for (const auto& r : script.audit)
    if (const auto* o = std::get_if<domain::OrderRefused>(&r)) rules.insert(o->rule);
  EXPECT_EQ(rules, std::set<std::string>{"venue_link"});
}

TEST(EngineLive, Incident14_AnExecutionIsBookedOnce) {
  auto engine = make_engine();
  Script script(*engine);
  start(script);
  script.bar({0}, 0, 100);
  domain::Fill fill;
  fill.price = domain::Price::from_int(100);
  fill.quantity = domain::Quantity::from_int(1);
  fill.side = domain::Side::Buy;
  fill.order = domain::ClientOrderId::make({9}, 1);
  fill.venue_trade_id = 5;
  const base::Timestamp now = script.envelopes.back().ts_recv;
  Outbox outbox;
  engine->step({script.envelopes.size() + 1, now, fill}, outbox);
  EXPECT_EQ(engine->ledger().position({0}).quantity, fill.quantity);
  engine->step({script.envelopes.size() + 2, now, fill}, outbox);
  EXPECT_EQ(engine->ledger().position({0}).quantity, fill.quantity);
}

TEST(EngineLive, AnOrphanBeforeTheFirstBarIsAdoptedAndMarked) {
  auto engine = make_engine();
  Outbox outbox;
  const base::Timestamp now = base::Timestamp{} + base::days(20'000);
  std::uint64_t seq = 0;
  const auto step = [&](domain::Event e) { engine->step({++seq, now, std::move(e)}, outbox); };
  step(domain::RunStarted{domain::Money::from_int(10'000), 1, {}, {}});
  domain::AccountSnapshot s;
  s.requested_at = now;
  s.wallet = domain::Money::from_int(5'000);
  s.positions.push_back(
      {{1}, domain::Quantity::from_int(-2), domain::Price::from_int(50), {5}, domain::MarginMode::Isolated});
  step(s);
  ASSERT_EQ(outbox.commands.size(), 1U);
  EXPECT_EQ(std::get<execution::SubmitOrder>(outbox.commands[0]).order->type, domain::OrderType::StopMarket);
  EXPECT_EQ(engine->ledger().account().wallet, domain::Money::from_int(5'000));
  step(domain::MarkPrice{{1}, domain::Price::from_int(49), now});
  EXPECT_EQ(engine->ledger().account().unrealised, domain::Money::from_int(2));
}

TEST(EngineLive, SnapshotPlusTailEqualsFullReplayWithARestartInIt) {
  auto whole = make_engine();
  Script script(*whole);
  start(script);
  link(script);
  play(script, 0, 60, 9);
  const base::Timestamp now = script.envelopes.back().ts_recv;
  script.deliver(domain::RunResumed{now}, now);
  script.deliver(domain::VenueLink{domain::LinkState::Ready, "again", now}, now + base::seconds(1));
  play(script, 60, 110, 9);
  ASSERT_GT(script.orders.size(), 2U);
  for (std::size_t cut = 1; cut < script.envelopes.size(); cut += 701) {
    auto first = make_engine();
    Outbox outbox;
    for (std::size_t i = 0; i < cut; ++i) first->step(script.envelopes[i], outbox);
    auto second = make_engine();
    const auto restored = second->restore(first->snapshot());
    ASSERT_TRUE(restored) << restored.error().message();
    for (std::size_t i = cut; i < script.envelopes.size(); ++i) second->step(script.envelopes[i], outbox);
    ASSERT_EQ(second->snapshot(), whole->snapshot()) << "cut at " << cut;
  }
}

TEST(Engine, RefusesASnapshotThatIsNotItsOwn) {
  auto engine = make_engine();
  base::Bytes bytes = engine->snapshot();
  bytes.pop_back();
  EXPECT_EQ(engine->restore(bytes).error().code, base::Errc::Corrupt);
  bytes = engine->snapshot();
  bytes[8] ^= std::byte{1};
  EXPECT_EQ(engine->restore(bytes).error().code, base::Errc::SchemaMismatch);
}

TEST(Engine, KillStopsEntriesAndCloseAllStillCloses) {
  auto engine = make_engine();
  Script script(*engine);
  start(script);
  play(script, 0, 400, 4);
  const base::Timestamp now = script.envelopes.back().ts_recv;
  script.deliver(domain::OperatorCommand{domain::OperatorAction::Kill, std::nullopt, "op", "test"}, now);
  const auto before = script.orders.size();
  script.deliver(domain::OperatorCommand{domain::OperatorAction::CloseAll, std::nullopt, "op", "test"}, now);
  EXPECT_TRUE(engine->ledger().position({0}).flat());
  EXPECT_TRUE(engine->ledger().position({1}).flat());
  play(script, 400, 700, 4);
  for (std::size_t i = before; i < script.orders.size(); ++i)
    EXPECT_NE(script.orders[i].purpose, domain::OrderPurpose::Entry);
}

/// Notes when it was shown what, and wishes for nothing.
class Witness final : public fund::Strategy {
 public:
  struct Seen {
    SymbolId symbol;
    base::Timestamp now;
    bool decided;
  };
  explicit Witness(std::vector<Seen>& seen) : seen_(seen) {}
  std::string_view name() const override { return "ema_cross"; }
  void on_primary_bar(SymbolId, const domain::Bar&) override {}
  void observe(const fund::StrategyInput& input) override { seen_.push_back({input.symbol, input.now, false}); }
  domain::Signal evaluate(const fund::StrategyInput& input) override {
    seen_.push_back({input.symbol, input.now, true});
    domain::Signal signal;
    signal.symbol = input.symbol;
    signal.hold_reason = domain::HoldReason::NoSetup;
    return signal;
  }
  void archive(base::Writer&) override {}
  void archive(base::Reader&) override {}

 private:
  std::vector<Seen>& seen_;
};

TEST(Engine, AStartThatLoadsAllHistoryAtOnceIsSeenBarByBarAndDecidesOnTheLastAlone) {
  std::vector<Witness::Seen> seen;
  auto table = domain::InstrumentTable::create({instrument("BTCUSDT"), instrument("ETHUSDT")});
  auto engine = Engine::create(config(), std::move(*table), std::make_unique<Witness>(seen));
  ASSERT_TRUE(engine) << engine.error().message();
  constexpr int kBars = 5;
  const base::Timestamp first_open = base::Timestamp{} + base::days(20'000);
  const base::Timestamp arrival = first_open + base::minutes(15) * kBars + base::seconds(1);
  std::uint64_t seq = 0;
  Outbox outbox;
  const auto deliver = [&](domain::Event event, base::Timestamp ts) {
    (*engine)->step({++seq, ts, std::move(event)}, outbox);
  };
  deliver(domain::RunStarted{domain::Money::from_int(10'000), 1, {}, {}}, first_open);
  for (int n = 0; n < kBars; ++n) {
    for (const SymbolId symbol : {SymbolId{0}, SymbolId{1}}) {
      domain::Bar b;
      b.timeframe = domain::Timeframe::M15;
      b.open_time = first_open + base::minutes(15) * n;
      b.open = b.high = b.low = b.close = domain::Price::from_int(100 + n);
      b.volume = 1'000;
      deliver(domain::BarClosed{symbol, b}, arrival);
    }
  }
  while (const auto due = (*engine)->next_timer_due()) {
    if (*due > arrival + base::minutes(1)) break;
    const auto t = *(*engine)->peek_timer(*due);
    deliver(domain::TimerFired{t.id, t.tag, t.argument}, *due);
  }
  std::vector<base::Timestamp> shown;
  int decided = 0;
  for (const Witness::Seen& s : seen) {
    decided += s.decided;
    if (!s.decided && s.symbol == SymbolId{1}) shown.push_back(s.now);
  }
  EXPECT_EQ(decided, 2) << "each symbol, once";
  ASSERT_EQ(shown.size(), static_cast<std::size_t>(kBars));
  for (int n = 0; n + 1 < kBars; ++n)
    EXPECT_EQ(shown[static_cast<std::size_t>(n)], first_open + base::minutes(15) * (n + 1)) << "as of its own close";
}

/// Learns from each bar it is shown that claims of 0.6 to 0.8 were right half of the time.
class Learner final : public fund::Strategy {
 public:
  std::string_view name() const override { return "ema_cross"; }
  void on_primary_bar(SymbolId, const domain::Bar&) override {}
  void observe(const fund::StrategyInput& input) override {
    for (int i = 0; i < 20; ++i) {
      const double raw = 0.6 + 0.2 * (i % 7) / 6.0;
      calibrator_.add({input.now - base::minutes(60), raw, calibrator_.apply(raw), i % 2 == 0}, input.now);
    }
  }
  domain::Signal evaluate(const fund::StrategyInput& input) override {
    domain::Signal signal;
    signal.symbol = input.symbol;
    signal.hold_reason = domain::HoldReason::NoSetup;
    return signal;
  }
  const models::Calibrator* calibrator() const override { return &calibrator_; }
  bool roll_back_calibration() override { return calibrator_.roll_back(); }
  void archive(base::Writer& a) override { a(calibrator_); }
  void archive(base::Reader& a) override { a(calibrator_); }

 private:
  models::Calibrator calibrator_{base::minutes(60)};
};

TEST(Engine, EveryChangeOfCalibrationIsOnRecordAndTheOperatorCanGoBack) {
  auto table = domain::InstrumentTable::create({instrument("BTCUSDT"), instrument("ETHUSDT")});
  auto engine = Engine::create(config(), std::move(*table), std::make_unique<Learner>());
  ASSERT_TRUE(engine) << engine.error().message();
  Script script(**engine);
  start(script);
  play(script, 0, 200, 4);
  const auto changes = [&] {
    std::vector<domain::CalibrationChanged> out;
    for (const auto& record : script.audit)
      if (const auto* c = std::get_if<domain::CalibrationChanged>(&record)) out.push_back(*c);
    return out;
  };
  const auto fitted = changes();
  ASSERT_FALSE(fitted.empty());
  EXPECT_EQ(fitted.front().from, 0U);
  EXPECT_EQ(fitted.front().to, 1U);
  EXPECT_FALSE(fitted.front().by_operator);
  EXPECT_LT(fitted.front().holdout_brier, fitted.front().raw_brier);

  const std::uint32_t in_force = (*engine)->strategy().calibrator()->current().number;
  EXPECT_EQ(in_force, fitted.back().to);
  const base::Timestamp now = script.envelopes.back().ts_recv;
  const domain::OperatorCommand back{domain::OperatorAction::RollBackCalibration, std::nullopt, "op", "test"};
  script.deliver(back, now);
  ASSERT_EQ(changes().size(), fitted.size() + 1);
  EXPECT_EQ(changes().back().from, in_force);
  EXPECT_EQ(changes().back().to, fitted.back().from);
  EXPECT_TRUE(changes().back().by_operator);
  script.deliver(back, now);
  EXPECT_EQ(changes().size(), fitted.size() + 1) << "one step is kept: a second rollback changes nothing";
}

/// Wishes to buy whatever happens, with what it is told to say of the move.
class Optimist final : public fund::Strategy {
 public:
  explicit Optimist(std::optional<double> low) : low_(low) {}
  std::string_view name() const override { return "ema_cross"; }
  void on_primary_bar(SymbolId, const domain::Bar&) override {}
  domain::Signal evaluate(const fund::StrategyInput& input) override {
    domain::Signal signal;
    signal.symbol = input.symbol;
    signal.action = domain::Action::Buy;
    signal.interval_low_frac = low_;
    if (low_) signal.interval_high_frac = *low_ + 0.1;
    return signal;
  }
  void archive(base::Writer&) override {}
  void archive(base::Reader&) override {}

 private:
  std::optional<double> low_;
};

/// What the first entry of a run was sized at.
domain::PositionSized first_size(std::optional<double> interval_low_frac) {
  auto table = domain::InstrumentTable::create({instrument("BTCUSDT"), instrument("ETHUSDT")});
  auto engine = Engine::create(config(), std::move(*table), std::make_unique<Optimist>(interval_low_frac));
  EXPECT_TRUE(engine) << engine.error().message();
  Script script(**engine);
  start(script);
  play(script, 0, 40, 4);
  for (const auto& r : script.audit)
    if (const auto* sized = std::get_if<domain::PositionSized>(&r)) return *sized;
  ADD_FAILURE() << "nothing was sized";
  return {};
}

TEST(Engine, ThePredictionIntervalOfASignalOnlyEverShrinksItsSize) {
  const auto step = [](const domain::PositionSized& size, std::string_view name) -> std::optional<double> {
    for (const auto& s : size.steps)
      if (s.name == name) return s.result;
    return std::nullopt;
  };
  const auto plain = first_size(std::nullopt), wide = first_size(-0.5), harmless = first_size(0.001);
  EXPECT_FALSE(step(plain, "interval_factor"));
  EXPECT_EQ(step(wide, "adverse_bound_frac"), 0.5);
  EXPECT_EQ(step(wide, "interval_factor"), 0.25);
  EXPECT_LT(wide.quantity, plain.quantity);
  EXPECT_GT(wide.quantity, domain::Quantity());
  EXPECT_EQ(harmless.quantity, plain.quantity);
}

TEST(Engine, NothingIsDecidedBeforeTheRunsStart) {
  auto engine = make_engine();
  Script script(*engine);
  const base::Timestamp from = base::Timestamp{} + base::days(20'000) + base::minutes(15) * 300;
  script.deliver(domain::RunStarted{domain::Money::from_int(10'000), 1, from, {}},
                 base::Timestamp{} + base::days(20'000));
  play(script, 0, 299, 4);
  EXPECT_EQ(count<domain::SignalGenerated>(script.audit), 0);
  EXPECT_TRUE(script.orders.empty());
}

class Vetoing final : public RiskCheckHook {
 public:
  base::Result<Plain> run(const RiskCheckInput&) override { return Plain{{domain::VerdictKind::Veto, {"no"}}}; }
};
class Failing final : public RiskCheckHook {
 public:
  base::Result<Plain> run(const RiskCheckInput&) override {
    return base::Error{"test", base::Errc::Unavailable, "down"};
  }
};

domain::VerdictKind ask(std::unique_ptr<RiskCheckHook> module, domain::HookMode mode, std::size_t& recorded) {
  HookBoard board;
  board.install<RiskCheckHook>(std::move(module), mode);
  Outbox outbox;
  const domain::Signal signal;
  const auto out = board.run<RiskCheckHook>({signal, domain::PositionSide::Long, {}, 1, false}, {1}, outbox);
  recorded = outbox.audit.size();
  return out.verdict.kind;
}

TEST(Hooks, OnlyActiveBindsAndAnErrorVetoes) {
  using domain::HookMode;
  using domain::VerdictKind;
  std::size_t recorded = 0;
  EXPECT_EQ(ask(std::make_unique<Vetoing>(), HookMode::Active, recorded), VerdictKind::Veto);
  EXPECT_EQ(recorded, 1U);
  for (const auto mode : {HookMode::Observation, HookMode::Shadow}) {
    EXPECT_EQ(ask(std::make_unique<Vetoing>(), mode, recorded), VerdictKind::Allow);
    EXPECT_EQ(recorded, 1U) << "what it would have said is on record";
  }
  EXPECT_EQ(ask(std::make_unique<Vetoing>(), HookMode::Disabled, recorded), VerdictKind::Allow);
  EXPECT_EQ(recorded, 0U);
  EXPECT_EQ(ask(std::make_unique<Failing>(), HookMode::Active, recorded), VerdictKind::Veto) << "fails closed";
}

TEST(Hooks, EveryErrorAnswerOnlyNarrows) {
  const domain::Signal signal;
  const std::vector<domain::Signal> candidates(3);
  EXPECT_TRUE(on_error(UniverseInput{{{0}, {1}}, {}}).symbols.empty());
  EXPECT_GT(on_error(ConfidenceInput{signal, 0.65}).threshold, 0.65);
  for (const bool allowed : on_error(PortfolioInput{candidates, {}}).allowed) EXPECT_FALSE(allowed);
  EXPECT_EQ(on_error(PeriodicInput{}).verdict.kind, domain::VerdictKind::Veto);
}

TEST(Hooks, ARunReportsWhatIsNotInstalled) {
  auto engine = make_engine();
  Script script(*engine);
  start(script);
  int reported = 0, missing = 0;
  for (const auto& r : script.audit) {
    const auto* v = std::get_if<domain::HookVerdict>(&r);
    if (v == nullptr) continue;
    ++reported;
    missing += v->mode == domain::HookMode::NotInstalled;
  }
  EXPECT_EQ(reported, 12);
  EXPECT_EQ(missing, 9);
}

TEST(Config, RefusesWhatIsOutOfRange) {
  EngineConfig c = config();
  c.base = domain::Timeframe::H1;
  EXPECT_NE(validate(c).error().context.find("multiple of the base timeframe"), std::string::npos);
  c = config();
  c.executor.settle_ms = 900'000;
  EXPECT_FALSE(validate(c));
  EXPECT_NE(config_hash(config()), config_hash(c));
}

}  // namespace
}  // namespace qtrader::engine
