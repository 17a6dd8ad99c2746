#include "core/execution/aelm.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/check.hpp"

namespace qtrader::execution {
namespace {

using domain::PlanKind;
using domain::Price;
using domain::Quantity;
using domain::Rounding;

// fund.md 3.6
constexpr double kMarketBelowBps = 10, kLimitBelowBps = 50, kTwapBelowBps = 200;
constexpr double kIcebergCapBps = 10;
constexpr std::int32_t kIcebergSlices = 10;
constexpr double kBaseBps = 2, kBpsPerAtr = 50;
constexpr double kTargetRoundTrips = 3;

const std::vector<domain::DepthLevel>& taken(const domain::BookDepth& book, domain::Side side) {
  return side == domain::Side::Buy ? book.asks : book.bids;
}
const std::vector<domain::DepthLevel>& joined(const domain::BookDepth& book, domain::Side side) {
  return side == domain::Side::Buy ? book.bids : book.asks;
}

double impact(double vwap, double best) { return std::abs(vwap - best) / best * 1e4; }

double fee_bps(const PlanRequest& r, bool maker) {
  return (maker ? r.instrument.maker_fee : r.instrument.taker_fee).to_double() * 1e4;
}

/// The smallest quantity on the grid that may be sent at this price.
Quantity least(Price price, const domain::Instrument& instrument) {
  const Quantity by_notional = divide(instrument.min_notional, price, Rounding::Up);
  const Quantity wanted = std::max({by_notional, instrument.min_quantity, instrument.step_size});
  const Quantity down = instrument.round_quantity_down(wanted);
  return down < wanted ? down + instrument.step_size : down;
}

/// Kind and slices by what taking everything at once would do; the numbers follow from them.
void choose(ExecutionPlan& plan, const BookWalk& all, const PlanRequest& request, const AelmConfig& config) {
  const bool beyond = all.available < plan.quantity;
  if (!beyond && all.impact_bps < kMarketBelowBps && all.impact_bps <= config.max_slippage_bps) {
    plan.kind = PlanKind::Market;
  } else if (!beyond && all.impact_bps < kLimitBelowBps) {
    plan.kind = config.max_slippage_bps <= kIcebergCapBps ? PlanKind::Iceberg : PlanKind::Limit;
  } else if (beyond || all.impact_bps < kTwapBelowBps) {
    plan.kind = PlanKind::Twap;
  } else {
    plan.kind = PlanKind::Iceberg;
  }
  if (plan.kind == PlanKind::Twap) plan.slices = config.twap_slices;
  if (plan.kind == PlanKind::Iceberg) plan.slices = kIcebergSlices;
  plan.slice = plan.quantity;
  if (plan.slices > 1) {
    plan.slice = request.instrument.round_quantity_down(Quantity::from_raw(plan.quantity.raw() / plan.slices));
    plan.slice = std::min(plan.quantity, std::max(plan.slice, least(plan.reference, request.instrument)));
  }
}

/// Slices that the book cannot take within the cap are made smaller, and the whole with them.
void shrink(ExecutionPlan& plan, const PlanRequest& request, const AelmConfig& config) {
  if (plan.kind != PlanKind::Twap && plan.kind != PlanKind::Iceberg) return;
  const Quantity most =
      request.instrument.round_quantity_down(depth_within(request.book, request.side, config.max_slippage_bps));
  if (plan.slice <= most) return;
  plan.slice = most;
  plan.quantity = std::min(plan.quantity, Quantity::from_raw(most.raw() * plan.slices));
}

}  // namespace

BookWalk walk(const domain::BookDepth& book, domain::Side side, Quantity quantity) {
  const auto& levels = taken(book, side);
  BookWalk out;
  if (levels.empty() || !quantity.is_positive()) return out;
  double notional = 0;
  for (const domain::DepthLevel& level : levels) {
    const Quantity part = std::min(level.quantity, quantity - out.available);
    notional += level.price.to_double() * part.to_double();
    out.available += part;
    if (out.available == quantity) break;
  }
  out.impact_bps = impact(notional / out.available.to_double(), levels.front().price.to_double());
  return out;
}

Quantity depth_within(const domain::BookDepth& book, domain::Side side, double cap_bps) {
  const auto& levels = taken(book, side);
  Quantity total;
  if (levels.empty()) return total;
  const double best = levels.front().price.to_double();
  double excess = 0;  // Σ quantity · bps beyond the touch
  for (const domain::DepthLevel& level : levels) {
    const double bps = impact(level.price.to_double(), best);
    const double quantity = level.quantity.to_double();
    if (excess + bps * quantity <= cap_bps * (total.to_double() + quantity)) {
      excess += bps * quantity;
      total += level.quantity;
      continue;
    }
    // excess + bps·q = cap·(total + q)
    const double part = (cap_bps * total.to_double() - excess) / (bps - cap_bps);
    if (part > 0) total += Quantity::from_double(std::min(part, quantity));
    break;
  }
  return total;
}

Price touch(const domain::BookDepth& book, domain::Side side) {
  const auto& levels = taken(book, side);
  QT_CHECK(!levels.empty(), "a touch needs a level");
  return levels.front().price;
}

double spread_bps(const domain::BookDepth& book) {
  const double ask = touch(book, domain::Side::Buy).to_double(), bid = touch(book, domain::Side::Sell).to_double();
  return (ask - bid) / ((ask + bid) / 2) * 1e4;
}

Price passive_price(const domain::BookDepth& book, domain::Side side, const domain::Instrument& instrument) {
  QT_CHECK(!joined(book, side).empty(), "joining needs a level");
  const Price own = joined(book, side).front().price, other = touch(book, side);
  const Price better = side == domain::Side::Buy ? own + instrument.tick_size : own - instrument.tick_size;
  const bool room = side == domain::Side::Buy ? better < other : better > other;
  return room ? better : own;
}

Price capped_price(const domain::BookDepth& book, domain::Side side, double cap_bps,
                   const domain::Instrument& instrument) {
  const bool buy = side == domain::Side::Buy;
  const Price best = touch(book, side);
  const Price beyond = best * domain::Ratio::from_double(cap_bps / 1e4);
  return instrument.round_price(buy ? best + beyond : best - beyond, buy ? Rounding::Down : Rounding::Up);
}

bool sendable(Quantity quantity, Price price, const domain::Instrument& instrument) {
  return quantity.is_positive() && quantity >= instrument.min_quantity && price * quantity >= instrument.min_notional;
}

std::variant<ExecutionPlan, PlanVeto> plan_execution(const PlanRequest& request, const AelmConfig& config) {
  ExecutionPlan plan;
  plan.quantity = plan.slice = request.quantity;
  plan.reference = touch(request.book, request.side);
  const BookWalk all = walk(request.book, request.side, request.quantity);
  const double spread = spread_bps(request.book);
  const double volatility = kBaseBps + kBpsPerAtr * request.atr_frac;
  const auto cost = [&](double impact_bps, bool maker) {
    return spread / 2 + impact_bps + fee_bps(request, maker) + volatility;
  };
  if (request.urgency == Urgency::High) {
    plan.impact_bps = plan.expected_slippage_bps = all.impact_bps;
    plan.expected_cost_bps = cost(all.impact_bps, false);
    return plan;
  }
  if (spread > config.max_spread_bps) return PlanVeto{"spread", spread, config.max_spread_bps};
  choose(plan, all, request, config);
  shrink(plan, request, config);
  if (!sendable(plan.slice, plan.reference, request.instrument))
    return PlanVeto{"depth", plan.slice.to_double(), request.instrument.min_quantity.to_double()};
  plan.impact_bps = walk(request.book, request.side, plan.slice).impact_bps;
  const bool passive = plan.kind == PlanKind::Limit || plan.kind == PlanKind::Iceberg;
  if (passive && request.edge_frac > 0) {
    // The taker's chance is the share of the quantity that the book gives within the cap.
    const double within = depth_within(request.book, request.side, config.max_slippage_bps).to_double();
    const double taker_fills = std::min(1.0, within / plan.quantity.to_double());
    plan.post_only = request.edge_frac - request.instrument.maker_fee.to_double() > request.edge_frac * taker_fills;
  }
  // A resting order pays no impact; what it fails to fill crosses within the cap.
  plan.expected_slippage_bps = passive ? 0 : plan.impact_bps;
  plan.expected_cost_bps = cost(plan.expected_slippage_bps, passive);
  const double round_trip = plan.expected_cost_bps + cost(plan.impact_bps, false);
  if (request.target_frac > 0 && request.target_frac * 1e4 < kTargetRoundTrips * round_trip)
    return PlanVeto{"edge_below_cost", request.target_frac * 1e4, kTargetRoundTrips * round_trip};
  return plan;
}

}  // namespace qtrader::execution
