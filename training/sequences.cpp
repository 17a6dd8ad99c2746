#include "training/sequences.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/check.hpp"
#include "core/base/det_math.hpp"

namespace qtrader::training {
namespace {

using deep::kForecastSteps;
using deep::kWindowSteps;
using features::kFeatureCount;

float to_float(double x) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(x, -kLargest, kLargest));
}

/// Between the order statistics around fraction·(n − 1); partially sorts `values`.
double quantile(std::vector<double>& values, double fraction) {
  const double at = fraction * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::ranges::nth_element(values, nth);
  if (below + 1 == values.size()) return *nth;
  const double above = *std::min_element(nth + 1, values.end());
  return *nth + (at - static_cast<double>(below)) * (above - *nth);
}

std::span<const double> row_of(const Dataset& dataset, std::size_t row) {
  return std::span(dataset.x).subspan(row * kFeatureCount, kFeatureCount);
}

/// As models::FeatureHistory sees it: a value beyond float makes a bar unusable for networks.
bool finite(std::span<const double> x) {
  return std::ranges::all_of(x, [](double v) { return std::abs(v) <= std::numeric_limits<float>::max(); });
}

}  // namespace

std::vector<std::uint32_t> rows_by_symbol(const Dataset& dataset) {
  std::vector<std::uint32_t> out(dataset.size());
  std::iota(out.begin(), out.end(), 0U);
  std::ranges::sort(
      out, {}, [&](std::uint32_t i) { return std::pair(dataset.rows[i].symbol.value, dataset.rows[i].bar_close.ns); });
  return out;
}

std::vector<std::uint32_t> unbroken_runs(const Dataset& dataset, std::span<const std::uint32_t> order) {
  std::vector<std::uint32_t> out(order.size());
  for (std::size_t at = 0; at < order.size(); ++at) {
    const std::uint32_t previous = dataset.rows[order[at]].previous;
    QT_CHECK(previous == kNoRow || (at > 0 && order[at - 1] == previous), "the row before a row is in the dataset");
    if (finite(row_of(dataset, order[at]))) out[at] = previous == kNoRow ? 1 : out[at - 1] + 1;
  }
  return out;
}

deep::Quartiles fit_quartiles(const Dataset& dataset, IndexRange train) {
  QT_CHECK(train.size() > 0, "the median of no rows is unknown");
  deep::Quartiles out;
  std::vector<double> column(train.size());
  for (std::size_t j = 0; j < kFeatureCount; ++j) {
    for (std::size_t i = 0; i < column.size(); ++i) column[i] = dataset.x[(train.begin + i) * kFeatureCount + j];
    out.median[j] = to_float(quantile(column, 0.5));
    out.iqr[j] = to_float(quantile(column, 0.75) - quantile(column, 0.25));
  }
  return out;
}

Sequences::Sequences(const Dataset& dataset, const deep::Quartiles& quartiles)
    : dataset_(dataset),
      row_at_(rows_by_symbol(dataset)),
      position_(dataset.size()),
      run_(unbroken_runs(dataset, row_at_)),
      z_(dataset.size() * kFeatureCount),
      rv_20_(dataset.size()),
      log_close_(dataset.size()) {
  for (std::size_t at = 0; at < row_at_.size(); ++at) position_[row_at_[at]] = static_cast<std::uint32_t>(at);
  const auto normaliser = models::Normaliser::of(quartiles.median, quartiles.iqr);
  for (std::size_t at = 0; at < row_at_.size(); ++at) place(at, normaliser);
}

/// Fills in table row `at`.
void Sequences::place(std::size_t at, const models::Normaliser& normaliser) {
  const Row& row = dataset_.rows[row_at_[at]];
  const auto x = row_of(dataset_, row_at_[at]);
  models::Normaliser::Row raw, z;
  std::ranges::transform(x, raw.begin(), to_float);
  models::normalise(normaliser, raw, z);
  std::ranges::copy(z, z_.begin() + static_cast<std::ptrdiff_t>(at * kFeatureCount));
  rv_20_[at] = raw[static_cast<std::size_t>(features::Feature::Rv20)];
  log_close_[at] = base::det::log(row.close);
}

std::optional<std::uint32_t> Sequences::window_end(std::size_t row) const {
  const std::uint32_t at = position_[row];
  return run_[at] >= kWindowSteps ? std::optional(at) : std::nullopt;
}

void Sequences::append_targets(std::uint32_t end, IndexRange part, std::vector<float>& out) const {
  bool known = true;
  for (std::uint32_t step = 1; step <= kForecastSteps; ++step) {
    const std::size_t at = std::size_t{end} + step;
    known = known && at < run_.size() && run_[at] == run_[end] + step && row_at_[at] >= part.begin &&
            row_at_[at] < part.end;
    out.push_back(known ? models::target(log_close_[at], log_close_[end], static_cast<double>(rv_20_[end]))
                        : deep::kUnknownTarget);
  }
}

SequenceExamples Sequences::examples(IndexRange range, std::span<const double> weights) const {
  QT_CHECK(weights.empty() || weights.size() == range.size(), "one weight for each row");
  SequenceExamples out;
  double total = 0;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const auto end = window_end(i);
    if (!end) continue;
    out.rows.push_back(i);
    out.ends.push_back(*end);
    out.labels.push_back(static_cast<std::uint8_t>(dataset_.labels[i]));
    append_targets(*end, range, out.targets);
    if (!weights.empty()) total += weights[i - range.begin];
  }
  if (!weights.empty())
    for (const std::size_t i : out.rows)
      out.weights.push_back(
          static_cast<float>(weights[i - range.begin] * static_cast<double>(out.rows.size()) / total));
  return out;
}

}  // namespace qtrader::training
