#include <algorithm>

#include "edge/matching/engine.hpp"

// What may be seen of accounts: read from the books, changes nothing.
namespace qtrader::matching {

namespace {

/// Fees still to be earned back, per unit, on the side that hurts.
Price break_even(const Position& p) {
  if (p.quantity.is_zero()) return Price{};
  const Money cost = p.cost + p.carried;  // a short's cost is negative, so its price falls as fees are added
  const bool meaningful = cost.is_zero() || cost.is_positive() == p.quantity.is_positive();
  return meaningful ? cost / p.quantity : Price{};
}

}  // namespace

PositionView Engine::position_view(const Account& account, SymbolId symbol, PositionSide row) const {
  static const Holding kNone;
  const Market& market = market_of(symbol);
  const domain::Instrument& contract = instrument(symbol);
  const Holding* found = account.find(symbol);
  const Holding& h = found != nullptr ? *found : kNone;
  const Position& p = h.row(row);
  PositionView v;
  v.symbol = symbol;
  v.side = row;
  v.amount = p.quantity;
  v.leverage = found != nullptr ? h.leverage : Leverage{std::min(h.leverage.value, max_leverage(contract))};
  v.mode = h.mode;
  v.max_notional = max_notional(contract, v.leverage);
  v.realised_total = p.realised_total;
  v.isolated_wallet = p.isolated_wallet;
  v.bid_notional = h.bids;
  v.ask_notional = h.asks;
  v.updated = p.updated;
  v.mark = h.flat() || h.mark.is_zero() ? market.mark.mark : h.mark;
  if (row == PositionSide::Both) {
    v.order_initial_margin = account.hedge ? Money{} : h.order_margin;
  } else {
    const bool is_long = row == PositionSide::Long;
    v.order_initial_margin = account.hedge ? v.leverage.margin_for(is_long ? h.open_buys : h.open_sells) : Money{};
  }
  v.initial_margin = v.order_initial_margin;
  if (p.quantity.is_zero()) return v;
  v.entry = p.entry();
  v.break_even = break_even(p);
  v.unrealised = p.unrealised;
  v.notional = h.mark * p.quantity;
  v.position_initial_margin = h.leverage.margin_for(v.notional.abs());
  v.initial_margin += v.position_initial_margin;
  v.maintenance_margin = p.maintenance;
  v.isolated_margin = h.mode == MarginMode::Isolated ? p.isolated_wallet + p.unrealised : Money{};
  v.adl_quantile = p.adl_quantile;
  const auto liquidation =
      liquidation_price(contract, account.rows_sharing_margin(h, row), account.margin_behind(h, row, true));
  v.liquidation = liquidation.value_or(Price{});
  return v;
}

std::vector<PositionView> Engine::position_views(const Account& account, SymbolId symbol) const {
  if (!account.hedge) return {position_view(account, symbol, PositionSide::Both)};
  return {position_view(account, symbol, PositionSide::Long), position_view(account, symbol, PositionSide::Short)};
}

std::vector<PositionView> Engine::held_views(const Account& account, SymbolId symbol) const {
  std::vector<PositionView> out;
  for (auto& v : position_views(account, symbol))
    if (!v.amount.is_zero()) out.push_back(std::move(v));
  return out;
}

AccountView Engine::account_view(const Account& account) const {
  const Account::Totals& t = account.totals;
  AccountView v;
  v.wallet = account.wallet;
  v.cross_wallet = account.cross_wallet();
  v.unrealised = account.unrealised();
  v.cross_unrealised = t.cross_unrealised;
  v.margin_balance = v.wallet + v.unrealised;
  v.available = std::max(account.free_margin(), Money{});
  v.position_initial_margin = t.cross_position_margin + t.isolated_position_margin;
  v.order_initial_margin = t.order_margin;
  v.initial_margin = v.position_initial_margin + v.order_initial_margin;
  v.maintenance_margin = t.cross_maintenance + t.isolated_maintenance;
  // Profit not yet realised may be used as margin, not taken away.
  v.max_withdraw = std::max(account.free_margin() - std::max(t.cross_unrealised, Money{}), Money{});
  v.hedge_mode = account.hedge;
  v.updated = account.updated;
  return v;
}

}  // namespace qtrader::matching
