// The forecasting benchmark: trains N-HiTS or PatchTST on a public set as its paper does and scores it on the test
// part, beside the figures the paper reports.
//
// What `qtrader bench-forecast` runs. It shows that the networks are the papers' networks before trading heads are put
// on them; it touches no market data and no model registry. Everything that is chosen is chosen on the validation part;
// the test part is scored once, at the end, at every window of stride 1.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/result.hpp"
#include "training/deep/event_file.hpp"
#include "training/deep/forecast_data.hpp"
#include "training/deep/progress.hpp"

namespace qtrader::training::deep {

enum class ForecastModel : std::uint8_t { Nhits, PatchTst };

/// "nhits" or "patchtst". Error: InvalidArgument.
base::Result<ForecastModel> parse_forecast_model(std::string_view name);

struct ForecastRequest {
  std::string dataset;  // ETTh1, ETTm2, Exchange or ILI
  std::filesystem::path file;
  std::string model;  // nhits or patchtst
  std::vector<std::int64_t> horizons;
  std::uint64_t seed = 1;
  std::filesystem::path reported;       // reported-results.csv; empty: no comparison
  std::int64_t epochs = 0;              // at most; 0: the model's usual number
  std::int64_t trials = 10;             // of N-HiTS: networks tried, the best by validation is scored
  std::int64_t look_back_horizons = 5;  // of N-HiTS
  /// N-HiTS sees values as they are, as its authors' does; else relative to the last one of each window, as the trading
  /// network does.
  bool absolute = false;
  /// Of PatchTST: trains all epochs and scores the last one's weights, so that no small validation part chooses.
  bool last_epoch = false;
  std::int64_t batch = 0;    // training windows of one step; 0: the model's usual number
  std::int64_t windows = 0;  // drawn for an epoch, and at most validated on; 0: the model's usual number
  std::int32_t threads = 1;
  std::filesystem::path out;  // checkpoints and learning curves; empty: none
  bool resume = false;        // from the checkpoints in out
  std::function<double()> steady_seconds;
  UnixSeconds unix_seconds;
};

struct ReportedComparison {
  std::string model;
  double mse = 0;
  std::optional<double> mae;
  double ratio = 0;                           // our MSE over theirs
  std::optional<double> ratio_whole_batches;  // the same of mse_whole_batches
};

struct ForecastResult {
  std::string dataset, model;
  std::int64_t horizon = 0, look_back = 0;
  std::string settings;           // what was chosen, by validation where there was a choice
  std::int64_t test_windows = 0;  // all of them
  double mse = 0, mae = 0;        // on standardised values, over all channels and steps
  double mse_last_value = 0;      // of a forecast that repeats the last value, for scale
  /// Where the authors' test loader leaves out the last, incomplete batch: the errors without it, which are the ones
  /// that the reported figures are about. On a small set the difference is large.
  std::optional<double> mse_whole_batches, mae_whole_batches;
  std::vector<ReportedComparison> reported;
  std::uint64_t seed = 0;
  std::int64_t epochs = 0, best_epoch = 0;  // of the chosen network
  bool last_epoch = false;                  // the last epoch's weights were scored, not the best one's
  double validation_loss = 0;               // of the kind that was trained on
  double seconds = 0;                       // all networks tried, and scoring
};

class ForecastBenchmark {
 public:
  /// Reads the files and checks every horizon, so that nothing fails after hours. Errors: NotFound, Io, Corrupt,
  /// InvalidArgument.
  static base::Result<ForecastBenchmark> create(ForecastRequest request);

  /// Trains and scores one horizon. Errors: Interrupted, those of checkpoints and event files.
  base::Result<ForecastResult> run(std::int64_t horizon, const Progress& progress) const;

 private:
  ForecastBenchmark(ForecastRequest request, ForecastSeries series, std::vector<ReportedError> reported);
  void compare(ForecastModel model, ForecastResult& result) const;

  ForecastRequest request_;
  ForecastSeries series_;
  std::vector<ReportedError> reported_;
};

QT_DESCRIBE(ReportedComparison, model, mse, mae, ratio, ratio_whole_batches)
QT_DESCRIBE(ForecastResult, dataset, model, horizon, look_back, settings, test_windows, mse, mae, mse_last_value,
            mse_whole_batches, mae_whole_batches, reported, seed, epochs, best_epoch, last_epoch, validation_loss,
            seconds)

}  // namespace qtrader::training::deep
