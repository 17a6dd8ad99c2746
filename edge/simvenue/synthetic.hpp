// SyntheticMarket: a seeded market of many correlated symbols, for machines without recorded data. Always tagged synthetic.
//
// One-factor correlation, Markov regimes (trend, range, volatile), GARCH-like volatility clustering, Student-t shocks,
// intraday seasonality of volatility and volume, funding from basis. Same (config, seed) → same bars on every machine.
// The registry refuses to promote a model trained on it.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/rng.hpp"
#include "core/domain/events.hpp"
#include "core/domain/instrument.hpp"

namespace qtrader::simvenue {

struct SyntheticConfig {
  std::int32_t symbols = 12;  // the first is BTCUSDT, the market factor's carrier
  domain::Timeframe timeframe = domain::Timeframe::M5;
  base::Timestamp from, to;
  std::uint64_t seed = 1;
};

/// Streams bars slot by slot: all symbols' bars of one open time, then the next.
class SyntheticMarket {
 public:
  /// InvalidArgument: symbols outside 1..64, empty window.
  static base::Result<SyntheticMarket> create(SyntheticConfig config);
  const std::vector<domain::Instrument>& instruments() const;
  /// False at the end. bars has one element per symbol.
  bool next(std::vector<domain::Bar>& bars);
  /// Funding settled exactly at `time` (every 8 h), one per symbol, or empty.
  std::vector<domain::FundingRate> funding_at(base::Timestamp time);
};

}  // namespace qtrader::simvenue
