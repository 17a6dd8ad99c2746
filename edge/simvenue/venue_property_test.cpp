// What must hold for every order flow: symmetry, conservation, determinism, snapshots, no knowledge of later bars.
#include "core/base/archive.hpp"
#include "edge/simvenue/venue_fixture.hpp"

namespace qtrader::simvenue::testing {
namespace {

using domain::MarginMode;

constexpr double kLevel = 100;

std::vector<Ohlc> random_bars(std::uint64_t seed, int count) {
  base::Rng rng(seed);
  std::vector<Ohlc> out;
  double p = kLevel;
  const auto cents = [](double v) { return std::round(v * 100) / 100; };
  for (int i = 0; i < count; ++i) {
    const double o = cents(p + rng.normal() * 0.2), c = cents(o + rng.normal());
    const double h = cents(std::max(o, c) + std::abs(rng.normal())), l = cents(std::min(o, c) - std::abs(rng.normal()));
    out.push_back({o, h, l, c, std::round(rng.uniform(200, 2'000))});
    p = kLevel + (c - kLevel) * 0.9;
  }
  return out;
}

Ohlc mirrored(const Ohlc& b) {
  return {2 * kLevel - b.open, 2 * kLevel - b.low, 2 * kLevel - b.high, 2 * kLevel - b.close, b.volume};
}

/// A scripted trader whose every choice comes from its own stream; sign −1 trades the mirror image, 0 uses trailing
/// stops too, whose distance is a share of the price and so has no exact mirror image.
class Trader {
 public:
  Trader(Bench& bench, std::uint64_t seed, int sign) : bench_(bench), rng_(seed), sign_(sign) {}

  void act(double price) {
    const auto position = bench_.holding().quantity;
    const double distance = 0.5 + 0.1 * static_cast<double>(rng_.below(20));
    const std::uint64_t choice = rng_.below(6);
    const double size = 1 + static_cast<double>(rng_.below(80));
    if (position.is_zero()) {
      if (!bench_.engine().open_orders(kA).empty()) return;
      const Side side = (rng_.below(2) == 0) == (sign_ >= 0) ? Side::Buy : Side::Sell;
      if (choice < 4) bench_.send(market(side, size));
      if (choice == 4) bench_.send(limit(side, size, tick(price - domain::sign(side) * distance)));
      return;
    }
    const int d = position.is_positive() ? 1 : -1;
    const Side exit = d > 0 ? Side::Sell : Side::Buy;
    if (bench_.engine().open_orders(kA).size() < 3) {
      bench_.send(stop(exit, size + 20, tick(price - d * distance)));
      bench_.send(target(exit, size, tick(price + d * 2 * distance)));
      if (choice == 0 && sign_ == 0) bench_.send(trailing(exit, size, 150));
    }
    if (choice == 1) bench_.send(market(exit, size, true));
  }

 private:
  static double tick(double p) { return std::round(p * 100) / 100; }
  Bench& bench_;
  base::Rng rng_;
  int sign_;
};

void run(Bench& bench, const std::vector<Ohlc>& bars, std::uint64_t seed, int sign = 0) {
  Trader trader(bench, seed, sign);
  for (const auto& bar : bars) {
    bench.open(bar);
    trader.act(bar.open);
    bench.path(bar);
    trader.act(bar.close);
  }
}

base::Bytes transcript(const Bench& b) { return base::to_bytes(b.all); }

/// Profit before fees, which follow the notional and so differ between the images.
Money gross(const Bench& b) {
  Money fees;
  for (const auto& f : b.fills) fees += f.fee;
  return b.engine().account().equity() + fees;
}

TEST(VenueProperty, LongsAndShortsAreMirrorImages) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Bench up, down;
    const auto bars = random_bars(seed, 120);
    std::vector<Ohlc> flipped;
    for (const auto& b : bars) flipped.push_back(mirrored(b));
    run(up, bars, seed, 1);
    run(down, flipped, seed, -1);
    ASSERT_EQ(up.fills.size(), down.fills.size()) << seed;
    ASSERT_GT(up.fills.size(), 10u) << seed;
    for (std::size_t i = 0; i < up.fills.size(); ++i) {
      ASSERT_EQ(up.fills[i].quantity, down.fills[i].quantity) << seed << " fill " << i;
      ASSERT_NE(up.fills[i].side, down.fills[i].side);
      ASSERT_EQ(up.fills[i].price + down.fills[i].price, px(2 * kLevel)) << seed << " fill " << i;
    }
    EXPECT_EQ(gross(up), gross(down));
  }
}

TEST(VenueProperty, TheAccountIsWhatItsEventsSay) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto config = plain();
    config.slippage = SlippageModel::Realistic;
    Bench b(config);
    if (seed % 2 == 0) b.leverage(20, MarginMode::Isolated);
    run(b, random_bars(seed, 150), seed);
    Money cash = config.initial_wallet;
    Quantity position;
    for (const auto& f : b.fills) {
      ASSERT_TRUE(f.quantity.is_positive() && f.price.is_positive());
      cash += f.side == Side::Buy ? -(f.price * f.quantity) : f.price * f.quantity;
      cash -= f.fee;
      position += f.side == Side::Buy ? f.quantity : -f.quantity;
    }
    EXPECT_EQ(position, b.holding().quantity);
    EXPECT_EQ(cash + b.holding().cost, b.engine().account().wallet());
  }
}

TEST(VenueProperty, NoAccountGoesBelowZero) {
  int liquidations = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto table = domain::InstrumentTable::create({contract("AUSDT"), contract("BUSDT")}).value();
    auto config = plain();
    config.slippage = SlippageModel::Realistic;
    config.max_bar_volume_share = 1;
    MatchingEngine engine(table, config, base::Rng(seed));
    base::Rng rng(seed);
    const auto mode = seed % 2 == 0 ? MarginMode::Cross : MarginMode::Isolated;
    for (const auto s : {kA, kB}) engine.set_leverage({s, {100}, mode});
    double price[2] = {100, 100};
    std::uint64_t id = 0;
    base::Timestamp slot = kStart;
    for (int i = 0; i < 200; ++i, slot = slot + base::minutes(5)) {
      engine.advance_to(slot);
      for (const auto s : {kA, kB}) {
        auto o =
            market(rng.below(2) == 0 ? Side::Buy : Side::Sell, 100 + static_cast<double>(rng.below(2'000)), false, s);
        o.id = {++id};
        if (engine.account()[s].quantity.is_zero()) engine.submit(o);
      }
      domain::Bar bars[2];
      for (const auto s : {kA, kB}) {
        domain::Bar& b = bars[s.value];
        double& p = price[s.value];
        const auto cents = [](double v) { return px(std::max(std::round(v * 100) / 100, 1.0)); };
        const double open = p * (1 + (rng.below(10) == 0 ? rng.uniform(-0.2, 0.2) : 0));
        const double close = open * (1 + 0.02 * rng.normal());
        b.open_time = slot;
        b.timeframe = domain::Timeframe::M5;
        b.open = cents(open);
        b.close = cents(close);
        b.high = std::max({cents(std::max(open, close) * (1 + 0.01 * std::abs(rng.normal()))), b.open, b.close});
        b.low = std::min({cents(std::min(open, close) * (1 - 0.01 * std::abs(rng.normal()))), b.open, b.close});
        b.volume = 1e7;
        p = std::clamp(close, 50.0, 200.0);
      }
      engine.advance_to(slot + base::seconds(5));
      for (const auto s : {kA, kB}) engine.on_bar_open(s, bars[s.value]);
      engine.advance_to(slot + base::minutes(5) - base::milliseconds(1));
      for (const auto s : {kA, kB}) engine.on_bar_path(s, bars[s.value]);
      while (const auto e = engine.pop_due(slot + base::minutes(5)))
        if (const auto* f = std::get_if<domain::Fill>(&e->event))
          liquidations += f->kind == domain::FillKind::Liquidation ? 1 : 0;
      ASSERT_FALSE(engine.account().equity().is_negative()) << seed << " bar " << i;
    }
  }
  EXPECT_GT(liquidations, 100);
}

TEST(VenueProperty, FillsAreAdverseInsideTheCapAndOnTheTick) {
  auto config = plain();
  config.slippage = SlippageModel::Pessimistic;
  Bench b(config);
  run(b, random_bars(3, 800), 3);
  ASSERT_GT(b.fills.size(), 50u);
  for (const auto& f : b.fills) {
    EXPECT_EQ(f.price.raw() % px(0.01).raw(), 0);
    const double moved = (f.price - f.reference_price).to_double() * domain::sign(f.side);
    EXPECT_GE(moved, 0);
    EXPECT_LE(moved, f.reference_price.to_double() * kSlippageCapBps / 1e4 + 0.01);
    if (!f.maker && f.kind == domain::FillKind::Normal) {
      EXPECT_GT(moved, 0);
    }
  }
}

TEST(VenueProperty, ABarNeverFillsMoreThanItsShare) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Bench b;
    const auto bars = random_bars(seed, 100);
    Trader trader(b, seed, 0);
    for (const auto& bar : bars) {
      const std::size_t before = b.fills.size();
      b.open(bar);
      trader.act(bar.open);
      b.path(bar);
      double traded = 0;
      for (std::size_t i = before; i < b.fills.size(); ++i) traded += b.fills[i].quantity.to_double();
      EXPECT_LE(traded, bar.volume * 0.1 + 1e-9);
      trader.act(bar.close);
    }
  }
}

TEST(VenueProperty, SameSeedSameBytes) {
  auto config = plain();
  config.slippage = SlippageModel::Realistic;
  config.submit_failure_rate = 0.05;
  Bench a(config, 1), b(config, 1), c(config, 2);
  const auto bars = random_bars(4, 200);
  run(a, bars, 4);
  run(b, bars, 4);
  run(c, bars, 4);
  EXPECT_EQ(transcript(a), transcript(b));
  EXPECT_NE(transcript(a), transcript(c));
}

TEST(VenueProperty, LaterBarsChangeNothingEarlier) {
  auto config = plain();
  config.slippage = SlippageModel::Realistic;
  const auto bars = random_bars(6, 120);
  for (const std::size_t cut : {10u, 55u, 100u}) {
    auto other = random_bars(77, 120);
    std::copy_n(bars.begin(), cut, other.begin());
    Bench a(config), b(config);
    run(a, bars, 6);
    run(b, other, 6);
    const base::Timestamp until = kStart + base::minutes(5) * static_cast<std::int64_t>(cut);
    std::vector<TimedEvent> first_a, first_b;
    for (const auto& e : a.all)
      if (e.due <= until) first_a.push_back(e);
    for (const auto& e : b.all)
      if (e.due <= until) first_b.push_back(e);
    EXPECT_FALSE(first_a.empty());
    EXPECT_EQ(base::to_bytes(first_a), base::to_bytes(first_b));
  }
}

TEST(VenueProperty, SnapshotContinuesAsIfNothingHappened) {
  auto config = plain();
  config.slippage = SlippageModel::Realistic;
  config.submit_failure_rate = 0.02;
  const auto bars = random_bars(8, 160);
  Bench whole(config), resumed(config);
  Trader t1(whole, 8, 0), t2(resumed, 8, 0);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    for (const bool second : {false, true}) {
      Bench& b = second ? resumed : whole;
      Trader& t = second ? t2 : t1;
      b.open(bars[i]);
      t.act(bars[i].open);
      if (second) {  // save, forget, load: with orders open, commands under way and answers queued
        b.engine().cancel({domain::ClientOrderId{1}, kA});
        whole.engine().cancel({domain::ClientOrderId{1}, kA});
        const base::Bytes saved = base::to_bytes(b.engine());
        MatchingEngine fresh(b.table(), config, base::Rng(7));
        ASSERT_TRUE(base::from_bytes(saved, fresh));
        ASSERT_EQ(base::to_bytes(fresh), saved);
        b.engine() = fresh;
      }
    }
    whole.path(bars[i]);
    resumed.path(bars[i]);
    t1.act(bars[i].close);
    t2.act(bars[i].close);
  }
  EXPECT_GE(whole.fills.size(), 10u);
  EXPECT_EQ(transcript(whole), transcript(resumed));
}

TEST(VenueProperty, IdleSymbolsMayBeSkipped) {
  Bench shown, skipped;
  const auto bars = random_bars(12, 100);
  base::Rng rng(12);
  for (const auto& bar : bars) {
    const bool enter = rng.below(5) == 0, leave = rng.below(3) == 0;
    for (Bench* b : {&shown, &skipped}) {
      const bool flat = b->engine().idle(kA);
      if (flat && enter) b->send(market(Side::Buy, 5));
      if (!flat && leave && b->holding().quantity.is_positive()) b->send(market(Side::Sell, 5, true));
      if (b == &shown || !b->engine().idle(kA)) {
        b->show(bar);
      } else {
        b->skip();
      }
    }
  }
  EXPECT_GT(shown.fills.size(), 10u);
  EXPECT_EQ(transcript(shown), transcript(skipped));
}

TEST(VenueProperty, AnotherSymbolsOrdersChangeNoFillOfThisOne) {
  auto config = plain();
  config.slippage = SlippageModel::Realistic;
  Bench alone(config), together(config);
  const Ohlc bar{100, 101, 99, 100, 1'000};
  auto o = market(Side::Buy, 5);
  o.id = domain::ClientOrderId::make({10}, 0);
  auto other = market(Side::Buy, 5, false, kB);
  other.id = domain::ClientOrderId::make({9}, 0);
  alone.engine().submit(o);
  together.engine().submit(other);
  together.engine().submit(o);
  alone.open(bar);
  together.open(bar, kB);
  together.open(bar, kA);
  ASSERT_EQ(together.fills.size(), 2u);
  EXPECT_EQ(alone.fills.at(0).price, together.fills.at(1).price);
}

}  // namespace
}  // namespace qtrader::simvenue::testing
