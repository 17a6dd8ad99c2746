#include "edge/exchange/shifted_source.hpp"

#include <limits>

namespace qtrader::exchange {
namespace {

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeastStepsPlayed = 10;  // at most a tenth of the source is skipped to reach the time of day

struct Shift {
  base::Duration by;
  template <class Tick>
  void operator()(Tick& tick) const {
    tick.time = tick.time + by;
  }
  void operator()(matching::MarkTick& tick) const {
    tick.time = tick.time + by;
    if (tick.next_funding.ns != 0) tick.next_funding = tick.next_funding + by;
  }
  void operator()(matching::BarTick& tick) const {
    tick.time = tick.time + by;
    tick.bar.open_time = tick.bar.open_time + by;
  }
};

}  // namespace

base::Result<std::optional<matching::MarketTick>> ShiftedSource::next() {
  QT_TRY(auto tick, source_->next());
  if (tick) std::visit(Shift{shift_}, *tick);
  return tick;
}

base::Timestamp ShiftedSource::end() const {
  const base::Timestamp end = source_->end();
  return end.ns == kForever || (shift_.ns > 0 && end.ns > kForever - shift_.ns) ? base::Timestamp{kForever}
                                                                                : end + shift_;
}

base::Duration wall_clock_shift(base::Timestamp begin, base::Timestamp end, base::Timestamp wall) {
  base::Duration step = base::minutes(1);
  for (const base::Duration candidate : {base::days(1), base::hours(1)})
    if (end.ns == kForever || (end - begin).ns / candidate.ns >= kLeastStepsPlayed) {
      step = candidate;
      break;
    }
  std::int64_t steps = (wall - begin).ns / step.ns;
  if ((wall - begin).ns % step.ns < 0) --steps;
  return step * steps;
}

}  // namespace qtrader::exchange
