// The market side: bars in order and complete through gaps, reconnects and planned renewals; marks, funding, books.
#include "edge/binance/gateway_fixture.hpp"

namespace qtrader::binance::testing {
namespace {

std::vector<std::int64_t> slots(const World& w, domain::SymbolId symbol = kBtc) {
  std::vector<std::int64_t> out;
  for (const domain::BarClosed& b : w.all<domain::BarClosed>())
    if (b.symbol == symbol) out.push_back((b.bar.open_time - kStart).ns / base::minutes(5).ns);
  return out;
}
base::Timestamp slot(int n) { return kStart + base::minutes(5) * n; }

/// Answers klines as the exchange does: every 5-minute bar of the range, newest excluded while it is open.
void serve_klines(World& w) {
  w.rest->standing["GET /fapi/v1/klines"] = [&w](const Call& c) {
    std::vector<std::string> rows;
    const std::int64_t from = std::stoll(parameter(c, "startTime")), to = std::stoll(parameter(c, "endTime"));
    const auto limit = static_cast<std::size_t>(std::stoll(parameter(c, "limit")));
    for (std::int64_t t = (from + 299'999) / 300'000 * 300'000; t <= to && rows.size() < limit; t += 300'000)
      if (t <= w.host->now().unix_ms()) rows.push_back(kline_row(base::Timestamp::from_unix_ms(t)));
    return ApiResult(list(rows));
  };
}

using Slots = std::vector<std::int64_t>;

TEST(MarketFeed, SubscribesWhereTheExchangeRoutesIt) {
  World w;
  w.start();
  EXPECT_EQ(w.market()->url,
            "wss://x/market/stream?streams=btcusdt@kline_5m/btcusdt@markPrice@1s/ethusdt@kline_5m/"
            "ethusdt@markPrice@1s");
  EXPECT_EQ(w.books()->url,
            "wss://x/public/stream?streams=btcusdt@bookTicker/btcusdt@depth@100ms/ethusdt@bookTicker/"
            "ethusdt@depth@100ms");
}

TEST(MarketFeed, OnlyClosedBarsLeaveAndEachOnce) {
  World w;
  w.start();
  w.market()->feed(kline_event(slot(0), false));
  w.market()->feed(kline_event(slot(0), true, "100.5"));
  w.market()->feed(kline_event(slot(0), true, "100.5"));
  w.market()->feed(kline_event(slot(1), true));
  EXPECT_EQ(slots(w), (Slots{0, 1}));
  const domain::Bar bar = w.all<domain::BarClosed>().at(0).bar;
  EXPECT_EQ(bar.close.to_string(), "100.5");
  EXPECT_EQ(bar.columns, domain::kHasQuoteVolume | domain::kHasTrades | domain::kHasTakerBuy);
}

TEST(MarketFeed, AGapIsFilledBeforeTheNextBarIsDelivered) {
  World w;
  w.start();
  serve_klines(w);
  w.rest->hold["GET /fapi/v1/klines"] = true;
  w.market()->feed(kline_event(slot(0), true));
  w.live(base::minutes(25));
  w.market()->feed(kline_event(slot(3), true));
  w.market()->feed(kline_event(slot(4), true));
  EXPECT_EQ(slots(w), Slots{0});
  const Call& asked = w.rest->last("GET /fapi/v1/klines");
  EXPECT_EQ(parameter(asked, "startTime"), ms(slot(1)));
  w.rest->release("GET /fapi/v1/klines", list({kline_row(slot(1)), kline_row(slot(2))}));
  EXPECT_EQ(slots(w), (Slots{0, 1, 2, 3, 4}));
}

TEST(MarketFeed, AGapIsAskedForUntilItIsAnswered) {
  World w;
  w.start();
  w.market()->feed(kline_event(slot(0), true));
  w.live(base::minutes(15));
  w.rest->queued["GET /fapi/v1/klines"] = {failed(FailureClass::Throttled), failed(FailureClass::Unknown),
                                           list({kline_row(slot(1))})};
  w.market()->feed(kline_event(slot(2), true));
  w.advance(base::seconds(5));
  EXPECT_EQ(slots(w), (Slots{0, 1, 2}));
}

TEST(MarketFeed, BarsTheExchangeDoesNotHaveAreSkipped) {
  World w;
  w.start();
  w.market()->feed(kline_event(slot(0), true));
  w.live(base::minutes(25));
  w.market()->feed(kline_event(slot(4), true));  // a halt: the standing answer is an empty list
  w.host->settle();
  EXPECT_EQ(slots(w), (Slots{0, 4}));
}

TEST(MarketFeed, HistoryComesInOrderOfTimeOverAllSymbols) {
  World w;
  serve_klines(w);
  w.gateway->start(slot(-2'500), [&](base::Result<AccountState> r) { w.started.push_back(std::move(r)); });
  w.host->settle();
  const auto bars = w.all<domain::BarClosed>();
  ASSERT_EQ(bars.size(), 2u * 2'499u) << "the last one closes at this very moment: not settled yet";
  for (std::size_t i = 0; i < bars.size(); ++i) {
    EXPECT_EQ(bars[i].bar.open_time, slot(-2'500 + static_cast<int>(i / 2)));
    EXPECT_EQ(bars[i].symbol.value, i % 2);
  }
  w.open_sockets();
  w.advance(base::seconds(4));
  EXPECT_EQ(slots(w).back(), -1) << "found once it has settled, although no stream said so";
}

TEST(MarketFeed, WarmUpIsCountedInBars) {
  GatewayConfig c;
  c.backfill_bars = 100;
  World w(c);
  serve_klines(w);
  w.start();
  EXPECT_EQ(w.gateway->market().books().book(kBtc).needs_snapshot(), true);
  EXPECT_EQ(w.started.at(0)->wallet.to_string(), "1234.5");
}

TEST(MarketFeed, BarsOfAnOutageAreFetched) {
  World w;
  w.start();
  serve_klines(w);
  w.market()->feed(kline_event(slot(0), true));
  w.market()->drop();
  EXPECT_EQ(w.link(), domain::LinkState::Degraded);
  w.advance(base::minutes(16));
  w.open_sockets();
  EXPECT_EQ(w.link(), domain::LinkState::Ready);
  w.advance(base::seconds(4));
  EXPECT_EQ(slots(w), (Slots{0, 1, 2}));
  w.market()->feed(kline_event(slot(3), true));
  EXPECT_EQ(slots(w), (Slots{0, 1, 2, 3}));
}

TEST(MarketFeed, ReconnectsWaitLongerAndLonger) {
  World w;
  w.start();
  w.market()->drop();
  std::vector<double> waits;
  for (int i = 0; i < 9; ++i) {
    const base::Timestamp from = w.host->now();
    while (w.host->connects.empty()) w.advance(base::milliseconds(50));
    waits.push_back((w.host->now() - from).seconds());
    w.refuse_sockets();
  }
  double most = 1;
  for (const double wait : waits) {
    EXPECT_GE(wait, most / 2 - 0.06);
    EXPECT_LE(wait, most + 0.06);
    most = std::min(60.0, most * 2);
  }
}

TEST(MarketFeed, SilenceIsALoss) {
  World w;
  w.start();
  const auto first = w.market();
  w.live(base::minutes(10));
  EXPECT_TRUE(first->open);
  w.advance(base::seconds(21));
  EXPECT_FALSE(first->open);
  EXPECT_EQ(w.link(), domain::LinkState::Degraded);
  EXPECT_TRUE(w.books()->open) << "a quiet book that answers pings is well";
}

TEST(MarketFeed, ABookThatAnswersNoPingIsLost) {
  World w;
  w.start();
  const auto books = w.books();
  books->answers = false;
  w.live(base::seconds(30));
  EXPECT_FALSE(books->open);
}

TEST(MarketFeed, APlannedReconnectLosesAndRepeatsNothing) {
  World w;
  w.start();
  serve_klines(w);
  w.market()->feed(kline_event(slot(0), true));
  const auto old = w.market();
  w.live(base::seconds(23 * 3600 - 60));
  w.events.clear();
  ASSERT_TRUE(w.host->connects.empty());
  w.live(base::minutes(2));
  ASSERT_FALSE(w.host->connects.empty());
  EXPECT_TRUE(old->open) << "the old connection stays until the new one is there";
  EXPECT_EQ(w.link(), domain::LinkState::Ready);
  const int next = static_cast<int>((w.host->now() - kStart).ns / base::minutes(5).ns);
  old->feed(kline_event(slot(next - 1), true));  // fills what this test did not stream
  w.host->settle();
  w.events.clear();
  w.open_sockets();
  const auto fresh = w.market();
  ASSERT_NE(fresh, old);
  old->feed(kline_event(slot(next), true));
  fresh->feed(kline_event(slot(next), true));  // both deliver for a while
  const base::Timestamp at = w.host->now() + base::milliseconds(1);
  old->feed(mark_event(at, kStart + base::hours(8)));
  fresh->feed(mark_event(at, kStart + base::hours(8)));
  EXPECT_EQ(slots(w), Slots{next});
  EXPECT_EQ(w.all<domain::MarkPrice>().size(), 1u);
  w.advance(base::seconds(6));
  EXPECT_FALSE(old->open);
  fresh->feed(kline_event(slot(next + 1), true));
  EXPECT_EQ(slots(w), (Slots{next, next + 1}));
  EXPECT_TRUE(w.all<domain::VenueLink>().empty()) << "nobody had to know";
}

TEST(MarketFeed, ASettlementIsReportedWithTheExchangesRate) {
  World w;
  w.start();
  const base::Timestamp settles = kStart + base::minutes(1);
  w.rest->queued["GET /fapi/v1/fundingRate"] = {
      std::string("[]"), R"([{"symbol":"BTCUSDT","fundingTime":)" + ms(settles) +
                             R"(,"fundingRate":"0.00012","markPrice":"100.5","rateType":"Regular"}])"};
  w.market()->feed(mark_event(w.host->now(), settles));
  w.advance(base::seconds(5));
  EXPECT_TRUE(w.all<domain::FundingRate>().empty());
  w.market()->feed(mark_event(settles + base::seconds(1), settles + base::hours(4)));
  w.advance(base::seconds(12));
  const auto rates = w.all<domain::FundingRate>();
  ASSERT_EQ(rates.size(), 1u);
  EXPECT_EQ(rates[0].rate.to_string(), "0.00012");
  EXPECT_EQ(rates[0].ts_event, settles);
  EXPECT_EQ(rates[0].interval_hours, 4);
}

std::string book_ticker(std::int64_t u, base::Timestamp at, const std::string& bid) {
  return R"({"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":)" + std::to_string(u) +
         R"(,"s":"BTCUSDT","b":")" + bid + R"(","B":"2","a":"101","A":"3","T":)" + ms(at) + R"(,"E":)" + ms(at) + "}}";
}
std::string depth_event(std::int64_t first, std::int64_t last, std::int64_t previous, base::Timestamp at,
                        const std::string& bid = "99") {
  return R"({"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":)" + ms(at) + R"(,"T":)" + ms(at) +
         R"(,"s":"BTCUSDT","U":)" + std::to_string(first) + R"(,"u":)" + std::to_string(last) + R"(,"pu":)" +
         std::to_string(previous) + R"(,"b":[[")" + bid + R"(","5"]],"a":[]}})";
}

TEST(BookFeed, BestPricesComeAtMostTenTimesASecondAndTheLastOneAlways) {
  World w;
  w.start();
  for (int i = 0; i < 100; ++i)
    w.books()->feed(book_ticker(100 + i, kStart + base::minutes(1) + base::milliseconds(10 * i),
                                std::to_string(90) + "." + std::to_string(100 + i)));
  const auto sent = w.all<domain::BookTop>();
  EXPECT_EQ(sent.size(), 10u);
  w.advance(base::seconds(1));
  ASSERT_EQ(w.all<domain::BookTop>().size(), 11u);
  EXPECT_EQ(w.all<domain::BookTop>().back().bid.to_string(), "90.199");
  EXPECT_EQ(w.all<domain::BookTop>().back().bid_depth_usdt, 0) << "no book yet: no depth is known";
}

TEST(BookFeed, DepthFollowsTheBookAndFallsSilentOutOfStep) {
  World w;
  w.start();
  const base::Timestamp t = kStart + base::minutes(1);
  w.books()->feed(depth_event(9, 12, 8, t));
  w.host->settle();  // snapshot 10 arrives
  ASSERT_EQ(w.all<domain::BookDepth>().size(), 1u);
  EXPECT_EQ(w.all<domain::BookDepth>()[0].bids.at(0).quantity.to_string(), "5");
  for (int i = 0; i < 10; ++i)
    w.books()->feed(depth_event(13 + i, 13 + i, 12 + i, t + base::milliseconds(100 * (i + 1)), "98.5"));
  EXPECT_LE(w.all<domain::BookDepth>().size(), 5u) << "four a second";
  w.advance(base::seconds(1));
  w.events.clear();
  w.rest->hold["GET /fapi/v1/depth"] = true;
  w.books()->feed(depth_event(40, 41, 39, t + base::seconds(10)));  // 23 … 39 never came
  w.books()->feed(depth_event(42, 43, 41, t + base::seconds(11)));
  w.advance(base::seconds(1));
  EXPECT_TRUE(w.all<domain::BookDepth>().empty());
  EXPECT_EQ(w.rest->count("GET /fapi/v1/depth"), 2);
  w.rest->release("GET /fapi/v1/depth",
                  std::string(R"({"lastUpdateId":42,"E":1,"T":1,"bids":[["97","1"]],"asks":[["101","1"]]})"));
  EXPECT_EQ(w.all<domain::BookDepth>().size(), 1u);
}

TEST(BookFeed, ADiffSentByBothConnectionsIsAppliedOnce) {
  World w;
  w.start();
  const base::Timestamp t = kStart + base::minutes(1);
  w.books()->feed(depth_event(9, 12, 8, t));
  w.host->settle();
  w.books()->feed(depth_event(13, 14, 12, t + base::seconds(1)));
  w.books()->feed(depth_event(13, 14, 12, t + base::seconds(1)));
  w.books()->feed(depth_event(15, 16, 14, t + base::seconds(2)));
  EXPECT_TRUE(w.gateway->market().books().book(kBtc).usable());
  EXPECT_EQ(w.rest->count("GET /fapi/v1/depth"), 1);
}

TEST(MarketFeed, PaperModeNeedsNoKeyAndTakesNoOrders) {
  GatewayConfig c;
  c.trade = false;
  World w(c);
  w.gateway->start({}, [&](base::Result<AccountState> r) { w.started.push_back(std::move(r)); });
  w.host->settle();
  w.open_sockets();
  w.advance(base::seconds(4));
  ASSERT_EQ(w.started.size(), 1u);
  EXPECT_TRUE(w.started[0].ok());
  EXPECT_EQ(w.link(), domain::LinkState::Ready);
  for (const Call& call : w.rest->calls) EXPECT_EQ(call.security, Security::None) << call.path;
  const auto handed = w.gateway->submit_order(w.entry());
  ASSERT_FALSE(handed.ok());
  EXPECT_EQ(handed.error().code, base::Errc::Unsupported);
}

}  // namespace
}  // namespace qtrader::binance::testing
