// Streaming indicators of the feature library, one small class for each family, each O(1) per bar.
//
// Built on core/market/indicators.hpp (averages, ATR, ADX, exact price moments). FeatureBook scales their outputs into
// features; the tests compare them with other people's libraries. Textbook units here (RSI 0..100, CCI ±100 …), so that
// the comparison is direct. ready() says when the formula is first defined; values before that are meaningless.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>

#include "core/base/ring.hpp"
#include "core/market/indicators.hpp"

namespace qtrader::features {

using market::Atr;
using market::DirectionalMovement;
using market::Ema;
using market::PriceMoments;
using market::RollingSum;
using market::WilderAverage;

/// Wilder's relative strength index, 0..100; ready after n + 1 closes. Empty while prices do not move at all.
class Rsi {
 public:
  explicit Rsi(std::uint32_t n) : gain_(n), loss_(n) {}

  void push(double close) {
    if (has_previous_) {
      gain_.push(std::max(close - previous_, 0.0));
      loss_.push(std::max(previous_ - close, 0.0));
    }
    previous_ = close;
    has_previous_ = true;
  }
  bool ready() const { return gain_.ready(); }
  std::optional<double> value() const;

  template <class Archive>
  void archive(Archive& a) {
    a(gain_, loss_, previous_, has_previous_);
  }

 private:
  WilderAverage gain_, loss_;
  double previous_ = 0;
  bool has_previous_ = false;
};

/// EMA_fast − EMA_slow and its EMA_signal, in price units. line_ready() after `slow` closes, ready() signal − 1 later.
class Macd {
 public:
  Macd(std::uint32_t fast, std::uint32_t slow, std::uint32_t signal) : fast_(fast), slow_(slow), signal_(signal) {}

  void push(double close) {
    fast_.push(close);
    slow_.push(close);
    if (slow_.ready()) signal_.push(line());
  }
  bool line_ready() const { return slow_.ready(); }
  bool ready() const { return signal_.ready(); }
  double line() const { return fast_.value() - slow_.value(); }
  double signal() const { return signal_.value(); }

  template <class Archive>
  void archive(Archive& a) {
    a(fast_, slow_, signal_);
  }

 private:
  Ema fast_, slow_, signal_;
};

/// Highest or lowest of the last n values and how many pushes ago it was; the newest wins a tie. Amortised O(1): the
/// window is searched only when its extreme leaves it.
template <class Better>
class RollingExtreme {
 public:
  explicit RollingExtreme(std::size_t n) : window_(n) {}

  void push(double x) {
    window_.push(x);
    if (window_.size() == 1 || !Better{}(value_, x)) {
      value_ = x;
      age_ = 0;
    } else if (++age_ >= window_.capacity()) {
      search();
    }
  }
  bool ready() const { return window_.full(); }
  double value() const { return value_; }
  std::uint32_t age() const { return age_; }

  template <class Archive>
  void archive(Archive& a) {
    a(window_, value_, age_);
  }

 private:
  void search() {
    value_ = window_[0];
    age_ = 0;
    for (std::uint32_t k = 1; k < window_.size(); ++k) {
      if (!Better{}(window_[k], value_)) continue;
      value_ = window_[k];
      age_ = k;
    }
  }

  base::Ring<double> window_;
  double value_ = 0;
  std::uint32_t age_ = 0;
};
using RollingMax = RollingExtreme<std::greater<double>>;
using RollingMin = RollingExtreme<std::less<double>>;

/// Slow stochastic, 0..100: %K is the SMA_smooth of (C − LL_n)/(HH_n − LL_n), %D the SMA_smooth of %K. A window without
/// range counts as 50.
class Stochastic {
 public:
  Stochastic(std::size_t n, std::size_t smooth) : high_(n), low_(n), raw_(smooth), k_(smooth) {}

  void push(double high, double low, double close);
  bool k_ready() const { return raw_.ready(); }
  bool ready() const { return k_.ready(); }
  double k() const { return raw_.mean(); }
  double d() const { return k_.mean(); }

  template <class Archive>
  void archive(Archive& a) {
    a(high_, low_, raw_, k_);
  }

 private:
  RollingMax high_;
  RollingMin low_;
  RollingSum raw_, k_;
};

/// (TP − SMA_n(TP)) / (0.015·mean absolute deviation). The deviation is taken over the window itself (n is small), from
/// the newest value, so that a flat window has deviation 0 exactly. Empty when it does.
class Cci {
 public:
  explicit Cci(std::size_t n) : window_(n) {}

  void push(double typical_price) { window_.push(typical_price); }
  bool ready() const { return window_.full(); }
  std::optional<double> value() const;

  template <class Archive>
  void archive(Archive& a) {
    a(window_);
  }

 private:
  base::Ring<double> window_;
};

/// Money flow index, 0..100, flows TP·V by the sign of ΔTP; ready after n + 1 bars. Empty when nothing flowed.
class Mfi {
 public:
  explicit Mfi(std::size_t n) : up_(n), down_(n) {}

  void push(double typical_price, double volume) {
    if (has_previous_) {
      const double flow = typical_price * volume;
      up_.push(typical_price > previous_ ? flow : 0);
      down_.push(typical_price < previous_ ? flow : 0);
    }
    previous_ = typical_price;
    has_previous_ = true;
  }
  bool ready() const { return up_.ready(); }
  std::optional<double> value() const;

  template <class Archive>
  void archive(Archive& a) {
    a(up_, down_, previous_, has_previous_);
  }

 private:
  RollingSum up_, down_;
  double previous_ = 0;
  bool has_previous_ = false;
};

/// Aroon over n: bars since the lowest low less bars since the highest high of the last n + 1 bars; up() and down() are
/// 100·(n − bars since)/n. The most recent of equal extremes counts.
class Aroon {
 public:
  explicit Aroon(std::size_t n) : high_(n + 1), low_(n + 1), n_(static_cast<double>(n)) {}

  void push(double high, double low) {
    high_.push(high);
    low_.push(low);
  }
  bool ready() const { return high_.ready(); }
  double up() const { return 100 * (n_ - high_.age()) / n_; }
  double down() const { return 100 * (n_ - low_.age()) / n_; }
  /// [−1, 1].
  double oscillator() const { return (static_cast<double>(low_.age()) - high_.age()) / n_; }

  template <class Archive>
  void archive(Archive& a) {
    a(high_, low_, n_);
  }

 private:
  RollingMax high_;
  RollingMin low_;
  double n_;
};

/// Least-squares line through the last n values on their index. Worked out over the window (n is small) from the oldest
/// value, so that r² keeps its digits when the values hardly differ.
class LinearRegression {
 public:
  struct Line {
    double slope = 0;  // per bar
    double r2 = 0;     // 0 when the values do not vary
  };
  explicit LinearRegression(std::size_t n) : window_(n) {}

  void push(double y) { window_.push(y); }
  bool ready() const { return window_.full(); }
  Line line() const;

  template <class Archive>
  void archive(Archive& a) {
    a(window_);
  }

 private:
  base::Ring<double> window_;
};

/// Chaikin's money-flow multiplier ((C − L) − (H − C))/(H − L), 0 for a bar without range.
double money_flow_multiplier(double high, double low, double close);

/// Rolling Σx, Σx², Σx³ of the last n values; meant for log returns, whose mean is small beside their spread.
class RollingPowers {
 public:
  RollingPowers(std::size_t n, bool cubes) : window_(n), cubes_(cubes) {}

  void push(double x) {
    if (window_.full()) {
      const double old = window_[window_.capacity() - 1];
      accumulate(old, -1);
    }
    window_.push(x);
    accumulate(x, 1);
    if (++pushes_ == market::kRebaseEvery) rebase();
  }
  bool ready() const { return window_.full(); }
  /// Population standard deviation.
  double stdev() const;
  /// m3/σ³ of the population (g1); 0 when σ vanishes.
  double skewness() const;

  template <class Archive>
  void archive(Archive& a) {
    a(window_, cubes_, one_, two_, three_, pushes_);
  }

 private:
  void accumulate(double x, double sign) {
    one_.add(sign * x);
    two_.add(sign * (x * x));
    if (cubes_) three_.add(sign * (x * x * x));
  }
  void rebase();

  base::Ring<double> window_;
  bool cubes_;
  market::CompensatedSum one_, two_, three_;
  std::uint32_t pushes_ = 0;
};

}  // namespace qtrader::features
