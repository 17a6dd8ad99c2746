#include "core/execution/exit_manager.hpp"

#include <utility>

#include "core/base/check.hpp"

namespace qtrader::execution {
namespace {

using domain::ExitReason;
using domain::OrderPurpose;
using domain::OrderType;
using domain::Quantity;
using domain::TradeState;
using domain::VenueReason;

constexpr int kMaxBackoffShift = 5;
constexpr std::int64_t kNakedRetryMs = 1'000;  // after a refused close of what no stop covers

bool is_close(const OrderRecord& r) {
  return r.order.purpose == OrderPurpose::Exit || r.order.purpose == OrderPurpose::Unwind;
}

}  // namespace

void ExitManager::on_entry_fill(Trade& trade, Context& context) {
  if (trade.closing) {
    ensure_close(trade, context);
    return;
  }
  // A fill after the end of the entry grows the position; its levels and R stay as frozen.
  if (!trade.entry_done && !set_levels(trade, context)) return;
  protect(trade, context);
}

void ExitManager::on_entry_complete(Trade& trade, Context& context) {
  // A trade that is being closed already wants levels for R alone.
  const bool frozen = set_levels(trade, context);
  if (frozen) trades_.freeze_risk(trade.id, trade.levels.stop);
  if (trade.closing) {
    ensure_close(trade, context);
    finish_if_flat(trade, context);
  } else {
    protect(trade, context);
  }
}

void ExitManager::on_report(Trade& trade, domain::ClientOrderId id, Context& context) {
  const OrderRecord& record = *trade.find(id);
  if (id == trade.pending_stop) {
    on_pending_stop(trade, record, context);
  } else if (id == trade.stop) {
    on_live_stop(trade, record, context);
  } else if (record.order.purpose == OrderPurpose::TakeProfit) {
    on_target(trade, record, context);
  } else if (is_close(record)) {
    on_close_order(trade, record, context);
  }
}

void ExitManager::on_exit_fill(Trade& trade, domain::ClientOrderId id, Context& context) {
  if (id.value != 0 && id == trade.pending_stop) confirm_stop(trade, id, context);
  if (!trade.entry_done) close(trade, trade.last_exit, context);  // no more of it: the way out has begun
  if (remaining(trade).is_zero()) {
    finish_if_flat(trade, context);
    return;
  }
  if (trade.closing) {
    ensure_close(trade, context);
    return;
  }
  const OrderRecord* record = trade.find(id);
  if (record == nullptr || !record->settled()) return;
  if (id == trade.partial) {
    finish_partial(trade, context);
  } else if (id == trade.stop) {
    on_live_stop(trade, *record, context);
  }
}

void ExitManager::on_bar(Trade& trade, const domain::Bar& bar, Context& context) {
  const ledger::OpenTrade* book = trades_.find(trade.id);
  if (book->entered.is_zero() || bar.close_time() <= book->entry_time) return;
  trades_.on_bar(trade.id, bar);
  if (trade.closing || trade.state != TradeState::Protected) return;

  const domain::PositionSide side = trade.plan.side;
  const domain::Price loss = favourable(side, bar.close, trade.levels.entry);
  const double guard = config_.loss_guard_frac;
  if (guard > 0 && loss >= trade.levels.entry * domain::Ratio::from_double(guard)) {
    const double loss_frac = loss.to_double() / trade.levels.entry.to_double();
    context.audit.record(domain::RiskAlert{"loss_guard", loss_frac, guard, "the venue's stop has not held"});
    close(trade, ExitReason::LossGuard, context);
    return;
  }
  const std::int64_t limit_s = trade.plan.exits.time_exit_s;
  if (limit_s > 0 && context.now >= book->entry_time + base::seconds(limit_s) && book->current_r(bar.close) <= 0) {
    close(trade, ExitReason::TimeExit, context);
    return;
  }
  if (trade.pending_stop.value == 0) move_stop(trade, *book, bar, context);
  if (!trade.closing) place_targets(trade, context);
}

void ExitManager::place_targets(Trade& trade, Context& context) {
  Ticket ticket;
  ticket.type = OrderType::TakeProfitMarket;
  ticket.purpose = OrderPurpose::TakeProfit;
  ticket.reason = ExitReason::TakeProfit;
  Quantity kept_for_partial;
  if (const OrderRecord* r = trade.find(trade.partial); r != nullptr && r->working()) kept_for_partial = r->open();
  if (!trade.partial_done && trade.partial.value == 0) {
    ticket.quantity = trade.levels.partial.is_zero() ? Quantity{}
                                                     : partial_quantity(trade.plan.exits, remaining(trade),
                                                                        trade.levels.partial, desk_.instrument(trade));
    ticket.trigger = trade.levels.partial;
    if (ticket.quantity.is_zero()) {
      trade.partial_done = true;
    } else {
      trade.partial = desk_.send_reducing(trade, ticket, context);
      if (trade.partial.value != 0) kept_for_partial = ticket.quantity;
    }
  }
  if (trade.levels.target.is_zero() || trade.target_refused) return;
  const Quantity wanted = remaining(trade) - kept_for_partial;
  if (const OrderRecord* r = trade.find(trade.target); r != nullptr && r->working()) {
    // The partial will not come: the target has to cover its share too. The stop protects while there is none.
    if (r->open() < wanted && r->filled.is_zero()) desk_.cancel(trade, trade.target, context);
    return;
  }
  if (trade.target.value != 0 || !wanted.is_positive()) return;
  ticket.quantity = wanted;
  ticket.trigger = trade.levels.target;
  trade.target = desk_.send_reducing(trade, ticket, context);
}

/// Targets are tried again with the next bar: they can wait, the stop is what protects.
void ExitManager::on_target(Trade& trade, const OrderRecord& record, Context& context) {
  const domain::ClientOrderId id = record.order.id;
  const bool is_partial = id == trade.partial;
  if (!record.ended() || !record.settled() || (!is_partial && id != trade.target)) return;
  if (is_partial && record.filled.is_positive()) {
    finish_partial(trade, context);
    return;
  }
  (is_partial ? trade.partial : trade.target) = {};
  if (record.status != domain::OrderStatus::Rejected || trade.closing) return;
  if (record.venue_reason == VenueReason::WouldTrigger) {
    // The price is there already: take the profit at market.
    if (!is_partial) {
      close(trade, ExitReason::TakeProfit, context);
      return;
    }
    const Ticket now{OrderType::Market, OrderPurpose::TakeProfit, record.order.quantity, {}, ExitReason::TakeProfit};
    trade.partial = desk_.send_reducing(trade, now, context);
  } else if (record.venue_reason != VenueReason::TransportFailure && record.venue_reason != VenueReason::UnknownOrder) {
    (is_partial ? trade.partial_done : trade.target_refused) = true;
    context.audit.record(domain::RiskAlert{"target_refused", record.order.trigger_price.to_double(), 0,
                                           std::string(base::enum_name(record.venue_reason))});
  }
}

void ExitManager::finish_partial(Trade& trade, Context& context) {
  if (trade.partial_done) return;
  trade.partial_done = true;
  if (trade.closing) return;
  trade.resize_stop = true;
  raise_to_breakeven(trade, *trades_.find(trade.id));
  protect(trade, context);
}

void ExitManager::close(Trade& trade, ExitReason reason, Context& context) {
  if (!trade.entry_done) desk_.cancel(trade, trade.entry, context);
  if (!trade.closing) {
    trade.closing = reason;
    OrderDesk::transition(trade, TradeState::Unwinding, std::string(base::enum_name(reason)), context);
  }
  disarm(trade.stop_timer, context);
  ensure_close(trade, context);
}

/// Keeps market orders working for everything that is open, through rejections, until it is flat.
void ExitManager::ensure_close(Trade& trade, Context& context) {
  if (trade.close_backoff) return;
  Quantity uncovered = remaining(trade);
  for (const OrderRecord& r : trade.orders)
    if (is_close(r) && r.working() && !r.presumed_lost) uncovered -= r.open();
  if (!uncovered.is_positive()) return;
  Ticket ticket;
  ticket.purpose = *trade.closing == ExitReason::Unprotected ? OrderPurpose::Unwind : OrderPurpose::Exit;
  ticket.quantity = uncovered;
  ticket.reason = *trade.closing;
  ++trade.close_attempts;
  if (desk_.send_reducing(trade, ticket, context).value == 0) trade.close_backoff = true;
  arm(trade.close_timer, trade, domain::TimerTag::RetryClose, close_wait_ms(trade, trade.close_backoff), context);
}

/// Behind a stop there is time to wait for an exchange in trouble; without one there is none.
std::int64_t ExitManager::close_wait_ms(const Trade& trade, bool refused) const {
  const int shift = std::min(std::max(trade.close_attempts - 1, 0), kMaxBackoffShift);
  if (covered(trade)) return config_.retry_close_ms << shift;
  return refused ? std::min(kNakedRetryMs, config_.retry_close_ms) : config_.retry_close_ms;
}

void ExitManager::on_close_order(Trade& trade, const OrderRecord& record, Context& context) {
  if (!trade.closing || remaining(trade).is_zero()) return;
  if (record.ended() && record.open().is_positive()) {
    if (trade.close_backoff) return;
    if (record.venue_reason == VenueReason::UnknownOrder && record.settled()) {
      ensure_close(trade, context);  // asked for and never seen there: nothing to back off from
      return;
    }
    trade.close_backoff = true;
    // Not settled: its executions are still to come, the timer only guards against their never coming.
    if (record.settled())
      context.audit.record(domain::RiskAlert{"close_rejected", static_cast<double>(trade.close_attempts), 0,
                                             std::string(base::enum_name(record.venue_reason))});
    arm(trade.close_timer, trade, domain::TimerTag::RetryClose, close_wait_ms(trade, true), context);
    return;
  }
  // The timer only waits for a sign of life: a working market order needs none.
  for (const OrderRecord& r : trade.orders)
    if (is_close(r) && r.working() && !r.acknowledged) return;
  if (!trade.close_backoff) disarm(trade.close_timer, context);
}

void ExitManager::on_close_timer(Trade& trade, Context& context) {
  trade.close_timer = {};
  trade.close_backoff = false;
  for (OrderRecord& r : trade.orders)
    if (is_close(r) && r.working() && !r.acknowledged) r.presumed_lost = true;
  ensure_close(trade, context);
}

void ExitManager::finish_if_flat(Trade& trade, Context& context) {
  if (!trade.entry_done || !remaining(trade).is_zero()) return;
  desk_.cancel_working(trade, context);
  disarm(trade.entry_timer, context);
  disarm(trade.stop_timer, context);
  disarm(trade.close_timer, context);
  domain::TradeClosed row = trades_.close(trade.id, trade.last_exit_time, trade.last_exit);
  const domain::Money net = row.net_pnl;
  context.audit.record(std::move(row));
  OrderDesk::transition(trade, TradeState::Closed, std::string(base::enum_name(trade.last_exit)), context);
  desk_.gate().on_trade_closed(net, context.now);
}

}  // namespace qtrader::execution
