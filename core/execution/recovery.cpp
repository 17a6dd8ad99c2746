// What reconciliation does to trades: asking for orders in doubt, adopting what the venue holds, protecting it.
#include <algorithm>
#include <utility>

#include "core/base/check.hpp"
#include "core/execution/trade_manager.hpp"

namespace qtrader::execution {
namespace {

using domain::TradeState;

constexpr double kAdoptedStopFrac = 0.02;
constexpr double kAdoptedMarginLoss = 0.10;
constexpr double kLiquidationRoom = 0.01;

/// fund.md 3.13's binding rule. Not positive where liquidation is nearer than any stop could be.
double adopted_stop_frac(domain::Price entry, domain::Price liquidation, domain::Leverage leverage) {
  double frac = std::min(kAdoptedStopFrac, kAdoptedMarginLoss / std::max(1, leverage.value));
  if (liquidation.is_positive())
    frac = std::min(frac, (entry - liquidation).abs().to_double() / entry.to_double() - kLiquidationRoom);
  return frac;
}

}  // namespace

std::size_t TradeManager::ask(domain::SymbolId symbol, bool always, Context& context) {
  std::optional<Trade>& trade = slot(symbol);
  if (!trade || trade->orders.empty()) return 0;
  std::size_t asked = 0;
  for (OrderRecord& record : trade->orders) {
    if (record.settled()) continue;
    OrderDesk::query(record, context);
    ++asked;
  }
  if (asked == 0 && always) {
    OrderDesk::query(trade->orders.back(), context);
    asked = 1;
  }
  return asked;
}

void TradeManager::ask_all(Context& context) {
  for (std::size_t i = 0; i < slots_.size(); ++i) ask({static_cast<std::uint16_t>(i)}, false, context);
}

bool TradeManager::awaiting_answers(domain::SymbolId symbol) const {
  const std::optional<Trade>& trade = slot(symbol);
  return trade && std::any_of(trade->orders.begin(), trade->orders.end(),
                              [](const OrderRecord& record) { return record.query_pending; });
}

void TradeManager::on_listed(const domain::VenueOpenOrder& order, base::Timestamp at, Context& context) {
  const std::optional<Trade>& trade = slot(order.symbol);
  const OrderRecord* record = trade ? trade->find(order.order) : nullptr;
  if (record == nullptr || !record->working()) return;
  const bool missed = order.filled > record->filled;
  domain::OrderReport report;
  report.order = order.order;
  report.symbol = order.symbol;
  report.status = order.filled.is_positive() ? domain::OrderStatus::PartiallyFilled : domain::OrderStatus::New;
  report.filled = order.filled;
  report.ts_event = at;
  if (!record->acknowledged) on(report, context);
  if (missed) ask_order(order.symbol, order.order, context);
}

void TradeManager::ask_order(domain::SymbolId symbol, domain::ClientOrderId order, Context& context) {
  std::optional<Trade>& trade = slot(symbol);
  OrderRecord* record = trade ? trade->find(order) : nullptr;
  if (record != nullptr) OrderDesk::query(*record, context);
}

void TradeManager::on_stop_missing(domain::SymbolId symbol, std::string detail, Context& context) {
  std::optional<Trade>& trade = slot(symbol);
  if (trade) exits_.on_stop_missing(*trade, std::move(detail), context);
}

void TradeManager::give_up_entry(domain::SymbolId symbol, Context& context) {
  std::optional<Trade>& trade = slot(symbol);
  if (!trade || trade->entry_done) return;
  if (trades_.find(trade->id)->entered.is_zero()) {
    entries_.fail(*trade, "execution", "reconciled", context);
    settle(symbol);
    return;
  }
  desk_.cancel(*trade, trade->entry, context);
  disarm(trade->entry_timer, context);
  desk_.gate().on_order_done(trade->entry);
  trade->entry_done = true;
}

void TradeManager::on_quantity_corrected(domain::SymbolId symbol, Context& context) {
  std::optional<Trade>& trade = slot(symbol);
  if (trade) exits_.on_quantity_corrected(*trade, context);
}

void TradeManager::adopt_position(const domain::Fill& fill, domain::Leverage leverage, Context& context) {
  Trade adopted;
  adopted.id = {next_trade_};
  adopted.plan.symbol = fill.symbol;
  adopted.plan.side = fill.side == domain::Side::Buy ? domain::PositionSide::Long : domain::PositionSide::Short;
  adopted.plan.quantity = fill.quantity;
  adopted.plan.leverage = leverage;
  adopted.plan.reference_price = fill.price;
  adopted.plan.strategy = "adopted";
  ExitProfile& exits = adopted.plan.exits;
  exits.stop_frac = adopted_stop_frac(fill.price, ledger_.liquidation_price(fill.symbol), leverage);
  exits.partial_r = exits.trail_start_r = 0;
  adopted.entry_done = true;
  const bool protectable = exits.stop_frac > 0;
  if (!protectable) adopted.closing = domain::ExitReason::Unprotected;
  trades_.open(adopted.id, adopted.plan.trace, fill.symbol, adopted.plan.side, adopted.plan.strategy);
  OrderDesk::transition(adopted, protectable ? TradeState::Filled : TradeState::Unwinding, "adopted from the venue",
                        context);
  add(std::move(adopted));
  Trade& trade = *slot(fill.symbol);
  const domain::Money slippage = trades_.on_fill(trade.id, fill, {});
  context.audit.record(domain::FillBooked{trade.id,
                                          trade.plan.trace,
                                          fill.order,
                                          domain::OrderPurpose::Entry,
                                          fill.symbol,
                                          fill.side,
                                          fill.price,
                                          fill.quantity,
                                          fill.fee,
                                          slippage,
                                          {},
                                          fill.maker});
  if (protectable) {
    exits_.on_entry_complete(trade, context);
  } else {
    exits_.on_entry_fill(trade, context);
  }
  settle(fill.symbol);
  check_agreement(fill.symbol);
}

}  // namespace qtrader::execution
