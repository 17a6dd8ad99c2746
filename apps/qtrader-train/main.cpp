// qtrader-train: the verbs that fit models, started by `qtrader train`. The only program that maps training libraries.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <string>

#include "apps/qtrader-train/bench_forecast_command.hpp"
#include "apps/qtrader-train/evaluate_command.hpp"
#include "apps/qtrader-train/leakcheck_command.hpp"
#include "apps/qtrader-train/train_command.hpp"
#include "version.hpp"

namespace {

using namespace qtrader;

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
  int status = 0;
  apps::add_train_command(app, status);
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
  return status;
}
