#include "edge/playback/bar_player.hpp"

#include <algorithm>
#include <cmath>

#include "edge/playback/bar_trades.hpp"

namespace qtrader::playback {
namespace {

using base::Timestamp;
using domain::Price;
using domain::Side;

constexpr double kMemory = 0.02;     // of a new bar in the mean turnover: about fifty bars
constexpr double kReversion = 0.2;   // of a deviation, from one mark to the next
constexpr double kMaxDeviation = 4;  // standard deviations
constexpr double kLeastDepth = 0.2, kMostDepth = 5;

Timestamp whole_ms(Timestamp t) { return {t.ns - t.ns % 1'000'000}; }

/// The first at the open, the others each in its own stretch of the bar, the last before the close.
std::vector<Timestamp> trade_times(const domain::Bar& bar, std::size_t count, base::Rng& rng) {
  std::vector<Timestamp> out{bar.open_time};
  const std::int64_t stretch =
      domain::duration(bar.timeframe).ns / static_cast<std::int64_t>(std::max<std::size_t>(count, 1));
  for (std::size_t i = 1; i < count; ++i) {
    const auto within = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(stretch)));
    out.push_back(whole_ms({bar.open_time.ns + stretch * static_cast<std::int64_t>(i) + within}));
  }
  return out;
}

/// Twice as many marks as trades, but never two within a second and never fewer than four, each just before the end of
/// its stretch; the symbol's very first bar also has one at its open, for nothing is tradable without a mark.
std::vector<Timestamp> mark_times(const domain::Bar& bar, std::int32_t trades, bool first) {
  const base::Duration length = domain::duration(bar.timeframe);
  const std::int64_t count = std::clamp<std::int64_t>(2 * trades, 4, length.ns / base::seconds(1).ns);
  std::vector<Timestamp> out;
  if (first) out.push_back(bar.open_time);
  for (std::int64_t i = 1; i <= count; ++i)
    out.push_back(whole_ms({bar.open_time.ns + length.ns / count * i}) - base::milliseconds(1));
  out.back() = bar.close_time() - base::milliseconds(1);
  return out;
}

void revert(double& deviation, double scale, base::Rng& rng) {
  const double keep = 1 - kReversion;
  deviation = keep * deviation + std::sqrt(1 - keep * keep) * scale * rng.normal();
  deviation = std::clamp(deviation, -kMaxDeviation * scale, kMaxDeviation * scale);
}

Price deviated(Price price, double fraction) {
  const Price out = Price::from_double(price.to_double() * (1 + fraction));
  return out.is_positive() ? out : price;
}

}  // namespace

struct BarPlayer::Bar {
  const SlotBar& slot;
  std::vector<matching::MarketTick>& out;
  base::Rng book_rng, mark_rng;
  std::vector<PlannedTrade> trades;
  std::vector<Timestamp> trade_at, mark_at;
  std::vector<Price> recorded_marks;
  std::vector<domain::FundingRate> funding;
  std::size_t next_trade = 0, next_mark = 0, next_funding = 0;
};

BarPlayer::BarPlayer(PlayedSymbol symbol, const domain::Instrument& instrument, const BookModel& model)
    : symbol_(symbol),
      instrument_(&instrument),
      model_(model),
      rng_(base::Rng(model.seed).fork("playback").fork(instrument.symbol)),
      book_(instrument),
      meter_(instrument) {}

double BarPlayer::depth_scale(const domain::Bar& bar) {
  const double turnover = (bar.columns & domain::kHasQuoteVolume) != 0 && bar.quote_volume > 0
                              ? bar.quote_volume
                              : bar.volume * bar.close.to_double();
  if (mean_turnover_ <= 0) {
    mean_turnover_ = turnover;
    return 1;
  }
  const double scale = std::clamp(turnover / mean_turnover_, kLeastDepth, kMostDepth);
  mean_turnover_ += kMemory * (turnover - mean_turnover_);
  return scale;
}

void BarPlayer::begin_book(Bar& bar) {
  const domain::Bar& b = bar.slot.bar;
  const bool quiet = bar.trades.empty();
  if (quiet && !book_.empty()) return;  // no trade, no movement
  BookTerms terms;
  terms.seed = bar.book_rng.seed();
  terms.depth_usdt = model_.depth_usdt_per_level * bar.slot.depth * (quiet ? 1 : depth_scale(b));
  terms.spread_bps = model_.spread_bps * bar.slot.spread;
  terms.levels = model_.levels;
  if (quiet && last_.is_zero()) last_ = b.open;
  book_.rebuild(terms, quiet ? last_ : b.open, quiet ? Side::Buy : bar.trades.front().taker);
  bar.out.push_back(matching::BookSnapshotTick{symbol_.id, book_.bids(), book_.asks(), b.open_time});
}

void BarPlayer::trade(Bar& bar) {
  const PlannedTrade& t = bar.trades[bar.next_trade];
  const Timestamp at = bar.trade_at[bar.next_trade++];
  matching::BookDeltaTick delta{symbol_.id, {}, {}, at};
  book_.move(t.price, t.taker, delta.bids, delta.asks);
  if (!delta.bids.empty() || !delta.asks.empty()) bar.out.push_back(std::move(delta));
  bar.out.push_back(matching::TradeTick{symbol_.id, t.price, t.quantity, t.taker, at});
  last_ = t.price;
}

void BarPlayer::mark(Bar& bar) {
  const std::size_t i = bar.next_mark++;
  const double scale = model_.mark_noise_bps / 1e4;
  revert(mark_deviation_, scale, bar.mark_rng);
  revert(index_deviation_, scale, bar.mark_rng);
  matching::MarkTick tick;
  tick.symbol = symbol_.id;
  tick.time = bar.mark_at[i];
  if (bar.recorded_marks.empty()) {
    tick.mark = deviated(last_, mark_deviation_);
    tick.index = deviated(last_, index_deviation_);
  } else {
    tick.mark = tick.index = bar.recorded_marks[i];  // no recording has the index: its mark stands for it
  }
  if (!book_.bids().empty() && !book_.asks().empty())
    meter_.sample(book_.bids().front().price, book_.asks().front().price, tick.index);
  // What is settled next is not known before: the exchange says what it settled last, or what the premium is so far.
  tick.funding_rate = settled_ && symbol_.has_funding ? settled_->rate : meter_.estimate();
  if (bar.slot.funding_estimate) tick.funding_rate = *bar.slot.funding_estimate;
  const base::Duration interval = settled_ ? base::hours(settled_->interval_hours) : kFundingInterval;
  tick.next_funding = next_settlement(tick.time, interval);
  bar.out.push_back(tick);
}

/// Settlements at or before `until`.
void BarPlayer::settle_until(Bar& bar, Timestamp until) {
  for (; bar.next_funding < bar.funding.size() && bar.funding[bar.next_funding].ts_event <= until; ++bar.next_funding) {
    settled_ = bar.funding[bar.next_funding];
    settled_->interval_hours = std::max(settled_->interval_hours, 1);
    meter_.settled();
    bar.out.push_back(matching::FundingTick{symbol_.id, settled_->rate, settled_->ts_event});
  }
  if (symbol_.has_funding) return;
  if (!computed_settlement_) computed_settlement_ = next_settlement(bar.slot.bar.open_time, kFundingInterval);
  for (; *computed_settlement_ <= until;
       computed_settlement_ = next_settlement(*computed_settlement_, kFundingInterval)) {
    // A settlement in a gap of the data did not happen here.
    if (*computed_settlement_ < bar.slot.bar.open_time) continue;
    bar.out.push_back(matching::FundingTick{symbol_.id, meter_.estimate(), *computed_settlement_});
    meter_.settled();
  }
}

void BarPlayer::play(const SlotBar& slot, const std::vector<domain::FundingRate>& funding,
                     std::vector<matching::MarketTick>& out) {
  const domain::Bar& b = slot.bar;
  const base::Rng rng = rng_.fork(std::to_string(b.open_time.ns));
  base::Rng trade_rng = rng.fork("trades");
  Bar bar{slot, out, rng.fork("book"), rng.fork("marks"), {}, {}, {}, {}, funding};
  bar.trades = plan_trades(b, *instrument_, static_cast<std::size_t>(model_.trades_per_bar), trade_rng);
  bar.trade_at = trade_times(b, bar.trades.size(), trade_rng);
  bar.mark_at = mark_times(b, model_.trades_per_bar, !marked_);
  marked_ = true;
  if (slot.mark) {
    base::Rng path_rng = rng.fork("recorded marks");
    bar.recorded_marks = bar_path(corners_of(*slot.mark), bar.mark_at.size(), Price::from_raw(1), path_rng);
  }
  settle_until(bar, b.open_time);
  begin_book(bar);
  while (bar.next_trade < bar.trades.size() || bar.next_mark < bar.mark_at.size()) {
    const bool trades = bar.next_trade < bar.trades.size(), marks = bar.next_mark < bar.mark_at.size();
    const bool trade_first = trades && (!marks || bar.trade_at[bar.next_trade] <= bar.mark_at[bar.next_mark]);
    settle_until(bar, trade_first ? bar.trade_at[bar.next_trade] : bar.mark_at[bar.next_mark]);
    trade_first ? trade(bar) : mark(bar);
  }
  settle_until(bar, {b.close_time().ns - 1});
  out.push_back(matching::BarTick{symbol_.id, b.timeframe, b, b.close_time()});
}

}  // namespace qtrader::playback
