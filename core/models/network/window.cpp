#include "core/models/network/window.hpp"

#include <algorithm>
#include <cmath>

namespace qtrader::models {
namespace {

constexpr float kNormalIqr = 1.349f;  // interquartile range of the standard normal distribution
constexpr float kLeastScale = 1e-6f;
constexpr float kMaxFeature = 5;
constexpr double kMaxTarget = 50;
constexpr double kLeastVolatility = 1e-6;
constexpr auto kRv20 = static_cast<std::size_t>(features::Feature::Rv20);

}  // namespace

Normaliser Normaliser::of(const Row& median, const Row& iqr) {
  Normaliser out{.median = median};
  for (std::size_t f = 0; f < iqr.size(); ++f) out.scale[f] = iqr[f] / kNormalIqr + kLeastScale;
  return out;
}

void normalise(const Normaliser& normaliser, const Normaliser::Row& x, Normaliser::Row& z) {
  for (std::size_t f = 0; f < features::kFeatureCount; ++f) {
    z[f] = std::clamp((x[f] - normaliser.median[f]) / normaliser.scale[f], -kMaxFeature, kMaxFeature);
  }
}

float target(double log_close, double last_log_close, double last_rv_20) {
  const double scaled = (log_close - last_log_close) / std::max(last_rv_20, kLeastVolatility);
  return static_cast<float>(std::clamp(scaled, -kMaxTarget, kMaxTarget));
}

std::string_view form_window(const FeatureHistory& history, const Normaliser& normaliser, base::Duration spacing,
                             NetworkWindow& out) {
  if (history.size() < kWindowBars) return "history is shorter than 120 bars";
  const FeatureHistory::Bar& last = history[0];
  for (std::size_t t = 0; t < kWindowBars; ++t) {
    const std::size_t age = kWindowBars - 1 - t;
    const FeatureHistory::Bar& bar = history[age];
    if (last.bar_close - bar.bar_close != spacing * static_cast<std::int64_t>(age)) return "history has a gap";
    if (!bar.valid) return "a feature vector of the history is invalid";
    if (!bar.finite) return "a feature of the history is not finite";
    if (!std::isfinite(bar.log_close)) return "a close of the history is not above 0";
    normalise(normaliser, bar.x, out.z[t]);
    out.y[t] = target(bar.log_close, last.log_close, static_cast<double>(last.x[kRv20]));
  }
  return "";
}

}  // namespace qtrader::models
