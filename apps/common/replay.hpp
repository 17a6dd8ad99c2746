// Replay: runs a journal's inputs through a core built from its header and compares every output byte for byte.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/common/run_header.hpp"
#include "core/engine/engine.hpp"
#include "core/kernel/journal.hpp"

namespace qtrader::apps {

/// Where two runs part: the frame's place, and both sides in readable form.
struct Difference {
  std::uint64_t frame = 0;  // index over the journal
  std::uint64_t seq = 0;    // of the input being handled
  std::string recorded, replayed;
};

/// Compares what a core says now with the frames recorded after the same input, in order.
class OutputCheck {
 public:
  struct Output {
    kernel::FrameKind kind = kernel::FrameKind::Output;
    base::Bytes bytes;
  };
  /// The core has handled an input: these outputs must follow in the journal.
  void expect(const engine::Outbox& outbox);
  /// A recorded Output or Command frame; nothing if it is the one expected.
  std::optional<std::pair<std::string, std::string>> differs(const kernel::Frame& recorded);
  /// Expected but not recorded yet. Not empty before the next input means a difference; at the end of the journal, that
  /// a crash came before they were written.
  std::vector<Output> missing() const {
    return {pending_.begin() + static_cast<std::ptrdiff_t>(matched_), pending_.end()};
  }

 private:
  std::vector<Output> pending_;
  std::size_t matched_ = 0;
};

/// A frame for a person.
std::string describe(kernel::FrameKind kind, base::ByteView bytes);

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
