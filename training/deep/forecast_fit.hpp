// Fits a forecasting network on windows of a set and scores it: shuffled batches of whole windows (all channels), Adam,
// early stopping on the validation part, the best epoch's weights kept.
//
// Deterministic by seed: the order of the windows is a function of (seed, epoch). With a checkpoint file, a killed
// training goes on to the weights it would have had. Only for sources of this room: the header names torch types.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/base/result.hpp"
#include "training/deep/event_file.hpp"
#include "training/deep/forecast_data.hpp"
#include "training/deep/forecast_net.hpp"
#include "training/deep/progress.hpp"
#include "training/deep/schedule.hpp"

namespace qtrader::training::deep {

enum class ForecastLoss : std::uint8_t { Squared, Absolute };

struct FitPlan {
  std::int64_t epochs = 100, patience = 100;
  std::int64_t batch = 128;             // windows; the last, smaller batch of an epoch is left out
  std::int64_t windows_per_epoch = 0;   // drawn anew for each epoch, again and again if there are fewer; 0: all
  std::int64_t validation_windows = 0;  // at most so many, evenly spaced; 0: all
  double learning_rate = 1e-4;
  double first_epoch_divisor = 1;  // of the rate, in the first epoch
  double momentum = 0.9;           // Adam's β₁, where the schedule does not move it
  ScheduleKind schedule = ScheduleKind::Constant;
  ForecastLoss loss = ForecastLoss::Squared;  // of training and of early stopping
  bool keep_last = false;  // all epochs, and the last one's weights, whatever the validation part says
  std::uint64_t seed = 1;
};

/// A set's values as a tensor on the device, and how it is cut into windows.
class WindowSource {
 public:
  WindowSource(const ForecastSeries& series, const ForecastWindows& windows);

  struct Batch {
    torch::Tensor input, target;  // [windows, channels, look-back], [windows, channels, horizon]
  };
  /// The windows that begin at these rows.
  Batch at(const std::vector<std::int64_t>& starts) const;
  const ForecastWindows& windows() const { return windows_; }

 private:
  ForecastWindows windows_;
  std::int64_t unknown_;  // rows before the first, of NaN
  torch::Tensor rows_;    // [unknown + rows, channels]
  torch::Tensor steps_;   // 0 … look-back + horizon − 1
};

struct FitRecord {
  std::string stage;                 // of the progress
  Progress progress;                 // may be empty
  std::filesystem::path checkpoint;  // empty: none
  std::string fingerprint;
  bool resume = false;  // from the checkpoint, if there is one
  EventFile* events = nullptr;
};

struct FitSummary {
  std::int64_t epochs = 0, best_epoch = 0;
  double best_validation_loss = 0;  // of the plan's kind
};

/// The net holds the best epoch's weights afterwards, or the last one's. Errors: Interrupted, those of checkpoints and
/// event files.
base::Result<FitSummary> fit_forecast(ForecastNet& net, const WindowSource& source, const FitPlan& plan,
                                      const FitRecord& record);

struct ForecastScore {
  double mse = 0, mae = 0;  // over all windows, channels and steps
};

/// Scores `count` windows evenly spaced over the range (all if 0), without gradients.
ForecastScore score_forecast(ForecastNet& net, const WindowSource& source, WindowRange range, std::int64_t count = 0);

}  // namespace qtrader::training::deep
