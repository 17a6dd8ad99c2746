#include "edge/history/bar_file.hpp"

#include <cstring>

#include "core/base/hash.hpp"
#include "core/base/rng.hpp"
#include "edge/history/decimal.hpp"
#include "edge/history/test_support.hpp"

namespace qtrader::history {
namespace {

using domain::Timeframe;
using test::drain;
using test::price;
using test::read_bars;
using test::TempDir;
using test::write_text;

constexpr const char* kHeader = "open_time_ms,open,high,low,close,volume\n";
constexpr const char* kTwoHours =
    "1704067200000,42000.1,42100,41900.5,42050,12.5\n"
    "1704070800000,42050,42200,42000,42150.7,8\n";

std::string error_of(const base::Result<std::vector<domain::Bar>>& result) {
  return result ? "no error" : result.error().message();
}

TEST(Decimal, ShortPathAgreesWithTheLongOne) {
  base::Rng rng(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = rng.below(4) == 0 ? "-" : "";
    const auto whole = rng.below(11), fraction = rng.below(11);
    for (std::uint64_t k = 0; k < whole; ++k) text += static_cast<char>('0' + rng.below(10));
    if (fraction > 0) text += ".";
    for (std::uint64_t k = 0; k < fraction; ++k) text += static_cast<char>('0' + rng.below(10));
    std::int64_t raw = 0;
    const bool ok = parse_fixed_fast(text, raw);
    const auto slow = domain::parse_fixed(text);
    ASSERT_EQ(ok, slow.ok()) << text;
    if (ok) {
      ASSERT_EQ(raw, *slow) << text;
    }
    double value = 0;
    if (parse_double_fast(text, value)) {
      ASSERT_EQ(value, std::strtod(text.c_str(), nullptr)) << text;
    }
  }
}

TEST(Decimal, RefusesWhatIsNoNumber) {
  for (const char* text : {"", "-", ".", "1.2.3", "12x", "nan", "inf", "1e999", "0x10", " 1", "99999999999999"}) {
    std::int64_t raw = 0;
    EXPECT_FALSE(parse_fixed_fast(text, raw)) << text;
  }
  double value = 0;
  for (const char* text : {"", "-", "nan", "inf", "1e999", "1,5"}) EXPECT_FALSE(parse_double_fast(text, value)) << text;
}

TEST(RowTime, ReadsEveryUnitByItsMagnitude) {
  for (const char* text : {"1704067200", "1704067200000", "1704067200000000", "1704067200000000000", "2024-01-01",
                           "2024-01-01 00:00:00", "2024-01-01T00:00:00Z", "2024-01-01 00:00:00+00:00"}) {
    base::Timestamp ts;
    ASSERT_TRUE(parse_row_time(text, ts)) << text;
    EXPECT_EQ(ts, test::day("2024-01-01")) << text;
  }
  base::Timestamp ts;
  for (const char* text : {"", "yesterday", "-5", "1704067200.5", "01/03/2017", "18446744073709551615"})
    EXPECT_FALSE(parse_row_time(text, ts)) << text;
}

TEST(BarFile, ReadsTheBasicCsvInEveryContainer) {
  const std::string text = std::string(kHeader) + kTwoHours;
  for (const char* suffix : {".csv", ".csv.zst"}) {
    TempDir dir;
    write_text(dir / ("BTCUSDT-1h_20240101-20240101" + std::string(suffix)),
               std::strcmp(suffix, ".csv") == 0 ? text : test::zstd_of(text));
    const auto bars = read_bars(dir.path(), "BTCUSDT", Timeframe::H1);
    ASSERT_TRUE(bars.ok()) << error_of(bars);
    ASSERT_EQ(bars->size(), 2u);
    const domain::Bar& b = bars->front();
    EXPECT_EQ(b.open_time, test::day("2024-01-01"));
    EXPECT_EQ(b.open, price("42000.1"));
    EXPECT_EQ(b.high, price("42100"));
    EXPECT_EQ(b.low, price("41900.5"));
    EXPECT_EQ(b.close, price("42050"));
    EXPECT_EQ(b.volume, 12.5);
    EXPECT_EQ(b.columns, 0);
    EXPECT_EQ(b.timeframe, Timeframe::H1);
  }
}

/// Binance klines come with and without a header, in milliseconds and microseconds: the bars must be the same.
TEST(BarFile, VisionVariantsGiveTheSameBars) {
  const std::string header =
      "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,"
      "ignore\n";
  const std::string ms =
      "1730073600000,67992.70,68094.60,67804.70,67835.20,5179.117,1730077199999,351923638.03910,85022,"
      "2415.052,164090858.68940,0\n";
  const std::string us =
      "1730073600000000,67992.70,68094.60,67804.70,67835.20,5179.117,1730077199999999,351923638.03910,"
      "85022,2415.052,164090858.68940,0\r\n";
  for (const std::string& text : {header + ms, ms, header + us, us}) {
    TempDir dir;
    test::write_zip(dir / "BTCUSDT-1h-2024-10-28.zip", "BTCUSDT-1h-2024-10-28.csv", text);
    write_text(dir / "copy/ETHUSDT-1h-2024-10.csv", text);
    for (const char* symbol : {"BTCUSDT", "ETHUSDT"}) {
      const auto bars = read_bars(dir.path(), symbol, Timeframe::H1);
      ASSERT_TRUE(bars.ok()) << error_of(bars);
      ASSERT_EQ(bars->size(), 1u);
      const domain::Bar& b = bars->front();
      EXPECT_EQ(b.open_time.unix_ms(), 1730073600000);
      EXPECT_EQ(b.close, price("67835.2"));
      EXPECT_EQ(b.quote_volume, 351923638.03910);
      EXPECT_EQ(b.trades, 85022u);
      EXPECT_EQ(b.taker_buy_base, 2415.052);
      EXPECT_EQ(b.columns, domain::kHasQuoteVolume | domain::kHasTrades | domain::kHasTakerBuy);
    }
  }
}

TEST(BarFile, ReadsFreqtradeJson) {
  TempDir dir;
  const std::string text = "[[1704067200000, 1.5, 2, 1, 1.75, 100.25],\n [1704067500000,1.75,1.8,1.7,1.7,5e1]]\n";
  write_text(dir / "ADA_USDT_USDT-5m-futures.json", text);
  test::write_gzip(dir / "XRP_USDT_USDT-5m-futures.json.gz", text);
  for (const char* symbol : {"ADA/USDT:USDT", "XRPUSDT-PERP.BINANCE"}) {
    const auto bars = read_bars(dir.path(), symbol, Timeframe::M5);
    ASSERT_TRUE(bars.ok()) << error_of(bars);
    ASSERT_EQ(bars->size(), 2u);
    EXPECT_EQ((*bars)[0].volume, 100.25);
    EXPECT_EQ((*bars)[1].volume, 50);
    EXPECT_EQ((*bars)[1].close, price("1.7"));
  }
  write_text(dir / "LTC_USDT_USDT-5m-futures.json", text.substr(0, 70));
  EXPECT_NE(error_of(read_bars(dir.path(), "LTCUSDT", Timeframe::M5)).find("truncated"), std::string::npos);
}

/// A name that sorts before its own rows' faults; each must be one error that names file, line and value.
TEST(BarFile, BadRowsNameFileLineAndValue) {
  struct Case {
    const char* rows;
    const char* expected;
  };
  const Case cases[] = {
      {"1704067200000,1,2,1,1.5,1\n1704063600000,1,2,1,1.5,1\n", ".csv:3: opens at 2023-12-31T23:00:00.000Z, before"},
      {"1704067200000,1,2,1,1.5,1\n1704067200000,1,2,1,1.5,1\n",
       ".csv:3: opens at 2024-01-01T00:00:00.000Z as the row above"},
      {"1704067200000,1,2,-1,1.5,1\n", ".csv:2: open 1, high 2, low -1"},
      {"1704067200000,1,2,0,1.5,1\n", "prices must be positive"},
      {"1704067200000,1,2,3,1.5,1\n", ".csv:2: low 3 is above high 2"},
      {"1704067200000,1,2x,1,1.5,1\n", ".csv:2: column 3 (high) is '2x': expected a price"},
      {"1704067200000,1,2,1,nan,1\n", "column 5 (close) is 'nan'"},
      {"1704067200000,1,2,1,1.5,-3\n", "volumes not negative"},
      {"soon,1,2,1,1.5,1\n", "column 1 (open time) is 'soon'"},
      {"1704067200000,1,2\n", ".csv:2: 3 columns: expected at least 6"},
      {"1804067200000,1,2,1,1.5,1\n", "outside the file's 2023-12-31 to 2024-01-03"},
  };
  for (const Case& c : cases) {
    TempDir dir;
    write_text(dir / "BTCUSDT-1h_20231231-20240102.csv", std::string(kHeader) + c.rows);
    const auto bars = read_bars(dir.path(), "BTCUSDT", Timeframe::H1);
    ASSERT_FALSE(bars.ok()) << c.rows;
    EXPECT_EQ(bars.error().code, base::Errc::Corrupt);
    EXPECT_NE(error_of(bars).find(c.expected), std::string::npos) << error_of(bars);
  }
}

TEST(BarFile, DamagedContainersAreCorruptNotShort) {
  const std::string text = [] {
    std::string rows = kHeader;
    base::Rng rng(1);
    for (std::int64_t i = 0; i < 5000; ++i)
      rows += std::to_string(1704067200000 + i * 60'000) + ",1,2,1,1.5," + std::to_string(rng.below(1'000'000)) + "\n";
    return rows;
  }();
  TempDir dir;
  const std::string packed = test::zstd_of(text);
  write_text(dir / "AUSDT-1m_20240101-20240104.csv.zst", std::string_view(packed).substr(0, packed.size() / 2));
  test::write_zip(dir / "BUSDT-1m-2024-01.zip", "BUSDT-1m-2024-01.csv", text);
  std::string zip = test::read_text(dir / "BUSDT-1m-2024-01.zip");
  write_text(dir / "CUSDT-1m-2024-01.zip", zip.substr(0, zip.size() / 2));
  zip[zip.size() / 2] = static_cast<char>(zip[zip.size() / 2] ^ 0x40);
  write_text(dir / "BUSDT-1m-2024-01.zip", zip);
  write_text(dir / "DUSDT-1m_20240101-20240104.csv.zst", text);
  for (const char* symbol : {"AUSDT", "BUSDT", "CUSDT", "DUSDT"}) {
    const auto bars = read_bars(dir.path(), symbol, Timeframe::M1);
    ASSERT_FALSE(bars.ok()) << symbol;
    EXPECT_EQ(bars.error().code, base::Errc::Corrupt) << error_of(bars);
    EXPECT_NE(bars.error().context.find(symbol), std::string::npos) << "the file is not named: " << error_of(bars);
  }
}

TEST(BarFile, ZipIsCheckedAgainstItsChecksum) {
  TempDir dir;
  const auto zip = dir / "BTCUSDT-1h-2024-01-01.zip";
  test::write_zip(zip, "BTCUSDT-1h-2024-01-01.csv", kTwoHours);
  const std::string good = base::sha256_hex(test::read_text(zip));
  write_text(zip.string() + ".CHECKSUM", good + "  BTCUSDT-1h-2024-01-01.zip\n");
  EXPECT_TRUE(read_bars(dir.path(), "BTCUSDT", Timeframe::H1).ok());
  write_text(zip.string() + ".CHECKSUM", std::string(64, '0') + "  BTCUSDT-1h-2024-01-01.zip\n");
  const auto bars = read_bars(dir.path(), "BTCUSDT", Timeframe::H1);
  ASSERT_FALSE(bars.ok());
  EXPECT_NE(error_of(bars).find("CHECKSUM says 000"), std::string::npos) << error_of(bars);
}

TEST(BarFile, WindowSelectsOpenTimesAndSkipsUnparsedRows) {
  TempDir dir;
  write_text(dir / "BTCUSDT-1h_20240101-20240101.csv", std::string(kHeader) + kTwoHours + "1704074400000,1,1,1,1,1\n");
  const auto bars =
      read_bars(dir.path(), "BTCUSDT", Timeframe::H1, {test::day("2024-01-01T01:00"), test::day("2024-01-01T02:00")});
  ASSERT_TRUE(bars.ok()) << error_of(bars);
  ASSERT_EQ(bars->size(), 1u);
  EXPECT_EQ(bars->front().close, price("42150.7"));
}

TEST(BarFile, LongRowsAndMissingColumnsAreErrors) {
  TempDir dir;
  write_text(dir / "AUSDT-1h.csv", std::string(300'000, '7'));
  write_text(dir / "BUSDT-1h.csv", "open_time_ms,open,high,low,close\n1704067200000,1,1,1,1\n");
  write_text(dir / "CUSDT-1h.csv", "1704067200000,1,1,1,1,1,1\n");
  EXPECT_NE(error_of(read_bars(dir.path(), "AUSDT", Timeframe::H1)).find("row longer than"), std::string::npos);
  EXPECT_NE(error_of(read_bars(dir.path(), "BUSDT", Timeframe::H1)).find("header lacks a column"), std::string::npos);
  EXPECT_NE(error_of(read_bars(dir.path(), "CUSDT", Timeframe::H1)).find("7 columns without a header"),
            std::string::npos);
}

/// Whatever bytes a file holds, reading ends with bars or one error.
TEST(BarFile, ArbitraryDamageNeverBreaksTheReader) {
  base::Rng rng(99);
  std::string text = kHeader;
  for (std::int64_t i = 0; i < 50; ++i) text += std::to_string(1704067200000 + i * 3'600'000) + ",1.5,2.5,1,1.75,10\n";
  for (int round = 0; round < 300; ++round) {
    std::string damaged = text;
    for (std::uint64_t k = rng.below(4) + 1; k > 0; --k)
      damaged[rng.below(damaged.size())] = static_cast<char>(rng.below(256));
    damaged.resize(damaged.size() - rng.below(40));
    TempDir dir;
    write_text(dir / "BTCUSDT-1h.csv", damaged);
    const auto bars = read_bars(dir.path(), "BTCUSDT", Timeframe::H1);
    if (!bars) {
      EXPECT_EQ(bars.error().code, base::Errc::Corrupt) << error_of(bars);
    }
  }
}

}  // namespace
}  // namespace qtrader::history
