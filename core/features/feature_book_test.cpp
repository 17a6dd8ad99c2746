#include "core/features/feature_book.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "core/base/archive.hpp"
#include "core/features/batch.hpp"
#include "core/features/test_data.hpp"
#include "core/market/testing.hpp"

namespace qtrader::features {
namespace {

using domain::Bar;
using domain::Price;
using domain::SymbolId;
using domain::Timeframe;
using market::MarketState;
using market::testing::Faults;
using market::testing::kStart;
using market::testing::make_bar;
using market::testing::RandomBars;

constexpr SymbolId kBtc{0}, kAlt{1};

std::uint64_t bit(Feature f) { return std::uint64_t{1} << static_cast<unsigned>(f); }

/// Market and book fed as the engine feeds them.
struct Pipeline {
  explicit Pipeline(FeatureConfig c) : market(2, {c.base, c.primary, false}), book(2, c) {}

  bool feed(SymbolId symbol, const Bar& bar) {
    const auto result = market.on_bar(symbol, bar, faults);
    if (result.accepted) book.on_base_bar(symbol, bar);
    if (result.primary) book.on_primary_bar(symbol, *result.primary);
    return result.primary.has_value();
  }
  FeatureVector compute(SymbolId symbol) const {
    return book.compute(symbol, market[symbol], book.compute(symbol, market[symbol], {}).bar_close);
  }
  MarketState market;
  FeatureBook book;
  Faults faults;
};

/// Everything one comparison of the two computations is made from.
struct Scenario {
  FeatureConfig config;
  std::vector<Bar> bars, reference_bars;
  std::vector<domain::BookTop> books;
  std::vector<domain::FundingRate> funding;
  std::vector<domain::OpenInterest> interest;
  std::vector<domain::Sentiment> sentiment;
  std::vector<domain::TrendingRank> trending;
};

/// Bars with calm, violent, dead and interrupted stretches, and feeds that come and go.
Scenario random_scenario(std::uint64_t seed, Timeframe base, Timeframe primary, std::size_t count) {
  Scenario s;
  s.config = {base, primary, 210, kBtc};
  base::Rng rng(seed);
  RandomBars alt(seed + 1, base, rng.below(2) == 0 ? 0.05 : 2500), btc(seed + 2, base, 60'000);
  while (s.bars.size() < count) {
    if (rng.below(300) == 0) alt.set_sigma(0.0005 + 0.01 * rng.uniform());
    if (rng.below(1500) == 0) alt.skip(static_cast<int>(1 + rng.below(40)));
    s.bars.push_back(alt.next());
    if (rng.below(500) == 0) {  // nothing trades for a while
      const Bar last = s.bars.back();
      for (int i = 0; i < 130; ++i) {
        Bar flat = alt.next();
        flat.open = flat.high = flat.low = flat.close = last.close;
        flat.volume = flat.quote_volume = flat.taker_buy_base = 0;
        flat.trades = 0;
        s.bars.push_back(flat);
      }
    }
    if (rng.below(40) == 0) s.bars.back().columns = 0;
    if (rng.below(400) == 0) s.bars.back().volume *= 1e6;  // a spike must not linger in the sums
  }
  while (s.reference_bars.empty() || s.reference_bars.back().open_time < s.bars.back().open_time)
    s.reference_bars.push_back(btc.next());
  for (const Bar& bar : s.bars) {
    const base::Timestamp t = bar.close_time() - base::seconds(static_cast<std::int64_t>(rng.below(20)));
    const double bid = bar.close.to_double() * 0.9999, ask = bid * (1 + 0.002 * rng.uniform());
    s.books.push_back(
        {kAlt, Price::from_double(bid), Price::from_double(ask), {}, {}, 1e5 * rng.uniform(), 1e5 * rng.uniform(), t});
    if (rng.below(100) == 0)
      s.funding.push_back({kAlt, domain::Ratio::from_double(0.002 * rng.normal()), t, rng.below(2) == 0 ? 8 : 4});
    if (s.interest.empty() || t - s.interest.back().ts_event >= base::minutes(4))
      s.interest.push_back({kAlt, 1e6 * (1 + rng.uniform()), t});
    if (rng.below(30) == 0) s.sentiment.push_back({kAlt, rng.uniform(-1, 1), t});
    if (rng.below(30) == 0) s.trending.push_back({kAlt, static_cast<std::int32_t>(rng.below(20)), t});
  }
  return s;
}

/// Feeds everything in time order; returns each vector with the primary bar it belongs to.
void stream(const Scenario& s, std::vector<FeatureVector>& vectors, std::vector<Bar>& primary,
            std::vector<Bar>& reference_primary) {
  Pipeline p(s.config);
  std::size_t r = 0;
  std::array<std::size_t, 5> next{};
  const auto catch_up = [&](const auto& events, std::size_t& i, base::Timestamp now) {
    while (i < events.size() && events[i].ts_event <= now) p.market.on(events[i++]);
  };
  for (const Bar& bar : s.bars) {
    while (r < s.reference_bars.size() && s.reference_bars[r].open_time <= bar.open_time)
      if (p.feed(kBtc, s.reference_bars[r++])) reference_primary.push_back(*p.market[kBtc].last_primary);
    catch_up(s.books, next[0], bar.close_time());
    catch_up(s.funding, next[1], bar.close_time());
    catch_up(s.interest, next[2], bar.close_time());
    catch_up(s.sentiment, next[3], bar.close_time());
    catch_up(s.trending, next[4], bar.close_time());
    if (!p.feed(kAlt, bar)) continue;
    primary.push_back(*p.market[kAlt].last_primary);
    vectors.push_back(p.book.compute(kAlt, p.market[kAlt], bar.close_time()));
  }
}

BatchInput batch_input(const Scenario& s, std::span<const Bar> primary, std::span<const Bar> reference_primary) {
  return {.symbol = kAlt,
          .base = s.config.base,
          .primary = s.config.primary,
          .warmup_bars = s.config.warmup_bars,
          .base_bars = s.bars,
          .primary_bars = primary,
          .reference_bars = reference_primary,
          .books = s.books,
          .funding = s.funding,
          .open_interest = s.interest,
          .sentiment = s.sentiment,
          .trending = s.trending};
}

/// 1e-9 of the value. MACD is a difference of prices divided by ATR: where ATR has died away (a halted market) the last
/// bits of the prices themselves show, 2e-16 of the price each.
double tolerance(const FeatureVector& v, Feature f) {
  const double relative = 1e-9 * std::abs(v[f]) + 1e-12;
  const bool in_atr = f == Feature::Macd || f == Feature::MacdSig || f == Feature::MacdHist;
  return in_atr && v[Feature::AtrPct] > 0 ? relative + 2e-15 / v[Feature::AtrPct] : relative;
}

void expect_same(const FeatureVector& a, const FeatureVector& b, std::size_t t) {
  ASSERT_EQ(a.present_mask, b.present_mask) << "bar " << t;
  ASSERT_EQ(a.invalid_reason, b.invalid_reason) << "bar " << t;
  ASSERT_EQ(a.valid, b.valid);
  ASSERT_EQ(a.bar_close, b.bar_close);
  ASSERT_EQ(a.close, b.close);
  for (std::size_t i = 0; i < kFeatureCount; ++i)
    ASSERT_LE(std::abs(a.x[i] - b.x[i]), tolerance(b, static_cast<Feature>(i)))
        << kFeatureNames[i] << " at bar " << t << ": " << a.x[i] << " against " << b.x[i];
}

void compare(const Scenario& s, std::size_t least_valid) {
  std::vector<FeatureVector> streamed;
  std::vector<Bar> primary, reference_primary;
  stream(s, streamed, primary, reference_primary);
  const std::vector<FeatureVector> batched = batch_features(batch_input(s, primary, reference_primary));
  ASSERT_EQ(streamed.size(), batched.size());
  std::size_t valid = 0;
  for (std::size_t t = 0; t < streamed.size(); ++t) {
    expect_same(streamed[t], batched[t], t);
    if (::testing::Test::HasFatalFailure()) return;
    valid += streamed[t].valid ? 1 : 0;
  }
  EXPECT_GE(valid, least_valid);
}

struct Frames {
  Timeframe base, primary;
};
class StreamingAgainstBatch : public ::testing::TestWithParam<Frames> {};

TEST_P(StreamingAgainstBatch, AgreesOnRandomBars) {
  const auto [base, primary] = GetParam();
  const auto ratio = static_cast<std::size_t>(domain::minutes(primary) / domain::minutes(base));
  for (const std::uint64_t seed : {1u, 20u, 300u})
    compare(random_scenario(seed, base, primary, std::min<std::size_t>(2500 * ratio, 40'000)), 100);
}

INSTANTIATE_TEST_SUITE_P(Timeframes, StreamingAgainstBatch,
                         ::testing::Values(Frames{Timeframe::M5, Timeframe::M15}, Frames{Timeframe::M1, Timeframe::M15},
                                           Frames{Timeframe::M3, Timeframe::M15},
                                           Frames{Timeframe::M15, Timeframe::M15}, Frames{Timeframe::M1, Timeframe::M1},
                                           Frames{Timeframe::M5, Timeframe::M5}, Frames{Timeframe::M30, Timeframe::H1},
                                           Frames{Timeframe::H1, Timeframe::H2}, Frames{Timeframe::H1, Timeframe::H4},
                                           Frames{Timeframe::H4, Timeframe::D1}),
                         [](const auto& frames) {
                           return "base_" + std::string(domain::to_string(frames.param.base)) + "_primary_" +
                                  std::string(domain::to_string(frames.param.primary));
                         });

TEST(FeatureBook, AgreesWithBatchOnRealBars) {
  const std::string btc = "candles/binance-usdm/5m/BTCUSDT-5m_20250704-20251231.csv.zst";
  const std::string alt = "candles/binance-usdm-flow/1m/ALGOUSDT-1m_20240901-20240930.csv.zst";
  QT_REQUIRE_DATA(btc);
  QT_REQUIRE_DATA(alt);
  Scenario s;
  s.config = {Timeframe::M5, Timeframe::M15, 800, std::nullopt};
  s.bars = testing::read_bars(testing::data_path(btc), Timeframe::M5, 40'000);  // with the crash of 10 October 2025
  ASSERT_GT(s.bars.size(), 30'000u);
  compare(s, 8000);
  s.config.base = Timeframe::M1;
  s.bars = testing::read_bars(testing::data_path(alt), Timeframe::M1, 43'200);  // 446 minutes without a trade
  ASSERT_GT(s.bars.size(), 40'000u);
  compare(s, 1500);
}

TEST(FeatureBook, NothingAfterABarChangesItsVector) {
  const Scenario s = random_scenario(77, Timeframe::M5, Timeframe::M15, 6000);
  Scenario other = s;
  const base::Timestamp cut = s.bars[4000].close_time();
  base::Rng rng(5);
  for (Bar& bar : other.bars) {
    if (bar.close_time() <= cut) continue;
    bar.open = bar.high = bar.low = bar.close = Price::from_double(1 + rng.uniform());
    bar.volume = rng.uniform();
    bar.columns = 0;
  }
  for (Bar& bar : other.reference_bars)
    if (bar.close_time() > cut) bar.open = bar.high = bar.low = bar.close = Price::from_double(1 + rng.uniform());
  for (auto& book : other.books)
    if (book.ts_event > cut) book.ask = book.bid + book.bid;
  for (auto& interest : other.interest)
    if (interest.ts_event > cut) interest.contracts = 1;
  std::vector<FeatureVector> streamed, streamed_other;
  std::vector<Bar> primary, primary_other, reference, reference_other;
  stream(s, streamed, primary, reference);
  stream(other, streamed_other, primary_other, reference_other);
  const auto batched = batch_features(batch_input(s, primary, reference));
  const auto batched_other = batch_features(batch_input(other, primary_other, reference_other));
  std::size_t before = 0, changed_after = 0;
  for (std::size_t t = 0; t < streamed.size() && t < streamed_other.size(); ++t) {
    if (streamed[t].bar_close > cut) {
      changed_after += streamed[t].x != streamed_other[t].x ? 1 : 0;
      continue;
    }
    ++before;
    ASSERT_EQ(streamed[t].x, streamed_other[t].x) << t;  // to the last bit
    ASSERT_EQ(batched[t].x, batched_other[t].x) << t;
  }
  EXPECT_GT(before, 1000u);
  EXPECT_GT(changed_after, 300u) << "the change itself must be visible";
}

TEST(FeatureBook, LaterBaseBarsDoNotReachIntoALatchedVector) {
  Pipeline p({Timeframe::M5, Timeframe::M15, 210, std::nullopt});
  RandomBars source(8, Timeframe::M5);
  for (int i = 0; i < 900; ++i) p.feed(kAlt, source.next());
  const FeatureVector before = p.compute(kAlt);
  p.feed(kAlt, source.next());
  p.feed(kAlt, source.next());
  EXPECT_EQ(p.compute(kAlt).x, before.x);
}

TEST(FeatureBook, ClearsWhatTheSourceCannotGive) {
  Pipeline p({Timeframe::M5, Timeframe::M15, 210, std::nullopt});
  RandomBars source(8, Timeframe::M5);
  for (int i = 0; i < 900; ++i) {
    Bar bar = source.next();
    bar.columns = 0;
    p.feed(kAlt, bar);
  }
  const FeatureVector v = p.compute(kAlt);
  const std::uint64_t missing = bit(Feature::Ret1m) | bit(Feature::TakerImb) | bit(Feature::TradeInt) |
                                bit(Feature::Spread) | bit(Feature::BookImb) | bit(Feature::Funding) |
                                bit(Feature::OiChg1h) | bit(Feature::RelBtc1h) | bit(Feature::Sentiment) |
                                bit(Feature::Trending);
  EXPECT_EQ(v.present_mask, ~missing);
  EXPECT_EQ(v.cleared(), 10);
  EXPECT_TRUE(v.valid) << v.invalid_reason;
  EXPECT_EQ(v[Feature::Spread], 0.2);
  EXPECT_EQ(v[Feature::Ret1m], 0);
}

TEST(FeatureBook, TheReferenceItselfIsAtRest) {
  Pipeline p({Timeframe::M15, Timeframe::M15, 210, kBtc});
  RandomBars source(8, Timeframe::M15);
  p.feed(kBtc, source.next());
  EXPECT_TRUE(p.compute(kBtc).has(Feature::RelBtc1h));
  EXPECT_EQ(p.compute(kBtc)[Feature::RelBtc1h], 0);
  for (int i = 0; i < 10; ++i) p.feed(kAlt, source.next());
  EXPECT_FALSE(p.compute(kAlt).has(Feature::RelBtc1h)) << "the reference has no bar that closed with this one";
}

TEST(FeatureBook, SaysWhyAVectorMayNotBeUsed) {
  Pipeline p({Timeframe::M15, Timeframe::M15, 300, std::nullopt});
  EXPECT_EQ(p.compute(kAlt).invalid_reason, "no_bar");
  RandomBars source(8, Timeframe::M15);
  for (int i = 0; i < 299; ++i) p.feed(kAlt, source.next());
  EXPECT_EQ(p.compute(kAlt).invalid_reason, "warming_up");
  EXPECT_FALSE(p.compute(kAlt).valid);
  p.feed(kAlt, source.next());
  EXPECT_TRUE(p.compute(kAlt).valid);
  const base::Timestamp close = p.compute(kAlt).bar_close;
  EXPECT_TRUE(p.book.compute(kAlt, p.market[kAlt], close + base::seconds(22 * 60 + 30)).valid);
  EXPECT_EQ(p.book.compute(kAlt, p.market[kAlt], close + base::seconds(22 * 60 + 31)).invalid_reason, "stale");
  source.skip(1);
  p.feed(kAlt, source.next());
  EXPECT_TRUE(p.compute(kAlt).valid) << "one missing bar is tolerated";
  source.skip(2);
  for (int i = 0; i < 99; ++i) {
    p.feed(kAlt, source.next());
    ASSERT_EQ(p.compute(kAlt).invalid_reason, "gap") << i;
  }
  p.feed(kAlt, source.next());
  EXPECT_TRUE(p.compute(kAlt).valid) << "the gap has left the last 100 bars";
}

TEST(FeatureBook, RefusesAMarketThatHardlyTrades) {
  Pipeline p({Timeframe::M15, Timeframe::M15, 210, std::nullopt});
  RandomBars source(8, Timeframe::M15);
  for (int i = 0; i < 400; ++i) {
    Bar bar = source.next();
    bar.volume = i >= 300 && i < 321 ? 0 : 5;
    bar.taker_buy_base = 0;
    p.feed(kAlt, bar);
    if (i < 210) continue;
    const bool too_many = i >= 320 && i < 350;  // the 21st empty bar enters, the first leaves
    ASSERT_EQ(p.compute(kAlt).invalid_reason, too_many ? "zero_volume" : "") << i;
  }
}

TEST(FeatureBook, SideDataExpire) {
  Pipeline p({Timeframe::M15, Timeframe::M15, 210, std::nullopt});
  RandomBars source(8, Timeframe::M15);
  for (int i = 0; i < 300; ++i) p.feed(kAlt, source.next());
  const base::Timestamp t = p.compute(kAlt).bar_close;
  p.market.on(domain::BookTop{kAlt, Price::from_int(999), Price::from_int(1001), {}, {}, 300, 100, t});
  p.market.on(domain::FundingRate{kAlt, domain::Ratio::from_double(0.0002), t, 4});
  p.market.on(domain::OpenInterest{kAlt, 100, t - base::hours(1)});
  p.market.on(domain::OpenInterest{kAlt, 110, t});
  p.market.on(domain::Sentiment{kAlt, -0.5, t});
  p.market.on(domain::TrendingRank{kAlt, 4, t});
  const auto at = [&](base::Duration age) { return p.book.compute(kAlt, p.market[kAlt], t + age); };
  const FeatureVector now = at({});
  EXPECT_NEAR(now[Feature::Spread], 2.0, 1e-12);  // 20 bps
  EXPECT_NEAR(now[Feature::BookImb], 0.5, 1e-12);
  EXPECT_NEAR(now[Feature::Funding], 0.4, 1e-12);  // 4 bps per 8 h
  EXPECT_NEAR(now[Feature::OiChg1h], 0.1, 1e-12);
  EXPECT_NEAR(now[Feature::Sentiment], -0.5, 1e-12);
  EXPECT_NEAR(now[Feature::Trending], 0.8, 1e-12);
  EXPECT_NEAR(at(base::hours(6))[Feature::Sentiment], -0.5 * std::exp(-1), 1e-12);
  const std::vector<std::pair<Feature, base::Duration>> lifetimes = {
      {Feature::Spread, base::seconds(10)},  {Feature::BookImb, base::seconds(10)}, {Feature::Funding, base::hours(9)},
      {Feature::OiChg1h, base::minutes(15)}, {Feature::Sentiment, base::hours(24)}, {Feature::Trending, base::hours(6)},
  };
  for (const auto& [feature, ttl] : lifetimes) {
    EXPECT_TRUE(at(ttl).has(feature));
    EXPECT_FALSE(at(ttl + base::seconds(1)).has(feature));
    EXPECT_EQ(at(ttl + base::seconds(1))[feature], neutral_value(feature));
  }
}

/// Features of the last of a few hand-made 15-minute bars.
FeatureVector of_bars(const std::vector<market::testing::Prices>& bars) {
  Pipeline p({Timeframe::M15, Timeframe::M15, 210, std::nullopt});
  base::Timestamp t = kStart;
  for (const auto& prices : bars) {
    p.feed(kAlt, make_bar(t, Timeframe::M15, prices));
    t = t + base::minutes(15);
  }
  return p.compute(kAlt);
}

TEST(FeatureBook, ReadsCandles) {
  EXPECT_EQ(of_bars({{100, 100.6, 99.6, 100.09}})[Feature::Doji], 1);
  EXPECT_EQ(of_bars({{100, 100.6, 99.6, 100.1}})[Feature::Doji], 0) << "exactly a tenth is not below a tenth";
  EXPECT_EQ(of_bars({{100, 100, 100, 100}})[Feature::Doji], 0) << "no range, neutral";
  EXPECT_EQ(of_bars({{100, 100, 100, 100}})[Feature::ClosePos], 0.5);
  EXPECT_EQ(of_bars({{10, 11.5, 7.9, 11}})[Feature::Hammer], 1);
  EXPECT_EQ(of_bars({{10, 11.5, 8, 11}})[Feature::Hammer], 0) << "twice the body is not more than twice";
  EXPECT_EQ(of_bars({{11, 13.1, 9.5, 10}})[Feature::Hammer], -1);
  EXPECT_EQ(of_bars({{11, 11, 9, 10}, {10, 12, 9, 11.5}})[Feature::Engulf], 1);
  EXPECT_EQ(of_bars({{10, 11, 9, 11}, {11, 12, 9, 9.5}})[Feature::Engulf], -1);
  EXPECT_EQ(of_bars({{11, 11, 9, 10}, {10.1, 12, 9, 11.5}})[Feature::Engulf], 0) << "opens inside the body";
  EXPECT_NEAR(of_bars({{10, 11, 9, 10}, {12, 14, 12, 14}})[Feature::Gap], 1.0 / 14, 1e-15);
  EXPECT_NEAR(of_bars({{10, 11, 9, 10}, {8, 8, 7, 8}})[Feature::Gap], -1.0 / 8, 1e-15);
  const FeatureVector v = of_bars({{10, 14, 8, 12}});
  EXPECT_NEAR(v[Feature::RangePct], 0.5, 1e-15);
  EXPECT_NEAR(v[Feature::BodyPct], 1.0 / 6, 1e-15);
  EXPECT_NEAR(v[Feature::UpperWick], 1.0 / 6, 1e-15);
  EXPECT_NEAR(v[Feature::LowerWick], 1.0 / 6, 1e-15);
  EXPECT_NEAR(v[Feature::ClosePos], 2.0 / 3, 1e-15);
  EXPECT_FALSE(v.has(Feature::Gap)) << "one bar has no predecessor";
}

TEST(FeatureBook, KnowsTheTimeOfItsBarsClose) {
  const FeatureVector v = of_bars({{10, 11, 9, 10}});  // Monday, closes 00:15
  EXPECT_NEAR(v[Feature::HourSin], std::sin(2 * M_PI * 15 / 1440), 1e-15);
  EXPECT_NEAR(v[Feature::HourCos], std::cos(2 * M_PI * 15 / 1440), 1e-15);
  EXPECT_EQ(v[Feature::DowSin], 0);
  EXPECT_EQ(v[Feature::DowCos], 1);
}

TEST(FeatureBook, SigmaIsTheSpreadOfAHundredReturns) {
  Pipeline p({Timeframe::M15, Timeframe::M15, 210, std::nullopt});
  RandomBars source(8, Timeframe::M15);
  const std::vector<Bar> bars = source.take(1500);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    p.feed(kAlt, bars[i]);
    if (i < 100) {
      ASSERT_EQ(p.book.sigma100(kAlt), 0);
      continue;
    }
    double sum = 0, squares = 0;
    for (std::size_t k = i - 99; k <= i; ++k) {
      const double r = std::log(bars[k].close.to_double() / bars[k - 1].close.to_double());
      sum += r / 100;
      squares += r * r / 100;
    }
    ASSERT_NEAR(p.book.sigma100(kAlt), std::sqrt(squares - sum * sum), 1e-12);
  }
}

TEST(FeatureBook, ASnapshotContinuesExactlyLikeTheOriginal) {
  const FeatureConfig config{Timeframe::M5, Timeframe::M15, 210, kBtc};
  Pipeline whole(config);
  RandomBars alt(8, Timeframe::M5), btc(9, Timeframe::M5, 60'000);
  const auto step = [&](Pipeline& p, const Bar& a, const Bar& b) {
    p.feed(kBtc, b);
    p.feed(kAlt, a);
  };
  for (int i = 0; i < 4000; ++i) step(whole, alt.next(), btc.next());
  Pipeline resumed(FeatureConfig{});
  ASSERT_TRUE(base::from_bytes(base::to_bytes(whole.market), resumed.market));
  ASSERT_TRUE(base::from_bytes(base::to_bytes(whole.book), resumed.book));
  for (int i = 0; i < 4000; ++i) {
    const Bar a = alt.next(), b = btc.next();
    step(whole, a, b);
    step(resumed, a, b);
    ASSERT_EQ(whole.compute(kAlt).x, resumed.compute(kAlt).x) << i;
  }
  EXPECT_TRUE(resumed.compute(kAlt).valid);
  EXPECT_EQ(base::to_bytes(whole.book), base::to_bytes(resumed.book));
}

TEST(FeatureVector, SchemaNamesEveryFeatureOnceAndTheTimeframe) {
  for (std::size_t i = 0; i < kFeatureCount; ++i)
    for (std::size_t k = i + 1; k < kFeatureCount; ++k) EXPECT_NE(kFeatureNames[i], kFeatureNames[k]);
  EXPECT_EQ(kFeatureNames[static_cast<std::size_t>(Feature::VwapDist)], "vwap_dist");
  EXPECT_EQ(kFeatureNames[static_cast<std::size_t>(Feature::Ema9_21)], "ema9_21");
  EXPECT_EQ(kFeatureNames[static_cast<std::size_t>(Feature::DowCos)], "dow_cos");
  EXPECT_EQ(schema_id(Timeframe::M15).size(), 64u);
  EXPECT_NE(schema_id(Timeframe::M15), schema_id(Timeframe::H1));
}

TEST(FeatureBookDeathTest, RefusesAWarmUpShorterThanItsWindows) {
  EXPECT_DEATH(FeatureBook(1, {Timeframe::M5, Timeframe::M15, 209, std::nullopt}), "warmup");
  EXPECT_DEATH(FeatureBook(1, {Timeframe::M5, Timeframe::M15, 800, SymbolId{1}}), "reference");
}

}  // namespace
}  // namespace qtrader::features
