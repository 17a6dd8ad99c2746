// For tests of this room: novelty baselines whose distances can be told without a computer.
#pragma once

#include "core/models/novelty.hpp"

namespace qtrader::models::testing {

/// The first `features` features, uncorrelated and in units of their deviation: the distance is the Euclidean length of
/// x. 95 % of training rows lay within 3, 99.9 % within 4, all within 5.
inline NoveltyBaseline plain_baseline(std::size_t features) {
  NoveltyBaseline out;
  out.features.assign(features::kFeatureNames.begin(),
                      features::kFeatureNames.begin() + static_cast<std::ptrdiff_t>(features));
  out.median.assign(features, 0);
  out.iqr.assign(features, 1.349 * (1 - 1e-6));
  out.mean.assign(features, 0);
  for (std::size_t column = 0; column < features; ++column) {
    out.whitening.push_back(1);
    out.whitening.insert(out.whitening.end(), features - column - 1, 0);
  }
  out.shrinkage = 0.01;
  out.d95 = 3;
  out.levels = {0, 0.95, 0.999, 1};
  out.distances = {0, 3, 4, 5};
  return out;
}

}  // namespace qtrader::models::testing
