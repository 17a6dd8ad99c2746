// ParentOrder: the next thing to do for an entry that is sent in children (fund.md 3.6). A pure function of the
// parent's state, its latest child and the book; EntryTransaction does what it says.
//
// Market: one child. Limit: joins or improves, is repriced after each timeout, then crosses within the cap. Iceberg:
// the same in slices. Twap: market slices at jittered times, skipping those the book cannot take within the cap.
// Without a fresh book nothing more is sent: what has filled is the trade.
#pragma once

#include <cstdint>
#include <variant>

#include "core/execution/aelm.hpp"
#include "core/execution/trade_state.hpp"

namespace qtrader::execution {

/// Send this now.
struct SendChild {
  domain::OrderType type = domain::OrderType::Market;
  domain::TimeInForce time_in_force = domain::TimeInForce::Gtc;
  domain::Quantity quantity;
  domain::Price limit;
  std::int64_t wait_ms = 0;  // for its end, then it is cancelled
};
/// Ask again after this time.
struct WaitForSlot {
  std::int64_t wait_ms = 0;
};
/// The entry is over.
struct ParentDone {};
using ParentStep = std::variant<SendChild, WaitForSlot, ParentDone>;

struct ParentView {
  const domain::BookDepth* book = nullptr;  // fresh, or none
  const domain::Instrument& instrument;
  const ExecutionConfig& config;
  domain::TradeId trade;
  domain::Side side = domain::Side::Buy;
  domain::Quantity filled;             // of the parent
  const OrderRecord* child = nullptr;  // the latest, settled; none before the first
  bool slot_due = false;               // the time waited for has come
};

/// A parent that follows the plan from the start.
ParentOrder make_parent(const ExecutionPlan& plan, base::Timestamp now);
/// Advances the parent's counters by the step it returns.
ParentStep next_step(ParentOrder& parent, const ParentView& view);

}  // namespace qtrader::execution
