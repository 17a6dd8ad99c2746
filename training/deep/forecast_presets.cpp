#include "training/deep/forecast_presets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

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

// 1 000 steps of about 256 series, the rate halved after each third of them, the mean absolute error as loss: the
// experiments of cchallu/n-hits. Validated every 50 steps.
FitPlan nhits_plan() {
  FitPlan plan;
  plan.epochs = 20;
  plan.patience = 5;
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
  out.settings = fmt::format("pooling {} down-sampling {}", shape.pooling, shape.down_sampling);
  out.look_back = shape.look_back;
  out.horizon = shape.horizon;
  out.plan = nhits_plan();
  out.make = [shape] { return std::make_shared<NhitsNet>(shape); };
  return out;
}

}  // namespace

std::vector<ForecastCandidate> forecast_candidates(ForecastModel model, const ForecastDataset& dataset,
                                                   const ForecastTask& task) {
  if (model == ForecastModel::PatchTst) return {patchtst_candidate(dataset, task.horizon)};
  // A small search in place of the paper's: its look-back is five horizons; shorter ones have less to over-fit.
  using Rates = std::vector<std::int64_t>;
  struct Point {
    std::int64_t look_back;  // horizons
    Rates pooling, down_sampling;
  };
  std::vector<ForecastCandidate> out;
  for (const Point& p :
       {Point{1, {2, 2, 2}, {24, 12, 1}}, Point{2, {8, 4, 1}, {40, 20, 1}}, Point{5, {16, 8, 1}, {168, 24, 1}}}) {
    const std::int64_t look_back = task.horizon * (task.look_back_horizons > 0 ? task.look_back_horizons : p.look_back);
    out.push_back(nhits_candidate(
        {.look_back = look_back, .horizon = task.horizon, .pooling = p.pooling, .down_sampling = p.down_sampling}));
  }
  return out;
}

std::vector<std::string> reported_models(ForecastModel model, std::int64_t look_back) {
  if (model == ForecastModel::Nhits) return {"N-HiTS"};
  if (look_back == 336) return {"PatchTST/42"};
  return {"PatchTST/42", "PatchTST/64"};  // neither's look-back is known to be this one: both are shown
}

}  // namespace qtrader::training::deep
