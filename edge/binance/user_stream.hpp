// UserStream: the /private socket and its listenKey: started, kept alive every 30 minutes, replaced when it expires.
//
// Hands over parsed messages and says when it is up (again) or down; what was missed in between is others' to fetch.
// A new key after an expiry also counts as having been away.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "edge/binance/messages_rest.hpp"
#include "edge/binance/messages_user.hpp"
#include "edge/binance/stream_socket.hpp"
#include "edge/binance/surroundings.hpp"

namespace qtrader::binance {

class UserStream {
 public:
  struct Handlers {
    std::function<void(const UserMessage&)> on_message;
    std::function<void()> on_up;  // after a start, a loss or a new key: events may have been missed
    std::function<void(std::string_view reason)> on_down;
    std::function<void(const base::Error&)> on_unreadable;
  };
  UserStream(const Surroundings& around, Handlers handlers);

  void start();
  void stop();
  bool up() const { return up_; }
  void barrier(std::function<void()> done) { socket_.barrier(std::move(done)); }

 private:
  void obtain_key();
  void on_key(const std::string& key);
  void keep_alive();
  void on_text(std::string_view text);
  void go_down(std::string_view reason);

  const Surroundings& around_;
  const Handlers handlers_;
  std::string key_;
  bool running_ = false, up_ = false, obtaining_ = false;
  Backoff backoff_ = reconnect_backoff();
  base::Rng rng_;
  Alarm keep_alive_, retry_;
  StreamSocket socket_;
  Lifeline life_;
};

}  // namespace qtrader::binance
