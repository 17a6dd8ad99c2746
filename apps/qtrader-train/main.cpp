// qtrader-train: the verbs that fit models, started by `qtrader train`. The only program that maps training libraries.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "apps/qtrader-train/bench_forecast_command.hpp"
#include "apps/qtrader-train/evaluate_command.hpp"
#include "apps/qtrader-train/leakcheck_command.hpp"
#include "apps/qtrader-train/train_report.hpp"
#include "core/base/json.hpp"
#include "edge/system/process.hpp"
#include "training/fit.hpp"
#include "version.hpp"

namespace {

using namespace qtrader;

struct TrainArguments {
  std::string data, out, from, to;
  std::string timeframe = "15m", activate = "better", label_mode = "fixed_horizon";
  std::vector<std::string> symbols, models = {"xgboost", "lightgbm"};
  std::int32_t lookback_days = 90, threads = 2;
  std::int32_t epochs = 0;                                       // 0: the budget of each network
  std::int64_t windows_per_epoch = -1, validation_windows = -1;  // −1: the budget of each network
  std::string scratch;
  std::uint64_t seed = 1;
  bool json = false;
};

/// 2: what was asked or given is wrong; 1: the machine failed or the user stopped it.
int report_error(const base::Error& error) {
  std::fprintf(stderr, "qtrader train: %s\n", error.message().c_str());
  switch (error.code) {
    case base::Errc::Io:
    case base::Errc::NoSpace:
    case base::Errc::Unavailable:
    case base::Errc::Interrupted:
      return 1;
    default:
      return 2;
  }
}

base::Result<training::Activation> parse_activation(const std::string& text) {
  if (text == "better") return training::Activation::Better;
  if (text == "always") return training::Activation::Always;
  if (text == "never") return training::Activation::Never;
  return base::Error{"train", base::Errc::InvalidArgument,
                     "--activate '" + text + "': expected better, always or never"};
}

base::Result<training::TrainOptions> options_of(const TrainArguments& a) {
  training::TrainOptions out;
  out.data = a.data;
  out.registry = a.out;
  out.universe.symbols = a.symbols;
  out.universe.lookback_days = a.lookback_days;
  QT_TRY(out.universe.primary, domain::parse_timeframe(a.timeframe));
  if (!a.from.empty()) {
    QT_TRY(out.universe.from, base::parse_timestamp(a.from));
  }
  if (!a.to.empty()) {
    QT_TRY(out.universe.to, base::parse_timestamp(a.to));
  }
  for (const std::string& name : a.models) {
    QT_TRY(const models::ModelKind kind, training::parse_trainable(name));
    out.models.push_back(kind);
  }
  QT_TRY(out.activation, parse_activation(a.activate));
  for (training::NetworkBudget* budget : {&out.nhits, &out.patchtst}) {
    if (a.epochs != 0) budget->epochs = a.epochs;
    if (a.windows_per_epoch != -1) budget->windows_per_epoch = a.windows_per_epoch;
    if (a.validation_windows != -1) budget->validation_windows = a.validation_windows;
  }
  out.scratch = a.scratch.empty() ? out.registry / ".scratch" : std::filesystem::path(a.scratch);
  out.labels.mode = a.label_mode;
  out.threads = a.threads;
  out.seed = a.seed;
  out.code_version = kCodeVersion;
  out.steady_seconds = system::steady_seconds;
  out.trained_at = system::wall_now();
  out.unix_seconds = [] { return static_cast<double>(system::wall_now().ns) * 1e-9; };
  return out;
}

int train(const TrainArguments& arguments) {
  const auto options = options_of(arguments);
  if (!options) return report_error(options.error());
  system::catch_interrupts();
  apps::ProgressLine progress;
  const auto report = training::train(*options, std::ref(progress));
  progress.finish();
  if (!report) return report_error(report.error());
  const std::string text = arguments.json ? base::to_json(*report) + "\n" : apps::format_report(*report);
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

std::string budget_text(const char* what, std::int64_t nhits, std::int64_t patchtst) {
  return std::string(what) + " (default: nhits " + std::to_string(nhits) + ", patchtst " + std::to_string(patchtst) +
         ")";
}

void add_network_options(CLI::App& train, TrainArguments& a) {
  constexpr training::NetworkBudget kNhits = training::kNhitsBudget, kPatchTst = training::kPatchTstBudget;
  train
      .add_option("--epochs", a.epochs, budget_text("Of nhits and patchtst, at most", kNhits.epochs, kPatchTst.epochs))
      ->type_name("N");
  train
      .add_option("--windows-per-epoch", a.windows_per_epoch,
                  budget_text("Rows a network learns from in an epoch, drawn anew each time; 0: all",
                              kNhits.windows_per_epoch, kPatchTst.windows_per_epoch))
      ->type_name("N");
  train
      .add_option("--validation-windows", a.validation_windows,
                  budget_text("Rows a network is judged by after an epoch; 0: all", kNhits.validation_windows,
                              kPatchTst.validation_windows))
      ->type_name("N");
  train
      .add_option(
          "--scratch", a.scratch,
          "Where networks keep checkpoints, so that the same command goes on after a crash, and learning curves "
          "for TensorBoard (default: REGISTRY/.scratch)")
      ->type_name("DIR");
}

void add_train_command(CLI::App& app, TrainArguments& a) {
  CLI::App* train = app.add_subcommand("train", "Fit models on recorded candles and put them into a registry");
  train->add_option("--data", a.data, "Directory (or file) of recorded data")->required()->type_name("DIR");
  train->add_option("--out", a.out, "Model registry to write to; created if missing")
      ->required()
      ->type_name("REGISTRY");
  train->add_option("--symbols", a.symbols, "Comma-separated; default: all that cover the window")->delimiter(',');
  train
      ->add_option("--models", a.models,
                   "Comma-separated: xgboost, lightgbm, nhits, patchtst. On 22 symbols and 120 days nhits takes half a "
                   "minute of "
                   "one core, patchtst six minutes, hence the default")
      ->delimiter(',')
      ->capture_default_str();
  train->add_option("--from", a.from, "First day of the rows (UTC; default: lookback before --to)")->type_name("DATE");
  train->add_option("--to", a.to, "Day after the last one (UTC; default: end of the data)")->type_name("DATE");
  train->add_option("--lookback-days", a.lookback_days, "Length of the window without --from")->capture_default_str();
  train->add_option("--timeframe", a.timeframe, "Bars that decisions are taken on")->capture_default_str();
  train->add_option("--label-mode", a.label_mode, "fixed_horizon or triple_barrier")->capture_default_str();
  train->add_option("--seed", a.seed, "Same data, code and seed: the same model, byte for byte")->capture_default_str();
  train->add_option("--threads", a.threads, "Of the training libraries")->capture_default_str();
  add_network_options(*train, a);
  train
      ->add_option("--activate", a.activate,
                   "Make the new model the deciding one: better (significantly, than class prior and logistic "
                   "regression on the test rows), always, never; a model of synthetic data never is")
      ->capture_default_str();
  train->add_flag("--json", a.json, "Print the report as JSON");
}

/// The kernels OpenBLAS should use here, or null to let it choose. Debian's does not know newer processors and falls
/// back to those of a Pentium 4, six times slower.
const char* openblas_core() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return "SKYLAKEX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "HASWELL";
#endif
  return nullptr;
}

/// True if it was not set before.
bool set_unless_given(const char* name, const char* value) {
  if (value == nullptr || std::getenv(name) != nullptr) return false;
  return ::setenv(name, value, 1) == 0;
}

/// OpenMP threads that spin while they wait are a hundred times slower on a busy machine, and OpenBLAS needs a hint
/// (see above). Both read their environment when they are loaded, before main, so the only way to choose is to start
/// again.
void restart_with_library_settings(char** argv) {
  bool changed = set_unless_given("OMP_WAIT_POLICY", "PASSIVE");
  changed |= set_unless_given("OPENBLAS_NUM_THREADS", "1");
  changed |= set_unless_given("OPENBLAS_CORETYPE", openblas_core());
  if (changed) ::execv("/proc/self/exe", argv);  // where that fails, training is slower and otherwise the same
}

}  // namespace

int main(int argc, char** argv) {
  restart_with_library_settings(argv);
  CLI::App app{"Fits Quantum Trader's models. Usually started by `qtrader train`.", "qtrader"};
  app.set_version_flag("--version", std::string("qtrader-train ") + kCodeVersion);
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  TrainArguments arguments;
  add_train_command(app, arguments);
  int status = 0;
  apps::add_bench_forecast_command(app, status);
  apps::add_evaluate_command(app, status);
  apps::add_leakcheck_command(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const bool asked = e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
    const int shown = app.exit(e);
    return asked ? shown : 2;
  }
  return app.got_subcommand("train") ? train(arguments) : status;
}
