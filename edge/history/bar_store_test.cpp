#include "edge/history/bar_store.hpp"

#include <sys/resource.h>

#include <csignal>

#include "core/base/rng.hpp"
#include "edge/history/bar_store_format.hpp"
#include "edge/history/test_support.hpp"

namespace qtrader::history {
namespace {

using domain::Bar;
using domain::Timeframe;
using test::drain;
using test::TempDir;

/// Random bars with gaps and, now and then, another set of optional columns.
std::vector<Bar> random_bars(std::size_t count, std::uint64_t seed) {
  base::Rng rng(seed);
  std::vector<Bar> out;
  base::Timestamp t = test::day("2020-01-01");
  std::uint8_t columns = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (rng.below(5000) == 0) columns = static_cast<std::uint8_t>(rng.below(8));
    t = t + base::minutes(rng.below(100) == 0 ? static_cast<std::int64_t>(rng.below(600)) + 1 : 1);
    Bar b;
    b.open_time = t;
    b.open = domain::Price::from_raw(static_cast<std::int64_t>(rng.below(1'000'000'000'000)) + 1);
    b.close = domain::Price::from_raw(static_cast<std::int64_t>(rng.below(1'000'000'000'000)) + 1);
    b.high = std::max(b.open, b.close);
    b.low = std::min(b.open, b.close);
    b.volume = rng.uniform(0, 1e6);
    b.columns = columns;
    if ((columns & domain::kHasQuoteVolume) != 0) b.quote_volume = rng.uniform(0, 1e9);
    if ((columns & domain::kHasTakerBuy) != 0) b.taker_buy_base = rng.uniform(0, 1e6);
    if ((columns & domain::kHasTrades) != 0) b.trades = static_cast<std::uint32_t>(rng.next());
    out.push_back(b);
  }
  return out;
}

void expect_equal(const Bar& a, const Bar& b) {
  ASSERT_EQ(a.open_time, b.open_time);
  ASSERT_EQ(a.open, b.open);
  ASSERT_EQ(a.high, b.high);
  ASSERT_EQ(a.low, b.low);
  ASSERT_EQ(a.close, b.close);
  ASSERT_EQ(a.volume, b.volume);
  ASSERT_EQ(a.quote_volume, b.quote_volume);
  ASSERT_EQ(a.taker_buy_base, b.taker_buy_base);
  ASSERT_EQ(a.trades, b.trades);
  ASSERT_EQ(a.columns, b.columns);
  ASSERT_EQ(a.timeframe, b.timeframe);
}

std::filesystem::path store(const TempDir& dir, const std::vector<Bar>& bars) {
  auto writer = BarStoreWriter::create(dir.path(), {"BTCUSDT", SeriesKind::UsdmBars, true, "a test"}, Timeframe::M1);
  EXPECT_TRUE(writer.ok());
  for (const Bar& b : bars) EXPECT_TRUE(writer->append(b).ok());
  const auto file = writer->commit();
  EXPECT_TRUE(file.ok());
  return *file;
}

TEST(BarStore, GivesBackWhatWasWritten) {
  TempDir dir;
  const auto bars = random_bars(150'000, 3);
  const auto file = store(dir, bars);
  EXPECT_EQ(file.filename(), "BTCUSDT-1m.qtb");
  EXPECT_EQ(test::names_below(dir.path()), std::vector<std::string>{"BTCUSDT-1m.qtb"});
  const auto cursor = open_bar_store(file, kAllTime);
  ASSERT_TRUE(cursor.ok()) << cursor.error().message();
  const auto read = drain(**cursor);
  ASSERT_TRUE(read.ok()) << read.error().message();
  ASSERT_EQ(read->size(), bars.size());
  for (std::size_t i = 0; i < bars.size(); ++i) expect_equal(bars[i], (*read)[i]);
  const auto info = read_store_info(file);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->rows, bars.size());
  EXPECT_EQ(info->tags.symbol, "BTCUSDT");
  EXPECT_EQ(info->tags.source, "a test");
  EXPECT_TRUE(info->tags.synthetic);
  EXPECT_EQ(info->from, bars.front().open_time);
  EXPECT_EQ(info->to, bars.back().close_time());
  EXPECT_TRUE(Catalog::scan(dir.path())->synthetic());
}

TEST(BarStore, WindowsCutAnywhere) {
  TempDir dir;
  const auto bars = random_bars(140'000, 4);
  const auto file = store(dir, bars);
  base::Rng rng(5);
  for (int round = 0; round < 40; ++round) {
    const auto pick = [&] {
      return bars[rng.below(bars.size())].open_time + base::Duration{static_cast<std::int64_t>(rng.below(3)) - 1};
    };
    Window w{pick(), pick()};
    if (w.to < w.from) std::swap(w.from, w.to);
    const auto cursor = open_bar_store(file, w);
    const auto read = drain(**cursor);
    ASSERT_TRUE(read.ok());
    const auto expected =
        std::count_if(bars.begin(), bars.end(), [&](const Bar& b) { return w.contains(b.open_time); });
    ASSERT_EQ(read->size(), static_cast<std::size_t>(expected));
    for (const Bar& b : *read) ASSERT_TRUE(w.contains(b.open_time));
    EXPECT_FALSE((*cursor)->next()->has_value()) << "the end stays the end";
  }
}

TEST(BarStore, AnEmptyStoreIsReadableAndHoldsNothing) {
  TempDir dir;
  const auto file = store(dir, {});
  const auto cursor = open_bar_store(file, kAllTime);
  ASSERT_TRUE(cursor.ok()) << cursor.error().message();
  EXPECT_FALSE((*cursor)->next()->has_value());
  EXPECT_TRUE(Catalog::scan(dir.path())->series().empty());
}

TEST(BarStore, RefusesBarsThatDoNotRiseOrBelongElsewhere) {
  TempDir dir;
  auto bars = random_bars(2, 6);
  auto writer = BarStoreWriter::create(dir.path(), {.symbol = "BTCUSDT"}, Timeframe::M1);
  ASSERT_TRUE(writer->append(bars[1]).ok());
  EXPECT_EQ(writer->append(bars[0]).error().code, base::Errc::InvalidArgument);
  EXPECT_EQ(writer->append(bars[1]).error().code, base::Errc::InvalidArgument);
  bars[1].timeframe = Timeframe::H1;
  EXPECT_EQ(writer->append(bars[1]).error().code, base::Errc::InvalidArgument);
  EXPECT_FALSE(BarStoreWriter::create(dir.path(), {.symbol = "../evil"}, Timeframe::M1).ok());
}

TEST(BarStore, WithoutCommitNothingIsLeft) {
  TempDir dir;
  {
    auto writer = BarStoreWriter::create(dir.path(), {.symbol = "BTCUSDT"}, Timeframe::M1);
    for (const Bar& b : random_bars(70'000, 7)) ASSERT_TRUE(writer->append(b).ok());
  }
  EXPECT_TRUE(test::names_below(dir.path()).empty());
}

/// Every byte of the file is covered by the header's, the index's or a column's checksum, or is padding.
TEST(BarStore, DamageIsDetectedWhereverItIs) {
  TempDir dir;
  const auto bars = random_bars(3000, 8);
  const auto file = store(dir, bars);
  const std::string good = test::read_text(file);
  base::Rng rng(9);
  for (int round = 0; round < 200; ++round) {
    std::string bad = good;
    const std::size_t at = rng.below(bad.size());
    bad[at] = static_cast<char>(bad[at] ^ (1 << rng.below(8)));
    test::write_text(file, bad);
    const auto cursor = open_bar_store(file, kAllTime);
    const auto read = cursor ? drain(**cursor) : base::Result<std::vector<Bar>>(cursor.error());
    if (!read) continue;
    for (std::size_t i = 0; i < bars.size(); ++i) expect_equal(bars[i], (*read)[i]);  // only padding may change unseen
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, sizeof(qtb::Header), good.size() / 2, good.size() - 1}) {
    test::write_text(file, good.substr(0, size));
    const auto cursor = open_bar_store(file, kAllTime);
    ASSERT_FALSE(cursor.ok()) << size;
    EXPECT_EQ(cursor.error().code, base::Errc::Corrupt);
  }
  EXPECT_EQ(open_bar_store(dir / "none.qtb", kAllTime).error().code, base::Errc::NotFound);
}

TEST(BarStore, AnotherVersionIsASchemaMismatch) {
  TempDir dir;
  const auto file = store(dir, random_bars(10, 1));
  std::string bytes = test::read_text(file);
  bytes[8] = 2;
  test::write_text(file, bytes);
  EXPECT_EQ(open_bar_store(file, kAllTime).error().code, base::Errc::SchemaMismatch);
}

/// A file-size limit makes write() fail like a full disk does.
TEST(BarStore, AFullDiskIsNoSpaceAndLeavesNothing) {
  TempDir dir;
  const auto bars = random_bars(200'000, 10);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 4 << 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  base::Result<void> outcome;
  {
    auto writer = BarStoreWriter::create(dir.path(), {.symbol = "BTCUSDT"}, Timeframe::M1);
    for (std::size_t i = 0; i < bars.size() && outcome; ++i) outcome = writer->append(bars[i]);
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, base::Errc::NoSpace) << outcome.error().message();
  EXPECT_NE(outcome.error().context.find("BTCUSDT-1m.qtb"), std::string::npos);
  EXPECT_TRUE(test::names_below(dir.path()).empty());
}

TEST(BarStore, DensityCountsRowsAndTheLongestHoleWithTheEdges) {
  TempDir dir;
  std::vector<Bar> bars = random_bars(3, 1);
  for (std::size_t i = 0; i < 3; ++i)
    bars[i].open_time = test::day("2024-01-01") + base::hours(static_cast<std::int64_t>(i));
  const auto file = store(dir, bars);
  const auto expect = [&](const char* from, const char* to, std::uint64_t rows, std::int64_t hole_minutes) {
    const auto d = read_density(file, {test::day(from), test::day(to)});
    ASSERT_TRUE(d.ok());
    EXPECT_EQ(d->rows, rows) << from << " " << to;
    EXPECT_EQ(d->longest_hole, base::minutes(hole_minutes)) << from << " " << to;
  };
  expect("2024-01-01", "2024-01-01T02:01", 3, 59);
  expect("2023-12-31T22:00", "2024-01-01T02:00", 2, 120);
  expect("2024-01-01", "2024-01-01T12:00", 3, 599);
  EXPECT_EQ(read_density(file, kAllTime)->rows, 3u);
}

}  // namespace
}  // namespace qtrader::history
