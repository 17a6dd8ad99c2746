// Sequencer: gives events their place in the one total order, and journals them before anyone handles them.
//
// Single-threaded. admit() numbers, encodes, journals and digests an input; emit() does the same for what the core said
// about it. Time never runs backwards: an event that arrives late gets the time of the newest. Knows nothing of
// handlers.
#pragma once

#include "core/base/archive.hpp"
#include "core/domain/audit.hpp"
#include "core/kernel/digest.hpp"
#include "core/kernel/envelope.hpp"
#include "core/kernel/journal.hpp"

namespace qtrader::kernel {

class Sequencer {
 public:
  /// journal may be null: the digest is kept all the same.
  explicit Sequencer(Journal* journal) : journal_(journal) {}

  /// Writes the frame every replay starts from. First call, once.
  base::Result<void> begin(base::ByteView header);
  /// Instead of begin: goes on after the last frame of a journal, whose values these are.
  void resume(Seq last, base::Timestamp now, std::uint64_t digest);
  /// Assigns the next sequence number and, where the envelope's time is before the newest, that time. It is on record
  /// when this returns.
  base::Result<void> admit(Envelope& envelope);
  /// Records an output of the envelope admitted last.
  base::Result<void> emit(const domain::AuditRecord& record);
  /// Records a command caused by the envelope admitted last; `bytes` is its canonical form.
  base::Result<void> emit_command(base::ByteView bytes);
  /// Recovery: an output or command of the envelope admitted last that a crash kept from being written.
  base::Result<void> put(FrameKind kind, base::ByteView payload);
  base::Result<void> end();
  /// Before a command leaves the process.
  base::Result<void> sync();

  std::uint64_t digest() const { return digest_.value(); }
  Seq last_seq() const { return seq_; }
  base::Timestamp now() const { return now_; }

 private:
  Journal* journal_;  // not owned
  Digest digest_;
  Seq seq_ = 0;
  base::Timestamp now_;
  base::Bytes buffer_;  // reused for every encoding
};

}  // namespace qtrader::kernel
