#include "apps/common/replay.hpp"

#include <algorithm>

#include "apps/common/session.hpp"
#include "apps/common/strategies.hpp"
#include "core/base/json.hpp"
#include "edge/store/journal_file.hpp"

namespace qtrader::apps {
namespace {

base::Error bad(base::Errc code, std::string what) { return {"replay", code, std::move(what)}; }

base::Result<RunHeader> decode_header(const std::optional<store::StoredFrame>& first) {
  RunHeader header;
  if (!first || first->frame.kind != kernel::FrameKind::Header || !base::from_bytes(first->frame.payload, header))
    return bad(base::Errc::SchemaMismatch, "the journal does not begin with a readable header frame");
  if (header.schema != RunHeader().schema)
    return bad(base::Errc::SchemaMismatch,
               "journal schema '" + header.schema + "': expected '" + RunHeader().schema + "'");
  return header;
}

}  // namespace

std::string describe(kernel::FrameKind kind, base::ByteView bytes) {
  if (kind == kernel::FrameKind::Output) {
    domain::AuditRecord record;
    if (base::from_bytes(bytes, record)) return base::to_json(record);
  }
  if (kind == kernel::FrameKind::Input) {
    kernel::Envelope envelope;
    if (base::from_bytes(bytes, envelope)) return base::to_json(envelope);
  }
  if (kind == kernel::FrameKind::End) return "end of run";
  return (kind == kernel::FrameKind::Command ? "command of " : "undecodable frame of ") + std::to_string(bytes.size()) +
         " bytes, hash " + base::hex64(base::xxh64(bytes, 0));
}

void OutputCheck::expect(const engine::Outbox& outbox) {
  pending_.clear();
  matched_ = 0;
  for (const auto& record : outbox.audit) pending_.push_back({kernel::FrameKind::Output, base::to_bytes(record)});
  for (const auto& command : outbox.commands) {
    Output output{kernel::FrameKind::Command, {}};
    encode(command, output.bytes);
    pending_.push_back(std::move(output));
  }
}

std::optional<std::pair<std::string, std::string>> OutputCheck::differs(const kernel::Frame& recorded) {
  if (matched_ == pending_.size())
    return std::pair{describe(recorded.kind, recorded.payload),
                     std::string("nothing: the replay has no further output for this event")};
  const Output& expected = pending_[matched_];
  if (expected.kind != recorded.kind || !std::ranges::equal(recorded.payload, expected.bytes))
    return std::pair{describe(recorded.kind, recorded.payload), describe(expected.kind, expected.bytes)};
  ++matched_;
  return std::nullopt;
}

base::Result<RunHeader> read_header(const std::filesystem::path& journal) {
  QT_TRY(auto reader, store::JournalReader::open(journal));
  QT_TRY(const auto first, reader.next());
  return decode_header(first);
}

base::Result<ReplayOutcome> replay(const std::filesystem::path& journal, const ReplayObserver& observer) {
  ReplayOutcome outcome;
  QT_TRY(auto reader, store::JournalReader::open(journal));
  QT_TRY(auto frame, reader.next());
  QT_TRY(outcome.header, decode_header(frame));
  const RunHeader& header = outcome.header;
  QT_TRY(auto instruments, domain::InstrumentTable::create(header.instruments));
  QT_TRY(auto members, load_models(journal / "models", header.models));
  QT_TRY(auto strategy, make_strategy(header.engine, instruments.size(), std::move(members)));
  QT_TRY(auto engine, engine::Engine::create(header.engine, std::move(instruments), std::move(strategy)));

  engine::Outbox outbox;
  OutputCheck check;
  std::uint64_t seq = 0;
  const auto differs = [&](std::string recorded, std::string replayed) {
    outcome.difference = Difference{outcome.frames, seq, std::move(recorded), std::move(replayed)};
  };
  outcome.frames = 1;
  for (;;) {
    QT_TRY(frame, reader.next());
    if (!frame) break;
    const kernel::Frame& f = frame->frame;
    outcome.digest = frame->digest;
    if (f.kind == kernel::FrameKind::Input || f.kind == kernel::FrameKind::End) {
      if (const auto missing = check.missing(); !missing.empty()) {
        differs(describe(f.kind, f.payload), describe(missing[0].kind, missing[0].bytes));
        break;
      }
      if (f.kind == kernel::FrameKind::End) {
        outcome.complete = true;
        ++outcome.frames;
        continue;
      }
      kernel::Envelope envelope;
      if (!base::from_bytes(f.payload, envelope))
        return bad(base::Errc::Corrupt, "frame " + std::to_string(outcome.frames) + ": not a readable event");
      seq = envelope.seq;
      engine->step(envelope, outbox);
      if (observer) observer(envelope, outbox);
      check.expect(outbox);
      ++outcome.events;
    } else {
      if (auto difference = check.differs(f)) {
        differs(std::move(difference->first), std::move(difference->second));
        break;
      }
    }
    ++outcome.frames;
  }
  outcome.torn = reader.torn();
  return outcome;
}

}  // namespace qtrader::apps
