// SymbolFeatures: the streaming state of one symbol's features, O(1) per bar.
//
// FeatureBook owns one for each symbol. A closed primary bar moves every indicator on and latches the features that
// depend on bars alone; what depends on other feeds or on the reference symbol is added by FeatureBook::compute().
// A latched feature never changes afterwards, so nothing that arrives later can reach into it.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/ring.hpp"
#include "core/features/feature_vector.hpp"
#include "core/features/indicators.hpp"

namespace qtrader::features {

/// Bars of tf in d minutes if they fit exactly, else 0: the source cannot give a feature over that horizon.
constexpr std::size_t bars_in(int minutes, domain::Timeframe tf) {
  return minutes % domain::minutes(tf) == 0 ? static_cast<std::size_t>(minutes / domain::minutes(tf)) : 0;
}

/// Feature values with the mask of which are present; starts out all neutral and absent.
struct LatchedFeatures {
  std::array<double, kFeatureCount> x{};
  std::uint64_t mask = 0;

  constexpr LatchedFeatures() {
    for (std::size_t i = 0; i < kFeatureCount; ++i) x[i] = neutral_value(static_cast<Feature>(i));
  }
  void put(Feature f, double value) {
    x[static_cast<std::size_t>(f)] = value;
    mask |= std::uint64_t{1} << static_cast<unsigned>(f);
  }
  void put_clipped(Feature f, double value, double limit) { put(f, std::clamp(value, -limit, limit)); }
  double operator[](Feature f) const { return x[static_cast<std::size_t>(f)]; }

  template <class Archive>
  void archive(Archive& a) {
    a(x, mask);
  }
};

/// A primary bar in floating point.
struct Candle {
  double open = 0, high = 0, low = 0, close = 0, volume = 0, typical = 0;
  template <class Archive>
  void archive(Archive& a) {
    a(open, high, low, close, volume, typical);
  }
};

class SymbolFeatures {
 public:
  explicit SymbolFeatures(domain::Timeframe base = domain::Timeframe::M5,
                          domain::Timeframe primary = domain::Timeframe::M15);

  void on_base_bar(const domain::Bar& bar);
  void on_primary_bar(const domain::Bar& bar);

  std::uint64_t bars() const { return bars_; }
  base::Timestamp bar_close() const { return previous_.close_time(); }
  /// Close of the last primary bar, quote currency.
  double close() const { return before_.close; }
  const LatchedFeatures& latched() const { return latched_; }
  /// Every latched feature is a number.
  bool finite() const { return finite_; }
  /// Two or more bars running are missing somewhere within the last 100.
  bool gap() const { return bars_since_gap_ < kGapWindow - 1; }
  /// More than 20 of the last 50 bars saw no trade.
  bool thin() const { return empty_bars_.sum() > kMaxEmptyBars; }
  /// ret_1h of the bar that closed at `close`, if it is among the last four.
  std::optional<double> ret_1h_at(base::Timestamp close) const;
  /// σ100(ℓ); 0 until 101 bars.
  double sigma100() const { return returns100_.ready() ? returns100_.stdev() : 0; }

  template <class Archive>
  void archive(Archive& a) {
    a(base_, primary_, base_closes_, base_close_time_, bars_, bars_since_gap_, previous_, before_, finite_, latched_,
      hour_returns_);
    a(closes_, rsi_, macd_, stochastic_, cci_, mfi_, band20_, band50_, atr_, atr50_, direction_, ema9_, ema21_, ema50_,
      ema200_, ema50_history_, aroon_, log_price_, regression_, returns20_, returns50_, returns100_);
    a(volume20_, signed_volume20_, return_volume20_, flow20_, day_value_, day_volume_, trades20_, trades_run_,
      empty_bars_);
  }

 private:
  static constexpr std::uint64_t kGapWindow = 100;
  static constexpr double kMaxEmptyBars = 20;
  struct HourReturn {
    base::Timestamp close;
    double value = 0;
    bool known = false;
    template <class Archive>
    void archive(Archive& a) {
      a(close, value, known);
    }
  };

  void latch_minute_returns(const domain::Bar& bar);
  void latch_returns(const Candle& c);
  void latch_shape(const domain::Bar& bar, const Candle& c);
  void latch_pair_shape(const domain::Bar& bar, const Candle& c);
  void latch_oscillators(const domain::Bar& bar, const Candle& c);
  void latch_macd(const Candle& c);
  void latch_volatility(const Candle& c);
  void latch_trend(const Candle& c);
  void latch_averages(const Candle& c);
  void latch_volume(const domain::Bar& bar, const Candle& c);
  void latch_flow(const Candle& c);
  void latch_calendar(const domain::Bar& bar);

  domain::Timeframe base_, primary_;
  base::Ring<double> base_closes_;
  base::Timestamp base_close_time_;

  std::uint64_t bars_ = 0;
  std::uint64_t bars_since_gap_ = kGapWindow;
  domain::Bar previous_;  // the last primary bar
  Candle before_;         // the same in floating point
  bool finite_ = true;
  LatchedFeatures latched_;
  base::Ring<HourReturn> hour_returns_{4};

  base::Ring<double> closes_;
  Rsi rsi_{14};
  Macd macd_{12, 26, 9};
  Stochastic stochastic_{14, 3};
  Cci cci_{20};
  Mfi mfi_{14};
  PriceMoments band20_{20}, band50_{50};
  Atr atr_{14};
  RollingSum atr50_{50};
  DirectionalMovement direction_{14};
  Ema ema9_{9}, ema21_{21}, ema50_{50}, ema200_{200};
  base::Ring<double> ema50_history_{11};
  Aroon aroon_{25};
  double log_price_ = 0;  // ln C up to a constant, which no slope or r² sees
  LinearRegression regression_{20};
  RollingPowers returns20_{20, false}, returns50_{50, true}, returns100_{100, false};

  RollingSum volume20_{20}, signed_volume20_{20}, return_volume20_{20}, flow20_{20};
  RollingSum day_value_, day_volume_;  // TP·V and V over 24 h
  RollingSum trades20_{20};
  std::uint32_t trades_run_ = 0;  // bars in a row that have a trade count
  RollingSum empty_bars_{50};
};

}  // namespace qtrader::features
