#include "core/market/market_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/archive.hpp"
#include "core/market/testing.hpp"

namespace qtrader::market {
namespace {

using domain::Bar;
using domain::Price;
using domain::SymbolId;
using domain::Timeframe;
using ::testing::ElementsAre;
using testing::Faults;
using ::testing::IsEmpty;
using testing::kStart;
using testing::make_bar;
using testing::RandomBars;

constexpr SymbolId kBtc{0};

Bar bar_at(int index, testing::Prices p = {10, 11, 9, 10.5}, Timeframe tf = Timeframe::M5) {
  return make_bar(kStart + domain::duration(tf) * index, tf, p);
}

MarketState five_to_fifteen() { return {1, {.base = Timeframe::M5, .primary = Timeframe::M15}}; }

TEST(MarketState, EmitsAPrimaryBarWithItsLastBaseBar) {
  MarketState m = five_to_fifteen();
  Faults faults;
  EXPECT_FALSE(m.on_bar(kBtc, bar_at(0, {10, 12, 9, 11}), faults).primary);
  EXPECT_FALSE(m.on_bar(kBtc, bar_at(1, {11, 13, 10, 12}), faults).primary);
  const auto result = m.on_bar(kBtc, bar_at(2, {12, 12, 8, 9}), faults);
  ASSERT_TRUE(result.primary);
  EXPECT_EQ(result.primary->open_time, kStart);
  EXPECT_EQ(result.primary->timeframe, Timeframe::M15);
  EXPECT_EQ(result.primary->open, Price::from_int(10));
  EXPECT_EQ(result.primary->high, Price::from_int(13));
  EXPECT_EQ(result.primary->low, Price::from_int(8));
  EXPECT_EQ(result.primary->close, Price::from_int(9));
  EXPECT_EQ(result.primary->volume, 3);
  EXPECT_EQ(m[kBtc].primary_bars, 1u);
  EXPECT_THAT(faults.seen, IsEmpty());
}

TEST(MarketState, KeepsTheLatestSoundDepthAndItsAge) {
  MarketState m = five_to_fifteen();
  const auto level = [](int price, int quantity) {
    return domain::DepthLevel{Price::from_int(price), domain::Quantity::from_int(quantity)};
  };
  domain::BookDepth good{kBtc, {level(99, 1), level(98, 2)}, {level(101, 1), level(103, 2)}, kStart};
  EXPECT_EQ(m[kBtc].fresh_depth(kStart, base::seconds(2)), nullptr);
  EXPECT_TRUE(m.on(good));
  ASSERT_NE(m[kBtc].fresh_depth(kStart + base::seconds(2), base::seconds(2)), nullptr);
  EXPECT_EQ(m[kBtc].fresh_depth(kStart + base::milliseconds(2'001), base::seconds(2)), nullptr);
  const auto bad = [&](auto change) {
    domain::BookDepth d = good;
    change(d);
    return !m.on(d);
  };
  EXPECT_TRUE(bad([&](auto& d) { d.bids[1] = level(100, 1); })) << "out of order";
  EXPECT_TRUE(bad([&](auto& d) { d.asks[0] = level(101, 0); })) << "nothing there";
  EXPECT_TRUE(bad([&](auto& d) { d.asks[0] = level(99, 1); })) << "crossed";
  EXPECT_TRUE(bad([&](auto& d) { d.ts_event = kStart - base::seconds(1); })) << "older";
  EXPECT_TRUE(bad([&](auto& d) { d.bids.assign(21, level(1, 1)); })) << "too many";
  EXPECT_EQ(m[kBtc].depth->asks[1].price, Price::from_int(103));
  good.asks.clear();
  EXPECT_TRUE(m.on(good));
  EXPECT_EQ(m[kBtc].fresh_depth(kStart, base::seconds(2)), nullptr) << "one side alone has no touch";
}

TEST(MarketState, RejectsBarsThatCannotBeTrue) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto with = [](auto change) {
    Bar bar = bar_at(1);
    change(bar);
    return bar;
  };
  const std::vector<std::pair<Bar, std::string>> cases = {
      {with([](Bar& b) { b.low = Price::from_int(0); }), "non_positive"},
      {with([](Bar& b) { b.close = Price::from_int(-1); }), "non_positive"},
      {with([](Bar& b) { b.low = Price::from_int(12); }), "ohlc"},
      {with([](Bar& b) { b.open = Price::from_int(12); }), "ohlc"},
      {with([](Bar& b) { b.close = Price::from_int(8); }), "ohlc"},
      {with([](Bar& b) { b.volume = -1; }), "volume"},
      {with([&](Bar& b) { b.volume = nan; }), "volume"},
      {with([](Bar& b) {
         b.columns = domain::kHasTakerBuy;
         b.taker_buy_base = 2;
       }),
       "volume"},
      {with([](Bar& b) { b.timeframe = Timeframe::M1; }), "timeframe"},
      {with([](Bar& b) { b.open_time = b.open_time + base::seconds(1); }), "unaligned"},
      {bar_at(0), "duplicate"},
      {bar_at(-1), "out_of_order"},
  };
  for (const auto& [bad, rule] : cases) {
    MarketState m = five_to_fifteen();
    Faults faults;
    ASSERT_TRUE(m.on_bar(kBtc, bar_at(0), faults).accepted);
    EXPECT_FALSE(m.on_bar(kBtc, bad, faults).accepted) << rule;
    EXPECT_THAT(faults.rules(), ElementsAre(rule));
    EXPECT_FALSE(faults.seen[0].detail.empty());
    EXPECT_EQ(m[kBtc].last_base->open_time, kStart) << "a rejected bar leaves no trace";
    EXPECT_TRUE(m.on_bar(kBtc, bar_at(1), faults).accepted);
  }
}

TEST(MarketState, AcceptsAGapButEmitsNoBarWithAHoleInIt) {
  MarketState m = five_to_fifteen();
  Faults faults;
  m.on_bar(kBtc, bar_at(0), faults);
  EXPECT_TRUE(m.on_bar(kBtc, bar_at(2), faults).accepted);
  EXPECT_EQ(m[kBtc].primary_bars, 0u) << "bar 1 is missing";
  EXPECT_THAT(faults.rules(), ElementsAre("gap"));
  m.on_bar(kBtc, bar_at(4), faults);
  m.on_bar(kBtc, bar_at(5), faults);
  EXPECT_EQ(m[kBtc].primary_bars, 0u) << "bar 3, the window's first, is missing";
  for (int i = 6; i < 9; ++i) m.on_bar(kBtc, bar_at(i), faults);
  EXPECT_EQ(m[kBtc].primary_bars, 1u);
  EXPECT_EQ(m[kBtc].last_primary->open_time, kStart + base::minutes(30));
}

TEST(MarketState, AtrIsWildersSeededByTheFirstFourteenRanges) {
  MarketState m(1, {.base = Timeframe::M15, .primary = Timeframe::M15});
  Faults faults;
  RandomBars source(3, Timeframe::M15);
  std::vector<Bar> bars = source.take(300);
  double atr = 0, previous = 0;
  for (std::size_t i = 0; i < bars.size(); ++i) {
    m.on_bar(kBtc, bars[i], faults);
    const double h = bars[i].high.to_double(), l = bars[i].low.to_double();
    const double range = std::max({h - l, std::abs(h - previous), std::abs(l - previous)});
    previous = bars[i].close.to_double();
    if (i >= 1 && i <= 14) atr += range / 14;
    if (i > 14) atr = (13 * atr + range) / 14;
    const double expected = i < 14 ? 0 : atr;
    ASSERT_NEAR(m[kBtc].atr, expected, 1e-12 * 100) << i;
    ASSERT_NEAR(m[kBtc].atr_frac(), expected / previous, 1e-12) << i;
  }
}

TEST(MarketState, MarkIsTheNewerOfSourceAndLastClose) {
  MarketState m = five_to_fifteen();
  Faults faults;
  EXPECT_FALSE(m[kBtc].mark());
  EXPECT_FALSE(m[kBtc].mark_time());
  const base::Timestamp close = kStart + base::minutes(5);
  EXPECT_TRUE(m.on(domain::MarkPrice{kBtc, Price::from_int(20), close - base::seconds(1)}));
  EXPECT_FALSE(m[kBtc].mark()) << "no bar yet";
  m.on_bar(kBtc, bar_at(0), faults);
  EXPECT_EQ(m[kBtc].mark(), Price::from_double(10.5)) << "the close is newer";
  EXPECT_EQ(m[kBtc].mark_time(), close);
  EXPECT_TRUE(m.on(domain::MarkPrice{kBtc, Price::from_int(21), close}));
  EXPECT_EQ(m[kBtc].mark(), Price::from_int(21));
  EXPECT_EQ(m[kBtc].mark_time(), close);
}

TEST(MarketState, RefusesSideDataOutOfRangeOrOlder) {
  MarketState m = five_to_fifteen();
  const base::Timestamp t = kStart + base::minutes(1), before = kStart;
  EXPECT_FALSE(m.on(domain::MarkPrice{kBtc, Price::from_int(0), t}));
  EXPECT_FALSE(m.on(domain::BookTop{kBtc, Price::from_int(11), Price::from_int(10), {}, {}, 1, 1, t}));
  EXPECT_FALSE(m.on(domain::OpenInterest{kBtc, -1, t}));
  EXPECT_FALSE(m.on(domain::Sentiment{kBtc, std::nan(""), t}));
  EXPECT_FALSE(m.on(domain::TrendingRank{kBtc, -1, t}));
  EXPECT_FALSE(m.on(domain::FundingRate{kBtc, {}, t, 0}));
  const SymbolMarket& view = m[kBtc];
  EXPECT_FALSE(view.mark_price || view.book || view.open_interest || view.sentiment || view.trending || view.funding);
  EXPECT_TRUE(m.on(domain::Sentiment{kBtc, 0.5, t}));
  EXPECT_FALSE(m.on(domain::Sentiment{kBtc, 0.7, before}));
  EXPECT_EQ(view.sentiment->score, 0.5);
}

TEST(MarketState, FindsTheOpenInterestOfAnHourAgo) {
  MarketState m = five_to_fifteen();
  for (int minute = 0; minute <= 60; ++minute) {
    EXPECT_FALSE(m[kBtc].open_interest_hour_ago);
    m.on(domain::OpenInterest{kBtc, 100.0 + minute, kStart + base::minutes(minute)});
  }
  EXPECT_EQ(m[kBtc].open_interest_hour_ago->contracts, 100);
  m.on(domain::OpenInterest{kBtc, 7, kStart + base::minutes(75) + base::seconds(30)});
  EXPECT_EQ(m[kBtc].open_interest_hour_ago->contracts, 115);
  m.on(domain::OpenInterest{kBtc, 7, kStart + base::hours(4)});
  EXPECT_FALSE(m[kBtc].open_interest_hour_ago) << "nothing from an hour before is known";
}

TEST(MarketState, ASnapshotContinuesExactlyLikeTheOriginal) {
  MarketState whole(2, {.base = Timeframe::M5, .primary = Timeframe::M15});
  Faults faults;
  RandomBars source(11, Timeframe::M5);
  const std::vector<Bar> bars = source.take(3000);
  const SymbolId alt{1};
  for (std::size_t i = 0; i < 1501; ++i) whole.on_bar(alt, bars[i], faults);
  whole.on(domain::BookTop{alt, Price::from_int(10), Price::from_int(11), {}, {}, 5, 6, kStart});
  whole.on(domain::OpenInterest{alt, 5, kStart});
  MarketState resumed = five_to_fifteen();
  ASSERT_TRUE(base::from_bytes(base::to_bytes(whole), resumed));
  ASSERT_EQ(resumed.size(), 2u);
  for (std::size_t i = 1501; i < bars.size(); ++i) {
    whole.on_bar(alt, bars[i], faults);
    resumed.on_bar(alt, bars[i], faults);
  }
  EXPECT_EQ(base::to_bytes(whole), base::to_bytes(resumed));
}

TEST(MarketState, AnnouncesARegimeOnlyWhenItIsConfirmed) {
  MarketState m(1, {.base = Timeframe::M15, .primary = Timeframe::M15});
  Faults faults;
  RandomBars source(5, Timeframe::M15, 100, 0.002);
  domain::Regime held = domain::Regime::Unknown;
  int changes = 0;
  for (int i = 0; i < 6000; ++i) {
    source.set_sigma(i / 500 % 2 == 0 ? 0.002 : 0.012);
    const auto result = m.on_bar(kBtc, source.next(), faults);
    if (!result.regime_changed) {
      ASSERT_EQ(m[kBtc].regime, held);
      continue;
    }
    ++changes;
    ASSERT_EQ(result.regime_changed->from, held);
    ASSERT_NE(result.regime_changed->to, held);
    held = result.regime_changed->to;
    ASSERT_EQ(m[kBtc].regime, held);
  }
  EXPECT_GT(changes, 10);
}

}  // namespace
}  // namespace qtrader::market
