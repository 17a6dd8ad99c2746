#include "edge/simvenue/account.hpp"

#include <algorithm>

namespace qtrader::simvenue {

using domain::MarginMode;
using domain::Money;
using domain::Price;
using domain::Quantity;
using domain::Rounding;
using domain::Side;
using domain::VenueReason;

namespace {

Money notional_of(const Holding& h) { return h.mark * h.quantity; }

/// The larger of the two exposures the position could become if one side's orders all traded.
Money worst_exposure(Money position, Money buys, Money sells) {
  return std::max((position + buys).abs(), (position - sells).abs());
}

}  // namespace

Account::Account(const domain::InstrumentTable& instruments, Money initial_wallet)
    : instruments_(&instruments), wallet_(initial_wallet), holdings_(instruments.size()) {}

void Account::leave(const Holding& h) {
  totals_.isolated -= h.isolated_wallet;
  (h.mode == MarginMode::Cross ? totals_.cross_unrealised : totals_.isolated_unrealised) -= h.unrealised;
  if (h.mode == MarginMode::Cross) totals_.cross_maintenance -= h.maintenance;
}

void Account::enter(domain::SymbolId symbol) {
  Holding& h = holdings_[symbol.value];
  const Money notional = notional_of(h);
  h.unrealised = notional - h.cost;
  h.maintenance = h.quantity.is_zero() ? Money{} : maintenance_margin((*instruments_)[symbol], notional);
  totals_.isolated += h.isolated_wallet;
  (h.mode == MarginMode::Cross ? totals_.cross_unrealised : totals_.isolated_unrealised) += h.unrealised;
  if (h.mode == MarginMode::Cross) totals_.cross_maintenance += h.maintenance;
}

void Account::set_mark(domain::SymbolId symbol, Price mark) {
  Holding& h = holdings_[symbol.value];
  if (h.quantity.is_zero()) {
    h.mark = mark;
    return;
  }
  leave(h);
  h.mark = mark;
  enter(symbol);
}

Money Account::order_margin(const Holding& h, Money buys, Money sells) const {
  const Money position = notional_of(h);
  return h.leverage.margin_for(worst_exposure(position, buys, sells) - position.abs());
}

Money Account::available() const {
  Money free = wallet_ - totals_.isolated + totals_.cross_unrealised;
  for (const auto symbol : held_) {
    const Holding& h = (*this)[symbol];
    free -= order_margin(h, h.open_buys, h.open_sells);
    if (h.mode == MarginMode::Cross) free -= h.leverage.margin_for(notional_of(h).abs());
  }
  return free;
}

void Account::track(domain::SymbolId symbol) {
  const Holding& h = (*this)[symbol];
  const bool wanted = !h.quantity.is_zero() || h.open_buys.is_positive() || h.open_sells.is_positive();
  const auto at = std::lower_bound(held_.begin(), held_.end(), symbol);
  const bool present = at != held_.end() && *at == symbol;
  if (wanted && !present) held_.insert(at, symbol);
  if (!wanted && present) held_.erase(at);
}

void Account::set_open_notional(domain::SymbolId symbol, Money buys, Money sells) {
  Holding& h = holdings_[symbol.value];
  h.open_buys = buys;
  h.open_sells = sells;
  track(symbol);
}

void Account::increase(Holding& h, Quantity signed_quantity, Price price) {
  const Money value = price * signed_quantity;
  h.quantity += signed_quantity;
  h.cost += value;
  if (h.mode == MarginMode::Isolated) h.isolated_wallet += h.leverage.margin_for(value.abs());
}

Money Account::reduce(Holding& h, Quantity size, Price price) {
  const std::int64_t whole = h.quantity.abs().raw();
  // The whole position releases exactly what is left, so a round trip conserves every 1e-8.
  const auto share = [&](Money m) {
    return Money::from_raw(domain::mul_div(m.raw(), size.raw(), whole, Rounding::HalfEven));
  };
  const Quantity closed = h.quantity.is_positive() ? size : -size;
  const Money cost = share(h.cost), released = share(h.isolated_wallet);
  h.quantity -= closed;
  h.cost -= cost;
  h.isolated_wallet -= released;
  return price * closed - cost;
}

Money Account::book(const Execution& e) {
  QT_CHECK(e.quantity.is_positive() && e.price.is_positive(), "an execution needs a positive quantity and price");
  Holding& h = holdings_[e.symbol.value];
  leave(h);
  const Quantity signed_quantity = e.side == Side::Buy ? e.quantity : -e.quantity;
  Money realised;
  Quantity rest = signed_quantity;
  if (!h.quantity.is_zero() && h.quantity.is_positive() != signed_quantity.is_positive()) {
    const Quantity closing = std::min(h.quantity.abs(), e.quantity);
    realised = reduce(h, closing, e.price);
    rest -= signed_quantity.is_positive() ? closing : -closing;
  }
  if (!rest.is_zero()) increase(h, rest, e.price);
  if (h.mark.is_zero()) h.mark = e.price;
  wallet_ += realised - e.fee;
  enter(e.symbol);
  track(e.symbol);
  return realised;
}

Money Account::settle_funding(domain::SymbolId symbol, Price price, domain::Ratio rate) {
  Holding& h = holdings_[symbol.value];
  const Money amount = -(price * h.quantity * rate);
  wallet_ += amount;
  if (h.mode == MarginMode::Isolated) {
    h.isolated_wallet += amount;
    totals_.isolated += amount;
  }
  return amount;
}

void Account::cover_deficit() {
  for (const auto symbol : held_)
    if ((*this)[symbol].mode == MarginMode::Cross && !(*this)[symbol].quantity.is_zero()) return;
  const Money cross = wallet_ - totals_.isolated;
  if (cross.is_negative()) wallet_ -= cross;
}

VenueReason Account::can_carry(const Execution& e) const {
  const Holding& h = (*this)[e.symbol];
  const bool buy = e.side == Side::Buy;
  const Money added = e.price * e.quantity, position = notional_of(h);
  const Money buys = buy ? h.open_buys + added : h.open_buys, sells = buy ? h.open_sells : h.open_sells + added;
  const Money exposure = worst_exposure(position, buys, sells);
  if (exposure <= worst_exposure(position, h.open_buys, h.open_sells) && exposure <= position.abs())
    return VenueReason::None;
  const Money cap = max_notional((*instruments_)[e.symbol], h.leverage);
  if (cap.is_zero()) return VenueReason::LeverageTooHigh;
  if (exposure > cap) return VenueReason::MaxPosition;
  const Price worse = buy ? e.price - h.mark : h.mark - e.price;
  const Money open_loss = h.mark.is_positive() && worse.is_positive() ? worse * e.quantity : Money{};
  const Money needed = order_margin(h, buys, sells) - order_margin(h, h.open_buys, h.open_sells) + open_loss + e.fee;
  return needed > available() ? VenueReason::InsufficientMargin : VenueReason::None;
}

bool Account::set_leverage(domain::SymbolId symbol, domain::Leverage leverage, MarginMode mode) {
  Holding& h = holdings_[symbol.value];
  const bool engaged = !h.quantity.is_zero() || h.open_buys.is_positive() || h.open_sells.is_positive();
  const Money cap = leverage.value < 1 ? Money{} : max_notional((*instruments_)[symbol], leverage);
  if (cap.is_zero() || worst_exposure(notional_of(h), h.open_buys, h.open_sells) > cap) return false;
  if (engaged && mode != h.mode) return false;
  if (!h.quantity.is_zero() && mode == MarginMode::Isolated && leverage < h.leverage) return false;
  const Holding before = h;  // the mode changes only without a position, so no total does
  h.leverage = leverage;
  h.mode = mode;
  if (engaged && leverage < before.leverage && available().is_negative()) {
    h = before;
    return false;
  }
  return true;
}

Money Account::margin_behind(domain::SymbolId symbol, bool maintained) const {
  const Holding& h = (*this)[symbol];
  if (h.mode == MarginMode::Isolated) return h.isolated_wallet;
  const Money margin = wallet_ - totals_.isolated + totals_.cross_unrealised - h.unrealised;
  return maintained ? margin - (totals_.cross_maintenance - h.maintenance) : margin;
}

bool Account::liquidates_at(domain::SymbolId symbol, Price price) const {
  const Holding& h = (*this)[symbol];
  if (h.quantity.is_zero()) return false;
  const Money notional = price * h.quantity;
  return margin_behind(symbol, true) + notional - h.cost <= maintenance_margin((*instruments_)[symbol], notional);
}

std::optional<Price> Account::liquidation_price(domain::SymbolId symbol) const {
  const Holding& h = (*this)[symbol];
  if (h.quantity.is_zero()) return std::nullopt;
  return simvenue::liquidation_price((*instruments_)[symbol], {h.quantity, h.cost, margin_behind(symbol, true)});
}

std::optional<Price> Account::bankruptcy_price(domain::SymbolId symbol) const {
  const Holding& h = (*this)[symbol];
  if (h.quantity.is_zero()) return std::nullopt;
  return simvenue::bankruptcy_price({h.quantity, h.cost, margin_behind(symbol, false)});
}

Money Account::remainder_at(domain::SymbolId symbol, Price price) const {
  const Holding& h = (*this)[symbol];
  return margin_behind(symbol, false) + price * h.quantity - h.cost;
}

}  // namespace qtrader::simvenue
