// The persisted state of one trade in flight: plain values that survive a snapshot, shared by the entry transaction and
// the exit manager. Nothing here decides anything.
//
// Lives in TradeManager from the intent until the trade is Closed or Failed, then is dropped: what remains of a trade
// is its audit records. All of it is in the snapshot, so a core restored in the middle of any state goes on
// identically.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/domain/audit.hpp"
#include "core/execution/exit_plan.hpp"
#include "core/execution/venue.hpp"
#include "core/kernel/timers.hpp"

namespace qtrader::execution {

/// What a step may touch besides the manager itself.
struct Context {
  base::Timestamp now;
  kernel::Timers& timers;
  std::vector<Command>& commands;
  domain::AuditSink& audit;
};

struct EntryPlan {
  domain::TraceId trace;
  domain::SymbolId symbol;
  domain::PositionSide side = domain::PositionSide::Long;
  domain::Quantity quantity;
  domain::Leverage leverage;
  domain::Price reference_price;  // close of the decision bar
  ExitProfile exits;              // distances in price fractions; levels are set from the actual fill
  domain::Ratio round_trip_cost;
  std::string strategy;
  double expected_edge_frac = 0;  // gross move in our favour; 0: not known
};
QT_DESCRIBE(EntryPlan, trace, symbol, side, quantity, leverage, reference_price, exits, round_trip_cost, strategy,
            expected_edge_frac)

/// One order of a trade and what the venue has said of it so far. Reports and fills may arrive in any order and reports
/// more than once; both only ever move this forward.
struct OrderRecord {
  domain::Order order;
  domain::OrderStatus status = domain::OrderStatus::New;
  domain::VenueReason venue_reason = domain::VenueReason::None;  // of the latest report
  domain::ExitReason reason = domain::ExitReason::StopLoss;      // of the trade, if a fill of this order ends it
  bool acknowledged = false;                                     // the venue has accepted it
  bool cancel_requested = false;
  bool unknown_to_venue = false;  // a cancel was answered with UnknownOrder
  bool presumed_lost = false;     // a close nobody acknowledged in time; another one was sent
  bool query_pending = false;     // the venue was asked what became of it
  domain::Quantity filled;        // Σ of Fill events
  domain::Quantity reported;      // the venue's cumulative figure
  domain::Quantity open() const { return filled < order.quantity ? order.quantity - filled : domain::Quantity{}; }
  bool ended() const { return domain::is_terminal(status); }
  /// May still execute at the venue, as far as we know.
  bool working() const { return !ended() && open().is_positive(); }
  /// Nothing more will come of it: all filled, or ended with every reported execution seen.
  bool settled() const { return open().is_zero() || (ended() && filled >= reported); }
};
QT_DESCRIBE(OrderRecord, order, status, venue_reason, reason, acknowledged, cancel_requested, unknown_to_venue,
            presumed_lost, query_pending, filled, reported)

/// An entry planned on the book and sent in children, one at a time; the trade's `entry` is the latest of them.
struct ParentOrder {
  domain::PlanKind kind = domain::PlanKind::Market;
  domain::Quantity planned;  // 0: not planned on a book, one market order
  domain::Quantity slice;    // of each child
  domain::Price reference;   // the touch at the decision
  double expected_slippage_bps = 0;
  bool post_only = false;
  bool crossing = false;        // the last child: what is left, taken within the cap
  bool slot_wait = false;       // the entry timer waits for the next slot
  std::int32_t slots_left = 0;  // Twap: times at which a slice may still be sent
  std::int32_t slices = 0;      // children sent
  std::int32_t reprices = 0;    // of the whole parent
  std::int32_t unfilled = 0;    // children in a row that timed out
  base::Timestamp decided, first_fill;
  domain::Money fee;
  domain::Quantity maker;  // filled as maker
};
QT_DESCRIBE(ParentOrder, kind, planned, slice, reference, expected_slippage_bps, post_only, crossing, slot_wait,
            slots_left, slices, reprices, unfilled, decided, first_fill, fee, maker)

struct Trade {
  domain::TradeId id;
  EntryPlan plan;
  domain::TradeState state = domain::TradeState::Planned;
  std::vector<OrderRecord> orders;  // as sent; at most one per leg, so at most 255
  std::uint8_t last_leg = 1;

  // Entry
  domain::ClientOrderId entry;  // the latest child of the entry; 0 for an adopted position
  bool entry_done = false;      // terminal, with every execution seen
  domain::TimerId entry_timer;  // 0 in all timers: not armed
  ParentOrder parent;

  // Protection. `stop` is confirmed at the venue, `pending_stop` is on its way to replace it.
  ExitLevels levels;         // zeros until the first fill; final once entry_done
  domain::Price stop_level;  // where the stop should be
  domain::ExitReason stop_reason = domain::ExitReason::StopLoss;
  domain::ClientOrderId stop, pending_stop;
  std::int32_t stop_attempts = 0;  // sent without a confirmation since the last one
  domain::TimerId stop_timer;
  bool resize_stop = false;  // a partial exit is complete: shrink the stop to what remains
  bool breakeven_done = false;

  // Targets
  domain::ClientOrderId target, partial;  // 0: none sent
  bool partial_done = false;              // executed, impossible or refused for good
  bool target_refused = false;

  // Close at market
  std::optional<domain::ExitReason> closing;
  bool close_backoff = false;  // the last attempt was rejected: wait for the timer
  std::int32_t close_attempts = 0;
  domain::TimerId close_timer;
  domain::ExitReason last_exit = domain::ExitReason::StopLoss;  // reason of the latest reducing fill
  base::Timestamp last_exit_time;

  bool finished() const { return state == domain::TradeState::Closed || state == domain::TradeState::Failed; }
  OrderRecord* find(domain::ClientOrderId order) {
    const auto it =
        std::find_if(orders.begin(), orders.end(), [&](const OrderRecord& r) { return r.order.id == order; });
    return it == orders.end() ? nullptr : &*it;
  }
  const OrderRecord* find(domain::ClientOrderId order) const { return const_cast<Trade*>(this)->find(order); }
};
QT_DESCRIBE(Trade, id, plan, state, orders, last_leg, entry, entry_done, entry_timer, parent, levels, stop_level,
            stop_reason, stop, pending_stop, stop_attempts, stop_timer, resize_stop, breakeven_done, target, partial,
            partial_done, target_refused, closing, close_backoff, close_attempts, close_timer, last_exit,
            last_exit_time)

}  // namespace qtrader::execution
