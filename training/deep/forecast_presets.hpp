// The papers' settings of each network on each public set: what the benchmark trains and, for N-HiTS, chooses among.
//
// Only for sources of this room: the header names torch types.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "training/deep/forecast_benchmark.hpp"
#include "training/deep/forecast_fit.hpp"

namespace qtrader::training::deep {

/// One network that may be trained.
struct ForecastCandidate {
  std::string settings;  // for people
  std::int64_t look_back = 0, horizon = 0;
  History history = History::Whole;
  /// Of the authors' test loader, which leaves out the last, incomplete batch; 0: theirs scores every window.
  std::int64_t test_batch = 0;
  FitPlan plan;
  std::function<ForecastNetPtr()> make;
};

/// PatchTST: the one network of the authors' scripts. N-HiTS: as many networks as there are trials, with pooling
/// kernels, down-sampling rates and seeds drawn from its authors' search by the request's seed.
std::vector<ForecastCandidate> forecast_candidates(ForecastModel model, const ForecastDataset& dataset,
                                                   const ForecastRequest& request, std::int64_t horizon);

/// Models of reported-results.csv that a network with this look-back is compared with.
std::vector<std::string> reported_models(ForecastModel model, std::int64_t look_back);

}  // namespace qtrader::training::deep
