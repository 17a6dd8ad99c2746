// LocalBook: one symbol's order book rebuilt from a diff stream and a REST snapshot (Binance "local order book").
//
// Fed by the gateway: diffs as they arrive, the snapshot when it is there. Diffs before the snapshot are kept
// (bounded); after it the chain of pu = u is checked, and a break makes the book unusable until the next snapshot. It
// answers best prices and depth; it asks for nothing itself: whoever feeds it fetches the snapshot when
// needs_snapshot() says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "edge/binance/messages_market.hpp"
#include "edge/binance/messages_rest.hpp"

namespace qtrader::binance {

class LocalBook {
 public:
  static constexpr std::size_t kMaxBuffered = 10'000;  // diffs waiting for a snapshot; the oldest are dropped beyond

  enum class Applied : std::uint8_t {
    Buffered,  // no snapshot yet
    Applied,
    Stale,  // older than the snapshot: ignored
    Gap,    // the chain is broken: the book is unusable and waits for a snapshot
  };

  /// A diff (not a partial update), in order of arrival.
  Applied apply(const DepthUpdate& diff);
  /// Replaces the book and applies what was buffered. False if the buffered diffs do not join the snapshot: if they
  /// begin later, or if they break in between, another snapshot is needed.
  bool apply_snapshot(const DepthSnapshot& snapshot);
  /// Forgets everything, as on a reconnect.
  void reset();

  bool usable() const { return state_ == State::Synced; }
  bool needs_snapshot() const { return state_ != State::Synced; }
  std::int64_t last_update_id() const { return last_update_id_; }
  base::Timestamp transaction_time() const { return transaction_time_; }
  std::uint64_t gaps() const { return gaps_; }

  struct Top {
    Level bid, ask;
  };
  /// nullopt if not usable or a side is empty.
  std::optional<Top> top() const;
  /// The n best levels of a side, best first. Empty if not usable.
  std::vector<Level> bids(std::size_t n) const;
  std::vector<Level> asks(std::size_t n) const;
  std::size_t bid_levels() const { return bids_.size(); }
  std::size_t ask_levels() const { return asks_.size(); }

  struct Depth {
    domain::Money bid, ask;  // quote currency
  };
  /// Σ price·quantity of the levels within bps of the mid price, inclusive. Zero if there is no top.
  Depth depth_within(domain::Bps bps) const;

 private:
  enum class State : std::uint8_t { WaitingForSnapshot, Synced };

  bool join(const DepthUpdate& diff) const;
  void write(const DepthUpdate& diff);
  void lose();

  State state_ = State::WaitingForSnapshot;
  bool joined_ = false;  // a diff has been applied since the snapshot
  std::int64_t last_update_id_ = 0;
  base::Timestamp transaction_time_;
  std::uint64_t gaps_ = 0;
  std::deque<DepthUpdate> buffered_;
  // Ascending bids and descending asks: the best is at the back, where nearly all changes happen.
  std::vector<Level> bids_, asks_;
};

}  // namespace qtrader::binance
