#include "apps/common/market_feed.hpp"

#include <algorithm>
#include <tuple>

namespace qtrader::apps {
namespace {

template <class E>
void sort_by_time(std::vector<E>& events) {
  std::sort(events.begin(), events.end(), [](const E& a, const E& b) {
    return std::tie(a.ts_event, a.symbol) < std::tie(b.ts_event, b.symbol);
  });
}

template <class E>
void take_until(const std::vector<E>& all, std::size_t& next, base::Timestamp from, base::Timestamp to,
                std::vector<E>& out) {
  out.clear();
  for (; next < all.size() && all[next].ts_event < to; ++next)
    if (all[next].ts_event >= from) out.push_back(all[next]);
}

}  // namespace

base::Result<std::unique_ptr<MarketFeed>> MarketFeed::create(const history::Catalog& catalog,
                                                             const std::vector<std::string>& symbols,
                                                             domain::Timeframe timeframe, history::Window window) {
  auto feed = std::unique_ptr<MarketFeed>(new MarketFeed());
  feed->timeframe_ = timeframe;
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const domain::SymbolId id{static_cast<std::uint16_t>(i)};
    Lane lane;
    QT_TRY(lane.cursor, catalog.bars(symbols[i], timeframe, window));
    QT_TRY(lane.head, lane.cursor->next());
    feed->lanes_.push_back(std::move(lane));
    QT_TRY(auto funding, catalog.funding(symbols[i], window));
    if (funding.empty()) feed->without_funding_.push_back(symbols[i]);
    for (auto& f : funding) {
      f.symbol = id;
      feed->funding_.push_back(f);
    }
    QT_TRY(auto marks, catalog.marks(symbols[i], timeframe, window));
    for (auto& m : marks) {
      m.symbol = id;
      feed->marks_.push_back(m);
    }
  }
  sort_by_time(feed->funding_);
  sort_by_time(feed->marks_);
  return feed;
}

base::Result<bool> MarketFeed::next(Slot& slot) {
  slot.bars.clear();
  std::optional<base::Timestamp> open;
  for (const Lane& lane : lanes_)
    if (lane.head && (!open || lane.head->open_time < *open)) open = lane.head->open_time;
  if (!open) return false;
  slot.open = *open;
  slot.close = *open + domain::duration(timeframe_);
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    Lane& lane = lanes_[i];
    if (!lane.head || lane.head->open_time != *open) continue;
    slot.bars.emplace_back(domain::SymbolId{static_cast<std::uint16_t>(i)}, *lane.head);
    QT_TRY(lane.head, lane.cursor->next());
  }
  take_until(funding_, next_funding_, slot.open, slot.close, slot.funding);
  take_until(marks_, next_mark_, slot.open, slot.close, slot.marks);
  return true;
}

}  // namespace qtrader::apps
