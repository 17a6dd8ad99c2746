#include "edge/simvenue/account.hpp"

#include <gtest/gtest.h>

#include "edge/simvenue/venue_fixture.hpp"

namespace qtrader::simvenue {
namespace {

using domain::Leverage;
using domain::MarginMode;
using testing::contract;
using testing::kA;
using testing::kB;
using testing::Money;
using testing::px;
using testing::qty;
using testing::Ratio;
using testing::Side;
using testing::usd;
using testing::VenueReason;

class AccountTest : public ::testing::Test {
 protected:
  void buy(double q, double p, double fee = 0) { account_.book({kA, Side::Buy, qty(q), px(p), usd(fee)}); }
  Money sell(double q, double p, double fee = 0) { return account_.book({kA, Side::Sell, qty(q), px(p), usd(fee)}); }

  domain::InstrumentTable table_ = domain::InstrumentTable::create({contract("AUSDT"), contract("BUSDT")}).value();
  Account account_{table_, usd(10'000)};
};

TEST_F(AccountTest, AveragesEntriesAndRealisesInProportion) {
  buy(1, 100);
  buy(3, 104);
  EXPECT_EQ(account_[kA].cost, usd(412));
  EXPECT_EQ(sell(2, 110), usd(14));  // 2 · (110 − 103)
  EXPECT_EQ(account_[kA].cost, usd(206));
  EXPECT_EQ(account_.wallet(), usd(10'014));
}

TEST_F(AccountTest, FlipsAtTheFillPrice) {
  buy(1, 100);
  EXPECT_EQ(sell(3, 110), usd(10));
  EXPECT_EQ(account_[kA].quantity, -qty(2));
  EXPECT_EQ(account_[kA].cost, -usd(220));
  account_.set_mark(kA, px(105));
  EXPECT_EQ(account_.equity(), usd(10'020));
}

TEST_F(AccountTest, OpeningChangesEquityByTheFeeOnly) {
  account_.set_mark(kA, px(100));
  buy(10, 100, 0.5);
  EXPECT_EQ(account_.wallet(), usd(9'999.5));
  EXPECT_EQ(account_.equity(), usd(9'999.5));
  EXPECT_EQ(account_.available(), usd(9'999.5 - 50)) << "1000 notional at the default leverage of 20";
}

TEST_F(AccountTest, RandomTradingConservesMoneyExactly) {
  base::Rng rng(11);
  Money flow, fees;
  for (int i = 0; i < 2'000; ++i) {
    const bool up = rng.below(2) == 0;
    const auto q = qty(static_cast<double>(1 + rng.below(5'000)) / 1'000);
    const auto p = px(90 + static_cast<double>(rng.below(2'000)) / 100);
    const Money fee = p * q * Ratio::from_double(0.0005);
    account_.book({kA, up ? Side::Buy : Side::Sell, q, p, fee});
    flow += up ? -(p * q) : p * q;
    fees += fee;
    // What was paid and received, plus what the position cost, is what the wallet changed by.
    ASSERT_EQ(account_.wallet(), usd(10'000) + flow + account_[kA].cost - fees);
  }
  const auto rest = account_[kA].quantity;
  if (rest.is_positive()) sell(rest.to_double(), 100);
  if (rest.is_negative()) buy(rest.abs().to_double(), 100);
  EXPECT_TRUE(account_[kA].quantity.is_zero());
  EXPECT_TRUE(account_[kA].cost.is_zero()) << "no dust after the last close";
}

TEST_F(AccountTest, IsolatedMarginIsLockedAndReleased) {
  ASSERT_TRUE(account_.set_leverage(kA, Leverage{10}, MarginMode::Isolated));
  buy(10, 100);
  EXPECT_EQ(account_[kA].isolated_wallet, usd(100));
  EXPECT_EQ(account_.available(), usd(9'900));
  sell(5, 100);
  EXPECT_EQ(account_[kA].isolated_wallet, usd(50));
  sell(5, 90);
  EXPECT_TRUE(account_[kA].isolated_wallet.is_zero());
  EXPECT_EQ(account_.wallet(), usd(9'950));
}

TEST_F(AccountTest, FundingChargesLongsAndPaysShorts) {
  buy(10, 100);
  EXPECT_EQ(account_.settle_funding(kA, px(110), Ratio::from_double(0.0001)), usd(-0.11));
  EXPECT_EQ(account_.wallet(), usd(9'999.89));
  sell(20, 100);
  EXPECT_EQ(account_.settle_funding(kA, px(110), Ratio::from_double(0.0001)), usd(0.11));
  EXPECT_TRUE(account_.settle_funding(kB, px(110), Ratio::from_double(0.0001)).is_zero());
}

TEST_F(AccountTest, IsolatedLiquidationMeetsMaintenanceMargin) {
  ASSERT_TRUE(account_.set_leverage(kA, Leverage{20}, MarginMode::Isolated));
  buy(10, 100);
  // (q·entry − margin) / (q·(1 − rate)) = (1000 − 50) / (10 · 0.996)
  const auto level = account_.liquidation_price(kA);
  ASSERT_TRUE(level);
  EXPECT_NEAR(level->to_double(), 95.38152610, 1e-6);
  EXPECT_EQ(account_.bankruptcy_price(kA), px(95));
  sell(20, 100);
  EXPECT_NEAR(account_.liquidation_price(kA)->to_double(), (1000 + 50) / (10 * 1.004), 1e-6);
  EXPECT_EQ(account_.bankruptcy_price(kA), px(105));
}

TEST_F(AccountTest, LiquidationUsesTheBracketOfTheNotionalThere) {
  ASSERT_TRUE(account_.set_leverage(kA, Leverage{50}, MarginMode::Isolated));
  buy(1'000, 100);  // 100 000: second bracket, 0.5 % less 50
  const double margin = 2'000;
  EXPECT_NEAR(account_.liquidation_price(kA)->to_double(), (100'000 - margin - 50) / (1'000 * 0.995), 1e-6);
  const Money at = usd((100'000 - margin - 50) / 0.995);
  EXPECT_NEAR(maintenance_margin(table_[kA], at).to_double(), at.to_double() * 0.005 - 50, 1e-6);
}

TEST_F(AccountTest, CrossLiquidationCountsTheWholeAccount) {
  ASSERT_TRUE(account_.set_leverage(kA, Leverage{100}, MarginMode::Cross));
  buy(1'000, 100);
  const auto alone = account_.liquidation_price(kA);
  ASSERT_TRUE(alone);
  EXPECT_NEAR(alone->to_double(), (100'000 - 10'000 - 50) / (1'000 * 0.995), 1e-6);
  account_.book({kB, Side::Buy, qty(100), px(100), usd(0)});
  account_.set_mark(kB, px(80));  // a loss of 2000 elsewhere, and its maintenance margin
  const auto with_loss = account_.liquidation_price(kA);
  const double others = -2'000 - 8'000 * 0.004;
  EXPECT_NEAR(with_loss->to_double(), (100'000 - 10'000 - others - 50) / (1'000 * 0.995), 1e-6);
}

TEST_F(AccountTest, AWellMarginedLongIsNeverLiquidated) {
  buy(1, 100);
  EXPECT_FALSE(account_.liquidation_price(kA));
  sell(2, 100);
  EXPECT_TRUE(account_.liquidation_price(kA)) << "a short always has a price that liquidates it";
}

TEST_F(AccountTest, RefusesWhatItCannotCarry) {
  const auto order = [](double q) { return Execution{kA, Side::Buy, qty(q), px(100), usd(0)}; };
  account_.set_mark(kA, px(100));
  EXPECT_EQ(account_.can_carry(order(1'000)), VenueReason::None);
  EXPECT_EQ(account_.can_carry(order(2'001)), VenueReason::InsufficientMargin);
  ASSERT_TRUE(account_.set_leverage(kA, Leverage{125}, MarginMode::Cross));
  EXPECT_EQ(account_.can_carry(order(501)), VenueReason::MaxPosition) << "125x is for up to 50 000";
  EXPECT_FALSE(account_.set_leverage(kA, Leverage{126}, MarginMode::Cross));
  EXPECT_FALSE(account_.set_leverage(kA, Leverage{0}, MarginMode::Cross));
}

TEST_F(AccountTest, ReducingNeedsNoMargin) {
  ASSERT_TRUE(account_.set_leverage(kA, Leverage{100}, MarginMode::Cross));
  buy(5'000, 100);
  account_.set_mark(kA, px(98.5));
  ASSERT_TRUE(account_.available().is_negative());
  EXPECT_EQ(account_.can_carry({kA, Side::Sell, qty(5'000), px(98.5), usd(300)}), VenueReason::None);
  EXPECT_EQ(account_.can_carry({kA, Side::Buy, qty(1), px(98.5), usd(0)}), VenueReason::InsufficientMargin);
}

TEST_F(AccountTest, TheInsuranceFundBearsADeficitOnceNothingIsLeft) {
  buy(1'000, 100);
  account_.book({kB, Side::Buy, qty(1), px(100), usd(0)});
  sell(1'000, 80);
  account_.cover_deficit();
  EXPECT_EQ(account_.wallet(), usd(-10'000)) << "the other position may still make up for it";
  account_.book({kB, Side::Sell, qty(1), px(100), usd(0)});
  account_.cover_deficit();
  EXPECT_TRUE(account_.wallet().is_zero());
}

TEST_F(AccountTest, LeverageChangesThatBinanceRefuses) {
  ASSERT_TRUE(account_.set_leverage(kA, Leverage{20}, MarginMode::Isolated));
  buy(1, 100);
  EXPECT_FALSE(account_.set_leverage(kA, Leverage{20}, MarginMode::Cross)) << "mode with a position";
  EXPECT_FALSE(account_.set_leverage(kA, Leverage{10}, MarginMode::Isolated)) << "lower on isolated (-4161)";
  EXPECT_TRUE(account_.set_leverage(kA, Leverage{50}, MarginMode::Isolated));
  sell(1, 100);
  EXPECT_TRUE(account_.set_leverage(kA, Leverage{10}, MarginMode::Cross));
}

}  // namespace
}  // namespace qtrader::simvenue
