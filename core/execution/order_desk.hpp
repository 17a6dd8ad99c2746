// OrderDesk: how a trade's orders leave the core. Numbers the legs, asks the gate, audits every answer, emits commands
// and keeps the trade's order records in step with the venue's reports.
//
// Used by the entry transaction and the exit manager. Never decides what to order or when.
#pragma once

#include <string>

#include "core/execution/trade_state.hpp"
#include "core/risk/gate.hpp"

namespace qtrader::execution {

/// A reducing order to be: side, symbol, trace and reduce-only follow from the trade.
struct Ticket {
  domain::OrderType type = domain::OrderType::Market;
  domain::OrderPurpose purpose = domain::OrderPurpose::Exit;
  domain::Quantity quantity;
  domain::Price trigger;                                     // conditional types only
  domain::ExitReason reason = domain::ExitReason::StopLoss;  // of the trade, if this order ends it
};

class OrderDesk {
 public:
  OrderDesk(const domain::InstrumentTable& instruments, risk::Gate& gate) : instruments_(instruments), gate_(gate) {}

  const domain::Instrument& instrument(const Trade& trade) const { return instruments_[trade.plan.symbol]; }
  risk::Gate& gate() { return gate_; }

  /// The market entry of a plan: leg 1. Not sent and not recorded.
  static domain::Order entry_order(domain::TradeId id, const EntryPlan& plan);
  /// The next free leg of the trade.
  domain::ClientOrderId next_id(Trade& trade) const;
  /// Emits an approved entry, or a child of one, and records it.
  void send_entry(Trade& trade, risk::Approved<domain::Order> order, Context& context);
  /// Reviews, audits, records and emits. A zero id if the gate found that it would not reduce the position.
  domain::ClientOrderId send_reducing(Trade& trade, const Ticket& ticket, Context& context);
  /// Asks for a cancel unless there is nothing to cancel or it has been asked for already.
  void cancel(Trade& trade, domain::ClientOrderId id, Context& context);
  void cancel_working(Trade& trade, Context& context);
  /// Asks what became of an order of the trade.
  static void query(OrderRecord& record, Context& context);

  /// Moves a record forward; never backward from a terminal status. UnknownOrder answers a cancel and is
  /// only noted, or a query, and then proves that the order will not execute (any more).
  static void apply(OrderRecord& record, const domain::OrderReport& report);

  static void transition(Trade& trade, domain::TradeState to, std::string note, Context& context);
  static void refuse(const EntryPlan& plan, risk::Refusal refusal, Context& context);

 private:
  const domain::InstrumentTable& instruments_;
  risk::Gate& gate_;
};

/// Timers of a trade say (trade, symbol), so that one can be delivered without a search.
constexpr std::uint64_t timer_argument(domain::TradeId trade, domain::SymbolId symbol) {
  return trade.value << 16 | symbol.value;
}
constexpr domain::SymbolId timer_symbol(std::uint64_t argument) {
  return {static_cast<std::uint16_t>(argument & 0xFFFF)};
}
/// Replaces the timer held in `timer`.
void arm(domain::TimerId& timer, const Trade& trade, domain::TimerTag tag, std::int64_t wait_ms, Context& context);
void disarm(domain::TimerId& timer, Context& context);

}  // namespace qtrader::execution
