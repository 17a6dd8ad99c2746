// ClockSync: the difference between the exchange's clock and ours, from rounds of /fapi/v1/time. Pure.
//
// A round says: the server's clock read `server` somewhere between our `sent` and `received`; half the round trip is
// the best guess. The median of five rounds survives two that were delayed on one way only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "core/base/time.hpp"

namespace qtrader::binance {

class ClockSync {
 public:
  static constexpr std::size_t kRounds = 5;
  static constexpr std::size_t kEnough = 3;  // of them, if some got no answer

  void add(base::Timestamp sent, base::Timestamp server, base::Timestamp received) {
    const base::Duration half{(received - sent).ns / 2};
    offsets_.push_back(server + half - received);
  }
  std::size_t rounds() const { return offsets_.size(); }
  /// server − ours; nullopt with too few rounds.
  std::optional<base::Duration> offset() const {
    if (offsets_.size() < kEnough) return std::nullopt;
    std::vector<base::Duration> sorted = offsets_;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return *middle;
  }

 private:
  std::vector<base::Duration> offsets_;
};

}  // namespace qtrader::binance
