// Bars → ticks: what is played adds up to the bars, in order, and tells nothing early.
#include <algorithm>
#include <cmath>

#include "edge/playback/bar_trades.hpp"
#include "edge/playback/playback_fixture.hpp"

namespace qtrader::playback::testing {
namespace {

using matching::BarTick;
using matching::BookSnapshotTick;
using matching::FundingTick;
using matching::MarkTick;
using matching::TradeTick;

const Timestamp kFrom = at("2024-03-01T06:00");

/// A walk with flat bars, empty bars, tiny volumes, bars off the grid and taker-buy extremes in it.
std::vector<domain::Bar> strange_bars(std::size_t count, Timestamp from = kFrom, std::uint64_t seed = 5) {
  base::Rng rng(seed);
  std::vector<domain::Bar> out;
  std::int64_t price = 60'000'0;  // in tenths
  const auto tenths = [](std::int64_t v) { return Price::from_raw(v * 10'000'000); };
  for (std::size_t i = 0; i < count; ++i) {
    domain::Bar b;
    b.open_time = from + base::minutes(static_cast<std::int64_t>(i));
    const auto step = [&] { return static_cast<std::int64_t>(rng.below(400)) - 200; };
    const std::int64_t open = price, close = i % 7 == 0 ? open : open + step();
    b.open = tenths(open);
    b.close = tenths(close);
    b.high = tenths(std::max(open, close) + (i % 5 == 0 ? 0 : static_cast<std::int64_t>(rng.below(90))));
    b.low = tenths(std::min(open, close) - (i % 3 == 0 ? 0 : static_cast<std::int64_t>(rng.below(90))));
    if (i % 11 == 3) b.high = b.high + Price::from_raw(3'000'000);  // between two ticks
    std::int64_t steps = 1 + static_cast<std::int64_t>(rng.below(200'000));
    if (i % 13 == 4) steps = static_cast<std::int64_t>(rng.below(6));
    if (i % 17 == 6) {
      steps = 0;
      b.high = b.low = b.close = b.open;
    }
    std::int64_t bought = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(steps) + 1));
    if (i % 19 == 2) bought = 0;
    if (i % 19 == 5) bought = steps;
    b.volume = static_cast<double>(steps) / 1000;
    b.taker_buy_base = static_cast<double>(bought) / 1000;
    b.quote_volume = b.volume * b.close.to_double();
    b.columns = domain::kHasQuoteVolume | (i % 4 == 1 ? 0 : domain::kHasTakerBuy);
    price = static_cast<std::int64_t>(b.close.raw() / 10'000'000);
    out.push_back(b);
  }
  return out;
}

std::string csv(const std::vector<domain::Bar>& bars) {
  std::string out = "open_time_ms,open,high,low,close,volume\n";
  for (const domain::Bar& b : bars)
    out += std::to_string(b.open_time.unix_ms()) + "," + b.open.to_string() + "," + b.high.to_string() + "," +
           b.low.to_string() + "," + b.close.to_string() + "," + Quantity::from_double(b.volume).to_string() + "\n";
  return out;
}

struct Recorded {
  test::TempDir dir;
  domain::InstrumentTable instruments = table({contract("BTCUSDT"), contract("ETHUSDT", "0.01")});
  RecordedBars selection{{"BTCUSDT"}, domain::Timeframe::M1, {kFrom, at("2024-03-02")}, false};
  BookModel model;

  base::Result<std::unique_ptr<MarketSource>> open() const {
    QT_TRY(const auto catalog, history::Catalog::scan(dir.path()));
    return open_bars(catalog, selection, instruments, model);
  }
  std::vector<MarketTick> ticks() const {
    auto source = open();
    EXPECT_TRUE(source) << source.error().message();
    return source ? drain(**source) : std::vector<MarketTick>();
  }
};

void expect_reproduces(const std::vector<MarketTick>& ticks, const std::vector<domain::Bar>& bars, SymbolId id = {0}) {
  const auto trades = only<TradeTick>(ticks, id);
  const auto closes = only<BarTick>(ticks, id);
  ASSERT_EQ(closes.size(), bars.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const domain::Bar& b = bars[i];
    SCOPED_TRACE("bar " + std::to_string(i));
    EXPECT_EQ(closes[i].time, b.close_time());
    EXPECT_EQ(closes[i].bar.open, b.open);
    EXPECT_EQ(closes[i].bar.volume, b.volume);
    std::vector<TradeTick> own;
    for (; next < trades.size() && trades[next].time < b.close_time(); ++next) own.push_back(trades[next]);
    if (b.volume == 0) {
      EXPECT_TRUE(own.empty());
      continue;
    }
    ASSERT_FALSE(own.empty());
    EXPECT_EQ(own.front().time, b.open_time);
    EXPECT_EQ(own.front().price, b.open);
    EXPECT_EQ(own.back().price, b.close);
    Price high = own.front().price, low = high;
    Quantity volume, bought;
    std::size_t first_high = own.size(), first_low = own.size();
    for (std::size_t k = 0; k < own.size(); ++k) {
      EXPECT_TRUE(own[k].quantity.is_positive());
      high = std::max(high, own[k].price);
      low = std::min(low, own[k].price);
      if (own[k].price == b.high) first_high = std::min(first_high, k);
      if (own[k].price == b.low) first_low = std::min(first_low, k);
      volume += own[k].quantity;
      if (own[k].taker == Side::Buy) bought += own[k].quantity;
    }
    EXPECT_EQ(high, b.high);
    EXPECT_EQ(low, b.low);
    if (b.open != b.high && b.open != b.low) {
      EXPECT_EQ(b.close >= b.open, first_low < first_high);
    }
    EXPECT_EQ(volume, Quantity::from_double(b.volume));
    if ((b.columns & domain::kHasTakerBuy) != 0) {
      EXPECT_EQ(bought, Quantity::from_double(b.taker_buy_base));
    }
  }
  EXPECT_EQ(next, trades.size());
}

void expect_in_order(const std::vector<MarketTick>& ticks, const MarketSource& source) {
  Timestamp last = source.begin();
  for (const MarketTick& t : ticks) {
    ASSERT_GE(tick_time(t), last);
    last = tick_time(t);
  }
  EXPECT_LT(last, source.end());
}

TEST(BarTrades, TakerSidesAddUpForAnyVolume) {
  base::Rng rng(3);
  for (const domain::Bar& b : strange_bars(2000)) {
    const auto trades = plan_trades(b, contract("X"), 4 + rng.below(40), rng);
    Quantity bought, sold;
    for (const PlannedTrade& t : trades) {
      EXPECT_TRUE(t.quantity.is_positive());
      (t.taker == Side::Buy ? bought : sold) += t.quantity;
    }
    EXPECT_EQ(bought + sold, Quantity::from_double(b.volume));
    if ((b.columns & domain::kHasTakerBuy) != 0) {
      EXPECT_EQ(bought, Quantity::from_double(b.taker_buy_base));
    }
  }
}

TEST(BarTrades, QuantitiesAreStepsAndTheRestGoesToTheLast) {
  domain::Bar b = strange_bars(2)[1];
  b.volume = 12.34567;
  b.columns = 0;
  base::Rng rng(3);
  const auto trades = plan_trades(b, contract("X"), 24, rng);
  ASSERT_EQ(trades.size(), 24U);
  for (std::size_t i = 0; i + 1 < trades.size(); ++i) EXPECT_EQ(trades[i].quantity.raw() % 100'000, 0);
  EXPECT_EQ(trades.back().quantity.raw() % 100'000, 67'000);
}

TEST(Bars, ReproduceTheirOhlcvExactly) {
  Recorded r;
  auto bars = strange_bars(400);
  for (auto& b : bars) b.columns = 0;
  write(r.dir / "BTCUSDT-1m_20240301-20240301.csv", csv(bars));
  const auto source = r.open();
  ASSERT_TRUE(source) << source.error().message();
  const auto ticks = drain(**source);
  expect_reproduces(ticks, bars);
  expect_in_order(ticks, **source);
}

TEST(Bars, TheBookBracketsEveryTradeAndIsNeverCrossed) {
  Recorded r;
  write(r.dir / "BTCUSDT-1m_20240301-20240301.csv", csv(strange_bars(200)));
  Book book;
  std::size_t trades = 0;
  for (const MarketTick& t : r.ticks()) {
    book.apply(t);
    ASSERT_FALSE(book.crossed());
    if (const auto* trade = std::get_if<TradeTick>(&t)) {
      ++trades;
      ASSERT_LE(book.bid(), trade->price);
      ASSERT_GE(book.ask(), trade->price);
      ASSERT_EQ(book.bids.size(), 50U);
      ASSERT_EQ(book.asks.size(), 50U);
    }
  }
  EXPECT_GT(trades, 3000U);
}

TEST(Bars, AnEmptyBarMovesNothing) {
  Recorded r;
  auto bars = strange_bars(3);
  bars[1].volume = 0;
  bars[1].open = bars[1].high = bars[1].low = bars[1].close = bars[0].close;
  write(r.dir / "BTCUSDT-1m_20240301-20240301.csv", csv(bars));
  std::size_t marks = 0;
  for (const MarketTick& t : r.ticks()) {
    if (tick_time(t) < bars[1].open_time || tick_time(t) >= bars[1].close_time()) continue;
    if (std::holds_alternative<MarkTick>(t)) ++marks;
    EXPECT_FALSE(std::holds_alternative<TradeTick>(t));
    EXPECT_FALSE(std::holds_alternative<BookSnapshotTick>(t));
    EXPECT_FALSE(std::holds_alternative<matching::BookDeltaTick>(t));
  }
  EXPECT_GE(marks, 4U);
}

TEST(Bars, TheSeedDecidesEverything) {
  Recorded r;
  write(r.dir / "BTCUSDT-1m_20240301-20240301.csv", csv(strange_bars(50)));
  const auto first = describe(r.ticks());
  EXPECT_EQ(first, describe(r.ticks()));
  r.model.seed = 2;
  EXPECT_NE(first, describe(r.ticks()));
}

TEST(Bars, LaterBarsChangeNothingThatWasPlayed) {
  Recorded r;
  const auto bars = strange_bars(180);  // passes 08:00, a settlement
  write(r.dir / "BTCUSDT-1m_20240301-20240301.csv", csv(bars));
  const auto whole = describe(r.ticks());
  for (const std::size_t n : {1U, 60U, 121U}) {
    r.selection.window.to = bars[n].open_time;
    const auto part = describe(r.ticks());
    ASSERT_LT(part.size(), whole.size());
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin())) << n << " bars";
  }
}

TEST(Bars, SymbolsAreMergedByTimeAndDoNotDisturbEachOther) {
  Recorded r;
  write(r.dir / "BTCUSDT-1m_20240301-20240301.csv", csv(strange_bars(40)));
  const auto other = strange_bars(40, kFrom, 9);
  write(r.dir / "ETHUSDT-1m_20240301-20240301.csv", csv(other));
  const auto alone = describe(r.ticks());
  r.selection.symbols = {"ETHUSDT", "BTCUSDT"};  // ids are the table's, whatever the order
  const auto both = r.ticks();
  for (std::size_t i = 1; i < both.size(); ++i) {
    ASSERT_LE(tick_time(both[i - 1]), tick_time(both[i]));
    const bool bar_ends = std::holds_alternative<BarTick>(both[i - 1]);
    if (tick_time(both[i - 1]) == tick_time(both[i]) && !bar_ends) {
      ASSERT_LE(tick_symbol(both[i - 1]), tick_symbol(both[i]));
    }
  }
  std::vector<std::string> mine;
  for (const MarketTick& t : both)
    if (tick_symbol(t) == SymbolId{0}) mine.push_back(describe(t));
  EXPECT_EQ(mine, alone);
  auto bars = other;
  for (auto& b : bars) b.columns = 0;
  expect_reproduces(both, bars, {1});
}

TEST(Bars, RecordedFundingIsSettledWhenItWasAndKnownOnlyThen) {
  Recorded r;
  write(r.dir / "BTCUSDT-1m_20240301-20240301.csv", csv(strange_bars(180)));
  const Timestamp settled = at("2024-03-01T08:00") + base::milliseconds(3);
  write(r.dir / "BTCUSDT-funding_20240301-20240302.csv",
        "funding_time_ms,symbol,funding_rate\n" + std::to_string(settled.unix_ms()) + ",BTCUSDT,0.0037\n");
  const auto ticks = r.ticks();
  const auto funding = only<FundingTick>(ticks);
  ASSERT_EQ(funding.size(), 1U);
  EXPECT_EQ(funding[0].time, settled);
  EXPECT_EQ(funding[0].rate, Ratio::parse("0.0037").value());
  for (const MarkTick& m : only<MarkTick>(ticks)) {
    EXPECT_EQ(m.funding_rate == funding[0].rate, m.time >= settled);
    EXPECT_EQ(m.next_funding, m.time < at("2024-03-01T08:00") ? at("2024-03-01T08:00") : at("2024-03-01T16:00"));
  }
}

TEST(Bars, WithoutRecordedFundingTheFormulaSettles) {
  Recorded r;
  write(r.dir / "BTCUSDT-1m_20240301-20240301.csv", csv(strange_bars(180)));
  const auto ticks = r.ticks();
  const auto funding = only<FundingTick>(ticks);
  ASSERT_EQ(funding.size(), 1U);
  EXPECT_EQ(funding[0].time, at("2024-03-01T08:00"));
  // The premium of a book around its index is nearly nothing: what is left is the interest rate.
  EXPECT_NEAR(funding[0].rate.to_double(), 0.0001, 0.00005);
}

TEST(Bars, MarksStayNearTheLastPriceAtMostOneASecond) {
  Recorded r;
  r.model.trades_per_bar = 200;
  write(r.dir / "BTCUSDT-1m_20240301-20240301.csv", csv(strange_bars(60)));
  Price last;
  std::optional<Timestamp> before;
  std::size_t marks = 0;
  for (const MarketTick& t : r.ticks()) {
    if (const auto* trade = std::get_if<TradeTick>(&t)) last = trade->price;
    const auto* m = std::get_if<MarkTick>(&t);
    if (m == nullptr) continue;
    ++marks;
    EXPECT_NEAR(m->mark.to_double() / last.to_double(), 1, 5e-4);
    if (before) {
      EXPECT_GE((m->time - *before).ns, base::milliseconds(999).ns);
    }
    before = m->time;
  }
  EXPECT_EQ(marks, 60U * 60U + 1U);  // and one at the very start
}

TEST(Bars, MissingBarsAreAnErrorUnlessAllowed) {
  Recorded r;
  auto bars = strange_bars(20);
  bars.erase(bars.begin() + 7, bars.begin() + 9);
  write(r.dir / "BTCUSDT-1m_20240301-20240301.csv", csv(bars));
  auto source = r.open();
  ASSERT_TRUE(source);
  base::Result<std::optional<MarketTick>> tick = (*source)->next();
  while (tick && *tick) tick = (*source)->next();
  ASSERT_FALSE(tick);
  EXPECT_EQ(tick.error().code, base::Errc::Corrupt);
  EXPECT_NE(tick.error().context.find("2 bars of 1m missing"), std::string::npos) << tick.error().context;
  r.selection.allow_gaps = true;
  EXPECT_EQ(only<BarTick>(r.ticks()).size(), 18U);
}

TEST(Bars, WrongSelectionsAreNamed) {
  Recorded r;
  write(r.dir / "BTCUSDT-1m_20240301-20240301.csv", csv(strange_bars(20)));
  r.selection.symbols = {"XRPUSDT"};
  EXPECT_EQ(r.open().error().code, base::Errc::InvalidArgument);
  r.selection.symbols = {"BTCUSDT", "BTCUSDT"};
  EXPECT_EQ(r.open().error().code, base::Errc::InvalidArgument);
  r.selection.symbols = {"BTCUSDT"};
  r.model.trades_per_bar = 3;
  EXPECT_EQ(r.open().error().code, base::Errc::InvalidArgument);
}

TEST(Bars, RecordedMinutesWithTakerVolume) {
  QT_NEEDS_SHARED_DATA();
  const auto catalog = history::Catalog::scan(shared_data() / "candles" / "binance-usdm-flow");
  ASSERT_TRUE(catalog);
  const auto instruments = table({contract("DOTUSDT", "0.001", "0.1")});
  const history::Window window{at("2025-11-03"), at("2025-11-03T06:00")};
  auto cursor = catalog->bars("DOTUSDT", domain::Timeframe::M1, window);
  ASSERT_TRUE(cursor) << cursor.error().message();
  std::vector<domain::Bar> bars;
  for (auto bar = (*cursor)->next(); bar && *bar; bar = (*cursor)->next()) bars.push_back(**bar);
  ASSERT_EQ(bars.size(), 360U);
  ASSERT_NE(bars[0].columns & domain::kHasTakerBuy, 0);
  auto source = open_bars(*catalog, {{"DOTUSDT"}, domain::Timeframe::M1, window, false}, instruments, {});
  ASSERT_TRUE(source) << source.error().message();
  expect_reproduces(drain(**source), bars);
}

TEST(Bars, RecordedMarksAndFundingOfBitcoin) {
  QT_NEEDS_SHARED_DATA();
  const auto catalog = history::Catalog::scan(shared_data());
  ASSERT_TRUE(catalog);
  const auto instruments = table({contract("BTCUSDT")});
  const history::Window window{at("2025-01-10"), at("2025-01-12")};
  const auto recorded = catalog->marks("BTCUSDT", domain::Timeframe::H1, window);
  ASSERT_TRUE(recorded);
  ASSERT_EQ(recorded->size(), 48U);
  auto source = open_bars(*catalog, {{"BTCUSDT"}, domain::Timeframe::H1, window, false}, instruments, {});
  ASSERT_TRUE(source) << source.error().message();
  const auto ticks = drain(**source);
  std::map<Timestamp, Price> closes;
  for (const MarkTick& m : only<MarkTick>(ticks))
    closes[{(m.time.ns / base::hours(1).ns + 1) * base::hours(1).ns}] = m.mark;
  for (const auto& m : *recorded) EXPECT_EQ(closes[m.ts_event], m.price) << base::format_timestamp(m.ts_event);
  EXPECT_EQ(only<FundingTick>(ticks).size(), 6U);
}

}  // namespace
}  // namespace qtrader::playback::testing
