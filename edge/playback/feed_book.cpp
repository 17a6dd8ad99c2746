#include "edge/playback/feed_book.hpp"

#include <algorithm>

namespace qtrader::playback {

using matching::BookLevel;

/// A level of one side; what it crosses on the other is older and gone.
void FeedBook::set_bid(const BookLevel& level) {
  const auto known = bids_.find(level.price);
  if (level.quantity.is_zero()) {
    if (known == bids_.end()) return;
    bids_.erase(known);
  } else {
    if (known != bids_.end() && known->second == level.quantity) return;
    bids_[level.price] = level.quantity;
    while (!asks_.empty() && asks_.begin()->first <= level.price) {
      changed_asks_[asks_.begin()->first] = {};
      asks_.erase(asks_.begin());
    }
  }
  changed_bids_[level.price] = level.quantity;
}

void FeedBook::set_ask(const BookLevel& level) {
  const auto known = asks_.find(level.price);
  if (level.quantity.is_zero()) {
    if (known == asks_.end()) return;
    asks_.erase(known);
  } else {
    if (known != asks_.end() && known->second == level.quantity) return;
    asks_[level.price] = level.quantity;
    while (!bids_.empty() && bids_.begin()->first >= level.price) {
      changed_bids_[bids_.begin()->first] = {};
      bids_.erase(bids_.begin());
    }
  }
  changed_asks_[level.price] = level.quantity;
}

/// The ticker is the touch: nothing is better than it.
void FeedBook::impose(const TickerMessage& ticker) {
  while (!bids_.empty() && bids_.begin()->first > ticker.bid.price) set_bid({bids_.begin()->first, {}});
  while (!asks_.empty() && asks_.begin()->first < ticker.ask.price) set_ask({asks_.begin()->first, {}});
  if (ticker.bid.price.is_positive()) set_bid(ticker.bid);
  if (ticker.ask.price.is_positive()) set_ask(ticker.ask);
}

BookChange FeedBook::take_changes() {
  BookChange out;
  for (const auto& level : changed_bids_) out.bids.push_back(at(level));
  for (const auto& level : changed_asks_) out.asks.push_back(at(level));
  changed_bids_.clear();
  changed_asks_.clear();
  return out;
}

BookChange FeedBook::all() const {
  BookChange out;
  out.whole = true;
  for (const auto& level : bids_) out.bids.push_back(at(level));
  for (const auto& level : asks_) out.asks.push_back(at(level));
  return out;
}

/// Within the snapshot's range only its levels remain; beyond it, what updates have told.
BookChange FeedBook::reset(const DepthMessage& depth) {
  if (!depth.bids.empty()) {
    const auto worst = std::min_element(depth.bids.begin(), depth.bids.end(),
                                        [](const BookLevel& a, const BookLevel& b) { return a.price < b.price; });
    bids_.erase(bids_.begin(), bids_.upper_bound(worst->price));
  }
  if (!depth.asks.empty()) {
    const auto worst = std::max_element(depth.asks.begin(), depth.asks.end(),
                                        [](const BookLevel& a, const BookLevel& b) { return a.price < b.price; });
    asks_.erase(asks_.begin(), asks_.upper_bound(worst->price));
  }
  for (const BookLevel& level : depth.bids) set_bid(level);
  for (const BookLevel& level : depth.asks) set_ask(level);
  snapshot_id_ = depth.last_id;
  if (ticker_.id > depth.last_id) impose(ticker_);
  take_changes();
  return all();
}

BookChange FeedBook::apply(const DepthMessage& depth) {
  if (depth.snapshot) return depth.last_id < depth_id_ ? BookChange{} : reset(depth);
  if (depth.last_id <= std::max(depth_id_, snapshot_id_)) {
    depth_id_ = std::max(depth_id_, depth.last_id);
    return {};
  }
  // After a snapshot the first update spans it; otherwise each names the one before.
  const bool broken = depth_id_ != 0 && depth.previous_id != depth_id_ && depth.previous_id > snapshot_id_;
  if (broken) {
    bids_.clear();
    asks_.clear();
  }
  depth_id_ = depth.last_id;
  for (const BookLevel& level : depth.bids) set_bid(level);
  for (const BookLevel& level : depth.asks) set_ask(level);
  if (ticker_.id > depth.last_id) impose(ticker_);
  BookChange changes = take_changes();
  return broken ? all() : changes;
}

BookChange FeedBook::apply(const TickerMessage& ticker) {
  if (ticker.id <= ticker_.id) return {};
  ticker_ = ticker;
  // Depth is told later than the ticker: what it already knows may be newer than this.
  if (ticker.id < std::max(depth_id_, snapshot_id_)) return {};
  impose(ticker);
  return take_changes();
}

}  // namespace qtrader::playback
