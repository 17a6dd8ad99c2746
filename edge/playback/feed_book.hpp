// FeedBook: what is known of a recorded order book, message by message, never crossed.
//
// Depth updates accumulate on whatever is known; a REST snapshot completes it; the book ticker, which is quicker, takes
// away levels that are gone. Updates older than what is known are ignored; a break in the chain of updates empties the
// book, which then grows again. It knows no time and makes no trades.
#pragma once

#include <map>
#include <vector>

#include "edge/playback/feed_message.hpp"

namespace qtrader::playback {

struct BookChange {
  bool whole = false;  // the book is exactly this; else what changed, 0 for levels gone
  std::vector<matching::BookLevel> bids, asks;
  bool empty() const { return !whole && bids.empty() && asks.empty(); }
};

class FeedBook {
 public:
  BookChange apply(const DepthMessage& depth);
  BookChange apply(const TickerMessage& ticker);
  /// Zero prices while a side is unknown.
  matching::BookLevel bid() const { return bids_.empty() ? matching::BookLevel{} : at(*bids_.begin()); }
  matching::BookLevel ask() const { return asks_.empty() ? matching::BookLevel{} : at(*asks_.begin()); }

 private:
  using Bids = std::map<domain::Price, domain::Quantity, std::greater<>>;
  using Asks = std::map<domain::Price, domain::Quantity>;
  static matching::BookLevel at(const std::pair<const domain::Price, domain::Quantity>& level) {
    return {level.first, level.second};
  }
  BookChange reset(const DepthMessage& depth);
  BookChange all() const;
  void set_bid(const matching::BookLevel& level);
  void set_ask(const matching::BookLevel& level);
  void impose(const TickerMessage& ticker);
  BookChange take_changes();

  Bids bids_, changed_bids_;
  Asks asks_, changed_asks_;
  std::uint64_t depth_id_ = 0;     // last_id of the last depth update, 0: none yet
  std::uint64_t snapshot_id_ = 0;  // of the last snapshot
  TickerMessage ticker_;           // the newest
};

}  // namespace qtrader::playback
