// AccountReader: reads what the account is at the exchange: snapshots (positions with leverage and mode, open orders of
// both services, wallet), one at a time, tried until it succeeds; and the account's settings at the start.
#pragma once

#include <functional>
#include <memory>

#include "edge/binance/backoff.hpp"
#include "edge/binance/messages_rest.hpp"
#include "edge/binance/surroundings.hpp"

namespace qtrader::binance {

class AccountReader {
 public:
  explicit AccountReader(const Surroundings& around) : around_(around) {}

  /// An AccountSnapshot leaves through the sink. A request while one is under way is the same request.
  void request();
  /// The same, not sooner than a moment after the last one: for causes that come in bursts.
  void request_soon();
  /// Called after each snapshot that left.
  void on_snapshot(std::function<void(const domain::AccountSnapshot&)> hook) { hook_ = std::move(hook); }
  /// Settings and wallet. Errors: Unavailable naming what did not answer.
  void read_state(std::function<void(base::Result<AccountState>)> done);
  void stop();
  bool busy() const { return snapshot_ != nullptr || soon_ != nullptr; }

 private:
  void begin();
  void read_positions();
  void read_orders();
  void read_algo_orders();
  void read_wallet();
  void finish();
  void again();
  void add(const std::vector<PositionRisk>& positions);
  void add(const RestOrder& order);
  void add(const RestAlgoOrder& order);

  const Surroundings& around_;
  std::unique_ptr<domain::AccountSnapshot> snapshot_;  // being read
  bool stopped_ = false, hedge_mode_ = false;
  Backoff backoff_ = retry_backoff();
  Alarm retry_, soon_;
  std::function<void(const domain::AccountSnapshot&)> hook_;
  Lifeline life_;
};

}  // namespace qtrader::binance
