#include "edge/exchange/candle_series.hpp"

#include <algorithm>

namespace qtrader::exchange {
namespace {

void add(Kline& to, const Kline& more) {
  to.high = std::max(to.high, more.high);
  to.low = std::min(to.low, more.low);
  to.close = more.close;
  to.volume += more.volume;
  to.taker_buy_volume += more.taker_buy_volume;
  to.quote_volume += more.quote_volume;
  to.taker_buy_quote_volume += more.taker_buy_quote_volume;
  to.trades += more.trades;
  if (to.first_trade < 0) to.first_trade = more.first_trade;
  if (more.last_trade >= 0) to.last_trade = more.last_trade;
}

}  // namespace

void CandleSeries::open(Timestamp at) {
  open_ = true;
  open_time_ = interval_open(interval_, at);
  next_ = interval_next(interval_, open_time_);
  has_recorded_ = has_prints_ = false;
  recorded_ = prints_ = {};
}

std::optional<Kline> CandleSeries::current() const {
  if (!open_) return std::nullopt;
  Kline k;
  if (has_recorded_) {
    k = recorded_;
    if (has_prints_) add(k, prints_);
  } else if (has_prints_) {
    k = prints_;
  } else {
    k.open = k.high = k.low = k.close = last_close_;
  }
  k.open_time = open_time_;
  return k;
}

void CandleSeries::close(const OnClose& on_close) {
  Kline k = *current();
  k.closed = true;
  last_close_ = k.close;
  closed_recorded_ = recorded_;
  closed_prints_ = prints_;
  closed_has_recorded_ = has_recorded_;
  closed_.push_back(k);
  if (closed_.size() > limit_) closed_.pop_front();
  open(next_);  // flat until something happens
  if (on_close) on_close(k);
}

void CandleSeries::roll(Timestamp now, bool inclusive, const OnClose& on_close) {
  if (!open_) return;
  // After a gap longer than what is kept, only the newest candles need to exist.
  const std::int64_t length = (next_ - open_time_).ns;
  if ((now - next_).ns / length > static_cast<std::int64_t>(limit_) + 1) {
    close(on_close);
    open({now.ns - length * static_cast<std::int64_t>(limit_)});
  }
  while (next_ < now || (inclusive && next_ == now)) close(on_close);
}

void CandleSeries::advance_to(Timestamp now, const OnClose& on_close) { roll(now, !tiles_, on_close); }

void CandleSeries::print(const Print& p, const OnClose& on_close) {
  roll(p.time, true, on_close);
  if (!open_) open(p.time);
  if (p.time < open_time_) return;  // of a candle that is history already
  if (!has_prints_) {
    prints_ = {};
    prints_.open = prints_.high = prints_.low = p.price;
    has_prints_ = true;
  }
  Kline one;
  one.high = one.low = one.close = p.price;
  one.volume = p.quantity;
  one.quote_volume = p.quote;
  if (p.taker_buys) {
    one.taker_buy_volume = p.quantity;
    one.taker_buy_quote_volume = p.quote;
  }
  one.trades = 1;
  one.first_trade = one.last_trade = p.id;
  add(prints_, one);
}

Kline CandleSeries::recorded_kline(const domain::Bar& bar, const Kline& prints) const {
  Kline k;
  k.open_time = bar.open_time;
  k.open = bar.open;
  k.high = bar.high;
  k.low = bar.low;
  k.close = bar.close;
  k.volume = domain::Quantity::from_double(bar.volume);
  // What the recording lacks is taken from the prints that played it, scaled to its volume; their price is what it
  // would have been about.
  const double printed = prints.volume.to_double();
  const double scale = printed > 0 ? bar.volume / printed : 0;
  k.quote_volume = (bar.columns & domain::kHasQuoteVolume) != 0 ? bar.quote_volume
                   : printed > 0                                ? prints.quote_volume * scale
                                                                : bar.volume * bar.close.to_double();
  const double bought = (bar.columns & domain::kHasTakerBuy) != 0 ? bar.taker_buy_base
                        : printed > 0                             ? prints.taker_buy_volume.to_double() * scale
                                                                  : 0;
  k.taker_buy_volume = domain::Quantity::from_double(bought);
  k.taker_buy_quote_volume = bar.volume > 0 ? k.quote_volume * (bought / bar.volume) : 0;
  k.trades = (bar.columns & domain::kHasTrades) != 0 ? static_cast<std::int64_t>(bar.trades) : prints.trades;
  k.first_trade = prints.first_trade;
  k.last_trade = prints.last_trade;
  return k;
}

void CandleSeries::bar(const domain::Bar& bar, const OnClose& on_close) {
  if (!tiles_) return;
  const Timestamp candle = interval_open(interval_, bar.open_time);
  if (open_ && candle > open_time_) roll(candle, true, on_close);
  if (!open_) open(candle);
  if (candle < open_time_) {  // late: time or a print closed its candle before it came
    if (closed_.empty() || closed_.back().open_time != candle) return;
    Kline exact = recorded_kline(bar, closed_prints_);
    if (closed_has_recorded_) {
      Kline whole = closed_recorded_;
      add(whole, exact);
      exact = whole;
    }
    exact.open_time = candle;
    exact.closed = true;
    closed_.back() = exact;
    last_close_ = exact.close;
    return;
  }
  const Kline exact = recorded_kline(bar, has_prints_ ? prints_ : Kline{});
  if (has_recorded_)
    add(recorded_, exact);
  else
    recorded_ = exact;
  has_recorded_ = true;
  has_prints_ = false;
  prints_ = {};
  last_close_ = bar.close;
  if (bar.close_time() == next_) close(on_close);
}

}  // namespace qtrader::exchange
