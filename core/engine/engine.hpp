// Engine: the reducer. step(envelope) changes the state and says what it decided and what should leave for the venue.
//
// Backtest, replay, paper and live run this same class; only the world around it differs. A pure function of (state,
// envelope): the only "now" is the envelope's. Owns every room of the core; nothing outside holds a mutable reference.
#pragma once

#include <memory>
#include <vector>

#include "core/engine/config.hpp"
#include "core/engine/executor.hpp"
#include "core/engine/hook_board.hpp"
#include "core/execution/fill_filter.hpp"
#include "core/execution/reconciler.hpp"
#include "core/execution/trade_manager.hpp"
#include "core/fund/strategy/strategy.hpp"
#include "core/kernel/envelope.hpp"

namespace qtrader::engine {

/// What one step produced, in order. Reused between steps.
class Outbox final : public domain::AuditSink {
 public:
  std::vector<execution::Command> commands;
  std::vector<domain::AuditRecord> audit;
  std::optional<std::pair<domain::SymbolId, domain::Bar>> primary_bar;  // if this step completed one

  void record(domain::AuditRecord r) override { audit.push_back(std::move(r)); }
  void clear();
};

class Engine {
 public:
  /// Errors: InvalidArgument for a bad config or a strategy that does not fit it.
  static base::Result<std::unique_ptr<Engine>> create(EngineConfig config, domain::InstrumentTable instruments,
                                                      std::unique_ptr<fund::Strategy> strategy);

  void step(const kernel::Envelope& envelope, Outbox& outbox);

  /// The next deadline the core has set itself; the world turns it into a TimerFired event when it is due.
  std::optional<base::Timestamp> next_timer_due() const { return timers_.next_due(); }
  std::optional<kernel::Timer> peek_timer(base::Timestamp now) const { return timers_.peek_due(now); }

  /// The complete state as canonical bytes; restore() on an engine of equal config continues identically.
  base::Bytes snapshot();
  /// Corrupt if the bytes are not a snapshot of an engine of this shape.
  base::Result<void> restore(base::ByteView bytes);

  const EngineConfig& config() const { return config_; }
  const domain::InstrumentTable& instruments() const { return instruments_; }
  const ledger::Ledger& ledger() const { return ledger_; }
  const market::MarketState& market() const { return market_; }
  const HookBoard& hooks() const { return hooks_; }
  bool killed() const { return gate_.killed(); }
  const risk::EntryPermission& entry_permission() const { return gate_.permission(); }
  std::size_t open_trades() const { return manager_.open_count(); }
  const fund::Strategy& strategy() const { return *strategy_; }

 private:
  Engine(EngineConfig config, domain::InstrumentTable instruments, std::unique_ptr<fund::Strategy> strategy);

  template <class Archive>
  void archive(Archive& a);
  template <class E>
  void handle(const E& event, execution::Context& context, Outbox& outbox);
  void on_bar(const domain::BarClosed& event, execution::Context& context, Outbox& outbox);
  void on_fill(const domain::Fill& fill, execution::Context& context);
  void on_operator(const domain::OperatorCommand& command, execution::Context& context);
  void on_snapshot(const domain::AccountSnapshot& snapshot, execution::Context& context);
  void scan(base::Timestamp bar_close, execution::Context& context);
  void record_calibration(std::uint32_t before, bool by_operator, execution::Context& context);
  void sample_equity(base::Timestamp bar_close, execution::Context& context);

  const EngineConfig config_;
  const domain::InstrumentTable instruments_;
  kernel::Timers timers_;
  market::MarketState market_;
  std::optional<features::FeatureBook> features_;  // only if the strategy needs them
  ledger::Ledger ledger_;
  ledger::TradeBook trades_;
  risk::Gate gate_;
  execution::FillFilter fills_;
  execution::TradeManager manager_;
  execution::Reconciler reconciler_;
  std::unique_ptr<fund::Strategy> strategy_;
  HookBoard hooks_;
  Executor executor_;
  domain::Money peak_equity_;
  base::Timestamp armed_scan_;  // bar close the last armed scan is for
  bool ending_ = false;         // RunEnding seen; the last equity sample is still to come
  base::Timestamp trade_from_;  // bars closing up to here only warm the state up
  std::uint64_t handled_ = 0;
};

}  // namespace qtrader::engine
