// Contracts and a book for benchmarks of the exchange: the synthetic market's first symbols with the usual rules.
#pragma once

#include <string>
#include <vector>

#include "apps/live/market_setup.hpp"
#include "edge/matching/exchange.hpp"
#include "edge/simvenue/synthetic_profiles.hpp"

namespace qtrader::bench {

struct Contracts {
  std::vector<std::string> symbols;
  std::vector<domain::Instrument> instruments;
  std::vector<matching::ContractRules> rules;
};

/// count ≤ 20; the first is BTCUSDT.
inline Contracts contracts(int count) {
  Contracts out;
  for (int i = 0; i < count; ++i) {
    out.instruments.push_back(simvenue::symbol_profile(i, base::Rng(0)).instrument);
    out.symbols.push_back(out.instruments.back().symbol);
    out.rules.push_back(apps::usual_rules(out.instruments.back()));
  }
  return out;
}

/// `levels` a side of one unit, one tick apart, around 50 000.
inline matching::BookSnapshotTick book_around_50000(const domain::Instrument& instrument, int levels,
                                                    base::Timestamp at) {
  matching::BookSnapshotTick book{{0}, {}, {}, at};
  const auto middle = domain::Price::from_int(50'000).raw(), tick = instrument.tick_size.raw();
  for (int i = 1; i <= levels; ++i) {
    book.bids.push_back({domain::Price::from_raw(middle - i * tick), domain::Quantity::from_int(1)});
    book.asks.push_back({domain::Price::from_raw(middle + i * tick), domain::Quantity::from_int(1)});
  }
  return book;
}

inline matching::MarkTick mark_at_50000(base::Timestamp at) {
  const auto price = domain::Price::from_int(50'000);
  return {domain::SymbolId{0}, price, price, domain::Ratio::from_raw(10'000), at + base::hours(8), at};
}

}  // namespace qtrader::bench
