// ShiftedSource: a market source moved in time by a constant, so that recorded or synthetic time can be today's.
//
// Every time in a tick moves alike: book, trade, mark with its next settlement, bar with its open time. Nothing else
// changes.
#pragma once

#include <memory>

#include "edge/playback/market_source.hpp"

namespace qtrader::exchange {

class ShiftedSource final : public playback::MarketSource {
 public:
  ShiftedSource(std::unique_ptr<playback::MarketSource> source, base::Duration shift)
      : source_(std::move(source)), shift_(shift) {}
  base::Result<std::optional<matching::MarketTick>> next() override;
  base::Timestamp begin() const override { return source_->begin() + shift_; }
  base::Timestamp end() const override;

 private:
  std::unique_ptr<playback::MarketSource> source_;
  base::Duration shift_;
};

/// The shift that makes `begin` fall on or before `wall`: whole days where the source is long enough, so that days,
/// weeks' days and funding times stay what they are; else whole hours or minutes.
base::Duration wall_clock_shift(base::Timestamp begin, base::Timestamp end, base::Timestamp wall);

}  // namespace qtrader::exchange
