// Long seeded runs of everything at once: money is conserved to the last digit, books never cross among clients, depth
// events rebuild the book, memory stays bounded, and the same inputs give the same events.
#include <map>

#include "core/base/rng.hpp"
#include "edge/matching/test_support.hpp"

namespace qtrader::matching::testing {
namespace {

/// What an account must be worth, from its events alone.
struct Shadow {
  Money cash;  // deposits − Σ signed quantity · price − fees + funding + insurance
  std::map<std::pair<std::uint16_t, PositionSide>, Quantity> positions;
};

class World : public ExchangeTest {
 protected:
  void start(std::uint64_t seed, std::size_t history) {
    ExchangeConfig c;
    c.seed = seed;
    c.history_limit = history;
    c.insurance_fund = usd("300");
    reset(c);
    rng.emplace(seed);
    ids.clear();
    shadows.clear();
    depth.clear();
    trace.clear();
    middle[0] = 500'000;
    middle[1] = 200'000;
    for (int i = 0; i < 6; ++i) {
      const char* balance = i % 2 == 0 ? "20000" : "300000";
      ids.push_back(open(balance, i % 3 == 2, i >= 4 ? 1 : -1));
      shadows[ids.back().value].cash = usd(balance);
      for (const SymbolId s : {kBtc, kEth}) {
        EXPECT_TRUE(exchange->set_leverage(ids.back(), s, 10 + i * 3));
        if (i % 2 == 1) {
          EXPECT_TRUE(exchange->set_margin_mode(ids.back(), s, MarginMode::Isolated));
        }
      }
    }
    for (const SymbolId s : {kBtc, kEth}) tick_mark(s);
    absorb();
  }

  std::uint64_t below(std::uint64_t n) { return rng->below(n); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  SymbolId symbol() { return one_in(3) ? kEth : kBtc; }
  /// Both symbols' grids in steps: BTC 0.1, ETH 0.01.
  static Price price_at(SymbolId s, std::int64_t ticks) {
    return Price::from_raw(ticks * (s == kBtc ? 10'000'000 : 1'000'000));
  }
  Price near(SymbolId s) { return price_at(s, middle[s.value] + static_cast<std::int64_t>(below(401)) - 200); }
  Quantity some(SymbolId s) {
    return Quantity::from_raw(static_cast<std::int64_t>(1 + below(800)) * (s == kBtc ? 100'000 : 2'000'000));
  }

  void tick_mark(SymbolId s) {
    const Price p = price_at(s, middle[s.value]);
    exchange->on(MarkTick{s, p, p, frac("0.0001"), now() + base::hours(8), now()});
  }
  void tick_book(SymbolId s) {
    BookDeltaTick t{s, {}, {}, now()};
    for (int i = 0; i < 4; ++i) {
      const auto away = static_cast<std::int64_t>(1 + below(100));
      t.bids.push_back({price_at(s, middle[s.value] - away), one_in(3) ? Quantity{} : some(s)});
      t.asks.push_back({price_at(s, middle[s.value] + away), one_in(3) ? Quantity{} : some(s)});
    }
    exchange->on(t);
  }
  void tick_snapshot(SymbolId s) {
    BookSnapshotTick t{s, {}, {}, now()};
    for (int i = 1; i <= 10; ++i) {
      t.bids.push_back({price_at(s, middle[s.value] - i * 9), some(s)});
      t.asks.push_back({price_at(s, middle[s.value] + i * 9), some(s)});
    }
    exchange->on(t);
  }

  void market_step() {
    const SymbolId s = symbol();
    const auto width = one_in(60) ? 40'000u : 300u;  // now and then a crash
    middle[s.value] += static_cast<std::int64_t>(below(width + 1)) - width / 2;
    middle[s.value] = std::clamp<std::int64_t>(middle[s.value], 100'000, 900'000);
    switch (below(8)) {
      case 0:
        return tick_snapshot(s);
      case 1:
      case 2:
        return exchange->on(TradeTick{s, near(s), some(s), one_in(2) ? Side::Buy : Side::Sell, now()});
      case 3:
      case 4:
        return tick_mark(s);
      case 5:
        if (one_in(10))
          return exchange->on(
              FundingTick{s, Ratio::from_raw(static_cast<std::int64_t>(below(100'000)) - 50'000), now()});
        return tick_book(s);
      default:
        return tick_book(s);
    }
  }

  PositionSide row_of(AccountId a) {
    if (!exchange->account(a).hedge_mode) return PositionSide::Both;
    return one_in(2) ? PositionSide::Long : PositionSide::Short;
  }

  void client_step() {
    const AccountId a = ids[below(ids.size())];
    const SymbolId s = symbol();
    switch (below(12)) {
      case 0:
        return place_algo(a, s);
      case 1:
        return amend(a, s);
      case 2: {
        const auto open_now = exchange->open_orders(a, s);
        if (!open_now.empty()) {
          EXPECT_TRUE(exchange->cancel(a, {s, open_now[below(open_now.size())].id, ""}));
        }
        return;
      }
      case 3:
        if (one_in(20)) {
          EXPECT_TRUE(exchange->cancel_all(a, s));
        }
        if (one_in(20)) {
          EXPECT_TRUE(exchange->cancel_all_algo(a, s));
        }
        if (one_in(20)) {
          EXPECT_TRUE(exchange->set_countdown(a, s, 5'000));
        }
        return;
      case 4: {
        const bool done = static_cast<bool>(exchange->set_leverage(a, s, static_cast<std::int32_t>(1 + below(50))));
        trace += done ? 'L' : 'l';
        return;
      }
      case 5: {
        const Money amount = Money::from_raw(static_cast<std::int64_t>(1 + below(50'000'000'000)));
        trace += exchange->adjust_margin(a, s, row_of(a), amount, one_in(2)) ? 'M' : 'm';
        return;
      }
      case 6:
        if (one_in(10)) exchange->deposit(a, usd("5000"));
        return;
      default:
        return place(a, s);
    }
  }

  void place(AccountId a, SymbolId s) {
    NewOrder o;
    o.symbol = s;
    o.side = one_in(2) ? Side::Buy : Side::Sell;
    o.position_side = row_of(a);
    o.type = one_in(4) ? OrderType::Market : OrderType::Limit;
    o.time_in_force = static_cast<TimeInForce>(below(4));
    if (one_in(10)) o.time_in_force = TimeInForce::GteGtc;
    o.quantity = some(s);
    o.price = o.type == OrderType::Limit ? near(s) : Price{};
    o.reduce_only = o.position_side == PositionSide::Both && one_in(3);
    o.self_trade = static_cast<SelfTradePrevention>(below(4));
    const auto r = exchange->place(a, o);
    trace += r ? "P" : std::to_string(r.refusal().code);
  }

  void amend(AccountId a, SymbolId s) {
    const auto open_now = exchange->open_orders(a, s);
    if (open_now.empty()) return;
    const auto& o = open_now[below(open_now.size())];
    trace += exchange->amend(a, {{s, o.id, ""}, o.request.side, some(s), near(s), PriceMatch::None, 0}) ? 'A' : 'a';
  }

  void place_algo(AccountId a, SymbolId s) {
    NewAlgoOrder o;
    o.symbol = s;
    o.side = one_in(2) ? Side::Buy : Side::Sell;
    o.position_side = row_of(a);
    o.type = static_cast<OrderType>(2 + below(5));
    o.quantity = some(s);
    o.price = o.type == OrderType::Stop || o.type == OrderType::TakeProfit ? near(s) : Price{};
    o.trigger_price = near(s);
    o.working = one_in(2) ? WorkingType::MarkPrice : WorkingType::ContractPrice;
    o.price_protect = one_in(4);
    if (o.type == OrderType::TrailingStopMarket) {
      o.callback = frac("0.002");
      o.trigger_price = Price{};
    } else if ((o.type == OrderType::StopMarket || o.type == OrderType::TakeProfitMarket) && one_in(2)) {
      o.close_position = true;
      o.quantity = Quantity{};
    } else if (one_in(4)) {
      o.time_in_force = TimeInForce::GteGtc;
    }
    trace += exchange->place_algo(a, o) ? 'C' : 'c';
  }

  /// Reads the events into the shadows, the rebuilt depth and the trace.
  void absorb() {
    for (const auto& e : events()) {
      trace += static_cast<char>('0' + e.index());
      if (const auto* o = std::get_if<OrderEvent>(&e)) absorb(*o);
      if (const auto* a = std::get_if<AccountEvent>(&e)) {
        trace += a->wallet.to_string();
        shadows[a->account.value].cash += a->balance_change;
      }
      if (const auto* b = std::get_if<BookEvent>(&e)) absorb(*b);
      if (const auto* g = std::get_if<AlgoEvent>(&e))
        ++seen["algo " + std::to_string(static_cast<int>(g->algo.status))];
      if (std::holds_alternative<MarginCallEvent>(e)) ++seen["margin call"];
    }
  }
  void absorb(const OrderEvent& o) {
    const NewOrder& r = o.order.request;
    trace += r.client_id;
    trace += std::to_string(o.order.id) + o.last_price.to_string() + o.last_quantity.to_string();
    if (o.reason != ExpiryReason::None) ++seen["expiry " + std::to_string(static_cast<int>(o.reason))];
    if (o.last_quantity.is_zero()) return;
    ++seen[r.client_id == "adl_autoclose"             ? "deleveraged"
           : o.execution == ExecutionType::Calculated ? "liquidated"
           : o.maker                                  ? "maker"
                                                      : "taker"];
    Shadow& s = shadows[o.order.account.value];
    const Quantity change = r.side == Side::Buy ? o.last_quantity : -o.last_quantity;
    s.cash -= o.last_price * change + o.commission;
    s.positions[{r.symbol.value, r.position_side}] += change;
  }
  void absorb(const BookEvent& b) {
    auto& [last, bids, asks] = depth[b.symbol.value];
    EXPECT_EQ(b.first_update_id, last + 1);
    EXPECT_GE(b.last_update_id, b.first_update_id);
    last = b.last_update_id;
    for (const auto* side : {&b.bids, &b.asks})
      for (const BookLevel& l : *side) {
        auto& into = side == &b.bids ? bids : asks;
        if (l.quantity.is_zero()) {
          into.erase(l.price);
        } else {
          into[l.price] = l.quantity;
        }
      }
  }

  void check_money() {
    for (const AccountId id : ids) {
      const AccountView v = exchange->account(id);
      Money worth = shadows[id.value].cash, unrealised, isolated;
      for (const SymbolId s : {kBtc, kEth})
        for (const auto& p : exchange->positions(id, s)) {
          const Quantity q = shadows[id.value].positions[{s.value, p.side}];
          ASSERT_EQ(p.amount, q);
          worth += p.mark * q;
          unrealised += p.unrealised;
          isolated += p.isolated_wallet;
          ASSERT_FALSE(p.isolated_wallet.is_negative() && p.amount.is_zero());
        }
      ASSERT_EQ(v.margin_balance, worth);
      ASSERT_EQ(v.unrealised, unrealised);
      ASSERT_EQ(v.cross_wallet, v.wallet - isolated);
      check_sums(id, v);
    }
    ASSERT_FALSE(exchange->insurance_fund() < usd("-1"));
  }
  void check_sums(AccountId id, const AccountView& v) {
    Money initial, maintenance, orders;
    for (const SymbolId s : {kBtc, kEth})
      for (const auto& p : exchange->positions(id, s)) {
        initial += p.position_initial_margin;
        maintenance += p.maintenance_margin;
        orders += p.order_initial_margin;
      }
    ASSERT_EQ(v.position_initial_margin, initial);
    ASSERT_EQ(v.maintenance_margin, maintenance);
    ASSERT_LE((v.order_initial_margin - orders).abs(), Money::from_raw(2));  // rounded for each side in hedge mode
  }

  void check_books() {
    for (const SymbolId s : {kBtc, kEth}) {
      std::map<Price, Quantity> buys, sells;
      for (const AccountId id : ids) {
        std::map<std::pair<Side, PositionSide>, Quantity> closing;
        for (const auto& o : exchange->open_orders(id, s)) {
          const Quantity left = o.request.quantity - o.executed;
          ASSERT_TRUE(left.is_positive());
          (o.request.side == Side::Buy ? buys : sells)[o.request.price] += left;
          if (o.request.reduce_only) closing[{o.request.side, o.request.position_side}] += left;
        }
        for (const auto& [key, sum] : closing) {
          const Quantity q = exchange->positions(id, s)[0].amount;
          ASSERT_LE(sum, q.abs());
          ASSERT_EQ(q.is_positive(), key.first == Side::Sell);
        }
      }
      if (!buys.empty() && !sells.empty()) {
        ASSERT_LT(buys.rbegin()->first, sells.begin()->first);
      }
      const BookView view = exchange->book(s, 100'000);
      auto& [last, bids, asks] = depth[s.value];
      ASSERT_EQ(view.update_id, last);
      ASSERT_EQ(view.bids.size(), bids.size());
      ASSERT_EQ(view.asks.size(), asks.size());
      for (const BookLevel& l : view.bids) {
        ASSERT_EQ(bids[l.price], l.quantity);
        ASSERT_GE(l.quantity, buys[l.price]);
      }
      for (const BookLevel& l : view.asks) {
        ASSERT_EQ(asks[l.price], l.quantity);
        ASSERT_GE(l.quantity, sells[l.price]);
      }
    }
  }

  void run(int steps, int check_every) {
    for (int i = 0; i < steps && !HasFatalFailure(); ++i) {
      pass(static_cast<std::int64_t>(below(400)));
      one_in(2) ? market_step() : client_step();
      absorb();
      if (i % check_every == 0) {
        check_money();
        check_books();
      }
    }
  }

  struct Depth {
    std::uint64_t last = 0;
    std::map<Price, Quantity> bids, asks;
  };
  std::optional<base::Rng> rng;
  std::vector<AccountId> ids;
  std::map<std::uint32_t, Shadow> shadows;
  std::map<std::uint16_t, Depth> depth;
  std::int64_t middle[2] = {};
  std::map<std::string, int> seen;  // what the runs came across
  std::string trace;
};

TEST_F(World, MoneyIsConservedAndBooksAreSound) {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
    SCOPED_TRACE(seed);
    start(seed, 10'000);
    run(30'000, 17);
    if (HasFatalFailure()) return;
  }
  for (const auto& [what, times] : seen) RecordProperty(what, times);
  for (const char* what :
       {"maker", "taker", "liquidated", "deleveraged", "margin call", "algo 1", "algo 2", "algo 3", "algo 4", "algo 5",
        "algo 6", "expiry 1", "expiry 2", "expiry 4", "expiry 5", "expiry 6", "expiry 9"})
    EXPECT_GT(seen[what], 0) << what;
}

TEST_F(World, SameInputsSameEvents) {
  start(11, 1000);
  run(3'000, 1'000);
  const std::string first = trace;
  start(11, 1000);
  run(3'000, 1'000);
  EXPECT_EQ(first, trace);
  EXPECT_GT(first.size(), 60'000u);
  start(12, 1000);
  run(3'000, 1'000);
  EXPECT_NE(first, trace);
}

TEST_F(World, HistoriesAreBounded) {
  start(21, 40);
  run(10'000, 10'000);
  TimeRange all;
  all.limit = 1'000'000;
  bool filled = false;
  for (const AccountId id : ids) {
    const std::size_t open_orders = exchange->open_orders(id, {}).size(),
                      open_algos = exchange->open_algos(id, {}).size();
    EXPECT_LE(exchange->orders(id, {}, all).size(), 40 + open_orders);
    EXPECT_LE(exchange->algos(id, {}, all).size(), 40 + open_algos);
    EXPECT_LE(exchange->trades(id, {}, 0, all).size(), 40u);
    EXPECT_LE(exchange->income(id, {}, "", all).size(), 40u);
    EXPECT_LE(exchange->amendments(id, kBtc, all).size(), 40u);
    filled |= exchange->trades(id, {}, 0, all).size() == 40;
  }
  EXPECT_TRUE(filled);
}

}  // namespace
}  // namespace qtrader::matching::testing
