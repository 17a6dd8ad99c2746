#include "edge/exchange/api_fixture.hpp"
#include "edge/exchange/rate_limits.hpp"

namespace qtrader::exchange {
namespace {

using Kind = LimitVerdict::Kind;
constexpr base::Timestamp kMidMinute = base::Timestamp::from_unix_ms(1'704'067'200'000 + 40'000);

TEST(RateLimits, WindowsAreCalendarMinutes) {
  RateLimits limits({.weight_1m = 10});
  EXPECT_EQ(limits.charge("a", Pool::Weight, 10, kMidMinute).kind, Kind::Allowed);
  const auto refused = limits.charge("a", Pool::Weight, 1, kMidMinute);
  EXPECT_EQ(refused.kind, Kind::TooMany);
  EXPECT_EQ(refused.until - kMidMinute, base::seconds(20));
  EXPECT_EQ(limits.used_weight("a", kMidMinute), 10) << "a refused request costs nothing";
  EXPECT_EQ(limits.charge("b", Pool::Weight, 1, kMidMinute).kind, Kind::Allowed) << "addresses are separate";
  EXPECT_EQ(limits.charge("a", Pool::Weight, 1, kMidMinute + base::seconds(19)).kind, Kind::TooMany);
  EXPECT_EQ(limits.charge("a", Pool::Weight, 1, kMidMinute + base::seconds(20)).kind, Kind::Allowed);
}

TEST(RateLimits, IgnoringRefusalsBringsGrowingBans) {
  RateLimits limits({.weight_1m = 1});
  base::Timestamp now = kMidMinute;
  base::Duration expected = base::minutes(2);
  for (int round = 0; round < 12; ++round) {
    now = base::Timestamp{(now.ns / 60'000'000'000 + 1) * 60'000'000'000};
    limits.charge("a", Pool::Weight, 1, now);
    LimitVerdict verdict = limits.charge("a", Pool::Weight, 1, now);
    EXPECT_EQ(verdict.kind, Kind::TooMany) << "first a warning";
    for (int i = 0; i < 20 && verdict.kind == Kind::TooMany; ++i) verdict = limits.charge("a", Pool::Weight, 1, now);
    ASSERT_EQ(verdict.kind, Kind::Banned);
    EXPECT_EQ(verdict.until - now, expected) << "ban " << round;
    EXPECT_EQ(limits.charge("a", Pool::Statistics, 1, now + base::seconds(119)).kind, Kind::Banned)
        << "a ban is of the address, not of a pool";
    now = verdict.until;
    EXPECT_EQ(limits.charge("a", Pool::Weight, 1, now).kind, Kind::Allowed);
    expected = std::min(expected * 2, base::days(3));
  }
}

TEST(RateLimits, OrderWindowsOfTenSecondsAndAMinute) {
  RateLimits limits({.orders_10s = 3, .orders_1m = 5});
  const matching::AccountId a{1};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limits.charge_orders(a, {1, 1}, kMidMinute).kind, Kind::Allowed);
  auto refused = limits.charge_orders(a, {1, 1}, kMidMinute);
  EXPECT_EQ(refused.kind, Kind::TooMany);
  EXPECT_EQ(refused.limit, 3);
  const auto later = kMidMinute + base::seconds(10);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(limits.charge_orders(a, {1, 1}, later).kind, Kind::Allowed);
  refused = limits.charge_orders(a, {1, 1}, later);
  EXPECT_EQ(refused.limit, 5);
  EXPECT_EQ(refused.until - later, base::seconds(10));
  EXPECT_EQ(limits.used_orders(a, later).per_10s, 2);
  EXPECT_EQ(limits.used_orders(a, later).per_1m, 5);
}

TEST(RateLimits, PoolsAreSeparate) {
  RateLimits limits({.weight_1m = 1, .funding_5m = 2, .statistics_5m = 3});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(limits.charge("a", Pool::Funding, 1, kMidMinute).kind, Kind::Allowed);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limits.charge("a", Pool::Statistics, 1, kMidMinute).kind, Kind::Allowed);
  EXPECT_EQ(limits.charge("a", Pool::Weight, 1, kMidMinute).kind, Kind::Allowed);
  EXPECT_EQ(limits.charge("a", Pool::Funding, 1, kMidMinute).kind, Kind::TooMany);
  const auto refused = limits.charge("a", Pool::Statistics, 1, kMidMinute);
  EXPECT_EQ(refused.until.ns % base::minutes(5).ns, 0);
}

TEST(RateLimits, CountsWithoutEnforcing) {
  RateLimits limits({.weight_1m = 1, .enforce = false});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limits.charge("a", Pool::Weight, 10, kMidMinute).kind, Kind::Allowed);
  EXPECT_EQ(limits.used_weight("a", kMidMinute), 50);
}

class ApiLimits : public ApiFixture {
 protected:
  ApiLimits() : ApiFixture({.weight_1m = 20, .orders_10s = 2}) {}
};

TEST_F(ApiLimits, WeightHeaderRefusalAndBan) {
  const auto first = request("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=100");
  EXPECT_EQ(net::header(first.headers, "x-mbx-used-weight-1m"), "5");
  const auto second = request("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=500");
  EXPECT_EQ(net::header(second.headers, "x-mbx-used-weight-1m"), "15");
  auto refused = request("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=500");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(code_of(refused), -1003);
  EXPECT_EQ(message_of(refused).find("Too many requests; current limit is 20 requests per minute."), 0u);
  EXPECT_EQ(net::header(refused.headers, "Retry-After"), "60");
  for (int i = 0; i < 20 && refused.status == 429; ++i)
    refused = request("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=500");
  EXPECT_EQ(refused.status, 418);
  EXPECT_EQ(net::header(refused.headers, "Retry-After"), "120");
  const auto until = std::to_string((now() + base::minutes(2)).unix_ms());
  EXPECT_NE(message_of(refused).find("IP banned until " + until), std::string::npos);
  EXPECT_EQ(request("GET", "/fapi/v1/ping").status, 418);
  EXPECT_FALSE(api_->admit_handshake(peer_));
  peer_ = "10.0.0.2";
  EXPECT_EQ(request("GET", "/fapi/v1/ping").status, 200);
  peer_ = "10.0.0.1:4242";  // the address without its port
  advance(base::seconds(119));
  EXPECT_EQ(request("GET", "/fapi/v1/ping").status, 418);
  advance(base::seconds(1));
  EXPECT_EQ(request("GET", "/fapi/v1/ping").status, 200);
}

TEST_F(ApiLimits, OrderCountHeadersAndRefusal) {
  const std::string order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=49000";
  const auto first = signed_request("POST", "/fapi/v1/order", order);
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(net::header(first.headers, "X-MBX-ORDER-COUNT-10S"), "1");
  EXPECT_EQ(net::header(first.headers, "X-MBX-ORDER-COUNT-1M"), "1");
  EXPECT_EQ(net::header(first.headers, "X-MBX-USED-WEIGHT-1M"), "0");
  signed_request("POST", "/fapi/v1/order", order);
  const auto refused = signed_request("POST", "/fapi/v1/order", order);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(code_of(refused), -1015);
  EXPECT_EQ(message_of(refused), "Too many new orders; current limit is 2 orders per 10 seconds.");
  EXPECT_EQ(exchange_->open_orders(account_, std::nullopt).size(), 2u);
}

TEST_F(ApiLimits, HandshakeCostsFive) {
  EXPECT_TRUE(api_->admit_handshake("10.0.0.1:99"));
  ApiSession session;
  session.peer = "10.0.0.1:99";
  const auto reply = json::parse(api_->handle_frame(R"({"id":null,"method":"time"})", session));
  EXPECT_EQ(reply.at("rateLimits").at(0).at("count").as_int64(), 6);
}

TEST_F(ApiLimits, FundingRateHasNoWeight) {
  const auto response = request("GET", "/fapi/v1/fundingRate");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(net::header(response.headers, "X-MBX-USED-WEIGHT-1M"), "");
  EXPECT_EQ(net::header(request("GET", "/fapi/v1/ping").headers, "X-MBX-USED-WEIGHT-1M"), "1");
}

TEST_F(ApiLimits, BanOnDemand) {
  api_->ban(peer_, now() + base::seconds(30));
  EXPECT_EQ(request("GET", "/fapi/v1/time").status, 418);
  advance(base::seconds(30));
  EXPECT_EQ(request("GET", "/fapi/v1/time").status, 200);
}

}  // namespace
}  // namespace qtrader::exchange
