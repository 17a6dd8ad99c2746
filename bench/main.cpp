// qtrader-bench: every figure the project claims, as one JSON object on stdout.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <thread>

#include "bench/bench.hpp"
#include "core/base/json.hpp"
#include "version.hpp"

namespace {

using qtrader::bench::Figure;
using Bench = qtrader::base::Result<std::vector<Figure>> (*)(const qtrader::bench::Options&);

int run(const qtrader::bench::Options& options) {
  const std::pair<const char*, Bench> all[] = {
      {"features", qtrader::bench::bench_features},      {"trees", qtrader::bench::bench_trees},
      {"networks", qtrader::bench::bench_networks},      {"training", qtrader::bench::bench_training},
      {"journal", qtrader::bench::bench_journal},        {"wire", qtrader::bench::bench_wire},
      {"exchange", qtrader::bench::bench_exchange},      {"playback", qtrader::bench::bench_playback},
      {"loopback", qtrader::bench::bench_loopback},      {"backtest.rule", qtrader::bench::bench_rule_backtest},
      {"backtest.ai", qtrader::bench::bench_ai_backtest}};
  std::vector<Figure> figures;
  for (const auto& [name, bench] : all) {
    if (!std::string(name).starts_with(options.only)) continue;
    fmt::print(stderr, "{} …\n", name);
    auto result = bench(options);
    if (!result) {
      fmt::print(stderr, "qtrader-bench: {}: {}\n", name, result.error().message());
      return 1;
    }
    figures.insert(figures.end(), result->begin(), result->end());
  }
  fmt::print("{{\"version\":\"{}\",\"cores\":{},\"figures\":{}}}\n", qtrader::kCodeVersion,
             std::thread::hardware_concurrency(), qtrader::base::to_json(figures));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Benchmarks of Quantum Trader, printed as JSON"};
  qtrader::bench::Options options;
  app.add_option("--data", options.data, "Recorded data, for figures on real candles");
  app.add_option("--only", options.only, "Only figures whose name begins so");
  app.add_option("--rows", options.rows, "Directory to leave the rows of the training figures in");
  app.add_flag("--quick", options.quick, "A tenth of the work");
  CLI11_PARSE(app, argc, argv);
  std::string pattern = (std::filesystem::temp_directory_path() / "qtrader-bench-XXXXXX").string();
  options.scratch = ::mkdtemp(pattern.data());
  const int status = run(options);
  std::filesystem::remove_all(options.scratch);
  return status;
}
