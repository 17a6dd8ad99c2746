// Backoff: how long to wait before trying again: doubling from `first` to `most`, with jitter where many might retry at
// the same moment (reconnects), exact where one order waits (fund.md 3.6: 0.5·2ⁿ, at most 10 s).
#pragma once

#include <algorithm>

#include "core/base/rng.hpp"
#include "core/base/time.hpp"

namespace qtrader::binance {

class Backoff {
 public:
  Backoff(base::Duration first, base::Duration most) : first_(first), most_(most) {}

  base::Duration next() {
    const base::Duration wait = std::min(most_, base::Duration{first_.ns << std::min(tries_, 20)});
    ++tries_;
    return wait;
  }
  /// Between half and all of next().
  base::Duration next(base::Rng& rng) {
    const base::Duration wait = next();
    return {wait.ns / 2 + static_cast<std::int64_t>(rng.uniform() * static_cast<double>(wait.ns / 2))};
  }
  void reset() { tries_ = 0; }
  int tries() const { return tries_; }

 private:
  base::Duration first_, most_;
  int tries_ = 0;
};

inline Backoff reconnect_backoff() { return {base::seconds(1), base::seconds(60)}; }
inline Backoff retry_backoff() { return {base::milliseconds(500), base::seconds(10)}; }

}  // namespace qtrader::binance
