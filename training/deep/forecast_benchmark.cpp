#include "training/deep/forecast_benchmark.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "core/base/hash.hpp"
#include "training/deep/forecast_presets.hpp"
#include "training/deep/runtime.hpp"

namespace qtrader::training::deep {
namespace {

constexpr std::int64_t kMostTrials = 100, kLongestLookBack = 20;

base::Error wrong(std::string text) { return {"training", base::Errc::InvalidArgument, std::move(text)}; }

/// Repeats the last value that is known.
class LastValue : public ForecastNet {
 public:
  explicit LastValue(std::int64_t horizon) : horizon_(horizon) {}
  torch::Tensor forward(const torch::Tensor& x) override {
    return x.slice(2, x.size(2) - 1).expand({x.size(0), x.size(1), horizon_});
  }

 private:
  std::int64_t horizon_;
};

FitPlan adjusted(FitPlan plan, const ForecastRequest& request) {
  if (request.epochs > 0) plan.epochs = request.epochs;
  if (request.batch > 0) plan.batch = request.batch;
  plan.keep_last = request.last_epoch;
  if (request.windows > 0) plan.windows_per_epoch = plan.validation_windows = request.windows;
  return plan;
}

/// What a checkpoint must have been made from to be resumed.
std::string fingerprint(const ForecastCandidate& c, const FitPlan& plan, const ForecastSeries& series) {
  const std::uint64_t data = base::xxh64(std::as_bytes(std::span(series.values)), 0);
  return fmt::format("{} look-back {}, {} epochs{} of {} windows, batch {}, seed {}, data {}", c.settings, c.look_back,
                     plan.epochs, plan.keep_last ? " to the last" : "", plan.windows_per_epoch, plan.batch, plan.seed,
                     base::hex64(data));
}

struct Trained {
  const ForecastCandidate* candidate = nullptr;
  ForecastNetPtr net;
  FitSummary summary;
};

/// Trains one candidate; the name of its files and of its progress is DATASET-MODEL-HORIZON-sSEED-NUMBER.
base::Result<Trained> train_candidate(const ForecastRequest& request, const ForecastSeries& series,
                                      const ForecastCandidate& candidate, const FitRecord& named) {
  const FitPlan plan = adjusted(candidate.plan, request);
  QT_TRY(const ForecastWindows windows,
         split_windows(series, candidate.look_back, candidate.horizon, candidate.history));
  const WindowSource source(series, windows);
  FitRecord record = named;
  record.fingerprint = fingerprint(candidate, plan, series);
  std::optional<EventFile> events;
  if (!request.out.empty()) {
    QT_TRY(events, EventFile::create(request.out / named.stage, request.unix_seconds));
    record.events = &*events;
    record.checkpoint = request.out / (named.stage + ".ckpt");
    record.resume = request.resume;
  }
  start_deterministically(plan.seed, "weights");
  Trained out{&candidate, candidate.make(), {}};
  out.net->to(device());
  QT_TRY(out.summary, fit_forecast(*out.net, source, plan, record));
  return out;
}

}  // namespace

base::Result<ForecastModel> parse_forecast_model(std::string_view name) {
  if (name == "nhits") return ForecastModel::Nhits;
  if (name == "patchtst") return ForecastModel::PatchTst;
  return base::Error{"training", base::Errc::InvalidArgument,
                     "model '" + std::string(name) + "': expected nhits or patchtst"};
}

ForecastBenchmark::ForecastBenchmark(ForecastRequest request, ForecastSeries series,
                                     std::vector<ReportedError> reported)
    : request_(std::move(request)), series_(std::move(series)), reported_(std::move(reported)) {}

base::Result<ForecastBenchmark> ForecastBenchmark::create(ForecastRequest request) {
  QT_TRY(const ForecastDataset dataset, find_forecast_dataset(request.dataset));
  QT_TRY(const ForecastModel model, parse_forecast_model(request.model));
  if (request.horizons.empty()) return wrong("no horizon given: expected at least one");
  if (request.resume && request.out.empty()) return wrong("resuming needs the directory of the checkpoints");
  if (request.epochs < 0 || request.batch < 0 || request.windows < 0 || request.threads < 1)
    return wrong("epochs, batch, windows and threads are counts: expected positive numbers");
  if (request.trials < 1 || request.trials > kMostTrials)
    return wrong(fmt::format("{} trials: expected 1 to {}", request.trials, kMostTrials));
  if (request.look_back_horizons < 1 || request.look_back_horizons > kLongestLookBack)
    return wrong(
        fmt::format("a look-back of {} horizons: expected 1 to {}", request.look_back_horizons, kLongestLookBack));
  const ForecastRequest usual;
  if (model != ForecastModel::Nhits &&
      (request.trials != usual.trials || request.absolute || request.look_back_horizons != usual.look_back_horizons))
    return wrong("trials, look-back and absolute values are for nhits alone, not for " + request.model);
  if (model != ForecastModel::PatchTst && request.last_epoch)
    return wrong("the last epoch's weights are for patchtst alone: of " + request.model +
                 " validation chooses a network");
  QT_TRY(ForecastSeries series, read_forecast_series(request.file, dataset));
  for (const std::int64_t horizon : request.horizons) {
    if (horizon < 1) return wrong("horizon " + std::to_string(horizon) + ": expected at least 1");
    for (const ForecastCandidate& c : forecast_candidates(model, dataset, request, horizon))
      QT_TRY_VOID(split_windows(series, c.look_back, horizon, c.history));
  }
  std::vector<ReportedError> reported;
  if (!request.reported.empty()) {
    QT_TRY(reported, read_reported(request.reported));
  }
  return ForecastBenchmark(std::move(request), std::move(series), std::move(reported));
}

base::Result<ForecastResult> ForecastBenchmark::run(std::int64_t horizon, const Progress& progress) const {
  const double started = request_.steady_seconds ? request_.steady_seconds() : 0;
  set_threads(request_.threads);
  keep_freed_memory();
  QT_TRY(const ForecastModel model, parse_forecast_model(request_.model));
  const auto candidates = forecast_candidates(model, series_.dataset, request_, horizon);
  std::optional<Trained> best;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    FitRecord record;
    record.stage = fmt::format("{}-{}-{}-s{}-{}", request_.dataset, request_.model, horizon, request_.seed, i + 1);
    record.progress = progress;
    QT_TRY(Trained trained, train_candidate(request_, series_, candidates[i], record));
    if (!best || trained.summary.best_validation_loss < best->summary.best_validation_loss) best = std::move(trained);
  }
  const ForecastCandidate& chosen = *best->candidate;
  QT_TRY(const ForecastWindows windows, split_windows(series_, chosen.look_back, horizon, chosen.history));
  const WindowSource source(series_, windows);
  LastValue last_value(horizon);
  const ForecastScore score = score_forecast(*best->net, source, windows.test);
  ForecastResult out;
  out.dataset = request_.dataset;
  out.model = request_.model;
  out.horizon = horizon;
  out.look_back = chosen.look_back;
  out.settings = chosen.settings;
  out.test_windows = windows.test.count;
  out.mse = score.mse;
  out.mae = score.mae;
  if (chosen.test_batch > 0) {
    WindowRange whole = windows.test;
    whole.count -= whole.count % chosen.test_batch;
    const ForecastScore as_authors = score_forecast(*best->net, source, whole);
    out.mse_whole_batches = as_authors.mse;
    out.mae_whole_batches = as_authors.mae;
  }
  out.mse_last_value = score_forecast(last_value, source, windows.test).mse;
  out.seed = request_.seed;
  out.epochs = best->summary.epochs;
  out.best_epoch = best->summary.best_epoch;
  out.last_epoch = request_.last_epoch;
  out.validation_loss = best->summary.best_validation_loss;
  compare(model, out);
  out.seconds = request_.steady_seconds ? request_.steady_seconds() - started : 0;
  return out;
}

/// The same figure quoted from two places appears once.
void ForecastBenchmark::compare(ForecastModel model, ForecastResult& result) const {
  for (const std::string& name : reported_models(model, result.look_back))
    for (const ReportedError& r : reported_) {
      if (r.model != name || r.dataset != result.dataset || r.horizon != result.horizon) continue;
      const auto same = [&](const ReportedComparison& c) { return c.model == r.model && c.mse == r.mse; };
      auto at = std::ranges::find_if(result.reported, same);
      if (at == result.reported.end())
        at = result.reported.insert(at, {r.model, r.mse, std::nullopt, result.mse / r.mse, std::nullopt});
      if (r.mae > 0) at->mae = r.mae;
      if (result.mse_whole_batches) at->ratio_whole_batches = *result.mse_whole_batches / r.mse;
    }
}

}  // namespace qtrader::training::deep
