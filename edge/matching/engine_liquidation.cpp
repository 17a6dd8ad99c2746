#include <algorithm>

#include "edge/matching/engine.hpp"

// Margin calls, liquidation, the insurance fund and auto-deleveraging (binance-usdm.md 17).
namespace qtrader::matching {

using domain::opposite;
using domain::Rounding;

namespace {

constexpr base::Duration kRound = base::milliseconds(100);  // between the rounds of a large position
constexpr base::Duration kRankEvery = base::seconds(30);
// A margin call is guidance near liquidation; Binance does not say how near. Given once at 80 %, again after 70 %.
constexpr std::int64_t kCallPercent = 80, kCalmPercent = 70;

/// maintenance ≥ percent of balance.
bool strained(Money maintenance, Money balance, std::int64_t percent) {
  if (!maintenance.is_positive()) return false;
  return domain::multiply(balance, Ratio::from_raw(percent * 1'000'000), Rounding::HalfEven) <= maintenance;
}

}  // namespace

void Engine::check_margins(Account& account, SymbolId symbol) {
  Holding& h = holding_of(account, symbol);
  if (h.mode == MarginMode::Isolated) {
    for (const PositionSide row : {PositionSide::Both, PositionSide::Long, PositionSide::Short}) {
      Position& p = h.row(row);
      if (p.quantity.is_zero() || p.liquidating) continue;
      const Money balance = p.isolated_wallet + p.unrealised;
      if (balance <= p.maintenance) {
        start_liquidation({account.id, symbol, row, false, false});
      } else if (strained(p.maintenance, balance, kCallPercent) != p.margin_called) {
        call_margin(account, p.margin_called, {p.maintenance, balance}, {position_view(account, symbol, row)});
      }
    }
    return;
  }
  if (account.liquidating || !account.totals.cross_maintenance.is_positive()) return;
  const Money balance = account.cross_balance(), maintenance = account.totals.cross_maintenance;
  if (balance <= maintenance) return start_liquidation({account.id, symbol, PositionSide::Both, true, false});
  if (strained(maintenance, balance, kCallPercent) == account.margin_called) return;
  std::vector<PositionView> positions;
  for (const SymbolId s : account.active)
    if (account.find(s)->mode == MarginMode::Cross)
      for (auto& view : held_views(account, s)) positions.push_back(std::move(view));
  call_margin(account, account.margin_called, {maintenance, balance}, std::move(positions));
}

void Engine::call_margin(Account& account, bool& called, Strain strain, std::vector<PositionView> positions) {
  if (called && !strained(strain.maintenance, strain.balance, kCalmPercent)) called = false;
  if (called || !strained(strain.maintenance, strain.balance, kCallPercent)) return;
  called = true;
  emit(MarginCallEvent{account.id, account.cross_wallet(), std::move(positions), now});
}

bool Engine::sound(const LiquidationScope& s) const {
  const Account& account = account_of(s.account);
  if (s.cross) return account.cross_balance() > account.totals.cross_maintenance;
  const Position& p = account.find(s.symbol)->row(s.row);
  return p.isolated_wallet + p.unrealised > p.maintenance;
}

void Engine::set_liquidating(const LiquidationScope& s, bool on) {
  Account& account = account_of(s.account);
  if (s.cross) {
    account.liquidating = on;
  } else {
    holding_of(account, s.symbol).row(s.row).liquidating = on;
  }
}

std::optional<Engine::Target> Engine::largest_position(const LiquidationScope& s) const {
  const Account& account = account_of(s.account);
  std::optional<Target> best;
  Money most;
  for (const SymbolId symbol : account.active) {
    const Holding& h = *account.find(symbol);
    if ((h.mode == MarginMode::Cross) != s.cross) continue;
    if ((!s.cross || s.forced) && symbol != s.symbol) continue;
    for (const PositionSide row : {PositionSide::Both, PositionSide::Long, PositionSide::Short}) {
      const Position& p = h.row(row);
      if (p.quantity.is_zero() || (!s.cross && row != s.row)) continue;
      if (best && p.maintenance <= most) continue;
      best = Target{symbol, row};
      most = p.maintenance;
    }
  }
  return best;
}

void Engine::start_liquidation(const LiquidationScope& s) {
  Account& account = account_of(s.account);
  set_liquidating(s, true);
  const std::vector<SymbolId> symbols = account.active;
  for (const SymbolId symbol : symbols) {
    const bool concerned = s.cross && !s.forced ? account.find(symbol)->mode == MarginMode::Cross : symbol == s.symbol;
    if (concerned) cancel_open(account, symbol, OrderStatus::Expired, ExpiryReason::Liquidated);
  }
  liquidation_round(s);
}

void Engine::liquidation_round(const LiquidationScope& s) {
  const auto over = [&] { return !largest_position(s) || (!s.forced && sound(s)); };
  if (over()) return end_liquidation(s);
  liquidate(s, *largest_position(s));
  if (over()) return end_liquidation(s);
  schedule(now + kRound, {TimerKind::LiquidationRound, s.account, s.symbol, 0, s});
}

void Engine::end_liquidation(const LiquidationScope& s) {
  set_liquidating(s, false);
  Account& account = account_of(s.account);
  const bool exposed = account.totals.cross_maintenance.is_positive();
  const Money cross = account.cross_wallet();
  if (!exposed && cross.is_negative()) insurance_transfer(account, s.symbol, -cross);
}

/// A large position shrinks to below the floor of its bracket in each round; the first bracket closes wholly.
Quantity Engine::round_size(const Holding& h, const Position& p, const LiquidationScope& s) const {
  const Quantity all = p.quantity.abs();
  const domain::Instrument& contract = instrument(h.symbol);
  const Money notional = h.mark * all, floor = contract.bracket_for(notional).notional_floor;
  if (s.forced || floor.is_zero()) return all;
  Quantity size = contract.round_quantity_down((notional - floor) / h.mark) + contract.step_size;
  if (h.mark * (all - std::min(size, all)) >= floor) size += contract.step_size;
  return std::min(size, all);
}

/// Where the margin behind the row is spent, everything else at mark.
Price Engine::bankruptcy(const Account& account, const Holding& h, PositionSide row) const {
  const Position& p = h.row(row);
  const Money margin = h.mode == MarginMode::Isolated ? p.isolated_wallet : account.cross_balance() - p.unrealised;
  const auto price = bankruptcy_price({p.exposure(), Exposure{}}, margin);
  const Price least = Price::from_raw(1);
  if (!price) return p.quantity.is_positive() ? least : h.mark + h.mark;
  return std::max(*price, least);
}

void Engine::liquidate(const LiquidationScope& s, Target target) {
  Account& account = account_of(s.account);
  Holding& h = holding_of(account, target.symbol);
  const Position before = h.row(target.row);
  const bool is_long = before.quantity.is_positive();
  const Side side = is_long ? Side::Sell : Side::Buy;
  Price price = bankruptcy(account, h, target.row);
  Market& market = market_of(target.symbol);
  if (s.forced) {  // margin may be plentiful and its bankruptcy price absurd
    const Price bound = market_limit(market, side);
    price = is_long ? std::max(price, bound) : std::min(price, bound);
  }
  const Quantity size = round_size(h, before, s);
  // The book's grid may not hold the exact price; a limit on the grid is never worse for the account.
  const Price limit = instrument(target.symbol).round_price(price, is_long ? Rounding::Up : Rounding::Down);
  Order& order = create_forced({account, target.symbol, target.row, size, limit},
                               "autoclose-" + std::to_string(now.unix_ms()) + "-" + std::to_string(++forced_id));
  match(order, limit);
  if (is_open(order.view.status)) take_over(order, price);
  remember_forced(order);
  const Position& after = h.row(target.row);
  const Money left =
      s.cross ? account.cross_balance()
              : before.isolated_wallet - after.isolated_wallet + after.realised_total - before.realised_total;
  const Money fee = std::clamp(domain::multiply(order.view.executed_quote, market.rules.liquidation_fee, Rounding::Up),
                               Money{}, std::max(left, Money{}));
  if (fee.is_positive()) insurance_transfer(account, target.symbol, -fee);
  const Quantity last = account.trades.back().quantity;
  emit(ForcedOrderEvent{target.symbol, side, size, order.view.executed, last, order.price(), order.view.average_price,
                        now});
}

Order& Engine::create_forced(const Forced& f, const std::string& client_id) {
  const Position& p = holding_of(f.account, f.symbol).row(f.row);
  NewOrder request;
  request.symbol = f.symbol;
  request.side = p.quantity.is_positive() ? Side::Sell : Side::Buy;
  request.position_side = f.row;
  request.type = OrderType::Limit;
  request.time_in_force = TimeInForce::Ioc;
  request.quantity = f.quantity;
  request.price = f.price;
  request.reduce_only = !f.account.hedge;
  request.client_id = client_id;
  request.self_trade = SelfTradePrevention::None;
  Draft draft = draft_of(f.account, request);
  draft.closes = true;
  Order& order = create_order(draft);
  order.forced = true;
  emit_order(order, ExecutionType::New, ExpiryReason::None);
  return order;
}

void Engine::take_over(Order& order, Price price) {
  Account& account = account_of(order.view.account);
  const NewOrder& r = order.view.request;
  const Holding& h = holding_of(account, r.symbol);
  Market& market = market_of(r.symbol);
  // The fund closes what it takes at mark: it holds no inventory, so its worth is always known.
  const auto fund_result = [&] {
    const Quantity signed_quantity = r.side == Side::Sell ? order.remaining() : -order.remaining();
    return h.mark * signed_quantity - price * signed_quantity;
  };
  if ((insurance + fund_result()).is_negative()) deleverage(order, price);
  if (!is_open(order.view.status)) return;
  // Without opposite clients left, the others of the market are the ones deleveraged: the fund never owes.
  if (const Money result = fund_result(); !(insurance + result).is_negative()) insurance += result;
  fill(order, {price, order.remaining(), false, ++market.last_trade_id});
}

void Engine::remember_forced(const Order& order) {
  Account& account = account_of(order.view.account);
  account.forced.push_back(order.view);
  if (account.forced.size() > config.history_limit) to_trim.push_back(account.id);
}

void Engine::deleverage(Order& order, Price price) {
  const NewOrder& r = order.view.request;
  Market& market = market_of(r.symbol);
  const bool opposite_longs = r.side == Side::Buy;
  for (const Ranked& ranked : ranked_holders(market, opposite_longs)) {
    if (!is_open(order.view.status)) return;
    if (ranked.account == order.view.account) continue;
    Account& other = account_of(ranked.account);
    const Quantity held = holding_of(other, r.symbol).row(ranked.row).quantity.abs();
    const Quantity quantity = std::min(held, order.remaining());
    if (quantity.is_zero()) continue;
    Order& counter = create_forced({other, r.symbol, ranked.row, quantity, price}, "adl_autoclose");
    const std::int64_t trade = ++market.last_trade_id;
    fill(order, {price, quantity, false, trade});
    fill(counter, {price, quantity, false, trade});
    remember_forced(counter);
  }
}

void Engine::insurance_transfer(Account& account, SymbolId symbol, Money amount) {
  account.wallet += amount;
  insurance -= amount;
  record_income(account, {symbol, true, "INSURANCE_CLEAR", amount, now, 0, 0});
  emit_account(account, AccountUpdateReason::InsuranceClear, amount, {});
}

void Engine::force_liquidation(AccountId id, SymbolId symbol) {
  Account& account = account_of(id);
  Holding& h = holding_of(account, symbol);
  for (const PositionSide row : {PositionSide::Both, PositionSide::Long, PositionSide::Short}) {
    if (h.row(row).quantity.is_zero()) continue;
    const bool cross = h.mode == MarginMode::Cross;
    if (cross ? account.liquidating : h.row(row).liquidating) continue;
    start_liquidation({id, symbol, cross ? PositionSide::Both : row, cross, true});
  }
  finish();
}

// Auto-deleveraging rank: profit ratio times effective leverage, or divided by it at a loss.

std::vector<Engine::Ranked> Engine::ranked_holders(const Market& market, bool longs) const {
  std::vector<Ranked> out;
  for (const AccountId id : market.holders) {
    const Account& account = account_of(id);
    const Holding& h = *account.find(market.symbol);
    for (const PositionSide row : {PositionSide::Both, PositionSide::Long, PositionSide::Short}) {
      const Position& p = h.row(row);
      if (p.quantity.is_zero() || p.quantity.is_positive() != longs || p.cost.is_zero()) continue;
      const Money margin = h.mode == MarginMode::Isolated ? p.isolated_wallet + p.unrealised : account.cross_balance();
      const double profit = p.unrealised.to_double() / p.cost.abs().to_double();
      const double leverage = (h.mark * p.quantity).abs().to_double() / std::max(margin.to_double(), 1e-8);
      out.push_back({profit >= 0 ? profit * leverage : profit / std::max(leverage, 1e-8), id, row});
    }
  }
  std::sort(out.begin(), out.end(), [](const Ranked& a, const Ranked& b) {
    return std::tuple(-a.score, a.account, a.row) < std::tuple(-b.score, b.account, b.row);
  });
  return out;
}

void Engine::refresh_adl(Market& market) {
  if (market.ranked && now - market.adl_ranked < kRankEvery) return;
  market.ranked = true;
  market.adl_ranked = now;
  for (const bool longs : {true, false}) {
    const std::vector<Ranked> list = ranked_holders(market, longs);
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::size_t from_bottom = list.size() - 1 - i;  // the first to be closed is in the highest fifth
      account_of(list[i].account).holdings[market.symbol.value]->row(list[i].row).adl_quantile =
          static_cast<std::int32_t>(i == 0 ? 4 : from_bottom * 5 / list.size());
    }
  }
}

}  // namespace qtrader::matching
