// BarFeed: bars of many symbols slot by slot, from a catalog or a generator, with what belongs to each slot.
//
// Second door of this room, inside only: what BarSource (bar_source.hpp) turns into ticks. Memory is bounded by one
// slot. A feed orders and shapes; it makes no trades and no books.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/base/result.hpp"
#include "core/domain/events.hpp"
#include "edge/playback/market_source.hpp"

namespace qtrader::playback {

struct SlotBar {
  domain::SymbolId symbol;
  domain::Bar bar;
  std::optional<domain::Bar> mark;  // recorded mark prices of the same time
  // How the book departs from the model in this bar, and what the exchange says the next funding will be.
  double depth = 1, spread = 1;
  std::optional<domain::Ratio> funding_estimate;
};
struct BarSlot {
  base::Timestamp open, close;
  std::vector<SlotBar> bars;                 // by symbol id
  std::vector<domain::FundingRate> funding;  // settled in [open, close), by time
};

class BarFeed {
 public:
  virtual ~BarFeed() = default;
  /// False at the end. Slots come in rising time.
  virtual base::Result<bool> next(BarSlot& slot) = 0;
  /// The feed has the symbol's settlements: none are computed.
  virtual bool has_funding(domain::SymbolId symbol) const = 0;
  virtual base::Timestamp begin() const = 0;
  virtual base::Timestamp end() const = 0;  // as MarketSource
};

/// Errors: those of the catalog; InvalidArgument for a symbol the table does not have.
base::Result<std::unique_ptr<BarFeed>> recorded_bar_feed(const history::Catalog& catalog, const RecordedBars& selection,
                                                         const domain::InstrumentTable& instruments);
/// Errors: NotFound listing the synthetic symbols; InvalidArgument for a symbol the table does not have, a start within
/// a bar, a window shorter than one.
base::Result<std::unique_ptr<BarFeed>> synthetic_bar_feed(const SyntheticMarket& selection,
                                                          const domain::InstrumentTable& instruments);
/// Prices and volumes made legal: open and close to the nearest tick, extremes outward, volumes down to the step.
void fit_to_instrument(domain::Bar& bar, const domain::Instrument& instrument);
/// The id of each symbol, in order. Errors: InvalidArgument naming one that is missing or given twice, or none given.
base::Result<std::vector<domain::SymbolId>> ids_of(const std::vector<std::string>& symbols,
                                                   const domain::InstrumentTable& instruments);

}  // namespace qtrader::playback
