#include "edge/exchange/server.hpp"

#include <filesystem>

#include "edge/exchange/pacer.hpp"
#include "edge/exchange/server_testing.hpp"
#include "edge/exchange/shifted_source.hpp"
#include "edge/net/certificate.hpp"

namespace qtrader::exchange {
namespace {

using namespace testing;
using domain::Side;
using Names = std::vector<std::string>;

TEST_F(ServerTest, AnOrderThroughRestAppearsOnTheUserStream) {
  start();
  const auto ear = listen("/private/ws/" + listen_key());
  const auto reply = buy("1", "mine");
  ASSERT_EQ(reply.status, 200) << reply.text;
  settle(*ear);
  EXPECT_EQ(ear->events(), (Names{"ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"}));
  const auto last = json::parse(ear->texts.back());
  EXPECT_EQ(last.at("o").at("c").as_string(), "mine");
  EXPECT_EQ(last.at("o").at("i").as_int64(), reply.body().at("orderId").as_int64());
}

TEST_F(ServerTest, TheWebSocketApiTradesOnTheSameExchange) {
  start();
  const auto api = listen("/ws-fapi/v1");
  api->socket->send(R"({"id":7,"method":"time"})");
  ASSERT_TRUE(until([&] { return api->texts.size() == 1; }));
  const auto body = json::parse(api->texts[0]);
  EXPECT_EQ(body.at("id").as_int64(), 7);
  EXPECT_EQ(body.at("status").as_int64(), 200);
  EXPECT_EQ(body.at("result").at("serverTime").as_int64(), kStart.unix_ms());
}

TEST_F(ServerTest, MarketStreamsAndKlinesSayTheSame) {
  start({trade(100, "50001", "0.5", Side::Buy), trade(200, "50002", "0.5", Side::Buy)});
  const auto ear = listen("/market/stream?streams=btcusdt@kline_1m/btcusdt@aggTrade");
  advance_to(1'000);
  settle(*ear);
  const auto rows = get("/fapi/v1/klines?symbol=BTCUSDT&interval=1m").body();
  ASSERT_EQ(rows.as_array().size(), 1u);
  json::value last;
  for (const auto& t : ear->texts)
    if (const auto v = json::parse(t); v.at("stream").as_string() == "btcusdt@kline_1m") last = v.at("data");
  EXPECT_EQ(rows.at(0).at(4).as_string(), last.at("k").at("c").as_string());
  EXPECT_EQ(rows.at(0).at(5).as_string(), last.at("k").at("v").as_string());
}

TEST_F(ServerTest, LockstepMovesOnlyWhenToldTo) {
  start({trade(100, "50001", "0.5", Side::Buy), trade(200, "50002", "0.5", Side::Buy)});
  EXPECT_EQ(server->now(), kStart);
  net::test::run_a_while(loop, 30);
  EXPECT_EQ(server->now(), kStart);
  auto reply = control("POST", "advance", R"({"ticks":1})");
  EXPECT_EQ(reply.body().at("ticks").as_int64(), 5);
  EXPECT_EQ(server->now(), at_ms(100));
  control("POST", "advance", R"({"by_ms":50})");
  EXPECT_EQ(server->now(), at_ms(150));
  EXPECT_FALSE(server->finished());
  advance_to(60'000);
  EXPECT_EQ(server->now(), at_ms(60'000));
  EXPECT_TRUE(server->finished());
  EXPECT_EQ(control("POST", "advance", R"({"hours":5})").status, 400);
  EXPECT_EQ(control("POST", "advance", R"({"ticks":-1})").status, 400);
  EXPECT_EQ(control("POST", "advance", "{").status, 400);
}

TEST_F(ServerTest, ControlNeedsItsKeyAndShowsTheState) {
  start();
  EXPECT_EQ(control("GET", "state", "", "wrong").status, 401);
  EXPECT_EQ(control("GET", "nowhere").status, 404);
  buy("1", "a");
  signed_call("POST", "/fapi/v1/order",
              "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=48000&newClientOrderId=rest");
  const auto state = control("GET", "state").body();
  EXPECT_EQ(state.at("now_ms").as_int64(), kStart.unix_ms());
  EXPECT_TRUE(state.at("lockstep").as_bool());
  const auto& account = state.at("accounts").at(0);
  EXPECT_EQ(account.at("api_key").as_string(), "demo");
  EXPECT_EQ(account.at("open_orders").at(0).at("client_id").as_string(), "rest");
  EXPECT_EQ(account.at("positions").at(0).at("amount").as_string(), "1");
  EXPECT_EQ(account.at("wallet").as_string(), "9974.9995");
  EXPECT_EQ(state.at("counters").at("requests").as_int64(), 2);
}

TEST_F(ServerTest, TwoRunsOfOneScriptSendTheSameMessages) {
  std::vector<MarketTick> ticks;
  for (int i = 1; i < 400; ++i) {
    ticks.push_back(
        delta(i * 50, {{px("49998"), Quantity::from_int(1 + i % 5)}}, {{px("50002"), Quantity::from_int(1 + i % 7)}}));
    ticks.push_back(trade(i * 50 + 5, i % 2 == 0 ? "50001" : "49999", "0.01", i % 2 == 0 ? Side::Buy : Side::Sell));
  }
  const auto play = [&] {
    start(ticks);
    const auto market = listen(
        "/stream?streams=btcusdt@depth@100ms/btcusdt@trade/btcusdt@kline_1m/!markPrice@arr@1s/btcusdt@bookTicker");
    const auto user = listen("/private/ws/" + listen_key());
    for (int i = 1; i <= 10; ++i) {
      advance_to(i * 1'500);
      buy("0.01", "order-" + std::to_string(i));
    }
    settle(*market);
    settle(*user);
    auto texts = market->texts;
    texts.insert(texts.end(), user->texts.begin(), user->texts.end());
    client.reset();
    server.reset();
    return texts;
  };
  const auto first = play(), second = play();
  EXPECT_GT(first.size(), 500u);
  EXPECT_EQ(first, second);
}

TEST_F(ServerTest, AsFastAsClientsKeepUpLosesNothing) {
  std::vector<MarketTick> ticks;
  for (int i = 1; i <= 20'000; ++i) ticks.push_back(trade(i * 10, "50001", "0.001", Side::Buy));
  ExchangeServerConfig config;
  config.speed = 0;
  start(ticks, config);
  net::test::run_a_while(loop, 20);
  EXPECT_EQ(server->now(), kStart) << "nobody listens yet";
  const auto ear = listen("/ws/btcusdt@trade");
  ASSERT_TRUE(until([&] { return ear->texts.size() == 20'000 || ear->closed; }));
  EXPECT_FALSE(ear->closed);
  EXPECT_TRUE(server->finished());
  std::int64_t last = 0;
  for (const auto& t : ear->texts) {
    const auto id = json::parse(t).at("t").as_int64();
    EXPECT_EQ(id, last == 0 ? id : last + 1);
    last = id;
  }
}

TEST_F(ServerTest, WallClockMovesTheWholeMarketToNow) {
  ExchangeServerConfig config;
  config.wall_clock = true;
  config.lockstep = true;
  const std::int64_t before =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  start({trade(86'400'000 * 20LL, "50001", "1", Side::Buy)}, config);
  EXPECT_GE(server->now().unix_ms(), before);
  EXPECT_LT(server->now().unix_ms(), before + 600'000);
  EXPECT_EQ(server->shift().ns % base::days(1).ns, 0);
  EXPECT_EQ(get("/fapi/v1/time").body().at("serverTime").as_int64(), server->now().unix_ms());
}

TEST_F(ServerTest, SpeaksTls) {
  const auto directory = std::filesystem::temp_directory_path() / ("qt-exchange-tls-" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory);
  const auto certificate = directory / "server.pem", key = directory / "server.key";
  ASSERT_TRUE(net::write_self_signed(certificate, key, {"127.0.0.1"}).ok());
  ExchangeServerConfig config;
  config.net.tls = net::ServerTls{certificate.string(), key.string()};
  ca_file = certificate.string();
  start({trade(100, "50001", "1", Side::Buy)}, config);
  EXPECT_EQ(get("/fapi/v1/ping").status, 200);
  const auto ear = listen("/ws/btcusdt@trade");
  advance_to(200);
  settle(*ear);
  EXPECT_EQ(ear->events(), Names{"trade"});
  ear->socket.reset();
  std::filesystem::remove_all(directory);
}

TEST_F(ServerTest, AccountsMustBeDistinctAndUnknownSocketsAreRefused) {
  ExchangeServerConfig twice;
  twice.accounts = {{}, {}};
  const auto made =
      ExchangeServer::start(loop, twice, contracts(), contract_rules(), std::make_unique<ScriptSource>(opening()), {});
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message().find("demo"), std::string::npos);
  start();
  EXPECT_TRUE(listen("/nowhere")->refused);
  EXPECT_TRUE(listen("/stream?streams=btcusdt@trade,ethusdt@trade")->refused);
}

TEST(Pacer, TimeRunsAtItsSpeedAndGoesOnAfterTheSource) {
  auto world = make_world(opening());
  base::Timestamp steady;
  Pacer pacer(*world, {10, false, [&] { return steady; }, [] { return false; }});
  pacer.start();
  steady = steady + base::seconds(1);
  pacer.catch_up();
  EXPECT_EQ(world->now(), kStart + base::seconds(10));
  EXPECT_TRUE(world->finished());
  steady = steady + base::seconds(2);
  const auto wait = pacer.slice();
  EXPECT_EQ(world->now(), kStart + base::seconds(30));
  ASSERT_TRUE(wait);
  EXPECT_GT(wait->ns, 0);
}

TEST(Pacer, CongestionStopsTimeInsteadOfSkippingIt) {
  std::vector<MarketTick> ticks = opening();
  for (int i = 1; i <= 1'000; ++i) ticks.push_back(trade(i, "50001", "0.001", Side::Buy));
  auto world = make_world(ticks);
  base::Timestamp steady;
  bool congested = true;
  Pacer pacer(*world, {100, false, [&] { return steady; }, [&] { return congested; }});
  pacer.start();
  steady = steady + base::seconds(1);
  EXPECT_TRUE(pacer.slice());
  const auto stopped = world->now();
  EXPECT_LT(stopped, at_ms(1'000));
  congested = false;
  pacer.slice();
  EXPECT_EQ(world->now(), stopped) << "time goes on from where it stopped, not from where it should be";
  steady = steady + base::seconds(1);
  pacer.slice();
  EXPECT_EQ(world->now(), stopped + base::seconds(100));
}

TEST(ShiftedSource, MovesEveryTimeAlikeByWholeDays) {
  const auto wall = kStart + base::days(500) + base::hours(5);
  const auto shift = wall_clock_shift(kStart, kStart + base::days(30), wall);
  EXPECT_EQ(shift.ns, base::days(500).ns);
  EXPECT_EQ(wall_clock_shift(kStart, kStart + base::hours(12), wall).ns, (base::days(500) + base::hours(5)).ns);
  EXPECT_EQ(wall_clock_shift(wall, {INT64_MAX}, kStart).ns, base::days(-501).ns);
  domain::Bar bar;
  bar.open_time = kStart;
  ShiftedSource source(std::make_unique<ScriptSource>(std::vector<MarketTick>{
                           mark(0, "1"), matching::BarTick{kBtc, domain::Timeframe::M5, bar, at_ms(300'000)}}),
                       base::days(2));
  EXPECT_EQ(source.begin(), kStart + base::days(2));
  const auto m = std::get<matching::MarkTick>(**source.next());
  EXPECT_EQ(m.time, kStart + base::days(2));
  EXPECT_EQ(m.next_funding, kStart + base::hours(56));
  const auto b = std::get<matching::BarTick>(**source.next());
  EXPECT_EQ(b.bar.open_time, kStart + base::days(2));
  EXPECT_EQ(b.time, at_ms(300'000) + base::days(2));
}

}  // namespace
}  // namespace qtrader::exchange
