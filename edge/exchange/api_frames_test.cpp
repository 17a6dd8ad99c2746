#include "edge/exchange/api_fixture.hpp"

namespace qtrader::exchange {
namespace {

class ApiFrames : public ApiFixture {
 protected:
  void SetUp() override {
    ApiFixture::SetUp();
    session_.peer = "10.0.0.1:5000";
    session_.connected = now();
  }
  json::value frame(const std::string& text) {
    const std::string reply = api_->handle_frame(text, session_);
    drain();
    return json::parse(reply);
  }
  /// params: raw JSON values by name, in any order; apiKey, timestamp and signature are added.
  json::value signed_frame(const std::string& method, std::map<std::string, std::string> params) {
    params["apiKey"] = "\"demo\"";
    params["timestamp"] = std::to_string(now().unix_ms());
    std::string text, members;
    for (const auto& [name, value] : params) {
      const std::string bare = value.front() == '"' ? value.substr(1, value.size() - 2) : value;
      text += (text.empty() ? "" : "&") + name + "=" + bare;
      members += "\"" + name + "\":" + value + ",";
    }
    return frame(R"({"id":"x-1","method":")" + method + R"(","params":{)" + members + R"("signature":")" +
                 hmac_hex("secret", text) + "\"}}");
  }
  ApiSession session_;
};

TEST_F(ApiFrames, IdsAreEchoedWhateverTheyAre) {
  EXPECT_EQ(frame(R"({"id":"abc","method":"ping"})").at("id").as_string(), "abc");
  EXPECT_EQ(frame(R"({"method":"ping","id":7})").at("id").as_int64(), 7);
  EXPECT_TRUE(frame(R"({"id":null,"method":"ping"})").at("id").is_null());
  EXPECT_TRUE(frame(R"({"method":"ping"})").at("id").is_null());
  EXPECT_EQ(json::serialize(frame(R"({"id":1,"method":"ping"})").at("result")), "{}");
}

TEST_F(ApiFrames, LimitsComeWithAnswersUnlessUnwanted) {
  const auto reply = frame(R"({"id":1,"method":"time"})");
  EXPECT_EQ(reply.at("result").at("serverTime").as_int64(), now().unix_ms());
  EXPECT_EQ(json::serialize(reply.at("rateLimits")),
            R"([{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":2400,"count":1}])");
  EXPECT_FALSE(
      frame(R"({"id":1,"method":"time","params":{"returnRateLimits":false}})").as_object().contains("rateLimits"));
  session_.return_limits = false;
  EXPECT_FALSE(frame(R"({"id":1,"method":"time"})").as_object().contains("rateLimits"));
}

TEST_F(ApiFrames, MarketDataNeedsNoKey) {
  EXPECT_EQ(frame(R"({"id":1,"method":"depth","params":{"symbol":"BTCUSDT","limit":5}})")
                .at("result")
                .at("asks")
                .as_array()
                .size(),
            5u);
  EXPECT_EQ(frame(R"({"id":1,"method":"ticker.price","params":{"symbol":"BTCUSDT"}})").at("result").at("price"),
            "50000.00");
  EXPECT_EQ(frame(R"({"id":1,"method":"ticker.book"})").at("result").as_array().size(), 2u);
}

TEST_F(ApiFrames, OrdersWithNumbersAsSent) {
  const auto placed = signed_frame("order.place", {{"symbol", "\"BTCUSDT\""},
                                                   {"side", "\"BUY\""},
                                                   {"type", "\"LIMIT\""},
                                                   {"timeInForce", "\"GTC\""},
                                                   {"quantity", "0.010"},
                                                   {"price", "\"49000.0\""},
                                                   {"reduceOnly", "false"}});
  ASSERT_EQ(placed.at("status").as_int64(), 200) << json::serialize(placed);
  EXPECT_EQ(placed.at("id").as_string(), "x-1");
  EXPECT_EQ(placed.at("result").at("origQty").as_string(), "0.010");
  const auto& limits = placed.at("rateLimits").as_array();
  ASSERT_EQ(limits.size(), 3u);
  EXPECT_EQ(limits[0].at("rateLimitType").as_string(), "ORDERS");
  EXPECT_EQ(limits[0].at("intervalNum").as_int64(), 10);
  EXPECT_EQ(limits[1].at("count").as_int64(), 1);
  EXPECT_EQ(limits[2].at("rateLimitType").as_string(), "REQUEST_WEIGHT");
  const std::string id = std::to_string(placed.at("result").at("orderId").as_int64());
  const std::map<std::string, std::string> ref{{"symbol", "\"BTCUSDT\""}, {"orderId", id}};
  EXPECT_EQ(signed_frame("order.status", ref).at("result").at("status").as_string(), "NEW");
  auto amend = ref;
  amend.insert({{"side", "\"BUY\""}, {"quantity", "\"0.02\""}, {"price", "\"48000\""}});
  EXPECT_EQ(signed_frame("order.modify", amend).at("result").at("price").as_string(), "48000.00");
  EXPECT_EQ(signed_frame("order.cancel", ref).at("result").at("status").as_string(), "CANCELED");
  const auto refused = signed_frame("order.cancel", ref);
  EXPECT_EQ(refused.at("status").as_int64(), 400);
  EXPECT_EQ(json::serialize(refused.at("error")), R"({"code":-2011,"msg":"Unknown order sent."})");
}

TEST_F(ApiFrames, AlgoAndAccountMethods) {
  const auto stop = signed_frame("algoOrder.place", {{"symbol", "\"BTCUSDT\""},
                                                     {"algoType", "\"CONDITIONAL\""},
                                                     {"side", "\"SELL\""},
                                                     {"type", "\"STOP_MARKET\""},
                                                     {"quantity", "\"0.01\""},
                                                     {"triggerPrice", "\"48000\""}});
  ASSERT_EQ(stop.at("status").as_int64(), 200) << json::serialize(stop);
  const auto id = std::to_string(stop.at("result").at("algoId").as_int64());
  EXPECT_EQ(signed_frame("algoOrder.cancel", {{"algoId", id}}).at("result").at("msg").as_string(), "success");
  for (const char* method : {"account.balance", "v2/account.balance", "account.status", "v2/account.status",
                             "account.position", "v2/account.position"})
    EXPECT_EQ(signed_frame(method, {}).at("status").as_int64(), 200) << method;
  EXPECT_TRUE(signed_frame("account.status", {}).at("result").as_object().contains("feeTier"));
  EXPECT_FALSE(signed_frame("v2/account.status", {}).at("result").as_object().contains("feeTier"));
  EXPECT_EQ(signed_frame("account.position", {}).at("result").as_array().size(), 2u);
}

TEST_F(ApiFrames, UserStreamNeedsTheKeyOnly) {
  const std::string start = R"({"id":1,"method":"userDataStream.start","params":{"apiKey":"demo"}})";
  const auto key = frame(start).at("result").at("listenKey");
  EXPECT_EQ(key.as_string().size(), 64u);
  EXPECT_EQ(frame(R"({"id":1,"method":"userDataStream.ping","params":{"apiKey":"demo"}})").at("result").at("listenKey"),
            key);
  EXPECT_EQ(
      json::serialize(frame(R"({"id":1,"method":"userDataStream.stop","params":{"apiKey":"demo"}})").at("result")),
      "{}");
  EXPECT_EQ(frame(R"({"id":1,"method":"userDataStream.start"})").at("error").at("code").as_int64(), -2014);
}

TEST_F(ApiFrames, ErrorsOfFrames) {
  EXPECT_EQ(frame("not json").at("status").as_int64(), 400);
  EXPECT_TRUE(frame("[]").at("id").is_null());
  EXPECT_EQ(frame(R"({"id":1,"method":"order.place","params":[1]})").at("error").at("code").as_int64(), -1013);
  const auto unknown = frame(R"({"id":9,"method":"userDataStream.subscribe"})");
  EXPECT_EQ(unknown.at("id").as_int64(), 9);
  EXPECT_EQ(unknown.at("error").at("code").as_int64(), -1020);
  const auto unsigned_order = frame(R"({"id":1,"method":"order.place","params":{"apiKey":"demo","timestamp":1}})");
  EXPECT_EQ(unsigned_order.at("error").at("code").as_int64(), -1102);
  const auto forged =
      frame(R"({"id":1,"method":"account.status","params":{"apiKey":"demo","signature":"00","timestamp":)" +
            std::to_string(now().unix_ms()) + "}}");
  EXPECT_EQ(forged.at("error").at("code").as_int64(), -1022);
  const auto status = frame(R"({"id":1,"method":"session.status"})");
  EXPECT_TRUE(status.at("result").at("authorizedSince").is_null());
  EXPECT_EQ(status.at("result").at("connectedSince").as_int64(), session_.connected.unix_ms());
}

class TightFrames : public ApiFrames {
 protected:
  void SetUp() override {
    config_.weight_1m = 3;
    ApiFrames::SetUp();
  }
};

TEST_F(TightFrames, RefusedFramesSayWhenToRetry) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(frame(R"({"id":1,"method":"ping"})").at("status").as_int64(), 200);
  const auto refused = frame(R"({"id":1,"method":"ping"})");
  EXPECT_EQ(refused.at("status").as_int64(), 429);
  EXPECT_EQ(refused.at("error").at("code").as_int64(), -1003);
  EXPECT_EQ(refused.at("error").at("data").at("serverTime").as_int64(), now().unix_ms());
  EXPECT_EQ(refused.at("error").at("data").at("retryAfter").as_int64() % 60'000, 0);
  for (int i = 0; i < 10; ++i) frame(R"({"id":1,"method":"ping"})");
  EXPECT_EQ(frame(R"({"id":1,"method":"ping"})").at("status").as_int64(), 418);
  EXPECT_FALSE(api_->admit_handshake("10.0.0.1"));
}

}  // namespace
}  // namespace qtrader::exchange
