// Instruments for the unit tests of the ledger and the risk room. Included by *_test.cpp only.
//
// The brackets are Binance's for BTCUSDT in late 2024 (binance-usdm.md 15), without the largest, whose caps pass what a
// test needs.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "core/domain/instrument.hpp"

namespace qtrader::ledger::testing {

inline domain::Price px(const char* text) { return domain::Price::parse(text).value(); }
inline domain::Quantity qty(const char* text) { return domain::Quantity::parse(text).value(); }
inline domain::Money usd(const char* text) { return domain::Money::parse(text).value(); }
inline domain::Ratio ratio(const char* text) { return domain::Ratio::parse(text).value(); }

inline std::vector<domain::LeverageBracket> btc_brackets() {
  return {
      {usd("0"), usd("50000"), ratio("0.004"), usd("0"), 125},
      {usd("50000"), usd("600000"), ratio("0.005"), usd("50"), 100},
      {usd("600000"), usd("3000000"), ratio("0.0065"), usd("950"), 75},
      {usd("3000000"), usd("12000000"), ratio("0.01"), usd("11450"), 50},
      {usd("12000000"), usd("70000000"), ratio("0.02"), usd("131450"), 25},
      {usd("70000000"), usd("100000000"), ratio("0.025"), usd("481450"), 20},
      {usd("100000000"), usd("230000000"), ratio("0.05"), usd("2981450"), 10},
      {usd("230000000"), usd("480000000"), ratio("0.1"), usd("14481450"), 5},
  };
}

inline domain::Instrument instrument(std::string symbol, std::vector<domain::LeverageBracket> brackets) {
  domain::Instrument i;
  i.symbol = std::move(symbol);
  i.tick_size = px("0.1");
  i.step_size = i.min_quantity = qty("0.001");
  i.max_quantity = qty("1000");
  i.max_market_quantity = qty("120");
  i.min_notional = usd("50");
  i.brackets = std::move(brackets);
  i.maker_fee = ratio("0.0002");
  i.taker_fee = ratio("0.0005");
  return i;
}

/// BTCUSDT is 0, ETHUSDT 1, SOLUSDT 2, all with BTC's brackets.
inline domain::InstrumentTable instruments() {
  return domain::InstrumentTable::create({instrument("BTCUSDT", btc_brackets()), instrument("ETHUSDT", btc_brackets()),
                                          instrument("SOLUSDT", btc_brackets())})
      .value();
}

inline constexpr domain::SymbolId kBtc{0}, kEth{1}, kSol{2};

}  // namespace qtrader::ledger::testing
