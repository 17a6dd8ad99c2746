#include "edge/report/curve.hpp"

namespace qtrader::report {

Curve::Curve(std::size_t max_points) : max_buckets_((max_points - 2) / 4 * 2) {
  QT_CHECK(max_points >= 10, "a curve of at least ten points");
}

void Curve::add(CurvePoint point) {
  if (buckets_.empty()) {
    first_ = point;
    in_last_ = stride_;
  }
  QT_CHECK(buckets_.empty() || point.ts_ms >= last_.ts_ms, "samples of a curve in time order");
  last_ = point;
  if (in_last_ == stride_) {
    if (buckets_.size() == max_buckets_) halve();
    buckets_.push_back({point, point});
    in_last_ = 1;
    return;
  }
  Bucket& b = buckets_.back();
  if (point.value < b.low.value) b.low = point;
  if (point.value > b.high.value) b.high = point;
  ++in_last_;
}

void Curve::halve() {
  for (std::size_t i = 0; i < buckets_.size() / 2; ++i) {
    const Bucket &a = buckets_[2 * i], &b = buckets_[2 * i + 1];
    buckets_[i] = {b.low.value < a.low.value ? b.low : a.low, b.high.value > a.high.value ? b.high : a.high};
  }
  buckets_.resize(buckets_.size() / 2);
  stride_ *= 2;
}

std::vector<CurvePoint> Curve::points() const {
  std::vector<CurvePoint> out;
  if (buckets_.empty()) return out;
  out.reserve(2 * buckets_.size() + 2);
  const auto put = [&](CurvePoint p) {
    if (out.empty() || out.back().ts_ms != p.ts_ms || out.back().value != p.value) out.push_back(p);
  };
  put(first_);
  for (const Bucket& b : buckets_) {
    const bool low_first = b.low.ts_ms <= b.high.ts_ms;
    put(low_first ? b.low : b.high);
    put(low_first ? b.high : b.low);
  }
  put(last_);
  return out;
}

}  // namespace qtrader::report
