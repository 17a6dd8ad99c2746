#include "edge/binance/host.hpp"

namespace qtrader::binance {
namespace {

struct LoopAlarm final : AlarmHandle {
  explicit LoopAlarm(net::Timer t) : timer(std::move(t)) {}
  net::Timer timer;
};

}  // namespace

Alarm LoopHost::after(base::Duration delay, std::function<void()> work) {
  return std::make_unique<LoopAlarm>(loop_.after(delay, std::move(work)));
}

}  // namespace qtrader::binance
