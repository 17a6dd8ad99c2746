#include "edge/playback/bar_source.hpp"

#include <algorithm>

namespace qtrader::playback {
namespace {

constexpr double kMostVolume = 9e10;  // what a Quantity can hold

base::Result<void> in_range(const char* field, double value, double low, double high) {
  if (value >= low && value <= high) return {};
  return base::Error{"playback", base::Errc::InvalidArgument,
                     std::string("book model ") + field + " " + std::to_string(value) + ": expected " +
                         std::to_string(low) + " to " + std::to_string(high)};
}

base::Result<void> check(const BookModel& m) {
  QT_TRY_VOID(in_range("trades_per_bar", m.trades_per_bar, 4, 1000));
  QT_TRY_VOID(in_range("levels", m.levels, 1, 1000));
  QT_TRY_VOID(in_range("spread_bps", m.spread_bps, 0, 1000));
  QT_TRY_VOID(in_range("depth_usdt_per_level", m.depth_usdt_per_level, 1, 1e9));
  return in_range("mark_noise_bps", m.mark_noise_bps, 0, 1000);
}

}  // namespace

BarSource::BarSource(std::unique_ptr<BarFeed> feed, const domain::InstrumentTable& instruments, const BookModel& model)
    : feed_(std::move(feed)), instruments_(instruments) {
  for (std::size_t i = 0; i < instruments_.size(); ++i) {
    const domain::SymbolId id{static_cast<std::uint16_t>(i)};
    players_.emplace_back(PlayedSymbol{id, feed_->has_funding(id)}, instruments_[id], model);
  }
}

base::Result<std::unique_ptr<MarketSource>> BarSource::create(std::unique_ptr<BarFeed> feed,
                                                              const domain::InstrumentTable& instruments,
                                                              const BookModel& model) {
  QT_TRY_VOID(check(model));
  return std::unique_ptr<MarketSource>(new BarSource(std::move(feed), instruments, model));
}

base::Result<bool> BarSource::fill() {
  ticks_.clear();
  order_.clear();
  next_ = 0;
  QT_TRY(const bool more, feed_->next(slot_));
  if (!more) return false;
  std::vector<std::vector<domain::FundingRate>> funding(players_.size());
  for (const domain::FundingRate& f : slot_.funding) funding[f.symbol.value].push_back(f);
  for (const SlotBar& bar : slot_.bars) {
    if (bar.bar.volume > kMostVolume)
      return base::Error{"playback", base::Errc::Unsupported,
                         instruments_.name(bar.symbol) + ": volume " + std::to_string(bar.bar.volume) +
                             " in the bar of " + base::format_timestamp(bar.bar.open_time) +
                             " is more than a quantity can hold; a finer timeframe plays"};
    players_[bar.symbol.value].play(bar, funding[bar.symbol.value], ticks_);
    funding[bar.symbol.value].clear();
  }
  // Positions pay also where the symbol's own bar is missing.
  for (const auto& settled : funding)
    for (const domain::FundingRate& f : settled) ticks_.push_back(matching::FundingTick{f.symbol, f.rate, f.ts_event});
  put_in_order();
  return true;
}

/// By time, then symbol, then as they were made. Ticks are large: their places are sorted, not they.
void BarSource::put_in_order() {
  order_.clear();
  for (std::size_t i = 0; i < ticks_.size(); ++i)
    order_.push_back({matching::time_of(ticks_[i]), matching::symbol_of(ticks_[i]), i});
  std::sort(order_.begin(), order_.end());
}

base::Result<std::optional<matching::MarketTick>> BarSource::next() {
  while (next_ == order_.size()) {
    QT_TRY(const bool more, fill());
    if (!more) return std::optional<matching::MarketTick>();
  }
  return std::optional<matching::MarketTick>(std::move(ticks_[order_[next_++].at]));
}

base::Result<std::unique_ptr<MarketSource>> open_bars(const history::Catalog& catalog, const RecordedBars& selection,
                                                      const domain::InstrumentTable& instruments, BookModel model) {
  QT_TRY(auto feed, recorded_bar_feed(catalog, selection, instruments));
  return BarSource::create(std::move(feed), instruments, model);
}

base::Result<std::unique_ptr<MarketSource>> open_synthetic(const SyntheticMarket& selection,
                                                           const domain::InstrumentTable& instruments,
                                                           BookModel model) {
  QT_TRY(auto feed, synthetic_bar_feed(selection, instruments));
  return BarSource::create(std::move(feed), instruments, model);
}

}  // namespace qtrader::playback
