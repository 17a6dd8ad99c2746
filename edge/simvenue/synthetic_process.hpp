// The price process of the synthetic market: one market factor and, for each symbol, its own part. Values only, no
// money.
//
// A slot's log return of symbol i, made of kSubSteps sub-steps so that high and low belong to the same path:
//     σ_i · (ρ_i · market + √(1−ρ_i²) · own) + ρ_i · σ_i · drift
// market and own are unit shocks × GARCH(1,1) volatility × Student-t(6) mixing × what all symbols share: regime, a slow
// volatility level and the hour of the day. The parts of a shock come from separate streams: adding a symbol or a later
// slot changes nothing that is already there.
#pragma once

#include <array>
#include <cstdint>

#include "core/base/reflect.hpp"
#include "core/base/rng.hpp"
#include "core/base/time.hpp"

namespace qtrader::simvenue {

inline constexpr int kSubSteps = 8;
using SubSteps = std::array<double, kSubSteps>;

enum class MarketRegime : std::uint8_t { TrendUp, TrendDown, Range, Volatile };
QT_DESCRIBE_ENUM(MarketRegime, TrendUp, TrendDown, Range, Volatile)

/// Volatility that remembers: h' = (1−φ) + α·z² + (φ−α)·h with mean 1 and half-life of eight hours.
class Clustering {
 public:
  explicit Clustering(double slot_minutes);
  double variance() const { return variance_; }
  /// z²: the squared shock of the slot in units of the long-run variance.
  void update(double squared) {
    variance_ = (1 - persistence_) + alpha_ * squared + (persistence_ - alpha_) * variance_;
    variance_ = variance_ < 0.15 ? 0.15 : variance_ > 10 ? 10 : variance_;
  }
  template <class Archive>
  void archive(Archive& a) {
    a(persistence_, alpha_, variance_);
  }

 private:
  double persistence_ = 0, alpha_ = 0, variance_ = 1;
};

/// Unit-variance shocks of one slot: Student-t(6) by a common mixing of approximately normal sub-steps.
class ShockStream {
 public:
  ShockStream(base::Rng rng, double slot_minutes) : rng_(rng), clustering_(slot_minutes) {}
  /// Writes sub-steps whose sum has variance scale² on average.
  void draw(double scale, SubSteps& out);
  base::Rng& rng() { return rng_; }

  template <class Archive>
  void archive(Archive& a) {
    a(rng_, clustering_);
  }

 private:
  base::Rng rng_;
  Clustering clustering_;
};

/// Sum of four 16-bit uniforms of one draw, to unit variance: near enough to normal where a mixing follows, and cheap.
double near_normal(base::Rng& rng);

/// The hour of the day and the weekend: 1 on average over a week.
struct Seasonality {
  double volatility = 1, volume = 1;
};
Seasonality seasonality(base::Timestamp slot);

/// What all symbols share in a slot.
struct MarketSlot {
  SubSteps shock;       // of the factor, everything included
  double drift = 0;     // of the whole slot, in daily standard deviations
  double activity = 1;  // volatility multiplier of regime, slow level and hour
  double volume = 1;    // hour and regime
  MarketRegime regime = MarketRegime::Range;
};

class MarketFactor {
 public:
  MarketFactor(const base::Rng& rng, double slot_minutes);
  const MarketSlot& next(base::Timestamp slot);

  template <class Archive>
  void archive(Archive& a) {
    a(shocks_, regimes_, regime_, slow_, level_, anchor_);
  }

 private:
  void maybe_switch();

  double slot_days_;
  ShockStream shocks_;
  base::Rng regimes_;
  MarketRegime regime_ = MarketRegime::Range;
  double slow_ = 0;                // log volatility, half-life of five days
  double level_ = 0, anchor_ = 0;  // log level of the factor, and where a range began
  MarketSlot slot_;
};

}  // namespace qtrader::simvenue
