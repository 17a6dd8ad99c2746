#include <map>

#include "core/base/rng.hpp"
#include "edge/exchange/stream_testing.hpp"

namespace qtrader::exchange {
namespace {

using namespace testing;
using domain::Side;

std::int64_t number(const json::value& v) {
  return v.is_uint64() ? static_cast<std::int64_t>(v.as_uint64()) : v.as_int64();
}

std::vector<std::string> keys_of(const json::value& v) {
  std::vector<std::string> out;
  for (const auto& member : v.as_object()) out.emplace_back(member.key());
  std::sort(out.begin(), out.end());
  return out;
}
std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

TEST(StreamName, EveryNameOfTheTableIsUnderstood) {
  const auto table = contracts();
  const std::map<std::string, std::pair<StreamRoute, std::int64_t>> names = {
      {"btcusdt@aggTrade", {StreamRoute::Market, 0}},
      {"btcusdt@trade", {StreamRoute::Public, 0}},
      {"btcusdt@markPrice", {StreamRoute::Market, 3'000}},
      {"btcusdt@markPrice@1s", {StreamRoute::Market, 1'000}},
      {"!markPrice@arr", {StreamRoute::Market, 3'000}},
      {"!markPrice@arr@1s", {StreamRoute::Market, 1'000}},
      {"btcusdt@kline_1m", {StreamRoute::Market, 250}},
      {"btcusdt@kline_1M", {StreamRoute::Market, 250}},
      {"btcusdt_perpetual@continuousKline_1h", {StreamRoute::Market, 250}},
      {"btcusdt@miniTicker", {StreamRoute::Market, 2'000}},
      {"!miniTicker@arr", {StreamRoute::Market, 1'000}},
      {"btcusdt@ticker", {StreamRoute::Market, 2'000}},
      {"!ticker@arr", {StreamRoute::Market, 1'000}},
      {"btcusdt@bookTicker", {StreamRoute::Public, 0}},
      {"!bookTicker", {StreamRoute::Public, 5'000}},
      {"btcusdt@forceOrder", {StreamRoute::Market, 1'000}},
      {"!forceOrder@arr", {StreamRoute::Market, 1'000}},
      {"btcusdt@depth5", {StreamRoute::Public, 250}},
      {"btcusdt@depth10@100ms", {StreamRoute::Public, 100}},
      {"btcusdt@depth20@500ms", {StreamRoute::Public, 500}},
      {"btcusdt@depth", {StreamRoute::Public, 250}},
      {"btcusdt@depth@100ms", {StreamRoute::Public, 100}},
      {"btcusdt@depth@500ms", {StreamRoute::Public, 500}},
      {"btcusdt@depth@0ms", {StreamRoute::Public, 0}},
      {"btcusdt@rpiDepth@500ms", {StreamRoute::Public, 500}},
      {"!contractInfo", {StreamRoute::Market, 0}}};
  for (const auto& [name, want] : names) {
    const auto key = parse_stream_name(name, table);
    ASSERT_TRUE(key) << name;
    EXPECT_EQ(key->route, want.first) << name;
    EXPECT_EQ(key->cadence.ns, base::milliseconds(want.second).ns) << name;
  }
  for (const char* name :
       {"BTCUSDT@trade", "xrpusdt@trade", "btcusdt", "btcusdt@", "btcusdt@kline_1s", "btcusdt@depth7",
        "btcusdt@depth@50ms", "btcusdt_quarter@continuousKline_1m", "@trade", "", "!foo@arr", "btcusdt@compositeIndex"})
    EXPECT_FALSE(parse_stream_name(name, table)) << name;
}

TEST(SocketTarget, FormsOfTheSpecification) {
  const auto streams = [](std::string_view target) { return parse_socket_target(target)->streams; };
  using Names = std::vector<std::string>;
  EXPECT_EQ(streams("/ws"), Names{});
  EXPECT_EQ(streams("/ws/btcusdt@trade/ethusdt@trade"), (Names{"btcusdt@trade", "ethusdt@trade"}));
  EXPECT_EQ(streams("/public/ws/btcusdt@depth"), Names{"btcusdt@depth"});
  EXPECT_EQ(streams("/market/stream?streams=btcusdt@aggTrade/!ticker@arr"), (Names{"btcusdt@aggTrade", "!ticker@arr"}));
  EXPECT_EQ(streams("/stream?streams="), Names{});
  EXPECT_EQ(streams("/ws/17"), Names{});
  EXPECT_EQ(streams("/"), Names{});
  EXPECT_EQ(streams("/stream?streams=btcusdt%40trade"), Names{"btcusdt@trade"});
  EXPECT_TRUE(parse_socket_target("/stream")->combined);
  EXPECT_FALSE(parse_socket_target("/ws/btcusdt@trade")->combined);
  EXPECT_EQ(parse_socket_target("/public/ws")->route, StreamRoute::Public);
  EXPECT_EQ(parse_socket_target("/private/ws?listenKey=abc&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE")->listen_key,
            "abc");
  EXPECT_EQ(parse_socket_target("/private/ws?listenKey=abc&events=A/B")->events, (Names{"A", "B"}));
  EXPECT_TRUE(parse_socket_target("/ws-fapi/v1?returnRateLimits=false")->ws_api);
  EXPECT_FALSE(parse_socket_target("/ws-fapi/v1?returnRateLimits=false")->return_rate_limits);
  EXPECT_FALSE(parse_socket_target("/stream?streams=btcusdt@trade,ethusdt@trade"));  // a comma fails the handshake
  EXPECT_FALSE(parse_socket_target("/elsewhere"));
  EXPECT_FALSE(parse_socket_target("/public/ws-fapi/v1"));
}

std::vector<MarketTick> with(std::vector<MarketTick> ticks, std::vector<MarketTick> more) {
  ticks.insert(ticks.end(), more.begin(), more.end());
  return ticks;
}

TEST(MarketStreams, TradeAndAggTradeHaveTheFieldsOfTheWire) {
  StreamRig rig(with(opening(), {trade(1'000, "50001", "0.5", Side::Buy), trade(1'050, "50001", "0.25", Side::Buy),
                                 trade(1'060, "49999", "1", Side::Sell)}));
  const auto trades = rig.connect("/ws/btcusdt@trade"), aggregates = rig.connect("/ws/btcusdt@aggTrade");
  rig.world->advance_to(at_ms(2'000));
  ASSERT_EQ(trades->texts.size(), 3u);
  const auto t = trades->of("trade");
  EXPECT_EQ(keys_of(t[0]), sorted({"e", "E", "T", "s", "t", "p", "q", "X", "m"}));
  EXPECT_EQ(t[0].at("p").as_string(), "50001.0");
  EXPECT_EQ(t[0].at("q").as_string(), "0.500");
  EXPECT_EQ(t[0].at("X").as_string(), "MARKET");
  EXPECT_FALSE(t[0].at("m").as_bool());
  EXPECT_TRUE(t[2].at("m").as_bool());
  EXPECT_EQ(number(t[0].at("T")), at_ms(1'000).unix_ms());
  const auto a = aggregates->of("aggTrade");
  ASSERT_EQ(a.size(), 2u);
  EXPECT_EQ(keys_of(a[0]), sorted({"e", "E", "a", "s", "p", "q", "nq", "f", "l", "T", "m", "st"}));
  EXPECT_EQ(a[0].at("q").as_string(), "0.750");
  EXPECT_EQ(number(a[0].at("l")), number(a[0].at("f")) + 1);
  EXPECT_EQ(number(a[1].at("a")), number(a[0].at("a")) + 1);
  // The second ends 100 ms after it began, without anything else happening.
  EXPECT_EQ(number(a[1].at("E")), at_ms(1'160).unix_ms());
}

TEST(MarketStreams, MarkPricesComeEverySecondOrThreeWhetherTheyChangeOrNot) {
  StreamRig rig(opening());
  const auto one = rig.connect("/ws/btcusdt@markPrice@1s"), three = rig.connect("/ws/btcusdt@markPrice"),
             all = rig.connect("/ws/!markPrice@arr@1s");
  rig.world->advance_to(at_ms(10'000));
  EXPECT_EQ(one->texts.size(), 10u);
  EXPECT_EQ(three->texts.size(), 3u);
  EXPECT_EQ(all->texts.size(), 10u);
  const auto m = one->of("markPriceUpdate").at(0);
  EXPECT_EQ(keys_of(m), sorted({"e", "E", "s", "p", "ap", "i", "P", "r", "T", "st"}));
  EXPECT_EQ(m.at("p").as_string(), "50000.00000000");
  EXPECT_EQ(m.at("r").as_string(), "0.00010000");
  EXPECT_EQ(number(m.at("E")), at_ms(1'000).unix_ms());
  EXPECT_EQ(all->parsed().at(0).as_array().size(), 2u);
}

TEST(MarketStreams, KlinesArePushedEvery250MsAndOnceFinally) {
  std::vector<MarketTick> more;
  for (int i = 0; i < 100; ++i) more.push_back(trade(10 * i, "50001", "0.001", Side::Buy));
  more.push_back(trade(61'000, "50002", "1", Side::Buy));
  StreamRig rig(with(opening(), more));
  const auto one = rig.connect("/ws/btcusdt@kline_1m"), same = rig.connect("/ws/btcusdt_perpetual@continuousKline_1m");
  rig.world->advance_to(at_ms(60'500));
  const auto k = one->of("kline");
  ASSERT_EQ(k.size(), 5u);  // 250, 500, 750, 1000 ms and the end
  EXPECT_EQ(keys_of(k[0]), sorted({"e", "E", "s", "k"}));
  EXPECT_EQ(keys_of(k[0].at("k")),
            sorted({"t", "T", "s", "i", "f", "L", "o", "c", "h", "l", "v", "n", "x", "q", "V", "Q", "B"}));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(number(k[i].at("E")), at_ms(250 * (static_cast<std::int64_t>(i) + 1)).unix_ms());
    EXPECT_FALSE(k[i].at("k").at("x").as_bool());
  }
  EXPECT_TRUE(k[4].at("k").at("x").as_bool());
  EXPECT_EQ(number(k[4].at("E")), at_ms(60'000).unix_ms());
  EXPECT_EQ(number(k[4].at("k").at("T")), at_ms(60'000).unix_ms() - 1);
  EXPECT_EQ(k[4].at("k").at("v").as_string(), "0.100");
  EXPECT_EQ(number(k[4].at("k").at("n")), 100);
  const auto c = same->of("continuous_kline");
  ASSERT_EQ(c.size(), 5u);
  EXPECT_EQ(keys_of(c[0]), sorted({"e", "E", "ps", "ct", "k"}));
  EXPECT_FALSE(c[0].at("k").as_object().contains("s"));
  rig.world->advance_to(at_ms(62'000));
  EXPECT_EQ(one->of("kline").back().at("k").at("o").as_string(), "50002.0");
}

TEST(MarketStreams, TheFinalKlineIsTheRecordedBar) {
  domain::Bar bar;
  bar.open_time = kStart;
  bar.open = px("50000");
  bar.high = px("50321.5");
  bar.low = px("49000.1");
  bar.close = px("50111");
  bar.volume = 1234.567;
  bar.quote_volume = 61'728'350.1;
  bar.trades = 777;
  bar.timeframe = domain::Timeframe::M5;
  bar.columns = domain::kHasQuoteVolume | domain::kHasTrades;
  StreamRig rig(with(opening(), {trade(1'000, "50001", "0.5", Side::Buy),
                                 matching::BarTick{kBtc, domain::Timeframe::M5, bar, bar.close_time()},
                                 trade(300'000, "50111", "1", Side::Buy)}));
  const auto five = rig.connect("/ws/btcusdt@kline_5m"), fifteen = rig.connect("/ws/btcusdt@kline_15m");
  rig.world->advance_to(at_ms(301'000));
  const auto messages = five->of("kline");
  const auto end =
      std::find_if(messages.begin(), messages.end(), [](const auto& m) { return m.at("k").at("x").as_bool(); });
  ASSERT_NE(end, messages.end());
  EXPECT_EQ(end->at("k").at("h").as_string(), "50321.5");
  EXPECT_EQ(end->at("k").at("l").as_string(), "49000.1");
  EXPECT_EQ(end->at("k").at("v").as_string(), "1234.567");
  EXPECT_EQ(end->at("k").at("q").as_string(), "61728350.1000");
  EXPECT_EQ(number(end->at("k").at("n")), 777);
  EXPECT_EQ(fifteen->of("kline").back().at("k").at("l").as_string(), "49000.1");
  EXPECT_EQ(fifteen->of("kline").back().at("k").at("v").as_string(), "1235.567");
}

TEST(MarketStreams, TickersOfChangedSymbolsOnly) {
  StreamRig rig(with(opening(), {trade(100, "50001", "0.5", Side::Buy), trade(2'500, "3000.5", "1", Side::Buy, kEth)}));
  const auto all = rig.connect("/ws/!ticker@arr"), minis = rig.connect("/ws/!miniTicker@arr"),
             one = rig.connect("/ws/btcusdt@ticker"), mini = rig.connect("/ws/btcusdt@miniTicker");
  rig.world->advance_to(at_ms(10'000));
  ASSERT_EQ(all->texts.size(), 2u);
  EXPECT_EQ(all->parsed()[0].as_array().size(), 1u);
  EXPECT_EQ(all->parsed()[0].at(0).at("s").as_string(), "BTCUSDT");
  EXPECT_EQ(all->parsed()[1].at(0).at("s").as_string(), "ETHUSDT");
  EXPECT_EQ(minis->texts.size(), 2u);
  ASSERT_EQ(one->texts.size(), 1u);
  EXPECT_EQ(keys_of(one->parsed()[0]), sorted({"e", "E", "s", "p", "P", "w", "c", "Q", "o",  "h",
                                               "l", "v", "q", "O", "C", "F", "L", "n", "ps", "st"}));
  EXPECT_EQ(keys_of(mini->parsed().at(0)), sorted({"e", "E", "s", "c", "o", "h", "l", "v", "q", "ps", "st"}));
}

TEST(MarketStreams, BookTickerFollowsTheTopOnly) {
  StreamRig rig(with(opening(), {delta(100, {{px("49998"), qty("7")}}, {}), delta(200, {{px("49999"), qty("1")}}, {}),
                                 delta(300, {}, {{px("50000"), qty("2")}})}));
  const auto top = rig.connect("/ws/btcusdt@bookTicker"), all = rig.connect("/ws/!bookTicker");
  const auto before = top->texts.size();
  rig.world->advance_to(at_ms(6'000));
  const auto m = top->of("bookTicker");
  EXPECT_EQ(keys_of(m.back()), sorted({"e", "u", "E", "T", "s", "b", "B", "a", "A", "ps", "st"}));
  EXPECT_EQ(m.back().at("a").as_string(), "50000.0");
  EXPECT_EQ(m.back().at("B").as_string(), "1.000");
  EXPECT_GE(m.size(), before + 2);
  EXPECT_EQ(std::count_if(m.begin(), m.end(), [](const auto& v) { return number(v.at("T")) == at_ms(100).unix_ms(); }),
            0);
  EXPECT_EQ(all->texts.size(), 2u);  // once in five seconds, each symbol once
}

/// A market of random deltas, and the books that clients build of the diff streams.
class DepthChain : public ::testing::TestWithParam<const char*> {};

TEST_P(DepthChain, RebuildsTheBookOfTheExchange) {
  base::Rng rng(4);
  std::vector<MarketTick> ticks = opening();
  for (int i = 1; i <= 3'000; ++i) {
    const bool buy = rng.below(2) == 0;
    const auto price = Price::from_int(buy ? 49'900 + static_cast<std::int64_t>(rng.below(100))
                                           : 50'001 + static_cast<std::int64_t>(rng.below(100)));
    const matching::BookLevel level{price, Quantity::from_raw(static_cast<std::int64_t>(rng.below(4)) * 100'000'000)};
    ticks.push_back(buy ? delta(i * 7, {level}, {}) : delta(i * 7, {}, {level}));
  }
  StreamRig rig(std::move(ticks));
  rig.world->advance_to(at_ms(700));
  const auto socket = rig.connect("/ws/btcusdt@depth" + std::string(GetParam()));
  // What the local-book recipe starts from: a snapshot taken after the stream was opened.
  std::map<Price, Quantity> bids, asks;
  std::int64_t snapshot = 0, previous = 0;
  std::size_t applied = 0, seen = 0;
  const auto take = [&](const json::value& rows, std::map<Price, Quantity>& side) {
    for (const auto& row : rows.as_array()) {
      const auto p = Price::parse(std::string(row.at(0).as_string())).value();
      const auto q = Quantity::parse(std::string(row.at(1).as_string())).value();
      if (q.is_zero())
        side.erase(p);
      else
        side[p] = q;
    }
  };
  for (std::int64_t ms = 800; ms <= 23'000; ms += 100) {
    rig.world->advance_to(at_ms(ms));
    if (ms == 1'500) {
      const auto book = rig.world->exchange().book(kBtc, 1'000);
      snapshot = static_cast<std::int64_t>(book.update_id);
      for (const auto& l : book.bids) bids[l.price] = l.quantity;
      for (const auto& l : book.asks) asks[l.price] = l.quantity;
    }
    if (snapshot == 0) continue;
    const auto messages = socket->of("depthUpdate");
    for (; seen < messages.size(); ++seen) {
      const auto& m = messages[seen];
      const auto first = number(m.at("U")), last = number(m.at("u")), before = number(m.at("pu"));
      ASSERT_LE(first, last);
      ASSERT_EQ(before, previous == 0 ? before : previous);
      previous = last;
      if (last < snapshot) continue;
      ASSERT_LE(first, applied == 0 ? snapshot + 1 : first);
      take(m.at("b"), bids);
      take(m.at("a"), asks);
      ++applied;
    }
  }
  EXPECT_GT(applied, 20u);
  const auto book = rig.world->exchange().book(kBtc, 1'000);
  std::map<Price, Quantity> want_bids, want_asks;
  for (const auto& l : book.bids) want_bids[l.price] = l.quantity;
  for (const auto& l : book.asks) want_asks[l.price] = l.quantity;
  EXPECT_EQ(bids, want_bids);
  EXPECT_EQ(asks, want_asks);
  EXPECT_EQ(previous, static_cast<std::int64_t>(book.update_id));
}
INSTANTIATE_TEST_SUITE_P(Speeds, DepthChain, ::testing::Values("@0ms", "@100ms", "", "@250ms", "@500ms"),
                         [](const auto& speed) {
                           std::string name;
                           for (const char c : std::string(speed.param)) name += c == '@' ? 'a' : c;
                           return name.empty() ? std::string("plain") : name;
                         });

TEST(MarketStreams, DepthCadencesAreInExchangeTime) {
  std::vector<MarketTick> ticks = opening();
  for (int i = 1; i <= 2'000; ++i) ticks.push_back(delta(i, {{px("49999"), Quantity::from_int(1 + i % 3)}}, {}));
  StreamRig rig(std::move(ticks));
  const auto fast = rig.connect("/ws/btcusdt@depth@100ms"), slow = rig.connect("/ws/btcusdt@depth@500ms"),
             part = rig.connect("/ws/btcusdt@depth5@500ms");
  rig.world->advance_to(at_ms(2'000));
  EXPECT_EQ(fast->texts.size(), 20u);
  EXPECT_EQ(slow->texts.size(), 4u);
  EXPECT_EQ(part->texts.size(), 4u);
  const auto m = part->of("depthUpdate").back();
  EXPECT_EQ(keys_of(m), sorted({"e", "E", "T", "s", "ps", "st", "U", "u", "pu", "b", "a"}));
  EXPECT_EQ(m.at("b").as_array().size(), 3u);
  EXPECT_EQ(m.at("b").at(0).at(0).as_string(), "49999.0");
}

TEST(MarketStreams, OneMessageIsBuiltForAllAndOnlyIfWanted) {
  StreamRig rig(with(opening(), {trade(10, "50001", "1", Side::Buy), trade(20, "50001", "1", Side::Buy)}));
  const auto a = rig.connect("/ws/btcusdt@trade"), b = rig.connect("/ws/btcusdt@trade"),
             c = rig.connect("/stream?streams=btcusdt@trade");
  rig.world->advance_to(at_ms(15));
  ASSERT_EQ(a->texts.size(), 1u);
  EXPECT_EQ(a->texts[0].get(), b->texts[0].get());
  EXPECT_EQ(*c->texts[0], "{\"stream\":\"btcusdt@trade\",\"data\":" + *a->texts[0] + "}");
  const auto published = rig.world->streams().published();
  rig.sessions.clear();
  rig.world->advance_to(at_ms(1'000));
  EXPECT_EQ(rig.world->streams().published(), published);
  EXPECT_EQ(a->texts.size(), 1u);
}

TEST(MarketStreams, ContractInfoTellsAHalt) {
  StreamRig rig(opening());
  const auto socket = rig.connect("/ws/!contractInfo");
  rig.world->advance_to(at_ms(10));
  rig.world->exchange().set_status(kBtc, matching::SymbolStatus::Halted);
  rig.world->drain();
  ASSERT_EQ(socket->of("contractInfo").size(), 1u);
  const auto m = socket->of("contractInfo")[0];
  EXPECT_EQ(m.at("cs").as_string(), "TRADING_HALT");
  EXPECT_EQ(m.at("bks").as_array().size(), 2u);
  EXPECT_EQ(keys_of(m.at("bks").at(0)), sorted({"bs", "bnf", "bnc", "mmr", "cf", "mi", "ma"}));
}

}  // namespace
}  // namespace qtrader::exchange
