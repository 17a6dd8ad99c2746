#include "edge/net/loop.hpp"

#include <csignal>

#include "edge/net/detail/loop_impl.hpp"

namespace qtrader::net {
namespace {

/// Handlers that one run_for() handles at most, so that a loop that is never idle still returns to its caller.
constexpr int kHandlersPerTurn = 1'024;

}  // namespace

struct Timer::Impl {
  struct State {
    explicit State(asio::io_context& io) : timer(io) {}
    asio::steady_timer timer;
    std::function<void()> work;
    bool armed = true;
  };
  std::shared_ptr<State> state;
};

Timer::Timer() = default;
Timer::Timer(Timer&&) noexcept = default;
Timer& Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    cancel();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Timer::~Timer() { cancel(); }

void Timer::cancel() {
  if (!impl_) return;
  const std::unique_ptr<Impl> impl = std::move(impl_);  // what the work captured may own this timer
  if (!impl->state->armed) return;
  impl->state->armed = false;
  impl->state->timer.cancel();
  const std::function<void()> work = std::move(impl->state->work);
}

bool Timer::armed() const { return impl_ && impl_->state->armed; }

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() { impl_->dying = true; }

void Loop::run() { impl_->io.run(); }

bool Loop::run_for(base::Duration wait) {
  auto& io = impl_->io;
  int handled = 0;
  while (handled < kHandlersPerTurn && io.poll_one() != 0) ++handled;
  if (handled == 0 && wait.ns > 0 && io.run_one_for(std::chrono::nanoseconds(wait.ns)) != 0) {
    ++handled;
    while (handled < kHandlersPerTurn && io.poll_one() != 0) ++handled;
  }
  return handled != 0;
}

void Loop::stop() { impl_->io.stop(); }
bool Loop::stopped() const { return impl_->io.stopped(); }
void Loop::post(std::function<void()> work) { asio::post(impl_->io, std::move(work)); }

Timer Loop::after(base::Duration delay, std::function<void()> work) {
  Timer timer;
  timer.impl_ = std::make_unique<Timer::Impl>();
  timer.impl_->state = std::make_shared<Timer::Impl::State>(impl_->io);
  const auto& state = timer.impl_->state;
  state->work = std::move(work);
  state->timer.expires_after(std::chrono::nanoseconds(delay.ns));
  state->timer.async_wait([state](error_code ec) {
    if (ec || !state->armed) return;
    state->armed = false;
    const std::function<void()> due = std::move(state->work);  // it may destroy its own Timer
    due();
  });
  return timer;
}

void Loop::on_terminate(std::function<void()> work) {
  impl_->on_terminate = std::move(work);
  if (impl_->signals) return;
  impl_->signals.emplace(impl_->io, SIGINT, SIGTERM);
  impl_->wait_for_signal();
}

void Loop::Impl::wait_for_signal() {
  signals->async_wait([this](error_code ec, int) {
    if (ec) return;
    wait_for_signal();
    const std::function<void()> due = on_terminate;
    if (due) due();
  });
}

}  // namespace qtrader::net
