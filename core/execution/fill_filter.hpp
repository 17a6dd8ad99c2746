// FillFilter: lets each of the venue's executions through once. An execution can arrive twice: from the user stream,
// and again as the answer to a query or after a reconnect.
//
// Stands before the ledger, the one place every fill passes. Remembers the last kRemembered execution ids of a symbol;
// the venue numbers them upward per symbol, so one older than all of those has been seen long ago. Executions without
// an id (0) always pass.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "core/base/check.hpp"
#include "core/domain/audit.hpp"
#include "core/domain/events.hpp"

namespace qtrader::execution {

class FillFilter {
 public:
  static constexpr std::size_t kRemembered = 512;

  explicit FillFilter(std::size_t symbols) : seen_(symbols) {}

  /// False for a repetition. The first of a run is an alert; the rest are counted.
  bool admit(const domain::Fill& fill, domain::AuditSink& audit) {
    if (fill.venue_trade_id == 0) return true;
    QT_CHECK(fill.symbol.value < seen_.size(), "unknown symbol id");
    std::set<std::uint64_t>& ids = seen_[fill.symbol.value];
    const bool too_old = ids.size() == kRemembered && fill.venue_trade_id < *ids.begin();
    if (!too_old && ids.insert(fill.venue_trade_id).second) {
      if (ids.size() > kRemembered) ids.erase(ids.begin());
      return true;
    }
    if (++repeated_ == 1)
      audit.record(domain::RiskAlert{"duplicate_fill", 1, 0,
                                     "execution " + std::to_string(fill.venue_trade_id) +
                                         " arrived again and was not booked; further ones are only counted"});
    return false;
  }

  /// Repetitions refused so far.
  std::uint64_t repeated() const { return repeated_; }

  template <class Archive>
  void archive(Archive& a) {
    a(seen_, repeated_);
  }

 private:
  std::vector<std::set<std::uint64_t>> seen_;  // by symbol
  std::uint64_t repeated_ = 0;
};

}  // namespace qtrader::execution
