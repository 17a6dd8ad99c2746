#include "training/deep/forecast_presets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>
#include <memory>

#include "core/base/rng.hpp"
#include "training/deep/nhits_net.hpp"
#include "training/deep/patchtst_net.hpp"

namespace qtrader::training::deep {
namespace {

// scripts/PatchTST/{etth1,ettm2,illness}.sh of yuqinie98/PatchTST. It has none for Exchange: the settings of its small
// network are used there.
PatchTstShape patchtst_shape(std::string_view dataset) {
  if (dataset == "ETTm2")
    return {.look_back = 336, .patch = 16, .stride = 8, .d_model = 128, .heads = 16, .d_ff = 256, .dropout = 0.2};
  if (dataset == "ILI")
    return {.look_back = 104, .patch = 24, .stride = 2, .d_model = 16, .heads = 4, .d_ff = 128, .dropout = 0.3};
  return {.look_back = 336, .patch = 16, .stride = 8, .d_model = 16, .heads = 4, .d_ff = 128, .dropout = 0.3};
}

FitPlan patchtst_plan(std::string_view dataset) {
  FitPlan plan;
  plan.epochs = 100;
  plan.patience = dataset == "ILI" ? 100 : 15;
  plan.batch = dataset == "ILI" ? 16 : 128;
  plan.learning_rate = dataset == "ILI" ? 0.0025 : 1e-4;
  plan.schedule = dataset == "ILI" ? ScheduleKind::Constant : ScheduleKind::Type3;
  // Their loop makes a OneCycleLR that it then never steps: what its constructor did to the optimiser stays.
  plan.first_epoch_divisor = 25;
  plan.momentum = 0.95;
  return plan;
}

ForecastCandidate patchtst_candidate(const ForecastDataset& dataset, std::int64_t horizon) {
  PatchTstShape shape = patchtst_shape(dataset.name);
  shape.channels = dataset.channels;
  shape.horizon = horizon;
  ForecastCandidate out;
  out.settings = fmt::format("patch {} stride {} d_model {} heads {} d_ff {} dropout {}", shape.patch, shape.stride,
                             shape.d_model, shape.heads, shape.d_ff, shape.dropout);
  out.look_back = shape.look_back;
  out.horizon = shape.horizon;
  out.plan = patchtst_plan(dataset.name);
  out.test_batch = out.plan.batch;
  out.make = [shape] { return std::make_shared<PatchTstNet>(shape); };
  return out;
}

// What the experiments of cchallu/n-hits search: the kernel of each stack's max-pooling, the steps for each knot of its
// forecast, and the seed.
using Rates = std::vector<std::int64_t>;
const std::vector<Rates> kPoolings = {{1, 1, 1}, {2, 2, 2}, {4, 4, 4}, {8, 8, 8}, {8, 4, 1}, {16, 8, 1}};
const std::vector<Rates> kDownSamplings = {{168, 24, 1}, {24, 12, 1}, {180, 60, 1}, {60, 8, 1}, {40, 20, 1}};

const Rates& drawn(const std::vector<Rates>& from, base::Rng& rng) { return from[rng.below(from.size())]; }

// And what they hold fixed: 1 000 steps of about 256 series, the rate halved after each third of them, the mean
// absolute error as loss, validated every 50 steps, up to 10 times without getting better.
FitPlan nhits_plan() {
  FitPlan plan;
  plan.epochs = 20;
  plan.patience = 10;
  plan.batch = 32;
  plan.windows_per_epoch = 50 * plan.batch;
  plan.validation_windows = 1'000;
  plan.learning_rate = 1e-3;
  plan.schedule = ScheduleKind::Halving;
  plan.loss = ForecastLoss::Absolute;
  return plan;
}

ForecastCandidate nhits_candidate(const NhitsShape& shape) {
  ForecastCandidate out;
  out.settings = fmt::format("pooling {} down-sampling {}, {} values", shape.pooling, shape.down_sampling,
                             shape.relative ? "relative" : "absolute");
  out.look_back = shape.look_back;
  out.horizon = shape.horizon;
  out.history = History::AnyLength;
  out.plan = nhits_plan();
  out.make = [shape] { return std::make_shared<NhitsNet>(shape); };
  return out;
}

}  // namespace

std::vector<ForecastCandidate> forecast_candidates(ForecastModel model, const ForecastDataset& dataset,
                                                   const ForecastRequest& request, std::int64_t horizon) {
  std::vector<ForecastCandidate> out;
  if (model == ForecastModel::PatchTst) {
    out.push_back(patchtst_candidate(dataset, horizon));
    out.back().plan.seed = request.seed;
    return out;
  }
  base::Rng rng = base::Rng(request.seed).fork("trials");
  for (std::int64_t trial = 0; trial < request.trials; ++trial) {
    out.push_back(nhits_candidate({.look_back = request.look_back_horizons * horizon,
                                   .horizon = horizon,
                                   .pooling = drawn(kPoolings, rng),
                                   .down_sampling = drawn(kDownSamplings, rng),
                                   .relative = !request.absolute}));
    out.back().plan.seed = rng.below(std::numeric_limits<std::uint32_t>::max());
  }
  return out;
}

std::vector<std::string> reported_models(ForecastModel model, std::int64_t look_back) {
  if (model == ForecastModel::Nhits) return {"N-HiTS"};
  if (look_back == 336) return {"PatchTST/42"};
  return {"PatchTST/42", "PatchTST/64"};  // neither's look-back is known to be this one: both are shown
}

}  // namespace qtrader::training::deep
