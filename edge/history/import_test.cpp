#include "edge/history/import.hpp"

#include <sys/resource.h>

#include <csignal>

#include "core/base/json.hpp"
#include "core/base/rng.hpp"
#include "edge/history/bar_store.hpp"
#include "edge/history/byte_source.hpp"
#include "edge/history/instruments.hpp"
#include "edge/history/test_support.hpp"

namespace qtrader::history {
namespace {

using domain::Timeframe;
using test::TempDir;
using test::write_text;

std::string random_walk(int rows, Timeframe tf) {
  base::Rng rng(11);
  std::string text = "open_time_ms,open,high,low,close,volume,quote_volume,trades,taker_buy_base\n";
  std::int64_t cents = 100'000;
  for (int i = 0; i < rows; ++i) {
    const auto cell = [](std::int64_t c) {
      return std::to_string(c / 100) + "." + std::to_string(c % 100 / 10) + std::to_string(c % 10);
    };
    const std::int64_t open = cents;
    cents += static_cast<std::int64_t>(rng.below(201)) - 100;
    text += std::to_string((test::day("2024-01-01") + domain::duration(tf) * i).unix_ms()) + "," + cell(open) + "," +
            cell(std::max(open, cents) + 7) + "," + cell(std::min(open, cents) - 5) + "," + cell(cents) + "," +
            std::to_string(rng.uniform(0, 1000)) + "," + std::to_string(rng.uniform(0, 1e6)) + "," +
            std::to_string(rng.below(1000)) + "," + std::to_string(rng.uniform(0, 500)) + "\n";
  }
  return text;
}

TEST(Import, GivesTheSameBarsFundingMarksAndHash) {
  TempDir source, out;
  write_text(source / "usdm/BTCUSDT-5m_20240101-20240109.csv.zst", test::zstd_of(random_walk(2500, Timeframe::M5)));
  write_text(source / "binance-spot/BTCUSDT-1h_20240101-20240102.csv", random_walk(30, Timeframe::H1));
  write_text(source / "alts-funding_20240101-20240102.csv",
             "funding_time_ms,symbol,funding_rate\n1704067200007,BTCUSDT,0.0001\n1704081600003,BTCUSDT,-0.00000001\n");
  write_text(source / "BTCUSDT-mark-5m_20240101-20240101.csv",
             "open_time_ms,mark_open,mark_high,mark_low,mark_close\n1704067200000,1.12345678,2,1,1.25\n");
  const auto result = import_data({.source = source.path(), .out = out.path()});
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(result->bars, 2530u);
  EXPECT_EQ(result->rates, 2u);
  EXPECT_EQ(result->marks, 1u);
  EXPECT_EQ(test::names_below(out.path()),
            (std::vector<std::string>{"BTCUSDT-5m.qtb", "funding/BTCUSDT-funding_20240101-20240101.csv",
                                      "mark/BTCUSDT-mark-5m_20240101-20240101.csv", "spot/BTCUSDT-1h.qtb"}));
  const auto before = Catalog::scan(source.path()), after = Catalog::scan(out.path());
  ASSERT_TRUE(after.ok()) << after.error().message();
  for (const auto kind : {SeriesKind::UsdmBars, SeriesKind::SpotBars}) {
    const auto tf = kind == SeriesKind::UsdmBars ? Timeframe::M5 : Timeframe::H1;
    const auto a = before->bars_of(kind, "BTCUSDT", tf, kAllTime), b = after->bars_of(kind, "BTCUSDT", tf, kAllTime);
    ASSERT_TRUE(a.ok() && b.ok());
    EXPECT_EQ(base::to_json(*test::drain(**a)), base::to_json(*test::drain(**b)));
  }
  EXPECT_EQ(base::to_json(*before->funding("BTCUSDT", kAllTime)), base::to_json(*after->funding("BTCUSDT", kAllTime)));
  EXPECT_EQ(before->content_hash({"BTCUSDT"}, Timeframe::M5, kAllTime).value(),
            after->content_hash({"BTCUSDT"}, Timeframe::M5, kAllTime).value());
}

TEST(Import, SelectsSymbolsAndTimeframeAndRefusesUnknownOnes) {
  TempDir source, out;
  for (const char* name : {"BTCUSDT-5m.csv", "BTCUSDT-1h.csv", "ETHUSDT-5m.csv"})
    write_text(source / name,
               random_walk(3, std::string(name).find("1h") == std::string::npos ? Timeframe::M5 : Timeframe::H1));
  ASSERT_TRUE(
      import_data(
          {.source = source.path(), .out = out.path(), .symbols = {"BTC/USDT:USDT"}, .timeframe = Timeframe::M5})
          .ok());
  EXPECT_EQ(test::names_below(out.path()), std::vector<std::string>{"BTCUSDT-5m.qtb"});
  const auto unknown = import_data({.source = source.path(), .out = out.path(), .symbols = {"NOPEUSDT"}});
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, base::Errc::NotFound);
  EXPECT_NE(unknown.error().context.find("USD-M bars there: BTCUSDT ETHUSDT"), std::string::npos)
      << unknown.error().context;
  TempDir empty;
  EXPECT_EQ(import_data({.source = empty.path(), .out = out.path()}).error().code, base::Errc::NotFound);
}

TEST(Import, AFileOfAnyNameNeedsSymbolAndTimeframe) {
  TempDir source, out;
  const auto file = source / "export from somewhere.csv";
  write_text(
      file,
      "timestamp,open,high,low,close,volume\n2024-01-01 00:00:00,1,2,1,1.5,10\n2024-01-01 01:00:00,1.5,2,1,1.5,10\n");
  EXPECT_EQ(import_data({.source = file, .out = out.path()}).error().code, base::Errc::NotFound);
  const auto result =
      import_data({.source = file, .out = out.path(), .symbols = {"BTCUSDT"}, .timeframe = Timeframe::H1});
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(test::read_bars(out.path(), "BTCUSDT", Timeframe::H1)->size(), 2u);
}

TEST(Import, ACorruptSourceLeavesNoHalfFile) {
  TempDir source, out;
  std::string text = random_walk(5000, Timeframe::M5);
  write_text(source / "BTCUSDT-5m.csv.zst", test::zstd_of(text).substr(0, 60'000));
  const auto result = import_data({.source = source.path(), .out = out.path()});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, base::Errc::Corrupt) << result.error().message();
  EXPECT_TRUE(test::names_below(out.path()).empty());
}

TEST(Import, AFullDiskLeavesNoHalfFile) {
  TempDir source, out;
  write_text(source / "BTCUSDT-5m.csv", random_walk(5000, Timeframe::M5));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 100'000;
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto result = import_data({.source = source.path(), .out = out.path()});
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, base::Errc::NoSpace) << result.error().message();
  EXPECT_TRUE(test::names_below(out.path()).empty());
}

TEST(Import, ExchangeRulesBecomeInstruments) {
  QT_NEEDS_SHARED_DATA();
  const auto wire = test::shared_data() / "wire";
  TempDir source, out;
  write_text(source / "BTCUSDT-5m.csv", random_walk(3, Timeframe::M5));
  write_text(source / "ETHUSDT-5m.csv", random_walk(3, Timeframe::M5));
  write_text(source / "NOPEUSDT-5m.csv", random_walk(3, Timeframe::M5));
  const auto result = import_data({.source = source.path(),
                                   .out = out.path(),
                                   .exchange_info = wire / "capture/cryptofeed-BINANCE_FUTURES.0.txt.zst",
                                   .brackets = wire / "rest/leverage-brackets-2024-10.json.zst"});
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(result->instruments, 2u);
  const auto catalog = Catalog::scan(out.path());
  const auto btc = catalog->instrument("BTCUSDT");
  ASSERT_TRUE(btc.ok()) << btc.error().message();
  EXPECT_FALSE(btc->assumed);
  EXPECT_EQ(btc->tick_size.to_string(), "0.01");  // of July 2021
  EXPECT_EQ(btc->step_size.to_string(), "0.001");
  EXPECT_EQ(btc->max_quantity.to_string(), "1000");
  EXPECT_EQ(btc->min_notional.to_string(), "5");
  EXPECT_EQ(btc->brackets.front().max_leverage, 125);
  EXPECT_EQ(btc->brackets.front().maintenance_ratio.to_string(), "0.004");
  EXPECT_EQ(btc->brackets.back().cumulative.to_string(), "421481450");
  const auto nope = catalog->instrument("NOPEUSDT");
  ASSERT_TRUE(nope.ok());
  EXPECT_TRUE(nope->assumed);
  EXPECT_EQ(nope->tick_size.to_string(), "0.01");
}

TEST(Import, ARealFileKeepsItsHash) {
  QT_NEEDS_SHARED_DATA();
  TempDir out;
  const auto source = test::shared_data() / "candles/binance-usdm-flow/1m";
  const auto result = import_data({.source = source, .out = out.path(), .symbols = {"FILUSDT"}});
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(result->bars, 43200u + 44640u + 43200u + 43200u + 44640u + 40320u);
  const Window w{test::day("2023-09-15"), test::day("2024-10-02")};
  EXPECT_EQ(Catalog::scan(source)->content_hash({"FILUSDT"}, Timeframe::M1, w).value(),
            Catalog::scan(out.path())->content_hash({"FILUSDT"}, Timeframe::M1, w).value());
}

TEST(Instruments, JsonRoundTripIsExact) {
  TempDir dir;
  domain::Instrument i;
  i.symbol = "1000PEPEUSDT";
  i.tick_size = test::price("0.0000001");
  i.step_size = i.min_quantity = domain::Quantity::from_int(1);
  i.max_quantity = domain::Quantity::parse("100000000.5").value();
  i.min_notional = domain::Money::from_int(5);
  i.maker_fee = domain::Ratio::parse("0.0002").value();
  i.taker_fee = domain::Ratio::parse("0.0005").value();
  i.brackets = assumed_brackets();
  ASSERT_TRUE(i.validate().ok());
  ASSERT_TRUE(save_instruments(dir / "instruments.json", {i}).ok());
  const auto read = load_instruments(dir / "instruments.json");
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(base::to_json(*read), base::to_json(std::vector<domain::Instrument>{i}));
}

TEST(Instruments, BadJsonNamesWhatIsWrong) {
  const std::string good = base::to_json(std::vector<domain::Instrument>{[] {
    domain::Instrument i;
    i.symbol = "AUSDT";
    i.tick_size = test::price("0.1");
    i.step_size = domain::Quantity::from_int(1);
    i.brackets = assumed_brackets();
    return i;
  }()});
  ASSERT_TRUE(parse_instruments(good, "x").ok());
  const auto broken = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    const auto r = parse_instruments(text, "x.json");
    return r ? std::string("accepted") : r.error().message();
  };
  EXPECT_NE(broken("\"tick_size\":0.1", "\"tick_size\":\"often\"").find("AUSDT.tick_size"), std::string::npos);
  EXPECT_NE(broken("\"tick_size\":0.1", "\"tick_size\":0").find("tick_size 0 must be positive"), std::string::npos);
  EXPECT_NE(broken("\"step_size\"", "\"stepsize\"").find("lacks \"step_size\""), std::string::npos);
  EXPECT_NE(broken("\"assumed\":false", "\"assumed\":0").find("assumed"), std::string::npos);
  EXPECT_NE(broken("[{", "{{").find("not JSON"), std::string::npos);
}

TEST(Instruments, TheExchangesOwnBracketArrayIsRead) {
  const auto read = parse_brackets(
      R"([{"symbol":"ETHUSDT","notionalCoef":1.5,"brackets":[)"
      R"({"bracket":2,"initialLeverage":50,"notionalCap":9223372036854775807,"notionalFloor":10000,)"
      R"("maintMarginRatio":0.01,"cum":50.0},)"
      R"({"bracket":1,"initialLeverage":75,"notionalCap":10000,"notionalFloor":0,"maintMarginRatio":0.005,"cum":0}]}])",
      "x");
  ASSERT_TRUE(read.ok()) << read.error().message();
  const auto& tiers = read->at("ETHUSDT");
  ASSERT_EQ(tiers.size(), 2u);
  EXPECT_EQ(tiers[0].max_leverage, 75);
  EXPECT_EQ(tiers[1].notional_floor, tiers[0].notional_cap);
  EXPECT_EQ(tiers[1].cumulative.to_string(), "50");
}

TEST(Instruments, EveryRecordedTableIsContinuousAtItsSteps) {
  QT_NEEDS_SHARED_DATA();
  const auto text = read_all(test::shared_data() / "wire/rest/leverage-brackets-2024-10.json.zst", 64 << 20);
  const auto tables = parse_brackets(*text, "brackets");
  ASSERT_TRUE(tables.ok()) << tables.error().message();
  EXPECT_GT(tables->size(), 300u);
  auto all = *tables;
  all["assumed"] = assumed_brackets();
  for (const auto& [symbol, tiers] : all)
    for (std::size_t i = 1; i < tiers.size(); ++i) {
      const auto& low = tiers[i - 1];
      const auto& high = tiers[i];
      EXPECT_EQ(low.notional_cap, high.notional_floor) << symbol;
      EXPECT_EQ(high.notional_floor * low.maintenance_ratio - low.cumulative,
                high.notional_floor * high.maintenance_ratio - high.cumulative)
          << symbol << " tier " << i + 1;
    }
}

}  // namespace
}  // namespace qtrader::history
