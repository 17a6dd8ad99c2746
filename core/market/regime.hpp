// RegimeDetector: which of the seven market regimes one symbol is in (ai.md 6.4).
//
// Fed with each closed primary bar by MarketState. In order: ILLIQUID if at least two of {24 h turnover < 2 M USDT,
// depth within 5 bps < 50 k USDT, spread > 10 bps} are known and true; HIGH_VOLATILITY if ATR% ≥ max(97th
// percentile, 1.0 %); TREND_UP/DOWN if ADX ≥ 25 and |trend| ≥ 0.3; RANGE_HIGH_VOL/LOW_VOL if ADX < 25 and |trend| <
// 0.3, split at ATR% max(75th percentile, 0.4 %); else UNKNOWN. Percentiles are of the symbol's own last 30 days of
// ATR%. A label is published only when two bars running agree on it. Never predicts and never assumes liquidity data.
#pragma once

#include <cstdint>
#include <optional>

#include "core/domain/bar.hpp"
#include "core/domain/signal.hpp"
#include "core/market/indicators.hpp"
#include "core/market/rolling_rank.hpp"

namespace qtrader::market {

/// What the book says at the close of a bar; empty where there is no fresh book.
struct Liquidity {
  std::optional<double> depth_usdt;  // both sides together, within 5 bps
  std::optional<double> spread_bps;  // of the mid price
};

class RegimeDetector {
 public:
  explicit RegimeDetector(domain::Timeframe primary = domain::Timeframe::M15);

  /// bar: the closed primary bar. atr: Wilder ATR(14) in quote currency, 0 while unknown. True if regime() changed.
  bool update(const domain::Bar& bar, double atr, const Liquidity& liquidity);

  domain::Regime regime() const { return published_; }
  /// The label of the last bar alone, published or not.
  domain::Regime candidate() const { return candidate_; }
  /// Of candidate(): 0.5 for UNKNOWN up to 0.95.
  double confidence() const { return confidence_; }
  /// clip(5·mean{(P−SMA20)/SMA20, (P−SMA50)/SMA50, 10·(EMA12−EMA26)/P}, ±1); 0 until 50 bars.
  double trend() const { return trend_; }
  /// Wilder ADX(14), 0..100; 0 until 28 bars.
  double adx() const { return direction_.adx_ready() ? direction_.adx() : 0; }
  /// Quantile q of ATR/close over the last 30 days; 0 before any.
  double atr_frac_quantile(double q) const { return atr_rank_.quantile(q); }
  /// USDT traded in the last 24 h; empty until that much has been seen without a gap.
  std::optional<double> turnover_24h_usdt() const;

  template <class Archive>
  void archive(Archive& a) {
    a(sma20_, sma50_, ema12_, ema26_, direction_, atr_rank_, turnover_, bars_24h_, last_close_time_, unbroken_bars_,
      minimum_rank_, published_, candidate_, run_, confidence_, trend_);
  }

 private:
  void push(const domain::Bar& bar, double atr);
  domain::Regime classify(double atr_frac, const Liquidity& liquidity);
  bool illiquid(const Liquidity& liquidity) const;
  bool publish(domain::Regime label);

  PriceMoments sma20_{20}, sma50_{50};
  Ema ema12_{12}, ema26_{26};
  DirectionalMovement direction_{14};
  RollingRank atr_rank_;
  RollingSum turnover_;  // over 24 h of bars
  std::uint32_t bars_24h_;
  base::Timestamp last_close_time_;
  std::uint32_t unbroken_bars_ = 0;
  std::uint32_t minimum_rank_;  // bars of ATR% before its percentiles mean anything
  domain::Regime published_ = domain::Regime::Unknown, candidate_ = domain::Regime::Unknown;
  std::uint32_t run_ = 0;  // bars in a row that said candidate_
  double confidence_ = 0.5;
  double trend_ = 0;
};

}  // namespace qtrader::market
