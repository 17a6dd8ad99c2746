// SyntheticMarket: a seeded market of many correlated symbols, for machines without recorded data. Always tagged
// synthetic.
//
// One-factor correlation, Markov regimes (trend, range, volatile), GARCH-like volatility clustering, Student-t shocks,
// intraday seasonality of volatility and volume, funding from basis. Same (config, seed) → same bars on every machine;
// a longer window or more symbols change no bar that was there before. The registry refuses to promote a model trained
// on it.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/rng.hpp"
#include "core/domain/events.hpp"
#include "core/domain/instrument.hpp"
#include "edge/simvenue/synthetic_process.hpp"
#include "edge/simvenue/synthetic_profiles.hpp"

namespace qtrader::simvenue {

struct SyntheticConfig {
  std::int32_t symbols = 12;  // the first is BTCUSDT, the market factor's carrier
  domain::Timeframe timeframe = domain::Timeframe::M5;
  base::Timestamp from, to;  // bars open at or after from, which is a whole slot, and close at or before to
  std::uint64_t seed = 1;
};
QT_DESCRIBE(SyntheticConfig, symbols, timeframe, from, to, seed)

/// Streams bars slot by slot: all symbols' bars of one open time, then the next.
class SyntheticMarket {
 public:
  /// InvalidArgument: symbols outside 1..64, from not at a slot's start, a window shorter than one bar.
  static base::Result<SyntheticMarket> create(SyntheticConfig config);
  const std::vector<domain::Instrument>& instruments() const { return instruments_; }
  /// False at the end. bars has one element per symbol, with all optional columns.
  bool next(std::vector<domain::Bar>& bars);
  /// Funding settled exactly at `time` (every 8 h), one per symbol, or empty. It depends on the bars that closed at or
  /// before the start of its slot; known for the slot returned last and for the one to come, not for older ones.
  std::vector<domain::FundingRate> funding_at(base::Timestamp time) const;

  /// Continues a stream created from the same config.
  template <class Archive>
  void archive(Archive& a) {
    a(slot_, factor_, settlements_);
    for (Path& path : paths_) a(path);
  }

 private:
  struct Path {
    SymbolProfile profile;
    ShockStream own;
    base::Rng funding;
    double tick = 0, step = 0;  // as floats, and the tick as raw fixed point
    std::int64_t tick_raw = 0;
    double deviation = 0;      // of a slot's log return
    double own_share = 0;      // √(1 − ρ²)
    double slot_turnover = 0;  // average, quote currency
    double price = 0;          // fair, unrounded
    double level = 0;          // Σ log returns: pulled back over a year, so that no price runs away
    double trend = 0;          // decayed return of about a day, the basis of the premium
    double premium_noise = 0;

    template <class Archive>
    void archive(Archive& a) {
      a(own, funding, price, level, trend, premium_noise);
    }
  };
  struct Settlement {
    base::Timestamp time;
    std::vector<domain::FundingRate> rates;
    template <class Archive>
    void archive(Archive& a) {
      a(time, rates);
    }
  };
  /// Fair prices of one symbol along one slot.
  struct Walk {
    double open = 0, high = 0, low = 0, close = 0;
  };

  explicit SyntheticMarket(SyntheticConfig config);
  Walk walk(Path& path, const MarketSlot& market) const;
  domain::Bar bar(Path& path, const MarketSlot& market) const;
  void settle(base::Timestamp from, base::Timestamp until);
  domain::Ratio funding_rate(Path& path) const;

  SyntheticConfig config_;
  double slot_days_ = 0;
  std::vector<domain::Instrument> instruments_;
  std::vector<Path> paths_;
  MarketFactor factor_;
  base::Timestamp slot_;  // open time of the next bars
  std::deque<Settlement> settlements_;
};

}  // namespace qtrader::simvenue
