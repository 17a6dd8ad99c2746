#include "core/kernel/sequencer.hpp"

#include <algorithm>

namespace qtrader::kernel {

base::Result<void> Sequencer::put(FrameKind kind, base::ByteView payload) {
  const Frame frame{kind, seq_, now_, payload};
  if (journal_ != nullptr) QT_TRY_VOID(journal_->append(frame));
  digest_.add(frame);
  return {};
}

base::Result<void> Sequencer::begin(base::ByteView header) {
  QT_CHECK(seq_ == 0, "a run begins once");
  return put(FrameKind::Header, header);
}

void Sequencer::resume(Seq last, base::Timestamp now, std::uint64_t digest) {
  QT_CHECK(seq_ == 0, "a run resumes once, before its first event");
  seq_ = last;
  now_ = now;
  digest_ = Digest(digest);
}

base::Result<void> Sequencer::admit(Envelope& envelope) {
  now_ = envelope.ts_recv = std::max(now_, envelope.ts_recv);
  envelope.seq = ++seq_;
  buffer_.clear();
  base::Writer writer(buffer_);
  writer(envelope);
  return put(FrameKind::Input, buffer_);
}

base::Result<void> Sequencer::emit(const domain::AuditRecord& record) {
  buffer_.clear();
  base::Writer writer(buffer_);
  writer(record);
  return put(FrameKind::Output, buffer_);
}

base::Result<void> Sequencer::emit_command(base::ByteView bytes) { return put(FrameKind::Command, bytes); }

base::Result<void> Sequencer::end() { return put(FrameKind::End, {}); }

base::Result<void> Sequencer::sync() {
  if (journal_ == nullptr) return {};
  return journal_->sync();
}

}  // namespace qtrader::kernel
