// CandleSeries: the candles of one symbol, one interval and one price (contract, mark, index or premium).
//
// Built from prints; a recorded bar replaces the prints it covers, so that closed candles are the recorded ones to the
// digit, and larger candles are exact sums of recorded bars plus the prints since. Bounded; gaps are filled with flat
// candles at the last close, as the exchange shows them. It knows no events and no time but those it is given.
#pragma once

#include <deque>
#include <functional>

#include "edge/exchange/public_market.hpp"

namespace qtrader::exchange {

struct Print {
  domain::Price price;
  domain::Quantity quantity;
  double quote = 0;
  bool taker_buys = false;
  std::int64_t id = -1;
  Timestamp time;
};

class CandleSeries {
 public:
  using OnClose = std::function<void(const Kline&)>;
  /// recorded: bars of the source tile this interval, so its candles may be replaced by them.
  CandleSeries(Interval interval, bool recorded, std::size_t limit)
      : interval_(interval), tiles_(recorded), limit_(limit) {}

  void print(const Print& print, const OnClose& on_close);
  /// A recorded bar; its open time lies in the candle it belongs to. It may be late by one candle.
  void bar(const domain::Bar& bar, const OnClose& on_close);
  /// Closes the candles that ended before `now`, and at `now` unless a recorded bar may still come at that time.
  void advance_to(Timestamp now, const OnClose& on_close);

  const std::deque<Kline>& closed() const { return closed_; }
  std::optional<Kline> current() const;
  Timestamp next() const { return next_; }
  bool started() const { return open_ || !closed_.empty(); }

 private:
  void open(Timestamp at);
  void close(const OnClose& on_close);
  void roll(Timestamp now, bool inclusive, const OnClose& on_close);
  Kline recorded_kline(const domain::Bar& bar, const Kline& prints) const;

  Interval interval_;
  bool tiles_;
  std::size_t limit_;
  std::deque<Kline> closed_;
  bool open_ = false;
  Kline recorded_, prints_;  // of the open candle: bars so far, prints since the last of them
  bool has_recorded_ = false, has_prints_ = false;
  // Of the candle that closed last, so that a late bar can still correct it.
  Kline closed_recorded_, closed_prints_;
  bool closed_has_recorded_ = false;
  domain::Price last_close_;
  Timestamp open_time_, next_;
};

}  // namespace qtrader::exchange
