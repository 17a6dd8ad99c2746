// Synthetic markets and scenarios: what each promises is in its ticks.
#include <algorithm>
#include <cmath>

#include "edge/playback/playback_fixture.hpp"
#include "edge/simvenue/synthetic.hpp"

namespace qtrader::playback::testing {
namespace {

using domain::Timeframe;
using matching::BarTick;
using matching::BookSnapshotTick;
using matching::FundingTick;
using matching::MarkTick;
using matching::TradeTick;

const Timestamp kFrom = at("2024-03-01");

domain::InstrumentTable instruments() {
  simvenue::SyntheticConfig config;
  config.from = kFrom;
  config.to = kFrom + base::hours(1);
  return table(simvenue::SyntheticMarket::create(config)->instruments());
}
SyntheticMarket hours(std::int64_t n) {
  SyntheticMarket m;
  m.symbols = {"BTCUSDT"};
  m.timeframe = Timeframe::M1;
  m.from = kFrom;
  m.to = kFrom + base::hours(n);
  return m;
}
std::vector<MarketTick> play(const std::string& scenario, const SyntheticMarket& selection) {
  auto source = scenario.empty() ? open_synthetic(selection, instruments(), {})
                                 : open_scenario(scenario, selection, instruments(), {});
  EXPECT_TRUE(source) << source.error().message();
  return source ? drain(**source) : std::vector<MarketTick>();
}
std::vector<domain::Bar> bars(const std::vector<MarketTick>& ticks) {
  std::vector<domain::Bar> out;
  for (const BarTick& b : only<BarTick>(ticks)) out.push_back(b.bar);
  return out;
}
double deviation(const std::vector<domain::Bar>& all) {
  double squares = 0;
  for (const domain::Bar& b : all) squares += std::pow(std::log(b.close.to_double() / b.open.to_double()), 2);
  return std::sqrt(squares / static_cast<double>(all.size()));
}
/// USDT on both sides, mean over the snapshots in the window.
double depth(const std::vector<MarketTick>& ticks, Timestamp from, Timestamp to) {
  double sum = 0;
  int count = 0;
  for (const BookSnapshotTick& s : only<BookSnapshotTick>(ticks)) {
    if (s.time < from || s.time >= to) continue;
    ++count;
    for (const auto* side : {&s.bids, &s.asks})
      for (const auto& l : *side) sum += l.price.to_double() * l.quantity.to_double();
  }
  return sum / count;
}
double spread(const std::vector<MarketTick>& ticks) {
  double sum = 0;
  const auto all = only<BookSnapshotTick>(ticks);
  for (const auto& s : all) sum += s.asks.front().price.to_double() / s.bids.front().price.to_double() - 1;
  return sum / static_cast<double>(all.size());
}

TEST(Synthetic, PlaysTheGeneratorsBars) {
  simvenue::SyntheticConfig config;
  config.timeframe = Timeframe::M1;
  config.from = kFrom;
  config.to = kFrom + base::hours(9);
  config.symbols = 2;
  auto market = simvenue::SyntheticMarket::create(config);
  ASSERT_TRUE(market);
  auto selection = hours(9);
  selection.symbols = {"ETHUSDT"};
  const auto ticks = play("", selection);
  const SymbolId eth = *instruments().find("ETHUSDT");
  const auto played = only<BarTick>(ticks, eth);
  std::vector<domain::Bar> slot;
  std::size_t i = 0;
  for (; market->next(slot); ++i) {
    ASSERT_LT(i, played.size());
    EXPECT_EQ(played[i].bar.close, slot[1].close);
    EXPECT_EQ(played[i].bar.high, slot[1].high);
    EXPECT_NEAR(played[i].bar.volume, slot[1].volume, 0.0011);
  }
  EXPECT_EQ(i, played.size());
  EXPECT_EQ(only<FundingTick>(ticks, eth).size(), 2U);  // 00:00 and 08:00
}

TEST(Synthetic, AnEndlessMarketBeginsLikeABoundedOne) {
  auto bounded = hours(2);
  auto endless = bounded;
  endless.to.reset();
  auto source = open_synthetic(endless, instruments(), {});
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ((*source)->end().ns, std::numeric_limits<std::int64_t>::max());
  const auto expected = describe(play("", bounded));
  EXPECT_EQ(describe(drain(**source, expected.size())), expected);
}

TEST(Synthetic, UnknownSymbolsAndScenariosAreNamed) {
  auto selection = hours(1);
  EXPECT_EQ(open_scenario("quake", selection, instruments(), {}).error().code, base::Errc::NotFound);
  selection.symbols = {"NOSUCHUSDT"};
  EXPECT_EQ(open_synthetic(selection, instruments(), {}).error().code, base::Errc::InvalidArgument);
  EXPECT_EQ(open_synthetic(selection, table({contract("NOSUCHUSDT")}), {}).error().code, base::Errc::NotFound);
  EXPECT_EQ(scenario_names().size(), 9U);
}

TEST(Scenarios, EveryOneIsPlayableDeterministicAndWithoutLookAhead) {
  for (const std::string& name : scenario_names()) {
    SCOPED_TRACE(name);
    const auto whole = play(name, hours(2));
    const auto part = describe(play(name, hours(1)));
    const auto text = describe(whole);
    ASSERT_LT(part.size(), text.size());
    EXPECT_TRUE(std::equal(part.begin(), part.end(), text.begin()));
    Book book;
    for (const MarketTick& t : whole) {
      book.apply(t);
      ASSERT_FALSE(book.crossed());
    }
    for (const domain::Bar& b : bars(whole)) {
      ASSERT_LE(b.low, std::min(b.open, b.close));
      ASSERT_GE(b.high, std::max(b.open, b.close));
    }
  }
}

TEST(Scenarios, FlashCrash) {
  const auto ticks = play("flash_crash", hours(2));
  const auto all = bars(ticks);
  const domain::Bar& crash = all[30];
  EXPECT_LE(crash.low.to_double() / crash.open.to_double(), 0.8801);
  EXPECT_GE(crash.low.to_double() / crash.open.to_double(), 0.85);
  EXPECT_NEAR(crash.close.to_double() / crash.open.to_double(), 0.92, 0.01);
  EXPECT_NEAR(all[60].close.to_double() / crash.open.to_double(), 0.95, 0.02);
  const Timestamp at_crash = kFrom + base::minutes(30);
  const double before = depth(ticks, kFrom, at_crash);
  EXPECT_LT(depth(ticks, at_crash + base::minutes(1), at_crash + base::minutes(10)), 0.25 * before);
}

TEST(Scenarios, VolatilityRangeTrendCalm) {
  const double plain = deviation(bars(play("", hours(12))));
  EXPECT_NEAR(deviation(bars(play("volatility", hours(12)))) / plain, 5, 0.5);
  EXPECT_LT(deviation(bars(play("calm", hours(12)))) / plain, 0.5);
  const auto range = bars(play("range", hours(48)));
  for (const domain::Bar& b : range)
    ASSERT_NEAR(std::log(b.close.to_double() / range.front().open.to_double()), 0, 0.0151);
  const auto flat = bars(play("", hours(20))), rise = bars(play("trend", hours(20)));
  const double drift = std::log(rise.back().close.to_double() / rise.front().open.to_double()) -
                       0.6 * std::log(flat.back().close.to_double() / flat.front().open.to_double());
  EXPECT_NEAR(drift, 0.1, 0.005);
}

TEST(Scenarios, GapJumpsBetweenTwoBars) {
  const auto all = bars(play("gap", hours(4)));
  EXPECT_NEAR(all[30].open.to_double() / all[29].close.to_double(), std::exp(0.03), 0.003);
  EXPECT_NEAR(all[150].open.to_double() / all[149].close.to_double(), std::exp(-0.03), 0.003);
  for (std::size_t i = 1; i < 30; ++i) EXPECT_NEAR(all[i].open.to_double() / all[i - 1].close.to_double(), 1, 0.001);
}

TEST(Scenarios, LiquidityDrought) {
  const auto plain = play("", hours(3)), dry = play("liquidity_drought", hours(3));
  const Timestamp end = kFrom + base::hours(3);
  EXPECT_NEAR(depth(dry, kFrom, end) / depth(plain, kFrom, end), 0.05, 0.02);
  EXPECT_NEAR(spread(dry) / spread(plain), 10, 1);
}

TEST(Scenarios, FundingSqueeze) {
  const auto ticks = play("funding_squeeze", hours(9));
  const auto funding = only<FundingTick>(ticks);
  ASSERT_EQ(funding.size(), 9U);
  int positive = 0;
  for (const FundingTick& f : funding) {
    EXPECT_EQ(f.rate.abs(), Ratio::parse("0.0075").value());
    positive += f.rate.is_positive() ? 1 : 0;
  }
  EXPECT_GT(positive, 0);
  EXPECT_LT(positive, 9);
  // What the marks announce is what is settled next.
  std::size_t next = 0;
  for (const MarketTick& t : ticks) {
    if (std::holds_alternative<FundingTick>(t)) ++next;
    const auto* m = std::get_if<MarkTick>(&t);
    if (m == nullptr || next == funding.size()) continue;
    ASSERT_EQ(m->funding_rate, funding[next].rate);
    ASSERT_EQ(m->next_funding, funding[next].time);
  }
}

TEST(Scenarios, WhipsawTurnsEveryFourMinutes) {
  const auto all = bars(play("whipsaw", hours(1)));
  int turns = 0;
  for (std::size_t i = 10; i < all.size(); i += 4)
    if ((all[i].open > all[i - 4].open) != (all[i - 4].open > all[i - 8].open)) ++turns;
  EXPECT_GE(turns, 10);
}

}  // namespace
}  // namespace qtrader::playback::testing
