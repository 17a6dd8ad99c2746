// Fits what core/models/novelty.hpp measures: centre, spread and covariance of the training rows, and how far from it
// such rows usually lie (ai.md 4.6).
//
// Called once per training; every member's card gets the result. The covariance is Ledoit & Wolf's (2004), "A
// well-conditioned estimator for large-dimensional covariance matrices": it cannot be singular, whatever the features.
// The distances come from rows that the covariance they are measured under was not fitted on, so that a percentile
// means the same for a live row. A pure function of the rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.hpp"
#include "core/models/novelty.hpp"

namespace qtrader::training {

/// Rows of which fewer differ from the median than this share say nothing about a feature: it is left out. That covers
/// features held neutral in training, and flags so rare that each of them would look like the end of the world.
inline constexpr double kLeastVarying = 0.01;

/// `x` is row-major, rows × features::kFeatureCount, in the order of time: distances are cross-fitted over five blocks.
/// Error: InvalidArgument on fewer than 500 rows, a value that is not finite, or no feature that varies.
base::Result<models::NoveltyBaseline> fit_novelty(std::span<const double> x);

/// Mean and shrunk covariance of points in `dimension` dimensions.
struct ShrunkCovariance {
  std::vector<double> mean;
  std::vector<double> covariance;  // dimension², row-major
  double shrinkage = 0;            // weight of (trace/dimension)·I, [0, 1]
};
/// `points` is row-major; at least two points. The formulas of Ledoit & Wolf (2004), section 3.2, of centred points.
ShrunkCovariance ledoit_wolf(std::span<const double> points, std::size_t dimension);

}  // namespace qtrader::training
