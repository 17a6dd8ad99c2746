#include "edge/exchange/stream_testing.hpp"

namespace qtrader::exchange {
namespace {

using namespace testing;
using domain::Side;
using matching::NewAlgoOrder;
using matching::NewOrder;
using matching::OrderType;

class UserStreamsTest : public ::testing::Test {
 protected:
  void open(std::vector<MarketTick> more = {}, const std::string& query = "") {
    auto ticks = opening();
    ticks.insert(ticks.end(), more.begin(), more.end());
    rig = std::make_unique<StreamRig>(std::move(ticks));
    account = rig->world->exchange().open_account({usd("100000"), false, -1});
    rig->world->advance_to(at_ms(10));
    key = rig->world->listen_keys().start(account, rig->world->now());
    socket = rig->connect("/private/ws?listenKey=" + key + query);
  }
  NewOrder order(OrderType type, Side side, const char* quantity, const char* price = "0") const {
    NewOrder o;
    o.symbol = kBtc;
    o.type = type;
    o.side = side;
    o.quantity = qty(quantity);
    o.price = px(price);
    o.client_id = "mine";
    return o;
  }
  void place(const NewOrder& o) {
    const auto placed = rig->world->exchange().place(account, o);
    ASSERT_TRUE(placed) << placed.refusal().message;
    rig->world->drain();
  }
  /// "ORDER_TRADE_UPDATE TRADE/FILLED", "ALGO_UPDATE NEW", "ACCOUNT_UPDATE ORDER", …
  std::vector<std::string> sequence() const {
    std::vector<std::string> out;
    for (const auto& m : socket->parsed()) {
      std::string line(m.at("e").as_string());
      if (line == "ORDER_TRADE_UPDATE")
        line += " " + std::string(m.at("o").at("x").as_string()) + "/" + std::string(m.at("o").at("X").as_string());
      if (line == "ALGO_UPDATE") line += " " + std::string(m.at("o").at("X").as_string());
      if (line == "ACCOUNT_UPDATE") line += " " + std::string(m.at("a").at("m").as_string());
      out.push_back(line);
    }
    return out;
  }

  std::unique_ptr<StreamRig> rig;
  matching::AccountId account;
  std::string key;
  std::shared_ptr<FakeSocket> socket;
};
using Lines = std::vector<std::string>;

TEST_F(UserStreamsTest, MarketFillOfTwoLevels) {
  open();
  place(order(OrderType::Market, Side::Buy, "6"));
  EXPECT_EQ(sequence(), (Lines{"ORDER_TRADE_UPDATE NEW/NEW", "TRADE_LITE", "ACCOUNT_UPDATE ORDER",
                               "ORDER_TRADE_UPDATE TRADE/PARTIALLY_FILLED", "TRADE_LITE", "ACCOUNT_UPDATE ORDER",
                               "ORDER_TRADE_UPDATE TRADE/FILLED"}));
  const auto m = socket->parsed();
  const auto& o = m[3].at("o");
  EXPECT_EQ(o.at("c").as_string(), "mine");
  EXPECT_EQ(o.at("l").as_string(), "5");
  EXPECT_EQ(o.at("z").as_string(), "5");
  EXPECT_EQ(o.at("L").as_string(), "50001");
  EXPECT_EQ(o.at("n").as_string(), "125.0025");
  EXPECT_EQ(o.at("N").as_string(), "USDT");
  EXPECT_EQ(o.at("er").as_string(), "0");
  EXPECT_FALSE(o.at("m").as_bool());
  EXPECT_FALSE(o.as_object().contains("AP"));
  // One match, one T; the trade is told thrice with the same id.
  EXPECT_EQ(m[1].at("t"), o.at("t"));
  EXPECT_EQ(m[1].at("T"), m[3].at("T"));
  EXPECT_EQ(m[2].at("T"), m[3].at("T"));
  const auto& a = m[2].at("a");
  EXPECT_EQ(a.at("B").at(0).at("wb").as_string(), "99874.99750000");
  EXPECT_EQ(a.at("B").at(0).at("bc").as_string(), "0.00000000");
  EXPECT_EQ(a.at("P").at(0).at("pa").as_string(), "5");
  EXPECT_EQ(a.at("P").at(0).at("mt").as_string(), "cross");
  EXPECT_EQ(a.at("P").as_array().size(), 1u);
}

TEST_F(UserStreamsTest, RestingOrderIsFilledByOthersAndCancelled) {
  open({trade(1'000, "49999", "20", Side::Sell)});
  place(order(OrderType::Limit, Side::Buy, "1", "49999"));
  EXPECT_EQ(sequence(), Lines{"ORDER_TRADE_UPDATE NEW/NEW"});
  rig->world->advance_to(at_ms(2'000));
  EXPECT_EQ(sequence(), (Lines{"ORDER_TRADE_UPDATE NEW/NEW", "TRADE_LITE", "ACCOUNT_UPDATE ORDER",
                               "ORDER_TRADE_UPDATE TRADE/FILLED"}));
  EXPECT_TRUE(socket->parsed().back().at("o").at("m").as_bool());

  place(order(OrderType::Limit, Side::Buy, "1", "49000"));
  const auto cancelled = rig->world->exchange().cancel(account, {kBtc, 0, "mine"});
  ASSERT_TRUE(cancelled);
  rig->world->drain();
  const auto all = sequence();
  EXPECT_EQ(Lines(all.end() - 2, all.end()),
            (Lines{"ORDER_TRADE_UPDATE NEW/NEW", "ORDER_TRADE_UPDATE CANCELED/CANCELED"}));
}

TEST_F(UserStreamsTest, ConditionalOrderTriggersAndFills) {
  open({trade(1'000, "50001", "0.1", Side::Buy), trade(2'000, "50100", "0.1", Side::Buy)});
  NewAlgoOrder a;
  a.symbol = kBtc;
  a.side = Side::Buy;
  a.type = OrderType::StopMarket;
  a.quantity = qty("1");
  a.trigger_price = px("50050");
  a.client_id = "stop-1";
  rig->world->advance_to(at_ms(1'500));
  const auto placed = rig->world->exchange().place_algo(account, a);
  ASSERT_TRUE(placed) << placed.refusal().message;
  rig->world->drain();
  EXPECT_EQ(sequence(), Lines{"ALGO_UPDATE NEW"});
  EXPECT_EQ(socket->parsed()[0].at("o").at("ai").as_string(), "");
  EXPECT_FALSE(socket->parsed()[0].at("o").as_object().contains("aq"));
  rig->world->advance_to(at_ms(3'000));
  EXPECT_EQ(sequence(),
            (Lines{"ALGO_UPDATE NEW", "ALGO_UPDATE TRIGGERING", "ALGO_UPDATE TRIGGERED", "ORDER_TRADE_UPDATE NEW/NEW",
                   "TRADE_LITE", "ACCOUNT_UPDATE ORDER", "ORDER_TRADE_UPDATE TRADE/FILLED", "ALGO_UPDATE FINISHED"}));
  const auto m = socket->parsed();
  const auto& last = m.back().at("o");
  EXPECT_EQ(last.at("caid").as_string(), "stop-1");
  EXPECT_EQ(last.at("ai").as_string(), std::to_string(m[3].at("o").at("i").as_int64()));
  EXPECT_EQ(last.at("aq").as_string(), "1");
  EXPECT_EQ(last.at("act").as_string(), "MARKET");
  EXPECT_EQ(m[3].at("o").at("ot").as_string(), "STOP_MARKET");
  EXPECT_LT(m[1].at("T").as_int64(), m[2].at("T").as_int64());
}

TEST_F(UserStreamsTest, FundingIsABalanceAndNoPosition) {
  open({matching::FundingTick{kBtc, frac("0.0001"), at_ms(1'000)}});
  place(order(OrderType::Market, Side::Buy, "1"));
  socket->texts.clear();
  rig->world->advance_to(at_ms(1'000));
  EXPECT_EQ(sequence(), Lines{"ACCOUNT_UPDATE FUNDING_FEE"});
  const auto a = socket->parsed().at(0).at("a");
  EXPECT_EQ(a.at("B").at(0).at("bc").as_string(), "-5.00000000");
  EXPECT_TRUE(a.at("P").as_array().empty());
  EXPECT_EQ(a.at("S").as_string(), "BTCUSDT");
}

TEST_F(UserStreamsTest, LeverageAndMarginMode) {
  open();
  ASSERT_TRUE(rig->world->exchange().set_leverage(account, kBtc, 7));
  ASSERT_TRUE(rig->world->exchange().set_margin_mode(account, kBtc, domain::MarginMode::Isolated));
  rig->world->drain();
  EXPECT_EQ(sequence(), (Lines{"ACCOUNT_CONFIG_UPDATE", "ACCOUNT_UPDATE MARGIN_TYPE_CHANGE"}));
  EXPECT_EQ(socket->parsed()[0].at("ac").at("l").as_int64(), 7);
}

TEST_F(UserStreamsTest, TheEventsFilterIsReal) {
  open({}, "&events=ORDER_TRADE_UPDATE/NO_SUCH_EVENT");
  place(order(OrderType::Market, Side::Buy, "1"));
  EXPECT_EQ(sequence(), (Lines{"ORDER_TRADE_UPDATE NEW/NEW", "ORDER_TRADE_UPDATE TRADE/FILLED"}));
}

TEST_F(UserStreamsTest, AllConnectionFormsGetTheAccountsEventsAndNobodyElseDoes) {
  open();
  const auto other = rig->world->exchange().open_account({usd("1000"), false, -1});
  const auto other_key = rig->world->listen_keys().start(other, rig->world->now());
  std::vector<std::shared_ptr<FakeSocket>> same;
  for (const std::string target :
       {"/private/ws/", "/ws/", "/stream?streams=", "/ws?listenKey=", "/private/stream?listenKey="})
    same.push_back(rig->connect(target + key));
  same.push_back(rig->connect("/private/stream"));
  rig->ask(R"({"method":"SUBSCRIBE","params":[")" + key + R"("],"id":1})");
  same.back()->texts.clear();
  const auto stranger = rig->connect("/private/ws/" + other_key),
             wrong = rig->connect("/private/ws/" + std::string(64, 'x'));
  place(order(OrderType::Limit, Side::Buy, "1", "49000"));
  for (const auto& s : same) ASSERT_EQ(s->texts.size(), 1u);
  EXPECT_EQ(same[4]->parsed()[0].at("stream").as_string(), key);
  EXPECT_EQ(same[5]->parsed()[0].at("data").at("e").as_string(), "ORDER_TRADE_UPDATE");
  EXPECT_TRUE(stranger->texts.empty());
  EXPECT_TRUE(wrong->texts.empty());
}

TEST_F(UserStreamsTest, AnExpiredKeySaysSoAndStops) {
  open();
  rig->world->advance_to(at_ms(10) + base::minutes(59));
  EXPECT_TRUE(sequence().empty());
  rig->world->advance_to(at_ms(10) + base::minutes(61));
  EXPECT_EQ(sequence(), Lines{"listenKeyExpired"});
  EXPECT_EQ(socket->parsed()[0].at("listenKey").as_string(), key);
  place(order(OrderType::Limit, Side::Buy, "1", "49000"));
  EXPECT_EQ(sequence().size(), 1u);
}

TEST_F(UserStreamsTest, ALiquidationReachesTheStreamAndThePublic) {
  open();
  const auto open_market = rig->connect("/ws/!forceOrder@arr");
  place(order(OrderType::Market, Side::Buy, "1"));
  socket->texts.clear();
  rig->world->exchange().force_liquidation(account, kBtc);
  rig->world->drain();
  rig->world->advance_to(at_ms(5'000));
  const auto lines = sequence();
  ASSERT_FALSE(lines.empty());
  const auto updates = socket->of("ORDER_TRADE_UPDATE");
  ASSERT_FALSE(updates.empty());
  EXPECT_TRUE(updates.front().at("o").at("c").as_string().starts_with("autoclose-"));
  EXPECT_EQ(updates.back().at("o").at("X").as_string(), "FILLED");
  EXPECT_TRUE(std::find(lines.begin(), lines.end(), "ACCOUNT_UPDATE ORDER") != lines.end());
  const auto forced = open_market->of("forceOrder");
  ASSERT_EQ(forced.size(), 1u);
  EXPECT_EQ(forced[0].at("o").at("s").as_string(), "BTCUSDT");
  EXPECT_EQ(forced[0].at("o").at("S").as_string(), "SELL");
}

}  // namespace
}  // namespace qtrader::exchange
