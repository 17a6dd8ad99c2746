#include "edge/history/catalog.hpp"

#include "edge/history/bar_store.hpp"
#include "edge/history/file_name.hpp"
#include "edge/history/listing.hpp"
#include "edge/history/test_support.hpp"

namespace qtrader::history {
namespace {

using domain::Timeframe;
using test::day;
using test::price;
using test::read_bars;
using test::TempDir;
using test::write_text;

std::string bar_rows(const char* from, int count, Timeframe tf, const char* close = "1.5") {
  std::string out = "open_time_ms,open,high,low,close,volume\n";
  for (int i = 0; i < count; ++i)
    out += std::to_string((day(from) + domain::duration(tf) * i).unix_ms()) + ",1.5,2,1," + close + ",10\n";
  return out;
}

TEST(FileName, KnownForms) {
  struct Case {
    const char *path, *symbol, *format, *from, *to;
    SeriesKind kind;
    Timeframe tf;
  };
  const Case cases[] = {
      {"d/BTCUSDT-1h_20190908-20251231.csv.zst", "BTCUSDT", "csv", "2019-09-08", "2026-01-01", SeriesKind::UsdmBars,
       Timeframe::H1},
      {"d/BTCUSDT-1m_20250525-20250624_b.csv.zst", "BTCUSDT", "csv", "2025-05-25", "2025-06-25", SeriesKind::UsdmBars,
       Timeframe::M1},
      {"binance-spot/1h/BTCUSDT-1h_20180101-20251231.csv.zst", "BTCUSDT", "csv", "2018-01-01", "2026-01-01",
       SeriesKind::SpotBars, Timeframe::H1},
      {"spot/usdm/1000PEPEUSDT-5m.csv", "1000PEPEUSDT", "csv", "1970-01-01", "1970-01-01", SeriesKind::UsdmBars,
       Timeframe::M5},
      {"hotspot/BTCUSDT_15m.csv", "BTCUSDT", "csv", "1970-01-01", "1970-01-01", SeriesKind::UsdmBars, Timeframe::M15},
      {"d/BTCUSDT-1m-2024-12.zip", "BTCUSDT", "vision-zip", "2024-12-01", "2025-01-01", SeriesKind::UsdmBars,
       Timeframe::M1},
      {"d/BTCUSDT-1d-2024-02-29.csv", "BTCUSDT", "vision-csv", "2024-02-29", "2024-03-01", SeriesKind::UsdmBars,
       Timeframe::D1},
      {"futures/um/monthly/markPriceKlines/BTCUSDT/1m/BTCUSDT-1m-2024-12.zip", "BTCUSDT", "vision-zip", "2024-12-01",
       "2025-01-01", SeriesKind::MarkBars, Timeframe::M1},
      {"d/BTCUSDT-fundingRate-2024-12.zip", "BTCUSDT", "vision-zip", "2024-12-01", "2025-01-01", SeriesKind::Funding,
       Timeframe::M1},
      {"d/BTCUSDT-funding_20190910-20251231.csv", "BTCUSDT", "csv", "2019-09-10", "2026-01-01", SeriesKind::Funding,
       Timeframe::M1},
      {"d/BTCUSDT-mark-1h_20191223-20251231.csv.zst", "BTCUSDT", "csv", "2019-12-23", "2026-01-01",
       SeriesKind::MarkBars, Timeframe::H1},
      {"d/1000PEPE_USDT_USDT-5m-futures.json.gz", "1000PEPEUSDT", "freqtrade-json", "1970-01-01", "1970-01-01",
       SeriesKind::UsdmBars, Timeframe::M5},
      {"d/BTC_USDT_USDT-1h-mark.json", "BTCUSDT", "freqtrade-json", "1970-01-01", "1970-01-01", SeriesKind::MarkBars,
       Timeframe::H1},
      {"d/BTC_USDT_USDT-8h-funding_rate.json", "BTCUSDT", "freqtrade-json", "1970-01-01", "1970-01-01",
       SeriesKind::Funding, Timeframe::M1},
      {"d/BTC_USDT-1h.json", "BTCUSDT", "freqtrade-json", "1970-01-01", "1970-01-01", SeriesKind::SpotBars,
       Timeframe::H1},
  };
  for (const Case& c : cases) {
    const auto named = parse_file_name(c.path);
    ASSERT_TRUE(named.has_value()) << c.path;
    EXPECT_EQ(named->info.symbol, c.symbol) << c.path;
    EXPECT_EQ(named->info.format, c.format) << c.path;
    EXPECT_EQ(named->info.kind, c.kind) << c.path;
    EXPECT_EQ(named->info.timeframe, c.tf) << c.path;
    EXPECT_EQ(base::format_date(named->info.from), c.from) << c.path;
    EXPECT_EQ(base::format_date(named->info.to), c.to) << c.path;
  }
}

TEST(FileName, ForeignFilesAreIgnored) {
  for (const char* path :
       {"quotes-bitcoin.csv", "BTCUSDT-aggTrades-2024-10-18.csv.zst", "BTCUSDT-1h.zip.part", ".BTCUSDT-1h.qtb.tmp-5",
        "BTCUSDT-1h-2024-10.zip.CHECKSUM", "BTCUSDT-7m_20240101-20240102.csv", "README.md",
        "BTCUSDT-1h_20240231-20240301.csv", "indexPriceKlines/BTCUSDT/1h/BTCUSDT-1h-2024-10.zip",
        "futures/cm/BTCUSD_PERP-1h-2024-10.zip", "ETTh1.csv.zst", "BTC_USDT_USDT-5m-trades.json",
        "BTC_USD_BTC-5m-futures.json", "BTCUSDT.csv", ""})
    EXPECT_FALSE(parse_file_name(path).has_value()) << path;
}

TEST(Catalog, MissingDirectoryAndUnknownSymbolAreNotFound) {
  const auto none = Catalog::scan("/no/such/directory");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, base::Errc::NotFound);
  TempDir dir;
  write_text(dir / "ETHUSDT-1h_20240101-20240101.csv", bar_rows("2024-01-01", 3, Timeframe::H1));
  const auto bars = read_bars(dir.path(), "BTCUSDT", Timeframe::H1);
  ASSERT_FALSE(bars.ok());
  EXPECT_EQ(bars.error().code, base::Errc::NotFound);
  EXPECT_NE(bars.error().context.find("symbols there: ETHUSDT"), std::string::npos) << bars.error().context;
  const auto tf = read_bars(dir.path(), "ETHUSDT", Timeframe::M5);
  ASSERT_FALSE(tf.ok());
  EXPECT_NE(tf.error().context.find("there is 1h 2024-01-01"), std::string::npos) << tf.error().context;
}

TEST(Catalog, JoinsFilesAndTheFirstWinsOnEqualTimes) {
  TempDir dir;
  write_text(dir / "BTCUSDT-1h_20240101-20240102.csv", bar_rows("2024-01-01", 30, Timeframe::H1, "1.1"));
  write_text(dir / "BTCUSDT-1h_20240102-20240103_b.csv", bar_rows("2024-01-02", 30, Timeframe::H1, "1.2"));
  const auto bars = read_bars(dir.path(), "BTCUSDT", Timeframe::H1);
  ASSERT_TRUE(bars.ok()) << bars.error().message();
  ASSERT_EQ(bars->size(), 54u);
  for (std::size_t i = 0; i < bars->size(); ++i) {
    EXPECT_EQ((*bars)[i].open_time, day("2024-01-01") + base::hours(static_cast<std::int64_t>(i)));
    EXPECT_EQ((*bars)[i].close, price(i < 30 ? "1.1" : "1.2"));
  }
}

TEST(Catalog, SpotAndFuturesStayApart) {
  TempDir dir;
  write_text(dir / "binance-spot/BTCUSDT-1h_20240101-20240101.csv", bar_rows("2024-01-01", 5, Timeframe::H1, "1.1"));
  EXPECT_FALSE(read_bars(dir.path(), "BTCUSDT", Timeframe::H1).ok());
  write_text(dir / "binance-usdm/BTCUSDT-1h_20240101-20240101.csv", bar_rows("2024-01-01", 3, Timeframe::H1, "1.2"));
  const auto bars = read_bars(dir.path(), "BTCUSDT", Timeframe::H1);
  ASSERT_TRUE(bars.ok());
  EXPECT_EQ(bars->size(), 3u);
  const auto catalog = Catalog::scan(dir.path());
  const auto spot = catalog->bars_of(SeriesKind::SpotBars, "BTCUSDT", Timeframe::H1, kAllTime);
  ASSERT_TRUE(spot.ok());
  EXPECT_EQ(test::drain(**spot)->size(), 5u);
}

TEST(Catalog, TheBestFormatIsUsedAlone) {
  TempDir dir;
  write_text(dir / "BTCUSDT-1h_20240101-20240101.csv", bar_rows("2024-01-01", 24, Timeframe::H1, "1.1"));
  test::write_zip(dir / "BTCUSDT-1h-2024-01-01.zip", "x.csv", bar_rows("2024-01-01", 24, Timeframe::H1, "1.2"));
  const auto vision = read_bars(dir.path(), "BTCUSDT", Timeframe::H1);
  ASSERT_TRUE(vision.ok()) << vision.error().message();
  EXPECT_EQ(vision->size(), 24u);
  EXPECT_EQ(vision->front().close, price("1.2"));
  const auto rows = list_series(*Catalog::scan(dir.path()));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_FALSE(rows[0].shadowed);
  EXPECT_TRUE(rows[1].shadowed);
}

TEST(Catalog, BaseTimeframeIsTheFinestThatDividesAndCovers) {
  TempDir dir;
  const Window january{day("2024-01-01"), day("2024-01-11")};
  write_text(dir / "BTCUSDT-15m_20240101-20240110.csv", bar_rows("2024-01-01", 960, Timeframe::M15));
  write_text(dir / "ETHUSDT-15m_20240101-20240110.csv", bar_rows("2024-01-01", 960, Timeframe::M15));
  write_text(dir / "BTCUSDT-1m_20240101-20240110.csv", bar_rows("2024-01-01", 5, Timeframe::M1));
  write_text(dir / "ETHUSDT-1m_20240101-20240102.csv", bar_rows("2024-01-01", 5, Timeframe::M1));
  write_text(dir / "ETHUSDT-1m_20240105-20240110.csv", bar_rows("2024-01-05", 5, Timeframe::M1));
  const auto catalog = Catalog::scan(dir.path());
  EXPECT_EQ(catalog->base_timeframe({"BTCUSDT"}, Timeframe::H1, january).value(), Timeframe::M1);
  EXPECT_EQ(catalog->base_timeframe({"BTCUSDT", "ETH/USDT:USDT"}, Timeframe::H1, january).value(), Timeframe::M15)
      << "two days are missing between ETHUSDT's minute files";
  const auto none = catalog->base_timeframe({"BTCUSDT"}, Timeframe::M5, {day("2023-01-01"), day("2024-01-05")});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, base::Errc::NotFound);
  EXPECT_NE(none.error().context.find("BTCUSDT: no bars of 5m or finer"), std::string::npos) << none.error().context;
}

TEST(Catalog, BaseTimeframeReadsTheIndexOfAStoreAndTheDensityOfARecording) {
  TempDir dir;
  auto writer = BarStoreWriter::create(dir.path(), {.symbol = "BTCUSDT"}, Timeframe::M5);
  ASSERT_TRUE(writer.ok());
  domain::Bar bar;
  bar.open = bar.high = bar.low = bar.close = price("2");
  bar.timeframe = Timeframe::M5;
  for (int i = 0; i < 3000; ++i) {
    if (i >= 1000 && i < 1400) continue;  // 33 hours
    bar.open_time = day("2024-01-01") + base::minutes(5 * i);
    ASSERT_TRUE(writer->append(bar).ok());
  }
  ASSERT_TRUE(writer->commit().ok());
  std::string recorded = "open_time_ms,symbol,open,high,low,close,volume\n";
  for (int i = 0; i < 3000; ++i)
    if (i % 50 != 0)
      recorded += std::to_string((day("2024-01-01") + base::minutes(i)).unix_ms()) + ",ETHUSDT,1,1,1,1,1\n";
  write_text(dir / "recorded-1m_20240101-20240103.csv", recorded);
  const auto catalog = Catalog::scan(dir.path());
  ASSERT_TRUE(catalog.ok()) << catalog.error().message();
  EXPECT_TRUE(catalog->base_timeframe({"BTCUSDT"}, Timeframe::M5, {day("2024-01-01"), day("2024-01-04")}).ok());
  EXPECT_FALSE(catalog->base_timeframe({"BTCUSDT"}, Timeframe::M5, {day("2024-01-01"), day("2024-01-10")}).ok());
  EXPECT_FALSE(catalog->base_timeframe({"ETHUSDT"}, Timeframe::M1, {day("2024-01-01"), day("2024-01-03")}).ok());
  EXPECT_EQ(read_bars(dir.path(), "ETHUSDT", Timeframe::M1)->size(), 2940u);
}

TEST(Catalog, FundingOfSeveralFilesIsOneSettlementAMinute) {
  TempDir dir;
  write_text(dir / "BTCUSDT-funding_20240101-20240102.csv",
             "funding_time_ms,symbol,funding_rate\n1704067200000,BTCUSDT,0.0001\n1704096000000,BTCUSDT,-0.0000071\n");
  write_text(dir / "alts-funding_20240101-20240102_raw-ms.csv",
             "funding_time_ms,symbol,funding_rate\n1704067200007,BTCUSDT,0.5\n1704067200007,ETHUSDT,0.0003\n"
             "1704081600003,ETHUSDT,0.0004\n1704124800009,BTCUSDT,0.0002\n");
  test::write_zip(dir / "SOLUSDT-fundingRate-2024-01.zip", "SOLUSDT-fundingRate-2024-01.csv",
                  "calc_time,funding_interval_hours,last_funding_rate\n1704067200000,4,0.00010000\n");
  write_text(dir / "ADA_USDT_USDT-8h-funding_rate.json", "[[1704067200000,0.00015,0,0,0,0]]");
  const auto catalog = Catalog::scan(dir.path());
  ASSERT_TRUE(catalog.ok()) << catalog.error().message();
  const auto btc = catalog->funding("BTCUSDT", kAllTime);
  ASSERT_TRUE(btc.ok()) << btc.error().message();
  ASSERT_EQ(btc->size(), 3u);
  EXPECT_EQ((*btc)[0].rate.to_string(), "0.0001");
  EXPECT_EQ((*btc)[1].rate.to_string(), "-0.0000071");
  EXPECT_EQ((*btc)[2].ts_event.unix_ms(), 1704124800009) << "the recorded time is kept to the millisecond";
  EXPECT_EQ((*btc)[0].interval_hours, 8);
  const auto eth = catalog->funding("ETHUSDT", kAllTime);
  ASSERT_EQ(eth->size(), 2u);
  EXPECT_EQ((*eth)[0].interval_hours, 4);
  EXPECT_EQ((*eth)[1].interval_hours, 4);
  EXPECT_EQ(catalog->funding("SOLUSDT", kAllTime)->front().interval_hours, 4);
  EXPECT_EQ(catalog->funding("ADAUSDT", kAllTime)->front().rate.to_string(), "0.00015");
  EXPECT_TRUE(catalog->funding("XRPUSDT", kAllTime)->empty());
  EXPECT_EQ(catalog->funding("BTCUSDT", {day("2024-01-01T08:00"), day("2024-01-01T16:00")})->size(), 1u);
}

TEST(Catalog, UnsortedOrRepeatedFundingIsCorrupt) {
  for (const char* second : {"1704067200004,BTCUSDT,0.1", "1704060000000,BTCUSDT,0.1", "1704096000000,BTCUSDT,high"}) {
    TempDir dir;
    write_text(dir / "BTCUSDT-funding_20240101-20240102.csv",
               "funding_time_ms,symbol,funding_rate\n1704067200000,BTCUSDT,0.0001\n" + std::string(second) + "\n");
    const auto funding = Catalog::scan(dir.path())->funding("BTCUSDT", kAllTime);
    ASSERT_FALSE(funding.ok()) << second;
    EXPECT_EQ(funding.error().code, base::Errc::Corrupt);
    EXPECT_NE(funding.error().context.find(".csv:3:"), std::string::npos) << funding.error().context;
  }
}

TEST(Catalog, MarksAreStampedWithTheClose) {
  TempDir dir;
  write_text(
      dir / "BTCUSDT-mark-1h_20240101-20240101.csv",
      "open_time_ms,mark_open,mark_high,mark_low,mark_close\n1704067200000,1,2,1,1.25\n1704070800000,1,2,1,1.5\n");
  const auto catalog = Catalog::scan(dir.path());
  const auto marks = catalog->marks("BTCUSDT", Timeframe::H1, {day("2024-01-01"), day("2024-01-01T01:00")});
  ASSERT_TRUE(marks.ok()) << marks.error().message();
  ASSERT_EQ(marks->size(), 1u);
  EXPECT_EQ(marks->front().ts_event, day("2024-01-01T01:00"));
  EXPECT_EQ(marks->front().price, price("1.25"));
  EXPECT_TRUE(catalog->marks("BTCUSDT", Timeframe::M5, kAllTime)->empty());
}

TEST(Catalog, ContentHashSeesValuesNotFiles) {
  TempDir one, two;
  const std::string text = bar_rows("2024-01-01", 48, Timeframe::H1);
  write_text(one / "BTCUSDT-1h_20240101-20240102.csv", text);
  write_text(two / "sub/BTCUSDT-1h_20231201-20240131.csv.zst", test::zstd_of(text));
  const Window window{day("2024-01-01"), day("2024-01-03")};
  const auto hash = [&](const TempDir& d) {
    return Catalog::scan(d.path())->content_hash({"BTCUSDT"}, Timeframe::H1, window).value();
  };
  EXPECT_EQ(hash(one), hash(two));
  EXPECT_EQ(hash(one).size(), 64u);
  write_text(two / "BTCUSDT-funding_20240101-20240102.csv",
             "funding_time_ms,symbol,funding_rate\n1704067200000,BTCUSDT,0.0001\n");
  EXPECT_NE(hash(one), hash(two)) << "funding is part of the data";
  write_text(one / "BTCUSDT-1h_20240101-20240102.csv", bar_rows("2024-01-01", 48, Timeframe::H1, "1.50000001"));
  EXPECT_NE(hash(one), hash(two));
}

TEST(Catalog, SharedDataIsFoundAndRead) {
  QT_NEEDS_SHARED_DATA();
  const auto catalog = Catalog::scan(test::shared_data());
  ASSERT_TRUE(catalog.ok()) << catalog.error().message();
  EXPECT_FALSE(catalog->synthetic());
  const auto usdm = catalog->symbols(SeriesKind::UsdmBars);
  EXPECT_GE(usdm.size(), 184u) << "the recording alone has 184 symbols";
  EXPECT_EQ(catalog->symbols(SeriesKind::SpotBars).size(), 5u);
  EXPECT_EQ(catalog->funding("BTCUSDT", kAllTime)->size(), 6914u);
  EXPECT_EQ(catalog->funding("ETHUSDT", kAllTime)->size(), 6680u);
  EXPECT_EQ(
      catalog->base_timeframe({"BTCUSDT", "ETHUSDT"}, Timeframe::M15, {day("2025-08-01"), day("2025-12-31")}).value(),
      Timeframe::M5);
  // Two independently collected minute files overlap; together they run from 4 May to 24 June without a hole.
  const auto bars = catalog->bars("BTCUSDT", Timeframe::M1, {day("2025-05-05"), day("2025-06-24")});
  ASSERT_TRUE(bars.ok()) << bars.error().message();
  const auto joined = test::drain(**bars);
  ASSERT_TRUE(joined.ok()) << joined.error().message();
  EXPECT_EQ(joined->size(), 50u * 1440u);
}

}  // namespace
}  // namespace qtrader::history
