// Replay: runs a journal's inputs through a core built from its header and compares every output byte for byte.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "apps/common/run_header.hpp"
#include "core/engine/engine.hpp"

namespace qtrader::apps {

/// Where two runs part: the frame's place, and both sides in readable form.
struct Difference {
  std::uint64_t frame = 0;  // index over the journal
  std::uint64_t seq = 0;    // of the input being handled
  std::string recorded, replayed;
};

struct ReplayOutcome {
  RunHeader header;
  std::uint64_t frames = 0, events = 0;
  std::uint64_t digest = 0;  // of the recorded frames
  bool complete = false;     // the journal ends with its End frame
  bool torn = false;         // the last frame was cut off, as after a crash
  std::optional<Difference> difference;
};

/// Called after each replayed step.
using ReplayObserver = std::function<void(const kernel::Envelope&, const engine::Outbox&)>;

/// Stops at the first difference. Errors: those of reading (NotFound, Corrupt naming the frame), SchemaMismatch, and
/// Corrupt if a model beside the journal is not the one the header names.
base::Result<ReplayOutcome> replay(const std::filesystem::path& journal, const ReplayObserver& observer);

/// The decoded header of a journal.
base::Result<RunHeader> read_header(const std::filesystem::path& journal);

}  // namespace qtrader::apps
