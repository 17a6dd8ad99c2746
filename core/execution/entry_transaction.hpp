// EntryTransaction: from an intent to a filled entry, atomically (fund.md 1.1). Planned → (leverage set and read back)
// → Submitted → Filled | Failed. From the first fill on, the exit manager protects what is filled.
//
// The gate is asked when the intent is stated, so that a refusal costs nothing and is known at once; and asked again,
// with fresh marks, when the leverage has been read back and the order really leaves. Between the two only the plan is
// kept: an Approved order cannot be restored from a snapshot, and an approval given before the wait says nothing about
// after it. A second refusal fails the trade before anything was submitted. Both answers are audited; the last approval
// is the one the order left under. Entries are never retried: their signal is stale by then.
#pragma once

#include <string>
#include <variant>

#include "core/execution/exit_manager.hpp"
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
  void on_timer(Trade& trade, Context& context);
  /// Ends a trade that has filled nothing: Failed. stage and reason are audited as SignalRejected.
  void fail(Trade& trade, std::string stage, std::string reason, Context& context);

 private:
  void submit(Trade& trade, Context& context);
  /// The entry order will not execute any more.
  void complete(Trade& trade, Context& context);

  const ExecutionConfig& config_;
  OrderDesk& desk_;
  ExitManager& exits_;
  ledger::TradeBook& trades_;
  const market::MarketState& market_;
};

}  // namespace qtrader::execution
