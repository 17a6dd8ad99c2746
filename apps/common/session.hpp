// Session: the simulated world around an Engine: it orders timers, venue answers and market data, journals every event
// before the core sees it, and carries the core's commands to the simulated venue.
//
// Time inside one slot [T, T+tf): settlements at their own time; at T + kOpenDelay what has arrived at the venue trades
// at the open; just before T + tf stops, targets and limits meet the bar's high and low; at T + tf the core learns the
// bar. Between those points every timer and answer that is due is delivered, in order of time, timers first.
#pragma once

#include <functional>

#include "apps/common/market_feed.hpp"
#include "core/engine/engine.hpp"
#include "core/kernel/sequencer.hpp"
#include "edge/simvenue/sim_venue.hpp"

namespace qtrader::apps {

/// Sees what the core was told and what it answered, after it is on record. Never changes anything.
class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  virtual void on_step(const kernel::Envelope& envelope, const engine::Outbox& outbox) = 0;
};

class Session {
 public:
  /// References must outlive the session; observer may be null.
  Session(engine::Engine& engine, simvenue::SimVenue& venue, kernel::Sequencer& sequencer, SessionObserver* observer);

  base::Result<void> start(const domain::RunStarted& started, base::Timestamp at);
  base::Result<void> play(const Slot& slot);
  /// Ends the run: no new entries, positions closed at each symbol's last price, with costs. Then the ledger is
  /// compared with the venue's own account, to the last digit. Errors: Conflict if they differ or a position could not
  /// be closed.
  base::Result<void> finish();

  std::uint64_t bars() const { return bars_; }
  std::uint64_t events() const { return sequencer_.last_seq(); }

 private:
  template <class E>
  base::Result<void> deliver(E&& event, base::Timestamp ts);
  base::Result<void> handle();
  base::Result<void> carry(const execution::Command& command, base::Timestamp now);
  base::Result<void> pump(base::Timestamp until);
  base::Result<void> audit() const;
  base::Result<void> settle(const Slot& slot, base::Timestamp from, base::Timestamp to);

  engine::Engine& engine_;
  simvenue::SimVenue& venue_;
  kernel::Sequencer& sequencer_;
  SessionObserver* observer_;
  kernel::Envelope envelope_;  // the one being handled; kept so that a bar is not moved four times
  engine::Outbox outbox_;
  base::Bytes command_bytes_;
  base::Timestamp now_;
  std::uint64_t bars_ = 0;
};

/// The canonical bytes of a command, as journaled.
void encode(const execution::Command& command, base::Bytes& out);

}  // namespace qtrader::apps
