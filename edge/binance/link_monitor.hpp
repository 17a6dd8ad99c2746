// LinkMonitor: whether venue and data can be relied on, from the states of the parts. Emits VenueLink when that
// changes.
//
// Ready: every part is fine. Degraded: a stream is away or the clock drifts; exits still work. Down: nothing can be
// relied on: not started, refused credentials, REST closed or silent.
#pragma once

#include <array>
#include <string>

#include "edge/binance/surroundings.hpp"

namespace qtrader::binance {

class LinkMonitor {
 public:
  /// In order of weight: the first that is not fine gives the reason.
  enum class Part : std::uint8_t { Credentials, Rest, Start, Clock, Market, User };
  static constexpr std::size_t kParts = 6;

  explicit LinkMonitor(const Surroundings& around) : around_(around) {
    trouble_[static_cast<std::size_t>(Part::Start)] = "starting";
  }
  void fine(Part part) { set(part, {}); }
  void trouble(Part part, std::string reason) { set(part, std::move(reason)); }
  bool is_fine(Part part) const { return trouble_[static_cast<std::size_t>(part)].empty(); }
  domain::LinkState state() const { return state_; }
  /// Emits the present state even if it has not changed.
  void announce();

 private:
  void set(Part part, std::string reason);
  void judge();
  void emit();

  const Surroundings& around_;
  std::array<std::string, kParts> trouble_;  // empty: fine
  domain::LinkState state_ = domain::LinkState::Down;
  std::string reason_;
  bool announced_ = false;
};

}  // namespace qtrader::binance
