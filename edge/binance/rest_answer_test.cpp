#include "edge/binance/rest_answer.hpp"

#include <gtest/gtest.h>

namespace qtrader::binance {
namespace {

net::HttpResponse response(int status, int code, const std::string& message) {
  return {status, {}, "{\"code\":" + std::to_string(code) + ",\"msg\":\"" + message + "\"}"};
}
FailureClass kind(int status, int code, const std::string& message = "m") {
  return failure_of(response(status, code, message))->kind;
}

TEST(RestAnswer, EachFailureHasItsClass) {
  EXPECT_FALSE(failure_of(net::HttpResponse{200, {}, "{}"}));
  for (const int code :
       {-1111, -1102, -1121, -2010, -2011, -2013, -2019, -2021, -2022, -4003, -4014, -4120, -4164, -5022})
    EXPECT_EQ(kind(400, code), FailureClass::Rejected) << code;
  for (const int code : {-1021, -5028}) EXPECT_EQ(kind(400, code), FailureClass::Clock) << code;
  EXPECT_EQ(kind(400, -1022), FailureClass::Credentials);
  EXPECT_EQ(kind(401, -2014), FailureClass::Credentials);
  EXPECT_EQ(kind(401, -2015), FailureClass::Credentials);
  EXPECT_EQ(kind(429, -1003), FailureClass::Throttled);
  EXPECT_EQ(kind(429, -1015), FailureClass::Throttled);
  EXPECT_EQ(kind(400, -1015), FailureClass::Throttled);
  EXPECT_EQ(kind(418, -1003), FailureClass::Throttled);
  EXPECT_EQ(kind(503, -1008), FailureClass::NotExecuted);
  EXPECT_EQ(kind(503, 0, "Unknown error, please check your request or try again later."), FailureClass::Unknown);
  EXPECT_EQ(kind(503, 0, "Service Unavailable."), FailureClass::NotExecuted);
  EXPECT_EQ(failure_of(net::HttpResponse{503, {}, "Service Unavailable."})->kind, FailureClass::NotExecuted);
  EXPECT_EQ(kind(503, -1001, "Service Unavailable."), FailureClass::NotExecuted)
      << "the text says it, whatever the code";
  EXPECT_EQ(kind(503, -1001, "Internal error; unable to process your request."), FailureClass::Unknown);
  EXPECT_EQ(failure_of(net::HttpResponse{503, {}, "<html>"})->kind, FailureClass::Unknown);
  EXPECT_EQ(failure_of(net::HttpResponse{502, {}, ""})->kind, FailureClass::Unknown);
  EXPECT_EQ(kind(408, -1007), FailureClass::Unknown);
  for (const int code : {-1000, -1001, -1006, -1007, -4116}) EXPECT_EQ(kind(400, code), FailureClass::Unknown) << code;
  EXPECT_EQ(failure_of(net::HttpResponse{404, {}, "<html>"})->kind, FailureClass::Rejected);
  EXPECT_EQ(failure_of(net::HttpResponse{403, {}, "<html>"})->kind, FailureClass::Throttled);
}

TEST(RestAnswer, CarriesCodeAndMessage) {
  const auto f = *failure_of(response(400, -2019, "Margin is insufficient."));
  EXPECT_EQ(f.http_status, 400);
  EXPECT_EQ(f.code, -2019);
  EXPECT_EQ(f.message, "Margin is insufficient.");
  EXPECT_EQ(failure_of(net::HttpResponse{500, {}, std::string(5'000, 'x')})->message.size(), 200u);
}

TEST(RestAnswer, NoAnswerIsUnknownUnlessNothingWasSent) {
  const base::Error error{"net", base::Errc::Unavailable, "gone"};
  EXPECT_EQ(failure_of(net::HttpFailure{error, true}).kind, FailureClass::Unknown);
  EXPECT_EQ(failure_of(net::HttpFailure{error, false}).kind, FailureClass::NotExecuted);
  EXPECT_EQ(failure_of(net::HttpFailure{error, false}).http_status, 0);
}

TEST(RestAnswer, LimitsAndBans) {
  const auto now = base::Timestamp::from_unix_ms(1'700'000'000'000);
  net::HttpResponse ok{
      200, {{"x-mbx-used-weight-1m", "17"}, {"X-MBX-ORDER-COUNT-10S", "3"}, {"X-Mbx-Order-Count-1m", "9"}}, "{}"};
  const auto limits = limits_of(ok, now);
  EXPECT_EQ(limits.used_weight, 17);
  EXPECT_EQ(limits.used_orders_10s, 3);
  EXPECT_EQ(limits.used_orders_1m, 9);
  EXPECT_FALSE(limits.throttled);
  auto throttled = response(429, -1003, "Too many requests");
  throttled.headers = {{"Retry-After", "30"}};
  EXPECT_TRUE(limits_of(throttled, now).throttled);
  EXPECT_EQ(limits_of(throttled, now).retry_after, base::seconds(30));
  EXPECT_FALSE(limits_of(throttled, now).banned_until);
  const auto banned =
      response(418, -1003, "Way too many requests; IP banned until 1700000300000. Please use websocket");
  EXPECT_EQ(limits_of(banned, now).banned_until, now + base::seconds(300));
  EXPECT_EQ(limits_of(response(418, -1003, "banned"), now).banned_until, now + base::minutes(2));
  for (const char* odd : {"-5", "soon", "", "99999999999999999999"}) {
    throttled.headers = {{"Retry-After", odd}, {"X-MBX-USED-WEIGHT-1M", odd}};
    EXPECT_FALSE(limits_of(throttled, now).retry_after) << odd;
    EXPECT_FALSE(limits_of(throttled, now).used_weight) << odd;
  }
}

}  // namespace
}  // namespace qtrader::binance
