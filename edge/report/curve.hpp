// Curve and Thinned: time series and rows kept in bounded memory for charts, whatever the length of the run.
//
// A Curve keeps the lowest and the highest sample of each of N equal buckets and doubles the bucket when they run out,
// so that no spike is lost. Thinned keeps every 2ᵏ-th row. Both are deterministic. For pictures only: metrics see every
// sample.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/check.hpp"

namespace qtrader::report {

struct CurvePoint {
  std::int64_t ts_ms = 0;
  double value = 0;
};

class Curve {
 public:
  /// max_points ≥ 10.
  explicit Curve(std::size_t max_points);
  /// Times must not decrease.
  void add(CurvePoint point);
  /// At most max_points, in time order: the first and last sample and the extremes of each bucket.
  std::vector<CurvePoint> points() const;
  bool empty() const { return buckets_.empty(); }
  /// Samples per bucket now.
  std::uint64_t stride() const { return stride_; }

 private:
  struct Bucket {
    CurvePoint low, high;
  };
  void halve();

  std::size_t max_buckets_;  // even
  std::vector<Bucket> buckets_;
  std::uint64_t stride_ = 1, in_last_ = 0;
  CurvePoint first_, last_;
};

template <class T>
class Thinned {
 public:
  explicit Thinned(std::size_t cap) : cap_(cap) { QT_CHECK(cap >= 2, "a cap of at least two rows"); }
  void add(const T& row) {
    if (seen_++ % stride_ != 0) return;
    if (rows_.size() == cap_) {
      std::size_t kept = 0;
      for (std::size_t i = 0; i < rows_.size(); i += 2) rows_[kept++] = rows_[i];
      rows_.resize(kept);
      stride_ *= 2;
      if ((seen_ - 1) % stride_ != 0) return;
    }
    rows_.push_back(row);
  }
  const std::vector<T>& rows() const { return rows_; }
  std::uint64_t seen() const { return seen_; }
  std::uint64_t stride() const { return stride_; }

 private:
  std::size_t cap_;
  std::vector<T> rows_;
  std::uint64_t seen_ = 0, stride_ = 1;
};

}  // namespace qtrader::report
