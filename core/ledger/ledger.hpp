// Ledger: the account in double entry. Every fill, fee and funding payment moves money between named accounts, and the
// accounts always sum to zero.
//
// Cash changes only by realised PnL, fees and funding; equity = wallet + unrealised. One net position per symbol
// (one-way mode). Realised PnL releases cost basis exactly, so that nothing is lost to rounding: after a flat, wallet =
// deposits + Σ realised − Σ fees + Σ funding to the last 1e-8. Margin is that of Binance USD-M in single-asset mode
// (core/ledger/ margin.hpp). Never decides anything.
#pragma once

#include <array>
#include <vector>

#include "core/domain/events.hpp"
#include "core/domain/instrument.hpp"

namespace qtrader::ledger {

/// Wallet is what we own, including isolated margins. The others are where it came from or went to, and carry the
/// opposite sign: RealisedPnl is −Σ profit, Fees is +Σ paid, Funding is −Σ received, Deposits is −Σ deposited.
/// InsuranceClearance is −Σ of what the venue's insurance fund bore of our liquidations. Adjustment is −Σ of what the
/// venue's wallet turned out to hold beyond our books: funding, fees or executions that were never reported.
enum class Account : std::uint8_t { Wallet, Deposits, RealisedPnl, Fees, Funding, InsuranceClearance, Adjustment };
QT_DESCRIBE_ENUM(Account, Wallet, Deposits, RealisedPnl, Fees, Funding, InsuranceClearance, Adjustment)
inline constexpr std::size_t kAccountCount = 7;

struct Position {
  domain::Quantity quantity;  // signed: negative is short
  domain::Money cost;         // signed cost basis: Σ price·signed quantity still open
  domain::Price mark;         // last mark given; before any, the price of the first fill; 0 until then
  domain::Leverage leverage;  // 1 until set
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
  domain::Money initial_margin, maintenance_margin;  // of all positions, at mark
  domain::Money available;  // for new initial margin: cross wallet + cross unrealised − cross initial; never negative
  domain::Money exposure;   // Σ |notional| at mark
};

class Ledger {
 public:
  /// Keeps a reference: the table must outlive the ledger.
  explicit Ledger(const domain::InstrumentTable& instruments);

  /// Negative withdraws.
  void deposit(domain::Money amount);
  /// Brings the wallet to what the venue says it holds; what it changed by. Only for reconciliation.
  domain::Money adjust_wallet(domain::Money wallet);
  /// A fill through zero closes one position and opens another: opened and closed are then both true.
  struct Booking {
    domain::Money realised;   // PnL of what the fill closed, without its fee, after what the insurance fund bore
    domain::Money insurance;  // the part of a liquidation's loss beyond what backed it, ≥ 0; inside realised
    bool opened = false;      // what is open now was opened by this fill
    bool closed = false;      // what was open before is no more
  };
  /// quantity > 0 and price > 0 or the process stops: a fill of nothing is corrupt data.
  ///
  /// Isolated: an entry sets notional / leverage aside, a reduction frees its share of it; fees and realised PnL go to
  /// the free wallet. A liquidation pays loss and fee from the isolated margin alone: when it is flat, what is left
  /// goes back and what is missing is borne by the insurance fund. Cross: the fund bears a negative cross wallet once
  /// the last cross position has been liquidated.
  Booking apply(const domain::Fill& fill);
  /// To the wallet; of an isolated position to its margin.
  void apply(const domain::FundingPayment& payment);
  /// A refused one changes nothing. A change of mode with a position open moves its margin.
  void apply(const domain::LeverageSet& set);
  /// price > 0. One comparison when the symbol is flat.
  void mark(domain::SymbolId symbol, domain::Price price) {
    Slot& s = slot(symbol);
    QT_CHECK(price.is_positive(), "a mark price must be positive");
    s.position.mark = price;
    if (!s.position.flat()) revalue(s, symbol);
  }

  const Position& position(domain::SymbolId symbol) const { return slot(symbol).position; }
  std::size_t symbols() const { return slots_.size(); }
  std::size_t open_positions() const { return sum_[0].positions + sum_[1].positions; }
  AccountView account() const;  // O(1): totals are kept incrementally
  domain::Money equity() const;
  domain::Money balance(Account account) const { return balances_[static_cast<std::size_t>(account)]; }
  domain::Money trial_balance() const;  // always zero

  /// Mark price at which maintenance margin is no longer covered, by the bracket of the notional at that price
  /// (Binance's formula, binance-usdm.md 15). 0 if the position cannot be liquidated or there is none.
  domain::Price liquidation_price(domain::SymbolId symbol) const;
  domain::Money maintenance_margin(domain::SymbolId symbol) const;

  template <class Archive>
  void archive(Archive& a) {
    std::vector<Position> positions;
    if constexpr (!Archive::kReading)
      for (const Slot& s : slots_) positions.push_back(s.position);
    a(balances_, positions);
    if constexpr (Archive::kReading) restore(a.failed() ? std::vector<Position>(slots_.size()) : std::move(positions));
  }

 private:
  /// A position with what it contributes to the totals of its margin mode; all of it follows from the position.
  struct Slot {
    Position position;
    domain::Money notional, unrealised, initial, maintenance;
    const domain::LeverageBracket* bracket = nullptr;  // of the last notional; saves the search at most marks
  };
  struct Sum {
    domain::Money exposure, unrealised, initial, maintenance, isolated;
    std::size_t positions = 0;
  };

  Slot& slot(domain::SymbolId symbol) {
    QT_CHECK(symbol.value < slots_.size(), "unknown symbol id");
    return slots_[symbol.value];
  }
  const Slot& slot(domain::SymbolId symbol) const {
    QT_CHECK(symbol.value < slots_.size(), "unknown symbol id");
    return slots_[symbol.value];
  }
  Sum& sum(const Position& p) { return sum_[static_cast<std::size_t>(p.mode)]; }
  void post(Account debit, Account credit, domain::Money amount);
  void revalue(Slot& s, domain::SymbolId symbol);
  /// Takes the slot out of, and puts it back into, the totals around a change of its position.
  void leave(Slot& s);
  void enter(Slot& s, domain::SymbolId symbol);
  domain::Money release(Position& p, domain::Quantity closing, domain::Money value, bool liquidation);
  domain::Money insure(Position& p, const domain::Fill& fill, domain::Money realised);
  domain::Money cross_wallet() const;
  void restore(std::vector<Position> positions);

  const domain::InstrumentTable* instruments_;
  std::array<domain::Money, kAccountCount> balances_{};
  std::vector<Slot> slots_;
  std::array<Sum, 2> sum_{};  // by MarginMode
};

}  // namespace qtrader::ledger
