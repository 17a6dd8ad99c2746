#include "core/models/novelty.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/det_math.hpp"

namespace qtrader::models {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using features::kFeatureCount;

constexpr double kIqrPerSigma = 1.349;  // of a normal distribution
constexpr double kLeastScale = 1e-6;
constexpr double kMostSigmas = 5;
constexpr double kDecay = 0.1;  // per unit of distance beyond d95

Error invalid(std::string_view member, std::string_view expected) {
  return Error{"models", Errc::InvalidArgument,
               "novelty baseline: " + std::string(member) + " is not " + std::string(expected)};
}

bool finite(std::span<const double> values) {
  return std::ranges::all_of(values, [](double v) { return std::isfinite(v); });
}

Result<std::vector<std::size_t>> indices_of(const std::vector<std::string>& names) {
  std::vector<std::size_t> out;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(features::kFeatureNames, name);
    if (found == features::kFeatureNames.end()) return invalid("features", "made of feature names: '" + name + "'");
    const auto index = static_cast<std::size_t>(found - features::kFeatureNames.begin());
    if (!out.empty() && index <= out.back()) return invalid("features", "in the order of the feature vector");
    out.push_back(index);
  }
  if (out.empty()) return invalid("features", "a list of at least one feature");
  return out;
}

Result<void> validate_shape(const NoveltyBaseline& b) {
  const std::size_t k = b.features.size();
  const std::string by_feature = "one finite number for each of " + std::to_string(k) + " features";
  if (b.median.size() != k || !finite(b.median)) return invalid("median", by_feature);
  if (b.mean.size() != k || !finite(b.mean)) return invalid("mean", by_feature);
  if (b.iqr.size() != k || !finite(b.iqr) || std::ranges::min(b.iqr) < 0) return invalid("iqr", by_feature + ", >= 0");
  if (b.whitening.size() != k * (k + 1) / 2 || !finite(b.whitening))
    return invalid("whitening", std::to_string(k * (k + 1) / 2) + " finite numbers");
  for (std::size_t column = 0, at = 0; column < k; at += k - column, ++column)
    if (!(b.whitening[at] > 0)) return invalid("whitening", "positive on its diagonal");
  return {};
}

Result<void> validate_distances(const NoveltyBaseline& b) {
  if (!(b.shrinkage >= 0 && b.shrinkage <= 1)) return invalid("shrinkage", "in [0, 1]");
  if (!(b.d95 >= 0) || !std::isfinite(b.d95)) return invalid("d95", "a finite number >= 0");
  if (b.levels.size() < 2 || b.levels.front() != 0 || b.levels.back() != 1 || !finite(b.levels) ||
      std::ranges::adjacent_find(b.levels, std::greater_equal<>()) != b.levels.end())
    return invalid("levels", "rising from 0 to 1");
  if (std::ranges::find(b.levels, Novelty::kMostNovel) == b.levels.end())
    return invalid("levels", "fine enough: 0.999 is missing");
  if (b.distances.size() != b.levels.size() || !finite(b.distances) || b.distances.front() < 0 ||
      !std::ranges::is_sorted(b.distances))
    return invalid("distances", "one distance per level, never falling");
  return {};
}

}  // namespace

double novelty_z(double x, double median, double iqr) {
  return std::clamp((x - median) / (iqr / kIqrPerSigma + kLeastScale), -kMostSigmas, kMostSigmas);
}

/// By columns, so that the compiler may do several rows at once without changing the order of any sum.
double whitened_length(std::span<const double> centred, std::span<const double> whitening) {
  const std::size_t k = centred.size();
  std::array<double, kFeatureCount> white{};
  const double* w = whitening.data();
  for (std::size_t column = 0; column < k; ++column) {
    const double c = centred[column];
    double* out = white.data() + column;
    const std::size_t rows = k - column;
    for (std::size_t row = 0; row < rows; ++row) out[row] += w[row] * c;
    w += rows;
  }
  double squares = 0;
  for (std::size_t i = 0; i < k; ++i) squares += white[i] * white[i];
  return std::sqrt(squares);
}

base::Result<Novelty> Novelty::create(NoveltyBaseline baseline) {
  QT_TRY(std::vector<std::size_t> index, indices_of(baseline.features));
  QT_TRY_VOID(validate_shape(baseline));
  QT_TRY_VOID(validate_distances(baseline));
  return Novelty(std::move(baseline), std::move(index));
}

Novelty::Reading Novelty::measure(std::span<const double, features::kFeatureCount> x) const {
  const NoveltyBaseline& b = baseline_;
  std::array<double, kFeatureCount> centred{};
  for (std::size_t i = 0; i < index_.size(); ++i)
    centred[i] = novelty_z(x[index_[i]], b.median[i], b.iqr[i]) - b.mean[i];
  Reading out;
  out.distance = whitened_length({centred.data(), index_.size()}, b.whitening);
  out.score = score(out.distance);
  out.factor = base::det::exp(-kDecay * std::max(0.0, out.distance - b.d95));
  return out;
}

/// The training distribution function, linear between its levels. What is not a number is as far as can be.
double Novelty::score(double distance) const {
  const std::vector<double>& d = baseline_.distances;
  const std::vector<double>& levels = baseline_.levels;
  if (!(distance <= d.back())) return 1;
  const auto above = static_cast<std::size_t>(std::ranges::upper_bound(d, distance) - d.begin());
  if (above == 0) return 0;
  if (above == d.size()) return levels.back();
  const double share = (distance - d[above - 1]) / (d[above] - d[above - 1]);
  return levels[above - 1] + share * (levels[above] - levels[above - 1]);
}

}  // namespace qtrader::models
