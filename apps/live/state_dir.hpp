// StateDir: everything a trader must find again after it was killed: the journal, snapshots of the core that let a
// restart skip most of it, copies of the models, and the kill latch.
//
//   STATE/journal/journal-NNNNNN.qtj   STATE/journal/models/   STATE/snapshots/NNNNNN.qts   STATE/KILLED
//
// Every file appears whole or not at all. The journal's lock makes one process the owner. Nothing here interprets what
// is stored.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/base/archive.hpp"
#include "core/base/result.hpp"
#include "core/kernel/envelope.hpp"

namespace qtrader::apps {

/// The core as it was before the first frame of a journal segment.
struct CoreSnapshot {
  std::uint32_t segment = 0;
  kernel::Seq seq = 0;
  base::Timestamp now;
  std::uint64_t digest = 0;  // of all frames before
  base::Bytes engine;
};

class StateDir {
 public:
  /// Makes what is missing. Errors: Io, NoSpace.
  static base::Result<StateDir> open(const std::filesystem::path& root);

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path journal() const { return root_ / "journal"; }
  bool has_journal() const;

  /// Atomically; the two newest are kept.
  base::Result<void> save(const CoreSnapshot& snapshot) const;
  /// The newest that is whole; nothing if there is none. A damaged one is passed over: the journal has it all.
  std::optional<CoreSnapshot> newest_snapshot() const;

  /// A latched kill survives restarts until an operator clears it. The reason it was set for, if it is.
  std::optional<std::string> kill_reason() const;
  base::Result<void> latch_kill(const std::string& reason) const;
  base::Result<void> clear_kill() const;

 private:
  explicit StateDir(std::filesystem::path root) : root_(std::move(root)) {}
  std::filesystem::path root_;
};

}  // namespace qtrader::apps
