#include "core/kernel/timers.hpp"

#include <algorithm>

namespace qtrader::kernel {

domain::TimerId Timers::arm(base::Timestamp due, domain::TimerTag tag, std::uint64_t argument) {
  const domain::TimerId id{next_id_++};
  armed_.insert({due, id, tag, argument});
  return id;
}

void Timers::disarm(domain::TimerId id) { consume(id); }

std::optional<Timer> Timers::peek_due(base::Timestamp now) const {
  if (armed_.empty() || armed_.begin()->due > now) return std::nullopt;
  return *armed_.begin();
}

bool Timers::consume(domain::TimerId id) {
  const auto it = std::find_if(armed_.begin(), armed_.end(), [&](const Timer& t) { return t.id == id; });
  if (it == armed_.end()) return false;
  armed_.erase(it);
  return true;
}

}  // namespace qtrader::kernel
