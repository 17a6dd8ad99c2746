// Novelty: how unusual a feature vector is among the rows a member was fitted on (ai.md 4.6).
//
// Mahalanobis distance of z = clip((x − median)/(IQR/1.349 + 1e-6), ±5) from the training mean, under the Ledoit–Wolf
// (2004) covariance of the training rows. training/novelty_fit.hpp makes the baseline, the model card carries it, the
// ensemble asks once per decision and baseline. Features that hardly varied in training are not part of it: a
// covariance knows nothing of them, and one value off would make every vector look strange. Never changes a vector.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/result.hpp"
#include "core/features/feature_vector.hpp"

namespace qtrader::models {

/// What the card stores. Vectors "by feature" run parallel to `features`.
struct NoveltyBaseline {
  std::vector<std::string> features;  // names of those measured, in the order of kFeatureNames
  std::vector<double> median, iqr;    // by feature, of the training rows
  std::vector<double> mean;           // by feature, of z
  std::vector<double> whitening;      // lower triangle of L⁻¹ by columns, where L·Lᵀ is the shrunk covariance of z
  double shrinkage = 0;               // weight of the identity in it, [0, 1]
  double d95 = 0;                     // the distance that 95 % of the training rows do not exceed
  /// The share levels[i] of the training rows lies at or below distances[i]. Both ascending; levels from 0 to 1.
  std::vector<double> levels, distances;
  bool operator==(const NoveltyBaseline&) const = default;
};
QT_DESCRIBE(NoveltyBaseline, features, median, iqr, mean, whitening, shrinkage, d95, levels, distances)

/// z of one value; shared with the fit, so that both measure the same.
double novelty_z(double x, double median, double iqr);

class Novelty {
 public:
  struct Reading {
    double distance = 0;  // Mahalanobis, ≥ 0
    double score = 0;     // share of the training rows that were nearer, [0, 1]
    double factor = 1;    // exp(−0.1·max(0, distance − d95)): what is left of a lead over 0.5
    bool too_far() const { return score > kMostNovel; }
  };
  /// A prediction for a vector beyond this share of the training rows is not believed at all.
  static constexpr double kMostNovel = 0.999;

  /// Errors: InvalidArgument naming the member that is inconsistent, not finite or out of range.
  static base::Result<Novelty> create(NoveltyBaseline baseline);

  Reading measure(std::span<const double, features::kFeatureCount> x) const;
  const NoveltyBaseline& baseline() const { return baseline_; }

 private:
  Novelty(NoveltyBaseline baseline, std::vector<std::size_t> index)
      : baseline_(std::move(baseline)), index_(std::move(index)) {}
  double score(double distance) const;

  NoveltyBaseline baseline_;
  std::vector<std::size_t> index_;  // by feature: where it is in a vector
};

/// The distance of z − mean under a whitening packed as NoveltyBaseline has it.
double whitened_length(std::span<const double> centred, std::span<const double> whitening);

}  // namespace qtrader::models
