// AELM: how an order's quantity is brought to the market, decided on the book (fund.md 3.6). Pure functions.
//
// The cost of an order is what the book says it is: the volume-weighted price of the levels it would take, and nothing
// is assumed of levels that are not there. Entries answer to the caps on slippage and spread and to the rule that a
// target must be worth three round trips; exits are taken at market whatever they cost.
#pragma once

#include <string>
#include <variant>

#include "core/domain/audit.hpp"
#include "core/domain/events.hpp"
#include "core/domain/instrument.hpp"
#include "core/execution/exit_plan.hpp"

namespace qtrader::execution {

enum class Urgency : std::uint8_t { Low, Medium, High };
QT_DESCRIBE_ENUM(Urgency, Low, Medium, High)

/// What taking a quantity from one side of the book does.
struct BookWalk {
  domain::Quantity available;  // of the quantity asked for
  double impact_bps = 0;       // |VWAP of what is available − best| / best
};
/// `side` is the order's: a buy takes asks. Nothing available of an empty side.
BookWalk walk(const domain::BookDepth& book, domain::Side side, domain::Quantity quantity);
/// The most that can be taken with an impact of at most cap_bps; not rounded.
domain::Quantity depth_within(const domain::BookDepth& book, domain::Side side, double cap_bps);
/// (ask − bid) / mid. Both sides must have a level.
double spread_bps(const domain::BookDepth& book);
/// The other side's best for a taker.
domain::Price touch(const domain::BookDepth& book, domain::Side side);
/// One tick inside a spread that has room for it, else joining our own side's best.
domain::Price passive_price(const domain::BookDepth& book, domain::Side side, const domain::Instrument& instrument);
/// A limit that takes at most cap_bps beyond the touch.
domain::Price capped_price(const domain::BookDepth& book, domain::Side side, double cap_bps,
                           const domain::Instrument& instrument);

struct PlanRequest {
  domain::Side side = domain::Side::Buy;
  domain::Quantity quantity;
  Urgency urgency = Urgency::Medium;
  const domain::BookDepth& book;  // both sides; fresh
  const domain::Instrument& instrument;
  double atr_frac = 0;
  double edge_frac = 0;    // expected gross move in our favour; 0: not known
  double target_frac = 0;  // distance of the target; 0: none
};

struct ExecutionPlan {
  domain::PlanKind kind = domain::PlanKind::Market;
  domain::Quantity quantity;  // at most what was asked for
  domain::Quantity slice;     // Twap, Iceberg: of each child; else the whole
  std::int32_t slices = 1;
  bool post_only = false;
  domain::Price reference;           // the touch: slippage is measured from here
  double impact_bps = 0;             // of what is sent at once
  double expected_slippage_bps = 0;  // against the touch
  double expected_cost_bps = 0;      // one way: spread/2 + impact + fee + base + volatility
};
struct PlanVeto {
  std::string rule;  // "spread", "depth", "impact", "edge_below_cost"
  double value = 0, limit = 0;
};
std::variant<ExecutionPlan, PlanVeto> plan_execution(const PlanRequest& request, const AelmConfig& config);

/// The least that may be sent: the instrument's smallest quantity and notional at this price.
bool sendable(domain::Quantity quantity, domain::Price price, const domain::Instrument& instrument);

}  // namespace qtrader::execution
