// Random divergence between a venue and the core: positions, orders and wallet changed behind its back, executions and
// orders lost. After at most two snapshots the books equal the venue and every position is covered; nothing the core
// sends ever enlarges one; and snapshots that change nothing cause nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/base/rng.hpp"
#include "core/execution/execution_fixture.hpp"

namespace qtrader::execution {
namespace {

using domain::ClientOrderId;
using domain::OrderStatus;
using domain::OrderType;
using domain::PositionSide;
using domain::Quantity;
using domain::SymbolId;
using domain::VenueReason;

constexpr double kMark = 100;
constexpr std::array kSymbols{kSymbol, kOther};

/// A venue that answers every command at once and can be changed without a word.
class ModelVenue {
 public:
  explicit ModelVenue(World& world) : w_(world), wallet_(world.ledger.account().wallet) {}

  /// Carries out what the core has sent, and what it sends in answer, until it is silent.
  void pump() {
    while (!w_.commands.empty()) {
      w_.reconciler.touch(w_.commands, w_.now);
      for (const Command& command : std::exchange(w_.commands, {})) {
        if (!std::holds_alternative<RequestSnapshot>(command)) ++commands;
        std::visit([&](const auto& c) { take(c); }, command);
      }
    }
  }
  void show() {
    domain::AccountSnapshot s;
    s.requested_at = s.ts_event = w_.now;
    s.wallet = wallet_;
    for (const SymbolId id : kSymbols)
      if (!position[id.value].is_zero())
        s.positions.push_back({id, position[id.value], price(kMark), {5}, domain::MarginMode::Isolated});
    for (const auto& [id, o] : orders) s.orders.push_back(o);
    w_.deliver(s);
    pump();
  }
  Quantity stops(SymbolId id) const {
    Quantity sum;
    for (const auto& [venue_id, o] : orders)
      if (o.symbol == id && o.type == OrderType::StopMarket && o.order.value != 0 &&
          (o.side == domain::Side::Sell) == position[id.value].is_positive())
        sum += o.quantity;
    return sum;
  }
  domain::Money wallet() const { return wallet_; }
  void bill(domain::Money amount) { wallet_ += amount; }
  std::uint64_t add(domain::VenueOpenOrder o) {
    o.venue_id = ++next_;
    orders.emplace(o.venue_id, o);
    return o.venue_id;
  }

  /// A stop executes and nobody tells us: only a question brings its fill.
  void execute_unseen(SymbolId s) {
    for (auto it = orders.begin(); it != orders.end(); ++it) {
      const domain::VenueOpenOrder o = it->second;
      const bool reduces = (o.side == domain::Side::Sell) == position[s.value].is_positive();
      if (o.symbol != s || o.type != OrderType::StopMarket || o.order.value == 0 || !reduces) continue;
      const Quantity size = std::min(o.quantity, position[s.value].abs());
      if (!size.is_positive()) continue;
      position[s.value] += o.side == domain::Side::Buy ? size : -size;
      unseen_[o.order] = size;
      orders.erase(it);
      return;
    }
  }

  std::array<Quantity, 2> position{};
  std::map<std::uint64_t, domain::VenueOpenOrder> orders;  // by venue id
  int commands = 0;
  bool entries_allowed = true;

 private:
  void report(ClientOrderId id, SymbolId symbol, OrderStatus status, VenueReason reason = VenueReason::None,
              Quantity filled = {}) {
    w_.deliver(domain::OrderReport{id, symbol, status, reason, filled, {}, w_.now});
  }
  auto find(ClientOrderId id) {
    return std::find_if(orders.begin(), orders.end(), [&](const auto& e) { return e.second.order == id; });
  }
  void take(const SubmitOrder& c) {
    const domain::Order& o = c.order.get();
    const Quantity held = position[o.symbol.value];
    const Quantity change = o.side == domain::Side::Buy ? o.quantity : -o.quantity;
    if (o.type != OrderType::Market) {
      EXPECT_TRUE(o.reduce_only);
      domain::VenueOpenOrder v;
      v.order = o.id;
      v.symbol = o.symbol;
      v.side = o.side;
      v.type = o.type;
      v.quantity = o.quantity;
      v.trigger_price = o.trigger_price;
      v.reduce_only = true;
      v.conditional = true;
      add(v);
      return report(o.id, o.symbol, OrderStatus::New);
    }
    if (o.reduce_only && (held.is_zero() || held.is_positive() == change.is_positive()))
      return report(o.id, o.symbol, OrderStatus::Rejected, VenueReason::ReduceOnlyRejected);
    EXPECT_TRUE(o.reduce_only || entries_allowed) << "an entry while the books are in doubt";
    Quantity size = o.quantity;
    if (o.reduce_only) size = std::min(size, held.abs());
    position[o.symbol.value] += o.side == domain::Side::Buy ? size : -size;
    const domain::Money before = w_.ledger.account().wallet;
    w_.fill(domain::Order(o), kMark, size.to_double());
    wallet_ += w_.ledger.account().wallet - before;
    report(o.id, o.symbol, size == o.quantity ? OrderStatus::Filled : OrderStatus::Expired, VenueReason::None, size);
  }
  void take(const CancelOrder& c) {
    const auto it = find(c.order);
    if (it == orders.end()) return report(c.order, c.symbol, OrderStatus::Rejected, VenueReason::UnknownOrder);
    orders.erase(it);
    report(c.order, c.symbol, OrderStatus::Canceled, VenueReason::UserRequest);
  }
  void take(const QueryOrder& c) {
    if (find(c.order) != orders.end()) return report(c.order, c.symbol, OrderStatus::New);
    if (const auto it = unseen_.find(c.order); it != unseen_.end()) {
      const Quantity size = it->second;
      unseen_.erase(it);
      const Trade* trade = w_.manager.trade(c.symbol);
      const OrderRecord* record = trade == nullptr ? nullptr : trade->find(c.order);
      if (record == nullptr) return;
      const domain::Order order = record->order;
      const domain::Money before = w_.ledger.account().wallet;
      w_.fill(order, kMark, size.to_double());
      wallet_ += w_.ledger.account().wallet - before;
      return report(c.order, c.symbol, OrderStatus::Filled, VenueReason::None, size);
    }
    report(c.order, c.symbol, OrderStatus::Rejected, VenueReason::UnknownOrder);
  }
  void take(const CancelForeign& c) { orders.erase(c.venue_id); }
  void take(const SetLeverage& c) { w_.deliver(domain::LeverageSet{c.symbol, c.leverage, c.mode, true, w_.now}); }
  void take(const RequestSnapshot&) {}

  World& w_;
  domain::Money wallet_;
  std::map<ClientOrderId, Quantity> unseen_;
  std::uint64_t next_ = 0;
};

/// Changes something at the venue that no event tells of.
void diverge(ModelVenue& venue, base::Rng& rng) {
  const SymbolId s{static_cast<std::uint16_t>(rng.below(2))};
  Quantity& held = venue.position[s.value];
  const auto drop = [&](auto which) { std::erase_if(venue.orders, which); };
  domain::VenueOpenOrder o;
  o.symbol = s;
  o.side = rng.below(2) == 0 ? domain::Side::Buy : domain::Side::Sell;
  o.quantity = qty(1);
  o.limit_price = price(90);
  switch (rng.below(10)) {
    case 0:
      held = {};
      if (rng.below(2) == 0) drop([&](const auto& e) { return e.second.symbol == s; });
      break;
    case 1:
      held = qty(std::round(held.to_double() * rng.uniform(0.2, 2) * 1000) / 1000);
      break;
    case 2:
      held = -held;
      break;
    case 3:
      held = qty((rng.below(2) == 0 ? 1 : -1) * (1 + static_cast<double>(rng.below(5'000)) / 1'000));
      break;
    case 4:
      drop([&](const auto& e) { return e.second.symbol == s && e.second.type == OrderType::StopMarket; });
      break;
    case 5:
      drop([&](const auto& e) { return e.second.symbol == s; });
      break;
    case 6:
      o.reduce_only = rng.below(2) == 0;
      venue.add(o);
      break;
    case 7:
      o.order = ClientOrderId::make({900 + rng.below(9)}, 3);
      o.reduce_only = true;
      venue.add(o);
      break;
    case 8:
      venue.execute_unseen(s);
      break;
    default:
      venue.bill(usd(rng.uniform(-20, 20)));
  }
}

class ReconcileLife {
 public:
  explicit ReconcileLife(std::uint64_t seed) : rng_(base::Rng(seed).fork("reconcile")) {
    w_.warm_up();
    venue_.emplace(w_);
    venue_->bill(w_.ledger.account().wallet - venue_->wallet());
    w_.deliver(domain::VenueLink{domain::LinkState::Ready, "", w_.now});
    venue_->pump();
    round(2);
    for (const SymbolId s : kSymbols) {
      const double dice = rng_.uniform();
      if (dice < 0.25) continue;
      EXPECT_EQ(w_.open(w_.plan(dice < 0.6 ? PositionSide::Long : PositionSide::Short, s)), std::nullopt);
      venue_->pump();
    }
    w_.advance(2'000);
    venue_->pump();
    venue_->entries_allowed = false;
  }

  void round(int snapshots) {
    for (int i = 0; i < snapshots; ++i) {
      w_.advance(1'000);
      venue_->pump();
      venue_->show();
    }
  }

  void live() {
    const std::uint64_t changes = 1 + rng_.below(4);
    for (std::uint64_t i = 0; i < changes; ++i) diverge(*venue_, rng_);
    std::array<Quantity, 2> before = venue_->position;
    round(1);
    never_larger(before);
    before = venue_->position;
    round(1);
    never_larger(before);
    for (const SymbolId s : kSymbols) check(s);
    round(3);
    for (const SymbolId s : kSymbols) check(s);
    EXPECT_EQ(w_.ledger.account().wallet, venue_->wallet());
    EXPECT_EQ(w_.ledger.trial_balance(), usd(0));
    for (const auto& [id, o] : venue_->orders) {
      EXPECT_TRUE(o.reduce_only) << "a foreign order that could enlarge is left";
      EXPECT_TRUE(o.order.trade().value < 900) << "an orphan of ours is left";
    }
    venue_->commands = 0;
    round(2);
    EXPECT_EQ(venue_->commands, 0) << "equal snapshots cause nothing";
    EXPECT_TRUE(w_.gate.permission().reconciled);
    for (const auto& record : std::exchange(w_.sink.records, {})) {
      if (const auto* a = std::get_if<domain::RiskAlert>(&record)) ++seen["alert " + a->rule];
      if (const auto* c = std::get_if<domain::TradeClosed>(&record))
        ++seen["closed " + std::string(base::enum_name(c->exit_reason))];
      if (const auto* t = std::get_if<domain::TradeTransition>(&record))
        ++seen["to " + std::string(base::enum_name(t->to))];
    }
  }
  std::map<std::string, int> seen;

 private:
  void never_larger(const std::array<Quantity, 2>& before) {
    for (const SymbolId s : kSymbols) EXPECT_LE(venue_->position[s.value].abs(), before[s.value].abs());
  }
  void check(SymbolId s) {
    EXPECT_EQ(w_.ledger.position(s).quantity, venue_->position[s.value]) << s.value;
    EXPECT_GE(venue_->stops(s), venue_->position[s.value].abs()) << "uncovered: symbol " << s.value;
  }

  base::Rng rng_;
  World w_;
  std::optional<ModelVenue> venue_;
};

TEST(ReconcileProperty, TwoSnapshotsAfterAnyDivergenceTheBooksEqualTheVenueAndAllIsCovered) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ReconcileLife life(seed);
    for (int i = 0; i < 4; ++i) life.live();
    if (::testing::Test::HasFailure()) return;
    for (const auto& [what, n] : life.seen) seen[what] += n;
  }
  // The lives must have been eventful, or they prove nothing.
  for (const char* what : {"alert reconcile_ghost", "alert reconcile_orphan", "alert reconcile_drift",
                           "alert reconcile_side", "alert stop_lost", "alert foreign_order", "alert wallet_adjusted",
                           "closed Reconciled", "closed StopLoss", "to Protected"})
    EXPECT_GT(seen[what], 20) << what;
}

}  // namespace
}  // namespace qtrader::execution
