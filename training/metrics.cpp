#include "training/metrics.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/det_math.hpp"

namespace qtrader::training {
namespace {

std::size_t index(LabelClass c) { return static_cast<std::size_t>(c); }

double expected_calibration_error(std::span<const LabelClass> labels, std::span<const Probabilities> p) {
  std::vector<statistics::Claim> claims;
  claims.reserve(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) claims.push_back(top_claim(labels[i], p[i]));
  const auto table = statistics::reliability_table(claims, kCalibrationBins, statistics::Bins::EqualWidth);
  return *statistics::expected_calibration_error(table);
}

}  // namespace

double log_loss_of(LabelClass label, const Probabilities& p) {
  return -base::det::log(std::max(p[index(label)], 1e-15));
}

double brier_of(LabelClass label, const Probabilities& p) {
  double out = 0;
  for (std::size_t c = 0; c < kClassCount; ++c) {
    const double d = p[c] - (c == index(label) ? 1 : 0);
    out += d * d;
  }
  return out;
}

std::size_t top_class(const Probabilities& p) {
  return static_cast<std::size_t>(std::ranges::max_element(p) - p.begin());
}

statistics::Claim top_claim(LabelClass label, const Probabilities& p) {
  const std::size_t top = top_class(p);
  return {std::min(p[top], 1.0), top == index(label)};
}

double macro_f1(const Confusion& m) {
  double sum = 0;
  for (std::size_t c = 0; c < kClassCount; ++c) {
    std::int64_t actual = 0, predicted = 0;
    for (std::size_t o = 0; o < kClassCount; ++o) {
      actual += m[c][o];
      predicted += m[o][c];
    }
    if (actual + predicted > 0) sum += 2.0 * static_cast<double>(m[c][c]) / static_cast<double>(actual + predicted);
  }
  return sum / static_cast<double>(kClassCount);
}

double matthews_correlation(const Confusion& m) {
  double n = 0, correct = 0, cross = 0, actual_squares = 0, predicted_squares = 0;
  for (std::size_t c = 0; c < kClassCount; ++c) {
    double actual = 0, predicted = 0;
    for (std::size_t o = 0; o < kClassCount; ++o) {
      actual += static_cast<double>(m[c][o]);
      predicted += static_cast<double>(m[o][c]);
    }
    n += actual;
    correct += static_cast<double>(m[c][c]);
    cross += actual * predicted;
    actual_squares += actual * actual;
    predicted_squares += predicted * predicted;
  }
  const double denominator = std::sqrt((n * n - predicted_squares) * (n * n - actual_squares));
  return denominator > 0 ? (correct * n - cross) / denominator : 0;
}

double log_loss(std::span<const LabelClass> labels, std::span<const Probabilities> p) {
  QT_CHECK(labels.size() == p.size() && !labels.empty(), "one probability vector for each label");
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) sum += log_loss_of(labels[i], p[i]);
  return sum / static_cast<double>(labels.size());
}

Score score(std::span<const LabelClass> labels, std::span<const Probabilities> p) {
  Score out;
  out.log_loss = log_loss(labels, p);
  const auto n = static_cast<double>(labels.size());
  out.rows = static_cast<std::int64_t>(labels.size());
  double brier = 0, correct = 0, directional = 0, directional_rows = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::size_t actual = index(labels[i]);
    brier += brier_of(labels[i], p[i]);
    const std::size_t top = top_class(p[i]);
    ++out.confusion[actual][top];
    correct += top == actual ? 1 : 0;
    if (labels[i] == LabelClass::Hold) continue;
    ++directional_rows;
    const double lean = labels[i] == LabelClass::Buy ? p[i][2] - p[i][0] : p[i][0] - p[i][2];
    directional += lean > 0 ? 1 : lean == 0 ? 0.5 : 0;
  }
  out.brier = brier / n;
  out.accuracy = correct / n;
  out.directional_accuracy = directional_rows > 0 ? directional / directional_rows : 0;
  out.ece = expected_calibration_error(labels, p);
  out.macro_f1 = macro_f1(out.confusion);
  out.mcc = matthews_correlation(out.confusion);
  return out;
}

Judged judged(std::span<const LabelClass> labels, const Forecasts& forecasts) {
  QT_CHECK(labels.size() == forecasts.size(), "one forecast or none for each label");
  Judged out;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!forecasts[i]) continue;
    out.labels.push_back(labels[i]);
    out.p.push_back(*forecasts[i]);
  }
  return out;
}

Forecasts all_present(std::vector<Probabilities> p) { return {p.begin(), p.end()}; }

Probabilities class_prior(std::span<const LabelClass> labels) {
  QT_CHECK(!labels.empty(), "the prior of no rows is unknown");
  Probabilities out{};
  for (const LabelClass c : labels) out[index(c)] += 1;
  for (double& v : out) v /= static_cast<double>(labels.size());
  return out;
}

}  // namespace qtrader::training
