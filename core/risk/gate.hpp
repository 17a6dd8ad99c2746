// Gate: the one place where an order is allowed or refused. RiskGuard's ordered checks (fund.md 3.8), the position
// invariant (4.5) and the position tier of Risk OS (3.7), with projected values computed inside.
//
// What increases exposure fails closed: unknown equity, a stale mark, an unreadable limit all refuse. What reduces
// exposure is never blocked, in any state, by anything but its own definition (it must really reduce).
#pragma once

#include <set>
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

class Gate {
 public:
  Gate(Limits limits, const domain::InstrumentTable& instruments, const ledger::Ledger& ledger,
       const market::MarketState& market);

  /// Checks every rule in order and stops at the first failure; all results so far are in the answer. On approval the
  /// order counts as in flight (for open count, exposure, order rate) until on_order_done.
  Review review_entry(const domain::Order& order, const EntryContext& context, base::Timestamp now);
  /// Exits and protective stops. Refused only if the order would not reduce the position it names.
  Review review_reducing(const domain::Order& order);

  /// The entry's order is terminal at the venue (or never got there).
  void on_order_done(domain::ClientOrderId order);
  void on_trade_closed(domain::Money net_pnl, base::Timestamp now);
  void on_equity(domain::Money equity, base::Timestamp now);  // each bar: day start, peak, drawdown stages
  void kill(std::string reason);
  void resume();
  bool killed() const;
  /// Position size factor of the drawdown stage and streak rules, [0, 1].
  double size_factor() const;

  template <class Archive>
  void archive(Archive& a);
};

}  // namespace qtrader::risk
