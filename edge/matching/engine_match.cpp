#include <algorithm>

#include "edge/matching/engine.hpp"

// A taker walks the book; fills are booked to both accounts.
namespace qtrader::matching {

using domain::opposite;

namespace {

/// Self-trade prevention is the taker's matter, and only for orders that need not fill at once or rest.
bool prevents(const NewOrder& taker) {
  if (taker.self_trade == SelfTradePrevention::None) return false;
  return taker.time_in_force != TimeInForce::Fok && taker.time_in_force != TimeInForce::Gtx;
}

}  // namespace

bool Engine::same_owner(const Order& a, const Order& b) const {
  if (a.view.account == b.view.account) return true;
  const std::int64_t group = account_of(a.view.account).trade_group;
  return group != -1 && group == account_of(b.view.account).trade_group;
}

Quantity Engine::closable(const Order& order) const {
  const NewOrder& r = order.view.request;
  const Account& account = account_of(order.view.account);
  return account.closable(*account.find(r.symbol), r.side, r.position_side);
}

void Engine::match(Order& taker, Price limit) {
  const NewOrder& r = taker.view.request;
  Market& market = market_of(r.symbol);
  const Side maker_side = opposite(r.side);
  Book::Ladder& ladder = market.book.ladder(maker_side);
  while (is_open(taker.view.status) && !ladder.empty()) {
    Level& level = ladder.begin()->second;
    const Price price = level.price;
    if (r.side == Side::Buy ? price > limit : price < limit) return;
    dirty_books.push_back(r.symbol);
    while (take_step(market, level, taker)) {
    }
    const bool exhausted = level.empty();
    market.book.drop_if_empty(maker_side, price);
    if (!exhausted) return;  // the taker is done: filled, expired, or closed its position
  }
}

/// One fill at the front of the level's queue, or one order out of the way. False: the level or the taker is done.
bool Engine::take_step(Market& market, Level& level, Order& taker) {
  if (!is_open(taker.view.status) || level.empty()) return false;
  Quantity wanted = taker.remaining();
  if (taker.closes) wanted = std::min(wanted, closable(taker));
  if (wanted.is_zero()) return false;
  const NewOrder& r = taker.view.request;
  Order* maker = level.head;
  if (maker == nullptr || maker->ahead.is_positive()) {
    const Quantity quantity = std::min(wanted, maker != nullptr ? maker->ahead : level.others);
    const Price price = level.price;
    market.book.take_others(opposite(r.side), level, quantity);
    fill(taker, {price, quantity, false, print(market, price, quantity, r.side)});
    return true;
  }
  if (prevents(r) && same_owner(taker, *maker)) return prevent_self_trade(taker, *maker);
  if (maker->closes) {
    const Quantity allowed = closable(*maker);
    if (allowed.is_zero()) {
      end_in_level(*maker, OrderStatus::Expired, ExpiryReason::ReduceOnly);
      return true;
    }
    wanted = std::min(wanted, allowed);
  }
  const Quantity quantity = std::min(wanted, maker->remaining());
  const Price price = level.price;
  const std::int64_t trade = print(market, price, quantity, r.side);
  fill_resting(*maker, quantity, trade);
  fill(taker, {price, quantity, false, trade});
  return true;
}

/// Like end(), but leaves an emptied level in place for the walk that stands on it.
void Engine::end_in_level(Order& order, OrderStatus status, ExpiryReason reason) {
  market_of(order.view.request.symbol).book.leave(order);
  end(order, status, reason);
}

bool Engine::prevent_self_trade(Order& taker, Order& maker) {
  const SelfTradePrevention mode = taker.view.request.self_trade;
  if (mode != SelfTradePrevention::ExpireTaker)
    end_in_level(maker, OrderStatus::ExpiredInMatch, ExpiryReason::SelfTrade);
  if (mode == SelfTradePrevention::ExpireMaker) return true;
  const bool ioc = taker.view.request.time_in_force == TimeInForce::Ioc;
  end(taker, OrderStatus::ExpiredInMatch, ioc ? ExpiryReason::IocSelfTrade : ExpiryReason::SelfTrade);
  return false;
}

std::int64_t Engine::print(Market& market, Price price, Quantity quantity, Side taker) {
  const std::int64_t id = ++market.last_trade_id;
  emit(TradeEvent{market.symbol, id, price, quantity, taker, now});
  market.last = price;
  if (prints.empty() || prints.back().symbol != market.symbol || prints.back().price != price)
    prints.push_back({market.symbol, price});
  return id;
}

/// A fill of an order in the book. A fully filled order leaves its level, which stays even if it is now empty.
void Engine::fill_resting(Order& maker, Quantity quantity, std::int64_t trade_id) {
  Book& book = market_of(maker.view.request.symbol).book;
  const Price price = maker.level->price;
  const bool whole = quantity == maker.remaining();
  if (whole) {
    book.leave(maker);
  } else {
    book.take_client(maker, quantity);
  }
  dirty_books.push_back(maker.view.request.symbol);
  fill(maker, {price, quantity, true, trade_id});
}

void Engine::fill(Order& order, const FillTerms& terms) {
  OrderView& v = order.view;
  const NewOrder& r = v.request;
  Account& account = account_of(v.account);
  const domain::Instrument& contract = instrument(r.symbol);
  Holding& h = holding_of(account, r.symbol);
  const Money quote = terms.price * terms.quantity;
  const Ratio rate = order.forced ? Ratio{} : terms.maker ? contract.maker_fee : contract.taker_fee;
  UserTrade trade{terms.trade_id, v.id,  r.symbol, r.side,       r.position_side, terms.price,
                  terms.quantity, quote, Money{},  quote * rate, terms.maker,     now};
  v.executed += terms.quantity;
  v.executed_quote += quote;
  v.average_price = v.executed_quote / v.executed;
  v.updated = now;
  v.status = order.remaining().is_zero() ? OrderStatus::Filled : OrderStatus::PartiallyFilled;
  reserve(order);
  const Quantity before = h.row(r.position_side).quantity;
  trade.realised =
      account.book({r.symbol, r.position_side, r.side, terms.quantity, terms.price, trade.commission}, contract);
  h.row(r.position_side).updated = now;
  after_booking(account, h, r.position_side, before);
  if (v.status == OrderStatus::Filled) close_record(order);
  record_fill(account, order, terms, trade);
  if (v.status == OrderStatus::Filled) finish_algo(order);
}

void Engine::record_fill(Account& account, const Order& order, const FillTerms& terms, const UserTrade& trade) {
  const NewOrder& r = order.view.request;
  if (!trade.realised.is_zero())
    record_income(account, {r.symbol, true, "REALIZED_PNL", trade.realised, now, 0, trade.id});
  if (!trade.commission.is_zero())
    record_income(account, {r.symbol, true, "COMMISSION", -trade.commission, now, 0, trade.id});
  account.trades.push_back(trade);
  if (account.trades.size() > config.history_limit) to_trim.push_back(account.id);
  emit_account(account, AccountUpdateReason::Order, Money{}, {position_view(account, r.symbol, r.position_side)});
  OrderEvent e;
  e.order = order.view;
  e.execution = order.forced ? ExecutionType::Calculated : ExecutionType::Trade;
  e.last_quantity = terms.quantity;
  e.last_price = terms.price;
  e.commission = trade.commission;
  e.realised = trade.realised;
  e.maker = terms.maker;
  e.trade_id = terms.trade_id;
  const Holding& h = *account.find(r.symbol);
  e.bid_notional = h.bids;
  e.ask_notional = h.asks;
  e.time = now;
  emit(std::move(e));
}

void Engine::record_income(Account& account, IncomeView income) {
  income.transaction_id = ++transaction_id;
  account.incomes.push_back(std::move(income));
  if (account.incomes.size() > config.history_limit) to_trim.push_back(account.id);
}

/// Notes what a changed position entails: who holds it, orders that lost it, margins to check.
void Engine::after_booking(Account& account, Holding& h, PositionSide row, Quantity before) {
  const Quantity after = h.row(row).quantity;
  account.track(h);
  auto& holders = market_of(h.symbol).holders;
  const auto at = std::lower_bound(holders.begin(), holders.end(), account.id);
  const bool present = at != holders.end() && *at == account.id;
  if (h.flat() && present) holders.erase(at);
  if (!h.flat() && !present) holders.insert(at, account.id);
  const bool same_side = before.is_positive() == after.is_positive() && before.is_negative() == after.is_negative();
  if (!before.is_zero() && !same_side) gone.push_back({account.id, h.symbol, row, before.is_positive()});
  if (!h.closers.empty() && (!same_side || after.abs() < before.abs())) reduced.push_back({account.id, h.symbol});
  if (!after.is_zero()) margins.push_back({account.id, h.symbol});
}

}  // namespace qtrader::matching
