// OrderTracker: what we know of each of our orders, and the only place that reports on them.
//
// Fed by whoever learns something: REST answers, the user stream, queries, trade lists; in any order and repeatedly.
// Out come the events the core may rely on: New or Rejected once per submit and before anything else of the order, one
// Fill per execution (deduplicated by symbol and trade id), reports that only move forward, a terminal state once
// (again only with a larger filled quantity). Sends nothing and asks nothing. Bounded: ended orders and seen trades are
// forgotten, oldest first.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/domain/events.hpp"
#include "core/domain/instrument.hpp"
#include "edge/binance/gateway.hpp"
#include "edge/binance/wire_types.hpp"

namespace qtrader::binance {

struct TrackedOrder {
  domain::ClientOrderId id;
  domain::SymbolId symbol;
  std::string wire_id;
  bool entry = false;        // may increase exposure
  bool rests = false;        // a limit order: waits in the book
  bool conditional = false;  // given to the algo service
  bool triggered = false;    // and has become a normal order there
  std::int64_t order_id = 0, algo_id = 0;
  domain::OrderStatus status = domain::OrderStatus::New;
  domain::VenueReason reason = domain::VenueReason::None;
  domain::Quantity filled;    // as the exchange says
  domain::Quantity executed;  // Σ of the Fill events
  domain::Money value;        // Σ price·quantity of them
  domain::Price average_price;
  base::Timestamp updated;
  bool acknowledged = false;  // New was reported
  bool ended = false;         // a terminal state was reported
  std::uint32_t reports = 0;  // made so far

  bool open() const { return acknowledged && !ended; }
  bool fills_missing() const { return filled > executed; }
  bool at_algo_service() const { return conditional && !triggered; }
};

/// What somebody learnt of an order's state.
struct OrderProgress {
  WireStatus status = WireStatus::New;
  domain::VenueReason reason = domain::VenueReason::None;
  domain::Quantity filled;
  std::optional<domain::Price> average_price;
  std::int64_t order_id = 0;  // 0: not said
  base::Timestamp at;
};

/// One execution, of the user stream or a trade list.
struct Execution {
  std::int64_t trade_id = 0, order_id = 0;
  domain::Side side = domain::Side::Buy;
  domain::Price price;
  domain::Quantity quantity;
  domain::Money commission;
  std::string commission_asset;
  bool maker = false;
  base::Timestamp at;
};

class OrderTracker {
 public:
  static constexpr std::size_t kMaxOpen = 10'000, kMaxEnded = 2'000, kMaxTrades = 65'536;

  using Listener = std::function<void(const TrackedOrder&)>;
  OrderTracker(const domain::InstrumentTable& instruments, Gateway::Sink sink)
      : instruments_(instruments), sink_(std::move(sink)) {}
  /// After every change of an order; also after a report that fills are missing.
  void listen(Listener listener) { listeners_.push_back(std::move(listener)); }

  /// A new submission. An ended order of the same id gives way. Error: Conflict if one is open, NoSpace beyond
  /// kMaxOpen.
  base::Result<TrackedOrder*> track(const domain::Order& order, std::string wire_id);
  /// An order of ours the exchange told us about (after a restart).
  TrackedOrder& adopt(TrackedOrder order);
  TrackedOrder* find(domain::ClientOrderId id);
  TrackedOrder* find_order(domain::SymbolId symbol, std::int64_t order_id);

  void acknowledge(TrackedOrder& order, base::Timestamp at);
  /// The definite no to a submit. Nothing if the order has been acknowledged.
  void reject(TrackedOrder& order, domain::VenueReason reason, base::Timestamp at);
  void update(TrackedOrder& order, const OrderProgress& progress);
  /// False if this execution was booked before.
  bool execute(TrackedOrder& order, const Execution& execution);
  /// An execution of an order that is the exchange's own: liquidation, ADL, delivery.
  bool execute_forced(domain::SymbolId symbol, const Execution& execution);
  /// Says again where the order stands.
  void repeat(TrackedOrder& order) { report(order); }
  /// The exchange's ids of an order; 0: not known. An order id of a conditional order says that it has triggered.
  void learn_ids(TrackedOrder& order, std::int64_t order_id, std::int64_t algo_id);

  std::vector<domain::ClientOrderId> open_orders() const;
  /// Newest execution seen of a symbol: where a trade list goes on. 0 if none.
  std::int64_t last_trade_id(domain::SymbolId symbol) const;
  /// Symbols that had an order or an execution since the start.
  std::set<std::uint16_t> active_symbols() const { return active_; }

 private:
  bool first_sight(domain::SymbolId symbol, const Execution& execution);
  domain::Fill make_fill(domain::SymbolId symbol, const Execution& execution) const;
  void end(TrackedOrder& order, domain::OrderStatus status, domain::VenueReason reason);
  void report(TrackedOrder& order);
  void notify(const TrackedOrder& order);

  const domain::InstrumentTable& instruments_;
  const Gateway::Sink sink_;
  std::vector<Listener> listeners_;
  std::map<std::uint64_t, TrackedOrder> orders_;
  std::map<std::pair<std::uint16_t, std::int64_t>, std::uint64_t> by_order_id_;
  std::deque<std::uint64_t> ended_;
  std::size_t open_ = 0;
  std::set<std::pair<std::uint16_t, std::string>> seen_;
  std::deque<std::pair<std::uint16_t, std::string>> seen_order_;
  std::map<std::uint16_t, std::int64_t> last_trade_;
  std::set<std::uint16_t> active_;
};

}  // namespace qtrader::binance
