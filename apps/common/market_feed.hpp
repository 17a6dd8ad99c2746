// MarketFeed: recorded series of many symbols as one ordered sequence of slots.
//
// A slot is everything that happened in one base bar: the bars of all symbols that opened at that time, and what was
// settled or marked meanwhile. Memory is bounded by one slot. It only orders; faults in the data are the core's to judge.
#pragma once

#include <memory>
#include <vector>

#include "core/domain/events.hpp"
#include "edge/history/catalog.hpp"

namespace qtrader::apps {

struct Slot {
  base::Timestamp open, close;
  std::vector<std::pair<domain::SymbolId, domain::Bar>> bars;  // by symbol id
  std::vector<domain::FundingRate> funding;                    // ts_event in [open, close)
  std::vector<domain::MarkPrice> marks;                        // ts_event in [open, close)
};

/// Where slots come from: recorded data, or a generator in benchmarks.
class SlotSource {
 public:
  virtual ~SlotSource() = default;
  /// False at the end. Slots come in rising time.
  virtual base::Result<bool> next(Slot& slot) = 0;
};

class MarketFeed final : public SlotSource {
 public:
  /// symbols in the order of their ids. Errors: those of the catalog.
  static base::Result<std::unique_ptr<MarketFeed>> create(const history::Catalog& catalog,
                                                          const std::vector<std::string>& symbols,
                                                          domain::Timeframe timeframe, history::Window window);
  base::Result<bool> next(Slot& slot) override;
  /// Symbols for which the data hold no funding rates.
  const std::vector<std::string>& without_funding() const { return without_funding_; }

 private:
  struct Lane {
    std::unique_ptr<history::BarCursor> cursor;
    std::optional<domain::Bar> head;
  };
  MarketFeed() = default;

  std::vector<Lane> lanes_;
  std::vector<domain::FundingRate> funding_;  // all symbols, by time
  std::vector<domain::MarkPrice> marks_;
  std::size_t next_funding_ = 0, next_mark_ = 0;
  std::vector<std::string> without_funding_;
  domain::Timeframe timeframe_ = domain::Timeframe::M1;
};

}  // namespace qtrader::apps
