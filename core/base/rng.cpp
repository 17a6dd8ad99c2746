#include "core/base/rng.hpp"

#include <bit>
#include <cmath>

#include "core/base/check.hpp"
#include "core/base/det_math.hpp"
#include "core/base/hash.hpp"

namespace qtrader::base {
namespace {

std::uint64_t splitmix(std::uint64_t& x) {
  std::uint64_t z = (x += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

Rng::Rng(std::uint64_t seed) : seed_(seed) {
  for (auto& s : state_) s = splitmix(seed);
}

Rng Rng::fork(std::string_view name) const { return Rng(xxh64(as_bytes(name), seed_)); }

std::uint64_t Rng::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::uint64_t Rng::below(std::uint64_t bound) {
  QT_CHECK(bound > 0, "Rng::below needs a positive bound");
  __extension__ using U128 = unsigned __int128;
  U128 m = static_cast<U128>(next()) * bound;
  if (static_cast<std::uint64_t>(m) < bound) {
    const std::uint64_t threshold = (0 - bound) % bound;
    while (static_cast<std::uint64_t>(m) < threshold) m = static_cast<U128>(next()) * bound;
  }
  return static_cast<std::uint64_t>(m >> 64);
}

double Rng::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  double u, v, s;
  do {
    u = uniform(-1, 1);
    v = uniform(-1, 1);
    s = u * u + v * v;
  } while (s >= 1 || s == 0);
  const double f = std::sqrt(-2 * det::log(s) / s);
  spare_ = v * f;
  has_spare_ = true;
  return u * f;
}

double Rng::student_t(int dof) {
  QT_CHECK(dof > 2, "student_t needs more than two degrees of freedom for a finite variance");
  double chi2 = 0;
  const double z = normal();
  for (int i = 0; i < dof; ++i) {
    const double n = normal();
    chi2 += n * n;
  }
  return z / std::sqrt(chi2 / dof) * std::sqrt((dof - 2.0) / dof);
}

}  // namespace qtrader::base
