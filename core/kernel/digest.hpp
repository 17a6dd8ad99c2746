// Digest: a running fingerprint of a frame sequence. Two runs with equal digests saw and said the same bytes.
#pragma once

#include "core/base/hash.hpp"
#include "core/kernel/journal.hpp"

namespace qtrader::kernel {

class Digest {
 public:
  /// value ← XXH64(payload, value ⊕ kind ⊕ seq): order, kind and content all count.
  void add(const Frame& frame) {
    value_ = base::xxh64(frame.payload, value_ ^ (static_cast<std::uint64_t>(frame.kind) << 56) ^ frame.seq);
  }
  std::uint64_t value() const { return value_; }

  template <class Archive>
  void archive(Archive& a) {
    a(value_);
  }

 private:
  std::uint64_t value_ = 0x5154'5241'4445'5231ULL;  // "QTRADER1"
};

}  // namespace qtrader::kernel
