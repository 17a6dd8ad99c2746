// RestClient against a server on loopback that plays the exchange and each of its faults.
#include "edge/binance/rest_client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>

#include "edge/net/server.hpp"

namespace qtrader::binance {
namespace {

base::Timestamp wall() {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

std::string parameter(const net::HttpRequest& request, std::string_view name) {
  const auto at = request.target.find('?');
  if (at == std::string::npos) return {};
  for (const auto& [key, value] : net::parse_query(std::string_view(request.target).substr(at + 1)))
    if (key == name) return value;
  return {};
}

class RestClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    net::HttpServer::Handlers handlers;
    handlers.on_request = [this](const net::HttpRequest& request, std::string_view, net::Responder responder) {
      if (request.target == "/fapi/v1/time") {
        ++time_calls_;
        if (clock_broken_) return responder.send({500, {}, ""});
        const auto now = wall() + server_ahead_;
        return responder.send({200, {}, "{\"serverTime\":" + std::to_string(now.unix_ms()) + "}"});
      }
      requests_.push_back(request);
      if (cut_) return responder.abort();
      net::HttpResponse answer{200, {}, "{}"};
      if (!answers_.empty()) {
        answer = answers_.front();
        answers_.pop_front();
      }
      responder.send(answer);
    };
    auto server = net::HttpServer::start(loop_, {}, std::move(handlers));
    ASSERT_TRUE(server.ok()) << server.error().message();
    server_ = std::move(server).value();
    make({"key", Secret("secret"), KeyType::Hmac});
  }

  void make(const Credentials& credentials) {
    const auto endpoints = endpoints_at("http://127.0.0.1:" + std::to_string(server_->port()), "");
    auto client = RestClient::create(loop_, *endpoints, credentials, {}, wall);
    ASSERT_TRUE(client.ok()) << client.error().message();
    client_ = std::move(client).value();
  }

  static Call order() {
    Call call;
    call.method = "POST";
    call.path = "/fapi/v1/order";
    call.parameters = {{"symbol", "BTCUSDT"}, {"newClientOrderId", "a b/:&"}};
    call.security = Security::Signed;
    call.weight = 0;
    call.orders = 1;
    call.priority = Priority::Entry;
    return call;
  }
  static Call query() {
    Call call;
    call.path = "/fapi/v1/ping";
    return call;
  }

  /// Runs the loop until the call is answered.
  ApiResult run(Call call) {
    std::optional<ApiResult> result;
    int callbacks = 0;
    client_->call(std::move(call), [&](ApiResult r) {
      result = std::move(r);
      ++callbacks;
    });
    EXPECT_EQ(callbacks, 0) << "answered from inside call()";
    for (int i = 0; i < 3'000 && !result; ++i) loop_.run_for(base::milliseconds(10));
    EXPECT_EQ(callbacks, 1);
    return result ? *result : ApiResult(ApiFailure{FailureClass::Rejected, 0, 0, "no callback"});
  }
  ApiFailure failure(Call call, net::HttpResponse answer) {
    answers_.push_back(std::move(answer));
    const ApiResult result = run(std::move(call));
    EXPECT_TRUE(std::holds_alternative<ApiFailure>(result));
    return std::holds_alternative<ApiFailure>(result) ? std::get<ApiFailure>(result) : ApiFailure{};
  }
  static net::HttpResponse error(int status, int code, const std::string& message) {
    return {status, {}, "{\"code\":" + std::to_string(code) + ",\"msg\":\"" + message + "\"}"};
  }

  net::Loop loop_;
  base::Duration server_ahead_ = base::seconds(0);
  bool clock_broken_ = false, cut_ = false;
  int time_calls_ = 0;
  std::vector<net::HttpRequest> requests_;
  std::deque<net::HttpResponse> answers_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<RestClient> client_;
};

TEST_F(RestClientTest, SignsWhatItSendsWithTheServersTimeAndTheSignatureLast) {
  server_ahead_ = base::hours(3);
  ASSERT_TRUE(std::holds_alternative<std::string>(run(order())));
  EXPECT_EQ(time_calls_, 5);
  ASSERT_EQ(requests_.size(), 1u);
  const net::HttpRequest& request = requests_[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_TRUE(request.body.empty());
  EXPECT_EQ(net::header(request.headers, "X-MBX-APIKEY"), "key");
  const auto query = request.target.substr(request.target.find('?') + 1);
  const auto at = query.find("&signature=");
  ASSERT_NE(at, std::string::npos);
  EXPECT_TRUE(query.starts_with("symbol=BTCUSDT&newClientOrderId=a%20b%2F%3A%26&recvWindow=2000&timestamp="));
  EXPECT_EQ(query.substr(at + 11), *sign({"key", Secret("secret"), KeyType::Hmac}, query.substr(0, at)));
  EXPECT_EQ(query.find('&', at + 1), std::string::npos);
  const std::int64_t stamp = std::stoll(parameter(request, "timestamp"));
  EXPECT_LT(std::abs(stamp - (wall() + server_ahead_).unix_ms()), 60'000);
  EXPECT_LT(std::abs(client_->statistics().clock_offset.seconds() - 3 * 3600.0), 60.0);
}

TEST_F(RestClientTest, UnsignedCallsNeedNoClockAndNoKey) {
  make({});
  ASSERT_TRUE(std::holds_alternative<std::string>(run(query())));
  EXPECT_EQ(time_calls_, 0);
  EXPECT_EQ(requests_.at(0).target, "/fapi/v1/ping");
  EXPECT_TRUE(net::header(requests_[0].headers, "X-MBX-APIKEY").empty());
  const auto result = run(order());
  ASSERT_TRUE(std::holds_alternative<ApiFailure>(result));
  EXPECT_EQ(std::get<ApiFailure>(result).kind, FailureClass::Credentials);
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(RestClientTest, ATimestampErrorIsRepeatedOnceAfterMeasuringTheClockAnew) {
  answers_.push_back(error(400, -1021, "Timestamp for this request is outside of the recvWindow."));
  ASSERT_TRUE(std::holds_alternative<std::string>(run(order())));
  EXPECT_EQ(time_calls_, 10);
  EXPECT_EQ(requests_.size(), 2u);
  answers_.push_back(error(400, -5028, "again"));
  const auto f = failure(order(), error(400, -5028, "and again"));
  EXPECT_EQ(f.kind, FailureClass::Clock);
  EXPECT_EQ(f.code, -5028);
  EXPECT_EQ(requests_.size(), 4u);
}

TEST_F(RestClientTest, EachErrorKeepsItsClassAndIsNotRepeated) {
  EXPECT_EQ(failure(order(), error(400, -2019, "Margin is insufficient.")).kind, FailureClass::Rejected);
  EXPECT_EQ(failure(order(), error(401, -2015, "Invalid API-key")).kind, FailureClass::Credentials);
  EXPECT_EQ(failure(order(), error(503, 0, "Service Unavailable.")).kind, FailureClass::NotExecuted);
  EXPECT_EQ(failure(order(), error(503, -1008, "throttled")).kind, FailureClass::NotExecuted);
  EXPECT_EQ(failure(order(), error(503, 0, "Unknown error, please check your request")).kind, FailureClass::Unknown);
  EXPECT_EQ(failure(order(), error(408, -1007, "Timeout")).kind, FailureClass::Unknown);
  EXPECT_EQ(requests_.size(), 6u);
}

TEST_F(RestClientTest, ACutConnectionIsUnknownAndARefusedOneNotExecuted) {
  cut_ = true;
  const auto lost = run(order());
  ASSERT_TRUE(std::holds_alternative<ApiFailure>(lost));
  EXPECT_EQ(std::get<ApiFailure>(lost).kind, FailureClass::Unknown);
  EXPECT_EQ(std::get<ApiFailure>(lost).http_status, 0);
  server_.reset();
  const auto refused = run(query());
  ASSERT_TRUE(std::holds_alternative<ApiFailure>(refused));
  EXPECT_EQ(std::get<ApiFailure>(refused).kind, FailureClass::NotExecuted);
}

TEST_F(RestClientTest, A418ClosesRestUntilTheStatedTime) {
  const std::int64_t until = (wall() + base::minutes(5)).unix_ms();
  const auto f =
      failure(query(), error(418, -1003, "Way too many requests; IP banned until " + std::to_string(until) + "."));
  EXPECT_EQ(f.kind, FailureClass::Throttled);
  ASSERT_TRUE(client_->banned_until());
  EXPECT_EQ(client_->banned_until()->unix_ms(), until);
  Call exit = query();
  exit.priority = Priority::Exit;
  const auto refused = run(exit);
  ASSERT_TRUE(std::holds_alternative<ApiFailure>(refused));
  EXPECT_EQ(std::get<ApiFailure>(refused).kind, FailureClass::Throttled);
  EXPECT_EQ(requests_.size(), 1u);
  EXPECT_EQ(client_->statistics().answers_418, 1u);
  EXPECT_EQ(client_->statistics().throttled_here, 1u);
}

TEST_F(RestClientTest, A429HoldsBackQueriesForRetryAfterSeconds) {
  net::HttpResponse throttled = error(429, -1003, "Too many requests");
  throttled.headers = {{"Retry-After", "1"}};
  EXPECT_EQ(failure(query(), throttled).kind, FailureClass::Throttled);
  bool ordinary = false, urgent = false, ordinary_first = false;
  client_->call(query(), [&](const ApiResult&) {
    ordinary = true;
    ordinary_first = !urgent;
  });
  Call exit = query();
  exit.priority = Priority::Exit;
  client_->call(exit, [&](const ApiResult&) { urgent = true; });
  for (int i = 0; i < 3'000 && !(ordinary && urgent); ++i) loop_.run_for(base::milliseconds(10));
  EXPECT_TRUE(ordinary);
  EXPECT_TRUE(urgent);
  EXPECT_FALSE(ordinary_first);
  EXPECT_EQ(client_->statistics().answers_429, 1u);
}

TEST_F(RestClientTest, TheHeadersCountIsBooked) {
  answers_.push_back({200, {{"X-MBX-USED-WEIGHT-1M", "321"}}, "{}"});
  run(query());
  EXPECT_GE(client_->statistics().used_weight_1m, 321);
  EXPECT_EQ(client_->statistics().weight_budget_1m, 1'200);
  client_->set_limits(6'000, 300, 1'200);
  EXPECT_EQ(client_->statistics().weight_budget_1m, 3'000);
}

TEST_F(RestClientTest, WithoutTheServersClockOnlyExitsAreTried) {
  clock_broken_ = true;
  const auto entry = run(order());
  ASSERT_TRUE(std::holds_alternative<ApiFailure>(entry));
  EXPECT_EQ(std::get<ApiFailure>(entry).kind, FailureClass::NotExecuted);
  EXPECT_EQ(requests_.size(), 0u);
  Call exit = order();
  exit.priority = Priority::Exit;
  EXPECT_TRUE(std::holds_alternative<std::string>(run(exit)));
  std::optional<bool> synced;
  client_->sync_time([&](const base::Result<void>& r) { synced = r.ok(); });
  for (int i = 0; i < 3'000 && !synced; ++i) loop_.run_for(base::milliseconds(10));
  EXPECT_EQ(synced, false);
}

TEST_F(RestClientTest, DestroyingItDropsItsCallsWithoutACallback) {
  bool called = false;
  client_->call(query(), [&](const ApiResult&) { called = true; });
  client_.reset();
  for (int i = 0; i < 20; ++i) loop_.run_for(base::milliseconds(5));
  EXPECT_FALSE(called);
}

TEST(RestClientConfig, BadValuesAreNamed) {
  net::Loop loop;
  const auto endpoints = *endpoints_at("http://127.0.0.1:1", "");
  RestConfig share;
  share.budget_share = 0;
  RestConfig reserve;
  reserve.exit_reserve = 1;
  EXPECT_NE(RestClient::create(loop, endpoints, {}, share, wall).error().context.find("budget_share"),
            std::string::npos);
  EXPECT_NE(RestClient::create(loop, endpoints, {}, reserve, wall).error().context.find("exit_reserve"),
            std::string::npos);
  EXPECT_FALSE(RestClient::create(loop, {}, {}, {}, wall).ok());
}

}  // namespace
}  // namespace qtrader::binance
