#include "apps/qtrader-train/train_command.hpp"

#include <memory>

#include "apps/qtrader-train/train_report.hpp"
#include "apps/qtrader-train/verb.hpp"
#include "core/base/json.hpp"
#include "edge/system/process.hpp"
#include "version.hpp"

namespace qtrader::apps {
namespace {

struct Arguments {
  UniverseArguments universe;
  FitArguments fit;
  std::string data, out, scratch;
  std::string activate = "better", label_mode = "fixed_horizon";
  std::vector<std::string> models = {"xgboost", "lightgbm"};
  std::uint64_t seed = 1;
  bool json = false;
};

base::Result<training::Activation> parse_activation(const std::string& text) {
  if (text == "better") return training::Activation::Better;
  if (text == "always") return training::Activation::Always;
  if (text == "never") return training::Activation::Never;
  return base::Error{"train", base::Errc::InvalidArgument,
                     "--activate '" + text + "': expected better, always or never"};
}

base::Result<training::TrainOptions> options_of(const Arguments& a) {
  training::TrainOptions out;
  out.data = a.data;
  out.registry = a.out;
  QT_TRY(out.universe, a.universe.parsed());
  QT_TRY(out.models, parse_models(a.models));
  QT_TRY(out.activation, parse_activation(a.activate));
  out.fit = a.fit.settings();
  out.scratch = a.scratch.empty() ? out.registry / ".scratch" : std::filesystem::path(a.scratch);
  out.labels.mode = a.label_mode;
  out.seed = a.seed;
  out.code_version = kCodeVersion;
  out.steady_seconds = system::steady_seconds;
  out.trained_at = system::wall_now();
  out.unix_seconds = [] { return static_cast<double>(system::wall_now().ns) * 1e-9; };
  return out;
}

int run(const Arguments& a) {
  const auto options = options_of(a);
  if (!options) return report_error("train", options.error());
  system::catch_interrupts();
  ProgressLine progress;
  const auto report = training::train(*options, std::ref(progress));
  progress.finish();
  if (!report) return report_error("train", report.error());
  return print(a.json ? base::to_json(*report) + "\n" : format_report(*report)) ? 0 : 1;
}

}  // namespace

void add_train_command(CLI::App& app, int& status) {
  const auto a = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("train", "Fit models on recorded candles and put them into a registry");
  verb->add_option("--data", a->data, "Directory (or file) of recorded data")->required()->type_name("DIR");
  verb->add_option("--out", a->out, "Model registry to write to; created if missing")
      ->required()
      ->type_name("REGISTRY");
  verb->add_option("--models", a->models,
                   "Comma-separated: xgboost, lightgbm, nhits, patchtst. On 22 symbols and 180 days nhits takes 40 s "
                   "of one core, patchtst nine minutes, hence the default")
      ->delimiter(',')
      ->capture_default_str();
  a->universe.add_to(*verb);
  verb->add_option("--label-mode", a->label_mode, "fixed_horizon or triple_barrier")->capture_default_str();
  verb->add_option("--seed", a->seed, "Same data, code and seed: the same model, byte for byte")->capture_default_str();
  a->fit.add_to(*verb);
  verb->add_option("--scratch", a->scratch,
                   "Where networks keep checkpoints, so that the same command goes on after a crash, and learning "
                   "curves for TensorBoard (default: REGISTRY/.scratch)")
      ->type_name("DIR");
  verb->add_option("--activate", a->activate,
                   "Make the new model the deciding one: better (significantly, than class prior and logistic "
                   "regression on the test rows), always, never; a model of synthetic data never is")
      ->capture_default_str();
  verb->add_flag("--json", a->json, "Print the report as JSON");
  verb->callback([a, &status] { status = run(*a); });
}

}  // namespace qtrader::apps
