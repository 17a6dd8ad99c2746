#include "core/statistics/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/check.hpp"
#include "core/base/det_math.hpp"
#include "core/statistics/moments.hpp"

namespace qtrader::statistics {
namespace {

constexpr double kMostUndefined = 0.05;  // share of resamples

void check(const BootstrapOptions& o) {
  QT_CHECK(o.resamples >= 100, "at least 100 resamples");
  QT_CHECK(o.confidence > 0 && o.confidence < 1, "a confidence inside (0, 1)");
}

/// From the values of the resamples, NaN where undefined.
std::optional<BootstrapEstimate> estimate(double value, std::vector<double> draws, const BootstrapOptions& options) {
  const auto asked = static_cast<double>(draws.size());
  std::erase_if(draws, [](double d) { return !std::isfinite(d); });
  if (!std::isfinite(value) || static_cast<double>(draws.size()) < (1 - kMostUndefined) * asked) return std::nullopt;
  std::ranges::sort(draws);
  const double outside = (1 - options.confidence) / 2, middle = *mean(draws);
  double squares = 0;
  for (const double d : draws) squares += (d - middle) * (d - middle);
  return BootstrapEstimate{.value = value,
                           .interval = {quantile(draws, outside), quantile(draws, 1 - outside)},
                           .deviation = std::sqrt(squares / static_cast<double>(draws.size() - 1))};
}

/// Autocovariances 0 … max_lag, and the lag after which kn successive autocorrelations are within their noise; none if
/// there is no such lag.
struct Correlogram {
  std::vector<double> covariance;
  std::optional<std::size_t> last_lag;
};

Correlogram correlogram(std::span<const double> series, std::size_t max_lag, std::size_t run) {
  const std::size_t n = series.size();
  std::vector<double> e(series.begin(), series.end());
  const double middle = *mean(series);
  for (double& v : e) v -= middle;
  const double size = static_cast<double>(n), noise = 2 * std::sqrt(base::det::log(size) / base::det::log(10) / size);
  double head = 0;  // Σ of squares without the last lag + 1, and without the first
  for (const double v : e) head += v * v;
  double tail = head;
  Correlogram out;
  std::size_t quiet = 0;  // length of the current run of insignificant autocorrelations before this lag
  for (std::size_t lag = 0; lag <= max_lag; ++lag) {
    tail -= e[lag] * e[lag];
    head -= e[n - 1 - lag] * e[n - 1 - lag];
    double cross = 0;
    for (std::size_t t = lag; t < n; ++t) cross += e[t] * e[t - lag];
    out.covariance.push_back(cross / size);
    if (lag >= run && quiet >= run && !out.last_lag) out.last_lag = lag - run;
    const double scale = std::sqrt(std::max(head, 0.0) * std::max(tail, 0.0));
    quiet = std::fabs(cross) < noise * scale ? quiet + 1 : 0;
  }
  return out;
}

}  // namespace

double quantile(std::span<const double> sorted, double share) {
  QT_CHECK(!sorted.empty() && share >= 0 && share <= 1, "a share of a sample");
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  if (below + 1 >= sorted.size()) return sorted.back();
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
}

double automatic_block_length(std::span<const double> series) {
  constexpr std::size_t kShortest = 12;
  const std::size_t n = series.size();
  if (n < kShortest || !moments(series)) return 1;
  const double size = static_cast<double>(n), root = std::sqrt(size);
  const auto decades = static_cast<std::size_t>(base::det::log(size) / base::det::log(10) + 1e-12);
  const std::size_t run = std::max<std::size_t>(5, decades);
  const std::size_t max_lag = std::min(static_cast<std::size_t>(std::ceil(root)) + run, n - 2);
  const Correlogram c = correlogram(series, max_lag, run);
  const std::size_t m = c.last_lag ? std::min(2 * std::max<std::size_t>(*c.last_lag, 1), max_lag) : max_lag;
  double g = 0, spectrum = c.covariance[0];
  for (std::size_t k = 1; k <= m; ++k) {
    const double share = static_cast<double>(k) / static_cast<double>(m);
    const double weight = 2 * (share <= 0.5 ? 1 : 2 * (1 - share));  // flat-top kernel, both sides
    g += weight * static_cast<double>(k) * c.covariance[k];
    spectrum += weight * c.covariance[k];
  }
  if (spectrum == 0 || g == 0) return 1;
  const double ratio = g * g / (spectrum * spectrum);  // 2G² / D, D = 2·spectrum²
  const double length = base::det::exp(base::det::log(ratio * size) / 3);
  return std::clamp(length, 1.0, std::ceil(std::min(3 * root, size / 3)));
}

StationaryBootstrap::StationaryBootstrap(std::size_t n, double block_length, std::uint64_t seed)
    : restart_(1 / block_length), rng_(base::Rng(seed).fork("stationary_bootstrap")), indices_(n) {
  QT_CHECK(n >= 1 && n <= std::numeric_limits<std::uint32_t>::max(), "a series that indices of 32 bits reach");
  QT_CHECK(block_length >= 1, "blocks of at least one observation");
}

std::span<const std::uint32_t> StationaryBootstrap::next() {
  const std::size_t n = indices_.size();
  std::size_t at = rng_.below(n);
  for (std::uint32_t& index : indices_) {
    index = static_cast<std::uint32_t>(at);
    at = rng_.uniform() < restart_ ? rng_.below(n) : (at + 1 == n ? 0 : at + 1);
  }
  return indices_;
}

std::optional<BootstrapEstimate> stationary_bootstrap(std::size_t n, double block_length,
                                                      const IndexStatistic& statistic,
                                                      const BootstrapOptions& options) {
  check(options);
  StationaryBootstrap bootstrap(n, block_length, options.seed);
  std::vector<std::uint32_t> all(n);
  std::iota(all.begin(), all.end(), 0U);
  std::vector<double> draws(options.resamples);
  for (double& d : draws) d = statistic(bootstrap.next());
  return estimate(statistic(all), std::move(draws), options);
}

std::optional<BootstrapEstimate> bootstrap_mean(std::span<const double> series, const BootstrapOptions& options) {
  if (series.size() < 2) return std::nullopt;
  const auto mean_of = [series](std::span<const std::uint32_t> indices) {
    double sum = 0;
    for (const std::uint32_t i : indices) sum += series[i];
    return sum / static_cast<double>(indices.size());
  };
  return stationary_bootstrap(series.size(), automatic_block_length(series), mean_of, options);
}

std::optional<BootstrapEstimate> cluster_bootstrap(const Panel& sums, const SumStatistic& statistic,
                                                   const BootstrapOptions& options) {
  check(options);
  if (sums.rows() < 2) return std::nullopt;
  base::Rng rng = base::Rng(options.seed).fork("cluster_bootstrap");
  std::vector<double> totals(sums.columns());
  const auto add = [&](std::size_t cluster) {
    const auto row = sums.row(cluster);
    for (std::size_t k = 0; k < totals.size(); ++k) totals[k] += row[k];
  };
  std::vector<double> draws(options.resamples);
  for (double& d : draws) {
    std::ranges::fill(totals, 0);
    for (std::size_t k = 0; k < sums.rows(); ++k) add(rng.below(sums.rows()));
    d = statistic(totals);
  }
  std::ranges::fill(totals, 0);
  for (std::size_t k = 0; k < sums.rows(); ++k) add(k);
  return estimate(statistic(totals), std::move(draws), options);
}

std::optional<BootstrapEstimate> cluster_bootstrap_ratio(std::span<const double> numerators,
                                                         std::span<const double> denominators,
                                                         const BootstrapOptions& options) {
  QT_CHECK(numerators.size() == denominators.size(), "one numerator and one denominator per cluster");
  Panel sums(numerators.size(), 2);
  for (std::size_t i = 0; i < numerators.size(); ++i) {
    sums.at(i, 0) = numerators[i];
    sums.at(i, 1) = denominators[i];
  }
  return cluster_bootstrap(sums, [](std::span<const double> s) { return s[0] / s[1]; }, options);
}

}  // namespace qtrader::statistics
