#include "core/features/indicators.hpp"

#include "core/features/feature_vector.hpp"

namespace qtrader::features {

std::optional<double> Rsi::value() const {
  const double moved = gain_.value() + loss_.value();
  if (moved < kEpsilon) return std::nullopt;
  return 100 * gain_.value() / moved;
}

void Stochastic::push(double high, double low, double close) {
  high_.push(high);
  low_.push(low);
  if (!high_.ready()) return;
  const double range = high_.value() - low_.value();
  raw_.push(range < kEpsilon ? 50 : 100 * (close - low_.value()) / range);
  if (raw_.ready()) k_.push(raw_.mean());
}

std::optional<double> Cci::value() const {
  const double n = static_cast<double>(window_.capacity()), newest = window_[0];
  double sum = 0;
  for (std::size_t k = 0; k < window_.capacity(); ++k) sum += window_[k] - newest;
  const double mean = sum / n;
  double absolute = 0;
  for (std::size_t k = 0; k < window_.capacity(); ++k) absolute += std::abs(window_[k] - newest - mean);
  const double scale = 0.015 * (absolute / n);
  if (scale < kEpsilon) return std::nullopt;
  return -mean / scale;
}

std::optional<double> Mfi::value() const {
  const double up = up_.sum(), flow = up + down_.sum();
  if (flow < kEpsilon) return std::nullopt;
  return 100 * up / flow;
}

LinearRegression::Line LinearRegression::line() const {
  const std::size_t n = window_.capacity();
  const double count = static_cast<double>(n), middle = (count - 1) / 2, oldest = window_[n - 1];
  double sum = 0, cross = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const double y = window_[n - 1 - k] - oldest;
    sum += y;
    cross += (static_cast<double>(k) - middle) * y;
  }
  const double mean = sum / count, spread_x = count * (count * count - 1) / 12;
  double spread_y = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const double d = window_[k] - oldest - mean;
    spread_y += d * d;
  }
  return {cross / spread_x, spread_y < kEpsilon ? 0 : cross * cross / (spread_x * spread_y)};
}

double money_flow_multiplier(double high, double low, double close) {
  const double range = high - low;
  return range < kEpsilon ? 0 : (2 * close - high - low) / range;
}

double RollingPowers::stdev() const {
  const double n = static_cast<double>(window_.capacity()), mean = one_.value() / n;
  return std::sqrt(std::max(two_.value() / n - mean * mean, 0.0));
}

double RollingPowers::skewness() const {
  const double n = static_cast<double>(window_.capacity()), mean = one_.value() / n, sigma = stdev();
  if (sigma < kEpsilon) return 0;
  const double third = three_.value() / n - 3 * mean * (two_.value() / n) + 2 * mean * mean * mean;
  return third / (sigma * sigma * sigma);
}

void RollingPowers::rebase() {
  pushes_ = 0;
  one_.reset();
  two_.reset();
  three_.reset();
  for (std::size_t age = window_.size(); age-- > 0;) accumulate(window_[age], 1);
}

}  // namespace qtrader::features
