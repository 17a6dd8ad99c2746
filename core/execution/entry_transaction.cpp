#include "core/execution/entry_transaction.hpp"

#include <utility>

#include "core/base/check.hpp"

namespace qtrader::execution {
namespace {

using domain::TradeState;

risk::Refusal refusal(const std::string& rule, double value, double limit) {
  return {rule, {domain::CheckResult{rule, value, limit, false}}};
}

risk::EntryContext entry_context(const EntryPlan& plan, const ExitLevels& levels) {
  return {levels.entry, levels.stop, plan.leverage, plan.round_trip_cost};
}

}  // namespace

std::variant<Trade, std::string> EntryTransaction::begin(domain::TradeId id, const EntryPlan& plan, Context& context) {
  Trade trade;
  trade.id = id;
  trade.plan = plan;
  const auto levels = exit_levels(plan.exits, plan.side, plan.reference_price, desk_.instrument(trade));
  if (!levels) {
    desk_.refuse(plan, refusal("exit_levels", plan.exits.stop_frac, 0), context);
    return std::string("exit_levels");
  }
  const domain::Order order = OrderDesk::entry_order(id, plan);
  risk::Review review = desk_.gate().review_entry(order, entry_context(plan, *levels), context.now);
  if (auto* refused = std::get_if<risk::Refusal>(&review)) {
    std::string rule = refused->rule;
    desk_.refuse(plan, std::move(*refused), context);
    return rule;
  }
  context.audit.record(domain::OrderApproved{order, std::move(std::get<risk::Approval>(review).checks)});
  trade.entry = order.id;
  trades_.open(id, plan.trace, plan.symbol, plan.side, plan.strategy);
  OrderDesk::transition(trade, TradeState::Planned, "intent", context);
  context.commands.push_back(SetLeverage{plan.symbol, plan.leverage, config_.margin_mode});
  arm(trade.entry_timer, trade, domain::TimerTag::FillWait, config_.fill_wait_ms, context);
  return trade;
}

void EntryTransaction::on_leverage(Trade& trade, const domain::LeverageSet& set, Context& context) {
  if (trade.state != TradeState::Planned) return;
  if (!set.accepted) {
    fail(trade, "venue", "leverage_rejected", context);
  } else if (set.leverage != trade.plan.leverage || set.mode != config_.margin_mode) {
    fail(trade, "venue", "leverage_mismatch", context);
  } else {
    submit(trade, context);
  }
}

void EntryTransaction::submit(Trade& trade, Context& context) {
  const auto mark = market_[trade.plan.symbol].mark();
  const domain::Price expected = mark.value_or(trade.plan.reference_price);
  const auto levels = exit_levels(trade.plan.exits, trade.plan.side, expected, desk_.instrument(trade));
  if (!levels) {
    desk_.refuse(trade.plan, refusal("exit_levels", trade.plan.exits.stop_frac, 0), context);
    fail(trade, "gate", "exit_levels", context);
    return;
  }
  // The first approval counts as an entry in flight; it has to be given back or it would refuse itself.
  desk_.gate().on_order_done(trade.entry);
  const domain::Order order = OrderDesk::entry_order(trade.id, trade.plan);
  risk::Review review = desk_.gate().review_entry(order, entry_context(trade.plan, *levels), context.now);
  if (auto* refused = std::get_if<risk::Refusal>(&review)) {
    const std::string rule = refused->rule;
    desk_.refuse(trade.plan, std::move(*refused), context);
    fail(trade, "gate", rule, context);
    return;
  }
  auto& approval = std::get<risk::Approval>(review);
  context.audit.record(domain::OrderApproved{order, std::move(approval.checks)});
  desk_.send_entry(trade, std::move(approval.order), context);
  OrderDesk::transition(trade, TradeState::Submitted, "leverage confirmed", context);
  arm(trade.entry_timer, trade, domain::TimerTag::FillWait, config_.fill_wait_ms, context);
}

void EntryTransaction::on_report(Trade& trade, Context& context) {
  const OrderRecord* record = trade.find(trade.entry);
  if (!trade.entry_done && record->settled()) complete(trade, context);
}

void EntryTransaction::on_fill(Trade& trade, Context& context) {
  const OrderRecord* record = trade.find(trade.entry);
  if (!trade.entry_done && record != nullptr && record->settled()) {
    complete(trade, context);
  } else {
    exits_.on_entry_fill(trade, context);
  }
}

void EntryTransaction::on_timer(Trade& trade, Context& context) {
  trade.entry_timer = {};
  if (trade.state == TradeState::Planned) {
    fail(trade, "venue", "leverage_timeout", context);
    return;
  }
  if (trade.entry_done) return;
  OrderRecord& record = *trade.find(trade.entry);
  if (record.ended()) {
    // The venue reports more executed than we have seen. Without the executions there is nothing to book or protect.
    context.audit.record(domain::RiskAlert{"fill_missing", record.filled.to_double(), record.reported.to_double(),
                                           "entry of trade " + std::to_string(trade.id.value)});
  } else if (record.unknown_to_venue) {
    record.status = domain::OrderStatus::Canceled;
    if (record.settled()) {
      complete(trade, context);
      return;
    }
  } else {
    record.cancel_requested = false;  // ask again: an earlier cancel went unanswered
    desk_.cancel(trade, trade.entry, context);
  }
  arm(trade.entry_timer, trade, domain::TimerTag::FillWait, config_.fill_wait_ms, context);
}

void EntryTransaction::complete(Trade& trade, Context& context) {
  trade.entry_done = true;
  disarm(trade.entry_timer, context);
  if (trades_.find(trade.id)->entered.is_zero()) {
    const OrderRecord& record = *trade.find(trade.entry);
    if (trade.closing) {
      fail(trade, "execution", "closed_before_fill", context);
    } else if (record.cancel_requested) {
      fail(trade, "venue", "fill_timeout", context);
    } else {
      fail(trade, "venue", std::string(base::enum_name(record.venue_reason)), context);
    }
    return;
  }
  desk_.gate().on_order_done(trade.entry);
  if (!trade.closing) OrderDesk::transition(trade, TradeState::Filled, "entry complete", context);
  exits_.on_entry_complete(trade, context);
}

void EntryTransaction::fail(Trade& trade, std::string stage, std::string reason, Context& context) {
  QT_CHECK(trades_.find(trade.id)->entered.is_zero(), "a trade that has filled is closed, never failed");
  disarm(trade.entry_timer, context);
  desk_.cancel_working(trade, context);
  desk_.gate().on_order_done(trade.entry);
  context.audit.record(domain::SignalRejected{trade.plan.trace, trade.plan.symbol, std::move(stage), reason});
  OrderDesk::transition(trade, TradeState::Failed, std::move(reason), context);
  trades_.abandon(trade.id);
}

}  // namespace qtrader::execution
