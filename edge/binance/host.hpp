// Host: what the gateway's parts need of the world: our clock, alarms, deferred work and WebSocket connections.
//
// LoopHost is the real one, on net::Loop; tests have one with virtual time, so that waits of minutes take none. All of
// it happens on one thread. Lifeline ties callbacks that others keep (REST answers) to the life of who gave them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "edge/net/client.hpp"
#include "edge/net/loop.hpp"

namespace qtrader::binance {

/// Cancels what it stands for when destroyed.
struct AlarmHandle {
  AlarmHandle() = default;
  AlarmHandle(const AlarmHandle&) = delete;
  AlarmHandle& operator=(const AlarmHandle&) = delete;
  virtual ~AlarmHandle() = default;
};
using Alarm = std::unique_ptr<AlarmHandle>;

class Host {
 public:
  using SocketResult = base::Result<std::shared_ptr<net::WebSocket>>;
  virtual ~Host() = default;
  /// Our wall time.
  virtual base::Timestamp now() const = 0;
  [[nodiscard]] virtual Alarm after(base::Duration delay, std::function<void()> work) = 0;
  virtual void post(std::function<void()> work) = 0;
  [[nodiscard]] virtual std::unique_ptr<net::WebSocketAttempt> connect(const std::string& url,
                                                                       std::function<void(SocketResult)> done) = 0;
};

class LoopHost final : public Host {
 public:
  LoopHost(net::Loop& loop, net::ClientConfig config, std::function<base::Timestamp()> clock)
      : loop_(loop), config_(std::move(config)), clock_(std::move(clock)) {}

  base::Timestamp now() const override { return clock_(); }
  Alarm after(base::Duration delay, std::function<void()> work) override;
  void post(std::function<void()> work) override { loop_.post(std::move(work)); }
  std::unique_ptr<net::WebSocketAttempt> connect(const std::string& url,
                                                 std::function<void(SocketResult)> done) override {
    return net::connect_websocket(loop_, url, config_, std::move(done));
  }

 private:
  net::Loop& loop_;
  const net::ClientConfig config_;
  const std::function<base::Timestamp()> clock_;
};

/// guard(f) calls f only while this object lives.
class Lifeline {
 public:
  template <class F>
  auto guard(F f) const {
    return [weak = std::weak_ptr<int>(token_), f = std::move(f)](auto&&... arguments) mutable {
      if (!weak.expired()) f(std::forward<decltype(arguments)>(arguments)...);
    };
  }

 private:
  std::shared_ptr<int> token_ = std::make_shared<int>(0);
};

}  // namespace qtrader::binance
