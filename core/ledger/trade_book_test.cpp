#include "core/ledger/trade_book.hpp"

#include <gtest/gtest.h>

#include "core/base/archive.hpp"
#include "core/base/rng.hpp"
#include "core/ledger/test_instruments.hpp"

namespace qtrader::ledger {
namespace {

using namespace testing;  // NOLINT: px, qty, usd
using domain::Fill;
using domain::Money;
using domain::PositionSide;
using domain::Side;
using domain::TradeId;

constexpr TradeId kTrade{1};

Fill fill(Side side, const char* quantity, const char* price, const char* fee = "0", const char* reference = "0") {
  Fill f;
  f.symbol = kBtc;
  f.side = side;
  f.quantity = qty(quantity);
  f.price = px(price);
  f.fee = usd(fee);
  f.reference_price = px(reference);
  return f;
}

domain::Bar bar(const char* high, const char* low) {
  domain::Bar b;
  b.high = px(high);
  b.low = px(low);
  b.open = b.close = px(low);
  return b;
}

TEST(TradeBook, AWholeLongTradeInR) {
  TradeBook book;
  book.open(kTrade, {77}, kBtc, PositionSide::Long, "ema_cross");
  Fill entry = fill(Side::Buy, "2", "100", "0.1", "99.5");
  entry.ts_event = base::Timestamp::from_unix_ms(1000);
  EXPECT_EQ(book.on_fill(kTrade, entry, {}), usd("1"));  // (100 − 99.5) · 2
  book.freeze_risk(kTrade, px("95"));                    // 1 R = 5 · 2 = 10
  EXPECT_EQ(book.find(kTrade)->risk, usd("10"));
  book.on_bar(kTrade, bar("112", "97"));
  book.on_funding(kTrade, usd("-0.4"));
  EXPECT_DOUBLE_EQ(book.find(kTrade)->current_r(px("110")), (20 - 0.1 - 0.4) / 10);
  EXPECT_DOUBLE_EQ(book.find(kTrade)->peak_r(), 2.4);
  // Half out at 110: + 10; the rest at 104: + 4.
  EXPECT_EQ(book.on_fill(kTrade, fill(Side::Sell, "1", "110", "0.05", "110.2"), usd("10")), usd("0.2"));
  EXPECT_DOUBLE_EQ(book.find(kTrade)->current_r(px("104")), (10 + 4 - 0.15 - 0.4) / 10);
  book.on_fill(kTrade, fill(Side::Sell, "1", "104", "0.05"), usd("4"));

  const auto row = book.close(kTrade, base::Timestamp::from_unix_ms(9000), domain::ExitReason::TrailingStop);
  EXPECT_EQ(row.entry_time.unix_ms(), 1000);
  EXPECT_EQ(row.exit_time.unix_ms(), 9000);
  EXPECT_EQ(row.quantity, qty("2"));
  EXPECT_EQ(row.entry_price, px("100"));
  EXPECT_EQ(row.exit_price, px("107"));
  EXPECT_EQ(row.gross_pnl, usd("14"));
  EXPECT_EQ(row.fees, usd("0.2"));
  EXPECT_EQ(row.funding, usd("-0.4"));
  EXPECT_EQ(row.slippage, usd("1.2"));
  EXPECT_EQ(row.net_pnl, usd("13.4"));
  EXPECT_DOUBLE_EQ(row.r_multiple, 1.34);
  EXPECT_DOUBLE_EQ(row.mae_r, -0.6);  // 97: −3 · 2 / 10
  EXPECT_DOUBLE_EQ(row.mfe_r, 2.4);   // 112
  EXPECT_EQ(row.strategy, "ema_cross");
  EXPECT_EQ(row.trace.value, 77u);
  EXPECT_TRUE(book.open_trades().empty());
}

TEST(TradeBook, AShortIsItsMirror) {
  TradeBook book;
  book.open(kTrade, {1}, kBtc, PositionSide::Short, "s");
  EXPECT_EQ(book.on_fill(kTrade, fill(Side::Sell, "2", "100", "0", "100.5"), {}), usd("1"));
  book.freeze_risk(kTrade, px("105"));
  book.on_bar(kTrade, bar("103", "88"));
  EXPECT_DOUBLE_EQ(book.find(kTrade)->current_r(px("90")), 2.0);
  // An exit beyond every bar counts for the excursion too: stopped at 106 by a gap.
  book.on_fill(kTrade, fill(Side::Buy, "2", "106"), usd("-12"));
  const auto row = book.close(kTrade, {}, domain::ExitReason::StopLoss);
  EXPECT_DOUBLE_EQ(row.mfe_r, 2.4);
  EXPECT_DOUBLE_EQ(row.mae_r, -1.2);
  EXPECT_DOUBLE_EQ(row.r_multiple, -1.2);
}

TEST(TradeBook, ExcursionsAreNeverOnTheWrongSideOfZero) {
  TradeBook book;
  book.open(kTrade, {1}, kBtc, PositionSide::Long, "s");
  book.on_bar(kTrade, bar("500", "1"));  // before any fill: not this trade's
  book.on_fill(kTrade, fill(Side::Buy, "1", "100"), {});
  book.freeze_risk(kTrade, px("90"));
  book.on_fill(kTrade, fill(Side::Sell, "1", "101"), usd("1"));
  const auto row = book.close(kTrade, {}, domain::ExitReason::TakeProfit);
  EXPECT_DOUBLE_EQ(row.mae_r, 0);
  EXPECT_DOUBLE_EQ(row.mfe_r, 0.1);
}

TEST(TradeBook, ATradeThatEndsBeforeItsRiskIsFrozenHasNoR) {
  TradeBook book;
  book.open(kTrade, {1}, kBtc, PositionSide::Long, "s");
  book.on_fill(kTrade, fill(Side::Buy, "1", "100"), {});
  EXPECT_EQ(book.find(kTrade)->current_r(px("120")), 0);
  book.on_fill(kTrade, fill(Side::Sell, "1", "99"), usd("-1"));
  const auto row = book.close(kTrade, {}, domain::ExitReason::Unprotected);
  EXPECT_EQ(row.r_multiple, 0);
  EXPECT_EQ(row.mae_r, 0);
  EXPECT_EQ(row.net_pnl, usd("-1"));
}

TEST(TradeBook, FindsBySymbolAndAbandonsWhatNeverFilled) {
  TradeBook book;
  book.open({1}, {1}, kBtc, PositionSide::Long, "s");
  book.open({2}, {2}, kEth, PositionSide::Short, "s");
  EXPECT_EQ(book.find_by_symbol(kEth)->id.value, 2u);
  EXPECT_EQ(book.find_by_symbol(kSol), nullptr);
  book.abandon({2});
  EXPECT_EQ(book.find({2}), nullptr);
}

TEST(TradeBookDeath, WhatCannotBeStops) {
  TradeBook book;
  book.open(kTrade, {1}, kBtc, PositionSide::Long, "s");
  EXPECT_DEATH(book.open(kTrade, {1}, kBtc, PositionSide::Long, "s"), "already open");
  EXPECT_DEATH(book.on_funding({9}, {}), "unknown trade");
  EXPECT_DEATH(book.freeze_risk(kTrade, px("90")), "an entry and a stop");
  book.on_fill(kTrade, fill(Side::Buy, "1", "100"), {});
  EXPECT_DEATH(book.freeze_risk(kTrade, px("101")), "losing side");
  EXPECT_DEATH(book.close(kTrade, {}, domain::ExitReason::StopLoss), "flat");
  EXPECT_DEATH(book.on_fill(kTrade, fill(Side::Sell, "2", "100"), {}), "exits more");
  EXPECT_DEATH(book.abandon(kTrade), "filled");
  book.freeze_risk(kTrade, px("90"));
  EXPECT_DEATH(book.freeze_risk(kTrade, px("95")), "frozen once");
}

/// One random trade after another on one symbol: partial entries and exits, fees, funding, now and then a liquidation.
class RandomTrades {
 public:
  explicit RandomTrades(std::uint64_t seed) : rng(seed) {
    ledger.deposit(Money::from_int(100'000));
    ledger.apply(domain::LeverageSet{kBtc, {5}, domain::MarginMode::Isolated, true, {}});
  }

  Money one_trade() {
    const TradeId id{++last};
    const auto side = rng.below(2) == 0 ? PositionSide::Long : PositionSide::Short;
    book.open(id, {last}, kBtc, side, "random");
    for (std::uint64_t n = rng.below(4) + 1; n > 0; --n) take(id, domain::entry_side(side), small());
    const auto entry = book.find(id)->entry_price();
    const auto distance = domain::Price::from_raw(entry.raw() / 50);
    book.freeze_risk(id, side == PositionSide::Long ? entry - distance : entry + distance);
    for (std::uint64_t n = rng.below(5); n > 0; --n) pay(id);
    while (book.find(id)->remaining().is_positive()) {
      const auto left = book.find(id)->remaining();
      take(id, domain::exit_side(side), rng.below(2) == 0 ? left : std::min(left, small()));
      check_open(id);
    }
    const auto row = book.close(id, {}, domain::ExitReason::StopLoss);
    EXPECT_EQ(row.net_pnl, row.gross_pnl - row.fees + row.funding);
    EXPECT_LE(row.mae_r, 0);
    EXPECT_GE(row.mfe_r, 0);
    return row.net_pnl;
  }

  domain::InstrumentTable table = instruments();
  Ledger ledger{table};
  TradeBook book;
  base::Rng rng;
  std::uint64_t last = 0;

 private:
  domain::Quantity small() { return domain::Quantity::from_raw(static_cast<std::int64_t>(rng.below(100'000'000)) + 1); }
  void take(TradeId id, Side side, domain::Quantity quantity) {
    Fill f;
    f.symbol = kBtc;
    f.side = side;
    f.quantity = quantity;
    f.price = domain::Price::from_raw(200'000'000'000 + static_cast<std::int64_t>(rng.below(100'000'000'000)));
    f.fee = Money::from_raw(static_cast<std::int64_t>(rng.below(100'000'000)));
    const auto held = ledger.position(kBtc).quantity;
    const bool reduces = !held.is_zero() && held.is_negative() == (side == Side::Buy);
    if (reduces && rng.below(4) == 0) f.kind = domain::FillKind::Liquidation;
    book.on_fill(id, f, ledger.apply(f).realised);
  }
  void pay(TradeId id) {
    domain::FundingPayment p;
    p.symbol = kBtc;
    p.amount = Money::from_raw(static_cast<std::int64_t>(rng.below(200'000'001)) - 100'000'000);
    ledger.apply(p);
    book.on_funding(id, p.amount);
  }
  /// The open part in R is the ledger's own unrealised PnL.
  void check_open(TradeId id) {
    const OpenTrade& t = *book.find(id);
    const auto mark = domain::Price::from_raw(250'123'456'789);
    ledger.mark(kBtc, mark);
    const Money total = ledger.account().unrealised + t.realised - t.fees + t.funding;
    EXPECT_NEAR(t.current_r(mark), total.to_double() / t.risk.to_double(), 1e-12);
  }
};

TEST(TradeBookProperty, ClosedTradesAddUpToTheChangeOfEquity) {
  RandomTrades r(3);
  Money sum;
  for (int i = 0; i < 3'000; ++i) {
    sum += r.one_trade();
    ASSERT_EQ(r.ledger.equity(), Money::from_int(100'000) + sum);
    ASSERT_TRUE(r.ledger.trial_balance().is_zero());
  }
}

TEST(TradeBook, SnapshotHoldsEveryOpenTrade) {
  TradeBook book;
  book.open(kTrade, {7}, kBtc, PositionSide::Short, "s");
  book.on_fill(kTrade, fill(Side::Sell, "2", "100", "0.1", "100.5"), {});
  book.freeze_risk(kTrade, px("105"));
  book.on_bar(kTrade, bar("103", "88"));
  const base::Bytes bytes = base::to_bytes(book);
  TradeBook again;
  ASSERT_TRUE(base::from_bytes(bytes, again));
  EXPECT_EQ(base::to_bytes(again), bytes);
  EXPECT_DOUBLE_EQ(again.find(kTrade)->peak_r(), book.find(kTrade)->peak_r());
}

}  // namespace
}  // namespace qtrader::ledger
