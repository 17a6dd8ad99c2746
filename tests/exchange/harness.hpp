// What the rigs of this folder share: results that must be values, and waiting on a loop with an end.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

#include "core/base/result.hpp"
#include "edge/net/loop.hpp"

namespace qtrader::wire {

template <class T>
void check(const base::Result<T>& result) {
  if (!result) throw std::runtime_error(result.error().message());
}
template <class T>
T take(base::Result<T> result) {
  check(result);
  return std::move(result).value();
}
/// Throws after 20 s: a rig that hangs must fail its test, not the suite.
template <class Done>
void run_until(net::Loop& loop, const Done& done, const char* what) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    loop.run_for(base::milliseconds(10));
    if (std::chrono::steady_clock::now() > limit) throw std::runtime_error(std::string(what) + ": nothing in 20 s");
  }
}

}  // namespace qtrader::wire
