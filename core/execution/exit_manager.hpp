// ExitManager: the one owner of every way out of a trade (fund.md 3.8, 3.12): the stop at the venue and its moves,
// targets, time exit, loss guard and market closes.
//
// A filled quantity is protected at once: a stop is sent for it and must be confirmed within stop_confirm_ms,
// stop_attempts times; then the position is unwound at market. A stop is replaced by place → confirm → cancel the old
// one, never the other way round, and after the entry is complete it only moves toward profit. While the entry is still
// filling, the stop follows the average price of what is filled so far, in either direction. Exits are reduce-only, so
// that duplicates and races cannot open anything; they are never given up: a rejected close is tried again until the
// position is flat.
//
// Works on bars: a breakeven or trailing level exists from the close of the bar that reached it.
#pragma once

#include "core/execution/order_desk.hpp"
#include "core/ledger/trade_book.hpp"

namespace qtrader::execution {

class ExitManager {
 public:
  ExitManager(const ExecutionConfig& config, OrderDesk& desk, ledger::TradeBook& trades)
      : config_(config), desk_(desk), trades_(trades) {}

  /// More is filled while the entry is still working (or after it was thought to be over): protect it.
  void on_entry_fill(Trade& trade, Context& context);
  /// The entry is over with something filled: final levels, R frozen, final stop.
  void on_entry_complete(Trade& trade, Context& context);
  /// After a record other than the entry's took a report.
  void on_report(Trade& trade, domain::ClientOrderId id, Context& context);
  /// After a reducing fill was booked. `id` is 0 for a liquidation.
  void on_exit_fill(Trade& trade, domain::ClientOrderId id, Context& context);
  void on_bar(Trade& trade, const domain::Bar& bar, Context& context);
  void on_stop_timer(Trade& trade, Context& context);
  void on_close_timer(Trade& trade, Context& context);

  /// What the venue's account has shown (reconciler.hpp). The stop it should hold is not there: place another now.
  void on_stop_missing(Trade& trade, std::string detail, Context& context);
  /// The open quantity was corrected to the venue's: the stop, or the way out, follows.
  void on_quantity_corrected(Trade& trade, Context& context);

  /// Cancels a working entry and closes what is filled at market. Idempotent: the first reason stays.
  void close(Trade& trade, domain::ExitReason reason, Context& context);
  /// Closes the trade's books once it is flat and its entry is over. Does nothing before.
  void finish_if_flat(Trade& trade, Context& context);

 private:
  domain::Quantity remaining(const Trade& trade) const { return trades_.find(trade.id)->remaining(); }
  /// The confirmed stop, if it still works.
  const OrderRecord* live_stop(const Trade& trade) const;
  bool covered(const Trade& trade) const;

  // Stop: exit_stop.cpp
  bool set_levels(Trade& trade, Context& context);
  void protect(Trade& trade, Context& context);
  void place_stop(Trade& trade, Context& context);
  void confirm_stop(Trade& trade, domain::ClientOrderId id, Context& context);
  void on_pending_stop(Trade& trade, const OrderRecord& record, Context& context);
  void on_live_stop(Trade& trade, const OrderRecord& record, Context& context);
  void retry_pending_stop(Trade& trade, Context& context);
  void give_up_stop(Trade& trade, Context& context);
  void keep_live_stop(Trade& trade);
  void unwind(Trade& trade, std::string detail, Context& context);
  void move_stop(Trade& trade, const ledger::OpenTrade& book, const domain::Bar& bar, Context& context);
  bool raise_to_breakeven(Trade& trade, const ledger::OpenTrade& book);

  // Targets and closes: exit_manager.cpp
  void place_targets(Trade& trade, Context& context);
  void on_target(Trade& trade, const OrderRecord& record, Context& context);
  void on_close_order(Trade& trade, const OrderRecord& record, Context& context);
  void ensure_close(Trade& trade, Context& context);
  /// Until a close is tried again that was refused, or of which nothing was heard.
  std::int64_t close_wait_ms(const Trade& trade, bool refused) const;
  void finish_partial(Trade& trade, Context& context);

  const ExecutionConfig& config_;
  OrderDesk& desk_;
  ledger::TradeBook& trades_;
};

}  // namespace qtrader::execution
