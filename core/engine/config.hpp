// EngineConfig: everything that shapes the core's decisions, frozen at start and hashed into every report and journal.
#pragma once

#include <string>

#include "core/execution/exit_plan.hpp"
#include "core/features/feature_book.hpp"
#include "core/models/ensemble.hpp"
#include "core/risk/limits.hpp"

namespace qtrader::engine {

/// The signal-to-entry cycle (fund.md 1.1).
struct ExecutorConfig {
  std::int64_t settle_ms = 1'000;        // wait after a bar's close for the other symbols' bars of the same time
  std::int64_t cooldown_s = 300;         // no entry after one has filled
  std::int64_t symbol_cooldown_s = 180;  // no entry in a symbol after its trade has closed
  std::int32_t max_signals_per_cycle = 10;
  std::int32_t signal_queue_max = 20;  // waiting for a position to close; the weakest is dropped, and counted
  std::int32_t signal_ttl_scans = 2;
  double reversal_confidence = 0.60;  // an opposite probabilistic signal closes a position only above this
};
QT_DESCRIBE(ExecutorConfig, settle_ms, cooldown_s, symbol_cooldown_s, max_signals_per_cycle, signal_queue_max,
            signal_ttl_scans, reversal_confidence)

struct EngineConfig {
  domain::Timeframe base = domain::Timeframe::M5;
  domain::Timeframe primary = domain::Timeframe::M15;
  std::string strategy = "ai";
  std::string reference_symbol = "BTCUSDT";  // of feature #58
  std::int32_t warmup_bars = 800;            // primary bars, before the first feature vector is valid
  bool track_regime = true;
  execution::ExitMode exit_mode = execution::ExitMode::TrendFollow;
  double slippage_bps = 2;               // expected, per taker side, before the volatility term (ai.md 6.4)
  double slippage_bps_per_atr = 50;      // + this × ATR/price
  std::int32_t digest_interval = 4'096;  // events between two StateDigest records; 0: none
  ExecutorConfig executor;
  risk::Limits limits;
  execution::ExecutionConfig execution;
  models::EnsembleConfig ensemble;
};
QT_DESCRIBE(EngineConfig, base, primary, strategy, reference_symbol, warmup_bars, track_regime, exit_mode, slippage_bps,
            slippage_bps_per_atr, digest_interval, executor, limits, execution, ensemble)

/// InvalidArgument naming the first field out of range.
base::Result<void> validate(const EngineConfig& config);
/// SHA-256 of the canonical bytes, hexadecimal.
std::string config_hash(const EngineConfig& config);

}  // namespace qtrader::engine
