#include "core/ledger/ledger.hpp"

#include <gtest/gtest.h>

#include "core/base/archive.hpp"
#include "core/base/rng.hpp"
#include "core/ledger/margin.hpp"
#include "core/ledger/test_instruments.hpp"

namespace qtrader::ledger {
namespace {

using namespace testing;  // NOLINT: px, qty, usd
using domain::Fill;
using domain::MarginMode;
using domain::Money;
using domain::Side;

Fill fill(domain::SymbolId symbol, Side side, const char* quantity, const char* price, const char* fee = "0") {
  Fill f;
  f.symbol = symbol;
  f.side = side;
  f.quantity = qty(quantity);
  f.price = px(price);
  f.fee = usd(fee);
  return f;
}

Fill liquidation(domain::SymbolId symbol, Side side, const char* quantity, const char* price, const char* fee = "0") {
  Fill f = fill(symbol, side, quantity, price, fee);
  f.kind = domain::FillKind::Liquidation;
  return f;
}

domain::LeverageSet leverage(domain::SymbolId symbol, int value, MarginMode mode) {
  return {symbol, {value}, mode, true, {}};
}

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() { ledger.deposit(usd("10000")); }
  domain::InstrumentTable table = instruments();
  Ledger ledger{table};
};

TEST_F(LedgerTest, LongRoundTripBooksProfitAndFees) {
  auto b = ledger.apply(fill(kBtc, Side::Buy, "0.5", "20000", "5"));
  EXPECT_TRUE(b.opened);
  EXPECT_FALSE(b.closed);
  EXPECT_TRUE(b.realised.is_zero());
  ledger.mark(kBtc, px("21000"));
  EXPECT_EQ(ledger.position(kBtc).entry_price(), px("20000"));
  EXPECT_EQ(ledger.account().wallet, usd("9995"));
  EXPECT_EQ(ledger.account().unrealised, usd("500"));
  EXPECT_EQ(ledger.account().equity, usd("10495"));
  EXPECT_EQ(ledger.account().exposure, usd("10500"));

  b = ledger.apply(fill(kBtc, Side::Sell, "0.5", "21000", "5.25"));
  EXPECT_TRUE(b.closed);
  EXPECT_FALSE(b.opened);
  EXPECT_EQ(b.realised, usd("500"));
  EXPECT_EQ(ledger.account().equity, usd("10489.75"));
  EXPECT_EQ(ledger.balance(Account::RealisedPnl), usd("-500"));
  EXPECT_EQ(ledger.balance(Account::Fees), usd("10.25"));
  EXPECT_TRUE(ledger.trial_balance().is_zero());
  EXPECT_EQ(ledger.open_positions(), 0u);
}

TEST_F(LedgerTest, ShortGainsWhenThePriceFalls) {
  ledger.apply(fill(kBtc, Side::Sell, "1", "20000"));
  ledger.mark(kBtc, px("19000"));
  EXPECT_EQ(ledger.account().unrealised, usd("1000"));
  EXPECT_EQ(ledger.apply(fill(kBtc, Side::Buy, "1", "18500")).realised, usd("1500"));
}

TEST_F(LedgerTest, ReducingKeepsTheEntryPriceAndAddingAveragesIt) {
  ledger.apply(fill(kBtc, Side::Buy, "1", "20000"));
  ledger.apply(fill(kBtc, Side::Buy, "1", "22000"));
  EXPECT_EQ(ledger.position(kBtc).entry_price(), px("21000"));
  EXPECT_EQ(ledger.apply(fill(kBtc, Side::Sell, "0.5", "23000")).realised, usd("1000"));
  EXPECT_EQ(ledger.position(kBtc).entry_price(), px("21000"));
}

TEST_F(LedgerTest, AFillThroughZeroClosesAndOpens) {
  ledger.apply(fill(kBtc, Side::Buy, "1", "20000"));
  const auto b = ledger.apply(fill(kBtc, Side::Sell, "3", "21000"));
  EXPECT_TRUE(b.closed);
  EXPECT_TRUE(b.opened);
  EXPECT_EQ(b.realised, usd("1000"));
  EXPECT_EQ(ledger.position(kBtc).quantity, qty("-2"));
  EXPECT_EQ(ledger.position(kBtc).entry_price(), px("21000"));
}

TEST_F(LedgerTest, APositionIsValuedAtItsFillUntilAMarkComes) {
  ledger.apply(fill(kBtc, Side::Buy, "1", "20000"));
  EXPECT_TRUE(ledger.account().unrealised.is_zero());
  EXPECT_EQ(ledger.account().exposure, usd("20000"));
}

TEST_F(LedgerTest, CrossMarginAndAvailable) {
  ledger.apply(leverage(kBtc, 10, MarginMode::Cross));
  ledger.apply(fill(kBtc, Side::Buy, "1", "20000"));
  ledger.mark(kBtc, px("19000"));
  const auto v = ledger.account();
  EXPECT_EQ(v.initial_margin, usd("1900"));    // 19 000 / 10
  EXPECT_EQ(v.maintenance_margin, usd("76"));  // 19 000 · 0.4 %
  EXPECT_EQ(v.available, usd("7100"));         // 10 000 − 1 000 − 1 900
}

TEST_F(LedgerTest, IsolatedMarginIsSetAsideAndFreed) {
  ledger.apply(leverage(kBtc, 10, MarginMode::Isolated));
  ledger.apply(fill(kBtc, Side::Buy, "1", "20000", "10"));
  EXPECT_EQ(ledger.position(kBtc).isolated_margin, usd("2000"));
  EXPECT_EQ(ledger.account().available, usd("7990"));  // 10 000 − fee − 2 000
  ledger.mark(kBtc, px("21000"));
  EXPECT_EQ(ledger.account().available, usd("7990"));  // an isolated gain is not available
  ledger.apply(fill(kBtc, Side::Sell, "0.25", "21000"));
  EXPECT_EQ(ledger.position(kBtc).isolated_margin, usd("1500"));
  EXPECT_EQ(ledger.account().available, usd("8740"));  // + 500 freed + 250 realised
  ledger.apply(fill(kBtc, Side::Sell, "0.75", "21000"));
  EXPECT_TRUE(ledger.position(kBtc).isolated_margin.is_zero());
  EXPECT_EQ(ledger.account().available, usd("10990"));
}

TEST_F(LedgerTest, FundingGoesToTheWalletAndOfAnIsolatedPositionToItsMargin) {
  domain::FundingPayment pay;
  pay.symbol = kBtc;
  pay.amount = usd("-3");
  ledger.apply(fill(kBtc, Side::Buy, "1", "20000"));
  ledger.apply(pay);
  EXPECT_EQ(ledger.account().wallet, usd("9997"));
  ledger.apply(leverage(kEth, 10, MarginMode::Isolated));
  ledger.apply(fill(kEth, Side::Buy, "1", "2000"));
  pay.symbol = kEth;
  const Money available = ledger.account().available;
  ledger.apply(pay);
  EXPECT_EQ(ledger.position(kEth).isolated_margin, usd("197"));
  EXPECT_EQ(ledger.account().wallet, usd("9994"));
  EXPECT_EQ(ledger.account().available, available);
  EXPECT_EQ(ledger.balance(Account::Funding), usd("6"));
}

TEST_F(LedgerTest, TheVenuesWalletIsAnEntryOfItsOwn) {
  ledger.apply(fill(kBtc, Side::Buy, "0.5", "20000", "5"));
  EXPECT_EQ(ledger.adjust_wallet(usd("9990.00000001")), usd("-4.99999999"));
  EXPECT_EQ(ledger.account().wallet, usd("9990.00000001"));
  EXPECT_EQ(ledger.balance(Account::Adjustment), usd("4.99999999"));
  EXPECT_EQ(ledger.balance(Account::Deposits), usd("-10000"));
  EXPECT_TRUE(ledger.trial_balance().is_zero());
}

TEST_F(LedgerTest, ARefusedLeverageChangesNothing) {
  auto set = leverage(kBtc, 20, MarginMode::Isolated);
  set.accepted = false;
  ledger.apply(set);
  EXPECT_EQ(ledger.position(kBtc).leverage.value, 1);
  EXPECT_EQ(ledger.position(kBtc).mode, MarginMode::Cross);
}

TEST_F(LedgerTest, AModeChangeWithAPositionMovesItsMargin) {
  ledger.apply(leverage(kBtc, 5, MarginMode::Cross));
  ledger.apply(fill(kBtc, Side::Sell, "1", "20000"));
  ledger.apply(leverage(kBtc, 5, MarginMode::Isolated));
  EXPECT_EQ(ledger.position(kBtc).isolated_margin, usd("4000"));
  EXPECT_EQ(ledger.account().available, usd("6000"));
  ledger.apply(leverage(kBtc, 5, MarginMode::Cross));
  EXPECT_TRUE(ledger.position(kBtc).isolated_margin.is_zero());
  EXPECT_EQ(ledger.account().available, usd("6000"));
}

// Binance's published account: both liquidation prices from the one ledger (see margin_test.cpp for the arithmetic).
TEST(LedgerLiquidation, PublishedAccountWithTwoCrossPositions) {
  const auto table = domain::InstrumentTable::create(
                         {instrument("BTCUSDT", {{usd("0"), usd("50000000000"), ratio("0.025"), usd("16300"), 20}}),
                          instrument("ETHUSDT", {{usd("0"), usd("50000000000"), ratio("0.10"), usd("135365"), 10}})})
                         .value();
  Ledger ledger(table);
  ledger.deposit(usd("1535443.01"));
  ledger.apply(fill(kBtc, Side::Buy, "109.488", "32481.98"));
  ledger.apply(fill(kEth, Side::Buy, "3683.979", "1456.84"));
  ledger.mark(kBtc, px("31967.27"));
  ledger.mark(kEth, px("1335.18"));
  EXPECT_NEAR(ledger.maintenance_margin(kBtc).to_double(), 71200.81144, 0.01);
  EXPECT_NEAR(ledger.maintenance_margin(kEth).to_double(), 356512.508, 0.01);
  EXPECT_NEAR(ledger.liquidation_price(kEth).to_double(), 1153.26, 0.01);
  EXPECT_NEAR(ledger.liquidation_price(kBtc).to_double(), 26316.89, 0.01);
}

// Cross long 1 BTC at 20 000 beside a losing short: 10 ETH at 1 500, mark 1 550.
//   UPNL = −10 · 50 = −500;  TMM = 15 500 · 0.4 % = 62
//   (20 000 − (10 000 − 62 − 500)) / 0.996 = 10 562 / 0.996 = 10 604.42
TEST_F(LedgerTest, CrossLiquidationCountsTheOtherPositions) {
  ledger.apply(fill(kBtc, Side::Buy, "1", "20000"));
  ledger.apply(fill(kEth, Side::Sell, "10", "1500"));
  ledger.mark(kEth, px("1550"));
  EXPECT_NEAR(ledger.liquidation_price(kBtc).to_double(), 10604.42, 0.01);
  // An isolated position's margin is not there for it: 1 SOL at 100, 1×, takes 100 away.
  ledger.apply(leverage(kSol, 1, MarginMode::Isolated));
  ledger.apply(fill(kSol, Side::Buy, "1", "100"));
  EXPECT_NEAR(ledger.liquidation_price(kBtc).to_double(), (10562.0 + 100) / 0.996, 0.01);
}

TEST_F(LedgerTest, IsolatedLiquidationPriceUsesItsMarginAlone) {
  ledger.apply(leverage(kBtc, 10, MarginMode::Isolated));
  ledger.apply(fill(kBtc, Side::Buy, "1", "20000"));
  EXPECT_NEAR(ledger.liquidation_price(kBtc).to_double(), 18072.29, 0.01);
  EXPECT_TRUE(ledger.liquidation_price(kEth).is_zero());
}

TEST_F(LedgerTest, AtTheCrossLiquidationPriceTheAccountIsAtMaintenance) {
  ledger.apply(fill(kBtc, Side::Buy, "2", "20000"));
  ledger.apply(fill(kEth, Side::Sell, "3", "1500"));
  ledger.mark(kEth, px("1490"));
  ledger.mark(kBtc, ledger.liquidation_price(kBtc));
  const auto v = ledger.account();
  EXPECT_NEAR(v.equity.to_double(), v.maintenance_margin.to_double(), 1e-6 * v.maintenance_margin.to_double());
}

TEST_F(LedgerTest, IsolatedLiquidationLosesItsMarginAndNoMore) {
  ledger.apply(leverage(kBtc, 10, MarginMode::Isolated));
  ledger.apply(fill(kBtc, Side::Buy, "1", "20000"));
  // A gap to 17 500: the loss of 2 500 and the fee of 10 exceed the 2 000 set aside by 510.
  const auto b = ledger.apply(liquidation(kBtc, Side::Sell, "1", "17500", "10"));
  EXPECT_TRUE(b.closed);
  EXPECT_EQ(b.insurance, usd("510"));
  EXPECT_EQ(b.realised, usd("-1990"));
  EXPECT_EQ(ledger.account().wallet, usd("8000"));
  EXPECT_EQ(ledger.balance(Account::InsuranceClearance), usd("-510"));
  EXPECT_TRUE(ledger.trial_balance().is_zero());
}

TEST_F(LedgerTest, IsolatedLiquidationReturnsWhatIsLeft) {
  ledger.apply(leverage(kBtc, 10, MarginMode::Isolated));
  ledger.apply(fill(kBtc, Side::Buy, "1", "20000"));
  // In two parts; the first must not free margin while the second is open.
  ledger.apply(liquidation(kBtc, Side::Sell, "0.5", "18050", "5"));
  EXPECT_EQ(ledger.position(kBtc).isolated_margin, usd("1020"));  // 2 000 − 975 − 5
  EXPECT_EQ(ledger.account().available, usd("8000"));
  const auto b = ledger.apply(liquidation(kBtc, Side::Sell, "0.5", "18050", "5"));
  EXPECT_TRUE(b.insurance.is_zero());
  EXPECT_EQ(ledger.account().wallet, usd("8040"));  // 10 000 − 1 950 − 10
  EXPECT_EQ(ledger.account().available, usd("8040"));
}

TEST_F(LedgerTest, CrossLiquidationIsInsuredOnlyWhenTheLastPositionIsGone) {
  ledger.apply(fill(kBtc, Side::Buy, "1", "20000"));
  ledger.apply(fill(kEth, Side::Buy, "1", "2000"));
  auto b = ledger.apply(liquidation(kBtc, Side::Sell, "1", "9000"));
  EXPECT_TRUE(b.insurance.is_zero());
  EXPECT_EQ(ledger.account().wallet, usd("-1000"));
  b = ledger.apply(liquidation(kEth, Side::Sell, "1", "1900"));
  EXPECT_EQ(b.insurance, usd("1100"));
  EXPECT_TRUE(ledger.account().wallet.is_zero());
  EXPECT_TRUE(ledger.trial_balance().is_zero());
}

using LedgerDeathTest = LedgerTest;

TEST_F(LedgerDeathTest, AFillOfNothingStops) {
  EXPECT_DEATH(ledger.apply(fill(kBtc, Side::Buy, "0", "20000")), "positive price and quantity");
  EXPECT_DEATH(ledger.apply(fill(kBtc, Side::Buy, "1", "0")), "positive price and quantity");
  EXPECT_DEATH(ledger.apply(liquidation(kBtc, Side::Buy, "1", "1")), "not there");
  EXPECT_DEATH(ledger.mark(kBtc, {}), "mark price");
  EXPECT_DEATH(ledger.position({9}), "unknown symbol");
}

// ---- properties ----------------------------------------------------------------------------------------------------

/// Drives a ledger at random and keeps the cash flows beside it, without any notion of a cost basis.
struct Flows {
  Money deposits, bought, fees, funding, insurance, realised;
};

class RandomLedger {
 public:
  explicit RandomLedger(std::uint64_t seed) : rng(seed) { ledger.deposit(flows.deposits = Money::from_int(1'000'000)); }

  void step() {
    const domain::SymbolId s{static_cast<std::uint16_t>(rng.below(3))};
    const auto price = domain::Price::from_raw(static_cast<std::int64_t>(rng.below(9'000'000'000'000)) + 1'000'000);
    switch (rng.below(8)) {
      case 0:
        ledger.mark(s, price);
        break;
      case 1:
        pay(s);
        break;
      case 2:
        ledger.apply(leverage(s, static_cast<int>(rng.below(20)) + 1,
                              rng.below(2) == 0 ? MarginMode::Cross : MarginMode::Isolated));
        break;
      default:
        trade(s, price);
        break;
    }
  }

  void flatten() {
    for (std::uint16_t s = 0; s < 3; ++s) {
      const auto q = ledger.position({s}).quantity;
      if (q.is_zero()) continue;
      book({s}, q.is_negative() ? Side::Buy : Side::Sell, q.abs(), domain::Price::from_raw(4'321'987'654'321));
    }
  }

  domain::InstrumentTable table = instruments();
  Ledger ledger{table};
  Flows flows;
  base::Rng rng;

 private:
  void pay(domain::SymbolId s) {
    domain::FundingPayment p;
    p.symbol = s;
    p.amount = Money::from_raw(static_cast<std::int64_t>(rng.below(2'000'000'001)) - 1'000'000'000);
    flows.funding += p.amount;
    ledger.apply(p);
  }

  void trade(domain::SymbolId s, domain::Price price) {
    const auto q = ledger.position(s).quantity;
    // Anything down to 1e-8, so that every product rounds; a fifth of the fills close exactly.
    auto amount = domain::Quantity::from_raw(static_cast<std::int64_t>(rng.below(1'000'000'000)) + 1);
    auto side = rng.below(2) == 0 ? Side::Buy : Side::Sell;
    if (!q.is_zero() && rng.below(5) == 0) {
      amount = q.abs();
      side = q.is_negative() ? Side::Buy : Side::Sell;
    }
    book(s, side, amount, price);
  }

  void book(domain::SymbolId s, Side side, domain::Quantity amount, domain::Price price) {
    const auto held = ledger.position(s).quantity;
    Fill f;
    f.symbol = s;
    f.side = side;
    f.quantity = amount;
    f.price = price;
    f.fee = Money::from_raw(static_cast<std::int64_t>(rng.below(100'000'000)) - 10'000'000);
    const bool reduces = !held.is_zero() && held.is_negative() == (side == Side::Buy) && amount <= held.abs();
    if (reduces && rng.below(4) == 0) f.kind = domain::FillKind::Liquidation;
    const auto booking = ledger.apply(f);
    flows.bought += side == Side::Buy ? price * amount : -(price * amount);
    flows.fees += f.fee;
    flows.insurance += booking.insurance;
    flows.realised += booking.realised;
  }
};

TEST(LedgerProperty, MoneyIsConservedToTheLastDigitAfterEveryStep) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    RandomLedger r(seed);
    for (int i = 0; i < 1'000; ++i) {
      r.step();
      Money cost;
      for (std::uint16_t s = 0; s < 3; ++s) cost += r.ledger.position({s}).cost;
      const auto& f = r.flows;
      ASSERT_TRUE(r.ledger.trial_balance().is_zero());
      ASSERT_EQ(r.ledger.account().wallet, f.deposits - f.bought + cost - f.fees + f.funding + f.insurance);
      ASSERT_EQ(r.ledger.account().wallet, f.deposits + f.realised - f.fees + f.funding);
      ASSERT_EQ(r.ledger.equity(), r.ledger.account().equity);
    }
    r.flatten();
    const auto& f = r.flows;
    ASSERT_EQ(r.ledger.open_positions(), 0u);
    ASSERT_EQ(r.ledger.account().equity, f.deposits + f.realised - f.fees + f.funding);
    ASSERT_TRUE(r.ledger.account().exposure.is_zero());
    ASSERT_TRUE(r.ledger.account().initial_margin.is_zero());
  }
}

TEST(LedgerProperty, IncrementalTotalsEqualTheSumOverPositions) {
  RandomLedger r(99);
  for (int i = 0; i < 20'000; ++i) {
    r.step();
    Money unrealised, exposure, initial, maintenance, isolated, cross_unrealised, cross_initial;
    std::size_t open = 0;
    for (std::uint16_t s = 0; s < 3; ++s) {
      const Position& p = r.ledger.position({s});
      if (p.flat()) {
        ASSERT_TRUE(p.cost.is_zero() && p.isolated_margin.is_zero());
        continue;
      }
      ++open;
      unrealised += p.unrealised();
      exposure += p.notional();
      initial += p.leverage.margin_for(p.notional());
      maintenance += maintenance_margin(r.table[{s}], p.notional());
      isolated += p.isolated_margin;
      if (p.mode == MarginMode::Cross) {
        cross_unrealised += p.unrealised();
        cross_initial += p.leverage.margin_for(p.notional());
      } else {
        ASSERT_EQ(r.ledger.maintenance_margin({s}), maintenance_margin(r.table[{s}], p.notional()));
      }
    }
    const auto v = r.ledger.account();
    ASSERT_EQ(r.ledger.open_positions(), open);
    ASSERT_EQ(v.unrealised, unrealised);
    ASSERT_EQ(v.exposure, exposure);
    ASSERT_EQ(v.initial_margin, initial);
    ASSERT_EQ(v.maintenance_margin, maintenance);
    ASSERT_EQ(v.available, std::max(Money(), v.wallet - isolated + cross_unrealised - cross_initial));
  }
}

TEST(LedgerProperty, SnapshotAndTailEqualTheWholeRun) {
  RandomLedger whole(5), tail(5);
  for (int i = 0; i < 500; ++i) whole.step(), tail.step();
  const base::Bytes snapshot = base::to_bytes(tail.ledger);
  tail.ledger = Ledger(tail.table);
  ASSERT_TRUE(base::from_bytes(snapshot, tail.ledger));
  EXPECT_EQ(base::to_bytes(tail.ledger), snapshot);
  for (int i = 0; i < 500; ++i) {
    whole.step(), tail.step();
    const auto a = whole.ledger.account(), b = tail.ledger.account();
    ASSERT_EQ(a.equity, b.equity);
    ASSERT_EQ(a.available, b.available);
    ASSERT_EQ(a.maintenance_margin, b.maintenance_margin);
  }
  EXPECT_EQ(base::to_bytes(whole.ledger), base::to_bytes(tail.ledger));
}

TEST(LedgerProperty, AShortSnapshotIsReportedAndLeavesAnEmptyLedger) {
  RandomLedger r(6);
  for (int i = 0; i < 100; ++i) r.step();
  base::Bytes snapshot = base::to_bytes(r.ledger);
  snapshot.resize(snapshot.size() / 2);
  EXPECT_FALSE(base::from_bytes(snapshot, r.ledger));
  EXPECT_EQ(r.ledger.open_positions(), 0u);
}

}  // namespace
}  // namespace qtrader::ledger
