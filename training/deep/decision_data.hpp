// DecisionData: what the trading networks learn from, as plain numbers: one table of normalised rows and examples that
// point into it.
//
// The window of an example is the kWindowSteps rows that end at its row; it is gathered when a batch needs it and never
// kept. Built by training/sequences. No tensor types here: this is the door between the dataset and libtorch.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/features/feature_vector.hpp"
#include "core/models/network/window.hpp"

namespace qtrader::training::deep {

inline constexpr std::size_t kWindowSteps = models::kWindowBars;
inline constexpr std::size_t kForecastSteps = 8;  // h: bars the quantile head looks ahead

/// Feature statistics of the training rows, as a weight file keeps them (models::Normaliser is what they are used as).
struct Quartiles {
  std::array<float, features::kFeatureCount> median{}, iqr{};
  bool operator==(const Quartiles&) const = default;
};

/// Rows of all symbols; the rows of one unbroken run lie beside each other in time order.
struct WindowTable {
  std::span<const float> z;           // rows × features::kFeatureCount, normalised
  std::span<const double> log_close;  // ln of each row's close
  std::span<const float> rv_20;       // of each row, raw: the unit of the target series that ends there
};

/// A bar ahead that is not known: its part of the loss is left out.
inline constexpr float kUnknownTarget = -1e30F;

struct DecisionExamples {
  std::span<const std::uint32_t> ends;  // the table row a window ends at; the window is known to be unbroken
  std::span<const std::uint8_t> labels;
  std::span<const float> weights;  // of training examples, mean 1; empty: unweighted
  std::span<const float> targets;  // examples × kForecastSteps, in units of rv_20, or kUnknownTarget; may be empty
  std::size_t size() const { return ends.size(); }
};

/// A linear model of the last bar's features that the class logits start from.
struct LinearStart {
  std::array<float, 3> bias{};                               // SELL, HOLD, BUY
  std::array<float, 3 * features::kFeatureCount> weights{};  // class-major, of normalised features
};

struct DecisionData {
  WindowTable table;
  Quartiles quartiles;  // the table is normalised with
  DecisionExamples train, validation;
  std::array<double, 3> class_offset{};  // see FitInput::class_offset
  std::optional<LinearStart> start;      // absent: the class shares alone
};

/// One input series of PatchTST.
struct PatchChannel {
  features::Feature feature = features::Feature::Ret15m;
  bool level = false;  // a level that drifts: RevIN takes its mean and scale out of each window
};

/// The 24 features PatchTST reads: returns, range and volatility, momentum, distance from averages, volume, hour.
std::vector<PatchChannel> default_patch_channels();

}  // namespace qtrader::training::deep
