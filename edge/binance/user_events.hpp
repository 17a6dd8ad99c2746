// UserEvents: what the messages of the user stream mean: progress and executions of our orders to the tracker, forced
// executions and funding payments to the core, and a request for a snapshot where something happened that is not ours.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>

#include "edge/binance/messages_rest.hpp"
#include "edge/binance/messages_user.hpp"
#include "edge/binance/order_tracker.hpp"
#include "edge/binance/surroundings.hpp"

namespace qtrader::binance {

class UserEvents {
 public:
  struct Handlers {
    std::function<void(std::string_view why)> wants_snapshot;
    std::function<void(domain::ClientOrderId)> wants_refresh;  // an order ended somewhere, we do not know how
    std::function<void(base::Timestamp)> wants_funding;        // a payment without a symbol: read the income list
    /// Rate and mark of a symbol's settlement at that time, as far as known.
    std::function<domain::FundingPayment(domain::SymbolId, base::Timestamp)> settlement;
  };
  UserEvents(const Surroundings& around, OrderTracker& tracker, Handlers handlers);

  void on(const UserMessage& message);
  /// Funding payments of the income list; those the stream brought are not repeated.
  void on_income(const std::vector<Income>& income);

  /// Orders of the stop probe: nobody's business but the probe's.
  static constexpr std::string_view kProbePrefix = "qt-probe-";

 private:
  void on(const OrderTradeUpdate& update);
  void on(const AlgoUpdate& update);
  void on(const AccountUpdate& update);
  TrackedOrder& tracked(domain::ClientOrderId id, domain::SymbolId symbol, TrackedOrder facts);
  void pay(domain::SymbolId symbol, domain::Money amount, base::Timestamp at);

  const Surroundings& around_;
  OrderTracker& tracker_;
  const Handlers handlers_;
  std::map<std::uint16_t, domain::Quantity> positions_;
  std::set<std::pair<std::uint16_t, std::int64_t>> paid_;  // symbol and hour
  std::deque<std::pair<std::uint16_t, std::int64_t>> paid_order_;
};

}  // namespace qtrader::binance
