// Venue port and the commands the core issues. A venue never returns an outcome: outcomes are events.
//
// Implemented by edge/simvenue (SimVenue on bars, BookVenue on order books) and edge/binance. Submit takes an Approved
// order and nothing else.
#pragma once

#include <variant>

#include "core/base/result.hpp"
#include "core/domain/order.hpp"
#include "core/risk/approved.hpp"

namespace qtrader::execution {

struct SubmitOrder {
  risk::Approved<domain::Order> order;
};
struct CancelOrder {
  domain::ClientOrderId order;
  domain::SymbolId symbol;
};
struct SetLeverage {
  domain::SymbolId symbol;
  domain::Leverage leverage;
  domain::MarginMode mode = domain::MarginMode::Cross;
};

/// What became of an order whose answer we do not have. Answered by the fills we missed, then an OrderReport; Rejected
/// with UnknownOrder if the venue never saw it and cannot see it any more.
struct QueryOrder {
  domain::ClientOrderId order;
  domain::SymbolId symbol;
};
/// Answered by an AccountSnapshot, sooner or later; a new request while one is under way is the same request.
struct RequestSnapshot {};
/// Cancels an order this trader's records do not know (an orphan found by reconciliation).
struct CancelForeign {
  domain::SymbolId symbol;
  std::uint64_t venue_id = 0;
  bool conditional = false;
};

/// Alternatives are appended, never inserted: the index is part of the journal.
using Command = std::variant<SubmitOrder, CancelOrder, SetLeverage, QueryOrder, RequestSnapshot, CancelForeign>;

class Venue {
 public:
  virtual ~Venue() = default;
  /// "Handed over". Errors are of the hand-over only (Unavailable); what became of the order arrives as OrderReport.
  virtual base::Result<void> submit(const risk::Approved<domain::Order>& order) = 0;
  virtual base::Result<void> cancel(domain::ClientOrderId order, domain::SymbolId symbol) = 0;
  virtual base::Result<void> set_leverage(domain::SymbolId symbol, domain::Leverage leverage,
                                          domain::MarginMode mode) = 0;
  virtual base::Result<void> query(domain::ClientOrderId order, domain::SymbolId symbol) = 0;
  virtual base::Result<void> request_snapshot() = 0;
  virtual base::Result<void> cancel_foreign(const CancelForeign& order) = 0;
};

/// Hands a command to the venue.
base::Result<void> carry(const Command& command, Venue& venue);

}  // namespace qtrader::execution
