// Account: the simulated exchange's own books for its one client: wallet, one-way positions, cross and isolated margin.
//
// Deliberately not core/ledger: the two keep the same account independently, and a difference is a bug in one of them.
// The wallet changes only by realised profit, fees and funding. Formulas: binance-usdm.md 15. It knows no orders except
// the notionals that reserve margin, and never decides when to liquidate; the matching engine asks and acts.
#pragma once

#include <optional>
#include <vector>

#include "core/domain/instrument.hpp"
#include "core/domain/order.hpp"
#include "edge/simvenue/margin.hpp"

namespace qtrader::simvenue {

/// What the account has in one symbol.
struct Holding {
  domain::Quantity quantity;            // signed
  domain::Money cost;                   // quantity · average entry, signed; exact
  domain::Money isolated_wallet;        // part of the wallet locked to this position
  domain::Money open_buys, open_sells;  // notional of working orders that may increase exposure
  domain::Price mark;                   // what unrealised profit is measured at
  domain::Leverage leverage{20};        // the venue's defaults for a new symbol
  domain::MarginMode mode = domain::MarginMode::Cross;
  domain::Money unrealised, maintenance;  // at mark; kept so that a check of one symbol does not visit the others
};
QT_DESCRIBE(Holding, quantity, cost, isolated_wallet, open_buys, open_sells, mark, leverage, mode, unrealised,
            maintenance)

struct Execution {
  domain::SymbolId symbol;
  domain::Side side = domain::Side::Buy;
  domain::Quantity quantity;
  domain::Price price;
  domain::Money fee;
};

class Account {
 public:
  /// instruments must outlive the account.
  Account(const domain::InstrumentTable& instruments, domain::Money initial_wallet);

  const Holding& operator[](domain::SymbolId symbol) const { return holdings_[symbol.value]; }
  domain::Money wallet() const { return wallet_; }
  domain::Money unrealised() const { return totals_.cross_unrealised + totals_.isolated_unrealised; }
  domain::Money equity() const { return wallet_ + unrealised(); }
  /// Cross wallet and cross profit less initial margins; what a new order may use. May be negative.
  domain::Money available() const;

  /// Books an execution; returns the realised profit, fee excluded. A quantity beyond the position flips it.
  domain::Money book(const Execution& execution);
  /// −position · price · rate, booked. Zero without a position.
  domain::Money settle_funding(domain::SymbolId symbol, domain::Price price, domain::Ratio rate);
  /// After a liquidation: with no cross position left, a negative cross wallet is the insurance fund's.
  void cover_deficit();
  void set_mark(domain::SymbolId symbol, domain::Price mark);
  void set_open_notional(domain::SymbolId symbol, domain::Money buys, domain::Money sells);

  /// None, LeverageTooHigh, MaxPosition or InsufficientMargin: whether this could be executed on top of the position
  /// and the open notionals. What increases no exposure is always carried.
  domain::VenueReason can_carry(const Execution& execution) const;

  /// False, and nothing changes, where Binance refuses: beyond the brackets, mode change with a position or orders,
  /// lower leverage on an isolated position (-4161), or margin that would not suffice.
  bool set_leverage(domain::SymbolId symbol, domain::Leverage leverage, domain::MarginMode mode);

  /// Equity behind the position at this price does not exceed its maintenance margin. O(1).
  bool liquidates_at(domain::SymbolId symbol, domain::Price price) const;
  std::optional<domain::Price> liquidation_price(domain::SymbolId symbol) const;
  std::optional<domain::Price> bankruptcy_price(domain::SymbolId symbol) const;
  /// What is left behind the position if it closes at price: the most a liquidation fee may take.
  domain::Money remainder_at(domain::SymbolId symbol, domain::Price price) const;

  template <class Archive>
  void archive(Archive& a) {
    a(wallet_, held_, totals_.isolated, totals_.cross_unrealised, totals_.isolated_unrealised,
      totals_.cross_maintenance);
    for (Holding& holding : holdings_) a(holding);
  }

 private:
  void increase(Holding& holding, domain::Quantity signed_quantity, domain::Price price);
  domain::Money reduce(Holding& holding, domain::Quantity size, domain::Price price);
  void track(domain::SymbolId symbol);
  /// Around every change of a holding's position, margin or mark: takes it out of the totals, puts it back revalued.
  void leave(const Holding& holding);
  void enter(domain::SymbolId symbol);
  domain::Money order_margin(const Holding& holding, domain::Money buys, domain::Money sells) const;
  /// The margin that stands behind a position; others' maintenance is set aside when `maintained`.
  domain::Money margin_behind(domain::SymbolId symbol, bool maintained) const;

  struct Totals {
    domain::Money isolated;  // Σ isolated wallets
    domain::Money cross_unrealised, isolated_unrealised, cross_maintenance;
  };

  const domain::InstrumentTable* instruments_;
  domain::Money wallet_;
  Totals totals_;
  std::vector<Holding> holdings_;       // by symbol
  std::vector<domain::SymbolId> held_;  // with a position or working orders, rising: the sums visit only these
};

}  // namespace qtrader::simvenue
