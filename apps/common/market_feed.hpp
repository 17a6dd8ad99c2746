// MarketFeed: recorded series of many symbols as one ordered sequence of slots.
//
// A slot is everything that happened in one base bar: the bars of all symbols that opened at that time, and what was
// settled or marked meanwhile. Memory is bounded by one slot. It only orders; faults in the data are the core's to
// judge.
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
  struct Selection {
    std::vector<std::string> symbols;  // in the order of their ids
    domain::Timeframe timeframe = domain::Timeframe::M5;
    history::Window window;
    bool allow_gaps = false;
  };
  /// Errors: those of the catalog.
  static base::Result<std::unique_ptr<MarketFeed>> create(const history::Catalog& catalog, Selection selection);
  /// Errors: Corrupt naming symbol and time where bars are missing, unless gaps are allowed; those of reading.
  base::Result<bool> next(Slot& slot) override;
  /// Symbols for which the data hold no funding rates.
  const std::vector<std::string>& without_funding() const { return without_funding_; }

 private:
  struct Lane {
    std::unique_ptr<history::BarCursor> cursor;
    std::optional<domain::Bar> head;
  };
  MarketFeed() = default;
  base::Result<void> advance(std::size_t lane);

  Selection selection_;
  std::vector<Lane> lanes_;
  std::vector<domain::FundingRate> funding_;  // all symbols, by time
  std::vector<domain::MarkPrice> marks_;
  std::size_t next_funding_ = 0, next_mark_ = 0;
  std::vector<std::string> without_funding_;
};

}  // namespace qtrader::apps
