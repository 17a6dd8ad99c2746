// Reconciler: compares what the venue says the account is with what our books say, and brings the books, never the
// exposure, in line (fund.md 3.12, platform.md 6.2). The venue's quantities, orders and wallet are the truth.
//
// Asks for a snapshot when the link becomes ready, after a restart and every interval_s; acts on AccountSnapshot
// events. A symbol in which something happened since shortly before the snapshot was taken proves nothing: it is looked
// at again retry_ms later. A difference in quantity is first answered by asking for the executions we missed; only what
// is still different afterwards is adopted. Equal snapshots produce no commands. Acts through the trade manager, which
// stays the one owner of every order; never opens or enlarges a position. Tells the gate whether entries may be made.
// Idle in runs that never see a VenueLink or RunResumed.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/execution/trade_manager.hpp"

namespace qtrader::execution {

enum class DifferenceKind : std::uint8_t {
  Quantity,        // ours and theirs differ
  StopMissing,     // a position without a working stop of ours at the venue, or a way out that is not on its way
  OrderUnlisted,   // works in our records, not listed
  OrderListed,     // listed with news for our records
  OrderUnwanted,   // ours by its id, over or unknown in our records
  OrderForeign,    // not ours, reduces only
  OrderEnlarging,  // not ours, could enlarge a position
};
QT_DESCRIBE_ENUM(DifferenceKind, Quantity, StopMissing, OrderUnlisted, OrderListed, OrderUnwanted, OrderForeign,
                 OrderEnlarging)

struct Difference {
  DifferenceKind kind = DifferenceKind::Quantity;
  domain::ClientOrderId order;                       // OrderUnlisted
  const domain::VenueOpenOrder* at_venue = nullptr;  // the other Order… kinds; lives in the snapshot
};

/// The differences of one symbol: the quantity first, then orders. Pure.
std::vector<Difference> compare(const domain::AccountSnapshot& snapshot, domain::SymbolId symbol, domain::Quantity held,
                                const Trade* trade);

class Reconciler {
 public:
  struct Rooms {
    TradeManager& manager;
    ledger::Ledger& ledger;
    risk::Gate& gate;
    const market::MarketState& market;
  };
  Reconciler(ReconcileConfig config, std::size_t symbols, Rooms rooms)
      : config_(config), rooms_(rooms), symbols_(symbols) {}

  void on(const domain::VenueLink& link, Context& context);
  void on(const domain::RunResumed& resumed, Context& context);
  void on(const domain::AccountSnapshot& snapshot, Context& context);
  /// TimerTag::Reconcile.
  void on(const domain::TimerFired& timer, Context& context);
  /// Our command, or the venue's report, execution or payment, in the symbol.
  void touch(domain::SymbolId symbol, base::Timestamp now) {
    if (permission_.required && symbol.value < symbols_.size()) symbols_[symbol.value].active_at = now;
  }
  void touch(const std::vector<Command>& commands, base::Timestamp now);
  /// The operator has looked: releases one held symbol, or all.
  void release(std::optional<domain::SymbolId> symbol);
  /// No further snapshots once nothing is open.
  void end() { ending_ = true; }

  bool active() const { return permission_.required; }
  /// The first snapshot of the run has set the wallet.
  bool opened() const { return opened_; }

  template <class Archive>
  void archive(Archive& a) {
    a(permission_, symbols_, alerted_orders_, foreign_, timer_, taken_at_, opened_, ending_);
  }

 private:
  struct Watched {
    base::Timestamp active_at;
    std::int32_t unequal = 0;  // snapshots in a row with another quantity than ours, asked about
    template <class Archive>
    void archive(Archive& a) {
      a(active_at, unequal);
    }
  };
  enum class Verdict : std::uint8_t { Equal, Unsure, Different };

  void request(Context& context);
  void plan_next(base::Duration in, Context& context);
  Verdict symbol(domain::SymbolId symbol, const domain::AccountSnapshot& snapshot, Context& context);
  bool quantity(domain::SymbolId symbol, const domain::AccountSnapshot& snapshot, Context& context);
  void adopt(domain::SymbolId symbol, const domain::AccountSnapshot& snapshot, Context& context);
  bool order(domain::SymbolId symbol, const Difference& difference, const domain::AccountSnapshot& snapshot,
             Context& context);
  bool quiet(domain::SymbolId symbol, const domain::AccountSnapshot& snapshot) const;
  void book(domain::Fill fill, Context& context);
  void wallet(const domain::AccountSnapshot& snapshot, bool settled, Context& context);
  void outside(const domain::AccountSnapshot& snapshot, Context& context);
  void hold(domain::SymbolId symbol);
  domain::Price mark(domain::SymbolId symbol, const domain::VenuePosition* position) const;

  ReconcileConfig config_;
  Rooms rooms_;
  risk::EntryPermission permission_;
  std::vector<Watched> symbols_;
  std::set<std::uint64_t> alerted_orders_;  // foreign, by venue id; those still listed
  std::vector<std::string> foreign_;        // positions of other symbols, as last alerted
  domain::TimerId timer_;
  base::Timestamp taken_at_;  // of the last snapshot used
  bool opened_ = false, ending_ = false;
};

}  // namespace qtrader::execution
