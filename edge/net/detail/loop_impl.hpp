// What a Loop holds, for the room's own .cpp files: Asio's io_context, kept alive until stop().
#pragma once

#include "edge/net/detail/asio.hpp"
#include "edge/net/loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>

#include <optional>

namespace qtrader::net {

struct Loop::Impl {
  bool dying = false;      // the loop is being destroyed: nothing new may be started on it
  asio::io_context io{1};  // one thread runs it; post() from others still locks
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::optional<asio::signal_set> signals;
  std::function<void()> on_terminate;

  void wait_for_signal();
};

}  // namespace qtrader::net
