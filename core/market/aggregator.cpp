#include "core/market/aggregator.hpp"

#include <algorithm>

#include "core/base/check.hpp"

namespace qtrader::market {

BarAggregator::BarAggregator(domain::Timeframe base, domain::Timeframe target) : base_(base), target_(target) {
  QT_CHECK(domain::minutes(target) % domain::minutes(base) == 0, "the target timeframe is a multiple of the base");
}

std::optional<domain::Bar> BarAggregator::push(const domain::Bar& bar) {
  if (base_ == target_) return bar;
  if (parts_ == 0 || bar.open_time >= window_end_) {
    begin(bar);
  } else {
    merge(bar);
  }
  if (bar.close_time() != window_end_) return std::nullopt;
  const bool whole = parts_ == domain::minutes(target_) / domain::minutes(base_);
  parts_ = 0;
  if (!whole) return std::nullopt;
  return forming_;
}

void BarAggregator::begin(const domain::Bar& bar) {
  const std::int64_t window = domain::duration(target_).ns;
  std::int64_t into = bar.open_time.ns % window;
  if (into < 0) into += window;  // times before 1970
  forming_ = bar;
  forming_.timeframe = target_;
  forming_.open_time = {bar.open_time.ns - into};
  window_end_ = forming_.close_time();
  parts_ = 1;
}

void BarAggregator::merge(const domain::Bar& bar) {
  forming_.high = std::max(forming_.high, bar.high);
  forming_.low = std::min(forming_.low, bar.low);
  forming_.close = bar.close;
  forming_.volume += bar.volume;
  forming_.columns &= bar.columns;
  const auto column = [this](std::uint8_t bit) { return (forming_.columns & bit) != 0; };
  forming_.quote_volume = column(domain::kHasQuoteVolume) ? forming_.quote_volume + bar.quote_volume : 0;
  forming_.taker_buy_base = column(domain::kHasTakerBuy) ? forming_.taker_buy_base + bar.taker_buy_base : 0;
  forming_.trades = column(domain::kHasTrades) ? forming_.trades + bar.trades : 0;
  ++parts_;
}

}  // namespace qtrader::market
