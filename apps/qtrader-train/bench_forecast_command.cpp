#include "apps/qtrader-train/bench_forecast_command.hpp"

#include <cstdio>
#include <memory>
#include <string>

#include "apps/qtrader-train/train_report.hpp"
#include "apps/qtrader-train/verb.hpp"
#include "core/base/json.hpp"
#include "edge/system/process.hpp"
#include "training/deep/forecast_benchmark.hpp"

namespace qtrader::apps {
namespace {

namespace deep = training::deep;

struct Arguments {
  deep::ForecastRequest request;
  std::string file, out, reported;
  bool json = false;
};

void print_row(const deep::ForecastResult& r) {
  std::printf("%s %s horizon %lld: MSE %.4f, MAE %.4f\n", r.dataset.c_str(), r.model.c_str(),
              static_cast<long long>(r.horizon), r.mse, r.mae);
  if (r.mse_whole_batches && r.mae_whole_batches)
    std::printf("  without the incomplete last batch, as the authors' loader: MSE %.4f, MAE %.4f\n",
                *r.mse_whole_batches, *r.mae_whole_batches);
  for (const deep::ReportedComparison& c : r.reported) {
    std::printf("  %-12s reported MSE %.3f", c.model.c_str(), c.mse);
    if (c.mae) std::printf(", MAE %.3f", *c.mae);
    std::printf("; ours is %.3f of its MSE", c.ratio);
    if (c.ratio_whole_batches) std::printf(", %.3f in whole batches", *c.ratio_whole_batches);
    std::printf("\n");
  }
  if (r.reported.empty()) std::printf("  no figure reported for this model, set and horizon\n");
  std::printf("  last value repeated: MSE %.4f\n", r.mse_last_value);
  std::printf("  look-back %lld, %s; every one of %lld test windows\n", static_cast<long long>(r.look_back),
              r.settings.c_str(), static_cast<long long>(r.test_windows));
  std::printf("  seed %llu, %lld epochs%s, best %lld (validation loss %.4f), %.1f s\n",
              static_cast<unsigned long long>(r.seed), static_cast<long long>(r.epochs),
              r.last_epoch ? ", the last one scored" : "", static_cast<long long>(r.best_epoch), r.validation_loss,
              r.seconds);
}

int run(Arguments& a) {
  a.request.file = a.file;
  a.request.out = a.out;
  a.request.reported = a.reported;
  a.request.steady_seconds = system::steady_seconds;
  a.request.unix_seconds = [] { return static_cast<double>(system::wall_now().ns) / 1e9; };
  const auto benchmark = deep::ForecastBenchmark::create(a.request);
  if (!benchmark) return report_error("bench-forecast", benchmark.error());
  system::catch_interrupts();
  std::vector<deep::ForecastResult> results;
  for (const std::int64_t horizon : a.request.horizons) {
    ProgressLine progress;
    auto result = benchmark->run(horizon, std::ref(progress));
    progress.finish();
    if (!result) return report_error("bench-forecast", result.error());
    if (!a.json) print_row(*result);
    std::fflush(stdout);
    results.push_back(std::move(*result));
  }
  if (a.json) std::printf("%s\n", base::to_json(results).c_str());
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace

void add_bench_forecast_command(CLI::App& app, int& status) {
  const auto a = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("bench-forecast", "Train a network on a public forecasting set and compare");
  deep::ForecastRequest& r = a->request;
  verb->add_option("--dataset", r.dataset, "ETTh1, ETTm2, Exchange or ILI")->required();
  verb->add_option("--file", a->file, "Its CSV file, plain or .zst")->required()->type_name("CSV");
  verb->add_option("--model", r.model, "nhits or patchtst")->required();
  verb->add_option("--horizon", r.horizons, "Comma-separated: steps to forecast")->delimiter(',')->required();
  verb->add_option("--seed", r.seed, "Same data, code and seed: the same figures")->capture_default_str();
  verb->add_option("--reported", a->reported, "reported-results.csv with the papers' figures")->type_name("CSV");
  verb->add_option("--epochs", r.epochs, "At most; default: as the paper")->type_name("N");
  verb->add_option("--trials", r.trials, "Of nhits: networks tried, of which validation chooses")
      ->capture_default_str();
  verb->add_option("--look-back", r.look_back_horizons, "Of nhits: horizons it looks back")->capture_default_str();
  verb->add_flag("--absolute", r.absolute,
                 "Of nhits: values as they are, as its authors; default: relative to the last");
  verb->add_flag("--last-epoch", r.last_epoch, "Of patchtst: score the last epoch's weights, not the best one's");
  verb->add_option("--batch", r.batch, "Training windows of one step; default: as the paper")->type_name("N");
  verb->add_option("--windows", r.windows, "Training windows drawn for an epoch, and at most so many validated on")
      ->type_name("N");
  verb->add_option("--threads", r.threads, "Of the tensor library")->capture_default_str();
  verb->add_option("--out", a->out, "Directory for checkpoints and TensorBoard curves")->type_name("DIR");
  verb->add_flag("--resume", r.resume, "Go on from the checkpoints in --out");
  verb->add_flag("--json", a->json, "Print the results as JSON");
  verb->callback([a, &status] { status = run(*a); });
}

}  // namespace qtrader::apps
