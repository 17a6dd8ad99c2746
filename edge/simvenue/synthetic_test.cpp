// The stylised facts of crypto returns, the consistency of every bar, and that a seed is a promise.
#include "edge/simvenue/synthetic.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/archive.hpp"

namespace qtrader::simvenue {
namespace {

using base::days;
using base::Timestamp;
using domain::Bar;
using domain::Timeframe;

const Timestamp kFrom = base::from_civil({2024, 1, 1});

SyntheticConfig config(std::int64_t length_days, std::uint64_t seed = 1, std::int32_t symbols = 12) {
  SyntheticConfig c;
  c.symbols = symbols;
  c.from = kFrom;
  c.to = kFrom + days(length_days);
  c.seed = seed;
  return c;
}

/// [symbol][slot]
std::vector<std::vector<Bar>> generate(const SyntheticConfig& c) {
  SyntheticMarket market = SyntheticMarket::create(c).value();
  std::vector<std::vector<Bar>> out(static_cast<std::size_t>(c.symbols));
  std::vector<Bar> bars;
  while (market.next(bars))
    for (std::size_t i = 0; i < bars.size(); ++i) out[i].push_back(bars[i]);
  return out;
}

std::vector<double> log_returns(const std::vector<Bar>& bars, std::size_t stride = 1) {
  std::vector<double> out;
  for (std::size_t i = stride; i < bars.size(); i += stride)
    out.push_back(std::log(bars[i].close.to_double() / bars[i - stride].close.to_double()));
  return out;
}

double mean(const std::vector<double>& v) {
  double s = 0;
  for (const double x : v) s += x;
  return s / static_cast<double>(v.size());
}
double covariance(const std::vector<double>& a, const std::vector<double>& b) {
  const double ma = mean(a), mb = mean(b);
  double s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += (a[i] - ma) * (b[i] - mb);
  return s / static_cast<double>(a.size());
}
double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  return covariance(a, b) / std::sqrt(covariance(a, a) * covariance(b, b));
}
double kurtosis(const std::vector<double>& v) {
  const double m = mean(v), var = covariance(v, v);
  double s = 0;
  for (const double x : v) s += std::pow(x - m, 4);
  return s / static_cast<double>(v.size()) / (var * var);
}
double autocorrelation(const std::vector<double>& v, std::size_t lag) {
  return correlation({v.begin(), v.end() - static_cast<std::ptrdiff_t>(lag)},
                     {v.begin() + static_cast<std::ptrdiff_t>(lag), v.end()});
}
std::vector<double> absolute(std::vector<double> v) {
  for (double& x : v) x = std::abs(x);
  return v;
}

TEST(SyntheticCreate, RefusesWhatItsDocumentationExcludes) {
  EXPECT_FALSE(SyntheticMarket::create(config(1, 1, 0)));
  EXPECT_FALSE(SyntheticMarket::create(config(1, 1, 65)));
  EXPECT_FALSE(SyntheticMarket::create(config(0)));
  EXPECT_FALSE(SyntheticMarket::create(config(-1)));
  auto crooked = config(1);
  crooked.from = crooked.from + base::seconds(1);
  const auto r = SyntheticMarket::create(crooked);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, base::Errc::InvalidArgument);
  EXPECT_NE(r.error().context.find("2024-01-01T00:00:01"), std::string::npos);
  EXPECT_TRUE(SyntheticMarket::create(config(1, 1, 64)));
}

TEST(SyntheticInstruments, FormAValidTableWithBinanceLikeBrackets) {
  auto market = SyntheticMarket::create(config(1, 1, 64)).value();
  const auto table = domain::InstrumentTable::create(market.instruments());
  ASSERT_TRUE(table) << table.error().message();
  EXPECT_EQ(market.instruments()[0].symbol, "BTCUSDT");
  for (const auto& i : market.instruments()) {
    EXPECT_TRUE(i.assumed);
    EXPECT_GE(i.brackets.size(), 10u);
    EXPECT_GE(i.brackets.front().max_leverage, 75);
    EXPECT_EQ(i.brackets.back().max_leverage, 1);
    for (std::size_t n = 1; n < i.brackets.size(); ++n) {
      const auto& b = i.brackets[n];
      EXPECT_EQ(b.notional_floor * b.maintenance_ratio - b.cumulative,
                b.notional_floor * i.brackets[n - 1].maintenance_ratio - i.brackets[n - 1].cumulative)
          << "maintenance margin is continuous";
    }
  }
  // The published table of BTCUSDT, October 2024.
  EXPECT_EQ(market.instruments()[0].brackets[6].cumulative, domain::Money::from_int(2'981'450));
  EXPECT_EQ(market.instruments()[0].brackets[11].cumulative, domain::Money::from_int(421'481'450));
}

TEST(SyntheticBars, AreConsistent) {
  const auto c = config(20, 3, 24);
  const auto market = SyntheticMarket::create(c).value();
  const auto all = generate(c);
  for (std::size_t s = 0; s < all.size(); ++s) {
    ASSERT_EQ(all[s].size(), 20u * 288);
    const auto& i = market.instruments()[s];
    for (std::size_t k = 0; k < all[s].size(); ++k) {
      const Bar& b = all[s][k];
      ASSERT_EQ(b.open_time, kFrom + base::minutes(5) * static_cast<std::int64_t>(k));
      ASSERT_EQ(b.timeframe, Timeframe::M5);
      ASSERT_TRUE(b.low.is_positive());
      ASSERT_LE(b.low, std::min(b.open, b.close));
      ASSERT_GE(b.high, std::max(b.open, b.close));
      for (const auto p : {b.open, b.high, b.low, b.close}) ASSERT_EQ(p.raw() % i.tick_size.raw(), 0);
      ASSERT_GT(b.volume, 0);
      ASSERT_GE(b.taker_buy_base, 0);
      ASSERT_LE(b.taker_buy_base, b.volume);
      ASSERT_GE(b.trades, 1u);
      ASSERT_EQ(b.columns, domain::kHasQuoteVolume | domain::kHasTrades | domain::kHasTakerBuy);
      const double average = b.quote_volume / b.volume;
      ASSERT_GE(average, b.low.to_double() * (1 - 1e-9));
      ASSERT_LE(average, b.high.to_double() * (1 + 1e-9));
      if (k > 0) {
        ASSERT_LE((b.open - all[s][k - 1].close).abs(), i.tick_size) << "no gap beyond the spread";
      }
    }
  }
}

TEST(SyntheticBars, LookLikeCrypto) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const auto all = generate(config(180, seed));
    const auto btc = log_returns(all[0]);
    EXPECT_GT(kurtosis(btc), 4) << seed;
    EXPECT_LT(kurtosis(btc), 80) << seed;
    EXPECT_LT(std::abs(autocorrelation(btc, 1)), 0.05) << "returns themselves are not predictable, seed " << seed;
    for (const std::size_t lag : {1u, 12u, 72u})
      EXPECT_GT(autocorrelation(absolute(btc), lag), 0.05) << seed << " " << lag;
    const double daily = std::sqrt(covariance(btc, btc) * 288);
    EXPECT_GT(daily, 0.015) << seed;
    EXPECT_LT(daily, 0.05) << seed;
    for (std::size_t s = 1; s < all.size(); ++s) {
      const auto r = log_returns(all[s]);
      EXPECT_GT(kurtosis(r), 4) << seed << " " << s;
      EXPECT_GT(correlation(btc, r), 0.45) << seed << " " << s;
      EXPECT_LT(correlation(btc, r), 0.90) << seed << " " << s;
      EXPECT_GT(covariance(r, r), covariance(btc, btc) * 0.8) << "alternatives move at least as much, nearly";
    }
  }
}

TEST(SyntheticBars, RangesBelongToTheirVolatility) {
  const auto all = generate(config(60));
  std::vector<double> range, move;
  double squared_range = 0, squared_return = 0;
  for (const Bar& b : all[0]) {
    const double r = std::log(b.high.to_double() / b.low.to_double());
    const double m = std::log(b.close.to_double() / b.open.to_double());
    range.push_back(r);
    move.push_back(std::abs(m));
    squared_range += r * r;
    squared_return += m * m;
  }
  // Parkinson (1980): E[range²] = 4·ln2·σ² for a continuous path.
  EXPECT_NEAR(squared_range / squared_return, 4 * std::log(2.0), 0.35);
  EXPECT_GT(correlation(range, move), 0.6);
}

TEST(SyntheticBars, VolumeHasHoursAndFollowsMoves) {
  const auto all = generate(config(84));
  std::vector<double> volume, move;
  double busy = 0, quiet = 0;
  for (const Bar& b : all[0]) {
    volume.push_back(b.quote_volume);
    move.push_back(std::abs(std::log(b.close.to_double() / b.open.to_double())));
    const int hour = base::minute_of_day(b.open_time) / 60;
    if (hour == 15) busy += b.quote_volume;
    if (hour == 3) quiet += b.quote_volume;
  }
  EXPECT_GT(correlation(volume, move), 0.3);
  EXPECT_GT(busy, 1.5 * quiet);
  EXPECT_NEAR(mean(volume) * 288 / 12e9, 1, 0.5);
}

TEST(SyntheticBars, HaveRegimes) {
  MarketFactor factor(base::Rng(5), 5);
  std::array<double, 4> slots{}, squares{};
  int switches = 0;
  MarketRegime before = MarketRegime::Range;
  const int count = 288 * 365;
  for (int i = 0; i < count; ++i) {
    const MarketSlot& s = factor.next(kFrom + base::minutes(5) * i);
    const auto at = static_cast<std::size_t>(s.regime);
    slots[at] += 1;
    double sum = 0;
    for (const double x : s.shock) sum += x;
    squares[at] += sum * sum;
    switches += s.regime != before ? 1 : 0;
    before = s.regime;
  }
  for (const double n : slots) EXPECT_GT(n / count, 0.03);
  EXPECT_GT(switches, 150);
  EXPECT_LT(switches, 600);
  const auto variance = [&](MarketRegime r) {
    return squares[static_cast<std::size_t>(r)] / slots[static_cast<std::size_t>(r)];
  };
  EXPECT_GT(variance(MarketRegime::Volatile), 2 * variance(MarketRegime::Range));
}

TEST(SyntheticBars, SurviveYears) {
  auto c = config(365 * 6, 11, 24);
  c.timeframe = Timeframe::H4;
  const auto market = SyntheticMarket::create(c).value();
  const auto all = generate(c);
  for (std::size_t s = 0; s < all.size(); ++s)
    for (const Bar& b : all[s]) {
      ASSERT_GT(b.close, market.instruments()[s].tick_size) << market.instruments()[s].symbol;
      ASSERT_LT(b.close.to_double(), 2e6);
    }
}

TEST(SyntheticBars, EveryTimeframeWorks) {
  for (const auto tf : {Timeframe::M1, Timeframe::M15, Timeframe::H1, Timeframe::D1}) {
    auto c = config(400, 2, 3);
    c.timeframe = tf;
    c.to = std::min(c.to, c.from + domain::duration(tf) * 20'000);
    const auto all = generate(c);
    const auto r = log_returns(all[0]);
    const double daily = std::sqrt(covariance(r, r) * 1440 / domain::minutes(tf));
    EXPECT_GT(daily, 0.01) << domain::to_string(tf);
    EXPECT_LT(daily, 0.06) << domain::to_string(tf);
  }
}

TEST(SyntheticSeed, IsAPromise) {
  const auto once = generate(config(5)), twice = generate(config(5)), other = generate(config(5, 2));
  EXPECT_EQ(base::to_bytes(once), base::to_bytes(twice));
  EXPECT_NE(base::to_bytes(once), base::to_bytes(other));
}

TEST(SyntheticSeed, ALongerWindowOrMoreSymbolsChangeNothingEarlier) {
  const auto small = generate(config(3, 1, 4)), longer = generate(config(9, 1, 4)), wider = generate(config(3, 1, 30));
  for (std::size_t s = 0; s < small.size(); ++s) {
    EXPECT_EQ(base::to_bytes(small[s]), base::to_bytes(wider[s]));
    std::vector<Bar> head(longer[s].begin(), longer[s].begin() + static_cast<std::ptrdiff_t>(small[s].size()));
    EXPECT_EQ(base::to_bytes(small[s]), base::to_bytes(head));
  }
}

TEST(SyntheticFunding, SettlesEveryEightHours) {
  auto market = SyntheticMarket::create(config(60)).value();
  std::vector<Bar> bars;
  std::set<std::int64_t> rates;
  int settled = 0;
  do {
    const Timestamp next = bars.empty() ? kFrom : bars[0].close_time();
    const auto f = market.funding_at(next);
    EXPECT_EQ(f.empty(), next.ns % base::hours(8).ns != 0);
    if (f.empty()) continue;
    ++settled;
    ASSERT_EQ(f.size(), 12u);
    for (std::size_t s = 0; s < f.size(); ++s) {
      EXPECT_EQ(f[s].symbol.value, s);
      EXPECT_EQ(f[s].ts_event, next);
      EXPECT_LE(std::abs(f[s].rate.to_double()), 0.003);
      rates.insert(f[s].rate.raw());
    }
  } while (market.next(bars));
  EXPECT_EQ(settled, 181);
  EXPECT_GT(rates.size(), 20u) << "not the same rate for ever";
  EXPECT_TRUE(rates.contains(domain::Ratio::from_double(0.0001).raw()))
      << "the interest rate when the premium is small";
}

TEST(SyntheticFunding, OfADayIsKnownAtItsStartAndThroughout) {
  auto c = config(10);
  c.timeframe = Timeframe::D1;
  auto market = SyntheticMarket::create(c).value();
  std::vector<Bar> bars;
  const auto before = market.funding_at(kFrom + base::hours(16));
  ASSERT_EQ(before.size(), 12u);
  ASSERT_TRUE(market.next(bars));
  EXPECT_EQ(base::to_bytes(market.funding_at(kFrom + base::hours(16))), base::to_bytes(before));
  EXPECT_TRUE(market.funding_at(kFrom + base::hours(17)).empty());
}

TEST(SyntheticSnapshot, Continues) {
  auto whole = SyntheticMarket::create(config(4)).value();
  std::vector<Bar> bars, again;
  for (int i = 0; i < 500; ++i) whole.next(bars);
  const base::Bytes saved = base::to_bytes(whole);
  auto resumed = SyntheticMarket::create(config(4)).value();
  base::Reader reader(saved);
  resumed.archive(reader);
  ASSERT_TRUE(reader.complete());
  EXPECT_EQ(base::to_bytes(resumed), saved);
  while (whole.next(bars)) {
    ASSERT_TRUE(resumed.next(again));
    ASSERT_EQ(base::to_bytes(bars), base::to_bytes(again));
  }
  EXPECT_FALSE(resumed.next(again));
}

}  // namespace
}  // namespace qtrader::simvenue
