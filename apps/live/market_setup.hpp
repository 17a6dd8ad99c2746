// MarketSetup: a market to play, from what a command line names: recorded candles, a recorded feed, a scenario or the
// synthetic market; with the contracts' rules. Shared by `qtrader run --mode sim` and `qtrader exchange`.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/matching/types.hpp"
#include "edge/playback/market_source.hpp"

namespace qtrader::apps {

struct MarketChoice {
  std::string data;      // a directory of candles
  std::string feed;      // or a recorded websocket session
  std::string scenario;  // or a named scenario; none of the three: the synthetic market
  std::vector<std::string> symbols;
  domain::Timeframe timeframe = domain::Timeframe::M5;
  std::optional<base::Timestamp> from, to;
  base::Duration warmup;  // what the source must give before `from`
  std::uint64_t seed = 1;
};

struct MarketSetup {
  std::vector<domain::Instrument> instruments;
  std::vector<matching::ContractRules> rules;
  std::unique_ptr<playback::MarketSource> source;  // begins at from − warmup, or with the data
  base::Timestamp from, to;                        // to: INT64_MAX if it never ends
  std::string data_hash;
  bool synthetic = false;
};

/// Errors: InvalidArgument for choices that exclude each other or are incomplete; NotFound naming symbol or scenario.
base::Result<MarketSetup> open_market(const MarketChoice& choice);

/// What a contract's rules must be where only its filters are known: precisions from tick and step, Binance's usual
/// percent-price band and bounds.
matching::ContractRules usual_rules(const domain::Instrument& instrument);

}  // namespace qtrader::apps
