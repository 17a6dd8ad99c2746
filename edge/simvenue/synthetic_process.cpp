#include "edge/simvenue/synthetic_process.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/det_math.hpp"

namespace qtrader::simvenue {
namespace {

constexpr double kMinutesPerDay = 1440, kLn2 = 0.69314718055994530942;
constexpr double kShockHalfLifeMinutes = 480, kSlowHalfLifeMinutes = 7'200, kSlowDeviation = 0.3;
constexpr double kRangeHalfLifeDays = 0.35;

double decay(double slot_minutes, double half_life) { return base::det::exp(-kLn2 * slot_minutes / half_life); }

struct RegimeTraits {
  double dwell_days, volatility, drift;  // drift in daily standard deviations a day
  double weight;                         // of being the next one
};
constexpr std::array<RegimeTraits, 4> kRegimes = {
    {{1.5, 0.85, 0.35, 0.31}, {1.2, 1.05, -0.38, 0.27}, {1.5, 0.65, 0, 0.30}, {0.5, 1.7, -0.10, 0.12}}};

const RegimeTraits& traits(MarketRegime r) { return kRegimes[static_cast<std::size_t>(r)]; }

}  // namespace

Clustering::Clustering(double slot_minutes)
    : persistence_(decay(slot_minutes, kShockHalfLifeMinutes)), alpha_(std::min(0.04, persistence_ / 2)) {}

double near_normal(base::Rng& rng) {
  const std::uint64_t bits = rng.next();
  const auto sum = static_cast<double>((bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48));
  constexpr double kMean = 2 * 65'535.0, kDeviation = 37'837.2266;  // √(4 · (65536² − 1) / 12)
  return (sum - kMean) / kDeviation;
}

void ShockStream::draw(double scale, SubSteps& out) {
  // Student-t(6) = normal · √(6/χ²₆), and χ²₆ = −2·ln(u₁u₂u₃); √(4/6) makes its variance 1.
  const double product = (1 - rng_.uniform()) * (1 - rng_.uniform()) * (1 - rng_.uniform());
  const double chi2 = std::max(-2 * base::det::log(product), 0.05);
  const double unit = std::sqrt(clustering_.variance() * 4 / chi2);
  double sum = 0;
  for (double& step : out) {
    step = near_normal(rng_);
    sum += step;
  }
  const double step_deviation = unit * scale / std::sqrt(static_cast<double>(kSubSteps));
  for (double& step : out) step *= step_deviation;
  clustering_.update(sum * sum * unit * unit / kSubSteps);
}

Seasonality seasonality(base::Timestamp slot) {
  // Busiest around 15:00 UTC, when Europe and America overlap; quietest before dawn; weekends are slow.
  const double turns = (base::minute_of_day(slot) - 900) / kMinutesPerDay;
  const double wave = base::det::cos_turns(turns) + 0.35 * base::det::cos_turns(2 * turns);
  const bool weekend = base::weekday(slot) >= 5;
  return {(1 + 0.25 * wave) * (weekend ? 0.8 : 1.08), (1 + 0.45 * wave) * (weekend ? 0.65 : 1.14)};
}

MarketFactor::MarketFactor(const base::Rng& rng, double slot_minutes)
    : slot_days_(slot_minutes / kMinutesPerDay),
      shocks_(rng.fork("factor"), slot_minutes),
      regimes_(rng.fork("regimes")) {}

void MarketFactor::maybe_switch() {
  if (regimes_.uniform() >= slot_days_ / traits(regime_).dwell_days) return;
  double total = 0;
  for (const RegimeTraits& t : kRegimes) total += t.weight;
  double at = regimes_.uniform() * (total - traits(regime_).weight);
  for (std::size_t i = 0; i < kRegimes.size(); ++i) {
    const auto candidate = static_cast<MarketRegime>(i);
    if (candidate == regime_) continue;
    at -= kRegimes[i].weight;
    if (at > 0) continue;
    regime_ = candidate;
    anchor_ = level_;
    return;
  }
}

const MarketSlot& MarketFactor::next(base::Timestamp slot) {
  maybe_switch();
  const double slow_decay = decay(slot_days_ * kMinutesPerDay, kSlowHalfLifeMinutes);
  slow_ = slow_ * slow_decay + kSlowDeviation * std::sqrt(1 - slow_decay * slow_decay) * near_normal(regimes_);
  const Seasonality hour = seasonality(slot);
  const double level = base::det::exp(slow_);
  slot_.regime = regime_;
  slot_.activity = traits(regime_).volatility * level * hour.volatility;
  slot_.volume = hour.volume * (0.4 + 0.6 * traits(regime_).volatility * level);
  slot_.drift = traits(regime_).drift * slot_days_;
  if (regime_ == MarketRegime::Range)
    slot_.drift += (anchor_ - level_) * (1 - base::det::exp(-kLn2 * slot_days_ / kRangeHalfLifeDays));
  shocks_.draw(slot_.activity, slot_.shock);
  double moved = 0;
  for (const double s : slot_.shock) moved += s;
  level_ += moved * std::sqrt(slot_days_) + slot_.drift;
  return slot_;
}

}  // namespace qtrader::simvenue
