#include "core/ledger/trade_book.hpp"

#include <algorithm>
#include <utility>

#include "core/ledger/margin.hpp"

namespace qtrader::ledger {
namespace {

using domain::Money;
using domain::Price;

Money toward(domain::PositionSide side, Money amount) { return side == domain::PositionSide::Long ? amount : -amount; }

double in_r(Money amount, Money risk) {
  return risk.is_positive() ? static_cast<double>(amount.raw()) / static_cast<double>(risk.raw()) : 0.0;
}

/// PnL before costs if all that was entered were closed at this price.
Money excursion(const OpenTrade& t, Price price) {
  return toward(t.side, value_of(price, t.entered) - t.entry_notional);
}

void extend(OpenTrade& t, Price high, Price low) {
  const bool is_long = t.side == domain::PositionSide::Long;
  if (t.best.is_zero()) {
    t.best = is_long ? high : low;
    t.worst = is_long ? low : high;
    return;
  }
  t.best = is_long ? std::max(t.best, high) : std::min(t.best, low);
  t.worst = is_long ? std::min(t.worst, low) : std::max(t.worst, high);
}

}  // namespace

Price OpenTrade::entry_price() const { return entered.is_zero() ? Price() : entry_notional / entered; }
Price OpenTrade::exit_price() const { return exited.is_zero() ? Price() : exit_notional / exited; }

double OpenTrade::current_r(Price price) const {
  const Money settled = realised - fees + funding;
  if (remaining().is_zero()) return in_r(settled, risk);
  // What the open part cost is what was entered less what the ledger released with the realised PnL.
  const Money released = exit_notional - toward(side, realised);
  const Money unrealised = toward(side, value_of(price, remaining()) - (entry_notional - released));
  return in_r(settled + unrealised, risk);
}

double OpenTrade::peak_r() const { return std::max(0.0, in_r(excursion(*this, best), risk)); }
double OpenTrade::mae_r() const { return std::min(0.0, in_r(excursion(*this, worst), risk)); }

OpenTrade& TradeBook::at(domain::TradeId id) {
  const auto found = open_.find(id);
  QT_CHECK(found != open_.end(), "unknown trade " + std::to_string(id.value));
  return found->second;
}

void TradeBook::open(domain::TradeId id, domain::TraceId trace, domain::SymbolId symbol, domain::PositionSide side,
                     std::string strategy) {
  OpenTrade t;
  t.id = id;
  t.trace = trace;
  t.symbol = symbol;
  t.side = side;
  t.strategy = std::move(strategy);
  QT_CHECK(open_.emplace(id, std::move(t)).second, "trade " + std::to_string(id.value) + " is already open");
}

Money TradeBook::on_fill(domain::TradeId id, const domain::Fill& fill, Money realised) {
  OpenTrade& t = at(id);
  QT_CHECK(fill.symbol == t.symbol, "a fill of another symbol");
  const Money notional = fill.price * fill.quantity;
  if (fill.side == domain::entry_side(t.side)) {
    if (t.entered.is_zero()) t.entry_time = fill.ts_event;
    t.entered += fill.quantity;
    t.entry_notional += notional;
  } else {
    t.exited += fill.quantity;
    t.exit_notional += notional;
    QT_CHECK(!t.remaining().is_negative(), "a trade exits more than it entered");
  }
  t.realised += realised;
  t.fees += fill.fee;
  extend(t, fill.price, fill.price);
  if (fill.reference_price.is_zero()) return {};
  const Money reference = fill.reference_price * fill.quantity;
  const Money slippage = fill.side == domain::Side::Buy ? notional - reference : reference - notional;
  t.slippage += slippage;
  return slippage;
}

void TradeBook::freeze_risk(domain::TradeId id, Price initial_stop) {
  OpenTrade& t = at(id);
  QT_CHECK(t.initial_stop.is_zero(), "the risk of a trade is frozen once");
  QT_CHECK(initial_stop.is_positive() && t.entered.is_positive(), "risk needs an entry and a stop");
  const Money risk = -excursion(t, initial_stop);
  QT_CHECK(risk.is_positive(), "initial stop " + initial_stop.to_string() + " is not on the losing side of entry " +
                                   t.entry_price().to_string());
  t.initial_stop = initial_stop;
  t.risk = risk;
}

void TradeBook::on_funding(domain::TradeId id, Money amount) { at(id).funding += amount; }

void TradeBook::on_bar(domain::TradeId id, const domain::Bar& bar) {
  OpenTrade& t = at(id);
  if (t.entered.is_positive()) extend(t, bar.high, bar.low);
}

domain::TradeClosed TradeBook::close(domain::TradeId id, base::Timestamp exit_time, domain::ExitReason reason) {
  const OpenTrade& t = at(id);
  QT_CHECK(t.entered.is_positive() && t.remaining().is_zero(), "only a flat trade can be closed");
  domain::TradeClosed row;
  row.trade = t.id;
  row.trace = t.trace;
  row.symbol = t.symbol;
  row.side = t.side;
  row.quantity = t.entered;
  row.entry_time = t.entry_time;
  row.exit_time = exit_time;
  row.entry_price = t.entry_price();
  row.exit_price = t.exit_price();
  row.gross_pnl = t.realised;
  row.fees = t.fees;
  row.funding = t.funding;
  row.slippage = t.slippage;
  row.net_pnl = t.realised - t.fees + t.funding;
  row.r_multiple = in_r(row.net_pnl, t.risk);
  row.mae_r = t.mae_r();
  row.mfe_r = t.peak_r();
  row.exit_reason = reason;
  row.strategy = t.strategy;
  open_.erase(id);
  return row;
}

void TradeBook::abandon(domain::TradeId id) {
  QT_CHECK(at(id).entered.is_zero(), "a trade that filled cannot be abandoned");
  open_.erase(id);
}

const OpenTrade* TradeBook::find(domain::TradeId id) const {
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : &found->second;
}

const OpenTrade* TradeBook::find_by_symbol(domain::SymbolId symbol) const {
  for (const auto& [id, trade] : open_)
    if (trade.symbol == symbol) return &trade;
  return nullptr;
}

}  // namespace qtrader::ledger
