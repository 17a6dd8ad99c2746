// Ledger: the account in double entry. Every fill, fee and funding payment moves money between named accounts, and the
// accounts always sum to zero.
//
// Cash changes only by realised PnL, fees and funding; equity = wallet + unrealised. One net position per symbol (one-way
// mode). Realised PnL releases cost basis exactly, so that nothing is lost to rounding: after a flat, wallet = deposits +
// Σ realised − Σ fees + Σ funding to the last 1e-8. Never decides anything.
#pragma once

#include <vector>

#include "core/domain/events.hpp"
#include "core/domain/instrument.hpp"

namespace qtrader::ledger {

enum class Account : std::uint8_t { Wallet, Deposits, RealisedPnl, Fees, Funding, InsuranceClearance };
QT_DESCRIBE_ENUM(Account, Wallet, Deposits, RealisedPnl, Fees, Funding, InsuranceClearance)
inline constexpr std::size_t kAccountCount = 6;

struct Position {
  domain::Quantity quantity;     // signed: negative is short
  domain::Money cost;            // signed cost basis: Σ price·signed quantity still open
  domain::Price mark;            // last mark given; 0 until then
  domain::Leverage leverage;     // 1 until set
  domain::MarginMode mode = domain::MarginMode::Cross;
  domain::Money isolated_margin;  // wallet balance set aside, isolated mode only
  bool flat() const { return quantity.is_zero(); }
  domain::Price entry_price() const;  // |cost / quantity|; 0 when flat
  domain::Money notional() const;     // |quantity| · mark
  domain::Money unrealised() const;   // quantity·mark − cost
};
QT_DESCRIBE(Position, quantity, cost, mark, leverage, mode, isolated_margin)

struct AccountView {
  domain::Money wallet, unrealised, equity;
  domain::Money initial_margin, maintenance_margin;
  domain::Money available;  // for new initial margin; never negative
  domain::Money exposure;   // Σ |notional| at mark
};

class Ledger {
 public:
  explicit Ledger(const domain::InstrumentTable& instruments);

  void deposit(domain::Money amount);
  struct Booking {
    domain::Money realised;
    bool opened = false;  // was flat before
    bool closed = false;  // is flat after
  };
  /// quantity > 0 and price > 0 or the process stops: a fill of nothing is corrupt data.
  Booking apply(const domain::Fill& fill);
  void apply(const domain::FundingPayment& payment);
  void apply(const domain::LeverageSet& set);
  void mark(domain::SymbolId symbol, domain::Price price);

  const Position& position(domain::SymbolId symbol) const;
  std::size_t symbols() const;
  AccountView account() const;  // O(1): totals are kept incrementally
  domain::Money balance(Account account) const;
  domain::Money trial_balance() const;  // always zero

  /// Mark price at which maintenance margin is no longer covered, by the bracket of the notional at that price (Binance's
  /// formula, binance-usdm.md). 0 if the position cannot be liquidated or there is none.
  domain::Price liquidation_price(domain::SymbolId symbol) const;
  domain::Money maintenance_margin(domain::SymbolId symbol) const;

  template <class Archive>
  void archive(Archive& a);
};

}  // namespace qtrader::ledger
