#include "edge/exchange/pacer.hpp"

#include <algorithm>

namespace qtrader::exchange {
namespace {

constexpr base::Duration kSlice = base::milliseconds(5);      // then the loop gets its turn
constexpr base::Duration kCatchUp = base::milliseconds(20);   // what a request may wait for the market
constexpr base::Duration kCongested = base::milliseconds(2);  // pause for clients to read
constexpr base::Duration kShortest = base::milliseconds(1), kLongest = base::milliseconds(100);
constexpr int kStepsBetweenLooks = 32;

}  // namespace

Pacer::Pacer(World& world, Config config) : world_(world), config_(std::move(config)) {}

void Pacer::start() {
  anchor_world_ = world_.now();
  anchor_steady_ = config_.steady();
}

base::Timestamp Pacer::target() const {
  const base::Duration passed = config_.steady() - anchor_steady_;
  if (rate() == 1) return anchor_world_ + passed;
  return anchor_world_ + base::Duration{static_cast<std::int64_t>(static_cast<double>(passed.ns) * rate())};
}

bool Pacer::play_until(base::Timestamp until, base::Duration budget) {
  const base::Timestamp begun = config_.steady();
  for (int steps = 1; world_.step(until); ++steps) {
    if (steps % kStepsBetweenLooks != 0) continue;
    const bool wait = rate() != 1 && config_.congested();
    if (!wait && config_.steady() - begun < budget) continue;
    start();  // the market is behind: time goes on from where it is
    return false;
  }
  world_.advance_to(until);
  return true;
}

void Pacer::catch_up() {
  if (config_.lockstep || free_running()) return;
  if (was_free_) {  // the source has ended since the last slice
    was_free_ = false;
    start();
  }
  play_until(target(), kCatchUp);
}

std::optional<base::Duration> Pacer::slice() {
  if (config_.lockstep) return std::nullopt;
  if (free_running()) {
    was_free_ = true;
    const base::Timestamp begun = config_.steady();
    for (int steps = 0; steps % kStepsBetweenLooks != 0 || !config_.congested(); ++steps) {
      if (!world_.play_tick()) return base::Duration{0};
      if (steps % kStepsBetweenLooks == 0 && config_.steady() - begun >= kSlice) return base::Duration{0};
    }
    return kCongested;
  }
  if (was_free_) {
    was_free_ = false;
    start();
  }
  if (!play_until(target(), kSlice)) return config_.congested() && rate() != 1 ? kCongested : base::Duration{0};
  const auto due = world_.next_due();
  if (!due) return kLongest;
  const double wait = static_cast<double>((*due - world_.now()).ns) / rate();
  return base::Duration{
      static_cast<std::int64_t>(std::clamp(wait, static_cast<double>(kShortest.ns), static_cast<double>(kLongest.ns)))};
}

}  // namespace qtrader::exchange
