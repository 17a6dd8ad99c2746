// Planning on the book, and the entries that follow a plan through fills, timeouts, reprices and slots.
#include "core/execution/aelm.hpp"

#include <gtest/gtest.h>

#include "core/base/rng.hpp"
#include "core/execution/execution_fixture.hpp"

namespace qtrader::execution {
namespace {

using domain::OrderStatus;
using domain::OrderType;
using domain::PlanKind;
using domain::Side;

domain::BookDepth book(std::vector<std::pair<double, double>> asks,
                       std::vector<std::pair<double, double>> bids = {{99.9, 1'000}}) {
  domain::BookDepth b;
  for (const auto& [p, q] : asks) b.asks.push_back({price(p), qty(q)});
  for (const auto& [p, q] : bids) b.bids.push_back({price(p), qty(q)});
  return b;
}

struct PlanTest : ::testing::Test {
  std::variant<ExecutionPlan, PlanVeto> ask(const domain::BookDepth& b, double quantity,
                                            Urgency urgency = Urgency::Medium, double target = 0.06) const {
    return plan_execution({Side::Buy, qty(quantity), urgency, b, instrument, 0.01, edge, target}, config);
  }
  ExecutionPlan plan(const domain::BookDepth& b, double quantity, Urgency urgency = Urgency::Medium) const {
    const auto answer = ask(b, quantity, urgency);
    const auto* p = std::get_if<ExecutionPlan>(&answer);
    EXPECT_NE(p, nullptr) << std::get<PlanVeto>(answer).rule;
    return p == nullptr ? ExecutionPlan{} : *p;
  }
  std::string veto(const domain::BookDepth& b, double quantity, double target = 0.06) const {
    const auto answer = ask(b, quantity, Urgency::Medium, target);
    return std::holds_alternative<PlanVeto>(answer) ? std::get<PlanVeto>(answer).rule : "";
  }
  domain::Instrument instrument = test_instrument("BTCUSDT");
  AelmConfig config;
  double edge = 0;
};

TEST_F(PlanTest, ImpactIsTheVolumeWeightedDistanceFromTheTouch) {
  const auto b = book({{100, 1}, {100.2, 3}});
  const BookWalk w = walk(b, Side::Buy, qty(4));
  EXPECT_EQ(w.available, qty(4));
  EXPECT_NEAR(w.impact_bps, 15, 1e-9);
  EXPECT_EQ(walk(b, Side::Buy, qty(9)).available, qty(4)) << "nothing is assumed beyond the book";
  EXPECT_EQ(depth_within(b, Side::Buy, 15), qty(4));
  EXPECT_NEAR(depth_within(b, Side::Buy, 10).to_double(), 2, 1e-6) << "one at 0, one at 20 bps";
  EXPECT_EQ(depth_within(b, Side::Buy, 0), qty(1));
}

TEST_F(PlanTest, TheKindFollowsTheImpact) {
  EXPECT_EQ(plan(book({{100, 100}}), 10).kind, PlanKind::Market);
  EXPECT_EQ(plan(book({{100, 1}, {100.3, 100}}), 10).kind, PlanKind::Limit);  // 27 bps
  const auto twap = plan(book({{100, 2}, {101.5, 100}}), 10);                 // 120 bps
  EXPECT_EQ(twap.kind, PlanKind::Twap);
  EXPECT_EQ(twap.slices, 10);
  EXPECT_EQ(twap.slice, qty(1));
  EXPECT_EQ(plan(book({{100, 2}, {104, 100}}), 10).kind, PlanKind::Iceberg);  // 320 bps
  config.max_slippage_bps = 8;
  EXPECT_EQ(plan(book({{100, 1}, {100.3, 100}}), 10).kind, PlanKind::Iceberg) << "a tight cap hides the order";
}

TEST_F(PlanTest, BeyondTheBookItSlicesOrShrinks) {
  const auto sliced = plan(book({{100, 5}}), 10);
  EXPECT_EQ(sliced.kind, PlanKind::Twap);
  EXPECT_EQ(sliced.quantity, qty(10));
  const auto shrunk = plan(book({{100, 0.5}}), 10);
  EXPECT_EQ(shrunk.slice, qty(0.5));
  EXPECT_EQ(shrunk.quantity, qty(5));
  EXPECT_EQ(veto(book({{100, 0.01}}), 10), "depth");
}

TEST_F(PlanTest, ExitsTakeTheMarketWhateverItCosts) {
  const auto p = plan(book({{100, 1}, {110, 1}}, {{90, 1}}), 50, Urgency::High);
  EXPECT_EQ(p.kind, PlanKind::Market);
  EXPECT_EQ(p.quantity, qty(50));
}

TEST_F(PlanTest, WideSpreadsAndTargetsNotWorthTheCostAreVetoed) {
  EXPECT_EQ(veto(book({{100.4, 100}}, {{99.9, 100}}), 1), "spread");
  // One way: spread/2 5 + fee 4 + base 2 + volatility 0.5 bps; three round trips are 69.
  EXPECT_EQ(veto(book({{100, 100}}), 1, 0.0068), "edge_below_cost");
  EXPECT_EQ(veto(book({{100, 100}}), 1, 0.0070), "");
  const auto p = plan(book({{100, 100}}), 1);
  EXPECT_NEAR(p.expected_cost_bps, 11.5, 0.01);
}

TEST_F(PlanTest, PassivePricesJoinOrImproveByATick) {
  EXPECT_EQ(passive_price(book({{100, 1}}), Side::Buy, instrument), price(99.9));
  EXPECT_EQ(passive_price(book({{100.2, 1}}), Side::Buy, instrument), price(100));
  EXPECT_EQ(passive_price(book({{100.2, 1}}), Side::Sell, instrument), price(100.1));
  EXPECT_EQ(capped_price(book({{100, 1}}), Side::Buy, 15, instrument), price(100.1));
}

TEST_F(PlanTest, PostOnlyWhereTheBookWouldNotFillATaker) {
  edge = 0.01;
  EXPECT_TRUE(plan(book({{100, 1}, {100.3, 100}}), 10).post_only);
  edge = 0.0001;
  EXPECT_FALSE(plan(book({{100, 1}, {100.3, 100}}), 10).post_only) << "an edge below the maker's fee";
}

TEST(AelmProperty, DepthWithinTheCapNeverCostsMoreThanTheCap) {
  base::Rng rng(5);
  for (int i = 0; i < 3'000; ++i) {
    std::vector<std::pair<double, double>> asks;
    double p = 100;
    for (std::uint64_t n = 1 + rng.below(20); n > 0; --n) {
      asks.emplace_back(p, 0.1 + rng.uniform() * 5);
      p += 0.1 * static_cast<double>(1 + rng.below(5));
    }
    const auto b = book(asks);
    const double cap = rng.uniform(1, 60);
    const domain::Quantity most = depth_within(b, Side::Buy, cap);
    ASSERT_LE(walk(b, Side::Buy, most).impact_bps, cap + 1e-4);
    ASSERT_EQ(walk(b, Side::Buy, most).available, most);
  }
}

struct ParentTest : ::testing::Test {
  void SetUp() override { w.warm_up(); }
  void depth(std::vector<std::pair<double, double>> asks,
             std::vector<std::pair<double, double>> bids = {{99.9, 1'000}}) {
    auto b = book(std::move(asks), std::move(bids));
    b.symbol = kSymbol;
    b.ts_event = w.now;
    ASSERT_TRUE(w.market.on(b));
  }
  void start() {
    ASSERT_EQ(w.open(w.plan()), std::nullopt);
    w.take_orders();
    w.confirm_leverage();
  }
  domain::ExecutionReport report() const {
    const auto all = w.audited<domain::ExecutionReport>();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? domain::ExecutionReport{} : all.back();
  }
  /// The only order among those sent that enters.
  domain::Order child() {
    domain::Order out;
    int entries = 0;
    for (const auto& o : w.take_orders()) {
      if (o.purpose == domain::OrderPurpose::Entry) {
        out = o;
        ++entries;
      } else {
        w.accept(o);
      }
    }
    EXPECT_EQ(entries, 1);
    return out;
  }
  World w;
};

TEST_F(ParentTest, ADeepBookIsOneMarketOrderAndItsCostIsReported) {
  depth({{100, 1'000}});
  start();
  const auto entry = w.take_order();
  EXPECT_EQ(entry.type, OrderType::Market);
  EXPECT_EQ(entry.quantity, qty(10));
  w.advance(500);
  w.fill_all(entry, 100.1);
  const auto r = report();
  EXPECT_EQ(r.plan, PlanKind::Market);
  EXPECT_EQ(r.filled, qty(10));
  EXPECT_NEAR(r.realised_slippage_bps, 10, 1e-6);
  EXPECT_EQ(r.latency_ns, 500'000'000);
  EXPECT_EQ(r.fee, usd(0.4004));
  EXPECT_TRUE(r.predicted);
}

TEST_F(ParentTest, AStaleBookRefuses) {
  depth({{100, 1'000}});
  w.advance(2'500);
  start();
  EXPECT_TRUE(w.take_orders().empty());
  EXPECT_EQ(w.audited<domain::OrderRefused>().back().rule, "book_stale");
  w.expect_clean();
}

TEST_F(ParentTest, ALimitIsRepricedThenCrossesWithinTheCap) {
  depth({{100, 1}, {100.3, 100}});
  start();
  domain::Order o = w.take_order();
  EXPECT_EQ(o.type, OrderType::Limit);
  EXPECT_EQ(o.limit_price, price(99.9));
  for (int reprice = 0; reprice < 3; ++reprice) {
    w.accept(o);
    w.advance(30'000);
    EXPECT_EQ(w.take_cancels(), std::vector<domain::ClientOrderId>{o.id});
    depth({{100.1, 1}, {100.4, 100}}, {{100, 5}});
    w.report(o, OrderStatus::Canceled, domain::VenueReason::UserRequest);
    o = child();
    EXPECT_EQ(o.limit_price, price(100));
    EXPECT_NE(o.time_in_force, domain::TimeInForce::Ioc);
  }
  w.accept(o);
  w.fill(o, 100, 4);
  const auto stop = w.take_order();
  EXPECT_EQ(stop.type, OrderType::StopMarket) << "protected at each fill";
  EXPECT_EQ(stop.quantity, qty(4));
  w.accept(stop);
  w.advance(30'000);
  w.take_orders();
  w.cancels.clear();
  depth({{100.1, 1}, {100.4, 100}}, {{100, 5}});
  w.report(o, OrderStatus::Canceled, domain::VenueReason::UserRequest, qty(4));
  o = child();
  EXPECT_EQ(o.time_in_force, domain::TimeInForce::Ioc);
  EXPECT_LE(o.limit_price, price(100.25));
  EXPECT_LT(o.quantity, qty(6)) << "as far as the book gives it within the cap";
  w.fill(o, 100.1, 1);
  w.report(o, OrderStatus::Expired, domain::VenueReason::NoLiquidity, qty(1));
  const auto resized = w.take_order();
  EXPECT_EQ(resized.quantity, qty(5));
  w.accept(resized);
  EXPECT_EQ(w.state(), domain::TradeState::Protected);
  const auto r = report();
  EXPECT_EQ(r.plan, PlanKind::Limit);
  EXPECT_EQ(r.reprices, 3);
  EXPECT_EQ(r.slices, 5);
  EXPECT_EQ(r.filled, qty(5));
}

TEST_F(ParentTest, ALimitNobodyFillsFailsTheTradeWithoutABook) {
  depth({{100, 1}, {100.3, 100}});
  start();
  const auto o = w.take_order();
  w.accept(o);
  w.advance(30'000);
  EXPECT_EQ(w.take_cancels().size(), 1u);
  w.report(o, OrderStatus::Canceled, domain::VenueReason::UserRequest);
  EXPECT_TRUE(w.take_orders().empty()) << "the book is 30 s old";
  w.expect_clean();
  EXPECT_EQ(report().filled, qty(0));
}

TEST_F(ParentTest, TwapSlicesAreSpacedProtectedAndSumToThePlan) {
  depth({{100, 2}, {101.5, 100}});
  start();
  int slices = 0;
  const base::Timestamp begun = w.now;
  for (int second = 0; second < 400 && w.state() != domain::TradeState::Protected; ++second) {
    for (const auto& o : w.take_orders()) {
      w.accept(o);
      if (o.purpose != domain::OrderPurpose::Entry) continue;
      EXPECT_EQ(o.quantity, qty(1));
      ++slices;
      w.fill_all(o, 100);
    }
    const auto held = w.ledger.position(kSymbol).quantity;
    const Trade& t = *w.manager.trade(kSymbol);
    const OrderRecord* stop = t.find(t.pending_stop.value != 0 ? t.pending_stop : t.stop);
    ASSERT_NE(stop, nullptr);
    EXPECT_TRUE(stop->open() >= held || !w.commands.empty());
    w.advance(1'000);
    depth({{100, 2}, {101.5, 100}});
  }
  EXPECT_EQ(slices, 10);
  EXPECT_EQ(w.ledger.position(kSymbol).quantity, qty(10));
  const double took = (w.now - begun).seconds();
  EXPECT_GT(took, 9 * 30 * 0.8);
  EXPECT_LT(took, 9 * 30 * 1.2 + 12);
  EXPECT_EQ(report().plan, PlanKind::Twap);
  EXPECT_EQ(report().slices, 10);
  EXPECT_EQ(w.trades.find({1})->initial_stop, price(98)) << "risk is frozen when the whole is in";
}

TEST_F(ParentTest, AStopHitBetweenSlicesEndsTheEntry) {
  depth({{100, 2}, {101.5, 100}});
  start();
  const auto first = w.take_order();
  w.fill_all(first, 100);
  const auto stop = w.take_order();
  w.accept(stop);
  w.fill_all(stop, 98);
  w.advance(60'000);
  EXPECT_TRUE(w.take_orders().empty()) << "no more slices";
  w.expect_clean();
}

TEST_F(ParentTest, AClosedGateSendsNoFurtherSlice) {
  depth({{100, 2}, {101.5, 100}});
  start();
  w.fill_all(w.take_order(), 100);
  w.accept(w.take_order());
  w.gate.kill("test");
  for (int i = 0; i < 60; ++i) {
    w.advance(1'000);
    depth({{100, 2}, {101.5, 100}});
  }
  for (const auto& o : w.take_orders()) EXPECT_NE(o.purpose, domain::OrderPurpose::Entry);
  EXPECT_EQ(w.state(), domain::TradeState::Protected) << "what has filled is the trade";
  EXPECT_EQ(w.ledger.position(kSymbol).quantity, qty(1));
}

TEST_F(ParentTest, AnIcebergShowsATenthAtATime) {
  depth({{100, 2}, {104, 100}});
  start();
  for (int i = 0; i < 10; ++i) {
    const auto o = i == 0 ? w.take_order() : child();
    EXPECT_EQ(o.type, OrderType::Limit);
    EXPECT_EQ(o.quantity, qty(1));
    w.accept(o);
    w.fill_all(o, 99.9);
  }
  const auto orders = w.take_orders();
  for (const auto& o : orders) EXPECT_NE(o.purpose, domain::OrderPurpose::Entry);
  EXPECT_EQ(w.ledger.position(kSymbol).quantity, qty(10));
}

TEST_F(ParentTest, ASnapshotInTheMiddleRestoresThePlan) {
  depth({{100, 2}, {101.5, 100}});
  start();
  w.fill_all(w.take_order(), 100);
  w.accept(w.take_order());
  const base::Bytes bytes = base::to_bytes(w);
  World copy;
  ASSERT_TRUE(base::from_bytes(bytes, copy));
  for (World* x : {&w, &copy}) {
    x->advance(20'000);
    auto b = book({{100, 2}, {101.5, 100}});
    b.symbol = kSymbol;
    for (int i = 0; i < 25; ++i) {
      x->advance(1'000);
      b.ts_event = x->now;
      x->market.on(b);
    }
  }
  EXPECT_EQ(base::to_bytes(w), base::to_bytes(copy));
  EXPECT_EQ(child().id, copy.take_order().id);
}

}  // namespace
}  // namespace qtrader::execution
