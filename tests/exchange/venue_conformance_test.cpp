// One suite for every Venue with an order book: the same script in process and over TLS must be answered alike, and
// alike means what the Venue port promises.
#include <algorithm>
#include <map>
#include <set>

#include "core/base/rng.hpp"
#include "tests/exchange/rigs.hpp"

namespace qtrader::wire {
namespace {

using domain::ClientOrderId;
using domain::Fill;
using domain::Order;
using domain::OrderPurpose;
using domain::OrderReport;
using domain::OrderStatus;
using domain::OrderType;
using domain::TimeInForce;

ClientOrderId id(std::uint64_t trade, std::uint8_t leg = 1) { return ClientOrderId::make({trade}, leg); }

Order market(ClientOrderId order, Side side, double quantity, bool reduce = false) {
  Order o;
  o.id = order;
  o.trade = order.trade();
  o.symbol = kBtc;
  o.side = side;
  o.quantity = qty(quantity);
  o.reduce_only = reduce;
  o.purpose = reduce ? OrderPurpose::Exit : OrderPurpose::Entry;
  return o;
}
Order limit(ClientOrderId order, Side side, double quantity, double price, TimeInForce tif = TimeInForce::Gtc) {
  Order o = market(order, side, quantity);
  o.type = OrderType::Limit;
  o.limit_price = px(price);
  o.time_in_force = tif;
  return o;
}
Order stop(ClientOrderId order, Side side, double quantity, double trigger, OrderType type = OrderType::StopMarket) {
  Order o = market(order, side, quantity, true);
  o.type = type;
  o.purpose = type == OrderType::StopMarket ? OrderPurpose::ProtectiveStop : OrderPurpose::TakeProfit;
  o.trigger_price = px(trigger);
  return o;
}

/// A falling and rising book, mark beside it, one tick a second.
std::vector<matching::MarketTick> script(std::size_t steps) {
  std::vector<matching::MarketTick> out;
  base::Rng rng = base::Rng(11).fork("conformance");
  double price = 50'000;
  base::Timestamp at = kStart;
  for (std::size_t i = 0; i < steps; ++i) {
    price += (static_cast<double>(rng.below(201)) - 100) * 0.5;
    price = std::round(price * 10) / 10;
    out.push_back(book_at(kBtc, price, 0.1, 0.5, at));
    out.push_back(
        matching::MarkTick{kBtc, px(price), px(price), Ratio::from_double(0.0001), kStart + base::hours(8), at});
    out.push_back(matching::TradeTick{kBtc, px(price), qty(0.2), i % 2 == 0 ? Side::Buy : Side::Sell, at});
    at = at + base::seconds(1);
  }
  return out;
}

/// A quiet book at 50 000.0 / 50 000.1, then wherever the test goes.
std::vector<matching::MarketTick> quiet(std::vector<double> bids = {}) {
  std::vector<matching::MarketTick> out;
  bids.insert(bids.begin(), 50'000.0);
  base::Timestamp at = kStart;
  for (const double bid : bids) {
    out.push_back(book_at(kBtc, bid, 0.1, 0.5, at));
    out.push_back(matching::MarkTick{kBtc, px(bid), px(bid), {}, kStart + base::hours(8), at});
    out.push_back(matching::TradeTick{kBtc, px(bid), qty(0.001), Side::Sell, at});
    at = at + base::seconds(1);
  }
  return out;
}

template <class T>
std::vector<T> all(const Rig& rig) {
  std::vector<T> out;
  for (const auto& e : rig.events())
    if (const auto* t = std::get_if<T>(&e)) out.push_back(*t);
  return out;
}
std::vector<OrderReport> reports(const Rig& rig, ClientOrderId order) {
  std::vector<OrderReport> out;
  for (const auto& r : all<OrderReport>(rig))
    if (r.order == order) out.push_back(r);
  return out;
}
std::size_t first_answers(const std::vector<OrderReport>& reports) {
  return static_cast<std::size_t>(std::count_if(reports.begin(), reports.end(), [](const OrderReport& r) {
    return r.status == OrderStatus::New || r.status == OrderStatus::Rejected;
  }));
}

class VenueConformance : public ::testing::TestWithParam<bool> {
 protected:
  void open(std::vector<matching::MarketTick> ticks) {
    if (GetParam()) {
      rig_ = std::make_unique<WireRig>(std::move(ticks));
    } else {
      rig_ = std::make_unique<InProcessRig>(std::move(ticks));
    }
    rig_->play_until(kStart);
  }
  void submit(const Order& order, double price = 50'000) {
    ASSERT_TRUE(rig_->venue().submit(approver_.approve(order, price)).ok());
    rig_->settle();
  }
  OrderStatus last_status(ClientOrderId order) {
    const auto r = reports(*rig_, order);
    return r.empty() ? OrderStatus::Rejected : r.back().status;
  }

  Approver approver_{contracts()};
  std::unique_ptr<Rig> rig_;
};

TEST_P(VenueConformance, AMarketOrderWalksTheBookAndEveryFillIsReportedOnce) {
  open(quiet());
  submit(market(id(1), Side::Buy, 1.2));
  const auto fills = all<Fill>(*rig_);
  ASSERT_EQ(fills.size(), 3u);
  EXPECT_EQ(fills[0].price, px(50'000.1));
  EXPECT_EQ(fills[2].price, px(50'000.3));
  EXPECT_EQ(fills[2].quantity, qty(0.2));
  std::set<std::uint64_t> trades;
  for (const auto& f : fills) {
    trades.insert(f.venue_trade_id);
    EXPECT_FALSE(f.maker);
    EXPECT_TRUE(f.fee.is_positive());
  }
  EXPECT_EQ(trades.size(), 3u);
  const auto r = reports(*rig_, id(1));
  EXPECT_EQ(first_answers(r), 1u);
  EXPECT_EQ(r.front().status, OrderStatus::New);
  EXPECT_EQ(r.back().status, OrderStatus::Filled);
  EXPECT_EQ(r.back().filled, qty(1.2));
}

TEST_P(VenueConformance, ALimitRestsFillsAsMakerAndACancelEndsTheRest) {
  open(quiet({49'990.0, 49'980.0}));
  submit(limit(id(1), Side::Buy, 0.8, 49'995.0));
  EXPECT_EQ(last_status(id(1)), OrderStatus::New);
  rig_->play_until(kStart + base::seconds(1));
  const auto fills = all<Fill>(*rig_);
  ASSERT_FALSE(fills.empty());
  for (const auto& f : fills) {
    EXPECT_TRUE(f.maker);
    EXPECT_EQ(f.price, px(49'995.0));
  }
  submit(limit(id(2), Side::Buy, 0.1, 49'000.0), 49'990);
  ASSERT_TRUE(rig_->venue().cancel(id(2), kBtc).ok());
  rig_->settle();
  EXPECT_EQ(last_status(id(2)), OrderStatus::Canceled);
}

TEST_P(VenueConformance, WhatTheExchangeRefusesIsOneRejectionWithItsReason) {
  open(quiet());
  submit(limit(id(1), Side::Buy, 0.1, 50'010.0, TimeInForce::Gtx));
  submit(market(id(2), Side::Sell, 0.1, true));
  submit(stop(id(3), Side::Sell, 0.1, 50'500.0));
  submit(
      market(id(4), Side::Buy, 3.0));  // more margin than there is at the default leverage? 7 500 of 10 000: accepted
  const std::map<std::uint64_t, domain::VenueReason> expected = {{1, domain::VenueReason::PostOnlyWouldTake},
                                                                 {2, domain::VenueReason::ReduceOnlyRejected},
                                                                 {3, domain::VenueReason::WouldTrigger}};
  for (const auto& [trade, reason] : expected) {
    const auto r = reports(*rig_, id(trade));
    ASSERT_EQ(r.size(), 1u) << trade;
    EXPECT_EQ(r[0].status, OrderStatus::Rejected);
    EXPECT_EQ(r[0].reason, reason) << trade;
  }
}

TEST_P(VenueConformance, AStopWaitsTriggersOnMarkAndClosesUnderItsOwnId) {
  open(quiet({49'900.0, 49'500.0, 49'400.0}));
  submit(market(id(1), Side::Buy, 0.3));
  submit(stop(id(1, 2), Side::Sell, 0.3, 49'600.0));
  EXPECT_EQ(last_status(id(1, 2)), OrderStatus::New);
  rig_->play_until(kStart + base::seconds(1));
  EXPECT_EQ(last_status(id(1, 2)), OrderStatus::New);
  rig_->play_until(kStart + base::seconds(4));
  EXPECT_EQ(last_status(id(1, 2)), OrderStatus::Filled);
  Quantity closed;
  for (const auto& f : all<Fill>(*rig_))
    if (f.order == id(1, 2)) closed = closed + f.quantity;
  EXPECT_EQ(closed, qty(0.3));
}

TEST_P(VenueConformance, ACancelledStopIsGoneAndASecondCancelSaysUnknown) {
  open(quiet({49'900.0}));
  submit(market(id(1), Side::Buy, 0.3));
  submit(stop(id(1, 2), Side::Sell, 0.3, 49'600.0));
  ASSERT_TRUE(rig_->venue().cancel(id(1, 2), kBtc).ok());
  rig_->settle();
  EXPECT_EQ(last_status(id(1, 2)), OrderStatus::Canceled);
  ASSERT_TRUE(rig_->venue().cancel(id(9, 9), kBtc).ok());
  rig_->settle();
  const auto r = reports(*rig_, id(9, 9));
  ASSERT_EQ(r.size(), 1u);
  EXPECT_EQ(r[0].reason, domain::VenueReason::UnknownOrder);
}

TEST_P(VenueConformance, LeverageIsSetAndReadBack) {
  open(quiet());
  ASSERT_TRUE(rig_->venue().set_leverage(kBtc, domain::Leverage{7}, domain::MarginMode::Isolated).ok());
  rig_->settle();
  const auto set = all<domain::LeverageSet>(*rig_);
  ASSERT_EQ(set.size(), 1u);
  EXPECT_TRUE(set[0].accepted);
  EXPECT_EQ(set[0].leverage, domain::Leverage{7});
  EXPECT_EQ(set[0].mode, domain::MarginMode::Isolated);
}

TEST_P(VenueConformance, ASnapshotShowsPositionsAndOrdersUnderOurIds) {
  open(quiet());
  submit(market(id(1), Side::Buy, 0.3));
  submit(stop(id(1, 2), Side::Sell, 0.3, 49'600.0));
  submit(limit(id(2), Side::Buy, 0.1, 49'000.0));
  const std::size_t before = all<domain::AccountSnapshot>(*rig_).size();
  ASSERT_TRUE(rig_->venue().request_snapshot().ok());
  rig_->settle();
  const auto snapshots = all<domain::AccountSnapshot>(*rig_);
  ASSERT_GT(snapshots.size(), before);
  const auto& s = snapshots.back();
  ASSERT_EQ(s.positions.size(), 1u);
  EXPECT_EQ(s.positions[0].quantity, qty(0.3));
  EXPECT_EQ(s.positions[0].entry_price, px(50'000.1));
  ASSERT_EQ(s.orders.size(), 2u);
  for (const auto& o : s.orders) {
    EXPECT_EQ(o.conditional, o.order == id(1, 2));
    EXPECT_TRUE(o.order == id(1, 2) || o.order == id(2));
  }
  EXPECT_LT(s.wallet, usd(10'000));  // the entry's fee
}

TEST_P(VenueConformance, AQueryTellsWhatBecameOfAnOrderAndOfOneNobodySaw) {
  open(quiet());
  submit(market(id(1), Side::Buy, 0.3));
  ASSERT_TRUE(rig_->venue().query(id(1), kBtc).ok());
  ASSERT_TRUE(rig_->venue().query(id(5), kBtc).ok());
  rig_->settle();
  EXPECT_EQ(last_status(id(1)), OrderStatus::Filled);
  const auto unknown = reports(*rig_, id(5));
  ASSERT_EQ(unknown.size(), 1u);
  EXPECT_EQ(unknown[0].status, OrderStatus::Rejected);
  EXPECT_EQ(unknown[0].reason, domain::VenueReason::UnknownOrder);
}

TEST_P(VenueConformance, ASettlementIsPaidOnce) {
  auto ticks = quiet();
  ticks.push_back(matching::FundingTick{kBtc, Ratio::from_double(0.0001), kStart + base::hours(8)});
  open(std::move(ticks));
  submit(market(id(1), Side::Buy, 0.4));
  rig_->play_until(kStart + base::hours(8));
  const auto paid = all<domain::FundingPayment>(*rig_);
  ASSERT_EQ(paid.size(), 1u);
  EXPECT_EQ(paid[0].amount, usd(-2));  // 0.4 · 50 000 · 0.0001
}

INSTANTIATE_TEST_SUITE_P(Doors, VenueConformance, ::testing::Values(false, true),
                         [](const auto& door) { return door.param ? "ServerOverTls" : "InProcess"; });

/// Random orders against a moving book, the same on both doors.
void trade_at_random(Rig& rig, Approver& approver, std::size_t steps) {
  base::Rng rng = base::Rng(3).fork("orders");
  std::vector<ClientOrderId> working;
  for (std::size_t step = 0; step < steps; ++step) {
    rig.play_until(kStart + base::seconds(static_cast<std::int64_t>(step)));
    const ClientOrderId order = id(step + 1);
    const auto side = rng.below(2) == 0 ? Side::Buy : Side::Sell;
    const double quantity = 0.01 * static_cast<double>(1 + rng.below(20));
    const double price = 49'000 + static_cast<double>(rng.below(20'000)) * 0.1;
    switch (rng.below(5)) {
      case 0:
        (void)rig.venue().submit(approver.approve(market(order, side, quantity), 50'000)).ok();
        break;
      case 1:
        (void)rig.venue().submit(approver.approve(limit(order, side, quantity, price), 50'000)).ok();
        working.push_back(order);
        break;
      case 2:
        (void)rig.venue().submit(approver.approve(stop(order, side, quantity, price), 50'000)).ok();
        working.push_back(order);
        break;
      case 3:
        (void)rig.venue().submit(approver.approve(market(order, side, quantity, true), 50'000)).ok();
        break;
      default:
        if (!working.empty()) (void)rig.venue().cancel(working[rng.below(working.size())], kBtc).ok();
    }
    rig.settle();
  }
}

std::string line(const Fill& f) {
  return std::to_string(f.order.value) + (f.side == Side::Buy ? " buy " : " sell ") + f.quantity.to_string() + " at " +
         f.price.to_string() + " fee " + f.fee.to_string() + (f.maker ? " maker" : " taker") + " at " +
         std::to_string(f.ts_event.unix_ms());
}

TEST(VenueConformanceAcross, TheSameOrdersGetTheSameFillsInProcessAndOverTls) {
  constexpr std::size_t kSteps = 150;
  Approver approver(contracts());
  InProcessRig local(script(kSteps));
  WireRig wire(script(kSteps));
  trade_at_random(local, approver, kSteps);
  trade_at_random(wire, approver, kSteps);
  std::vector<std::string> a, b;
  for (const auto& f : all<Fill>(local)) a.push_back(line(f));
  for (const auto& f : all<Fill>(wire)) b.push_back(line(f));
  EXPECT_GT(a.size(), 50u);
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) ASSERT_EQ(a[i], b[i]) << "fill " << i;
  EXPECT_EQ(a.size(), b.size());
  std::map<std::uint64_t, OrderStatus> final_a, final_b;
  // What a second cancel of an ended order is answered with is either UnknownOrder or the end once more.
  for (const auto& r : all<OrderReport>(local))
    if (r.reason != domain::VenueReason::UnknownOrder) final_a[r.order.value] = r.status;
  for (const auto& r : all<OrderReport>(wire))
    if (r.reason != domain::VenueReason::UnknownOrder) final_b[r.order.value] = r.status;
  EXPECT_EQ(final_a, final_b);
}

}  // namespace
}  // namespace qtrader::wire
