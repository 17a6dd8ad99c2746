#include "core/execution/order_desk.hpp"

#include <utility>

#include "core/base/check.hpp"

namespace qtrader::execution {
namespace {

constexpr std::uint8_t kEntryLeg = 1;
constexpr std::uint8_t kLastLeg = 255;

}  // namespace

domain::Order OrderDesk::entry_order(domain::TradeId id, const EntryPlan& plan) {
  domain::Order order;
  order.id = domain::ClientOrderId::make(id, kEntryLeg);
  order.trade = id;
  order.trace = plan.trace;
  order.symbol = plan.symbol;
  order.side = domain::entry_side(plan.side);
  order.type = domain::OrderType::Market;
  order.purpose = domain::OrderPurpose::Entry;
  order.quantity = plan.quantity;
  return order;
}

void OrderDesk::send_entry(Trade& trade, risk::Approved<domain::Order> order, Context& context) {
  QT_CHECK(trade.find(order->id) == nullptr, "an order of a trade is sent once");
  OrderRecord record;
  record.order = order.get();
  trade.orders.push_back(std::move(record));
  context.commands.push_back(SubmitOrder{std::move(order)});
}

// Legs 2, 3, …; after 255 the numbers of orders that have ended are used again. A trade that long-lived has moved its
// stop hundreds of times, and the venue demands unique ids of open orders only.
domain::ClientOrderId OrderDesk::next_id(Trade& trade) const {
  for (int tries = 0; tries < kLastLeg; ++tries) {
    trade.last_leg = trade.last_leg == kLastLeg ? kEntryLeg + 1 : static_cast<std::uint8_t>(trade.last_leg + 1);
    const domain::ClientOrderId id = domain::ClientOrderId::make(trade.id, trade.last_leg);
    const OrderRecord* used = trade.find(id);
    if (used == nullptr) return id;
    if (used->working() || !used->settled()) continue;
    std::erase_if(trade.orders, [&](const OrderRecord& r) { return r.order.id == id; });
    return id;
  }
  QT_CHECK(false, "254 working orders in one trade");
  return {};
}

domain::ClientOrderId OrderDesk::send_reducing(Trade& trade, const Ticket& ticket, Context& context) {
  OrderRecord record;
  domain::Order& order = record.order;
  order.id = next_id(trade);
  order.trade = trade.id;
  order.trace = trade.plan.trace;
  order.symbol = trade.plan.symbol;
  order.side = domain::exit_side(trade.plan.side);
  order.type = ticket.type;
  order.purpose = ticket.purpose;
  order.quantity = ticket.quantity;
  order.trigger_price = ticket.trigger;
  order.reduce_only = true;
  record.reason = ticket.reason;

  risk::Review review = gate_.review_reducing(order);
  if (auto* refusal = std::get_if<risk::Refusal>(&review)) {
    context.audit.record(domain::OrderRefused{order.trace, order.symbol, order.purpose, std::move(refusal->rule),
                                              std::move(refusal->checks)});
    return {};
  }
  auto& approval = std::get<risk::Approval>(review);
  context.audit.record(domain::OrderApproved{approval.order.get(), std::move(approval.checks)});
  const domain::ClientOrderId id = order.id;
  trade.orders.push_back(std::move(record));
  context.commands.push_back(SubmitOrder{std::move(approval.order)});
  return id;
}

void OrderDesk::cancel(Trade& trade, domain::ClientOrderId id, Context& context) {
  OrderRecord* record = trade.find(id);
  if (record == nullptr || !record->working() || record->cancel_requested) return;
  record->cancel_requested = true;
  context.commands.push_back(CancelOrder{id, trade.plan.symbol});
}

void OrderDesk::cancel_working(Trade& trade, Context& context) {
  for (const OrderRecord& r : trade.orders) cancel(trade, r.order.id, context);
}

void OrderDesk::query(OrderRecord& record, Context& context) {
  record.query_pending = true;
  context.commands.push_back(QueryOrder{record.order.id, record.order.symbol});
}

void OrderDesk::apply(OrderRecord& record, const domain::OrderReport& report) {
  record.reported = std::max(record.reported, report.filled);
  if (record.ended()) {
    record.query_pending = false;
    return;
  }
  if (report.reason == domain::VenueReason::UnknownOrder) {
    // With both outstanding, the first answer may be the cancel's, which the order's execution can have overtaken.
    const bool of_the_cancel = !record.query_pending || (record.cancel_requested && !record.unknown_to_venue);
    if (of_the_cancel) {
      record.unknown_to_venue = true;
      return;
    }
  }
  record.query_pending = false;
  record.status = report.status;
  record.venue_reason = report.reason;
  record.unknown_to_venue = false;
  record.presumed_lost = false;
  if (report.status != domain::OrderStatus::Rejected) record.acknowledged = true;
}

void OrderDesk::transition(Trade& trade, domain::TradeState to, std::string note, Context& context) {
  const domain::TradeState from = std::exchange(trade.state, to);
  context.audit.record(
      domain::TradeTransition{trade.id, trade.plan.trace, trade.plan.symbol, from, to, std::move(note)});
}

void OrderDesk::refuse(const EntryPlan& plan, risk::Refusal refusal, Context& context) {
  context.audit.record(domain::OrderRefused{plan.trace, plan.symbol, domain::OrderPurpose::Entry,
                                            std::move(refusal.rule), std::move(refusal.checks)});
}

void arm(domain::TimerId& timer, const Trade& trade, domain::TimerTag tag, std::int64_t wait_ms, Context& context) {
  disarm(timer, context);
  timer =
      context.timers.arm(context.now + base::milliseconds(wait_ms), tag, timer_argument(trade.id, trade.plan.symbol));
}

void disarm(domain::TimerId& timer, Context& context) {
  if (timer.value != 0) context.timers.disarm(timer);
  timer = {};
}

}  // namespace qtrader::execution
