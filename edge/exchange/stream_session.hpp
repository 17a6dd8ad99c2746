// StreamSession: one socket of market or user streams: its subscriptions, control frames and life.
//
// In the flow: the server makes one for each WebSocket outside the WebSocket API; it subscribes at MarketStreams and
// UserStreams and passes messages on to the socket, through the server's faults. Life (pings, 24 hours, control frames
// a second) is measured in wall time, given in; it reads no clock and never closes the socket itself.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "edge/exchange/market_streams.hpp"
#include "edge/exchange/user_streams.hpp"
#include "edge/net/websocket.hpp"

namespace qtrader::exchange {

inline constexpr std::size_t kMaxStreams = 1'024;

/// When a socket needs a ping, and when its time is over: a ping every 3 minutes, no pong for 10, 24 hours of age.
class SocketLife {
 public:
  enum class Need : std::uint8_t { Nothing, Ping, Drop };
  explicit SocketLife(Timestamp wall) : opened_(wall), last_ping_(wall), last_pong_(wall) {}
  void on_pong(Timestamp wall) { last_pong_ = wall; }
  Need check(Timestamp wall);

 private:
  Timestamp opened_, last_ping_, last_pong_;
};

class StreamSession final : public Subscriber {
 public:
  struct Rooms {
    MarketStreams& market;
    UserStreams& users;
    /// The account of a valid listen key.
    std::function<std::optional<matching::AccountId>(const std::string& key)> account_of;
    /// Passes a message to the session's socket, or loses, delays, doubles it. Empty: straight to the socket.
    std::function<void(StreamSession& session, const StreamMessage& message)> emit;
    bool strict_routes = false;
    bool limit_frames = true;  // ten control frames a second
  };

  /// rooms must outlive it. Subscribes what the target names.
  StreamSession(Rooms& rooms, std::shared_ptr<net::WebSocket> socket, SocketTarget target, Timestamp wall);
  ~StreamSession() override;
  StreamSession(const StreamSession&) = delete;
  StreamSession& operator=(const StreamSession&) = delete;

  /// A control frame. False: more than ten of them within a second, disconnect.
  bool on_text(std::string_view text, Timestamp wall);
  SocketLife& life() { return life_; }

  void deliver(const StreamMessage& message) override;
  /// To the socket, wrapped if this session wants it so.
  void send(const StreamMessage& message);

  const std::shared_ptr<net::WebSocket>& socket() const { return socket_; }
  bool combined() const { return combined_; }
  bool has_user_stream() const { return user_streams_ > 0; }
  bool has_market_stream() const { return names_.size() > user_streams_; }

 private:
  bool subscribe(const std::string& name);
  void unsubscribe(const std::string& name);
  bool routed_here(StreamRoute route) const;
  std::string answer(std::string_view text);

  Rooms& rooms_;
  std::shared_ptr<net::WebSocket> socket_;
  SocketTarget target_;
  bool combined_;
  std::vector<std::string> names_;  // in order of subscription, also of those that are silent
  std::size_t user_streams_ = 0;
  SocketLife life_;
  std::deque<Timestamp> frames_;  // control frames of the last second
};

}  // namespace qtrader::exchange
