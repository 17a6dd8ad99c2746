#include "core/features/batch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "core/base/det_math.hpp"
#include "core/market/market_state.hpp"

namespace qtrader::features {
namespace {

using domain::Bar;
using Series = std::vector<double>;
using Maybe = std::optional<double>;

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

double clip(double x, double low, double high) { return std::min(std::max(x, low), high); }

/// The last n values up to and including t; only called with t + 1 ≥ n.
std::span<const double> last(const Series& x, std::size_t t, std::size_t n) {
  return std::span(x).subspan(t + 1 - n, n);
}

double total(std::span<const double> x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum;
}
double mean(std::span<const double> x) { return total(x) / static_cast<double>(x.size()); }

double central_moment(std::span<const double> x, int power) {
  // About the first value, then about the mean: a constant window has moments of exactly zero.
  double offset = 0;
  for (const double v : x) offset += v - x[0];
  offset /= static_cast<double>(x.size());
  double sum = 0;
  for (const double v : x) {
    const double d = v - x[0] - offset;
    sum += power == 2 ? d * d : d * d * d;
  }
  return sum / static_cast<double>(x.size());
}
double stdev(std::span<const double> x) { return std::sqrt(central_moment(x, 2)); }

/// Exponential average seeded by the mean of the first n defined values; undefined before.
Series seeded(const Series& x, std::size_t n, double alpha) {
  Series out(x.size(), kUndefined);
  std::size_t first = 0;
  while (first < x.size() && std::isnan(x[first])) ++first;
  if (x.size() < first + n) return out;
  out[first + n - 1] = mean(std::span(x).subspan(first, n));
  for (std::size_t t = first + n; t < x.size(); ++t) out[t] = alpha * x[t] + (1 - alpha) * out[t - 1];
  return out;
}
Series ema(const Series& x, int n) { return seeded(x, static_cast<std::size_t>(n), 2.0 / (n + 1)); }
Series wilder(const Series& x, int n) { return seeded(x, static_cast<std::size_t>(n), 1.0 / n); }

Series average_of(const Series& x, std::size_t n) {
  Series out(x.size(), kUndefined);
  for (std::size_t t = 0; t < x.size(); ++t)
    if (t + 1 >= n && !std::isnan(x[t + 1 - n])) out[t] = mean(last(x, t, n));
  return out;
}

/// The latest event at or before now.
template <class T>
const T* newest(std::span<const T> events, base::Timestamp now) {
  const auto after = std::ranges::upper_bound(events, now, {}, &T::ts_event);
  return after == events.begin() ? nullptr : &*(after - 1);
}

/// Index of the bar that closed at that moment.
std::optional<std::size_t> closing_at(std::span<const Bar> bars, base::Timestamp close) {
  const auto found = std::ranges::lower_bound(bars, close, {}, &Bar::close_time);
  if (found == bars.end() || found->close_time() != close) return std::nullopt;
  return static_cast<std::size_t>(found - bars.begin());
}

class Batch {
 public:
  explicit Batch(const BatchInput& input) : in_(input), n_(input.primary_bars.size()) { prepare(); }

  FeatureVector at(std::size_t t);

 private:
  void prepare();
  void prepare_direction();
  void set(Feature f, Maybe value);
  Maybe ratio_return(const Series& x, std::size_t t, std::size_t k) const;
  Maybe horizon_return(const Series& x, domain::Timeframe tf, std::size_t t, int minutes) const;
  Maybe hour_return(std::size_t t) const;
  void returns(std::size_t t);
  void shape(std::size_t t);
  void oscillators(std::size_t t);
  void bands(std::size_t t);
  void volatility(std::size_t t);
  void trend(std::size_t t);
  void averages(std::size_t t);
  void regression(std::size_t t);
  void volume(std::size_t t);
  void flow(std::size_t t);
  void side(base::Timestamp now);
  void open_interest(base::Timestamp now);
  void relative(std::size_t t);
  void calendar(base::Timestamp close);
  std::string_view why_invalid(std::size_t t) const;

  const BatchInput& in_;
  std::size_t n_;
  Series o_, h_, l_, c_, v_, tp_, ell_, tr_, atr_, gain_, loss_, macd_, signal_, raw_k_, k_, d_, ema9_, ema21_, ema50_,
      ema200_, base_close_, plus_dm_, minus_dm_, plus_, minus_, adx_, lnc_;
  FeatureVector out_;
};

void Batch::prepare() {
  for (const Bar& b : in_.primary_bars) {
    o_.push_back(b.open.to_double());
    h_.push_back(b.high.to_double());
    l_.push_back(b.low.to_double());
    c_.push_back(b.close.to_double());
    v_.push_back(b.volume);
    tp_.push_back((h_.back() + l_.back() + c_.back()) / 3);
    lnc_.push_back(base::det::log(c_.back()));
  }
  for (const Bar& b : in_.base_bars) base_close_.push_back(b.close.to_double());
  ell_.assign(n_, kUndefined);
  tr_ = gain_ = loss_ = raw_k_ = ell_;
  for (std::size_t t = 1; t < n_; ++t) {
    ell_[t] = base::det::log(c_[t] / c_[t - 1]);
    tr_[t] = std::max(h_[t], c_[t - 1]) - std::min(l_[t], c_[t - 1]);
    gain_[t] = c_[t] > c_[t - 1] ? c_[t] - c_[t - 1] : 0;
    loss_[t] = c_[t] < c_[t - 1] ? c_[t - 1] - c_[t] : 0;
  }
  gain_ = wilder(gain_, 14);
  loss_ = wilder(loss_, 14);
  atr_ = wilder(tr_, 14);
  ema9_ = ema(c_, 9);
  ema21_ = ema(c_, 21);
  ema50_ = ema(c_, 50);
  ema200_ = ema(c_, 200);
  const Series fast = ema(c_, 12), slow = ema(c_, 26);
  for (std::size_t t = 0; t < n_; ++t) macd_.push_back(fast[t] - slow[t]);
  signal_ = ema(macd_, 9);
  for (std::size_t t = 13; t < n_; ++t) {
    const double high = std::ranges::max(last(h_, t, 14)), low = std::ranges::min(last(l_, t, 14));
    raw_k_[t] = high - low < kEpsilon ? 0.5 : (c_[t] - low) / (high - low);
  }
  k_ = average_of(raw_k_, 3);
  d_ = average_of(k_, 3);
  prepare_direction();
}

void Batch::prepare_direction() {
  plus_dm_.assign(n_, kUndefined);
  minus_dm_ = plus_dm_;
  for (std::size_t t = 1; t < n_; ++t) {
    const double up = h_[t] - h_[t - 1], down = l_[t - 1] - l_[t];
    plus_dm_[t] = up > 0 && up > down ? up : 0;
    minus_dm_[t] = down > 0 && down > up ? down : 0;
  }
  plus_ = wilder(plus_dm_, 14);
  minus_ = wilder(minus_dm_, 14);
  Series dx(n_, kUndefined);
  for (std::size_t t = 0; t < n_; ++t) {
    plus_[t] = atr_[t] < kEpsilon ? 0 : plus_[t] / atr_[t];
    minus_[t] = atr_[t] < kEpsilon ? 0 : minus_[t] / atr_[t];
    const double sum = plus_[t] + minus_[t];
    dx[t] = 100 * sum < kEpsilon ? 0 : std::abs(plus_[t] - minus_[t]) / sum;
  }
  adx_ = wilder(dx, 14);
}

void Batch::set(Feature f, Maybe value) {
  const auto i = static_cast<std::size_t>(f);
  out_.x[i] = value ? *value : neutral_value(f);
  if (value) out_.present_mask |= std::uint64_t{1} << i;
}

FeatureVector Batch::at(std::size_t t) {
  out_ = {};
  out_.symbol = in_.symbol;
  out_.bar_close = in_.primary_bars[t].close_time();
  out_.close = in_.primary_bars[t].close.to_double();
  returns(t);
  shape(t);
  oscillators(t);
  bands(t);
  volatility(t);
  trend(t);
  averages(t);
  regression(t);
  volume(t);
  flow(t);
  side(out_.bar_close);
  open_interest(out_.bar_close);
  relative(t);
  calendar(out_.bar_close);
  out_.invalid_reason = why_invalid(t);
  out_.valid = out_.invalid_reason.empty();
  return out_;
}

Maybe Batch::ratio_return(const Series& x, std::size_t t, std::size_t k) const {
  if (t < k) return std::nullopt;
  return x[t] / x[t - k] - 1;
}

Maybe Batch::horizon_return(const Series& x, domain::Timeframe tf, std::size_t t, int minutes) const {
  if (minutes % domain::minutes(tf) != 0) return std::nullopt;
  return ratio_return(x, t, static_cast<std::size_t>(minutes / domain::minutes(tf)));
}

Maybe Batch::hour_return(std::size_t t) const {
  const Maybe r = horizon_return(c_, in_.primary, t, 60);
  return r ? Maybe(clip(*r, -0.5, 0.5)) : std::nullopt;
}

void Batch::returns(std::size_t t) {
  const auto clipped = [](Maybe r, double limit) { return r ? Maybe(clip(*r, -limit, limit)) : std::nullopt; };
  const auto m = closing_at(in_.base_bars, in_.primary_bars[t].close_time());
  const auto minute = [&](int minutes) { return m ? horizon_return(base_close_, in_.base, *m, minutes) : Maybe(); };
  set(Feature::Ret1m, clipped(minute(1), 0.10));
  set(Feature::Ret5m, clipped(minute(5), 0.20));
  set(Feature::Ret15m, clipped(minute(15), 0.30));
  set(Feature::Ret1h, hour_return(t));
  set(Feature::Ret4h, clipped(horizon_return(c_, in_.primary, t, 240), 1));
  set(Feature::Ret24h, clipped(horizon_return(c_, in_.primary, t, 1440), 2));
  set(Feature::Roc10, clipped(ratio_return(c_, t, 10), 1));
  if (t >= 10) {
    set(Feature::Accel5, *ratio_return(c_, t, 5) - *ratio_return(c_, t - 5, 5));
  } else {
    set(Feature::Accel5, std::nullopt);
  }
}

void Batch::shape(std::size_t t) {
  const Bar& b = in_.primary_bars[t];
  const double o = o_[t], h = h_[t], l = l_[t], c = c_[t];
  set(Feature::RangePct, (h - l) / c);
  set(Feature::BodyPct, (c - o) / c);
  set(Feature::UpperWick, (h - (o > c ? o : c)) / c);
  set(Feature::LowerWick, ((o < c ? o : c) - l) / c);
  set(Feature::ClosePos, h - l < kEpsilon ? 0.5 : (c - l) / (h - l));
  // Patterns in units of 1e-8, exact in long double.
  const auto raw = [](domain::Price p) { return static_cast<long double>(p.raw()); };
  const long double O = raw(b.open), H = raw(b.high), L = raw(b.low), C = raw(b.close);
  const long double body = std::abs(C - O), upper = H - std::max(O, C), lower = std::min(O, C) - L;
  set(Feature::Doji, H > L && 10 * body < H - L ? 1 : 0);
  double hammer = 0;
  if (body > 0 && lower > 2 * body && upper < body) hammer = 1;
  if (body > 0 && upper > 2 * body && lower < body) hammer = -1;
  set(Feature::Hammer, hammer);
  if (t == 0) {
    set(Feature::Engulf, std::nullopt);
    set(Feature::Gap, std::nullopt);
    return;
  }
  const Bar& p = in_.primary_bars[t - 1];
  double engulf = 0;
  if (C > O && raw(p.close) < raw(p.open) && C > raw(p.open) && O <= raw(p.close)) engulf = 1;
  if (C < O && raw(p.close) > raw(p.open) && C < raw(p.open) && O >= raw(p.close)) engulf = -1;
  set(Feature::Engulf, engulf);
  set(Feature::Gap, l > h_[t - 1] ? (l - h_[t - 1]) / c : h < l_[t - 1] ? -(l_[t - 1] - h) / c : 0);
}

void Batch::oscillators(std::size_t t) {
  const auto defined = [](double x) { return std::isnan(x) ? Maybe() : Maybe(x); };
  const double moved = gain_[t] + loss_[t];
  set(Feature::Rsi14, defined(moved < kEpsilon ? 0.5 : 1 - loss_[t] / moved));
  const double atr = atr_[t];
  const auto in_atr = [&](double x) { return defined(atr < kEpsilon && !std::isnan(x) ? 0 : clip(x / atr, -5, 5)); };
  const bool line = !std::isnan(macd_[t]), both = !std::isnan(signal_[t]);
  set(Feature::Macd, line ? in_atr(macd_[t]) : Maybe());
  set(Feature::MacdSig, both ? in_atr(signal_[t]) : Maybe());
  set(Feature::MacdHist, both ? Maybe(*in_atr(macd_[t]) - *in_atr(signal_[t])) : Maybe());
  set(Feature::StochK, defined(k_[t]));
  set(Feature::StochD, defined(d_[t]));
  if (t + 1 < 20) {
    set(Feature::Cci20, std::nullopt);
  } else {
    const auto window = last(tp_, t, 20);
    double offset = 0, absolute = 0;
    for (const double x : window) offset += (x - window[0]) / 20;
    for (const double x : window) absolute += std::abs(x - window[0] - offset) / 20;
    const double scale = 0.015 * absolute;
    set(Feature::Cci20, scale < kEpsilon ? 0 : clip((tp_[t] - window[0] - offset) / scale / 200, -2, 2));
  }
  if (t < 14) return set(Feature::Mfi14, std::nullopt);
  double up = 0, down = 0;
  for (std::size_t i = t - 13; i <= t; ++i) {
    if (tp_[i] > tp_[i - 1]) up += tp_[i] * v_[i];
    if (tp_[i] < tp_[i - 1]) down += tp_[i] * v_[i];
  }
  set(Feature::Mfi14, up + down < kEpsilon ? 0.5 : up / (up + down));
}

void Batch::bands(std::size_t t) {
  Maybe position, width, score;
  if (t + 1 >= 20) {
    const auto window = last(c_, t, 20);
    const double middle = mean(window), sigma = stdev(window), low = middle - 2 * sigma, high = middle + 2 * sigma;
    position = 4 * sigma < kEpsilon ? 0.5 : clip((c_[t] - low) / (high - low), -1, 2);
    width = 4 * sigma / middle;
  }
  if (t + 1 >= 50) {
    const auto window = last(c_, t, 50);
    const double sigma = stdev(window);
    score = sigma < kEpsilon ? 0 : clip((c_[t] - mean(window)) / sigma, -5, 5);
  }
  set(Feature::BbPctb, position);
  set(Feature::BbWidth, width);
  set(Feature::Zscore50, score);
}

void Batch::volatility(std::size_t t) {
  Maybe atr_ratio, rv, rv_ratio, skew;
  if (t + 1 >= 14 + 50) {
    const double usual = mean(last(atr_, t, 50));
    atr_ratio = usual < kEpsilon ? 1 : clip(atr_[t] / usual, 0, 5);
  }
  if (t >= 20) rv = stdev(last(ell_, t, 20));
  if (t >= 50) {
    const auto window = last(ell_, t, 50);
    const double sigma = stdev(window);
    skew = sigma < kEpsilon ? 0 : clip(central_moment(window, 3) / (sigma * sigma * sigma), -3, 3);
  }
  if (t >= 100) {
    const double usual = stdev(last(ell_, t, 100));
    rv_ratio = usual < kEpsilon ? 1 : clip(*rv / usual, 0, 5);
  }
  set(Feature::AtrPct, t >= 14 ? Maybe(atr_[t] / c_[t]) : Maybe());
  set(Feature::AtrRatio, atr_ratio);
  set(Feature::Rv20, rv);
  set(Feature::RvRatio, rv_ratio);
  set(Feature::Skew50, skew);
}

void Batch::trend(std::size_t t) {
  set(Feature::PlusDi, t >= 14 ? Maybe(plus_[t]) : Maybe());
  set(Feature::MinusDi, t >= 14 ? Maybe(minus_[t]) : Maybe());
  set(Feature::Adx14, t >= 27 ? Maybe(atr_[t] < kEpsilon ? 0.2 : adx_[t]) : Maybe());
  if (t < 25) return set(Feature::Aroon25, std::nullopt);
  std::size_t high = 0, low = 0;
  for (std::size_t back = 1; back <= 25; ++back) {
    if (h_[t - back] > h_[t - high]) high = back;
    if (l_[t - back] < l_[t - low]) low = back;
  }
  set(Feature::Aroon25, (static_cast<double>(low) - static_cast<double>(high)) / 25);
}

void Batch::averages(std::size_t t) {
  const auto relative = [&](double x) { return std::isnan(x) ? Maybe() : Maybe(x / c_[t]); };
  set(Feature::Ema9Dist, relative(c_[t] - ema9_[t]));
  set(Feature::Ema21Dist, relative(c_[t] - ema21_[t]));
  set(Feature::Ema50Dist, relative(c_[t] - ema50_[t]));
  set(Feature::Ema200Dist, relative(c_[t] - ema200_[t]));
  set(Feature::Ema9_21, relative(ema9_[t] - ema21_[t]));
  set(Feature::Ema50Slope, t >= 59 ? Maybe(ema50_[t] / ema50_[t - 10] - 1) : Maybe());
}

void Batch::regression(std::size_t t) {
  if (t + 1 < 20) {
    set(Feature::LrSlope20, std::nullopt);
    set(Feature::LrR2_20, std::nullopt);
    return;
  }
  const auto y = last(lnc_, t, 20);
  double mean_y = 0, xy = 0, xx = 0, yy = 0;
  for (const double v : y) mean_y += (v - y[0]) / 20;
  for (std::size_t i = 0; i < 20; ++i) {
    const double dx = static_cast<double>(i) - 9.5, dy = y[i] - y[0] - mean_y;
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  set(Feature::LrSlope20, 20 * xy / xx);
  set(Feature::LrR2_20, yy < kEpsilon ? 0 : xy * xy / xx / yy);
}

void Batch::volume(std::size_t t) {
  const Bar& bar = in_.primary_bars[t];
  Maybe change, ratio, vwap, taker, intensity;
  if (t >= 1) change = clip(base::det::log((v_[t] + kEpsilon) / (v_[t - 1] + kEpsilon)), -3, 3);
  if (t + 1 >= 20) {
    const double usual = mean(last(v_, t, 20));
    ratio = usual < kEpsilon ? 1 : clip(v_[t] / usual, 0, 10);
  }
  const auto day = static_cast<std::size_t>(1440 / domain::minutes(in_.primary));
  if (t + 1 >= day) {
    double value = 0;
    for (std::size_t i = t + 1 - day; i <= t; ++i) value += tp_[i] * v_[i];
    const double amount = total(last(v_, t, day));
    vwap = amount < kEpsilon ? 0 : (c_[t] - value / amount) / c_[t];
  }
  if ((bar.columns & domain::kHasTakerBuy) != 0) taker = v_[t] < kEpsilon ? 0 : 2 * bar.taker_buy_base / v_[t] - 1;
  double trades = 0;
  bool all = t + 1 >= 20;
  for (std::size_t i = all ? t - 19 : 0; i <= t; ++i) {
    all = all && (in_.primary_bars[i].columns & domain::kHasTrades) != 0;
    trades += in_.primary_bars[i].trades;
  }
  if (all && trades == 0) intensity = 0;
  if (all && trades > 0) intensity = bar.trades == 0 ? -3 : clip(base::det::log(bar.trades * 20 / trades), -3, 3);
  set(Feature::VolChange, change);
  set(Feature::VolRatio, ratio);
  set(Feature::VwapDist, vwap);
  set(Feature::TakerImb, taker);
  set(Feature::TradeInt, intensity);
}

void Batch::flow(std::size_t t) {
  Maybe obv, vpt, cmf;
  if (t + 1 >= 20) {
    const double amount = total(last(v_, t, 20));
    double signed_volume = 0, return_volume = 0, money = 0;
    for (std::size_t i = t - 19; i <= t; ++i) {
      const double range = h_[i] - l_[i];
      if (range >= kEpsilon) money += (2 * c_[i] - h_[i] - l_[i]) / range * v_[i];
      if (i == 0) continue;
      signed_volume += c_[i] > c_[i - 1] ? v_[i] : c_[i] < c_[i - 1] ? -v_[i] : 0;
      return_volume += v_[i] * (c_[i] / c_[i - 1] - 1);
    }
    const auto share = [&](double x) { return amount < kEpsilon ? 0 : x / amount; };
    cmf = share(money);
    if (t >= 20) obv = share(signed_volume);
    if (t >= 20) vpt = share(return_volume);
  }
  set(Feature::ObvFlow20, obv);
  set(Feature::Vpt20, vpt);
  set(Feature::Cmf20, cmf);
}

void Batch::side(base::Timestamp now) {
  Maybe spread, imbalance, funding, sentiment, trending;
  if (const auto* b = newest(in_.books, now); b != nullptr && now - b->ts_event <= base::seconds(10)) {
    const double bid = b->bid.to_double(), ask = b->ask.to_double(), mid = (bid + ask) / 2;
    const double depth = b->bid_depth_usdt + b->ask_depth_usdt;
    spread = clip((ask - bid) / mid * 10'000 / 10, 0, 5);
    imbalance = depth < kEpsilon ? 0 : (b->bid_depth_usdt - b->ask_depth_usdt) / depth;
  }
  if (const auto* f = newest(in_.funding, now); f != nullptr && now - f->ts_event <= base::hours(9))
    funding = clip(f->rate.to_double() * (8.0 / f->interval_hours) * 1000, -1, 1);
  if (const auto* s = newest(in_.sentiment, now); s != nullptr && now - s->ts_event <= base::hours(24))
    sentiment = s->score * base::det::exp(-(now - s->ts_event).seconds() / 3600 / 6);
  if (const auto* r = newest(in_.trending, now); r != nullptr && now - r->ts_event <= base::hours(6))
    trending = r->rank < 1 || r->rank > 15 ? 0 : (16 - r->rank) / 15.0;
  set(Feature::Spread, spread);
  set(Feature::BookImb, imbalance);
  set(Feature::Funding, funding);
  set(Feature::Sentiment, sentiment);
  set(Feature::Trending, trending);
}

void Batch::open_interest(base::Timestamp now) {
  Maybe change;
  const auto* current = newest(in_.open_interest, now);
  if (current != nullptr && now - current->ts_event <= base::minutes(15)) {
    const auto* before = newest(in_.open_interest, {(current->ts_event - base::Timestamp{}).ns - base::hours(1).ns});
    if (before != nullptr && current->ts_event - before->ts_event <= base::minutes(75))
      change = before->contracts < kEpsilon ? 0 : clip(current->contracts / before->contracts - 1, -0.5, 0.5);
  }
  set(Feature::OiChg1h, change);
}

void Batch::relative(std::size_t t) {
  if (in_.is_reference) return set(Feature::RelBtc1h, 0);
  const auto found = closing_at(in_.reference_bars, in_.primary_bars[t].close_time());
  const auto back = static_cast<std::size_t>(60 / domain::minutes(in_.primary));
  const Maybe own = hour_return(t);
  if (!own || !found || *found < back) return set(Feature::RelBtc1h, std::nullopt);
  const double now = in_.reference_bars[*found].close.to_double();
  const double before = in_.reference_bars[*found - back].close.to_double();
  set(Feature::RelBtc1h, *own - clip(now / before - 1, -0.5, 0.5));
}

void Batch::calendar(base::Timestamp close) {
  // Days since the epoch began on a Thursday.
  const std::int64_t minute = close.ns / base::minutes(1).ns, day = minute / 1440;
  const double time = static_cast<double>(minute % 1440) / 1440, weekday = static_cast<double>((day + 3) % 7) / 7;
  set(Feature::HourSin, base::det::sin_turns(time));
  set(Feature::HourCos, base::det::cos_turns(time));
  set(Feature::DowSin, base::det::sin_turns(weekday));
  set(Feature::DowCos, base::det::cos_turns(weekday));
}

std::string_view Batch::why_invalid(std::size_t t) const {
  if (t + 1 < static_cast<std::size_t>(in_.warmup_bars)) return "warming_up";
  for (std::size_t back = 0; back < 99; ++back) {
    const base::Duration hole = in_.primary_bars[t - back].open_time - in_.primary_bars[t - back - 1].close_time();
    if (hole > domain::duration(in_.primary)) return "gap";
  }
  if (std::ranges::count_if(last(v_, t, 50), [](double v) { return v < kEpsilon; }) > 20) return "zero_volume";
  for (const double x : out_.x)
    if (!std::isfinite(x)) return "not_finite";
  return "";
}

}  // namespace

std::vector<FeatureVector> batch_features(const BatchInput& input) {
  Batch batch(input);
  std::vector<FeatureVector> out;
  out.reserve(input.primary_bars.size());
  for (std::size_t t = 0; t < input.primary_bars.size(); ++t) out.push_back(batch.at(t));
  return out;
}

}  // namespace qtrader::features
