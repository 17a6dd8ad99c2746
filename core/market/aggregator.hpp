// BarAggregator: base bars in, bars of a coarser timeframe out, aligned to UTC midnight.
//
// Used by MarketState for the primary timeframe and by anything that needs another (1m → 5m, 15m, 1h, 4h, 1d …). A
// coarse bar is emitted with its last base bar, and only if every base bar of its window was seen: a bar built from
// half the trades is not a bar. Optional columns survive only if every part has them. Never looks ahead, never fills a
// hole.
#pragma once

#include <cstdint>
#include <optional>

#include "core/domain/bar.hpp"

namespace qtrader::market {

class BarAggregator {
 public:
  /// target must be a multiple of base (QT_CHECK); equal is allowed and passes bars through.
  BarAggregator(domain::Timeframe base, domain::Timeframe target);

  /// bar: of the base timeframe, aligned, later than the one before (MarketState's gate has seen to it).
  std::optional<domain::Bar> push(const domain::Bar& bar);

  domain::Timeframe target() const { return target_; }

  template <class Archive>
  void archive(Archive& a) {
    a(base_, target_, window_end_, parts_, forming_);
  }

 private:
  void begin(const domain::Bar& bar);
  void merge(const domain::Bar& bar);

  domain::Timeframe base_, target_;
  base::Timestamp window_end_;  // of the forming bar
  std::int32_t parts_ = 0;      // base bars in it
  domain::Bar forming_;
};

}  // namespace qtrader::market
