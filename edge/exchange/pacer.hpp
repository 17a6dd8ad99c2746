// Pacer: how fast the exchange's time runs: `speed` times real time, as fast as clients keep up (0), or not at all.
//
// In the flow: the server's timer calls slice(), a request calls catch_up() first. If the market cannot be played as
// fast as asked, time slows down rather than skip anything. The steady clock is given in, so that tests say the time.
#pragma once

#include <functional>

#include "edge/exchange/world.hpp"

namespace qtrader::exchange {

class Pacer {
 public:
  struct Config {
    double speed = 1;
    bool lockstep = false;
    std::function<base::Timestamp()> steady;  // any monotonic clock
    std::function<bool()> congested;          // a socket has too much queued
  };
  /// The world must outlive it.
  Pacer(World& world, Config config);

  /// Time starts to run from where the world is.
  void start();
  /// Plays for some milliseconds at most. How long to wait before the next slice; nothing: time does not run by itself.
  std::optional<base::Duration> slice();
  /// Before a request: the world's time becomes what it should be by now, unless it is far behind.
  void catch_up();

 private:
  bool free_running() const { return config_.speed <= 0 && !world_.finished(); }
  double rate() const { return config_.speed > 0 ? config_.speed : 1; }
  base::Timestamp target() const;
  bool play_until(base::Timestamp target, base::Duration budget);

  World& world_;
  Config config_;
  bool was_free_ = false;
  base::Timestamp anchor_world_, anchor_steady_;
};

}  // namespace qtrader::exchange
