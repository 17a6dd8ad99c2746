#include "core/features/symbol_features.hpp"

#include <cmath>

#include "core/base/det_math.hpp"

namespace qtrader::features {
namespace {

using domain::Bar;
using domain::minutes;

constexpr int kHour = 60, kDay = 1440;

Candle candle(const Bar& bar) {
  const double o = bar.open.to_double(), h = bar.high.to_double(), l = bar.low.to_double(), c = bar.close.to_double();
  return {o, h, l, c, bar.volume, (h + l + c) / 3};
}

std::size_t history_length(domain::Timeframe primary) {
  return std::max<std::size_t>(bars_in(kDay, primary), 10) + 1;  // #6 and #51 look furthest back
}

/// Base bars back for #1–3: 15 minutes at most.
std::size_t base_history_length(domain::Timeframe base) { return static_cast<std::size_t>(15 / minutes(base)) + 1; }

constexpr LatchedFeatures kNothing;

double sign(double x) { return static_cast<double>((x > 0) - (x < 0)); }

}  // namespace

SymbolFeatures::SymbolFeatures(domain::Timeframe base, domain::Timeframe primary)
    : base_(base),
      primary_(primary),
      base_closes_(base_history_length(base)),
      closes_(history_length(primary)),
      day_value_(bars_in(kDay, primary)),
      day_volume_(bars_in(kDay, primary)) {}

void SymbolFeatures::on_base_bar(const Bar& bar) {
  base_closes_.push(bar.close.to_double());
  base_close_time_ = bar.close_time();
}

void SymbolFeatures::on_primary_bar(const Bar& bar) {
  latched_ = kNothing;
  const Candle c = candle(bar);
  ++bars_;
  ++bars_since_gap_;
  if (bars_ > 1 && bar.open_time - previous_.open_time > domain::duration(primary_) * 2) bars_since_gap_ = 0;
  closes_.push(c.close);
  latch_minute_returns(bar);
  latch_returns(c);
  latch_shape(bar, c);
  latch_oscillators(bar, c);
  latch_volatility(c);
  latch_macd(c);
  latch_trend(c);
  latch_averages(c);
  latch_volume(bar, c);
  latch_flow(c);
  latch_calendar(bar);
  const bool hour_known = (latched_.mask >> static_cast<unsigned>(Feature::Ret1h) & 1u) != 0;
  hour_returns_.push({bar.close_time(), latched_[Feature::Ret1h], hour_known});
  finite_ = true;
  for (const double x : latched_.x) finite_ &= std::isfinite(x);
  previous_ = bar;
  before_ = c;
}

std::optional<double> SymbolFeatures::ret_1h_at(base::Timestamp close) const {
  for (std::size_t age = 0; age < hour_returns_.size(); ++age)
    if (hour_returns_[age].close == close && hour_returns_[age].known) return hour_returns_[age].value;
  return std::nullopt;
}

// #1–3. Only from the base bar that closes with the primary bar.
void SymbolFeatures::latch_minute_returns(const Bar& bar) {
  if (base_close_time_ != bar.close_time()) return;
  const auto put = [&](Feature f, int horizon, double limit) {
    const std::size_t k = bars_in(horizon, base_);
    if (k > 0 && k < base_closes_.size()) latched_.put_clipped(f, base_closes_[0] / base_closes_[k] - 1, limit);
  };
  put(Feature::Ret1m, 1, 0.10);
  put(Feature::Ret5m, 5, 0.20);
  put(Feature::Ret15m, 15, 0.30);
}

// #4–6, #24, #51.
void SymbolFeatures::latch_returns(const Candle& c) {
  const auto put = [&](Feature f, std::size_t k, double limit) {
    if (k > 0 && k < closes_.size()) latched_.put_clipped(f, c.close / closes_[k] - 1, limit);
  };
  put(Feature::Ret1h, bars_in(kHour, primary_), 0.5);
  put(Feature::Ret4h, bars_in(4 * kHour, primary_), 1);
  put(Feature::Ret24h, bars_in(kDay, primary_), 2);
  put(Feature::Roc10, 10, 1);
  if (closes_.size() > 10) latched_.put(Feature::Accel5, (c.close / closes_[5] - 1) - (closes_[5] / closes_[10] - 1));
}

// #7–15. Patterns compare fixed-point prices, so that a tie is a tie.
void SymbolFeatures::latch_shape(const Bar& bar, const Candle& c) {
  const double top = std::max(c.open, c.close), bottom = std::min(c.open, c.close), range = c.high - c.low;
  latched_.put(Feature::RangePct, range / c.close);
  latched_.put(Feature::BodyPct, (c.close - c.open) / c.close);
  latched_.put(Feature::UpperWick, (c.high - top) / c.close);
  latched_.put(Feature::LowerWick, (bottom - c.low) / c.close);
  latched_.put(Feature::ClosePos, range < kEpsilon ? neutral_value(Feature::ClosePos) : (c.close - c.low) / range);
  const std::int64_t body = (bar.close - bar.open).abs().raw(), whole = (bar.high - bar.low).raw();
  const std::int64_t upper = (bar.high - std::max(bar.open, bar.close)).raw();
  const std::int64_t lower = (std::min(bar.open, bar.close) - bar.low).raw();
  latched_.put(Feature::Doji, whole > 0 && body < whole / 10 + (whole % 10 != 0 ? 1 : 0) ? 1 : 0);
  const auto is_hammer = [body](std::int64_t tail, std::int64_t other) {
    return body > 0 && tail - body > body && other < body;
  };
  latched_.put(Feature::Hammer, is_hammer(lower, upper) ? 1 : is_hammer(upper, lower) ? -1 : 0);
  if (bars_ > 1) latch_pair_shape(bar, c);
}

void SymbolFeatures::latch_pair_shape(const Bar& bar, const Candle& c) {
  const Bar& p = previous_;
  const bool rise = bar.close > bar.open && p.close < p.open && bar.close > p.open && bar.open <= p.close;
  const bool fall = bar.close < bar.open && p.close > p.open && bar.close < p.open && bar.open >= p.close;
  latched_.put(Feature::Engulf, rise ? 1 : fall ? -1 : 0);
  double gap = 0;
  if (bar.low > p.high) gap = (c.low - before_.high) / c.close;
  if (bar.high < p.low) gap = -(before_.low - c.high) / c.close;
  latched_.put(Feature::Gap, gap);
}

// #16, #20–23, #25, #26, #52.
void SymbolFeatures::latch_oscillators(const Bar& bar, const Candle& c) {
  const auto put_percent = [this](Feature f, const std::optional<double>& value) {
    latched_.put(f, value ? *value / 100 : neutral_value(f));
  };
  rsi_.push(c.close);
  stochastic_.push(c.high, c.low, c.close);
  cci_.push(c.typical);
  mfi_.push(c.typical, c.volume);
  band20_.push(bar.close.raw());
  band50_.push(bar.close.raw());
  if (rsi_.ready()) put_percent(Feature::Rsi14, rsi_.value());
  if (stochastic_.k_ready()) latched_.put(Feature::StochK, stochastic_.k() / 100);
  if (stochastic_.ready()) latched_.put(Feature::StochD, stochastic_.d() / 100);
  if (cci_.ready()) latched_.put_clipped(Feature::Cci20, cci_.value().value_or(0) / 200, 2);
  if (mfi_.ready()) put_percent(Feature::Mfi14, mfi_.value());
  if (band20_.ready()) {
    const double middle = band20_.mean(), half = 2 * band20_.stdev();
    const double position =
        2 * half < kEpsilon ? neutral_value(Feature::BbPctb) : (c.close - middle + half) / (2 * half);
    latched_.put(Feature::BbPctb, std::clamp(position, -1.0, 2.0));
    latched_.put(Feature::BbWidth, 2 * half / middle);
  }
  if (band50_.ready()) {
    const double sigma = band50_.stdev();
    latched_.put_clipped(Feature::Zscore50, sigma < kEpsilon ? 0 : (c.close - band50_.mean()) / sigma, 5);
  }
}

// #17–19. After latch_volatility, which moves ATR on.
void SymbolFeatures::latch_macd(const Candle& c) {
  macd_.push(c.close);
  if (!atr_.ready()) return;
  const double atr = atr_.value();
  const auto in_atr = [atr](double x) { return atr < kEpsilon ? 0 : x / atr; };
  if (macd_.line_ready()) latched_.put_clipped(Feature::Macd, in_atr(macd_.line()), 5);
  if (!macd_.ready()) return;
  latched_.put_clipped(Feature::MacdSig, in_atr(macd_.signal()), 5);
  latched_.put(Feature::MacdHist, latched_[Feature::Macd] - latched_[Feature::MacdSig]);
}

// #27–30, #53.
void SymbolFeatures::latch_volatility(const Candle& c) {
  atr_.push(c.high, c.low, c.close);
  if (atr_.ready()) {
    atr50_.push(atr_.value());
    latched_.put(Feature::AtrPct, atr_.value() / c.close);
  }
  if (atr50_.ready()) {
    const double usual = atr50_.mean();
    latched_.put(Feature::AtrRatio, usual < kEpsilon ? 1 : std::clamp(atr_.value() / usual, 0.0, 5.0));
  }
  if (bars_ < 2) return;
  const double log_return = base::det::log(c.close / before_.close);
  log_price_ += log_return;
  returns20_.push(log_return);
  returns50_.push(log_return);
  returns100_.push(log_return);
  if (returns20_.ready()) latched_.put(Feature::Rv20, returns20_.stdev());
  if (returns50_.ready()) latched_.put_clipped(Feature::Skew50, returns50_.skewness(), 3);
  if (returns100_.ready()) {
    const double usual = returns100_.stdev();
    latched_.put(Feature::RvRatio, usual < kEpsilon ? 1 : std::clamp(returns20_.stdev() / usual, 0.0, 5.0));
  }
}

// #31–33, #40–42. After latch_volatility, which moves the log price on.
void SymbolFeatures::latch_trend(const Candle& c) {
  direction_.push(c.high, c.low, c.close);
  aroon_.push(c.high, c.low);
  regression_.push(log_price_);
  if (direction_.ready()) {
    latched_.put(Feature::PlusDi, direction_.plus_di() / 100);
    latched_.put(Feature::MinusDi, direction_.minus_di() / 100);
  }
  if (direction_.adx_ready())
    latched_.put(Feature::Adx14, direction_.flat() ? neutral_value(Feature::Adx14) : direction_.adx() / 100);
  if (aroon_.ready()) latched_.put(Feature::Aroon25, aroon_.oscillator());
  if (!regression_.ready()) return;
  const LinearRegression::Line line = regression_.line();
  latched_.put(Feature::LrSlope20, 20 * line.slope);
  latched_.put(Feature::LrR2_20, line.r2);
}

// #34–39.
void SymbolFeatures::latch_averages(const Candle& c) {
  for (Ema* ema : {&ema9_, &ema21_, &ema50_, &ema200_}) ema->push(c.close);
  const auto put = [&](Feature f, const Ema& ema) {
    if (ema.ready()) latched_.put(f, (c.close - ema.value()) / c.close);
  };
  put(Feature::Ema9Dist, ema9_);
  put(Feature::Ema21Dist, ema21_);
  put(Feature::Ema50Dist, ema50_);
  put(Feature::Ema200Dist, ema200_);
  if (ema21_.ready()) latched_.put(Feature::Ema9_21, (ema9_.value() - ema21_.value()) / c.close);
  if (ema50_.ready()) ema50_history_.push(ema50_.value());
  if (ema50_history_.full()) latched_.put(Feature::Ema50Slope, ema50_history_[0] / ema50_history_[10] - 1);
}

// #43, #44, #47, #49, #50.
void SymbolFeatures::latch_volume(const Bar& bar, const Candle& c) {
  volume20_.push(c.volume);
  day_value_.push(c.typical * c.volume);
  day_volume_.push(c.volume);
  empty_bars_.push(c.volume < kEpsilon ? 1 : 0);
  if (bars_ > 1)
    latched_.put_clipped(Feature::VolChange, base::det::log((c.volume + kEpsilon) / (before_.volume + kEpsilon)), 3);
  if (volume20_.ready()) {
    const double usual = volume20_.mean();
    latched_.put(Feature::VolRatio, usual < kEpsilon ? 1 : std::clamp(c.volume / usual, 0.0, 10.0));
  }
  if (day_volume_.ready()) {
    const double volume = day_volume_.sum();
    latched_.put(Feature::VwapDist, volume < kEpsilon ? 0 : (c.close - day_value_.sum() / volume) / c.close);
  }
  if ((bar.columns & domain::kHasTakerBuy) != 0)
    latched_.put(Feature::TakerImb, c.volume < kEpsilon ? 0 : 2 * bar.taker_buy_base / c.volume - 1);
  const bool counted = (bar.columns & domain::kHasTrades) != 0;
  const double trades = counted ? static_cast<double>(bar.trades) : 0;
  trades20_.push(trades);
  trades_run_ = counted ? std::min(trades_run_ + 1, 20u) : 0;
  if (trades_run_ < 20) return;
  const double usual = trades20_.mean();
  double intensity = neutral_value(Feature::TradeInt);
  if (usual >= kEpsilon) intensity = trades == 0 ? -3 : std::clamp(base::det::log(trades / usual), -3.0, 3.0);
  latched_.put(Feature::TradeInt, intensity);
}

// #45, #46, #48.
void SymbolFeatures::latch_flow(const Candle& c) {
  flow20_.push(money_flow_multiplier(c.high, c.low, c.close) * c.volume);
  const double volume = volume20_.sum();
  const auto share = [volume](const RollingSum& part) { return volume < kEpsilon ? 0 : part.sum() / volume; };
  if (flow20_.ready()) latched_.put(Feature::Cmf20, share(flow20_));
  if (bars_ < 2) return;
  signed_volume20_.push(sign(c.close - before_.close) * c.volume);
  return_volume20_.push((c.close / before_.close - 1) * c.volume);
  if (!signed_volume20_.ready()) return;
  latched_.put(Feature::ObvFlow20, share(signed_volume20_));
  latched_.put(Feature::Vpt20, share(return_volume20_));
}

// #61–64, at the close of the bar.
void SymbolFeatures::latch_calendar(const Bar& bar) {
  const base::Timestamp close = bar.close_time();
  const double of_day = base::minute_of_day(close) / 1440.0, of_week = base::weekday(close) / 7.0;
  latched_.put(Feature::HourSin, base::det::sin_turns(of_day));
  latched_.put(Feature::HourCos, base::det::cos_turns(of_day));
  latched_.put(Feature::DowSin, base::det::sin_turns(of_week));
  latched_.put(Feature::DowCos, base::det::cos_turns(of_week));
}

}  // namespace qtrader::features
