// WebSocket: one open connection, server's or client's end. Text frames only.
//
// Sends are queued up to a bound; a peer that does not read is disconnected rather than allowed to fill memory. Pings
// are answered by the room. Destroying it closes the connection without a callback.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/time.hpp"

namespace qtrader::net {

struct WebSocketHandlers {
  std::function<void(std::string_view text)> on_text;  // valid during the call, with 64 readable bytes behind it
  std::function<void(std::string_view payload)> on_ping, on_pong;
  /// Once, however it ended; nothing is called afterwards. reason is for people.
  std::function<void(std::string_view reason)> on_close;
};

class WebSocket {
 public:
  virtual ~WebSocket() = default;
  virtual void set_handlers(WebSocketHandlers handlers) = 0;
  /// Queued; shared, so that one message to many sockets is built once.
  virtual void send(std::shared_ptr<const std::string> text) = 0;
  void send(std::string text) { send(std::make_shared<const std::string>(std::move(text))); }
  virtual void ping(std::string_view payload) = 0;
  /// Sends what is queued, then closes.
  virtual void close(std::string_view reason) = 0;
  /// Cuts the connection at once, as a fault would.
  virtual void abort() = 0;
  virtual std::size_t queued_bytes() const = 0;
};

}  // namespace qtrader::net
