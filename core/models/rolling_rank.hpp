// RollingRank: where a value stands among the last `capacity` values, for confidence and for volatility percentiles.
//
// Keeps the window twice, by age and by size. A query is a binary search; a push adds one memmove within a few
// kilobytes, which at these sizes beats a balanced tree. Values are kept as float: the ranks need no more.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/check.hpp"
#include "core/base/ring.hpp"

namespace qtrader::models {

class RollingRank {
 public:
  explicit RollingRank(std::size_t capacity) : recent_(capacity) { sorted_.reserve(capacity); }

  void push(double value) {
    QT_CHECK(!std::isnan(value), "a rank needs an order");
    const auto v = static_cast<float>(value);
    if (recent_.full()) sorted_.erase(std::ranges::lower_bound(sorted_, recent_[recent_.size() - 1]));
    sorted_.insert(std::ranges::upper_bound(sorted_, v), v);
    recent_.push(v);
  }

  std::size_t size() const { return sorted_.size(); }

  /// Empirical distribution function in [0, 1]; equal values count half, so that a constant stream ranks at 0.5 and not
  /// at the top. Non-decreasing in value. Requires size() > 0.
  double fraction_below(double value) const {
    QT_CHECK(!sorted_.empty(), "a rank among nothing");
    const auto v = static_cast<float>(value);
    const auto below = std::ranges::lower_bound(sorted_, v) - sorted_.begin();
    const auto not_above = std::ranges::upper_bound(sorted_, v) - sorted_.begin();
    return 0.5 * static_cast<double>(below + not_above) / static_cast<double>(sorted_.size());
  }

  /// The smallest value in the window that at least the fraction q of it does not exceed. Requires size() > 0, 0 < q
  /// ≤ 1.
  double quantile(double q) const {
    QT_CHECK(!sorted_.empty(), "a quantile of nothing");
    const double rank = std::ceil(q * static_cast<double>(sorted_.size()));
    return static_cast<double>(sorted_[std::min(sorted_.size(), static_cast<std::size_t>(rank)) - 1]);
  }

  template <class Archive>
  void archive(Archive& a) {
    a(recent_);
    if constexpr (Archive::kReading) {
      sorted_.clear();
      for (std::size_t age = 0; age < recent_.size(); ++age) sorted_.push_back(recent_[age]);
      std::ranges::sort(sorted_);
    }
  }

 private:
  base::Ring<float> recent_;
  std::vector<float> sorted_;  // the same values, ascending
};

}  // namespace qtrader::models
