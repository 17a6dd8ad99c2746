#include "core/models/feature_history.hpp"

#include <cmath>
#include <limits>

#include "core/base/det_math.hpp"

namespace qtrader::models {
namespace {

/// The conversion of a double beyond float is undefined in C++; here it is infinity.
float to_float(double x) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (x > kLargest) return kInfinity;
  if (x < -kLargest) return -kInfinity;
  return static_cast<float>(x);
}

}  // namespace

void FeatureHistory::push(const features::FeatureVector& vector) {
  if (bars_.size() > 0 && vector.bar_close <= bars_[0].bar_close) return;
  Bar bar;
  bar.finite = true;
  for (std::size_t i = 0; i < bar.x.size(); ++i) {
    bar.x[i] = to_float(vector.x[i]);
    bar.finite = bar.finite && std::isfinite(bar.x[i]);
  }
  bar.log_close = base::det::log(vector.close);
  bar.bar_close = vector.bar_close;
  bar.valid = vector.valid;
  bars_.push(bar);
}

}  // namespace qtrader::models
