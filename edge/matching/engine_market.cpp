#include <algorithm>

#include "edge/matching/engine.hpp"

// What the market does: others' liquidity, their trades, marks, funding, symbol status and rules.
namespace qtrader::matching {

using domain::opposite;

void Engine::on(const MarketTick& tick) {
  QT_CHECK(known(symbol_of(tick)), "a tick of an unknown symbol");
  advance_to(time_of(tick));
  struct Visitor {
    Engine& e;
    void operator()(const BookSnapshotTick& t) const { e.on_book(t); }
    void operator()(const BookDeltaTick& t) const { e.on_book(t); }
    void operator()(const TradeTick& t) const { e.on_trade(t); }
    void operator()(const MarkTick& t) const { e.on_mark(t); }
    void operator()(const FundingTick& t) const { e.on_funding(t); }
    void operator()(const BarTick& t) const { e.emit(BarEvent{t}); }
  };
  std::visit(Visitor{*this}, tick);
  finish();
  run_due(now);
}

void Engine::on_book(const BookSnapshotTick& tick) {
  Market& market = market_of(tick.symbol);
  market.book.replace_others(Side::Buy, tick.bids);
  market.book.replace_others(Side::Sell, tick.asks);
  dirty_books.push_back(tick.symbol);
  fill_crossed(market);
}

void Engine::on_book(const BookDeltaTick& tick) {
  Market& market = market_of(tick.symbol);
  for (const BookLevel& l : tick.bids) market.book.set_others(Side::Buy, l.price, l.quantity);
  for (const BookLevel& l : tick.asks) market.book.set_others(Side::Sell, l.price, l.quantity);
  dirty_books.push_back(tick.symbol);
  fill_crossed(market);
}

/// Others' orders that reach a client's resting order trade with it, at the client's price: it was there first.
void Engine::fill_crossed(Market& market) {
  Book& book = market.book;
  for (const Side side : {Side::Buy, Side::Sell}) {
    const Side other_side = opposite(side);
    while (true) {
      Book::Ladder& others = book.ladder(other_side);
      const auto crossing =
          std::find_if(others.begin(), others.end(), [](auto& entry) { return entry.second.others.is_positive(); });
      if (crossing == others.end()) break;
      Level& liquidity = crossing->second;
      Order* maker = nullptr;
      for (auto& [at, level] : book.ladder(side)) {
        if (side == Side::Buy ? level.price < liquidity.price : level.price > liquidity.price) break;
        if (level.head == nullptr) continue;
        maker = level.head;
        break;
      }
      if (maker == nullptr) break;
      const Price price = maker->price(), other_price = liquidity.price;
      Quantity quantity = std::min(maker->remaining(), liquidity.others);
      if (maker->closes) quantity = std::min(quantity, closable(*maker));
      if (quantity.is_zero()) {
        end(*maker, OrderStatus::Expired, ExpiryReason::ReduceOnly);
        continue;
      }
      book.take_others(other_side, liquidity, quantity);
      fill_resting(*maker, quantity, print(market, price, quantity, other_side));
      book.drop_if_empty(side, price);
      book.drop_if_empty(other_side, other_price);
    }
  }
}

void Engine::on_trade(const TradeTick& tick) {
  if (!tick.quantity.is_positive() || !tick.price.is_positive()) return;
  Market& market = market_of(tick.symbol);
  const Side side = opposite(tick.taker);
  Quantity left = tick.quantity;
  const std::size_t before = events.size();
  Book::Ladder& ladder = market.book.ladder(side);
  for (auto it = ladder.begin(); it != ladder.end() && left.is_positive();) {
    Level& level = it->second;
    const Price price = level.price;
    if (side == Side::Buy ? price < tick.price : price > tick.price) break;
    ++it;  // emptied levels go below
    if (level.head == nullptr) continue;
    fill_by_print(market, level, left, tick);
    market.book.drop_if_empty(side, price);
  }
  // The tape keeps its volume: what clients took of the print is printed as theirs, the rest as recorded.
  Quantity taken;
  for (std::size_t i = before; i < events.size(); ++i)
    if (const auto* t = std::get_if<TradeEvent>(&events[i])) taken += t->quantity;
  if (tick.quantity > taken) {
    print(market, tick.price, tick.quantity - taken, tick.taker);
  } else {
    market.last = tick.price;  // others' trades reached this price whoever filled them
    prints.push_back({market.symbol, tick.price});
  }
}

/// A print through a level's price fills its orders; one at it first uses up the others before them. The others' level
/// quantity is left alone: the source's next delta says it, and taking it here too would count the trade twice.
void Engine::fill_by_print(Market& market, Level& level, Quantity& left, const TradeTick& tick) {
  const bool through = level.price != tick.price;
  while (level.head != nullptr && left.is_positive()) {
    Order& maker = *level.head;
    if (!through && maker.ahead.is_positive()) {
      const Quantity eaten = std::min(left, maker.ahead);
      Book::advance_queue(level, eaten);
      left -= eaten;
      continue;
    }
    Quantity quantity = std::min(left, maker.remaining());
    if (maker.closes) quantity = std::min(quantity, closable(maker));
    if (quantity.is_zero()) {
      end_in_level(maker, OrderStatus::Expired, ExpiryReason::ReduceOnly);
      dirty_books.push_back(market.symbol);
      continue;
    }
    left -= quantity;
    fill_resting(maker, quantity, print(market, level.price, quantity, tick.taker));
  }
}

void Engine::on_mark(const MarkTick& tick) {
  if (!tick.mark.is_positive()) return;
  Market& market = market_of(tick.symbol);
  market.mark = {tick.mark, tick.index, tick.funding_rate, tick.next_funding, now};
  emit(MarkEvent{tick.symbol, market.mark});
  for (const AccountId id : market.holders) {
    Account& account = account_of(id);
    account.set_mark(*account.holdings[tick.symbol.value], tick.mark, instrument(tick.symbol));
    margins.push_back({id, tick.symbol});
  }
  refresh_adl(market);
  check_triggers(market, WorkingType::MarkPrice, tick.mark);
  check_triggers(market, WorkingType::ContractPrice, market.last);  // priceProtect may have let go
}

void Engine::on_funding(const FundingTick& tick) {
  Market& market = market_of(tick.symbol);
  const Price price = reference_price(market);
  emit(FundingEvent{tick.symbol, tick.rate, price, now});
  if (tick.rate.is_zero() || price.is_zero()) return;
  for (const AccountId id : market.holders) settle_funding(account_of(id), market, tick, price);
}

void Engine::settle_funding(Account& account, Market& market, const FundingTick& tick, Price price) {
  Holding& h = *account.holdings[market.symbol.value];
  Money total;
  account.leave(h);
  for (Position& p : h.rows) {
    if (p.quantity.is_zero()) continue;
    const Money amount = -(price * p.quantity * tick.rate);
    total += amount;
    account.wallet += amount;
    if (h.mode == MarginMode::Isolated) p.isolated_wallet += amount;
  }
  account.enter(h, instrument(market.symbol));
  record_income(account, {market.symbol, true, "FUNDING_FEE", total, now, 0, 0});
  std::vector<PositionView> positions;
  if (h.mode == MarginMode::Isolated) positions = held_views(account, market.symbol);
  emit_account(account, AccountUpdateReason::FundingFee, total, std::move(positions));
  std::get<AccountEvent>(events.back()).symbol = market.symbol;
  margins.push_back({account.id, market.symbol});
}

void Engine::set_status(SymbolId symbol, SymbolStatus status) {
  Market& market = market_of(symbol);
  if (market.status == status) return;
  market.status = status;
  emit(SymbolStatusEvent{symbol, status, now});
  if (status == SymbolStatus::Closed) {
    for (const auto& account : accounts) {
      cancel_open(*account, symbol, OrderStatus::Expired, ExpiryReason::Delisted);
      end_algos(*account, symbol, AlgoStatus::Expired);
    }
    settle_positions(market);
  }
  finish();
}

/// A closed contract's positions end at its last mark price, without a fee: nobody could trade them any more.
void Engine::settle_positions(Market& market) {
  const std::vector<AccountId> holders = market.holders;
  for (const AccountId id : holders) {
    Account& account = account_of(id);
    const Holding& h = holding_of(account, market.symbol);
    for (const PositionSide row : {PositionSide::Both, PositionSide::Long, PositionSide::Short}) {
      const Quantity size = h.row(row).quantity.abs();
      if (size.is_zero()) continue;
      Order& order = create_forced(
          {account, market.symbol, row, size, h.mark},
          "settlement_autoclose-" + std::to_string(now.unix_ms()) + "-" + std::to_string(++forced_id % 10));
      fill(order, {h.mark, size, false, ++market.last_trade_id});
    }
  }
}

base::Result<void> Engine::set_rules(SymbolId symbol, domain::Instrument changed, ContractRules rules) {
  QT_CHECK(known(symbol), "rules of an unknown symbol");
  if (changed.symbol != table.name(symbol))
    return base::Error{"matching", base::Errc::InvalidArgument,
                       "rules of " + table.name(symbol) + " name the symbol " + changed.symbol};
  std::vector<domain::Instrument> all = table.all();
  all[symbol.value] = std::move(changed);
  QT_TRY(domain::InstrumentTable next, domain::InstrumentTable::create(std::move(all)));
  table = std::move(next);
  Market& market = market_of(symbol);
  market.rules = rules;
  for (const AccountId id : market.holders) {
    Account& account = account_of(id);
    Holding& h = *account.holdings[symbol.value];
    account.leave(h);
    account.enter(h, instrument(symbol));
    margins.push_back({id, symbol});
  }
  finish();
  return {};
}

}  // namespace qtrader::matching
