// The account side: start, user stream and its listenKey, missed events, forced executions, funding, snapshots,
// leverage, the dead man's switch, the stop probe, the link.
#include "edge/binance/gateway_fixture.hpp"

namespace qtrader::binance::testing {
namespace {

using domain::LinkState;

class Started : public World {
 public:
  explicit Started(GatewayConfig c = {}) : World(std::move(c)) { start(); }
};

TEST(GatewayStart, ReadyOnlyWhenEverythingIsThere) {
  World w;
  w.gateway->start({}, [&](base::Result<AccountState> r) { w.started.push_back(std::move(r)); });
  w.host->settle();
  EXPECT_EQ(w.link(), LinkState::Down);
  ASSERT_EQ(w.all<domain::VenueLink>().size(), 1u);
  EXPECT_EQ(w.all<domain::VenueLink>()[0].reason, "starting");
  w.rest->hold["GET /fapi/v2/positionRisk"] = true;
  w.open_sockets();
  w.advance(base::seconds(5));
  EXPECT_EQ(w.link(), LinkState::Down) << "without a snapshot nothing is known";
  EXPECT_TRUE(w.started.empty());
  w.rest->release("GET /fapi/v2/positionRisk", std::string("[]"));
  EXPECT_EQ(w.link(), LinkState::Ready);
  ASSERT_EQ(w.started.size(), 1u);
  EXPECT_EQ(w.started[0]->wallet.to_string(), "1234.5");
  ASSERT_EQ(w.all<domain::AccountSnapshot>().size(), 1u);
}

TEST(GatewayStart, WhatMakesTradingImpossibleIsNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"canTrade":true,"dualSidePosition":true,"multiAssetsMargin":false})", "hedge mode"},
      {R"({"canTrade":false,"dualSidePosition":false,"multiAssetsMargin":false})", "canTrade"}};
  for (const auto& [config, expected] : cases) {
    World w;
    w.rest->always("GET /fapi/v1/accountConfig", config);
    w.gateway->start({}, [&](base::Result<AccountState> r) { w.started.push_back(std::move(r)); });
    w.host->settle();
    ASSERT_EQ(w.started.size(), 1u);
    ASSERT_FALSE(w.started[0].ok());
    EXPECT_NE(w.started[0].error().context.find(expected), std::string::npos);
    EXPECT_EQ(w.link(), LinkState::Down);
    EXPECT_TRUE(w.host->connects.empty());
  }
}

TEST(GatewayStart, AStreamThatNeverOpensEndsTheWait) {
  World w;
  w.gateway->start({}, [&](base::Result<AccountState> r) { w.started.push_back(std::move(r)); });
  w.advance(base::seconds(61));
  ASSERT_EQ(w.started.size(), 1u);
  EXPECT_EQ(w.started[0].error().code, base::Errc::Unavailable);
}

TEST(Snapshot, HoldsWhatTheAccountIs) {
  Started w;
  const domain::Order mine = w.entry(), stop = w.stop();
  w.rest->always("GET /fapi/v2/positionRisk", list({kPositionRow, [] {
                                                      std::string other = kPositionRow;
                                                      other.replace(other.find("BTCUSDT"), 7, "DOGEUSDT");
                                                      return other;
                                                    }()}));
  w.rest->always("GET /fapi/v1/openOrders", list({rest_order({w.wire_id(mine.id), "PARTIALLY_FILLED", "0.25", "100"}),
                                                  rest_order({"somebody-else", "NEW", "0", "0", 5'002})}));
  w.rest->always("GET /fapi/v1/openAlgoOrders", list({rest_algo({w.wire_id(stop.id)}), rest_algo({"qt-probe-1"}),
                                                      rest_algo({"theirs", "NEW", 0, 901})}));
  const base::Timestamp before = w.host->now();
  w.rest->hold["GET /fapi/v3/balance"] = true;
  ASSERT_TRUE(w.gateway->request_snapshot().ok());
  ASSERT_TRUE(w.gateway->request_snapshot().ok()) << "the same request";
  w.advance(base::seconds(1));
  EXPECT_GT(w.gateway->outstanding(), 0u);
  w.rest->release("GET /fapi/v3/balance", std::string(kBalances));
  EXPECT_EQ(w.gateway->outstanding(), 0u);
  const auto snapshots = w.all<domain::AccountSnapshot>();
  ASSERT_EQ(snapshots.size(), 1u);
  const domain::AccountSnapshot& s = snapshots[0];
  EXPECT_EQ(s.requested_at, before) << "our clock, before the first call";
  EXPECT_EQ(s.wallet.to_string(), "1234.5");
  EXPECT_FALSE(s.hedge_mode);
  ASSERT_EQ(s.positions.size(), 1u);
  EXPECT_EQ(s.positions[0].quantity.to_string(), "-2");
  EXPECT_EQ(s.positions[0].leverage.value, 10);
  EXPECT_EQ(s.positions[0].mode, domain::MarginMode::Cross);
  EXPECT_EQ(s.foreign_positions, std::vector<std::string>{"DOGEUSDT"});
  ASSERT_EQ(s.orders.size(), 4u);
  EXPECT_EQ(s.orders[0].order, mine.id);
  EXPECT_EQ(s.orders[0].filled.to_string(), "0.25");
  EXPECT_EQ(s.orders[1].order.value, 0u);
  EXPECT_EQ(s.orders[1].venue_id, 5'002u);
  EXPECT_EQ(s.orders[2].order, stop.id);
  EXPECT_TRUE(s.orders[2].conditional);
  EXPECT_TRUE(s.orders[2].reduce_only);
  EXPECT_EQ(s.orders[2].trigger_price.to_string(), "90");
  EXPECT_EQ(s.orders[3].venue_id, 901u);
}

TEST(Snapshot, IsReadAnewUntilAllOfItSucceeds) {
  Started w;
  w.rest->queued["GET /fapi/v1/openAlgoOrders"] = {failed(FailureClass::Unknown), failed(FailureClass::Throttled)};
  ASSERT_TRUE(w.gateway->request_snapshot().ok());
  const base::Timestamp asked = w.host->now();
  w.advance(base::seconds(5));
  ASSERT_EQ(w.all<domain::AccountSnapshot>().size(), 1u);
  EXPECT_GT(w.all<domain::AccountSnapshot>()[0].requested_at, asked) << "a number of an earlier try would be stale";
}

TEST(UserStream, FillsMissedWhileAwayAreFetchedBeforeTheSnapshot) {
  Started w;
  const domain::Order o = w.entry(), other = w.entry();
  w.submit(o);
  w.rest->standing["POST /fapi/v1/order"] = [](const Call& c) {
    return ApiResult(rest_order({parameter(c, "newClientOrderId"), "NEW", "0", "0", 5'002}));
  };
  w.submit(other);
  w.user()->feed(order_event(traded(w.wire_id(o.id), 10, "0.4", "0.4")));
  w.user()->drop();
  EXPECT_EQ(w.link(), LinkState::Degraded);
  w.events.clear();
  w.rest->always("GET /fapi/v1/order", failed(FailureClass::Unknown));  // polls bring nothing
  w.rest->standing["GET /fapi/v1/userTrades"] = [](const Call& c) {
    EXPECT_EQ(parameter(c, "fromId"), "11");
    return ApiResult(list({user_trade({11, 5'001, "100", "0.6"}), user_trade({12, 5'002, "101", "0.1"})}));
  };
  w.advance(base::milliseconds(1'100));
  w.open_sockets();
  EXPECT_EQ(w.link(), LinkState::Ready);
  EXPECT_EQ(w.story(o.id), Story{"Fill 0.6@100"});
  EXPECT_EQ(w.story(other.id), Story{"Fill 0.1@101"});
  w.rest->standing["GET /fapi/v1/order"] = [&](const Call& c) {
    const bool first = parameter(c, "orderId") == "5001";
    return ApiResult(first ? rest_order({w.wire_id(o.id), "FILLED", "1", "100"})
                           : rest_order({w.wire_id(other.id), "PARTIALLY_FILLED", "0.1", "101", 5'002}));
  };
  w.advance(base::seconds(3));
  ASSERT_FALSE(w.all<domain::AccountSnapshot>().empty());
  const auto is_fill = [](const domain::Event& e) { return std::holds_alternative<domain::Fill>(e); };
  const auto is_snapshot = [](const domain::Event& e) { return std::holds_alternative<domain::AccountSnapshot>(e); };
  EXPECT_LT(std::find_if(w.events.begin(), w.events.end(), is_fill),
            std::find_if(w.events.begin(), w.events.end(), is_snapshot));
}

TEST(UserStream, OpenOrdersAreAskedAboutWhileItIsAway) {
  Started w;
  const domain::Order o = w.entry();
  w.submit(o);
  w.rest->always("GET /fapi/v1/order", rest_order({w.wire_id(o.id)}));
  w.user()->drop();
  w.refuse_sockets();
  w.events.clear();
  w.advance(base::seconds(7));
  w.refuse_sockets();
  EXPECT_GE(w.rest->count("GET /fapi/v1/order"), 3) << "every 2 s at least";
  w.rest->always("GET /fapi/v1/order", rest_order({w.wire_id(o.id), "FILLED", "1", "100"}));
  w.rest->always("GET /fapi/v1/userTrades", list({user_trade({15})}));
  w.advance(base::seconds(2));
  EXPECT_EQ(w.story(o.id), (Story{"Fill 1@100", "Filled 1@100"}));
}

TEST(UserStream, AForeignTradeIsLookedUpAndLeftAlone) {
  Started w;
  const domain::Order o = w.entry();
  w.submit(o);
  w.user()->drop();
  w.events.clear();
  w.rest->standing["GET /fapi/v1/order"] = [](const Call& c) {
    return ApiResult(parameter(c, "orderId") == "6001"   ? rest_order({"theirs", "FILLED", "1", "100", 6'001})
                     : parameter(c, "orderId") == "6002" ? rest_order({"autoclose-123", "FILLED", "1", "80", 6'002})
                                                         : rest_order({"qt-t-abcdef0000000007-1-0"}));
  };
  w.rest->always("GET /fapi/v1/userTrades",
                 list({user_trade({20, 6'001}), user_trade({21, 6'002, "80", "2", "SELL"})}));
  w.advance(base::milliseconds(1'100));
  w.open_sockets();
  const auto fills = w.all<domain::Fill>();
  ASSERT_EQ(fills.size(), 1u);
  EXPECT_EQ(fills[0].order.value, 0u);
  EXPECT_EQ(fills[0].kind, domain::FillKind::Liquidation);
  EXPECT_EQ(fills[0].quantity.to_string(), "2");
}

TEST(UserStream, TheKeyIsKeptAlive) {
  Started w;
  w.live(base::minutes(61));
  EXPECT_EQ(w.rest->count("PUT /fapi/v1/listenKey"), 2);
  EXPECT_EQ(w.rest->last("PUT /fapi/v1/listenKey").security, Security::Key);
}

TEST(UserStream, AnExpiredKeyIsReplacedAndTheAccountReadAgain) {
  Started w;
  const auto old = w.user();
  w.rest->always("POST /fapi/v1/listenKey", R"({"listenKey":"key2"})");
  old->feed(R"({"e":"listenKeyExpired","E":1,"listenKey":"key1"})");
  EXPECT_EQ(w.link(), LinkState::Degraded);
  w.host->settle();
  w.open_sockets();
  EXPECT_EQ(w.user()->url, "wss://x/private/ws/key2");
  w.advance(base::seconds(6));
  EXPECT_EQ(w.link(), LinkState::Ready);
  EXPECT_FALSE(w.all<domain::AccountSnapshot>().empty());
  EXPECT_FALSE(old->open);
}

TEST(UserStream, AKeyThatRanOutWhileAwayIsNotTriedForEver) {
  Started w;
  w.rest->always("POST /fapi/v1/listenKey", R"({"listenKey":"key2"})");
  w.user()->drop();
  w.host->settle();
  w.open_sockets();
  EXPECT_EQ(w.user()->url, "wss://x/private/ws/key2");
  EXPECT_EQ(w.link(), LinkState::Ready);
}

TEST(UserStream, AKeyTheExchangeForgotIsReplaced) {
  Started w;
  w.rest->queued["PUT /fapi/v1/listenKey"].push_back(rejected(-1125));
  w.rest->always("POST /fapi/v1/listenKey", R"({"listenKey":"key2"})");
  w.live(base::minutes(31));
  w.open_sockets();
  EXPECT_EQ(w.user()->url, "wss://x/private/ws/key2");
}

TEST(UserEvents, ALiquidationIsAFillOfNobodysOrder) {
  Started w;
  OrderEvent e = traded("autoclose-1", 0, "2", "2");
  e.execution = "CALCULATED";
  e.status = "FILLED";
  e.side = "SELL";
  e.order_id = 8'001;
  OrderEvent nothing = e;
  nothing.last = "0";
  w.user()->feed(order_event(nothing));  // has been seen in the wild
  w.user()->feed(order_event(e));
  w.user()->feed(order_event(e));
  OrderEvent adl = traded("adl_autoclose", 99, "1", "1");
  w.user()->feed(order_event(adl));
  const auto fills = w.all<domain::Fill>();
  ASSERT_EQ(fills.size(), 2u);
  for (const domain::Fill& f : fills) {
    EXPECT_EQ(f.order.value, 0u);
    EXPECT_EQ(f.kind, domain::FillKind::Liquidation);
  }
  EXPECT_TRUE(w.all<domain::OrderReport>().empty());
  w.advance(base::seconds(3));
  EXPECT_EQ(w.all<domain::AccountSnapshot>().size(), 1u);
}

TEST(UserEvents, SomebodyElsesOrdersMakeUsLook) {
  Started w;
  OrderEvent e;
  e.client_id = "web_123";
  for (int i = 0; i < 50; ++i) w.user()->feed(order_event(e));
  w.user()->feed(algo_event("web_124", "NEW"));
  w.advance(base::seconds(3));
  EXPECT_TRUE(w.all<domain::OrderReport>().empty());
  EXPECT_EQ(w.all<domain::AccountSnapshot>().size(), 1u) << "a burst is one reason";
  e.client_id = "qt-t-1234560000000007-1-0";  // another instance of this program
  w.user()->feed(order_event(e));
  w.advance(base::seconds(3));
  EXPECT_EQ(w.all<domain::AccountSnapshot>().size(), 2u);
}

TEST(UserEvents, AFundingPaymentCarriesRateMarkAndPosition) {
  Started w;
  const base::Timestamp settles = kStart + base::seconds(20);
  w.market()->feed(mark_event(w.host->now(), settles, "101", "0.0002"));
  w.user()->feed(R"({"e":"ACCOUNT_UPDATE","E":1,"T":1,"a":{"B":[],"P":[{"s":"BTCUSDT","pa":"2","ep":"100","cr":"0",)"
                 R"("up":"0","mt":"cross","iw":"0","ps":"BOTH","ma":"USDT"}],"m":"ORDER"}})");
  const std::string paid = R"({"e":"ACCOUNT_UPDATE","E":)" + ms(settles) + R"(,"T":)" + ms(settles) +
                           R"(,"S":"BTCUSDT","a":{"B":[{"a":"USDT","wb":"10","cw":"10","bc":"-0.0404"}],"P":[],)"
                           R"("m":"FUNDING_FEE"}})";
  w.user()->feed(paid);
  w.user()->feed(paid);
  const auto payments = w.all<domain::FundingPayment>();
  ASSERT_EQ(payments.size(), 1u);
  EXPECT_EQ(payments[0].amount.to_string(), "-0.0404");
  EXPECT_EQ(payments[0].rate.to_string(), "0.0002");
  EXPECT_EQ(payments[0].mark.to_string(), "101");
  EXPECT_EQ(payments[0].position.to_string(), "2");
}

TEST(UserEvents, APaymentMissedWhileAwayIsReadFromTheIncomeList) {
  Started w;
  w.rest->always("GET /fapi/v1/income", R"([{"symbol":"BTCUSDT","incomeType":"FUNDING_FEE","income":"-0.5",)"
                                        R"("asset":"USDT","info":"","time":)" +
                                            ms(w.host->now()) + R"(,"tranId":1,"tradeId":""}])");
  w.user()->drop();
  w.advance(base::milliseconds(1'100));
  w.open_sockets();
  w.advance(base::seconds(1));
  ASSERT_EQ(w.all<domain::FundingPayment>().size(), 1u);
  EXPECT_EQ(w.all<domain::FundingPayment>()[0].amount.to_string(), "-0.5");
}

// ---- leverage

class LeverageWorld : public Started {
 public:
  LeverageWorld() {
    rest->always("POST /fapi/v1/marginType", rejected(-4046, "No need to change margin type."));
    rest->always("POST /fapi/v1/leverage", R"({"leverage":7,"maxNotionalValue":"1000000","symbol":"BTCUSDT"})");
    rest->always("GET /fapi/v1/symbolConfig",
                 R"([{"symbol":"BTCUSDT","marginType":"CROSSED","isAutoAddMargin":false,"leverage":7,)"
                 R"("maxNotionalValue":"1000000"}])");
  }
  domain::LeverageSet set(int leverage) {
    EXPECT_TRUE(gateway->set_leverage(kBtc, {leverage}, domain::MarginMode::Cross).ok());
    host->settle();
    const auto answers = all<domain::LeverageSet>();
    EXPECT_EQ(answers.size(), 1u);
    return answers.empty() ? domain::LeverageSet{} : answers.back();
  }
};

TEST(Leverage, IsReadBack) {
  LeverageWorld w;
  const domain::LeverageSet set = w.set(7);
  EXPECT_TRUE(set.accepted);
  EXPECT_EQ(set.leverage.value, 7);
  EXPECT_EQ(parameter(w.rest->last("POST /fapi/v1/marginType"), "marginType"), "CROSSED");
  EXPECT_EQ(parameter(w.rest->last("POST /fapi/v1/leverage"), "leverage"), "7");
}

TEST(Leverage, WhatIsReadBackCounts) {
  LeverageWorld w;
  w.rest->always("POST /fapi/v1/leverage", rejected(-4028, "Leverage 200 is not valid"));
  const domain::LeverageSet set = w.set(20);
  EXPECT_FALSE(set.accepted);
  EXPECT_EQ(set.leverage.value, 7);
}

TEST(Leverage, WithoutAReadBackItIsNotAccepted) {
  LeverageWorld w;
  w.rest->always("GET /fapi/v1/symbolConfig", failed(FailureClass::Unknown));
  EXPECT_FALSE(w.set(7).accepted);
}

// ---- dead man's switch

TEST(DeadMan, BeatsWhileEntriesRestAndIsSwitchedOff) {
  Started w;
  const std::string key = "POST /fapi/v1/countdownCancelAll";
  w.submit(w.stop());
  w.submit(w.exit());
  w.submit(w.order(domain::OrderPurpose::TakeProfit));
  w.live(base::seconds(30));
  EXPECT_EQ(w.rest->count(key), 0) << "what protects must outlive us";
  const domain::Order first = w.entry(), second = w.entry();
  w.submit(first);
  EXPECT_EQ(w.rest->count(key), 1);
  EXPECT_EQ(parameter(w.rest->last(key), "countdownTime"), "30000");
  EXPECT_EQ(parameter(w.rest->last(key), "symbol"), "BTCUSDT");
  w.submit(second);
  w.live(base::seconds(25));
  EXPECT_EQ(w.rest->count(key), 3) << "every 10 s, once for the symbol";
  w.user()->feed(order_event(traded(w.wire_id(first.id), 1, "1", "1")));
  w.live(base::seconds(5));
  EXPECT_EQ(parameter(w.rest->last(key), "countdownTime"), "30000");
  OrderEvent cancelled;
  cancelled.client_id = w.wire_id(second.id);
  cancelled.execution = cancelled.status = "CANCELED";
  w.user()->feed(order_event(cancelled));
  EXPECT_EQ(parameter(w.rest->last(key), "countdownTime"), "0");
  const int sent = w.rest->count(key);
  w.live(base::minutes(1));
  EXPECT_EQ(w.rest->count(key), sent);
}

// ---- stop probe

class ProbeWorld : public Started {
 public:
  ProbeWorld() {
    rest->always("GET /fapi/v1/premiumIndex",
                 R"({"symbol":"BTCUSDT","markPrice":"100.33","indexPrice":"100","estimatedSettlePrice":"100",)"
                 R"("lastFundingRate":"0.0001","interestRate":"0.0001","nextFundingTime":1,"time":1})");
    rest->standing["GET /fapi/v1/algoOrder"] = [](const Call& c) {
      return ApiResult(rest_algo({parameter(c, "clientAlgoId"), "NEW", 0, 900, "50.1"}));
    };
    rest->always("DELETE /fapi/v1/algoOrder", R"({"algoId":900,"clientAlgoId":"x","code":"200","msg":"success"})");
  }
  base::Result<void> probe() {
    std::vector<base::Result<void>> results;
    gateway->probe_stop([&](base::Result<void> r) { results.push_back(std::move(r)); });
    host->settle();
    EXPECT_EQ(results.size(), 1u);
    return results.empty() ? base::Error{} : results[0];
  }
};

TEST(StopProbe, PlacesReadsBackAndCancels) {
  ProbeWorld w;
  EXPECT_TRUE(w.probe().ok());
  const Call& placed = w.rest->last("POST /fapi/v1/algoOrder");
  EXPECT_EQ(parameter(placed, "triggerPrice"), "50.1") << "half the mark, on the tick";
  EXPECT_EQ(parameter(placed, "reduceOnly"), "true");
  EXPECT_EQ(parameter(w.rest->last("DELETE /fapi/v1/algoOrder"), "clientAlgoId"), parameter(placed, "clientAlgoId"));
  w.user()->feed(algo_event(parameter(placed, "clientAlgoId"), "CANCELED"));
  w.advance(base::seconds(5));
  EXPECT_TRUE(w.events.empty()) << "the core never hears of it";
}

TEST(StopProbe, SaysWhatTheExchangeAnswered) {
  ProbeWorld w;
  w.rest->queued["POST /fapi/v1/algoOrder"].push_back(rejected(-4120, "Order type not supported for this endpoint."));
  const auto refused = w.probe();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::Errc::Unsupported);
  EXPECT_NE(refused.error().context.find("Order type not supported"), std::string::npos);
  EXPECT_EQ(w.rest->count("DELETE /fapi/v1/algoOrder"), 0);

  w.rest->always("GET /fapi/v1/algoOrder", rest_algo({"x", "NEW", 0, 900, "77"}));
  const auto different = w.probe();
  ASSERT_FALSE(different.ok());
  EXPECT_EQ(different.error().code, base::Errc::Unsupported);
  EXPECT_EQ(w.rest->count("DELETE /fapi/v1/algoOrder"), 1) << "it is cancelled all the same";
}

// ---- foreign orders, barrier, link

TEST(Gateway, CancelsAForeignOrderAtTheRightService) {
  Started w;
  w.rest->always("DELETE /fapi/v1/order", rejected(-2011));
  w.rest->always("DELETE /fapi/v1/algoOrder", "{}");
  ASSERT_TRUE(w.gateway->cancel_foreign({kBtc, 77, false}).ok());
  ASSERT_TRUE(w.gateway->cancel_foreign({kBtc, 88, true}).ok());
  w.advance(base::seconds(3));
  EXPECT_EQ(parameter(w.rest->last("DELETE /fapi/v1/order"), "orderId"), "77");
  EXPECT_EQ(parameter(w.rest->last("DELETE /fapi/v1/algoOrder"), "algoId"), "88");
  EXPECT_EQ(w.all<domain::AccountSnapshot>().size(), 1u);
}

TEST(Gateway, ABarrierIsARoundTripOnEverySocket) {
  Started w;
  w.user()->answers = false;
  int done = 0;
  w.gateway->barrier([&] { ++done; });
  w.host->settle();
  EXPECT_EQ(done, 0);
  ASSERT_EQ(w.user()->sent.size(), 1u);
  const json::value request = json::parse(w.user()->sent[0]);
  EXPECT_EQ(request.at("method").as_string(), "LIST_SUBSCRIPTIONS");
  OrderEvent e;
  e.client_id = w.wire_id(w.entry().id);
  w.user()->feed(order_event(e));  // sent before the answer: handled before done
  EXPECT_EQ(done, 0);
  w.user()->feed(R"({"result":["key1"],"id":)" + json::serialize(request.at("id")) + "}");
  EXPECT_EQ(done, 1);
  w.gateway->barrier([&] { ++done; });
  w.user()->drop();
  w.host->settle();
  EXPECT_EQ(done, 2) << "a lost connection has no more messages to wait for";
}

TEST(Gateway, BarriersKeepBelowTheExchangesFrameLimit) {
  Started w;
  int done = 0;
  for (int i = 0; i < 100; ++i) {
    w.gateway->barrier([&] { ++done; });
    w.host->settle();
  }
  EXPECT_EQ(done, 8);
  EXPECT_EQ(w.market()->sent.size(), 8u);
  w.advance(base::milliseconds(1'001));
  EXPECT_EQ(done, 100) << "those that had to wait share one round trip";
  EXPECT_EQ(w.market()->sent.size(), 9u);
}

TEST(Gateway, TheLinkFollowsRestAndClock) {
  Started w;
  w.rest->banned = kStart + base::minutes(10);
  w.live(base::seconds(10));
  EXPECT_EQ(w.link(), LinkState::Down);
  w.rest->banned.reset();
  w.live(base::seconds(10));
  EXPECT_EQ(w.link(), LinkState::Ready);
  w.rest->sync_answer = base::Error{"binance", base::Errc::Unavailable, "no answer"};
  w.live(base::seconds(65));
  EXPECT_EQ(w.link(), LinkState::Down);
  w.rest->sync_answer = {};
  w.live(base::seconds(10));
  EXPECT_EQ(w.link(), LinkState::Ready);
  w.events.clear();
  w.rest->offset = base::milliseconds(1'500);
  w.live(base::seconds(6));
  ASSERT_FALSE(w.all<domain::VenueLink>().empty());
  EXPECT_EQ(w.all<domain::VenueLink>().front().state, LinkState::Degraded);
  w.live(base::seconds(10));
  EXPECT_EQ(w.link(), LinkState::Ready) << "wrong by a constant is corrected for";
}

TEST(Gateway, AfterStopNothingHappens) {
  Started w;
  w.submit(w.entry());
  w.gateway->stop();
  w.events.clear();
  w.rest->calls.clear();
  w.advance(base::hours(1));
  EXPECT_TRUE(w.events.empty());
  EXPECT_TRUE(w.rest->calls.empty());
  EXPECT_TRUE(w.host->connects.empty());
  EXPECT_FALSE(w.gateway->submit_order(w.entry()).ok());
}

}  // namespace
}  // namespace qtrader::binance::testing
