#include "edge/matching/engine.hpp"

#include <algorithm>

namespace qtrader::matching {

Engine::Engine(ExchangeConfig c, domain::InstrumentTable t, std::vector<ContractRules> rules)
    : config(c), table(std::move(t)), insurance(c.insurance_fund), rng(base::Rng(c.seed).fork("client ids")) {
  markets.resize(table.size());
  for (std::size_t i = 0; i < markets.size(); ++i) {
    markets[i].symbol = SymbolId{static_cast<std::uint16_t>(i)};
    markets[i].rules = rules[i];
  }
}

Account& Engine::account_of(AccountId id) {
  QT_CHECK(id.value < accounts.size(), "unknown account");
  return *accounts[id.value];
}
const Account& Engine::account_of(AccountId id) const {
  QT_CHECK(id.value < accounts.size(), "unknown account");
  return *accounts[id.value];
}

Holding& Engine::holding_of(Account& account, SymbolId symbol) {
  Holding& h = account.holding(symbol, instrument(symbol));
  // Without a position nothing depends on the mark, so marks do not visit the account: it is read when needed.
  if (h.mark.is_zero() || h.flat()) h.mark = markets[symbol.value].mark.mark;
  return h;
}

// Deadlines.

std::uint64_t Engine::schedule(Timestamp at, Timer timer) {
  const std::uint64_t seq = ++timer_seq;
  timers.emplace(std::pair{at.ns, seq}, timer);
  timer_times.emplace(seq, at.ns);
  return seq;
}

std::uint64_t Engine::schedule_expiry(std::int64_t ms, Timer timer) {
  return schedule(Timestamp::from_unix_ms(std::min(ms, INT64_MAX / 1'000'000)), timer);
}

void Engine::unschedule(std::uint64_t& seq) {
  if (seq == 0) return;
  if (const auto it = timer_times.find(seq); it != timer_times.end()) {
    timers.erase({it->second, seq});
    timer_times.erase(it);
  }
  seq = 0;
}

std::optional<Timestamp> Engine::next_deadline() const {
  if (timers.empty()) return std::nullopt;
  return Timestamp{timers.begin()->first.first};
}

void Engine::run_due(Timestamp until) {
  while (!timers.empty() && timers.begin()->first.first <= until.ns) {
    const auto [key, timer] = *timers.begin();
    timers.erase(timers.begin());
    timer_times.erase(key.second);
    now = std::max(now, Timestamp{key.first});
    run(timer);
    finish();
  }
}

void Engine::run(const Timer& timer) {
  Account& account = account_of(timer.account);
  switch (timer.kind) {
    case TimerKind::OrderExpiry:
      if (const auto it = account.open.find(timer.id); it != account.open.end()) {
        it->second.timer_seq = 0;
        end(it->second, OrderStatus::Expired, ExpiryReason::None);
      }
      return;
    case TimerKind::AlgoExpiry:
      if (const auto it = account.algos.find(timer.id); it != account.algos.end()) {
        it->second.timer_seq = 0;
        end_algo(it->second, AlgoStatus::Expired, "");
      }
      return;
    case TimerKind::Countdown:
      holding_of(account, timer.symbol).countdown_seq = 0;
      cancel_open(account, timer.symbol, OrderStatus::Canceled, ExpiryReason::None);
      return;
    case TimerKind::Trigger:
      if (const auto it = account.algos.find(timer.id); it != account.algos.end()) {
        it->second.timer_seq = 0;
        complete_trigger(it->second);
      }
      return;
    case TimerKind::LiquidationRound:
      liquidation_round(timer.scope);
      return;
  }
}

void Engine::advance_to(Timestamp to) {
  run_due(std::max(now, to));
  now = std::max(now, to);
}

// The end of an operation.

void Engine::finish() {
  while (true) {
    if (!gone.empty()) {
      const std::vector<Gone> list = std::exchange(gone, {});
      for (const Gone& g : list) expire_position_algos(g);
    } else if (!reduced.empty()) {
      const auto list = std::exchange(reduced, {});
      for (const auto& [id, symbol] : list) {
        Account& account = account_of(id);
        Holding& h = holding_of(account, symbol);
        for (const Side side : {Side::Buy, Side::Sell})
          for (const PositionSide row : {PositionSide::Both, PositionSide::Long, PositionSide::Short})
            shrink_closers(account, h, {side, row});
      }
    } else if (!prints.empty()) {
      const std::vector<Printed> list = std::exchange(prints, {});
      for (const Printed& p : list) {
        Market& market = market_of(p.symbol);
        check_triggers(market, WorkingType::ContractPrice, p.price);
        check_triggers(market, WorkingType::MarkPrice, market.mark.mark);
      }
    } else if (!margins.empty()) {
      const auto list = std::exchange(margins, {});
      for (const auto& [id, symbol] : list) check_margins(account_of(id), symbol);
    } else {
      break;
    }
  }
  for (const AccountId id : std::exchange(to_trim, {})) trim(account_of(id));
  publish_books();
}

void Engine::publish_books() {
  for (const SymbolId symbol : dirty_books) {
    Book& book = market_of(symbol).book;
    if (book.changed()) emit(book.take_changes(symbol, now));
  }
  dirty_books.clear();
}

void Engine::trim(Account& account) {
  const std::size_t limit = config.history_limit;
  while (account.closing_order.size() > limit) {
    account.closed.erase(account.closing_order.front());
    account.closing_order.pop_front();
  }
  while (account.old_algos.size() > limit) account.old_algos.erase(account.old_algos.begin());
  const auto cut = [&](auto& list) {
    while (list.size() > limit) list.pop_front();
  };
  cut(account.trades);
  cut(account.incomes);
  cut(account.amendments);
  cut(account.margin_changes);
  cut(account.forced);
}

// Events.

void Engine::emit_order(const Order& order, ExecutionType execution, ExpiryReason reason) {
  OrderEvent e;
  e.order = order.view;
  e.execution = execution;
  e.reason = reason;
  const Holding& h = *account_of(order.view.account).find(order.view.request.symbol);
  e.bid_notional = h.bids;
  e.ask_notional = h.asks;
  e.time = now;
  emit(std::move(e));
}

void Engine::emit_account(Account& account, AccountUpdateReason reason, Money change,
                          std::vector<PositionView> positions) {
  account.updated = now;
  AccountEvent e;
  e.account = account.id;
  e.reason = reason;
  e.wallet = account.wallet;
  e.cross_wallet = account.cross_wallet();
  e.balance_change = change;
  e.positions = std::move(positions);
  e.time = now;
  emit(std::move(e));
}

void Engine::emit_algo(Algo& algo) {
  algo.view.updated = now;
  emit(AlgoEvent{algo.view, now});
}

}  // namespace qtrader::matching
