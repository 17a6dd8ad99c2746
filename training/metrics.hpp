// Metrics of three-class probability forecasts: proper scores, calibration, and what the argmax is worth.
//
// Log-loss and Brier are what models are chosen by; the others are reported. Never weighted by class or age: scores are
// of the rows as they came, so that they compare across models and with the class prior.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/statistics/calibration.hpp"
#include "training/labels.hpp"

namespace qtrader::training {

using Probabilities = std::array<double, kClassCount>;  // SELL, HOLD, BUY; sums to 1
/// One for each row; absent where the model could not predict (a network without an unbroken history).
using Forecasts = std::vector<std::optional<Probabilities>>;

using Confusion = std::array<std::array<std::int64_t, kClassCount>, kClassCount>;  // [label][argmax]

struct Score {
  std::int64_t rows = 0;
  double log_loss = 0;  // mean −ln p[label], p floored at 1e-15 (nats)
  double brier = 0;     // mean Σ (p − 1[label])², in [0, 2]
  double ece = 0;       // expected calibration error of the top class, 15 equal-width bins (Guo et al. 2017)
  double macro_f1 = 0;
  double mcc = 0;  // multi-class Matthews correlation (Gorodkin 2004); 0 where undefined
  double accuracy = 0;
  double directional_accuracy = 0;  // p_BUY against p_SELL on rows whose label is not HOLD; a tie counts half
  Confusion confusion{};
};
QT_DESCRIBE(Score, rows, log_loss, brier, ece, macro_f1, mcc, accuracy, directional_accuracy, confusion)

/// Of one row: −ln p[label], p floored at 1e-15.
double log_loss_of(LabelClass label, const Probabilities& p);
/// Σ (p − 1[label])² of one row.
double brier_of(LabelClass label, const Probabilities& p);
/// Index of the largest; the first of equals.
std::size_t top_class(const Probabilities& p);
/// Equal-width bins in which a claimed probability is compared with what happened (Guo et al. 2017).
inline constexpr std::size_t kCalibrationBins = 15;
/// What the largest probability claims, and whether it happened; what rounding left above 1 is 1.
statistics::Claim top_claim(LabelClass label, const Probabilities& p);
/// In [0, 1]; classes that are neither there nor predicted count 0.
double macro_f1(const Confusion& counts);
/// In [−1, 1] (Gorodkin 2004); 0 where undefined.
double matthews_correlation(const Confusion& counts);

double log_loss(std::span<const LabelClass> labels, std::span<const Probabilities> p);

/// Same length, at least one row (QT_CHECK).
Score score(std::span<const LabelClass> labels, std::span<const Probabilities> p);

/// The rows a model did predict, side by side.
struct Judged {
  std::vector<LabelClass> labels;
  std::vector<Probabilities> p;
};
/// Same length (QT_CHECK).
Judged judged(std::span<const LabelClass> labels, const Forecasts& forecasts);
Forecasts all_present(std::vector<Probabilities> p);

/// Shares of the classes: the forecast of someone who knows nothing but these rows.
Probabilities class_prior(std::span<const LabelClass> labels);

}  // namespace qtrader::training
