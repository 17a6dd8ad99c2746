#include "edge/binance/account_reader.hpp"

#include <algorithm>

#include "edge/binance/requests.hpp"
#include "edge/binance/user_events.hpp"

namespace qtrader::binance {
namespace {

constexpr base::Duration kBurst = base::seconds(2);

domain::OrderType to_domain_type(WireType type) {
  switch (type) {
    case WireType::Market:
    case WireType::Liquidation:
      return domain::OrderType::Market;
    case WireType::StopMarket:
    case WireType::Stop:
      return domain::OrderType::StopMarket;
    case WireType::TakeProfit:
    case WireType::TakeProfitMarket:
      return domain::OrderType::TakeProfitMarket;
    case WireType::TrailingStopMarket:
      return domain::OrderType::TrailingStopMarket;
    case WireType::Limit:
    case WireType::Other:
      break;
  }
  return domain::OrderType::Limit;
}

base::Error unavailable(const std::string& what, const ApiFailure& failure) {
  return {"binance", failure.kind == FailureClass::Rejected ? base::Errc::Unsupported : base::Errc::Unavailable,
          what + ": " + failure.message + " (HTTP " + std::to_string(failure.http_status) + ", code " +
              std::to_string(failure.code) + ")",
          failure.kind != FailureClass::Rejected && failure.kind != FailureClass::Credentials};
}

}  // namespace

void AccountReader::request() {
  if (!snapshot_ && !stopped_) begin();
}

void AccountReader::request_soon() {
  if (soon_ || stopped_) return;
  soon_ = around_.host.after(kBurst, [this] {
    soon_ = nullptr;
    // One that is being read was asked for before what made us ask: it may not show it.
    if (snapshot_) return request_soon();
    begin();
  });
}

void AccountReader::stop() {
  stopped_ = true;
  retry_ = nullptr;
  soon_ = nullptr;
}

void AccountReader::begin() {
  retry_ = nullptr;
  snapshot_ = std::make_unique<domain::AccountSnapshot>();
  snapshot_->requested_at = around_.host.now();
  read_positions();
}

// The numbers belong together only if all calls succeed: any failure begins anew.
void AccountReader::again() {
  if (stopped_) return;
  retry_ = around_.host.after(backoff_.next(), [this] { begin(); });
}

void AccountReader::read_positions() {
  ask<std::vector<PositionRisk>>(around_, life_, requests::position_risk(), &parse_position_risk,
                                 [this](Answer<std::vector<PositionRisk>> answer) {
                                   const auto* rows = std::get_if<std::vector<PositionRisk>>(&answer);
                                   if (rows == nullptr) return again();
                                   add(*rows);
                                   read_orders();
                                 });
}

void AccountReader::add(const std::vector<PositionRisk>& rows) {
  if (!rows.empty()) {
    const auto sided = [](const PositionRisk& r) { return r.side != WirePositionSide::Both; };
    hedge_mode_ = std::any_of(rows.begin(), rows.end(), sided);
  }
  snapshot_->hedge_mode = hedge_mode_;
  for (const PositionRisk& row : rows) {
    if (row.quantity.is_zero()) continue;
    const auto symbol = around_.instruments.find(row.symbol);
    if (!symbol) {
      snapshot_->foreign_positions.push_back(row.symbol);
      continue;
    }
    domain::VenuePosition p;
    p.symbol = *symbol;
    p.quantity = row.quantity;
    p.entry_price = row.entry_price;
    p.leverage.value = row.leverage.value_or(1);
    p.mode = row.margin_mode.value_or(domain::MarginMode::Cross);
    snapshot_->positions.push_back(p);
  }
}

void AccountReader::read_orders() {
  ask<std::vector<RestOrder>>(around_, life_, requests::open_orders(), &parse_orders,
                              [this](Answer<std::vector<RestOrder>> answer) {
                                const auto* orders = std::get_if<std::vector<RestOrder>>(&answer);
                                if (orders == nullptr) return again();
                                for (const RestOrder& order : *orders) add(order);
                                read_algo_orders();
                              });
}

void AccountReader::add(const RestOrder& order) {
  const auto symbol = around_.instruments.find(order.symbol);
  if (!symbol) return;
  domain::VenueOpenOrder o;
  o.order = execution::parse_wire_id(around_.config.identity, order.client_id).value_or(domain::ClientOrderId{});
  o.venue_id = static_cast<std::uint64_t>(order.order_id);
  o.symbol = *symbol;
  o.side = order.side;
  o.type = to_domain_type(order.type);
  o.quantity = order.close_position ? domain::Quantity{} : order.quantity;
  o.filled = order.filled;
  o.limit_price = order.price;
  o.trigger_price = order.stop_price;
  o.reduce_only = order.reduce_only || order.close_position;
  snapshot_->orders.push_back(o);
}

void AccountReader::read_algo_orders() {
  ask<std::vector<RestAlgoOrder>>(around_, life_, requests::open_algo_orders(), &parse_algo_orders,
                                  [this](Answer<std::vector<RestAlgoOrder>> answer) {
                                    const auto* orders = std::get_if<std::vector<RestAlgoOrder>>(&answer);
                                    if (orders == nullptr) return again();
                                    for (const RestAlgoOrder& order : *orders) add(order);
                                    read_wallet();
                                  });
}

void AccountReader::add(const RestAlgoOrder& order) {
  const auto symbol = around_.instruments.find(order.symbol);
  if (!symbol || order.client_id.starts_with(UserEvents::kProbePrefix)) return;
  domain::VenueOpenOrder o;
  o.order = execution::parse_wire_id(around_.config.identity, order.client_id).value_or(domain::ClientOrderId{});
  o.venue_id = static_cast<std::uint64_t>(order.algo_id);
  o.symbol = *symbol;
  o.side = order.side;
  o.type = to_domain_type(order.type);
  o.quantity = order.close_position ? domain::Quantity{} : order.quantity;
  o.limit_price = order.price;
  o.trigger_price = order.trigger_price.is_positive() ? order.trigger_price : order.activate_price;
  o.reduce_only = order.reduce_only || order.close_position;
  o.conditional = true;
  snapshot_->orders.push_back(o);
}

void AccountReader::read_wallet() {
  ask<std::vector<Balance>>(around_, life_, requests::balances(), &parse_balances,
                            [this](Answer<std::vector<Balance>> answer) {
                              const auto* balances = std::get_if<std::vector<Balance>>(&answer);
                              if (balances == nullptr) return again();
                              for (const Balance& b : *balances)
                                if (b.asset == "USDT") snapshot_->wallet = b.balance;
                              finish();
                            });
}

void AccountReader::finish() {
  backoff_.reset();
  const std::unique_ptr<domain::AccountSnapshot> done = std::move(snapshot_);
  done->ts_event = around_.server_now();
  if (stopped_) return;
  around_.sink(*done);
  if (hook_) hook_(*done);
}

void AccountReader::read_state(std::function<void(base::Result<AccountState>)> done) {
  ask<AccountConfig>(around_, life_, requests::account_config(), &parse_account_config,
                     [this, done = std::move(done)](Answer<AccountConfig> answer) {
                       if (const auto* failure = std::get_if<ApiFailure>(&answer))
                         return done(unavailable("accountConfig", *failure));
                       const auto& config = std::get<AccountConfig>(answer);
                       AccountState state;
                       state.hedge_mode = hedge_mode_ = config.dual_side;
                       state.multi_assets = config.multi_assets;
                       state.can_trade = config.can_trade;
                       ask<std::vector<Balance>>(around_, life_, requests::balances(), &parse_balances,
                                                 [state, done](Answer<std::vector<Balance>> balances) mutable {
                                                   if (const auto* failure = std::get_if<ApiFailure>(&balances))
                                                     return done(unavailable("balance", *failure));
                                                   for (const Balance& b : std::get<std::vector<Balance>>(balances))
                                                     if (b.asset == "USDT") state.wallet = b.balance;
                                                   done(state);
                                                 });
                     });
}

}  // namespace qtrader::binance
