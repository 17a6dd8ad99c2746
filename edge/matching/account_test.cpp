// Accounts: margin and liquidation-price goldens, one-way and hedge positions, reduce-only, settings, funding.
#include "edge/matching/margin.hpp"
#include "edge/matching/test_support.hpp"

namespace qtrader::matching::testing {
namespace {

using Accounts = ExchangeTest;

TEST(Brackets, CumulativesMakeMaintenanceContinuous) {
  const domain::Instrument i = btc();
  for (std::size_t n = 1; n < i.brackets.size(); ++n) {
    const auto &b = i.brackets[n], &below = i.brackets[n - 1];
    EXPECT_EQ(b.cumulative, b.notional_floor * (b.maintenance_ratio - below.maintenance_ratio) + below.cumulative) << n;
  }
  EXPECT_EQ(maintenance_margin(i, usd("100000")), usd("450"));      // 500 − 50
  EXPECT_EQ(maintenance_margin(i, usd("-5000000")), usd("38550"));  // 50000 − 11450
  EXPECT_EQ(maintenance_margin(i, usd("1500000000")), usd("328518550"));
  EXPECT_EQ(max_notional(i, Leverage{20}), usd("100000000"));
  EXPECT_EQ(max_notional(i, Leverage{125}), usd("50000"));
}

TEST_F(Accounts, IsolatedLiquidationPrice) {
  market();
  const auto a = open();
  ASSERT_TRUE(exchange->set_margin_mode(a, kBtc, MarginMode::Isolated));
  level(Side::Sell, "50000", "1");
  must(a, market_order(Side::Buy, "1"));
  const PositionView p = position(a);
  EXPECT_EQ(p.entry, px("50000"));
  EXPECT_EQ(p.isolated_wallet, usd("2500"));       // q · fill / 20
  EXPECT_EQ(p.liquidation, px("47690.76305221"));  // (2500 − 50000) / (0.004 − 1): bracket 1 at that price
  EXPECT_EQ(p.break_even, px("50025"));            // the fee of 25
  const AccountView v = exchange->account(a);
  EXPECT_EQ(v.wallet, usd("99975"));
  EXPECT_EQ(v.cross_wallet, usd("97475"));
  EXPECT_EQ(v.available, usd("97475"));
  EXPECT_EQ(v.initial_margin, usd("2500"));
  EXPECT_EQ(v.maintenance_margin, usd("200"));
}

TEST_F(Accounts, CrossShortLiquidationPrice) {
  market();
  const auto a = open("10000");
  level(Side::Buy, "50000", "2");
  must(a, market_order(Side::Sell, "2"));
  // (9950 + 50 + 2·50000) / (2·0.005 + 2), rounded toward the position
  EXPECT_EQ(position(a).liquidation, px("54726.3681592"));
  EXPECT_EQ(position(a).maintenance_margin, usd("450"));
}

TEST_F(Accounts, HedgeSidesShareOneLiquidationPrice) {
  market();
  const auto a = open("10000", true);
  level(Side::Sell, "50000", "2");
  NewOrder l = market_order(Side::Buy, "2"), s = market_order(Side::Sell, "0.5");
  l.position_side = PositionSide::Long;
  s.position_side = PositionSide::Short;
  must(a, l);
  level(Side::Buy, "50000", "0.5");
  must(a, s);
  const auto longs = position(a, PositionSide::Long), shorts = position(a, PositionSide::Short);
  EXPECT_EQ(longs.amount, qty("2"));
  EXPECT_EQ(shorts.amount, qty("-0.5"));
  EXPECT_EQ(longs.liquidation, shorts.liquidation);
  // wallet 10000 − 62.5; brackets 1 (0.004, 0) for the short and 2 (0.005, 50) for the long:
  // (9937.5 + 50 − 100000 + 25000) / (2·0.005 + 0.5·0.004 − 2 + 0.5) = −65012.5 / −1.488 = 43691.196…, where the long
  // is in bracket 2 (87 382) and the short in 1 (21 846)
  EXPECT_EQ(longs.liquidation, px("43691.19623656"));
  EXPECT_EQ(exchange->account(a).maintenance_margin, usd("450") + usd("100"));
}

TEST_F(Accounts, RoundTripsConserveEveryDigit) {
  market();
  const auto a = open();
  level(Side::Sell, "50000.1", "1");
  must(a, market_order(Side::Buy, "0.777"));
  level(Side::Sell, "50003.3", "1");
  must(a, limit(Side::Buy, "0.556", "50003.3"));
  Money received;
  for (const char* part : {"0.001", "0.331", "0.4", "0.601"}) {
    const auto v = must(a, market_order(Side::Sell, part));
    received += v.executed_quote;
  }
  EXPECT_TRUE(position(a).amount.is_zero());
  Money paid, fees, realised;
  for (const auto& t : exchange->trades(a, kBtc, 0, {})) {
    if (t.side == Side::Buy) paid += t.quote;
    fees += t.commission;
    realised += t.realised;
  }
  EXPECT_EQ(realised, received - paid);
  EXPECT_EQ(exchange->account(a).wallet, usd("100000") + realised - fees);
  EXPECT_EQ(exchange->account(a).margin_balance, exchange->account(a).wallet);
}

TEST_F(Accounts, FlippingOpensTheRestAtTheFillPrice) {
  market();
  const auto a = open();
  must(a, market_order(Side::Buy, "1"));
  const auto v = must(a, market_order(Side::Sell, "3"));
  EXPECT_EQ(v.status, OrderStatus::Filled);
  EXPECT_EQ(position(a).amount, qty("-2"));
  EXPECT_EQ(position(a).entry, px("49990"));
  EXPECT_EQ(position(a).realised_total, usd("-20"));
}

TEST_F(Accounts, OrderMarginNetsAgainstThePosition) {
  market();
  const auto a = open();
  must(a, limit(Side::Buy, "1", "49000"));
  EXPECT_EQ(exchange->account(a).order_initial_margin, usd("2450"));
  must(a, limit(Side::Sell, "0.5", "51000"));
  EXPECT_EQ(exchange->account(a).order_initial_margin, usd("2450"));  // the larger side
  level(Side::Sell, "50000", "1");
  must(a, market_order(Side::Buy, "1"));
  EXPECT_EQ(exchange->account(a).order_initial_margin, usd("2450"));
  exchange->advance_to(now());
  ASSERT_TRUE(exchange->cancel_all(a, kBtc));
  must(a, limit(Side::Sell, "1", "51000"));
  EXPECT_TRUE(exchange->account(a).order_initial_margin.is_zero());  // only closes
}

TEST_F(Accounts, MarginIsCheckedBeforeAnOrder) {
  market();
  const auto a = open("1000");
  EXPECT_EQ(refused(a, limit(Side::Buy, "1", "49000")), -2019);
  must(a, limit(Side::Buy, "0.4", "49000"));
  EXPECT_EQ(refused(a, limit(Side::Buy, "0.01", "49000")), -2019);
}

TEST_F(Accounts, PositionCapOfTheLeverage) {
  market();
  const auto a = open("10000000");
  ASSERT_EQ(exchange->set_leverage(a, kBtc, 125)->max_notional, usd("50000"));
  EXPECT_EQ(refused(a, limit(Side::Buy, "1.1", "49000")), -2027);
  must(a, limit(Side::Buy, "1", "49000"));
  EXPECT_EQ(refused(a, limit(Side::Buy, "0.1", "49000")), -2027);
}

TEST_F(Accounts, ReduceOnlyIsCutAndKnocksOlderOnesOut) {
  market();
  const auto a = open();
  NewOrder r = limit(Side::Sell, "1", "51000");
  r.reduce_only = true;
  EXPECT_EQ(refused(a, r), -2022);
  must(a, market_order(Side::Buy, "2"));
  r.quantity = qty("5");
  const auto first = must(a, r);
  EXPECT_EQ(first.request.quantity, qty("2"));  // cut to the position
  r.quantity = qty("0.5");
  const auto second = must(a, r);
  EXPECT_EQ(get(a, first.id).status, OrderStatus::Expired);
  EXPECT_EQ(get(a, second.id).status, OrderStatus::New);
  events();
  must(a, market_order(Side::Sell, "1.6"));  // 0.4 left, less than the order
  EXPECT_EQ(get(a, second.id).status, OrderStatus::Expired);
  bool seen = false;
  for (const auto& e : only<OrderEvent>(events())) seen |= e.reason == ExpiryReason::ReduceOnly;
  EXPECT_TRUE(seen);
}

TEST_F(Accounts, ReduceOnlyMakerNeverReverses) {
  market();
  const auto a = open(), b = open();
  must(a, market_order(Side::Buy, "1"));
  must(a, limit(Side::Sell, "0.7", "50005"));
  NewOrder r = limit(Side::Sell, "1", "50006");
  r.reduce_only = true;
  const auto ro = must(a, r);
  must(b, market_order(Side::Buy, "1.7"));  // through both
  EXPECT_TRUE(position(a).amount.is_zero());
  EXPECT_EQ(get(a, ro.id).executed, qty("0.3"));
  EXPECT_EQ(get(a, ro.id).status, OrderStatus::Expired);
  // A closing order behind normal orders that already take the whole position can do nothing.
  must(a, market_order(Side::Buy, "1"));
  must(a, limit(Side::Sell, "1", "50900"));
  r.price = px("51000");
  EXPECT_EQ(refused(a, r), -4118);
}

TEST_F(Accounts, HedgeSidesAreIndependent) {
  market();
  const auto a = open("100000", true);
  NewOrder o = market_order(Side::Buy, "1");
  EXPECT_EQ(refused(a, o), -4061);
  o.position_side = PositionSide::Long;
  o.reduce_only = true;
  EXPECT_EQ(refused(a, o), -1106);
  o.reduce_only = false;
  must(a, o);
  o.side = Side::Sell;
  o.quantity = qty("1.5");
  EXPECT_EQ(refused(a, o), -2022);
  o.position_side = PositionSide::Short;
  must(a, o);
  EXPECT_EQ(position(a, PositionSide::Long).amount, qty("1"));
  EXPECT_EQ(position(a, PositionSide::Short).amount, qty("-1.5"));
  o.position_side = PositionSide::Long;
  o.quantity = qty("1");
  must(a, o);
  EXPECT_TRUE(position(a, PositionSide::Long).amount.is_zero());
  EXPECT_EQ(position(a, PositionSide::Short).amount, qty("-1.5"));
}

TEST_F(Accounts, SettingsRefuseWhatBinanceRefuses) {
  market();
  const auto a = open();
  EXPECT_EQ(code(exchange->set_leverage(a, kBtc, 0)), -4028);
  EXPECT_EQ(code(exchange->set_leverage(a, kBtc, 126)), -4028);
  EXPECT_EQ(code(exchange->set_margin_mode(a, kBtc, MarginMode::Cross)), -4046);
  EXPECT_EQ(code(exchange->set_hedge_mode(a, false)), -4059);
  const auto o = must(a, limit(Side::Buy, "1", "49000"));
  EXPECT_EQ(code(exchange->set_margin_mode(a, kBtc, MarginMode::Isolated)), -4047);
  EXPECT_EQ(code(exchange->set_hedge_mode(a, true)), -4067);
  ASSERT_TRUE(exchange->cancel(a, {kBtc, o.id, ""}));
  ASSERT_TRUE(exchange->set_margin_mode(a, kBtc, MarginMode::Isolated));
  must(a, market_order(Side::Buy, "1.1"));
  EXPECT_EQ(code(exchange->set_margin_mode(a, kBtc, MarginMode::Cross)), -4048);
  EXPECT_EQ(code(exchange->set_hedge_mode(a, true)), -4068);
  EXPECT_EQ(code(exchange->set_leverage(a, kBtc, 10)), -4161);
  EXPECT_TRUE(exchange->set_leverage(a, kBtc, 25));
  EXPECT_EQ(code(exchange->set_leverage(a, kBtc, 125)), -2027);
  const auto b = open("3000");
  must(b, market_order(Side::Buy, "1"));
  EXPECT_EQ(code(exchange->set_leverage(b, kBtc, 5)), -2028);
  EXPECT_EQ(position(b).leverage.value, 20);
}

TEST_F(Accounts, IsolatedMarginMovesBetweenWalletAndPosition) {
  market();
  const auto a = open("10000");
  const auto adjust = [&](const char* amount, bool add) {
    return code(exchange->adjust_margin(a, kBtc, PositionSide::Both, usd(amount), add));
  };
  EXPECT_EQ(adjust("1", true), -4049);
  ASSERT_TRUE(exchange->set_margin_mode(a, kBtc, MarginMode::Isolated));
  EXPECT_EQ(adjust("1", true), -4054);
  must(a, market_order(Side::Buy, "1"));
  EXPECT_EQ(adjust("0", true), -4055);
  EXPECT_EQ(adjust("9000", true), -4050);
  const Money before = exchange->account(a).wallet;
  events();
  EXPECT_EQ(adjust("1000", true), 0);
  EXPECT_EQ(exchange->account(a).wallet, before);
  EXPECT_EQ(position(a).isolated_wallet, usd("3500.5"));
  const auto update = only<AccountEvent>(events());
  ASSERT_EQ(update.size(), 1u);
  EXPECT_EQ(update[0].reason, AccountUpdateReason::MarginTransfer);
  EXPECT_EQ(adjust("1200", false), -4051);
  EXPECT_EQ(adjust("900", false), 0);
  EXPECT_EQ(exchange->margin_changes(a, kBtc, {}).size(), 2u);
}

TEST_F(Accounts, FundingIsZeroSumAmongClients) {
  market();
  const auto a = open(), b = open("100000", true), c = open();
  ASSERT_TRUE(exchange->set_margin_mode(c, kBtc, MarginMode::Isolated));
  must(a, limit(Side::Sell, "3", "50000"));
  NewOrder l = limit(Side::Buy, "1", "50000");
  l.position_side = PositionSide::Long;
  must(b, l);
  must(c, limit(Side::Buy, "2", "50000"));
  const auto wallets = [&] {
    return exchange->account(a).wallet + exchange->account(b).wallet + exchange->account(c).wallet;
  };
  const Money before = wallets(), short_before = exchange->account(a).wallet;
  const Money isolated = position(c).isolated_wallet;
  events();
  exchange->on(FundingTick{kBtc, frac("0.0001"), now()});
  EXPECT_EQ(wallets(), before);
  EXPECT_EQ(exchange->account(a).wallet - short_before, usd("15"));
  EXPECT_EQ(position(c).isolated_wallet, isolated - usd("10"));
  for (const auto& e : only<AccountEvent>(events())) {
    EXPECT_EQ(e.reason, AccountUpdateReason::FundingFee);
    EXPECT_EQ(e.symbol, kBtc);
    EXPECT_EQ(e.positions.size(), e.account == c ? 1u : 0u);
  }
  EXPECT_EQ(exchange->income(a, kBtc, "FUNDING_FEE", {}).size(), 1u);
}

TEST_F(Accounts, SeededPositionIsLikeAFilledOne) {
  market();
  const auto a = open("10000");
  exchange->seed_position(a, kBtc, qty("-1"), px("50000"), Leverage{10}, MarginMode::Isolated);
  EXPECT_EQ(position(a).amount, qty("-1"));
  EXPECT_EQ(position(a).isolated_wallet, usd("5000"));
  EXPECT_EQ(exchange->account(a).wallet, usd("10000"));
  mark("49000");
  EXPECT_EQ(position(a).unrealised, usd("1000"));
  must(a, market_order(Side::Buy, "1"));
  EXPECT_TRUE(position(a).amount.is_zero());
}

}  // namespace
}  // namespace qtrader::matching::testing
