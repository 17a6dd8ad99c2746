// Two ways to the same exchange, with the same face: a BookVenue in process, and a Gateway to an ExchangeServer over
// TLS in lockstep. The conformance suite runs on both and compares them.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <vector>

#include "core/ledger/ledger.hpp"
#include "core/market/market_state.hpp"
#include "core/risk/gate.hpp"
#include "edge/binance/gateway.hpp"
#include "edge/exchange/server.hpp"
#include "edge/net/certificate.hpp"
#include "edge/simvenue/book_venue.hpp"
#include "tests/exchange/harness.hpp"
#include "tests/exchange/market_script.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::wire {

inline constexpr execution::WireIdentity kIdentity{'t', 0xABCDEF};

/// Approves what the tests send: only the gate can, and only reducing orders pass it without a market.
class Approver {
 public:
  explicit Approver(const domain::InstrumentTable& table)
      : table_(table), market_(table_.size(), {domain::Timeframe::M5, domain::Timeframe::M15, false}), ledger_(table_) {
    ledger_.deposit(usd(1e7));
    gate_.on_equity(ledger_.equity(), kStart);
  }
  risk::Approved<domain::Order> approve(const domain::Order& order, double price) {
    if (order.reduce_only) return take(gate_.review_reducing(order));
    domain::Bar last;
    last.timeframe = domain::Timeframe::M5;
    last.open_time = kStart - base::minutes(5);
    last.open = last.high = last.low = last.close = px(price);
    market_.on_bar(order.symbol, last, audit_);
    ledger_.mark(order.symbol, px(price));
    const double stop = order.side == Side::Buy ? price * 0.99 : price * 1.01;
    auto review =
        gate_.review_entry(order, {px(price), px(stop), domain::Leverage{5}, Ratio::from_double(0.001)}, kStart);
    gate_.on_order_done(order.id);
    return take(std::move(review));
  }

 private:
  static risk::Approved<domain::Order> take(risk::Review review) {
    auto* approval = std::get_if<risk::Approval>(&review);
    if (approval == nullptr)
      throw std::runtime_error("the gate refused a test order: " + std::get<risk::Refusal>(review).rule);
    return std::move(approval->order);
  }
  static risk::Limits limits() {
    risk::Limits l;
    l.max_orders_per_minute = risk::kCeilingOrdersPerMinute;
    return l;
  }
  class NoAudit final : public domain::AuditSink {
    void record(domain::AuditRecord) override {}
  };
  NoAudit audit_;
  domain::InstrumentTable table_;
  market::MarketState market_;
  ledger::Ledger ledger_;
  risk::Gate gate_{limits(), table_, ledger_, market_};
};

class Rig {
 public:
  virtual ~Rig() = default;
  virtual execution::Venue& venue() = 0;
  /// Everything of the script up to this time happens.
  virtual void play_until(base::Timestamp time) = 0;
  /// Every answer to what was asked, and every event so far, has arrived.
  virtual void settle() = 0;
  const std::vector<domain::Event>& events() const { return events_; }

 protected:
  std::vector<domain::Event> events_;
};

class InProcessRig final : public Rig {
 public:
  explicit InProcessRig(std::vector<matching::MarketTick> script)
      : table_(contracts()),
        exchange_(matching::Exchange::create({}, table_, rules()).value()),
        script_(std::move(script)),
        venue_(*exchange_, exchange_->open_account({}), {.identity = kIdentity}) {}
  execution::Venue& venue() override { return venue_; }
  void play_until(base::Timestamp time) override {
    while (next_ < script_.size() && matching::time_of(script_[next_]) <= time) venue_.on(script_[next_++]);
    now_ = time;
    settle();
  }
  void settle() override {
    venue_.advance_to(now_);
    while (auto due = venue_.pop_due(now_)) events_.push_back(std::move(due->event));
  }

 private:
  domain::InstrumentTable table_;
  std::unique_ptr<matching::Exchange> exchange_;
  std::vector<matching::MarketTick> script_;
  std::size_t next_ = 0;
  simvenue::BookVenue venue_;
  base::Timestamp now_;
};

class WireRig final : public Rig {
 public:
  explicit WireRig(std::vector<matching::MarketTick> script) {
    const auto certificate = directory_.path() / "cert.pem", key = directory_.path() / "key.pem";
    check(net::write_self_signed(certificate, key, {"127.0.0.1", "localhost"}));
    exchange::ExchangeServerConfig config;
    config.net.tls = net::ServerTls{certificate.string(), key.string()};
    config.lockstep = true;
    config.api.enforce_limits = false;
    server_ = take(exchange::ExchangeServer::start(loop_, config, contracts(), rules(),
                                                   std::make_unique<ScriptedSource>(std::move(script)), {}));
    const std::string url = "https://127.0.0.1:" + std::to_string(server_->port());
    const auto endpoints = take(binance::endpoints_at(url, certificate.string()));
    control_ = take(net::HttpClient::create(loop_, url, {.ca_file = certificate.string()}));
    auto rest = take(binance::RestClient::create(loop_, endpoints, {"demo", binance::Secret("demo"), {}}, {},
                                                 [this] { return server_->now(); }));
    binance::GatewayConfig gateway;
    gateway.endpoints = endpoints;
    gateway.identity = kIdentity;
    gateway.control_frames_per_s = 0;
    gateway.countdown_s = 86'400;  // beats come in wall time, the countdown runs in the exchange's
    gateway.stale_after_s = 3'600;
    gateway_ = take(binance::Gateway::create(loop_, std::move(rest), contracts(), gateway,
                                             [this](domain::Event e) { events_.push_back(std::move(e)); }));
    std::optional<base::Result<binance::AccountState>> started;
    gateway_->start(kStart, [&](base::Result<binance::AccountState> state) { started = std::move(state); });
    run_until(loop_, [&] { return started.has_value(); }, "start");
    check(*started);
  }
  execution::Venue& venue() override { return *gateway_; }
  void play_until(base::Timestamp time) override {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/control/advance";
    request.headers = {{"X-Control-Key", "control"}};
    request.body = "{\"to_ms\":" + std::to_string(time.unix_ms()) + "}";
    std::optional<net::HttpResult> answer;
    control_->request(std::move(request), {}, [&](net::HttpResult result) { answer = std::move(result); });
    run_until(loop_, [&] { return answer.has_value(); }, "advance");
    const auto* response = std::get_if<net::HttpResponse>(&*answer);
    if (response == nullptr || response->status != 200) throw std::runtime_error("advance was refused");
    settle();
  }
  void settle() override {
    run_until(loop_, [&] { return gateway_->outstanding() == 0; }, "requests under way");
    bool passed = false;
    gateway_->barrier([&] { passed = true; });
    run_until(loop_, [&] { return passed; }, "barrier");
    run_until(loop_, [&] { return gateway_->outstanding() == 0; }, "requests under way");
  }
  net::Loop& loop() { return loop_; }
  exchange::ExchangeServer& server() { return *server_; }

 private:
  test::TempDir directory_;
  net::Loop loop_;
  std::unique_ptr<exchange::ExchangeServer> server_;
  std::unique_ptr<net::HttpClient> control_;
  std::unique_ptr<binance::Gateway> gateway_;
};

}  // namespace qtrader::wire
