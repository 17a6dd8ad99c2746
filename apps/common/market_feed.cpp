#include "apps/common/market_feed.hpp"

#include <algorithm>
#include <tuple>

namespace qtrader::apps {
namespace {

template <class E>
void sort_by_time(std::vector<E>& events) {
  std::sort(events.begin(), events.end(),
            [](const E& a, const E& b) { return std::tie(a.ts_event, a.symbol) < std::tie(b.ts_event, b.symbol); });
}

template <class E>
void take_until(const std::vector<E>& all, std::size_t& next, base::Timestamp from, base::Timestamp to,
                std::vector<E>& out) {
  out.clear();
  for (; next < all.size() && all[next].ts_event < to; ++next)
    if (all[next].ts_event >= from) out.push_back(all[next]);
}

}  // namespace

base::Result<std::unique_ptr<MarketFeed>> MarketFeed::create(const history::Catalog& catalog, Selection selection) {
  auto feed = std::unique_ptr<MarketFeed>(new MarketFeed());
  feed->selection_ = std::move(selection);
  const auto& [symbols, timeframe, window, allow_gaps] = feed->selection_;
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

base::Result<void> MarketFeed::advance(std::size_t lane) {
  const base::Timestamp due = lanes_[lane].head->close_time();
  QT_TRY(lanes_[lane].head, lanes_[lane].cursor->next());
  const auto& head = lanes_[lane].head;
  if (!head || head->open_time == due || selection_.allow_gaps) return {};
  const auto missing = (head->open_time - due).ns / domain::duration(selection_.timeframe).ns;
  return base::Error{"data", base::Errc::Corrupt,
                     selection_.symbols[lane] + ": " + std::to_string(missing) + " bars of " +
                         std::string(domain::to_string(selection_.timeframe)) + " missing from " +
                         base::format_timestamp(due) + " to " + base::format_timestamp(head->open_time) +
                         "; --allow-gaps plays on without them"};
}

base::Result<bool> MarketFeed::next(Slot& slot) {
  slot.bars.clear();
  std::optional<base::Timestamp> open;
  for (const Lane& lane : lanes_)
    if (lane.head && (!open || lane.head->open_time < *open)) open = lane.head->open_time;
  if (!open) return false;
  slot.open = *open;
  slot.close = *open + domain::duration(selection_.timeframe);
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (!lanes_[i].head || lanes_[i].head->open_time != *open) continue;
    slot.bars.emplace_back(domain::SymbolId{static_cast<std::uint16_t>(i)}, *lanes_[i].head);
    QT_TRY_VOID(advance(i));
  }
  take_until(funding_, next_funding_, slot.open, slot.close, slot.funding);
  take_until(marks_, next_mark_, slot.open, slot.close, slot.marks);
  return true;
}

}  // namespace qtrader::apps
