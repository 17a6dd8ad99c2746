// Digest: a running fingerprint of a frame sequence. Two runs with equal digests saw and said the same bytes.
#pragma once

#include "core/base/hash.hpp"
#include "core/kernel/journal.hpp"

namespace qtrader::kernel {

class Digest {
 public:
  Digest() = default;
  /// Continues where a digest stood.
  explicit Digest(std::uint64_t value) : value_(value) {}
  /// value ← XXH64(payload, mix(mix(value ⊕ kind·2⁵⁶ ⊕ seq) ⊕ ts)): order, kind, number, time and content all count.
  /// The mixing keeps a change of seq from cancelling one of ts.
  void add(const Frame& frame) {
    const std::uint64_t place = mix(value_ ^ (static_cast<std::uint64_t>(frame.kind) << 56) ^ frame.seq);
    value_ = base::xxh64(frame.payload, mix(place ^ static_cast<std::uint64_t>(frame.ts.ns)));
  }
  std::uint64_t value() const { return value_; }

  template <class Archive>
  void archive(Archive& a) {
    a(value_);
  }

 private:
  /// SplitMix64's finaliser (Steele, Lea, Flood 2014): a bijection in which every input bit reaches every output bit.
  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  std::uint64_t value_ = 0x5154'5241'4445'5231ULL;  // "QTRADER1"
};

}  // namespace qtrader::kernel
