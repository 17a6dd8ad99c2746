#include "core/engine/engine.hpp"

#include <type_traits>

#include "core/base/hash.hpp"

namespace qtrader::engine {
namespace {

constexpr double kSlippageCapBps = 15;  // fund.md 1.2, hook 7
constexpr std::uint32_t kSnapshotVersion = 4;

/// Of the map in force; 0 if there is none.
std::uint32_t calibration_number(const fund::Strategy& strategy) {
  const models::Calibrator* const calibrator = strategy.calibrator();
  return calibrator != nullptr ? calibrator->current().number : 0;
}

}  // namespace

void Outbox::clear() {
  commands.clear();
  audit.clear();
  primary_bar.reset();
}

base::Result<std::unique_ptr<Engine>> Engine::create(EngineConfig config, domain::InstrumentTable instruments,
                                                     std::unique_ptr<fund::Strategy> strategy) {
  QT_TRY_VOID(validate(config));
  if (strategy == nullptr || strategy->name() != config.strategy)
    return base::Error{"engine", base::Errc::InvalidArgument,
                       "strategy '" + std::string(strategy ? strategy->name() : "none") + "' given, config says '" +
                           config.strategy + "'"};
  if (instruments.size() == 0)
    return base::Error{"engine", base::Errc::InvalidArgument, "no instruments: expected at least one symbol"};
  return std::unique_ptr<Engine>(new Engine(std::move(config), std::move(instruments), std::move(strategy)));
}

Engine::Engine(EngineConfig config, domain::InstrumentTable instruments, std::unique_ptr<fund::Strategy> strategy)
    : config_(std::move(config)),
      instruments_(std::move(instruments)),
      market_(instruments_.size(), {config_.base, config_.primary, config_.track_regime}),
      ledger_(instruments_),
      gate_(config_.limits, instruments_, ledger_, market_),
      fills_(instruments_.size()),
      manager_(config_.execution, instruments_, gate_, trades_, ledger_, market_),
      reconciler_(config_.execution.reconcile, instruments_.size(), {manager_, ledger_, gate_, market_}),
      strategy_(std::move(strategy)),
      executor_({config_, instruments_, market_, ledger_, gate_, manager_, *strategy_, hooks_}) {
  if (strategy_->needs_features())
    features_.emplace(instruments_.size(),
                      features::FeatureConfig{.base = config_.base,
                                              .primary = config_.primary,
                                              .warmup_bars = config_.warmup_bars,
                                              .reference = instruments_.find(config_.reference_symbol)});
  hooks_.install<RiskCheckHook>(std::make_unique<RiskStateCheck>(), domain::HookMode::Active);
  hooks_.install<SizingHook>(std::make_unique<RiskBasedSizing>(config_.limits), domain::HookMode::Active);
  hooks_.install<SlippageHook>(std::make_unique<SlippageCap>(kSlippageCapBps), domain::HookMode::Active);
}

void Engine::on_bar(const domain::BarClosed& event, execution::Context& context, Outbox& outbox) {
  executor_.overtake(features_ ? &*features_ : nullptr, event.bar.close_time());
  const auto result = market_.on_bar(event.symbol, event.bar, context.audit);
  if (!result.accepted) return;
  if (!ledger_.position(event.symbol).flat()) ledger_.mark(event.symbol, *market_[event.symbol].mark());
  if (features_) features_->on_base_bar(event.symbol, event.bar);
  manager_.on_bar(event.symbol, event.bar, context);
  if (!result.primary) return;
  if (features_) features_->on_primary_bar(event.symbol, *result.primary);
  strategy_->on_primary_bar(event.symbol, *result.primary);
  executor_.mark_dirty(event.symbol, result.primary->close_time());
  outbox.primary_bar.emplace(event.symbol, *result.primary);
  const base::Timestamp close = result.primary->close_time();
  if (close > armed_scan_) {
    armed_scan_ = close;
    timers_.arm(context.now + base::milliseconds(config_.executor.settle_ms), domain::TimerTag::Scan,
                static_cast<std::uint64_t>(close.ns));
  }
}

void Engine::on_fill(const domain::Fill& fill, execution::Context& context) {
  reconciler_.touch(fill.symbol, context.now);
  if (!fills_.admit(fill, context.audit)) return;
  const bool was_flat = ledger_.position(fill.symbol).flat();
  const auto booking = ledger_.apply(fill);
  manager_.on(fill, booking, context);
  if (was_flat) executor_.on_entry_filled(context.now);
  if (booking.closed) executor_.on_trade_closed(fill.symbol, context.now);
}

void Engine::on_operator(const domain::OperatorCommand& command, execution::Context& context) {
  switch (command.action) {
    case domain::OperatorAction::Kill:
      gate_.kill(command.reason);
      break;
    case domain::OperatorAction::Resume:
      // Of a symbol: its hold alone. A kill ends only by a resume that names none.
      if (!command.symbol) gate_.resume();
      reconciler_.release(command.symbol);
      break;
    case domain::OperatorAction::CloseAll:
      manager_.close_all(domain::ExitReason::Operator, context);
      break;
    case domain::OperatorAction::CloseSymbol:
      if (command.symbol) manager_.close(*command.symbol, domain::ExitReason::Operator, context);
      break;
    case domain::OperatorAction::RollBackCalibration:
      strategy_->roll_back_calibration();
      break;
  }
}

void Engine::on_snapshot(const domain::AccountSnapshot& snapshot, execution::Context& context) {
  const bool first = !reconciler_.opened();
  std::vector<bool> was_flat(instruments_.size());
  const auto flat = [&](std::size_t i) { return ledger_.position({static_cast<std::uint16_t>(i)}).flat(); };
  for (std::size_t i = 0; i < was_flat.size(); ++i) was_flat[i] = flat(i);
  reconciler_.on(snapshot, context);
  if (first) peak_equity_ = ledger_.equity();
  for (std::size_t i = 0; i < was_flat.size(); ++i)
    if (!was_flat[i] && flat(i)) executor_.on_trade_closed({static_cast<std::uint16_t>(i)}, context.now);
}

template <class E>
void Engine::handle(const E& event, execution::Context& context, Outbox& outbox) {
  if constexpr (std::is_same_v<E, domain::BarClosed>) {
    on_bar(event, context, outbox);
  } else if constexpr (std::is_same_v<E, domain::MarkPrice>) {
    const bool good = market_.on(event);
    // A position adopted at the start may be there before the first bar.
    if (good && !ledger_.position(event.symbol).flat())
      ledger_.mark(event.symbol, market_[event.symbol].mark().value_or(event.price));
  } else if constexpr (std::is_same_v<E, domain::OrderReport>) {
    reconciler_.touch(event.symbol, context.now);
    manager_.on(event, context);
  } else if constexpr (std::is_same_v<E, domain::Fill>) {
    on_fill(event, context);
  } else if constexpr (std::is_same_v<E, domain::FundingPayment>) {
    reconciler_.touch(event.symbol, context.now);
    ledger_.apply(event);
    manager_.on(event, context);
  } else if constexpr (std::is_same_v<E, domain::LeverageSet>) {
    reconciler_.touch(event.symbol, context.now);
    if (event.accepted) ledger_.apply(event);
    manager_.on(event, context);
  } else if constexpr (std::is_same_v<E, domain::TimerFired>) {
    if (!timers_.consume(event.timer)) return;  // disarmed in the meantime
    if (event.tag == domain::TimerTag::Scan) {
      scan({static_cast<std::int64_t>(event.argument)}, context);
    } else if (event.tag == domain::TimerTag::Reconcile) {
      reconciler_.on(event, context);
    } else {
      manager_.on(event, context);
    }
  } else if constexpr (std::is_same_v<E, domain::OperatorCommand>) {
    on_operator(event, context);
  } else if constexpr (std::is_same_v<E, domain::RunStarted>) {
    ledger_.deposit(event.initial_wallet);
    peak_equity_ = event.initial_wallet;
    trade_from_ = event.from;
    gate_.on_equity(event.initial_wallet, context.now);
    hooks_.report(context.audit);
  } else if constexpr (std::is_same_v<E, domain::RunEnding>) {
    executor_.stop_entries();
    manager_.close_all(domain::ExitReason::EndOfRun, context);
    reconciler_.end();
    ending_ = true;
  } else if constexpr (std::is_same_v<E, domain::AccountSnapshot>) {
    on_snapshot(event, context);
  } else if constexpr (std::is_same_v<E, domain::VenueLink> || std::is_same_v<E, domain::RunResumed>) {
    reconciler_.on(event, context);
  } else {
    market_.on(event);  // funding, book and its depth, open interest, sentiment, trending
  }
}

void Engine::scan(base::Timestamp bar_close, execution::Context& context) {
  const features::FeatureBook* const features = features_ ? &*features_ : nullptr;
  if (bar_close <= trade_from_) return executor_.skip_scan(features, context.now);
  sample_equity(bar_close, context);
  executor_.scan(features, handled_, context);
}

void Engine::sample_equity(base::Timestamp bar_close, execution::Context& context) {
  const ledger::AccountView account = ledger_.account();
  peak_equity_ = std::max(peak_equity_, account.equity);
  gate_.on_equity(account.equity, context.now);
  const double drawdown =
      peak_equity_.is_positive() ? (peak_equity_ - account.equity).to_double() / peak_equity_.to_double() : 0;
  context.audit.record(domain::EquitySample{.ts = bar_close,
                                            .equity = account.equity,
                                            .wallet = account.wallet,
                                            .unrealised = account.unrealised,
                                            .drawdown_frac = drawdown,
                                            .exposure = account.exposure});
}

void Engine::record_calibration(std::uint32_t before, bool by_operator, execution::Context& context) {
  const std::uint32_t now = calibration_number(*strategy_);
  if (now == before) return;
  const models::CalibrationMap& map = strategy_->calibrator()->current();
  context.audit.record(domain::CalibrationChanged{.from = before,
                                                  .to = now,
                                                  .by_operator = by_operator,
                                                  .verdicts = map.verdicts,
                                                  .holdout_brier = map.holdout_brier,
                                                  .raw_brier = map.raw_brier});
}

void Engine::step(const kernel::Envelope& envelope, Outbox& outbox) {
  outbox.clear();
  handled_ = envelope.seq;
  execution::Context context{envelope.ts_recv, timers_, outbox.commands, outbox};
  const std::uint32_t calibration = calibration_number(*strategy_);
  std::visit([&](const auto& event) { handle(event, context, outbox); }, envelope.event);
  record_calibration(calibration, std::holds_alternative<domain::OperatorCommand>(envelope.event), context);
  reconciler_.touch(outbox.commands, context.now);
  if (ending_ && manager_.open_count() == 0) {  // what the closing cost belongs to the result
    ending_ = false;
    sample_equity(context.now, context);
  }
  if (config_.digest_interval > 0 && handled_ % static_cast<std::uint64_t>(config_.digest_interval) == 0)
    outbox.record(domain::StateDigest{base::xxh64(snapshot(), 0)});
}

template <class Archive>
void Engine::archive(Archive& a) {
  a(timers_, market_, ledger_, trades_, gate_, fills_, manager_, reconciler_, executor_, peak_equity_, armed_scan_,
    trade_from_, ending_, handled_);
  if (features_) a(*features_);
  strategy_->archive(a);
}

base::Bytes Engine::snapshot() {
  base::Bytes bytes;
  base::Writer writer(bytes);
  writer(kSnapshotVersion, config_hash(config_));
  archive(writer);
  return bytes;
}

base::Result<void> Engine::restore(base::ByteView bytes) {
  base::Reader reader(bytes);
  std::uint32_t version = 0;
  std::string hash;
  reader(version, hash);
  if (version != kSnapshotVersion || hash != config_hash(config_))
    return base::Error{"engine", base::Errc::SchemaMismatch,
                       "snapshot of version " + std::to_string(version) + ", config " + hash.substr(0, 12) +
                           ": expected version " + std::to_string(kSnapshotVersion) + ", config " +
                           config_hash(config_).substr(0, 12)};
  archive(reader);
  if (!reader.complete())
    return base::Error{"engine", base::Errc::Corrupt, "snapshot does not match the state of this engine"};
  return {};
}

}  // namespace qtrader::engine
