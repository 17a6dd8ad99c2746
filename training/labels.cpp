#include "training/labels.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/det_math.hpp"

namespace qtrader::training {
namespace {

base::Error out_of_range(const std::string& what) {
  return {"training", base::Errc::InvalidArgument, "label specification: " + what};
}

}  // namespace

base::Result<Labeler> Labeler::create(models::LabelSpec spec, domain::Timeframe timeframe) {
  if (spec.mode != "fixed_horizon" && spec.mode != "triple_barrier")
    return out_of_range("mode '" + spec.mode + "': expected fixed_horizon or triple_barrier");
  if (spec.horizon_bars < 1)
    return out_of_range("horizon_bars " + std::to_string(spec.horizon_bars) + ": expected at least 1");
  if (!(spec.theta_min > 0) || !std::isfinite(spec.theta_min))
    return out_of_range("theta_min " + std::to_string(spec.theta_min) + ": expected a log return above 0");
  if (!(spec.k >= 0) || !std::isfinite(spec.k))
    return out_of_range("k " + std::to_string(spec.k) + ": expected a finite number, 0 or more");
  const bool triple_barrier = spec.mode == "triple_barrier";
  return Labeler(std::move(spec), timeframe, triple_barrier);
}

Labeler::Labeler(models::LabelSpec spec, domain::Timeframe timeframe, bool triple_barrier)
    : spec_(std::move(spec)),
      timeframe_(timeframe),
      triple_barrier_(triple_barrier),
      sqrt_horizon_(std::sqrt(static_cast<double>(spec_.horizon_bars))) {}

double Labeler::threshold(double sigma100) const {
  return std::max(spec_.theta_min, spec_.k * horizon_sigma(sigma100));
}

double Labeler::horizon_sigma(double sigma100) const { return sigma100 * sqrt_horizon_; }

std::optional<Label> Labeler::label(std::span<const PathBar> bars, std::size_t t, double sigma100) const {
  QT_CHECK(t < bars.size(), "a label belongs to a bar of the path");
  if (!(sigma100 > 0)) return std::nullopt;  // without σ the threshold is unknown
  const double theta = threshold(sigma100);
  return triple_barrier_ ? first_touch(bars, t, theta) : fixed_horizon(bars, t, theta);
}

std::optional<Label> Labeler::fixed_horizon(std::span<const PathBar> bars, std::size_t t, double theta) const {
  const base::Timestamp end = bars[t].close_time + domain::duration(timeframe_) * spec_.horizon_bars;
  std::size_t i = t + 1;
  while (i < bars.size() && bars[i].close_time < end) ++i;
  if (i == bars.size() || bars[i].close_time != end) return std::nullopt;
  const double r = base::det::log(bars[i].close / bars[t].close);
  const LabelClass c = r > theta ? LabelClass::Buy : r < -theta ? LabelClass::Sell : LabelClass::Hold;
  return Label{c, r, end};
}

std::optional<Label> Labeler::first_touch(std::span<const PathBar> bars, std::size_t t, double theta) const {
  const auto horizon = static_cast<std::size_t>(spec_.horizon_bars);
  if (t + horizon >= bars.size()) return std::nullopt;
  const base::Timestamp end = bars[t].close_time + domain::duration(timeframe_) * spec_.horizon_bars;
  if (bars[t + horizon].close_time != end) return std::nullopt;
  const double upper = bars[t].close * base::det::exp(theta);
  const double lower = bars[t].close * base::det::exp(-theta);
  for (std::size_t i = t + 1; i <= t + horizon; ++i) {
    const bool up = bars[i].high >= upper;
    const bool down = bars[i].low <= lower;
    // Both barriers inside one bar: which came first is unknown, so neither side is credited with it.
    if (up && down) return Label{LabelClass::Hold, base::det::log(bars[i].close / bars[t].close), bars[i].close_time};
    if (up) return Label{LabelClass::Buy, theta, bars[i].close_time};
    if (down) return Label{LabelClass::Sell, -theta, bars[i].close_time};
  }
  return Label{LabelClass::Hold, base::det::log(bars[t + horizon].close / bars[t].close), end};
}

std::vector<double> average_uniqueness(std::span<const LabelSpan> spans) {
  std::size_t length = 0;
  for (const LabelSpan& s : spans) {
    QT_CHECK(s.first <= s.last, "a label lives at least one bar");
    length = std::max(length, s.last + 1);
  }
  std::vector<double> alive(length, 0.0);
  for (const LabelSpan& s : spans)
    for (std::size_t i = s.first; i <= s.last; ++i) alive[i] += 1;
  std::vector<double> out;
  out.reserve(spans.size());
  for (const LabelSpan& s : spans) {
    double sum = 0;
    for (std::size_t i = s.first; i <= s.last; ++i) sum += 1 / alive[i];
    out.push_back(sum / static_cast<double>(s.last - s.first + 1));
  }
  return out;
}

}  // namespace qtrader::training
