// TradeManager: the one owner of every order. Runs the entry transaction (fund.md 1.1) and the exits (3.8, 3.12) of each
// trade as persisted state machines, so that no position is ever without a stop at the venue.
//
// Entry: PLANNED → leverage set and read back → SUBMITTED → FILLED → stop and targets recomputed from the actual fill and
// placed → stop confirmed → PROTECTED; a stop not confirmed in time → UNWINDING (reduce-only market). Exits: venue stop,
// breakeven at +1R, partial at 2R, trailing from 2R, time exit; a stop is replaced by place–confirm–cancel and only moves
// toward profit. Never sizes, never predicts, never talks to a venue: it emits Commands.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/domain/audit.hpp"
#include "core/domain/events.hpp"
#include "core/execution/exit_plan.hpp"
#include "core/execution/venue.hpp"
#include "core/kernel/timers.hpp"
#include "core/ledger/trade_book.hpp"
#include "core/risk/gate.hpp"

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
};

class TradeManager {
 public:
  TradeManager(ExecutionConfig config, const domain::InstrumentTable& instruments, risk::Gate& gate,
               ledger::TradeBook& trades, const ledger::Ledger& ledger, const market::MarketState& market);

  /// Starts an entry transaction. Returns the refused rule (also audited), or nothing if it was started.
  std::optional<std::string> open(const EntryPlan& plan, Context& context);
  /// Closes what is open in the symbol at market, reduce-only; cancels a pending entry. Idempotent.
  void close(domain::SymbolId symbol, domain::ExitReason reason, Context& context);
  void close_all(domain::ExitReason reason, Context& context);

  void on(const domain::OrderReport& report, Context& context);
  /// After the ledger has booked the fill.
  void on(const domain::Fill& fill, const ledger::Ledger::Booking& booking, Context& context);
  void on(const domain::FundingPayment& payment, Context& context);
  void on(const domain::LeverageSet& set, Context& context);
  void on(const domain::TimerFired& timer, Context& context);
  /// Each accepted base bar: excursions, breakeven, partial, trailing.
  void on_bar(domain::SymbolId symbol, const domain::Bar& bar, Context& context);

  /// True while an entry is in flight or a position is open in the symbol.
  bool busy(domain::SymbolId symbol) const;
  /// Side of the open or pending trade in the symbol.
  std::optional<domain::PositionSide> side(domain::SymbolId symbol) const;
  std::size_t open_count() const;  // trades not yet Closed or Failed

  template <class Archive>
  void archive(Archive& a);
};

}  // namespace qtrader::execution
