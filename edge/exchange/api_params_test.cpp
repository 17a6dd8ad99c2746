#include "core/base/rng.hpp"
#include "edge/exchange/api_call.hpp"
#include "edge/exchange/api_fixture.hpp"

namespace qtrader::exchange {
namespace {

std::string fixed(std::int64_t raw, int places) {
  std::string out;
  append_decimal(out, raw, places);
  return out;
}
std::string trimmed(std::int64_t raw) {
  std::string out;
  append_trimmed(out, raw);
  return out;
}

TEST(JsonWriter, FixedDecimals) {
  EXPECT_EQ(fixed(1'250'000'000, 2), "12.50");
  EXPECT_EQ(fixed(0, 8), "0.00000000");
  EXPECT_EQ(fixed(-1, 8), "-0.00000001");
  EXPECT_EQ(fixed(-1, 2), "0.00") << "no negative zero";
  EXPECT_EQ(fixed(12'345'678'901, 0), "123");
  EXPECT_EQ(fixed(250'000'000, 0), "2") << "half to even";
  EXPECT_EQ(fixed(350'000'000, 0), "4");
  EXPECT_EQ(fixed(199'999'999, 3), "2.000");
  EXPECT_EQ(fixed(std::numeric_limits<std::int64_t>::min(), 8), "-92233720368.54775808");
  EXPECT_EQ(trimmed(2'126'000'000), "21.26");
  EXPECT_EQ(trimmed(0), "0");
  EXPECT_EQ(trimmed(10'000'000'000), "100");
}

TEST(JsonWriter, AgreesWithExactFormattingOnRandomNumbers) {
  base::Rng rng(11);
  for (int i = 0; i < 2'000; ++i) {
    const auto raw = static_cast<std::int64_t>(rng.next()) >> rng.below(60);
    EXPECT_EQ(trimmed(raw), domain::format_fixed(raw));
    EXPECT_EQ(domain::parse_fixed(fixed(raw, 8)).value(), raw);
  }
}

TEST(JsonWriter, CommasAndEscapes) {
  std::string out = "prefix,";
  JsonWriter w(out);
  w.begin_object().field("a", 1).field("b", "x\"{[:,").key("c").begin_array().value(true).null().begin_array();
  w.end_array().begin_object().end_object().end_array().field("d", domain::Price::from_int(2), 1).end_object();
  EXPECT_EQ(out, R"(prefix,{"a":1,"b":"x\"{[:,","c":[true,null,[],{}],"d":"2.0"})");
}

TEST(Params, QueryWinsOverBody) {
  Params params({{"a", "1"}, {"b", "2"}});
  params.add_missing({{"b", "3"}, {"c", "4"}});
  EXPECT_EQ(*params.find("b"), "2");
  EXPECT_EQ(*params.find("c"), "4");
  EXPECT_EQ(params.find("d"), nullptr);
}

TEST(Params, JsonKeepsNumbersAsWritten) {
  const auto params = params_of_json(R"( {"q": 0.010 ,"e":1e-7, "s":"a\"b,}", "t":true,"n":null,"l":[1,{"x":"]"}]} )");
  ASSERT_TRUE(params);
  EXPECT_EQ(*params->find("q"), "0.010");
  EXPECT_EQ(*params->find("e"), "1e-7");
  EXPECT_EQ(*params->find("s"), "a\"b,}");
  EXPECT_EQ(*params->find("t"), "true");
  EXPECT_EQ(params->find("n"), nullptr);
  EXPECT_EQ(*params->find("l"), R"([1,{"x":"]"}])");
  EXPECT_FALSE(params_of_json("{\"a\":"));
  EXPECT_FALSE(params_of_json("[1]"));
}

TEST(Params, JsonArrays) {
  const auto list = split_json_array(R"([ {"a":"[1,2]"} , "x,y",3 ])");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 3u);
  EXPECT_EQ((*list)[0], R"({"a":"[1,2]"})");
  EXPECT_EQ(json_text((*list)[1]), "x,y");
  EXPECT_EQ(json_text((*list)[2]), "3");
  EXPECT_EQ(split_json_array("[]")->size(), 0u);
  EXPECT_FALSE(split_json_array("[1,]"));
}

class Reader : public ApiFixture {
 protected:
  Refusal refusal_of(const Params& params, const std::function<void(ParamReader&)>& read) {
    ParamReader p(params, *exchange_);
    read(p);
    return p.refusal().value_or(Refusal{});
  }
};

TEST_F(Reader, ComplaintsOfTheExchange) {
  const Params params({{"n", "12"}, {"x", "1x"}, {"e", ""}, {"b", "TrUe"}, {"symbol", "NOPE"}, {"limit", "1001"}});
  EXPECT_EQ(refusal_of(params, [](auto& p) { p.text("gone"); }).message,
            "Mandatory parameter 'gone' was not sent, was empty/null, or malformed.");
  EXPECT_EQ(refusal_of(params, [](auto& p) { p.text("e"); }).code, -1102);
  EXPECT_EQ(refusal_of(params, [](auto& p) { p.integer("x"); }).code, -1102);
  EXPECT_EQ(refusal_of(params, [](auto& p) { p.decimal("x"); }).code, -1102);
  EXPECT_EQ(refusal_of(params, [](auto& p) { p.symbol(); }).code, -1121);
  EXPECT_EQ(refusal_of(params, [](auto& p) { p.limit(500, 1'000); }).message,
            "Data sent for parameter 'limit' is not valid.");
  EXPECT_EQ(refusal_of(params, [](auto& p) { EXPECT_TRUE(p.boolean("b")); }).code, 0);
  EXPECT_EQ(refusal_of(params, [](auto& p) { EXPECT_EQ(p.integer("n"), 12); }).code, 0);
  EXPECT_EQ(refusal_of(params,
                       [](auto& p) {
                         p.symbol();
                         p.text("gone");
                       })
                .code,
            -1121)
      << "the first complaint stays";
}

TEST_F(Reader, DecimalsThatCount) {
  const auto decimals = [&](const std::string& text) {
    const Params params({{"d", text}});
    ParamReader p(params, *exchange_);
    const auto d = p.decimal("d");
    EXPECT_FALSE(p.failed()) << text;
    return d.decimals;
  };
  EXPECT_EQ(decimals("1"), 0);
  EXPECT_EQ(decimals("1.500"), 1);
  EXPECT_EQ(decimals("0.0001"), 4);
  EXPECT_EQ(decimals("10.0"), 0);
  EXPECT_EQ(decimals("1e-7"), 7);
  EXPECT_EQ(decimals("0.0000000001"), 10);
  EXPECT_EQ(decimals("0.00"), 0);
}

TEST_F(Reader, WindowsOfHistory) {
  const auto window = [&](Params::Pairs pairs) {
    const Params params(std::move(pairs));
    ParamReader p(params, *exchange_);
    const auto w = read_window(p, {}, now());
    return std::pair{w, p.refusal().value_or(Refusal{}).code};
  };
  EXPECT_EQ(window({{"startTime", "2"}, {"endTime", "1"}}).second, -1023);
  EXPECT_EQ(window({{"startTime", "0"}, {"endTime", "604800001"}}).second, -1127);
  EXPECT_EQ(window({{"startTime", "0"}, {"endTime", "604800000"}}).second, 0);
  const auto from = window({{"startTime", "1000"}}).first;
  EXPECT_EQ(from.range.to->unix_ms(), 1'000 + 604'800'000);
  const auto none = window({}).first;
  EXPECT_FALSE(none.range.from || none.range.to);
  EXPECT_EQ(none.oldest, now() - base::days(7));
  EXPECT_EQ(window({{"endTime", "9999999999999999"}}).second, 0) << "a far future must not overflow";
}

TEST(ListenKeys, LiveSixtyMinutesFromTheLastPing) {
  ListenKeys keys(1);
  const matching::AccountId a{1}, b{2};
  const base::Timestamp start = base::Timestamp::from_unix_ms(1'704'067'200'000);
  const std::string key = keys.start(a, start);
  EXPECT_EQ(key.size(), 64u);
  EXPECT_NE(keys.start(b, start), key);
  EXPECT_EQ(keys.start(a, start + base::minutes(30)), key) << "an active key is returned again";
  EXPECT_EQ(keys.account_of(key, start + base::minutes(89)), a);
  EXPECT_FALSE(keys.account_of(key, start + base::minutes(90)));
  EXPECT_TRUE(keys.extend(a, start + base::minutes(89)));
  EXPECT_FALSE(keys.extend(b, start + base::minutes(60)));
  const auto expired = keys.take_expired(start + base::minutes(100));
  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(expired[0].second, b);
  EXPECT_TRUE(keys.take_expired(start + base::minutes(100)).empty()) << "told once";
  EXPECT_TRUE(keys.close(a));
  EXPECT_FALSE(keys.close(a));
  EXPECT_FALSE(keys.account_of(key, start + base::minutes(100)));
}

TEST(ListenKeys, AnExpiredKeyIsToldEvenAfterANewStart) {
  ListenKeys keys(1);
  const base::Timestamp start = base::Timestamp::from_unix_ms(0);
  const std::string old = keys.start({1}, start);
  const std::string fresh = keys.start({1}, start + base::minutes(61));
  EXPECT_NE(old, fresh);
  const auto expired = keys.take_expired(start + base::minutes(62));
  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(expired[0].first, old);
  EXPECT_TRUE(keys.account_of(fresh, start + base::minutes(62)));
}

}  // namespace
}  // namespace qtrader::exchange
