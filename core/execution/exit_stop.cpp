// The protective stop: its level, its placement with confirmation, its replacement and its moves.
#include <utility>

#include "core/base/check.hpp"
#include "core/execution/exit_manager.hpp"

namespace qtrader::execution {
namespace {

using domain::ExitReason;
using domain::Price;
using domain::VenueReason;

/// Worth another try after a pause: the order did not get there, or the venue does not see the position yet (or any
/// more).
bool may_pass_later(VenueReason reason) {
  return reason == VenueReason::TransportFailure || reason == VenueReason::ReduceOnlyRejected ||
         reason == VenueReason::PositionClosed || reason == VenueReason::UnknownOrder;
}

std::string stop_note(const OrderRecord& record, const OrderRecord* old) {
  if (old != nullptr && old->order.trigger_price == record.order.trigger_price) return "resized";
  if (record.reason == ExitReason::Breakeven) return "breakeven";
  if (record.reason == ExitReason::TrailingStop) return "trailing";
  return "initial";
}

}  // namespace

const OrderRecord* ExitManager::live_stop(const Trade& trade) const {
  const OrderRecord* record = trade.find(trade.stop);
  return record != nullptr && record->working() ? record : nullptr;
}

bool ExitManager::covered(const Trade& trade) const {
  const OrderRecord* live = live_stop(trade);
  return live != nullptr && live->open() >= remaining(trade);
}

/// Levels from the average price of what is filled. False if there are none: the trade is then being closed.
bool ExitManager::set_levels(Trade& trade, Context& context) {
  const Price entry = trades_.find(trade.id)->entry_price();
  auto levels = exit_levels(trade.plan.exits, trade.plan.side, entry, desk_.instrument(trade));
  if (!levels) {
    unwind(trade, levels.error().message(), context);
    return false;
  }
  trade.levels = *levels;
  trade.stop_level = trade.levels.stop;
  trade.stop_reason = ExitReason::StopLoss;
  return true;
}

/// Brings the venue's stop in line with what is open and where the stop should be, one replacement at a time.
void ExitManager::protect(Trade& trade, Context& context) {
  if (trade.closing || trade.pending_stop.value != 0) return;
  const domain::Quantity open = remaining(trade);
  if (open.is_zero()) return;
  if (const OrderRecord* live = live_stop(trade); live != nullptr && live->open() >= open) {
    const bool executing = live->filled.is_positive();
    const bool in_place = live->order.trigger_price == trade.stop_level && !(trade.resize_stop && live->open() > open);
    if (executing || in_place) {
      trade.resize_stop = false;
      if (trade.state == domain::TradeState::Filled) {
        OrderDesk::transition(trade, domain::TradeState::Protected, "stop confirmed", context);
        place_targets(trade, context);
      }
      return;
    }
  }
  place_stop(trade, context);
}

void ExitManager::place_stop(Trade& trade, Context& context) {
  Ticket ticket;
  ticket.type = domain::OrderType::StopMarket;
  ticket.purpose = domain::OrderPurpose::ProtectiveStop;
  ticket.quantity = remaining(trade);
  ticket.trigger = trade.stop_level;
  ticket.reason = trade.stop_reason;
  ++trade.stop_attempts;
  trade.pending_stop = desk_.send_reducing(trade, ticket, context);
  if (trade.pending_stop.value == 0) {
    give_up_stop(trade, context);
    return;
  }
  arm(trade.stop_timer, trade, domain::TimerTag::StopConfirm, config_.stop_confirm_ms, context);
}

void ExitManager::confirm_stop(Trade& trade, domain::ClientOrderId id, Context& context) {
  disarm(trade.stop_timer, context);
  trade.stop_attempts = 0;
  const domain::ClientOrderId old = std::exchange(trade.stop, id);
  trade.pending_stop = {};
  trade.resize_stop = false;
  const OrderRecord& record = *trade.find(id);
  std::string note = stop_note(record, trade.find(old));
  context.audit.record(domain::StopMoved{trade.id, trade.plan.symbol, record.order.trigger_price, std::move(note)});
  desk_.cancel(trade, old, context);
  protect(trade, context);
}

void ExitManager::on_pending_stop(Trade& trade, const OrderRecord& record, Context& context) {
  if (!record.ended() || record.status == domain::OrderStatus::Filled) {
    confirm_stop(trade, record.order.id, context);
    return;
  }
  const ExitReason reason = record.reason;
  if (record.venue_reason == VenueReason::WouldTrigger) {
    // The price is already beyond the level: what the stop would have done is done now. Asking again cannot help.
    trade.pending_stop = {};
    close(trade, reason, context);
  } else if (record.venue_reason == VenueReason::UnknownOrder) {
    // Asked for and never seen there: there is nothing to wait for.
    disarm(trade.stop_timer, context);
    retry_pending_stop(trade, context);
  } else if (record.status == domain::OrderStatus::Rejected && !may_pass_later(record.venue_reason)) {
    trade.pending_stop = {};
    disarm(trade.stop_timer, context);
    give_up_stop(trade, context);
  }
  // Otherwise the timer decides: the next attempt comes when this one's time is over.
}

void ExitManager::on_live_stop(Trade& trade, const OrderRecord& record, Context& context) {
  if (!record.ended() || trade.closing) return;
  if (!record.settled()) {
    // Executions are on their way; if they do not come, the timer replaces the stop.
    if (trade.stop_timer.value == 0)
      arm(trade.stop_timer, trade, domain::TimerTag::StopConfirm, config_.stop_confirm_ms, context);
    return;
  }
  trade.stop = {};
  if (remaining(trade).is_zero()) return;
  context.audit.record(domain::RiskAlert{"stop_lost", record.filled.to_double(), record.order.quantity.to_double(),
                                         std::string(base::enum_name(record.venue_reason))});
  protect(trade, context);
}

void ExitManager::on_stop_timer(Trade& trade, Context& context) {
  trade.stop_timer = {};
  if (trade.closing) return;
  if (trade.pending_stop.value != 0) {
    desk_.cancel(trade, trade.pending_stop, context);
    retry_pending_stop(trade, context);
    return;
  } else if (live_stop(trade) == nullptr) {
    trade.stop = {};
  }
  protect(trade, context);
}

void ExitManager::retry_pending_stop(Trade& trade, Context& context) {
  trade.pending_stop = {};
  if (covered(trade) || trade.stop_attempts >= config_.stop_attempts) {
    give_up_stop(trade, context);
  } else {
    protect(trade, context);
  }
}

void ExitManager::on_stop_missing(Trade& trade, std::string detail, Context& context) {
  if (trade.closing) {
    ensure_close(trade, context);
    return;
  }
  if (trade.pending_stop.value != 0 || remaining(trade).is_zero()) return;
  if (OrderRecord* record = trade.find(trade.stop); record != nullptr && !record->ended()) {
    record->status = domain::OrderStatus::Expired;
    record->venue_reason = VenueReason::UnknownOrder;
  }
  trade.stop = {};
  context.audit.record(domain::RiskAlert{"stop_lost", 0, remaining(trade).to_double(), std::move(detail)});
  place_stop(trade, context);
}

void ExitManager::on_quantity_corrected(Trade& trade, Context& context) {
  if (remaining(trade).is_zero()) return;
  if (trade.closing) {
    ensure_close(trade, context);
    return;
  }
  trade.resize_stop = true;
  protect(trade, context);
}

/// A stop could not be placed. With the old one still covering everything only an improvement is lost; without, the
/// position is closed.
void ExitManager::give_up_stop(Trade& trade, Context& context) {
  const double attempts = trade.stop_attempts, limit = config_.stop_attempts;
  trade.stop_attempts = 0;
  if (covered(trade)) {
    keep_live_stop(trade);
    context.audit.record(domain::RiskAlert{"stop_not_moved", attempts, limit, "the stop in place stays"});
    protect(trade, context);
    return;
  }
  context.audit.record(domain::RiskAlert{"unprotected", attempts, limit, "stop not confirmed, closing at market"});
  close(trade, ExitReason::Unprotected, context);
}

void ExitManager::keep_live_stop(Trade& trade) {
  const OrderRecord& live = *live_stop(trade);
  trade.stop_level = live.order.trigger_price;
  trade.stop_reason = live.reason;
  trade.resize_stop = false;
  if (live.reason == ExitReason::StopLoss) trade.breakeven_done = false;
}

void ExitManager::unwind(Trade& trade, std::string detail, Context& context) {
  context.audit.record(domain::RiskAlert{"unprotected", 0, 0, std::move(detail)});
  close(trade, ExitReason::Unprotected, context);
}

/// Once: entry + costs, if that is an improvement. True if the level moved.
bool ExitManager::raise_to_breakeven(Trade& trade, const ledger::OpenTrade& book) {
  if (trade.breakeven_done || !(trade.plan.exits.breakeven_r > 0)) return false;
  const EntryCost cost{trade.plan.side, trade.levels.entry, book.entered, book.fees, book.funding};
  const Price level = breakeven_level(cost, desk_.instrument(trade));
  trade.breakeven_done = true;
  if (!tighter(trade.plan.side, level, trade.stop_level)) return false;
  trade.stop_level = level;
  trade.stop_reason = ExitReason::Breakeven;
  return true;
}

void ExitManager::move_stop(Trade& trade, const ledger::OpenTrade& book, const domain::Bar& bar, Context& context) {
  if (const OrderRecord* live = live_stop(trade); live != nullptr && live->filled.is_positive()) return;  // executing
  const ExitProfile& exits = trade.plan.exits;
  const domain::PositionSide side = trade.plan.side;
  const domain::Instrument& instrument = desk_.instrument(trade);
  const Price r = trade.levels.risk_per_unit;
  const Price gained = favourable(side, trade.levels.entry, book.best);
  const auto reached = [&](double at_r) { return at_r > 0 && gained >= r * domain::Ratio::from_double(at_r); };

  if (reached(exits.trail_start_r)) {
    const Price level = trail_level(exits, side, trade.levels, book.best, instrument);
    const Price step = std::max(instrument.tick_size, r * domain::Ratio::from_double(config_.trail_step_r));
    if (favourable(side, trade.stop_level, level) >= step) {
      if (!tighter(side, bar.close, level)) {
        // The bar turned from its extreme through the trail: a stop there would be rejected as already crossed.
        close(trade, ExitReason::TrailingStop, context);
        return;
      }
      trade.stop_level = level;
      trade.stop_reason = ExitReason::TrailingStop;
    }
  }
  // A bar that reached +1R and closed below breakeven again keeps its stop: moving it there would only mean closing at
  // market, at a loss the initial stop has priced in.
  if (reached(exits.breakeven_r) && !trade.breakeven_done) {
    const EntryCost cost{side, trade.levels.entry, book.entered, book.fees, book.funding};
    if (tighter(side, bar.close, breakeven_level(cost, instrument))) raise_to_breakeven(trade, book);
  }
  protect(trade, context);
}

}  // namespace qtrader::execution
