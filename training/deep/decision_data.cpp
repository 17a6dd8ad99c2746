#include "training/deep/decision_data.hpp"

namespace qtrader::training::deep {

using features::Feature;

std::vector<PatchChannel> default_patch_channels() {
  // atr_pct is a level too, but stays one: the label's threshold has a floor, so how volatile it is decides how often
  // it is crossed.
  return {{Feature::Ret15m},           {Feature::Ret1h},         {Feature::Ret4h},     {Feature::Ret24h, true},
          {Feature::RangePct, true},   {Feature::BodyPct},       {Feature::ClosePos},  {Feature::Rsi14},
          {Feature::MacdHist},         {Feature::BbWidth, true}, {Feature::AtrPct},    {Feature::Rv20, true},
          {Feature::RvRatio},          {Feature::Adx14},         {Feature::Ema9Dist},  {Feature::Ema50Dist, true},
          {Feature::Ema200Dist, true}, {Feature::VolRatio},      {Feature::ObvFlow20}, {Feature::VwapDist},
          {Feature::Zscore50},         {Feature::RelBtc1h},      {Feature::HourSin},   {Feature::HourCos}};
}

}  // namespace qtrader::training::deep
