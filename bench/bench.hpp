// The benchmarks' common ground: measure, name, print as JSON.
//
// Figures on a shared machine are noisy: each is the best and the median of several repetitions, and what is compared
// is compared inside one run. Nothing here is asserted by a test.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/result.hpp"
#include "edge/system/process.hpp"

namespace qtrader::bench {

struct Figure {
  std::string name;  // "features", "trees.xgboost", …
  std::map<std::string, double> values;
  std::string note;
};
QT_DESCRIBE(Figure, name, values, note)

struct Options {
  std::filesystem::path data;  // recorded data; empty or missing: figures that need it are left out and say so
  std::filesystem::path scratch;
  std::filesystem::path rows;  // where bench_training leaves its rows for others; empty: nowhere
  bool quick = false;          // a tenth of the work: does it run at all?
  std::string only;            // name prefix
};

struct Repeated {
  double best = 0, median = 0;
};

/// Seconds per call of fn over `repetitions` calls.
template <class Fn>
Repeated repeat(int repetitions, Fn&& fn) {
  std::vector<double> seconds;
  for (int i = 0; i < repetitions; ++i) {
    const double start = system::steady_seconds();
    fn();
    seconds.push_back(system::steady_seconds() - start);
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds.front(), seconds[seconds.size() / 2]};
}

/// Keeps a result alive so that the compiler may not drop the work.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

base::Result<std::vector<Figure>> bench_features(const Options& options);
base::Result<std::vector<Figure>> bench_trees(const Options& options);
base::Result<std::vector<Figure>> bench_networks(const Options& options);
base::Result<std::vector<Figure>> bench_training(const Options& options);
base::Result<std::vector<Figure>> bench_rule_backtest(const Options& options);
base::Result<std::vector<Figure>> bench_ai_backtest(const Options& options);
base::Result<std::vector<Figure>> bench_journal(const Options& options);
base::Result<std::vector<Figure>> bench_wire(const Options& options);
base::Result<std::vector<Figure>> bench_exchange(const Options& options);
base::Result<std::vector<Figure>> bench_playback(const Options& options);
base::Result<std::vector<Figure>> bench_loopback(const Options& options);

}  // namespace qtrader::bench
