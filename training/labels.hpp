// Labels: what the market did after a bar, as one of three classes (ai.md 2.1), from market data only.
//
// In the flow: dataset builds rows at bar t → a Labeler looks at the H primary bars after t → trainers learn the class.
// Two modes: fixed_horizon (sign of the H-bar log return against a volatility-scaled threshold) and triple_barrier
// (López de Prado 2018, ch. 3: which of ±θ is touched first, else the vertical barrier). Never uses the outcome of a
// trade, never bridges a missing bar: a label that cannot be known is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/base/result.hpp"
#include "core/domain/bar.hpp"
#include "core/models/artifact.hpp"

namespace qtrader::training {

/// The order of every probability vector: SELL, HOLD, BUY.
enum class LabelClass : std::uint8_t { Sell = 0, Hold = 1, Buy = 2 };
inline constexpr std::size_t kClassCount = 3;

/// What a label reads of one primary bar.
struct PathBar {
  base::Timestamp close_time;
  double high = 0, low = 0, close = 0;  // quote currency
};

struct Label {
  LabelClass label_class = LabelClass::Hold;
  double log_return = 0;  // from the close of bar t to where the label was decided
  base::Timestamp end;    // close time of the last bar the label needed
};

class Labeler {
 public:
  /// Error: InvalidArgument naming the member that is out of range (horizon ≥ 1, θ_min > 0, k ≥ 0, a known mode).
  static base::Result<Labeler> create(models::LabelSpec spec, domain::Timeframe timeframe);

  /// θ = max(theta_min, k·σ100·√H), as a log return.
  double threshold(double sigma100) const;

  /// The label of bars[t]; bars are one symbol's primary bars in time order. Absent if the horizon reaches past the
  /// data or over the gap that matters (fixed_horizon: the bar at t+H is missing; triple_barrier: any bar up to t+H
  /// is).
  std::optional<Label> label(std::span<const PathBar> bars, std::size_t t, double sigma100) const;

  const models::LabelSpec& spec() const { return spec_; }
  bool triple_barrier() const { return triple_barrier_; }
  /// Length of a primary bar.
  base::Duration bar() const { return domain::duration(timeframe_); }
  /// σ of the horizon: σ100·√H.
  double horizon_sigma(double sigma100) const;

 private:
  Labeler(models::LabelSpec spec, domain::Timeframe timeframe, bool triple_barrier);
  std::optional<Label> fixed_horizon(std::span<const PathBar> bars, std::size_t t, double theta) const;
  std::optional<Label> first_touch(std::span<const PathBar> bars, std::size_t t, double theta) const;

  models::LabelSpec spec_;
  domain::Timeframe timeframe_;
  bool triple_barrier_;
  double sqrt_horizon_;
};

/// One label's life on the grid of primary bars: it needs bars first … last (inclusive).
struct LabelSpan {
  std::size_t first = 0, last = 0;
};

/// Average uniqueness of each label (López de Prado 2018, 4.4): the mean over its life of 1 / number of labels alive.
/// Values in (0, 1]; 1 for labels that overlap no other.
std::vector<double> average_uniqueness(std::span<const LabelSpan> spans);

}  // namespace qtrader::training
