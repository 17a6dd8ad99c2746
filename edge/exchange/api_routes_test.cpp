#include <set>
#include <sstream>

#include "edge/exchange/api_call.hpp"
#include "edge/exchange/api_fixture.hpp"

namespace qtrader::exchange {
namespace {

/// A request that succeeds and every key of its answer (of the first element, if that is an array).
struct Example {
  std::string method, path, query, keys;
  int weight = 1;
};

constexpr const char* kAck =
    "clientOrderId cumQty executedQty orderId origQty price reduceOnly side positionSide status stopPrice "
    "closePosition "
    "symbol timeInForce type origType updateTime workingType priceProtect priceMatch selfTradePreventionMode "
    "goodTillDate avgPrice cumQuote";
constexpr const char* kRecord =
    "avgPrice clientOrderId cumQuote cumBase executedQty orderId origQty origType price reduceOnly side positionSide "
    "status stopPrice closePosition symbol time timeInForce type updateTime workingType priceProtect priceMatch "
    "selfTradePreventionMode goodTillDate";
constexpr const char* kAlgoAck =
    "algoId clientAlgoId algoType orderType symbol side positionSide timeInForce quantity algoStatus triggerPrice "
    "price "
    "icebergQuantity selfTradePreventionMode workingType priceMatch closePosition priceProtect reduceOnly "
    "activatePrice "
    "callbackRate createTime updateTime triggerTime goodTillDate";
constexpr const char* kAlgoRecord = " actualOrderId actualPrice actualType actualQty tpOrderType";
constexpr const char* kAlgoRow = " tpTriggerPrice tpPrice slTriggerPrice slPrice";
constexpr const char* kBalance =
    "accountAlias asset balance crossWalletBalance crossUnPnl availableBalance maxWithdrawAmount marginAvailable "
    "updateTime";
constexpr const char* kTotals =
    "totalInitialMargin totalMaintMargin totalWalletBalance totalUnrealizedProfit totalMarginBalance "
    "totalPositionInitialMargin totalOpenOrderInitialMargin totalCrossWalletBalance totalCrossUnPnl availableBalance "
    "maxWithdrawAmount assets positions";
constexpr const char* kRiskV2 =
    "entryPrice breakEvenPrice marginType isAutoAddMargin isolatedMargin leverage liquidationPrice markPrice "
    "maxNotionalValue positionAmt notional isolatedWallet symbol unRealizedProfit positionSide updateTime";
constexpr const char* kRiskV3 =
    "symbol positionSide positionAmt entryPrice breakEvenPrice markPrice unRealizedProfit liquidationPrice "
    "isolatedMargin notional marginAsset isolatedWallet initialMargin maintMargin positionInitialMargin "
    "openOrderInitialMargin adl bidNotional askNotional updateTime";
constexpr const char* kDepth = "lastUpdateId E T bids asks";
constexpr const char* kTrade = "id price qty quoteQty time isBuyerMaker isRPITrade";
constexpr const char* kPremium =
    "symbol markPrice indexPrice estimatedSettlePrice lastFundingRate interestRate nextFundingTime time";
constexpr const char* kTicker =
    "symbol priceChange priceChangePercent weightedAvgPrice lastPrice lastQty openPrice highPrice lowPrice volume "
    "quoteVolume openTime closeTime firstId lastId count";
constexpr const char* kInfo = "timezone serverTime futuresType rateLimits exchangeFilters assets symbols";

std::vector<Example> market_examples() {
  const std::string s = "symbol=BTCUSDT";
  return {
      {"GET", "/fapi/v1/ping", "", ""},
      {"GET", "/fapi/v1/time", "", "serverTime"},
      {"GET", "/fapi/v1/exchangeInfo", "", kInfo},
      {"GET", "/fapi/v1/depth", s + "&limit=50", kDepth, 2},
      {"GET", "/fapi/v1/depth", s + "&limit=100", kDepth, 5},
      {"GET", "/fapi/v1/depth", s, kDepth, 10},
      {"GET", "/fapi/v1/depth", s + "&limit=1000", kDepth, 20},
      {"GET", "/fapi/v1/rpiDepth", s, kDepth, 20},
      {"GET", "/fapi/v1/trades", s, kTrade, 5},
      {"GET", "/fapi/v1/historicalTrades", s + "&fromId=1", kTrade, 20},
      {"GET", "/fapi/v1/aggTrades", s, "a p q nq f l T m", 20},
      {"GET", "/fapi/v1/klines", s + "&interval=1m&limit=99", "12", 1},
      {"GET", "/fapi/v1/klines", s + "&interval=1m&limit=499", "12", 2},
      {"GET", "/fapi/v1/klines", s + "&interval=1m", "12", 5},
      {"GET", "/fapi/v1/klines", s + "&interval=1m&limit=1500", "12", 10},
      {"GET", "/fapi/v1/continuousKlines", "pair=BTCUSDT&contractType=PERPETUAL&interval=1m", "12", 5},
      {"GET", "/fapi/v1/indexPriceKlines", "pair=BTCUSDT&interval=1m", "12", 5},
      {"GET", "/fapi/v1/markPriceKlines", s + "&interval=1m", "12", 5},
      {"GET", "/fapi/v1/premiumIndexKlines", s + "&interval=1m", "12", 5},
      {"GET", "/fapi/v1/premiumIndex", s, kPremium, 1},
      {"GET", "/fapi/v1/premiumIndex", "", kPremium, 10},
      {"GET", "/fapi/v1/fundingRate", s, "symbol fundingTime fundingRate markPrice rateType", 0},
      {"GET", "/fapi/v1/fundingInfo", "",
       "symbol adjustedFundingRateCap adjustedFundingRateFloor fundingIntervalHours disclaimer updateTime", 0},
      {"GET", "/fapi/v1/ticker/24hr", s, kTicker, 1},
      {"GET", "/fapi/v1/ticker/24hr", "", kTicker, 40},
      {"GET", "/fapi/v1/ticker/price", s, "symbol price time", 1},
      {"GET", "/fapi/v2/ticker/price", "", "symbol price time", 2},
      {"GET", "/fapi/v1/ticker/bookTicker", s, "symbol bidPrice bidQty askPrice askQty time", 2},
      {"GET", "/fapi/v1/ticker/bookTicker", "", "symbol bidPrice bidQty askPrice askQty time", 5},
      {"GET", "/fapi/v1/openInterest", s, "openInterest symbol time"},
      {"GET", "/fapi/v1/indexInfo", "", "[]"},
      {"GET", "/fapi/v1/assetIndex", "", "[]", 10},
      {"GET", "/fapi/v1/constituents", s, "symbol time constituents", 2},
      {"GET", "/fapi/v1/insuranceBalance", "", "symbols assets"},
      {"GET", "/fapi/v1/insuranceBalance", s, "symbols assets"},
      {"GET", "/fapi/v1/symbolAdlRisk", "", "symbol adlRisk updateTime"},
      {"GET", "/fapi/v1/symbolAdlRisk", s, "symbol adlRisk updateTime"},
      {"GET", "/fapi/v1/tradingSchedule", "", "updateTime marketSchedules", 5},
      {"GET", "/futures/data/openInterestHist", s + "&period=5m",
       "symbol sumOpenInterest sumOpenInterestValue CMCCirculatingSupply timestamp", 0},
      {"GET", "/futures/data/topLongShortAccountRatio", s + "&period=5m", "[]", 0},
      {"GET", "/futures/data/topLongShortPositionRatio", s + "&period=5m", "[]", 0},
      {"GET", "/futures/data/globalLongShortAccountRatio", s + "&period=5m", "[]", 0},
      {"GET", "/futures/data/takerlongshortRatio", s + "&period=5m", "buySellRatio buyVol sellVol timestamp", 0},
      {"GET", "/futures/data/basis", "pair=BTCUSDT&contractType=PERPETUAL&period=5m",
       "indexPrice contractType basisRate futuresPrice annualizedBasisRate basis pair timestamp", 0},
      {"GET", "/futures/data/delivery-price", "pair=BTCUSDT", "[]", 0},
  };
}

// In an order in which each finds what it needs: orders rest, fill and are cancelled on the way.
std::vector<Example> order_examples() {
  const std::string s = "symbol=BTCUSDT";
  const std::string limit = s + "&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=49000";
  return {
      {"POST", "/fapi/v1/order/test", limit, kAck, 1},
      {"POST", "/fapi/v1/order", limit + "&newClientOrderId=one", kAck, 0},
      {"POST", "/fapi/v1/order", s + "&side=BUY&type=MARKET&quantity=0.02&newOrderRespType=RESULT", kAck, 0},
      {"PUT", "/fapi/v1/order", s + "&side=BUY&quantity=0.02&price=48900&origClientOrderId=one",
       std::string(kAck) + " pair modifyId", 0},
      {"GET", "/fapi/v1/order", s + "&origClientOrderId=one", kRecord, 1},
      {"GET", "/fapi/v1/openOrder", s + "&origClientOrderId=one", kRecord, 1},
      {"GET", "/fapi/v1/openOrders", s, kRecord, 1},
      {"GET", "/fapi/v1/openOrders", "", kRecord, 40},
      {"GET", "/fapi/v1/allOrders", "", kRecord, 5},
      {"GET", "/fapi/v1/orderAmendment", s, "amendmentId symbol pair orderId clientOrderId time amendment", 1},
      {"GET", "/fapi/v1/userTrades", s,
       "symbol id orderId side price qty realizedPnl quoteQty baseQty commission commissionAsset marginAsset pair time "
       "positionSide buyer maker",
       5},
      {"GET", "/fapi/v1/forceOrders", s, "[]", 20},
      {"GET", "/fapi/v1/forceOrders", "autoCloseType=ADL", "[]", 50},
      {"POST", "/fapi/v1/countdownCancelAll", s + "&countdownTime=0", "symbol countdownTime", 10},
      {"POST", "/fapi/v1/batchOrders",
       "batchOrders=%5B%7B%22symbol%22%3A%22BTCUSDT%22%2C%22side%22%3A%22BUY%22%2C%22type%22%3A%22LIMIT%22%2C%22"
       "timeInForce%22%3A%22GTC%22%2C%22quantity%22%3A%220.01%22%2C%22price%22%3A48000%2C%22newClientOrderId%22%3A%22"
       "two%22%7D%5D",
       kAck, 5},
      {"PUT", "/fapi/v1/batchOrders",
       "batchOrders=%5B%7B%22symbol%22%3A%22BTCUSDT%22%2C%22side%22%3A%22BUY%22%2C%22quantity%22%3A%220.02%22%2C%22"
       "price%22%3A%2248000%22%2C%22origClientOrderId%22%3A%22two%22%7D%5D",
       std::string(kAck) + " pair modifyId", 5},
      {"DELETE", "/fapi/v1/batchOrders", s + "&origClientOrderIdList=%5B%22two%22%5D", kAck, 1},
      {"DELETE", "/fapi/v1/order", s + "&origClientOrderId=one", kAck, 1},
      {"DELETE", "/fapi/v1/allOpenOrders", s, "code msg", 1},
      {"POST", "/fapi/v1/algoOrder",
       "algoType=CONDITIONAL&side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=48000&clientAlgoId=stop&" + s,
       kAlgoAck, 0},
      {"GET", "/fapi/v1/algoOrder", "clientAlgoId=stop", std::string(kAlgoAck) + kAlgoRecord, 1},
      {"GET", "/fapi/v1/openAlgoOrders", s, std::string(kAlgoAck) + kAlgoRecord + kAlgoRow, 1},
      {"GET", "/fapi/v1/openAlgoOrders", "", std::string(kAlgoAck) + kAlgoRecord + kAlgoRow, 40},
      {"GET", "/fapi/v1/allAlgoOrders", s, std::string(kAlgoAck) + kAlgoRecord + kAlgoRow, 5},
      {"DELETE", "/fapi/v1/algoOrder", "clientalgoid=stop", "algoId clientAlgoId code msg", 1},
      {"DELETE", "/fapi/v1/algoOpenOrders", s, "code msg", 1},
  };
}

std::vector<Example> account_examples() {
  const std::string s = "symbol=BTCUSDT", eth = "symbol=ETHUSDT";
  const std::string v2 = std::string(kTotals) +
                         " feeTier feeBurn canTrade canDeposit canWithdraw updateTime multiAssetsMargin tradeGroupId";
  return {
      {"GET", "/fapi/v2/account", "", v2, 5},
      {"GET", "/fapi/v3/account", "", kTotals, 5},
      {"GET", "/fapi/v2/balance", "", kBalance, 5},
      {"GET", "/fapi/v3/balance", "", kBalance, 5},
      {"GET", "/fapi/v2/positionRisk", "", kRiskV2, 5},
      {"GET", "/fapi/v3/positionRisk", s, kRiskV3, 5},
      {"GET", "/fapi/v1/symbolConfig", "", "symbol marginType isAutoAddMargin leverage maxNotionalValue", 5},
      {"GET", "/fapi/v1/accountConfig", "",
       "feeTier canTrade canDeposit canWithdraw dualSidePosition updateTime multiAssetsMargin tradeGroupId", 5},
      {"POST", "/fapi/v1/leverage", s + "&leverage=10", "leverage maxNotionalValue symbol", 1},
      {"POST", "/fapi/v1/marginType", eth + "&marginType=ISOLATED", "code msg", 1},
      {"POST", "/fapi/v1/order", eth + "&side=BUY&type=MARKET&quantity=0.1", kAck, 0},
      {"POST", "/fapi/v1/positionMargin", eth + "&amount=5&type=1", "amount code msg type", 1},
      {"GET", "/fapi/v1/positionMargin/history", eth, "symbol type deltaType amount asset time positionSide", 1},
      {"GET", "/fapi/v1/positionSide/dual", "", "dualSidePosition", 30},
      {"GET", "/fapi/v1/multiAssetsMargin", "", "multiAssetsMargin", 30},
      {"GET", "/fapi/v1/income", "", "symbol incomeType income asset info time tranId tradeId", 30},
      {"GET", "/fapi/v1/commissionRate", s, "symbol makerCommissionRate takerCommissionRate rpiCommissionRate", 20},
      {"GET", "/fapi/v1/feeBurn", "", "feeBurn", 30},
      {"POST", "/fapi/v1/feeBurn", "feeBurn=true", "code msg", 1},
      {"GET", "/fapi/v1/leverageBracket", "", "symbol brackets", 1},
      {"GET", "/fapi/v1/leverageBracket", s, "symbol brackets", 1},
      {"GET", "/fapi/v1/adlQuantile", s, "symbol adlQuantile", 5},
      {"GET", "/fapi/v1/apiTradingStatus", "", "indicators updateTime", 1},
      {"GET", "/fapi/v1/rateLimit/order", "", "rateLimitType interval intervalNum limit", 1},
      {"GET", "/fapi/v1/pmAccountInfo", "asset=USDT", "maxWithdrawAmountUSD asset maxWithdrawAmount", 5},
      {"POST", "/fapi/v1/listenKey", "", "listenKey", 1},
      {"PUT", "/fapi/v1/listenKey", "", "listenKey", 1},
      {"DELETE", "/fapi/v1/listenKey", "", "", 1},
  };
}

class ApiRoutes : public ApiFixture {
 protected:
  // Weights are read as differences of the header; nothing may be refused.
  ApiRoutes() : ApiFixture({.enforce_limits = false}) {}

  static std::set<std::string> words(const std::string& text) {
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
  }
  static std::set<std::string> keys_of(const json::object& object) {
    std::set<std::string> keys;
    for (const auto& member : object) keys.emplace(member.key());
    return keys;
  }
  int used_weight() {  // asking costs nothing in the funding pool, so ask there
    const auto text = net::header(request("GET", "/fapi/v1/ping").headers, "X-MBX-USED-WEIGHT-1M");
    return std::stoi(std::string(text));
  }
  void check(const Example& e) {
    SCOPED_TRACE(e.method + ' ' + e.path + '?' + e.query);
    const int before = used_weight();
    const auto response = signed_request(e.method, e.path, e.query);
    ASSERT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(net::header(response.headers, "content-type"), "application/json");
    EXPECT_EQ(used_weight() - before - 1, e.weight) << "weight";
    json::value value = json::parse(response.body);
    if (e.keys == "[]") {
      ASSERT_TRUE(value.is_array());
      return;
    }
    if (value.is_array()) {
      ASSERT_FALSE(value.as_array().empty()) << response.body;
      const json::value first = value.at(0);
      value = first;
    }
    if (value.is_array())
      EXPECT_EQ(value.as_array().size(), std::stoul(e.keys));
    else
      EXPECT_EQ(keys_of(value.as_object()), words(e.keys)) << response.body;
    asked_.insert(e.method + ' ' + e.path);
  }
  std::set<std::string> asked_;
};

TEST_F(ApiRoutes, EveryRouteAnswersWithItsDocumentedKeysAndWeight) {
  std::set<std::string> shown;
  for (const auto& list : {market_examples(), order_examples(), account_examples()})
    for (const Example& e : list) {
      check(e);
      shown.insert(e.method + ' ' + e.path);
    }
  // Routes whose answer is a refusal have tests of their own.
  const std::set<std::string> refusing{"POST /fapi/v1/positionSide/dual", "POST /fapi/v1/multiAssetsMargin",
                                       "GET /fapi/v1/income/asyn",        "GET /fapi/v1/income/asyn/id",
                                       "GET /fapi/v1/order/asyn",         "GET /fapi/v1/order/asyn/id",
                                       "GET /fapi/v1/trade/asyn",         "GET /fapi/v1/trade/asyn/id"};
  for (const auto table : {market_routes(), statistics_routes(), order_routes(), algo_routes(), account_routes()})
    for (const Route& route : table) {
      const std::string name = std::string(route.method) + ' ' + std::string(route.path);
      if (route.method == "WS" || refusing.contains(name)) continue;
      EXPECT_TRUE(shown.contains(name)) << name << " has no example";
    }
}

TEST_F(ApiRoutes, ExchangeInfoHasEveryFieldOfStrictParsers) {
  const auto info = call("GET", "/fapi/v1/exchangeInfo");
  EXPECT_EQ(info.at("timezone").as_string(), "UTC");
  EXPECT_EQ(info.at("futuresType").as_string(), "U_MARGINED");
  EXPECT_EQ(info.at("rateLimits").as_array().size(), 3u);
  ASSERT_EQ(info.at("symbols").as_array().size(), 2u);
  const auto expected = words(
      "symbol pair contractType deliveryDate onboardDate status maintMarginPercent requiredMarginPercent baseAsset "
      "quoteAsset marginAsset pricePrecision quantityPrecision baseAssetPrecision quotePrecision underlyingType "
      "underlyingSubType settlePlan triggerProtect liquidationFee marketTakeBound maxMoveOrderLimit filters orderTypes "
      "timeInForce permissionSets");
  for (const auto& symbol : info.at("symbols").as_array()) EXPECT_EQ(keys_of(symbol.as_object()), expected);
  const auto& btc = info.at("symbols").at(0);
  EXPECT_EQ(btc.at("baseAsset").as_string(), "BTC");
  EXPECT_EQ(btc.at("marginAsset").as_string(), "USDT");
  EXPECT_EQ(btc.at("deliveryDate").as_int64(), 4'133'404'800'000);
  EXPECT_EQ(btc.at("onboardDate").as_int64(), kStartMs);
  EXPECT_EQ(btc.at("orderTypes").as_array().size(), 7u);
  EXPECT_EQ(
      json::serialize(btc.at("filters")),
      R"([{"filterType":"PRICE_FILTER","minPrice":"556.80","maxPrice":"4529764.00","tickSize":"0.10"},)"
      R"({"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"1000","stepSize":"0.001"},)"
      R"({"filterType":"MARKET_LOT_SIZE","minQty":"0.001","maxQty":"120","stepSize":"0.001"},)"
      R"({"filterType":"MAX_NUM_ORDERS","limit":200},{"filterType":"MIN_NOTIONAL","notional":"50"},)"
      R"({"filterType":"PERCENT_PRICE","multiplierUp":"1.0500","multiplierDown":"0.9500","multiplierDecimal":"4"},)"
      R"({"filterType":"POSITION_RISK_CONTROL","positionControlSide":"NONE"}])");
  exchange_->set_status(kEth, matching::SymbolStatus::Closed);
  EXPECT_EQ(call("GET", "/fapi/v1/exchangeInfo").at("symbols").at(1).at("status").as_string(), "CLOSE");
}

TEST_F(ApiRoutes, NumbersHaveTheWiresPlaces) {
  const auto depth = call("GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=5");
  EXPECT_EQ(json::serialize(depth.at("bids").at(0)), R"(["49999.90","2.000"])");
  EXPECT_EQ(depth.at("bids").as_array().size(), 5u);
  EXPECT_TRUE(depth.at("lastUpdateId").is_int64());
  const auto mark = call("GET", "/fapi/v1/premiumIndex", "symbol=BTCUSDT");
  EXPECT_EQ(mark.at("markPrice").as_string(), "50000.00000000");
  EXPECT_EQ(mark.at("lastFundingRate").as_string(), "0.00010000");
  const auto row = call("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=1m&limit=2").at(0);
  EXPECT_EQ(row.at(1).as_string(), "50000.00");
  EXPECT_EQ(row.at(5).as_string(), "0.750");
  EXPECT_EQ(row.at(6).as_int64() - row.at(0).as_int64(), 59'999);
  EXPECT_EQ(row.at(7).as_string(), "37500.00000") << "quote volume: price plus quantity places";
  EXPECT_EQ(row.at(9).as_string(), "0.500");
  EXPECT_EQ(row.at(11).as_string(), "0");
  const auto marks = call("GET", "/fapi/v1/markPriceKlines", "symbol=BTCUSDT&interval=1m&limit=2").at(0);
  EXPECT_EQ(marks.at(4).as_string(), "50000.00000000");
  EXPECT_EQ(marks.at(5).as_string(), "0");
  const auto ticker = call("GET", "/fapi/v1/ticker/24hr", "symbol=BTCUSDT");
  EXPECT_EQ(ticker.at("priceChangePercent").as_string(), "0.000");
  EXPECT_EQ(ticker.at("volume").as_string(), "4.500");
  EXPECT_EQ(ticker.at("count").as_int64(), 12);
  const auto trade = call("GET", "/fapi/v1/trades", "symbol=BTCUSDT&limit=1").at(0);
  EXPECT_EQ(trade.at("quoteQty").as_string(), "12500.00000");
  EXPECT_TRUE(trade.at("isBuyerMaker").as_bool());
}

TEST_F(ApiRoutes, ParametersOfMarketData) {
  EXPECT_EQ(refusal("GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=7"), -4021);
  EXPECT_EQ(refusal("GET", "/fapi/v1/depth"), -1102);
  EXPECT_EQ(refusal("GET", "/fapi/v1/depth", "symbol=XUSDT"), -1121);
  EXPECT_EQ(refusal("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=1s"), -1120);
  EXPECT_EQ(refusal("GET", "/fapi/v1/klines", "symbol=BTCUSDT"), -1102);
  EXPECT_EQ(refusal("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=1m&limit=1501"), -1130);
  EXPECT_EQ(refusal("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=1m&startTime=2&endTime=1"), -1023);
  EXPECT_EQ(refusal("GET", "/fapi/v1/continuousKlines", "pair=XUSDT&contractType=PERPETUAL&interval=1m"), -4144);
  EXPECT_EQ(call("GET", "/fapi/v1/continuousKlines", "pair=BTCUSDT&contractType=NEXT_QUARTER&interval=1m"),
            json::array{});
  EXPECT_EQ(refusal("GET", "/fapi/v1/aggTrades", "symbol=BTCUSDT&startTime=0&endTime=3600001"), -1127);
  EXPECT_EQ(refusal("GET", "/futures/data/basis", "pair=BTCUSDT&contractType=PERPETUAL&period=7m"), -1130);
  EXPECT_EQ(refusal("GET", "/fapi/v1/indexInfo", "symbol=DEFIUSDT"), -1121);
  for (const char* path : {"/fapi/v1/income/asyn", "/fapi/v1/order/asyn/id", "/fapi/v1/trade/asyn"})
    EXPECT_EQ(refusal("GET", path), -1020);
}

TEST_F(ApiRoutes, FundingOfAllSymbolsIsNamedAndAscending) {
  exchange_->on(matching::FundingTick{kEth, domain::Ratio::from_raw(-20'000), exchange_->now()});
  drain();
  const auto rows = call("GET", "/fapi/v1/fundingRate");
  ASSERT_EQ(rows.as_array().size(), 2u);
  EXPECT_EQ(rows.at(0).at("symbol").as_string(), "BTCUSDT");
  EXPECT_EQ(rows.at(1).at("symbol").as_string(), "ETHUSDT");
  EXPECT_EQ(rows.at(1).at("fundingRate").as_string(), "-0.00020000");
  EXPECT_EQ(rows.at(1).at("markPrice").as_string(), "3000.00000000");
  EXPECT_EQ(call("GET", "/fapi/v1/fundingRate", "limit=1").at(0).at("symbol").as_string(), "ETHUSDT");
  EXPECT_EQ(call("GET", "/fapi/v1/fundingRate", "limit=1&startTime=0").at(0).at("symbol").as_string(), "BTCUSDT");
  const auto info = call("GET", "/fapi/v1/fundingInfo");
  ASSERT_EQ(info.as_array().size(), 1u) << "only contracts that differ from the default";
  EXPECT_EQ(info.at(0).at("adjustedFundingRateCap").as_string(), "0.00300000");
}

}  // namespace
}  // namespace qtrader::exchange
