// BarPlayer: one symbol's bars as ticks: book, trades, marks, funding, and the bar itself at its close.
//
// Bars in, MarketTicks out, in rising time within [open, close] of each bar. All draws come from the seed, the symbol
// and the bar's open time; what carries over from bar to bar (last price, mark deviation, mean turnover, premium) comes
// from bars already played. It never sees a later bar.
#pragma once

#include <vector>

#include "core/base/rng.hpp"
#include "edge/playback/bar_feed.hpp"
#include "edge/playback/funding.hpp"
#include "edge/playback/shaped_book.hpp"

namespace qtrader::playback {

struct PlayedSymbol {
  domain::SymbolId id;
  bool has_funding = false;  // settlements come with the slots
};

class BarPlayer {
 public:
  /// instrument must outlive the player.
  BarPlayer(PlayedSymbol symbol, const domain::Instrument& instrument, const BookModel& model);
  /// Appends the ticks of one bar. funding: this symbol's settlements within it, by time.
  void play(const SlotBar& bar, const std::vector<domain::FundingRate>& funding,
            std::vector<matching::MarketTick>& out);

 private:
  struct Bar;  // the one being played
  void begin_book(Bar& bar);
  void trade(Bar& bar);
  void mark(Bar& bar);
  void settle_until(Bar& bar, base::Timestamp until);
  double depth_scale(const domain::Bar& bar);

  PlayedSymbol symbol_;
  const domain::Instrument* instrument_;
  BookModel model_;
  base::Rng rng_;
  ShapedBook book_;
  FundingMeter meter_;
  domain::Price last_;
  bool marked_ = false;
  double mean_turnover_ = 0;                            // 0: nothing played yet
  double mark_deviation_ = 0, index_deviation_ = 0;     // of the last price, fractions
  std::optional<domain::FundingRate> settled_;          // the last one
  std::optional<base::Timestamp> computed_settlement_;  // the next one, where none are recorded
};

}  // namespace qtrader::playback
