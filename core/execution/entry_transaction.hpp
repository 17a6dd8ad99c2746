// EntryTransaction: from an intent to a filled entry, atomically (fund.md 1.1). Planned → (leverage set and read back)
// → Submitted → Filled | Failed. From the first fill on, the exit manager protects what is filled.
//
// The gate is asked when the intent is stated, so that a refusal costs nothing and is known at once; and asked again,
// with fresh marks, when the leverage has been read back and the order really leaves. Between the two only the plan is
// kept: an Approved order cannot be restored from a snapshot, and an approval given before the wait says nothing about
// after it. A second refusal fails the trade before anything was submitted. Both answers are audited; the last approval
// is the one the order left under. Entries are never retried: their signal is stale by then.
//
// Where the book is known, the quantity is planned on it when the order leaves (aelm.hpp) and may go in several
// children (parent_order.hpp), one at a time, each asked of the gate; the trade is protected at every fill of any of
// them.
#pragma once

#include <string>
#include <variant>

#include "core/execution/exit_manager.hpp"
#include "core/execution/parent_order.hpp"
#include "core/market/market_state.hpp"

namespace qtrader::execution {

class EntryTransaction {
 public:
  EntryTransaction(const ExecutionConfig& config, OrderDesk& desk, ExitManager& exits, ledger::TradeBook& trades,
                   const market::MarketState& market)
      : config_(config), desk_(desk), exits_(exits), trades_(trades), market_(market) {}

  /// The started trade, or the name of the rule that refused it (audited, nothing left behind).
  std::variant<Trade, std::string> begin(domain::TradeId id, const EntryPlan& plan, Context& context);
  void on_leverage(Trade& trade, const domain::LeverageSet& set, Context& context);
  /// After the entry's record took a report.
  void on_report(Trade& trade, Context& context);
  /// After a fill on the entry side was booked.
  void on_fill(Trade& trade, Context& context);
  /// For the cost report; before on_fill.
  static void note_fill(Trade& trade, const domain::Fill& fill, Context& context);
  void on_timer(Trade& trade, Context& context);
  /// Ends a trade that has filled nothing: Failed. stage and reason are audited as SignalRejected.
  void fail(Trade& trade, std::string stage, std::string reason, Context& context);

 private:
  void submit(Trade& trade, Context& context);
  /// False if the book vetoes the entry: the trade has failed.
  bool plan(Trade& trade, Context& context);
  /// The next child of a planned entry, or its end.
  void advance(Trade& trade, bool slot_due, Context& context);
  void on_child_settled(Trade& trade, Context& context);
  bool send_child(Trade& trade, const SendChild& child, Context& context);
  void report_execution(const Trade& trade, Context& context);
  /// The entry order will not execute any more.
  void complete(Trade& trade, Context& context);

  const ExecutionConfig& config_;
  OrderDesk& desk_;
  ExitManager& exits_;
  ledger::TradeBook& trades_;
  const market::MarketState& market_;
};

}  // namespace qtrader::execution
