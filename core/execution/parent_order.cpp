#include "core/execution/parent_order.hpp"

#include <algorithm>
#include <string>

#include "core/base/rng.hpp"

namespace qtrader::execution {
namespace {

using domain::OrderStatus;
using domain::PlanKind;
using domain::Quantity;

constexpr std::uint64_t kStream = 0x4145'4C4D;  // "AELM": apart from every other use of randomness
constexpr double kJitter = 0.2;

/// Slots are a mean interval apart, each moved by up to a fifth of it, so that nobody can wait for the next.
std::int64_t slot_wait_ms(const ParentOrder& parent, const ParentView& view) {
  const AelmConfig& c = view.config.aelm;
  const double interval = static_cast<double>(c.twap_s) * 1e3 / c.twap_slices;
  base::Rng rng = base::Rng(kStream).fork(std::to_string(view.trade.value) + "/" + std::to_string(parent.slots_left));
  return static_cast<std::int64_t>(interval * rng.uniform(1 - kJitter, 1 + kJitter));
}

ParentStep passive(ParentOrder& parent, const ParentView& view, Quantity quantity) {
  SendChild child;
  child.type = domain::OrderType::Limit;
  child.time_in_force = parent.post_only ? domain::TimeInForce::Gtx : domain::TimeInForce::Gtc;
  child.quantity = quantity;
  child.limit = passive_price(*view.book, view.side, view.instrument);
  child.wait_ms = view.config.aelm.limit_timeout_s * 1'000;
  ++parent.slices;
  return child;
}

/// What is left, as far as the book gives it within the cap, at once or not at all.
ParentStep cross(ParentOrder& parent, const ParentView& view, Quantity remaining) {
  const AelmConfig& c = view.config.aelm;
  const Quantity most = depth_within(*view.book, view.side, c.max_slippage_bps);
  SendChild child;
  child.type = domain::OrderType::Limit;
  child.time_in_force = domain::TimeInForce::Ioc;
  child.quantity = view.instrument.round_quantity_down(std::min(remaining, most));
  child.limit = capped_price(*view.book, view.side, c.max_slippage_bps, view.instrument);
  child.wait_ms = view.config.fill_wait_ms;
  if (!sendable(child.quantity, child.limit, view.instrument)) return ParentDone{};
  parent.crossing = true;
  ++parent.slices;
  return child;
}

ParentStep resting_step(ParentOrder& parent, const ParentView& view, Quantity remaining) {
  const Quantity size = std::min(parent.slice, remaining);
  if (view.child == nullptr) return passive(parent, view, size);
  if (parent.crossing) return ParentDone{};
  if (view.child->open().is_zero()) {
    parent.unfilled = 0;
    return passive(parent, view, size);
  }
  if (parent.unfilled >= view.config.aelm.max_reprices) return cross(parent, view, remaining);
  ++parent.unfilled;
  ++parent.reprices;
  return passive(parent, view, size);
}

ParentStep twap_step(ParentOrder& parent, const ParentView& view, Quantity remaining) {
  const bool send_now = view.child == nullptr ? parent.slices == 0 || view.slot_due : view.slot_due;
  if (parent.slots_left == 0) return ParentDone{};
  if (!send_now) return WaitForSlot{slot_wait_ms(parent, view)};
  --parent.slots_left;
  const Quantity size = parent.slots_left == 0 ? remaining : std::min(parent.slice, remaining);
  const BookWalk now = walk(*view.book, view.side, size);
  const bool fits = now.available == size && now.impact_bps <= view.config.aelm.max_slippage_bps &&
                    spread_bps(*view.book) <= view.config.aelm.max_spread_bps &&
                    sendable(size, touch(*view.book, view.side), view.instrument);
  if (!fits) {
    if (parent.slots_left == 0) return ParentDone{};
    return WaitForSlot{slot_wait_ms(parent, view)};
  }
  SendChild child;
  child.quantity = size;
  child.wait_ms = view.config.fill_wait_ms;
  ++parent.slices;
  return child;
}

}  // namespace

ParentOrder make_parent(const ExecutionPlan& plan, base::Timestamp now) {
  ParentOrder p;
  p.kind = plan.kind;
  p.planned = plan.quantity;
  p.slice = plan.slice;
  p.reference = plan.reference;
  p.expected_slippage_bps = plan.expected_slippage_bps;
  p.post_only = plan.post_only;
  p.slots_left = plan.kind == PlanKind::Twap ? plan.slices : 0;
  p.decided = now;
  return p;
}

ParentStep next_step(ParentOrder& parent, const ParentView& view) {
  const Quantity remaining = parent.planned > view.filled ? parent.planned - view.filled : Quantity{};
  if (!sendable(remaining, parent.reference, view.instrument) || view.book == nullptr) return ParentDone{};
  // A venue that refuses a child would refuse the next: only a post-only order that came too near may be moved.
  if (view.child != nullptr && view.child->status == OrderStatus::Rejected &&
      view.child->venue_reason != domain::VenueReason::PostOnlyWouldTake)
    return ParentDone{};
  switch (parent.kind) {
    case PlanKind::Market: {
      if (view.child != nullptr) return ParentDone{};
      SendChild child;
      child.quantity = remaining;
      child.wait_ms = view.config.fill_wait_ms;
      ++parent.slices;
      return child;
    }
    case PlanKind::Limit:
    case PlanKind::Iceberg:
      return resting_step(parent, view, remaining);
    case PlanKind::Twap:
      return twap_step(parent, view, remaining);
  }
  return ParentDone{};
}

}  // namespace qtrader::execution
