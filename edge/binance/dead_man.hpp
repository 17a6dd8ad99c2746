// DeadMan: while entry orders rest in a symbol's book, tells the exchange every heartbeat to cancel all orders of that
// symbol should we fall silent for countdown_s; switches it off when none is left. Market orders never rest and stops
// wait at the algo service, which the countdown does not touch.
#pragma once

#include <map>
#include <set>

#include "edge/binance/order_tracker.hpp"
#include "edge/binance/surroundings.hpp"

namespace qtrader::binance {

class DeadMan {
 public:
  explicit DeadMan(const Surroundings& around) : around_(around) {}
  /// To be told of every change (OrderTracker::listen).
  void on_change(const TrackedOrder& order);
  void stop();

 private:
  void beat(std::uint16_t symbol);
  void release(std::uint16_t symbol, int tries);

  struct Watch {
    std::set<std::uint64_t> working;
    Alarm alarm;
  };
  const Surroundings& around_;
  std::map<std::uint16_t, Watch> watches_;
  Lifeline life_;
};

}  // namespace qtrader::binance
