#include "edge/exchange/public_market.hpp"

#include <cmath>
#include <filesystem>

#include "core/base/rng.hpp"
#include "edge/exchange/stream_testing.hpp"
#include "edge/history/catalog.hpp"

namespace qtrader::exchange {
namespace {

using namespace testing;
using domain::Bar;
using domain::Timeframe;

matching::ExchangeEvent print(Timestamp at, std::int64_t id, Price price, Quantity quantity,
                              domain::Side taker = domain::Side::Buy) {
  return matching::TradeEvent{kBtc, id, price, quantity, taker, at};
}
matching::ExchangeEvent closed_bar(const Bar& bar) {
  return matching::BarEvent{matching::BarTick{kBtc, bar.timeframe, bar, bar.close_time()}};
}

PublicMarket make(Timeframe source, std::size_t kline_limit = 3'000, std::size_t trade_limit = 10'000) {
  return PublicMarket(contracts(), {source, kline_limit, trade_limit});
}

/// Bars of a walk with all optional columns.
std::vector<Bar> walk(Timeframe timeframe, std::size_t count, std::uint64_t seed) {
  base::Rng rng(seed);
  std::vector<Bar> out;
  std::int64_t price = 500'000;  // tenths
  for (std::size_t i = 0; i < count; ++i) {
    const auto tenths = [](std::int64_t n) { return Price::from_raw(n * 10'000'000); };
    Bar b;
    b.timeframe = timeframe;
    b.open_time = kStart + domain::duration(timeframe) * static_cast<std::int64_t>(i);
    const std::int64_t open = price;
    price += static_cast<std::int64_t>(rng.below(401)) - 200;
    b.open = tenths(open);
    b.close = tenths(price);
    b.high = tenths(std::max(open, price) + static_cast<std::int64_t>(rng.below(50)));
    b.low = tenths(std::min(open, price) - static_cast<std::int64_t>(rng.below(50)));
    b.volume = static_cast<double>(rng.below(1'000'000)) / 1'000;
    b.quote_volume = b.volume * b.close.to_double();
    b.taker_buy_base = std::floor(b.volume * 500) / 1'000;
    b.trades = static_cast<std::uint32_t>(rng.below(500) + 4);
    b.columns = domain::kHasQuoteVolume | domain::kHasTrades | domain::kHasTakerBuy;
    out.push_back(b);
  }
  return out;
}

/// Prints inside a bar that differ from it in every respect, then the bar.
void play(PublicMarket& market, const Bar& bar, std::int64_t& id) {
  for (int i = 0; i < 5; ++i) {
    const auto at = bar.open_time + base::Duration{domain::duration(bar.timeframe).ns / 5 * i};
    market.on(print(at, ++id, bar.open + px("7.7") - px("1.1"), qty("0.123")));
  }
  market.on(closed_bar(bar));
}

/// The candle that the bars from `open` on make, summed independently.
Kline sum_of(const std::vector<Bar>& bars, Timestamp from, Timestamp to) {
  Kline k;
  bool any = false;
  for (const auto& b : bars) {
    if (b.open_time < from || b.open_time >= to) continue;
    if (!any) {
      k.open = b.open;
      k.high = b.high;
      k.low = b.low;
    }
    any = true;
    k.high = std::max(k.high, b.high);
    k.low = std::min(k.low, b.low);
    k.close = b.close;
    k.volume += Quantity::from_double(b.volume);
    k.taker_buy_volume += Quantity::from_double(b.taker_buy_base);
    k.quote_volume += b.quote_volume;
    k.trades += b.trades;
  }
  return k;
}

TEST(Interval, NamesRoundTripAndTheCalendarIsBinances) {
  for (std::size_t i = 0; i < kIntervals; ++i) {
    const auto interval = static_cast<Interval>(i);
    EXPECT_EQ(parse_interval(to_string(interval)), interval);
    const auto t = Timestamp::from_unix_ms(1'709'210'096'789);  // 2024-02-29 12:34:56.789, a Thursday
    const auto open = interval_open(interval, t);
    EXPECT_LE(open, t);
    EXPECT_GT(interval_next(interval, open), t);
    EXPECT_EQ(interval_open(interval, interval_next(interval, open)), interval_next(interval, open));
  }
  EXPECT_FALSE(parse_interval("1s"));
  EXPECT_FALSE(parse_interval("1y"));
  const auto t = *base::parse_timestamp("2024-02-29T12:34:56");
  EXPECT_EQ(interval_open(Interval::W1, t), *base::parse_timestamp("2024-02-26"));
  EXPECT_EQ(interval_open(Interval::Mo1, t), *base::parse_timestamp("2024-02-01"));
  EXPECT_EQ(interval_next(Interval::Mo1, *base::parse_timestamp("2024-12-01")), *base::parse_timestamp("2025-01-01"));
  EXPECT_EQ(interval_open(Interval::H8, t), *base::parse_timestamp("2024-02-29T08:00"));
}

TEST(PublicMarket, EveryIntervalThatTheSourceTilesIsTheRecordingExactly) {
  for (const Timeframe source : {Timeframe::M1, Timeframe::M5, Timeframe::M15, Timeframe::H1, Timeframe::H4}) {
    SCOPED_TRACE(domain::to_string(source));
    const auto bars = walk(source, source == Timeframe::M1 ? 3'100 : 900, 7);
    auto market = make(source, 4'000);
    std::int64_t id = 0;
    for (const auto& b : bars) play(market, b, id);
    const auto end = bars.back().close_time();
    std::size_t compared = 0;
    for (std::size_t i = 0; i < kIntervals; ++i) {
      const auto interval = static_cast<Interval>(i);
      if (interval != Interval::Mo1 &&
          (interval_next(interval, kStart) - interval_open(interval, kStart)).ns % domain::duration(source).ns != 0)
        continue;
      for (const auto& k : market.klines({kBtc, interval, KlineKind::Contract, {}, {}, 4'000})) {
        if (!k.closed || k.open_time < kStart || interval_next(interval, k.open_time) > end) continue;
        const auto want = sum_of(bars, k.open_time, interval_next(interval, k.open_time));
        ASSERT_EQ(k.open, want.open) << to_string(interval);
        ASSERT_EQ(k.high, want.high) << to_string(interval);
        ASSERT_EQ(k.low, want.low) << to_string(interval);
        ASSERT_EQ(k.close, want.close) << to_string(interval);
        ASSERT_EQ(k.volume, want.volume) << to_string(interval);
        ASSERT_EQ(k.taker_buy_volume, want.taker_buy_volume) << to_string(interval);
        ASSERT_DOUBLE_EQ(k.quote_volume, want.quote_volume) << to_string(interval);
        ASSERT_EQ(k.trades, want.trades) << to_string(interval);
        ++compared;
      }
    }
    EXPECT_GT(compared, bars.size());
  }
}

TEST(PublicMarket, RecordedDataComeOutToTheDigit) {
  const std::filesystem::path data = std::filesystem::path(QT_SOURCE_DIR) / "../shared/data/candles/binance-usdm";
  if (!std::filesystem::exists(data)) {
    ASSERT_EQ(std::getenv("CI"), nullptr) << data << " is missing";
    GTEST_SKIP() << data << " is missing";
  }
  const auto catalog = history::Catalog::scan(data);
  ASSERT_TRUE(catalog.ok());
  ASSERT_FALSE(catalog->series().empty());
  const history::SeriesInfo* chosen = nullptr;
  for (const auto& s : catalog->series())
    if (s.kind == history::SeriesKind::UsdmBars && (chosen == nullptr || s.timeframe < chosen->timeframe)) chosen = &s;
  ASSERT_NE(chosen, nullptr);
  auto cursor = catalog->bars(chosen->symbol, chosen->timeframe, history::kAllTime);
  ASSERT_TRUE(cursor.ok());
  auto market = make(chosen->timeframe);
  std::vector<Bar> bars;
  std::int64_t id = 0;
  while (bars.size() < 2'000) {
    auto bar = (*cursor)->next();
    ASSERT_TRUE(bar.ok());
    if (!*bar) break;
    bars.push_back(**bar);
    play(market, bars.back(), id);
  }
  const auto interval = *parse_interval(domain::to_string(chosen->timeframe));
  for (const auto& b : bars) {
    const auto row = market.klines({kBtc, interval, KlineKind::Contract, b.open_time, b.open_time, 1});
    ASSERT_EQ(row.size(), 1u);
    ASSERT_EQ(row[0].open, b.open);
    ASSERT_EQ(row[0].high, b.high);
    ASSERT_EQ(row[0].low, b.low);
    ASSERT_EQ(row[0].close, b.close);
    ASSERT_EQ(row[0].volume, Quantity::from_double(b.volume));
  }
}

TEST(PublicMarket, HistoryAndPlayJoinIntoOneSeries) {
  const auto bars = walk(Timeframe::M5, 40, 3);
  auto whole = make(Timeframe::M5), seeded = make(Timeframe::M5);
  std::int64_t id = 0;
  for (const auto& b : bars) play(whole, b, id);
  seeded.seed(kBtc, {bars.begin(), bars.begin() + 25});
  for (std::size_t i = 25; i < bars.size(); ++i) play(seeded, bars[i], id);
  for (const auto interval : {Interval::M5, Interval::M15, Interval::H1}) {
    const auto a = whole.klines({kBtc, interval, KlineKind::Contract, {}, {}, 500});
    const auto b = seeded.klines({kBtc, interval, KlineKind::Contract, {}, {}, 500});
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].open_time, b[i].open_time);
      EXPECT_EQ(a[i].close, b[i].close);
      EXPECT_EQ(a[i].volume, b[i].volume);
      EXPECT_EQ(a[i].trades, b[i].trades);
    }
  }
}

TEST(PublicMarket, FinerIntervalsAreThePrintsAndGapsAreFlat) {
  auto market = make(Timeframe::M5);
  market.on(print(at_ms(0), 1, px("100"), qty("1")));
  market.on(print(at_ms(30'000), 2, px("103"), qty("2"), domain::Side::Sell));
  market.on(print(at_ms(59'000), 3, px("101"), qty("1")));
  market.on(print(at_ms(200'000), 4, px("99"), qty("4")));
  const auto rows = market.klines({kBtc, Interval::M1, KlineKind::Contract, {}, {}, 10});
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].open, px("100"));
  EXPECT_EQ(rows[0].high, px("103"));
  EXPECT_EQ(rows[0].low, px("100"));
  EXPECT_EQ(rows[0].close, px("101"));
  EXPECT_EQ(rows[0].volume, qty("4"));
  EXPECT_EQ(rows[0].taker_buy_volume, qty("2"));
  EXPECT_DOUBLE_EQ(rows[0].quote_volume, 407);
  EXPECT_EQ(rows[0].first_trade, 1);
  EXPECT_EQ(rows[0].last_trade, 3);
  for (const int i : {1, 2}) {
    EXPECT_TRUE(rows[static_cast<std::size_t>(i)].closed);
    EXPECT_EQ(rows[static_cast<std::size_t>(i)].open, px("101"));
    EXPECT_EQ(rows[static_cast<std::size_t>(i)].low, px("101"));
    EXPECT_TRUE(rows[static_cast<std::size_t>(i)].volume.is_zero());
  }
  EXPECT_FALSE(rows[3].closed);
  EXPECT_EQ(rows[3].open, px("99"));
}

TEST(PublicMarket, ABarThatComesAfterItsCandleClosedStillCorrectsIt) {
  auto market = make(Timeframe::M5);
  auto bars = walk(Timeframe::M5, 3, 11);
  std::int64_t id = 0;
  play(market, bars[0], id);
  market.on(print(bars[1].open_time, ++id, px("1"), qty("1")));
  market.on(print(bars[2].open_time, ++id, px("2"), qty("1")));  // closes the second candle with the wrong values
  market.on(closed_bar(bars[1]));
  const auto rows = market.klines({kBtc, Interval::M5, KlineKind::Contract, {}, {}, 10});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1].low, bars[1].low);
  EXPECT_EQ(rows[1].volume, Quantity::from_double(bars[1].volume));
}

TEST(PublicMarket, KlineQueriesSelectAsTheRestRouteSays) {
  auto market = make(Timeframe::M5);
  const auto bars = walk(Timeframe::M5, 20, 5);
  std::int64_t id = 0;
  for (const auto& b : bars) play(market, b, id);
  const auto rows = [&](std::optional<Timestamp> from, std::optional<Timestamp> to, std::size_t limit) {
    std::vector<std::int64_t> out;
    for (const auto& k : market.klines({kBtc, Interval::M5, KlineKind::Contract, from, to, limit}))
      out.push_back((k.open_time - kStart).ns / base::minutes(5).ns);
    return out;
  };
  using Rows = std::vector<std::int64_t>;
  EXPECT_EQ(rows({}, {}, 3), (Rows{18, 19, 20}));  // the newest, the open one included
  EXPECT_EQ(rows(bars[4].open_time, {}, 3), (Rows{4, 5, 6}));
  EXPECT_EQ(rows({}, bars[4].open_time, 3), (Rows{2, 3, 4}));  // the end is inclusive
  EXPECT_EQ(rows(bars[4].open_time, bars[5].open_time, 500), (Rows{4, 5}));
  EXPECT_EQ(rows(bars[19].close_time(), {}, 500), (Rows{20}));
  EXPECT_TRUE(rows(bars[19].close_time() + base::minutes(5), {}, 500).empty());
}

TEST(PublicMarket, IsBounded) {
  auto market = make(Timeframe::M5, 10, 7);
  std::int64_t id = 0;
  for (const auto& b : walk(Timeframe::M5, 100, 5)) play(market, b, id);
  EXPECT_EQ(market.klines({kBtc, Interval::M5, KlineKind::Contract, {}, {}, 1'000}).size(), 11u);  // and the open one
  EXPECT_EQ(market.trades(kBtc, 0, 1'000).size(), 7u);
  EXPECT_LE(market.agg_trades(kBtc, {}, {}, {}, 1'000).size(), 7u);
  // A silence of years fills no more than that either.
  market.on(print(kStart + base::days(4'000), ++id, px("1"), qty("1")));
  EXPECT_LE(market.klines({kBtc, Interval::M1, KlineKind::Contract, {}, {}, 10'000}).size(), 11u);
}

TEST(PublicMarket, AggregatesPrintsOfOnePriceAndSideWithin100Ms) {
  auto market = make(Timeframe::M5);
  const auto buy = domain::Side::Buy, sell = domain::Side::Sell;
  market.on(print(at_ms(0), 1, px("100"), qty("1"), buy));
  market.on(print(at_ms(40), 2, px("100"), qty("2"), buy));
  market.on(print(at_ms(50), 3, px("100"), qty("1"), sell));
  market.on(print(at_ms(60), 4, px("101"), qty("1"), sell));
  market.on(print(at_ms(159), 5, px("101"), qty("5"), sell));
  market.on(print(at_ms(160), 6, px("101"), qty("1"), sell));  // 100 ms after the first: another one
  EXPECT_EQ(market.next_deadline(), at_ms(260));
  market.advance_to(at_ms(260));
  const auto rows = market.agg_trades(kBtc, {}, {}, {}, 100);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].quantity, qty("3"));
  EXPECT_EQ(rows[0].first_trade, 1);
  EXPECT_EQ(rows[0].last_trade, 2);
  EXPECT_FALSE(rows[0].buyer_is_maker);
  EXPECT_TRUE(rows[1].buyer_is_maker);
  EXPECT_EQ(rows[2].quantity, qty("6"));
  for (std::size_t i = 1; i < rows.size(); ++i) EXPECT_EQ(rows[i].id, rows[i - 1].id + 1);
  EXPECT_EQ(market.agg_trades(kBtc, rows[2].id, {}, {}, 1).at(0).id, rows[2].id);
  EXPECT_EQ(market.agg_trades(kBtc, {}, at_ms(50), at_ms(60), 100).size(), 2u);
  const auto closed = market.take_closed();
  EXPECT_EQ(closed.trades.size(), 4u);
  EXPECT_TRUE(market.take_closed().trades.empty());
}

TEST(PublicMarket, TickerCoversTheLast24Hours) {
  auto market = make(Timeframe::H1);
  EXPECT_FALSE(market.ticker(kBtc));
  const auto bars = walk(Timeframe::H1, 40, 9);
  std::int64_t id = 0;
  for (const auto& b : bars) play(market, b, id);
  market.on(print(bars.back().close_time() + base::minutes(1), ++id, px("49000"), qty("2")));
  const auto t = market.ticker(kBtc);
  ASSERT_TRUE(t);
  // The open candle and the 23 before it: 24 hours when the open one ends.
  const auto want = sum_of(bars, bars[17].open_time, bars.back().close_time());
  EXPECT_EQ(t->open, want.open);
  EXPECT_EQ(t->high, std::max(want.high, px("49000")));
  EXPECT_EQ(t->low, std::min(want.low, px("49000")));
  EXPECT_EQ(t->last, px("49000"));
  EXPECT_EQ(t->change, px("49000") - want.open);
  EXPECT_EQ(t->volume, want.volume + qty("2"));
  EXPECT_EQ(t->trades, want.trades + 1);
  EXPECT_EQ(t->last_quantity, qty("2"));
}

TEST(PublicMarket, MarkIndexAndPremiumHaveKlinesOfTheirOwn) {
  auto market = make(Timeframe::M5);
  const auto say = [&](std::int64_t ms, const char* price, const char* index) {
    market.on(matching::MarkEvent{kBtc, {px(price), px(index), frac("0.0001"), at_ms(0), at_ms(ms)}});
  };
  say(0, "101", "100");
  say(1'000, "103", "100");
  say(2'000, "99", "100");
  const auto row = [&](KlineKind kind) { return market.klines({kBtc, Interval::M1, kind, {}, {}, 5}).at(0); };
  EXPECT_EQ(row(KlineKind::Mark).high, px("103"));
  EXPECT_EQ(row(KlineKind::Mark).close, px("99"));
  EXPECT_EQ(row(KlineKind::Mark).trades, 3);
  EXPECT_TRUE(row(KlineKind::Mark).volume.is_zero());
  EXPECT_EQ(row(KlineKind::Index).low, px("100"));
  EXPECT_EQ(row(KlineKind::Premium).high, px("0.03"));
  EXPECT_EQ(row(KlineKind::Premium).low, px("-0.01"));
}

TEST(PublicMarket, FundingAndOpenInterest) {
  auto market = make(Timeframe::M5);
  market.seed_funding(kBtc, {{at_ms(-3'600'000), frac("0.0001"), px("50000")}});
  market.on(matching::FundingEvent{kBtc, frac("0.0002"), px("50100"), at_ms(0)});
  market.on(matching::FundingEvent{kBtc, frac("0.0003"), px("50200"), at_ms(1'000)});
  EXPECT_EQ(market.funding(kBtc, {}, {}, 2).back().rate, frac("0.0003"));
  EXPECT_EQ(market.funding(kBtc, {}, {}, 2).size(), 2u);
  EXPECT_EQ(market.funding(kBtc, at_ms(-3'600'000), at_ms(0), 100).size(), 2u);
  EXPECT_TRUE(market.funding(kEth, {}, {}, 100).empty());

  matching::AccountEvent e;
  e.time = at_ms(2'000);
  matching::PositionView p;
  p.symbol = kBtc;
  p.amount = qty("3");
  e.positions = {p};
  market.on(e);
  e.account = {1};
  e.positions[0].amount = qty("-1");
  market.on(e);
  EXPECT_EQ(market.open_interest(kBtc), qty("3"));
  e.account = {0};
  e.positions[0].amount = qty("0");
  market.on(e);
  EXPECT_EQ(market.open_interest(kBtc), qty("1"));
}

}  // namespace
}  // namespace qtrader::exchange
