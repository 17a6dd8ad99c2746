// Journal port: the append-only record of what the core saw (inputs) and what it said (outputs).
//
// Journal before dispatch; sync before a command leaves. Implementations live in edge/store. Frames carry a sequence
// number, a CRC and a chained digest; a torn tail is recovered to the last whole frame.
#pragma once

#include <cstdint>

#include "core/base/archive.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace qtrader::kernel {

/// Header: what is needed to build the core again. Input: an Envelope. Output: an AuditRecord. Command: what left for
/// the venue. End: the run finished.
enum class FrameKind : std::uint8_t { Header = 0, Input = 1, Output = 2, End = 3, Command = 4 };

struct Frame {
  FrameKind kind = FrameKind::Input;
  std::uint64_t seq = 0;  // of the envelope handled; outputs repeat the seq of their input
  base::Timestamp ts;
  base::ByteView payload;  // canonical bytes; valid during the call only
};

class Journal {
 public:
  virtual ~Journal() = default;
  /// Buffered. Errors: Io, NoSpace; after an error every later call fails too (the core must stop).
  virtual base::Result<void> append(const Frame& frame) = 0;
  /// Everything appended so far survives a crash of the process (and, with fsync on, of the machine).
  virtual base::Result<void> sync() = 0;
};

}  // namespace qtrader::kernel
