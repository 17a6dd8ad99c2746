// The door: approved orders only, and an account that agrees with the core's ledger without sharing a line with it.
#include "edge/simvenue/sim_venue.hpp"

#include <gtest/gtest.h>

#include "core/base/archive.hpp"
#include "core/risk/gate.hpp"
#include "edge/simvenue/venue_fixture.hpp"

namespace qtrader::simvenue::testing {
namespace {

using domain::Leverage;
using domain::MarginMode;

static_assert(!std::is_invocable_v<decltype(&SimVenue::submit), SimVenue&, const domain::Order&>,
              "an order without approval does not compile");

class SimVenueTest : public ::testing::Test {
 protected:
  SimVenueTest() {
    ledger_.deposit(usd(10'000));
    venue_.advance_to(kStart);
  }
  /// Takes all answers due and books them in the ledger.
  void hear(base::Timestamp now) {
    venue_.advance_to(now);
    while (const auto e = venue_.pop_due(now)) {
      if (const auto* f = std::get_if<domain::Fill>(&e->event)) {
        ledger_.apply(*f);
        kinds_.push_back(f->kind);
      }
      if (const auto* p = std::get_if<domain::FundingPayment>(&e->event)) ledger_.apply(*p);
      if (const auto* l = std::get_if<domain::LeverageSet>(&e->event)) ledger_.apply(*l);
    }
  }
  /// A reducing review approves a reduce-only order whether or not the ledger knows the position.
  void reduce(Side side, double quantity) {
    auto order = market(side, quantity, true);
    order.purpose = domain::OrderPurpose::Exit;
    order.id = domain::ClientOrderId::make({++trades_}, 1);
    const auto review = gate_.review_reducing(order);
    ASSERT_TRUE(std::holds_alternative<risk::Approval>(review));
    ASSERT_TRUE(venue_.submit(std::get<risk::Approval>(review).order));
  }
  void enter(Side side, double quantity, double price, base::Timestamp now) {
    domain::Bar last;
    last.timeframe = domain::Timeframe::M5;
    last.open_time = kStart - base::minutes(5);
    last.open = last.high = last.low = last.close = px(price);
    market_.on_bar(kA, last, audit_);
    ledger_.mark(kA, px(price));
    gate_.on_equity(ledger_.equity(), now);
    auto order = market(side, quantity);
    order.trade = {++trades_};
    order.id = domain::ClientOrderId::make(order.trade, 1);
    const double away = price * 0.02 * domain::sign(side);
    const auto review =
        gate_.review_entry(order, {px(price), px(price - away), Leverage{5}, Ratio::from_double(0.001)}, now);
    ASSERT_TRUE(std::holds_alternative<risk::Approval>(review)) << std::get<risk::Refusal>(review).rule;
    ASSERT_TRUE(venue_.submit(std::get<risk::Approval>(review).order));
  }
  domain::Bar bar(base::Timestamp at, const Ohlc& v) {
    domain::Bar b;
    b.open_time = at;
    b.timeframe = domain::Timeframe::M5;
    b.open = px(v.open);
    b.high = px(v.high);
    b.low = px(v.low);
    b.close = px(v.close);
    b.volume = v.volume;
    return b;
  }
  void compare() {
    EXPECT_EQ(venue_.wallet(), ledger_.balance(ledger::Account::Wallet));
    EXPECT_EQ(venue_.position(kA), ledger_.position(kA).quantity);
    EXPECT_EQ(venue_.equity(), ledger_.equity());
    EXPECT_NEAR(venue_.liquidation_price(kA).value_or(Price{}).to_double(), ledger_.liquidation_price(kA).to_double(),
                0.011);
  }

  class NoAudit final : public domain::AuditSink {
    void record(domain::AuditRecord) override {}
  };
  NoAudit audit_;
  domain::InstrumentTable table_ = domain::InstrumentTable::create({contract("AUSDT"), contract("BUSDT")}).value();
  SimVenueConfig config_ = [] {
    SimVenueConfig c;
    c.submit_failure_rate = 0;
    return c;
  }();
  SimVenue venue_{table_, config_, base::Rng(1)};
  ledger::Ledger ledger_{table_};
  market::MarketState market_{2, {}};
  risk::Gate gate_{{}, table_, ledger_, market_};
  std::vector<domain::FillKind> kinds_;
  std::uint64_t trades_ = 0;
};

TEST_F(SimVenueTest, AnApprovedTradeRunsAndTheBooksAgree) {
  ASSERT_TRUE(venue_.set_leverage(kA, Leverage{5}, MarginMode::Isolated));
  hear(kStart + base::milliseconds(200));
  enter(Side::Buy, 5, 100, kStart + base::milliseconds(200));
  auto b = bar(kStart, {100, 101, 99, 100.5});
  hear(kStart + base::seconds(5));
  venue_.on_bar_open(kA, b);
  hear(kStart + base::seconds(6));
  EXPECT_EQ(venue_.position(kA), qty(5));
  venue_.on_bar_path(kA, b);
  ledger_.mark(kA, b.close);
  compare();
  venue_.on_funding({kA, Ratio::from_double(0.0003), kStart + base::seconds(7), 8});
  hear(kStart + base::seconds(8));
  compare();
  reduce(Side::Sell, 2);
  const auto next = bar(kStart + base::minutes(5), {101, 102, 100, 101});
  hear(next.open_time + base::seconds(5));
  venue_.on_bar_open(kA, next);
  hear(next.open_time + base::seconds(6));
  venue_.on_bar_path(kA, next);
  ledger_.mark(kA, next.close);
  EXPECT_EQ(venue_.position(kA), qty(3));
  compare();
}

TEST_F(SimVenueTest, ALiquidationLeavesBothBooksEqual) {
  for (const auto mode : {MarginMode::Isolated, MarginMode::Cross}) {
    MatchingEngine engine(table_, config_, base::Rng(1));
    ledger::Ledger books(table_);
    books.deposit(usd(10'000));
    engine.set_leverage({kA, {50}, mode});
    auto order = market(Side::Buy, 1'000);
    order.id = {1};
    engine.submit(order);
    engine.advance_to(kStart + base::seconds(5));
    engine.on_bar_open(kA, bar(kStart, {100, 100, 100, 100}));
    engine.advance_to(kStart + base::minutes(4));
    engine.on_bar_path(kA, bar(kStart, {100, 100, 70, 75}));
    bool liquidated = false;
    while (const auto e = engine.pop_due(kStart + base::minutes(5))) {
      if (const auto* l = std::get_if<domain::LeverageSet>(&e->event)) books.apply(*l);
      if (const auto* f = std::get_if<domain::Fill>(&e->event)) {
        books.apply(*f);
        liquidated = liquidated || f->kind == domain::FillKind::Liquidation;
      }
    }
    EXPECT_TRUE(liquidated);
    EXPECT_EQ(engine.account().wallet(), books.balance(ledger::Account::Wallet));
    EXPECT_TRUE(books.balance(ledger::Account::InsuranceClearance).is_zero());
    EXPECT_FALSE(engine.account().wallet().is_negative());
  }
}

TEST_F(SimVenueTest, SnapshotRoundTrip) {
  enter(Side::Buy, 5, 100, kStart);
  const base::Bytes saved = base::to_bytes(venue_);
  SimVenue other(table_, config_, base::Rng(1));
  ASSERT_TRUE(base::from_bytes(saved, other));
  EXPECT_EQ(base::to_bytes(other), saved);
  EXPECT_FALSE(other.idle(kA));
  EXPECT_EQ(other.next_due(), venue_.next_due());
  for (std::size_t cut = 0; cut < saved.size(); cut += 7) {
    SimVenue broken(table_, config_, base::Rng(1));
    EXPECT_FALSE(base::from_bytes(base::ByteView(saved).first(cut), broken));
  }
}

}  // namespace
}  // namespace qtrader::simvenue::testing
