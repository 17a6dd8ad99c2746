// What goes into the exchange from the market it simulates (MarketTick) and what comes out of it (ExchangeEvent).
//
// Ticks are what all other participants do: their orders are liquidity by price level, their executions are trades.
// Events are in the order they happened; the private ones name their account.
#pragma once

#include "core/domain/bar.hpp"
#include "edge/matching/types.hpp"

namespace qtrader::matching {

/// The others' liquidity becomes exactly this.
struct BookSnapshotTick {
  SymbolId symbol;
  std::vector<BookLevel> bids, asks;  // best first
  Timestamp time;
};
/// Absolute quantities of the others' liquidity; 0 removes the level.
struct BookDeltaTick {
  SymbolId symbol;
  std::vector<BookLevel> bids, asks;
  Timestamp time;
};
/// An execution between others. It also reaches clients' resting orders at or through its price, by queue position.
struct TradeTick {
  SymbolId symbol;
  Price price;
  Quantity quantity;
  Side taker = Side::Buy;
  Timestamp time;
};
struct MarkTick {
  SymbolId symbol;
  Price mark, index;
  Ratio funding_rate;  // estimate for the next settlement
  Timestamp next_funding, time;
};
/// A settlement: every position of the symbol pays or receives.
struct FundingTick {
  SymbolId symbol;
  Ratio rate;
  Timestamp time;
};
/// The recorded bar that ended now: what klines of its timeframe must say, to the digit. Changes nothing in matching.
struct BarTick {
  SymbolId symbol;
  domain::Timeframe timeframe = domain::Timeframe::M1;
  domain::Bar bar;
  Timestamp time;  // the close
};
using MarketTick = std::variant<BookSnapshotTick, BookDeltaTick, TradeTick, MarkTick, FundingTick, BarTick>;
Timestamp time_of(const MarketTick& tick);
SymbolId symbol_of(const MarketTick& tick);

// Public events.

/// A print: between others, between clients, or mixed.
struct TradeEvent {
  SymbolId symbol;
  std::int64_t id = 0;
  Price price;
  Quantity quantity;
  Side taker = Side::Buy;
  Timestamp time;
};
/// Levels of the whole visible book (others and clients) that changed, absolute; ids rise by at least 1 an event.
struct BookEvent {
  SymbolId symbol;
  std::uint64_t first_update_id = 0, last_update_id = 0;
  std::vector<BookLevel> bids, asks;
  bool top_changed = false;
  Timestamp time;
};
struct MarkEvent {
  SymbolId symbol;
  MarkView mark;
};
struct FundingEvent {
  SymbolId symbol;
  Ratio rate;
  Price mark;
  Timestamp time;
};
struct BarEvent {
  BarTick bar;
};
struct ForcedOrderEvent {  // a liquidation, for !forceOrder
  SymbolId symbol;
  Side side = Side::Sell;
  Quantity quantity, filled, last_filled;
  Price price, average_price;
  Timestamp time;
};
struct SymbolStatusEvent {
  SymbolId symbol;
  SymbolStatus status = SymbolStatus::Trading;
  Timestamp time;
};

// Private events.

struct OrderEvent {
  OrderView order;  // after the event
  ExecutionType execution = ExecutionType::New;
  ExpiryReason reason = ExpiryReason::None;
  // The fill, when execution is Trade or Calculated:
  Quantity last_quantity;
  Price last_price;
  Money commission, realised;
  bool maker = false;
  std::int64_t trade_id = 0;
  Money bid_notional, ask_notional;  // of the account's open orders in the symbol
  Timestamp time;
};
struct AccountEvent {
  AccountId account;
  AccountUpdateReason reason = AccountUpdateReason::Order;
  Money wallet, cross_wallet, balance_change;  // balance_change excludes profit and commission
  bool balance_changed = true;
  std::vector<PositionView> positions;  // only those that changed
  std::optional<SymbolId> symbol;       // of a funding fee
  Timestamp time;
};
struct AlgoEvent {
  AlgoView algo;
  Timestamp time;
};
struct LeverageEvent {
  AccountId account;
  SymbolId symbol;
  Leverage leverage;
  Timestamp time;
};
struct MarginCallEvent {
  AccountId account;
  Money cross_wallet;
  std::vector<PositionView> positions;
  Timestamp time;
};

using ExchangeEvent =
    std::variant<TradeEvent, BookEvent, MarkEvent, FundingEvent, BarEvent, ForcedOrderEvent, SymbolStatusEvent,
                 OrderEvent, AccountEvent, AlgoEvent, LeverageEvent, MarginCallEvent>;

}  // namespace qtrader::matching
