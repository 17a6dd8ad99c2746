#include <gtest/gtest.h>

#include "core/base/json.hpp"
#include "edge/binance/messages_fast.hpp"
#include "edge/binance/messages_testing.hpp"

namespace qtrader::binance {
namespace {

using testing::expect_required;
using testing::with;

constexpr std::string_view kAggTrade =
    R"({"e":"aggTrade","E":1700000000123,"a":5933014,"s":"BTCUSDT","p":"61800.30","q":"0.006","nq":"0.006",)"
    R"("f":100,"l":105,"T":1700000000120,"m":true,"st":1})";
constexpr std::string_view kTrade =
    R"({"e":"trade","E":1723161256322,"T":1723161256321,"s":"BTCUSDT","t":5266583935,"p":"61800.30",)"
    R"("q":"0.006","X":"MARKET","m":false})";
constexpr std::string_view kBookTicker =
    R"({"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,"s":"BNBUSDT","b":"25.35190000",)"
    R"("B":"31.21000000","a":"25.36520000","A":"40.66000000","st":1,"ps":"BNBUSDT"})";
constexpr std::string_view kDepth =
    R"({"e":"depthUpdate","E":1571889248277,"T":1571889248276,"s":"BTCUSDT","ps":"BTCUSDT","st":1,)"
    R"("U":390497796,"u":390497878,"pu":390497794,"b":[["7403.89","0.002"],["7403.90","0"]],"a":[["7405.96",)"
    R"("3.340"]]})";
constexpr std::string_view kMark =
    R"({"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15000000","ap":"11793.5",)"
    R"("i":"11784.62659091","P":"11784.25641265","r":"0.00038167","T":1562306400000,"st":1})";
constexpr std::string_view kKline =
    R"({"e":"kline","E":1638747660000,"s":"BTCUSDT","k":{"t":1638747660000,"T":1638747719999,"s":"BTCUSDT",)"
    R"("i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0010","v":"1000","n":100,)"
    R"("x":true,"q":"1.5000","V":"500","Q":"0.500","B":"0"}})";
constexpr std::string_view kTicker =
    R"({"e":"24hrTicker","E":123456789,"s":"BTCUSDT","p":"-0.0015","P":"250.00","w":"0.0018","c":"0.0025",)"
    R"("Q":"10","o":"0.0010","h":"0.0025","l":"0.0010","v":"10000","q":"180000000000.5","O":0,"C":86400000,)"
    R"("F":0,"L":18150,"n":18151,"st":1})";
constexpr std::string_view kMini =
    R"({"e":"24hrMiniTicker","E":123456789,"s":"BTCUSDT","c":"0.0025","o":"0.0010","h":"0.0025","l":"0.0010",)"
    R"("v":"10000","q":"18","ps":"BTCUSDT","st":1})";
constexpr std::string_view kForce =
    R"({"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014",)"
    R"("p":"9910","ap":"9910.5","X":"FILLED","l":"0.014","z":"0.014","T":1568014460890},"ps":"BTCUSDT","st":1})";
constexpr std::string_view kContract =
    R"({"e":"contractInfo","E":1669647330375,"s":"IOTAUSDT","ct":"PERPETUAL","dt":4133404800000,)"
    R"("ot":1569398400000,"cs":"TRADING","bks":[{"bs":1,"bnf":0,"bnc":5000,"mmr":0.01,"cf":0,"mi":21,"ma":50},)"
    R"({"bs":2,"bnf":5000,"bnc":25000,"mmr":0.025,"cf":75,"mi":11,"ma":20}],"st":1})";

base::Result<MarketMessage> parse(const std::string& text) { return parse_market_copy(text); }

template <class M>
M read(std::string_view text) {
  auto message = parse_market_copy(text);
  EXPECT_TRUE(message.ok()) << message.error().message();
  if (!message || !std::holds_alternative<M>(*message)) {
    ADD_FAILURE() << "another kind of message: " << text;
    return M{};
  }
  return std::get<M>(*std::move(message));
}

std::string wrapped(std::string_view stream, std::string_view payload) {
  return R"({"stream":")" + std::string(stream) + R"(","data":)" + std::string(payload) + "}";
}

TEST(MarketMessages, BookTicker) {
  const auto m = read<BookTicker>(kBookTicker);
  EXPECT_EQ(m.symbol, "BNBUSDT");
  EXPECT_EQ(m.update_id, 400900217);
  EXPECT_EQ(m.event_time.unix_ms(), 1568014460893);
  EXPECT_EQ(m.transaction_time.unix_ms(), 1568014460891);
  EXPECT_EQ(m.bid.price.to_string(), "25.3519");
  EXPECT_EQ(m.bid.quantity.to_string(), "31.21");
  EXPECT_EQ(m.ask.price.to_string(), "25.3652");
  EXPECT_EQ(m.ask.quantity.to_string(), "40.66");
}

TEST(MarketMessages, Trades) {
  const auto a = read<AggTrade>(kAggTrade);
  EXPECT_EQ(a.id, 5933014);
  EXPECT_EQ(a.first_trade_id, 100);
  EXPECT_EQ(a.last_trade_id, 105);
  EXPECT_EQ(a.price.to_string(), "61800.3");
  EXPECT_EQ(a.quantity.to_string(), "0.006");
  EXPECT_EQ(a.trade_time.unix_ms(), 1700000000120);
  EXPECT_TRUE(a.buyer_is_maker);
  const auto t = read<Trade>(kTrade);
  EXPECT_EQ(t.id, 5266583935);
  EXPECT_FALSE(t.buyer_is_maker);
  EXPECT_TRUE(t.on_market);
  EXPECT_FALSE(read<Trade>(with(kTrade, {"", "X"}, "INSURANCE_FUND")).on_market);
}

TEST(MarketMessages, DepthKnowsPartialByItsStreamName) {
  const auto m = read<DepthUpdate>(kDepth);
  EXPECT_EQ(m.first_update_id, 390497796);
  EXPECT_EQ(m.last_update_id, 390497878);
  EXPECT_EQ(m.previous_update_id, 390497794);
  ASSERT_EQ(m.bids.size(), 2u);
  EXPECT_EQ(m.bids[1].price.to_string(), "7403.9");
  EXPECT_TRUE(m.bids[1].quantity.is_zero());
  ASSERT_EQ(m.asks.size(), 1u);
  EXPECT_FALSE(m.partial);
  EXPECT_FALSE(read<DepthUpdate>(wrapped("btcusdt@depth@100ms", kDepth)).partial);
  EXPECT_FALSE(read<DepthUpdate>(wrapped("btcusdt@depth", kDepth)).partial);
  EXPECT_TRUE(read<DepthUpdate>(wrapped("btcusdt@depth20@100ms", kDepth)).partial);
  EXPECT_TRUE(read<DepthUpdate>(wrapped("btcusdt@depth5", kDepth)).partial);
}

TEST(MarketMessages, MarkPriceOneAndAll) {
  const auto m = read<MarkPrice>(kMark);
  EXPECT_EQ(m.mark.to_string(), "11794.15");
  EXPECT_EQ(m.funding_rate.value().to_string(), "0.00038167");
  EXPECT_EQ(m.average_mark.value().to_string(), "11793.5");
  EXPECT_EQ(m.next_funding_time.unix_ms(), 1562306400000);
  const std::string delivery =
      R"({"e":"markPriceUpdate","E":1,"s":"BTCUSD_260626","p":"1","i":"","P":"","r":"","T":0,"st":2})";
  const auto d = read<MarkPrice>(delivery);
  EXPECT_FALSE(d.funding_rate);
  EXPECT_FALSE(d.average_mark);
  const auto all = read<MarkPrices>(wrapped("!markPrice@arr@1s", "[" + std::string(kMark) + "," + delivery + "]"));
  ASSERT_EQ(all.all.size(), 2u);
  EXPECT_EQ(all.all[0], m);
  EXPECT_EQ(all.all[1], d);
}

TEST(MarketMessages, Kline) {
  const auto m = read<Kline>(kKline);
  EXPECT_TRUE(m.closed);
  EXPECT_EQ(m.bar.timeframe, domain::Timeframe::M1);
  EXPECT_EQ(m.bar.open_time.unix_ms(), 1638747660000);
  EXPECT_EQ(m.close_time.unix_ms(), 1638747719999);
  EXPECT_EQ(m.bar.high.to_string(), "0.0025");
  EXPECT_EQ(m.bar.volume, 1000);
  EXPECT_EQ(m.bar.quote_volume, 1.5);
  EXPECT_EQ(m.bar.taker_buy_base, 500);
  EXPECT_EQ(m.bar.trades, 100u);
  const auto odd = parse(with(kKline, {"k", "i"}, "7m"));
  ASSERT_FALSE(odd.ok());
  EXPECT_NE(odd.error().context.find("'i': got \"7m\""), std::string::npos) << odd.error().context;
}

TEST(MarketMessages, TickersBeyondTheFixedPointRange) {
  const auto m = read<Ticker>(kTicker);
  EXPECT_EQ(m.quote_volume, 180000000000.5);
  EXPECT_EQ(m.change.to_string(), "-0.0015");
  EXPECT_EQ(m.trades, 18151);
  EXPECT_EQ(read<MiniTicker>(kMini).last.to_string(), "0.0025");
  EXPECT_EQ(read<Tickers>("[" + std::string(kTicker) + "]").all.size(), 1u);
  EXPECT_EQ(read<MiniTickers>(wrapped("!miniTicker@arr", "[" + std::string(kMini) + "]")).all.size(), 1u);
}

TEST(MarketMessages, ForceOrderAndContractInfo) {
  const auto f = read<ForceOrder>(kForce);
  EXPECT_EQ(f.side, domain::Side::Sell);
  EXPECT_EQ(f.average_price.to_string(), "9910.5");
  EXPECT_EQ(f.status, WireStatus::Filled);
  const auto c = read<ContractInfo>(kContract);
  EXPECT_EQ(c.status, "TRADING");
  ASSERT_EQ(c.brackets.size(), 2u);
  EXPECT_EQ(c.brackets[1].maintenance_ratio.to_string(), "0.025");
  EXPECT_EQ(c.brackets[1].max_leverage, 20);
}

TEST(MarketMessages, ControlReplies) {
  const auto ok = read<ControlReply>(R"({"result":null,"id":1})");
  EXPECT_TRUE(ok.ok());
  EXPECT_EQ(ok.id, "1");
  EXPECT_EQ(ok.result, "null");
  EXPECT_EQ(read<ControlReply>(R"({"result":["a@b"],"id":"x7"})").id, "x7");
  const auto bad = read<ControlReply>(R"({"error":{"code":2,"msg":"Invalid request"},"id":null})");
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.error_code, 2);
  EXPECT_EQ(bad.error, "Invalid request");
}

TEST(MarketMessages, OthersAreRecognised) {
  EXPECT_EQ(read<OtherMarket>(R"({"e":"compositeIndex","E":1,"s":"DEFIUSDT"})").kind, "compositeIndex");
  EXPECT_EQ(read<OtherMarket>(R"([{"e":"assetIndexUpdate","E":1}])").kind, "assetIndexUpdate");
  EXPECT_EQ(read<OtherMarket>("[]").kind, "");
}

TEST(MarketMessages, EveryRequiredFieldIsNamedWhenMissingOrIllTyped) {
  expect_required(kAggTrade, "", {"E", "a", "s", "p", "q", "f", "l", "T", "m"}, parse);
  expect_required(kTrade, "", {"E", "T", "s", "t", "p", "q", "m"}, parse);
  expect_required(kBookTicker, "", {"u", "E", "T", "s", "b", "B", "a", "A"}, parse);
  expect_required(kDepth, "", {"E", "T", "s", "U", "u", "pu", "b", "a"}, parse);
  expect_required(kMark, "", {"E", "s", "p", "i", "r", "T"}, parse);
  expect_required(kKline, "", {"E", "s", "k"}, parse);
  expect_required(kKline, "k", {"t", "T", "i", "f", "L", "o", "c", "h", "l", "v", "n", "x", "q", "V"}, parse);
  expect_required(kTicker, "", {"E", "s", "p", "P", "w", "c", "Q", "o", "h", "l", "v", "q", "O", "C", "F", "L", "n"},
                  parse);
  expect_required(kMini, "", {"E", "s", "c", "o", "h", "l", "v", "q"}, parse);
  expect_required(kForce, "", {"E", "o"}, parse);
  expect_required(kForce, "o", {"s", "S", "q", "p", "ap", "X", "l", "z", "T"}, parse);
  expect_required(kContract, "", {"E", "s", "ct", "dt", "ot", "cs"}, parse);
  expect_required(kContract, "bks", {"bnf", "bnc", "mmr", "cf", "ma"}, parse);
  for (const auto kind : {kAggTrade, kBookTicker, kKline, kForce}) expect_required(kind, "", {"e"}, parse);
  // The same inside the wrapper and inside an array.
  expect_required(wrapped("x@bookTicker", kBookTicker), "data", {"u", "b", "A"}, parse);
  expect_required("[" + std::string(kMark) + "]", "", {"p", "r"}, parse);
}

TEST(MarketMessages, UnknownFieldsChangeNothing) {
  for (const auto text : {kAggTrade, kTrade, kBookTicker, kDepth, kMark}) {
    const auto plain = parse(std::string(text));
    ASSERT_TRUE(plain.ok());
    for (const char* key : {"zz", "new", "y", "0", "a b", "\"q\"", "\\"}) {
      const auto more = parse(with(text, {"", key}, boost::json::object{{"b", "1"}, {"u", {1, 2, 3}}}));
      ASSERT_TRUE(more.ok()) << more.error().message();
      std::visit(
          [&](const auto& m) {
            using M = std::decay_t<decltype(m)>;
            if constexpr (std::equality_comparable<M>)
              EXPECT_EQ(m, std::get<M>(*more)) << key;
            else
              FAIL();
          },
          *plain);
    }
  }
  const auto k = read<Kline>(with(kKline, {"k", "new"}, 1));
  EXPECT_EQ(base::to_json(k.bar), base::to_json(read<Kline>(kKline).bar));
}

TEST(MarketMessages, GarbageIsAnErrorNotACrash) {
  for (const char* text : {"", " ", "{", "}", "null", "1", "\"x\"", "{\"e\":1}", "{\"e\":\"bookTicker\"", "[1]", "[{}]",
                           "{\"stream\":\"a\",\"data\":1}", "{\"stream\":\"a\"}", "{}", "\xff\xfe"})
    EXPECT_FALSE(parse(text).ok()) << text;
  // Every prefix of a message is refused by both ways.
  for (std::size_t n = 0; n < kBookTicker.size(); ++n)
    EXPECT_FALSE(parse(std::string(kBookTicker.substr(0, n))).ok()) << n;
}

TEST(MarketMessages, DepthRowsAreChecked) {
  for (const char* rows :
       {R"([["1"]])", R"([[1,2]])", R"([["x","1"]])", R"([["0","1"]])", R"([["1","-1"]])", R"([7])"}) {
    const auto result = parse(with(kDepth, {"", "b"}, boost::json::parse(rows)));
    ASSERT_FALSE(result.ok()) << rows;
    EXPECT_NE(result.error().context.find("'b'"), std::string::npos) << result.error().context;
  }
}

TEST(MarketMessages, FieldOrderDoesNotMatter) {
  const auto m = read<BookTicker>(
      R"({"A":"40.66","a":"25.3652","B":"31.21","b":"25.3519","s":"BNBUSDT","T":1568014460891,"E":1568014460893,)"
      R"("u":400900217,"e":"bookTicker"})");
  EXPECT_EQ(m, read<BookTicker>(kBookTicker));
  EXPECT_EQ(read<BookTicker>(R"({"data":)" + std::string(kBookTicker) + R"(,"stream":"x"})"), m);
}

TEST(MarketMessages, TheFastWayTakesTheHotMessagesAndAgreesWithTheSlowOne) {
  for (const auto text : {kAggTrade, kTrade, kBookTicker, kDepth}) {
    for (std::string copy : {std::string(text), wrapped("btcusdt@depth20", text)}) {
      const std::size_t size = copy.size();
      copy.append(kPadding, '\0');
      const auto view = std::string_view(copy).substr(0, size);
      const auto fast = fast::parse_market_fast(view);
      const auto slow = fast::parse_market_slow(view);
      ASSERT_TRUE(fast.has_value()) << view;
      ASSERT_TRUE(slow.ok());
      std::visit(
          [&](const auto& m) {
            using M = std::decay_t<decltype(m)>;
            if constexpr (std::equality_comparable<M>) {
              EXPECT_EQ(m, std::get<M>(*slow));
            }
          },
          *fast);
      EXPECT_EQ(fast->index(), slow->index());
    }
  }
}

}  // namespace
}  // namespace qtrader::binance
