#include "edge/exchange/stream_testing.hpp"

namespace qtrader::exchange {
namespace {

using namespace testing;
using domain::Side;

TEST(StreamSession, AnswersControlFramesAndEchoesAnyId) {
  StreamRig rig(opening());
  rig.connect("/ws");
  EXPECT_EQ(rig.ask(R"({"method":"SUBSCRIBE","params":["btcusdt@aggTrade","nobody@knows"],"id":1})"),
            R"({"result":null,"id":1})");
  EXPECT_EQ(rig.ask(R"({"method":"LIST_SUBSCRIPTIONS","id":"a1f3"})"),
            R"({"result":["btcusdt@aggTrade","nobody@knows"],"id":"a1f3"})");
  EXPECT_EQ(rig.ask(R"({"method":"UNSUBSCRIBE","params":["nobody@knows"],"id":null})"), R"({"result":null,"id":null})");
  EXPECT_EQ(rig.ask(R"({"method":"LIST_SUBSCRIPTIONS","id":3})"), R"({"result":["btcusdt@aggTrade"],"id":3})");
  EXPECT_EQ(rig.ask(R"({"method":"GET_PROPERTY","params":["combined"],"id":4})"), R"({"result":false,"id":4})");
  EXPECT_EQ(rig.ask(R"({"method":"SET_PROPERTY","params":["combined",true],"id":5})"), R"({"result":null,"id":5})");
  EXPECT_EQ(rig.ask(R"({"method":"GET_PROPERTY","params":["combined"],"id":6})"), R"({"result":true,"id":6})");
}

TEST(StreamSession, RefusesWhatItDoesNotUnderstandWithTheExchangesCodes) {
  StreamRig rig(opening());
  rig.connect("/ws");
  const auto code = [&](const std::string& frame) {
    return json::parse(rig.ask(frame)).at("error").at("code").as_int64();
  };
  EXPECT_EQ(code(R"({"method":"SET_PROPERTY","params":["colour",true],"id":1})"), 0);
  EXPECT_EQ(code(R"({"method":"SET_PROPERTY","params":["combined","yes"],"id":1})"), 1);
  EXPECT_EQ(code(R"({"method":"DANCE","id":1})"), 2);
  EXPECT_EQ(code(R"({"method":"SUBSCRIBE","params":"btcusdt@trade","id":1})"), 2);
  EXPECT_EQ(code(R"({"method":"SUBSCRIBE","params":[7],"id":1})"), 2);
  EXPECT_EQ(code("[]"), 2);
  EXPECT_EQ(code("{"), 3);
  EXPECT_EQ(json::parse(rig.ask(R"({"method":"DANCE","id":"x"})")).at("id").as_string(), "x");
}

TEST(StreamSession, WrapsByPathAndByProperty) {
  StreamRig rig({});
  std::vector<MarketTick> ticks = opening();
  for (int i = 1; i <= 3; ++i) ticks.push_back(trade(100 * i, "50001", "1", Side::Buy));
  StreamRig playing(std::move(ticks));
  const auto plain = playing.connect("/ws/btcusdt@trade"), wrapped = playing.connect("/stream?streams=btcusdt@trade");
  playing.world->advance_to(at_ms(150));
  EXPECT_TRUE(plain->parsed().at(0).as_object().contains("e"));
  EXPECT_EQ(wrapped->parsed().at(0).at("stream").as_string(), "btcusdt@trade");
  playing.ask(R"({"method":"SET_PROPERTY","params":["combined",false],"id":1})");
  playing.world->advance_to(at_ms(250));
  EXPECT_TRUE(wrapped->parsed().back().as_object().contains("e"));
}

TEST(StreamSession, UnsubscribedStreamsFallSilent) {
  std::vector<MarketTick> ticks = opening();
  for (int i = 1; i <= 3; ++i) ticks.push_back(trade(100 * i, "50001", "1", Side::Buy));
  StreamRig rig(std::move(ticks));
  const auto socket = rig.connect("/ws/btcusdt@trade");
  rig.world->advance_to(at_ms(150));
  EXPECT_EQ(socket->of("trade").size(), 1u);
  rig.ask(R"({"method":"UNSUBSCRIBE","params":["btcusdt@trade"],"id":1})");
  rig.world->advance_to(at_ms(250));
  EXPECT_EQ(socket->of("trade").size(), 1u);
  rig.ask(R"({"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":2})");
  rig.world->advance_to(at_ms(350));
  EXPECT_EQ(socket->of("trade").size(), 2u);
}

TEST(StreamSession, RoutesDeliverTheirOwnStreamsOnly) {
  const auto heard = [](std::string_view target, bool strict) {
    std::vector<MarketTick> ticks = opening();
    ticks.push_back(trade(100, "50001", "1", Side::Buy));
    StreamRig rig(std::move(ticks));
    rig.rooms.strict_routes = strict;
    const auto socket = rig.connect(target);
    rig.ask(R"({"method":"SUBSCRIBE","params":["btcusdt@trade","btcusdt@aggTrade"],"id":1})");  // public and market
    rig.world->advance_to(at_ms(1'000));
    return std::pair(socket->of("trade").size(), socket->of("aggTrade").size());
  };
  using Heard = std::pair<std::size_t, std::size_t>;
  EXPECT_EQ(heard("/ws", false), Heard(1, 1));
  EXPECT_EQ(heard("/ws", true), Heard(1, 0));
  EXPECT_EQ(heard("/public/ws", true), Heard(1, 0));
  EXPECT_EQ(heard("/market/ws", false), Heard(0, 1));
  EXPECT_EQ(heard("/private/ws", false), Heard(0, 0));
}

TEST(StreamSession, TakesAtMost1024Streams) {
  StreamRig rig(opening());
  rig.connect("/ws");
  json::array names;
  for (int i = 0; i < 1'024; ++i) names.emplace_back("s" + std::to_string(i) + "@trade");
  const auto frame = [&] {
    return json::serialize(json::object{{"method", "SUBSCRIBE"}, {"params", names}, {"id", 1}});
  };
  EXPECT_EQ(rig.ask(frame()), R"({"result":null,"id":1})");
  names = {"one@more"};
  EXPECT_EQ(json::parse(rig.ask(frame())).at("error").at("code").as_int64(), 2);
}

TEST(StreamSession, MoreThanTenFramesASecondEndIt) {
  StreamRig rig(opening());
  rig.connect("/ws");
  auto& session = *rig.sessions.back();
  const std::string frame = R"({"method":"LIST_SUBSCRIPTIONS","id":1})";
  const auto at = [](std::int64_t ms) { return Timestamp::from_unix_ms(ms); };
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(session.on_text(frame, at(1'000 + i * 99)));
  EXPECT_TRUE(session.on_text(frame, at(2'000)));  // the first of them is a second old
  EXPECT_FALSE(session.on_text(frame, at(2'001)));
  rig.rooms.limit_frames = false;
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(session.on_text(frame, at(3'000)));
}

TEST(SocketLife, PingsEveryThreeMinutesAndDropsTheSilentAndTheOld) {
  using Need = SocketLife::Need;
  const auto at = [](std::int64_t minutes) { return Timestamp{} + base::minutes(minutes); };
  SocketLife silent(at(0));
  EXPECT_EQ(silent.check(at(2)), Need::Nothing);
  EXPECT_EQ(silent.check(at(3)), Need::Ping);
  EXPECT_EQ(silent.check(at(3)), Need::Nothing);
  EXPECT_EQ(silent.check(at(6)), Need::Ping);
  EXPECT_EQ(silent.check(at(9)), Need::Ping);
  EXPECT_EQ(silent.check(at(10)), Need::Drop);
  SocketLife alive(at(0));
  for (std::int64_t m = 3; m < 24 * 60; m += 3) {
    EXPECT_EQ(alive.check(at(m)), Need::Ping);
    alive.on_pong(at(m));
  }
  EXPECT_EQ(alive.check(at(24 * 60)), Need::Drop);
}

}  // namespace
}  // namespace qtrader::exchange
