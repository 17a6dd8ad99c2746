#include <algorithm>

#include "edge/matching/engine.hpp"

// Opening accounts, deposits, leverage, margin mode, position mode and isolated margin.
namespace qtrader::matching {

AccountId Engine::open_account(const AccountSpec& spec) {
  auto account = std::make_unique<Account>();
  account->id = AccountId{static_cast<std::uint32_t>(accounts.size())};
  account->trade_group = spec.trade_group;
  account->hedge = spec.hedge_mode;
  account->wallet = spec.balance;
  account->updated = now;
  account->holdings.resize(markets.size());
  accounts.push_back(std::move(account));
  Account& made = *accounts.back();
  if (!spec.balance.is_zero()) record_income(made, {SymbolId{}, false, "TRANSFER", spec.balance, now, 0, 0});
  finish();
  return made.id;
}

void Engine::deposit(AccountId id, Money amount) {
  Account& account = account_of(id);
  account.wallet += amount;
  record_income(account, {SymbolId{}, false, "TRANSFER", amount, now, 0, 0});
  emit_account(account, amount.is_negative() ? AccountUpdateReason::Withdraw : AccountUpdateReason::Deposit, amount,
               {});
  finish();
}

void Engine::seed_position(AccountId id, SymbolId symbol, const Booking& seed, MarginMode mode) {
  Account& account = account_of(id);
  Holding& h = holding_of(account, symbol);
  QT_CHECK(h.flat() && h.open_orders == 0, "a seeded position needs a fresh account");
  h.mode = mode;
  Booking booking = seed;
  booking.row = !account.hedge              ? PositionSide::Both
                : booking.side == Side::Buy ? PositionSide::Long
                                            : PositionSide::Short;
  account.book(booking, instrument(symbol));
  h.row(booking.row).updated = now;
  after_booking(account, h, booking.row, Quantity{});
  finish();
}

Outcome<LeverageView> Engine::set_leverage(AccountId id, SymbolId symbol, std::int32_t leverage) {
  if (!known(symbol)) return refuse(-1121);
  const domain::Instrument& contract = instrument(symbol);
  if (leverage < 1 || leverage > max_leverage(contract))
    return refuse(-4028, "Leverage " + std::to_string(leverage) + " is not valid");
  Account& account = account_of(id);
  Holding& h = holding_of(account, symbol);
  const Money cap = max_notional(contract, Leverage{leverage});
  const bool changes = leverage != h.leverage.value;
  if (changes) {
    if (h.mode == MarginMode::Isolated && !h.flat() && leverage < h.leverage.value) return refuse(-4161);
    if (account.exposure(h, h.open_buys, h.open_sells) > cap) return refuse(-2027);
    const Leverage before = h.leverage;
    const auto apply = [&](Leverage l) {
      account.leave(h);
      h.leverage = l;
      account.enter(h, contract);
    };
    apply(Leverage{leverage});
    if (leverage < before.value && h.active() && account.free_margin().is_negative()) {
      apply(before);
      return refuse(-2028);
    }
  }
  if (changes) emit(LeverageEvent{id, symbol, Leverage{leverage}, now});
  finish();
  return LeverageView{Leverage{leverage}, cap};
}

Outcome<Done> Engine::set_margin_mode(AccountId id, SymbolId symbol, MarginMode mode) {
  if (!known(symbol)) return refuse(-1121);
  Account& account = account_of(id);
  Holding& h = holding_of(account, symbol);
  if (h.mode == mode) return refuse(-4046);
  if (h.open_orders > 0 || h.open_algos > 0) return refuse(-4047);
  if (!h.flat()) return refuse(-4048);
  h.mode = mode;
  emit_account(account, AccountUpdateReason::MarginTypeChange, Money{}, position_views(account, symbol));
  std::get<AccountEvent>(events.back()).balance_changed = false;
  finish();
  return Done{};
}

Outcome<Done> Engine::set_hedge_mode(AccountId id, bool hedge) {
  Account& account = account_of(id);
  if (account.hedge == hedge) return refuse(-4059);
  if (!account.open.empty() || !account.algos.empty()) return refuse(-4067);
  if (!account.active.empty()) return refuse(-4068);
  account.hedge = hedge;
  return Done{};
}

Outcome<Done> Engine::adjust_margin(AccountId id, SymbolId symbol, PositionSide side, Money amount, bool add) {
  if (!known(symbol)) return refuse(-1121);
  Account& account = account_of(id);
  Holding& h = holding_of(account, symbol);
  if (side > PositionSide::Short) return refuse(-4060);
  if ((side == PositionSide::Both) == account.hedge) return refuse(-4061);
  if (!amount.is_positive()) return refuse(-4055);
  if (h.mode != MarginMode::Isolated) return refuse(-4049);
  Position& p = h.row(side);
  if (p.quantity.is_zero()) return refuse(-4054);
  if (add) {
    // Cross profit cannot be moved into a position: only what is in the wallet.
    const Money movable = std::min(account.free_margin(), account.cross_wallet());
    if (amount > movable) return refuse(-4050);
  } else {
    // What stays must carry the position's initial margin, counting a loss but not a profit.
    const Money kept = h.leverage.margin_for((h.mark * p.quantity).abs());
    if (amount > p.isolated_wallet + std::min(p.unrealised, Money{}) - kept) return refuse(-4051);
  }
  account.leave(h);
  p.isolated_wallet += add ? amount : -amount;
  account.enter(h, instrument(symbol));
  account.margin_changes.push_back({symbol, side, add, amount, now});
  if (account.margin_changes.size() > config.history_limit) to_trim.push_back(id);
  emit_account(account, AccountUpdateReason::MarginTransfer, Money{}, {position_view(account, symbol, side)});
  finish();
  return Done{};
}

}  // namespace qtrader::matching
