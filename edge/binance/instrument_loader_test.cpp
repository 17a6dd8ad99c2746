// load_instruments: filters, brackets and fees of the account; what stands in without a key; what is refused.
#include "edge/binance/gateway_testing.hpp"
#include "edge/binance/venue_reason.hpp"

namespace qtrader::binance::testing {
namespace {

std::string symbol_text(const std::string& name, const std::string& status = "TRADING") {
  return R"({"symbol":")" + name + R"(","pair":")" + name +
         R"(","contractType":"PERPETUAL","deliveryDate":4133404800000,"onboardDate":1,"status":")" + status +
         R"(","maintMarginPercent":"2.5000","requiredMarginPercent":"5.0000","baseAsset":"X","quoteAsset":"USDT",)"
         R"("marginAsset":"USDT","pricePrecision":2,"quantityPrecision":3,"baseAssetPrecision":8,"quotePrecision":8,)"
         R"("underlyingType":"COIN","underlyingSubType":[],"triggerProtect":"0.0500","liquidationFee":"0.0125",)"
         R"("marketTakeBound":"0.05","maxMoveOrderLimit":10000,"orderTypes":["LIMIT","MARKET"],"timeInForce":["GTC"],)"
         R"("permissionSets":[],"filters":[)"
         R"({"filterType":"PRICE_FILTER","minPrice":"0.10","maxPrice":"1000000","tickSize":"0.10"},)"
         R"({"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"1000","stepSize":"0.001"},)"
         R"({"filterType":"MARKET_LOT_SIZE","minQty":"0.001","maxQty":"120","stepSize":"0.001"},)"
         R"({"filterType":"MAX_NUM_ORDERS","limit":200},)"
         R"({"filterType":"MIN_NOTIONAL","notional":"50"},)"
         R"({"filterType":"PERCENT_PRICE","multiplierUp":"1.05","multiplierDown":"0.95","multiplierDecimal":"4"}]})";
}
std::string info_text(const std::string& symbols) {
  return R"({"timezone":"UTC","serverTime":1,"futuresType":"U_MARGINED","rateLimits":[)"
         R"({"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":2400},)"
         R"({"rateLimitType":"ORDERS","interval":"MINUTE","intervalNum":1,"limit":1200},)"
         R"({"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":300}],)"
         R"("exchangeFilters":[],"assets":[],"symbols":[)" +
         symbols + "]}";
}

class Loading {
 public:
  Loading() {
    rest.always("GET /fapi/v1/exchangeInfo", info_text(symbol_text("BTCUSDT") + "," + symbol_text("ETHUSDT") + "," +
                                                       symbol_text("OLDUSDT", "SETTLING")));
    rest.always("GET /fapi/v1/leverageBracket",
                R"([{"symbol":"BTCUSDT","brackets":[{"bracket":1,"initialLeverage":125,"notionalCap":50000,)"
                R"("notionalFloor":0,"maintMarginRatio":0.004,"cum":0.0}]},{"symbol":"ETHUSDT","brackets":[)"
                R"({"bracket":1,"initialLeverage":100,"notionalCap":10000,"notionalFloor":0,"maintMarginRatio":0.005,)"
                R"("cum":0.0}]}])");
    rest.standing["GET /fapi/v1/commissionRate"] = [](const Call& c) {
      return ApiResult(R"({"symbol":")" + parameter(c, "symbol") +
                       R"(","makerCommissionRate":"0.00018","takerCommissionRate":"0.00045",)"
                       R"("rpiCommissionRate":"0.00005"})");
    };
  }
  base::Result<domain::InstrumentTable> load(std::vector<std::string> symbols) {
    std::vector<base::Result<domain::InstrumentTable>> results;
    Gateway::load_instruments(rest, std::move(symbols), [&](auto r) { results.push_back(std::move(r)); });
    host.settle();
    EXPECT_EQ(results.size(), 1u);
    return results.empty() ? base::Result<domain::InstrumentTable>(base::Error{}) : results[0];
  }
  FakeHost host;
  FakeRest rest{host};
};

TEST(LoadInstruments, ReadsFiltersBracketsAndFeesInTheOrderAsked) {
  Loading l;
  const auto table = l.load({"ETHUSDT", "BTCUSDT"});
  ASSERT_TRUE(table.ok()) << table.error().message();
  EXPECT_EQ(table->name({0}), "ETHUSDT");
  const domain::Instrument& btc = (*table)[domain::SymbolId{1}];
  EXPECT_EQ(btc.symbol, "BTCUSDT");
  EXPECT_EQ(btc.tick_size.to_string(), "0.1");
  EXPECT_EQ(btc.max_market_quantity.to_string(), "120");
  EXPECT_EQ(btc.min_notional.to_string(), "50");
  EXPECT_EQ(btc.taker_fee.to_string(), "0.00045");
  EXPECT_EQ(btc.maker_fee.to_string(), "0.00018");
  ASSERT_EQ(btc.brackets.size(), 1u);
  EXPECT_EQ(btc.brackets[0].max_leverage, 125);
  EXPECT_FALSE(btc.assumed);
}

TEST(LoadInstruments, NamesTheSymbolItCannotTrade) {
  Loading l;
  const auto unknown = l.load({"BTCUSDT", "NOPEUSDT"});
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, base::Errc::NotFound);
  EXPECT_NE(unknown.error().context.find("NOPEUSDT"), std::string::npos);
  const auto settling = l.load({"OLDUSDT"});
  ASSERT_FALSE(settling.ok());
  EXPECT_NE(settling.error().context.find("SETTLING"), std::string::npos);
}

TEST(LoadInstruments, WithoutAKeySaysThatFeesAndBracketsAreAssumed) {
  Loading l;
  l.rest.always("GET /fapi/v1/leverageBracket",
                ApiFailure{FailureClass::Credentials, 0, 0, "no API key is configured"});
  const auto table = l.load({"BTCUSDT"});
  ASSERT_TRUE(table.ok()) << table.error().message();
  EXPECT_TRUE(table->all()[0].assumed);
  EXPECT_EQ(table->all()[0].taker_fee.to_string(), "0.0005");
}

TEST(LoadInstruments, InventsNoFeesForARefusedKeyOrALostAnswer) {
  for (const ApiFailure& failure :
       {ApiFailure{FailureClass::Credentials, 401, -2015, "Invalid API-key"}, failed(FailureClass::Unknown)}) {
    Loading brackets;
    brackets.rest.always("GET /fapi/v1/leverageBracket", failure);
    EXPECT_FALSE(brackets.load({"BTCUSDT"}).ok());
    Loading fees;
    fees.rest.always("GET /fapi/v1/commissionRate", failure);
    EXPECT_FALSE(fees.load({"BTCUSDT"}).ok());
  }
}

TEST(GatewayCreate, RefusesToTradeOnAssumedFees) {
  net::Loop loop;
  FakeHost host;
  domain::Instrument assumed = contract("BTCUSDT");
  assumed.assumed = true;
  GatewayConfig config;
  const auto create = [&](bool trade) {
    config.trade = trade;
    return Gateway::create(loop, std::make_unique<FakeRest>(host), domain::InstrumentTable::create({assumed}).value(),
                           config, [](const domain::Event&) {});
  };
  EXPECT_FALSE(create(true).ok());
  EXPECT_TRUE(create(false).ok());
  config.countdown_s = config.heartbeat_s;
  EXPECT_FALSE(create(false).ok()) << "the countdown would run out between two beats";
}

TEST(VenueReason, OfEndsAndTexts) {
  using domain::VenueReason;
  EXPECT_EQ(reason_of_end(WireStatus::Canceled, ExpiryReason::None), VenueReason::UserRequest);
  EXPECT_EQ(reason_of_end(WireStatus::Expired, ExpiryReason::MarketRemainder), VenueReason::NoLiquidity);
  EXPECT_EQ(reason_of_end(WireStatus::Expired, ExpiryReason::ReduceOnly), VenueReason::PositionClosed);
  EXPECT_EQ(reason_of_end(WireStatus::Canceled, ExpiryReason::Liquidated), VenueReason::Liquidated);
  EXPECT_EQ(reason_of_end(WireStatus::Filled, ExpiryReason::None), VenueReason::None);
  EXPECT_EQ(reason_of_text("-2019 Margin is insufficient."), VenueReason::InsufficientMargin);
  EXPECT_EQ(reason_of_text("Margin is insufficient."), VenueReason::InsufficientMargin);
  EXPECT_EQ(reason_of_text(""), VenueReason::None);
  EXPECT_EQ(reason_of_code(-9999), VenueReason::TransportFailure);
}

}  // namespace
}  // namespace qtrader::binance::testing
