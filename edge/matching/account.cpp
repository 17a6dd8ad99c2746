#include "edge/matching/account.hpp"

#include <algorithm>

namespace qtrader::matching {

using domain::Rounding;

Price Position::entry() const { return quantity.is_zero() ? Price{} : cost / quantity; }

bool Holding::flat() const {
  return rows[0].quantity.is_zero() && rows[1].quantity.is_zero() && rows[2].quantity.is_zero();
}

Holding& Account::holding(SymbolId symbol, const domain::Instrument& instrument) {
  auto& slot = holdings[symbol.value];
  if (!slot) {
    slot = std::make_unique<Holding>();
    slot->symbol = symbol;
    slot->leverage.value = std::min(slot->leverage.value, max_leverage(instrument));
  }
  return *slot;
}

void Account::leave(const Holding& h) {
  totals.isolated -= h.isolated;
  totals.order_margin -= h.order_margin;
  if (h.mode == MarginMode::Cross) {
    totals.cross_unrealised -= h.unrealised;
    totals.cross_maintenance -= h.maintenance;
    totals.cross_position_margin -= h.position_margin;
  } else {
    totals.isolated_unrealised -= h.unrealised;
    totals.isolated_maintenance -= h.maintenance;
    totals.isolated_position_margin -= h.position_margin;
  }
}

void Account::enter(Holding& h, const domain::Instrument& instrument) {
  h.unrealised = h.maintenance = h.position_margin = h.isolated = Money{};
  for (Position& p : h.rows) {
    h.isolated += p.isolated_wallet;
    p.unrealised = p.maintenance = Money{};
    if (p.quantity.is_zero()) continue;
    const Money notional = h.mark * p.quantity;
    p.unrealised = notional - p.cost;
    p.maintenance = maintenance_margin(instrument, notional);
    h.unrealised += p.unrealised;
    h.maintenance += p.maintenance;
    h.position_margin += h.leverage.margin_for(notional.abs());
  }
  h.order_margin = order_margin(h, h.open_buys, h.open_sells);
  totals.isolated += h.isolated;
  totals.order_margin += h.order_margin;
  if (h.mode == MarginMode::Cross) {
    totals.cross_unrealised += h.unrealised;
    totals.cross_maintenance += h.maintenance;
    totals.cross_position_margin += h.position_margin;
  } else {
    totals.isolated_unrealised += h.unrealised;
    totals.isolated_maintenance += h.maintenance;
    totals.isolated_position_margin += h.position_margin;
  }
}

void Account::set_mark(Holding& h, Price mark, const domain::Instrument& instrument) {
  if (h.flat()) {
    h.mark = mark;
    return;
  }
  leave(h);
  h.mark = mark;
  enter(h, instrument);
}

Money Account::exposure(const Holding& h, Money buys, Money sells) const {
  if (hedge) {
    // Both sides' notionals count against one cap: Binance does not say, and this is the smaller permission.
    return h.mark * h.row(PositionSide::Long).quantity - h.mark * h.row(PositionSide::Short).quantity + buys + sells;
  }
  const Money position = h.mark * h.row(PositionSide::Both).quantity;
  return std::max((position + buys).abs(), (position - sells).abs());
}

Money Account::order_margin(const Holding& h, Money buys, Money sells) const {
  if (buys.is_zero() && sells.is_zero()) return Money{};
  if (hedge) return h.leverage.margin_for(buys + sells);
  const Money position = h.mark * h.row(PositionSide::Both).quantity;
  return h.leverage.margin_for(std::max((position + buys).abs(), (position - sells).abs()) - position.abs());
}

void Account::reserve(Holding& h, Side side, Money amount, bool opening) {
  (side == Side::Buy ? h.bids : h.asks) += amount;
  if (!opening) return;
  (side == Side::Buy ? h.open_buys : h.open_sells) += amount;
  totals.order_margin -= h.order_margin;
  h.order_margin = order_margin(h, h.open_buys, h.open_sells);
  totals.order_margin += h.order_margin;
}

void Account::track(const Holding& h) {
  const auto at = std::lower_bound(active.begin(), active.end(), h.symbol);
  const bool present = at != active.end() && *at == h.symbol;
  if (h.active() && !present) active.insert(at, h.symbol);
  if (!h.active() && present) active.erase(at);
}

Money Account::book(const Booking& b, const domain::Instrument& instrument) {
  QT_CHECK(b.quantity.is_positive() && b.price.is_positive(), "a fill needs a positive quantity and price");
  Holding& h = holding(b.symbol, instrument);
  Position& p = h.row(b.row);
  leave(h);
  if (h.mark.is_zero()) h.mark = b.price;
  totals.isolated += h.isolated;  // leave() took it; the cross wallet must stay right while this function asks for it
  const Quantity change = b.side == Side::Buy ? b.quantity : -b.quantity;
  Money realised;
  Quantity rest = change;
  if (!p.quantity.is_zero() && p.quantity.is_positive() != change.is_positive()) {
    const Quantity closing = std::min(p.quantity.abs(), b.quantity);
    const std::int64_t whole = p.quantity.abs().raw();
    const auto share = [&](Money m) {
      return Money::from_raw(domain::mul_div(m.raw(), closing.raw(), whole, Rounding::HalfEven));
    };
    const Quantity part = p.quantity.is_positive() ? closing : -closing;
    const Money cost = share(p.cost), released = share(p.isolated_wallet);
    p.quantity -= part;
    p.cost -= cost;
    p.isolated_wallet -= released;
    totals.isolated -= released;
    realised = b.price * part - cost;
    rest += part;
  }
  wallet += realised - b.fee;
  p.realised_total += realised;
  p.carried = p.quantity.is_zero() && !rest.is_zero() ? b.fee : p.carried + b.fee - realised;
  if (!rest.is_zero()) {
    const Money value = b.price * rest;
    p.quantity += rest;
    p.cost += value;
    if (h.mode == MarginMode::Isolated) {
      // Never more than the cross wallet has: a fill dearer than the order's check leaves less margin, not a debt.
      const Money moved = std::min(h.leverage.margin_for(value.abs()), std::max(cross_wallet(), Money{}));
      p.isolated_wallet += moved;
      totals.isolated += moved;
    }
  }
  if (p.quantity.is_zero()) p.carried = Money{};
  Money isolated;
  for (const Position& row : h.rows) isolated += row.isolated_wallet;
  totals.isolated -= isolated;  // enter() adds it again
  enter(h, instrument);
  return realised;
}

Money Account::margin_behind(const Holding& h, PositionSide row, bool maintained) const {
  if (h.mode == MarginMode::Isolated) return h.row(row).isolated_wallet;
  const Money margin = cross_balance() - h.unrealised;
  return maintained ? margin - (totals.cross_maintenance - h.maintenance) : margin;
}

std::array<Exposure, 2> Account::rows_sharing_margin(const Holding& h, PositionSide row) const {
  if (!hedge || h.mode == MarginMode::Isolated) return {h.row(row).exposure(), Exposure{}};
  return {h.row(PositionSide::Long).exposure(), h.row(PositionSide::Short).exposure()};
}

Quantity Account::closable(const Holding& h, Side side, PositionSide row) const {
  const Quantity q = h.row(row).quantity;
  const bool reduces = side == Side::Sell ? q.is_positive() : q.is_negative();
  return reduces ? q.abs() : Quantity{};
}

}  // namespace qtrader::matching
