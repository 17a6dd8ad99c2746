// Sharpe ratios judged: how probable it is that the true one is above a threshold, given how long, how skewed and how
// often one has tried.
//
// All Sharpe ratios here are per observation (daily returns: daily Sharpe; times √365 is the annual one). Sources: PSR
// and the minimum track record from Bailey & López de Prado (2012), "The Sharpe Ratio Efficient Frontier", J. of Risk
// 15(2); DSR from Bailey & López de Prado (2014), "The Deflated Sharpe Ratio", J. of Portfolio Management 40(5).
#pragma once

#include <cstdint>
#include <optional>

#include "core/statistics/moments.hpp"

namespace qtrader::statistics {

/// Probability that the true Sharpe ratio exceeds `threshold`, in [0, 1]: Φ((SR − threshold)·√(n − 1) / √(1 − skew·SR
/// + (kurtosis − 1)/4·SR²)). Empty where the estimator's variance is not positive (extreme skew).
std::optional<double> probabilistic_sharpe(const Moments& returns, double threshold);

/// Expected largest of `trials` estimated Sharpe ratios whose true value is 0 and whose variance over the trials is
/// `variance`: √V·((1 − γ)·Φ⁻¹(1 − 1/N) + γ·Φ⁻¹(1 − 1/(N·e))). 0 for one trial. trials ≥ 1, variance ≥ 0.
double expected_max_sharpe(std::uint64_t trials, double variance);

/// DSR: probabilistic_sharpe against expected_max_sharpe. Empty as the former.
std::optional<double> deflated_sharpe(const Moments& returns, std::uint64_t trials, double variance);

/// Observations needed before probabilistic_sharpe(returns, threshold) reaches `confidence`, in (0, 1), if the sample's
/// moments persist. Empty if its Sharpe ratio is not above the threshold: no length is enough.
std::optional<double> minimum_track_record(const Moments& returns, double threshold, double confidence);

}  // namespace qtrader::statistics
