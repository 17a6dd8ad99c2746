// Liquidation, the insurance fund, auto-deleveraging and margin calls.
#include "edge/matching/test_support.hpp"

namespace qtrader::matching::testing {
namespace {

class Liquidation : public ExchangeTest {
 protected:
  void bids(const char* price, const char* quantity) {
    exchange->on(BookSnapshotTick{kBtc, {{px(price), qty(quantity)}}, {{px("60000"), qty("5")}}, now()});
  }
  void empty_book() { exchange->on(BookSnapshotTick{kBtc, {}, {}, now()}); }
  /// Long against a client's resting sell; a third account is nobody's counterparty.
  void pair_up(AccountId long_one, AccountId short_one, const char* quantity, const char* price) {
    empty_book();
    must(short_one, limit(Side::Sell, quantity, price));
    must(long_one, limit(Side::Buy, quantity, price));
    events();
  }
};

TEST_F(Liquidation, SellsIntoTheBookAndTakesItsFee) {
  market();
  const auto a = open("3000");
  must(a, market_order(Side::Buy, "1"));  // 50010, fee 25.005: wallet 2974.995
  const auto resting = must(a, limit(Side::Sell, "0.5", "52000"));
  bids("47190", "5");
  mark("47300");
  EXPECT_EQ(position(a).amount, qty("1"));
  events();
  mark("47200");  // balance 164.995 ≤ maintenance 188.8
  const auto all = events();
  EXPECT_TRUE(position(a).amount.is_zero());
  EXPECT_EQ(get(a, resting.id).status, OrderStatus::Expired);
  EXPECT_TRUE(exchange->account(a).wallet.is_zero());  // 154.995 left, less than 1.25 % of 47190
  EXPECT_EQ(exchange->insurance_fund(), usd("1000154.995"));
  const auto orders = only<OrderEvent>(all);
  ASSERT_EQ(orders.size(), 3u);
  EXPECT_EQ(orders[0].reason, ExpiryReason::Liquidated);
  EXPECT_TRUE(orders[1].order.request.client_id.starts_with("autoclose-"));
  EXPECT_EQ(orders[1].execution, ExecutionType::New);
  EXPECT_EQ(orders[2].execution, ExecutionType::Calculated);
  EXPECT_EQ(orders[2].order.status, OrderStatus::Filled);
  EXPECT_EQ(orders[2].last_price, px("47190"));
  const auto accounts = only<AccountEvent>(all);
  ASSERT_EQ(accounts.size(), 2u);
  EXPECT_EQ(accounts[1].reason, AccountUpdateReason::InsuranceClear);
  EXPECT_EQ(accounts[1].balance_change, usd("-154.995"));
  ASSERT_EQ(only<ForcedOrderEvent>(all).size(), 1u);
  EXPECT_EQ(only<ForcedOrderEvent>(all)[0].average_price, px("47190"));
  EXPECT_EQ(exchange->forced_orders(a, kBtc, {}).size(), 1u);
  EXPECT_EQ(exchange->income(a, kBtc, "INSURANCE_CLEAR", {}).size(), 1u);
}

TEST_F(Liquidation, InsuranceFundTakesWhatTheBookDoesNot) {
  market();
  const auto a = open("3000");
  must(a, market_order(Side::Buy, "1"));
  empty_book();
  mark("46000");  // through bankruptcy at 47035.005
  EXPECT_TRUE(position(a).amount.is_zero());
  EXPECT_TRUE(exchange->account(a).wallet.is_zero());
  EXPECT_EQ(exchange->insurance_fund(), usd("1000000") - usd("1035.005"));
}

TEST_F(Liquidation, AutoDeleveragingWhenTheFundCannot) {
  ExchangeConfig c;
  c.insurance_fund = usd("100");
  reset(c);
  market();
  const auto a = open("3000"), rich = open("100000"), eager = open("4000");
  pair_up(a, rich, "0.5", "50000");
  pair_up(a, eager, "0.5", "50000");
  const Money total = exchange->account(a).margin_balance + exchange->account(rich).margin_balance +
                      exchange->account(eager).margin_balance;
  mark("46000");
  EXPECT_TRUE(position(a).amount.is_zero());
  EXPECT_TRUE(position(eager).amount.is_zero());  // the higher leverage ranks first
  EXPECT_TRUE(position(rich).amount.is_zero());
  EXPECT_EQ(exchange->insurance_fund(), usd("100"));
  const auto forced = exchange->forced_orders(eager, kBtc, {});
  ASSERT_EQ(forced.size(), 1u);
  EXPECT_EQ(forced[0].request.client_id, "adl_autoclose");
  EXPECT_EQ(exchange->account(a).margin_balance + exchange->account(rich).margin_balance +
                exchange->account(eager).margin_balance,
            total);
  std::vector<AccountId> order;
  for (const auto& e : only<OrderEvent>(events()))
    if (e.execution == ExecutionType::New && e.order.request.client_id == "adl_autoclose")
      order.push_back(e.order.account);
  EXPECT_EQ(order, (std::vector{eager, rich}));
}

TEST_F(Liquidation, LargePositionsShrinkBracketByBracket) {
  market();
  const auto a = open("51100"), b = open("10000000");
  pair_up(a, b, "20", "50000");  // 1 000 000: third bracket
  bids("47800", "1000");
  mark("47790");  // a: 51100 − 200 − 44200 = 6700; maintenance 955800·0.0065 − 950 = 5262.7
  EXPECT_EQ(position(a).amount, qty("20"));
  mark("47700");  // 4900 ≤ 5251
  const Quantity left = position(a).amount;
  EXPECT_LT(px("47700") * left, usd("600000"));
  EXPECT_GT(px("47700") * (left + qty("0.002")), usd("600000"));
  // The fee took what was left, so it goes on.
  EXPECT_EQ(refused(a, limit(Side::Buy, "1", "47000")), -2023);
  ASSERT_TRUE(exchange->next_deadline());
  pass(100);
  EXPECT_LT(px("47700") * position(a).amount, usd("50000"));
  pass(100);
  EXPECT_TRUE(position(a).amount.is_zero());
  EXPECT_FALSE(exchange->account(a).wallet.is_negative());
  EXPECT_FALSE(exchange->next_deadline());
  EXPECT_NE(refused(a, limit(Side::Buy, "1", "47000")), -2023);
}

TEST_F(Liquidation, IsolatedLossStopsAtItsMargin) {
  market();
  const auto a = open("50000");
  ASSERT_TRUE(exchange->set_margin_mode(a, kBtc, MarginMode::Isolated));
  must(a, market_order(Side::Buy, "1"));
  const Money cross = exchange->account(a).cross_wallet;
  empty_book();
  mark("45000");
  EXPECT_TRUE(position(a).amount.is_zero());
  EXPECT_EQ(exchange->account(a).wallet, cross);
  EXPECT_EQ(exchange->account(a).cross_wallet, cross);
}

TEST_F(Liquidation, MarginCallComesOnceBeforeIt) {
  market();
  const auto a = open("3000");
  must(a, market_order(Side::Buy, "1"));
  events();
  mark("47500");
  EXPECT_TRUE(only<MarginCallEvent>(events()).empty());
  mark("47240");  // balance 204.995, maintenance 188.96
  mark("47239");
  const auto calls = only<MarginCallEvent>(events());
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].positions.size(), 1u);
  mark("49000");
  mark("47240");
  EXPECT_EQ(only<MarginCallEvent>(events()).size(), 1u);
}

TEST_F(Liquidation, CanBeForced) {
  market();
  const auto a = open("100000");
  must(a, market_order(Side::Buy, "1"));
  exchange->force_liquidation(a, kBtc);
  EXPECT_TRUE(position(a).amount.is_zero());
  EXPECT_EQ(exchange->forced_orders(a, kBtc, {}).size(), 1u);
  exchange->force_liquidation(a, kBtc);  // nothing left: nothing happens
  EXPECT_EQ(exchange->forced_orders(a, kBtc, {}).size(), 1u);
}

TEST_F(Liquidation, QuantilesRankHoldersOfOneSide) {
  market();
  const auto a = open("100000"), b = open("4000"), c = open("1000000");
  pair_up(c, a, "1", "50000");
  pair_up(c, b, "1", "50000");
  pass(31'000);
  mark("49000");
  EXPECT_EQ(position(b).adl_quantile, 4);
  EXPECT_EQ(position(a).adl_quantile, 0);
}

/// The price shown to the client is the one that liquidates: alive a tick before it, gone a tick after.
TEST_F(Liquidation, HappensAtTheShownPrice) {
  struct Case {
    const char* balance;
    const char* quantity;
    bool is_long, hedge;
    MarginMode mode;
    int leverage;
  };
  for (const Case& c :
       {Case{"3000", "1", true, false, MarginMode::Cross, 20}, Case{"3000", "1", false, false, MarginMode::Cross, 20},
        Case{"100000", "1", true, false, MarginMode::Isolated, 50},
        Case{"100000", "12.5", false, false, MarginMode::Isolated, 25},
        Case{"60000", "20", true, false, MarginMode::Cross, 20},
        Case{"200000", "70", false, false, MarginMode::Cross, 20}, Case{"9000", "2", true, true, MarginMode::Cross, 20},
        Case{"9000", "2", false, true, MarginMode::Cross, 20},
        Case{"100000", "2", true, true, MarginMode::Isolated, 20}}) {
    SCOPED_TRACE(std::string(c.balance) + " " + c.quantity + (c.is_long ? " long" : " short"));
    for (const bool beyond : {false, true}) {
      reset({});
      mark("50000");
      const auto a = open(c.balance, c.hedge), b = open("100000000");
      ASSERT_TRUE(exchange->set_leverage(a, kBtc, c.leverage));
      if (c.mode == MarginMode::Isolated) {
        ASSERT_TRUE(exchange->set_margin_mode(a, kBtc, c.mode));
      }
      const Side side = c.is_long ? Side::Buy : Side::Sell;
      const PositionSide row = !c.hedge ? PositionSide::Both : c.is_long ? PositionSide::Long : PositionSide::Short;
      must(b, limit(domain::opposite(side), c.quantity, "50000"));
      NewOrder o = limit(side, c.quantity, "50000");
      o.position_side = row;
      must(a, o);
      if (c.hedge) {  // and a smaller one the other way
        must(b, limit(side, "0.4", "50000"));
        o.side = domain::opposite(side);
        o.position_side = c.is_long ? PositionSide::Short : PositionSide::Long;
        o.quantity = qty("0.4");
        must(a, o);
      }
      const Price at = position(a, row).liquidation;
      ASSERT_TRUE(at.is_positive());
      const auto down = c.is_long == beyond ? domain::Rounding::Down : domain::Rounding::Up;
      const Price next = btc().round_price(at, down);
      ASSERT_NE(next, at);
      exchange->on(MarkTick{kBtc, next, next, {}, now(), now()});
      EXPECT_EQ(exchange->forced_orders(a, kBtc, {}).empty(), !beyond) << at.to_string();
    }
  }
}

}  // namespace
}  // namespace qtrader::matching::testing
