#include "core/features/feature_vector.hpp"

#include <bit>

#include "core/base/hash.hpp"

namespace qtrader::features {

const std::array<std::string_view, kFeatureCount> kFeatureNames = {
    "ret_1m",      "ret_5m",     "ret_15m",    "ret_1h",     "ret_4h",      "ret_24h",  "range_pct",   "body_pct",
    "upper_wick",  "lower_wick", "close_pos",  "doji",       "hammer",      "engulf",   "gap",         "rsi_14",
    "macd",        "macd_sig",   "macd_hist",  "stoch_k",    "stoch_d",     "cci_20",   "mfi_14",      "roc_10",
    "bb_pctb",     "bb_width",   "atr_pct",    "atr_ratio",  "rv_20",       "rv_ratio", "adx_14",      "plus_di",
    "minus_di",    "ema9_dist",  "ema21_dist", "ema50_dist", "ema200_dist", "ema9_21",  "ema50_slope", "aroon_25",
    "lr_slope_20", "lr_r2_20",   "vol_change", "vol_ratio",  "obv_flow_20", "vpt_20",   "vwap_dist",   "cmf_20",
    "taker_imb",   "trade_int",  "accel_5",    "zscore_50",  "skew_50",     "spread",   "book_imb",    "funding",
    "oi_chg_1h",   "rel_btc_1h", "sentiment",  "trending",   "hour_sin",    "hour_cos", "dow_sin",     "dow_cos"};

int FeatureVector::cleared() const { return static_cast<int>(kFeatureCount) - std::popcount(present_mask); }

std::string schema_id(domain::Timeframe primary) {
  std::string text = "formulas " + std::to_string(kFormulaVersion) + "\nprimary ";
  text += domain::to_string(primary);
  for (const std::string_view name : kFeatureNames) (text += '\n') += name;
  return base::sha256_hex(text);
}

}  // namespace qtrader::features
