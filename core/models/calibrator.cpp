#include "core/models/calibrator.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace qtrader::models {
namespace {

constexpr std::size_t kLeastVerdicts = 300;  // to fit on
constexpr std::int64_t kLeastPerStep = 30;
constexpr double kIdentityVerdicts = 500;  // the identity counts as much as this many verdicts
constexpr double kLeast = 0.05, kMost = 0.90;
constexpr std::size_t kHoldOutDivisor = 5;  // the newest fifth is held out
constexpr double kLeastImprovement = 0.02;  // of the Brier score
constexpr std::size_t kReliabilityBins = 20;

double squared_error(double p, bool right) {
  const double e = (right ? 1.0 : 0.0) - p;
  return e * e;
}

double brier(std::span<const CalibrationSample> samples, const CalibrationMap& map) {
  double sum = 0;
  for (const CalibrationSample& s : samples)
    sum += squared_error(map.steps.empty() ? s.p_dir_raw : map(s.p_dir_raw), s.right);
  return sum / static_cast<double>(samples.size());
}

/// A pool of samples with its sums.
struct Pool {
  double sum_p = 0;
  std::int64_t right = 0, count = 0;
  void take(const Pool& o) {
    sum_p += o.sum_p;
    right += o.right;
    count += o.count;
  }
};

/// Whether b, which lies above a, was right no more often: cross-multiplied, so that it is exact.
bool violates(const Pool& a, const Pool& b) { return b.right * a.count <= a.right * b.count; }

std::vector<Pool> pool_adjacent_violators(std::span<const CalibrationSample> sorted) {
  std::vector<Pool> pools;
  for (std::size_t i = 0; i < sorted.size();) {
    Pool next;
    const double p = sorted[i].p_dir_raw;
    for (; i < sorted.size() && sorted[i].p_dir_raw == p; ++i) next.take({p, sorted[i].right ? 1 : 0, 1});
    while (!pools.empty() && violates(pools.back(), next)) {
      Pool merged = pools.back();
      merged.take(next);
      next = merged;
      pools.pop_back();
    }
    pools.push_back(next);
  }
  return pools;
}

/// Joins neighbours from below until each has `least`; what is left at the top joins the last. Keeps the order.
std::vector<Pool> at_least(std::span<const Pool> pools, std::int64_t least) {
  std::vector<Pool> out;
  Pool open;
  for (const Pool& pool : pools) {
    open.take(pool);
    if (open.count < least) continue;
    out.push_back(open);
    open = {};
  }
  if (!out.empty()) out.back().take(open);
  return out;
}

double interpolate(std::span<const IsotonicStep> steps, double p) {
  const auto above = std::ranges::upper_bound(steps, p, {}, &IsotonicStep::p);
  if (above == steps.begin()) return steps.front().right;
  if (above == steps.end()) return steps.back().right;
  const IsotonicStep& low = *(above - 1);
  return low.right + (above->right - low.right) * (p - low.p) / (above->p - low.p);
}

CalibrationMap fitted_on(std::vector<CalibrationSample> samples) {
  CalibrationMap out;
  out.verdicts = static_cast<std::int64_t>(samples.size());
  out.steps = isotonic_steps(std::move(samples), kLeastPerStep);
  return out;
}

std::int32_t day_of(base::Timestamp t) { return static_cast<std::int32_t>(base::day_start(t).ns / base::days(1).ns); }

}  // namespace

double CalibrationMap::operator()(double p_dir_raw) const {
  const double n = static_cast<double>(verdicts);
  const double weight = n / (n + kIdentityVerdicts);
  return std::clamp(weight * interpolate(steps, p_dir_raw) + (1 - weight) * p_dir_raw, kLeast, kMost);
}

std::vector<IsotonicStep> isotonic_steps(std::vector<CalibrationSample> samples, std::int64_t least) {
  std::ranges::stable_sort(samples, {}, &CalibrationSample::p_dir_raw);
  const std::vector<Pool> pools = pool_adjacent_violators(samples);
  std::vector<IsotonicStep> out;
  for (const Pool& pool : at_least(pools, least)) {
    const double count = static_cast<double>(pool.count);
    out.push_back({pool.sum_p / count, static_cast<double>(pool.right) / count, pool.count});
  }
  return out;
}

void Calibrator::add(const CalibrationSample& sample, base::Timestamp now) {
  samples_.push(sample);
  const std::int32_t day = day_of(now);
  if (day <= day_) return;
  day_ = day;
  refit(day);
}

/// Older part fits, newest part judges; between them as long a gap as a verdict looks ahead. What has passed is fitted
/// once more on all of them.
void Calibrator::refit(std::int32_t day) {
  std::vector<CalibrationSample> all;
  for (std::size_t age = samples_.size(); age-- > 0;) all.push_back(samples_[age]);
  const std::size_t held_out = all.size() / kHoldOutDivisor;
  if (held_out == 0) return;
  const std::span<const CalibrationSample> newest = std::span(all).last(held_out);
  const base::Timestamp from = std::ranges::min(newest, {}, &CalibrationSample::decided).decided;
  std::vector<CalibrationSample> older;
  std::copy_if(all.begin(), all.end() - static_cast<std::ptrdiff_t>(held_out), std::back_inserter(older),
               [&](const CalibrationSample& s) { return s.decided + horizon_ <= from; });
  if (older.size() < kLeastVerdicts) return;

  const double none = brier(newest, CalibrationMap());
  const double now = brier(newest, current_);
  const double fitted = brier(newest, fitted_on(std::move(older)));
  const bool worth_it = fitted <= (1 - kLeastImprovement) * none && fitted <= now;
  const bool harmful = none <= (1 - kLeastImprovement) * now;
  if (!worth_it && !harmful) return;
  CalibrationMap next = worth_it ? fitted_on(std::move(all)) : CalibrationMap();
  next.day = day;
  next.holdout_brier = worth_it ? fitted : none;
  next.raw_brier = none;
  put_in_force(std::move(next));
}

void Calibrator::put_in_force(CalibrationMap map) {
  map.number = map.steps.empty() ? 0 : ++put_in_force_;
  previous_ = std::move(current_);
  current_ = std::move(map);
}

bool Calibrator::roll_back() {
  if (!previous_) return false;
  current_ = std::move(*previous_);
  previous_.reset();
  return true;
}

Reliability Calibrator::reliability() const {
  Reliability out;
  out.verdicts = static_cast<std::int64_t>(samples_.size());
  if (samples_.size() == 0) return out;
  struct Bin {
    double sum_p = 0, right = 0, count = 0;
    void add(double p, bool was_right) {
      sum_p += p;
      right += was_right ? 1 : 0;
      count += 1;
    }
  };
  std::array<Bin, kReliabilityBins> given, raw;
  const auto bin_of = [](double p) {
    const auto bin = static_cast<std::size_t>(p * static_cast<double>(kReliabilityBins));
    return std::min(bin, kReliabilityBins - 1);
  };
  for (std::size_t age = 0; age < samples_.size(); ++age) {
    const CalibrationSample& s = samples_[age];
    given[bin_of(s.p_dir)].add(s.p_dir, s.right);
    raw[bin_of(s.p_dir_raw)].add(s.p_dir_raw, s.right);
    out.brier += squared_error(s.p_dir, s.right);
    out.brier_raw += squared_error(s.p_dir_raw, s.right);
  }
  const double n = static_cast<double>(samples_.size());
  out.brier /= n;
  out.brier_raw /= n;
  for (std::size_t i = 0; i < kReliabilityBins; ++i) {
    out.ece += std::abs(given[i].sum_p - given[i].right) / n;
    out.ece_raw += std::abs(raw[i].sum_p - raw[i].right) / n;
    ReliabilityBin& bin = out.bins.emplace_back();
    bin.low = static_cast<double>(i) / static_cast<double>(kReliabilityBins);
    bin.high = static_cast<double>(i + 1) / static_cast<double>(kReliabilityBins);
    bin.verdicts = static_cast<std::int64_t>(given[i].count);
    if (bin.verdicts == 0) continue;
    bin.mean_p_dir = given[i].sum_p / given[i].count;
    bin.right = given[i].right / given[i].count;
  }
  return out;
}

}  // namespace qtrader::models
