// Book: one symbol's order book: by price level, the others' aggregate quantity and clients' orders in time order.
//
// In the flow: market ticks set the others' quantities; the engine joins, leaves and takes. A client's order remembers
// how much of the others stands before it (`ahead`); along a level's queue `ahead` never decreases and never exceeds
// the others' quantity. The book records which levels changed; it never books money and emits nothing itself.
#pragma once

#include <map>
#include <vector>

#include "edge/matching/events.hpp"

namespace qtrader::matching {

struct Level;

/// A client's order, resting or being matched. Its address is stable for its life.
struct Order {
  OrderView view;
  Quantity ahead;  // of the others, before it in its level
  Level* level = nullptr;
  Order *before = nullptr, *after = nullptr;  // in its level's queue
  bool closes = false;                        // may only reduce: reduce-only, closing in hedge mode, closePosition
  bool forced = false;                        // liquidation or auto-deleveraging: no commission, fills are Calculated
  Money reserved;                             // the notional it has in the account's sums
  std::int32_t amendments = 0;
  std::int64_t algo = 0;        // the conditional order it comes from; 0: none
  std::uint64_t timer_seq = 0;  // its GTD deadline; 0: none

  Quantity remaining() const { return view.request.quantity - view.executed; }
  Side side() const { return view.request.side; }
  Price price() const { return view.request.price; }
};

struct Level {
  Price price;
  Quantity others, clients;
  Order *head = nullptr, *tail = nullptr;

  Quantity visible() const { return others + clients; }
  bool empty() const { return others.is_zero() && head == nullptr; }
};

class Book {
 public:
  /// Best first: the key is the price for asks and its negative for bids.
  using Ladder = std::map<std::int64_t, Level>;

  Ladder& ladder(Side side) { return side == Side::Buy ? bids_ : asks_; }
  const Ladder& ladder(Side side) const { return side == Side::Buy ? bids_ : asks_; }
  const Level* best(Side side) const;
  /// The nth level, 1 is the best.
  const Level* nth(Side side, std::size_t n) const;

  void set_others(Side side, Price price, Quantity quantity);
  void replace_others(Side side, const std::vector<BookLevel>& levels);
  /// Behind everything at its price.
  void join(Order& order);
  void leave(Order& order);

  /// The others before the level's first order (all of them when there is none) lose this much.
  void take_others(Side side, Level& level, Quantity quantity);
  /// The queue moves up because others before it traded; their level quantity is left for the market source to say.
  static void advance_queue(Level& level, Quantity quantity);
  /// A resting order's level shows this much less; the order's own quantities are the caller's.
  void take_client(Order& order, Quantity quantity);
  void drop_if_empty(Side side, Price price);

  bool changed() const { return !dirty_.empty(); }
  /// Changed levels since the last call, absolute and sorted best first. first/last ids, top and time are filled in.
  BookEvent take_changes(SymbolId symbol, Timestamp now);
  TopView top() const;
  BookView view(std::size_t levels) const;

 private:
  struct Dirty {
    Side side;
    std::int64_t key;
    auto operator<=>(const Dirty&) const = default;
  };
  static std::int64_t key(Side side, Price price) { return side == Side::Buy ? -price.raw() : price.raw(); }
  static void cap_queue(Level& level);
  void mark(Side side, Price price) { dirty_.push_back({side, key(side, price)}); }

  Ladder bids_, asks_;
  std::vector<Dirty> dirty_;
  BookLevel last_bid_, last_ask_;
  std::uint64_t update_id_ = 0;
  Timestamp updated_;
};

}  // namespace qtrader::matching
