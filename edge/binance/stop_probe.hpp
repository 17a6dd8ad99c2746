// StopProbe: the canary. Places the kind of stop the trader relies on, far from the market and reduce-only, reads it
// back and cancels it. One at a time.
#pragma once

#include <functional>

#include "edge/binance/messages_rest.hpp"
#include "edge/binance/surroundings.hpp"

namespace qtrader::binance {

class StopProbe {
 public:
  using Done = std::function<void(base::Result<void>)>;
  explicit StopProbe(const Surroundings& around) : around_(around) {}
  /// Errors: Unsupported saying which step failed and what the exchange answered; Unavailable without an answer.
  void run(Done done);

 private:
  void place(domain::Price mark);
  void read_back();
  void cancel();
  void finish(base::Result<void> result);
  void fail(const std::string& step, const ApiFailure& failure);

  const Surroundings& around_;
  domain::SymbolId symbol_;
  domain::Price trigger_;
  std::string wire_id_;
  base::Result<void> outcome_;
  Done done_;
  Lifeline life_;
};

}  // namespace qtrader::binance
