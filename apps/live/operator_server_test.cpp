// The operator's side over its socket, asked by the same client that the command line uses.
#include "apps/live/operator_server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/json.hpp>
#include <thread>

#include "edge/net/client.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::apps {
namespace {

namespace json = boost::json;

/// A server with handlers of its own; ask() serves on this thread while another one asks.
class OperatorServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    OperatorServer::Handlers on;
    on.status = [] { return WorldStatus{.mode = "sim", .now = {}, .equity = {}, .wallet = {}, .unrealised = {}}; };
    on.calibration = [this]() -> base::Result<CalibrationStatus> {
      if (!calibrator_) return base::Error{"run", base::Errc::NotFound, "nothing is calibrated"};
      return status_of(*calibrator_);
    };
    on.command = [this](domain::OperatorAction action, const std::string&,
                        const std::string& reason) -> base::Result<void> {
      if (refusal_) return *refusal_;
      commands_.emplace_back(action, reason);
      return {};
    };
    auto server = OperatorServer::start(loop_, 0, state_.path(), std::move(on));
    ASSERT_TRUE(server.ok()) << server.error().message();
    server_ = std::move(*server);
  }
  template <class Call>
  auto ask(Call call) {
    std::optional<decltype(call())> answer;
    std::atomic<bool> done = false;
    std::thread client([&] {
      answer.emplace(call());
      done = true;
    });
    while (!done) loop_.run_for(base::milliseconds(5));
    client.join();
    return std::move(*answer);
  }
  base::Result<std::string> get(const std::string& target) {
    return ask([&] {
      net::HttpRequest request;
      request.method = "GET";
      request.target = target;
      return send_to_operator(state_.path(), request);
    });
  }
  base::Result<void> order(domain::OperatorAction action, const std::string& reason) {
    return ask([&] { return send_to_operator(state_.path(), action, reason); });
  }

  test::TempDir state_;
  net::Loop loop_;
  std::optional<models::Calibrator> calibrator_;
  std::optional<base::Error> refusal_;
  std::vector<std::pair<domain::OperatorAction, std::string>> commands_;
  std::unique_ptr<OperatorServer> server_;
};

/// Claims of 0.7 that come true in half of the cases, until a map corrects them.
models::Calibrator corrected() {
  models::Calibrator calibrator(base::minutes(60));
  base::Timestamp now = base::Timestamp{} + base::days(20'000);
  for (int i = 0; i < 1'000; ++i) {
    now = now + base::minutes(15);
    const double raw = 0.6 + 0.2 * (i % 7) / 6.0;
    calibrator.add({now - base::minutes(60), raw, calibrator.apply(raw), i % 2 == 0}, now);
  }
  return calibrator;
}

TEST_F(OperatorServerTest, TellsHowHonestProbabilitiesWereAndWhatCorrectsThem) {
  calibrator_ = corrected();
  ASSERT_GT(calibrator_->current().number, 0U);
  const auto text = get("/calibration.txt");
  ASSERT_TRUE(text.ok()) << text.error().message();
  EXPECT_NE(text->find("calibration  map "), std::string::npos) << *text;
  EXPECT_NE(text->find("goes back"), std::string::npos) << *text;
  EXPECT_NE(text->find("0.50 to 0.55"), std::string::npos) << "claims after correction: " << *text;
  const auto answer = get("/calibration");
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  const json::object parsed = json::parse(*answer).as_object();
  EXPECT_TRUE(parsed.at("can_roll_back").as_bool());
  EXPECT_EQ(parsed.at("reliability").at("verdicts").to_number<int>(), 1'000);
  EXPECT_LT(parsed.at("reliability").at("ece").to_number<double>(),
            parsed.at("reliability").at("ece_raw").to_number<double>());
}

TEST_F(OperatorServerTest, SaysWhenNothingHasMatured) {
  calibrator_.emplace(base::minutes(60));
  const auto text = get("/calibration.txt");
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text->find("none: p_dir is as the models gave it"), std::string::npos) << *text;
  EXPECT_NE(text->find("none has reached its horizon yet"), std::string::npos) << *text;
}

TEST_F(OperatorServerTest, PassesAnOrderOnWithItsReasonAndARefusalBack) {
  ASSERT_TRUE(order(domain::OperatorAction::RollBackCalibration, "it \"drifts\"").ok());
  ASSERT_EQ(commands_.size(), 1U);
  EXPECT_EQ(commands_[0].first, domain::OperatorAction::RollBackCalibration);
  EXPECT_EQ(commands_[0].second, "it \"drifts\"");
  refusal_ = base::Error{"run", base::Errc::Conflict, "there is no earlier calibration to go back to"};
  const auto refused = order(domain::OperatorAction::RollBackCalibration, "again");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::Errc::Conflict);
  EXPECT_NE(refused.error().message().find("no earlier calibration"), std::string::npos) << refused.error().message();
  EXPECT_EQ(commands_.size(), 1U);
}

TEST_F(OperatorServerTest, WhoDoesNotKnowTheTokenIsRefused) {
  const auto status = ask([&]() -> int {
    net::Loop loop;
    auto client = net::HttpClient::create(loop, "http://127.0.0.1:" + std::to_string(server_->port()), {});
    if (!client) return -1;
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/operator";
    request.headers = {{"X-Operator-Token", "guess"}};
    request.body = R"({"action":"Resume"})";
    std::optional<net::HttpResult> result;
    (*client)->request(std::move(request), {}, [&](net::HttpResult r) { result = std::move(r); });
    while (!result) loop.run_for(base::milliseconds(5));
    const auto* response = std::get_if<net::HttpResponse>(&*result);
    return response != nullptr ? response->status : -1;
  });
  EXPECT_EQ(status, 401);
  EXPECT_TRUE(commands_.empty());
}

}  // namespace
}  // namespace qtrader::apps
