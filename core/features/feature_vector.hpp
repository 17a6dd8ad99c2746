// FeatureVector: the 64 numbers every model sees (ai.md 1), with a mask of which were really known.
//
// Produced by FeatureBook (streaming; batch_features is its independent check); consumed by core/models. Values are
// raw: trees take them as they are, networks normalise with statistics from training rows stored in their artefact.
//
// The mask says what the source gave. A feature whose inputs the source does not have (no taker volume, no book, base
// bars too coarse, no reference symbol …) has its neutral value and a cleared bit, and does not by itself make the
// vector invalid, core feature or not: training rows from the same source have the same hole, so the model knows it. A
// feature whose denominator vanishes (a bar without range, say) has its neutral value too, but its bit is set: it was
// computed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/reflect.hpp"
#include "core/base/time.hpp"
#include "core/domain/bar.hpp"
#include "core/domain/ids.hpp"

namespace qtrader::features {

inline constexpr std::size_t kFeatureCount = 64;

/// Feature #k of ai.md 1 is enumerator k − 1, the index into FeatureVector::x.
enum class Feature : std::uint8_t {
  Ret1m,
  Ret5m,
  Ret15m,
  Ret1h,
  Ret4h,
  Ret24h,
  RangePct,
  BodyPct,
  UpperWick,
  LowerWick,
  ClosePos,
  Doji,
  Hammer,
  Engulf,
  Gap,
  Rsi14,
  Macd,
  MacdSig,
  MacdHist,
  StochK,
  StochD,
  Cci20,
  Mfi14,
  Roc10,
  BbPctb,
  BbWidth,
  AtrPct,
  AtrRatio,
  Rv20,
  RvRatio,
  Adx14,
  PlusDi,
  MinusDi,
  Ema9Dist,
  Ema21Dist,
  Ema50Dist,
  Ema200Dist,
  Ema9_21,
  Ema50Slope,
  Aroon25,
  LrSlope20,
  LrR2_20,
  VolChange,
  VolRatio,
  ObvFlow20,
  Vpt20,
  VwapDist,
  Cmf20,
  TakerImb,
  TradeInt,
  Accel5,
  Zscore50,
  Skew50,
  Spread,
  BookImb,
  Funding,
  OiChg1h,
  RelBtc1h,
  Sentiment,
  Trending,
  HourSin,
  HourCos,
  DowSin,
  DowCos,
};

/// Names of features #1..#64 at index 0..63, as in ai.md 1.
extern const std::array<std::string_view, kFeatureCount> kFeatureNames;

/// The value that stands for "nothing known" (ai.md 1, below the notation).
constexpr double neutral_value(Feature feature) {
  switch (feature) {
    case Feature::ClosePos:
    case Feature::Rsi14:
    case Feature::StochK:
    case Feature::StochD:
    case Feature::Mfi14:
    case Feature::BbPctb:
      return 0.5;
    case Feature::AtrRatio:
    case Feature::RvRatio:
    case Feature::VolRatio:
      return 1;
    case Feature::Spread:
    case Feature::Adx14:
      return 0.2;
    default:
      return 0;
  }
}

/// True for the side features #54–57, #59, #60, which come and go; the others are core (ai.md 1, validity).
constexpr bool is_side_feature(Feature feature) {
  return (feature >= Feature::Spread && feature <= Feature::OiChg1h) || feature == Feature::Sentiment ||
         feature == Feature::Trending;
}

/// Denominators below this are taken as zero.
inline constexpr double kEpsilon = 1e-12;

/// Ages at which side data stop being used.
inline constexpr base::Duration kFundingTtl = base::hours(9), kOpenInterestTtl = base::minutes(15),
                                kSentimentTtl = base::hours(24), kTrendingTtl = base::hours(6);

struct FeatureVector {
  domain::SymbolId symbol;
  base::Timestamp bar_close;  // close time of the primary bar
  double close = 0;           // of that bar, quote currency; no feature: the networks' target series is formed from it
  std::array<double, kFeatureCount> x{};
  std::uint64_t present_mask = 0;  // bit i set: x[i] was computed from data; clear: neutral value
  bool valid = false;              // false: no model may predict from it
  /// Static text, "" when valid: "no_bar", "warming_up", "gap", "zero_volume", "stale", "not_finite".
  std::string_view invalid_reason;

  double operator[](Feature f) const { return x[static_cast<std::size_t>(f)]; }
  bool has(Feature f) const { return (present_mask >> static_cast<unsigned>(f) & 1u) != 0; }
  /// Number of features that are absent.
  int cleared() const;
};

/// SHA-256 over the ordered names, the formula version and the primary timeframe. A model trained on another schema is
/// refused.
std::string schema_id(domain::Timeframe primary);
inline constexpr int kFormulaVersion = 1;

}  // namespace qtrader::features
