// Rng: the only source of randomness, xoshiro256** (Blackman & Vigna 2021) with our own distributions.
//
// Seeded explicitly, always. fork("name") gives an independent child stream whose values depend only on the parent's
// seed and the name, so a new consumer disturbs no other. Standard-library distributions are not used: they differ
// between implementations.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace qtrader::base {

class Rng {
 public:
  explicit Rng(std::uint64_t seed);

  /// A child stream that depends on this stream's seed and the name, not on how much was drawn.
  Rng fork(std::string_view name) const;

  std::uint64_t next();
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform in [0, bound), unbiased (Lemire 2019). bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Standard normal, Marsaglia's polar method with det_math's log.
  double normal();
  /// Student's t with `dof` degrees of freedom scaled to unit variance (dof > 2): fat tails.
  double student_t(int dof);

  std::uint64_t seed() const { return seed_; }

  template <class Archive>
  void archive(Archive& a) {
    a(seed_, state_, spare_, has_spare_);
  }

 private:
  std::uint64_t seed_;
  std::array<std::uint64_t, 4> state_{};
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace qtrader::base
