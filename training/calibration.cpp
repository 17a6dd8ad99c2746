#include "training/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/det_math.hpp"

namespace qtrader::training {
namespace {

Probabilities log_of(const Probabilities& p) {
  Probabilities out;
  for (std::size_t c = 0; c < kClassCount; ++c) out[c] = base::det::log(std::max(p[c], 1e-15));
  return out;
}

/// −ln softmax(z/T)[label].
double loss_at(const Probabilities& z, LabelClass label, double inverse_temperature) {
  const double top = std::ranges::max(z);
  double sum = 0;
  for (const double v : z) sum += base::det::exp((v - top) * inverse_temperature);
  return base::det::log(sum) - (z[static_cast<std::size_t>(label)] - top) * inverse_temperature;
}

}  // namespace

Probabilities apply_temperature(const Probabilities& p, double temperature) {
  QT_CHECK(temperature > 0, "a temperature is positive");
  const Probabilities z = log_of(p);
  const double top = std::ranges::max(z);
  Probabilities out;
  double sum = 0;
  for (std::size_t c = 0; c < kClassCount; ++c) sum += out[c] = base::det::exp((z[c] - top) / temperature);
  for (double& v : out) v /= sum;
  return out;
}

double fit_temperature(std::span<const LabelClass> labels, std::span<const Probabilities> p) {
  QT_CHECK(labels.size() == p.size() && !labels.empty(), "one probability vector for each label");
  std::vector<Probabilities> z(p.size());
  std::ranges::transform(p, z.begin(), log_of);
  const auto loss = [&](double log_t) {
    const double inverse = base::det::exp(-log_t);
    double sum = 0;
    for (std::size_t i = 0; i < z.size(); ++i) sum += loss_at(z[i], labels[i], inverse);
    return sum;
  };
  // The log-loss is convex in 1/T, hence has one minimum in ln T.
  constexpr double kGolden = 0.6180339887498949;
  double low = base::det::log(0.1), high = base::det::log(10.0);
  double a = high - kGolden * (high - low), b = low + kGolden * (high - low);
  double loss_a = loss(a), loss_b = loss(b);
  while (high - low > 1e-6) {
    if (loss_a <= loss_b) {
      high = b;
      b = a;
      loss_b = loss_a;
      a = high - kGolden * (high - low);
      loss_a = loss(a);
    } else {
      low = a;
      a = b;
      loss_a = loss_b;
      b = low + kGolden * (high - low);
      loss_b = loss(b);
    }
  }
  return base::det::exp((low + high) / 2);
}

double fit_temperature(std::span<const LabelClass> labels, const Forecasts& forecasts) {
  const Judged rows = judged(labels, forecasts);
  return fit_temperature(rows.labels, rows.p);
}

}  // namespace qtrader::training
