#include "apps/qtrader-train/verb.hpp"

#include <cstdio>

namespace qtrader::apps {
namespace {

std::string budget_text(const char* what, std::int64_t nhits, std::int64_t patchtst) {
  return std::string(what) + " (default: nhits " + std::to_string(nhits) + ", patchtst " + std::to_string(patchtst) +
         ")";
}

}  // namespace

void UniverseArguments::add_to(CLI::App& verb) {
  verb.add_option("--symbols", request.symbols, "Comma-separated; default: all that cover the window")->delimiter(',');
  verb.add_option("--from", from, "First day of the rows (UTC; default: lookback before --to)")->type_name("DATE");
  verb.add_option("--to", to, "Day after the last one (UTC; default: end of the data)")->type_name("DATE");
  verb.add_option("--lookback-days", request.lookback_days, "Length of the window without --from")
      ->capture_default_str();
  verb.add_option("--timeframe", timeframe, "Bars that decisions are taken on")->capture_default_str();
}

base::Result<training::UniverseRequest> UniverseArguments::parsed() const {
  training::UniverseRequest out = request;
  QT_TRY(out.primary, domain::parse_timeframe(timeframe));
  if (!from.empty()) {
    QT_TRY(out.from, base::parse_timestamp(from));
  }
  if (!to.empty()) {
    QT_TRY(out.to, base::parse_timestamp(to));
  }
  return out;
}

base::Result<std::vector<models::ModelKind>> parse_models(const std::vector<std::string>& names) {
  std::vector<models::ModelKind> out;
  for (const std::string& name : names) {
    QT_TRY(const models::ModelKind kind, training::parse_trainable(name));
    out.push_back(kind);
  }
  return out;
}

void FitArguments::add_to(CLI::App& verb) {
  constexpr training::NetworkBudget kNhits = training::kNhitsBudget, kPatchTst = training::kPatchTstBudget;
  verb.add_option("--threads", threads, "Of the training libraries")->capture_default_str();
  verb.add_option("--epochs", epochs, budget_text("Of nhits and patchtst, at most", kNhits.epochs, kPatchTst.epochs))
      ->type_name("N");
  verb.add_option("--windows-per-epoch", windows_per_epoch,
                  budget_text("Rows a network learns from in an epoch, drawn anew each time; 0: all",
                              kNhits.windows_per_epoch, kPatchTst.windows_per_epoch))
      ->type_name("N");
  verb.add_option("--validation-windows", validation_windows,
                  budget_text("Rows a network is judged by after an epoch; 0: all", kNhits.validation_windows,
                              kPatchTst.validation_windows))
      ->type_name("N");
}

training::FitSettings FitArguments::settings() const {
  training::FitSettings out;
  out.threads = threads;
  for (training::NetworkBudget* budget : {&out.nhits, &out.patchtst}) {
    if (epochs != 0) budget->epochs = epochs;
    if (windows_per_epoch != -1) budget->windows_per_epoch = windows_per_epoch;
    if (validation_windows != -1) budget->validation_windows = validation_windows;
  }
  return out;
}

int report_error(const char* verb, const base::Error& error) {
  std::fprintf(stderr, "qtrader %s: %s\n", verb, error.message().c_str());
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

bool print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0;
}

}  // namespace qtrader::apps
