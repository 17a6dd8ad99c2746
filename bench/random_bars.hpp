// Bars for benchmarks: a random walk with consistent OHLC. Only speed is measured on them, never skill.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/base/rng.hpp"
#include "core/domain/bar.hpp"

namespace qtrader::bench {

/// Makes bar after bar without storing any.
class RandomBars {
 public:
  RandomBars(domain::Timeframe timeframe, std::uint64_t seed) : timeframe_(timeframe), rng_(seed) {}

  domain::Bar next() {
    domain::Bar b;
    b.timeframe = timeframe_;
    b.open_time = base::Timestamp{} + base::days(18'000) + domain::duration(timeframe_) * count_++;
    b.open = domain::Price::from_raw(cents_ * 1'000'000);
    const std::int64_t step = static_cast<std::int64_t>(rng_.below(2 * kStep + 1)) - kStep;
    // Reflected, so that prices stay in a range over any length.
    const std::int64_t close = cents_ + step < kLow || cents_ + step > kHigh ? cents_ - step : cents_ + step;
    const auto wick = [this] { return static_cast<std::int64_t>(rng_.below(kStep)); };
    b.high = domain::Price::from_raw((std::max(cents_, close) + wick()) * 1'000'000);
    b.low = domain::Price::from_raw((std::min(cents_, close) - wick()) * 1'000'000);
    b.close = domain::Price::from_raw(close * 1'000'000);
    b.volume = 1'000.0 + static_cast<double>(rng_.below(1'000));
    b.quote_volume = b.volume * b.close.to_double();
    b.columns = domain::kHasQuoteVolume;
    cents_ = close;
    return b;
  }

 private:
  static constexpr std::int64_t kStep = 40, kLow = 5'000, kHigh = 20'000;
  domain::Timeframe timeframe_;
  base::Rng rng_;
  std::int64_t cents_ = 10'000;
  std::int64_t count_ = 0;
};

/// A fixed stretch of random bars over and over, as a walk there and back, so that making a bar costs a copy and what
/// is timed is the system.
class CyclicBars {
 public:
  CyclicBars(domain::Timeframe timeframe, std::uint64_t seed) {
    RandomBars source(timeframe, seed);
    for (std::size_t i = 0; i < kHalf; ++i) bars_.push_back(source.next());
    for (std::size_t i = kHalf; i-- > 0;) {
      domain::Bar back = bars_[i];
      std::swap(back.open, back.close);
      bars_.push_back(back);
    }
    time_ = bars_.front().open_time;
  }
  domain::Bar next() {
    domain::Bar bar = bars_[at_];
    at_ = at_ + 1 == bars_.size() ? 0 : at_ + 1;
    bar.open_time = time_;
    time_ = bar.close_time();
    return bar;
  }

 private:
  static constexpr std::size_t kHalf = 20'000;
  std::vector<domain::Bar> bars_;
  std::size_t at_ = 0;
  base::Timestamp time_;
};

inline std::vector<domain::Bar> random_bars(std::size_t count, domain::Timeframe timeframe, std::uint64_t seed) {
  RandomBars source(timeframe, seed);
  std::vector<domain::Bar> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) out.push_back(source.next());
  return out;
}

}  // namespace qtrader::bench
