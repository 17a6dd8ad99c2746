// TradeManager: the one owner of every order. Runs the entry transaction (fund.md 1.1) and the exits (3.8, 3.12) of
// each trade as persisted state machines, so that no position is ever without a stop at the venue.
//
// Entry: PLANNED → leverage set and read back → SUBMITTED → FILLED → stop and targets recomputed from the actual fill
// and placed → stop confirmed → PROTECTED; a stop not confirmed in time → UNWINDING (reduce-only market), as is every
// other market close. Exits: venue stop, breakeven at +1R, partial at 2R, trailing from 2R, time exit; a stop is
// replaced by place–confirm–cancel and only moves toward profit. Never sizes, never predicts, never talks to a venue:
// it emits Commands.
//
// This class routes events to the trade of their symbol and books every fill into exactly one trade, whatever order it
// came from: what the trades say is open is at all times what the ledger says (checked). entry_transaction.hpp and
// exit_manager.hpp hold the decisions. An execution no trade expected is adopted as a trade of its own and closed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/domain/audit.hpp"
#include "core/domain/events.hpp"
#include "core/execution/entry_transaction.hpp"
#include "core/execution/exit_manager.hpp"
#include "core/execution/exit_plan.hpp"
#include "core/execution/order_desk.hpp"
#include "core/execution/trade_state.hpp"
#include "core/execution/venue.hpp"
#include "core/kernel/timers.hpp"
#include "core/ledger/trade_book.hpp"
#include "core/risk/gate.hpp"

namespace qtrader::execution {

class TradeManager {
 public:
  /// Keeps references to all but the config. The config must be valid (QT_CHECK; see validate(ExecutionConfig)).
  TradeManager(ExecutionConfig config, const domain::InstrumentTable& instruments, risk::Gate& gate,
               ledger::TradeBook& trades, const ledger::Ledger& ledger, const market::MarketState& market);
  TradeManager(const TradeManager&) = delete;
  TradeManager& operator=(const TradeManager&) = delete;

  /// Starts an entry transaction. Returns the refused rule (also audited as OrderRefused), or nothing if it was
  /// started. Rules beyond the gate's: "one_trade_per_symbol", "exit_levels".
  std::optional<std::string> open(const EntryPlan& plan, Context& context);
  /// Closes what is open in the symbol at market, reduce-only; cancels a pending entry. Idempotent.
  void close(domain::SymbolId symbol, domain::ExitReason reason, Context& context);
  void close_all(domain::ExitReason reason, Context& context);

  void on(const domain::OrderReport& report, Context& context);
  /// After the ledger has booked the fill.
  void on(const domain::Fill& fill, const ledger::Ledger::Booking& booking, Context& context);
  void on(const domain::FundingPayment& payment, Context& context);
  void on(const domain::LeverageSet& set, Context& context);
  /// FillWait, StopConfirm and RetryClose; other tags, and timers that are no longer meant, are ignored.
  void on(const domain::TimerFired& timer, Context& context);
  // What reconciliation does (reconciler.hpp): recovery.cpp.

  /// Asks the venue for every order whose end, or whose executions, we have not seen; for the last one if `always` and
  /// there is none such. How many were asked for.
  std::size_t ask(domain::SymbolId symbol, bool always, Context& context);
  void ask_all(Context& context);
  bool awaiting_answers(domain::SymbolId symbol) const;
  /// The venue lists this order of ours as open: as good as a report that says so.
  void on_listed(const domain::VenueOpenOrder& order, base::Timestamp at, Context& context);
  void ask_order(domain::SymbolId symbol, domain::ClientOrderId order, Context& context);
  void on_stop_missing(domain::SymbolId symbol, std::string detail, Context& context);
  /// Whatever entry is still on its way will not be waited for: cancelled, and a trade without a fill fails.
  void give_up_entry(domain::SymbolId symbol, Context& context);
  void on_quantity_corrected(domain::SymbolId symbol, Context& context);
  /// A position that no trade accounts for, already in the ledger: a trade of its own with a stop at min(2 %, 10 % of
  /// margin, liquidation − 1 %) of its price; closed at market where that leaves no room. The symbol must be free.
  void adopt_position(const domain::Fill& fill, domain::Leverage leverage, Context& context);

  /// Each accepted base bar: excursions, loss guard, time exit, breakeven, trailing. A few ns without a trade.
  void on_bar(domain::SymbolId symbol, const domain::Bar& bar, Context& context) {
    if (!slot(symbol)) [[likely]]
      return;
    bar_of_trade(symbol, bar, context);
  }

  /// True while an entry is in flight or a position is open in the symbol.
  bool busy(domain::SymbolId symbol) const { return slot(symbol).has_value(); }
  /// Side of the open or pending trade in the symbol.
  std::optional<domain::PositionSide> side(domain::SymbolId symbol) const;
  std::size_t open_count() const { return open_count_; }  // trades not yet Closed or Failed
  /// The trade in the symbol, for reports and tests.
  const Trade* trade(domain::SymbolId symbol) const { return slot(symbol) ? &*slot(symbol) : nullptr; }

  /// Restores into a manager built with the same config and instruments.
  template <class Archive>
  void archive(Archive& a) {
    a(next_trade_);
    for (auto& s : slots_) a(s);
    if constexpr (Archive::kReading) recount();
  }

 private:
  const std::optional<Trade>& slot(domain::SymbolId symbol) const {
    QT_CHECK(symbol.value < slots_.size(), "unknown symbol id");
    return slots_[symbol.value];
  }
  std::optional<Trade>& slot(domain::SymbolId symbol) {
    return const_cast<std::optional<Trade>&>(static_cast<const TradeManager*>(this)->slot(symbol));
  }
  void bar_of_trade(domain::SymbolId symbol, const domain::Bar& bar, Context& context);
  void add(Trade trade);
  /// Drops the symbol's trade if it is Closed or Failed.
  void settle(domain::SymbolId symbol);
  void recount();
  void book(Trade& trade, const domain::Fill& fill, domain::Money realised, Context& context);
  void adopt(const domain::Fill& fill, Context& context);
  void check_agreement(domain::SymbolId symbol) const;

  const ExecutionConfig config_;
  ledger::TradeBook& trades_;
  const ledger::Ledger& ledger_;
  OrderDesk desk_;
  ExitManager exits_;
  EntryTransaction entries_;
  std::uint64_t next_trade_ = 1;
  std::vector<std::optional<Trade>> slots_;  // by symbol id
  std::size_t open_count_ = 0;
};

}  // namespace qtrader::execution
