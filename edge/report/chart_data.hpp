// ChartData: what the tear sheet draws, in bounded memory. Filled by the Recorder while the run goes on.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/domain/order.hpp"
#include "edge/report/curve.hpp"
#include "edge/report/statistics.hpp"

namespace qtrader::report {

inline constexpr std::size_t kCurvePoints = 4000;     // equity, underwater, buy and hold
inline constexpr std::size_t kPricePoints = 1600;     // per symbol
inline constexpr std::size_t kScatterTrades = 2000;   // MAE/MFE
inline constexpr std::size_t kTradesPerSymbol = 400;  // on a price chart
inline constexpr std::size_t kPriceCharts = 12;       // the symbols with most trades

struct TradeDot {
  std::uint64_t trade = 0;
  double mae_r = 0, mfe_r = 0, r = 0;
};

struct TradeMark {
  std::uint64_t trade = 0;
  std::int64_t entry_ms = 0, exit_ms = 0;
  double entry_price = 0, exit_price = 0;
  domain::PositionSide side = domain::PositionSide::Long;
  bool won = false;
};

struct SymbolCharts {
  Curve price{kPricePoints};
  Thinned<TradeMark> trades{kTradesPerSymbol};
};

struct ChartData {
  Curve equity{kCurvePoints}, underwater{kCurvePoints}, buy_and_hold{kCurvePoints};
  Thinned<TradeDot> dots{kScatterTrades};
  std::vector<SymbolCharts> symbols;  // by SymbolId
  std::array<std::uint64_t, kHistogramBins> histogram{};
};

}  // namespace qtrader::report
