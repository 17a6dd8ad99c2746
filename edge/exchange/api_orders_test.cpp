#include "edge/exchange/api_call.hpp"
#include "edge/exchange/api_fixture.hpp"

namespace qtrader::exchange {
namespace {

class ApiOrders : public ApiFixture {
 protected:
  static constexpr const char* kOrder = "/fapi/v1/order";
  static constexpr const char* kAlgo = "/fapi/v1/algoOrder";
  const std::string btc_ = "symbol=BTCUSDT";
  const std::string limit_ = btc_ + "&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=49000";
  const std::string algo_ = btc_ + "&algoType=CONDITIONAL&side=SELL";
  std::string stamp(int offset_ms = 0) { return std::to_string(exchange_->now().unix_ms() + offset_ms); }
};

TEST_F(ApiOrders, GoldenAcknowledgement) {
  const auto response = signed_request("POST", kOrder, limit_ + "&newClientOrderId=my-1");
  EXPECT_EQ(response.body,
            R"({"orderId":1,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"my-1","price":"49000.00",)"
            R"("avgPrice":"0.00","cumQuote":"0.00000","origQty":"0.010","executedQty":"0.000","cumQty":"0.000",)"
            R"("timeInForce":"GTC","type":"LIMIT","reduceOnly":false,"closePosition":false,"side":"BUY",)"
            R"("positionSide":"BOTH","stopPrice":"0.00","workingType":"CONTRACT_PRICE","priceProtect":false,)"
            R"("origType":"LIMIT","priceMatch":"NONE","selfTradePreventionMode":"EXPIRE_MAKER","goodTillDate":0,)"
            R"("updateTime":)" +
                stamp() + "}");
}

TEST_F(ApiOrders, AveragesCanBeLeftOutOfAcknowledgements) {
  config_.ack_average_price = false;
  make_api();
  const auto placed = call("POST", kOrder, limit_).as_object();
  EXPECT_FALSE(placed.contains("avgPrice") || placed.contains("cumQuote"));
  EXPECT_TRUE(placed.contains("cumQty"));
  EXPECT_TRUE(call("GET", "/fapi/v1/openOrders").at(0).as_object().contains("avgPrice"));
}

TEST_F(ApiOrders, GoldenPositionAndBalance) {
  call("POST", kOrder, btc_ + "&side=BUY&type=MARKET&quantity=0.02");
  const auto account = exchange_->account(account_);
  const auto places = [](auto fixed) {
    std::string text;
    append_decimal(text, fixed.raw(), 8);
    return text;
  };
  const auto row = exchange_->positions(account_, kBtc).front();
  EXPECT_EQ(signed_request("GET", "/fapi/v3/positionRisk").body,
            R"([{"symbol":"BTCUSDT","positionSide":"BOTH","positionAmt":"0.020","entryPrice":"50000.10000000",)"
            R"("breakEvenPrice":")" +
                places(row.break_even) + R"(","markPrice":"50000.00000000","unRealizedProfit":"-0.00200000",)" +
                R"("liquidationPrice":"0","isolatedMargin":"0.00000000","notional":"1000.00000000",)" +
                R"("marginAsset":"USDT","isolatedWallet":"0.00000000","initialMargin":"50.00000000",)" +
                R"("maintMargin":"4.00000000","positionInitialMargin":"50.00000000",)" +
                R"("openOrderInitialMargin":"0.00000000","adl":)" + std::to_string(row.adl_quantile) +
                R"(,"bidNotional":"0.00000000","askNotional":"0.00000000","updateTime":)" + stamp() + "}]");
  EXPECT_EQ(signed_request("GET", "/fapi/v3/balance").body,
            R"([{"accountAlias":"acct)" + std::to_string(account_.value) +
                R"(","asset":"USDT","balance":"9999.49999900","crossWalletBalance":"9999.49999900",)" +
                R"("crossUnPnl":"-0.00200000","availableBalance":")" + places(account.available) +
                R"(","maxWithdrawAmount":")" + places(account.max_withdraw) +
                R"(","marginAvailable":true,"updateTime":)" + stamp() + "}]");
  EXPECT_EQ(account.available, account.wallet + account.cross_unrealised - account.initial_margin);
}

TEST_F(ApiOrders, AcknowledgementOrResult) {
  const auto market = btc_ + "&side=BUY&type=MARKET&quantity=0.02";
  const auto ack = call("POST", kOrder, market);
  EXPECT_EQ(ack.at("status").as_string(), "NEW");
  EXPECT_EQ(ack.at("executedQty").as_string(), "0.000");
  EXPECT_EQ(ack.at("timeInForce").as_string(), "GTC");
  const auto result = call("POST", kOrder, market + "&newOrderRespType=RESULT");
  EXPECT_EQ(result.at("status").as_string(), "FILLED");
  EXPECT_EQ(result.at("executedQty").as_string(), "0.020");
  EXPECT_EQ(result.at("avgPrice").as_string(), "50000.10000");
  EXPECT_EQ(result.at("cumQuote").as_string(), "1000.00200");
  const auto ioc = btc_ + "&side=BUY&type=LIMIT&timeInForce=IOC&quantity=3&price=50000.1&newOrderRespType=RESULT";
  const auto partly = call("POST", kOrder, ioc);
  EXPECT_EQ(partly.at("status").as_string(), "EXPIRED");
  EXPECT_EQ(partly.at("executedQty").as_string(), "1.960");
  const auto rest = call("POST", kOrder, limit_ + "&newOrderRespType=RESULT");
  EXPECT_EQ(rest.at("status").as_string(), "NEW");
  EXPECT_EQ(rest.at("clientOrderId").as_string().size(), 22u);
}

TEST_F(ApiOrders, RefusalsByParameter) {
  struct Case {
    std::string query;
    int code;
    std::string message;
  };
  const std::string market = btc_ + "&side=BUY&type=MARKET&quantity=0.02";
  const auto missing = [](const std::string& name) {
    return "Mandatory parameter '" + name + "' was not sent, was empty/null, or malformed.";
  };
  const Case cases[] = {
      {"side=BUY", -1102, missing("symbol")},
      {btc_, -1102, missing("side")},
      {btc_ + "&side=BUY", -1102, missing("type")},
      {btc_ + "&side=LONG&type=MARKET", -1117, "Invalid side."},
      {btc_ + "&side=BUY&type=FOO", -1116, "Invalid orderType."},
      {btc_ + "&side=BUY&type=LIMIT&timeInForce=RPI", -1115, "Invalid timeInForce."},
      {btc_ + "&side=BUY&type=MARKET", -1102, missing("quantity")},
      {btc_ + "&side=BUY&type=LIMIT&quantity=1", -1102, missing("timeInForce")},
      {btc_ + "&side=BUY&type=LIMIT&quantity=1&timeInForce=GTC", -1102, missing("price")},
      {btc_ + "&side=BUY&type=MARKET&quantity=abc", -1102, missing("quantity")},
      {market + "&price=1", -1106, "Parameter 'price' sent when not required."},
      {market + "&timeInForce=GTC", -1106, "Parameter 'timeInForce' sent when not required."},
      {limit_ + "&priceMatch=QUEUE", -1106, "Parameter 'price' sent when not required."},
      {market + "&priceMatch=QUEUE", -5038, "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT"},
      {limit_ + "&priceMatch=BEST", -5037, "Invalid price match"},
      {limit_ + "&selfTradePreventionMode=X", -5039, "Invalid self trade prevention mode"},
      {limit_ + "&newOrderRespType=FULL", -1136, "Invalid newOrderRespType."},
      {limit_ + "&positionSide=UP", -4060, "Invalid position side."},
      {limit_ + "&positionSide=LONG", -4061, "Order's position side does not match user's setting."},
      {limit_ + "&newClientOrderId=a%20b", -4015, "Client order id is not valid."},
      {limit_ + "&newClientOrderId=" + std::string(37, 'x'), -4015,
       "Client order id length should not be more than 36 chars"},
      {"symbol=XUSDT&side=BUY&type=MARKET&quantity=1", -1121, "Invalid symbol."},
      {market + "01", -1111, "Precision is over the maximum defined for this asset."},
      {market + "0000000001", -1111, "Precision is over the maximum defined for this asset."},
      {btc_ + "&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=49000.05", -4014,
       "Price not increased by tick size."},
      {btc_ + "&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=49000", -4164,
       "Order's notional must be no smaller than 50 (unless you choose reduce only)."},
      {btc_ + "&side=BUY&type=LIMIT&timeInForce=GTX&quantity=0.01&price=50000.1", -5022,
       "Due to the order could not be executed as maker, the Post Only order will be rejected."},
      {btc_ + "&side=BUY&type=LIMIT&timeInForce=GTD&quantity=0.01&price=49000", -1102, missing("goodTillDate")},
      {btc_ + "&side=SELL&type=MARKET&quantity=0.02&reduceOnly=true", -2022, "ReduceOnly Order is rejected."},
      {btc_ + "&side=BUY&type=STOP_MARKET&quantity=1&stopPrice=51000", -4120,
       "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."},
      {"symbol=XUSDT&side=BUY&type=STOP_MARKET", -1121, "Invalid symbol."},
  };
  for (const Case& c : cases) {
    const auto response = signed_request("POST", kOrder, c.query);
    EXPECT_EQ(response.status, 400) << c.query << response.body;
    EXPECT_EQ(code_of(response), c.code) << c.query;
    EXPECT_EQ(message_of(response), c.message) << c.query;
  }
  EXPECT_TRUE(exchange_->orders(account_, std::nullopt, {}).empty()) << "a refused order leaves no record";
}

TEST_F(ApiOrders, ReduceOnlyIsNotSentInHedgeMode) {
  call("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=true");
  const auto response = signed_request("POST", kOrder, limit_ + "&positionSide=LONG&reduceOnly=false");
  EXPECT_EQ(code_of(response), -1106);
  EXPECT_EQ(message_of(response), "Parameter 'reduceOnly' sent when not required.");
  EXPECT_EQ(refusal("POST", kOrder, limit_), -4061) << "positionSide is mandatory";
  EXPECT_EQ(call("POST", kOrder, limit_ + "&positionSide=LONG").at("positionSide").as_string(), "LONG");
  EXPECT_EQ(call("GET", "/fapi/v2/positionRisk", btc_).as_array().size(), 2u) << "LONG and SHORT rows";
  const auto quantile = call("GET", "/fapi/v1/adlQuantile", btc_).at(0).at("adlQuantile").as_object();
  EXPECT_TRUE(quantile.contains("HEDGE") && !quantile.contains("BOTH"));
}

TEST_F(ApiOrders, QueryCancelAndUnknown) {
  const auto id = std::to_string(call("POST", kOrder, limit_).at("orderId").as_int64());
  const auto record = call("GET", kOrder, btc_ + "&orderId=" + id);
  EXPECT_EQ(record.at("cumBase").as_string(), "0.000");
  EXPECT_EQ(call("DELETE", kOrder, btc_ + "&orderId=" + id).at("status").as_string(), "CANCELED");
  const auto again = signed_request("DELETE", kOrder, btc_ + "&orderId=" + id);
  EXPECT_EQ(code_of(again), -2011);
  EXPECT_EQ(message_of(again), "Unknown order sent.");
  EXPECT_EQ(refusal("GET", "/fapi/v1/openOrder", btc_ + "&orderId=" + id), -2013);
  EXPECT_EQ(call("GET", kOrder, btc_ + "&orderId=" + id).at("status").as_string(), "CANCELED");
  EXPECT_EQ(message_of(signed_request("GET", kOrder, btc_)),
            "Param 'orderId' or 'origClientOrderId' must be sent, but both were empty/null!");
  EXPECT_EQ(refusal("GET", kOrder, btc_ + "&orderId=999"), -2013);
  EXPECT_EQ(refusal("GET", kOrder, btc_ + "&orderId=abc"), -1102);
  advance(base::days(3) + base::minutes(1));
  EXPECT_EQ(refusal("GET", kOrder, btc_ + "&orderId=" + id), -2013) << "unfilled orders are forgotten";
  EXPECT_EQ(call("GET", "/fapi/v1/allOrders", btc_).as_array().size(), 0u);
}

TEST_F(ApiOrders, AmendKeepsItsTrail) {
  const auto id = std::to_string(call("POST", kOrder, limit_).at("orderId").as_int64());
  const std::string ref = btc_ + "&side=BUY&orderId=" + id;
  EXPECT_EQ(message_of(signed_request("PUT", kOrder, ref + "&quantity=0.02")),
            "Mandatory parameter 'price' was not sent, was empty/null, or malformed.");
  EXPECT_EQ(refusal("PUT", kOrder, ref + "&quantity=0.01&price=49000"), -5027);
  EXPECT_EQ(refusal("PUT", kOrder, ref + "&quantity=0.02&price=49000&reduceOnly=true"), -5047);
  const auto amended = call("PUT", kOrder, ref + "&quantity=0.02&price=48900.5&modifyId=77");
  EXPECT_EQ(amended.at("price").as_string(), "48900.50");
  EXPECT_EQ(amended.at("modifyId").as_int64(), 77);
  EXPECT_EQ(amended.at("pair").as_string(), "BTCUSDT");
  const auto trail = call("GET", "/fapi/v1/orderAmendment", btc_ + "&orderId=" + id);
  EXPECT_EQ(json::serialize(trail.at(0).at("amendment")),
            R"({"price":{"before":"49000.00","after":"48900.50"},"origQty":{"before":"0.010","after":"0.020"},)"
            R"("count":1,"modifyId":77})");
  EXPECT_TRUE(call("GET", "/fapi/v1/orderAmendment", btc_ + "&orderId=999").as_array().empty());
}

TEST_F(ApiOrders, BatchesAnswerInOrderWithRefusalsInline) {
  const std::string good =
      R"({"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"49000"})";
  const std::string bad = R"({"symbol":"NOPE","side":"BUY","type":"MARKET","quantity":1})";
  const auto batch = [&](const std::string& list) { return "batchOrders=" + net::percent_encode(list); };
  const auto response =
      signed_request("POST", "/fapi/v1/batchOrders", batch("[" + good + "," + bad + "," + good + "]"));
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(net::header(response.headers, "X-MBX-ORDER-COUNT-10S"), "5");
  EXPECT_EQ(net::header(response.headers, "X-MBX-ORDER-COUNT-1M"), "1");
  const auto answers = json::parse(response.body);
  EXPECT_EQ(json::serialize(answers.at(1)), R"({"code":-1121,"msg":"Invalid symbol."})");
  const auto first = std::to_string(answers.at(0).at("orderId").as_int64());
  const auto third = std::to_string(answers.at(2).at("orderId").as_int64());
  EXPECT_LT(std::stoll(first), std::stoll(third));
  const std::string six = "[" + good + "," + good + "," + good + "," + good + "," + good + "," + good + "]";
  EXPECT_EQ(refusal("POST", "/fapi/v1/batchOrders", batch(six)), -4082);
  EXPECT_EQ(refusal("POST", "/fapi/v1/batchOrders", batch("[]")), -4082);
  EXPECT_EQ(refusal("POST", "/fapi/v1/batchOrders", batch("[{]")), -1130);
  EXPECT_EQ(refusal("POST", "/fapi/v1/batchOrders"), -1102);
  const auto gone = call("DELETE", "/fapi/v1/batchOrders",
                         btc_ + "&orderidlist=" + net::percent_encode("[" + first + ",999," + third + "]"));
  EXPECT_EQ(gone.at(0).at("status").as_string(), "CANCELED");
  EXPECT_EQ(gone.at(1).at("code").as_int64(), -2011);
  EXPECT_EQ(gone.at(2).at("status").as_string(), "CANCELED");
}

TEST_F(ApiOrders, HistoryWindowsAndIds) {
  for (int i = 0; i < 3; ++i) {
    call("POST", kOrder, btc_ + "&side=BUY&type=MARKET&quantity=0.02");
    advance(base::days(3));
  }
  EXPECT_EQ(call("GET", "/fapi/v1/userTrades", btc_).as_array().size(), 2u) << "seven days by default";
  EXPECT_EQ(call("GET", "/fapi/v1/userTrades", btc_ + "&fromId=0").as_array().size(), 3u);
  EXPECT_EQ(call("GET", "/fapi/v1/allOrders", btc_ + "&orderId=2").as_array().size(), 2u);
  EXPECT_EQ(refusal("GET", "/fapi/v1/userTrades", btc_ + "&fromId=1&startTime=1"), -1128);
  EXPECT_EQ(refusal("GET", "/fapi/v1/allOrders", btc_ + "&startTime=1&endTime=604800002"), -1127);
  const auto commissions =
      call("GET", "/fapi/v1/income", "incomeType=COMMISSION&startTime=" + std::to_string(kStartMs));
  ASSERT_EQ(commissions.as_array().size(), 3u);
  EXPECT_EQ(commissions.at(0).at("income").as_string(), "-0.50000100");
  EXPECT_EQ(commissions.at(0).at("info").as_string(), "COMMISSION");
  EXPECT_TRUE(commissions.at(0).at("tradeId").is_string());
  const auto page =
      call("GET", "/fapi/v1/income", "incomeType=COMMISSION&limit=2&page=2&startTime=" + std::to_string(kStartMs));
  EXPECT_EQ(page.as_array().size(), 1u);
}

TEST_F(ApiOrders, ConditionalOrdersGoThroughTheAlgoService) {
  const auto placed =
      call("POST", kAlgo,
           algo_ + "&type=STOP_MARKET&quantity=0.01&triggerPrice=48000&clientAlgoId=s1&workingType=MARK_PRICE");
  EXPECT_EQ(placed.at("algoStatus").as_string(), "NEW");
  EXPECT_EQ(placed.at("triggerPrice").as_string(), "48000.00");
  EXPECT_TRUE(placed.at("icebergQuantity").is_null());
  EXPECT_EQ(placed.at("triggerTime").as_int64(), 0);
  EXPECT_EQ(call("GET", kAlgo, "clientAlgoId=s1").at("actualOrderId").as_string(), "");
  EXPECT_TRUE(call("GET", "/fapi/v1/openOrders").as_array().empty()) << "not an order until it triggers";
  const auto trailing =
      call("POST", kAlgo, algo_ + "&type=TRAILING_STOP_MARKET&quantity=0.01&callbackRate=0.5&activationPrice=51000");
  EXPECT_EQ(trailing.at("callbackRate").as_string(), "0.5");
  EXPECT_EQ(trailing.at("activatePrice").as_string(), "51000.00");
  const auto id = std::to_string(trailing.at("algoId").as_int64());
  EXPECT_EQ(call("DELETE", kAlgo, "algoid=" + id).at("code").as_string(), "200");
  EXPECT_EQ(refusal("DELETE", kAlgo, "algoId=" + id), -2011);
  EXPECT_EQ(refusal("GET", kAlgo, "algoId=999"), -2013);
}

TEST_F(ApiOrders, RefusalsOfTheAlgoService) {
  const std::string close = algo_ + "&type=STOP_MARKET&triggerPrice=48000&closePosition=true";
  const std::pair<std::string, int> cases[] = {
      {btc_ + "&side=SELL&type=STOP_MARKET", -1102},  // algoType
      {btc_ + "&algoType=VP&side=SELL&type=STOP_MARKET", -1130},
      {algo_ + "&type=LIMIT&quantity=1", -1116},
      {algo_ + "&type=STOP_MARKET&quantity=0.01", -1102},
      {algo_ + "&type=STOP&quantity=0.01&triggerPrice=48000", -1102},
      {algo_ + "&type=STOP_MARKET&triggerPrice=48000", -1102},
      {close + "&quantity=0.01", -4137},
      {close + "&reduceOnly=true", -1106},
      {algo_ + "&type=STOP&price=47000&triggerPrice=48000&closePosition=true", -4136},
      {algo_ + "&type=TRAILING_STOP_MARKET&quantity=0.01", -1102},
      {algo_ + "&type=TRAILING_STOP_MARKET&quantity=0.01&callbackRate=20.1", -2007},
      {algo_ + "&type=TRAILING_STOP_MARKET&quantity=0.01&callbackRate=0.05", -2007},
      {algo_ + "&type=STOP_MARKET&quantity=0.01&triggerPrice=48000&workingType=X", -4031},
      {algo_ + "&type=STOP_MARKET&quantity=0.01&triggerPrice=51000", -2021},
  };
  for (const auto& [query, code] : cases) EXPECT_EQ(refusal("POST", kAlgo, query), code) << query;
}

TEST_F(ApiOrders, BeforeTheAlgoServiceConditionalTypesWereOrders) {
  config_.algo_service = false;
  make_api();
  const auto placed = call("POST", kOrder,
                           btc_ +
                               "&side=SELL&type=STOP_MARKET&quantity=0.02&stopPrice=49999&workingType=MARK_PRICE"
                               "&newClientOrderId=stop");
  EXPECT_EQ(placed.at("status").as_string(), "NEW");
  EXPECT_EQ(placed.at("type").as_string(), "STOP_MARKET");
  EXPECT_EQ(placed.at("stopPrice").as_string(), "49999.00");
  const auto id = std::to_string(placed.at("orderId").as_int64());
  EXPECT_EQ(call("GET", "/fapi/v1/openOrders").at(0).at("orderId"), placed.at("orderId"));
  EXPECT_EQ(call("GET", kOrder, btc_ + "&origClientOrderId=stop").at("orderId"), placed.at("orderId"));
  const auto spare = call("POST", kOrder, btc_ + "&side=SELL&type=STOP_MARKET&quantity=0.02&stopPrice=40000");
  EXPECT_EQ(call("DELETE", kOrder, btc_ + "&orderId=" + std::to_string(spare.at("orderId").as_int64()))
                .at("status")
                .as_string(),
            "CANCELED");
  // It triggers: the same number tells of the order it became.
  exchange_->on(matching::MarkTick{
      kBtc, price("49998"), price("49998"), {}, exchange_->now() + base::hours(8), exchange_->now()});
  advance(base::seconds(1));
  EXPECT_EQ(call("GET", kOrder, btc_ + "&orderId=" + id).at("status").as_string(), "FILLED");
  EXPECT_TRUE(call("GET", "/fapi/v1/openOrders").as_array().empty());
}

TEST_F(ApiOrders, CountdownCancelsAll) {
  call("POST", kOrder, limit_);
  const auto reply = call("POST", "/fapi/v1/countdownCancelAll", btc_ + "&countdownTime=1000");
  EXPECT_EQ(json::serialize(reply), R"({"symbol":"BTCUSDT","countdownTime":"1000"})");
  advance(base::seconds(2));
  EXPECT_TRUE(exchange_->open_orders(account_, std::nullopt).empty());
  EXPECT_EQ(refusal("POST", "/fapi/v1/countdownCancelAll", btc_ + "&countdownTime=-1"), -1130);
}

TEST_F(ApiOrders, TestOrderPlacesNothing) {
  const auto tested = call("POST", "/fapi/v1/order/test", limit_);
  EXPECT_EQ(tested.at("status").as_string(), "NEW");
  EXPECT_TRUE(exchange_->open_orders(account_, std::nullopt).empty());
  EXPECT_EQ(refusal("POST", "/fapi/v1/order/test", limit_ + ".111"), -1111);
}

TEST_F(ApiOrders, SettingsAnswerAndRefuse) {
  EXPECT_EQ(json::serialize(call("POST", "/fapi/v1/leverage", btc_ + "&leverage=50")),
            R"({"leverage":50,"maxNotionalValue":"12000000","symbol":"BTCUSDT"})");
  EXPECT_EQ(message_of(signed_request("POST", "/fapi/v1/leverage", btc_ + "&leverage=126")),
            "Leverage 126 is not valid");
  EXPECT_EQ(call("POST", "/fapi/v1/marginType", btc_ + "&marginType=ISOLATED").at("msg").as_string(), "success");
  EXPECT_EQ(refusal("POST", "/fapi/v1/marginType", btc_ + "&marginType=ISOLATED"), -4046);
  EXPECT_EQ(refusal("POST", "/fapi/v1/marginType", btc_ + "&marginType=SHARED"), -1130);
  const auto settings = call("GET", "/fapi/v1/symbolConfig", btc_).at(0);
  EXPECT_EQ(settings.at("marginType").as_string(), "ISOLATED");
  EXPECT_EQ(settings.at("leverage").as_int64(), 50);
  EXPECT_EQ(call("GET", "/fapi/v2/positionRisk", btc_).at(0).at("marginType").as_string(), "isolated");
  EXPECT_EQ(refusal("POST", "/fapi/v1/multiAssetsMargin", "multiAssetsMargin=false"), -4171);
  EXPECT_EQ(refusal("POST", "/fapi/v1/multiAssetsMargin", "multiAssetsMargin=true"), -4167) << "isolated symbols";
  call("POST", "/fapi/v1/marginType", btc_ + "&marginType=CROSSED");
  EXPECT_EQ(refusal("POST", "/fapi/v1/multiAssetsMargin", "multiAssetsMargin=true"), -1020);
  EXPECT_EQ(refusal("POST", "/fapi/v1/positionMargin", btc_ + "&amount=0&type=1"), -4055);
  EXPECT_EQ(refusal("POST", "/fapi/v1/positionMargin", btc_ + "&amount=1&type=3"), -1130);
  EXPECT_FALSE(call("GET", "/fapi/v1/feeBurn").at("feeBurn").as_bool());
  call("POST", "/fapi/v1/feeBurn", "feeBurn=True");
  EXPECT_TRUE(call("GET", "/fapi/v1/feeBurn").at("feeBurn").as_bool());
  EXPECT_TRUE(call("GET", "/fapi/v2/account").at("feeBurn").as_bool());
  const auto bracket = call("GET", "/fapi/v1/leverageBracket", btc_).at(0).at("brackets").at(1);
  EXPECT_EQ(json::serialize(bracket),
            R"({"bracket":2,"initialLeverage":100,"notionalCap":600000,"notionalFloor":50000,)"
            R"("maintMarginRatio":5E-3,"cum":50})");
}

}  // namespace
}  // namespace qtrader::exchange
