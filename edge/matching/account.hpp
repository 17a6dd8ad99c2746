// Account: one client's wallet, positions, margins, open orders and bounded histories, as the exchange keeps them.
//
// In the flow: the engine books fills, funding and fees here and asks what the account can carry. The sums every check
// needs (Σ isolated wallets, unrealised profit, maintenance and initial margins) are kept up to date, so a mark price
// or an order costs the same whatever else the account holds. It never matches, emits events or reads a clock.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string_view>

#include "edge/matching/book.hpp"
#include "edge/matching/exchange.hpp"
#include "edge/matching/margin.hpp"

namespace qtrader::matching {

/// One row: Both in one-way mode, Long and Short in hedge mode.
struct Position {
  Quantity quantity;  // signed
  Money cost;         // quantity · average entry, signed; exact, so a round trip conserves every 1e-8
  Money isolated_wallet;
  Money realised_total;  // since the account exists, before fees
  Money carried;         // fees less realised profit of the position now open: what break-even has to earn
  Money unrealised, maintenance;
  std::int32_t adl_quantile = 0;
  bool liquidating = false, margin_called = false;  // isolated only
  Timestamp updated;

  Price entry() const;
  Exposure exposure() const { return {quantity, cost}; }
};

/// What an account has in one symbol.
struct Holding {
  SymbolId symbol;
  Leverage leverage{20};
  MarginMode mode = MarginMode::Cross;
  Price mark;
  std::array<Position, 3> rows;  // by PositionSide
  Money bids, asks;              // notional of all open orders
  Money open_buys, open_sells;   // of those that may increase exposure (hedge: LONG buys, SHORT sells)
  std::vector<Order*> closers;   // open orders that may only reduce, oldest first
  std::int32_t open_orders = 0, open_algos = 0;
  std::uint64_t countdown_seq = 0;  // its deadline; 0: none
  Money unrealised, maintenance, position_margin, order_margin, isolated;

  Position& row(PositionSide side) { return rows[static_cast<std::size_t>(side)]; }
  const Position& row(PositionSide side) const { return rows[static_cast<std::size_t>(side)]; }
  bool flat() const;
  bool active() const { return !flat() || open_orders > 0; }
};

struct Algo {
  AlgoView view;
  Price extreme;  // lowest (buy) or highest (sell) price since it was placed
  std::uint64_t timer_seq = 0;
  std::int64_t triggers_at = 0;  // key in its trigger index; 0: not in one
};

struct Booking {
  SymbolId symbol;
  PositionSide row = PositionSide::Both;
  Side side = Side::Buy;
  Quantity quantity;
  Price price;
  Money fee;
};

struct Account {
  struct Totals {
    Money isolated;  // Σ isolated wallets
    Money cross_unrealised, isolated_unrealised, cross_maintenance, isolated_maintenance;
    Money cross_position_margin, isolated_position_margin, order_margin;
  };

  AccountId id;
  std::int64_t trade_group = -1;
  bool hedge = false;
  bool liquidating = false;  // its cross margin
  bool margin_called = false;
  Money wallet;
  Totals totals;
  Timestamp updated;
  std::vector<std::unique_ptr<Holding>> holdings;  // by symbol, made on first use
  std::vector<SymbolId> active;                    // with a position or an open order, rising

  std::map<std::int64_t, Order> open, closed;
  std::deque<std::int64_t> closing_order;  // ids of `closed`, oldest closing first
  std::map<std::string_view, Order*> by_client;
  std::map<std::int64_t, Algo> algos, old_algos;
  std::deque<UserTrade> trades;
  std::deque<IncomeView> incomes;
  std::deque<AmendmentView> amendments;
  std::deque<MarginChange> margin_changes;
  std::deque<OrderView> forced;

  Holding& holding(SymbolId symbol, const domain::Instrument& instrument);
  const Holding* find(SymbolId symbol) const { return holdings[symbol.value].get(); }

  Money cross_wallet() const { return wallet - totals.isolated; }
  Money unrealised() const { return totals.cross_unrealised + totals.isolated_unrealised; }
  Money cross_balance() const { return cross_wallet() + totals.cross_unrealised; }
  /// What a new order may use; may be negative.
  Money free_margin() const { return cross_balance() - totals.cross_position_margin - totals.order_margin; }

  /// Books an execution; returns the realised profit, fee excluded.
  Money book(const Booking& booking, const domain::Instrument& instrument);
  void set_mark(Holding& holding, Price mark, const domain::Instrument& instrument);
  /// Adds to the notionals of open orders; `opening` says whether it may increase exposure.
  void reserve(Holding& holding, Side side, Money amount, bool opening);
  /// The margin reserved by open orders, were their opening notionals these.
  Money order_margin(const Holding& holding, Money buys, Money sells) const;
  /// The largest exposure the position could become.
  Money exposure(const Holding& holding, Money buys, Money sells) const;
  void track(const Holding& holding);
  /// Around every change of a holding's position, wallet, leverage or mark.
  void leave(const Holding& holding);
  void enter(Holding& holding, const domain::Instrument& instrument);

  /// What stands behind the row (all rows of the symbol in cross mode); others' maintenance set aside if `maintained`.
  Money margin_behind(const Holding& holding, PositionSide row, bool maintained) const;
  std::array<Exposure, 2> rows_sharing_margin(const Holding& holding, PositionSide row) const;
  /// How much of the position an order of this side may close.
  Quantity closable(const Holding& holding, Side side, PositionSide row) const;
};

}  // namespace qtrader::matching
