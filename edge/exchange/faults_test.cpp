#include "edge/exchange/faults.hpp"

#include "edge/exchange/server_testing.hpp"

namespace qtrader::exchange {
namespace {

using namespace testing;
using domain::Side;

TEST(FaultRules, ParseOrNameWhatIsWrong) {
  const auto rules = parse_fault_rules(
      R"({"rules":[{"type":"delay","ms":50,"when":"after","match":{"path":"/fapi/*"},"count":0,"after":2},)"
      R"({"type":"respond","kind":"throttled"}]})");
  ASSERT_TRUE(rules.ok()) << rules.error().message();
  EXPECT_EQ(rules->size(), 2u);
  EXPECT_TRUE((*rules)[0].after_execution);
  EXPECT_EQ((*rules)[1].code, -1008);
  for (const char* wrong :
       {"{", "7", R"({"type":"explode"})", R"({"type":"delay"})", R"({"type":"delay","ms":0})",
        R"({"type":"delay","ms":5,"when":"never"})", R"({"type":"respond","kind":"rude"})",
        R"({"type":"ban","status":500})", R"({"type":"symbol_status","status":"HALT"})",
        R"({"type":"drop_before_execution","colour":1})", R"({"type":"drop_before_execution","match":{"colour":1}})",
        R"({"type":"disconnect","channel":"all of them"})",
        R"({"type":"filters","match":{"symbol":"BTCUSDT"},"tick_size":"-1"})"})
    EXPECT_FALSE(parse_fault_rules(wrong).ok()) << wrong;
}

TEST(FaultPlan, CountsSkipsAndMatches) {
  FaultPlan plan;
  const auto add = [&](const char* json) { plan.add(parse_fault_rules(json).value().at(0)); };
  add(R"({"type":"drop_before_execution","after":1,"count":2,"match":)"
      R"({"method":"POST","path":"/fapi/v1/order","symbol":"BTCUSDT","client_id":"entry-"}})");
  const auto hit = [&](std::string_view method, std::string_view path, const char* symbol, const char* id) {
    return plan.on_request({method, path, "", {{"symbol", symbol}, {"newClientOrderId", id}}}).drop_before;
  };
  EXPECT_FALSE(hit("POST", "/fapi/v1/order", "BTCUSDT", "entry-1"));  // skipped
  EXPECT_FALSE(hit("GET", "/fapi/v1/order", "BTCUSDT", "entry-1"));
  EXPECT_FALSE(hit("POST", "/fapi/v1/order", "ETHUSDT", "entry-1"));
  EXPECT_FALSE(hit("POST", "/fapi/v1/order", "BTCUSDT", "exit-1"));
  EXPECT_TRUE(hit("POST", "/fapi/v1/order", "BTCUSDT", "entry-2"));
  EXPECT_TRUE(hit("POST", "/fapi/v1/order", "BTCUSDT", "entry-3"));
  EXPECT_FALSE(hit("POST", "/fapi/v1/order", "BTCUSDT", "entry-4"));
  EXPECT_TRUE(plan.empty());
  add(R"({"type":"stream_drop","count":0,"match":{"stream":"btcusdt@*"}})");
  EXPECT_TRUE(plan.on_message("btcusdt@trade", "trade").drop);
  EXPECT_FALSE(plan.on_message("ethusdt@trade", "trade").drop);
  EXPECT_TRUE(plan.on_message("btcusdt@kline_1m", "kline").drop);
}

class Faults : public ServerTest {};

TEST_F(Faults, DropsBeforeAndAfterExecution) {
  start();
  fault(R"({"type":"drop_before_execution","match":{"method":"POST","path":"/fapi/v1/order"}})");
  EXPECT_TRUE(buy("1", "never").failed);
  EXPECT_EQ(query("never").body().at("code").as_int64(), -2013);
  fault(R"({"type":"drop_after_execution","match":{"method":"POST","path":"/fapi/v1/order"}})");
  EXPECT_TRUE(buy("1", "done").failed);
  EXPECT_EQ(query("done").body().at("status").as_string(), "FILLED");
  EXPECT_EQ(buy("1", "plain").status, 200) << "each rule applies once";
}

TEST_F(Faults, AnswersOfEveryKind) {
  start();
  const struct {
    const char* kind;
    int status, code;
    const char* text;
  } cases[] = {{"unknown", 503, -1000, "Unknown error, please check your request or try again later."},
               {"unavailable", 503, -1001, "Service Unavailable."},
               {"throttled", 503, -1008, "Request throttled by system-level protection."},
               {"internal", 500, -1001, "Internal error"},
               {"timeout", 408, -1007, "Timeout"}};
  for (const auto& c : cases) {
    fault(std::string(R"({"type":"respond","kind":")") + c.kind + R"("})");
    const auto reply = buy("1", std::string("n-") + c.kind);
    EXPECT_EQ(reply.status, c.status);
    EXPECT_EQ(reply.body().at("code").as_int64(), c.code);
    EXPECT_TRUE(reply.body().at("msg").as_string().starts_with(c.text));
    EXPECT_EQ(query(std::string("n-") + c.kind).status, 400);
  }
  fault(R"({"type":"respond","kind":"unknown","when":"after","match":{"client_id":"ghost"}})");
  EXPECT_EQ(buy("1", "ghost-1").status, 503);
  EXPECT_EQ(query("ghost-1").body().at("status").as_string(), "FILLED");
}

TEST_F(Faults, DelayBeforeAndAfterExecution) {
  start();
  const auto filled = [&](const char* id) { return query(id).status == 200; };
  fault(R"([{"type":"delay","ms":150,"match":{"client_id":"late"}},)"
        R"({"type":"delay","ms":150,"when":"after","match":{"client_id":"slow"}}])");
  const auto late =
      send_signed("POST", "/fapi/v1/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&newClientOrderId=late");
  const auto slow =
      send_signed("POST", "/fapi/v1/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&newClientOrderId=slow");
  // Both requests are in once their faults are used up.
  ASSERT_TRUE(until([&] { return control("GET", "faults").body().at("rules").as_array().empty(); }));
  EXPECT_TRUE(filled("slow"));
  EXPECT_EQ(wait(late).status, 200);
  EXPECT_EQ(wait(slow).status, 200);
  EXPECT_TRUE(filled("late"));
}

TEST_F(Faults, BansEndByExchangeTime) {
  start();
  fault(R"({"type":"ban","status":418,"seconds":30})");
  const auto banned = get("/fapi/v1/ping");
  EXPECT_EQ(banned.status, 418);
  EXPECT_EQ(banned.body().at("code").as_int64(), -1003);
  EXPECT_FALSE(net::header(banned.headers, "Retry-After").empty());
  EXPECT_TRUE(listen("/ws")->refused);
  advance_to(31'000);
  EXPECT_EQ(get("/fapi/v1/ping").status, 200);
  fault(R"({"type":"ban","status":429,"seconds":30})");
  EXPECT_EQ(get("/fapi/v1/ping").status, 429);
  EXPECT_EQ(control("DELETE", "faults").status, 200);
  EXPECT_EQ(get("/fapi/v1/ping").status, 200);
}

TEST_F(Faults, ClockSkewMovesServerTimeAndTheReceiveWindow) {
  start();
  fault(R"({"type":"clock_skew","ms":60000})");
  EXPECT_EQ(get("/fapi/v1/time").body().at("serverTime").as_int64(), kStart.unix_ms() + 60'000);
  EXPECT_EQ(buy("1", "a").body().at("code").as_int64(), -1021);
  control("DELETE", "faults");
  EXPECT_EQ(buy("1", "b").status, 200);
}

std::vector<MarketTick> five_trades() {
  std::vector<MarketTick> out;
  for (int i = 1; i <= 5; ++i) out.push_back(trade(100 * i, "50001", "0.001", Side::Buy));
  return out;
}
std::vector<std::int64_t> trade_ids(const Ear& ear) {
  std::vector<std::int64_t> out;
  for (const auto& t : ear.texts) out.push_back(json::parse(t).at("t").as_int64());
  return out;
}

TEST_F(Faults, MessagesAreLostDoubledSwappedAndHeld) {
  using Ids = std::vector<std::int64_t>;
  const auto heard = [&](const std::string& rule) {
    start(five_trades());
    const auto ear = listen("/ws/btcusdt@trade");
    fault(rule);
    advance_to(1'000);
    settle(*ear);
    if (!until([&] { return !ear->texts.empty(); })) return Ids{};
    auto ids = trade_ids(*ear);
    client.reset();
    server.reset();
    return ids;
  };
  EXPECT_EQ(heard(R"({"type":"stream_drop","after":1,"match":{"stream":"btcusdt@trade"}})"), (Ids{1, 3, 4, 5}));
  EXPECT_EQ(heard(R"({"type":"stream_duplicate","match":{"symbol":"BTCUSDT"}})"), (Ids{1, 1, 2, 3, 4, 5}));
  EXPECT_EQ(heard(R"({"type":"stream_reorder","after":1,"match":{"event":"trade"}})"), (Ids{1, 3, 2, 4, 5}));
  start(five_trades());
  const auto ear = listen("/ws/btcusdt@trade");
  fault(R"({"type":"stream_hold","ms":100})");
  advance_to(1'000);
  ASSERT_TRUE(until([&] { return ear->texts.size() == 5; }));
  EXPECT_EQ(trade_ids(*ear), (Ids{2, 3, 4, 5, 1}));
}

TEST_F(Faults, ADepthGapBreaksTheChainOnce) {
  std::vector<MarketTick> ticks;
  for (int i = 1; i <= 8; ++i) ticks.push_back(delta(i * 100 - 50, {{px("49998"), Quantity::from_int(i)}}, {}));
  start(ticks);
  const auto ear = listen("/public/ws/btcusdt@depth@100ms");
  fault(R"({"type":"depth_gap","after":2,"match":{"symbol":"BTCUSDT"}})");
  advance_to(1'000);
  settle(*ear);
  int gaps = 0;
  std::int64_t previous = 0;
  for (const auto& t : ear->texts) {
    const auto v = json::parse(t);
    if (previous != 0 && v.at("pu").as_int64() != previous) ++gaps;
    previous = v.at("u").as_int64();
  }
  EXPECT_EQ(gaps, 1);
  EXPECT_EQ(ear->texts.size(), 7u);
}

TEST_F(Faults, DisconnectsByChannelAndExpiresKeys) {
  start();
  const auto key = listen_key();
  const auto market = listen("/ws/btcusdt@trade"), user = listen("/private/ws/" + key), api = listen("/ws-fapi/v1");
  fault(R"({"type":"disconnect","channel":"user"})");
  ASSERT_TRUE(until([&] { return user->closed; }));
  EXPECT_FALSE(market->closed);
  fault(R"({"type":"disconnect","channel":"market"})");
  ASSERT_TRUE(until([&] { return market->closed; }));
  EXPECT_FALSE(api->closed);
  fault(R"({"type":"disconnect","channel":"ws_api"})");
  ASSERT_TRUE(until([&] { return api->closed; }));

  const auto again = listen("/private/ws/" + key);
  fault(R"({"type":"listen_key_expire"})");
  settle(*again);
  EXPECT_EQ(again->events(), std::vector<std::string>{"listenKeyExpired"});
  EXPECT_NE(listen_key(), key);
}

TEST_F(Faults, HaltsFilterChangesAndLiquidations) {
  start();
  fault(R"({"type":"symbol_status","status":"HALT","match":{"symbol":"BTCUSDT"}})");
  EXPECT_EQ(buy("1", "halted").status, 400);
  fault(R"({"type":"symbol_status","status":"TRADING","match":{"symbol":"BTCUSDT"}})");
  EXPECT_EQ(buy("1", "open").status, 200);
  fault(R"({"type":"filters","step_size":"0.5","match":{"symbol":"BTCUSDT"}})");
  EXPECT_EQ(buy("0.7", "step").body().at("code").as_int64(), -4023);
  const auto ear = listen("/private/ws/" + listen_key());
  fault(R"({"type":"liquidate","match":{"symbol":"BTCUSDT"}})");
  advance_to(5'000);
  settle(*ear);
  const auto state = control("GET", "state").body();
  EXPECT_TRUE(state.at("accounts").at(0).at("positions").as_array().empty());
  EXPECT_FALSE(ear->texts.empty());
  EXPECT_EQ(control("POST", "faults", R"({"type":"liquidate","match":{"symbol":"NOPE"}})").status, 400);
}

TEST_F(Faults, WorkOnTheWebSocketApiToo) {
  start();
  const auto api = listen("/ws-fapi/v1");
  fault(R"({"type":"respond","kind":"unknown","match":{"method":"WS","path":"time"}})");
  api->socket->send(R"({"id":"x","method":"time"})");
  ASSERT_TRUE(until([&] { return api->texts.size() == 1; }));
  EXPECT_EQ(json::parse(api->texts[0]).at("status").as_int64(), 503);
  EXPECT_EQ(json::parse(api->texts[0]).at("id").as_string(), "x");
  fault(R"({"type":"drop_before_execution","match":{"method":"WS"}})");
  api->socket->send(R"({"id":"y","method":"time"})");
  ASSERT_TRUE(until([&] { return api->closed; }));
  EXPECT_EQ(api->texts.size(), 1u);
}

}  // namespace
}  // namespace qtrader::exchange
