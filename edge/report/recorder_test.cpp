#include "edge/report/recorder.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "core/base/rng.hpp"
#include "edge/report/csv_row.hpp"
#include "edge/report/svg_chart.hpp"
#include "edge/report/tear_sheet.hpp"

namespace qtrader::report {
namespace {

namespace fs = std::filesystem;
using base::Timestamp;
using domain::Money;
using domain::Price;
using domain::Quantity;

const Timestamp kFrom = base::from_civil({2024, 1, 1});

domain::InstrumentTable instruments(const std::vector<std::string>& names) {
  std::vector<domain::Instrument> list;
  for (const std::string& name : names) {
    domain::Instrument i;
    i.symbol = name;
    i.tick_size = Price::from_double(0.01);
    i.step_size = Quantity::from_double(0.001);
    i.min_quantity = i.step_size;
    i.min_notional = Money::from_int(5);
    i.brackets = {{Money{}, Money::from_int(1'000'000'000), domain::Ratio::from_double(0.01), Money{}, 20}};
    i.maker_fee = domain::Ratio::from_double(0.0002);
    i.taker_fee = domain::Ratio::from_double(0.0005);
    list.push_back(i);
  }
  auto table = domain::InstrumentTable::create(list);
  EXPECT_TRUE(table.ok());
  return *table;
}

RunInfo info(const std::vector<std::string>& symbols) {
  RunInfo run;
  run.seed = 7;
  run.strategy = "ema_cross";
  run.symbols = symbols;
  run.timeframe = domain::Timeframe::H1;
  run.from = kFrom;
  run.to = kFrom + base::days(200);
  run.initial_wallet = Money::from_int(10'000);
  run.config_hash = std::string(64, 'c');
  run.data_hash = std::string(64, 'd');
  run.command = "qtrader backtest --strategy ema_cross --seed 7";
  return run;
}

/// A made-up but consistent run: one account, random walk prices, trades whose sums are known exactly.
struct Script {
  struct Sums {
    std::uint64_t trades = 0, signals = 0, equity_rows = 0;
    Money net, fees, funding, slippage, gross;
  };
  explicit Script(std::size_t symbol_count) : prices(symbol_count, 100) {}

  void play(Recorder& recorder, int hours) {
    for (int h = 0; h < hours; ++h) {
      const Timestamp open = kFrom + base::hours(h), close = open + base::hours(1);
      for (std::size_t s = 0; s < prices.size(); ++s) bar(recorder, s, open);
      for (std::size_t s = 0; s < prices.size(); ++s) {
        if (rng.uniform() < 0.03) closed_trade(recorder, s, close);
        if (rng.uniform() < 0.5) hold(recorder, s, close);
      }
      domain::EquitySample e{.ts = close,
                             .equity = wallet,
                             .wallet = wallet,
                             .unrealised = {},
                             .drawdown_frac = 0,
                             .exposure = rng.uniform() < 0.4 ? Money::from_int(500) : Money{}};
      recorder.on(close, e);
      ++sums.equity_rows;
    }
  }

  void bar(Recorder& recorder, std::size_t s, Timestamp open) {
    const double before = prices[s];
    prices[s] *= 1 + 0.006 * rng.normal();
    domain::Bar b;
    b.open_time = open;
    b.timeframe = domain::Timeframe::H1;
    b.open = Price::from_double(before);
    b.close = Price::from_double(prices[s]);
    b.high = std::max(b.open, b.close);
    b.low = std::min(b.open, b.close);
    recorder.on_primary_bar({static_cast<std::uint16_t>(s)}, b);
  }

  void closed_trade(Recorder& recorder, std::size_t s, Timestamp close) {
    domain::SignalGenerated signal;
    signal.signal.trace = {++trace};
    signal.signal.symbol = {static_cast<std::uint16_t>(s)};
    signal.signal.action = rng.uniform() < 0.5 ? domain::Action::Buy : domain::Action::Sell;
    signal.signal.source = "ema_cross";
    signal.signal.price = Price::from_double(prices[s]);
    recorder.on(close, signal);
    ++sums.signals;
    domain::TradeClosed t;
    t.trade = {sums.trades + 1};
    t.trace = {trace};
    t.symbol = signal.signal.symbol;
    t.side = signal.signal.action == domain::Action::Buy ? domain::PositionSide::Long : domain::PositionSide::Short;
    t.quantity = Quantity::from_double(2.5);
    t.exit_time = close;
    t.entry_time = close - base::hours(static_cast<std::int64_t>(rng.below(30)) + 1);
    t.r_multiple = rng.uniform() < 0.42 ? 0.3 + 2.2 * rng.uniform() : -1.05 + 0.2 * rng.normal();
    t.mae_r = -std::abs(0.4 * rng.normal()) + std::min(0.0, t.r_multiple);
    t.mfe_r = std::max(0.0, t.r_multiple) + std::abs(0.5 * rng.normal());
    t.fees = Money::from_double(0.31);
    t.funding = Money::from_double(0.05 * rng.normal());
    t.slippage = Money::from_double(0.11);
    t.net_pnl = Money::from_double(25 * t.r_multiple);
    t.gross_pnl = t.net_pnl + t.fees - t.funding;
    t.entry_price = Price::from_double(prices[s] * (1 - 0.01 * t.r_multiple * domain::sign(t.side)));
    t.exit_price = Price::from_double(prices[s]);
    t.exit_reason = t.r_multiple > 0 ? domain::ExitReason::TakeProfit : domain::ExitReason::StopLoss;
    t.strategy = "ema_cross";
    domain::FillBooked fill;
    fill.trade = t.trade;
    fill.symbol = t.symbol;
    fill.price = t.exit_price;
    fill.quantity = t.quantity;
    fill.fee = t.fees;
    recorder.on(close, fill);
    recorder.on(close, domain::FundingBooked{t.trade, t.symbol, t.funding, {}});
    recorder.on(close, t);
    ++sums.trades;
    sums.net += t.net_pnl, sums.fees += t.fees, sums.funding += t.funding;
    sums.slippage += t.slippage, sums.gross += t.gross_pnl;
    wallet += t.net_pnl;
  }

  void hold(Recorder& recorder, std::size_t s, Timestamp close) {
    domain::SignalGenerated signal;
    signal.signal.symbol = {static_cast<std::uint16_t>(s)};
    signal.signal.hold_reason = domain::HoldReason::NoSetup;
    recorder.on(close, signal);
  }

  base::Rng rng{3};
  std::vector<double> prices;
  Money wallet = Money::from_int(10'000);
  std::uint64_t trace = 0;
  Sums sums;
};

class RecorderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "qt-report-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    dir_ = root_ / "out";
  }
  void TearDown() override {
    if (const char* keep = std::getenv("QT_KEEP_REPORT"); keep != nullptr && fs::exists(dir_ / "report.html")) {
      fs::create_directories(keep);
      fs::copy(dir_, fs::path(keep) / ::testing::UnitTest::GetInstance()->current_test_info()->name(),
               fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    }
    fs::remove_all(root_);
  }

  std::unique_ptr<Recorder> make(const std::vector<std::string>& symbols, RunInfo run) {
    auto recorder = Recorder::create(dir_, std::move(run), instruments(symbols));
    EXPECT_TRUE(recorder.ok()) << recorder.error().message();
    return std::move(*recorder);
  }
  std::unique_ptr<Recorder> make(const std::vector<std::string>& symbols) { return make(symbols, info(symbols)); }

  std::vector<std::string> lines(const char* name) const {
    std::ifstream in(dir_ / name);
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }
  std::string text(const char* name) const {
    std::ifstream in(dir_ / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::vector<std::string> cells(const std::string& line) {
    std::vector<std::string> out;
    std::stringstream in(line);
    for (std::string cell; std::getline(in, cell, ',');) out.push_back(cell);
    return out;
  }
  std::set<std::string> files() const {
    std::set<std::string> out;
    if (fs::exists(dir_))
      for (const auto& e : fs::directory_iterator(dir_)) out.insert(e.path().filename());
    return out;
  }

  fs::path root_, dir_;
};

const RunTiming kTiming{.wall_s = 2, .bars = 1000, .events = 4000, .rss_mb = 42};

TEST_F(RecorderTest, FilesAppearOnlyAtTheEndAndAddUp) {
  const std::vector<std::string> symbols = {"BTCUSDT", "ETHUSDT", "SOLUSDT"};
  RunInfo run = info(symbols);
  run.models = {"xgboost:ab12cd34ef56"};
  run.caveats = {"SOLUSDT has no funding data: none was charged."};
  run.synthetic = true;
  auto recorder = make(symbols, run);
  Script script(3);
  script.play(*recorder, 24 * 200);
  for (const std::string& name : files()) EXPECT_TRUE(name.starts_with(".")) << name;
  const auto done = recorder->finish({kTiming, "0123456789abcdef", {}});
  ASSERT_TRUE(done.ok()) << done.error().message();
  EXPECT_EQ(files(), (std::set<std::string>{"equity.csv", "report.html", "report.json", "signals.csv", "trades.csv"}));

  const auto rows = lines("trades.csv");
  ASSERT_EQ(rows.size(), script.sums.trades + 1);
  Money net, fees, funding;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto c = cells(rows[i]);
    ASSERT_EQ(c.size(), 19u);
    net += *Money::parse(c[12]), fees += *Money::parse(c[9]), funding += *Money::parse(c[10]);
  }
  EXPECT_EQ(net, script.sums.net);
  EXPECT_EQ(lines("signals.csv").size(), script.sums.signals + 1);
  EXPECT_EQ(lines("equity.csv").size(), script.sums.equity_rows + 1);

  const Summary& s = recorder->summary();
  EXPECT_EQ(s.costs.net_pnl, net);
  EXPECT_EQ(s.costs.fees, fees);
  EXPECT_EQ(s.costs.funding, funding);
  EXPECT_EQ(s.costs.gross_pnl - s.costs.fees + s.costs.funding, s.costs.net_pnl);
  EXPECT_EQ(*s.reconciliation.unattributed_usd, Money{});
  EXPECT_EQ(s.reconciliation.booked_fees_usd, fees);
  EXPECT_EQ(s.reconciliation.booked_funding_usd, funding);
  Money by_symbol, by_exit, by_side;
  std::uint64_t trades = 0;
  for (const auto& r : s.per_symbol) by_symbol += r.net_pnl, trades += r.trades;
  for (const auto& r : s.per_exit_reason) by_exit += r.net_pnl;
  for (const auto& r : s.per_side) by_side += r.net_pnl;
  EXPECT_EQ(by_symbol, net);
  EXPECT_EQ(by_exit, net);
  EXPECT_EQ(by_side, net);
  EXPECT_EQ(trades, script.sums.trades);
  EXPECT_EQ(s.metrics.long_trades + s.metrics.short_trades, trades);
}

TEST_F(RecorderTest, CsvHeadersAreTheContract) {
  auto recorder = make({"BTCUSDT"});
  ASSERT_TRUE(recorder->finish({kTiming, "0", {}}).ok());
  EXPECT_EQ(text("trades.csv"),
            "trade_id,symbol,side,qty,entry_time_ms,entry_price,exit_time_ms,exit_price,gross_pnl_usd,fees_usd,"
            "funding_usd,slippage_usd,net_pnl_usd,r_multiple,mae_r,mfe_r,exit_reason,strategy,trace_id\n");
  EXPECT_EQ(text("equity.csv"), "ts_ms,equity_usd,wallet_usd,upnl_usd,drawdown_frac,exposure_usd\n");
  EXPECT_EQ(text("signals.csv"),
            "ts_ms,trace_id,symbol,action,confidence,p_dir,p_sell,p_hold,p_buy,consensus,source,price\n");
}

TEST_F(RecorderTest, RowsAreExact) {
  auto recorder = make({"BTCUSDT"});
  domain::SignalGenerated signal;
  signal.signal = {.trace = {9},
                   .symbol = {0},
                   .action = domain::Action::Sell,
                   .confidence = 0.6,
                   .p_dir = 0.55,
                   .p = {0.5, 0.3, 0.2},
                   .consensus = domain::Consensus::Strong,
                   .price = *Price::parse("101.5"),
                   .source = "a,\"b\""};
  recorder->on(kFrom + base::milliseconds(5), signal);
  domain::TradeClosed t{.trade = {1},
                        .trace = {9},
                        .symbol = {0},
                        .side = domain::PositionSide::Short,
                        .quantity = *Quantity::parse("0.25"),
                        .entry_time = kFrom,
                        .exit_time = kFrom + base::hours(1),
                        .entry_price = *Price::parse("101.5"),
                        .exit_price = *Price::parse("100"),
                        .gross_pnl = *Money::parse("0.375"),
                        .fees = *Money::parse("0.01"),
                        .funding = *Money::parse("-0.005"),
                        .slippage = *Money::parse("0.002"),
                        .net_pnl = *Money::parse("0.36"),
                        .r_multiple = 1.5,
                        .mae_r = -0.25,
                        .mfe_r = 2,
                        .exit_reason = domain::ExitReason::TrailingStop,
                        .strategy = "ai"};
  recorder->on(t.exit_time, t);
  recorder->on(t.exit_time, domain::EquitySample{t.exit_time, *Money::parse("9500.5"), *Money::parse("9500"),
                                                 *Money::parse("0.5"), 0, *Money::parse("25")});
  ASSERT_TRUE(recorder->finish({kTiming, "0", {}}).ok());
  EXPECT_EQ(lines("signals.csv")[1], "1704067200005,9,BTCUSDT,SELL,0.6,0.55,0.5,0.3,0.2,Strong,\"a,\"\"b\"\"\",101.5");
  EXPECT_EQ(lines("trades.csv")[1],
            "1,BTCUSDT,SHORT,0.25,1704067200000,101.5,1704070800000,100,0.375,0.01,-0.005,0.002,0.36,1.5,-0.25,2,"
            "TrailingStop,ai,9");
  EXPECT_EQ(lines("equity.csv")[1], "1704070800000,9500.5,9500,0.5,0.04995000000000005,25");
}

TEST_F(RecorderTest, JsonHasEveryDocumentedKeyAndTheDocumentNamesEveryKey) {
  auto recorder = make({"BTCUSDT"});
  Script script(1);
  script.play(*recorder, 24 * 60);
  ASSERT_TRUE(recorder->finish({kTiming, "feed", {}}).ok());
  boost::json::object root = boost::json::parse(text("report.json")).as_object();
  EXPECT_EQ(root["schema"], "backtest_report/1");
  const std::map<std::string, std::vector<std::string>> documented = {
      {"run",
       {"seed", "strategy", "symbols", "timeframe", "from_ms", "to_ms", "config_hash", "data_hash", "models",
        "digest"}},
      {"metrics",
       {"trades", "win_rate", "profit_factor", "expectancy_r", "total_return_frac", "cagr", "sharpe", "sortino",
        "calmar", "max_drawdown_frac", "max_drawdown_days", "exposure_frac", "turnover", "avg_hold_s", "long_trades",
        "short_trades"}},
      {"costs", {"fees", "slippage", "funding"}},
      {"benchmark", {"buy_and_hold_return_frac"}},
      {"timing", {"wall_s", "bars", "bars_per_s", "events_per_s", "rss_mb"}}};
  for (const auto& [section, keys] : documented)
    for (const std::string& key : keys) EXPECT_TRUE(root[section].as_object().contains(key)) << section << '.' << key;
  EXPECT_GT(root["refusals"].as_object().at("hold.NoSetup").to_number<int>(), 0);
  EXPECT_EQ(root["timing"].as_object().at("bars_per_s").to_number<double>(), 500);
  const auto& symbol = root["per_symbol"].as_array().at(0).as_object();
  for (const char* key : {"symbol", "trades", "win_rate", "net_pnl", "fees", "funding", "slippage", "expectancy_r",
                          "buy_and_hold_return_frac"})
    EXPECT_TRUE(symbol.contains(key)) << key;
  const auto& exit = root["per_exit_reason"].as_array().at(0).as_object();
  for (const char* key : {"reason", "trades", "net_pnl", "avg_r"}) EXPECT_TRUE(exit.contains(key)) << key;

  std::ifstream in(QT_SOURCE_DIR "/docs/formats/backtest-report.md");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  const auto mentioned = [&](const boost::json::object& object) {
    for (const auto& entry : object)
      EXPECT_NE(page.find("`" + std::string(entry.key()) + "`"), std::string::npos) << std::string(entry.key());
  };
  mentioned(root);
  for (const char* section : {"run", "metrics", "costs", "benchmark", "reconciliation", "timing"})
    mentioned(root[section].as_object());
  mentioned(symbol);
  mentioned(exit);
}

TEST_F(RecorderTest, AnEmptyRunIsUndefinedNotZero) {
  auto recorder = make({"BTCUSDT"});
  ASSERT_TRUE(recorder->finish({{}, "0", {}}).ok());
  const boost::json::object root = boost::json::parse(text("report.json")).as_object();
  for (const char* key : {"win_rate", "profit_factor", "expectancy_r", "total_return_frac", "cagr", "sharpe", "sortino",
                          "calmar", "max_drawdown_frac", "exposure_frac", "turnover", "avg_hold_s"})
    EXPECT_TRUE(root.at("metrics").as_object().at(key).is_null()) << key;
  EXPECT_TRUE(root.at("benchmark").as_object().at("buy_and_hold_return_frac").is_null());
  EXPECT_TRUE(root.at("timing").as_object().at("bars_per_s").is_null());
  EXPECT_EQ(root.at("metrics").as_object().at("trades").to_number<int>(), 0);
  EXPECT_NE(recorder->terminal_summary().find("n/a"), std::string::npos);
  for (const std::string bad : {">nan", ">inf", ">-nan", ">NaN"})
    EXPECT_EQ(text("report.html").find(bad), std::string::npos);
}

TEST_F(RecorderTest, BenchmarkIsTheEqualWeightMeanOfCloseToClose) {
  auto recorder = make({"AUSDT", "BUSDT", "CUSDT"});
  const auto bar = [&](std::uint16_t symbol, int hour, double close) {
    domain::Bar b;
    b.open_time = kFrom + base::hours(hour);
    b.timeframe = domain::Timeframe::H1;
    b.open = b.high = b.low = b.close = Price::from_double(close);
    recorder->on_primary_bar({symbol}, b);
  };
  bar(0, 0, 100), bar(0, 1, 50), bar(0, 2, 120);
  bar(1, 0, 10), bar(1, 2, 9);
  ASSERT_TRUE(recorder->finish({kTiming, "0", {}}).ok());
  const Summary& s = recorder->summary();
  EXPECT_NEAR(*s.per_symbol[0].buy_and_hold_return_frac, 0.2, 1e-12);
  EXPECT_NEAR(*s.per_symbol[1].buy_and_hold_return_frac, -0.1, 1e-12);
  EXPECT_FALSE(s.per_symbol[2].buy_and_hold_return_frac);  // it never traded
  EXPECT_NEAR(*s.benchmark.buy_and_hold_return_frac, 0.05, 1e-12);
}

TEST_F(RecorderTest, TurnoverIsTradedNotionalPerYearOverMeanEquity) {
  RunInfo run = info({"BTCUSDT"});
  run.timeframe = domain::Timeframe::D1;
  auto recorder = make({"BTCUSDT"}, run);
  for (int day = 1; day <= 73; ++day)
    recorder->on(kFrom + base::days(day),
                 domain::EquitySample{kFrom + base::days(day), Money::from_int(10'000), {}, {}, 0, {}});
  for (int i = 0; i < 4; ++i) {
    domain::FillBooked fill;
    fill.price = Price::from_int(100);
    fill.quantity = Quantity::from_int(50);
    recorder->on(kFrom + base::days(73), fill);
  }
  ASSERT_TRUE(recorder->finish({kTiming, "0", {}}).ok());
  EXPECT_NEAR(*recorder->summary().metrics.turnover, 20'000.0 / 10'000 / (73 / 365.0), 1e-9);
  EXPECT_EQ(*recorder->summary().metrics.exposure_frac, 0);
}

TEST_F(RecorderTest, RefusalsAreCountedOncePerDecision) {
  auto recorder = make({"BTCUSDT"});
  recorder->on(kFrom, domain::OrderRefused{{1}, {0}, domain::OrderPurpose::Entry, "leverage", {}});
  recorder->on(kFrom, domain::SignalRejected{{1}, {0}, "gate", "leverage"});
  recorder->on(kFrom, domain::SignalRejected{{2}, {0}, "gate", "leverage"});
  recorder->on(kFrom, domain::SignalRejected{{2}, {0}, "universe", "spread"});
  ASSERT_TRUE(recorder->finish({kTiming, "0", {}}).ok());
  EXPECT_EQ(recorder->summary().refusals, (std::map<std::string, std::uint64_t>{{"leverage", 2}, {"spread", 1}}));
}

TEST_F(RecorderTest, TheSameStreamGivesTheSameBytes) {
  std::map<std::string, std::string> first;
  for (int round = 0; round < 2; ++round) {
    auto recorder = make({"BTCUSDT", "ETHUSDT"});
    Script script(2);
    script.play(*recorder, 500);
    ASSERT_TRUE(recorder->finish({kTiming, "0", {}}).ok());
    for (const std::string& name : files()) {
      if (round == 0)
        first[name] = text(name.c_str());
      else
        EXPECT_EQ(first[name], text(name.c_str())) << name;
    }
  }
}

TEST_F(RecorderTest, TerminalSummaryIsAtMost100ColumnsAndColouredOnlyOnRequest) {
  std::vector<std::string> symbols;
  for (int i = 0; i < 20; ++i) symbols.push_back("LONGNAME" + std::to_string(i) + "USDT");
  RunInfo run = info(symbols);
  run.caveats = {std::string(250, 'x') + " " + std::string(90, 'y') +
                 " and a few ordinary words until the line must be broken"};
  auto recorder = make(symbols, run);
  Script script(symbols.size());
  script.play(*recorder, 300);
  ASSERT_TRUE(recorder->finish({kTiming, std::string(16, 'f'), {}}).ok());
  std::istringstream plain(recorder->terminal_summary());
  for (std::string line; std::getline(plain, line);) {
    const auto columns =
        std::ranges::count_if(line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    EXPECT_LE(columns, 100) << line;
    EXPECT_EQ(line.find('\x1b'), std::string::npos);
  }
  EXPECT_NE(recorder->terminal_summary(true).find('\x1b'), std::string::npos);
}

TEST_F(RecorderTest, HtmlIsSelfContainedBoundedAndEscaped) {
  RunInfo run = info({"BTCUSDT"});
  run.strategy = "<script>alert(1)</script>{{css}}";
  auto recorder = make({"BTCUSDT"}, run);
  Script script(1);
  script.play(*recorder, 120'000);
  ASSERT_TRUE(recorder->finish({kTiming, "0", {}}).ok());
  const std::string html = text("report.html");
  for (const char* outside : {"http://", "https://", "src=", "<link", "@import", "url("})
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
  EXPECT_EQ(html.find("<script>alert"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;alert(1)&lt;/script&gt;{{css}}"), std::string::npos);
  std::size_t dots = 0, at = 0;
  while ((at = html.find("<circle", at + 1)) != std::string::npos) ++dots;
  EXPECT_LE(dots, kScatterTrades);
  EXPECT_GT(dots, kScatterTrades / 3);
  EXPECT_LT(html.size(), 1'500'000u);
  EXPECT_NE(html.find("at most 2,000 are drawn"), std::string::npos);
}

TEST_F(RecorderTest, WithoutFinishNothingIsLeft) {
  {
    auto recorder = make({"BTCUSDT"});
  }
  EXPECT_FALSE(fs::exists(dir_));
  fs::create_directories(dir_);
  std::ofstream(dir_ / "mine.txt") << "keep";
  {
    auto recorder = make({"BTCUSDT"});
  }
  EXPECT_EQ(files(), std::set<std::string>{"mine.txt"});
}

TEST_F(RecorderTest, AFullDiskIsNoSpaceAndLeavesNothing) {
  for (const rlim_t limit : {50, 400, 20'000, 60'000}) {
    const pid_t pid = fork();
    if (pid == 0) {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit cap{limit, limit};
      setrlimit(RLIMIT_FSIZE, &cap);
      auto recorder = Recorder::create(dir_, info({"BTCUSDT"}), instruments({"BTCUSDT"}));
      if (!recorder) _exit(1);
      Script script(1);
      script.play(**recorder, 3000);
      const auto done = (*recorder)->finish({kTiming, "0", {}});
      if (done.ok()) _exit(2);
      _exit(done.error().code == base::Errc::NoSpace && !fs::exists(dir_) ? 0 : 3);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0) << limit;
    EXPECT_FALSE(fs::exists(dir_)) << limit;
  }
}

TEST_F(RecorderTest, RefusesAnEmptyWalletAndAnUnusableDirectory) {
  RunInfo run = info({"BTCUSDT"});
  run.initial_wallet = {};
  EXPECT_EQ(Recorder::create(dir_, run, instruments({"BTCUSDT"})).error().code, base::Errc::InvalidArgument);
  std::ofstream(root_ / "file") << "x";
  const auto refused = Recorder::create(root_ / "file" / "out", info({"BTCUSDT"}), instruments({"BTCUSDT"}));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().room, "report");
}

TEST(CsvRowOf, WritesFixedNumbersAsTheDomainDoes) {
  base::Rng rng(21);
  CsvRow row;
  const auto check = [&](std::int64_t raw) {
    row.begin();
    row.add(Money::from_raw(raw));
    EXPECT_EQ(row.end(), domain::format_fixed(raw) + "\n");
  };
  for (const std::int64_t raw : {0L, 1L, -1L, 10L, 100'000'000L, -100'000'000L, INT64_MAX, INT64_MIN + 1}) check(raw);
  for (int i = 0; i < 20'000; ++i) {
    const auto size = static_cast<std::int64_t>(rng.next() >> (1 + rng.below(63)));
    check(rng.below(2) == 0 ? size : -size);
  }
}

TEST(Ticks, AreRoundAndInsideTheRange) {
  for (const Range r : {Range{0, 1}, Range{-3, 17}, Range{9'871, 10'233}, Range{1e-5, 3e-5}}) {
    const auto ticks = nice_ticks(r, 5);
    EXPECT_GE(ticks.size(), 2u);
    EXPECT_LE(ticks.size(), 11u);
    for (const double t : ticks) EXPECT_TRUE(t >= r.low - 1e-12 && t <= r.high + 1e-12);
  }
  const double start = static_cast<double>(kFrom.unix_ms());
  for (const double days : {0.1, 0.5, 3.0, 20.0, 45.0, 90.0, 400.0, 1500.0, 9000.0}) {
    const auto ticks = time_ticks({start, start + days * 86'400'000});
    EXPECT_GE(ticks.size(), 1u) << days;
    EXPECT_LE(ticks.size(), 8u) << days;
  }
}

TEST(Numbers, AsPeopleReadThem) {
  EXPECT_EQ(dollars(*Money::parse("-1234567.891")), "−$1,234,567.89");
  EXPECT_EQ(dollars(*Money::parse("-0.001")), "$0.00");
  EXPECT_EQ(percent(0.01234), "+1.23 %");
  EXPECT_EQ(percent(std::nullopt), "n/a");
  EXPECT_EQ(percent(-12.5, 0), "−1,250 %");
  EXPECT_EQ(count(1'000), "1,000");
  EXPECT_EQ(duration_text(90'000), "1 d 1 h");
}

}  // namespace
}  // namespace qtrader::report
