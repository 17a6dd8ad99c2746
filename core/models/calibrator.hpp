// Calibrator: keeps the ensemble's p_dir honest by comparing it with what happened (ai.md 4.6, ADR 0017).
//
// Fed by the ensemble with every matured directional verdict; refitted at the first one of each UTC day of bar closes.
// Isotonic regression on the last 2 000 verdicts, blended with the identity, and put in force only if the same fit to
// the older of them beats what is in force on the newest, which it has not seen. Doing nothing is always among the
// candidates: a map that has turned harmful gives way to none. Never reads a clock; never touches a verdict already
// given.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/ring.hpp"
#include "core/base/time.hpp"

namespace qtrader::models {

/// A directional verdict and its outcome.
struct CalibrationSample {
  base::Timestamp decided;  // bar close of the verdict
  double p_dir_raw = 0;     // before the calibration of its time,
  double p_dir = 0;         // and after
  bool right = false;       // the price had moved to its side at the horizon; no move is not right

  template <class Archive>
  void archive(Archive& a) {
    a(decided, p_dir_raw, p_dir, right);
  }
};

/// One step of isotonic regression: verdicts of about p_dir_raw `p` were right in the share `right` of cases.
struct IsotonicStep {
  double p = 0, right = 0;
  std::int64_t verdicts = 0;
};
QT_DESCRIBE(IsotonicStep, p, right, verdicts)

/// A non-decreasing map of p_dir_raw to p_dir, fitted by pooling adjacent violators (Ayer et al. 1955; Zadrozny & Elkan
/// 2002), and linear between its steps so that nearly equal verdicts are treated nearly equally.
struct CalibrationMap {
  std::uint32_t number = 0;  // counts the maps put in force, from 1; 0: the identity, no map
  std::int32_t day = 0;      // it was put in force, days since 1970 UTC; 0: never replaced anything
  std::int64_t verdicts = 0;
  double holdout_brier = 0;         // on the newest verdicts, of a fit to the older ones,
  double raw_brier = 0;             // and without any map
  std::vector<IsotonicStep> steps;  // rising in p; none: the identity

  /// clip(λ·isotonic + (1 − λ)·p, 0.05, 0.90), λ = n/(n + 500). Before clipping it rises strictly, so that verdicts
  /// keep their order.
  double operator()(double p_dir_raw) const;
};
QT_DESCRIBE(CalibrationMap, number, day, verdicts, holdout_brier, raw_brier, steps)

/// The steps of an isotonic regression on samples in any order, each of at least `least` verdicts; empty if there are
/// fewer than that.
std::vector<IsotonicStep> isotonic_steps(std::vector<CalibrationSample> samples, std::int64_t least);

/// How often verdicts of about equal p_dir, as it was given, were right.
struct ReliabilityBin {
  double low = 0, high = 0;  // p_dir in [low, high)
  std::int64_t verdicts = 0;
  double mean_p_dir = 0, right = 0;  // shares; 0 without verdicts
};
QT_DESCRIBE(ReliabilityBin, low, high, verdicts, mean_p_dir, right)

struct Reliability {
  std::int64_t verdicts = 0;
  double brier = 0, brier_raw = 0;  // with and without the calibration of their time
  double ece = 0, ece_raw = 0;      // expected calibration error over the bins
  std::vector<ReliabilityBin> bins;
};
QT_DESCRIBE(Reliability, verdicts, brier, brier_raw, ece, ece_raw, bins)

class Calibrator {
 public:
  /// `horizon` from a verdict to its outcome: verdicts that overlap the hold-out are not fitted on.
  explicit Calibrator(base::Duration horizon) : horizon_(horizon) {}

  /// Samples come in the order in which they mature. `now`: the bar close at which this one did. Refits on a new day.
  void add(const CalibrationSample& sample, base::Timestamp now);

  double apply(double p_dir_raw) const { return current_.steps.empty() ? p_dir_raw : current_(p_dir_raw); }
  /// What is in force; number 0: nothing.
  const CalibrationMap& current() const { return current_; }

  /// Puts back what was in force before. False if there is nothing to go back to, as after a rollback.
  bool roll_back();
  bool can_roll_back() const { return previous_.has_value(); }

  /// Over the verdicts that are kept.
  Reliability reliability() const;
  std::size_t size() const { return samples_.size(); }

  /// The state: to be read by a calibrator of the same horizon.
  template <class Archive>
  void archive(Archive& a) {
    a(samples_, current_, previous_, put_in_force_, day_);
  }

 private:
  static constexpr std::size_t kWindow = 2000;
  void refit(std::int32_t day);
  void put_in_force(CalibrationMap map);

  base::Duration horizon_;
  base::Ring<CalibrationSample> samples_{kWindow};
  CalibrationMap current_;
  std::optional<CalibrationMap> previous_;
  std::uint32_t put_in_force_ = 0;
  std::int32_t day_ = 0;  // of the last attempt to fit
};

}  // namespace qtrader::models
