// Gate: the one place where an order is allowed or refused. RiskGuard's ordered checks (fund.md 3.8), the position
// invariant (4.5) and the position tier of Risk OS (3.7), with projected values computed inside.
//
// What increases exposure fails closed: unknown equity, a stale mark, an unreadable limit all refuse. What reduces
// exposure is never blocked, in any state, by anything but its own definition (it must really reduce).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/domain/audit.hpp"
#include "core/ledger/ledger.hpp"
#include "core/market/market_state.hpp"
#include "core/risk/approved.hpp"
#include "core/risk/limits.hpp"

namespace qtrader::risk {

/// What the caller knows of an entry besides the order itself.
struct EntryContext {
  domain::Price reference_price;  // expected fill
  domain::Price stop_price;       // intended protective stop
  domain::Leverage leverage;
  domain::Ratio round_trip_cost;
};

struct Refusal {
  std::string rule;  // of the first failed check
  std::vector<domain::CheckResult> checks;
};

struct Approval {
  Approved<domain::Order> order;
  std::vector<domain::CheckResult> checks;
};

using Review = std::variant<Approval, Refusal>;

/// What the account's reconciliation allows entries. Runs that never hear of a venue link are not concerned.
struct EntryPermission {
  bool required = false;  // a VenueLink or RunResumed was seen
  bool link_ready = false;
  bool reconciled = false;  // the last comparison with the venue since the link became ready found no difference
  bool hedge_mode = false;
  std::vector<domain::SymbolId> held;  // until an operator resumes them
  template <class Archive>
  void archive(Archive& a) {
    a(required, link_ready, reconciled, hedge_mode, held);
  }
};

class Gate {
 public:
  /// The limits must be valid (QT_CHECK). Keeps references: the table, ledger and market must outlive the gate.
  Gate(Limits limits, const domain::InstrumentTable& instruments, const ledger::Ledger& ledger,
       const market::MarketState& market);

  /// Checks every rule in order and stops at the first failure; all results so far are in the answer. On approval the
  /// order counts as in flight (for open count, exposure, margin, order rate) until on_order_done.
  ///
  /// Where a permission is required, first: venue_link, reconciled, hedge_mode, symbol_hold. Then: kill_switch,
  /// drawdown_lock, symbol_known, order_shape, mark_known, mark_age, price_deviation, equity, stop_side,
  /// stop_distance_min, stop_distance_max, liquidation_buffer, leverage, risk_per_trade, trade_notional,
  /// position_invariant, entry_in_flight, open_count, symbol_exposure, gross_exposure, margin, margin_usage,
  /// daily_loss, rolling_loss, circuit_breaker, weekly_loss, drawdown, order_rate, filters, min_notional. Shares of
  /// equity and of price are reported as fractions, ages in ms, money in USDT, yes or no as 1 or 0.
  Review review_entry(const domain::Order& order, const EntryContext& context, base::Timestamp now);
  /// The next child of an approved entry that is sent in parts. `previous` is the child (or the approval) before it,
  /// which must be in flight and is replaced by this one; what is held and this quantity together may not exceed what
  /// was approved. Checked again: permission, kill_switch, drawdown_lock, mark_known, mark_age, price_deviation,
  /// drawdown; and slice (belongs to an approved entry, within its quantity), order_rate, filters, min_notional.
  Review review_slice(const domain::Order& order, domain::ClientOrderId previous, base::Timestamp now);
  /// Exits and protective stops, in any state. Refused ("not_reducing") only if the order could not reduce: an entry by
  /// purpose, on the position's own side, or able to pass through zero. A reduce-only order for a position that the
  /// ledger does not (yet) know is approved: the venue enforces reduce-only, and our view may be the late one
  /// (incident 18).
  Review review_reducing(const domain::Order& order);

  /// The entry's order is terminal at the venue (or never got there).
  void on_order_done(domain::ClientOrderId order);
  void on_trade_closed(domain::Money net_pnl, base::Timestamp now);
  /// Each bar: day and week start, peak, drawdown stages, circuit breaker. `now` never decreases. O(1).
  void on_equity(domain::Money equity, base::Timestamp now);
  /// Concerns entries alone; what reduces exposure never asks.
  void set_permission(EntryPermission permission) { permission_ = std::move(permission); }
  const EntryPermission& permission() const { return permission_; }
  /// The account's real size is known: peak, day and week start from it.
  void on_opening(domain::Money equity, base::Timestamp now);
  /// Stops all entries until resume(). The first reason stays.
  void kill(std::string reason);
  /// The operator's reset. If the drawdown is what stops entries, also measures it anew from the present equity; a
  /// drawdown lock still runs to its end.
  void resume();
  bool killed() const { return killed_; }
  const std::string& kill_reason() const { return kill_reason_; }
  /// From the peak, ≥ 0; 0 until an equity is known.
  double drawdown_frac() const;
  /// Position size factor of the drawdown stage and streak rules, [0, 1]: stage (1, 0.75, 0.5, 0.25, 0) × 0.5 from
  /// recovery_drawdown_frac on × 0.5 from losing_streak_halve losses in a row on, for losing_streak_hours after the
  /// last. Each applies once.
  double size_factor() const;
  const Limits& limits() const { return limits_; }

  template <class Archive>
  void archive(Archive& a) {
    a(in_flight_, entry_times_, losses_, kill_reason_, killed_, equity_, peak_, day_, week_, day_start_, week_start_,
      paused_since_, breaker_until_, locked_until_, breaker_fired_, stop_fired_, lock_fired_, losing_streak_,
      last_loss_, permission_);
  }

 private:
  class Checklist;
  struct Entry;
  struct InFlight {
    domain::SymbolId symbol;
    domain::Quantity quantity;
    domain::Price price;
    domain::Leverage leverage;
    template <class Archive>
    void archive(Archive& a) {
      a(symbol, quantity, price, leverage);
    }
  };
  struct Pending {
    domain::Money notional, margin;
    std::size_t positions = 0;  // symbols that would become open
  };

  bool check_permission(Checklist& list, const Entry& entry) const;
  bool check_identity(Checklist& list, Entry& entry) const;
  bool check_price(Checklist& list, Entry& entry) const;
  bool check_stop(Checklist& list, const Entry& entry) const;
  bool check_leverage(Checklist& list, const Entry& entry) const;
  bool check_size(Checklist& list, const Entry& entry) const;
  bool check_position(Checklist& list, const Entry& entry) const;
  bool check_exposure(Checklist& list, const Entry& entry) const;
  bool check_margin(Checklist& list, const Entry& entry) const;
  bool check_losses(Checklist& list, const Entry& entry) const;
  bool check_order(Checklist& list, const Entry& entry) const;
  Pending pending() const;
  domain::Money pending_notional(domain::SymbolId symbol) const;
  domain::Quantity unfilled(const InFlight& order) const;
  void stage(base::Timestamp now);
  void forget_before(base::Timestamp now);
  void measure_anew();

  Limits limits_;
  const domain::InstrumentTable* instruments_;
  const ledger::Ledger* ledger_;
  const market::MarketState* market_;

  std::map<domain::ClientOrderId, InFlight> in_flight_;
  std::deque<base::Timestamp> entry_times_;                       // approvals of the last minute
  std::deque<std::pair<base::Timestamp, domain::Money>> losses_;  // of the last 24 h, positive amounts
  std::string kill_reason_;
  bool killed_ = false;
  std::optional<domain::Money> equity_;  // last seen
  domain::Money peak_;
  std::int64_t day_ = 0, week_ = 0;       // UTC, since the epoch
  domain::Money day_start_, week_start_;  // equity when they began
  std::optional<base::Timestamp> paused_since_;
  std::optional<base::Timestamp> breaker_until_, locked_until_;
  bool breaker_fired_ = false;                    // this day
  bool stop_fired_ = false, lock_fired_ = false;  // since the peak was last measured anew
  std::int32_t losing_streak_ = 0;
  base::Timestamp last_loss_;  // meaningful while the streak is not 0
  EntryPermission permission_;
};

}  // namespace qtrader::risk
