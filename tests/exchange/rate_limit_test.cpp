// A client that wants more than it may, against an exchange that counts: the exchange never has to say so, what reduces
// exposure is never behind what opens it, and after a ban work goes on.
#include "edge/binance/requests.hpp"
#include "tests/exchange/rigs.hpp"

namespace qtrader::wire {
namespace {

using binance::ApiFailure;
using binance::ApiResult;
using binance::Call;
using binance::FailureClass;
using binance::Priority;

constexpr int kWeight1m = 1'200, kOrders10s = 100, kOrders1m = 600;  // an exchange stricter than the documented one

class RateLimits : public ::testing::Test {
 protected:
  void SetUp() override {
    exchange::ExchangeServerConfig config;
    config.lockstep = true;
    config.api.weight_1m = kWeight1m;
    config.api.orders_10s = kOrders10s;
    config.api.orders_1m = kOrders1m;
    std::vector<matching::MarketTick> opening;
    for (const auto& [symbol, price, tick] : {std::tuple{kBtc, 50'000.0, 0.1}, std::tuple{kEth, 3'000.0, 0.01}}) {
      opening.push_back(book_at(symbol, price, tick, 1'000, kStart));
      opening.push_back(
          matching::MarkTick{symbol, px(price), px(price), Ratio::from_raw(10'000), kStart + base::hours(8), kStart});
    }
    server_ = take(exchange::ExchangeServer::start(loop_, config, contracts(), rules(),
                                                   std::make_unique<ScriptedSource>(std::move(opening)), {}));
    endpoints_ = take(binance::endpoints_at("http://127.0.0.1:" + std::to_string(server_->port()), ""));
    control_ = take(net::HttpClient::create(loop_, endpoints_.rest, {}));
    advance(base::seconds(1));
    open_gateway();
  }

  void open_gateway() {
    auto rest = take(binance::RestClient::create(loop_, endpoints_, {"demo", binance::Secret("demo"), {}}, {},
                                                 [this] { return server_->now(); }));
    std::optional<base::Result<domain::InstrumentTable>> instruments;
    binance::Gateway::load_instruments(*rest, {"BTCUSDT", "ETHUSDT"}, [&](auto r) { instruments = std::move(r); });
    run_until([&] { return instruments.has_value(); });
    binance::GatewayConfig config;
    config.endpoints = endpoints_;
    config.identity = kIdentity;
    config.control_frames_per_s = 0;
    config.countdown_s = 86'400;
    config.stale_after_s = 3'600;
    gateway_ = take(binance::Gateway::create(loop_, std::move(rest), take(std::move(*instruments)), config,
                                             [this](domain::Event e) { events_.push_back(std::move(e)); }));
    std::optional<base::Result<binance::AccountState>> started;
    gateway_->start(kStart, [&](auto state) { started = std::move(state); });
    run_until([&] { return started.has_value(); });
    ASSERT_TRUE(started->ok()) << started->error().message();
  }

  // Time and control.

  net::HttpResponse control(const std::string& path, std::string body) {
    net::HttpRequest request{"POST", "/control/" + path, {{"X-Control-Key", "control"}}, std::move(body)};
    std::optional<net::HttpResult> answer;
    control_->request(std::move(request), {}, [&](net::HttpResult result) { answer = std::move(result); });
    run_until([&] { return answer.has_value(); });
    const auto* response = std::get_if<net::HttpResponse>(&*answer);
    if (response == nullptr || response->status != 200) throw std::runtime_error("control: " + path + " was refused");
    return *response;
  }
  void advance(base::Duration by) { control("advance", "{\"by_ms\":" + std::to_string(by.ns / 1'000'000) + "}"); }
  /// The client's alarms are wall time's, the exchange's windows are not: telling it the limits again makes it look.
  void wake() { gateway_->rest().set_limits(0, 0, 0); }
  /// Everything that can be done at this time of the exchange has been done.
  void drain() {
    wake();
    std::uint64_t before = 0;
    do {
      before = done_ + gateway_->rest().statistics().calls;
      for (int i = 0; i < 3; ++i) loop_.run_for(base::milliseconds(2));
      if (under_way() > 0) loop_.run_for(base::milliseconds(5));
    } while (done_ + gateway_->rest().statistics().calls != before);
  }
  std::uint64_t under_way() const { return asked_ - done_; }

  template <class Done>
  void run_until(const Done& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      loop_.run_for(base::milliseconds(10));
      if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("nothing in 20 s");
    }
  }
  template <class T>
  static T take(base::Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message());
    return std::move(result).value();
  }

  // The burst: work that is asked for again until it is done.

  struct Tally {
    int done = 0, refused_here = 0, failed = 0;
    std::string first_failure;
  };
  void ask(Call call, Tally& tally) {
    ++asked_;
    gateway_->rest().call(call, [this, call, &tally](ApiResult result) {
      ++done_;
      const auto* failure = std::get_if<ApiFailure>(&result);
      if (failure == nullptr) {
        ++tally.done;
      } else if (failure->kind == FailureClass::Throttled) {
        ++tally.refused_here;
        again_.push_back({call, &tally});
      } else {
        ++tally.failed;
        if (tally.first_failure.empty()) tally.first_failure = failure->message;
      }
    });
  }
  void ask_again() {
    auto again = std::exchange(again_, {});
    for (auto& [call, tally] : again) ask(std::move(call), *tally);
  }
  static Call background() {
    Call call;
    call.path = "/fapi/v1/depth";
    call.parameters = {{"symbol", "BTCUSDT"}, {"limit", "100"}};
    call.weight = 5;
    call.priority = Priority::Background;
    return call;
  }
  /// Far below the market and gone at once: it only counts.
  Call entry() {
    domain::Order order;
    order.symbol = kBtc;
    order.type = domain::OrderType::Limit;
    order.time_in_force = domain::TimeInForce::Ioc;
    order.quantity = qty(0.001);
    order.limit_price = px(48'000);
    return binance::requests::place(order, "BTCUSDT", "burst-" + std::to_string(++entries_));
  }

  // Orders of the trader's own, through the gateway.

  domain::Order order(std::uint64_t id, domain::OrderPurpose purpose, domain::OrderType type) {
    domain::Order o;
    o.id = {id};
    o.symbol = kEth;
    o.side = purpose == domain::OrderPurpose::Entry ? Side::Buy : Side::Sell;
    o.type = type;
    o.purpose = purpose;
    o.quantity = qty(1);
    o.reduce_only = purpose != domain::OrderPurpose::Entry;
    return o;
  }
  void submit(const domain::Order& o) { ASSERT_TRUE(gateway_->submit(approver_.approve(o, 3'000)).ok()); }
  bool reported(std::uint64_t id, domain::OrderStatus status) const {
    return std::any_of(events_.begin(), events_.end(), [&](const domain::Event& e) {
      const auto* r = std::get_if<domain::OrderReport>(&e);
      return r != nullptr && r->order.value == id && r->status == status;
    });
  }
  /// What protects and what closes gets its answers now, whatever waits; time stands still.
  void exits_pass(std::uint64_t first_id) {
    domain::Order stop = order(first_id, domain::OrderPurpose::ProtectiveStop, domain::OrderType::StopMarket);
    stop.trigger_price = px(2'900);
    const int entries_before = entries_done_->done;
    submit(stop);
    run_until([&] { return reported(first_id, domain::OrderStatus::New); });
    ASSERT_TRUE(gateway_->cancel({first_id}, kEth).ok());
    run_until([&] { return reported(first_id, domain::OrderStatus::Canceled); });
    domain::Order close = order(first_id + 1, domain::OrderPurpose::Exit, domain::OrderType::Market);
    close.quantity = qty(0.1);
    submit(close);
    run_until([&] { return reported(first_id + 1, domain::OrderStatus::Filled); });
    EXPECT_EQ(entries_done_->done, entries_before) << "the entries did not wait";
  }

  net::Loop loop_;
  std::unique_ptr<exchange::ExchangeServer> server_;
  binance::Endpoints endpoints_;
  std::unique_ptr<net::HttpClient> control_;
  std::unique_ptr<binance::Gateway> gateway_;
  std::vector<domain::Event> events_;
  Approver approver_{contracts()};
  std::vector<std::pair<Call, Tally*>> again_;
  const Tally* entries_done_ = nullptr;
  std::uint64_t asked_ = 0, done_ = 0;
  int entries_ = 0;
};

TEST_F(RateLimits, AreReadFromTheExchange) { EXPECT_EQ(gateway_->rest().statistics().weight_budget_1m, kWeight1m / 2); }

TEST_F(RateLimits, ABurstOf2000CallsIsNeverRefusedByTheExchangeAndExitsPassInTheMiddleOfIt) {
  submit(order(1, domain::OrderPurpose::Entry, domain::OrderType::Market));
  run_until([&] { return reported(1, domain::OrderStatus::Filled); });
  constexpr int kEach = 1'000;
  Tally backgrounds, entries;
  entries_done_ = &entries;
  for (int i = 0; i < kEach; ++i) {
    ask(background(), backgrounds);
    ask(entry(), entries);
  }
  std::uint64_t exit_id = 10;
  int seconds = 0, exits = 0;
  for (; backgrounds.done + entries.done < 2 * kEach && seconds < 1'200; ++seconds) {
    drain();
    // Everything affordable at this moment is done: now the exits of a bad quarter of an hour.
    if (seconds % 20 == 5 && entries.done < kEach && exits < 9) {
      ASSERT_NO_FATAL_FAILURE(exits_pass(exit_id)) << "at second " << seconds;
      exit_id += 10;
      ++exits;
    }
    advance(base::seconds(1));
    ask_again();
  }
  const auto statistics = gateway_->rest().statistics();
  EXPECT_EQ(backgrounds.done, kEach) << backgrounds.first_failure;
  EXPECT_EQ(entries.done, kEach) << entries.first_failure;
  EXPECT_EQ(backgrounds.failed + entries.failed, 0) << backgrounds.first_failure << entries.first_failure;
  EXPECT_EQ(statistics.answers_429, 0u);
  EXPECT_EQ(statistics.answers_418, 0u);
  EXPECT_GE(exits, 5);
  // It did not get there by asking slowly: what was asked was more than the share of each window, and was held back.
  EXPECT_GT(backgrounds.refused_here + entries.refused_here, kEach);
  // 5 000 of weight at 480 a minute, 1 000 orders at 40 each ten seconds: no faster than that is within the share.
  EXPECT_GE(seconds, 5'000 / 480 * 60);
}

TEST_F(RateLimits, AfterABanWithRetryAfterItWaitsAndResumes) {
  control("faults", R"({"type":"ban","status":429,"seconds":30})");
  Tally tally;
  entries_done_ = &tally;
  for (int i = 0; i < 50; ++i) ask(background(), tally);
  const base::Timestamp banned = server_->now();
  base::Timestamp first_done = banned;
  for (int second = 0; second < 90 && tally.done < 50; ++second) {
    drain();
    if (tally.done > 0 && first_done == banned) first_done = server_->now();
    advance(base::seconds(1));
    ask_again();
  }
  const auto statistics = gateway_->rest().statistics();
  EXPECT_EQ(tally.done, 50) << tally.first_failure;
  EXPECT_EQ(tally.failed, 0) << tally.first_failure;
  EXPECT_GE((first_done - banned).seconds(), 30);
  EXPECT_LE((first_done - banned).seconds(), 35);
  EXPECT_GE(statistics.answers_429, 1u);
  EXPECT_LE(statistics.answers_429, 4u) << "only what was under way together may be refused";
  EXPECT_EQ(statistics.answers_418, 0u);
}

TEST_F(RateLimits, AfterAnAddressBanNothingIsSentUntilItIsOver) {
  control("faults", R"({"type":"ban","status":418,"seconds":60})");
  Tally tally;
  entries_done_ = &tally;
  for (int i = 0; i < 20; ++i) ask(background(), tally);
  drain();
  const auto refused = gateway_->rest().statistics();
  EXPECT_GE(refused.answers_418, 1u);
  EXPECT_LE(refused.answers_418, 4u);
  ASSERT_TRUE(gateway_->rest().banned_until().has_value());
  EXPECT_EQ((*gateway_->rest().banned_until() - server_->now()).seconds(), 60);
  for (int second = 0; second < 120 && tally.done < 20; ++second) {
    drain();
    if (second < 60) {
      ASSERT_EQ(gateway_->rest().statistics().answers_418, refused.answers_418) << "at second " << second;
    }
    advance(base::seconds(1));
    ask_again();
  }
  EXPECT_EQ(tally.done, 20) << tally.first_failure;
  EXPECT_EQ(gateway_->rest().statistics().answers_418, refused.answers_418);
}

}  // namespace
}  // namespace qtrader::wire
