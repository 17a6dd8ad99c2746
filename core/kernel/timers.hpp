// Timers: deadlines the core has set for itself, as data. They fire only by coming back as TimerFired events.
//
// Order is (due, id), so equal deadlines fire in the order they were armed. Part of the snapshot.
#pragma once

#include <optional>
#include <set>
#include <utility>

#include "core/base/archive.hpp"
#include "core/domain/events.hpp"

namespace qtrader::kernel {

struct Timer {
  base::Timestamp due;
  domain::TimerId id;
  domain::TimerTag tag = domain::TimerTag::Scan;
  std::uint64_t argument = 0;
  auto operator<=>(const Timer&) const = default;

  template <class Archive>
  void archive(Archive& a) {
    a(due, id, tag, argument);
  }
};

class Timers {
 public:
  domain::TimerId arm(base::Timestamp due, domain::TimerTag tag, std::uint64_t argument);
  /// No effect if it has fired or was never armed.
  void disarm(domain::TimerId id);
  /// The earliest deadline, if any.
  std::optional<base::Timestamp> next_due() const {
    if (armed_.empty()) return std::nullopt;
    return armed_.begin()->due;
  }
  /// The earliest timer if it is due by `now`. It stays armed: the world admits it as TimerFired with ts_recv = due,
  /// and the core consumes it when that event is handled, in a live run and in a replay alike.
  std::optional<Timer> peek_due(base::Timestamp now) const;
  /// Removes a timer. False if it was not armed (already fired or disarmed).
  bool consume(domain::TimerId id);
  std::size_t size() const { return armed_.size(); }

  template <class Archive>
  void archive(Archive& a) {
    a(armed_, next_id_);
  }

 private:
  std::set<Timer> armed_;
  std::uint64_t next_id_ = 1;
};

}  // namespace qtrader::kernel
