// MarketSource: a market as one ordered stream of ticks: what other participants do, ready for matching::Exchange.
//
// Three kinds: bars (recorded or synthetic or of a scenario) turned into trades and books by a seeded model, a recorded
// websocket session (depth, book ticker, trades) played as it was, and combinations by symbol. Ticks come in rising
// time; a tick is never earlier than the data that caused it allow: the first tick of a bar is at its open, its BarTick
// at its close, and nothing before the close tells the bar's high, low or close beyond the trades already played.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "edge/history/catalog.hpp"
#include "edge/matching/events.hpp"

namespace qtrader::playback {

/// How bars become trades and books. All draws come from the seed, the symbol and the bar's open time.
struct BookModel {
  std::uint64_t seed = 1;
  std::int32_t trades_per_bar = 24;      // at least 4: open, the extremes in the order of the bar's direction, close
  std::int32_t levels = 50;              // each side
  double spread_bps = 1.0;               // at least one tick
  double depth_usdt_per_level = 20'000;  // mean, lognormal; scaled by the bar's quote volume against its recent mean
  double mark_noise_bps = 0.5;           // mark against last, mean-reverting
};

class MarketSource {
 public:
  virtual ~MarketSource() = default;
  /// Nothing at the end. Errors: those of the data (Corrupt with file and row).
  virtual base::Result<std::optional<matching::MarketTick>> next() = 0;
  virtual base::Timestamp begin() const = 0;
  virtual base::Timestamp end() const = 0;  // exclusive; INT64_MAX if it never ends
};

struct RecordedBars {
  std::vector<std::string> symbols;  // in the order of their ids
  domain::Timeframe timeframe = domain::Timeframe::M5;
  history::Window window;
  bool allow_gaps = false;
};
base::Result<std::unique_ptr<MarketSource>> open_bars(const history::Catalog& catalog, const RecordedBars& selection,
                                                      const domain::InstrumentTable& instruments, BookModel model);
/// A market that never existed (edge/simvenue/synthetic): named profiles, endless if `to` is absent.
struct SyntheticMarket {
  std::vector<std::string> symbols;
  domain::Timeframe timeframe = domain::Timeframe::M1;
  base::Timestamp from;
  std::optional<base::Timestamp> to;
  std::uint64_t seed = 1;
};
base::Result<std::unique_ptr<MarketSource>> open_synthetic(const SyntheticMarket& selection,
                                                           const domain::InstrumentTable& instruments, BookModel model);
/// Named scenarios on top of a synthetic market: "calm", "trend", "range", "flash_crash", "gap", "volatility",
/// "liquidity_drought", "funding_squeeze", "whipsaw". Errors: NotFound listing the names.
base::Result<std::unique_ptr<MarketSource>> open_scenario(const std::string& name, const SyntheticMarket& selection,
                                                          const domain::InstrumentTable& instruments, BookModel model);
std::vector<std::string> scenario_names();
/// A recorded combined-stream session, lines "<local time ns> <json>", plain or zstd: depth, book ticker, trades, mark.
base::Result<std::unique_ptr<MarketSource>> open_recorded_feed(const std::string& file, const std::string& symbol,
                                                               const domain::InstrumentTable& instruments);

}  // namespace qtrader::playback
