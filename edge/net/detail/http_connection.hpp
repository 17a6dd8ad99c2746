// HttpConnection: one client of an HttpServer, from its first byte until it is closed or becomes a WebSocket.
//
// Requests that arrive together are handed out at once; the answers leave in the order of the requests, whenever each
// is given. Reading stops while too many answers are outstanding or unsent, so that a client cannot fill memory.
#pragma once

#include "edge/net/detail/stream.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "edge/net/detail/message.hpp"
#include "edge/net/server.hpp"

namespace qtrader::net {

class HttpConnection;

/// What a server's connections share with it. It outlives the server while a connection unwinds.
struct ServerCore {
  ServerCore(Loop& on, ServerConfig with, HttpServer::Handlers call)
      : loop(on), config(std::move(with)), handlers(std::move(call)) {}
  Loop& loop;
  ServerConfig config;
  HttpServer::Handlers handlers;
  std::unordered_set<std::shared_ptr<HttpConnection>> connections;
  std::size_t open = 0;  // connections and the WebSockets they have become
};

struct ConnectionSetup {
  std::unique_ptr<Stream> stream;
  std::string peer;
  std::shared_ptr<void> slot;
  bool turn_away = false;  // too many connections: answer 503
};

class HttpConnection final : public StreamEvents, public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(std::shared_ptr<ServerCore> core, ConnectionSetup setup);

  void start();
  void answer(std::uint64_t request, HttpResponse response);
  void cut();
  void end() { close(); }  // the server is gone

 private:
  using Clock = std::chrono::steady_clock;
  struct Slot {
    std::optional<HttpResponse> answer;
    ResponseStyle style;
  };

  void on_handshake(error_code ec) override;
  void on_read(error_code ec, std::size_t bytes) override;
  void on_written(error_code ec) override;
  void on_finished() override { close(); }

  void read_more();
  void handle_input();
  bool take_request();
  bool handle_request();
  bool may_take_more() const;
  void answer_last(int status);
  void release_answers();
  void flush();
  void sent_all();
  void post_upgrade();
  void handle_upgrade();
  void become_websocket(std::string accepted);
  void watch_idle(base::Duration wait);
  void check_idle();
  void close();

  const std::shared_ptr<ServerCore> core_;
  std::unique_ptr<Stream> stream_;
  const std::string peer_;
  std::shared_ptr<void> slot_;
  const bool turn_away_;

  std::string in_;
  std::size_t in_begin_ = 0, in_end_ = 0;
  RequestParser parser_;
  std::deque<Slot> slots_;           // requests not yet answered, in order
  std::uint64_t first_request_ = 0;  // number of slots_.front()
  std::string out_, sending_;        // what is due, and what is being written
  bool reading_ = false, writing_ = false, corked_ = false, continue_sent_ = false;
  bool last_taken_ = false;  // no request follows the ones taken
  bool upgrade_posted_ = false;
  bool upgrade_wanted_ = false;  // the request in parser_ is a WebSocket handshake
  bool peer_ended_ = false, finishing_ = false, closed_ = false;
  Clock::time_point active_ = Clock::now();
  Timer idle_timer_;
};

}  // namespace qtrader::net
