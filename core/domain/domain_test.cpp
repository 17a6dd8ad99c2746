// Instruments, symbols, timeframes, and the codecs over every event and audit record.
#include <gtest/gtest.h>

#include "core/base/archive.hpp"
#include "core/base/json.hpp"
#include "core/domain/audit.hpp"
#include "core/domain/events.hpp"
#include "core/domain/instrument.hpp"

namespace qtrader::domain {
namespace {

Instrument btc() {
  Instrument i;
  i.symbol = "BTCUSDT";
  i.tick_size = Price::parse("0.1").value();
  i.step_size = Quantity::parse("0.001").value();
  i.min_notional = Money::from_int(100);
  i.brackets = {
      {Money(), Money::from_int(50'000), Ratio::parse("0.004").value(), Money(), 125},
      {Money::from_int(50'000), Money::from_int(600'000), Ratio::parse("0.005").value(), Money::from_int(50), 100}};
  return i;
}

TEST(Instrument, RoundsToItsGrid) {
  const Instrument i = btc();
  EXPECT_EQ(i.round_price(Price::parse("100.06").value(), Rounding::HalfEven).to_string(), "100.1");
  EXPECT_EQ(i.round_price(Price::parse("100.06").value(), Rounding::Down).to_string(), "100");
  EXPECT_EQ(i.round_quantity_down(Quantity::parse("0.0019").value()).to_string(), "0.001");
}

TEST(Instrument, PicksTheBracketOfANotional) {
  const Instrument i = btc();
  EXPECT_EQ(i.bracket_for(Money::from_int(49'999)).max_leverage, 125);
  EXPECT_EQ(i.bracket_for(Money::from_int(50'000)).max_leverage, 100);
  EXPECT_EQ(i.bracket_for(Money::from_int(-60'000)).max_leverage, 100);
  EXPECT_EQ(i.bracket_for(Money::from_int(9'000'000)).max_leverage, 100);
}

TEST(Instrument, ValidationNamesTheFault) {
  Instrument i = btc();
  i.brackets[1].notional_floor = Money::from_int(60'000);
  EXPECT_NE(i.validate().error().context.find("contiguous"), std::string::npos);
  i = btc();
  i.tick_size = Price();
  EXPECT_NE(i.validate().error().context.find("tick_size"), std::string::npos);
  EXPECT_FALSE(InstrumentTable::create({btc(), btc()})) << "listed twice";
}

TEST(Symbol, AcceptsTheThreeSpellings) {
  EXPECT_EQ(canonical_symbol("BTCUSDT").value(), "BTCUSDT");
  EXPECT_EQ(canonical_symbol("BTC/USDT:USDT").value(), "BTCUSDT");
  EXPECT_EQ(canonical_symbol("BTCUSDT-PERP.BINANCE").value(), "BTCUSDT");
  EXPECT_EQ(canonical_symbol("1000PEPE/USDT:USDT").value(), "1000PEPEUSDT");
  for (const char* bad : {"", "btc usdt", "BTC;DROP", "../etc"}) EXPECT_FALSE(canonical_symbol(bad)) << bad;
}

TEST(Timeframe, NamesRoundTrip) {
  for (const char* name : {"1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "1d"})
    EXPECT_EQ(to_string(parse_timeframe(name).value()), name);
  EXPECT_FALSE(parse_timeframe("7m"));
}

template <class Variant, std::size_t I = 0>
void round_trip_all() {
  if constexpr (I < std::variant_size_v<Variant>) {
    const Variant value{std::in_place_index<I>};
    const base::Bytes bytes = base::to_bytes(value);
    Variant back;
    ASSERT_TRUE(base::from_bytes(bytes, back)) << I;
    EXPECT_EQ(base::to_bytes(back), bytes) << I;
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
      EXPECT_FALSE(base::from_bytes(base::ByteView(bytes).first(cut), back)) << I << " cut at " << cut;
    EXPECT_NE(base::to_json(value).find("\"type\":\""), std::string::npos);
    round_trip_all<Variant, I + 1>();
  }
}

TEST(Codec, EveryEventRoundTripsAndRefusesTruncation) { round_trip_all<Event>(); }
TEST(Codec, EveryAuditRecordRoundTripsAndRefusesTruncation) { round_trip_all<AuditRecord>(); }

TEST(Codec, JsonIsExactAndReadable) {
  Fill fill;
  fill.order = ClientOrderId::make({7}, 2);
  fill.side = Side::Sell;
  fill.price = Price::parse("0.00000123").value();
  fill.quantity = Quantity::from_int(5);
  fill.ts_event = base::Timestamp::from_unix_ms(1'700'000'000'123);
  EXPECT_EQ(
      base::to_json(Event(fill)),
      "{\"type\":\"venue.fill\",\"order\":1794,\"symbol\":0,\"side\":\"Sell\",\"price\":0.00000123,\"quantity\":5,"
      "\"fee\":0,\"maker\":false,\"kind\":\"Normal\",\"reference_price\":0,\"venue_trade_id\":0,"
      "\"ts_event\":\"2023-11-14T22:13:20.123Z\"}");
}

}  // namespace
}  // namespace qtrader::domain
