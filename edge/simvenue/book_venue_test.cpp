// BookVenue against the real exchange: one answer to every command, orders that keep their id whatever they become, and
// a ledger that agrees with the exchange's account.
#include "edge/simvenue/book_venue.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "core/base/rng.hpp"
#include "core/ledger/ledger.hpp"
#include "core/risk/gate.hpp"
#include "edge/simvenue/refusal_reason.hpp"
#include "edge/simvenue/venue_fixture.hpp"

namespace qtrader::simvenue::testing {
namespace {

using domain::ClientOrderId;
using domain::FillKind;
using domain::Leverage;
using domain::MarginMode;
using domain::Order;
using domain::TimeInForce;
using matching::BookLevel;

/// Approves any order: its ledger holds so much on the other side that everything reduces.
class YesGate {
 public:
  explicit YesGate(const domain::InstrumentTable& table)
      : market_(2, {domain::Timeframe::M5, domain::Timeframe::M15, false}), long_(table), short_(table) {
    for (const SymbolId s : {kA, kB}) {
      hold(long_, s, Side::Buy);
      hold(short_, s, Side::Sell);
    }
    gate_of_longs_ = std::make_unique<risk::Gate>(risk::Limits{}, table, long_, market_);
    gate_of_shorts_ = std::make_unique<risk::Gate>(risk::Limits{}, table, short_, market_);
  }
  risk::Approved<Order> approve(Order order) {
    order.purpose = domain::OrderPurpose::Exit;
    if (order.symbol.value > 1) order.symbol = kA;
    auto review = (order.side == Side::Sell ? gate_of_longs_ : gate_of_shorts_)->review_reducing(order);
    return std::get<risk::Approval>(std::move(review)).order;
  }

 private:
  static void hold(ledger::Ledger& ledger, SymbolId symbol, Side side) {
    domain::Fill f;
    f.symbol = symbol;
    f.side = side;
    f.price = px(1);
    f.quantity = qty(1'000'000);
    ledger.apply(f);
  }
  market::MarketState market_;
  ledger::Ledger long_, short_;
  std::unique_ptr<risk::Gate> gate_of_longs_, gate_of_shorts_;
};

class BookVenueTest : public ::testing::Test {
 protected:
  explicit BookVenueTest(BookVenueConfig config = {{'s', 7}, 50, true})
      : table_(domain::InstrumentTable::create({contract("AUSDT"), contract("BUSDT")}).value()),
        exchange_(matching::Exchange::create({}, table_, {{}, {}}).value()),
        account_(open(10'000)),
        venue_(*exchange_, account_, config),
        gate_(table_),
        ledger_(table_) {
    ledger_.deposit(usd(10'000));
    quote(100, kA);
    quote(100, kB);
    hear(1000);
    forget();
  }
  matching::AccountId open(double balance) {
    exchange_->advance_to(kStart);
    const auto id = exchange_->open_account({usd(balance), false, -1});
    exchange_->take_events();
    return id;
  }
  /// Mark at the price, ten levels a side, 0.1 apart, the touch 0.1 from the price.
  void quote(double price, SymbolId s = kA, double quantity = 50) {
    mark(price, s);
    book(price, s, quantity);
  }
  void mark(double price, SymbolId s = kA) {
    venue_.on(matching::MarkTick{s, px(price), px(price), Ratio::from_double(0.0001), now_ + base::hours(8), now_});
  }
  void book(double price, SymbolId s = kA, double quantity = 50) {
    matching::BookSnapshotTick t{s, {}, {}, now_};
    for (int i = 1; i <= 10; ++i) {
      t.bids.push_back({px(price - 0.1 * i), qty(quantity)});
      t.asks.push_back({px(price + 0.1 * i), qty(quantity)});
    }
    venue_.on(t);
  }
  void print(double price, double quantity, Side taker, SymbolId s = kA) {
    venue_.on(matching::TradeTick{s, px(price), qty(quantity), taker, now_});
  }
  ClientOrderId submit(Order order) {
    if (order.id.value == 0) order.id = ClientOrderId::make({++trades_}, 1);
    EXPECT_TRUE(venue_.submit(gate_.approve(order)));
    return order.id;
  }
  /// Submits and hears the answer.
  ClientOrderId send(Order order) {
    const ClientOrderId id = submit(order);
    hear(150);
    return id;
  }
  void hear(std::int64_t ms) {
    now_ = now_ + base::milliseconds(ms);
    venue_.advance_to(now_);
    while (auto e = venue_.pop_due(now_)) {
      EXPECT_LE(e->due, now_);
      EXPECT_GE(e->due, last_due_);
      last_due_ = e->due;
      if (const auto* f = std::get_if<domain::Fill>(&e->event)) ledger_.apply(*f), fills_.push_back(*f);
      if (const auto* r = std::get_if<domain::OrderReport>(&e->event)) reports_.push_back(*r);
      if (const auto* p = std::get_if<domain::FundingPayment>(&e->event)) ledger_.apply(*p), payments_.push_back(*p);
      if (const auto* l = std::get_if<domain::LeverageSet>(&e->event)) {
        if (l->accepted) ledger_.apply(*l);
        leverages_.push_back(*l);
      }
      if (const auto* s = std::get_if<domain::AccountSnapshot>(&e->event)) snapshots_.push_back(*s);
      all_.push_back(std::move(*e));
    }
  }
  void forget() { fills_.clear(), reports_.clear(), payments_.clear(), leverages_.clear(), all_.clear(); }
  std::vector<domain::OrderReport> of(ClientOrderId id) const {
    std::vector<domain::OrderReport> out;
    for (const auto& r : reports_)
      if (r.order == id) out.push_back(r);
    return out;
  }
  std::vector<OrderStatus> statuses(ClientOrderId id) const {
    std::vector<OrderStatus> out;
    for (const auto& r : of(id)) out.push_back(r.status);
    return out;
  }
  template <class T>
  std::vector<T> heard() const {
    std::vector<T> out;
    for (const TimedEvent& e : all_)
      if (const auto* t = std::get_if<T>(&e.event)) out.push_back(*t);
    return out;
  }
  void expect_refused(const Order& order, VenueReason reason) {
    const ClientOrderId id = send(order);
    ASSERT_EQ(statuses(id), std::vector{OrderStatus::Rejected}) << to_string(reason);
    EXPECT_EQ(of(id)[0].reason, reason) << to_string(of(id)[0].reason);
  }
  static std::string_view to_string(VenueReason r) { return base::enum_name(r); }
  void expect_books_agree() {
    EXPECT_EQ(ledger_.balance(ledger::Account::Wallet), exchange_->account(account_).wallet);
    for (const SymbolId s : {kA, kB})
      EXPECT_EQ(ledger_.position(s).quantity, exchange_->positions(account_, s).front().amount);
  }

  domain::InstrumentTable table_;
  std::unique_ptr<matching::Exchange> exchange_;
  matching::AccountId account_;
  BookVenue venue_;
  YesGate gate_;
  ledger::Ledger ledger_;
  base::Timestamp now_ = kStart, last_due_;
  std::uint64_t trades_ = 0;
  std::vector<domain::Fill> fills_;
  std::vector<domain::OrderReport> reports_;
  std::vector<domain::FundingPayment> payments_;
  std::vector<domain::LeverageSet> leverages_;
  std::vector<domain::AccountSnapshot> snapshots_;
  std::vector<TimedEvent> all_;
};

TEST_F(BookVenueTest, LatencyIsPaidBothWays) {
  const base::Timestamp sent = now_;
  const ClientOrderId id = submit(market(Side::Buy, 1));
  ASSERT_EQ(venue_.next_due(), sent + base::milliseconds(50));
  hear(99);
  EXPECT_TRUE(reports_.empty());
  EXPECT_EQ(venue_.next_due(), sent + base::milliseconds(100));
  hear(1);
  EXPECT_EQ(statuses(id), (std::vector{OrderStatus::New, OrderStatus::Filled}));
  ASSERT_EQ(fills_.size(), 1U);
  EXPECT_EQ(fills_[0].ts_event, sent + base::milliseconds(50));
  EXPECT_EQ(fills_[0].price, px(100.1));
  EXPECT_EQ(fills_[0].reference_price, px(100.1));
  EXPECT_EQ(fills_[0].fee, usd(0.05005));
  EXPECT_GT(fills_[0].venue_trade_id, 0U);
  EXPECT_EQ(of(id).back().average_price, px(100.1));
  expect_books_agree();
}

TEST_F(BookVenueTest, RefusalsHaveTheirReasonsAndAreTheOnlyAnswer) {
  expect_refused(market(Side::Buy, 0.0005), VenueReason::LotSize);
  expect_refused(limit(Side::Buy, 1, 99.999), VenueReason::LotSize);  // beyond the precision: -1111 for both numbers
  expect_refused(limit(Side::Buy, 0.01, 99), VenueReason::MinNotional);
  expect_refused(limit(Side::Buy, 5'000, 99), VenueReason::InsufficientMargin);
  expect_refused(limit(Side::Buy, 50'000, 99), VenueReason::MaxPosition);
  expect_refused(limit(Side::Buy, 1, 100.5, TimeInForce::Gtx), VenueReason::PostOnlyWouldTake);
  expect_refused(limit(Side::Buy, 1, 99, TimeInForce::Fok), VenueReason::NoLiquidity);
  expect_refused(market(Side::Sell, 1, true), VenueReason::ReduceOnlyRejected);
  expect_refused(stop(Side::Sell, 1, 101), VenueReason::WouldTrigger);
  expect_refused(limit(Side::Buy, 1, 500), VenueReason::PriceFilter);
  Order again = limit(Side::Buy, 1, 99);
  again.id = send(again);
  EXPECT_EQ(statuses(again.id), std::vector{OrderStatus::New});
  send(again);
  EXPECT_EQ(statuses(again.id), (std::vector{OrderStatus::New, OrderStatus::Rejected}));
  EXPECT_EQ(of(again.id).back().reason, VenueReason::DuplicateId);
  EXPECT_TRUE(fills_.empty());
}

TEST_F(BookVenueTest, AMarketOrderTakesWhatThereIsAndTheRestExpires) {
  book(100, kA, 1);
  const ClientOrderId id = send(market(Side::Buy, 12));
  ASSERT_GE(of(id).size(), 3U);
  EXPECT_EQ(of(id).front().status, OrderStatus::New);
  EXPECT_EQ(of(id).back().status, OrderStatus::Expired);
  EXPECT_EQ(of(id).back().reason, VenueReason::NoLiquidity);
  EXPECT_EQ(of(id).back().filled, qty(10));
  Quantity sum;
  for (const auto& f : fills_) sum += f.quantity;
  EXPECT_EQ(sum, qty(10));
  EXPECT_EQ(fills_.size(), 10U);
  expect_books_agree();
}

TEST_F(BookVenueTest, ARestingOrderIsFilledByOthersTrades) {
  const ClientOrderId id = send(limit(Side::Buy, 2, 99.95));  // before the touch: first in its queue
  EXPECT_EQ(statuses(id), std::vector{OrderStatus::New});
  print(99.95, 0.5, Side::Sell);
  hear(100);
  print(99.9, 5, Side::Sell);
  hear(100);
  EXPECT_EQ(statuses(id), (std::vector{OrderStatus::New, OrderStatus::PartiallyFilled, OrderStatus::Filled}));
  ASSERT_EQ(fills_.size(), 2U);
  EXPECT_TRUE(fills_[0].maker);
  EXPECT_EQ(fills_[0].quantity, qty(0.5));
  EXPECT_EQ(fills_[0].fee, usd(0.009995));
  EXPECT_EQ(of(id)[1].filled, qty(0.5));
  expect_books_agree();
}

TEST_F(BookVenueTest, AStopThatTriggersGoesOnUnderItsOwnId) {
  send(market(Side::Buy, 2));
  forget();
  const ClientOrderId id = send(stop(Side::Sell, 2, 98));
  EXPECT_EQ(statuses(id), std::vector{OrderStatus::New});
  print(97, 1, Side::Sell);  // the last price does not trigger it, the mark does
  hear(200);
  EXPECT_TRUE(fills_.empty());
  quote(97.9);
  hear(200);
  EXPECT_EQ(statuses(id), (std::vector{OrderStatus::New, OrderStatus::Filled}));
  ASSERT_EQ(fills_.size(), 1U);
  EXPECT_EQ(fills_[0].order, id);
  EXPECT_EQ(fills_[0].price, px(97.8));
  expect_books_agree();
}

TEST_F(BookVenueTest, TargetAndTrailingStop) {
  send(market(Side::Buy, 2));
  const ClientOrderId up = send(target(Side::Sell, 1, 103));
  const ClientOrderId trail = send(trailing(Side::Sell, 1, 100, 102));
  EXPECT_EQ(statuses(trail), std::vector{OrderStatus::New});
  quote(104);
  hear(200);
  EXPECT_EQ(statuses(up), (std::vector{OrderStatus::New, OrderStatus::Filled}));
  quote(103.5);
  hear(200);
  EXPECT_EQ(statuses(trail), std::vector{OrderStatus::New});
  quote(102.9);  // more than 1 % from 104
  hear(200);
  EXPECT_EQ(statuses(trail), (std::vector{OrderStatus::New, OrderStatus::Filled}));
  expect_books_agree();
  EXPECT_TRUE(ledger_.position(kA).quantity.is_zero());
}

TEST_F(BookVenueTest, AStopWithoutAPositionLeftIsRejectedWhenItTriggers) {
  send(market(Side::Buy, 2));
  const ClientOrderId id = send(stop(Side::Sell, 2, 98));
  send(market(Side::Sell, 2, true));
  quote(97);
  hear(200);
  EXPECT_EQ(statuses(id), (std::vector{OrderStatus::New, OrderStatus::Rejected}));
  EXPECT_EQ(of(id).back().reason, VenueReason::ReduceOnlyRejected);
}

TEST_F(BookVenueTest, CancelsOfBothKindsAndOfWhatIsNotThere) {
  const ClientOrderId resting = send(limit(Side::Buy, 1, 99));
  const ClientOrderId waiting = send(stop(Side::Sell, 1, 90));
  EXPECT_TRUE(venue_.cancel(resting, kA));
  EXPECT_TRUE(venue_.cancel(waiting, kA));
  EXPECT_TRUE(venue_.cancel({4242 << 8}, kA));
  EXPECT_TRUE(venue_.cancel({4243 << 8}, {9}));
  hear(150);
  for (const ClientOrderId id : {resting, waiting}) {
    EXPECT_EQ(statuses(id), (std::vector{OrderStatus::New, OrderStatus::Canceled}));
    EXPECT_EQ(of(id).back().reason, VenueReason::UserRequest);
  }
  for (const ClientOrderId id : {ClientOrderId{4242 << 8}, ClientOrderId{4243 << 8}}) {
    ASSERT_EQ(statuses(id), std::vector{OrderStatus::Rejected});
    EXPECT_EQ(of(id)[0].reason, VenueReason::UnknownOrder);
  }
  EXPECT_TRUE(venue_.cancel(resting, kA));  // a second time
  hear(150);
  EXPECT_EQ(of(resting).back().reason, VenueReason::UnknownOrder);
}

TEST_F(BookVenueTest, ACancelWhileAStopTriggersIsAnsweredOnceItIsAnOrder) {
  send(market(Side::Buy, 2));
  const ClientOrderId id = send(stop(Side::Sell, 2, 98));
  ASSERT_TRUE(venue_.cancel(id, kA));  // arrives in 50 ms
  hear(45);
  quote(97);  // triggers, for 10 ms
  hear(200);
  EXPECT_EQ(statuses(id), (std::vector{OrderStatus::New, OrderStatus::Filled, OrderStatus::Rejected}));
  EXPECT_EQ(of(id).back().reason, VenueReason::UnknownOrder);
}

TEST_F(BookVenueTest, LiquidationIsAFillOfNoOrderAndTheLedgerAgrees) {
  ASSERT_TRUE(venue_.set_leverage(kA, Leverage{75}, MarginMode::Cross));
  hear(150);
  ASSERT_TRUE(leverages_.back().accepted);
  book(100, kA, 10'000);
  send(market(Side::Buy, 6000));
  ASSERT_EQ(ledger_.position(kA).quantity, qty(6000));
  const ClientOrderId resting = send(limit(Side::Buy, 1, 97));
  forget();
  quote(98.8, kA, 10'000);
  hear(5000);
  ASSERT_FALSE(fills_.empty());
  for (const domain::Fill& f : fills_) {
    EXPECT_EQ(f.order, ClientOrderId{});
    EXPECT_EQ(f.kind, FillKind::Liquidation);
    EXPECT_EQ(f.side, Side::Sell);
  }
  EXPECT_EQ(statuses(resting), std::vector{OrderStatus::Canceled});
  EXPECT_EQ(of(resting)[0].reason, VenueReason::Liquidated);
  expect_books_agree();
  EXPECT_LT(exchange_->account(account_).wallet, usd(10'000));
}

TEST_F(BookVenueTest, FundingIsPaidOnThePosition) {
  send(market(Side::Buy, 10));
  venue_.on(matching::FundingTick{kA, Ratio::from_double(0.001), now_});
  hear(100);
  ASSERT_EQ(payments_.size(), 1U);
  EXPECT_EQ(payments_[0].amount, usd(-1));
  EXPECT_EQ(payments_[0].rate, Ratio::from_double(0.001));
  EXPECT_EQ(payments_[0].mark, px(100));
  EXPECT_EQ(payments_[0].position, qty(10));
  const auto rates = heard<domain::FundingRate>();
  ASSERT_EQ(rates.size(), 1U);
  EXPECT_EQ(rates[0].rate, Ratio::from_double(0.001));
  expect_books_agree();
}

TEST_F(BookVenueTest, LeverageIsReadBack) {
  ASSERT_TRUE(venue_.set_leverage(kA, Leverage{7}, MarginMode::Isolated));
  hear(150);
  ASSERT_EQ(leverages_.size(), 1U);
  EXPECT_TRUE(leverages_[0].accepted);
  EXPECT_EQ(leverages_[0].leverage, Leverage{7});
  EXPECT_EQ(leverages_[0].mode, MarginMode::Isolated);
  send(market(Side::Buy, 1));
  ASSERT_TRUE(venue_.set_leverage(kA, Leverage{8}, MarginMode::Cross));  // the mode cannot change now
  ASSERT_TRUE(venue_.set_leverage(kB, Leverage{126}, MarginMode::Cross));
  ASSERT_TRUE(venue_.set_leverage({9}, Leverage{5}, MarginMode::Cross));
  hear(150);
  ASSERT_EQ(leverages_.size(), 4U);
  EXPECT_FALSE(leverages_[1].accepted);
  EXPECT_EQ(leverages_[1].leverage, Leverage{7});
  EXPECT_EQ(leverages_[1].mode, MarginMode::Isolated);
  EXPECT_FALSE(leverages_[2].accepted);
  EXPECT_FALSE(leverages_[3].accepted);
}

TEST_F(BookVenueTest, AQueryTellsFillsThenState) {
  const ClientOrderId filled = send(market(Side::Buy, 1)), resting = send(limit(Side::Buy, 1, 99)),
                      waiting = send(stop(Side::Sell, 1, 95)), unknown{4242 << 8};
  const std::uint64_t trade = fills_.at(0).venue_trade_id;
  forget();
  std::vector<domain::Fill> again;
  for (const ClientOrderId id : {filled, resting, waiting, unknown}) ASSERT_TRUE(venue_.query(id, kA));
  now_ = now_ + base::milliseconds(150);
  venue_.advance_to(now_);
  std::vector<std::string> order;
  while (auto e = venue_.pop_due(now_)) {  // not into the ledger: the core drops what it has seen
    if (const auto* f = std::get_if<domain::Fill>(&e->event)) order.push_back("fill"), again.push_back(*f);
    if (const auto* r = std::get_if<domain::OrderReport>(&e->event)) order.push_back("report"), reports_.push_back(*r);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"fill", "report", "report", "report", "report"}));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].venue_trade_id, trade);
  EXPECT_EQ(again[0].order, filled);
  EXPECT_EQ(statuses(filled), std::vector{OrderStatus::Filled});
  EXPECT_EQ(statuses(resting), std::vector{OrderStatus::New});
  EXPECT_EQ(statuses(waiting), std::vector{OrderStatus::New});
  EXPECT_EQ(statuses(unknown), std::vector{OrderStatus::Rejected});
  EXPECT_EQ(of(unknown)[0].reason, VenueReason::UnknownOrder);
}

TEST_F(BookVenueTest, ASnapshotShowsEverythingAndForeignOrdersCanBeCancelled) {
  send(market(Side::Buy, 3));
  const ClientOrderId resting = send(limit(Side::Buy, 1, 99)), waiting = send(stop(Side::Sell, 3, 95));
  matching::NewOrder foreign;
  foreign.symbol = kB;
  foreign.price = px(98);
  foreign.quantity = qty(1);
  foreign.client_id = "someone-else";
  ASSERT_TRUE(exchange_->place(account_, foreign));
  matching::NewAlgoOrder foreign_stop;
  foreign_stop.symbol = kB;
  foreign_stop.trigger_price = px(105);
  foreign_stop.quantity = qty(1);
  ASSERT_TRUE(exchange_->place_algo(account_, foreign_stop));
  forget();
  const base::Timestamp asked = now_;
  ASSERT_TRUE(venue_.request_snapshot());
  ASSERT_TRUE(venue_.request_snapshot());  // the same request
  hear(150);
  ASSERT_EQ(snapshots_.size(), 1U);
  const domain::AccountSnapshot s = snapshots_[0];
  EXPECT_EQ(s.requested_at, asked);
  EXPECT_EQ(s.wallet, exchange_->account(account_).wallet);
  ASSERT_EQ(s.positions.size(), 1U);
  EXPECT_EQ(s.positions[0].quantity, qty(3));
  EXPECT_EQ(s.positions[0].entry_price, px(100.1));
  ASSERT_EQ(s.orders.size(), 4U);
  int foreign_orders = 0;
  for (const domain::VenueOpenOrder& o : s.orders) {
    if (o.order == resting) {
      EXPECT_EQ(o.limit_price, px(99));
      EXPECT_FALSE(o.conditional);
    } else if (o.order == waiting) {
      EXPECT_EQ(o.trigger_price, px(95));
      EXPECT_TRUE(o.conditional && o.reduce_only);
      EXPECT_EQ(o.type, OrderType::StopMarket);
    } else {
      EXPECT_EQ(o.order, ClientOrderId{});
      ++foreign_orders;
      ASSERT_TRUE(venue_.cancel_foreign({o.symbol, o.venue_id, o.conditional}));
    }
  }
  EXPECT_EQ(foreign_orders, 2);
  ASSERT_TRUE(venue_.request_snapshot());
  hear(150);
  ASSERT_EQ(snapshots_.size(), 2U);
  EXPECT_EQ(snapshots_[1].orders.size(), 2U);
  EXPECT_TRUE(reports_.empty());
}

TEST_F(BookVenueTest, PublishesBarsMarksAndBooksInMeasure) {
  domain::Bar bar;
  bar.open_time = now_ - base::minutes(1);
  bar.open = bar.high = bar.low = bar.close = px(100);
  venue_.on(matching::BarTick{kA, domain::Timeframe::M1, bar, now_});
  const base::Timestamp from = now_;
  for (int i = 0; i < 100; ++i) {
    quote(100 + 0.01 * i);
    hear(10);
  }
  hear(100);
  EXPECT_EQ(heard<domain::BarClosed>().size(), 1U);
  EXPECT_EQ(heard<domain::MarkPrice>().size(), 100U);
  const auto tops = heard<domain::BookTop>();
  const auto depths = heard<domain::BookDepth>();
  EXPECT_GE(tops.size(), 9U);
  EXPECT_LE(tops.size(), 12U);
  EXPECT_GE(depths.size(), 4U);
  EXPECT_LE(depths.size(), 6U);
  for (std::size_t i = 1; i < tops.size(); ++i) EXPECT_GE((tops[i].ts_event - tops[i - 1].ts_event).ns, 100'000'000);
  for (const auto& t : tops) {
    EXPECT_LT(t.bid, t.ask);
    EXPECT_GT(t.bid_depth_usdt, 50 * 99);
  }
  for (const auto& d : depths) EXPECT_EQ(d.bids.size(), 10U);
  EXPECT_GE(tops.front().ts_event, from);
}

class QuietVenueTest : public BookVenueTest {
 protected:
  QuietVenueTest() : BookVenueTest(BookVenueConfig{{'p', 7}, 0, false}) {}
};

TEST_F(QuietVenueTest, SaysNothingOfTheMarketAndAnswersAtOnceWithoutLatency) {
  quote(101);
  venue_.on(matching::FundingTick{kA, Ratio::from_double(0.001), now_});
  const ClientOrderId id = submit(market(Side::Buy, 1));
  EXPECT_EQ(venue_.next_due(), now_);
  hear(0);
  EXPECT_EQ(statuses(id), (std::vector{OrderStatus::New, OrderStatus::Filled}));
  EXPECT_EQ(all_.size(), 3U);
}

/// A session of random orders in a random market.
class RandomSession : public BookVenueTest {
 public:
  void TestBody() override {}
  std::size_t liquidations() const {
    return static_cast<std::size_t>(
        std::count_if(fills_.begin(), fills_.end(), [](const auto& f) { return f.kind == FillKind::Liquidation; }));
  }
  std::vector<std::string> run(std::uint64_t seed, double size = 1) {
    base::Rng rng(seed);
    EXPECT_TRUE(venue_.set_leverage(kA, Leverage{75}, seed % 2 == 0 ? MarginMode::Isolated : MarginMode::Cross));
    double price = 100;
    std::vector<ClientOrderId> sent;
    for (int step = 0; step < 600; ++step) {
      price = std::max(20.0, price * (1 + 0.004 * rng.normal()));
      const double rounded = std::round(price * 100) / 100;
      quote(rounded, rng.below(4) == 0 ? kB : kA, size * (5 + static_cast<double>(rng.below(40))));
      print(rounded, 1 + static_cast<double>(rng.below(30)), rng.below(2) == 0 ? Side::Buy : Side::Sell);
      const Side side = rng.below(2) == 0 ? Side::Buy : Side::Sell;
      const double quantity = size * (1 + static_cast<double>(rng.below(60)));
      const double away = std::round(rounded * (1 + 0.01 * rng.uniform(-1, 1)) * 100) / 100;
      switch (rng.below(7)) {
        case 0:
          sent.push_back(submit(market(side, quantity)));
          break;
        case 1:
          sent.push_back(submit(limit(side, quantity, away)));
          break;
        case 2:
          sent.push_back(submit(stop(side, quantity, away)));
          break;
        case 3:
          sent.push_back(submit(trailing(side, quantity, 50)));
          break;
        case 4:
          sent.push_back(submit(market(side, quantity, true)));
          break;
        case 5:
          if (!sent.empty()) {
            EXPECT_TRUE(venue_.cancel(sent[rng.below(sent.size())], kA));
          }
          break;
        default:
          venue_.on(matching::FundingTick{kA, Ratio::from_double(0.0001 * rng.normal()), now_});
      }
      hear(static_cast<std::int64_t>(rng.below(300)));
      if (step % 50 == 49) {
        hear(1000);
        expect_books_agree();
      }
    }
    hear(2000);
    expect_books_agree();
    for (const ClientOrderId id : sent) {
      const auto first = of(id);
      EXPECT_FALSE(first.empty());
      const auto news = std::count_if(first.begin(), first.end(), [](const auto& r) {
        return r.status == OrderStatus::New ||
               (r.status == OrderStatus::Rejected && r.reason != VenueReason::UnknownOrder);
      });
      EXPECT_GE(news, 1);
    }
    std::vector<std::string> out;
    for (const TimedEvent& e : all_) {
      std::string text = std::to_string(e.event.index()) + " " + std::to_string(e.due.ns);
      if (const auto* f = std::get_if<domain::Fill>(&e.event))
        text += " " + f->price.to_string() + " " + f->quantity.to_string() + " " + std::to_string(f->venue_trade_id);
      if (const auto* r = std::get_if<domain::OrderReport>(&e.event))
        text += " " + std::to_string(r->order.value) + " " + std::to_string(static_cast<int>(r->status));
      if (const auto* b = std::get_if<domain::BookTop>(&e.event)) text += " " + b->bid.to_string();
      out.push_back(std::move(text));
    }
    return out;
  }
};

TEST(BookVenueProperty, TheSameSessionTwiceIsTheSameAndTheLedgerAlwaysAgrees) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    RandomSession first, second;
    const auto told = first.run(seed);
    EXPECT_GT(told.size(), 1500U);
    EXPECT_EQ(told, second.run(seed));
  }
}

TEST(BookVenueProperty, TheLedgerAgreesThroughLiquidations) {
  std::size_t liquidations = 0;
  for (std::uint64_t seed = 10; seed < 16; ++seed) {
    RandomSession session;
    session.run(seed, 40);
    liquidations += session.liquidations();
  }
  EXPECT_GT(liquidations, 3U);
}

TEST(RefusalReason, UnknownCodesNeverReachedTheBook) {
  EXPECT_EQ(reason_of({-2010, ""}), VenueReason::TransportFailure);
  EXPECT_EQ(reason_of({-4164, ""}), VenueReason::MinNotional);
  EXPECT_EQ(reason_of_message("Margin is insufficient."), VenueReason::InsufficientMargin);
  EXPECT_EQ(reason_of_end(matching::OrderStatus::Filled, matching::ExpiryReason::None), VenueReason::None);
  EXPECT_EQ(reason_of_end(matching::OrderStatus::Canceled, matching::ExpiryReason::None), VenueReason::UserRequest);
  EXPECT_EQ(reason_of_end(matching::OrderStatus::Expired, matching::ExpiryReason::Liquidated), VenueReason::Liquidated);
}

}  // namespace
}  // namespace qtrader::simvenue::testing
