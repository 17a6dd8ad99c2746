#include "core/ledger/ledger.hpp"

#include <algorithm>

#include "core/ledger/margin.hpp"

namespace qtrader::ledger {
namespace {

using domain::Money;
using domain::Quantity;

constexpr std::size_t kCross = static_cast<std::size_t>(domain::MarginMode::Cross);
constexpr std::size_t kIsolated = static_cast<std::size_t>(domain::MarginMode::Isolated);

Quantity signed_by(int sign, Quantity q) { return sign < 0 ? -q : q; }
Money signed_by(int sign, Money m) { return sign < 0 ? -m : m; }

/// The part of `whole` that belongs to `closing` of `open`; all of it when all is closed, so that nothing is left over.
Money share(Money whole, Quantity closing, Quantity open) {
  if (closing == open) return whole;
  return Money::from_raw(domain::mul_div(whole.raw(), closing.raw(), open.raw(), domain::Rounding::HalfEven));
}

/// total += now − before, aborting on overflow, inline: mark() does this four times.
void shift(Money& total, Money before, Money now) {
  std::int64_t change = 0, out = 0;
  const bool overflow =
      __builtin_sub_overflow(now.raw(), before.raw(), &change) || __builtin_add_overflow(total.raw(), change, &out);
  QT_CHECK(!overflow, "account total out of range");
  total = Money::from_raw(out);
}

/// domain::Leverage::margin_for, without its 128-bit division. notional ≥ 0.
Money initial_margin(Money notional, std::int64_t leverage) {
  return Money::from_raw(notional.raw() / leverage + (notional.raw() % leverage != 0 ? 1 : 0));
}

Money plus(Money a, Money b) {
  shift(a, {}, b);
  return a;
}

}  // namespace

domain::Price Position::entry_price() const { return flat() ? domain::Price() : cost.abs() / quantity.abs(); }
Money Position::notional() const { return value_of(mark, quantity).abs(); }
Money Position::unrealised() const { return value_of(mark, quantity) - cost; }

Ledger::Ledger(const domain::InstrumentTable& instruments) : instruments_(&instruments), slots_(instruments.size()) {}

void Ledger::post(Account debit, Account credit, Money amount) {
  balances_[static_cast<std::size_t>(debit)] += amount;
  balances_[static_cast<std::size_t>(credit)] -= amount;
}

void Ledger::deposit(Money amount) { post(Account::Wallet, Account::Deposits, amount); }

Money Ledger::adjust_wallet(Money wallet) {
  const Money change = wallet - balance(Account::Wallet);
  post(Account::Wallet, Account::Adjustment, change);
  return change;
}

void Ledger::revalue(Slot& s, domain::SymbolId symbol) {
  const Position& p = s.position;
  const Money value = value_of(p.mark, p.quantity);
  const Money notional = value.abs();
  const Money unrealised = value - p.cost;
  if (s.bracket == nullptr || notional < s.bracket->notional_floor || notional >= s.bracket->notional_cap)
    s.bracket = &(*instruments_)[symbol].bracket_for(notional);
  const std::int64_t gross = mul_scaled(notional.raw(), s.bracket->maintenance_ratio.raw());
  const Money maintenance = Money::from_raw(gross - s.bracket->cumulative.raw());
  const Money initial = initial_margin(notional, p.leverage.value);
  Sum& total = sum(p);
  shift(total.exposure, s.notional, notional);
  shift(total.unrealised, s.unrealised, unrealised);
  shift(total.initial, s.initial, initial);
  shift(total.maintenance, s.maintenance, maintenance);
  s.notional = notional;
  s.unrealised = unrealised;
  s.initial = initial;
  s.maintenance = maintenance;
}

void Ledger::leave(Slot& s) {
  Sum& total = sum(s.position);
  shift(total.exposure, s.notional, {});
  shift(total.unrealised, s.unrealised, {});
  shift(total.initial, s.initial, {});
  shift(total.maintenance, s.maintenance, {});
  shift(total.isolated, s.position.isolated_margin, {});
  total.positions -= s.position.flat() ? 0 : 1;
  s.notional = s.unrealised = s.initial = s.maintenance = {};
}

void Ledger::enter(Slot& s, domain::SymbolId symbol) {
  Sum& total = sum(s.position);
  shift(total.isolated, {}, s.position.isolated_margin);
  if (s.position.flat()) return;
  total.positions += 1;
  revalue(s, symbol);
}

Money Ledger::release(Position& p, Quantity closing, Money value, bool liquidation) {
  const Quantity open = p.quantity.abs();
  const int direction = p.quantity.is_negative() ? -1 : 1;
  const Money released = share(p.cost, closing, open);
  // A liquidation settles against the whole isolated margin, see insure(); any other reduction frees its share.
  if (!liquidation) p.isolated_margin -= share(p.isolated_margin, closing, open);
  p.cost -= released;
  p.quantity -= signed_by(direction, closing);
  return signed_by(direction, value) - released;
}

Money Ledger::insure(Position& p, const domain::Fill& fill, Money realised) {
  if (p.mode == domain::MarginMode::Isolated) {
    p.isolated_margin += realised - fill.fee;
    if (!p.flat()) return {};
    const Money missing = std::max(Money(), -p.isolated_margin);
    p.isolated_margin = {};
    return missing;
  }
  // leave() has taken this position out of the count.
  const bool last = p.flat() && sum_[kCross].positions == 0;
  return last ? std::max(Money(), -cross_wallet()) : Money();
}

Ledger::Booking Ledger::apply(const domain::Fill& fill) {
  QT_CHECK(fill.quantity.is_positive() && fill.price.is_positive(), "a fill needs a positive price and quantity");
  Slot& s = slot(fill.symbol);
  leave(s);
  Position& p = s.position;
  if (p.mark.is_zero()) p.mark = fill.price;
  const int direction = domain::sign(fill.side);
  const bool reduces = p.flat() ? false : p.quantity.is_negative() == (direction > 0);
  const bool liquidation = fill.kind == domain::FillKind::Liquidation;
  QT_CHECK(reduces || !liquidation, "a liquidation of a position that is not there");
  const Quantity closing = reduces ? std::min(fill.quantity, p.quantity.abs()) : Quantity();
  const Quantity opening = fill.quantity - closing;
  const Money value = fill.price * fill.quantity;
  const Money closing_value = opening.is_zero() ? value : fill.price * closing;

  Booking booking;
  booking.opened = opening.is_positive() && (p.flat() || reduces);
  if (reduces) {
    booking.realised = release(p, closing, closing_value, liquidation);
    booking.closed = p.flat();
    post(Account::Wallet, Account::RealisedPnl, booking.realised);
  }
  post(Account::Fees, Account::Wallet, fill.fee);
  if (liquidation) {
    booking.insurance = insure(p, fill, booking.realised);
    post(Account::Wallet, Account::InsuranceClearance, booking.insurance);
    booking.realised += booking.insurance;
  }
  if (opening.is_positive()) {
    const Money opening_value = value - closing_value;  // so that the two parts are worth the whole
    p.quantity += signed_by(direction, opening);
    p.cost += signed_by(direction, opening_value);
    if (p.mode == domain::MarginMode::Isolated) p.isolated_margin += p.leverage.margin_for(opening_value);
  }
  enter(s, fill.symbol);
  return booking;
}

void Ledger::apply(const domain::FundingPayment& payment) {
  Slot& s = slot(payment.symbol);
  post(Account::Wallet, Account::Funding, payment.amount);
  if (s.position.mode != domain::MarginMode::Isolated || s.position.flat()) return;
  s.position.isolated_margin += payment.amount;
  shift(sum_[kIsolated].isolated, {}, payment.amount);
}

void Ledger::apply(const domain::LeverageSet& set) {
  if (!set.accepted) return;
  QT_CHECK(set.leverage.value >= 1, "leverage below 1");
  Slot& s = slot(set.symbol);
  leave(s);
  Position& p = s.position;
  p.leverage = set.leverage;
  if (p.mode != set.mode) {
    p.mode = set.mode;
    const bool isolated = set.mode == domain::MarginMode::Isolated && !p.flat();
    p.isolated_margin = isolated ? p.leverage.margin_for(p.cost.abs()) : Money();
  }
  enter(s, set.symbol);
}

Money Ledger::cross_wallet() const { return balance(Account::Wallet) - sum_[kIsolated].isolated; }

Money Ledger::equity() const { return balance(Account::Wallet) + sum_[kCross].unrealised + sum_[kIsolated].unrealised; }

AccountView Ledger::account() const {
  const Sum& cross = sum_[kCross];
  const Sum& isolated = sum_[kIsolated];
  AccountView v;
  v.wallet = balance(Account::Wallet);
  v.unrealised = plus(cross.unrealised, isolated.unrealised);
  v.equity = plus(v.wallet, v.unrealised);
  v.initial_margin = plus(cross.initial, isolated.initial);
  v.maintenance_margin = plus(cross.maintenance, isolated.maintenance);
  v.available = std::max(Money(), plus(plus(v.wallet, -isolated.isolated), plus(cross.unrealised, -cross.initial)));
  v.exposure = plus(cross.exposure, isolated.exposure);
  return v;
}

Money Ledger::trial_balance() const {
  Money total;
  for (const Money b : balances_) total += b;
  return total;
}

domain::Price Ledger::liquidation_price(domain::SymbolId symbol) const {
  const Slot& s = slot(symbol);
  const Position& p = s.position;
  PositionAtRisk risk{p.quantity, p.cost, p.isolated_margin};
  if (p.mode == domain::MarginMode::Cross) {
    const Sum& all = sum_[kCross];
    risk.collateral = cross_wallet() - (all.maintenance - s.maintenance) + (all.unrealised - s.unrealised);
  }
  return ledger::liquidation_price((*instruments_)[symbol], risk);
}

Money Ledger::maintenance_margin(domain::SymbolId symbol) const { return slot(symbol).maintenance; }

void Ledger::restore(std::vector<Position> positions) {
  QT_CHECK(positions.size() == slots_.size(), "ledger snapshot of another instrument table");
  sum_ = {};
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    QT_CHECK(positions[i].leverage.value >= 1 && positions[i].mode <= domain::MarginMode::Isolated,
             "ledger snapshot holds an impossible position");
    slots_[i] = {};
    slots_[i].position = positions[i];
    enter(slots_[i], {static_cast<std::uint16_t>(i)});
  }
}

}  // namespace qtrader::ledger
