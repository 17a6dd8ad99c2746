#include "core/statistics/data_snooping.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/base/det_math.hpp"
#include "core/statistics/bootstrap.hpp"
#include "core/statistics/moments.hpp"

namespace qtrader::statistics {
namespace {

struct Variant {
  double mean = 0;
  double deviation = 0;            // of √n · mean under the bootstrap; 0 if the column does not vary
  std::array<double, 3> centre{};  // Hansen's g(mean): lower, consistent, upper
};

/// Weights κ(n, lag) of Hansen (2005), eq. 6 ff.: the kernel whose variance the stationary bootstrap reproduces.
std::vector<double> kernel(std::size_t n, double block_length) {
  const double stay = 1 - 1 / block_length, size = static_cast<double>(n);
  std::vector<double> power(n + 1, 1);  // stay^k
  for (std::size_t k = 1; k <= n; ++k) power[k] = power[k - 1] * stay;
  std::vector<double> out(n);
  for (std::size_t lag = 1; lag < n; ++lag) {
    const double share = static_cast<double>(lag) / size;
    out[lag] = (1 - share) * power[lag] + share * power[n - lag];
  }
  return out;
}

double bootstrap_variance(std::span<const double> column, double middle, const std::vector<double>& weights) {
  constexpr double kNegligible = 1e-18;
  const std::size_t n = column.size();
  double total = 0;
  for (const double v : column) total += (v - middle) * (v - middle);
  for (std::size_t lag = 1; lag < n; ++lag) {
    if (weights[lag] < kNegligible) continue;
    double cross = 0;
    for (std::size_t t = lag; t < n; ++t) cross += (column[t] - middle) * (column[t - lag] - middle);
    total += 2 * weights[lag] * cross;
  }
  return total / static_cast<double>(n);
}

std::vector<Variant> measure(const Panel& gains, double block_length) {
  const double n = static_cast<double>(gains.rows());
  const std::vector<double> weights = kernel(gains.rows(), block_length);
  const double far = std::sqrt(2 * base::det::log(base::det::log(n)));
  std::vector<Variant> out(gains.columns());
  for (std::size_t k = 0; k < out.size(); ++k) {
    const std::vector<double> column = gains.column(k);
    Variant& v = out[k];
    v.mean = *mean(column);
    if (moments(column)) v.deviation = std::sqrt(std::max(bootstrap_variance(column, v.mean, weights), 0.0));
    const bool plainly_bad = std::sqrt(n) * v.mean < -far * v.deviation;
    v.centre = {std::max(v.mean, 0.0), plainly_bad ? 0 : v.mean, v.mean};
  }
  return out;
}

/// The largest statistic over the variants: White's in its raw unit, Hansen's in deviations.
struct Largest {
  double white = 0;
  std::array<double, 3> hansen{};
};

Largest largest_of(const std::vector<Variant>& variants, std::span<const double> means) {
  Largest out{.white = means[0] - variants[0].mean, .hansen = {}};
  for (std::size_t k = 0; k < variants.size(); ++k) {
    const Variant& v = variants[k];
    out.white = std::max(out.white, means[k] - v.mean);
    if (v.deviation == 0) continue;
    for (std::size_t j = 0; j < 3; ++j) out.hansen[j] = std::max(out.hansen[j], (means[k] - v.centre[j]) / v.deviation);
  }
  return out;
}

}  // namespace

double panel_block_length(const Panel& gains) {
  std::vector<double> lengths;
  for (std::size_t k = 0; k < gains.columns(); ++k) lengths.push_back(automatic_block_length(gains.column(k)));
  if (lengths.empty()) return 1;
  std::ranges::sort(lengths);
  return quantile(lengths, 0.5);
}

std::optional<Snooping> data_snooping(const Panel& gains, const SnoopingOptions& options) {
  QT_CHECK(options.block_length >= 1 && options.resamples >= 100, "blocks of at least one row, at least 100 resamples");
  constexpr std::size_t kFewest = 10;
  const std::size_t n = gains.rows();
  if (n < kFewest || gains.columns() == 0) return std::nullopt;
  const std::vector<Variant> variants = measure(gains, options.block_length);
  if (std::ranges::all_of(variants, [](const Variant& v) { return v.deviation == 0; })) return std::nullopt;

  Snooping out{.best_mean = variants[0].mean};
  double studentised = 0;
  for (std::size_t k = 0; k < variants.size(); ++k) {
    if (variants[k].mean > out.best_mean) out.best_mean = variants[k].mean, out.best = k;
    if (variants[k].deviation > 0) studentised = std::max(studentised, variants[k].mean / variants[k].deviation);
  }
  StationaryBootstrap bootstrap(n, options.block_length, options.seed);
  std::uint32_t white = 0;
  std::array<std::uint32_t, 3> hansen{};
  std::vector<double> means(gains.columns()), drawn(n);
  for (std::uint32_t b = 0; b < options.resamples; ++b) {
    std::ranges::fill(drawn, 0);
    for (const std::uint32_t i : bootstrap.next()) drawn[i] += 1;
    std::ranges::fill(means, 0);
    for (std::size_t t = 0; t < n; ++t) {
      const auto row = gains.row(t);
      if (const double weight = drawn[t] / static_cast<double>(n); weight > 0)
        for (std::size_t k = 0; k < means.size(); ++k) means[k] += weight * row[k];
    }
    const Largest largest = largest_of(variants, means);
    white += largest.white >= out.best_mean ? 1 : 0;
    for (std::size_t j = 0; j < 3; ++j) hansen[j] += largest.hansen[j] >= studentised ? 1 : 0;
  }
  const auto p = [&](std::uint32_t exceeding) { return (1.0 + exceeding) / (1.0 + options.resamples); };
  out.reality_check_p = p(white);
  out.spa_lower_p = p(hansen[0]);
  out.spa_p = p(hansen[1]);
  out.spa_upper_p = p(hansen[2]);
  return out;
}

}  // namespace qtrader::statistics
