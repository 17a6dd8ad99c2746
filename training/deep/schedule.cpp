#include "training/deep/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qtrader::training::deep {
namespace {

// Of OneCycleLR: the rate starts at peak / 25 and ends at a ten-thousandth of that.
constexpr double kStartDivisor = 25, kEndDivisor = 1e4;
constexpr double kHighMomentum = 0.95, kLowMomentum = 0.85;

double cosine_between(double from, double to, double fraction) {
  return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * fraction));
}

/// Where a step stands in OneCycleLR's two phases: the fraction of the phase, as its _schedule_phases counts it.
struct CyclePosition {
  bool rising;
  double fraction;
};

CyclePosition cycle_position(const Schedule& s, std::int64_t step) {
  const double top = s.rising_share * static_cast<double>(s.steps()) - 1;
  const double last = static_cast<double>(s.steps() - 1);
  const auto at = static_cast<double>(step);
  if (at <= top) return {true, top > 0 ? at / top : 1};
  return {false, last > top ? (at - top) / (last - top) : 1};
}

double one_cycle_rate(const Schedule& s, std::int64_t step) {
  const double start = s.peak / kStartDivisor, end = start / kEndDivisor;
  const CyclePosition p = cycle_position(s, step);
  return p.rising ? cosine_between(start, s.peak, p.fraction) : cosine_between(s.peak, end, p.fraction);
}

double rate_of(const Schedule& s, std::int64_t step) {
  const std::int64_t epoch = step / s.steps_per_epoch;
  switch (s.kind) {
    case ScheduleKind::Constant:
      return s.peak;
    case ScheduleKind::Cosine:
      return cosine_between(s.peak, 0, static_cast<double>(step) / static_cast<double>(s.steps()));
    case ScheduleKind::OneCycle:
      return one_cycle_rate(s, step);
    case ScheduleKind::Type3:
      return epoch < 3 ? s.peak : s.peak * std::pow(0.9, static_cast<double>(epoch - 3));
    case ScheduleKind::Halving:
      return s.peak * std::pow(0.5, static_cast<double>(3 * step / s.steps()));
  }
  return s.peak;
}

}  // namespace

double Schedule::learning_rate(std::int64_t step) const {
  step = std::clamp<std::int64_t>(step, 0, std::max<std::int64_t>(steps() - 1, 0));
  return rate_of(*this, step) / (step < steps_per_epoch ? first_epoch_divisor : 1);
}

double Schedule::momentum(std::int64_t step, double usual) const {
  if (kind != ScheduleKind::OneCycle) return usual;
  step = std::clamp<std::int64_t>(step, 0, std::max<std::int64_t>(steps() - 1, 0));
  const CyclePosition p = cycle_position(*this, step);
  return p.rising ? cosine_between(kHighMomentum, kLowMomentum, p.fraction)
                  : cosine_between(kLowMomentum, kHighMomentum, p.fraction);
}

}  // namespace qtrader::training::deep
