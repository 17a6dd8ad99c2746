// Timeframe and Bar: one OHLCV candle, with explicit knowledge of which optional columns its source has.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/reflect.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/domain/money.hpp"

namespace qtrader::domain {

/// Minutes per bar; the enumerators are all the supported ones.
enum class Timeframe : std::uint16_t {
  M1 = 1,
  M3 = 3,
  M5 = 5,
  M15 = 15,
  M30 = 30,
  H1 = 60,
  H2 = 120,
  H4 = 240,
  D1 = 1440
};
QT_DESCRIBE_ENUM(Timeframe, M1, M3, M5, M15, M30, H1, H2, H4, D1)

constexpr base::Duration duration(Timeframe tf) { return base::minutes(static_cast<std::int64_t>(tf)); }
constexpr int minutes(Timeframe tf) { return static_cast<int>(tf); }
/// "1m" … "1d". Error: InvalidArgument listing the supported names.
base::Result<Timeframe> parse_timeframe(std::string_view text);
std::string_view to_string(Timeframe tf);

/// Which optional columns the source of a bar has. Missing stays missing.
enum BarColumns : std::uint8_t { kHasQuoteVolume = 1, kHasTrades = 2, kHasTakerBuy = 4 };

struct Bar {
  base::Timestamp open_time;
  Price open, high, low, close;
  double volume = 0;          // base asset
  double quote_volume = 0;    // quote currency; valid if kHasQuoteVolume
  double taker_buy_base = 0;  // base asset; valid if kHasTakerBuy
  std::uint32_t trades = 0;   // valid if kHasTrades
  Timeframe timeframe = Timeframe::M1;
  std::uint8_t columns = 0;  // BarColumns

  base::Timestamp close_time() const { return open_time + duration(timeframe); }
};
QT_DESCRIBE(Bar, open_time, open, high, low, close, volume, quote_volume, taker_buy_base, trades, timeframe, columns)

}  // namespace qtrader::domain
