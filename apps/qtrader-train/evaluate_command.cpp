#include "apps/qtrader-train/evaluate_command.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "apps/qtrader-train/train_report.hpp"
#include "apps/qtrader-train/verb.hpp"
#include "core/base/json.hpp"
#include "edge/system/process.hpp"
#include "training/evaluate/evaluation_text.hpp"
#include "training/evaluate/trials.hpp"
#include "version.hpp"

namespace qtrader::apps {
namespace {

struct Arguments {
  UniverseArguments universe;
  FitArguments fit;
  training::EvaluateOptions options;
  std::string data, out, scheme = "anchored";
  std::filesystem::path trials;
  std::vector<std::string> models = {"xgboost", "lightgbm"};
  double taker_fee_bps = 4;
  bool json = false;
};

base::Error fail(base::Errc code, std::string text) { return {"evaluate", code, std::move(text)}; }

base::Result<void> complete(Arguments& a) {
  training::EvaluateOptions& o = a.options;
  o.data = a.data;
  QT_TRY(o.universe, a.universe.parsed());
  QT_TRY(o.folds.scheme, training::parse_scheme(a.scheme));
  QT_TRY(o.models, parse_models(a.models));
  o.fit = a.fit.settings();
  if (!(a.taker_fee_bps >= 0 && a.taker_fee_bps <= 100))
    return fail(base::Errc::InvalidArgument,
                "--taker-fee-bps " + std::to_string(a.taker_fee_bps) + ": expected 0 to 100");
  o.costs.taker_fee_frac = a.taker_fee_bps / 1e4;
  o.code_version = kCodeVersion;
  o.steady_seconds = system::steady_seconds;
  return {};
}

base::Result<void> write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return fail(base::Errc::Io, "cannot write " + path.string());
  return {};
}

/// Before the work: an evaluation takes long, and nobody wants to learn at its end that there is nowhere to put it.
base::Result<void> prepare_directory(const std::string& out) {
  std::error_code ec;
  std::filesystem::create_directories(out, ec);
  if (ec) return fail(base::Errc::Io, "cannot create " + out + ": " + ec.message());
  return {};
}

base::Result<void> write_results(const Arguments& a, const training::EvaluationResult& result,
                                 const store::TrialLedger& ledger) {
  const std::filesystem::path out = a.out;
  QT_TRY_VOID(write_file(out / "evaluation.json", base::to_json(result) + "\n"));
  QT_TRY_VOID(write_file(out / "evaluation.md", training::to_markdown(result)));
  for (store::Trial& trial : training::trials_of(result)) {
    const auto recorded = ledger.record(std::move(trial), system::wall_now());
    if (!recorded) return recorded.error();
  }
  return {};
}

base::Result<training::EvaluationResult> evaluate(Arguments& a) {
  QT_TRY_VOID(complete(a));
  QT_TRY_VOID(prepare_directory(a.out));
  QT_TRY(const store::TrialLedger ledger,
         store::TrialLedger::open(a.trials.empty() ? store::trials_beside(a.out) : a.trials));
  system::catch_interrupts();
  ProgressLine progress;
  auto result = training::evaluate(a.options, std::ref(progress));
  progress.finish();
  if (!result) return result.error();
  QT_TRY_VOID(write_results(a, *result, ledger));
  return result;
}

int run(Arguments& a) {
  const auto result = evaluate(a);
  if (!result) return report_error("evaluate", result.error());
  const std::string text = training::to_terminal(*result) + "\n" + a.out + "/evaluation.md, evaluation.json\n";
  return print(a.json ? base::to_json(*result) + "\n" : text) ? 0 : 1;
}

void add_fold_options(CLI::App& verb, Arguments& a) {
  training::EvaluateOptions& o = a.options;
  verb.add_option("--folds", o.folds.folds, "Test blocks; of cpcv: groups")->capture_default_str();
  verb.add_option("--scheme", a.scheme,
                  "anchored or rolling (walk-forward), kfold (purged), cpcv (combinatorial purged)")
      ->capture_default_str();
  verb.add_option("--test-groups", o.folds.test_groups, "Of cpcv: groups tested at a time")->capture_default_str();
  verb.add_option("--embargo-bars", o.folds.embargo_bars, "Between parts, besides the labels' horizon")
      ->capture_default_str();
}

}  // namespace

void add_evaluate_command(CLI::App& app, int& status) {
  const auto a = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand(
      "evaluate", "Measure out of sample what models are worth, with intervals, before and after costs");
  training::EvaluateOptions& o = a->options;
  verb->add_option("--data", a->data, "Directory (or file) of recorded data")->required()->type_name("DIR");
  verb->add_option("--out", a->out, "Directory for evaluation.json and evaluation.md; created if missing")
      ->required()
      ->type_name("DIR");
  a->universe.add_to(*verb);
  verb->add_option("--models", a->models, "Comma-separated kinds; the ensemble is theirs")
      ->delimiter(',')
      ->capture_default_str();
  verb->add_option("--label-mode", o.labels.mode, "fixed_horizon or triple_barrier")->capture_default_str();
  add_fold_options(*verb, *a);
  a->fit.add_to(*verb);
  verb->add_option("--taker-fee-bps", a->taker_fee_bps, "Of one side")->capture_default_str();
  verb->add_option("--seed", o.seed, "Same data, code and seed: the same figures")->capture_default_str();
  verb->add_option("--trials", a->trials,
                   "Trial ledger that every evaluation is counted in (default: trials.jsonl beside --out)")
      ->type_name("FILE");
  verb->add_flag("--json", a->json, "Print the result as JSON");
  verb->callback([a, &status] { status = run(*a); });
}

}  // namespace qtrader::apps
