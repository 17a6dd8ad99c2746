// FillRecovery: fetches executions the user stream did not bring: of one order whose cumulative quantity is ahead of
// its fills, and of all active symbols after the stream was away.
//
// Trade lists name orders by the exchange's id only; ids we do not know are looked up, so that fills of our orders
// reach them, liquidations are booked as such, and somebody else's are left alone.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "edge/binance/backoff.hpp"
#include "edge/binance/messages_rest.hpp"
#include "edge/binance/order_inquiry.hpp"

namespace qtrader::binance {

class FillRecovery {
 public:
  FillRecovery(const Surroundings& around, OrderTracker& tracker, OrderInquiry& inquiry);

  /// To be told of every change (OrderTracker::listen): if fills stay missing for a moment, they are fetched.
  void watch(const TrackedOrder& order);
  /// Fetches the order's executions now. done(false): the exchange did not answer.
  void fetch(const TrackedOrder& order, std::function<void(bool)> done);
  /// All executions of the active symbols since the last one seen, or since `since` where none was.
  void catch_up(base::Timestamp since, std::function<void(bool)> done);

  std::size_t outstanding() const { return pending_.size(); }  // orders whose fills are missing

 private:
  struct Pending {
    Alarm alarm;
    Backoff wait = retry_backoff();
  };
  struct CatchUp {
    base::Timestamp since;
    std::vector<domain::SymbolId> symbols;
    std::function<void(bool)> done;
    bool complete = true;
  };

  void retry(domain::ClientOrderId id);
  void next_symbol(std::shared_ptr<CatchUp> run);
  void fetch_page(std::shared_ptr<CatchUp> run, domain::SymbolId symbol, std::int64_t from_id);
  void book(domain::SymbolId symbol, const std::vector<UserTrade>& trades, std::function<void(bool)> done);
  void identify(domain::SymbolId symbol, UserTrade trade, std::function<void(bool)> done);

  const Surroundings& around_;
  OrderTracker& tracker_;
  OrderInquiry& inquiry_;
  std::map<std::uint64_t, Pending> pending_;
  Lifeline life_;
};

Execution to_execution(const UserTrade& trade);

}  // namespace qtrader::binance
