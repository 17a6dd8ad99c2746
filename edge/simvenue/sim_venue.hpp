// SimVenue: a simulated USD-M futures exchange for one account, driven by bars, honest by being pessimistic
// (fund.md 4.1).
//
// The world calls it in market time: on_bar_open (what arrived earlier trades at the open), on_bar_path (stops, targets
// and limits against high and low, stop before target when both were touched, liquidation), on_funding. Answers are
// queued as events with their own times and taken with pop_due. It keeps its own account, margin and liquidation,
// independent of the core's ledger, so that the two can be compared. Never shared with the core: the core only sees its
// events.
#pragma once

#include <optional>
#include <vector>

#include "core/base/rng.hpp"
#include "core/execution/venue.hpp"
#include "edge/simvenue/matching_engine.hpp"

namespace qtrader::simvenue {

class SimVenue final : public execution::Venue {
 public:
  /// instruments must outlive the venue. Aborts on a config outside its documented ranges.
  SimVenue(const domain::InstrumentTable& instruments, SimVenueConfig config, base::Rng rng)
      : engine_(instruments, config, rng) {}

  base::Result<void> submit(const risk::Approved<domain::Order>& order) override;
  base::Result<void> cancel(domain::ClientOrderId order, domain::SymbolId symbol) override;
  base::Result<void> set_leverage(domain::SymbolId symbol, domain::Leverage leverage, domain::MarginMode mode) override;
  /// Unsupported: here every command is answered, so there is never anything to ask about.
  base::Result<void> query(domain::ClientOrderId order, domain::SymbolId symbol) override;
  base::Result<void> request_snapshot() override;
  base::Result<void> cancel_foreign(const execution::CancelForeign& order) override;

  /// Market time. Never decreases; commands are taken as sent at this time.
  void advance_to(base::Timestamp now) { engine_.advance_to(now); }
  void on_bar_open(domain::SymbolId symbol, const domain::Bar& bar) { engine_.on_bar_open(symbol, bar); }
  void on_bar_path(domain::SymbolId symbol, const domain::Bar& bar) { engine_.on_bar_path(symbol, bar); }
  void on_mark(const domain::MarkPrice& mark) { engine_.on_mark(mark); }
  void on_funding(const domain::FundingRate& rate) { engine_.on_funding(rate); }

  /// No order, position or queued answer concerns the symbol: the bar calls may be skipped, the outcome is the same.
  bool idle(domain::SymbolId symbol) const { return engine_.idle(symbol); }
  /// When the next answer can be taken, also that of a command still on its way: pop_due(*next_due()) has a value.
  std::optional<base::Timestamp> next_due() const { return engine_.next_due(); }
  std::optional<TimedEvent> pop_due(base::Timestamp now) { return engine_.pop_due(now); }

  domain::Money wallet() const { return engine_.account().wallet(); }
  /// Wallet and unrealised profit at the venue's mark.
  domain::Money equity() const { return engine_.account().equity(); }
  domain::Quantity position(domain::SymbolId symbol) const { return engine_.account()[symbol].quantity; }
  std::optional<domain::Price> liquidation_price(domain::SymbolId symbol) const {
    return engine_.account().liquidation_price(symbol);
  }
  /// Open orders of the symbol, for tests and auditors.
  std::vector<domain::Order> open_orders(domain::SymbolId symbol) const { return engine_.open_orders(symbol); }

  template <class Archive>
  void archive(Archive& a) {
    a(engine_);
  }

 private:
  MatchingEngine engine_;
};

}  // namespace qtrader::simvenue
