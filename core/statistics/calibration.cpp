#include "core/statistics/calibration.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/check.hpp"
#include "core/statistics/multiple_testing.hpp"

namespace qtrader::statistics {
namespace {

constexpr double kConfidence = 0.95;

ReliabilityRow row_of(std::span<const Claim> claims) {
  ReliabilityRow row;
  row.low = claims.front().probability;
  row.high = claims.back().probability;
  row.count = claims.size();
  double happened = 0;
  for (const Claim& c : claims) {
    row.claimed += c.probability;
    happened += c.happened ? 1 : 0;
  }
  const double n = static_cast<double>(claims.size());
  row.claimed /= n;
  row.observed = happened / n;
  row.observed_interval = *wilson_interval(happened, n, kConfidence);
  return row;
}

/// How many of the sorted claims from `from` on belong to the bin they begin in.
std::size_t end_of_width(std::span<const Claim> sorted, std::size_t from, std::size_t bin, std::size_t bins) {
  std::size_t to = from;
  const double n = static_cast<double>(bins);
  const auto bin_of = [&](double p) { return std::min(static_cast<std::size_t>(p * n), bins - 1); };
  while (to < sorted.size() && bin_of(sorted[to].probability) == bin) ++to;
  return to;
}

std::size_t end_of_mass(std::span<const Claim> sorted, std::size_t from, std::size_t bin, std::size_t bins) {
  std::size_t to = std::max(from, (bin + 1) * sorted.size() / bins);
  while (to > from && to < sorted.size() && sorted[to].probability == sorted[to - 1].probability) ++to;
  return to;
}

}  // namespace

std::vector<ReliabilityRow> reliability_table(std::span<const Claim> claims, std::size_t bins, Bins kind) {
  QT_CHECK(bins >= 1, "at least one bin");
  std::vector<Claim> sorted(claims.begin(), claims.end());
  std::ranges::stable_sort(sorted, {}, &Claim::probability);
  QT_CHECK(sorted.empty() || (sorted.front().probability >= 0 && sorted.back().probability <= 1), "probabilities");
  std::vector<ReliabilityRow> rows;
  std::size_t from = 0;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const bool width = kind == Bins::EqualWidth;
    const std::size_t to = (width ? end_of_width : end_of_mass)(sorted, from, bin, bins);
    if (to == from) continue;
    ReliabilityRow row = row_of(std::span<const Claim>(sorted).subspan(from, to - from));
    if (width) {
      row.low = static_cast<double>(bin) / static_cast<double>(bins);
      row.high = static_cast<double>(bin + 1) / static_cast<double>(bins);
    }
    rows.push_back(row);
    from = to;
  }
  return rows;
}

std::optional<double> expected_calibration_error(std::span<const ReliabilityRow> rows) {
  double sum = 0, n = 0;
  for (const ReliabilityRow& r : rows) {
    sum += static_cast<double>(r.count) * std::fabs(r.claimed - r.observed);
    n += static_cast<double>(r.count);
  }
  if (n == 0) return std::nullopt;
  return sum / n;
}

}  // namespace qtrader::statistics
