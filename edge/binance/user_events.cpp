#include "edge/binance/user_events.hpp"

#include "edge/binance/venue_reason.hpp"

namespace qtrader::binance {
namespace {

constexpr std::size_t kMaxPaid = 10'000;

Execution to_execution(const OrderTradeUpdate& u) {
  Execution e;
  e.trade_id = u.trade_id;
  e.order_id = u.order_id;
  e.side = u.side;
  e.price = u.last_price;
  e.quantity = u.last_filled;
  e.commission = u.commission;
  e.commission_asset = u.commission_asset;
  e.maker = u.maker;
  e.at = u.trade_time;
  return e;
}

bool is_execution(const OrderTradeUpdate& u) {
  return u.execution == ExecutionType::Trade || u.execution == ExecutionType::Calculated;
}

}  // namespace

UserEvents::UserEvents(const Surroundings& around, OrderTracker& tracker, Handlers handlers)
    : around_(around), tracker_(tracker), handlers_(std::move(handlers)) {}

void UserEvents::on(const UserMessage& message) {
  if (const auto* order = std::get_if<OrderTradeUpdate>(&message)) return on(*order);
  if (const auto* algo = std::get_if<AlgoUpdate>(&message)) return on(*algo);
  if (const auto* account = std::get_if<AccountUpdate>(&message)) return on(*account);
  if (std::holds_alternative<MarginCall>(message)) return handlers_.wants_snapshot("margin call");
  // Leverage is read back by whoever sets it; in multi-assets mode the wallet means something else.
  const auto* settings = std::get_if<AccountConfigUpdate>(&message);
  if (settings != nullptr && settings->multi_assets) return handlers_.wants_snapshot("multi-assets mode changed");
}

TrackedOrder& UserEvents::tracked(domain::ClientOrderId id, domain::SymbolId symbol, TrackedOrder facts) {
  if (TrackedOrder* known = tracker_.find(id)) return *known;
  facts.id = id;
  facts.symbol = symbol;
  return tracker_.adopt(std::move(facts));
}

void UserEvents::on(const OrderTradeUpdate& u) {
  const auto symbol = around_.instruments.find(u.symbol);
  if (!symbol) return handlers_.wants_snapshot("order of " + u.symbol);
  if (is_exchange_order(u.client_id)) {
    if (is_execution(u)) tracker_.execute_forced(*symbol, to_execution(u));
    return handlers_.wants_snapshot("forced order " + u.client_id);
  }
  TrackedOrder* order = nullptr;
  if (const auto id = execution::parse_wire_id(around_.config.identity, u.client_id)) {
    TrackedOrder facts;
    facts.wire_id = u.client_id;
    facts.entry = !u.reduce_only && !u.close_position;
    facts.rests = u.type == WireType::Limit;
    facts.order_id = u.order_id;
    order = &tracked(*id, *symbol, std::move(facts));
  } else {
    order = tracker_.find_order(*symbol, u.order_id);  // what a conditional order of ours has become
  }
  if (order == nullptr) return handlers_.wants_snapshot("foreign order " + u.client_id);

  if (is_execution(u)) tracker_.execute(*order, to_execution(u));
  OrderProgress progress;
  progress.status = u.status;
  progress.reason = reason_of_end(u.status, u.expiry_reason);
  progress.filled = u.filled;
  progress.average_price = u.average_price;
  progress.order_id = u.order_id;
  progress.at = u.transaction_time;
  tracker_.update(*order, progress);
}

void UserEvents::on(const AlgoUpdate& u) {
  if (u.client_id.starts_with(kProbePrefix)) return;
  const auto symbol = around_.instruments.find(u.symbol);
  const auto id = execution::parse_wire_id(around_.config.identity, u.client_id);
  if (!symbol || !id) return handlers_.wants_snapshot("foreign conditional order " + u.client_id);
  TrackedOrder facts;
  facts.wire_id = u.client_id;
  facts.entry = !u.reduce_only && !u.close_position;
  facts.conditional = true;
  TrackedOrder& order = tracked(*id, *symbol, std::move(facts));
  tracker_.learn_ids(order, u.order_id, u.algo_id);

  OrderProgress progress;
  progress.at = u.transaction_time;
  switch (u.status) {
    case AlgoStatus::New:
    case AlgoStatus::Triggering:
    case AlgoStatus::Triggered:
      return tracker_.acknowledge(order, u.transaction_time);
    case AlgoStatus::Finished:
      tracker_.acknowledge(order, u.transaction_time);
      if (!order.ended) handlers_.wants_refresh(*id);
      return;
    case AlgoStatus::Canceled:
      progress.status = WireStatus::Canceled;
      progress.reason = domain::VenueReason::UserRequest;
      return tracker_.update(order, progress);
    case AlgoStatus::Expired:
      progress.status = WireStatus::Expired;
      progress.reason = domain::VenueReason::PositionClosed;
      return tracker_.update(order, progress);
    case AlgoStatus::Rejected:
      progress.status = WireStatus::Expired;
      progress.reason = reason_of_text(u.reject_message);
      return tracker_.update(order, progress);
  }
}

void UserEvents::on(const AccountUpdate& u) {
  for (const AccountUpdate::Position& p : u.positions) {
    const auto symbol = around_.instruments.find(p.symbol);
    if (symbol && p.side == WirePositionSide::Both) positions_[symbol->value] = p.quantity;
  }
  switch (u.reason) {
    case AccountReason::Order:
    case AccountReason::MarginTypeChange:  // our own; read back by whoever asked
      return;
    case AccountReason::FundingFee:
      break;
    default:
      return handlers_.wants_snapshot("account: " + u.reason_text);
  }
  std::string name = u.funding_symbol;
  if (name.empty() && u.positions.size() == 1) name = u.positions[0].symbol;
  if (name.empty()) return handlers_.wants_funding(u.transaction_time);
  const auto symbol = around_.instruments.find(name);
  if (!symbol) return;
  for (const AccountUpdate::Balance& b : u.balances)
    if (name.ends_with(b.asset)) pay(*symbol, b.change, u.transaction_time);
}

void UserEvents::on_income(const std::vector<Income>& income) {
  for (const Income& row : income) {
    const auto symbol = around_.instruments.find(row.symbol);
    if (symbol && row.type == "FUNDING_FEE") pay(*symbol, row.income, row.time);
  }
}

// The stream's and the list's stamps differ by some ms; a symbol settles once an hour at most.
void UserEvents::pay(domain::SymbolId symbol, domain::Money amount, base::Timestamp at) {
  if (amount.is_zero()) return;
  const std::pair key{symbol.value, (at + base::minutes(30)).ns / base::hours(1).ns};
  if (!paid_.insert(key).second) return;
  paid_order_.push_back(key);
  if (paid_order_.size() > kMaxPaid) {
    paid_.erase(paid_order_.front());
    paid_order_.pop_front();
  }
  domain::FundingPayment payment = handlers_.settlement(symbol, at);
  payment.symbol = symbol;
  payment.amount = amount;
  payment.ts_event = at;
  const auto position = positions_.find(symbol.value);
  if (position != positions_.end()) payment.position = position->second;
  around_.sink(payment);
}

}  // namespace qtrader::binance
