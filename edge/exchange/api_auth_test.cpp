#include "edge/exchange/api_fixture.hpp"

namespace qtrader::exchange {
namespace {

class ApiAuth : public ApiFixture {
 protected:
  static constexpr std::string_view kPath = "/fapi/v1/openOrders";
  net::HttpResponse get(const std::string& query, const std::string& key) {
    net::Headers headers;
    if (!key.empty()) headers.emplace_back("X-MBX-APIKEY", key);
    return request("GET", std::string(kPath) + "?" + query, "", headers);
  }
  // Signed, at a time relative to the server's.
  net::HttpResponse at(std::int64_t offset_ms, const std::string& more = "") {
    const std::string query = more + "timestamp=" + std::to_string(now().unix_ms() + offset_ms);
    return get(query + "&signature=" + hmac_hex("secret", query), "demo");
  }
};

// Each request has all the faults that follow: the first one is what must be told.
TEST_F(ApiAuth, FaultsAreToldInOrder) {
  const std::string stale = "timestamp=1";
  const auto without_key = get("", "");
  EXPECT_EQ(without_key.status, 401);
  EXPECT_EQ(code_of(without_key), -2014);
  EXPECT_EQ(message_of(without_key), "API-key format invalid.");
  EXPECT_EQ(code_of(get("", "has space")), -2014);

  const auto stranger = get("", "stranger");
  EXPECT_EQ(stranger.status, 401);
  EXPECT_EQ(code_of(stranger), -2015);
  EXPECT_EQ(message_of(stranger), "Invalid API-key, IP, or permissions for action, request ip: 10.0.0.1");

  const auto no_time = get("", "demo");
  EXPECT_EQ(no_time.status, 400);
  EXPECT_EQ(message_of(no_time), "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.");
  EXPECT_EQ(message_of(get(stale, "demo")),
            "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.");
  EXPECT_EQ(code_of(get(stale + "&signature=00", "demo")), -1021);
  const auto bad = get("timestamp=" + std::to_string(now().unix_ms()) + "&signature=00", "demo");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(code_of(bad), -1022);
  EXPECT_EQ(message_of(bad), "Signature for this request is not valid.");
  EXPECT_EQ(refusal("GET", "/fapi/v1/openOrders", "symbol=NOPE"), -1121);
}

TEST_F(ApiAuth, TimestampWindow) {
  EXPECT_EQ(at(0).status, 200);
  EXPECT_EQ(at(999).status, 200);
  const auto ahead = at(1'000);
  EXPECT_EQ(code_of(ahead), -1021);
  EXPECT_EQ(message_of(ahead), "Timestamp for this request was 1000ms ahead of the server's time.");
  EXPECT_EQ(at(-5'000).status, 200);
  const auto late = at(-5'001);
  EXPECT_EQ(code_of(late), -1021);
  EXPECT_EQ(message_of(late), "Timestamp for this request is outside of the recvWindow.");
  EXPECT_EQ(at(-5'001, "recvWindow=6000&").status, 200);
  EXPECT_EQ(code_of(at(-101, "recvWindow=100&")), -1021);
  EXPECT_EQ(at(-300'000, "recvWindow=300000&").status, 200) << "futures document no upper bound";
  EXPECT_EQ(code_of(at(0, "recvWindow=x&")), -1130);
  skew_ = base::milliseconds(-7'000);
  EXPECT_EQ(at(0).status, 200) << "what counts is the clock clients see";
}

TEST_F(ApiAuth, TradingNeedsPermission) {
  const std::string query = "symbol=BTCUSDT&leverage=5&timestamp=" + std::to_string(now().unix_ms());
  const net::Headers reader{{"X-MBX-APIKEY", "reader"}};
  const std::string signature = "&signature=" + hmac_hex("secret", query);
  EXPECT_EQ(code_of(request("POST", "/fapi/v1/leverage?" + query + signature, "", reader)), -2015);
  EXPECT_EQ(request("GET", "/fapi/v1/symbolConfig?" + query + signature, "", reader).status, 200);
}

TEST_F(ApiAuth, UnknownPathAndWrongMethodAre404) {
  for (const auto& [method, path] : {std::pair{"GET", "/fapi/v1/balance"},
                                     {"GET", "/fapi/v1/positionRisk"},
                                     {"GET", "/fapi/v1/listenKey"},
                                     {"POST", "/fapi/v1/depth"},
                                     {"DELETE", "/fapi/v1/leverage"},
                                     {"GET", "/"},
                                     {"WS", "order.place"},
                                     {"GET", "/fapi/v1/order/"}}) {
    const auto response = keyed(method, path);
    EXPECT_EQ(response.status, 404) << method << ' ' << path;
    EXPECT_EQ(code_of(response), -5000);
  }
}

TEST_F(ApiAuth, KeyIsEnoughForListenKeysAndHistoricalTrades) {
  EXPECT_EQ(code_of(request("GET", "/fapi/v1/historicalTrades?symbol=BTCUSDT")), -2014);
  EXPECT_EQ(keyed("GET", "/fapi/v1/historicalTrades?symbol=BTCUSDT").status, 200);
  EXPECT_EQ(code_of(request("POST", "/fapi/v1/listenKey")), -2014);
}

TEST_F(ApiAuth, ListenKeyLifecycle) {
  EXPECT_EQ(code_of(keyed("PUT", "/fapi/v1/listenKey")), -1125);
  const auto first = json::parse(keyed("POST", "/fapi/v1/listenKey").body).at("listenKey");
  EXPECT_EQ(first.as_string().size(), 64u);
  EXPECT_EQ(json::parse(keyed("POST", "/fapi/v1/listenKey").body).at("listenKey"), first);
  EXPECT_EQ(json::parse(keyed("PUT", "/fapi/v1/listenKey?listenKey=whatever").body).at("listenKey"), first);
  EXPECT_EQ(keyed("DELETE", "/fapi/v1/listenKey").body, "{}");
  EXPECT_EQ(message_of(keyed("PUT", "/fapi/v1/listenKey")), "This listenKey does not exist.");
  EXPECT_NE(json::parse(keyed("POST", "/fapi/v1/listenKey").body).at("listenKey"), first);
}

TEST_F(ApiAuth, ParametersFromQueryAndBody) {
  const net::Headers key{{"X-MBX-APIKEY", "demo"}};
  const std::string stamp = "timestamp=" + std::to_string(now().unix_ms());
  // The same name in both: the query wins.
  const std::string query = "leverage=7", body = "symbol=BTCUSDT&leverage=9&" + stamp;
  const auto both =
      request("POST", "/fapi/v1/leverage?" + query, body + "&signature=" + hmac_hex("secret", query + body),
              {{"X-MBX-APIKEY", "demo"}, {"Content-Type", "application/x-www-form-urlencoded"}});
  EXPECT_EQ(json::parse(both.body).at("leverage").as_int64(), 7) << both.body;
  // An empty body that calls itself JSON.
  const std::string all = "symbol=BTCUSDT&leverage=8&" + stamp;
  const auto empty = request("POST", "/fapi/v1/leverage?" + all + "&signature=" + hmac_hex("secret", all), "",
                             {{"X-MBX-APIKEY", "demo"}, {"Content-Type", "application/json"}});
  EXPECT_EQ(empty.status, 200) << empty.body;
  const auto form = request("POST", "/fapi/v1/leverage", all + "&signature=" + hmac_hex("secret", all),
                            {{"X-MBX-APIKEY", "demo"}, {"Content-Type", "application/json"}});
  EXPECT_EQ(form.status, 200) << form.body;
  const std::string twice = all + "&leverage=9";
  EXPECT_EQ(code_of(request("POST", "/fapi/v1/leverage?" + twice + "&signature=" + hmac_hex("secret", twice), "", key)),
            -1101);
  EXPECT_EQ(call("POST", "/fapi/v1/leverage", "symbol=BTCUSDT&leverage=5&colour=red").at("leverage").as_int64(), 5)
      << "unknown parameters are ignored";
}

TEST_F(ApiAuth, BooleansOfAnyCase) {
  for (const char* text : {"true", "True", "TRUE"}) {
    EXPECT_EQ(call("POST", "/fapi/v1/positionSide/dual", std::string("dualSidePosition=") + text).at("code").as_int64(),
              200);
    EXPECT_TRUE(call("GET", "/fapi/v1/positionSide/dual").at("dualSidePosition").as_bool());
    call("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=FALSE");
  }
  EXPECT_EQ(refusal("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=yes"), -1102);
  EXPECT_EQ(refusal("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=false"), -4059);
}

}  // namespace
}  // namespace qtrader::exchange
