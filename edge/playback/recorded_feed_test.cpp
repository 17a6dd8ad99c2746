// A recorded session: the real one end to end, and made-up ones for the rules of books and times.
#include <cmath>

#include "edge/playback/feed_book.hpp"
#include "edge/playback/playback_fixture.hpp"

namespace qtrader::playback::testing {
namespace {

using matching::BarTick;
using matching::BookLevel;
using matching::FundingTick;
using matching::MarkTick;
using matching::TradeTick;

const fs::path kFeed = "feed/binance-usdm/BTCUSDT-rawfeed_20240808T235415-235959.jsonl-ts.zst";

BookLevel level(const char* price, const char* quantity) {
  return {Price::parse(price).value(), Quantity::parse(quantity).value()};
}

struct Session {
  test::TempDir dir;
  std::string text;
  void line(const std::string& json) { text += "1 " + json + "\n"; }
  void stream(const std::string& data) { line(R"({"stream":"btcusdt@x","data":)" + data + "}"); }
  void trade(std::int64_t ms, const char* price, const char* quantity, bool maker = false,
             const char* kind = "MARKET") {
    stream(R"({"e":"trade","E":)" + std::to_string(ms) + R"(,"T":)" + std::to_string(ms) + R"(,"s":"BTCUSDT","t":)" +
           std::to_string(++trades) + R"(,"p":")" + price + R"(","q":")" + quantity + R"(","X":")" + kind +
           R"(","m":)" + (maker ? "true" : "false") + "}");
  }
  base::Result<std::unique_ptr<MarketSource>> open() {
    write(dir / "s.jsonl", text);
    return open_recorded_feed((dir / "s.jsonl").string(), "BTCUSDT", table({contract("BTCUSDT")}));
  }
  std::vector<MarketTick> ticks() {
    auto source = open();
    EXPECT_TRUE(source) << source.error().message();
    return source ? drain(**source) : std::vector<MarketTick>();
  }
  int trades = 0;
};

TEST(RecordedFeed, RealSessionEndToEnd) {
  QT_NEEDS_SHARED_DATA();
  const std::string file = (shared_data() / kFeed).string();
  auto source = open_recorded_feed(file, "BTCUSDT", table({contract("BTCUSDT")}));
  ASSERT_TRUE(source) << source.error().message();

  auto reader = FeedReader::open(file);
  ASSERT_TRUE(reader);
  std::map<Timestamp, TickerMessage> tickers;  // the last of each time
  std::size_t recorded_trades = 0;
  Quantity recorded_volume;
  for (auto m = (*reader)->next(); m && *m; m = (*reader)->next()) {
    if (const auto* t = std::get_if<TickerMessage>(&(*m)->body)) tickers[(*m)->time] = *t;
    if (const auto* t = std::get_if<TradeMessage>(&(*m)->body)) ++recorded_trades, recorded_volume += t->quantity;
  }
  EXPECT_EQ(recorded_trades, 21313U);

  Book book;
  Timestamp now = (*source)->begin();
  std::size_t trades = 0, compared = 0, equal = 0, marks = 0, books = 0;
  Quantity volume;
  double worst = 0;
  auto ticker = tickers.begin();
  for (auto tick = (*source)->next(); tick && *tick; tick = (*source)->next()) {
    ASSERT_GE(tick_time(**tick), now);
    if (tick_time(**tick) > now) {
      // Everything of `now` was played: the touch must be what the ticker last said.
      const TickerMessage* last = nullptr;
      for (; ticker != tickers.end() && ticker->first <= now; ++ticker) last = &ticker->second;
      if (last != nullptr && !book.bids.empty() && !book.asks.empty()) {
        ++compared;
        equal += book.bid() == last->bid.price && book.ask() == last->ask.price ? 1 : 0;
        worst = std::max(worst, std::fabs(book.bid().to_double() - last->bid.price.to_double()));
      }
      now = tick_time(**tick);
    }
    book.apply(**tick);
    ASSERT_FALSE(book.crossed()) << base::format_timestamp(now);
    books += (*tick)->index() <= 1 ? 1 : 0;
    if (const auto* t = std::get_if<TradeTick>(&**tick)) ++trades, volume += t->quantity;
    if (const auto* m = std::get_if<MarkTick>(&**tick)) {
      ++marks;
      EXPECT_NEAR(m->mark.to_double() / book.bid().to_double(), 1, 0.001);
    }
  }
  EXPECT_EQ(trades, recorded_trades);
  EXPECT_EQ(volume, recorded_volume);
  EXPECT_GT(books, 50'000U);
  EXPECT_GT(book.bids.size(), 900U);
  EXPECT_GT(compared, 10'000U);
  EXPECT_GT(static_cast<double>(equal) / static_cast<double>(compared), 0.99);
  EXPECT_LT(worst, 20);
  EXPECT_GT(marks, 330U);
}

TEST(RecordedFeed, RealSessionHasItsMinutesAndItsSettlement) {
  QT_NEEDS_SHARED_DATA();
  auto source = open_recorded_feed((shared_data() / kFeed).string(), "BTCUSDT", table({contract("BTCUSDT")}));
  ASSERT_TRUE(source);
  const auto ticks = drain(**source);
  const auto bars = only<BarTick>(ticks);
  ASSERT_EQ(bars.size(), 5U);  // 23:55 … 23:59; the minute the session began in is not whole
  EXPECT_EQ(bars.front().bar.open_time, at("2024-08-08T23:55"));
  EXPECT_EQ(bars.back().time, at("2024-08-09"));
  const auto trades = only<TradeTick>(ticks);
  for (const BarTick& b : bars) {
    double volume = 0;
    Price high, low = Price::from_int(1'000'000);
    for (const TradeTick& t : trades) {
      if (t.time < b.bar.open_time || t.time >= b.time) continue;
      volume += t.quantity.to_double();
      high = std::max(high, t.price);
      low = std::min(low, t.price);
    }
    EXPECT_NEAR(b.bar.volume, volume, 1e-6);
    EXPECT_EQ(b.bar.high, high);
    EXPECT_EQ(b.bar.low, low);
  }
  const auto funding = only<FundingTick>(ticks);
  ASSERT_EQ(funding.size(), 1U);
  EXPECT_EQ(funding[0].time, at("2024-08-09"));
}

TEST(RecordedFeed, MessagesAreSortedByTheExchangesTime) {
  Session s;
  s.trade(1'700'000'000'100, "100.0", "1");
  s.stream(R"({"e":"bookTicker","u":5,"s":"BTCUSDT","b":"99.9","B":"3","a":"100.1","A":"4","T":1700000000050,"E":1})");
  s.trade(1'700'000'000'200, "100.1", "2", true);
  const auto ticks = s.ticks();
  ASSERT_GE(ticks.size(), 3U);
  EXPECT_TRUE(std::holds_alternative<matching::BookDeltaTick>(ticks[0]));
  const auto trades = only<TradeTick>(ticks);
  EXPECT_EQ(trades[0].time.unix_ms(), 1'700'000'000'100);
  EXPECT_EQ(trades[0].taker, Side::Buy);
  EXPECT_EQ(trades[1].taker, Side::Sell);
}

TEST(RecordedFeed, OtherSymbolsStreamsAndInsuranceTradesArePassedOver) {
  Session s;
  s.trade(1'700'000'000'100, "100.0", "1");
  s.trade(1'700'000'000'150, "100.0", "7", false, "INSURANCE_FUND");
  s.stream(R"({"e":"trade","E":1,"T":1700000000160,"s":"ETHUSDT","t":9,"p":"5","q":"1","X":"MARKET","m":false})");
  s.stream(R"({"e":"aggTrade","E":1,"a":3,"s":"BTCUSDT","p":"100.0","q":"1","f":1,"l":1,"T":1700000000100,"m":false})");
  s.stream(R"({"e":"kline","E":1,"s":"BTCUSDT"})");
  EXPECT_EQ(only<TradeTick>(s.ticks()).size(), 1U);
}

TEST(RecordedFeed, RecordedMarksArePlayedAndSettle) {
  Session s;
  const auto mark = [&](const char* ms, const char* price, const char* next) {
    s.stream(std::string(R"({"e":"markPriceUpdate","E":)") + ms + R"(,"s":"BTCUSDT","p":")" + price +
             R"(","i":"99.5","P":"99","r":"0.00020000","T":)" + next + "}");
  };
  mark("1700006399000", "100.5", "1700006400000");
  s.trade(1'700'006'399'500, "100.0", "1");
  mark("1700006400000", "100.6", "1700035200000");
  const auto ticks = s.ticks();
  const auto marks = only<MarkTick>(ticks);
  ASSERT_EQ(marks.size(), 2U);
  EXPECT_EQ(marks[0].mark, Price::parse("100.5").value());
  EXPECT_EQ(marks[0].index, Price::parse("99.5").value());
  const auto funding = only<FundingTick>(ticks);
  ASSERT_EQ(funding.size(), 1U);
  EXPECT_EQ(funding[0].rate, Ratio::parse("0.0002").value());
}

TEST(RecordedFeed, BrokenLinesNameFileAndLine) {
  Session s;
  s.trade(1'700'000'000'100, "100.0", "1");
  s.stream(R"({"e":"trade","E":1,"T":1700000000160,"s":"BTCUSDT","t":9,"p":"x","q":"1","X":"MARKET","m":false})");
  auto source = s.open();
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, base::Errc::Corrupt);
  EXPECT_NE(source.error().context.find("s.jsonl:2: "), std::string::npos) << source.error().context;
  s.text = "no json here\n";
  EXPECT_EQ(s.open().error().code, base::Errc::Corrupt);
  s.text.clear();
  EXPECT_EQ(s.open().error().code, base::Errc::NotFound);
}

TEST(FeedBook, SnapshotCompletesAndOldUpdatesAreIgnored) {
  FeedBook book;
  book.apply(DepthMessage{false, 1, 10, 0, {level("99", "1")}, {level("101", "1")}});
  book.apply(DepthMessage{true, 20, 20, 0, {level("98", "2"), level("97", "2")}, {level("102", "2")}});
  EXPECT_EQ(book.bid().price, Price::from_int(98));  // 99 was within the snapshot's range and is not in it
  EXPECT_TRUE(book.apply(DepthMessage{false, 11, 15, 10, {level("98.5", "1")}, {}}).empty());
  book.apply(DepthMessage{false, 16, 21, 15, {level("98.5", "1")}, {}});
  EXPECT_EQ(book.bid().price, Price::parse("98.5").value());
}

TEST(FeedBook, TheTickerTakesAwayWhatIsGone) {
  FeedBook book;
  book.apply(DepthMessage{false, 1, 10, 0, {level("99", "1"), level("98", "1")}, {level("101", "1")}});
  book.apply(TickerMessage{12, level("98", "4"), level("98.5", "1")});
  EXPECT_EQ(book.bid().price, Price::from_int(98));
  EXPECT_EQ(book.bid().quantity, Quantity::from_int(4));
  EXPECT_EQ(book.ask().price, Price::parse("98.5").value());
  // Depth that is older than the ticker does not bring it back.
  book.apply(DepthMessage{false, 11, 11, 10, {level("99", "2")}, {}});
  EXPECT_EQ(book.bid().price, Price::from_int(98));
  // A ticker older than the depth changes nothing.
  book.apply(DepthMessage{false, 13, 14, 11, {level("98.2", "2")}, {}});
  EXPECT_TRUE(book.apply(TickerMessage{13, level("97", "1"), level("99", "1")}).empty());
  EXPECT_EQ(book.bid().price, Price::parse("98.2").value());
}

TEST(FeedBook, ABreakInTheChainEmptiesIt) {
  FeedBook book;
  book.apply(DepthMessage{false, 1, 10, 0, {level("99", "1")}, {level("101", "1")}});
  const BookChange change = book.apply(DepthMessage{false, 30, 31, 29, {level("95", "1")}, {level("96", "1")}});
  EXPECT_TRUE(change.whole);
  ASSERT_EQ(change.bids.size(), 1U);
  EXPECT_EQ(book.ask().price, Price::from_int(96));
}

}  // namespace
}  // namespace qtrader::playback::testing
