// The session around the engine: the ledger equals the venue's own account, whatever the market and the rule.
#include "apps/common/session.hpp"

#include <gtest/gtest.h>

#include "core/fund/strategy/strategy.hpp"
#include "edge/simvenue/synthetic.hpp"

namespace qtrader::apps {
namespace {

struct Counting final : SessionObserver {
  void on_step(const kernel::Envelope& envelope, const engine::Outbox& outbox) override {
    for (const auto& r : outbox.audit) {
      if (const auto* t = std::get_if<domain::TradeClosed>(&r)) {
        ++trades;
        net += t->net_pnl;
        ++by_reason[t->exit_reason];
      }
      unprotected += std::holds_alternative<domain::RiskAlert>(r);
    }
    EXPECT_GE(envelope.ts_recv, last) << "time never runs backwards";
    last = envelope.ts_recv;
  }
  int trades = 0, unprotected = 0;
  domain::Money net;
  std::map<domain::ExitReason, int> by_reason;
  base::Timestamp last;
};

struct Run {
  domain::Money wallet;
  std::uint64_t digest = 0;
  Counting seen;
};

base::Result<Run> run(const std::string& rule, std::uint64_t seed, domain::MarginMode mode) {
  QT_TRY(auto market, simvenue::SyntheticMarket::create({.symbols = 4,
                                                         .timeframe = domain::Timeframe::M5,
                                                         .from = base::from_civil({2025, 1, 1}),
                                                         .to = base::from_civil({2025, 2, 10}),
                                                         .seed = seed}));
  engine::EngineConfig config;
  config.strategy = rule;
  config.limits.mark_max_age_ms = 600'000;
  config.limits.drawdown_rearm_days = 1;
  config.execution.margin_mode = mode;
  QT_TRY(auto table, domain::InstrumentTable::create(market.instruments()));
  QT_TRY(auto strategy, fund::make_rule_strategy(rule, table.size()));
  QT_TRY(auto engine, engine::Engine::create(config, table, std::move(strategy)));
  simvenue::SimVenue venue(table, {.submit_failure_rate = 0.02}, base::Rng(seed));
  kernel::Sequencer sequencer(nullptr);
  Run out;
  Session session(*engine, venue, sequencer, &out.seen);
  std::vector<domain::Bar> bars;
  Slot slot;
  bool started = false;
  while (market.next(bars)) {
    slot.open = bars[0].open_time;
    slot.close = bars[0].close_time();
    slot.funding = market.funding_at(slot.open);
    slot.bars.clear();
    for (std::size_t i = 0; i < bars.size(); ++i)
      slot.bars.emplace_back(domain::SymbolId{static_cast<std::uint16_t>(i)}, bars[i]);
    if (!started) QT_TRY_VOID(session.start({domain::Money::from_int(10'000), seed, {}, {}}, slot.open));
    started = true;
    QT_TRY_VOID(session.play(slot));
  }
  QT_TRY_VOID(session.finish());  // compares ledger and venue to the last digit
  EXPECT_EQ(engine->ledger().trial_balance(), domain::Money());
  out.wallet = engine->ledger().balance(ledger::Account::Wallet);
  out.digest = sequencer.digest();
  return out;
}

TEST(Session, TheLedgerEqualsTheVenueForEveryRuleAndMarginMode) {
  for (const char* rule : {"ema_cross", "donchian_breakout", "rsi_reversion"}) {
    for (const auto mode : {domain::MarginMode::Isolated, domain::MarginMode::Cross}) {
      const auto r = run(rule, 11, mode);
      ASSERT_TRUE(r) << rule << ": " << r.error().message();
      EXPECT_GT(r->seen.trades, 20) << rule;
      EXPECT_EQ(r->wallet, domain::Money::from_int(10'000) + r->seen.net)
          << rule << ": Σ net PnL is the wallet's change";
    }
  }
}

TEST(Session, ExitsHaveManyReasonsAndStopsAreTheMostCommon) {
  const auto r = run("donchian_breakout", 5, domain::MarginMode::Isolated);
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_GT(r->seen.by_reason.size(), 3U);
  EXPECT_EQ(r->seen.by_reason.contains(domain::ExitReason::StopLoss), true);
}

TEST(Session, SameSeedSameDigest) {
  const auto a = run("ema_cross", 3, domain::MarginMode::Isolated),
             b = run("ema_cross", 3, domain::MarginMode::Isolated);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->digest, b->digest);
}

}  // namespace
}  // namespace qtrader::apps
