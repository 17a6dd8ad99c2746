// What the synthetic symbols are: contract filters with leverage brackets, and the character of their price process.
//
// Names, ticks, steps and brackets resemble Binance USD-M contracts of late 2024 (brackets as published in October
// 2024), volatility, correlation and turnover are round numbers of that market. All instruments are marked assumed.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/rng.hpp"
#include "core/domain/instrument.hpp"

namespace qtrader::simvenue {

struct SymbolProfile {
  domain::Instrument instrument;
  double initial_price = 0;
  double daily_volatility = 0;  // standard deviation of a day's log return
  double correlation = 0;       // with the market factor, [0, 1]; 1 for the first symbol
  double daily_turnover = 0;    // quote currency
};

/// index 0 is BTCUSDT; 0..19 are named after real contracts, later ones SYN21USDT and so on, drawn from rng by name.
SymbolProfile symbol_profile(std::int32_t index, const base::Rng& rng);

}  // namespace qtrader::simvenue
