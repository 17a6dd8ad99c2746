#include "apps/qtrader-train/train_report.hpp"

#include <unistd.h>

#include <cstdarg>
#include <cstdio>

#include "edge/system/process.hpp"

namespace qtrader::apps {
namespace {

__attribute__((format(printf, 2, 3))) void append(std::string& out, const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  out += line;
}

std::string clock_text(double seconds) {
  const auto s = static_cast<long long>(seconds + 0.5);
  std::string out;
  append(out, "%lld:%02lld", s / 60, s % 60);
  return out;
}

void append_part(std::string& out, const char* name, const training::PartRecord& part) {
  append(out, "  %-11s %8lld rows  %s … %s\n", name, static_cast<long long>(part.rows),
         base::format_timestamp(part.first).substr(0, 16).c_str(),
         base::format_timestamp(part.last).substr(0, 16).c_str());
}

void append_score(std::string& out, const char* name, const training::Score& validation, const training::Score& test) {
  append(out, "  %-10s %10.4f %10.4f %8.4f %7.4f %9.4f %8.4f %8.1f%%", name, validation.log_loss, test.log_loss,
         test.brier, test.ece, test.macro_f1, test.mcc, 100 * test.accuracy);
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : " ") + name;
  return out;
}

}  // namespace

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

bool ProgressLine::operator()(std::string_view stage, std::uint64_t done, std::uint64_t total) {
  const double now = system::steady_seconds();
  const std::string_view name = stage.substr(0, stage.find(','));
  const bool fresh = name != stage_;
  const double fraction = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0;
  if (fresh) {
    finish();
    stage_ = name;
    stage_started_ = now;
    stage_begun_ = fraction;
  }
  if (fresh || now - last_shown_ >= (terminal_ ? 0.2 : 10.0)) {
    last_shown_ = now;
    const double done_here = fraction - stage_begun_;
    std::string line(stage);
    line += ' ';
    append(line, "%3.0f %%", 100 * fraction);
    if (done_here > 0.01 && fraction < 1)
      line += ", at most " + clock_text((now - stage_started_) * (1 - fraction) / done_here) + " left";
    std::fprintf(stderr, terminal_ ? "\r\033[K%s" : "%s\n", line.c_str());
    std::fflush(stderr);
    open_ = terminal_;
  }
  return !system::interrupted();
}

void ProgressLine::finish() {
  if (open_) std::fputs("\r\033[K", stderr);
  open_ = false;
}

std::string format_report(const training::TrainReport& r) {
  std::string out;
  append(out, "%zu symbols, %s bars from %s: ", r.symbols.size(), std::string(domain::to_string(r.timeframe)).c_str(),
         std::string(domain::to_string(r.base_timeframe)).c_str());
  out += joined(r.symbols) + (r.synthetic ? "  (SYNTHETIC)\n" : "\n");
  append_part(out, "training", r.train);
  append_part(out, "validation", r.validation);
  append_part(out, "test", r.test);
  const auto rows = static_cast<double>(r.train.rows);
  append(out, "  classes     SELL %.1f %%  HOLD %.1f %%  BUY %.1f %%   (training rows; dataset built in %.1f s)\n",
         100 * static_cast<double>(r.class_counts[0]) / rows, 100 * static_cast<double>(r.class_counts[1]) / rows,
         100 * static_cast<double>(r.class_counts[2]) / rows, r.dataset_seconds);
  if (!r.neutral_features.empty())
    out += "  held neutral (known in less than 80 % of the training rows): " + joined(r.neutral_features) + "\n";
  append(out, "\n  %-10s %10s %10s %8s %7s %9s %8s %9s %7s %8s\n", "", "valid.", "test", "test", "test", "test", "test",
         "test", "", "");
  append(out, "  %-10s %10s %10s %8s %7s %9s %8s %9s %7s %8s\n", "", "log-loss", "log-loss", "Brier", "ECE", "macro-F1",
         "MCC", "accuracy", "rounds", "seconds");
  append_score(out, "prior", r.prior_validation, r.prior_test);
  out += "\n";
  append_score(out, "logistic", r.logistic_validation, r.logistic_test);
  append(out, " %7s %8.1f\n", "", r.logistic_seconds);
  for (const training::ModelReport& m : r.models) {
    append_score(out, m.model.c_str(), m.validation, m.test);
    append(out, " %7d %8.1f\n", m.rounds, m.seconds);
  }
  out += "\n";
  for (const training::ModelReport& m : r.models)
    out += "  " + m.path + (m.active ? "  ACTIVE\n" : "  stored, not active: " + m.why_inactive + "\n");
  return out;
}

}  // namespace qtrader::apps
