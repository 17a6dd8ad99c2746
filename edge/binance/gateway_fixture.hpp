// For the gateway's tests: a whole GatewayImpl on fakes, started, with the events it has emitted sorted by kind.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "edge/binance/gateway_testing.hpp"

namespace qtrader::binance::testing {

inline constexpr const char* kPositionRow =
    R"({"entryPrice":"100","breakEvenPrice":"100","marginType":"cross","isAutoAddMargin":"false","isolatedMargin":"0",)"
    R"("leverage":"10","liquidationPrice":"50","markPrice":"101","maxNotionalValue":"1000000","positionAmt":"-2",)"
    R"("notional":"-202","isolatedWallet":"0","symbol":"BTCUSDT","unRealizedProfit":"-2","positionSide":"BOTH",)"
    R"("updateTime":1})";
inline constexpr const char* kBalances =
    R"([{"accountAlias":"a","asset":"USDT","balance":"1234.5","crossWalletBalance":"1234.5","crossUnPnl":"0",)"
    R"("availableBalance":"1000","maxWithdrawAmount":"1000","marginAvailable":true,"updateTime":1}])";

class World {
 public:
  explicit World(GatewayConfig wanted = {}) {
    config = std::move(wanted);
    config.endpoints.stream = "wss://x";
    config.identity = {'t', 0xABCDEF};
    auto owned_host = std::make_unique<FakeHost>();
    host = owned_host.get();
    auto owned_rest = std::make_unique<FakeRest>(*host);
    rest = owned_rest.get();
    rest->always("GET /fapi/v1/accountConfig",
                 R"({"feeTier":0,"canTrade":true,"dualSidePosition":false,"multiAssetsMargin":false})");
    rest->always("GET /fapi/v3/balance", kBalances);
    rest->always("GET /fapi/v2/positionRisk", "[]");
    rest->always("GET /fapi/v1/openOrders", "[]");
    rest->always("GET /fapi/v1/openAlgoOrders", "[]");
    rest->always("GET /fapi/v1/klines", "[]");
    rest->always("GET /fapi/v1/userTrades", "[]");
    rest->always("GET /fapi/v1/income", "[]");
    rest->always("GET /fapi/v1/depth", R"({"lastUpdateId":10,"E":1,"T":1,"bids":[["99","1"]],"asks":[["101","1"]]})");
    rest->always("POST /fapi/v1/listenKey", R"({"listenKey":"key1"})");
    rest->always("PUT /fapi/v1/listenKey", "{}");
    rest->always("POST /fapi/v1/countdownCancelAll", R"({"symbol":"BTCUSDT","countdownTime":"30000"})");
    rest->standing["POST /fapi/v1/order"] = [](const Call& c) {
      return ApiResult(rest_order({parameter(c, "newClientOrderId")}));
    };
    rest->standing["POST /fapi/v1/algoOrder"] = [](const Call& c) {
      return ApiResult(rest_algo({parameter(c, "clientAlgoId")}));
    };
    // An order that is looked after by REST: nothing is learnt unless a test says what.
    rest->standing["GET /fapi/v1/order"] = [](const Call&) { return failed(FailureClass::NotExecuted); };
    gateway = std::make_unique<GatewayImpl>(
        std::move(owned_host), std::move(owned_rest),
        domain::InstrumentTable::create({contract("BTCUSDT"), contract("ETHUSDT")}).value(), config,
        [this](domain::Event e) { events.push_back(std::move(e)); });
  }

  /// Opens all connections asked for since.
  void open_sockets() {
    while (!host->connects.empty()) {
      auto connect = std::move(host->connects.front());
      host->connects.pop_front();
      if (!*connect.wanted) continue;
      auto wire = std::make_shared<Wire>();
      wire->url = connect.url;
      wires.push_back(wire);
      connect.done(std::shared_ptr<net::WebSocket>(std::make_shared<FakeSocket>(wire, *host)));
      host->settle();
    }
  }
  void refuse_sockets() {
    while (!host->connects.empty()) {
      auto connect = std::move(host->connects.front());
      host->connects.pop_front();
      if (*connect.wanted) connect.done(base::Error{"net", base::Errc::Unavailable, "refused"});
    }
  }
  /// The newest connection whose URL contains the text.
  std::shared_ptr<Wire> wire(std::string_view text) {
    for (auto it = wires.rbegin(); it != wires.rend(); ++it)
      if ((*it)->url.find(text) != std::string::npos) return *it;
    ADD_FAILURE() << "no connection to " << text;
    return std::make_shared<Wire>();
  }
  std::shared_ptr<Wire> user() { return wire("/private/"); }
  std::shared_ptr<Wire> market() { return wire("/market/"); }
  std::shared_ptr<Wire> books() { return wire("/public/"); }

  void start(base::Timestamp from = {}) {
    gateway->start(from, [this](base::Result<AccountState> result) { started.push_back(std::move(result)); });
    host->settle();
    open_sockets();
    host->settle();
    ASSERT_EQ(started.size(), 1u);
    ASSERT_TRUE(started[0].ok()) << started[0].error().message();
    host->advance(base::seconds(4));  // the requests that follow a start
    events.clear();
    rest->calls.clear();
  }
  void advance(base::Duration by) { host->advance(by); }
  /// Time passes with marks coming, so that the market stream is not silent.
  void live(base::Duration by) {
    for (const base::Timestamp until = host->now() + by; host->now() < until;) {
      host->advance(std::min(base::seconds(5), until - host->now()));
      if (market()->open) market()->feed(mark_event(host->now(), kStart + base::hours(8)));
    }
  }

  template <class T>
  std::vector<T> all() const {
    std::vector<T> out;
    for (const domain::Event& e : events)
      if (const T* t = std::get_if<T>(&e)) out.push_back(*t);
    return out;
  }
  /// "New", "Rejected/MinNotional", "Fill 0.4@100", "PartiallyFilled 0.4@100" …: everything said of the order, in
  /// order.
  std::vector<std::string> story(domain::ClientOrderId id) const {
    std::vector<std::string> out;
    for (const domain::Event& e : events) {
      if (const auto* r = std::get_if<domain::OrderReport>(&e); r != nullptr && r->order == id) {
        std::string text(base::enum_name(r->status));
        if (r->reason != domain::VenueReason::None) text += "/" + std::string(base::enum_name(r->reason));
        if (r->filled.is_positive()) text += " " + r->filled.to_string() + "@" + r->average_price.to_string();
        out.push_back(text);
      } else if (const auto* f = std::get_if<domain::Fill>(&e); f != nullptr && f->order == id) {
        out.push_back("Fill " + f->quantity.to_string() + "@" + f->price.to_string());
      }
    }
    return out;
  }
  domain::LinkState link() const { return gateway->link().state(); }

  domain::Order order(domain::OrderPurpose purpose, domain::OrderType type = domain::OrderType::Limit) {
    domain::Order o;
    o.id = domain::ClientOrderId::make({7}, ++leg);
    o.trade = {7};
    o.symbol = kBtc;
    o.type = type;
    o.purpose = purpose;
    o.side = purpose == domain::OrderPurpose::Entry ? domain::Side::Buy : domain::Side::Sell;
    o.quantity = domain::Quantity::from_int(1);
    o.reduce_only = purpose != domain::OrderPurpose::Entry;
    if (type == domain::OrderType::Limit) o.limit_price = domain::Price::from_int(100);
    if (domain::is_conditional(type)) o.trigger_price = domain::Price::from_int(90);
    return o;
  }
  domain::Order entry() { return order(domain::OrderPurpose::Entry); }
  domain::Order stop() { return order(domain::OrderPurpose::ProtectiveStop, domain::OrderType::StopMarket); }
  domain::Order exit() { return order(domain::OrderPurpose::Exit, domain::OrderType::Market); }
  std::string wire_id(domain::ClientOrderId id) const { return execution::format_wire_id(config.identity, id, 0); }
  void submit(const domain::Order& o) {
    const auto handed = gateway->submit_order(o);
    ASSERT_TRUE(handed.ok()) << handed.error().message();
    host->settle();
  }

  GatewayConfig config;
  FakeHost* host = nullptr;
  FakeRest* rest = nullptr;
  std::unique_ptr<GatewayImpl> gateway;
  std::vector<std::shared_ptr<Wire>> wires;
  std::vector<domain::Event> events;
  std::vector<base::Result<AccountState>> started;
  std::uint8_t leg = 0;
};

using Story = std::vector<std::string>;

}  // namespace qtrader::binance::testing
