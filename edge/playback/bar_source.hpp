// BarSource: a BarFeed as a MarketSource: every symbol's bar through its player, merged by time and then symbol id.
//
// Holds the ticks of one slot. A slot's ticks, its closing BarTicks included, come before the next slot's.
#pragma once

#include "edge/playback/bar_player.hpp"

namespace qtrader::playback {

class BarSource final : public MarketSource {
 public:
  /// Errors: InvalidArgument naming the field of the model and its range.
  static base::Result<std::unique_ptr<MarketSource>> create(std::unique_ptr<BarFeed> feed,
                                                            const domain::InstrumentTable& instruments,
                                                            const BookModel& model);
  base::Result<std::optional<matching::MarketTick>> next() override;
  base::Timestamp begin() const override { return feed_->begin(); }
  base::Timestamp end() const override { return feed_->end(); }

 private:
  BarSource(std::unique_ptr<BarFeed> feed, const domain::InstrumentTable& instruments, const BookModel& model);
  base::Result<bool> fill();
  void put_in_order();

  struct Place {
    base::Timestamp time;
    domain::SymbolId symbol;
    std::size_t at = 0;
    auto operator<=>(const Place&) const = default;
  };

  std::unique_ptr<BarFeed> feed_;
  domain::InstrumentTable instruments_;
  std::vector<BarPlayer> players_;  // by symbol id
  BarSlot slot_;
  std::vector<matching::MarketTick> ticks_;  // of the slot being played, symbol by symbol
  std::vector<Place> order_;                 // in which they are played
  std::size_t next_ = 0;
};

}  // namespace qtrader::playback
