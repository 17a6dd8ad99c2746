// ShapedBook: the others' liquidity around a moving price, as the book model draws it, and what of it changed.
//
// A touch on each side and further levels on a fixed grid of prices. The quantity at a price is a draw of (bar's seed,
// price, side): it stays while the price moves within a bar, so that a move is a small delta. It knows no trades and
// never depends on where the price will go.
#pragma once

#include <vector>

#include "core/domain/instrument.hpp"
#include "edge/matching/events.hpp"

namespace qtrader::playback {

/// What the book of one bar is made of.
struct BookTerms {
  std::uint64_t seed = 0;
  double depth_usdt = 0;    // mean of a level
  double spread_bps = 0;    // at least one tick
  std::int32_t levels = 0;  // each side
};

class ShapedBook {
 public:
  explicit ShapedBook(const domain::Instrument& instrument)
      : tick_(instrument.tick_size), step_(instrument.step_size) {}

  /// The whole book anew, so that a taker of this side trades at `price`: the ask is there for a buyer, the bid for a
  /// seller (the nearest tick beyond, if the price is off the grid).
  void rebuild(const BookTerms& terms, domain::Price price, domain::Side taker);
  /// Moves it likewise, with the terms of the last rebuild; fills `bids` and `asks` with what changed, 0 for levels
  /// gone.
  void move(domain::Price price, domain::Side taker, std::vector<matching::BookLevel>& bids,
            std::vector<matching::BookLevel>& asks);
  const std::vector<matching::BookLevel>& bids() const { return bids_; }  // best first
  const std::vector<matching::BookLevel>& asks() const { return asks_; }
  bool empty() const { return bids_.empty() && asks_.empty(); }

 private:
  using Levels = std::vector<matching::BookLevel>;
  struct Touch {
    std::int64_t bid = 0, ask = 0;  // in ticks
  };
  Touch touch(domain::Price price, domain::Side taker) const;
  Levels side(domain::Side side, std::int64_t best, const Levels& shown) const;
  matching::BookLevel level(domain::Side side, std::int64_t ticks) const;
  void move_side(domain::Side of, std::int64_t best, Levels& shown, Levels& changes) const;

  domain::Price tick_;
  domain::Quantity step_;
  BookTerms terms_;
  std::int64_t spread_ = 1, grid_ = 1;  // in ticks
  Levels bids_, asks_;
};

}  // namespace qtrader::playback
