// The order channel seen from both ends: what the exchange is sent, and what the core is told, for every way an answer
// can be wrong, late, lost or overtaken.
#include "edge/binance/gateway_fixture.hpp"

namespace qtrader::binance::testing {
namespace {

using domain::OrderPurpose;
using domain::OrderStatus;
using domain::OrderType;

enum class Kind { Entry, Stop, Exit };
constexpr Kind kKinds[] = {Kind::Entry, Kind::Stop, Kind::Exit};

class Bench : public World {
 public:
  Bench() { start(); }
  domain::Order make(Kind kind) { return kind == Kind::Entry ? entry() : kind == Kind::Stop ? stop() : exit(); }
  static std::string place(Kind kind) { return kind == Kind::Stop ? "POST /fapi/v1/algoOrder" : "POST /fapi/v1/order"; }
  static std::string find(Kind kind) { return kind == Kind::Stop ? "GET /fapi/v1/algoOrder" : "GET /fapi/v1/order"; }
  std::string found(Kind kind, domain::ClientOrderId id) const {
    return kind == Kind::Stop ? rest_algo({wire_id(id)}) : rest_order({wire_id(id)});
  }
};

TEST(OrderChannel, SendsWhatWasOrdered) {
  Bench w;
  domain::Order o = w.entry();
  o.time_in_force = domain::TimeInForce::Gtx;
  w.submit(o);
  const Call& entry = w.rest->last("POST /fapi/v1/order");
  EXPECT_EQ(parameter(entry, "symbol"), "BTCUSDT");
  EXPECT_EQ(parameter(entry, "side"), "BUY");
  EXPECT_EQ(parameter(entry, "type"), "LIMIT");
  EXPECT_EQ(parameter(entry, "quantity"), "1");
  EXPECT_EQ(parameter(entry, "price"), "100");
  EXPECT_EQ(parameter(entry, "timeInForce"), "GTX");
  EXPECT_EQ(parameter(entry, "reduceOnly"), "(absent)");
  EXPECT_EQ(parameter(entry, "positionSide"), "(absent)");
  EXPECT_EQ(parameter(entry, "newClientOrderId"), "qt-t-abcdef0000000007-1-0");
  EXPECT_EQ(entry.priority, Priority::Entry);
  EXPECT_EQ(entry.orders, 1);
  EXPECT_EQ(entry.weight, 0);

  w.submit(w.stop());
  const Call& stop = w.rest->last("POST /fapi/v1/algoOrder");
  EXPECT_EQ(parameter(stop, "algoType"), "CONDITIONAL");
  EXPECT_EQ(parameter(stop, "type"), "STOP_MARKET");
  EXPECT_EQ(parameter(stop, "triggerPrice"), "90");
  EXPECT_EQ(parameter(stop, "workingType"), "MARK_PRICE");
  EXPECT_EQ(parameter(stop, "priceProtect"), "false");
  EXPECT_EQ(parameter(stop, "reduceOnly"), "true");
  EXPECT_EQ(parameter(stop, "clientAlgoId"), "qt-t-abcdef0000000007-2-0");
  EXPECT_EQ(stop.priority, Priority::Exit);

  w.submit(w.exit());
  const Call& exit = w.rest->last("POST /fapi/v1/order");
  EXPECT_EQ(parameter(exit, "type"), "MARKET");
  EXPECT_EQ(parameter(exit, "timeInForce"), "(absent)");
  EXPECT_EQ(parameter(exit, "reduceOnly"), "true");
  EXPECT_EQ(exit.priority, Priority::Exit);
}

TEST(OrderChannel, AnAckIsNewOnceWhicheverComesFirst) {
  for (const Kind kind : kKinds) {
    const auto event = [&](const Bench& w, domain::ClientOrderId id) {
      OrderEvent e;
      e.client_id = w.wire_id(id);
      return kind == Kind::Stop ? algo_event(w.wire_id(id), "NEW") : order_event(e);
    };
    {
      Bench w;
      const domain::Order o = w.make(kind);
      w.submit(o);
      w.user()->feed(event(w, o.id));
      EXPECT_EQ(w.story(o.id), Story{"New"}) << "answer first";
    }
    {
      Bench w;
      w.rest->hold[Bench::place(kind)] = true;
      const domain::Order o = w.make(kind);
      w.submit(o);
      EXPECT_EQ(w.story(o.id), Story{}) << "nothing is promised before the exchange has said so";
      w.user()->feed(event(w, o.id));
      w.rest->release(Bench::place(kind), w.found(kind, o.id));
      EXPECT_EQ(w.story(o.id), Story{"New"}) << "event first";
    }
  }
}

TEST(OrderChannel, AFillThatOvertakesItsAckIsNotTakenBack) {
  Bench w;
  w.rest->hold["POST /fapi/v1/order"] = true;
  const domain::Order o = w.exit();
  w.submit(o);
  w.user()->feed(order_event(traded(w.wire_id(o.id), 11, "1", "1")));
  w.rest->release("POST /fapi/v1/order", rest_order({w.wire_id(o.id)}));
  w.advance(base::minutes(1));
  EXPECT_EQ(w.story(o.id), (Story{"New", "Fill 1@100", "Filled 1@100"}));
}

TEST(OrderChannel, ALateFailureCannotRejectWhatTheStreamHasAccepted) {
  for (const FailureClass kind : {FailureClass::Unknown, FailureClass::NotExecuted, FailureClass::Rejected}) {
    Bench w;
    w.rest->hold["POST /fapi/v1/order"] = true;
    const domain::Order o = w.entry();
    w.submit(o);
    OrderEvent e;
    e.client_id = w.wire_id(o.id);
    w.user()->feed(order_event(e));
    w.rest->release("POST /fapi/v1/order", failed(kind));
    w.advance(base::seconds(20));
    EXPECT_EQ(w.story(o.id), Story{"New"});
    EXPECT_EQ(w.rest->count("POST /fapi/v1/order"), 1);
  }
}

TEST(OrderChannel, ARefusalIsDefinite) {
  const std::vector<std::pair<int, std::string>> cases = {
      {-2019, "Rejected/InsufficientMargin"}, {-2021, "Rejected/WouldTrigger"},
      {-2022, "Rejected/ReduceOnlyRejected"}, {-4164, "Rejected/MinNotional"},
      {-4014, "Rejected/PriceFilter"},        {-4003, "Rejected/LotSize"},
      {-5022, "Rejected/PostOnlyWouldTake"},  {-2027, "Rejected/MaxPosition"},
      {-1121, "Rejected/UnknownSymbol"},      {-5021, "Rejected/NoLiquidity"},
      {-4120, "Rejected/TransportFailure"},   {-4045, "Rejected/TransportFailure"}};
  for (const Kind kind : kKinds) {
    for (const auto& [code, expected] : cases) {
      Bench w;
      const domain::Order o = w.make(kind);
      w.rest->queued[Bench::place(kind)].push_back(rejected(code));
      w.submit(o);
      w.advance(base::minutes(1));
      EXPECT_EQ(w.story(o.id), Story{expected}) << code;
      EXPECT_EQ(w.rest->count(Bench::place(kind)), 1) << "a refused order is not sent again";
    }
  }
}

TEST(OrderChannel, WhatWasNotExecutedIsTriedAgainOnlyIfItReduces) {
  for (const FailureClass failure : {FailureClass::NotExecuted, FailureClass::Throttled, FailureClass::Clock}) {
    for (const Kind kind : kKinds) {
      Bench w;
      const domain::Order o = w.make(kind);
      for (int i = 0; i < 3; ++i) w.rest->queued[Bench::place(kind)].push_back(failed(failure));
      w.submit(o);
      if (kind == Kind::Entry) {
        w.advance(base::minutes(1));
        EXPECT_EQ(w.story(o.id), Story{"Rejected/TransportFailure"}) << "its signal is stale";
        EXPECT_EQ(w.rest->count(Bench::place(kind)), 1);
        continue;
      }
      w.advance(base::milliseconds(499));
      EXPECT_EQ(w.rest->count(Bench::place(kind)), 1);
      w.advance(base::milliseconds(2));
      EXPECT_EQ(w.rest->count(Bench::place(kind)), 2);
      w.advance(base::milliseconds(1'000));
      EXPECT_EQ(w.rest->count(Bench::place(kind)), 3);
      EXPECT_EQ(w.story(o.id), Story{});
      w.advance(base::milliseconds(2'000));
      EXPECT_EQ(w.story(o.id), Story{"New"});
      const std::string name = kind == Kind::Stop ? "clientAlgoId" : "newClientOrderId";
      EXPECT_EQ(parameter(w.rest->last(Bench::place(kind)), name), w.wire_id(o.id)) << "always the same id";
    }
  }
}

TEST(OrderChannel, ALostAnswerIsAskedForNotRepeated) {
  for (const Kind kind : {Kind::Entry, Kind::Exit}) {
    Bench w;
    const domain::Order o = w.make(kind);
    w.rest->queued[Bench::place(kind)].push_back(failed(FailureClass::Unknown));
    // Not visible at 0.2 and 0.7 s, no answer at 1.7 s, there at 3.7 s.
    w.rest->queued[Bench::find(kind)] = {rejected(-2013), rejected(-2013), failed(FailureClass::NotExecuted),
                                         w.found(kind, o.id)};
    w.submit(o);
    const auto questions = [&] { return w.rest->count(Bench::find(kind)); };
    for (const auto& [at, asked] :
         std::vector<std::pair<int, int>>{{199, 0}, {201, 1}, {699, 1}, {701, 2}, {1'701, 3}}) {
      w.advance(kStart + base::seconds(4) + base::milliseconds(at) - w.host->now());
      EXPECT_EQ(questions(), asked) << at << " ms";
    }
    EXPECT_EQ(w.story(o.id), Story{});
    w.advance(base::milliseconds(2'100));
    EXPECT_EQ(w.story(o.id), Story{"New"});
    EXPECT_EQ(questions(), 4);
    EXPECT_EQ(w.rest->count(Bench::place(kind)), 1);
  }
}

TEST(OrderChannel, AnOrderTheExchangeNeverSawIsSentAgainOnlyIfItReduces) {
  for (const Kind kind : kKinds) {
    Bench w;
    const domain::Order o = w.make(kind);
    w.rest->queued[Bench::place(kind)].push_back(failed(FailureClass::Unknown));
    w.rest->always(Bench::find(kind), rejected(-2013));
    w.submit(o);
    if (kind == Kind::Stop) {  // the position waits for it, and a duplicate would be refused
      w.advance(base::milliseconds(201));
      EXPECT_EQ(w.rest->count(Bench::place(kind)), 2);
      EXPECT_EQ(w.story(o.id), Story{"New"});
      continue;
    }
    // recvWindow 2 s + 1 s: until then it may still arrive.
    w.advance(base::milliseconds(2'900));
    EXPECT_EQ(w.story(o.id), Story{});
    EXPECT_EQ(w.rest->count(Bench::place(kind)), 1);
    w.advance(base::seconds(4));
    if (kind == Kind::Entry) {
      EXPECT_EQ(w.story(o.id), Story{"Rejected/TransportFailure"});
      EXPECT_EQ(w.rest->count(Bench::place(kind)), 1) << "an entry is never sent twice";
    } else {
      EXPECT_EQ(w.story(o.id), Story{"New"});
      EXPECT_EQ(w.rest->count(Bench::place(kind)), 2);
    }
  }
}

TEST(OrderChannel, AReducingOrderThatNeverArrivesIsGivenUpAfterFiveTries) {
  Bench w;
  const domain::Order o = w.exit();
  w.rest->always("POST /fapi/v1/order", failed(FailureClass::Unknown));
  w.rest->always("GET /fapi/v1/order", rejected(-2013));
  w.submit(o);
  w.advance(base::minutes(2));
  EXPECT_EQ(w.story(o.id), Story{"Rejected/TransportFailure"});
  EXPECT_EQ(w.rest->count("POST /fapi/v1/order"), 5);
}

TEST(OrderChannel, AStopThatIsRefusedForLaterIsTriedEverySecond) {
  Bench w;
  const domain::Order o = w.stop();
  for (int i = 0; i < 6; ++i) w.rest->queued["POST /fapi/v1/algoOrder"].push_back(failed(FailureClass::NotExecuted));
  w.submit(o);
  for (const auto& [at, sends] : std::vector<std::pair<int, int>>{{501, 2}, {1'000, 3}, {1'000, 4}, {1'000, 5}}) {
    w.advance(base::milliseconds(at));
    EXPECT_EQ(w.rest->count("POST /fapi/v1/algoOrder"), sends);
  }
}

TEST(OrderChannel, AStopsLateCopyIsKnownByItsId) {
  Bench w;
  const domain::Order o = w.stop();
  w.rest->queued["POST /fapi/v1/algoOrder"] = {failed(FailureClass::Unknown), rejected(-4116)};
  w.rest->queued["GET /fapi/v1/algoOrder"] = {rejected(-2013), w.found(Kind::Stop, o.id)};
  w.submit(o);
  w.advance(base::seconds(2));
  EXPECT_EQ(w.rest->count("POST /fapi/v1/algoOrder"), 2);
  EXPECT_EQ(w.story(o.id), Story{"New"});
}

TEST(OrderChannel, AMarketOrdersLostMessagesAreMadeUpForWithinASecond) {  // incident 2
  Bench w;
  domain::Order o = w.entry();
  o.type = OrderType::Market;
  o.limit_price = {};
  w.rest->always("GET /fapi/v1/order", rest_order({w.wire_id(o.id), "FILLED", "1", "100.5"}));
  w.rest->always("GET /fapi/v1/userTrades", list({user_trade({21, 5'001, "100.5", "1"})}));
  w.submit(o);
  EXPECT_EQ(w.story(o.id), Story{"New"});
  EXPECT_GT(w.gateway->outstanding(), 0u) << "its end is still to come";
  w.advance(base::milliseconds(260));
  EXPECT_EQ(w.story(o.id), (Story{"New", "Fill 1@100.5", "Filled 1@100.5"}));
  const int asked = w.rest->count("GET /fapi/v1/order");
  w.advance(base::minutes(1));
  EXPECT_EQ(w.rest->count("GET /fapi/v1/order"), asked) << "over is over";
  EXPECT_EQ(w.gateway->outstanding(), 0u);
}

TEST(OrderChannel, ARestingEntrysLostFillsAreMadeUpFor) {
  Bench w;
  const domain::Order o = w.entry();
  w.rest->always("GET /fapi/v1/order", rest_order({w.wire_id(o.id), "PARTIALLY_FILLED", "0.4", "100"}));
  w.rest->always("GET /fapi/v1/userTrades", list({user_trade({21, 5'001, "100", "0.4"})}));
  w.submit(o);
  EXPECT_EQ(w.gateway->outstanding(), 0u) << "a resting order is no unfinished business";
  w.advance(base::milliseconds(1'001));
  EXPECT_EQ(w.story(o.id), (Story{"New", "Fill 0.4@100", "PartiallyFilled 0.4@100"}));
}

TEST(OrderChannel, ALostAnswerOfAFilledOrderBringsItsFills) {
  Bench w;
  const domain::Order o = w.entry();
  w.rest->queued["POST /fapi/v1/order"].push_back(failed(FailureClass::Unknown));
  w.rest->always("GET /fapi/v1/order", rest_order({w.wire_id(o.id), "FILLED", "1", "100.5"}));
  w.rest->always("GET /fapi/v1/userTrades",
                 list({user_trade({21, 5'001, "100", "0.5"}), user_trade({22, 5'001, "101", "0.5"})}));
  w.submit(o);
  w.advance(base::seconds(1));
  EXPECT_EQ(w.story(o.id), (Story{"New", "Fill 0.5@100", "Fill 0.5@101", "Filled 1@100.5"}));
  w.user()->feed(order_event(traded(w.wire_id(o.id), 21, "0.5", "0.5")));
  w.user()->feed(order_event(traded(w.wire_id(o.id), 22, "0.5", "1")));
  EXPECT_EQ(w.story(o.id).size(), 4u) << "the stream's late copies are known by their trade ids";
}

TEST(OrderChannel, ADuplicateIdIsAskedAboutNotBelieved) {
  for (const Kind kind : kKinds) {
    Bench w;
    const domain::Order o = w.make(kind);
    w.rest->queued[Bench::place(kind)].push_back(rejected(-4116));
    w.rest->always(Bench::find(kind), w.found(kind, o.id));
    w.submit(o);
    w.advance(base::seconds(1));
    EXPECT_EQ(w.story(o.id), Story{"New"});
  }
}

TEST(OrderChannel, RefusedCredentialsStopEverything) {
  for (const Kind kind : kKinds) {
    Bench w;
    ASSERT_EQ(w.link(), domain::LinkState::Ready);
    const domain::Order o = w.make(kind);
    w.rest->queued[Bench::place(kind)].push_back(ApiFailure{FailureClass::Credentials, 401, -2015, "Invalid API-key"});
    w.submit(o);
    w.advance(base::seconds(10));
    EXPECT_EQ(w.story(o.id), Story{"Rejected/TransportFailure"});
    EXPECT_EQ(w.rest->count(Bench::place(kind)), 1);
    ASSERT_FALSE(w.all<domain::VenueLink>().empty());
    EXPECT_EQ(w.all<domain::VenueLink>().back().state, domain::LinkState::Down);
    EXPECT_NE(w.all<domain::VenueLink>().back().reason.find("credentials"), std::string::npos);
  }
}

TEST(OrderChannel, FillsAreCountedOnceAndReportsOnlyMoveForward) {
  Bench w;
  const domain::Order o = w.entry();
  w.submit(o);
  const std::string id = w.wire_id(o.id);
  w.user()->feed(order_event(traded(id, 31, "0.4", "0.4")));
  w.user()->feed(order_event(traded(id, 31, "0.4", "0.4")));  // sent by both connections
  w.user()->feed(order_event(traded(id, 32, "0.6", "1")));
  w.user()->feed(order_event(traded(id, 31, "0.4", "0.4")));
  OrderEvent late;
  late.client_id = id;
  w.user()->feed(order_event(late));
  w.advance(base::seconds(10));
  EXPECT_EQ(w.story(o.id), (Story{"New", "Fill 0.4@100", "PartiallyFilled 0.4@100", "Fill 0.6@100", "Filled 1@100"}));
  const domain::Fill fill = w.all<domain::Fill>().at(0);
  EXPECT_EQ(fill.fee.to_string(), "0.05");
  EXPECT_EQ(fill.venue_trade_id, 31u);
  EXPECT_EQ(fill.side, domain::Side::Buy);
}

TEST(OrderChannel, AFeeInAnotherAssetIsBookedAtTheAccountsRate) {
  Bench w;
  const domain::Order o = w.entry();
  w.submit(o);
  OrderEvent e = traded(w.wire_id(o.id), 31, "1", "1");
  e.commission = "0.0001";
  e.asset = "BNB";
  w.user()->feed(order_event(e));
  EXPECT_EQ(w.all<domain::Fill>().at(0).fee.to_string(), "0.05");  // taker 0.05 % of 100
}

TEST(OrderChannel, AStopThatTriggersGoesOnUnderItsOwnId) {
  Bench w;
  const domain::Order o = w.stop();
  w.submit(o);
  const std::string id = w.wire_id(o.id);
  w.user()->feed(algo_event(id, "TRIGGERING"));
  w.user()->feed(algo_event(id, "TRIGGERED", "5001"));
  OrderEvent placed;
  placed.client_id = id;
  placed.side = "SELL";
  w.user()->feed(order_event(placed));
  w.user()->feed(order_event(traded(id, 41, "1", "1")));
  w.user()->feed(algo_event(id, "FINISHED", "5001"));
  w.advance(base::seconds(10));
  EXPECT_EQ(w.story(o.id), (Story{"New", "Fill 1@100", "Filled 1@100"}));
}

TEST(OrderChannel, ATriggeredStopIsKnownByItsOrderIdWhateverItsClientId) {
  Bench w;
  const domain::Order o = w.stop();
  w.submit(o);
  w.user()->feed(algo_event(w.wire_id(o.id), "TRIGGERED", "5001"));
  w.user()->feed(order_event(traded("x-made-by-the-exchange", 41, "1", "1")));
  EXPECT_EQ(w.story(o.id), (Story{"New", "Fill 1@100", "Filled 1@100"}));
}

TEST(OrderChannel, AStopTheEngineRefusesAtItsTriggerHasExpired) {
  Bench w;
  const domain::Order o = w.stop();
  w.submit(o);
  w.user()->feed(algo_event(w.wire_id(o.id), "REJECTED", "", "ReduceOnly Order is rejected."));
  EXPECT_EQ(w.story(o.id), (Story{"New", "Expired/ReduceOnlyRejected"})) << "New was said: Rejected cannot follow it";
}

TEST(OrderChannel, AFinishedStopWhoseOrderWasNotHeardOfIsAskedAbout) {
  Bench w;
  const domain::Order o = w.stop();
  w.submit(o);
  w.rest->always("GET /fapi/v1/order", rest_order({w.wire_id(o.id), "FILLED", "1", "100"}));
  w.rest->always("GET /fapi/v1/userTrades", list({user_trade({51})}));
  w.user()->feed(algo_event(w.wire_id(o.id), "FINISHED", "5001"));
  w.host->settle();
  EXPECT_EQ(w.story(o.id), (Story{"New", "Fill 1@100", "Filled 1@100"}));
}

// ---- cancels

TEST(OrderChannel, ACancelGoesWhereTheOrderIs) {
  Bench w;
  const domain::Order limit = w.entry(), stop = w.stop(), triggered = w.stop();
  for (const auto& o : {limit, stop, triggered}) w.submit(o);
  w.user()->feed(algo_event(w.wire_id(triggered.id), "TRIGGERED", "7001"));
  w.rest->always("DELETE /fapi/v1/algoOrder", R"({"algoId":900,"clientAlgoId":"x","code":"200","msg":"success"})");
  w.rest->queued["DELETE /fapi/v1/order"] = {rest_order({w.wire_id(limit.id), "CANCELED"}),
                                             rest_order({w.wire_id(triggered.id), "CANCELED", "0", "0", 7'001})};
  ASSERT_TRUE(w.gateway->cancel(limit.id, kBtc).ok());
  w.host->settle();
  EXPECT_EQ(parameter(w.rest->last("DELETE /fapi/v1/order"), "orderId"), "5001");
  ASSERT_TRUE(w.gateway->cancel(stop.id, kBtc).ok());
  w.host->settle();
  EXPECT_EQ(parameter(w.rest->last("DELETE /fapi/v1/algoOrder"), "clientAlgoId"), w.wire_id(stop.id));
  ASSERT_TRUE(w.gateway->cancel(triggered.id, kBtc).ok());
  w.host->settle();
  EXPECT_EQ(parameter(w.rest->last("DELETE /fapi/v1/order"), "orderId"), "7001");
  EXPECT_EQ(w.rest->count("DELETE /fapi/v1/algoOrder"), 1);
  for (const auto& o : {limit, stop, triggered}) EXPECT_EQ(w.story(o.id), (Story{"New", "Canceled/UserRequest"}));
}

TEST(OrderChannel, ACancelBeforeTheAckWaitsForIt) {
  Bench w;
  w.rest->hold["POST /fapi/v1/order"] = true;
  const domain::Order o = w.entry();
  w.submit(o);
  ASSERT_TRUE(w.gateway->cancel(o.id, kBtc).ok());
  w.host->settle();
  EXPECT_EQ(w.rest->count("DELETE /fapi/v1/order"), 0);
  w.rest->always("DELETE /fapi/v1/order", rest_order({w.wire_id(o.id), "CANCELED"}));
  w.rest->release("POST /fapi/v1/order", rest_order({w.wire_id(o.id)}));
  EXPECT_EQ(w.story(o.id), (Story{"New", "Canceled/UserRequest"}));
}

TEST(OrderChannel, ACancelledOrdersFillsComeBeforeItsEnd) {
  Bench w;
  const domain::Order o = w.entry();
  w.submit(o);
  w.rest->always("DELETE /fapi/v1/order", rest_order({w.wire_id(o.id), "CANCELED", "0.3", "100"}));
  w.rest->always("GET /fapi/v1/userTrades", list({user_trade({61, 5'001, "100", "0.3"})}));
  ASSERT_TRUE(w.gateway->cancel(o.id, kBtc).ok());
  w.host->settle();
  EXPECT_EQ(w.story(o.id), (Story{"New", "Fill 0.3@100", "Canceled/UserRequest 0.3@100"}));
}

TEST(OrderChannel, ACancelOfWhatIsGoneTellsWhatBecameOfIt) {
  Bench w;
  const domain::Order o = w.entry();
  w.submit(o);
  w.rest->always("DELETE /fapi/v1/order", rejected(-2011));
  w.rest->always("GET /fapi/v1/order", rest_order({w.wire_id(o.id), "FILLED", "1", "100"}));
  w.rest->always("GET /fapi/v1/userTrades", list({user_trade({71})}));
  ASSERT_TRUE(w.gateway->cancel(o.id, kBtc).ok());
  w.host->settle();
  EXPECT_EQ(w.story(o.id), (Story{"New", "Fill 1@100", "Filled 1@100"}));
  EXPECT_EQ(w.rest->count("GET /fapi/v1/order"), 1);
}

TEST(OrderChannel, ACancelOfWhatNobodyKnowsIsUnknown) {
  Bench w;
  const domain::Order o = w.entry();
  w.rest->always("GET /fapi/v1/order", rejected(-2013));
  w.rest->always("GET /fapi/v1/algoOrder", rejected(-2013));
  ASSERT_TRUE(w.gateway->cancel(o.id, kBtc).ok());  // of an earlier life: not tracked
  w.advance(base::seconds(1));
  EXPECT_EQ(w.story(o.id), Story{"Rejected/UnknownOrder"});
}

TEST(OrderChannel, ACancelOfAnEarlierLifesStopFindsIt) {
  Bench w;
  const domain::Order o = w.stop();
  w.rest->always("GET /fapi/v1/order", rejected(-2013));
  w.rest->always("GET /fapi/v1/algoOrder", rest_algo({w.wire_id(o.id)}));
  w.rest->always("DELETE /fapi/v1/algoOrder", R"({"algoId":900,"clientAlgoId":"x","code":"200","msg":"success"})");
  ASSERT_TRUE(w.gateway->cancel(o.id, kBtc).ok());
  w.advance(base::seconds(1));
  EXPECT_EQ(w.story(o.id), (Story{"New", "Canceled/UserRequest"}));
}

TEST(OrderChannel, ACancelThatMeetsATriggerFollowsTheOrder) {
  Bench w;
  const domain::Order o = w.stop();
  w.submit(o);
  w.rest->always("DELETE /fapi/v1/algoOrder", rejected(-2011));
  w.rest->queued["GET /fapi/v1/order"] = {rest_order({w.wire_id(o.id), "NEW", "0", "0", 7'001})};
  w.rest->always("DELETE /fapi/v1/order", rest_order({w.wire_id(o.id), "CANCELED", "0", "0", 7'001}));
  ASSERT_TRUE(w.gateway->cancel(o.id, kBtc).ok());
  w.advance(base::seconds(2));
  EXPECT_EQ(w.story(o.id), (Story{"New", "Canceled/UserRequest"}));
}

TEST(OrderChannel, ACancelWithoutAnAnswerIsRepeated) {
  Bench w;
  const domain::Order o = w.entry();
  w.submit(o);
  w.rest->queued["DELETE /fapi/v1/order"] = {failed(FailureClass::Unknown), failed(FailureClass::Throttled),
                                             rest_order({w.wire_id(o.id), "CANCELED"})};
  ASSERT_TRUE(w.gateway->cancel(o.id, kBtc).ok());
  w.advance(base::seconds(5));
  EXPECT_EQ(w.story(o.id), (Story{"New", "Canceled/UserRequest"}));
  EXPECT_EQ(w.rest->count("DELETE /fapi/v1/order"), 3);
}

// ---- queries

TEST(OrderChannel, AQueryAnswersWithFillsThenTheReport) {
  Bench w;
  const domain::Order o = w.entry();  // sent before a restart
  w.rest->always("GET /fapi/v1/order", rest_order({w.wire_id(o.id), "PARTIALLY_FILLED", "0.4", "100"}));
  w.rest->always("GET /fapi/v1/userTrades", list({user_trade({81, 5'001, "100", "0.4"})}));
  ASSERT_TRUE(w.gateway->query(o.id, kBtc).ok());
  w.host->settle();
  EXPECT_EQ(w.story(o.id), (Story{"New", "Fill 0.4@100", "PartiallyFilled 0.4@100"}));
  w.events.clear();
  ASSERT_TRUE(w.gateway->query(o.id, kBtc).ok());
  w.host->settle();
  EXPECT_EQ(w.story(o.id), Story{"PartiallyFilled 0.4@100"}) << "nothing is new, and that is said";
}

TEST(OrderChannel, AQueryIsUnknownOnlyWhenNothingCanArriveAnyMore) {
  World w;
  w.rest->always("GET /fapi/v1/order", rejected(-2013));
  w.rest->always("GET /fapi/v1/algoOrder", rejected(-2013));
  const domain::Order o = w.entry();
  ASSERT_TRUE(w.gateway->query(o.id, kBtc).ok());  // the program has just started: an order may be on its way
  w.advance(base::milliseconds(2'900));
  EXPECT_EQ(w.story(o.id), Story{});
  w.advance(base::seconds(4));
  EXPECT_EQ(w.story(o.id), Story{"Rejected/UnknownOrder"});
}

TEST(OrderChannel, AnOpenIdIsNotSentTwice) {
  Bench w;
  const domain::Order o = w.entry();
  w.submit(o);
  const auto again = w.gateway->submit_order(o);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, base::Errc::Conflict);
  EXPECT_EQ(w.rest->count("POST /fapi/v1/order"), 1);
}

}  // namespace
}  // namespace qtrader::binance::testing
