// UserStreams: the private side of the streams: each account's events, in Binance's order of sequences.
//
// In the flow: the server gives it what happened at once as one batch; sockets subscribe with a listen key, which is
// also the stream's name. The matching engine tells an execution and the balance it changed as two events; here they
// become TRADE_LITE, ACCOUNT_UPDATE, ORDER_TRADE_UPDATE, in this order. It knows no sockets.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "edge/exchange/accounts.hpp"
#include "edge/exchange/subscriber.hpp"
#include "edge/matching/exchange.hpp"

namespace qtrader::exchange {

class UserStreams {
 public:
  /// The exchange must outlive it.
  explicit UserStreams(const matching::Exchange& exchange) : exchange_(exchange) {}

  void subscribe(const std::string& listen_key, matching::AccountId account, Subscriber& subscriber);
  void unsubscribe(const std::string& listen_key, Subscriber& subscriber);
  /// Accounts with at least one socket.
  std::vector<matching::AccountId> attached_accounts() const;
  /// Keys with at least one socket, of one account or of all.
  std::vector<std::string> keys(std::optional<matching::AccountId> account) const;

  void on_batch(const std::vector<matching::ExchangeEvent>& events);
  /// Tells the key's sockets that it has run out, then forgets them.
  void expire(const std::string& listen_key);
  std::uint64_t published() const { return published_; }

 private:
  struct Stream {
    matching::AccountId account;
    std::vector<Subscriber*> subscribers;
  };
  bool wanted(matching::AccountId account) const;
  void publish(matching::AccountId account, std::string_view event, std::string payload);
  void send(const matching::OrderEvent& event, bool after_trade_lite);
  void send_trade_lite(const matching::OrderEvent& event);
  void send(const matching::AccountEvent& event);
  void send_other(const matching::ExchangeEvent& event);

  const matching::Exchange& exchange_;
  std::map<std::string, Stream> streams_;  // by listen key
  std::uint64_t published_ = 0;
};

}  // namespace qtrader::exchange
