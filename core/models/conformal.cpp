#include "core/models/conformal.hpp"

#include <algorithm>
#include <cmath>

namespace qtrader::models {
namespace {

constexpr std::size_t kLeastVerdicts = 300;
constexpr double kStep = 0.005;  // γ of Gibbs & Candès 2021

/// The rank-th smallest, from 1. Half a rank below, so that no rounding can reach the next.
double order_statistic(const RollingRank& values, double rank) {
  return values.quantile((rank - 0.5) / static_cast<double>(values.size()));
}

}  // namespace

/// With n exchangeable residuals a new one lies below the k-th smallest with probability k/(n + 1). A level outside
/// what n residuals can tell means the outermost, or the median.
std::optional<Bounds> ConformalInterval::residual_bounds() const {
  if (residuals_.size() < kLeastVerdicts) return std::nullopt;
  const double n = static_cast<double>(residuals_.size());
  const auto rank = [n](double level) { return std::floor(std::clamp(level * (n + 1), 1.0, n / 2)); };
  return Bounds{order_statistic(residuals_, rank(level_low_)), order_statistic(residuals_, n + 1 - rank(level_high_))};
}

void ConformalInterval::add(base::Timestamp now, const PendingVerdict& verdict, double outcome) {
  if (now != moment_) adapt();
  moment_ = now;
  residuals_.push(outcome - verdict.edge);
  if (!verdict.bounds) return;
  const bool low = outcome<verdict.bounds->low, high = outcome> verdict.bounds->high;
  ++bounded_;
  missed_low_ += low ? 1 : 0;
  missed_high_ += high ? 1 : 0;
  ++total_bounded_;
  total_missed_ += low || high ? 1 : 0;
}

/// level ← level + γ·(wanted − missed): too many misses widen. Not clamped, so that what is missed is made up for.
void ConformalInterval::adapt() {
  if (bounded_ == 0) return;
  const double n = static_cast<double>(bounded_);
  level_low_ += kStep * (miss_ - static_cast<double>(missed_low_) / n);
  level_high_ += kStep * (miss_ - static_cast<double>(missed_high_) / n);
  bounded_ = missed_low_ = missed_high_ = 0;
}

double ConformalInterval::coverage() const {
  if (total_bounded_ == 0) return 0;
  return 1 - static_cast<double>(total_missed_) / static_cast<double>(total_bounded_);
}

}  // namespace qtrader::models
