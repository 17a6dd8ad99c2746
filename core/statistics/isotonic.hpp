// Isotonic regression: the non-decreasing function closest to the data in weighted squares.
//
// How claimed probabilities are mapped to observed frequencies. Pool-adjacent-violators: Ayer, Brunk, Ewing, Reid &
// Silverman (1955), Annals of Mathematical Statistics 26(4).
#pragma once

#include <span>
#include <vector>

namespace qtrader::statistics {

/// The fit is constant at `value` over [low, high].
struct IsotonicStep {
  double low = 0, high = 0;
  double value = 0;
  double weight = 0;  // of the observations in it
};

class IsotonicFit {
 public:
  explicit IsotonicFit(std::vector<IsotonicStep> steps) : steps_(std::move(steps)) {}
  /// Ascending in x and value.
  const std::vector<IsotonicStep>& steps() const { return steps_; }
  /// Linear between two steps, constant beyond the outermost. Not for a fit without steps.
  double at(double x) const;

 private:
  std::vector<IsotonicStep> steps_;
};

struct Observation {
  double x = 0, y = 0;
  double weight = 1;  // > 0
};

/// In any order; equal x are one observation with the mean of their y. Neighbours are pooled beforehand until each step
/// weighs at least `min_weight`, the last joining the one before it: a step from few observations is an anecdote. The
/// fit has no steps without observations.
IsotonicFit isotonic_regression(std::span<const Observation> observations, double min_weight = 0);

}  // namespace qtrader::statistics
