// Temperature scaling (Guo et al. 2017): one number per model that makes its probabilities honest.
//
// Fitted on validation rows after training; stored in the card, applied by core/models (logits divided by it). Keeps
// the order of the classes, so it changes no argmax.
#pragma once

#include <span>

#include "training/metrics.hpp"

namespace qtrader::training {

/// Softmax of ln(p)/T.
Probabilities apply_temperature(const Probabilities& p, double temperature);

/// The T in [0.1, 10] that minimises the log-loss; golden-section search on ln T to 1e-6.
double fit_temperature(std::span<const LabelClass> labels, std::span<const Probabilities> p);
/// The same over the rows that have a forecast; at least one (QT_CHECK).
double fit_temperature(std::span<const LabelClass> labels, const Forecasts& forecasts);

}  // namespace qtrader::training
