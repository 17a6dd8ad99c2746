// The trade manager against a venue that does everything a venue can do: delays, rejections, lost orders, partial
// fills, reports before and after their fills and twice, cancels that lose their race, fills after the cancel, stops
// lost, liquidations. After every event the invariants of fund.md 1.1, 3.12 and 4.5 must hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/base/hash.hpp"
#include "core/base/rng.hpp"
#include "core/execution/execution_fixture.hpp"

namespace qtrader::execution {
namespace {

using domain::OrderStatus;
using domain::OrderType;
using domain::PositionSide;
using domain::Quantity;
using domain::VenueReason;

struct Chaos {
  double reject = 0.05, lose = 0.03, partial = 0.5, duplicate = 0.2, drop_stop = 0.01, late_fill = 0.15,
         liquidate = 0.002;
};

/// Its own truth: orders and position as the venue sees them. Answers travel with random delays; fills stay in order.
class ChaosVenue {
 public:
  ChaosVenue(std::uint64_t seed, Chaos chaos) : rng_(base::Rng(seed).fork("venue")), chaos_(chaos) {}

  struct Working {
    domain::Order order;
    Quantity filled;
    bool triggered = false;
    Quantity open() const { return order.quantity - filled; }
  };
  struct Answer {
    base::Timestamp due;
    std::uint64_t seq = 0;
    domain::Event event;
  };

  void calm() { chaos_ = {0, 0, 0, 0, 0, 0, 0}; }

  void take(const Command& command, base::Timestamp now) {
    now_ = now;
    if (const auto* submit = std::get_if<SubmitOrder>(&command)) return arrive(submit->order.get());
    if (const auto* cancel = std::get_if<CancelOrder>(&command)) return drop(cancel->order, cancel->symbol);
    const auto& set = std::get<SetLeverage>(command);
    const bool agree = !chance(chaos_.reject);
    if (chance(chaos_.lose)) return;
    say(domain::LeverageSet{set.symbol, agree ? set.leverage : domain::Leverage{20}, set.mode, true, now}, delay());
  }

  /// One bar's worth of trading: triggers and fills.
  void trade(const std::array<double, 2>& lows, const std::array<double, 2>& highs, base::Timestamp now) {
    now_ = now;
    for (std::size_t s = 0; s < 2; ++s) {
      const domain::SymbolId symbol{static_cast<std::uint16_t>(s)};
      last_[s] = (lows[s] + highs[s]) / 2;
      if (!position_[s].is_zero() && chance(chaos_.liquidate)) liquidate(symbol);
      std::vector<domain::ClientOrderId> ids;
      for (const auto& [id, w] : working_)
        if (w.order.symbol == symbol) ids.push_back(id);
      for (const auto id : ids) step(id, lows[s], highs[s]);
    }
  }

  std::vector<Answer> due(base::Timestamp now) {
    std::vector<Answer> out;
    for (auto it = answers_.begin(); it != answers_.end();) {
      if (it->due > now) {
        ++it;
      } else {
        out.push_back(std::move(*it));
        it = answers_.erase(it);
      }
    }
    std::sort(out.begin(), out.end(),
              [](const Answer& a, const Answer& b) { return std::pair(a.due, a.seq) < std::pair(b.due, b.seq); });
    return out;
  }
  bool quiet() const { return answers_.empty(); }
  Quantity position(domain::SymbolId s) const { return position_[s.value]; }
  int live_entries(domain::SymbolId s) const {
    return static_cast<int>(std::count_if(working_.begin(), working_.end(), [&](const auto& e) {
      return e.second.order.symbol == s && !e.second.order.reduce_only;
    }));
  }
  Quantity stop_quantity(domain::SymbolId s) const {
    Quantity sum;
    for (const auto& [id, w] : working_)
      if (w.order.symbol == s && w.order.type == OrderType::StopMarket) sum += w.open();
    return sum;
  }

 private:
  bool chance(double p) { return rng_.uniform() < p; }
  base::Duration delay() { return base::milliseconds(10 + static_cast<std::int64_t>(rng_.below(1'500))); }
  void say(domain::Event e, base::Duration in) { answers_.push_back({now_ + in, ++seq_, std::move(e)}); }

  void report(const Working& w, OrderStatus status, VenueReason reason) {
    domain::OrderReport r;
    r.order = w.order.id;
    r.symbol = w.order.symbol;
    r.status = status;
    r.reason = reason;
    r.filled = w.filled;
    r.ts_event = now_;
    say(r, delay());
    if (chance(chaos_.duplicate)) say(r, delay());
  }

  void arrive(const domain::Order& order) {
    EXPECT_FALSE(working_.contains(order.id)) << "client order ids are unique among open orders";
    EXPECT_TRUE(order.quantity.is_positive());
    EXPECT_EQ(order.reduce_only, order.purpose != domain::OrderPurpose::Entry);
    Working w{order, {}, order.type == OrderType::Market};
    if (!order.reduce_only) {
      EXPECT_EQ(live_entries(order.symbol), 0) << "two live entries in one symbol";
    }
    if (chance(chaos_.lose)) return;
    if (chance(chaos_.reject)) {
      constexpr VenueReason kReasons[] = {VenueReason::TransportFailure, VenueReason::TransportFailure,
                                          VenueReason::PriceFilter, VenueReason::InsufficientMargin};
      return report(w, OrderStatus::Rejected, kReasons[rng_.below(4)]);
    }
    const Quantity held = position_[order.symbol.value];
    const bool reduces = order.side == domain::Side::Sell ? held.is_positive() : held.is_negative();
    if (order.reduce_only && !reduces) return report(w, OrderStatus::Rejected, VenueReason::ReduceOnlyRejected);
    if (order.type != OrderType::Market && touched(order, last_[order.symbol.value], last_[order.symbol.value]))
      return report(w, OrderStatus::Rejected, VenueReason::WouldTrigger);
    working_.emplace(order.id, w);
    report(w, OrderStatus::New, VenueReason::None);
    if (order.type == OrderType::Market && chance(0.7)) fill(order.id);
  }

  void drop(domain::ClientOrderId id, domain::SymbolId symbol) {
    const auto it = working_.find(id);
    if (it == working_.end()) {
      domain::OrderReport r;
      r.order = id;
      r.symbol = symbol;
      r.status = OrderStatus::Rejected;
      r.reason = VenueReason::UnknownOrder;
      return say(r, delay());
    }
    if (chance(chaos_.lose)) return;  // the cancel is lost
    if (it->second.order.type == OrderType::Market && chance(chaos_.late_fill)) {
      fill(id);  // executed while the cancel was on its way
      if (!working_.contains(id)) return;
    }
    Working w = working_.at(id);
    working_.erase(id);
    report(w, OrderStatus::Canceled, VenueReason::UserRequest);
    // An execution the venue had not counted yet: what no venue should do, and some have.
    if (!w.order.reduce_only && chance(chaos_.late_fill)) execute(w, w.order.quantity - w.filled);
  }

  static bool touched(const domain::Order& o, double low, double high) {
    const bool falls = (o.type == OrderType::StopMarket) == (o.side == domain::Side::Sell);
    return falls ? price(low) <= o.trigger_price : price(high) >= o.trigger_price;
  }

  void step(domain::ClientOrderId id, double low, double high) {
    const auto it = working_.find(id);
    if (it == working_.end()) return;
    Working& w = it->second;
    if (!w.triggered && touched(w.order, low, high)) w.triggered = true;
    if (w.triggered) return fill(id);
    if (w.order.type == OrderType::StopMarket && chance(chaos_.drop_stop)) {
      report(w, OrderStatus::Expired, VenueReason::UserRequest);
      working_.erase(id);
    }
  }

  void fill(domain::ClientOrderId id) {
    Working& w = working_.at(id);
    Quantity size = w.open();
    if (chance(chaos_.partial)) size = std::max(qty(0.001), qty(std::floor(size.to_double() * 500) / 1000));
    if (w.order.reduce_only) size = std::min(size, position_[w.order.symbol.value].abs());
    w.filled += size;
    const bool done = w.open().is_zero();
    const domain::SymbolId symbol = w.order.symbol;
    const bool report_first = chance(0.5);
    if (report_first) report(w, done ? OrderStatus::Filled : OrderStatus::PartiallyFilled, VenueReason::None);
    execute(w, size);
    if (!report_first) report(w, done ? OrderStatus::Filled : OrderStatus::PartiallyFilled, VenueReason::None);
    if (done) working_.erase(id);
    if (position_[symbol.value].is_zero()) expire_reducing(symbol);
  }

  /// Fills of a symbol arrive in the order they happened.
  void execute(const Working& w, Quantity size) {
    if (!size.is_positive()) return;
    domain::Fill f;
    f.order = w.order.id;
    f.symbol = w.order.symbol;
    f.side = w.order.side;
    f.price = price(last_[w.order.symbol.value] + 0.1 * static_cast<double>(rng_.below(5)));
    f.quantity = size;
    f.fee = f.price * f.quantity * domain::Ratio::from_double(0.0004);
    send(f);
  }
  void send(domain::Fill f) {
    f.ts_event = now_;
    position_[f.symbol.value] += f.side == domain::Side::Buy ? f.quantity : -f.quantity;
    base::Timestamp& after = last_fill_due_[f.symbol.value];
    after = std::max(after, now_ + delay());
    answers_.push_back({after, ++seq_, f});
  }
  void liquidate(domain::SymbolId symbol) {
    domain::Fill f;
    f.symbol = symbol;
    f.side = position_[symbol.value].is_positive() ? domain::Side::Sell : domain::Side::Buy;
    f.quantity = position_[symbol.value].abs();
    f.price = price(last_[symbol.value]);
    f.kind = domain::FillKind::Liquidation;
    send(f);
    expire_reducing(symbol);
  }
  void expire_reducing(domain::SymbolId symbol) {
    for (auto it = working_.begin(); it != working_.end();) {
      if (it->second.order.symbol == symbol && it->second.order.reduce_only) {
        report(it->second, OrderStatus::Expired, VenueReason::PositionClosed);
        it = working_.erase(it);
      } else {
        ++it;
      }
    }
  }

  base::Rng rng_;
  Chaos chaos_;
  base::Timestamp now_;
  std::uint64_t seq_ = 0;
  std::map<domain::ClientOrderId, Working> working_;
  std::array<Quantity, 2> position_{};
  std::array<double, 2> last_{100, 100};
  std::array<base::Timestamp, 2> last_fill_due_{};
  std::vector<Answer> answers_;
};

/// Runs one random life of two symbols and checks the invariants after every event.
class Life {
 public:
  Life(std::uint64_t seed, bool snapshots, Chaos chaos = {}, bool books = false)
      : rng_(base::Rng(seed).fork("life")),
        venue_(seed, chaos),
        snapshots_(snapshots),
        books_(books),
        world_(new World) {
    world_->warm_up();
  }

  void run(int bars) {
    for (int i = 0; i < bars && !::testing::Test::HasFailure(); ++i) {
      maybe_act();
      pass(4'000 + static_cast<std::int64_t>(rng_.below(20'000)));
      bar();
      const bool stop_here = rng_.below(5) == 0;
      if (snapshots_ && stop_here) swap_in_snapshot();
    }
  }

  /// A venue that works, an operator who closes everything: nothing may be left.
  void wind_down() {
    venue_.calm();
    for (int i = 0; i < 40; ++i) {
      Context c = world_->context();
      world_->manager.close_all(domain::ExitReason::EndOfRun, c);
      carry();
      pass(30'000);
      bar();
    }
    for (const domain::SymbolId s : {kSymbol, kOther}) {
      EXPECT_TRUE(venue_.position(s).is_zero());
      EXPECT_TRUE(world_->ledger.position(s).flat());
      EXPECT_EQ(venue_.live_entries(s), 0);
    }
    world_->expect_clean();
    EXPECT_EQ(world_->manager.open_count(), 0u);
    EXPECT_EQ(world_->ledger.trial_balance(), usd(0));
  }

  std::uint64_t digest() const { return digest_; }
  const std::map<std::string, int>& seen() const { return seen_; }

 private:
  void maybe_act() {
    const domain::SymbolId s{static_cast<std::uint16_t>(rng_.below(2))};
    const double dice = rng_.uniform();
    if (dice < 0.5) {
      EntryPlan plan = world_->plan(rng_.below(2) == 0 ? PositionSide::Long : PositionSide::Short, s);
      plan.reference_price = price(std::round(mid_[s.value] * 10) / 10);
      plan.exits = exit_profile(static_cast<ExitMode>(rng_.below(3)), rng_.uniform(0.003, 0.02));
      plan.quantity = qty(1 + static_cast<double>(rng_.below(4'000)) / 1000);
      if (rng_.below(4) == 0) plan.exits.time_exit_s = 120;
      world_->open(plan);
    } else if (dice < 0.53) {
      world_->close(domain::ExitReason::SignalReversal, s);
    }
    carry();
  }

  /// Time goes by: answers and timers in order of their times.
  void pass(std::int64_t ms) {
    const base::Timestamp until = world_->now + base::milliseconds(ms);
    while (world_->now < until) {
      if (books_) show_books();
      world_->advance(50);
      carry();
      for (auto& answer : venue_.due(world_->now)) {
        std::visit(
            [&](const auto& e) {
              if constexpr (requires { world_->deliver(e); }) world_->deliver(e);
            },
            answer.event);
        carry();
      }
    }
  }

  /// Little at the touch and much a percent away: what makes an entry go in slices.
  void show_books() {
    for (const domain::SymbolId s : {kSymbol, kOther}) {
      const double mid = std::round(mid_[s.value] * 10) / 10;
      domain::BookDepth book;
      book.symbol = s;
      book.bids = {{price(mid), qty(0.3)}, {price(std::round(mid * 9.88) / 10), qty(1'000)}};
      book.asks = {{price(mid + 0.1), qty(0.3)}, {price(std::round(mid * 10.12) / 10), qty(1'000)}};
      book.ts_event = world_->now;
      EXPECT_TRUE(world_->market.on(book));
    }
  }

  void bar() {
    std::array<double, 2> low{}, high{};
    for (std::size_t s = 0; s < 2; ++s) {
      const double from = mid_[s];
      mid_[s] = std::clamp(from * (1 + 0.006 * rng_.normal()), 60.0, 160.0);
      low[s] = std::min(from, mid_[s]) * (1 - 0.003 * rng_.uniform());
      high[s] = std::max(from, mid_[s]) * (1 + 0.003 * rng_.uniform());
    }
    venue_.trade(low, high, world_->now);
    pass(2'000);
    for (std::size_t s = 0; s < 2; ++s) {
      const domain::SymbolId symbol{static_cast<std::uint16_t>(s)};
      const auto round = [](double p) { return std::round(p * 10) / 10; };
      domain::Bar b = World::bar_at(world_->now, round(high[s]) + 0.1, round(low[s]) - 0.1, round(mid_[s]));
      world_->market.on(domain::MarkPrice{symbol, b.close, world_->now + base::days(1)});
      Context c = world_->context();
      world_->manager.on_bar(symbol, b, c);
      carry();
    }
  }

  void carry() {
    for (const Command& command : std::exchange(world_->commands, {})) {
      if (const auto* submit = std::get_if<SubmitOrder>(&command)) note("submit " + base::to_json(submit->order.get()));
      if (const auto* cancel = std::get_if<CancelOrder>(&command)) note("cancel " + base::to_json(cancel->order));
      venue_.take(command, world_->now);
    }
    for (auto& record : std::exchange(world_->sink.records, {})) {
      note(base::to_json(record));
      audit(record);
    }
    for (const domain::SymbolId s : {kSymbol, kOther}) check(s);
  }

  void audit(const domain::AuditRecord& record) {
    if (const auto* t = std::get_if<domain::TradeTransition>(&record)) {
      ++seen_[std::string(base::enum_name(t->to))];
      if (t->to == domain::TradeState::Protected) protected_[t->trade] = true;
    } else if (const auto* m = std::get_if<domain::StopMoved>(&record)) {
      ++seen_["stop " + m->reason];
      const auto it = stops_.find(m->trade);
      if (it != stops_.end() && protected_[m->trade]) {
        EXPECT_FALSE(tighter(side_of(m->trade, m->symbol), it->second, m->stop)) << "a stop loosened";
      }
      stops_[m->trade] = m->stop;
    } else if (const auto* c = std::get_if<domain::TradeClosed>(&record)) {
      ++seen_["closed " + std::string(base::enum_name(c->exit_reason))];
      EXPECT_EQ(c->net_pnl, c->gross_pnl - c->fees + c->funding);
    } else if (const auto* e = std::get_if<domain::ExecutionReport>(&record)) {
      ++seen_["executed " + std::string(base::enum_name(e->plan))];
      EXPECT_LE(e->slices, 10);
      if (e->slices > 1) ++seen_["sliced"];
    } else if (const auto* a = std::get_if<domain::RiskAlert>(&record)) {
      ++seen_["alert " + a->rule];
    }
  }
  PositionSide side_of(domain::TradeId id, domain::SymbolId symbol) const {
    const Trade* t = world_->manager.trade(symbol);
    EXPECT_TRUE(t != nullptr && t->id == id);
    return t->plan.side;
  }

  void check(domain::SymbolId symbol) {
    const Trade* t = world_->manager.trade(symbol);
    const Quantity held = world_->ledger.position(symbol).quantity;
    if (held.is_zero()) {
      naked_since_[symbol.value].reset();
      return;
    }
    ASSERT_NE(t, nullptr) << "a position without a trade";
    ASSERT_EQ(held.is_positive(), t->plan.side == PositionSide::Long);
    const OrderRecord* stop = t->find(t->stop);
    const bool covered = stop != nullptr && stop->working() && stop->open() >= held.abs();
    const bool in_time = t->stop_timer.value != 0;
    bool closing = t->closing && t->close_timer.value != 0;
    if (t->closing)
      for (const OrderRecord& r : t->orders)
        closing = closing || (r.working() && r.order.type == OrderType::Market && r.order.reduce_only);
    EXPECT_TRUE(covered || in_time || closing)
        << "unprotected: " << base::to_json(t->state) << " held " << held.to_string();
    // And at the venue, whatever we believe: a stop within the time of three attempts, or a way out.
    auto& since = naked_since_[symbol.value];
    if (t->closing || venue_.stop_quantity(symbol) >= venue_.position(symbol).abs()) {
      since.reset();
    } else {
      if (!since) since = world_->now;
      EXPECT_LE((world_->now - *since).seconds(), 12.0) << "10 s and the way of the news that the stop is gone";
    }
  }

  void swap_in_snapshot() {
    auto copy = std::make_unique<World>();
    const base::Bytes bytes = base::to_bytes(*world_);
    ASSERT_TRUE(base::from_bytes(bytes, *copy));
    ASSERT_EQ(base::to_bytes(*copy), bytes);
    world_ = std::move(copy);
  }

  void note(const std::string& line) { digest_ = base::xxh64(base::as_bytes(line), digest_); }

  base::Rng rng_;
  ChaosVenue venue_;
  bool snapshots_, books_;
  std::unique_ptr<World> world_;
  std::array<double, 2> mid_{100, 100};
  std::map<domain::TradeId, domain::Price> stops_;
  std::map<domain::TradeId, bool> protected_;
  std::array<std::optional<base::Timestamp>, 2> naked_since_;
  std::map<std::string, int> seen_;
  std::uint64_t digest_ = 0;
};

TEST(ExecutionProperty, NeverUnprotectedNeverDoubledWhateverTheVenueDoes) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life life(seed, false);
    life.run(80);
    life.wind_down();
    for (const auto& [what, n] : life.seen()) seen[what] += n;
    if (HasFailure()) return;
  }
  // The lives must have been eventful, or they prove nothing.
  for (const char* what :
       {"Protected", "Failed", "Closed", "stop trailing", "stop breakeven", "stop resized", "closed StopLoss",
        "closed TakeProfit", "closed TrailingStop", "closed Breakeven", "closed Liquidated", "closed Unprotected",
        "closed TimeExit", "closed SignalReversal", "alert stop_lost", "alert unprotected", "alert unexpected_fill",
        "alert close_rejected", "alert stop_not_moved"})
    EXPECT_GT(seen[what], 0) << what;
}

TEST(ExecutionProperty, EntriesInSlicesAreProtectedAtEveryFillToo) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life life(seed, seed % 3 == 0, {}, true);
    life.run(80);
    life.wind_down();
    for (const auto& [what, n] : life.seen()) seen[what] += n;
    if (HasFailure()) return;
  }
  for (const char* what : {"executed Twap", "sliced", "Protected", "closed StopLoss", "alert stop_lost"})
    EXPECT_GT(seen[what], 10) << what;
}

TEST(ExecutionProperty, AWellBehavedVenueNeverLeadsToAnUnwind) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Life life(seed, false, Chaos{0, 0, 0, 0, 0, 0, 0});
    life.run(80);
    life.wind_down();
    for (const auto& [what, n] : life.seen()) seen[what] += n;
    if (HasFailure()) return;
  }
  EXPECT_EQ(seen["alert unprotected"], 0);
  EXPECT_EQ(seen["alert unexpected_fill"], 0);
  EXPECT_GT(seen["Closed"], 100);
}

TEST(ExecutionProperty, RestoredFromSnapshotsItSaysTheSame) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    Life straight(seed, false), restored(seed, true);
    straight.run(60);
    restored.run(60);
    ASSERT_EQ(straight.digest(), restored.digest()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace qtrader::execution
