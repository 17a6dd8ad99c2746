#include "edge/binance/link_monitor.hpp"

namespace qtrader::binance {

void LinkMonitor::set(Part part, std::string reason) {
  std::string& now = trouble_[static_cast<std::size_t>(part)];
  // Refused keys stay refused until somebody starts the program with others.
  if (part == Part::Credentials && !now.empty()) return;
  now = std::move(reason);
  judge();
}

void LinkMonitor::judge() {
  domain::LinkState state = domain::LinkState::Ready;
  std::string reason;
  for (std::size_t i = 0; i < kParts; ++i) {
    if (trouble_[i].empty()) continue;
    state = i <= static_cast<std::size_t>(Part::Start) ? domain::LinkState::Down : domain::LinkState::Degraded;
    reason = trouble_[i];
    break;
  }
  if (announced_ && state == state_ && reason == reason_) return;
  state_ = state;
  reason_ = std::move(reason);
  emit();
}

void LinkMonitor::announce() {
  announced_ = false;
  judge();
}

void LinkMonitor::emit() {
  announced_ = true;
  domain::VenueLink link;
  link.state = state_;
  link.reason = reason_;
  link.ts_event = around_.server_now();
  around_.sink(link);
}

}  // namespace qtrader::binance
