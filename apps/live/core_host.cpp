#include "apps/live/core_host.hpp"

#include <fmt/format.h>

#include "apps/common/replay.hpp"

namespace qtrader::apps {
namespace {

/// Timers that arm themselves anew at once would never let time pass; no core does that.
constexpr int kTimersAtOnce = 10'000;

base::Error bad(base::Errc code, std::string what) { return {"host", code, std::move(what)}; }

/// The first field in which a restart asks for another run than the one on record; empty if there is none.
std::string difference(RunHeader recorded, RunHeader asked) {
  const auto differs = [](const auto& a, const auto& b) { return base::to_bytes(a) != base::to_bytes(b); };
  if (recorded.mode != asked.mode) return "mode is " + recorded.mode + ", asked for " + asked.mode;
  if (differs(recorded.engine, asked.engine)) return "the configuration is another one";
  if (recorded.models != asked.models) return "the models are other ones";
  if (recorded.instruments.size() != asked.instruments.size()) return "the symbols are other ones";
  for (std::size_t i = 0; i < recorded.instruments.size(); ++i)
    if (differs(recorded.instruments[i], asked.instruments[i]))
      return "the rules of " + recorded.instruments[i].symbol + " are not those of " + asked.instruments[i].symbol +
             " now";
  return {};
}

}  // namespace

CoreHost::CoreHost(StateDir state, RunHeader header, HostOptions options)
    : state_(std::move(state)), header_(std::move(header)), options_(std::move(options)) {}

base::Result<std::unique_ptr<CoreHost>> CoreHost::open(StateDir state, RunHeader header,
                                                       std::vector<LoadedModel> models, HostOptions options) {
  const bool exists = state.has_journal();
  if (exists) {
    QT_TRY(RunHeader recorded, read_header(state.journal()));
    if (const std::string text = difference(recorded, header); !text.empty())
      return bad(base::Errc::Conflict, state.root().string() + " belongs to another run: " + text +
                                           "; choose another --data-dir (open positions will be adopted)");
    header = std::move(recorded);
  }
  std::unique_ptr<CoreHost> host(new CoreHost(std::move(state), std::move(header), std::move(options)));
  if (!exists) QT_TRY_VOID(copy_models(models, host->state_.journal() / "models"));
  QT_TRY_VOID(host->build(std::move(models)));
  QT_TRY_VOID(exists ? host->recover() : host->create());
  return host;
}

base::Result<void> CoreHost::build(std::vector<LoadedModel> models) {
  QT_TRY(auto instruments, domain::InstrumentTable::create(header_.instruments));
  std::unique_ptr<fund::Strategy> strategy;
  if (options_.strategy) {
    strategy = options_.strategy();
  } else {
    QT_TRY(strategy, make_strategy(header_.engine, instruments.size(), std::move(models)));
  }
  QT_TRY(engine_, engine::Engine::create(header_.engine, std::move(instruments), std::move(strategy)));
  return {};
}

base::Result<void> CoreHost::create() {
  QT_TRY(journal_, store::JournalWriter::create(state_.journal(), {.fsync = options_.fsync}));
  sequencer_.emplace(journal_.get());
  QT_TRY_VOID(sequencer_->begin(base::to_bytes(header_)));
  return sequencer_->sync();
}

base::Result<void> CoreHost::recover() {
  const auto snapshot = state_.newest_snapshot();
  const std::uint32_t segment = snapshot ? snapshot->segment : 1;
  QT_TRY(journal_, store::JournalWriter::extend(state_.journal(), segment, {.fsync = options_.fsync}));
  kernel::Seq seq = 0;
  base::Timestamp at;
  if (snapshot) {
    QT_TRY_VOID(engine_->restore(snapshot->engine));
    seq = snapshot->seq;
    at = snapshot->now;
    last_snapshot_ = at;
  }
  QT_TRY(auto reader, store::JournalReader::open_at(state_.journal(), segment));
  OutputCheck check;
  for (;;) {
    QT_TRY(const auto frame, reader.next());
    if (!frame) break;
    const kernel::Frame& f = frame->frame;
    if (f.kind == kernel::FrameKind::Header) continue;
    if (f.kind == kernel::FrameKind::End)
      return bad(base::Errc::Conflict, state_.root().string() + ": this run has ended; choose another --data-dir");
    if (f.kind != kernel::FrameKind::Input) {
      if (const auto difference = check.differs(f))
        return bad(base::Errc::Conflict, fmt::format("frame {}: the journal says {}, this program {}", frame->index,
                                                     difference->first, difference->second));
      continue;
    }
    kernel::Envelope envelope;
    if (!base::from_bytes(f.payload, envelope))
      return bad(base::Errc::Corrupt, fmt::format("frame {}: not a readable event", frame->index));
    seq = envelope.seq;
    at = envelope.ts_recv;
    engine_->step(envelope, outbox_);
    check.expect(outbox_);
  }
  sequencer_.emplace(journal_.get());
  sequencer_->resume(seq, at, journal_->digest());
  // What the crash kept from being written. Commands among it never left: recovery asks for every order in flight.
  for (const auto& output : check.missing()) QT_TRY_VOID(sequencer_->put(output.kind, output.bytes));
  recovered_ = true;
  return sequencer_->sync();
}

base::Result<void> CoreHost::deliver(domain::Event event, base::Timestamp at) {
  if (failed_) return *failed_;
  waiting_.push_back({0, at, std::move(event)});
  return handling_ ? base::Result<void>() : drain();
}

base::Result<void> CoreHost::drain() {
  handling_ = true;
  base::Result<void> result;
  while (result && !waiting_.empty()) {
    kernel::Envelope next = std::move(waiting_.front());
    waiting_.pop_front();
    result = handle(std::move(next));
  }
  handling_ = false;
  if (!result) failed_ = result.error();
  return result;
}

base::Result<void> CoreHost::handle(kernel::Envelope envelope) {
  QT_TRY_VOID(sequencer_->admit(envelope));
  engine_->step(envelope, outbox_);
  for (const auto& record : outbox_.audit) QT_TRY_VOID(sequencer_->emit(record));
  for (const auto& command : outbox_.commands) {
    encode(command, command_bytes_);
    QT_TRY_VOID(sequencer_->emit_command(command_bytes_));
  }
  if (!outbox_.commands.empty()) QT_TRY_VOID(sequencer_->sync());
  if (observer_ != nullptr) observer_->on_step(envelope, outbox_);
  if (outbox_.commands.empty()) return {};
  const std::vector<execution::Command> commands = std::exchange(outbox_.commands, {});
  QT_CHECK(venue_ != nullptr, "a core that gives commands needs a venue");
  for (const auto& command : commands) QT_TRY_VOID(execution::carry(command, *venue_));
  return {};
}

base::Result<void> CoreHost::fire_timers(base::Timestamp now) {
  for (int fired = 0; fired < kTimersAtOnce; ++fired) {
    const auto timer = engine_->peek_timer(now);
    if (!timer) return {};
    QT_TRY_VOID(deliver(domain::TimerFired{timer->id, timer->tag, timer->argument}, std::max(timer->due, this->now())));
  }
  return bad(base::Errc::Conflict, "more than 10 000 timers fell due at once");
}

base::Result<void> CoreHost::snapshot(bool at_once) {
  if (!at_once && now() - last_snapshot_ < options_.snapshot_every) return {};
  QT_TRY_VOID(sequencer_->sync());
  QT_TRY(const std::uint32_t segment, journal_->cut());
  last_snapshot_ = now();
  return state_.save({segment, sequencer_->last_seq(), now(), sequencer_->digest(), engine_->snapshot()});
}

base::Result<void> CoreHost::end() {
  QT_TRY_VOID(sequencer_->end());
  return sequencer_->sync();
}

}  // namespace qtrader::apps
