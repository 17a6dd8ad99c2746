// Loop: one thread's event loop. Timers, posted work, signals; servers and clients of this room run on it.
//
// Everything registered on a loop is called on the thread that runs it, so nothing here needs a lock. post() is the
// only member another thread may call. A loop outlives everything made on it. No Asio type appears outside the .cpp
// files.
#pragma once

#include <functional>
#include <memory>

#include "core/base/time.hpp"

namespace qtrader::net {

/// Cancels its timer when destroyed. Must not outlive its loop.
class Timer {
 public:
  Timer();
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;
  ~Timer();
  void cancel();
  bool armed() const;

 private:
  friend class Loop;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop().
  void run();
  /// Handles what is ready or becomes ready within the wait, then returns. True if anything was handled.
  bool run_for(base::Duration wait);
  void stop();
  bool stopped() const;
  void post(std::function<void()> work);
  [[nodiscard]] Timer after(base::Duration delay, std::function<void()> work);
  /// SIGINT and SIGTERM. The default action is gone while the loop lives.
  void on_terminate(std::function<void()> work);

  struct Impl;  // for the room's own .cpp files
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace qtrader::net
