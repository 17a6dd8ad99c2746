// StreamSocket: one logical stream that outlives its connections.
//
// Connects to the URL it is told, reconnects after a loss (1 → 60 s, jittered), after silence, and on a plan before the
// exchange's 24 h limit: then the new connection is opened first and both deliver for a while, so nothing is lost;
// whoever reads must drop what it has already seen. Control replies are kept from the reader; barrier() is a round
// trip of one. It knows nothing of what the messages say.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "edge/binance/backoff.hpp"
#include "edge/binance/host.hpp"

namespace qtrader::binance {

class StreamSocket {
 public:
  struct Config {
    std::string name;  // for people: "market", "user"
    base::Duration stale_after = base::seconds(15);
    base::Duration renew_after = base::hours(23);
    bool expects_text = true;  // false: quiet is normal, a pong is life enough
    int frames_per_s = 8;      // control frames we send at most; the exchange cuts at 10. 0: no limit
    std::uint64_t seed = 0;    // of the jitter
  };
  struct Handlers {
    std::function<void(std::string_view text)> on_text;
    std::function<void()> on_up;                           // connected, after a start or a loss; not after a renewal
    std::function<void(std::string_view reason)> on_down;  // once per loss
  };
  StreamSocket(Host& host, Config config, Handlers handlers);

  void start(std::string url);
  /// Another URL from now on (a new listenKey): opens it first, then lets the old connection go.
  void renew(std::string url);
  void renew() { renew(url_); }
  void stop();
  bool up() const { return !links_.empty(); }
  const std::string& name() const { return config_.name; }
  std::uint64_t connections() const { return connections_; }

  /// done when everything sent to us so far on the open connections has been handled; at once if none is open. Calls
  /// beyond frames_per_s wait and share the next round trip.
  void barrier(std::function<void()> done);

 private:
  struct Link {
    std::uint64_t id = 0;
    std::shared_ptr<net::WebSocket> socket;
    int quiet_ticks = 0;
    base::Duration age;
  };
  struct Wait {
    std::uint64_t link = 0;
    std::shared_ptr<std::function<void()>> done;  // shared by the round trips of one barrier
  };

  void open();
  void on_open(Host::SocketResult result);
  void on_text(std::uint64_t link, std::string_view text);
  void on_close(std::uint64_t link, std::string_view reason);
  void lose(std::uint64_t link, std::string_view reason);
  void retry();
  void tick();
  void retire(std::size_t index);
  bool control_reply(std::string_view text);
  void send_barrier();
  void drop_waits(std::uint64_t link);
  Link* find(std::uint64_t link);

  Host& host_;
  const Config config_;
  const Handlers handlers_;
  Backoff backoff_ = reconnect_backoff();
  base::Rng rng_;
  std::string url_;
  bool running_ = false;
  std::vector<Link> links_;  // oldest first; two during a renewal
  std::unique_ptr<net::WebSocketAttempt> attempt_;
  Alarm retry_, tick_, overlap_;
  std::uint64_t connections_ = 0, next_request_ = 1;
  std::map<std::uint64_t, Wait> waits_;          // by request id; bounded by the callers of barrier
  std::vector<std::function<void()>> barriers_;  // not sent yet
  std::deque<Alarm> spent_;                      // frames of the last second
  Lifeline life_;
};

}  // namespace qtrader::binance
