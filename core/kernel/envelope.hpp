// Envelope: an event with its place in the one total order.
#pragma once

#include "core/base/reflect.hpp"
#include "core/domain/events.hpp"

namespace qtrader::kernel {

/// 1, 2, … without gaps within a run.
using Seq = std::uint64_t;

struct Envelope {
  Seq seq = 0;
  base::Timestamp ts_recv;  // the core's "now"; never decreases
  domain::Event event;
};
QT_DESCRIBE(Envelope, seq, ts_recv, event)

}  // namespace qtrader::kernel
