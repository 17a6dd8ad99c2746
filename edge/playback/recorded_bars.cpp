// Bars, mark bars and funding of a catalog as slots.
#include <algorithm>
#include <limits>
#include <tuple>

#include "edge/playback/bar_feed.hpp"

namespace qtrader::playback {
namespace {

using base::Timestamp;

class RecordedFeed final : public BarFeed {
 public:
  static base::Result<std::unique_ptr<BarFeed>> open(const history::Catalog& catalog, const RecordedBars& selection,
                                                     std::vector<domain::SymbolId> ids) {
    auto feed = std::unique_ptr<RecordedFeed>(new RecordedFeed(selection));
    for (std::size_t i = 0; i < ids.size(); ++i) QT_TRY_VOID(feed->add(catalog, selection.symbols[i], ids[i]));
    std::sort(feed->lanes_.begin(), feed->lanes_.end(), [](const Lane& a, const Lane& b) { return a.id < b.id; });
    std::sort(feed->funding_.begin(), feed->funding_.end(), [](const auto& a, const auto& b) {
      return std::tie(a.ts_event, a.symbol) < std::tie(b.ts_event, b.symbol);
    });
    for (const Lane& lane : feed->lanes_)
      if (lane.head) feed->begin_ = std::min(feed->begin_, lane.head->open_time);
    return std::unique_ptr<BarFeed>(std::move(feed));
  }

  base::Result<bool> next(BarSlot& slot) override;
  bool has_funding(domain::SymbolId symbol) const override {
    return std::any_of(lanes_.begin(), lanes_.end(), [&](const Lane& l) { return l.id == symbol && l.has_funding; });
  }
  Timestamp begin() const override { return begin_; }
  Timestamp end() const override {
    const Timestamp to = selection_.window.to;
    const std::int64_t length = domain::duration(selection_.timeframe).ns;
    if (to.ns > std::numeric_limits<std::int64_t>::max() - 2 * length)
      return {std::numeric_limits<std::int64_t>::max()};
    // The bar that opens last closes here, and its BarTick is at the close.
    return {(to.ns - 1) / length * length + length + 1};
  }

 private:
  struct Lane {
    domain::SymbolId id;
    std::string symbol;
    std::unique_ptr<history::BarCursor> bars, marks;
    std::optional<domain::Bar> head, mark;
    bool has_funding = false;
  };
  explicit RecordedFeed(RecordedBars selection) : selection_(std::move(selection)), begin_(selection_.window.from) {}
  base::Result<void> add(const history::Catalog& catalog, const std::string& symbol, domain::SymbolId id);
  base::Result<void> advance(Lane& lane);
  base::Result<std::optional<domain::Bar>> mark_at(Lane& lane, Timestamp open);

  RecordedBars selection_;
  std::vector<Lane> lanes_;  // by symbol id
  std::vector<domain::FundingRate> funding_;
  std::size_t next_funding_ = 0;
  Timestamp begin_;
};

base::Result<void> RecordedFeed::add(const history::Catalog& catalog, const std::string& symbol, domain::SymbolId id) {
  Lane lane;
  lane.id = id;
  lane.symbol = symbol;
  QT_TRY(lane.bars, catalog.bars(symbol, selection_.timeframe, selection_.window));
  QT_TRY(lane.head, lane.bars->next());
  if (!catalog.select(history::SeriesKind::MarkBars, symbol, selection_.timeframe, selection_.window).empty()) {
    QT_TRY(lane.marks, catalog.bars_of(history::SeriesKind::MarkBars, symbol, selection_.timeframe, selection_.window));
    QT_TRY(lane.mark, lane.marks->next());
  }
  // Asked for all time, so that whether rates are computed does not depend on the window.
  QT_TRY(auto funding, catalog.funding(symbol, history::kAllTime));
  lane.has_funding = !funding.empty();
  for (domain::FundingRate& f : funding) {
    if (!selection_.window.contains(f.ts_event)) continue;
    f.symbol = id;
    funding_.push_back(f);
  }
  lanes_.push_back(std::move(lane));
  return {};
}

base::Result<void> RecordedFeed::advance(Lane& lane) {
  const Timestamp due = lane.head->close_time();
  QT_TRY(lane.head, lane.bars->next());
  if (!lane.head || lane.head->open_time == due || selection_.allow_gaps) return {};
  const auto missing = (lane.head->open_time - due).ns / domain::duration(selection_.timeframe).ns;
  return base::Error{"playback", base::Errc::Corrupt,
                     lane.symbol + ": " + std::to_string(missing) + " bars of " +
                         std::string(domain::to_string(selection_.timeframe)) + " missing from " +
                         base::format_timestamp(due) + " to " + base::format_timestamp(lane.head->open_time) +
                         "; allow gaps to play on without them"};
}

base::Result<std::optional<domain::Bar>> RecordedFeed::mark_at(Lane& lane, Timestamp open) {
  while (lane.mark && lane.mark->open_time < open) {
    QT_TRY(lane.mark, lane.marks->next());
  }
  if (lane.mark && lane.mark->open_time == open) return lane.mark;
  return std::optional<domain::Bar>();
}

base::Result<bool> RecordedFeed::next(BarSlot& slot) {
  slot.bars.clear();
  slot.funding.clear();
  std::optional<Timestamp> open;
  for (const Lane& lane : lanes_)
    if (lane.head && (!open || lane.head->open_time < *open)) open = lane.head->open_time;
  if (!open) return false;
  slot.open = *open;
  slot.close = *open + domain::duration(selection_.timeframe);
  for (Lane& lane : lanes_) {
    if (!lane.head || lane.head->open_time != *open) continue;
    SlotBar bar;
    bar.symbol = lane.id;
    bar.bar = *lane.head;
    QT_TRY(bar.mark, mark_at(lane, *open));
    slot.bars.push_back(std::move(bar));
    QT_TRY_VOID(advance(lane));
  }
  for (; next_funding_ < funding_.size() && funding_[next_funding_].ts_event < slot.close; ++next_funding_)
    if (funding_[next_funding_].ts_event >= slot.open) slot.funding.push_back(funding_[next_funding_]);
  return true;
}

}  // namespace

base::Result<std::vector<domain::SymbolId>> ids_of(const std::vector<std::string>& symbols,
                                                   const domain::InstrumentTable& instruments) {
  const auto invalid = [](const std::string& what) {
    return base::Error{"playback", base::Errc::InvalidArgument, what};
  };
  if (symbols.empty()) return invalid("no symbols given: expected at least one");
  std::vector<domain::SymbolId> out;
  for (const std::string& symbol : symbols) {
    const auto id = instruments.find(symbol);
    if (!id) return invalid(symbol + " is not among the instruments of this run");
    if (std::find(out.begin(), out.end(), *id) != out.end()) return invalid(symbol + " is given twice");
    out.push_back(*id);
  }
  return out;
}

base::Result<std::unique_ptr<BarFeed>> recorded_bar_feed(const history::Catalog& catalog, const RecordedBars& selection,
                                                         const domain::InstrumentTable& instruments) {
  QT_TRY(auto ids, ids_of(selection.symbols, instruments));
  return RecordedFeed::open(catalog, selection, std::move(ids));
}

}  // namespace qtrader::playback
