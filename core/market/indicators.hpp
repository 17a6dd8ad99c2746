// Streaming indicators shared by the regime detector and the feature library: sums, averages, ranges, direction.
//
// Each takes one closed bar's numbers at a time, O(1), and says by ready() when its formula is first defined.
// Conventions are ai.md 1: EMA_n has α = 2/(n+1), Wilder_n has α = 1/n, both seeded by the simple mean of their first n
// values. Never reads a clock, never fills in a value that is not defined yet.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/base/ring.hpp"

namespace qtrader::market {

/// A running sum that carries its own rounding error (Knuth's TwoSum, error kept to first order): adding and later
/// subtracting the same numbers returns to within 1e-32 of the largest, so a window that has seen a volume spike a
/// million times its present content still has all its digits.
class CompensatedSum {
 public:
  void add(double x) {
    const double s = sum_ + x;
    const double from_x = s - sum_;
    error_ += (sum_ - (s - from_x)) + (x - from_x);
    sum_ = s;
  }
  double value() const { return sum_ + error_; }
  void reset() { sum_ = error_ = 0; }

  template <class Archive>
  void archive(Archive& a) {
    a(sum_, error_);
  }

 private:
  double sum_ = 0, error_ = 0;
};

/// Rolling sums are recomputed from their window after this many pushes (ai.md 1, engineering).
inline constexpr std::uint32_t kRebaseEvery = 1000;

/// Sum of the last n values.
class RollingSum {
 public:
  explicit RollingSum(std::size_t n) : window_(n) {}

  void push(double x) {
    if (window_.full()) sum_.add(-window_[window_.capacity() - 1]);
    window_.push(x);
    sum_.add(x);
    if (++pushes_ == kRebaseEvery) rebase();
  }
  bool ready() const { return window_.full(); }
  double sum() const { return sum_.value(); }
  double mean() const { return sum_.value() / static_cast<double>(window_.capacity()); }

  template <class Archive>
  void archive(Archive& a) {
    a(window_, sum_, pushes_);
  }

 private:
  void rebase() {
    pushes_ = 0;
    sum_.reset();
    for (std::size_t age = window_.size(); age-- > 0;) sum_.add(window_[age]);
  }

  base::Ring<double> window_;
  CompensatedSum sum_;
  std::uint32_t pushes_ = 0;
};

/// Mean and population standard deviation of the last n fixed-point prices, without rounding error: the sums are
/// integers, and n·Σx² − (Σx)² is taken modulo 2^128, which is exact while n·(spread of the window) < 1.8e19 raw (3.6e9
/// USDT at n = 50). A flat window has a standard deviation of exactly 0.
class PriceMoments {
 public:
  explicit PriceMoments(std::size_t n) : window_(n) {}

  /// raw: a Price's fixed-point integer.
  void push(std::int64_t raw) {
    if (window_.full()) {
      const std::int64_t old = window_[window_.capacity() - 1];
      sum_ -= widen(old);
      squares_ -= widen(old) * widen(old);
    }
    window_.push(raw);
    sum_ += widen(raw);
    squares_ += widen(raw) * widen(raw);
  }
  bool ready() const { return window_.full(); }
  /// In quote currency.
  double mean() const { return to_double(sum_) / (count() * kScale); }
  double stdev() const {
    const Wide n = static_cast<Wide>(window_.capacity());
    return std::sqrt(to_double(n * squares_ - sum_ * sum_)) / (count() * kScale);
  }

  template <class Archive>
  void archive(Archive& a) {
    a(window_);
    if constexpr (Archive::kReading) resum();
  }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr double kScale = 1e8;
  static Wide widen(std::int64_t raw) { return static_cast<Wide>(raw); }
  static double to_double(Wide w) { return static_cast<double>(w); }
  double count() const { return static_cast<double>(window_.capacity()); }
  void resum() {
    sum_ = squares_ = 0;
    for (std::size_t age = 0; age < window_.size(); ++age) {
      sum_ += widen(window_[age]);
      squares_ += widen(window_[age]) * widen(window_[age]);
    }
  }

  base::Ring<std::int64_t> window_;
  Wide sum_ = 0, squares_ = 0;
};

/// Exponential average with factor alpha, seeded by the mean of the first n values.
class SeededAverage {
 public:
  SeededAverage(std::uint32_t n, double alpha) : n_(n), alpha_(alpha) {}

  void push(double x) {
    if (count_ >= n_) {
      value_ += alpha_ * (x - value_);
      return;
    }
    value_ += x;
    if (++count_ == n_) value_ /= static_cast<double>(n_);
  }
  bool ready() const { return count_ >= n_; }
  /// Defined when ready().
  double value() const { return value_; }

  template <class Archive>
  void archive(Archive& a) {
    a(n_, alpha_, count_, value_);
  }

 private:
  std::uint32_t n_;
  double alpha_;
  std::uint32_t count_ = 0;
  double value_ = 0;  // until ready: the plain sum
};

class Ema : public SeededAverage {
 public:
  explicit Ema(std::uint32_t n) : SeededAverage(n, 2.0 / (static_cast<double>(n) + 1.0)) {}
};

class WilderAverage : public SeededAverage {
 public:
  explicit WilderAverage(std::uint32_t n) : SeededAverage(n, 1.0 / static_cast<double>(n)) {}
};

/// max(H−L, |H−C[1]|, |L−C[1]|).
inline double true_range(double high, double low, double previous_close) {
  return std::max({high - low, std::abs(high - previous_close), std::abs(low - previous_close)});
}

/// Wilder's average true range. The first bar has no true range, so it is ready after n + 1 bars.
class Atr {
 public:
  explicit Atr(std::uint32_t n) : average_(n) {}

  void push(double high, double low, double close) {
    if (has_previous_) average_.push(true_range(high, low, previous_close_));
    previous_close_ = close;
    has_previous_ = true;
  }
  bool ready() const { return average_.ready(); }
  double value() const { return average_.value(); }

  template <class Archive>
  void archive(Archive& a) {
    a(average_, previous_close_, has_previous_);
  }

 private:
  WilderAverage average_;
  double previous_close_ = 0;
  bool has_previous_ = false;
};

/// Wilder's directional movement: +DI, −DI after n + 1 bars and ADX after 2n, all 0..100. A market that does not move
/// at all (true range or DI sum below 1e-12) has 0 for each.
class DirectionalMovement {
 public:
  explicit DirectionalMovement(std::uint32_t n) : plus_(n), minus_(n), range_(n), adx_(n) {}

  void push(double high, double low, double close) {
    if (has_previous_) step(high, low);
    high_ = high;
    low_ = low;
    close_ = close;
    has_previous_ = true;
  }
  bool ready() const { return range_.ready(); }
  bool adx_ready() const { return adx_.ready(); }
  /// No true range to speak of: the three values are 0 by convention.
  bool flat() const { return range_.value() < kFlat; }
  double plus_di() const { return share(plus_.value()); }
  double minus_di() const { return share(minus_.value()); }
  double adx() const { return adx_.value(); }

  template <class Archive>
  void archive(Archive& a) {
    a(plus_, minus_, range_, adx_, high_, low_, close_, has_previous_);
  }

 private:
  static constexpr double kFlat = 1e-12;

  void step(double high, double low) {
    const double up = high - high_, down = low_ - low;
    plus_.push(up > down && up > 0 ? up : 0);
    minus_.push(down > up && down > 0 ? down : 0);
    range_.push(true_range(high, low, close_));
    if (!range_.ready()) return;
    const double p = plus_di(), m = minus_di();
    adx_.push(p + m < kFlat ? 0 : 100 * std::abs(p - m) / (p + m));
  }
  double share(double movement) const { return flat() ? 0 : 100 * movement / range_.value(); }

  WilderAverage plus_, minus_, range_, adx_;
  double high_ = 0, low_ = 0, close_ = 0;
  bool has_previous_ = false;
};

}  // namespace qtrader::market
