// CoreHost: one core with its journal: every event goes on record before the core sees it, every command before it
// leaves.
//
// In the flow: a world (simulated or real) delivers events and time; commands go to the Venue it set. It starts fresh
// or recovers: newest snapshot, then the journal's tail replayed and compared with what was recorded, then new frames
// after it. Never reads a clock, never decides.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "apps/common/run_header.hpp"
#include "apps/common/session.hpp"
#include "apps/common/strategies.hpp"
#include "apps/live/state_dir.hpp"
#include "core/engine/engine.hpp"
#include "core/kernel/sequencer.hpp"
#include "edge/store/journal_file.hpp"

namespace qtrader::apps {

struct HostOptions {
  bool fsync = false;                                // the journal survives a crash of the machine, too
  base::Duration snapshot_every = base::minutes(5);  // of the core's time
  /// Builds the strategy instead of the name in the configuration; for tests that must say when to trade.
  std::function<std::unique_ptr<fund::Strategy>()> strategy;
};

class CoreHost {
 public:
  /// A new journal if the directory has none, else recovery. The header of an existing journal must agree in everything
  /// but the code version. Errors: Conflict naming what differs, or the first frame the replay does not reproduce;
  /// those of the journal and the models.
  static base::Result<std::unique_ptr<CoreHost>> open(StateDir state, RunHeader header, std::vector<LoadedModel> models,
                                                      HostOptions options);

  /// Where commands go from now on. Replayed commands were never carried again.
  void set_venue(execution::Venue* venue) { venue_ = venue; }
  void set_observer(SessionObserver* observer) { observer_ = observer; }

  bool recovered() const { return recovered_; }
  const RunHeader& header() const { return header_; }
  const engine::Engine& core() const { return *engine_; }
  base::Timestamp now() const { return sequencer_->now(); }
  std::uint64_t events() const { return sequencer_->last_seq(); }
  std::uint64_t digest() const { return sequencer_->digest(); }

  /// May be called from within a venue call: handled after the event at hand. After an error (a full disk, say) the
  /// core must not go on: every later call returns it.
  base::Result<void> deliver(domain::Event event, base::Timestamp at);
  /// Fires every timer due until now.
  base::Result<void> fire_timers(base::Timestamp now);
  std::optional<base::Timestamp> next_timer() const { return engine_->next_timer_due(); }

  /// Saves the core beside a fresh journal segment, if it is time (or at once).
  base::Result<void> snapshot(bool at_once = false);
  /// The End frame: this run is over and will not be resumed.
  base::Result<void> end();

 private:
  CoreHost(StateDir state, RunHeader header, HostOptions options);
  base::Result<void> build(std::vector<LoadedModel> models);
  base::Result<void> create();
  base::Result<void> recover();
  base::Result<void> handle(kernel::Envelope envelope);
  base::Result<void> drain();

  StateDir state_;
  RunHeader header_;
  HostOptions options_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<store::JournalWriter> journal_;
  std::optional<kernel::Sequencer> sequencer_;
  execution::Venue* venue_ = nullptr;
  SessionObserver* observer_ = nullptr;
  std::deque<kernel::Envelope> waiting_;
  bool handling_ = false;
  engine::Outbox outbox_;
  base::Bytes command_bytes_;
  base::Timestamp last_snapshot_;
  bool recovered_ = false;
  std::optional<base::Error> failed_;
};

}  // namespace qtrader::apps
