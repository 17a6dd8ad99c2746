#include "core/execution/trade_manager.hpp"

#include <utility>

#include "core/base/check.hpp"

namespace qtrader::execution {
namespace {

using domain::Quantity;
using domain::TradeState;

/// Takes the first `quantity` off a fill, with its share of the fee.
domain::Fill split(domain::Fill& fill, Quantity quantity) {
  domain::Fill part = fill;
  part.quantity = quantity;
  part.fee = domain::Money::from_raw(
      domain::mul_div(fill.fee.raw(), quantity.raw(), fill.quantity.raw(), domain::Rounding::HalfEven));
  fill.quantity -= quantity;
  fill.fee -= part.fee;
  return part;
}

}  // namespace

TradeManager::TradeManager(ExecutionConfig config, const domain::InstrumentTable& instruments, risk::Gate& gate,
                           ledger::TradeBook& trades, const ledger::Ledger& ledger, const market::MarketState& market)
    : config_(config),
      trades_(trades),
      ledger_(ledger),
      desk_(instruments, gate),
      exits_(config_, desk_, trades),
      entries_(config_, desk_, exits_, trades, market),
      slots_(instruments.size()) {
  const auto valid = validate(config_);
  QT_CHECK(valid.ok(), valid.ok() ? std::string() : valid.error().message());
}

std::optional<std::string> TradeManager::open(const EntryPlan& plan, Context& context) {
  if (busy(plan.symbol)) {
    std::string rule = "one_trade_per_symbol";
    OrderDesk::refuse(plan, {rule, {domain::CheckResult{rule, 1, 0, false}}}, context);
    return rule;
  }
  // Refused intents use no trade id: ids follow the trades that were started.
  auto begun = entries_.begin(domain::TradeId{next_trade_}, plan, context);
  if (auto* rule = std::get_if<std::string>(&begun)) return std::move(*rule);
  add(std::move(std::get<Trade>(begun)));
  return std::nullopt;
}

void TradeManager::close(domain::SymbolId symbol, domain::ExitReason reason, Context& context) {
  std::optional<Trade>& trade = slot(symbol);
  if (!trade) return;
  if (trade->state == TradeState::Planned) {
    entries_.fail(*trade, "execution", "closed_before_submit", context);
  } else {
    exits_.close(*trade, reason, context);
  }
  settle(symbol);
}

void TradeManager::close_all(domain::ExitReason reason, Context& context) {
  for (std::size_t i = 0; i < slots_.size(); ++i)
    close(domain::SymbolId{static_cast<std::uint16_t>(i)}, reason, context);
}

void TradeManager::on(const domain::OrderReport& report, Context& context) {
  std::optional<Trade>& trade = slot(report.symbol);
  OrderRecord* record = trade ? trade->find(report.order) : nullptr;
  if (record == nullptr) {
    // An order of a trade that is over has come to life at the venue (its cancel was too early): nobody wants it.
    if (!domain::is_terminal(report.status)) context.commands.push_back(CancelOrder{report.order, report.symbol});
    return;
  }
  const bool was_unknown = record->unknown_to_venue;
  OrderDesk::apply(*record, report);
  if (was_unknown && record->cancel_requested && !record->unknown_to_venue && record->working())
    context.commands.push_back(CancelOrder{report.order, report.symbol});
  if (report.order == trade->entry) {
    entries_.on_report(*trade, context);
  } else {
    exits_.on_report(*trade, report.order, context);
  }
  settle(report.symbol);
}

void TradeManager::on(const domain::Fill& fill, const ledger::Ledger::Booking& booking, Context& context) {
  domain::Fill rest = fill;
  domain::Money realised = booking.realised;
  std::optional<Trade>& trade = slot(fill.symbol);
  while (rest.quantity.is_positive()) {
    if (trade && trade->state == TradeState::Planned)
      entries_.fail(*trade, "execution", "unexpected_fill", context);  // nothing was submitted: it is not this trade's
    settle(fill.symbol);
    if (!trade) {
      adopt(rest, context);
      break;
    }
    if (fill.side == domain::entry_side(trade->plan.side)) {
      book(*trade, rest, std::exchange(realised, {}), context);
      break;
    }
    const Quantity open = trades_.find(trade->id)->remaining();
    if (open.is_positive()) {
      book(*trade, split(rest, std::min(open, rest.quantity)), std::exchange(realised, {}), context);
    } else if (trades_.find(trade->id)->entered.is_zero()) {
      entries_.fail(*trade, "execution", "unexpected_fill", context);
    } else {
      trade->entry_done = true;
      desk_.gate().on_order_done(trade->entry);
      exits_.finish_if_flat(*trade, context);
    }
  }
  settle(fill.symbol);
  check_agreement(fill.symbol);
}

void TradeManager::book(Trade& trade, const domain::Fill& fill, domain::Money realised, Context& context) {
  const bool entering = fill.side == domain::entry_side(trade.plan.side);
  OrderRecord* record = trade.find(fill.order);
  auto purpose = entering ? domain::OrderPurpose::Entry : domain::OrderPurpose::Exit;
  if (record != nullptr) {
    purpose = record->order.purpose;
    record->filled += fill.quantity;
    record->acknowledged = true;
    record->presumed_lost = false;
  }
  if (!entering) {
    trade.last_exit_time = fill.ts_event;
    if (fill.kind == domain::FillKind::Liquidation) {
      trade.last_exit = domain::ExitReason::Liquidated;
    } else if (fill.kind == domain::FillKind::Reconciled) {
      trade.last_exit = domain::ExitReason::Reconciled;
    } else {
      trade.last_exit = record != nullptr ? record->reason : trade.closing.value_or(domain::ExitReason::Unprotected);
    }
  }
  if (entering) EntryTransaction::note_fill(trade, fill, context);
  const domain::Money slippage = trades_.on_fill(trade.id, fill, realised);
  context.audit.record(domain::FillBooked{trade.id, trade.plan.trace, fill.order, purpose, fill.symbol, fill.side,
                                          fill.price, fill.quantity, fill.fee, slippage, realised, fill.maker});
  if (entering) {
    entries_.on_fill(trade, context);
  } else {
    exits_.on_exit_fill(trade, fill.order, context);
  }
}

/// A position that came from no trade here (an execution after its trade was given up): a trade of its own, closed at
/// once.
void TradeManager::adopt(const domain::Fill& fill, Context& context) {
  context.audit.record(domain::RiskAlert{"unexpected_fill", fill.quantity.to_double(), 0,
                                         "order " + std::to_string(fill.order.value) + ": adopted and closed"});
  Trade adopted;
  adopted.id = {next_trade_};
  adopted.plan.symbol = fill.symbol;
  adopted.plan.side = fill.side == domain::Side::Buy ? domain::PositionSide::Long : domain::PositionSide::Short;
  adopted.plan.quantity = fill.quantity;
  adopted.plan.reference_price = fill.price;
  adopted.plan.strategy = "adopted";
  adopted.entry_done = true;
  adopted.closing = domain::ExitReason::Unprotected;
  trades_.open(adopted.id, adopted.plan.trace, fill.symbol, adopted.plan.side, adopted.plan.strategy);
  OrderDesk::transition(adopted, TradeState::Unwinding, "adopted", context);
  add(std::move(adopted));
  book(*slot(fill.symbol), fill, {}, context);
}

void TradeManager::on(const domain::FundingPayment& payment, Context& context) {
  const std::optional<Trade>& trade = slot(payment.symbol);
  const bool open = trade && trades_.find(trade->id)->entered.is_positive();
  if (open) trades_.on_funding(trade->id, payment.amount);
  context.audit.record(
      domain::FundingBooked{open ? trade->id : domain::TradeId{}, payment.symbol, payment.amount, payment.rate});
}

void TradeManager::on(const domain::LeverageSet& set, Context& context) {
  std::optional<Trade>& trade = slot(set.symbol);
  if (!trade) return;
  entries_.on_leverage(*trade, set, context);
  settle(set.symbol);
}

void TradeManager::on(const domain::TimerFired& timer, Context& context) {
  const bool ours = timer.tag == domain::TimerTag::FillWait || timer.tag == domain::TimerTag::StopConfirm ||
                    timer.tag == domain::TimerTag::RetryClose || timer.tag == domain::TimerTag::Parent;
  if (!ours) return;
  const domain::SymbolId symbol = timer_symbol(timer.argument);
  std::optional<Trade>& trade = slot(symbol);
  if (!trade || timer.timer.value == 0) return;
  if (timer.timer == trade->entry_timer) {
    entries_.on_timer(*trade, context);
  } else if (timer.timer == trade->stop_timer) {
    exits_.on_stop_timer(*trade, context);
  } else if (timer.timer == trade->close_timer) {
    exits_.on_close_timer(*trade, context);
  }
  settle(symbol);
}

void TradeManager::bar_of_trade(domain::SymbolId symbol, const domain::Bar& bar, Context& context) {
  exits_.on_bar(*slot(symbol), bar, context);
  settle(symbol);
}

std::optional<domain::PositionSide> TradeManager::side(domain::SymbolId symbol) const {
  const std::optional<Trade>& trade = slot(symbol);
  if (!trade) return std::nullopt;
  return trade->plan.side;
}

void TradeManager::add(Trade trade) {
  std::optional<Trade>& place = slot(trade.plan.symbol);
  QT_CHECK(!place, "one trade per symbol");
  QT_CHECK(trade.id.value == next_trade_, "trade ids are sequential");
  ++next_trade_;
  place = std::move(trade);
  ++open_count_;
}

void TradeManager::settle(domain::SymbolId symbol) {
  std::optional<Trade>& trade = slot(symbol);
  if (!trade || !trade->finished()) return;
  QT_CHECK(trade->entry_timer.value == 0 && trade->stop_timer.value == 0 && trade->close_timer.value == 0,
           "a finished trade has a timer armed");
  trade.reset();
  --open_count_;
}

void TradeManager::recount() {
  open_count_ = 0;
  for (const auto& s : slots_) open_count_ += s ? 1 : 0;
}

void TradeManager::check_agreement(domain::SymbolId symbol) const {
  const std::optional<Trade>& trade = slot(symbol);
  Quantity signed_open;
  if (trade) {
    const Quantity open = trades_.find(trade->id)->remaining();
    signed_open = trade->plan.side == domain::PositionSide::Long ? open : -open;
  }
  QT_CHECK(ledger_.position(symbol).quantity == signed_open, "trades and ledger disagree on what is open");
}

}  // namespace qtrader::execution
