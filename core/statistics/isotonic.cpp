#include "core/statistics/isotonic.hpp"

#include <algorithm>

#include "core/base/check.hpp"

namespace qtrader::statistics {
namespace {

void pool(IsotonicStep& into, const IsotonicStep& next) {
  const double weight = into.weight + next.weight;
  into.value = (into.value * into.weight + next.value * next.weight) / weight;
  into.weight = weight;
  into.high = next.high;
}

/// One group per distinct x, then joined until each weighs enough.
std::vector<IsotonicStep> groups(std::span<const Observation> observations, double min_weight) {
  std::vector<Observation> sorted(observations.begin(), observations.end());
  std::ranges::stable_sort(sorted, {}, &Observation::x);
  std::vector<IsotonicStep> out;
  for (const Observation& o : sorted) {
    QT_CHECK(o.weight > 0, "a positive weight");
    const IsotonicStep single{o.x, o.x, o.y, o.weight};
    if (!out.empty() && (out.back().high == o.x || out.back().weight < min_weight)) {
      pool(out.back(), single);
    } else {
      out.push_back(single);
    }
  }
  if (out.size() > 1 && out.back().weight < min_weight) {
    const IsotonicStep last = out.back();
    out.pop_back();
    pool(out.back(), last);
  }
  return out;
}

}  // namespace

double IsotonicFit::at(double x) const {
  QT_CHECK(!steps_.empty(), "a fit with steps");
  const auto right = std::ranges::upper_bound(steps_, x, {}, &IsotonicStep::low);  // the first that begins beyond x
  if (right == steps_.begin()) return right->value;
  const IsotonicStep& left = *std::prev(right);
  if (right == steps_.end() || x <= left.high) return left.value;
  return left.value + (right->value - left.value) * (x - left.high) / (right->low - left.high);
}

IsotonicFit isotonic_regression(std::span<const Observation> observations, double min_weight) {
  std::vector<IsotonicStep> steps;
  for (const IsotonicStep& next : groups(observations, min_weight)) {
    steps.push_back(next);
    while (steps.size() > 1 && steps[steps.size() - 2].value >= steps.back().value) {
      const IsotonicStep last = steps.back();
      steps.pop_back();
      pool(steps.back(), last);
    }
  }
  return IsotonicFit(std::move(steps));
}

}  // namespace qtrader::statistics
