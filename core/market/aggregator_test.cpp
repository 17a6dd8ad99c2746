#include "core/market/aggregator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "core/base/archive.hpp"
#include "core/market/testing.hpp"

namespace qtrader::market {
namespace {

using domain::Bar;
using domain::Timeframe;

// The bar of one window worked out at once, from all of its parts.
std::optional<Bar> whole_window(std::span<const Bar> parts, Timeframe target) {
  if (parts.size() * static_cast<std::size_t>(domain::minutes(parts[0].timeframe)) !=
      static_cast<std::size_t>(domain::minutes(target)))
    return std::nullopt;
  Bar out = parts[0];
  out.timeframe = target;
  out.close = parts.back().close;
  out.volume = out.quote_volume = out.taker_buy_base = 0;
  out.trades = 0;
  for (const Bar& p : parts) {
    out.high = std::max(out.high, p.high);
    out.low = std::min(out.low, p.low);
    out.volume += p.volume;
    out.quote_volume += p.quote_volume;
    out.taker_buy_base += p.taker_buy_base;
    out.trades += p.trades;
    out.columns &= p.columns;
  }
  return out;
}

void expect_same(const Bar& a, const Bar& b) { EXPECT_EQ(base::to_bytes(a), base::to_bytes(b)); }

TEST(BarAggregator, EqualsTheWindowWorkedOutAtOnceForEveryTarget) {
  for (const Timeframe target : {Timeframe::M3, Timeframe::M5, Timeframe::M15, Timeframe::M30, Timeframe::H1,
                                 Timeframe::H2, Timeframe::H4, Timeframe::D1}) {
    testing::RandomBars source(7, Timeframe::M1);
    base::Rng rng(static_cast<std::uint64_t>(target));
    std::vector<Bar> bars;
    for (int i = 0; i < 6000; ++i) {
      const Bar bar = source.next();
      const bool drop = i < 2 ? false : rng.below(4000) == 0;  // a few holes
      if (!drop) bars.push_back(bar);
    }
    BarAggregator aggregator(Timeframe::M1, target);
    std::vector<Bar> emitted, expected;
    for (const Bar& bar : bars)
      if (const auto out = aggregator.push(bar)) emitted.push_back(*out);
    const std::int64_t window = domain::duration(target).ns;
    for (std::size_t from = 0; from < bars.size();) {
      std::size_t to = from;
      while (to < bars.size() && bars[to].open_time.ns / window == bars[from].open_time.ns / window) ++to;
      if (const auto out = whole_window(std::span(bars).subspan(from, to - from), target)) expected.push_back(*out);
      from = to;
    }
    ASSERT_EQ(emitted.size(), expected.size()) << domain::to_string(target);
    for (std::size_t i = 0; i < emitted.size(); ++i) expect_same(emitted[i], expected[i]);
    EXPECT_GT(emitted.size(), 0u);
  }
}

TEST(BarAggregator, AColumnOnePartLacksIsMissingInTheWhole) {
  testing::RandomBars source(7, Timeframe::M5);
  BarAggregator aggregator(Timeframe::M5, Timeframe::M15);
  std::vector<Bar> parts = source.take(3);
  parts[1].columns = domain::kHasTrades;
  aggregator.push(parts[0]);
  aggregator.push(parts[1]);
  const auto out = aggregator.push(parts[2]);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->columns, domain::kHasTrades);
  EXPECT_EQ(out->taker_buy_base, 0);
  EXPECT_EQ(out->quote_volume, 0);
  EXPECT_EQ(out->trades, parts[0].trades + parts[1].trades + parts[2].trades);
}

TEST(BarAggregatorDeathTest, RefusesATargetThatIsNotAMultiple) {
  EXPECT_DEATH(BarAggregator(Timeframe::M3, Timeframe::M5), "multiple");
}

}  // namespace
}  // namespace qtrader::market
