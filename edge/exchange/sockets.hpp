// Sockets: the open WebSockets of the exchange: stream sessions and WebSocket API connections, with the faults that
// happen between a message and its socket.
//
// In the flow: the server opens a socket here after its handshake; messages come from the World's streams, frames of
// the WebSocket API go to a handler the server gives. Messages are lost, doubled, held and swapped here when the fault
// plan says so. Sockets are removed only from the loop, never inside a callback of theirs.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "edge/exchange/api.hpp"
#include "edge/exchange/faults.hpp"
#include "edge/exchange/stream_session.hpp"
#include "edge/exchange/world.hpp"
#include "edge/net/loop.hpp"

namespace qtrader::exchange {

/// Timers without an owner of their own: work that happens once, later, unless this is destroyed first.
class Later {
 public:
  explicit Later(net::Loop& loop) : loop_(loop) {}
  void run(base::Duration delay, std::function<void()> work);
  std::size_t pending() const { return timers_.size(); }

 private:
  net::Loop& loop_;
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, net::Timer> timers_;
};

class Sockets {
 public:
  struct ApiSocket {
    std::shared_ptr<net::WebSocket> socket;
    ApiSession session;
    SocketLife life;
  };
  struct Config {
    bool strict_routes = false;
    bool limit_frames = true;
    std::int64_t stream_latency_ms = 0;
    std::function<base::Timestamp()> steady;
    std::function<void(const std::shared_ptr<ApiSocket>& socket, std::string_view text)> on_api_frame;
    std::function<void()> before_frame;  // a control frame is about to be answered
  };
  Sockets(net::Loop& loop, World& world, FaultPlan& faults, Config config);

  void open_stream(std::shared_ptr<net::WebSocket> socket, SocketTarget target);
  void open_api(std::shared_ptr<net::WebSocket> socket, ApiSession session);
  /// Cuts sockets at once. channel: user, market, ws_api or all.
  void disconnect(std::string_view channel);
  /// Pings and ends what is due; to be called every few seconds.
  void sweep();

  std::size_t stream_sockets() const { return streams_.size(); }
  std::size_t api_sockets() const { return apis_.size(); }
  std::size_t queued_bytes() const;       // of all sockets
  std::size_t most_queued_bytes() const;  // of the slowest one
  Later& later() { return later_; }

 private:
  struct StreamSocket {
    std::unique_ptr<StreamSession> session;
    std::shared_ptr<const std::string> swapped;  // waits for the next message to overtake it
  };
  void emit(StreamSession& session, const StreamMessage& message);
  void put(StreamSession& session, const std::shared_ptr<const std::string>& text, const MessageFault& fault);
  void remove_later(std::uint64_t id);

  net::Loop& loop_;
  World& world_;
  FaultPlan& faults_;
  Config config_;
  StreamSession::Rooms rooms_;
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, StreamSocket> streams_;
  std::map<std::uint64_t, std::shared_ptr<ApiSocket>> apis_;
  std::map<StreamSession*, std::uint64_t> ids_;
  Later later_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // posted work looks whether this is still here
};

}  // namespace qtrader::exchange
