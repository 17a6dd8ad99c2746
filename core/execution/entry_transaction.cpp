#include "core/execution/entry_transaction.hpp"

#include <utility>

#include "core/base/check.hpp"

namespace qtrader::execution {
namespace {

using domain::TradeState;

/// Stops need legs too: an entry that has used so many is over.
constexpr std::uint8_t kLastEntryLeg = 240;

risk::Refusal refusal(const std::string& rule, double value, double limit) {
  return {rule, {domain::CheckResult{rule, value, limit, false}}};
}

risk::EntryContext entry_context(const EntryPlan& plan, const ExitLevels& levels) {
  return {levels.entry, levels.stop, plan.leverage, plan.round_trip_cost};
}

const domain::BookDepth* fresh_book(const market::SymbolMarket& market, const ExecutionConfig& config,
                                    const Context& context) {
  return market.fresh_depth(context.now, base::milliseconds(config.aelm.book_max_age_ms));
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
  if (!plan(trade, context)) return;
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
  OrderDesk::transition(trade, TradeState::Submitted, "leverage confirmed", context);
  if (trade.parent.kind != domain::PlanKind::Market) {
    disarm(trade.entry_timer, context);
    advance(trade, false, context);
    return;
  }
  desk_.send_entry(trade, std::move(approval.order), context);
  arm(trade.entry_timer, trade, domain::TimerTag::FillWait, config_.fill_wait_ms, context);
}

bool EntryTransaction::plan(Trade& trade, Context& context) {
  const market::SymbolMarket& market = market_[trade.plan.symbol];
  if (!market.depth) return true;  // no books in this run: one market order
  const auto veto = [&](const PlanVeto& v) {
    desk_.refuse(trade.plan, refusal(v.rule, v.value, v.limit), context);
    fail(trade, "execution", v.rule, context);
    return false;
  };
  const domain::BookDepth* book = fresh_book(market, config_, context);
  if (book == nullptr)
    return veto({"book_stale", (context.now - market.depth->ts_event).seconds(),
                 static_cast<double>(config_.aelm.book_max_age_ms) / 1e3});
  const auto planned = plan_execution({.side = domain::entry_side(trade.plan.side),
                                       .quantity = trade.plan.quantity,
                                       .urgency = Urgency::Medium,
                                       .book = *book,
                                       .instrument = desk_.instrument(trade),
                                       .atr_frac = market.atr_frac(),
                                       .edge_frac = trade.plan.expected_edge_frac,
                                       .target_frac = trade.plan.exits.target_frac},
                                      config_.aelm);
  if (const auto* v = std::get_if<PlanVeto>(&planned)) return veto(*v);
  trade.parent = make_parent(std::get<ExecutionPlan>(planned), context.now);
  trade.plan.quantity = trade.parent.planned;
  if (trade.parent.kind == domain::PlanKind::Market) trade.parent.slices = 1;
  return true;
}

void EntryTransaction::advance(Trade& trade, bool slot_due, Context& context) {
  const OrderRecord* child = trade.find(trade.entry);
  ParentStep step = ParentDone{};
  if (!trade.closing && trade.last_leg < kLastEntryLeg) {
    step = next_step(trade.parent, {.book = fresh_book(market_[trade.plan.symbol], config_, context),
                                    .instrument = desk_.instrument(trade),
                                    .config = config_,
                                    .trade = trade.id,
                                    .side = domain::entry_side(trade.plan.side),
                                    .filled = trades_.find(trade.id)->entered,
                                    .child = child,
                                    .slot_due = slot_due});
  }
  if (const auto* wait = std::get_if<WaitForSlot>(&step)) {
    trade.parent.slot_wait = true;
    arm(trade.entry_timer, trade, domain::TimerTag::Parent, wait->wait_ms, context);
    if (trades_.find(trade.id)->entered.is_positive()) exits_.on_entry_fill(trade, context);
  } else if (const auto* send = std::get_if<SendChild>(&step); send == nullptr || !send_child(trade, *send, context)) {
    complete(trade, context);
  } else if (trades_.find(trade.id)->entered.is_positive()) {
    exits_.on_entry_fill(trade, context);
  }
}

bool EntryTransaction::send_child(Trade& trade, const SendChild& child, Context& context) {
  domain::Order order = OrderDesk::entry_order(trade.id, trade.plan);
  const bool first = trade.find(order.id) == nullptr;
  if (!first) order.id = desk_.next_id(trade);
  order.type = child.type;
  order.time_in_force = child.time_in_force;
  order.quantity = child.quantity;
  order.limit_price = child.limit;
  risk::Review review = desk_.gate().review_slice(order, trade.entry, context.now);
  if (auto* refused = std::get_if<risk::Refusal>(&review)) {
    desk_.refuse(trade.plan, std::move(*refused), context);
    return false;
  }
  auto& approval = std::get<risk::Approval>(review);
  context.audit.record(domain::OrderApproved{order, std::move(approval.checks)});
  trade.entry = order.id;
  desk_.send_entry(trade, std::move(approval.order), context);
  arm(trade.entry_timer, trade, domain::TimerTag::FillWait, child.wait_ms, context);
  return true;
}

void EntryTransaction::note_fill(Trade& trade, const domain::Fill& fill, Context& context) {
  ParentOrder& parent = trade.parent;
  if (parent.planned.is_zero() || trade.entry_done) return;
  if (parent.first_fill.ns == 0) parent.first_fill = context.now;
  parent.fee += fill.fee;
  if (fill.maker) parent.maker += fill.quantity;
}

void EntryTransaction::report_execution(const Trade& trade, Context& context) {
  const ParentOrder& parent = trade.parent;
  if (parent.planned.is_zero()) return;
  const ledger::OpenTrade& book = *trades_.find(trade.id);
  domain::ExecutionReport report;
  report.trade = trade.id;
  report.trace = trade.plan.trace;
  report.symbol = trade.plan.symbol;
  report.plan = parent.kind;
  report.planned = parent.planned;
  report.filled = book.entered;
  report.expected_slippage_bps = parent.expected_slippage_bps;
  report.fee = parent.fee;
  report.slices = parent.slices;
  report.reprices = parent.reprices;
  if (book.entered.is_positive()) {
    const domain::Price worse = favourable(trade.plan.side, parent.reference, book.entry_price());
    report.realised_slippage_bps = worse.to_double() / parent.reference.to_double() * 1e4;
    report.maker_share = parent.maker.to_double() / book.entered.to_double();
    report.latency_ns = (parent.first_fill - parent.decided).ns;
    const double cap = config_.aelm.max_slippage_bps;
    const double missed = report.realised_slippage_bps - report.expected_slippage_bps;
    report.predicted = missed <= cap;
    if (!report.predicted)
      context.audit.record(domain::RiskAlert{"slippage_misjudged", report.realised_slippage_bps,
                                             report.expected_slippage_bps + cap,
                                             "entry of trade " + std::to_string(trade.id.value)});
  }
  context.audit.record(std::move(report));
}

void EntryTransaction::on_report(Trade& trade, Context& context) {
  const OrderRecord* record = trade.find(trade.entry);
  if (!trade.entry_done && record->settled()) on_child_settled(trade, context);
}

void EntryTransaction::on_child_settled(Trade& trade, Context& context) {
  // A slot that is being waited for is not brought forward by a repeated report.
  if (trade.parent.kind == domain::PlanKind::Market) {
    complete(trade, context);
  } else if (!trade.parent.slot_wait) {
    advance(trade, false, context);
  }
}

void EntryTransaction::on_fill(Trade& trade, Context& context) {
  const OrderRecord* record = trade.find(trade.entry);
  // A late execution of an earlier child, while a slot is waited for, still has to be protected.
  if (!trade.entry_done && !trade.parent.slot_wait && record != nullptr && record->settled()) {
    on_child_settled(trade, context);
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
  if (trade.find(trade.entry) == nullptr || (trade.parent.slot_wait && trade.find(trade.entry)->settled())) {
    trade.parent.slot_wait = false;
    advance(trade, true, context);
    return;
  }
  OrderRecord& record = *trade.find(trade.entry);
  if (record.ended()) {
    // The venue reports more executed than we have seen. Without the executions there is nothing to book or protect.
    context.audit.record(domain::RiskAlert{"fill_missing", record.filled.to_double(), record.reported.to_double(),
                                           "entry of trade " + std::to_string(trade.id.value)});
  } else if (record.unknown_to_venue) {
    record.status = domain::OrderStatus::Canceled;
    if (record.settled()) {
      on_child_settled(trade, context);
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
  report_execution(trade, context);
  if (trades_.find(trade.id)->entered.is_zero()) {
    const OrderRecord* record = trade.find(trade.entry);
    if (trade.closing) {
      fail(trade, "execution", "closed_before_fill", context);
    } else if (record == nullptr) {
      fail(trade, "execution", "not_executed", context);
    } else if (record->cancel_requested) {
      fail(trade, "venue", "fill_timeout", context);
    } else {
      fail(trade, "venue", std::string(base::enum_name(record->venue_reason)), context);
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
